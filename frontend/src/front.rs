//! The first minute: the ways on over the console, the tour, the examples, the search, the glossary.
//!
//! What is drawn is the state of [`crate::state::front`]. The ways on are part of the console
//! ([`ways`]), because they are there when the page is first drawn; all else is behind a split point
//! or a file that is fetched when it is wanted.

mod glossary;
mod outside;
mod playground;
mod search;
mod tour;
mod ways;

pub use glossary::GlossaryDialog;
pub use outside::perform;
pub use playground::PlaygroundDialog;
pub use search::SearchDialog;
pub use tour::TourStrip;
pub use ways::welcome;

use labs::example::System;
use words::front as say;

/// A system's name as a heading.
fn title_of(system: System) -> &'static str {
    match system {
        System::Radix => say::radix(),
        System::Memory => say::memory(),
        System::Slab => say::slab(),
        System::Swap => say::swap(),
        System::Files => say::files(),
        System::Tasks => say::tasks(),
        System::Scheduler => say::scheduler(),
        System::Containers => say::containers(),
        System::Oom => say::oom(),
        System::Trace => say::trace(),
    }
}
