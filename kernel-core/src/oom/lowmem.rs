//! Android's low-memory killer (specs/memory.md 5.5; Google, 2007-2009).
//!
//! On a telephone the OOM killer comes too late: when nothing of any file is left in memory, and all have
//! become slow. So a driver poses as a cache that can shrink. Whenever reclaim asks it to, it looks at
//! how much is free and how much of files is cached, and if both have fallen below a threshold it kills a
//! process, the least important first. There are several thresholds: at the highest only processes
//! of the highest `oom_adj` die, those that nobody would miss; at the lowest, the application that
//! one looks at. That applications in the background are told to save their state first is
//! user space's work: it gives each an `oom_adj` by what it is worth now.
//!
//! It is at work while `lowmemorykiller` is selected in `/proc/sys/vm/oom_policy`. The kernel's own
//! killer still stands behind it.
//!
//! One thing differs: the console's shell, process 1, is passed over. On Android only `init`'s own
//! `oom_adj` protects it.

use core::fmt::Write;

use bytemuck::{Pod, Zeroable};

use super::listeners::NOTIFY;
use super::{OOM, policy};
use crate::btf::describe;
use crate::errno::Errno;
use crate::fs::{FS, Name};
use crate::mem::reclaim::Shrinker;
use crate::mem::{Gfp, Mem, Ref};
use crate::task::signal::{self, Signal};
use crate::task::{self, PF_FROZEN, TASK, Task, Tif};
use crate::trace::Tracepoint;

/// Thresholds that there may be.
pub const THRESHOLDS_MAX: usize = 6;
/// No threshold was reached.
pub const NO_ADJ: i32 = 16;
/// `DEFAULT_SEEKS * 16`.
const DEFAULT_COST: u32 = 32;

/// The driver's parameters, and what reclaim remembers of it.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct LowMem {
    /// Processes of this `oom_adj` and above may die, threshold by threshold.
    pub adj: [i32; THRESHOLDS_MAX],
    /// Pages: below so many free ones, and so many of files.
    pub minfree: [u32; THRESHOLDS_MAX],
    /// How many numbers `adj` has.
    pub adj_len: u32,
    /// How many `minfree` has.
    pub minfree_len: u32,
    /// 1 tells in the kernel's log who is killed, 2 also who was looked at on the way.
    pub debug_level: u32,
    /// How dear what it frees is to make again: the higher, the more seldom it is asked (`seeks`).
    pub cost: u32,
}

describe!(
    LowMem,
    "lowmemorykiller",
    [adj, minfree, adj_len, minfree_len, debug_level, cost]
);

impl LowMem {
    /// As the driver comes.
    pub const DEFAULT: LowMem = LowMem {
        adj: [0, 1, 6, 12, 0, 0],
        minfree: [1536, 2048, 4096, 16384, 0, 0],
        adj_len: 4,
        minfree_len: 4,
        debug_level: 2,
        cost: DEFAULT_COST,
    };

    /// The thresholds: pages and the lowest `oom_adj`. The shorter of the two lists counts.
    pub fn thresholds(&self) -> impl Iterator<Item = (u32, i32)> + '_ {
        let count = self.adj_len.min(self.minfree_len) as usize;
        let pairs = self.minfree.iter().zip(&self.adj).take(count);
        pairs.map(|(&minfree, &adj)| (minfree, adj))
    }

    /// The first threshold that so few free pages and pages of files are both below: its pages and
    /// `oom_adj`.
    pub fn reached(&self, free: u32, file: u32) -> Option<(u32, i32)> {
        let mut thresholds = self.thresholds();
        thresholds.find(|&(minfree, _)| free < minfree && file < minfree)
    }
}

/// Whether it is at work.
fn is_registered(mem: &Mem) -> bool {
    policy::selected(mem).name() == policy::LOWMEM_NAME
}

/// The `oom_adj` from which on processes may die now; [`NO_ADJ`] is none.
pub fn min_adj(mem: &Mem) -> i32 {
    let reached = mem[NOTIFY]
        .lowmem
        .reached(mem.free_frames(), mem[FS].nr_file_pages);
    reached.map_or(NO_ADJ, |(_, adj)| adj)
}

/// The driver as reclaim sees it: a cache of all the pages that could be freed.
pub struct LowMemoryKiller;

impl Shrinker for LowMemoryKiller {
    fn name(&self) -> &'static str {
        policy::LOWMEM_NAME
    }

    fn seeks(&self, mem: &Mem) -> u32 {
        mem[NOTIFY].lowmem.cost
    }

    fn count(&self, mem: &Mem, _: Gfp) -> u32 {
        match is_registered(mem) {
            true => lru_pages(mem),
            false => 0,
        }
    }

    fn scan(&self, mem: &mut Mem, _: u32, _: Gfp) -> u32 {
        shrink(mem)
    }
}

/// Pages on all zones' lists.
fn lru_pages(mem: &Mem) -> u32 {
    mem.zones().map(|zone| mem.lru_pages(zone)).sum()
}

