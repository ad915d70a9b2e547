//! What a decision of the OOM killer sees: every task with its score, or with the reason for which it is
//! passed over; and how memory is used.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::container::oom::priority;
use kernel_core::fs::FS;
use kernel_core::mem::reclaim::RECLAIM;
use kernel_core::mem::{Gfp, MEM, Mem, Ref};
use kernel_core::oom::badness::{self, Factor, FactorRule};
use kernel_core::oom::policy::{LOWMEM_NAME, PRIORITY_NAME, VICTIM_NAME};
use kernel_core::oom::victim;
use kernel_core::oom::{OomControl, OomPolicy, Skipped};
use kernel_core::task::mm::{MM, Mm};
use kernel_core::task::{self, Task, time};

use crate::view::oom::{
    OomBrief, OomCandidate, OomDecision, OomFactor, OomMemory, OomRule, OomSkip, OomSkipped,
    OomTask,
};

/// How memory is used.
pub(crate) fn oom_memory(mem: &Mem) -> OomMemory {
    let total = mem[MEM].managed;
    let free = mem.free_frames();
    let anon = mem[MM].nr_anon;
    let file = mem[FS].nr_file_pages;
    let swap = mem[RECLAIM].swap;
    let swap_total = match swap.is_on {
        0 => 0,
        _ => swap.pages - swap.map_pages,
    };
    OomMemory {
        at_ns: time::now(mem),
        total,
        free,
        anon,
        file,
        kernel: total.saturating_sub(free + anon + file),
        swap_total,
        swap_used: swap_total.saturating_sub(swap.free),
    }
}

/// Pages of an address space, in memory and in swap.
pub(crate) fn oom_pages(mem: &Mem, mm: Ref<Mm>) -> u32 {
    mem[mm].rss() + mem[mm].swap_ents
}

/// A task's number and name.
pub(crate) fn oom_task(mem: &Mem, task: Ref<Task>) -> OomTask {
    OomTask {
        pid: mem[task].pid,
        comm: mem[task].comm().to_string(),
    }
}

/// The task of that number; only the number if it is gone.
pub(crate) fn oom_task_of(mem: &Mem, pid: u32) -> OomTask {
    match task::find_task_by_pid(mem, pid) {
        Some(task) => oom_task(mem, task),
        None => OomTask {
            pid,
            ..OomTask::default()
        },
    }
}

/// Weighs all tasks as a policy does. Of the candidates by rank, and of those that are passed over, up to
/// `max` are listed from number `from` on.
pub(crate) fn weigh(
    mem: &Mem,
    policy: &dyn OomPolicy,
    control: &OomControl,
    chosen: u32,
    from: u32,
    max: u32,
    decision: &mut OomDecision,
) {
    let uptime = badness::uptime(mem);
    let bar = policy.bar(mem, control);
    let is_first_come = policy.name() == VICTIM_NAME && bar != 0;
    let has_priorities = policy.name().starts_with(PRIORITY_NAME);
    let window = from as usize..from.saturating_add(max) as usize;
    let mut ranking: Vec<(u64, Ref<Task>)> = Vec::new();
    let mut skipped = 0;
    decision.skipped.clear();
    decision.skipped_total.clear();
    let all = task::processes(mem).flat_map(|leader| task::threads(mem, mem[leader].signal));
    for task in all {
        let Some(why) = policy.skips(mem, control, bar, task) else {
            let points = badness::badness(mem, task, uptime, control.nodes);
            ranking.push((points, task));
            continue;
        };
        let why = skip(why);
        let totals = &mut decision.skipped_total;
        match totals.iter_mut().find(|known| known.0 == why) {
            Some(known) => known.1 += 1,
            None => totals.push((why, 1)),
        }
        if window.contains(&skipped) {
            let task = oom_task(mem, task);
            decision.skipped.push(OomSkipped { task, why });
        }
        skipped += 1;
    }
    decision.skipped_total.sort_unstable();
    // Stable: of equal scores the first one wins. Of those with the name of `oom_victim` it does anyway.
    if !is_first_come {
        ranking.sort_by_key(|&(points, _)| core::cmp::Reverse(points));
    }
    decision.candidates_total = ranking.len() as u32;
    decision.from = from;
    let listed = ranking.iter().skip(window.start).take(window.len());
    decision.candidates = listed
        .map(|&(_, task)| OomCandidate {
            priority: has_priorities.then(|| priority(mem, task)),
            ..candidate(mem, control, task, chosen)
        })
        .collect();
}

fn candidate(mem: &Mem, control: &OomControl, task: Ref<Task>, chosen: u32) -> OomCandidate {
    let explained = badness::explain(mem, task, control);
    let Task {
        pid,
        tgid,
        cred,
        oom_adj,
        mm,
        parent,
        ..
    } = mem[task];
    OomCandidate {
        task: oom_task(mem, task),
        at: task.unit(),
        uid: cred.uid,
        tgid,
        ppid: mem[parent].pid,
        oom_adj,
        priority: None,
        rss: if mm.is_null() { 0 } else { mem[mm].rss() },
        points: explained.points,
        factors: explained.factors().iter().map(factor).collect(),
        is_chosen: pid == chosen,
    }
}

