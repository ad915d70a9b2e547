//! Trace events and the hash chain that proves two runs equal.
//!
//! Whatever the kernel does that a watcher may care for, it says as an event, named as Linux names
//! its tracepoints. Every event extends a 64-bit chain, recorded or not, so equal chains mean equal
//! histories. The last [`CAPACITY`] events stay in a ring of fixed records in the kernel's own
//! frames, as ftrace keeps them; `/sys/kernel/debug/tracing/tracing_on` stops the recording. A
//! [`Tap`] sees them all.
//!
//! A machine whose header says `trace=off` emits nothing: it has no chain, so nobody can tell whether two of
//! its runs were the same, and no lab takes what it did. That costs nothing where the kernel is in a
//! hurry: the allocators' fast paths read a word that tells of faults or watched caches anyway
//! ([`crate::mem::MemData::hooks`], the flags of a cache, the limit of a CPU's list of pages), and on such
//! a machine the word is the one that means *nothing besides*. Elsewhere it is one branch.

mod tap;

pub use tap::Tap;
pub(crate) use tap::TapSlot;

use core::fmt;
use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::container;
use crate::mem::{Gfp, MEM, Mem, MemData, Ref, layout};
use crate::slab::KmemCache;

/// Events that the ring holds.
pub const CAPACITY: u64 =
    (layout::TRACE_BUFFER_FRAMES as u64 * 4096) / size_of::<(Record, UpperHalves)>() as u64;
/// Fields that an event may have.
pub const ARGS_MAX: usize = 6;

/// The static data of this module.
pub const TRACE: Ref<TraceData> = Ref::of_frame(layout::TRACE);
pub(crate) const RECORDS: Ref<Record> = Ref::of_frame(layout::TRACE_BUFFER);
pub(crate) const UPPER_HALVES: Ref<UpperHalves> = RECORDS.offset(CAPACITY as u32).cast();

/// Counter, chain and switch.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct TraceData {
    /// Events since boot.
    pub events: u64,
    /// The hash chain over them.
    pub chain: u64,
    /// Whether events are recorded in the ring (`tracing_on`).
    pub recording: u32,
    /// Console lines run so far, the one running included.
    pub step: u32,
    /// What every event's header carries now: the step and the CPU; see [`Mem::restamp`].
    stamp: u64,
    /// The first event that was not recorded, if none are now.
    silent_from: u64,
    /// 1 on a machine that emits nothing; see [`Mem::is_traced`].
    off: u32,
    _pad: u32,
}

describe!(
    TraceData,
    "trace_data",
    [
        events,
        chain: Kind::Hex,
        recording,
        step,
        stamp: Kind::Hex,
        silent_from,
        off,
        _pad: Kind::Padding,
    ]
);

// Counter and chain are written as one pair.
const _: () = assert!(offset_of!(TraceData, events) == 0 && offset_of!(TraceData, chain) == 8);

/// One event as the ring keeps it: half a line of the processor's cache, for a kernel emits more events
/// than it does anything else.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Record {
    /// Which tracepoint, how many fields, on which CPU: one byte each from the lowest, then one
    /// unused, then the step in the upper half. 0: no event was recorded here.
    header: u64,
    /// The lower halves of the fields.
    args: [u32; ARGS_MAX],
}

describe!(Record, "trace_entry", [header: Kind::Hex, args: Kind::Hex]);

// It is written as pairs of words, fields two to a word.
const _: () = assert!(offset_of!(Record, args) == 8 && size_of::<Record>() == 32);

/// The other halves of a record's fields, behind all the records. An allocator's fields have none, and
/// then what stands here is another event's.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct UpperHalves {
    args: [u32; ARGS_MAX],
    _pad: [u32; 2],
}

describe!(UpperHalves, "trace_entry_upper", [args: Kind::Hex, _pad: Kind::Padding]);

