//! Trace events as rows.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

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
}
