//! One log under several policies of the OOM killer: whom each kills, and what that costs.
//!
//! The log is given another first line, which selects the policy. A line of the log may select another
//! one, as mounting the `oom` controller does; so the policy is selected again after each line that did.
//! What such a line does besides, behind a `;`, happens under the policy that it selected.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Ask, answered};
use crate::log::{self, Heading};
use crate::protocol::{LineReport, Request, Response, View as Seen, ViewRequest};
use crate::view::oom::{OomLoss, OomTollView};
use crate::view::{Table, View, duration};

/// Kills of a run that the table tells one by one.
const TOLD_MAX: usize = 12;

/// One log under several policies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoliciesView {
    /// How many lines the log has.
    pub steps: u32,
    /// What each policy made of it.
    pub runs: Vec<PolicyRun>,
}

/// A log under one policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRun {
    /// The policy's name.
    pub policy: String,
    /// What it has cost; steps are lines of the log, 0 being the one that selected the policy.
    pub toll: OomTollView,
    /// Lines that ran.
    pub lines: u32,
    /// Of these, those that failed.
    pub failed: u32,
}

/// Runs a log under each of these policies, as `/proc/sys/vm/oom_policy` lists them.
///
/// # Errors
/// A sentence for a person: the log is refused, there is no such policy, or the session is lost.
pub fn policies(log: &[u8], policies: &[&str], ask: &mut Ask<'_>) -> Result<PoliciesView, String> {
    let parsed = log::parse(log);
    let header = Heading::parse(parsed.header)?.machine.to_string();
    let mut view = PoliciesView {
        steps: parsed.lines.len() as u32,
        runs: Vec::new(),
    };
    for policy in policies {
        let header = header.clone();
        answered(ask, Request::Open { header })?;
        let run = run(&parsed.lines, policy, ask)?;
        view.runs.push(run);
    }
    Ok(view)
}

fn run(lines: &[&[u8]], policy: &str, ask: &mut Ask<'_>) -> Result<PolicyRun, String> {
    let select = format!("echo {policy} > /proc/sys/vm/oom_policy").into_bytes();
    let selected = format!("[{policy}]");
    let mut run = PolicyRun {
        policy: policy.to_owned(),
        ..PolicyRun::default()
    };
    // The line of the log that each step ran, or ran behind.
    let mut places = [0].to_vec();
    if one(&select, ask)?.0.status != 0 {
        return Err(format!("there is no policy '{policy}'"));
    }
    for (place, line) in (1..).zip(lines) {
        let (report, is_off) = one(line, ask)?;
        places.push(place);
        run.lines += 1;
        run.failed += u32::from(report.status != 0);
        if is_off {
            break;
        }
        let probe = b"cat /proc/sys/vm/oom_policy".to_vec();
        let said = match answered(ask, Request::Probe { line: probe })? {
            Response::Probed(report) => report.text,
            _ => Vec::new(),
        };
        if !String::from_utf8_lossy(&said).contains(&selected) {
            one(&select, ask)?;
            places.push(place);
        }
    }
    let step = places.len() as u32;
    let view = Request::View(ViewRequest::OomToll { step });
    let Response::View(Some(Seen::OomToll(mut toll))) = answered(ask, view)? else {
        return Err("the session did not say who was killed".to_owned());
    };
    for loss in &mut toll.kills {
        loss.step = places[loss.step as usize - 1];
    }
    toll.step = run.lines;
    run.toll = toll;
    Ok(run)
}

/// Runs a line; whether the machine is off then.
fn one(line: &[u8], ask: &mut Ask<'_>) -> Result<(LineReport, bool), String> {
    let lines = [line.to_vec()].to_vec();
    match answered(ask, Request::Run { lines })? {
        Response::Ran { mut lines, state } if lines.len() == 1 => {
            Ok((lines.remove(0), state.powered_off))
        }
        _ => Err("the session did not run the log".to_owned()),
    }
}

impl PoliciesView {
    /// The table as text.
    pub fn text(&self) -> String {
        self.table().text()
    }

    /// The first kill of which not all runs think the same, as its place in their lists.
    pub fn first_difference(&self) -> Option<usize> {
        let most = self.runs.iter().map(|run| run.toll.kills.len()).max()?;
        let nth = |run: &PolicyRun, place: usize| {
            let loss: Option<&OomLoss> = run.toll.kills.get(place);
            loss.map(|loss| (loss.step, loss.task.clone()))
        };
        let first = self.runs.first()?;
        (0..most).find(|&place| {
            let mut runs = self.runs.iter();
            !runs.all(|run| nth(run, place) == nth(first, place))
        })
    }
}

