//! An allocation that found no page (2.6.28's `__alloc_pages_internal` behind its fast path).
//!
//! Whoever asks decides how far it goes. The daemon is woken; then the `min` watermark counts instead of
//! `low`; then pages are freed on the spot, and the zones tried again; then, after a last look at the
//! *high* watermark, [`oom::out_of_memory`] has somebody killed. Somebody's death takes time: a program
//! that made a call sleeps for a tick and makes it again. What cannot be made again has the victim end
//! at once, and tries a bounded number of times.
//!
//! The console's shell is the student's hand: it may use all of memory, to the last page, and what its
//! commands about pages and objects ask for explicitly fails when there is none, as it always did. Only
//! what a command needs besides, for files and tasks ([`console_reclaim`]), is looked for like a program's.

use super::{Floor, RECLAIM, ScanControl, try_to_free_pages, wake_kswapd};
use crate::errno::Errno;
use crate::mem::buddy::Request;
use crate::mem::{Gfp, MAX_NODES, MEM, Mem, Page, Ref};
use crate::oom::badness::OOM_DISABLE;
use crate::oom::{self, OomControl, Outcome};
use crate::task::wait::{self, Why};
use crate::task::{self, PF_SWAPOFF, RUNNING, TASK, Task, Tif, UNINTERRUPTIBLE, sched, time};
use crate::trace::Tracepoint;

/// Blocks above this order are not worth a life (`PAGE_ALLOC_COSTLY_ORDER`).
const COSTLY_ORDER: u32 = 3;
/// Rounds of reclaim before somebody is killed, and of killing before an allocation fails.
const ROUNDS: u32 = 16;

/// How long somebody waits for others' luck (`congestion_wait` of a fiftieth of a second).
const CONGESTION_NS: u64 = time::NSEC_PER_SEC / 50;

/// A place where names and inodes may be given back; see [`super::ReclaimData::fs_depth`].
#[derive(Debug)]
pub struct WithFs;

impl WithFs {
    /// Runs `action` there.
    pub fn run<T>(mem: &mut Mem, action: impl FnOnce(&mut Mem) -> T) -> T {
        mem[RECLAIM].fs_depth += 1;
        let result = action(mem);
        mem[RECLAIM].fs_depth -= 1;
        result
    }
}

/// Whether the current task is in a call that it can make again.
pub fn can_wait(mem: &Mem) -> bool {
    mem[RECLAIM].can_wait != 0
}

/// Says whether the current task is in such a call from now on.
pub fn may_wait(mem: &mut Mem, can: bool) {
    mem[RECLAIM].can_wait = u32::from(can);
}

/// A call came to an end although its task had been put to sleep for memory.
pub fn stop_waiting(mem: &mut Mem, task: Ref<Task>) {
    if mem[task].state != RUNNING && mem[task].wait.why == Why::Memory as u32 {
        sched::try_to_wake_up(mem, task, UNINTERRUPTIBLE);
        time::timer_cancel(mem, task);
    }
}

/// Puts the current task to sleep until the next tick, and has it make its call again.
pub fn wait_for_memory(mem: &mut Mem) -> Errno {
    let tick = time::tick_ns(mem);
    wait_for(mem, tick)
}

/// The same for so many nanoseconds.
pub fn wait_for(mem: &mut Mem, ns: u64) -> Errno {
    let task = task::current(mem);
    if mem[task].state == RUNNING {
        wait::sleep(mem, UNINTERRUPTIBLE, Why::Memory);
        let expires = mem[TASK].now.saturating_add(ns);
        time::timer_arm(mem, task, expires);
    }
    Errno::ERESTARTSYS
}

impl Mem {
    /// Whether the watermarks are not for whoever runs: the kernel itself before there are tasks, its
    /// threads, the console's shell, who frees memory, and who was killed to free it.
    pub(crate) fn may_use_reserves(&self) -> bool {
        let current = self[MEM].current;
        if current.is_null() || self[RECLAIM].depth > 0 || current == self[TASK].init {
            return true;
        }
        let task = &self[current];
        task.is_kernel_thread() || task.has(Tif::MemDie)
    }

