//! One thing otherwise in the past, and one log under several policies: what is told, and that nothing of
//! it stays.

use super::*;
use crate::protocol::WhatIf;
use crate::view::oom::{OomEnd, OomMomentKind, OomWhatIfView, PoliciesView, moments};

/// Two decisions: the hog's and the database's.
const LINES: [&str; 7] = [
    "spawn hog vm=100M rss=60M utime=10s caps=none",
    "spawn lamb vm=2M rss=1M utime=3600s caps=none",
    "spawn db vm=300M rss=50M utime=7200s stime=10s caps=none",
    "oom trigger",
    "echo between",
    "oom trigger",
    "echo behind",
];

impl Lab {
    #[track_caller]
    fn view(&mut self, request: ViewRequest) -> Result<Answer, String> {
        let stands = |lab: &mut Lab| {
            let log = lab.0.handle(Request::Log);
            let state = lab.0.handle(Request::State);
            (log, state, lab.0.live().unwrap().kernel.frames_hash())
        };
        let before = stands(self);
        let answer = self.0.handle(Request::View(request));
        assert!(before == stands(self), "the session is another one");
        match answer {
            Response::View(Some(view)) => Ok(view),
            Response::Error { message } => Err(message),
            other => panic!("{other:?}"),
        }
    }

    /// What another line would have changed; the decision asked about is the first of line 4.
    #[track_caller]
    fn what_if(&mut self, before: u32, line: &str) -> Result<OomWhatIfView, String> {
        let what_if = WhatIf {
            before,
            line: line.into(),
            step: 4,
            decision: 0,
        };
        match self.view(ViewRequest::OomWhatIf(what_if))? {
            Answer::OomWhatIf(view) => Ok(*view),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn policies(&mut self, names: &[&str], step: u32) -> Result<PoliciesView, String> {
        let request = ViewRequest::OomPolicies {
            policies: names.iter().map(|&name| name.into()).collect(),
            step,
            more: Vec::new(),
        };
        match self.view(request)? {
            Answer::OomPolicies(view) => Ok(view),
            other => panic!("{other:?}"),
        }
    }
}

#[track_caller]
fn row(view: &OomWhatIfView, name: &str) -> [String; 2] {
    let table = view.table();
    let row = table.rows.iter().find(|row| row[0] == name);
    let row = row.unwrap_or_else(|| panic!("no {name}: {table:?}"));
    [row[1].clone(), row[2].clone()]
}

#[test]
fn the_first_other_decision_stands_beside_what_it_was() {
    let mut lab = Lab::new("mem=16M", &LINES);
    // Wherever the session stands.
    for step in [7, 2] {
        lab.0.handle(Request::Seek { step });
        let view = lab.what_if(4, "echo -17 > /proc/100/oom_adj").unwrap();
        assert!(view.is_different);
        assert_eq!((view.same, view.reached, view.ended), (0, 7, OomEnd::Log));
        assert_eq!(row(&view, "line"), ["4", "4"]);
        assert_eq!(row(&view, "chosen"), ["100 (hog)", "102 (db)"]);
        assert_eq!(
            row(&view, "killed"),
            ["100 (hog), the chosen one", "102 (db), the chosen one"]
        );
        assert!(row(&view, "passed over")[1].contains("1 (oom_adj -17)"));
        let [was, would] = row(&view, "score of 100 (hog)");
        assert!(was.ends_with(", rank 1") && would == "-", "{was} {would}");
        assert_eq!(
            view.sentence(),
            "with `echo -17 > /proc/100/oom_adj` before line 4: decision 1 is the first that differs: \
             line 4: 102 (db), 2648 points instead of line 4: 100 (hog), 25600 points"
        );
    }
    let log = lab.0.handle(Request::Log);
    assert!(matches!(log, Response::Log(text) if !text.windows(3).any(|it| it == b"-17")));
}

#[test]
fn a_later_decision_may_be_the_first_that_differs() {
    let mut lab = Lab::new("mem=16M", &LINES);
    let view = lab.what_if(6, "echo -17 > /proc/102/oom_adj").unwrap();
    assert_eq!((view.same, view.is_different), (0, true), "from line 6 on");
    // Whoever comes second is another one, and has another number.
    let view = lab.what_if(2, "spawn pig vm=90M caps=none").unwrap();
    assert_eq!((view.same, view.is_different), (1, true));
    assert_eq!(row(&view, "chosen"), ["102 (db)", "101 (pig)"]);
    let view = lab.what_if(4, "echo -17 > /proc/102/oom_adj").unwrap();
    assert_eq!((view.same, view.is_different), (1, true));
    assert_eq!(row(&view, "chosen"), ["102 (db)", "101 (lamb)"]);
    assert!(
        view.sentence()
            .contains("decision 2 is the first that differs: line 6: 101 (lamb)")
    );
    // Nobody is left to be chosen: the machine halts, and so would end its log.
    let view = lab.what_if(5, "kill -9 101; kill -9 102").unwrap();
    assert_eq!(view.ended, OomEnd::Off);
    assert_eq!(
        (view.reached, row(&view, "chosen")[1].as_str()),
        (6, "nobody")
    );
    assert!(view.sentence().ends_with("the machine is off after line 6"));
    // And a decision that is not taken any more has nothing beside it.
    let view = lab.what_if(6, "exit").unwrap();
    assert!(view.is_different && view.would.told.is_none());
    assert_eq!(row(&view, "chosen"), ["102 (db)", "-"]);
    assert!(
        view.sentence()
            .contains("no decision any more instead of line 6: 102 (db)")
    );
}

#[test]
fn scores_may_differ_where_decisions_do_not() {
    let mut lab = Lab::new("mem=16M", &LINES);
    let view = lab.what_if(4, "renice 10 100").unwrap();
    assert_eq!((view.same, view.is_different), (2, false));
    assert_eq!(row(&view, "its score"), ["25600", "51200"]);
    assert_eq!(
        view.sentence(),
        "with `renice 10 100` before line 4: the same 2 decisions, though the score of 100 (hog) at line 4 \
         is 51200 instead of 25600"
    );
    let view = lab.what_if(4, "true").unwrap();
    assert!(view.sentence().ends_with("the same 2 decisions"));
    assert_eq!(view.was.marks.len(), 2);
    let view = lab.what_if(7, "true").unwrap();
    assert!(view.sentence().ends_with("no decision, as it was"));
    assert!(view.was.told.is_none() && view.would.told.is_none());
}

#[test]
fn a_change_that_cannot_be_is_refused_in_a_sentence() {
    let mut lab = Lab::new("mem=16M", &LINES);
    fn refused(lab: &mut Lab, before: u32, line: &str) -> String {
        lab.what_if(before, line).unwrap_err()
    }
    for before in [0, 8, u32::MAX] {
        assert!(refused(&mut lab, before, "true").starts_with("the log has 7 lines; "));
    }
    let said = refused(&mut lab, 4, "echo 99 > /proc/100/oom_adj");
    assert!(
        said.starts_with("before line 4, `echo 99 > /proc/100/oom_adj` fails: ")
            && said.contains("Invalid argument"),
        "{said}"
    );
    // Not there yet, and never there.
    for (before, pid) in [(3, 102), (4, 900)] {
        let said = refused(&mut lab, before, &alloc::format!("renice 3 {pid}"));
        assert!(said.contains("fails: renice: "), "{said}");
    }
    assert!(refused(&mut lab, 4, "true\nfalse").contains("no newline"));
    let mut lab = Lab::new("mem=16M", &[]);
    assert!(refused(&mut lab, 1, "true").starts_with("the log has 0 lines; "));
}

#[test]
fn a_session_tells_what_other_policies_would_have_done() {
    let mut lab = Lab::new("mem=16M", &LINES);
    lab.0.handle(Request::Seek { step: 3 });
    let view = lab
        .policies(&["badness", "lowmemorykiller"], u32::MAX)
        .unwrap();
    assert_eq!(
        (view.steps, view.runs[0].lines, view.runs[0].is_cut),
        (7, 7, false)
    );
    let toll = &view.runs[0].toll;
    assert_eq!((toll.kills.len(), toll.shortages.len()), (2, 2));
    assert_eq!((toll.shortages[0].step, toll.shortages[1].step), (4, 6));
    assert_eq!(
        lab.policies(&["badness"], 5).unwrap().runs[0]
            .toll
            .kills
            .len(),
        1
    );
    let said = lab.policies(&["badness", "mercy"], 7).unwrap_err();
    assert!(
        said.starts_with("there is no policy 'mercy'; there are badness, "),
        "{said}"
    );
    for names in [&[][..], &["badness"; 9]] {
        let said = lab.policies(names, 7).unwrap_err();
        assert!(
            said.starts_with("1 to 8 policies are compared at a time"),
            "{said}"
        );
    }
}

#[test]
fn the_policies_are_the_kernels() {
    let lab = Lab::new("mem=16M", &[]).run("cat /proc/sys/vm/oom_policy");
    assert_eq!(
        lab.trim(),
        ["[", &crate::view::oom::POLICIES.join(" "), ""]
            .concat()
            .replacen("badness", "badness]", 1)
    );
}

#[test]
fn warnings_stand_before_the_decision() {
    let mut lab = Lab::new(
        "mem=16M",
        &[
            "echo notify > /proc/sys/vm/oom_policy; echo 1 > /proc/sys/vm/overcommit_memory",
            "hoard 2M &",
        ],
    );
    let text = lab.run("memhog 20M & sleep 3");
    let view = lab
        .ask(Some(3), 0, 0, 10)
        .unwrap_or_else(|| panic!("nobody has died: {text}"));
    let kinds: Vec<OomMomentKind> = view.decision.moments.iter().map(|it| it.kind).collect();
    assert!(view.decision.has_warnings(), "{kinds:?}");
    let place = |kind| {
        kinds
            .iter()
            .position(|it| *it == kind)
            .unwrap_or_else(|| panic!("no {kind:?}: {kinds:?}"))
    };
    assert!(place(OomMomentKind::Told) < place(OomMomentKind::Asked));
    assert!(place(OomMomentKind::Asked) < place(OomMomentKind::Killed));
    assert!(place(OomMomentKind::Killed) < place(OomMomentKind::Left));
    assert_eq!(view.decision.staged(), None);
    assert!(view.decision.moments.is_sorted_by_key(|it| it.at_ns));
    assert_eq!(moments(&view.decision).rows.len(), kinds.len());
    let staged = Lab::new("mem=16M", &["spawn hog rss=3M", "oom trigger"]).decision(Some(2));
    assert!(staged.decision.staged().is_some() && !staged.decision.has_warnings());
}

#[test]
fn a_decision_names_the_groups_whose_priority_can_be_changed() {
    let lines = [
        "mkdir -p /o; mount -t cgroup -o oom oom /o; mkdir /o/lambs",
        "echo 256 > /o/lambs/oom.priority; spawn hog rss=3M; oom trigger",
    ];
    let view = Lab::new("mem=16M", &lines).decision(Some(2));
    assert_eq!(
        view.decision.groups,
        [("/o".into(), 1), ("/o/lambs".into(), 256)]
    );
}

#[test]
fn the_console_asks_and_the_log_keeps_the_question() {
    let mut lab = Lab::new("mem=16M", &LINES);
    let expected = lab.policies(&["badness", "oom_victim"], 7).unwrap().text();
    assert!(expected.contains("kill 1"), "{expected}");
    assert!(expected.contains("\nbadness     ...x.x.\n"), "{expected}");
    let line = "oom compare badness,oom_victim";
    // As a probe, as a line, and once more behind that: the question itself is no news.
    let probed = lab.0.handle(Request::Probe { line: line.into() });
    assert!(matches!(probed, Response::Probed(report) if report.text == expected.as_bytes()));
    assert_eq!(lab.run(line), expected);
    let said = lab.run("true; oom compare badness; true");
    assert!(said.starts_with("8 steps under 1 policy: "), "{said}");
    let Response::Log(log) = lab.0.handle(Request::Log) else {
        panic!("no log");
    };
    let replayed = lab.0.handle(Request::Replay {
        log,
        each_line: true,
    });
    let Response::Replayed(outcome) = replayed else {
        panic!("{replayed:?}");
    };
    assert_eq!(outcome.lines[7].text, expected.as_bytes());
    assert_eq!((outcome.status, outcome.broken), (0, None));
    let hidden = lab.run("a=compare; oom $a badness");
    assert!(hidden.starts_with("oom: nobody answers: "), "{hidden}");
    for (line, said) in [
        (
            "oom compare badness,mercy",
            "oom: there is no policy 'mercy'; cat /proc/sys/vm/oom_policy lists them\n",
        ),
        ("oom compare", "oom: usage: oom compare POLICY,POLICY,...\n"),
        (
            "oom compare ,",
            "oom: there is no policy ''; cat /proc/sys/vm/oom_policy lists them\n",
        ),
    ] {
        assert_eq!(lab.run(line), said);
    }
    let many = ["badness"; 9].join(",");
    assert_eq!(
        lab.run(&["oom compare ", &many].concat()),
        "oom: at most 8 policies are compared at a time\n"
    );
    assert!(
        lab.run("help oom")
            .contains("oom compare POLICY,POLICY,...")
    );
}

#[test]
fn questions_count_against_the_budget() {
    let mut lab = Lab::new("mem=16M", &LINES);
    lab.0.set_replay_limit(20_000);
    let mut log = ["mem=16M", &LINES.join("\n")].join("\n");
    log.push('\n');
    let replay = |lab: &mut Lab, log: &str| {
        let log = log.into();
        lab.0.handle(Request::Replay {
            log,
            each_line: false,
        })
    };
    assert!(matches!(replay(&mut lab, &log), Response::Replayed(_)));
    log.push_str(&"oom compare badness,priority,notify\n".repeat(100));
    assert!(
        matches!(replay(&mut lab, &log), Response::Error { message } if message.contains("kernel steps"))
    );
}
