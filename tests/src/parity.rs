//! The same log gives the same bytes on every host.
//!
//! Random logs are replayed on several hosts, and all that a host reports is compared with the
//! first one's report: console text, exit status, the events' number and hash chain, a hash of the
//! kernel's memory. Kernels that agree with each other must also agree with their own invariants.
//! When two differ, the log is shrunk to the lines that matter, and the first step after which the
//! two kernels are not the same is named.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::thread;

use labs::protocol::{Host, LineReport, Outcome, Request, Response};

use crate::Settings;
use crate::child::quote;
use crate::host::{self, Driver};
use crate::log_gen::{self, Lines, Subject};
use crate::shrink::{self, Shrunk, counted};

/// How many logs a host gets before the hosts are compared. All hosts of a batch run at once.
const BATCH: u64 = 32;

/// How many runs a mismatch may cost while its log is shrunk.
const SHRINK_ATTEMPTS: u32 = 600;

/// How many mismatches are looked into before the rest is left alone.
const MISMATCHES_MAX: usize = 5;

/// What is to be compared.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many logs.
    pub logs: u64,
    /// The first log's seed; the others' follow it one by one.
    pub seed: u64,
    /// What the logs are about.
    pub subject: Subject,
    /// Say on standard error how far it is.
    pub progress: bool,
}

/// A host in the comparison: how to reach it, and again if it is lost.
pub struct Member {
    host: Host,
    connect: Box<dyn FnMut() -> Result<Box<dyn Driver + Send>, String> + Send>,
    driver: Option<Box<dyn Driver + Send>>,
}

/// What became of one log on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It ran to its end.
    Ran(Outcome),
    /// The session refused it, for this reason.
    Refused(String),
    /// The host was lost: it hung, died, or spoke nonsense.
    Lost(String),
}

/// What a comparison found.
#[derive(Debug, Clone)]
pub struct Report {
    /// Logs compared.
    pub logs: u64,
    /// Hosts that each ran all logs.
    pub hosts: usize,
    /// Console lines in these logs.
    pub commands: u64,
    /// The first log's seed.
    pub seed: u64,
    /// What the logs were about.
    pub subject: Subject,
    /// What differed; nothing, one hopes.
    pub mismatches: Vec<Mismatch>,
}

/// A log on which two hosts differ, or on which one fails.
#[derive(Debug, Clone)]
pub struct Mismatch {
    /// The shortest log found that still shows a difference.
    pub log: Shrunk,
    /// The first step after which the kernels differ; 0 is boot. `None` when the difference could
    /// not be tied to a step, because a host was lost or the difference did not come back.
    pub step: Option<usize>,
    /// The hosts and what each showed; the same host twice never happens.
    pub sides: Vec<(Host, String)>,
}

impl Member {
    /// The real `host`.
    pub fn of(host: Host, settings: &Settings) -> Member {
        let settings = settings.clone();
        Member::new(host, move || host::connect(host, &settings))
    }

    /// A host that `connect` reaches.
    pub fn new(
        host: Host,
        connect: impl FnMut() -> Result<Box<dyn Driver + Send>, String> + Send + 'static,
    ) -> Member {
        Member {
            host,
            connect: Box::new(connect),
            driver: None,
        }
    }

    fn driver(&mut self) -> Result<&mut Box<dyn Driver + Send>, String> {
        if self.driver.is_none() {
            self.driver = Some((self.connect)()?);
        }
        self.driver
            .as_mut()
            .ok_or_else(|| "not connected".to_string())
    }

    /// Runs a log on a fresh machine.
    pub fn replay(&mut self, lines: &[Vec<u8>], each_line: bool) -> Verdict {
        let log = log_gen::join(lines);
        let response = self
            .driver()
            .and_then(|driver| driver.request(Request::Replay { log, each_line }));
        match response {
            Ok(Response::Replayed(outcome)) => return Verdict::Ran(outcome),
            Ok(Response::Error { message }) => return Verdict::Refused(message),
            _ => self.driver = None,
        }
        match response {
            Err(error) => Verdict::Lost(error),
            Ok(other) => Verdict::Lost(format!("answered a replay with {other:?}")),
        }
    }
}

