//! Who is chosen by which rule.
//!
//! A policy looks at the tasks and names one. It kills nobody and prints nothing: what follows from its
//! choice is the same for all (`kill.rs`). Another one can be selected at any time, by its name in
//! `/proc/sys/vm/oom_policy` or by what it is made for (a name in `oom_victim`, a hierarchy with the
//! subsystem `oom`).

use core::fmt::{self, Write};

use super::module::ModulePolicy;
use super::priority::Priority;
use super::victim::OomVictim;
use super::{OOM, OomControl, Selection, Skipped, select};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};
use crate::task::Task;
use crate::trace::Tracepoint;

/// A rule by which a victim is chosen.
pub trait OomPolicy: Sync {
    /// Its name, as `/proc/sys/vm/oom_policy` lists it.
    fn name(&self) -> &'static str;

    /// Whether this kernel has it.
    fn is_there(&self, _: &Mem) -> bool {
        true
    }

    /// Chooses. It leaves in [`OomData`](super::OomData) how many tasks it compared and how many it
    /// passed over.
    fn select(&self, mem: &mut Mem, control: &OomControl) -> Selection;

    /// What a candidate has to reach, whatever that means to this policy: found by one look at all tasks,
    /// so that explaining a decision need not look at all of them for each.
    fn bar(&self, _: &Mem, _: &OomControl) -> u64 {
        0
    }

    /// Why it passes a task over, if it does, with that bar: for whoever explains a decision.
    fn skips(&self, mem: &Mem, control: &OomControl, bar: u64, task: Ref<Task>) -> Option<Skipped>;

    /// Whether a task may not be killed in place of the chosen one either: as its child, or because it
    /// shares its memory.
    fn protects(&self, _: &Mem, _: Ref<Task>) -> bool {
        false
    }
}

/// 2.6.28's own: the highest score. Two others choose by it too, and differ in what comes before that:
/// see [`listeners`](super::listeners) and [`lowmem`](super::lowmem).
struct Badness(&'static str);

impl OomPolicy for Badness {
    fn name(&self) -> &'static str {
        self.0
    }

    fn select(&self, mem: &mut Mem, control: &OomControl) -> Selection {
        select::select_bad_process(mem, control)
    }

    fn skips(&self, mem: &Mem, control: &OomControl, _: u64, task: Ref<Task>) -> Option<Skipped> {
        select::skipped(mem, control, task)
    }
}

/// The policies by their numbers. A new one is a row at the end.
pub static POLICIES: &[&dyn OomPolicy] = &[
    &Badness(BADNESS_NAME),
    &OomVictim,
    &Priority { by_nodes: false },
    &Priority { by_nodes: true },
    &Badness(NOTIFY_NAME),
    &Badness(LOWMEM_NAME),
    &ModulePolicy,
];

/// 2.6.28's own.
pub const BADNESS_NAME: &str = "badness";
/// Whoever has a certain name.
pub const VICTIM_NAME: &str = "oom_victim";
/// By the groups of the subsystem `oom`.
pub const PRIORITY_NAME: &str = "priority";
/// Likewise, among those whose nodes matter.
pub const PRIORITY_CPUSET_NAME: &str = "priority_cpuset";
/// Notify, wait, kill.
pub const NOTIFY_NAME: &str = "notify";
/// Android's, with 2.6.28's own behind it.
pub const LOWMEM_NAME: &str = "lowmemorykiller";

/// What a module says.
pub const MODULE_NAME: &str = "module";

/// The number of 2.6.28's own.
pub const BADNESS: u32 = 0;

/// The policies that this kernel has, with their numbers.
pub fn policies(mem: &Mem) -> impl Iterator<Item = (u32, &'static dyn OomPolicy)> + '_ {
    let all = (0..).zip(POLICIES.iter().copied());
    all.filter(|(_, policy)| policy.is_there(mem))
}

/// The number of the policy of that name.
pub fn find(mem: &Mem, name: &str) -> Option<u32> {
    let mut known = policies(mem);
    known.find_map(|(number, policy)| (policy.name() == name).then_some(number))
}

/// A module that brings a policy is loaded to be asked.
pub(crate) fn boot(mem: &mut Mem) {
    select_named(mem, MODULE_NAME);
}

/// The policy that is selected.
pub fn selected(mem: &Mem) -> &'static dyn OomPolicy {
    let number = mem[OOM].policy as usize;
    *POLICIES.get(number).unwrap_or(&POLICIES[BADNESS as usize])
}

/// Selects the policy of that name, if there is one.
pub(crate) fn select_named(mem: &mut Mem, name: &str) {
    if let Some(number) = find(mem, name) {
        // There is one of that number.
        let _ = set(mem, number);
    }
}

/// Selects another policy.
///
/// # Errors
/// `EINVAL` if there is none of that number.
pub fn set(mem: &mut Mem, number: u32) -> Result<(), Errno> {
    if !policies(mem).any(|(known, _)| known == number) {
        return Err(Errno::EINVAL);
    }
    let old = core::mem::replace(&mut mem[OOM].policy, number);
    if old != number {
        mem.trace(Tracepoint::OomPolicySelected, [old, number].map(u64::from));
    }
    Ok(())
}

/// Prints all of them, the selected one in brackets, as elevators are listed.
///
/// # Errors
/// Those of `out`.
pub fn show(mem: &Mem, out: &mut dyn Write) -> fmt::Result {
    let mut space = "";
    for (number, policy) in policies(mem) {
        let (open, close) = match number == mem[OOM].policy {
            true => ("[", "]"),
            false => ("", ""),
        };
        write!(out, "{space}{open}{}{close}", policy.name())?;
        space = " ";
    }
    out.write_char('\n')
}