fn factor(factor: &Factor) -> OomFactor {
    let rule = match factor.rule {
        FactorRule::TotalVm => OomRule::Pages,
        FactorRule::Swapoff => OomRule::Swapoff,
        FactorRule::Children => OomRule::Children,
        FactorRule::CpuTime => OomRule::CpuTime,
        FactorRule::RunTime => OomRule::RunTime,
        FactorRule::Nice => OomRule::Nice,
        FactorRule::Superuser => OomRule::Superuser,
        FactorRule::RawIo => OomRule::RawIo,
        FactorRule::Nodes => OomRule::Nodes,
        FactorRule::OomAdj => OomRule::OomAdj,
    };
    OomFactor {
        rule,
        before: factor.before,
        after: factor.after,
        operand: factor.operand,
    }
}

fn skip(why: Skipped) -> OomSkip {
    match why {
        Skipped::NoMm => OomSkip::NoMemory,
        Skipped::Init => OomSkip::Init,
        Skipped::NotMember => OomSkip::NotMember,
        Skipped::Disabled => OomSkip::Disabled,
        Skipped::PriorityZero => OomSkip::PriorityZero,
        Skipped::LowerPriority => OomSkip::LowerPriority,
        Skipped::OtherNodes => OomSkip::OtherNodes,
        Skipped::OtherName => OomSkip::OtherName,
        Skipped::BelowThreshold => OomSkip::BelowThreshold,
        Skipped::Refused => OomSkip::Refused,
    }
}

/// Why a task that was to be killed was not, by the number in its event.
pub(crate) fn oom_refusal(why: u64) -> &'static str {
    match why {
        0 => "it has no memory of its own",
        1 => "its oom_adj, or that of somebody who shares its memory, is -17",
        _ => "it is the first process",
    }
}

/// The rule by which a victim was chosen, as a sentence without its beginning and end.
pub(crate) fn oom_rule(mem: &Mem, decision: &OomDecision, brief: &OomBrief) -> String {
    let most = decision.candidates.iter().map(|it| it.points).max();
    let is_beyond = decision.from > 0 || most.is_some_and(|most| most < brief.points);
    let equals = decision.candidates.iter();
    let equals = equals.filter(|it| it.points == brief.points).count();
    let by_score = match (is_beyond, equals) {
        _ if brief.points == u64::MAX => "it is on its way out already",
        (false, 2..) => "nobody has a higher score, and of equal ones the first counts",
        _ => "it has the highest score",
    };
    let has_skipped = |why: OomSkip| decision.skipped_total.iter().any(|it| it.0 == why);
    match decision.policy.as_str() {
        VICTIM_NAME if has_skipped(OomSkip::OtherName) => {
            let name = core::str::from_utf8(victim::name(mem)).unwrap_or("?");
            ["it is the first one called ", name, ", as oom_victim says"].concat()
        }
        VICTIM_NAME => ["nobody is called what oom_victim says, and ", by_score].concat(),
        policy if !policy.starts_with(PRIORITY_NAME) => by_score.to_string(),
        _ if has_skipped(OomSkip::LowerPriority) => [
            "its oom.priority is the highest, and of those who have that ",
            by_score,
        ]
        .concat(),
        _ => ["all have the same oom.priority, and ", by_score].concat(),
    }
}

/// What a low-memory killer sees: how little there is, and whom that endangers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LowMemory {
    /// Whose `oom_adj` is below is safe.
    pub min_adj: i32,
    /// Both are below so many pages:
    pub threshold: u32,
    /// those that are free,
    pub free: u32,
    /// and those of files.
    pub file: u32,
}

/// Lists the processes as a low-memory killer does, which knows no scores: by `oom_adj`, then by what they
/// have in memory, which stands in the place of a score.
pub(crate) fn weigh_low_memory(
    mem: &Mem,
    low: LowMemory,
    chosen: u32,
    from: u32,
    max: u32,
    decision: &mut OomDecision,
) {
    let control = OomControl::new(mem, Gfp::KERNEL, 0);
    let rss = |task: Ref<Task>| match mem[task].mm {
        mm if mm.is_null() => 0,
        mm => mem[mm].rss(),
    };
    let mut ranking = Vec::new();
    let mut totals = [0; 3];
    for task in task::processes(mem) {
        let why = if rss(task) == 0 {
            (0, OomSkip::NoMemory)
        } else if mem[task].tgid == 1 {
            (1, OomSkip::Init)
        } else if mem[task].oom_adj < low.min_adj {
            (2, OomSkip::BelowThreshold)
        } else {
            ranking.push((mem[task].oom_adj, rss(task), task));
            continue;
        };
        totals[why.0] += 1;
        if totals.iter().sum::<u32>() > from && (decision.skipped.len() as u32) < max {
            let task = oom_task(mem, task);
            decision.skipped.push(OomSkipped { task, why: why.1 });
        }
    }
    let reasons = [OomSkip::NoMemory, OomSkip::Init, OomSkip::BelowThreshold];
    let totals = reasons.into_iter().zip(totals);
    decision.skipped_total = totals.filter(|it| it.1 > 0).collect();
    ranking.sort_by_key(|&(adj, size, _)| core::cmp::Reverse((adj, size)));
    decision.policy = LOWMEM_NAME.to_string();
    decision.candidates_total = ranking.len() as u32;
    decision.from = from;
    let listed = ranking.iter().skip(from as usize).take(max as usize);
    decision.candidates = listed
        .map(|&(_, size, task)| OomCandidate {
            points: u64::from(size),
            factors: Vec::new(),
            ..candidate(mem, &control, task, chosen)
        })
        .collect();
    decision.rule = format!(
        "{} pages are free and {} are of files, both below {}: so tasks with an oom_adj of {} and more may \
         die, the largest oom_adj first, and of equal ones whoever has the most in memory",
        low.free, low.file, low.threshold, low.min_adj
    );
}
