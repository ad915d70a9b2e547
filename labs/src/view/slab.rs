//! The slab caches, as `/proc/slabinfo` counts them.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// All caches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlabView {
    /// The caches in the order of their creation.
    pub caches: Vec<CacheView>,
}

/// One `kmem_cache`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheView {
    /// The cache's name.
    pub name: String,
    /// Bytes that a user asked for.
    pub object_size: u32,
    /// Bytes from one object to the next.
    pub size: u32,
    /// Objects to a slab.
    pub objects_per_slab: u32,
    /// Frames to a slab, 2^order.
    pub pages_per_slab: u32,
    /// Objects in use.
    pub active_objects: u32,
    /// Objects that the slabs hold room for.
    pub total_objects: u32,
    /// Slabs.
    pub slabs: u32,
    /// Slabs on the nodes' partial lists.
    pub partial: u32,
}
