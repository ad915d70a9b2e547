//! The callbacks of all caches that can be defragmented: one table, because a cache's descriptor is
//! plain data and names them by number.
//!
//! Callbacks may also come from outside of the kernel, with a [`crate::module::Module`]: the host loads
//! it, and the cache of connections ([`crate::slab::conn`]) asks it.

use crate::fs::shrink::{Dentries, Inodes};
use crate::slab::conn::Conns;
use crate::slab::defrag::CacheOps;
use crate::slab::play::{Handles, Movable, Naughty, Pinned};

/// Callbacks by number; 0 is none.
static TABLE: &[&dyn CacheOps] = &[
    &Movable, &Pinned, &Handles, &Dentries, &Inodes, &Naughty, &Conns,
];

/// The callbacks of this number.
pub fn get(number: u32) -> Option<&'static dyn CacheOps> {
    let index = number.checked_sub(1)?;
    TABLE.get(index as usize).copied()
}

/// The number of the callbacks of that name.
pub fn by_name(name: &str) -> Option<u32> {
    let index = TABLE.iter().position(|ops| ops.name() == name)?;
    Some(index as u32 + 1)
}
