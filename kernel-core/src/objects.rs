//! Where which objects lie: the map that turns an address into an object.
//!
//! The kernel itself never asks; it knows what its pointers lead to. Whoever looks at its memory from
//! outside has only an address. Static data stands where [`layout`] puts it, everything else in
//! slabs, whose caches are named after their type.

use crate::btf::{Field, Kind, Type};
use crate::container::{CgLink, Container, ContainerData, CssSet, Hierarchy};
use crate::fs::{Buckets, Dentry, File, FsData, Inode, Mount, Pipe};
use crate::mem::reclaim::swap::slot_of;
use crate::mem::reclaim::{RECLAIM, ReclaimData, SwapSlot};
use crate::mem::{
    MAX_CPUS, MAX_ZONES, MEM_MAP, Mem, MemData, Page, PerCpuPages, Ref, Zone, layout,
};
use crate::oom::listeners::{NOTIFY, NotifyData};
use crate::oom::weights::{CHUNKS, Chunk, FIRST, Weight};
use crate::oom::{OOM, OomData};
use crate::printk::{self, LogHead};
use crate::radix_tree::{RadixData, RadixTreeNode};
use crate::shell::{Job, NamedTree, ShellData};
use crate::slab::alias::Alias;
use crate::slab::play::Handle;
use crate::slab::{KmemCache, SlabData};
use crate::task::mm::{Mm, Vma};
use crate::task::program;
use crate::task::sched::{CfsRq, Rq, SCHED, SchedData, SchedEntity, TaskGroup};
use crate::task::user::User;
use crate::task::{Files, SignalStruct, Task, TaskData};
use crate::trace::{CAPACITY, Record, TraceData, UPPER_HALVES, UpperHalves};
use crate::tty::{self, Tty};

/// Objects of one type, side by side in the kernel's static data.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Where the first begins, in units of 8 bytes.
    pub at: u32,
    /// How many there are.
    pub count: u32,
    /// Their type.
    pub object: &'static Type,
}

/// The types of the objects in slabs, each named as its cache.
const CACHED: &[&Type] = &[
    &Alias::TYPE,
    &Handle::TYPE,
    &KmemCache::TYPE,
    &RadixTreeNode::TYPE,
    &Dentry::TYPE,
    &Inode::TYPE,
    &Mount::TYPE,
    &File::TYPE,
    &Pipe::TYPE,
    &NamedTree::TYPE,
    &Task::TYPE,
    &SignalStruct::TYPE,
    &Files::TYPE,
    &User::TYPE,
    &TaskGroup::TYPE,
    &SchedEntity::TYPE,
    &CfsRq::TYPE,
    &Container::TYPE,
    &Hierarchy::TYPE,
    &CssSet::TYPE,
    &CgLink::TYPE,
    &Job::TYPE,
    &Mm::TYPE,
    &Vma::TYPE,
    &program::Process::TYPE,
    &program::Image::TYPE,
];

/// The type of the objects in the cache of that name, if they have one.
pub fn type_in_cache(name: &str) -> Option<&'static Type> {
    CACHED.iter().copied().find(|object| object.name == name)
}

/// Eight bytes of the kernel's log.
const LOG_TEXT: Type = Type {
    name: "log_text",
    size: 8,
    fields: &[Field {
        name: "text",
        offset: 0,
        size: 8,
        length: Some(8),
        kind: Kind::Text,
    }],
};

/// Eight bytes of what programs have printed.
const TTY_TEXT: Type = Type {
    name: "tty_text",
    ..LOG_TEXT
};

/// Heads of two chains of a hash table.
const BUCKETS: Type = Type {
    name: "hash_table",
    size: size_of::<Buckets>() as u32,
    fields: &[Field {
        name: "first",
        offset: 0,
        size: 8,
        length: Some(2),
        kind: Kind::Pointer,
    }],
};