macro_rules! tracepoints {
    ($($(#[$doc:meta])* $variant:ident = $id:literal, $system:literal, $name:literal, [$($field:literal),*];)*) => {
        /// The events that the kernel emits. Numbers are part of the chain: never reuse one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Tracepoint {
            $($(#[$doc])* $variant = $id,)*
        }

        impl Tracepoint {
            /// All tracepoints in the order of their numbers.
            pub const ALL: &'static [Tracepoint] = &[$(Tracepoint::$variant,)*];

            /// `system:name` as Linux writes it.
            pub fn name(self) -> &'static str {
                match self { $(Tracepoint::$variant => concat!($system, ":", $name),)* }
            }

            /// The two parts of its name, `kmem` and `kmem_cache_alloc`.
            pub fn system_and_name(self) -> (&'static str, &'static str) {
                match self { $(Tracepoint::$variant => ($system, $name),)* }
            }

            /// Names of its fields in order. A suffix after `:` tells how to print one.
            pub fn fields(self) -> &'static [&'static str] {
                match self { $(Tracepoint::$variant => &[$($field),*],)* }
            }

            fn from_number(number: u8) -> Option<Tracepoint> {
                match number { $($id => Some(Tracepoint::$variant),)* _ => None }
            }
        }
    };
}

tracepoints! {
    /// A console line begins.
    ConsoleLine = 1, "console", "line", ["step", "bytes", "hash:hex"];
    /// A block of pages was allocated.
    MmPageAlloc = 2, "kmem", "mm_page_alloc", ["pfn", "order", "gfp_flags:gfp"];
    /// A block of pages was freed.
    MmPageFree = 3, "kmem", "mm_page_free", ["pfn", "order"];
    /// An object was allocated.
    KmemCacheAlloc = 4, "kmem", "kmem_cache_alloc", ["name:cache", "ptr:ptr", "bytes_req", "bytes_alloc", "gfp_flags:gfp"];
    /// An object was freed.
    KmemCacheFree = 5, "kmem", "kmem_cache_free", ["name:cache", "ptr:ptr"];
    /// A radix tree gained a level.
    RadixTreeExtend = 6, "radix_tree", "radix_tree_extend", ["root:ptr", "height"];
    /// A radix tree lost a level.
    RadixTreeShrink = 7, "radix_tree", "radix_tree_shrink", ["root:ptr", "height"];
    /// A command inserted an item.
    RadixTreeInsert = 8, "radix_tree", "radix_tree_insert", ["root:ptr", "key", "item", "ret:int"];
    /// A command deleted an item.
    RadixTreeDelete = 9, "radix_tree", "radix_tree_delete", ["root:ptr", "key", "item"];
    /// A command set a tag.
    RadixTreeTagSet = 10, "radix_tree", "radix_tree_tag_set", ["root:ptr", "key", "tag", "ret:int"];
    /// A command cleared a tag.
    RadixTreeTagClear = 11, "radix_tree", "radix_tree_tag_clear", ["root:ptr", "key", "tag", "item"];
    /// A CPU's pool of tree nodes was filled.
    RadixTreePreload = 12, "radix_tree", "radix_tree_preload", ["cpu", "nodes", "ret:int"];
    /// A file system object was made.
    FsCreate = 13, "fs", "create", ["ino", "parent", "mode:oct"];
    /// A file system object was removed.
    FsRemove = 14, "fs", "remove", ["ino", "parent"];
    /// Injected allocation failure.
    FailNth = 15, "kmem", "fail_nth", ["ret:int"];
    /// Defragmentation chose a slab (`taken` 1), or stopped at it because too many of its objects
    /// are in use (0), or because they would not fit elsewhere (2).
    KmemCacheDefrag = 16, "kmem", "kmem_cache_defrag", ["name:cache", "pfn", "inuse", "objects", "ratio", "taken"];
    /// A slab was vacated as far as its objects' owner let go of them.
    KmemCacheVacate = 17, "kmem", "kmem_cache_vacate", ["name:cache", "pfn", "inuse", "pinned", "left"];
    /// Defragmentation looks at a node: the cache's slabs, the node's partial ones and the free
    /// places in these. It goes on if there are more than `max_partial` partial ones.
    KmemCacheDefragBegin = 18, "kmem", "kmem_cache_defrag_begin", ["name:cache", "node", "slabs", "partial", "max_partial", "room"];
    /// Defragmentation has done with a node; what is left.
    KmemCacheDefragEnd = 19, "kmem", "kmem_cache_defrag_end", ["name:cache", "node", "slabs", "partial"];
    /// What `get` answered about 64 places of a slab from number `first` on, a bit each: those in
    /// use, and of these the ones that it pinned.
    KmemCacheGet = 20, "kmem", "kmem_cache_get", ["name:cache", "pfn", "first", "used:hex", "pinned:hex", "private"];
    /// A `kick` moved an object.
    KmemCacheMove = 21, "kmem", "kmem_cache_move", ["name:cache", "from:ptr", "to:ptr"];
    /// A slab is not vacated; see [`crate::slab::defrag::Refusal`].
    KmemCacheVacateRefused = 22, "kmem", "kmem_cache_vacate_refused", ["name:cache", "pfn", "why"];
    /// The dentry cache did not know a name, and its file system was asked.
    FsLookup = 23, "fs", "lookup", ["parent", "ino"];
    /// Unused dentries were looked at from the end of their list.
    PruneDcache = 24, "fs", "prune_dcache", ["count", "spared", "freed", "unused"];
    /// Unused inodes likewise.
    PruneIcache = 25, "fs", "prune_icache", ["count", "freed", "unused"];
    /// A CPU runs another task: the one that had come least in its queue, and what whoever is next
    /// there has (0 if nobody). 0 is the idle task. `clock` is the CPU's time.
    SchedSwitch = 26, "sched", "sched_switch", ["prev_pid", "prev_state", "next_pid", "vruntime", "second", "clock"];
    /// A task was woken. It pushes the running one aside if `vruntime + granularity < curr_vruntime`,
    /// the virtual runtimes being those of the two, or of their groups, where they share a queue.
    SchedWakeup = 27, "sched", "sched_wakeup", ["pid", "target_cpu", "vruntime", "curr_vruntime", "granularity", "preempts"];
    /// A task goes to another CPU, because its own has so much more load, of which the task is a part.
    SchedMigrateTask = 28, "sched", "sched_migrate_task", ["pid", "prio", "orig_cpu", "dest_cpu", "imbalance", "load"];
    /// On the way to the task that runs next a group's entity was picked: its virtual runtime, that of
    /// whoever is next in the queue, its weight, and the sum of weights there.
    SchedPickGroup = 29, "sched", "sched_pick_group", ["group:ptr", "vruntime", "second", "weight", "load"];
    /// A new task has its place: `min_vruntime` and what it would have had (`placed`); `swapped` if it
    /// got its parent's place, to run first.
    SchedWakeupNew = 30, "sched", "sched_wakeup_new", ["pid", "target_cpu", "vruntime", "min_vruntime", "placed", "swapped"];
    /// The running task, or a group that it is in, has had its slice, which is the period times weight by
    /// load.
    SchedSliceEnd = 31, "sched", "sched_slice_end", ["pid", "ran", "slice", "weight", "load", "nr_running"];
    /// A task was made.
    SchedProcessFork = 38, "sched", "sched_process_fork", ["parent_pid", "child_pid", "clone_flags:hex", "threads", "total_forks"];
    /// A fork was refused; by which rule [`crate::task::fork::Rule`] tells, what counted and the limit.
    SchedForkRefused = 39, "sched", "sched_fork_refused", ["parent_pid", "uid", "ret:int", "rule", "count", "limit"];
    /// A task ends; `live` threads of its process are left.
    SchedProcessExit = 40, "sched", "sched_process_exit", ["pid", "tgid", "code:hex", "live"];
    /// A process gets another parent.
    SchedReparent = 41, "sched", "sched_reparent", ["pid", "old_parent", "new_parent"];
    /// A parent was told of a child: `what` is 0 for an end, 1 for a stop, 2 for going on.
    SchedProcessWait = 42, "sched", "sched_process_wait", ["pid", "child_pid", "status:hex", "what"];
    /// A signal was sent; `result` is [`crate::task::signal::Sent`].
    SignalGenerate = 43, "signal", "signal_generate", ["sig", "pid", "sender", "group", "result", "chosen"];
    /// A signal took effect; `action` is [`crate::task::signal::Action`].
    SignalDeliver = 44, "signal", "signal_deliver", ["sig", "pid", "action"];
    /// A task's number and descriptor were given back.
    SchedProcessFree = 45, "sched", "sched_process_free", ["pid", "parent"];
    /// A file system object was given another name, in the same directory or another.
    FsRename = 46, "fs", "rename", ["ino", "parent", "new_parent"];
    /// A subsystem was called: which callback, for which container, about which task (0 is none), and
    /// what it returned. `old` is the container that the task is or was in.
    CgroupCallback = 50, "cgroup", "cgroup_callback", ["callback:callback", "subsys:subsys", "container", "old", "pid", "ret:int"];
    /// A hierarchy came into being, with its subsystems and its topmost container.
    CgroupSetupRoot = 51, "cgroup", "cgroup_setup_root", ["root", "subsys:subsystems", "top"];
    /// A hierarchy has ended.
    CgroupDestroyRoot = 52, "cgroup", "cgroup_destroy_root", ["root", "subsys:subsystems"];
    /// A hierarchy was given other subsystems.
    CgroupRemount = 53, "cgroup", "cgroup_remount", ["root", "old:subsystems", "new:subsystems"];
    /// A container was made, or was refused.
    CgroupMkdir = 54, "cgroup", "cgroup_mkdir", ["root", "container", "parent", "ret:int"];
    /// A container goes, or was refused to.
    CgroupRmdir = 55, "cgroup", "cgroup_rmdir", ["root", "container", "parent", "ret:int"];
    /// A task's membership changed: the moment in which it did for all subsystems.
    CgroupAttachTask = 56, "cgroup", "cgroup_attach_task", ["root", "container", "old", "pid"];
    /// A container was left: it is put on the list (0), or taken off it to run the agent (1).
    CgroupRelease = 57, "cgroup", "cgroup_release", ["root", "container", "stage"];
    /// A subsystem has refused something that its container has too little of.
    CgroupLimit = 58, "cgroup", "cgroup_limit", ["subsys:subsys", "container", "pid", "asked", "usage", "limit"];
    /// A set of memberships was made that no task had yet, with so many links.
    CgroupCssSet = 59, "cgroup", "cgroup_css_set", ["set:ptr", "links"];
    /// A page fault was served; see [`crate::task::mm::Fault`]. `old` is the frame that was there.
    PageFault = 32, "mm", "page_fault", ["mm:ptr", "address:addr", "write", "fault", "pfn", "old"];
    /// An area was mapped.
    MmMap = 33, "mm", "mmap", ["mm:ptr", "address:addr", "length", "flags:addr"];
    /// A range was unmapped; pages that it had.
    MmUnmap = 34, "mm", "munmap", ["mm:ptr", "address:addr", "length", "pages"];
    /// An address space was copied for `fork`: its areas, pages that both share now, tables.
    MmDup = 35, "mm", "dup_mm", ["from:ptr", "to:ptr", "areas", "pages", "tables"];
    /// A page could not be had; `policy` is its number, `constraint` and `nodes` whose memory it is.
    OomInvoke = 60, "oom", "oom_invoke", ["pid", "gfp_flags:gfp", "order", "constraint", "nodes:hex", "policy"];
    /// Who was chosen: nobody (`verdict` 0), somebody who is dying already (1), a victim (2). Emitted
    /// before anything is done about it: a tap sees the tasks as the decision saw them.
    OomSelect = 61, "oom", "oom_select", ["decision", "verdict", "pid", "points", "candidates", "skipped"];
    /// A task was marked and gets SIGKILL: the chosen one (`why` 0), its child (1), one that shares its
    /// memory (2), by a low-memory killer (3). `pages` it has in memory.
    MarkVictim = 62, "oom", "mark_victim", ["pid", "chosen", "why", "points", "pages", "swapped"];
    /// A task that was to be killed may not be; see [`crate::oom`].
    OomKillRefused = 63, "oom", "oom_kill_refused", ["pid", "chosen", "why"];
    /// Another policy was selected.
    OomPolicySelected = 64, "oom", "oom_policy", ["old", "new"];
    /// A zone came under pressure (`status` 1), of which so many of those who watch `/dev/mem_notify` were
    /// told, or is calm again (0).
    MemNotify = 72, "oom", "mem_notify", ["zone", "status", "free", "threshold", "watchers", "woken"];
    /// A task gets no page, and those who listen for its container (0: those who watch the machine) are
    /// told (`stage` 0) and have time until `deadline`, or their time is up (2).
    OomNotify = 73, "oom", "oom_notify", ["container", "pid", "stage", "woken", "deadline"];
    /// A low-memory killer was asked, and so little is free, and cached of files, that tasks of this
    /// `oom_adj` and above may die.
    LowmemShrink = 74, "oom", "lowmem_shrink", ["min_adj:int", "threshold", "free", "file", "rem"];
    /// It has found a better victim than the one before.
    LowmemSelect = 75, "oom", "lowmem_select", ["pid", "adj:int", "size"];
    /// Whom priorities choose: the highest one, how many have it, how many are excluded by 0 and how many
    /// because their nodes are others; and who it would be if nodes did not count.
    OomPriority = 76, "oom", "oom_priority", ["priority", "tied", "excluded", "elsewhere", "pid", "unfiltered"];
    /// A node's daemon was woken, since a zone has so few free frames.
    KswapdWake = 65, "vmscan", "mm_vmscan_kswapd_wake", ["nid", "order", "free"];
    /// A task has to free pages itself before it gets one.
    DirectReclaimBegin = 66, "vmscan", "mm_vmscan_direct_reclaim_begin", ["pid", "order", "gfp_flags:gfp"];
    /// It has freed so many.
    DirectReclaimEnd = 67, "vmscan", "mm_vmscan_direct_reclaim_end", ["pid", "nr_reclaimed"];
    /// A list of a node's zone ([`crate::mem::reclaim::Lru`]) was scanned from its end.
    VmscanLruShrink = 68, "vmscan", "mm_vmscan_lru_shrink", ["nid", "lru", "nr_scanned", "nr_reclaimed", "priority"];
    /// A shrinker ([`crate::mem::reclaim::SHRINKERS`]) was asked, as `scanned` pages had been looked at.
    ShrinkSlab = 69, "vmscan", "mm_shrink_slab", ["shrinker", "scanned", "objects", "freed"];
    /// A page was written to the swap device, and `entries` that led to it lead there.
    SwapOut = 70, "vmscan", "mm_vmscan_swap_out", ["pfn", "slot", "entries", "written", "address:addr"];
    /// A page came back: from the device, or it was still in memory (`cached`).
    SwapIn = 71, "vmscan", "mm_vmscan_swap_in", ["mm:ptr", "address:addr", "slot", "pfn", "cached"];
    /// A task goes on as another program.
    SchedProcessExec = 37, "sched", "sched_process_exec", ["pid", "ino", "mm:ptr"];
}

impl Tracepoint {
    /// Whether it is emitted outside of the allocators, where a test or a store more costs nothing. Those
    /// that are not have fields of 32 bits.
    #[inline(always)]
    const fn is_rare(self) -> bool {
        !matches!(
            self,
            Tracepoint::MmPageAlloc
                | Tracepoint::MmPageFree
                | Tracepoint::KmemCacheAlloc
                | Tracepoint::KmemCacheFree
        )
    }

    /// Names of its fields without their suffixes.
    pub fn field_names(self) -> impl Iterator<Item = &'static str> {
        let fields = self.fields().iter();
        fields.map(|field| field.split_once(':').map_or(*field, |(name, _)| name))
    }
}

