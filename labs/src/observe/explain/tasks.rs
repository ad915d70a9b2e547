//! Sentences about tasks: scheduler, address spaces, forks and ends, signals, containers.

use alloc::format;
use alloc::string::{String, ToString};

use kernel_core::container::Callback;
use kernel_core::task::fork::Rule;
use kernel_core::task::mm::Fault;
use kernel_core::task::signal::{Action, Sent, Signal};
use kernel_core::trace::{Event, Tracepoint};

use super::{failure, is_or_are, oom, plural};

/// The sentence that fits the event, with words for [`word`] in braces; a digit is a field's number.
pub(super) fn template(event: &Event) -> &'static str {
    let arg = |index: usize| event.args().get(index).copied().unwrap_or(0);
    let is = |index: usize, value: u64| arg(index) == value;
    let failed = failure(event.args().last().copied().unwrap_or(0)).is_some();
    match event.tracepoint {
        Tracepoint::SchedSwitch => match (arg(0), arg(2)) {
            (0, _) => {
                "CPU {cpu} ends its idleness and runs task {2}, whose virtual runtime is {ms3}"
            }
            (_, 0) => "CPU {cpu} has nothing to run after task {0} and idles",
            _ if is(4, 0) => "CPU {cpu} goes from task {0} to task {2}: nobody else wants to run",
            _ => {
                "CPU {cpu} goes from task {0} to task {2}, which has the least virtual runtime: \
                 {ms3}, against {ms4} of the next"
            }
        },
        Tracepoint::SchedWakeup if is(5, 1) => {
            "Task {0} wakes on CPU {1} and takes it: its virtual runtime {ms2} is more than {ms4} \
             behind the running task's {ms3}"
        }
        Tracepoint::SchedWakeup => "Task {0} wakes on CPU {1} and waits for its turn at {ms2}",
        Tracepoint::SchedMigrateTask => {
            "Task {0} goes from CPU {2} to CPU {3}: of the difference in load, {4}, it is {5}"
        }
        Tracepoint::SchedPickGroup => {
            "CPU {cpu} picks a group of weight {3} among {4}: its virtual runtime is {ms1}"
        }
        Tracepoint::SchedWakeupNew if is(5, 1) => {
            "New task {0} begins on CPU {1} at {ms2}, its parent's place: children run first"
        }
        Tracepoint::SchedWakeupNew => "New task {0} begins on CPU {1} at virtual runtime {ms2}",
        Tracepoint::SchedSliceEnd => {
            "Task {0} has run {ms1}: its slice of {ms2} is used up (weight {3} of {4}, {tasks5})"
        }
        Tracepoint::PageFault => match arg(3) {
            kind if kind == Fault::Zero as u64 => {
                "A fault at {address1} is given frame {4}, a page of zeroes"
            }
            kind if kind == Fault::File as u64 => {
                "A fault at {address1} is given frame {4}, a page of its file that was in memory"
            }
            kind if kind == Fault::Major as u64 => {
                "A fault at {address1} is given frame {4}, a page of its file that had to be read"
            }
            kind if kind == Fault::Copy as u64 => {
                "A write to {address1} is given frame {4}, a copy of frame {5}, which others have too"
            }
            kind if kind == Fault::Reuse as u64 => {
                "A write to {address1} may go to frame {4}: nobody else has it any more"
            }
            kind if kind == Fault::Swap as u64 => {
                "A fault at {address1} is given frame {4}, whose page was on the swap device"
            }
            kind if kind == Fault::SwapCache as u64 => {
                "A fault at {address1} is given frame {4} again, which had been on its way to the swap device"
            }
            _ => "A fault at {address1} finds its page there already",
        },
        Tracepoint::MmMap => "{bytes2} are mapped at {address1}",
        Tracepoint::MmUnmap => "{bytes2} are unmapped at {address1}, with {pages3} in memory",
        Tracepoint::MmDup => {
            "An address space is copied for a fork: {areas2}, and {pages3} that both share until one \
             writes"
        }
        Tracepoint::SchedProcessExec => "Task {0} goes on as the program of inode {1}",
        Tracepoint::SchedProcessFork => "Task {0} forks task {1}; there are {tasks3} now",
        Tracepoint::SchedForkRefused => match arg(3) {
            rule if rule == Rule::Flags as u64 => {
                "Task {0} may not fork: its flags contradict each other ({errno2})"
            }
            rule if rule == Rule::UserLimit as u64 => {
                "Task {0} may not fork: user {1} has {4} processes of {5} ({errno2})"
            }
            rule if rule == Rule::ThreadsMax as u64 => {
                "Task {0} may not fork: there are {4} tasks of {5} that the machine allows ({errno2})"
            }
            rule if rule == Rule::Pids as u64 => {
                "Task {0} may not fork: all numbers below {5} are in use ({errno2})"
            }
            rule if rule == Rule::Container as u64 => {
                "Task {0} may not fork: its container allows no more tasks ({errno2})"
            }
            _ => "Task {0} cannot fork: there is no memory ({errno2})",
        },
        Tracepoint::SchedProcessExit if is(2, 0) => "Task {0} of process {1} ends well; {left3}",
        Tracepoint::SchedProcessExit => "Task {0} of process {1} ends with {status2}; {left3}",
        Tracepoint::SchedReparent => {
            "Task {0} is adopted by task {2}, since its parent {1} has ended"
        }
        Tracepoint::SchedProcessWait => match arg(3) {
            0 => "Task {0} is told of the end of its child {1}, {status2}",
            1 => "Task {0} is told that its child {1} was stopped",
            _ => "Task {0} is told that its child {1} goes on",
        },
        Tracepoint::SchedProcessFree => {
            "What was left of task {0} is freed; its number is free again"
        }
        Tracepoint::SignalGenerate => match arg(4) {
            result if result == Sent::Ignored as u64 => {
                "Task {2} sends {signal} to task {1}, which ignores it"
            }
            result if result == Sent::AlreadyPending as u64 => {
                "Task {2} sends {signal} to task {1}, for which one waits already: two are one"
            }
            _ => "Task {2} sends {signal} to task {1}",
        },
        Tracepoint::SignalDeliver => match arg(2) {
            action if action == Action::Terminate as u64 => "{signal} ends the process of task {1}",
            action if action == Action::Stop as u64 => "{signal} stops the process of task {1}",
            action if action == Action::Handle as u64 => "Task {1} handles {signal}",
            _ => "{signal} does nothing to task {1}",
        },
        Tracepoint::FsRename => {
            "Inode {0} is given another name, from directory {1} to directory {2} (inode numbers)"
        }
        Tracepoint::CgroupCallback => match arg(0) {
            call if call == Callback::CanAttach as u64 && failed => {
                "{callback} of {subsystem} refuses task {4} for container {2}: {errno5}"
            }
            call if call == Callback::CanAttach as u64 => {
                "{callback} of {subsystem} lets task {4} into container {2}"
            }
            call if call == Callback::Attach as u64 => {
                "{callback} of {subsystem} is told: task {4} came from container {3} to {2}"
            }
            call if call == Callback::Fork as u64 || call == Callback::Exit as u64 => {
                "{callback} of {subsystem} is told of task {4}"
            }
            _ if failed => "{callback} of {subsystem} for container {2} fails: {errno5}",
            _ => "{callback} of {subsystem} is called for container {2}",
        },
        Tracepoint::CgroupSetupRoot => "Hierarchy {0} comes into being; its top is container {2}",
        Tracepoint::CgroupDestroyRoot => "Hierarchy {0} ends; its subsystems are free again",
        Tracepoint::CgroupRemount => "Hierarchy {0} is given other subsystems",
        Tracepoint::CgroupMkdir if failed => "No container is made in container {2}: {errno3}",
        Tracepoint::CgroupMkdir => "Container {1} is made in container {2}",
        Tracepoint::CgroupRmdir if failed => "Container {1} is not removed: {errno3}",
        Tracepoint::CgroupRmdir => "Container {1} is removed from container {2}",
        Tracepoint::CgroupAttachTask => {
            "Task {3} goes from container {2} to {1}: one pointer, for all subsystems of hierarchy {0}"
        }
        Tracepoint::CgroupRelease => match arg(2) {
            0 => "Container {1} was left by the last who used it; its release agent is to be run",
            _ => "The release agent of hierarchy {0} is run for container {1}",
        },
        Tracepoint::CgroupLimit => {
            "{subsystem0} refuses task {2} of container {1}: {3} more to {4} would exceed {5}"
        }
        Tracepoint::CgroupCssSet => "A set of memberships is made that no task had, with {links1}",
        _ => oom::template(event),
    }
}

