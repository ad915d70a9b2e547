//! Physical memory: frames, kernel pointers, zones and the page allocator.
//!
//! The kernel keeps *everything* it knows in its own frames: page descriptors, free lists, slab
//! caches, even the variables that a C kernel would put into `.data`. So the frames are the
//! kernel's whole state, a copy of them is a snapshot, and what a picture shows is the truth. Code
//! reaches an object through [`Mem`], indexed by a [`Ref`]: `mem[page].count += 1`.
//!
//! The first frames are laid out as a linker script would lay out an image:
//!
//! | frame | content |
//! |---|---|
//! | 0 | nothing, so that NULL leads nowhere |
//! | 1 .. | static data, a frame for each subsystem, see [`layout`] |
//! | [`layout::TRACE_BUFFER`] .. | the trace buffer |
//! | [`layout::ZONES`] .. | zones and per-CPU page lists |
//! | [`layout::LOG`] .. | the kernel's log |
//! | [`layout::MEM_MAP`] .. | `mem_map`, one [`Page`] for each frame |
//! | [`layout::hash_tables`] .. | where dentries and inodes are found by their names and numbers |
//! | behind it | what the page allocator manages |

mod buddy;
mod gfp;
mod list;
mod page;
mod ram;
pub mod reclaim;
mod reference;
#[cfg(test)]
mod tests;
mod zone;

pub use buddy::PerCpuPages;
pub use gfp::Gfp;
pub use list::ListHead;
pub use page::{MAX_ORDER, Page, PageFlag};
pub use ram::{FRAME_SIZE, Ram, UNIT, UNITS_PER_FRAME};
pub use reference::{PAGE_OFFSET, Ref};
pub use zone::{FreeArea, MAX_CPUS, MAX_NODES, MAX_ZONES, Zone, ZoneList};

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::machine::MachineConfig;
use crate::module::ModuleSlot;
use crate::slab::{self, KmemCache, failslab};
use crate::task::Task;
use crate::trace::{self, TapSlot, Tracepoint};

/// Frame numbers of the kernel's static data: our linker script.
pub mod layout {
    /// Nothing, so that NULL leads nowhere.
    pub const NULL: u32 = 0;
    /// [`super::MemData`].
    pub const MEM: u32 = 1;
    /// `trace::TraceData`, and behind it the first of `oom::weights`.
    pub const TRACE: u32 = 2;
    /// `slab::SlabData`.
    pub const SLAB: u32 = 3;
    /// `radix_tree::RadixData`.
    pub const RADIX_TREE: u32 = 4;
    /// `fs::FsData`.
    pub const FS: u32 = 5;
    /// `shell::ShellData`.
    pub const SHELL: u32 = 6;
    /// `task::TaskData`.
    pub const TASK: u32 = 7;
    /// The trace buffer.
    pub const TRACE_BUFFER: u32 = 8;
    /// Frames of the trace buffer.
    pub const TRACE_BUFFER_FRAMES: u32 = 16;
    /// Zones, then per-CPU page lists.
    pub const ZONES: u32 = TRACE_BUFFER + TRACE_BUFFER_FRAMES;
    /// Frames for these.
    pub const ZONES_FRAMES: u32 = 9;
    /// The kernel's log.
    pub const LOG: u32 = ZONES + ZONES_FRAMES;
    /// Frames for it.
    pub const LOG_FRAMES: u32 = 4;
    /// `task::sched::Rq` for each CPU, and what the scheduler knows besides.
    pub const SCHED: u32 = LOG + LOG_FRAMES;
    /// `container::ContainerData`.
    pub const CONTAINER: u32 = SCHED + 1;
    /// `tty::Tty`, what programs have printed and nobody has seen yet.
    pub const TTY: u32 = CONTAINER + 1;
    /// Frames for it.
    pub const TTY_FRAMES: u32 = 4;
    /// `mem_map`.
    pub const MEM_MAP: u32 = TTY + TTY_FRAMES;
    /// Bytes of the file system's hash tables for each frame of the machine: two buckets for
    /// dentries and one for inodes, so that chains stay short even if little else is in memory.
    pub const HASH_BYTES: u32 = 12;

    /// The file system's hash tables, behind `mem_map`.
    pub fn hash_tables(frames: u32) -> u32 {
        MEM_MAP + (frames * size_of::<super::Page>() as u32).div_ceil(super::FRAME_SIZE as u32)
    }

    /// The first frame that the page allocator manages.
    pub fn first_managed(frames: u32) -> u32 {
        hash_tables(frames) + (frames * HASH_BYTES).div_ceil(super::FRAME_SIZE as u32)
    }
}

