//! The callbacks of all caches that can be defragmented: one table, because a cache's descriptor is
//! plain data and names them by number.
//!
//! Callbacks may also come from outside of the kernel, with a [`Module`]: the host loads it, and the
//! cache of connections ([`crate::slab::conn`]) asks it.

extern crate alloc;

use alloc::boxed::Box;
use core::any::Any;
use core::fmt;

use crate::fs::shrink::{Dentries, Inodes};
use crate::mem::{Mem, Ref};
use crate::slab::conn::Conns;
use crate::slab::defrag::CacheOps;
use crate::slab::play::{Handles, Movable, Naughty, Pinned};
use crate::slab::{KmemCache, Object};

/// Callbacks that a host brings: a student's, say. Like a [`CacheOps`], but with a state of its own,
/// which is no part of the kernel's.
pub trait Module: Any + Send {
    /// See [`CacheOps::get`].
    fn get(&mut self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32;

    /// See [`CacheOps::kick`].
    fn kick(&mut self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &[Ref<Object>], private: u32);
}

/// The place for a module.
#[derive(Default)]
pub(crate) struct ModuleSlot(Option<Box<dyn Module>>);

impl fmt::Debug for ModuleSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "a module"
        } else {
            "no module"
        })
    }
}

impl Mem {
    /// Loads a module, or unloads it, and returns the one that was there.
    pub fn load_module(&mut self, module: Option<Box<dyn Module>>) -> Option<Box<dyn Module>> {
        core::mem::replace(&mut self.module.0, module)
    }
}

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