/// What a template's word stands for; `None` for words that are not about tasks. The last character of
/// most is the field's number.
pub(super) fn word(event: &Event, word: &str) -> Option<String> {
    let split = word.len().checked_sub(1)?;
    let (kind, field) = word.split_at_checked(split)?;
    let value = field
        .parse()
        .ok()
        .and_then(|field: usize| event.args().get(field).copied());
    let arg = |index: usize| event.args().get(index).copied().unwrap_or(0);
    Some(match (kind, value, word) {
        ("ms", Some(nanoseconds), _) => milliseconds(nanoseconds),
        ("address", Some(address), _) => format!("{address:08x}"),
        ("bytes", Some(count), _) => plural(count, "byte"),
        ("pages", Some(count), _) => plural(count, "page"),
        ("areas", Some(count), _) => plural(count, "area"),
        ("tasks", Some(count), _) => plural(count, "task"),
        ("left", Some(count), _) => {
            format!(
                "{} of it {} left",
                plural(count, "thread"),
                is_or_are(count)
            )
        }
        ("links", Some(count), _) => plural(count, "link"),
        ("errno", Some(ret), _) => failure(ret).unwrap_or_default(),
        ("status", Some(status), _) => match status & 0x7f {
            0 => format!("status {}", status >> 8 & 0xff),
            signal => format!("signal {}", name_of_signal(signal)),
        },
        ("subsystem", Some(number), _) => subsystem(number),
        (_, _, "signal") => name_of_signal(arg(0)),
        (_, _, "callback") => Callback::name_of(arg(0)).to_string(),
        (_, _, "subsystem") => subsystem(arg(1)),
        (_, _, "name") => event.tracepoint.name().to_string(),
        _ => return None,
    })
}