/// Compares the hosts on as many random logs as the plan says. The first member is the reference.
///
/// # Errors
/// When a host cannot be started at all.
pub fn run(plan: &Plan, members: &mut [Member]) -> Result<Report, String> {
    for member in members.iter_mut() {
        let host = member.host.name();
        member
            .driver()
            .map_err(|error| format!("host {host}: {error}"))?;
    }
    let mut report = Report {
        logs: 0,
        hosts: members.len(),
        commands: 0,
        seed: plan.seed,
        subject: plan.subject,
        mismatches: Vec::new(),
    };
    let mut batch = generate(plan, 0);
    while !batch.is_empty() && report.mismatches.len() < MISMATCHES_MAX {
        // The next logs are written while the hosts are busy with these.
        let (next, verdicts) = thread::scope(|scope| {
            let next = scope.spawn(|| generate(plan, report.logs + batch.len() as u64));
            let verdicts = replay_batch(&batch, members);
            (next.join(), verdicts)
        });
        for (index, (seed, lines)) in batch.iter().enumerate() {
            report.commands += lines.len() as u64;
            let of_log: Vec<&Verdict> = verdicts.iter().map(|host| &host[index]).collect();
            if let Some(pair) = first_difference(&of_log)
                && report.mismatches.len() < MISMATCHES_MAX
            {
                report
                    .mismatches
                    .push(investigate(*seed, lines, pair, members, &of_log));
            }
        }
        report.logs += batch.len() as u64;
        if plan.progress {
            show_progress(&report, plan.logs);
        }
        batch = next.map_err(|_| "the writer of logs panicked".to_string())?;
    }
    Ok(report)
}

/// The logs of the batch that begins after `done` logs, each with its seed; none when all are done.
fn generate(plan: &Plan, done: u64) -> Vec<(u64, Lines)> {
    let seeds = (done..plan.logs.min(done + BATCH)).map(|index| plan.seed.wrapping_add(index));
    seeds
        .map(|seed| (seed, log_gen::generate_about(plan.subject, seed)))
        .collect()
}

/// Every host's verdicts on a batch, hosts side by side.
fn replay_batch(batch: &[(u64, Lines)], members: &mut [Member]) -> Vec<Vec<Verdict>> {
    let replay_all = |member: &mut Member| -> Vec<Verdict> {
        batch
            .iter()
            .map(|(_, lines)| member.replay(lines, false))
            .collect()
    };
    thread::scope(|scope| {
        let runs: Vec<_> = members
            .iter_mut()
            .map(|member| scope.spawn(move || replay_all(member)))
            .collect();
        let lost = || vec![Verdict::Lost("its driver panicked".to_string()); batch.len()];
        runs.into_iter()
            .map(|run| run.join().unwrap_or_else(|_| lost()))
            .collect()
    })
}

/// The members between which a difference shows: the reference and another, or one that is at
/// fault by itself, twice.
fn first_difference(verdicts: &[&Verdict]) -> Option<(usize, usize)> {
    let alone = (0..verdicts.len()).find(|index| fault(verdicts[*index]).is_some());
    let pair = (1..verdicts.len()).find(|index| verdicts[0] != verdicts[*index]);
    pair.map(|other| (0, other)).or(alone.map(|one| (one, one)))
}

/// What is wrong with a verdict whatever the other hosts say.
fn fault(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Ran(outcome) => outcome
            .broken
            .as_ref()
            .map(|what| format!("broken invariant: {what}")),
        Verdict::Refused(_) => None,
        Verdict::Lost(error) => Some(format!("lost: {error}")),
    }
}

