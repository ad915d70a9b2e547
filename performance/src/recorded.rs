//! How results are kept, and shown beside a visitor's own.

use serde::{Deserialize, Serialize};

/// What one machine has measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Which machine that was: its processor, how many of them.
    pub machine: String,
    /// When, as `2026-11-22`.
    pub date: String,
    /// A row for each workload at each size, in the order of [`crate::WORKLOADS`].
    pub rows: Vec<Row>,
}

/// What one workload costs at one size, an operation. What was not measured is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The workload's name.
    pub name: String,
    /// Its size.
    pub size: u32,
    /// Nanoseconds in a process, the median of some rounds.
    pub native_ns: Option<f64>,
    /// Nanoseconds in a browser, likewise.
    pub wasm_ns: Option<f64>,
    /// Instructions in a process.
    pub instructions: Option<f64>,
}

impl Recorded {
    /// The row of a workload at a size.
    pub fn row(&self, name: &str, size: u32) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| row.name == name && row.size == size)
    }
}
