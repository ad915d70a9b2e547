//! The sessions that the browser keeps, as people see them: the list, the log as text, links.
//!
//! What is kept and when is decided in [`crate::state::library`]; [`journal`] carries it out, in
//! `keeper.js`. [`sheet`] draws and reports.

pub mod journal;
pub mod sheet;
