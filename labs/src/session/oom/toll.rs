//! What running out of memory has cost: who was killed, what was lost and gained with it, how long it took.
//!
//! Only the lines in which memory ran out are run again, each as a trial with a [`Teller`]. Under another
//! policy (`policies.rs`) all of them are.
//!
//! A task that is killed is *innocent* if another process had more pages, in memory and in swap, in that
//! moment: of all processes but the first if the machine ran out, of the container's if its limit was
//! reached. Processes that share their memory are one. Its *work* is the CPU time of its process. A
//! *shortage* lasts from the first failed allocation until all that were killed for it have left their
//! memory; one for which nobody is killed lasts no time.

use alloc::vec::Vec;

use kernel_core::container::memory::{self, MemCgroup};
use kernel_core::mem::{Mem, Ref};
use kernel_core::oom::has_panicked;
use kernel_core::task::account::Usage;
use kernel_core::task::mm::Mm;
use kernel_core::task::{Task, find_task_by_pid, processes, time};
use kernel_core::trace::{Event, TRACE, Tap, Tracepoint};

use crate::observe;
use crate::session::live::Live;
use crate::session::news;
use crate::view::oom::{OomLoss, OomShortage, OomTask, OomTollView};

/// Kills that are listed.
const LISTED_MAX: usize = 1000;

/// Shortages that are listed.
const SHORTAGES_MAX: usize = 1000;

/// Adds up.
pub(super) struct Teller {
    /// Number of the next event to read.
    next: u64,
    step: u32,
    /// The container whose limit was reached; NULL for the whole machine.
    memcg: Ref<MemCgroup>,
    /// When the present shortage began.
    since: Option<u64>,
    /// Address spaces that the killed ones of the present shortage have not left yet.
    leaving: Vec<u32>,
    view: OomTollView,
}

impl Tap for Teller {
    fn catch_up(&mut self, mem: &Mem) {
        for event in news(mem, &mut self.next) {
            self.see(mem, &event);
        }
    }
}

impl Default for Teller {
    fn default() -> Teller {
        Teller {
            next: 0,
            step: 0,
            memcg: Ref::NULL,
            since: None,
            leaving: Vec::new(),
            view: OomTollView::default(),
        }
    }
}

impl Teller {
    fn see(&mut self, mem: &Mem, event: &Event) {
        let mut args = [0; 6];
        args[..event.args().len()].copy_from_slice(event.args());
        let [first, second, third, constraint, ..] = args.map(|arg| arg as u32);
        match event.tracepoint {
            Tracepoint::OomInvoke => {
                let asker = find_task_by_pid(mem, first).filter(|_| constraint == 3);
                self.memcg = asker.map_or(Ref::NULL, |asker| memory::payer(mem, asker));
                self.since.get_or_insert(time::now(mem));
            }
            Tracepoint::OomNotify if third == 0 => self.view.sum.notices += 1,
            Tracepoint::MarkVictim => self.mark(mem, first, third, args[4] as u32 + args[5] as u32),
            Tracepoint::KmemCacheFree if !self.leaving.is_empty() => {
                self.leaving.retain(|&mm| mm != second);
                if self.leaving.is_empty() {
                    self.recover(mem);
                }
            }
            _ => {}
        }
    }

    /// A task is killed.
    fn mark(&mut self, mem: &Mem, pid: u32, why: u32, pages: u32) {
        let Some(task) = find_task_by_pid(mem, pid) else {
            return;
        };
        if why == 3 {
            self.memcg = Ref::NULL;
        }
        let now = time::now(mem);
        self.since.get_or_insert(now);
        let mm = mem[task].mm;
        let is_first = !mm.is_null() && !self.leaving.contains(&mm.unit());
        if is_first {
            self.leaving.push(mm.unit());
        }
        let largest = self.largest(mem, mm);
        let loss = OomLoss {
            step: self.step,
            at_ns: now,
            task: observe::oom_task(mem, task),
            pages: if is_first { pages } else { 0 },
            work_ns: Usage::of_process(mem, task).time(),
            is_innocent: largest.is_some(),
            largest: largest.map_or(OomTask::default(), |task| observe::oom_task(mem, task)),
        };
        let sum = &mut self.view.sum;
        sum.killed += 1;
        sum.pages += u64::from(loss.pages);
        if loss.is_innocent {
            sum.innocent += 1;
            sum.innocent_ns += loss.work_ns;
        }
        match self.view.kills.len() < LISTED_MAX {
            true => self.view.kills.push(loss),
            false => self.view.omitted += 1,
        }
    }

    /// The process that has more memory than anybody else, if that is not this memory.
    fn largest(&self, mem: &Mem, own: Ref<Mm>) -> Option<Ref<Task>> {
        let counts = |task: &Ref<Task>| {
            let mm = mem[*task].mm;
            let is_member = self.memcg.is_null() || memory::is_charged_to(mem, *task, self.memcg);
            // Who was killed just before is no more to blame.
            let is_leaving = mm != own && self.leaving.contains(&mm.unit());
            !mm.is_null() && mem[*task].tgid != 1 && is_member && !is_leaving
        };
        let pages = |mm: Ref<Mm>| {
            if mm.is_null() {
                0
            } else {
                observe::oom_pages(mem, mm)
            }
        };
        let most = processes(mem).filter(counts);
        let most = most.max_by_key(|&task| pages(mem[task].mm))?;
        (pages(mem[most].mm) > pages(own)).then_some(most)
    }

    /// The killed ones have left their memory, or the line is over.
    fn recover(&mut self, mem: &Mem) {
        let Some(since) = self.since.take() else {
            return;
        };
        let sum = &mut self.view.sum;
        let lasted = time::now(mem).saturating_sub(since);
        if self.view.shortages.len() < SHORTAGES_MAX {
            self.view.shortages.push(OomShortage {
                step: self.step,
                at_ns: since,
                lasted_ns: lasted,
            });
        }
        sum.shortages += 1;
        sum.short_ns += lasted;
        sum.longest_ns = sum.longest_ns.max(lasted);
    }
}

impl Teller {
    /// What it has cost up to `step`.
    pub(super) fn finish(mut self, step: u32) -> OomTollView {
        self.view.step = step;
        self.view
    }
}

impl Live {
    /// Runs the line of a step and adds up what it costs. Returns its status.
    pub(super) fn tell(&mut self, line: &[u8], step: u32, teller: &mut Teller) -> u8 {
        // Switched off by `tracing_on` perhaps.
        self.kernel.mem.set_recording(true);
        (teller.next, teller.step) = (self.kernel.mem[TRACE].events, step);
        let (told, report) = self.execute_tapped(line, core::mem::take(teller));
        *teller = told;
        let mem = &self.kernel.mem;
        teller.view.sum.is_halted |= has_panicked(mem);
        teller.leaving.clear();
        teller.recover(mem);
        report.status
    }

    /// What running out of memory has cost up to `step`. The kernel stands where it stood afterwards.
    pub fn oom_toll(&mut self, step: u32) -> OomTollView {
        let here = self.step();
        let end = step.min(self.end());
        let mut teller = Teller::default();
        let steps: Vec<u32> = self.oom_steps(1, end).collect();
        for step in steps {
            let line = self.lines[step as usize - 1].bytes.clone();
            self.tried(step - 1, |live| live.tell(&line, step, &mut teller));
        }
        self.seek(here);
        teller.finish(end)
    }
}
