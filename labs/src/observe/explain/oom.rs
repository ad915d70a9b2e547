//! Sentences about memory that runs out: whom the OOM killer chose, who was told before.

use alloc::string::{String, ToString};

use kernel_core::oom::policy::POLICIES;
use kernel_core::trace::{Event, Tracepoint};

use super::{is_or_are, plural, reclaim};

/// The sentence that fits the event, with words for [`word`] in braces; a digit is a field's number.
pub(super) fn template(event: &Event) -> &'static str {
    let arg = |index: usize| event.args().get(index).copied().unwrap_or(0);
    match event.tracepoint {
        Tracepoint::OomInvoke => match arg(3) {
            0 => "Task {0} gets no page in the whole machine: policy {policy5} is asked",
            1 => "Task {0} gets no page on its cpuset's nodes: policy {policy5} is asked",
            2 => {
                "Task {0} gets no page on the nodes of its memory policy, and is to be killed itself"
            }
            _ => "Task {0} has reached its container's limit: policy {policy5} is asked",
        },
        Tracepoint::OomSelect => match arg(1) {
            0 => "Nobody is found who may be killed: {skipped5} passed over",
            1 => "Task {2} is dying already: its memory is waited for",
            _ => {
                "Task {2} is chosen, with a score of {3}; {tasks4} compared, {skipped5} passed over"
            }
        },
        Tracepoint::MarkVictim => match arg(2) {
            0 => "Task {0} is killed: it was chosen, and has {pages4} in memory",
            1 => {
                "Task {0} is killed, a child of task {1}, which was chosen; it has {pages4} in memory"
            }
            2 => "Task {0} is killed too: it lives in the memory that is to be freed",
            _ => "Task {0} is killed by the low-memory killer; it has {pages4} in memory",
        },
        Tracepoint::OomKillRefused => match arg(2) {
            0 => "Task {0} is not killed: it has no memory of its own",
            1 => "Task {0} is not killed: it, or who shares its memory, has an oom_adj of -17",
            _ => "Task {0} is not killed: it is the first process",
        },
        Tracepoint::OomPolicySelected => {
            "The OOM killer's policy is {policy1} now, after {policy0}"
        }
        Tracepoint::MemNotify => match arg(1) {
            1 => "Zone {0} is under pressure: {5} of {tasks4} that watch /dev/mem_notify are told",
            _ => "Zone {0} is calm again",
        },
        Tracepoint::OomNotify => match arg(2) {
            2 => "The time of those who were told that task {1} gets no page is up",
            _ => "Before anybody is killed for task {1}, {tasks3} are told and given time",
        },
        Tracepoint::LowmemShrink => {
            "{pages2} free and {pages3} of files, both below {1}: whoever has an oom_adj from {int0} on may \
             be killed"
        }
        Tracepoint::LowmemSelect => {
            "Task {0} would be the best to kill so far: its oom_adj is {int1}, and {pages2} in memory"
        }
        Tracepoint::OomPriority => {
            "The highest oom.priority is {0}, which {tasks1} have; {2} are excluded by 0, {3} by their nodes"
        }
        _ => reclaim::template(event),
    }
}

/// What a template's word stands for; `None` for words that are not about this.
pub(super) fn word(event: &Event, word: &str) -> Option<String> {
    let (kind, field) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let value = *event.args().get(field.parse::<usize>().ok()?)?;
    Some(match kind {
        "policy" => {
            let policy = POLICIES.get(value as usize);
            policy.map_or("?", |policy| policy.name()).to_string()
        }
        "skipped" => [plural(value, "task").as_str(), " ", is_or_are(value)].concat(),
        "int" => (value as i64).to_string(),
        _ => return None,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    /// An event with its fields, and its sentence.
    pub(in crate::observe::explain) fn cases() -> Vec<(Tracepoint, [u64; 6], &'static str)> {
        use Tracepoint::*;
        vec![
            (
                OomInvoke,
                [100, 0xd0, 0, 0, 1, 0],
                "Task 100 gets no page in the whole machine: policy badness is asked",
            ),
            (
                OomInvoke,
                [100, 0xd0, 0, 1, 1, 2],
                "Task 100 gets no page on its cpuset's nodes: policy priority is asked",
            ),
            (
                OomInvoke,
                [100, 0xd0, 0, 2, 1, 0],
                "Task 100 gets no page on the nodes of its memory policy, and is to be killed itself",
            ),
            (
                OomInvoke,
                [100, 0xd0, 0, 3, 1, 99],
                "Task 100 has reached its container's limit: policy ? is asked",
            ),
            (
                OomSelect,
                [1, 0, 0, 0, 0, 1],
                "Nobody is found who may be killed: 1 task is passed over",
            ),
            (
                OomSelect,
                [1, 1, 100, 0, 0, 0],
                "Task 100 is dying already: its memory is waited for",
            ),
            (
                OomSelect,
                [1, 2, 100, 1477, 3, 3],
                "Task 100 is chosen, with a score of 1477; 3 tasks compared, 3 tasks are passed over",
            ),
            (
                MarkVictim,
                [100, 100, 0, 1477, 1, 0],
                "Task 100 is killed: it was chosen, and has 1 page in memory",
            ),
            (
                MarkVictim,
                [101, 100, 1, 1477, 20, 0],
                "Task 101 is killed, a child of task 100, which was chosen; it has 20 pages in memory",
            ),
            (
                MarkVictim,
                [102, 100, 2, 1477, 20, 0],
                "Task 102 is killed too: it lives in the memory that is to be freed",
            ),
            (
                MarkVictim,
                [102, 102, 3, 0, 20, 0],
                "Task 102 is killed by the low-memory killer; it has 20 pages in memory",
            ),
            (
                OomKillRefused,
                [100, 100, 0, 0, 0, 0],
                "Task 100 is not killed: it has no memory of its own",
            ),
            (
                OomKillRefused,
                [100, 100, 1, 0, 0, 0],
                "Task 100 is not killed: it, or who shares its memory, has an oom_adj of -17",
            ),
            (
                OomKillRefused,
                [1, 1, 2, 0, 0, 0],
                "Task 1 is not killed: it is the first process",
            ),
            (
                OomPolicySelected,
                [0, 1, 0, 0, 0, 0],
                "The OOM killer's policy is oom_victim now, after badness",
            ),
            (
                MemNotify,
                [0, 1, 30, 40, 17, 2],
                "Zone 0 is under pressure: 2 of 17 tasks that watch /dev/mem_notify are told",
            ),
            (MemNotify, [0, 0, 30, 40, 17, 0], "Zone 0 is calm again"),
            (
                OomNotify,
                [3, 100, 0, 2, 9, 0],
                "Before anybody is killed for task 100, 2 tasks are told and given time",
            ),
            (
                OomNotify,
                [3, 100, 2, 0, 9, 0],
                "The time of those who were told that task 100 gets no page is up",
            ),
            (
                LowmemShrink,
                [-1_i64 as u64, 4096, 30, 40, 500, 0],
                "30 pages free and 40 pages of files, both below 4096: whoever has an oom_adj from -1 on \
                 may be killed",
            ),
            (
                LowmemSelect,
                [100, 12, 25, 0, 0, 0],
                "Task 100 would be the best to kill so far: its oom_adj is 12, and 25 pages in memory",
            ),
            (
                OomPriority,
                [256, 2, 1, 0, 100, 100],
                "The highest oom.priority is 256, which 2 tasks have; 1 are excluded by 0, 0 by their nodes",
            ),
        ]
    }
}