/// The static data of this module.
pub const MEM: Ref<MemData> = Ref::of_frame(layout::MEM);
/// The descriptor of frame 0; the others follow.
pub(crate) const MEM_MAP: Ref<Page> = Ref::of_frame(layout::MEM_MAP);

/// What the memory system knows besides the page descriptors.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct MemData {
    /// CPU that runs now.
    pub cpu: u32,
    /// Task that runs on it (`current`).
    pub current: Ref<Task>,
    /// NUMA node of that CPU.
    pub node: u32,
    /// Depth of disabled preemption of the running task: above 0 it stays on its CPU.
    pub preempt_count: u32,
    /// Fault injection: the allocation to fail, counted from 1; 0 is none. See
    /// [`Mem::should_fail`].
    pub fail_nth: u32,
    /// CPUs of the machine.
    pub nr_cpus: u32,
    /// NUMA nodes of the machine.
    pub nr_nodes: u32,
    /// Zones of the machine.
    pub nr_zones: u32,
    /// The zones.
    pub zones: Ref<Zone>,
    /// Per-CPU page lists, [`MAX_CPUS`] for each zone.
    pub per_cpu_pages: Ref<PerCpuPages>,
    /// The running CPU's page list of the zone that it tries first.
    pub local_pages: Ref<PerCpuPages>,
    /// For each node, the zones that its allocations try.
    pub zonelists: [ZoneList; MAX_NODES],
    /// Frames that the allocator manages.
    pub managed: u32,
    /// Steps that the running console line may still take.
    pub steps_left: u32,
    /// What the allocators' fast paths have to do besides: [`MemData::EVENTS`] and
    /// [`MemData::FAULTS`]. Mostly the first, on a machine without trace nothing.
    pub hooks: u32,
    /// Kernel steps since boot: the measure of work in which limits count, never seconds.
    pub steps: u64,
}

describe!(
    MemData,
    "mem_data",
    [
        cpu,
        current,
        node,
        preempt_count,
        fail_nth,
        nr_cpus,
        nr_nodes,
        nr_zones,
        zones,
        per_cpu_pages,
        local_pages,
        zonelists,
        managed,
        steps_left,
        hooks: Kind::Hex,
        steps,
    ]
);

impl MemData {
    /// In [`MemData::hooks`]: what they do is told.
    pub const EVENTS: u32 = 1;
    /// In [`MemData::hooks`]: allocations are counted, to fail one.
    pub const FAULTS: u32 = 2;
}

/// Physical memory, and everything the kernel keeps in it.
#[derive(Debug)]
pub struct Mem {
    ram: Ram,
    /// Frames of the machine's memory; the swap device lies behind them.
    frames: u32,
    pub(crate) tap: TapSlot,
    pub(crate) module: ModuleSlot,
}

impl Mem {
    /// Sets up page descriptors, zones and free lists in zeroed memory.
    pub(crate) fn boot(ram: Ram, config: &MachineConfig) -> Mem {
        let mut mem = Mem {
            ram,
            frames: config.frames,
            tap: TapSlot::default(),
            module: ModuleSlot::default(),
        };
        let frames = mem.frames();
        trace::boot(&mut mem, config.traced);
        mem[MEM].nr_cpus = config.cpus;
        mem[MEM].nr_nodes = config.nodes;
        let zones: Ref<Zone> = Ref::of_frame(layout::ZONES);
        mem.zones_init(zones, config.nodes);
        let first_free = layout::first_managed(frames);
        for number in 0..mem[MEM].nr_zones {
            let zone = mem.zone(number);
            let Zone { start, spanned, .. } = mem[zone];
            for frame in start..start + spanned {
                let page = mem.page(frame);
                mem[page].set_zone(number);
                if frame < first_free {
                    mem[page].set(PageFlag::Reserved);
                    mem[page].count = 1;
                }
            }
            let managed_from = start.max(first_free.min(start + spanned));
            let managed = start + spanned - managed_from;
            mem[zone].present = managed;
            mem[MEM].managed += managed;
            mem.release_range(zone, managed_from, start + spanned);
        }
        mem.per_cpu_pages_init(zones.offset(MAX_ZONES as u32).cast());
        mem.settle_on_cpu();
        reclaim::boot(&mut mem, config.swap);
        mem
    }

    /// Hands the frames `from..to` to the buddy lists in blocks as large as alignment allows.
    fn release_range(&mut self, zone: Ref<Zone>, from: u32, to: u32) {
        let mut at = from;
        while at < to {
            let mut order = (at.trailing_zeros() as usize).min(MAX_ORDER - 1);
            while at + (1 << order) > to {
                order -= 1;
            }
            self.give_block(zone, at, order as u32);
            at += 1 << order;
        }
    }

    /// Number of frames of the machine's memory.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// The memory itself.
    pub fn ram(&self) -> &Ram {
        &self.ram
    }

