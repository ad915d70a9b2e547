//! The sessions that the browser keeps, as people see them: the list, the log as text, links.
//!
//! What is kept and when is decided in [`crate::state::library`]; [`journal`] carries it out, in
//! `keeper.js`. The components here draw and report.

pub mod journal;
mod sheet;

pub use sheet::{Dropped, LibrarySheet};
