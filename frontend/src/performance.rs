//! What the kernel costs on the visitor's machine, beside what it cost elsewhere.
//!
//! A dialog, reached by `#performance`. The work is that of the crate `performance`, in a worker of its
//! own; [`course`] decides which of it is done when, [`costs`] what is shown of it, [`mod@bench`] speaks to
//! the worker, and [`sheet`] draws. None of this is loaded before it is opened.

mod bench;
mod costs;
mod course;
mod sheet;
mod visitor;

pub use sheet::PerformanceSheet;