/// Shrinks a log that two members disagree on, and finds the step at which they part.
fn investigate(
    seed: u64,
    lines: &Lines,
    (one, other): (usize, usize),
    members: &mut [Member],
    seen: &[&Verdict],
) -> Mismatch {
    let mut both = |lines: &[Vec<u8>], each_line: bool| {
        let first = members[one].replay(lines, each_line);
        let second = if one == other {
            first.clone()
        } else {
            members[other].replay(lines, each_line)
        };
        (first, second)
    };
    let differ =
        |(first, second): &(Verdict, Verdict)| first_difference(&[first, second]).is_some();

    let mut mismatch = Mismatch {
        log: Shrunk {
            seed,
            lines_before: lines.len(),
            lines: lines.clone(),
        },
        step: None,
        sides: Vec::new(),
    };
    let pair = if differ(&both(lines, false)) {
        let shortest = shrink::shrink(lines, SHRINK_ATTEMPTS, |some| differ(&both(some, false)));
        let (step, pair) = first_step(&shortest, &mut both);
        mismatch.log.lines = shortest;
        mismatch.step = step;
        pair
    } else {
        // It happened once: what an earlier log left behind may matter.
        (seen[one].clone(), seen[other].clone())
    };
    let hosts = [members[one].host, members[other].host];
    mismatch.sides = vec![(hosts[0], describe(&pair.0, mismatch.step))];
    if one != other {
        mismatch
            .sides
            .push((hosts[1], describe(&pair.1, mismatch.step)));
    }
    mismatch
}

/// The first step after which the two kernels differ, with their verdicts on the log up to there.
fn first_step(
    lines: &[Vec<u8>],
    both: &mut impl FnMut(&[Vec<u8>], bool) -> (Verdict, Verdict),
) -> (Option<usize>, (Verdict, Verdict)) {
    let pair = both(lines, true);
    let (Verdict::Ran(first), Verdict::Ran(second)) = &pair else {
        return (None, pair);
    };
    let steps = first.lines.len().max(second.lines.len());
    if let Some(index) =
        (0..steps).find(|index| first.lines.get(*index) != second.lines.get(*index))
    {
        return (Some(index + 1), pair);
    }
    // Each line says the same on both; the memory, or an invariant, is what differs. Shorter logs
    // show since when.
    let header = lines.len().saturating_sub(steps);
    for step in 0..steps {
        let pair = both(&lines[..header + step], true);
        if first_difference(&[&pair.0, &pair.1]).is_some() {
            return (Some(step), pair);
        }
    }
    (Some(steps), pair)
}

/// What a host showed at `step`.
fn describe(verdict: &Verdict, step: Option<usize>) -> String {
    let outcome = match verdict {
        Verdict::Ran(outcome) => outcome,
        Verdict::Refused(message) => return format!("refused the log: {message}"),
        Verdict::Lost(error) => return format!("was lost: {error}"),
    };
    let Outcome {
        text,
        status,
        events,
        chain,
        frames,
        broken,
        lines,
    } = outcome;
    let whole = LineReport {
        text: text.clone(),
        status: *status,
        events: *events,
        chain: *chain,
    };
    let at_step = step
        .and_then(|step| lines.get(step.wrapping_sub(1)))
        .unwrap_or(&whole);
    let LineReport {
        text,
        status,
        events,
        chain,
    } = at_step;
    let mut description = format!(
        "status {status}, {events} events, chain {chain:016x}, frames {frames:016x}, text {}",
        quote(text)
    );
    if let Some(what) = broken {
        description += &format!(", broken: {what}");
    }
    description
}