/// The static data: variables of the subsystems, trace buffer, zones, `mem_map`, and behind all memory
/// the swap device's map; in the order of their addresses.
pub fn statics(mem: &Mem) -> [Run; 26] {
    let one = |frame: u32, object| Run {
        at: Ref::<()>::of_frame(frame).unit(),
        count: 1,
        object,
    };
    let zones: Ref<Zone> = Ref::of_frame(layout::ZONES);
    let zones_max = MAX_ZONES as u32;
    [
        one(layout::MEM, &MemData::TYPE),
        Run {
            at: RECLAIM.unit(),
            count: 1,
            object: &ReclaimData::TYPE,
        },
        Run {
            at: OOM.unit(),
            count: 1,
            object: &OomData::TYPE,
        },
        Run {
            at: NOTIFY.unit(),
            count: 1,
            object: &NotifyData::TYPE,
        },
        one(layout::TRACE, &TraceData::TYPE),
        Run {
            at: CHUNKS.unit(),
            count: 1,
            object: &Chunk::TYPE,
        },
        Run {
            at: CHUNKS.offset(1).unit(),
            count: FIRST as u32,
            object: &Weight::TYPE,
        },
        one(layout::SLAB, &SlabData::TYPE),
        one(layout::RADIX_TREE, &RadixData::TYPE),
        one(layout::FS, &FsData::TYPE),
        one(layout::SHELL, &ShellData::TYPE),
        one(layout::TASK, &TaskData::TYPE),
        Run {
            count: CAPACITY as u32,
            ..one(layout::TRACE_BUFFER, &Record::TYPE)
        },
        Run {
            at: UPPER_HALVES.unit(),
            count: CAPACITY as u32,
            object: &UpperHalves::TYPE,
        },
        Run {
            count: zones_max,
            ..one(layout::ZONES, &Zone::TYPE)
        },
        Run {
            at: zones.offset(zones_max).unit(),
            count: zones_max * MAX_CPUS as u32,
            object: &PerCpuPages::TYPE,
        },
        one(layout::LOG, &LogHead::TYPE),
        Run {
            at: Ref::<()>::of_frame(layout::LOG).unit() + LogHead::TYPE.size / 8,
            count: (printk::CAPACITY / 8) as u32,
            object: &LOG_TEXT,
        },
        Run {
            count: MAX_CPUS as u32,
            ..one(layout::SCHED, &Rq::TYPE)
        },
        Run {
            at: SCHED.unit(),
            count: 1,
            object: &SchedData::TYPE,
        },
        one(layout::CONTAINER, &ContainerData::TYPE),
        one(layout::TTY, &Tty::TYPE),
        Run {
            at: Ref::<()>::of_frame(layout::TTY).unit() + Tty::TYPE.size / 8,
            count: (tty::CAPACITY / 8) as u32,
            object: &TTY_TEXT,
        },
        Run {
            at: MEM_MAP.unit(),
            count: mem.frames(),
            object: &Page::TYPE,
        },
        Run {
            // Two buckets for dentries and one for inodes, for each frame.
            count: (mem.frames() * 3).div_ceil(2),
            ..one(layout::hash_tables(mem.frames()), &BUCKETS)
        },
        Run {
            at: slot_of(mem, 0).unit(),
            count: mem[RECLAIM].swap.pages,
            object: &SwapSlot::TYPE,
        },
    ]
}

impl Run {
    /// Where the object begins that holds `at`, if one does.
    pub fn object_at(&self, at: u32) -> Option<u32> {
        let units = self.object.size.div_ceil(8);
        let index = at.checked_sub(self.at)? / units;
        (index < self.count).then_some(self.at + index * units)
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    extern crate std;

    use std::vec;

    use super::*;
    use crate::mem::Ram;
    use crate::{Kernel, machine::MachineConfig, slab};

    fn kernel() -> Kernel {
        let config = MachineConfig::parse("mem=16M nodes=2 cpus=3 swap=2M").unwrap();
        Kernel::boot(Ram::new(config.ram_frames()).unwrap(), &config).unwrap()
    }

    #[test]
    fn every_cache_has_a_type_of_its_size() {
        let kernel = kernel();
        for cache in slab::caches(&kernel.mem) {
            let KmemCache { object_size, .. } = kernel.mem[cache];
            let name = kernel.mem[cache].name();
            // The general caches serve whoever asks.
            if name.starts_with("kmalloc-") {
                continue;
            }
            let object = type_in_cache(name).unwrap_or_else(|| panic!("{name} has no type"));
            assert_eq!(object.size, object_size, "{name}");
        }
    }

    #[test]
    fn all_static_data_is_told() {
        let kernel = kernel();
        let mem = &kernel.mem;
        let mut told = vec![false; (mem.ram().frames() as usize) << 9];
        let runs = statics(mem);
        assert!(runs.is_sorted_by_key(|run| run.at));
        for run in runs {
            for unit in run.at..run.at + run.count * run.object.size.div_ceil(8) {
                assert!(!core::mem::replace(&mut told[unit as usize], true));
            }
        }
        // A slot of the swap device is found at its address.
        let slot = slot_of(mem, 7).unit();
        let found = statics(mem).iter().find_map(|run| {
            let at = run.object_at(slot)?;
            Some((at, run.object.name))
        });
        assert_eq!(found, Some((slot, SwapSlot::TYPE.name)));
        // Whatever the kernel wrote below its managed memory is in one of them.
        for frame in 0..layout::first_managed(mem.frames()) as usize {
            for (index, word) in mem.frame(frame as u32).chunks_exact(8).enumerate() {
                let unit = frame * 512 + index;
                assert!(
                    told[unit] || word.iter().all(|&byte| byte == 0),
                    "unit {unit:#x} is nobody's"
                );
            }
        }
    }

    #[test]
    fn an_address_finds_its_object() {
        let kernel = kernel();
        let runs = statics(&kernel.mem);
        let pages = runs.iter().find(|run| run.object.name == "page").unwrap();
        let third = pages.at + 2 * 4;
        for at in third..third + 4 {
            assert_eq!(pages.object_at(at), Some(third));
        }
        assert_eq!(pages.object_at(pages.at - 1), None);
        let end = pages.at + kernel.mem.frames() * 4;
        assert_eq!(pages.object_at(end - 1), Some(end - 4));
        assert_eq!(pages.object_at(end), None);
    }
}
