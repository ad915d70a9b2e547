//! One log under several policies of the OOM killer: whom each kills, and what that costs.
//!
//! A session answers that about its own log, and about lines that might follow it
//! (`session/oom/policies.rs`); so a machine is booted, and told of a whole log that might follow.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Ask, answered};
use crate::log::{self, Heading};
use crate::protocol::{Request, Response, View as Seen, ViewRequest};
use crate::view::oom::PoliciesView;

/// Runs a log under each of these policies, as `/proc/sys/vm/oom_policy` lists them.
///
/// # Errors
/// A sentence for a person: the log is refused, there is no such policy, or the session is lost.
pub fn policies(log: &[u8], policies: &[&str], ask: &mut Ask<'_>) -> Result<PoliciesView, String> {
    let log = log::parse(log);
    let header = Heading::parse(log.header)?.machine.to_string();
    answered(ask, Request::Open { header })?;
    let more = log.lines.iter().map(|line| line.to_vec()).collect();
    let policies: Vec<String> = policies.iter().map(ToString::to_string).collect();
    let view = Request::View(ViewRequest::OomPolicies {
        policies,
        step: 0,
        more,
    });
    match answered(ask, view)? {
        Response::View(Some(Seen::OomPolicies(view))) => Ok(view),
        _ => Err("the session did not say who was killed".to_string()),
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use alloc::boxed::Box;

    use super::*;
    use crate::protocol::Host;
    use crate::view::View;
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
        let refused = refused.unwrap_err();
        assert!(refused.starts_with("there is no policy 'mercy'; there are badness, oom_victim, "));
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
