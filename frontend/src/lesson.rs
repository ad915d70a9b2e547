//! The lab that a student works in: the catalogue, the handout with its commands and questions,
//! the checks, and handing in.
//!
//! What is drawn is the state of [`crate::state::lesson`]; what has to be fetched, remembered, sent
//! or brought into sight is done in [`outside`]. A handout comes as blocks and becomes nodes of the
//! page one by one, so that no text of it is ever taken for HTML.

mod catalogue;
mod checks;
mod commands;
mod handout;
mod outside;
mod pane;
mod question;

pub use catalogue::CatalogueDialog;
pub use outside::{begin, fetch, perform};
pub use pane::LessonPane;
