use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::protocol::{Host, Request, Response, View as Answer, ViewRequest};
use crate::session::{HostMemory, Session};
use crate::view::oom::{OomDecision, OomKillWhy, OomRule, OomSkip, OomVerdict, OomView};
use crate::view::{View, check_german};

mod what_if;

struct Lab(Session);

impl Lab {
    #[track_caller]
    fn new(header: &str, lines: &[&str]) -> Lab {
        let mut lab = Lab(Session::new(Host::Native, Box::new(HostMemory)));
        let header = header.into();
        lab.0.handle(Request::Open { header });
        for line in lines {
            lab.run(line);
        }
        lab
    }

    #[track_caller]
    fn run(&mut self, line: &str) -> String {
        let lines = [line.as_bytes().to_vec()].into();
        match self.0.handle(Request::Run { lines }) {
            Response::Ran { lines, .. } => String::from_utf8_lossy(&lines[0].text).into_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn ask(&mut self, step: Option<u32>, decision: u32, from: u32, max: u32) -> Option<OomView> {
        let request = ViewRequest::Oom {
            step,
            decision,
            from,
            max,
        };
        match self.0.handle(Request::View(request)) {
            Response::View(Some(Answer::Oom(view))) => Some(*view),
            Response::View(None) => None,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn decision(&mut self, step: Option<u32>) -> OomView {
        let view = self.ask(step, 0, 0, 100).expect("memory ran out");
        check(&view);
        view
    }
}

/// Every step of a score begins where the one before ends, and the last one is the score.
#[track_caller]
fn check(view: &OomView) {
    if !view.decision.rule.is_empty() {
        check_german(&view.decision.rule);
    }
    for moment in &view.decision.moments {
        check_german(&moment.text);
    }
    for refused in &view.decision.refused {
        check_german(&refused.why);
    }
    for candidate in &view.decision.candidates {
        let factors = &candidate.factors;
        for pair in factors.windows(2) {
            assert_eq!(pair[0].after, pair[1].before, "{candidate:?}");
            assert!(pair[0].rule < pair[1].rule, "{candidate:?}");
        }
        assert_eq!(factors[0].rule, OomRule::Pages);
        assert_eq!(factors.last().map(|it| it.after), Some(candidate.points));
    }
    let points = view.decision.candidates.iter().map(|it| it.points);
    // Of those with a certain name the first one goes.
    let is_by_name = view.decision.policy == "oom_victim";
    assert!(is_by_name || points.is_sorted_by(|a, b| a >= b));
    let brief = view.brief().expect("there is one");
    let chosen = view.decision.candidates.iter().filter(|it| it.is_chosen);
    for chosen in chosen {
        assert_eq!((&chosen.task, chosen.points), (&brief.chosen, brief.points));
    }
    let table = view.table();
    for row in &table.rows {
        assert_eq!(row.len(), table.columns.len());
    }
}

/// The specification's family: 25,600 pages with children of 1000 and 1001, old and busy.
const FAMILY: [&str; 4] = [
    "spawn hog vm=100M utime=400s age=86400s caps=none",
    "spawn kid ppid=100 vm=4000k rss=0 caps=none",
    "spawn kid ppid=100 vm=4004k rss=0 caps=none oom_adj=-17",
    "spawn db vm=8M caps=all nice=5",
];

#[test]
fn a_decision_tells_each_factor_and_who_was_passed_over() {
    let mut lab = Lab::new("mem=16M", &FAMILY);
    assert_eq!(lab.ask(Some(4), 0, 0, 10), None, "nothing has happened yet");
    lab.run("oom trigger");
    let view = lab.decision(Some(5));
    assert_eq!(view.step, 5);
    let brief = view.brief().unwrap();
    assert_eq!(brief.verdict, OomVerdict::Kill);
    assert_eq!((brief.chosen.pid, brief.points), (100, 1477));
    let first = &view.decision.candidates[0];
    let steps: Vec<_> = first.factors.iter().map(|it| (it.rule, it.after)).collect();
    assert_eq!(
        steps,
        [
            (OomRule::Pages, 25_600),
            (OomRule::Children, 26_602),
            (OomRule::CpuTime, 4433),
            (OomRule::RunTime, 1477),
        ]
    );
    assert_eq!(
        first.how(),
        "25600 pages, + 1002 for 2 children, / 6 for its CPU time, / 3 for its age"
    );
    let db = &view.decision.candidates[2];
    assert_eq!(
        db.how(),
        "2048 pages, * 2 for being nice, / 4 for the superuser's rights, / 4 for driving hardware"
    );
    // The first child goes, not the largest.
    let killed: Vec<_> = brief
        .killed
        .iter()
        .map(|it| (it.task.pid, it.why))
        .collect();
    assert_eq!(killed, [(101, OomKillWhy::Child)]);
    let skipped: Vec<_> = view
        .decision
        .skipped
        .iter()
        .map(|it| (it.task.pid, it.why))
        .collect();
    assert_eq!(
        skipped,
        [
            (1, OomSkip::NoMemory),
            (2, OomSkip::NoMemory),
            (102, OomSkip::Disabled)
        ]
    );
    assert!(view.decision.is_over);
    let memory = view.decision.during;
    assert_eq!(
        memory.free + memory.anon + memory.file + memory.kernel,
        memory.total
    );
    assert_eq!(
        view.sentence(),
        "step 5: badness chooses 100 (hog) of 3 candidates, with a score of 1477; killed: 101 (kid), a \
         child of the chosen one"
    );
    let free = view.decision.during.free;
    assert_eq!(
        view.paragraph(),
        alloc::format!(
            "Memory ran out in the whole machine when task 1 (sh) asked for a page (GFP_KERNEL); {free} of \
             4009 pages were free. The policy badness compared 3 tasks and passed over 2 (no memory of its \
             own), 1 (oom_adj -17). Chosen was 100 (hog), since it has the highest score. Its score is 1477: \
             25600 pages, + 1002 for 2 children, / 6 for its CPU time, / 3 for its age. The best of the others \
             was 101 (kid) with 1000. Killed: 101 (kid), a child of the chosen one. That freed nothing: {free} \
             pages were free, as before."
        )
    );
}

#[test]
fn memory_that_a_program_has_touched_comes_back() {
    let mut lab = Lab::new("mem=16M", &["spawn memhog -- 4M", "sleep 1"]);
    let had = lab.run("cat /proc/100/statm");
    let had: i64 = had.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(had > 1000, "{had}");
    lab.run("oom trigger");
    let view = lab.decision(Some(4));
    let OomDecision {
        before,
        during,
        after,
        is_over,
        ..
    } = &view.decision;
    assert!(*is_over);
    assert_eq!(before.free, during.free);
    assert!(
        (had..had + 20).contains(&view.decision.freed()),
        "{had}: {}",
        view.paragraph()
    );
    assert!(after.anon < during.anon - 1000);
    assert_eq!(i64::from(view.decisions[0].killed[0].pages), had);
}

#[test]
fn many_tasks_are_told_in_parts() {
    let mut lab = Lab::new(
        "mem=32M",
        &[
            "echo 4000 > /proc/sys/kernel/threads-max",
            "spawn a vm=8k rss=0 count=3000",
            "spawn b vm=4M rss=0",
        ],
    );
    lab.run("oom trigger");
    let view = lab.decision(Some(4));
    assert_eq!(
        (
            view.decision.candidates_total,
            view.decision.candidates.len()
        ),
        (3001, 100)
    );
    assert_eq!(view.decision.candidates[0].task.comm, "b");
    let part = lab.ask(Some(4), 0, 2990, 5000).unwrap();
    assert_eq!(
        (part.decision.from, part.decision.candidates.len()),
        (2990, 11)
    );
    assert_eq!(
        part.decision.candidates[0].task.pid,
        100 + 2989,
        "of equals the first one first"
    );
    assert!(part.decision.skipped.is_empty());
    assert_eq!(part.decision.rule, "it has the highest score");
    assert_eq!(part.table().rows[0][0], "2991");
    let none = lab.ask(Some(4), 0, 1 << 31, u32::MAX).unwrap();
    assert!(none.decision.candidates.is_empty());
}

#[test]
fn a_line_may_decide_more_than_once() {
    let mut lab = Lab::new(
        "mem=16M",
        &[
            "spawn a vm=4M",
            "spawn b vm=8M",
            "spawn c vm=2M oom_adj=-17",
        ],
    );
    let text = lab.run("oom trigger; oom trigger; oom trigger; true");
    assert!(text.contains("no killable processes"), "{text}");
    let view = lab.ask(Some(4), 7, 0, 10).unwrap();
    assert_eq!((view.decisions.len(), view.shown), (3, 2));
    assert!(
        view.sentence()
            .starts_with("step 4, decision 3 of 3: badness finds nobody to kill")
    );
    let pids: Vec<_> = view.decisions.iter().map(|it| it.chosen.pid).collect();
    assert_eq!(pids, [101, 100, 0]);
    let first = lab.decision(Some(4));
    assert_eq!(first.brief().unwrap().killed[0].why, OomKillWhy::Chosen);
    // The machine has halted, and nothing happens next.
    assert_eq!(lab.ask(None, 0, 0, 10), None);
}

#[test]
fn what_would_happen_next_is_taken_back() {
    let mut lab = Lab::new("mem=16M", &FAMILY);
    let next = lab.decision(None);
    assert_eq!(next.step, 0);
    let sentence = next.sentence();
    assert!(sentence.starts_with("if memory ran out now: badness chooses"));
    assert_eq!(lab.run("cat /proc/100/oom_adj"), "0\n", "everybody lives");
    lab.run("oom trigger");
    let then = lab.decision(Some(u32::MAX));
    assert_eq!(then.step, 6);
    assert_eq!(next.decision.candidates, then.decision.candidates);
    assert_eq!(next.decisions[0].killed, then.decisions[0].killed);
    // Whoever asks about a later step is told of the latest decision.
    lab.run("true");
    assert_eq!(lab.decision(Some(7)), then);
}

#[test]
fn every_policy_has_its_rule() {
    let mut lab = Lab::new(
        "mem=16M nodes=2",
        &[
            "mkdir -p /mnt/oom-killer; mount -t cgroup -o oom oom /mnt/oom-killer",
            "mkdir /mnt/oom-killer/lambs /mnt/oom-killer/invincibles",
            "echo 256 > /mnt/oom-killer/lambs/oom.priority; echo 0 > /mnt/oom-killer/invincibles/oom.priority",
            "spawn big vm=64M mems=0; spawn lamb vm=1M mems=1; spawn db vm=90M mems=0; spawn lamb vm=2M mems=1",
            "echo 101 > /mnt/oom-killer/lambs/tasks; echo 103 > /mnt/oom-killer/lambs/tasks",
            "echo 102 > /mnt/oom-killer/invincibles/tasks",
        ],
    );
    let mut chosen = |line: &str| {
        lab.run(line);
        let view = lab.decision(None);
        let skipped = view.decision.skipped_total.clone();
        let policy = view.decision.policy.clone();
        let pid = view.decisions[0].chosen.pid;
        (policy, pid, view.decision.rule, skipped)
    };
    let (policy, pid, rule, skipped) = chosen("true");
    assert_eq!((&*policy, pid), ("priority", 103));
    assert_eq!(
        rule,
        "its oom.priority is the highest, and of those who have that it has the highest score"
    );
    let mut why = vec![
        (OomSkip::NoMemory, 2),
        (OomSkip::PriorityZero, 1),
        (OomSkip::LowerPriority, 1),
    ];
    assert_eq!(skipped, why);
    // The objection of cpusets' users, and its cure.
    let (policy, pid, rule, skipped) = chosen(
        "mkdir /c; mount -t cgroup -o cpuset cpuset /c; mkdir /c/b; echo 0 > /c/b/cpuset.cpus; \
         echo 0 > /c/b/cpuset.mems; echo $$ > /c/b/tasks; \
         echo priority_cpuset > /proc/sys/vm/oom_policy",
    );
    assert_eq!((&*policy, pid), ("priority_cpuset", 100));
    let end = "without a look at the nodes it would have been 103 (lamb)";
    assert!(rule.ends_with(end), "{rule}");
    why[2] = (OomSkip::OtherNodes, 2);
    assert_eq!(skipped, why);
    let (policy, pid, rule, skipped) = chosen("echo lamb > /proc/sys/vm/oom_victim");
    assert_eq!((&*policy, pid), ("oom_victim", 101));
    assert_eq!(rule, "it is the first one called lamb, as oom_victim says");
    assert_eq!(skipped[1..], [(OomSkip::OtherName, 2)]);
    let (_, pid, rule, _) = chosen("echo nobody > /proc/sys/vm/oom_victim");
    let words = "nobody is called what oom_victim says, and it has the highest score";
    assert_eq!((pid, &*rule), (102, words));
}

#[test]
fn a_page_that_cannot_be_had_kills_and_the_swap_device_counts() {
    let lines = ["echo 1 > /proc/sys/vm/overcommit_memory; swapon /dev/swap"];
    let mut lab = Lab::new("mem=4M swap=2M", &lines);
    let text = lab.run("memhog 16M 1s");
    let view = lab.ask(Some(2), 0, 0, 10);
    let view = view.unwrap_or_else(|| panic!("memory has not run out: {text}"));
    check(&view);
    let brief = view.brief().unwrap();
    assert_eq!(
        (brief.chosen.pid, &*view.decision.asker.comm),
        (100, "memhog"),
        "{}",
        view.paragraph()
    );
    let memory = view.decision.during;
    assert_eq!(memory.swap_total, 511, "the map takes a page");
    assert!(memory.swap_used > 500 && memory.free < 100, "{memory:?}");
    let kill = &brief.killed[0];
    assert!(kill.pages > 200 && kill.swapped > 400, "{kill:?}");
    let after = view.decision.after;
    assert!(view.decision.is_over && after.swap_used == 0, "{after:?}");
    assert!(view.decision.freed() > 200);
    // It waited for a tick where memory was short, and the list of decisions has no waiting in it.
    assert_eq!(view.decisions.len(), 1);
    let words = view.paragraph();
    assert!(
        words.starts_with(
            "Memory ran out in the whole machine when task 100 (memhog) asked for a page"
        ) && words.contains("Killed: 100 (memhog), the chosen one. That freed "),
        "{words}"
    );
}

#[test]
fn a_low_memory_killer_tells_what_it_has_seen() {
    let lines = [
        "echo 1 > /proc/sys/vm/overcommit_memory; echo lowmemorykiller > /proc/sys/vm/oom_policy",
        "spawn app oom_adj=12 rss=100k; spawn app oom_adj=12 rss=200k; spawn home oom_adj=6 rss=400k",
        "spawn ui rss=800k",
    ];
    let mut lab = Lab::new("mem=16M", &lines);
    let text = lab.run("memhog 20M 1s");
    let view = lab.ask(Some(4), 0, 0, 10);
    let view = view.unwrap_or_else(|| panic!("nobody has died: {text}"));
    let brief = view.brief().unwrap();
    assert_eq!(brief.killed[0].why, OomKillWhy::LowMemory);
    assert_eq!((brief.chosen.pid, brief.points), (101, 50));
    let pids: Vec<u32> = view
        .decision
        .candidates
        .iter()
        .map(|it| it.task.pid)
        .collect();
    assert_eq!(
        pids,
        [101, 100, 102, 104, 103],
        "by oom_adj, then by memory"
    );
    let words = view.paragraph();
    assert!(words.starts_with("Memory had become scarce: "), "{words}");
    assert!(
        words.contains("tasks with an oom_adj of 0 and more may die"),
        "{words}"
    );
    assert!(
        words.contains("Killed: 101 (app), before it was too late"),
        "{words}"
    );
}