/// Odd multipliers, one a field, so that swapped fields give another hash (digits of pi).
const MULTIPLIERS: [u64; ARGS_MAX] = [
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7345,
    0xa409_3822_299f_31d1,
    0x082e_fa98_ec4e_6c89,
    0x4528_21e6_38d0_1377,
    0xbe54_66cf_34e9_0c6d,
];

/// Extends a hash by one word.
#[inline(always)]
pub(crate) fn mix(hash: u64, word: u64) -> u64 {
    let product = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ product >> 29
}

/// Says whether this machine emits events.
pub(crate) fn boot(mem: &mut Mem, traced: bool) {
    let traced = traced && !cfg!(feature = "untraced");
    mem[TRACE].off = u32::from(!traced);
    mem[MEM].hooks = u32::from(traced) * MemData::EVENTS;
}

/// Checks that whoever asks whether there are events is told the same.
///
/// # Errors
/// A sentence that names the violation.
pub(crate) fn check(mem: &Mem) -> Result<(), &'static str> {
    let MemData {
        hooks, fail_nth, ..
    } = mem[MEM];
    let events = u32::from(mem.is_traced()) * MemData::EVENTS;
    let faults = u32::from(fail_nth != 0) * MemData::FAULTS;
    if hooks != events | faults {
        return Err("trace: the allocators do more or less than they should");
    }
    match mem.is_traced() || mem[TRACE].events == 0 && mem[TRACE].chain == 0 {
        true => Ok(()),
        false => Err("trace: a machine without trace has events"),
    }
}

