//! Trace events as rows.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Table, View, headings};

/// A run of trace events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsView {
    /// Number of the next event that the kernel will emit.
    pub next: u64,
    /// Events asked for that the trace buffer no longer holds, or that exceeded the maximum.
    pub lost: u64,
    /// The events, oldest first.
    pub events: Vec<EventRow>,
}

/// One trace event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Its number since boot, from 0.
    pub number: u64,
    /// The step (line of the log) during which it was emitted, from 1; 0 is boot.
    pub step: u32,
    /// Its tracepoint as Linux names it, `kmem:kmem_cache_alloc`.
    pub name: String,
    /// Its fields, `name=radix_tree_node ptr=ffff880000123000 ...`.
    pub fields: String,
    /// The CPU that it happened on.
    pub cpu: u8,
    /// What happened, in a plain sentence.
    pub sentence: String,
    /// The kernel objects that it is about.
    pub touches: Vec<Touch>,
}

/// A stretch of kernel memory that an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// Where it begins, in units of 8 bytes.
    pub at: u32,
    /// Its length in bytes.
    pub bytes: u32,
}

impl View for EventsView {
    fn table(&self) -> Table {
        let rows = self.events.iter().map(|event| {
            let numbers = [event.number.to_string(), event.step.to_string()];
            numbers
                .into_iter()
                .chain([event.name.clone(), event.fields.clone()])
                .collect()
        });
        Table {
            caption: self.sentence(),
            columns: headings([
                words::events::column_event(),
                words::events::column_step(),
                words::events::column_tracepoint(),
                words::events::column_fields(),
            ]),
            rows: rows.collect(),
        }
    }

    fn sentence(&self) -> String {
        let mut text = words::events::sentence(self.next);
        if let (Some(first), Some(last)) = (self.events.first(), self.events.last()) {
            text.push_str(&words::events::listed(first.number, last.number));
        }
        if self.lost != 0 {
            text.push_str(&words::events::lost(self.lost));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_as_a_sentence_and_a_table() {
        let event = EventRow {
            number: 7,
            step: 2,
            name: "kmem:kmem_cache_alloc".into(),
            fields: "name=radix_tree_node".into(),
            ..EventRow::default()
        };
        let view = EventsView {
            next: 8,
            lost: 7,
            events: [event].into(),
        };
        assert_eq!(
            view.sentence(),
            "8 trace events since boot; 7 to 7 are listed; 7 older ones are not"
        );
        assert_eq!(
            view.table().rows,
            [["7", "2", "kmem:kmem_cache_alloc", "name=radix_tree_node"]]
        );
        assert_eq!(
            EventsView::default().sentence(),
            "0 trace events since boot"
        );
    }
}