    /// The memory itself, for whoever restores a snapshot. Anything else breaks the kernel.
    pub fn ram_mut(&mut self) -> &mut Ram {
        &mut self.ram
    }

    /// Ends the kernel and gives its memory back.
    pub fn into_ram(self) -> Ram {
        self.ram
    }

    /// Copies a frame to another; either may be one of the swap device's.
    pub(crate) fn copy_frame(&mut self, from: u32, to: u32) {
        let content = *self.frame(from);
        *self.frame_mut(to) = content;
    }

    /// A frame's bytes.
    pub fn frame(&self, frame: u32) -> &[u8; FRAME_SIZE] {
        self.ram.frame(frame)
    }

    /// A frame's bytes, to be changed.
    pub fn frame_mut(&mut self, frame: u32) -> &mut [u8; FRAME_SIZE] {
        self.ram.frame_mut(frame)
    }

    /// Fault injection (`/proc/self/fail-nth`): counts down at every page and slab allocation and
    /// says when the chosen one is to fail.
    #[inline(always)]
    pub fn should_fail(&mut self) -> bool {
        self.should_fail_in(Ref::NULL)
    }

    /// Has that allocation fail, counted from 1; see [`MemData::fail_nth`].
    pub(crate) fn set_fail_nth(&mut self, count: u32) {
        let data = &mut self[MEM];
        data.fail_nth = count;
        data.hooks &= !MemData::FAULTS;
        data.hooks |= u32::from(count != 0) * MemData::FAULTS;
    }

    /// Whether some allocation is to fail, this one or another.
    #[inline(always)]
    pub(crate) fn may_fail(&self) -> bool {
        self[MEM].fail_nth != 0
    }

    /// The same for an allocation from a slab cache, which may be armed by itself; see
    /// [`failslab`].
    #[inline(always)]
    pub(crate) fn should_fail_in(&mut self, cache: Ref<KmemCache>) -> bool {
        self.may_fail() && self.count_down_to_failure(cache)
    }

    #[cold]
    fn count_down_to_failure(&mut self, cache: Ref<KmemCache>) -> bool {
        if slab::defrag::is_locked(self) {
            return true;
        }
        let mut fails = failslab::should_fail(self, cache);
        if self[MEM].fail_nth != failslab::ARMED {
            self[MEM].fail_nth -= 1;
            fails |= self[MEM].fail_nth == 0;
        }
        let count = match (self[MEM].fail_nth, failslab::is_armed(self)) {
            (0, true) => failslab::ARMED,
            (failslab::ARMED, false) => 0,
            (count, _) => count,
        };
        self.set_fail_nth(count);
        if fails {
            let ret = -(Errno::ENOMEM as i64);
            self.trace(Tracepoint::FailNth, [ret as u64]);
        }
        fails
    }

    /// Counts work that a console line does.
    ///
    /// # Errors
    /// [`Errno::EINTR`] when the line has used up its steps; it has to end then.
    #[inline]
    pub fn charge(&mut self, steps: u32) -> Result<(), Errno> {
        self.serve_tap();
        let data = &mut self[MEM];
        data.steps += u64::from(steps);
        data.steps_left = data.steps_left.saturating_sub(steps);
        if data.steps_left == 0 {
            Err(Errno::EINTR)
        } else {
            Ok(())
        }
    }

    /// Forbids moving to another CPU until [`Mem::preempt_enable`].
    pub fn preempt_disable(&mut self) {
        self[MEM].preempt_count += 1;
    }

    /// Ends one [`Mem::preempt_disable`].
    ///
    /// # Panics
    /// If preemption is not disabled.
    pub fn preempt_enable(&mut self) {
        self[MEM].preempt_count -= 1;
    }

    /// Looks up what the running CPU needs at hand.
    fn settle_on_cpu(&mut self) {
        let cpu = self[MEM].cpu;
        let node = self.cpu_to_node(cpu);
        self[MEM].node = node;
        let favourite = self[MEM].zonelists[node as usize].zones[0];
        self[MEM].local_pages = self.per_cpu_pages(favourite, cpu);
        self.restamp();
    }

    /// Moves the running task to another CPU.
    ///
    /// # Errors
    /// `EINVAL` if there is no such CPU, `EBUSY` while preemption is disabled.
    pub fn set_cpu(&mut self, cpu: u32) -> Result<(), Errno> {
        if cpu >= self[MEM].nr_cpus {
            return Err(Errno::EINVAL);
        }
        if self[MEM].preempt_count > 0 && cpu != self[MEM].cpu {
            return Err(Errno::EBUSY);
        }
        self[MEM].cpu = cpu;
        self.settle_on_cpu();
        Ok(())
    }
}