impl Mem {
    /// Whether the kernel emits events. If not, it has no chain.
    #[inline(always)]
    pub fn is_traced(&self) -> bool {
        !cfg!(feature = "untraced") && self[TRACE].off == 0
    }

    /// Emits an event, if the machine does that at all.
    #[inline(always)]
    pub fn trace<const N: usize>(&mut self, tracepoint: Tracepoint, args: [u64; N]) {
        if self.is_traced() {
            self.emit(tracepoint, args);
        }
    }

    /// Emits an event where the caller knows that the machine does: it has asked before it looked up what
    /// the event tells.
    #[inline(always)]
    pub(crate) fn emit<const N: usize>(&mut self, tracepoint: Tracepoint, args: [u64; N]) {
        const { assert!(N <= ARGS_MAX) };
        if cfg!(feature = "untraced") {
            return;
        }
        let data = &self[TRACE];
        let recording = data.recording != 0;
        let header = data.stamp | (N as u64) << 8 | tracepoint as u64;
        // The fields are hashed beside each other, the chain only links the result: its latency is
        // one multiplication an event.
        let mut hash = header;
        for (arg, multiplier) in args.iter().zip(MULTIPLIERS) {
            hash = hash.wrapping_add((arg ^ arg >> 32).wrapping_mul(multiplier));
        }
        let number = data.events;
        let chain = mix(data.chain, hash);
        // Both at once: `events`, then `chain`.
        self.put_pairs(TRACE, [[number + 1, chain]]);
        if recording {
            self.record(number, header, args);
            if tracepoint.is_rare() {
                self.record_upper_halves(number, args);
            }
        }
        if tracepoint.is_rare() {
            self.serve_tap();
        }
    }

