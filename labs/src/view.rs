//! What the kernel looks like from outside: plain structs, each with three faces.
//!
//! A view is computed *from* a kernel and knows nothing of how it will be drawn. The page draws it
//! as a picture; [`View::table`] and [`View::sentence`] give the same facts to readers of tables
//! and of text, and to tests.

mod cache;
mod changes;
mod container;
mod events;
mod memory;
mod object;
pub mod oom;
mod radix;
mod sched;
mod slab;
pub mod task;
mod timeline;

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use cache::{
    CacheSlabsView, CpuView, DefragChoice, DefragRun, DefragView, Fate, FateCounts, NodeView,
    ObjectFate, PlaceState, PlaceView, Segment, SegmentKind, SlabList, SlabNames, SlabPage,
    Vacated, fragmentation,
};
pub use changes::{Change, ChangesView, ObjectChange};
pub use container::{
    CallView, CallbacksView, ContainerView, ContainersView, HierarchyView, Meter, Reading, TaskDot,
    Unit,
};
pub use events::{EventRow, EventsView, Touch};
pub use memory::{FrameKind, MemoryView, ZoneView};
pub use object::{FieldView, ObjectState, ObjectView};
pub use radix::{RadixNode, RadixNodeView, RadixView};
pub use sched::{
    EntityView, GroupView, QueueView, Reason, RunQueueView, SchedView, ahead, duration,
};
pub use slab::{CacheView, SlabView};
pub use timeline::{
    Ended, Merged, Share, Span, TimelineGroup, TimelineTask, TimelineView, Wake, permille,
};

/// The two faces of a view that need no canvas.
pub trait View {
    /// The view's facts as rows.
    fn table(&self) -> Table;
    /// The view's facts as a line of text.
    fn sentence(&self) -> String;
}

/// Rows of text under column headings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What the table is about.
    pub caption: String,
    /// The heading of each column.
    pub columns: Vec<String>,
    /// The rows, each as long as `columns`.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The table for a terminal: its caption, an empty line, and columns as wide as what stands in them.
    pub fn text(&self) -> String {
        let Table {
            caption,
            columns,
            rows,
        } = self;
        let mut text = alloc::format!("{caption}\n\n");
        let width = |column: usize| {
            let cells = rows.iter().chain([columns]).map(|row| row[column].len());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        for row in [columns].into_iter().chain(rows) {
            let cells = row.iter().zip(&widths);
            let cells = cells.map(|(cell, &width)| alloc::format!("{cell:<width$}"));
            let line: Vec<String> = cells.collect();
            text.push_str(line.join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// The address of a kernel handle (in units of 8 bytes) as the kernel prints it.
pub fn address(handle: u32) -> String {
    alloc::format!("{:016x}", 0xffff_8800_0000_0000 + u64::from(handle) * 8)
}

/// Checks that the page can say in German what a kernel tells.
#[cfg(test)]
#[track_caller]
pub(crate) fn check_german(sentence: &str) {
    use words::{GERMAN, Language, speak, told};

    speak(Language::German, GERMAN).expect("the texts are of this build");
    let german = told(sentence);
    speak(Language::English, "").expect("English is always there");
    assert_ne!(german, sentence, "words/texts/told.txt lacks this");
    for english in [" the ", " a ", " is ", " are ", " to ", " and ", " its "] {
        assert!(!german.contains(english), "{sentence}\n{german}");
    }
}

/// Column headings.
fn headings<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.into_iter().map(String::from).collect()
}

/// Where a session stands: the status line of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateView {
    /// How many lines of the log have run.
    pub step: u32,
    /// How many lines the log has.
    pub steps: u32,
    /// The last line that ran, its first 512 bytes; empty at step 0.
    pub line: String,
    /// Exit status of the last line that ran.
    pub status: u8,
    /// Trace events since boot.
    pub events: u64,
    /// The hash chain over them.
    pub chain: u64,
    /// Names of the radix trees, in the order of their creation.
    pub trees: Vec<String>,
    /// The tree that a command used last; empty if there is none.
    pub current_tree: String,
    /// The CPU that the console runs on.
    pub cpu: u32,
    /// Depth of disabled preemption.
    pub preempt_count: u32,
    /// The machine was powered off; it runs no further lines.
    pub powered_off: bool,
}