impl View for PoliciesView {
    /// One row a fact, one column a policy; the kills come last, one by one.
    fn table(&self) -> Table {
        type Fact = fn(&PolicyRun) -> String;
        let facts: [(&str, Fact); 9] = [
            ("tasks killed", |run| run.toll.sum.killed.to_string()),
            ("... innocent", |run| run.toll.sum.innocent.to_string()),
            ("innocent work lost", |run| {
                duration(run.toll.sum.innocent_ns)
            }),
            ("pages given back", |run| run.toll.sum.pages.to_string()),
            ("shortages", |run| run.toll.sum.shortages.to_string()),
            ("time without memory", |run| duration(run.toll.sum.short_ns)),
            ("... the longest", |run| duration(run.toll.sum.longest_ns)),
            ("told before", |run| run.toll.sum.notices.to_string()),
            ("lines that failed", |run| match run.toll.sum.is_halted {
                true => format!("{}, then halted", run.failed),
                false => run.failed.to_string(),
            }),
        ];
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (name, fact) in facts {
            let cells = self.runs.iter().map(fact);
            rows.push([name.to_owned()].into_iter().chain(cells).collect());
        }
        let most = self.runs.iter().map(|run| run.toll.kills.len()).max();
        for place in 0..most.unwrap_or(0).min(TOLD_MAX) {
            let cells = self.runs.iter().map(|run| match run.toll.kills.get(place) {
                Some(loss) => loss.words(),
                None => "-".to_owned(),
            });
            let name = format!("kill {}", place + 1);
            rows.push([name].into_iter().chain(cells).collect());
        }
        let columns = self.runs.iter().map(|run| run.policy.clone());
        Table {
            caption: self.sentence(),
            columns: [String::new()].into_iter().chain(columns).collect(),
            rows,
        }
    }

    fn sentence(&self) -> String {
        let mut text = format!("{} steps under {} policies: ", self.steps, self.runs.len());
        let innocent = |run: &&PolicyRun| (run.toll.sum.innocent_ns, run.toll.sum.innocent);
        match (
            self.first_difference(),
            self.runs.iter().min_by_key(innocent),
        ) {
            (Some(place), Some(best)) => text.push_str(&format!(
                "they part at kill {}; {} loses the least innocent work, {}",
                place + 1,
                best.policy,
                duration(best.toll.sum.innocent_ns)
            )),
            _ => text.push_str("they kill the same tasks"),
        }
        text
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use alloc::boxed::Box;

    use super::*;
    use crate::protocol::Host;
    use crate::{HostMemory, Session};

    /// The article's session: a lamb, an invincible, and a hog that is to blame.
    const LOG: &str = "mem=16M nodes=1\n\
        mkdir -p /mnt/oom-killer; mount -t cgroup -o oom oom /mnt/oom-killer\n\
        cd /mnt/oom-killer; mkdir lambs invincibles; echo 256 > lambs/oom.priority\n\
        echo 0 > invincibles/oom.priority\n\
        spawn hog vm=100M rss=60M utime=10s; spawn lamb vm=2M rss=1M utime=3600s age=2h\n\
        spawn db vm=300M rss=50M utime=7200s stime=10s\n\
        echo 101 > lambs/tasks; echo 102 > invincibles/tasks\n\
        oom trigger\n\
        oom trigger\n";

    #[test]
    fn one_log_ends_others_under_each_policy() {
        let mut session = Session::new(Host::Native, Box::new(HostMemory));
        let ask = &mut |request| Ok(session.handle(request));
        let names = ["badness", "priority", "oom_victim"];
        let view = policies(LOG.as_bytes(), &names, ask).unwrap();
        let table = view.table();
        assert_eq!(table.columns, ["", "badness", "priority", "oom_victim"]);
        let row = |name: &str| {
            let row = table.rows.iter().find(|row| row[0] == name);
            row.unwrap_or_else(|| panic!("no {name}: {table:?}"))[1..].to_vec()
        };
        // 2.6.28 takes whom it takes; the lamb goes first, though others are to blame; nobody has a name.
        assert_eq!(
            row("kill 1"),
            [
                "line 7: 100 (hog)",
                "line 7: 101 (lamb), innocent",
                "line 7: 100 (hog)"
            ]
        );
        assert_eq!(
            row("kill 2"),
            ["line 8: 102 (db)", "line 8: 100 (hog)", "line 8: 102 (db)"]
        );
        assert_eq!(row("tasks killed"), ["2", "2", "2"]);
        assert_eq!(row("... innocent"), ["0", "1", "0"]);
        assert_eq!(
            row("innocent work lost"),
            ["0.000 ms", "3600.000 s", "0.000 ms"]
        );
        assert_eq!(row("pages given back"), ["28160", "15616", "28160"]);
        assert_eq!(row("lines that failed"), ["0", "0", "0"]);
        assert_eq!(view.first_difference(), Some(0));
        let sentence = "8 steps under 3 policies: they part at kill 1; badness loses the least innocent \
                        work, 0.000 ms";
        assert_eq!(view.sentence(), sentence);
        assert!(view.text().starts_with(sentence));
        let refused = policies(LOG.as_bytes(), &["mercy"], ask);
        assert_eq!(refused.unwrap_err(), "there is no policy 'mercy'");
    }

    #[test]
    fn a_shortage_lasts_until_its_victim_has_gone() {
        let log = "mem=16M\nspawn memhog -- 4M\nsleep 1\noom trigger\noom trigger\n";
        let mut session = Session::new(Host::Native, Box::new(HostMemory));
        let ask = &mut |request| Ok(session.handle(request));
        let view = policies(log.as_bytes(), &["badness", "badness"], ask).unwrap();
        assert_eq!(view.runs[0], view.runs[1]);
        assert!(view.sentence().ends_with("they kill the same tasks"));
        let run = &view.runs[0];
        assert!(run.toll.sum.is_halted, "nobody was left");
        assert_eq!(
            (run.lines, run.toll.sum.killed, run.toll.sum.shortages),
            (4, 1, 2)
        );
        let [loss] = run.toll.kills.as_slice() else {
            panic!("{:?}", run.toll);
        };
        assert!(loss.pages > 1000 && !loss.is_innocent && loss.work_ns > 0);
    }
}