    #[inline(always)]
    fn record<const N: usize>(&mut self, number: u64, header: u64, args: [u64; N]) {
        let record = RECORDS.offset((number % CAPACITY) as u32);
        // The header and the fields, two to a word.
        let mut words = [header, 0, 0, 0];
        for (word, fields) in words[1..].iter_mut().zip(args.chunks(2)) {
            let upper = fields.get(1).copied().unwrap_or(0);
            *word = upper << 32 | fields[0] & u64::from(u32::MAX);
        }
        let [a, b, c, d] = words;
        if N > 2 {
            self.put_pairs(record, [[a, b], [c, d]]);
        } else {
            self.put_pairs(record, [[a, b]]);
        }
    }

    fn record_upper_halves<const N: usize>(&mut self, number: u64, args: [u64; N]) {
        let upper = &mut self[UPPER_HALVES.offset((number % CAPACITY) as u32)];
        upper.args[..N].copy_from_slice(&args.map(|arg| (arg >> 32) as u32));
    }

    /// Switches the recording of events in the ring on or off.
    pub fn set_recording(&mut self, on: bool) {
        if !self.is_traced() {
            return;
        }
        // Events that are not recorded take no slots, but numbers, so the ring may come round.
        self.serve_tap();
        let TraceData {
            events,
            recording,
            silent_from,
            ..
        } = self[TRACE];
        if on && recording == 0 {
            // What stands in their slots are older events.
            for number in silent_from.max(events.saturating_sub(CAPACITY))..events {
                self[RECORDS.offset((number % CAPACITY) as u32)].header = 0;
            }
        } else if !on && recording != 0 {
            self[TRACE].silent_from = events;
        }
        self[TRACE].recording = u32::from(on);
    }

