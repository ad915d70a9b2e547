//! What can be measured, for a page that asks: the workloads without their work.

use serde::{Deserialize, Serialize};

use crate::recorded::Recorded;

/// All workloads, and what came of them elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offered {
    /// In the order of [`crate::WORKLOADS`].
    pub offers: Vec<Offer>,
    /// What the developers' machine has measured.
    pub recorded: Recorded,
}

/// A [`crate::Workload`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its name.
    pub name: String,
    /// What one operation is.
    pub what: String,
    /// At which sizes it can be measured.
    pub sizes: Vec<u32>,
    /// The size at which it is measured by who has no time.
    pub quick: u32,
}
