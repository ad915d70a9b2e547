//! `oom_victim`: kill whoever has this name (specs/memory.md 5.1; Evgeniy Polyakov, January 2009).
//!
//! `/proc/sys/vm/oom_victim` holds a name. The first task of that name in the list of processes dies; if
//! there is none, the stock choice is made, at the cost of a second look at all tasks.
//!
//! What is compared is `comm`, which is all that a task knows of its name; that is where the proposal's
//! flaws come from, and all of them can be seen here. It is the beginning of the name, so programs
//! whose names begin alike are one. It is the name by which a program was started, so one that was
//! started through a symbolic link is somebody else. There can be one name, hence no order of several.
//! And several processes may have it, of one program or not: which of them dies is a matter of age.

use super::ask::{self, Asked};
use super::policy::{self, OomPolicy};
use super::{OOM, OomControl, Selection, Skipped, badness, select};
use crate::mem::{Mem, Ref};
use crate::task::{COMM_MAX, Task};

/// The policy.
pub(super) struct OomVictim;

/// The name that `/proc/sys/vm/oom_victim` holds; empty is off.
pub fn name(mem: &Mem) -> &[u8] {
    let name = &mem[OOM].victim;
    let end = name.iter().position(|&byte| byte == 0);
    &name[..end.unwrap_or(name.len())]
}

/// Takes what was written: up to the end of the line, and 15 bytes at most (`proc_dostring`). A name
/// selects the policy, an empty one 2.6.28's own.
pub fn set_name(mem: &mut Mem, bytes: &[u8]) {
    let ends = |&byte: &u8| byte == b'\n' || byte == 0;
    let end = bytes.iter().position(ends).unwrap_or(bytes.len());
    let bytes = &bytes[..end.min(COMM_MAX)];
    let mut name = [0; COMM_MAX + 1];
    name[..bytes.len()].copy_from_slice(bytes);
    mem[OOM].victim = name;
    policy::select_named(
        mem,
        match bytes {
            [] => policy::BADNESS_NAME,
            _ => policy::VICTIM_NAME,
        },
    );
}

fn has_name(mem: &Mem, task: Ref<Task>) -> bool {
    mem[task].comm().as_bytes() == name(mem)
}

impl OomPolicy for OomVictim {
    fn name(&self) -> &'static str {
        policy::VICTIM_NAME
    }

    fn select(&self, mem: &mut Mem, control: &OomControl) -> Selection {
        let uptime = badness::uptime(mem);
        let mut counts = [0; 2];
        let mut chosen = Selection::None;
        if !name(mem).is_empty() {
            for task in ask::tasks(mem) {
                let asked = match has_name(mem, task) {
                    true => ask::ask(mem, control, task),
                    false => Asked::No(Skipped::OtherName),
                };
                counts[usize::from(matches!(asked, Asked::No(_)))] += 1;
                chosen = match asked {
                    Asked::No(_) => continue,
                    Asked::Dying => Selection::Abort(task),
                    Asked::Leaving => Selection::Victim(task, u64::MAX),
                    Asked::Yes => {
                        let points = badness::badness(mem, task, uptime, control.nodes);
                        Selection::Victim(task, points)
                    }
                };
                break;
            }
        }
        if chosen == Selection::None {
            return select::select_bad_process(mem, control);
        }
        [mem[OOM].candidates, mem[OOM].skipped] = counts;
        chosen
    }

    /// 1 if somebody has the name; where nobody has, everybody is a candidate.
    fn bar(&self, mem: &Mem, control: &OomControl) -> u64 {
        let has = |task| has_name(mem, task) && select::skipped(mem, control, task).is_none();
        let somebody = !name(mem).is_empty() && ask::tasks(mem).any(has);
        u64::from(somebody)
    }

    fn skips(&self, mem: &Mem, control: &OomControl, bar: u64, task: Ref<Task>) -> Option<Skipped> {
        let is_other = bar != 0 && !has_name(mem, task);
        select::skipped(mem, control, task).or(is_other.then_some(Skipped::OtherName))
    }
}