fn subsystem(number: u64) -> String {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    kernel_core::container::subsystem_name(number).to_string()
}

fn name_of_signal(number: u64) -> String {
    match Signal::from_number(number as u32) {
        Some(signal) => format!("SIG{}", signal.name()),
        None => format!("signal {number}"),
    }
}

/// Nanoseconds in a unit that a reader compares with a slice.
fn milliseconds(nanoseconds: u64) -> String {
    format!(
        "{}.{:03} ms",
        nanoseconds / 1_000_000,
        nanoseconds / 1000 % 1000
    )
}

#[cfg(test)]
pub(super) mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use kernel_core::Errno;

    use super::*;

    /// An event with its fields, and its sentence.
    pub(in crate::observe::explain) fn cases() -> Vec<(Tracepoint, [u64; 6], &'static str)> {
        use Tracepoint::*;
        let error = |errno: Errno| -(errno as i64) as u64;
        let ms = 1_000_000;
        vec![
            (
                SchedSwitch,
                [0, 0, 100, 5 * ms, 0, 9 * ms],
                "CPU 0 ends its idleness and runs task 100, whose virtual runtime is 5.000 ms",
            ),
            (
                SchedSwitch,
                [100, 1, 0, 0, 0, 9 * ms],
                "CPU 0 has nothing to run after task 100 and idles",
            ),
            (
                SchedSwitch,
                [100, 0, 101, 5 * ms, 0, 9 * ms],
                "CPU 0 goes from task 100 to task 101: nobody else wants to run",
            ),
            (
                SchedSwitch,
                [100, 0, 101, 5 * ms, 7 * ms + 1500, 9 * ms],
                "CPU 0 goes from task 100 to task 101, which has the least virtual runtime: \
                 5.000 ms, against 7.001 ms of the next",
            ),
            (
                SchedWakeup,
                [100, 1, 5 * ms, 30 * ms, 10 * ms, 1],
                "Task 100 wakes on CPU 1 and takes it: its virtual runtime 5.000 ms is more than \
                 10.000 ms behind the running task's 30.000 ms",
            ),
            (
                SchedWakeup,
                [100, 1, 5 * ms, 6 * ms, 10 * ms, 0],
                "Task 100 wakes on CPU 1 and waits for its turn at 5.000 ms",
            ),
            (
                SchedMigrateTask,
                [100, 120, 0, 1, 2048, 1024],
                "Task 100 goes from CPU 0 to CPU 1: of the difference in load, 2048, it is 1024",
            ),
            (
                SchedPickGroup,
                [4096, 5 * ms, 6 * ms, 90, 100, 0],
                "CPU 0 picks a group of weight 90 among 100: its virtual runtime is 5.000 ms",
            ),
            (
                SchedWakeupNew,
                [101, 0, 5 * ms, 4 * ms, 6 * ms, 1],
                "New task 101 begins on CPU 0 at 5.000 ms, its parent's place: children run first",
            ),
            (
                SchedWakeupNew,
                [101, 0, 6 * ms, 4 * ms, 6 * ms, 0],
                "New task 101 begins on CPU 0 at virtual runtime 6.000 ms",
            ),
            (
                SchedSliceEnd,
                [100, 11 * ms, 10 * ms, 1024, 2048, 2],
                "Task 100 has run 11.000 ms: its slice of 10.000 ms is used up (weight 1024 of \
                 2048, 2 tasks)",
            ),
            (
                PageFault,
                [4096, 0x0804_8000, 0, Fault::Zero as u64, 300, 0],
                "A fault at 08048000 is given frame 300, a page of zeroes",
            ),
            (
                PageFault,
                [4096, 0x0804_8000, 0, Fault::File as u64, 300, 0],
                "A fault at 08048000 is given frame 300, a page of its file that was in memory",
            ),
            (
                PageFault,
                [4096, 0x0804_8000, 0, Fault::Major as u64, 300, 0],
                "A fault at 08048000 is given frame 300, a page of its file that had to be read",
            ),
            (
                PageFault,
                [4096, 0x0804_8000, 1, Fault::Copy as u64, 300, 299],
                "A write to 08048000 is given frame 300, a copy of frame 299, which others have too",
            ),
            (
                PageFault,
                [4096, 0x0804_8000, 1, Fault::Reuse as u64, 300, 300],
                "A write to 08048000 may go to frame 300: nobody else has it any more",
            ),
            (
                PageFault,
                [4096, 0x0804_8000, 0, Fault::Swap as u64, 300, 0],
                "A fault at 08048000 is given frame 300, whose page was on the swap device",
            ),
            (
                PageFault,
                [4096, 0x0804_8000, 0, Fault::SwapCache as u64, 300, 0],
                "A fault at 08048000 is given frame 300 again, which had been on its way to the swap device",
            ),
            (
                PageFault,
                [4096, 0x0804_8000, 1, Fault::Spurious as u64, 300, 300],
                "A fault at 08048000 finds its page there already",
            ),
            (
                MmMap,
                [4096, 0x4000_0000, 8192, 3, 0, 0],
                "8192 bytes are mapped at 40000000",
            ),
            (
                MmUnmap,
                [4096, 0x4000_0000, 8192, 1, 0, 0],
                "8192 bytes are unmapped at 40000000, with 1 page in memory",
            ),
            (
                MmDup,
                [4096, 8192, 3, 2, 2, 0],
                "An address space is copied for a fork: 3 areas, and 2 pages that both share until \
                 one writes",
            ),
            (
                SchedProcessExec,
                [100, 12, 4096, 0, 0, 0],
                "Task 100 goes on as the program of inode 12",
            ),
            (
                SchedProcessFork,
                [100, 101, 0, 4, 2, 0],
                "Task 100 forks task 101; there are 4 tasks now",
            ),
            (
                SchedForkRefused,
                [100, 5, error(Errno::EINVAL), Rule::Flags as u64, 0, 0],
                "Task 100 may not fork: its flags contradict each other (EINVAL)",
            ),
            (
                SchedForkRefused,
                [100, 5, error(Errno::EAGAIN), Rule::UserLimit as u64, 50, 50],
                "Task 100 may not fork: user 5 has 50 processes of 50 (EAGAIN)",
            ),
            (
                SchedForkRefused,
                [
                    100,
                    5,
                    error(Errno::EAGAIN),
                    Rule::ThreadsMax as u64,
                    999,
                    999,
                ],
                "Task 100 may not fork: there are 999 tasks of 999 that the machine allows (EAGAIN)",
            ),
            (
                SchedForkRefused,
                [100, 5, error(Errno::EAGAIN), Rule::Pids as u64, 0, 32768],
                "Task 100 may not fork: all numbers below 32768 are in use (EAGAIN)",
            ),
            (
                SchedForkRefused,
                [100, 5, error(Errno::EAGAIN), Rule::Container as u64, 0, 0],
                "Task 100 may not fork: its container allows no more tasks (EAGAIN)",
            ),
            (
                SchedForkRefused,
                [100, 5, error(Errno::ENOMEM), Rule::Memory as u64, 0, 0],
                "Task 100 cannot fork: there is no memory (ENOMEM)",
            ),
            (
                SchedProcessExit,
                [100, 100, 0, 0, 0, 0],
                "Task 100 of process 100 ends well; 0 threads of it are left",
            ),
            (
                SchedProcessExit,
                [101, 100, 15, 1, 0, 0],
                "Task 101 of process 100 ends with signal SIGTERM; 1 thread of it is left",
            ),
            (
                SchedReparent,
                [102, 101, 1, 0, 0, 0],
                "Task 102 is adopted by task 1, since its parent 101 has ended",
            ),
            (
                SchedProcessWait,
                [1, 100, 3 << 8, 0, 0, 0],
                "Task 1 is told of the end of its child 100, status 3",
            ),
            (
                SchedProcessWait,
                [1, 100, 0, 1, 0, 0],
                "Task 1 is told that its child 100 was stopped",
            ),
            (
                SchedProcessWait,
                [1, 100, 0, 2, 0, 0],
                "Task 1 is told that its child 100 goes on",
            ),
            (
                SchedProcessFree,
                [100, 1, 0, 0, 0, 0],
                "What was left of task 100 is freed; its number is free again",
            ),
            (
                SignalGenerate,
                [15, 100, 1, 1, Sent::Delivered as u64, 100],
                "Task 1 sends SIGTERM to task 100",
            ),
            (
                SignalGenerate,
                [15, 100, 1, 1, Sent::Ignored as u64, 0],
                "Task 1 sends SIGTERM to task 100, which ignores it",
            ),
            (
                SignalGenerate,
                [15, 100, 1, 1, Sent::AlreadyPending as u64, 0],
                "Task 1 sends SIGTERM to task 100, for which one waits already: two are one",
            ),
            (
                SignalDeliver,
                [9, 100, Action::Terminate as u64, 0, 0, 0],
                "SIGKILL ends the process of task 100",
            ),
            (
                SignalDeliver,
                [19, 100, Action::Stop as u64, 0, 0, 0],
                "SIGSTOP stops the process of task 100",
            ),
            (
                SignalDeliver,
                [10, 100, Action::Handle as u64, 0, 0, 0],
                "Task 100 handles SIGUSR1",
            ),
            (
                SignalDeliver,
                [17, 100, Action::Ignore as u64, 0, 0, 0],
                "SIGCHLD does nothing to task 100",
            ),
            (
                FsRename,
                [12, 1, 4, 0, 0, 0],
                "Inode 12 is given another name, from directory 1 to directory 4 (inode numbers)",
            ),
            (
                CgroupCallback,
                [
                    Callback::CanAttach as u64,
                    0,
                    3,
                    1,
                    100,
                    error(Errno::ENOSPC),
                ],
                "can_attach of cpuset refuses task 100 for container 3: ENOSPC",
            ),
            (
                CgroupCallback,
                [Callback::CanAttach as u64, 0, 3, 1, 100, 0],
                "can_attach of cpuset lets task 100 into container 3",
            ),
            (
                CgroupCallback,
                [Callback::Attach as u64, 0, 3, 1, 100, 0],
                "attach of cpuset is told: task 100 came from container 1 to 3",
            ),
            (
                CgroupCallback,
                [Callback::Fork as u64, 0, 3, 0, 100, 0],
                "fork of cpuset is told of task 100",
            ),
            (
                CgroupCallback,
                [Callback::Create as u64, 0, 3, 0, 0, error(Errno::ENOMEM)],
                "create of cpuset for container 3 fails: ENOMEM",
            ),
            (
                CgroupCallback,
                [Callback::Create as u64, 0, 3, 0, 0, 0],
                "create of cpuset is called for container 3",
            ),
            (
                CgroupSetupRoot,
                [1, 1, 2, 0, 0, 0],
                "Hierarchy 1 comes into being; its top is container 2",
            ),
            (
                CgroupDestroyRoot,
                [1, 1, 0, 0, 0, 0],
                "Hierarchy 1 ends; its subsystems are free again",
            ),
            (
                CgroupRemount,
                [1, 1, 3, 0, 0, 0],
                "Hierarchy 1 is given other subsystems",
            ),
            (
                CgroupMkdir,
                [1, 3, 2, 0, 0, 0],
                "Container 3 is made in container 2",
            ),
            (
                CgroupMkdir,
                [1, 3, 2, error(Errno::ENOMEM), 0, 0],
                "No container is made in container 2: ENOMEM",
            ),
            (
                CgroupRmdir,
                [1, 3, 2, 0, 0, 0],
                "Container 3 is removed from container 2",
            ),
            (
                CgroupRmdir,
                [1, 3, 2, error(Errno::EBUSY), 0, 0],
                "Container 3 is not removed: EBUSY",
            ),
            (
                CgroupAttachTask,
                [1, 3, 2, 100, 0, 0],
                "Task 100 goes from container 2 to 3: one pointer, for all subsystems of hierarchy 1",
            ),
            (
                CgroupRelease,
                [1, 3, 0, 0, 0, 0],
                "Container 3 was left by the last who used it; its release agent is to be run",
            ),
            (
                CgroupRelease,
                [1, 3, 1, 0, 0, 0],
                "The release agent of hierarchy 1 is run for container 3",
            ),
            (
                CgroupLimit,
                [0, 3, 100, 1, 4, 4],
                "cpuset refuses task 100 of container 3: 1 more to 4 would exceed 4",
            ),
            (
                CgroupCssSet,
                [4096, 2, 0, 0, 0, 0],
                "A set of memberships is made that no task had, with 2 links",
            ),
        ]
    }
}
