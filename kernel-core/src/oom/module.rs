//! A policy that somebody else writes: code from outside, a student's, say (see [`crate::module`]).
//!
//! The module is shown one process after the other, each as a [`Candidate`], and answers with a score of
//! its own; the highest dies, of equal ones the first, and nobody whose score is 0. It is asked about
//! those only whom the killer may kill at all: init, -17 and threads of the kernel are passed over
//! before, and who is dying already ends the search, as in 2.6.28.

use bytemuck::{Pod, Zeroable};

use super::ask::{Asked, ask};
use super::policy::OomPolicy;
use super::{OOM, OomControl, Selection, Skipped, badness, skipped};
use crate::mem::{Mem, Ref};
use crate::module::Kind;
use crate::task::cred::Capability;
use crate::task::time::NSEC_PER_SEC;
use crate::task::{Task, account, children, next_process, processes};

/// What a module is told of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Candidate {
    /// CPU time that it had, in milliseconds.
    pub cpu_ms: u64,
    /// Seconds since it was started.
    pub age_s: u64,
    /// What 2.6.28 would say.
    pub badness: u64,
    /// Its number.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// Pages of its address space, whether or not there is anything in them.
    pub total_vm: u32,
    /// Pages that it has in memory.
    pub rss: u32,
    /// Children with memory of their own.
    pub children: u32,
    /// Pages of their address spaces together.
    pub children_vm: u32,
    /// Page faults that it made: pages that it has asked for so far.
    pub faults: u32,
    /// Its nice level, -20 to 19.
    pub nice: i32,
    /// -16 to 15.
    pub oom_adj: i32,
    /// 1 if it may administer the system or drive hardware, or both.
    pub is_privileged: u32,
    /// 1 if it may use memory where a page is missing.
    pub is_near: u32,
    _pad: u32,
    /// Its name, ended by a zero.
    pub comm: [u8; 16],
}

const _: () = assert!(size_of::<Candidate>() == 88);

impl Candidate {
    /// What is told of `task`.
    pub fn of(mem: &Mem, control: &OomControl, task: Ref<Task>) -> Candidate {
        let own = &mem[task];
        let usage = account::Usage::of_process(mem, task);
        let uptime = badness::uptime(mem);
        let [total_vm, rss] = account::pages(mem, task);
        let relatives = children(mem, task).map(|child| mem[child].mm);
        let relatives = relatives.filter(|&mm| !mm.is_null() && mm != own.mm);
        let (children, children_vm) = relatives.fold((0, 0), |(count, pages), mm| {
            (count + 1, mem[mm].total_vm.saturating_add(pages))
        });
        let privileges = [
            Capability::SysAdmin,
            Capability::SysResource,
            Capability::SysRawio,
        ];
        let mut comm = [0; 16];
        comm[..own.comm().len()].copy_from_slice(own.comm().as_bytes());
        Candidate {
            cpu_ms: (usage.utime + usage.stime) / (NSEC_PER_SEC / 1000),
            age_s: (uptime as i64 - badness::start_second(mem, task)).max(0) as u64,
            badness: badness::badness(mem, task, uptime, control.nodes),
            pid: own.pid,
            uid: own.cred.euid,
            total_vm,
            rss,
            children,
            children_vm,
            faults: (usage.min_flt + usage.maj_flt) as u32,
            nice: own.nice(),
            oom_adj: own.oom_adj,
            is_privileged: privileges.iter().any(|&may| own.cred.has(may)).into(),
            is_near: (own.mems_allowed & control.nodes != 0).into(),
            _pad: 0,
            comm,
        }
    }
}

/// Asks the module.
pub(super) struct ModulePolicy;

impl OomPolicy for ModulePolicy {
    fn name(&self) -> &'static str {
        "module"
    }

    fn is_there(&self, mem: &Mem) -> bool {
        mem.has_module(Kind::OomPolicy)
    }

    fn select(&self, mem: &mut Mem, control: &OomControl) -> Selection {
        let mut counts = [0; 2];
        let mut best = Selection::None;
        let mut next = processes(mem).next();
        while let Some(task) = next {
            next = next_process(mem, task);
            match ask(mem, control, task) {
                Asked::No(_) => counts[1] += 1,
                Asked::Dying => return Selection::Abort(task),
                Asked::Leaving => best = Selection::Victim(task, u64::MAX),
                Asked::Yes => {
                    let candidate = Candidate::of(mem, control, task);
                    let points = mem.ask_module(|module, mem| module.badness(mem, &candidate));
                    counts[0] += 1;
                    let points = points.unwrap_or(0);
                    let most = match best {
                        Selection::Victim(_, most) => most,
                        _ => 0,
                    };
                    if points > most {
                        best = Selection::Victim(task, points);
                    }
                }
            }
        }
        [mem[OOM].candidates, mem[OOM].skipped] = counts;
        best
    }

    fn skips(&self, mem: &Mem, control: &OomControl, _: u64, task: Ref<Task>) -> Option<Skipped> {
        skipped(mem, control, task)
    }
}