/// Kills somebody if memory is that low (`lowmem_shrink`), and returns how many pages that will free. As
/// long as the victim has not ended there is no other; 2009's driver would tell it again.
pub fn shrink(mem: &mut Mem) -> u32 {
    let (free, file) = (mem.free_frames(), mem[FS].nr_file_pages);
    let Some((threshold, min_adj)) = mem[NOTIFY].lowmem.reached(free, file) else {
        return 0;
    };
    if task::processes(mem).any(|task| is_dying(mem, task)) {
        return 0;
    }
    let event = [min_adj as u32, threshold, free, file, lru_pages(mem)];
    mem.trace(Tracepoint::LowmemShrink, event.map(signed));
    let mut selected = Ref::NULL;
    let mut next = task::processes(mem).next();
    while let Some(task) = next {
        next = task::next_process(mem, task);
        if is_better(mem, task, selected, min_adj) {
            selected = task;
            say(mem, 2, "select", task, ", to kill");
            let [adj, size] = [mem[task].oom_adj as u32, rss(mem, task)].map(signed);
            let event = [u64::from(mem[task].pid), adj, size];
            mem.trace(Tracepoint::LowmemSelect, event);
        }
    }
    if selected.is_null() {
        return 0;
    }
    let size = rss(mem, selected);
    say(mem, 1, "send sigkill to", selected, "");
    let pid = u64::from(mem[selected].pid);
    let event = [pid, pid, 3, 0, u64::from(size), 0];
    mem.trace(Tracepoint::MarkVictim, event);
    mem[OOM].kills += 1;
    signal::send_sig(mem, Signal::Kill, selected);
    size
}

/// Whether a process was told to end, still has memory, and will run to give it back.
fn is_dying(mem: &Mem, task: Ref<Task>) -> bool {
    let Task {
        mm,
        flags,
        signal: shared,
        ..
    } = mem[task];
    let runs = flags & PF_FROZEN == 0 && !mem[task].has(Tif::Freeze) && !mem[task].has(Tif::Staged);
    runs && !mm.is_null() && mem[shared].flags & signal::GROUP_EXIT != 0
}

/// Whether the driver has killed somebody who is about to end, for whom the kernel's own killer can wait.
pub(super) fn waits(mem: &Mem) -> bool {
    is_registered(mem) && task::processes(mem).any(|task| is_dying(mem, task))
}

/// An event's field that may be negative.
fn signed(number: u32) -> u64 {
    i64::from(number as i32) as u64
}

fn rss(mem: &Mem, task: Ref<Task>) -> u32 {
    match mem[task].mm {
        mm if mm.is_null() => 0,
        mm => mem[mm].rss(),
    }
}

/// Whether a process may die, and rather than the one selected so far: of the larger `oom_adj`, then
/// the one with more in memory. The first of equal ones stays.
fn is_better(mem: &Mem, task: Ref<Task>, selected: Ref<Task>, min_adj: i32) -> bool {
    let (adj, size) = (mem[task].oom_adj, rss(mem, task));
    if adj < min_adj || size == 0 || task == mem[TASK].init {
        return false;
    }
    selected.is_null() || (adj, size) > (mem[selected].oom_adj, rss(mem, selected))
}

/// A line of the driver's in the kernel's log, unless nobody wants it.
fn say(mem: &mut Mem, level: u32, does: &str, task: Ref<Task>, rest: &str) {
    if mem[NOTIFY].lowmem.debug_level < level {
        return;
    }
    let (pid, adj, size) = (mem[task].pid, mem[task].oom_adj, rss(mem, task));
    let mut comm = Name::EMPTY;
    // A name has room in a name.
    let _ = comm.write_str(mem[task].comm());
    let comm = comm.text();
    mem.printk(format_args!(
        "{does} {pid} ({comm}), adj {adj}, size {size}{rest}"
    ));
}

/// A parameter of the driver, by its place in `/sys/module/lowmemorykiller/parameters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// [`LowMem::adj`].
    Adj,
    /// [`LowMem::cost`].
    Cost,
    /// [`LowMem::debug_level`].
    DebugLevel,
    /// [`LowMem::minfree`].
    Minfree,
}

/// Prints a parameter: a number, or numbers with commas between them.
pub fn show(mem: &Mem, which: Parameter, out: &mut dyn Write) -> core::fmt::Result {
    let data = &mem[NOTIFY].lowmem;
    let (numbers, count) = match which {
        Parameter::Adj => (data.adj, data.adj_len),
        Parameter::Minfree => (data.minfree.map(|pages| pages as i32), data.minfree_len),
        Parameter::Cost => ([data.cost as i32; THRESHOLDS_MAX], 1),
        Parameter::DebugLevel => ([data.debug_level as i32; THRESHOLDS_MAX], 1),
    };
    let mut comma = "";
    for number in &numbers[..count as usize] {
        write!(out, "{comma}{number}")?;
        comma = ",";
    }
    writeln!(out)
}

/// Takes what was written to a parameter.
///
/// # Errors
/// `EINVAL` for nothing, anything but numbers, more than six of them (one, where there is one), pages or
/// levels below 0, and a cost of 0, by which reclaim divides.
pub fn store(mem: &mut Mem, which: Parameter, bytes: &[u8]) -> Result<(), Errno> {
    let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
    let mut numbers = [0; THRESHOLDS_MAX];
    let mut count = 0;
    for word in text.trim_ascii().split(',') {
        let slot = numbers.get_mut(count).ok_or(Errno::EINVAL)?;
        *slot = word.parse::<i32>().map_err(|_| Errno::EINVAL)?;
        count += 1;
    }
    let is_list = matches!(which, Parameter::Adj | Parameter::Minfree);
    let least = match which {
        Parameter::Adj => i32::MIN,
        Parameter::Cost => 1,
        _ => 0,
    };
    if (!is_list && count > 1) || numbers[..count].iter().any(|&number| number < least) {
        return Err(Errno::EINVAL);
    }
    let data = &mut mem[NOTIFY].lowmem;
    match which {
        Parameter::Adj => (data.adj, data.adj_len) = (numbers, count as u32),
        Parameter::Minfree => {
            data.minfree = numbers.map(|number| number as u32);
            data.minfree_len = count as u32;
        }
        Parameter::Cost => data.cost = numbers[0] as u32,
        Parameter::DebugLevel => data.debug_level = numbers[0] as u32,
    }
    Ok(())
}