    /// What remains to be done when the lists are empty, or down to their marks.
    #[cold]
    #[inline(never)]
    pub(in crate::mem) fn alloc_slow(&mut self, request: Request) -> Result<Ref<Page>, Errno> {
        if self.may_use_reserves() {
            return Err(Errno::ENOMEM);
        }
        let Request { gfp, order, .. } = request;
        let all = (1 << self[MEM].nr_nodes) - 1;
        let nodes = request.nodes & all;
        wake_kswapd(self, nodes, order);
        if let Some(page) = self.take_page(request, Floor::Min) {
            return Ok(page);
        }
        if !gfp.contains(Gfp::WAIT) {
            return Err(Errno::ENOMEM);
        }
        // Somebody has just tried in vain, and had somebody killed: one a tick is enough.
        if can_wait(self) && self[TASK].now < self[RECLAIM].next_try {
            return Err(wait_for(self, CONGESTION_NS));
        }
        let control = ScanControl {
            gfp,
            order,
            nodes,
            memcg: Ref::NULL,
            is_daemon: false,
            only_files: false,
        };
        for _ in 0..ROUNDS {
            let more = self.direct_reclaim(&control);
            if let Some(page) = self.take_page(request, Floor::Min) {
                return Ok(page);
            }
            if more {
                continue;
            }
            if let Some(page) = self.take_page(request, Floor::High) {
                return Ok(page);
            }
            if order > COSTLY_ORDER {
                return Err(Errno::ENOMEM);
            }
            self.ask_killer(&OomControl {
                nodes,
                ..OomControl::new(self, gfp, order)
            })?;
            if self.may_use_reserves() {
                // It was this one.
                let page = self.take_page(request, Floor::None);
                return page.ok_or(Errno::ENOMEM);
            }
        }
        match can_wait(self) {
            true => Err(wait_for_memory(self)),
            false => Err(Errno::ENOMEM),
        }
    }

    /// Frees pages for whoever needs one now; whether another try may find more.
    fn direct_reclaim(&mut self, control: &ScanControl) -> bool {
        self[RECLAIM].stalls += 1;
        let pid = u64::from(self[self[MEM].current].pid);
        let begin = [pid, u64::from(control.order), u64::from(control.gfp.0)];
        self.trace(Tracepoint::DirectReclaimBegin, begin);
        let (freed, more) = try_to_free_pages(self, control);
        // Blocks are joined on the way to the lists.
        if freed > 0 {
            self.drain_all_pages();
        }
        self.trace(Tracepoint::DirectReclaimEnd, [pid, u64::from(freed)]);
        more
    }

    /// Has somebody killed, and waits for what that frees: `Ok` if the allocation may be tried again
    /// here and now.
    ///
    /// # Errors
    /// `ERESTARTSYS` if the current task is to make its call again.
    pub(crate) fn ask_killer(&mut self, control: &OomControl) -> Result<(), Errno> {
        self[RECLAIM].ooms += 1;
        self[RECLAIM].next_try = self[TASK].now.saturating_add(time::tick_ns(self));
        let outcome = oom::out_of_memory(self, control);
        self.after_killing(outcome)
    }

    /// What follows from what the killer did; see [`Mem::ask_killer`].
    ///
    /// # Errors
    /// As there; `ENOMEM` if waiting does not help.
    pub(crate) fn after_killing(&mut self, outcome: Outcome) -> Result<(), Errno> {
        let current = self[MEM].current;
        let is_dying = !current.is_null() && self[current].has(Tif::MemDie);
        match outcome {
            Outcome::Freed(_) => Ok(()),
            _ if is_dying => Ok(()),
            _ if can_wait(self) => Err(wait_for_memory(self)),
            Outcome::Killed | Outcome::Waits if oom::let_it_die(self) => Ok(()),
            _ => Err(Errno::ENOMEM),
        }
    }
}

/// What a command needs for files and tasks, and cannot have: pages are freed, and if there are none,
/// somebody is killed. Returns whether another try is worth it.
pub fn console_reclaim(mem: &mut Mem) -> bool {
    // Others have come here from where all that was done already.
    let current = mem[MEM].current;
    if mem[RECLAIM].depth > 0 || current.is_null() || current != mem[TASK].init {
        return false;
    }
    let control = ScanControl {
        gfp: Gfp::KERNEL,
        order: 0,
        nodes: (1 << MAX_NODES) - 1,
        memcg: Ref::NULL,
        is_daemon: false,
        only_files: false,
    };
    for _ in 0..ROUNDS {
        let (freed, more) = try_to_free_pages(mem, &control);
        if freed > 0 {
            return true;
        }
        if !more {
            break;
        }
    }
    // Whoever turns the swap device off would be the first to go.
    if mem[current].flags & PF_SWAPOFF != 0 {
        return false;
    }
    // A machine does not halt because a command finds nobody to blame.
    let control = OomControl::new(mem, Gfp::KERNEL, 0);
    let blames = |&task: &Ref<Task>| {
        let Task { mm, oom_adj, .. } = mem[task];
        !mm.is_null() && oom_adj != OOM_DISABLE && task != mem[TASK].init
    };
    task::processes(mem).any(|task| blames(&task)) && mem.ask_killer(&control).is_ok()
}