    /// Notes the step and the CPU for the events to come, after either has changed.
    pub(crate) fn restamp(&mut self) {
        let (step, cpu) = (self[TRACE].step, self[MEM].cpu);
        self[TRACE].stamp = u64::from(step) << 32 | u64::from(cpu) << 16;
    }

    /// The event of that number, if the ring still holds it.
    pub fn event(&self, number: u64) -> Option<Event> {
        let TraceData {
            events,
            recording,
            silent_from,
            ..
        } = self[TRACE];
        let recorded = if recording != 0 { events } else { silent_from };
        if number >= recorded || number + CAPACITY < events {
            return None;
        }
        let slot = (number % CAPACITY) as u32;
        let Record { header, args } = self[RECORDS.offset(slot)];
        let tracepoint = Tracepoint::from_number(header as u8)?;
        let mut args = args.map(u64::from);
        if tracepoint.is_rare() {
            let upper = self[UPPER_HALVES.offset(slot)].args;
            for (arg, upper) in args.iter_mut().zip(upper) {
                *arg |= u64::from(upper) << 32;
            }
        }
        Some(Event {
            number,
            tracepoint,
            step: (header >> 32) as u32,
            cpu: (header >> 16) as u8,
            args,
        })
    }
}

/// One event, read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Its number since boot, from 0.
    pub number: u64,
    /// What happened.
    pub tracepoint: Tracepoint,
    /// The console line during which it did, from 1; 0 is boot.
    pub step: u32,
    /// On which CPU.
    pub cpu: u8,
    args: [u64; ARGS_MAX],
}

