//! How one asks the past: a dock beside the pictures, with a tab for each kind of question.
//!
//! The state behind it is [`state::inquiry`](crate::state::inquiry)'s; each tab is a file here.
//! [`outside`] does what the questions need of the browser.

mod changes;
mod compare;
mod dock;
mod edit;
mod export;
mod hex;
mod inspector;
pub mod outside;
pub mod play;
mod search;

pub use changes::KINDS;
pub use dock::Dock;