fn show_progress(report: &Report, logs: u64) {
    let mut stderr = std::io::stderr();
    let done = report.logs;
    // Progress that cannot be shown is no reason to stop.
    let _ = if stderr.is_terminal() {
        let end = if done == logs { '\n' } else { '\r' };
        write!(
            stderr,
            "parity: {done} of {logs} logs, {} mismatches{end}",
            report.mismatches.len()
        )
    } else if done == logs || done * 10 / logs != done.saturating_sub(BATCH) * 10 / logs {
        writeln!(
            stderr,
            "parity: {done} of {logs} logs, {} mismatches",
            report.mismatches.len()
        )
    } else {
        Ok(())
    };
}

impl Report {
    /// True when no host differed from another or from its own invariants.
    pub fn is_clean(&self) -> bool {
        self.mismatches.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for mismatch in &self.mismatches {
            writeln!(f, "{mismatch}")?;
        }
        let Report {
            logs,
            hosts,
            commands,
            seed,
            subject,
            mismatches,
        } = self;
        write!(
            f,
            "parity: {logs} logs{}, {}, {}, {commands} commands, seed {seed}",
            subject.suffix(),
            counted(*hosts, "host", "hosts"),
            counted(mismatches.len(), "mismatch", "mismatches"),
        )
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "mismatch: {}", self.log)?;
        match self.step {
            Some(0) => writeln!(
                f,
                "they differ from boot on; were they built from the same source?"
            )?,
            Some(step) => writeln!(f, "they part at step {step}:")?,
            None => writeln!(f, "what they showed:")?,
        }
        for (host, shown) in &self.sides {
            writeln!(f, "    {:7}{shown}", host.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host that counts its log's lines, with one mistake or none.
    struct Fake {
        host: Host,
        mistake: Mistake,
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Mistake {
        None,
        /// Says something else after a `radix delete` that follows a `radix preload`.
        Text,
        /// The same, but only its memory is different.
        Frames,
        /// Dies on the same occasion.
        Death,
        /// Finds its own invariants violated.
        Broken,
        /// Is right when asked again.
        Once(bool),
    }

    impl Driver for Fake {
        fn host(&self) -> Host {
            self.host
        }

        fn request(&mut self, request: Request) -> Result<Response, String> {
            let Request::Replay { log, each_line } = request else {
                return Err("not a replay".to_string());
            };
            let mut outcome = Outcome {
                text: Vec::new(),
                status: 0,
                events: 0,
                chain: 0,
                frames: 0,
                broken: None,
                lines: Vec::new(),
            };
            let mut preloaded = false;
            for line in log.split(|byte| *byte == b'\n') {
                if line.starts_with(b"mem=") {
                    continue;
                }
                preloaded |= line.starts_with(b"radix preload");
                let occasion = preloaded && line.starts_with(b"radix delete");
                let mut text = b"0\n".to_vec();
                match self.mistake {
                    Mistake::Text if occasion => text = b"1\n".to_vec(),
                    Mistake::Frames if occasion => outcome.frames = 1,
                    Mistake::Broken if occasion => {
                        outcome.broken = Some("a leaked page".to_string())
                    }
                    Mistake::Death if occasion => return Err("the guest has ended".to_string()),
                    Mistake::Once(ref mut done) if occasion && !*done => {
                        *done = true;
                        text = b"2\n".to_vec();
                    }
                    _ => {}
                }
                outcome.text.extend(&text);
                outcome.events += 1;
                if each_line {
                    outcome.lines.push(LineReport {
                        text,
                        status: 0,
                        events: outcome.events,
                        chain: 0,
                    });
                }
            }
            Ok(Response::Replayed(outcome))
        }
    }

    fn compare(mistakes: &[Mistake]) -> Report {
        let member = |(index, mistake): (usize, &Mistake)| {
            let (host, mistake) = (host::ALL[index], *mistake);
            Member::new(host, move || Ok(Box::new(Fake { host, mistake })))
        };
        let mut members: Vec<Member> = mistakes.iter().enumerate().map(member).collect();
        run(
            &Plan {
                logs: 40,
                seed: 1,
                subject: Subject::Kernel,
                progress: false,
            },
            &mut members,
        )
        .expect("fakes always start")
    }

    #[test]
    fn hosts_that_agree_give_a_clean_report() {
        let report = compare(&[Mistake::None, Mistake::None, Mistake::None]);
        assert!(report.is_clean(), "{report}");
        let text = report.to_string();
        assert!(
            text.starts_with("parity: 40 logs, 3 hosts, 0 mismatches, "),
            "{text}"
        );
        assert!(text.ends_with(" commands, seed 1"), "{text}");
    }

    #[test]
    fn another_text_is_found_shrunk_and_named() {
        let report = compare(&[Mistake::None, Mistake::Text]);
        let mismatch = report.mismatches.first().expect("there is a mismatch");
        assert!(mismatch.log.lines_before > 2);
        assert_eq!(mismatch.log.lines.len(), 2, "{report}");
        assert!(
            mismatch.log.lines[0].starts_with(b"radix preload"),
            "{report}"
        );
        assert!(
            mismatch.log.lines[1].starts_with(b"radix delete"),
            "{report}"
        );
        assert_eq!(mismatch.step, Some(2));
        let text = mismatch.to_string();
        assert!(text.contains("they part at step 2:"), "{text}");
        assert!(
            text.contains(r#"native status 0, 2 events"#) && text.contains(r#"text "0\n""#),
            "{text}"
        );
        assert!(
            text.contains(r#"wasm   status 0, 2 events"#) && text.contains(r#"text "1\n""#),
            "{text}"
        );
        // The seed alone brings it back.
        assert!(log_gen::generate(mismatch.log.seed).len() == mismatch.log.lines_before);
    }

    #[test]
    fn other_memory_is_found_though_every_line_says_the_same() {
        let report = compare(&[Mistake::None, Mistake::Frames]);
        let mismatch = report.mismatches.first().expect("there is a mismatch");
        assert_eq!(
            (mismatch.log.lines.len(), mismatch.step),
            (2, Some(2)),
            "{report}"
        );
        assert!(
            mismatch.to_string().contains("frames 0000000000000001"),
            "{report}"
        );
    }

    #[test]
    fn a_broken_invariant_counts_even_if_all_hosts_share_it() {
        let report = compare(&[Mistake::Broken, Mistake::Broken]);
        let mismatch = report.mismatches.first().expect("there is a mismatch");
        assert_eq!(
            (mismatch.log.lines.len(), mismatch.sides.len()),
            (2, 1),
            "{report}"
        );
        assert!(
            mismatch.to_string().contains("broken: a leaked page"),
            "{report}"
        );
    }

    #[test]
    fn a_host_that_dies_is_a_mismatch_and_is_started_again() {
        let report = compare(&[Mistake::None, Mistake::Death]);
        let mismatch = report.mismatches.first().expect("there is a mismatch");
        assert_eq!(mismatch.log.lines.len(), 2, "{report}");
        assert!(
            mismatch
                .to_string()
                .contains("wasm   was lost: the guest has ended"),
            "{report}"
        );
    }

    #[test]
    fn a_mismatch_that_does_not_come_back_is_still_reported() {
        let report = compare(&[Mistake::None, Mistake::Once(false)]);
        assert_eq!(report.mismatches.len(), 1, "{report}");
        let mismatch = &report.mismatches[0];
        assert_eq!(
            (mismatch.log.lines.len(), mismatch.step),
            (mismatch.log.lines_before, None)
        );
        assert!(mismatch.to_string().contains(r"2\n"), "{report}");
    }

    #[test]
    fn a_host_that_cannot_start_is_an_error() {
        let mut members = [Member::new(Host::Qemu, || Err("no QEMU here".to_string()))];
        let error = run(
            &Plan {
                logs: 1,
                seed: 1,
                subject: Subject::Kernel,
                progress: false,
            },
            &mut members,
        )
        .unwrap_err();
        assert_eq!(error, "host qemu: no QEMU here");
    }
}