impl Event {
    /// The values of its fields, in the order of [`Tracepoint::fields`].
    pub fn args(&self) -> &[u64] {
        &self.args[..self.tracepoint.fields().len()]
    }

    /// Its fields' names with what they hold, in their order; names of caches are looked up in
    /// `mem`.
    pub fn values<'a>(
        &'a self,
        mem: &'a Mem,
    ) -> impl Iterator<Item = (&'static str, Value<'a>)> + 'a {
        let fields = self.tracepoint.fields().iter().zip(self.args());
        fields.map(|(field, &value)| {
            let (name, kind) = field.split_once(':').unwrap_or((field, ""));
            let pointer = Ref::new(value as u32);
            let value = match kind {
                "hex" => Value::Hex(value),
                "addr" => Value::Address(value as u32),
                "oct" => Value::Octal(value),
                "int" => Value::Signed(value as i64),
                "gfp" => Value::Gfp(Gfp(value as u32)),
                "ptr" => Value::Pointer(pointer),
                "callback" => Value::Name(container::Callback::name_of(value)),
                "subsys" => Value::Name(container::subsystem_name(value as usize)),
                "subsystems" => Value::Subsystems(value as u32),
                "cache" => match KmemCache::name_at(mem, pointer.cast()) {
                    Some(name) => Value::Name(name),
                    None => Value::Pointer(pointer),
                },
                _ => Value::Number(value),
            };
            (name, value)
        })
    }

    /// Prints `field=value ...`; names of caches are looked up in `mem`.
    pub fn fields<'a>(&'a self, mem: &'a Mem) -> impl fmt::Display + 'a {
        Fields { event: self, mem }
    }
}

/// What a field of an event holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number.
    Number(u64),
    /// A number with a sign: a result.
    Signed(i64),
    /// A hash, in hexadecimal digits.
    Hex(u64),
    /// A user address or a set of bits, in hexadecimal digits.
    Address(u32),
    /// Type and permission bits, in octal digits.
    Octal(u64),
    /// How an allocation may be made.
    Gfp(Gfp),
    /// A kernel pointer.
    Pointer(Ref<()>),
    /// The name of a cache, a subsystem or a callback.
    Name(&'a str),
    /// Subsystems, a bit each.
    Subsystems(u32),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(value) => write!(f, "{value}"),
            Value::Signed(value) => write!(f, "{value}"),
            Value::Hex(value) => write!(f, "{value:016x}"),
            Value::Address(value) => write!(f, "{value:08x}"),
            Value::Octal(value) => write!(f, "{value:o}"),
            Value::Gfp(gfp) => write!(f, "{gfp}"),
            Value::Pointer(pointer) => write!(f, "{pointer}"),
            Value::Name(name) => f.write_str(name),
            Value::Subsystems(bits) => container::write_subsystems(f, *bits),
        }
    }
}

struct Fields<'a> {
    event: &'a Event,
    mem: &'a Mem,
}

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut space = "";
        for (name, value) in self.event.values(self.mem) {
            write!(f, "{space}{name}={value}")?;
            space = " ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use super::*;
    use crate::testing::Lab;
    use crate::{Kernel, machine::MachineConfig, mem::Ram};

    fn kernel() -> Kernel {
        let config = MachineConfig::parse("mem=1M").unwrap();
        Kernel::boot(Ram::new(config.frames).unwrap(), &config).unwrap()
    }

    /// Emits events with wide and narrow fields by turns.
    fn emit(mem: &mut Mem, count: u64) {
        for _ in 0..count {
            let number = mem[TRACE].events;
            match number % 3 {
                0 => mem.trace(Tracepoint::KmemCacheFree, [number, 2]),
                1 => mem.trace(Tracepoint::KmemCacheAlloc, [number, 2, 3, 4, 0xffff_ffff]),
                _ => mem.trace(
                    Tracepoint::KmemCacheGet,
                    [number, !1, !2, u64::MAX, 1 << 63, !number],
                ),
            }
        }
    }

    fn check(mem: &Mem, number: u64) {
        let event = mem.event(number).expect("it is in the ring");
        let (tracepoint, args): (_, &[u64]) = match number % 3 {
            0 => (Tracepoint::KmemCacheFree, &[number, 2]),
            1 => (Tracepoint::KmemCacheAlloc, &[number, 2, 3, 4, 0xffff_ffff]),
            _ => (
                Tracepoint::KmemCacheGet,
                &[number, !1, !2, u64::MAX, 1 << 63, !number],
            ),
        };
        assert_eq!(
            (event.number, event.tracepoint, event.args()),
            (number, tracepoint, args)
        );
    }

    #[test]
    fn the_last_events_are_read_back_whole() {
        let mut kernel = kernel();
        emit(&mut kernel.mem, 3 * CAPACITY + 7);
        let events = kernel.events();
        for number in events - CAPACITY..events {
            check(&kernel.mem, number);
        }
        assert_eq!(kernel.mem.event(events - CAPACITY - 1), None);
        assert_eq!(kernel.mem.event(events), None);
    }

    /// Without a trace the kernel does the same, and nobody hears of it.
    #[test]
    fn a_machine_without_trace_does_the_same_untold() {
        for slab in ["slub", "slab", "slob"] {
            let lines = [
                "mkdir /d; echo hello > /d/f; cat /d/f; free",
                "memhog 2M 1ms; spin 5ms & spin 5ms & wait; ps -ef",
                "echo 3 > /proc/self/fail-nth; mkdir /e /f /g; ls /; echo 0 > /proc/self/fail-nth",
                "kmem create c 64; kmem alloc c 100; kmem shrink c; cat /proc/slabinfo",
                "spawn big vm=100M; oom trigger; ps",
                "cat /proc/buddyinfo; cat /proc/meminfo",
            ];
            let texts = ["on", "off"].map(|trace| {
                let header = format!("mem=8M cpus=2 slab={slab} trace={trace}");
                let is_on = trace == "on";
                let canonical = format!("{}", MachineConfig::parse(&header).unwrap());
                assert_eq!(canonical.ends_with(" trace=off"), !is_on);
                let mut lab = Lab::new(&header);
                let text = lines.map(|line| {
                    let text = lab.run(line);
                    lab.kernel.check().unwrap();
                    text
                });
                assert_eq!(lab.kernel.is_traced(), is_on);
                assert_eq!(lab.kernel.events() > 0, is_on);
                assert_eq!(lab.kernel.chain() != 0, is_on);
                let text_of = lab.run("echo 1 > /sys/kernel/debug/tracing/tracing_on");
                assert_eq!(text_of.contains("Invalid argument"), !is_on);
                text
            });
            assert_eq!(texts[0], texts[1], "{slab}");
        }
    }

    /// An event that was not recorded is not there, whatever its slot held before.
    #[test]
    fn what_was_not_recorded_is_not_in_the_ring() {
        for silent in [
            0,
            1,
            100,
            CAPACITY - 1,
            CAPACITY,
            CAPACITY + 1,
            3 * CAPACITY,
        ] {
            let mut kernel = kernel();
            let mem = &mut kernel.mem;
            emit(mem, 2 * CAPACITY);
            let off = mem[TRACE].events;
            mem.set_recording(false);
            emit(mem, silent);
            mem.set_recording(false);
            let on = mem[TRACE].events;
            let verify = |mem: &Mem| {
                let events = mem[TRACE].events;
                for number in events.saturating_sub(CAPACITY)..events {
                    if (off..on).contains(&number) {
                        assert_eq!(mem.event(number), None, "silent for {silent}");
                    } else {
                        check(mem, number);
                    }
                }
            };
            verify(mem);
            mem.set_recording(true);
            verify(mem);
            emit(mem, 10);
            mem.set_recording(true);
            verify(mem);
        }
    }
}
