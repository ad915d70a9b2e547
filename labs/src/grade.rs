//! Grades: a pure function of a submission, the student's variant and the lab's version.
//!
//! A submission is a log. The grader replays it on a kernel of its own and trusts nothing that the
//! client says: a score that comes along must be what the replay gives, a seal must not be broken,
//! and the log must be of this lab, in this version, with this student's numbers. Limits are counted
//! in kernel steps and frames, never in seconds, so that a grade is the same on every machine.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use kernel_core::machine::MachineConfig;
use serde::{Deserialize, Serialize};

use crate::lab::{Lab, Verdict};
use crate::log::{self, Heading, LabTag, Seal};
use crate::protocol::{Request, Response};
use crate::session::Session;

/// Bytes of a line that a refusal repeats.
const LINE_SHOWN: usize = 200;

/// What a student hands in.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// The log, as any bytes.
    pub log: &'a [u8],
    /// Whose numbers it has to be: [`crate::lab::variant_of`] the student.
    pub variant: u32,
    /// The score that came along, if one did.
    pub claimed: Option<u32>,
}

/// How much a submission may be. What it may cost to replay is the lab's to say
/// ([`Lab::steps_max`]), and so is the size of its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the log.
    pub bytes: usize,
    /// Lines of the log.
    pub lines: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            bytes: 1 << 20,
            lines: 20_000,
        }
    }
}

/// Grades a submission to `lab`, numbers still open. The kernel runs in `session`, whatever that was
/// doing; it keeps the memory for the next one.
///
/// # Errors
/// Why it is not graded. What can be told by reading is told before anything runs.
pub fn grade(
    session: &mut Session,
    lab: &Lab,
    submission: Submission<'_>,
    limits: Limits,
) -> Result<Grade, Refusal> {
    grade_with(session, lab, submission, limits, &mut |_| Vec::new())
}

/// The same for a submission that brings callbacks: `judge` finds out about the checks of these
/// ([`crate::lab::Test::Ops`]), given the lab with its numbers in place. A score that comes along
/// counts them, or leaves them out as the page does.
///
/// # Errors
/// As there.
pub fn grade_with(
    session: &mut Session,
    lab: &Lab,
    submission: Submission<'_>,
    limits: Limits,
    judge: &mut dyn FnMut(&Lab) -> Vec<Verdict>,
) -> Result<Grade, Refusal> {
    let lab = lab.instance(submission.variant);
    let seal = admit(&lab, submission, limits)?;

    session.set_replay_limit(lab.steps_max);
    let outcome = match session.handle(Request::Replay {
        log: submission.log.to_vec(),
        each_line: false,
    }) {
        Response::Replayed(outcome) => outcome,
        other => return Err(unfit(other)),
    };
    // The session seals its own log, so this is what the seal should be.
    let (sealed, steps) = match session.handle(Request::Log) {
        Response::Log(bytes) => {
            let own = log::parse(&bytes);
            (Heading::parse(own.header), own.lines.len() as u32)
        }
        other => return Err(unfit(other)),
    };
    let found = sealed.map_err(Refusal::Unfit)?.seal;
    if let (Some(claimed), Some(found)) = (seal, found)
        // Another kernel, an earlier one say, comes to another end, which accuses nobody.
        && claimed.boot == found.boot
        && claimed != found
    {
        return Err(Refusal::BrokenSeal {
            claimed: (claimed.events, claimed.chain),
            found: (found.events, found.chain),
        });
    }

    let mut verdicts = match session.handle(Request::Check {
        checks: lab.checks.clone(),
        scenario: lab.scenario.len() as u32,
    }) {
        Response::Checked(verdicts) => verdicts,
        other => return Err(unfit(other)),
    };
    let reached = |verdicts: &[Verdict]| {
        let pairs = lab.checks.iter().zip(verdicts);
        let passed = pairs.filter(|(_, verdict)| verdict.passed);
        passed.map(|(check, _)| check.points).sum()
    };
    let replayed: u32 = reached(&verdicts);
    for judged in judge(&lab) {
        if let Some(verdict) = verdicts.iter_mut().find(|verdict| verdict.id == judged.id) {
            *verdict = judged;
        }
    }
    let score = reached(&verdicts);
    if let Some(claimed) = submission.claimed
        && claimed != score
        && claimed != replayed
    {
        return Err(Refusal::ForgedScore {
            claimed,
            found: score,
        });
    }
    Ok(Grade {
        lab: lab.tag(submission.variant),
        score,
        max: lab.points(),
        steps,
        events: outcome.events,
        chain: outcome.chain,
        verdicts,
    })
}

/// An answer of the session that is not the one that was asked for.
fn unfit(response: Response) -> Refusal {
    Refusal::Unfit(match response {
        Response::Error { message } => message,
        _ => "the session did not answer what it was asked".to_string(),
    })
}

/// As much of a line as a message can hold.
fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(LINE_SHOWN)]).into_owned()
}

/// Whether the log is one for this lab, as far as reading it tells; the seal that it bears.
fn admit(lab: &Lab, submission: Submission<'_>, limits: Limits) -> Result<Option<Seal>, Refusal> {
    let bytes = submission.log.len();
    if bytes > limits.bytes {
        return Err(Refusal::Unfit(format!(
            "a log of {bytes} bytes; it may have {}",
            limits.bytes
        )));
    }
    let newlines = submission.log.iter().filter(|&&byte| byte == b'\n');
    let lines = newlines.count();
    // The heading is a line as well.
    if lines > limits.lines + 1 {
        return Err(Refusal::Unfit(format!(
            "a log of {lines} lines; it may have {}",
            limits.lines
        )));
    }
    let log = log::parse(submission.log);
    let heading = Heading::parse(log.header).map_err(Refusal::Unfit)?;
    let named = heading.lab.unwrap_or(LabTag {
        id: String::new(),
        version: lab.version,
        variant: submission.variant,
    });
    if named.id != lab.id {
        return Err(Refusal::OtherLab {
            named: named.id,
            wanted: lab.id.clone(),
        });
    }
    if named.version != lab.version {
        return Err(Refusal::OtherVersion {
            named: named.version,
            wanted: lab.version,
        });
    }
    if named.variant != submission.variant {
        return Err(Refusal::OtherVariant {
            named: named.variant,
            wanted: submission.variant,
        });
    }
    if !heading.machine.traced {
        return Err(Refusal::Unfit(
            "this log ran on a machine with trace=off: there is no chain that could prove it; run it \
             on the lab's machine"
                .to_string(),
        ));
    }
    if MachineConfig::parse(&lab.machine) != Ok(heading.machine) {
        return Err(Refusal::OtherMachine {
            named: heading.machine.to_string(),
            wanted: lab.machine.clone(),
        });
    }
    let mut lines = log.lines.iter();
    for (step, wanted) in (1..).zip(&lab.scenario) {
        let found = lines.next();
        if found.is_none_or(|found| *found != wanted.as_bytes()) {
            let found = found.map_or_else(String::new, |found| shown(found));
            return Err(Refusal::OtherScenario {
                step,
                found,
                wanted: wanted.clone(),
            });
        }
    }
    Ok(heading.seal)
}

/// A grade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grade {
    /// The lab, its version, and the variant that was graded.
    pub lab: LabTag,
    /// Points reached.
    pub score: u32,
    /// Points that could be reached.
    pub max: u32,
    /// Lines in the submission.
    pub steps: u32,
    /// Trace events after the last line.
    pub events: u64,
    /// The hash chain after the last line.
    pub chain: u64,
    /// What each check found, in the lab's order.
    pub verdicts: Vec<Verdict>,
}

/// Why a submission is not graded. Its text is a sentence for the student.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The log cannot be read, is too long, or takes too many steps.
    Unfit(String),
    /// The log says that it is for another lab.
    OtherLab {
        /// What the log names; empty if it names none.
        named: String,
        /// The lab that it was submitted to.
        wanted: String,
    },
    /// The log was made with another version of the lab.
    OtherVersion {
        /// The log's.
        named: u32,
        /// The present one.
        wanted: u32,
    },
    /// The log was made with another student's numbers.
    OtherVariant {
        /// The log's.
        named: u32,
        /// The student's.
        wanted: u32,
    },
    /// The machine is not the lab's.
    OtherMachine {
        /// The log's.
        named: String,
        /// The lab's.
        wanted: String,
    },
    /// The log does not begin with the lab's scenario.
    OtherScenario {
        /// The first line that differs, from 1.
        step: u32,
        /// What stands there, cut to a readable length; empty if the log ends before.
        found: String,
        /// What should.
        wanted: String,
    },
    /// The lines do not lead to the end that the log claims: it was edited after it ran.
    BrokenSeal {
        /// Events and chain that the log claims.
        claimed: (u64, u64),
        /// Events and chain of the replay.
        found: (u64, u64),
    },
    /// The score that came along is not what the replay gives.
    ForgedScore {
        /// The score that came along.
        claimed: u32,
        /// The replay's.
        found: u32,
    },
    /// The callbacks that came along cannot be run; what the compiler says, say.
    Ops(String),
}

impl Refusal {
    /// A short fixed name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Unfit(_) => "unfit",
            Refusal::OtherLab { .. } => "other-lab",
            Refusal::OtherVersion { .. } => "other-version",
            Refusal::OtherVariant { .. } => "other-variant",
            Refusal::OtherMachine { .. } => "other-machine",
            Refusal::OtherScenario { .. } => "other-scenario",
            Refusal::BrokenSeal { .. } => "broken-seal",
            Refusal::ForgedScore { .. } => "forged-score",
            Refusal::Ops(_) => "ops",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unfit(reason) | Refusal::Ops(reason) => f.write_str(reason),
            Refusal::OtherLab { named, wanted } if named.is_empty() => write!(
                f,
                "this log does not say which lab it is for: open the lab '{wanted}', run the log \
                 there, and hand in what comes of it"
            ),
            Refusal::OtherLab { named, wanted } => {
                write!(f, "this log is for the lab '{named}', not for '{wanted}'")
            }
            Refusal::OtherVersion { named, wanted } => write!(
                f,
                "this log was made with version {named} of the lab; it is now at version {wanted}: \
                 open the lab again and run the log there"
            ),
            Refusal::OtherVariant { named, wanted } => write!(
                f,
                "this log was made with the numbers of variant {named}; this student's are those \
                 of variant {wanted}"
            ),
            Refusal::OtherMachine { named, wanted } => {
                write!(
                    f,
                    "this log ran on the machine '{named}'; the lab's is '{wanted}'"
                )
            }
            Refusal::OtherScenario {
                step,
                found,
                wanted,
            } => write!(
                f,
                "the log does not begin with the lab's scenario: line {step} is '{found}', the \
                 lab's is '{wanted}'"
            ),
            Refusal::BrokenSeal { claimed, found } => write!(
                f,
                "the log was edited after it ran: it claims {} events and the chain {:016x}, its \
                 lines give {} and {:016x}",
                claimed.0, claimed.1, found.0, found.1
            ),
            Refusal::ForgedScore { claimed, found } => write!(
                f,
                "the submission claims {claimed} points; the replay gives {found}"
            ),
        }
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use alloc::boxed::Box;
    use alloc::vec;

    use super::*;
    use crate::HostMemory;
    use crate::lab::{Check, Expect, Test, Variable};
    use crate::protocol::Host;

    fn session() -> Session {
        Session::new(Host::Native, Box::new(HostMemory))
    }

    fn lab() -> Lab {
        let check = |id: &str, points, test| Check {
            id: id.into(),
            title: id.into(),
            points,
            test,
            hints: Vec::new(),
        };
        Lab {
            id: "a-lab".into(),
            version: 3,
            machine: MachineConfig::parse("mem=1M").unwrap().to_string(),
            steps_max: 100_000,
            scenario: vec!["radix create t".into(), "echo {{key}}".into()],
            varies: vec![Variable {
                name: "key".into(),
                from: 10,
                to: 60,
                step: 1,
            }],
            checks: vec![
                check(
                    "stored",
                    3,
                    Test::Final {
                        run: "radix lookup t {{key}}".into(),
                        expect: Expect::Text("7".into()),
                    },
                ),
                check(
                    "measured",
                    2,
                    Test::Printed {
                        line: "radix stat t".into(),
                        expect: Expect::Contains("items 1".into()),
                    },
                ),
            ],
            ..Lab::default()
        }
    }

    const VARIANT: u32 = 42;

    fn graded(log: &[u8], claimed: Option<u32>) -> Result<Grade, Refusal> {
        let submission = Submission {
            log,
            variant: VARIANT,
            claimed,
        };
        grade(&mut session(), &lab(), submission, Limits::default())
    }

    /// The log that the page writes after the scenario and these lines.
    fn log_of(lines: &[&str]) -> String {
        let lab = lab().instance(VARIANT);
        let scenario = lab.scenario.iter().map(String::as_str);
        let mut text = format!("lab={} {}\n", lab.tag(VARIANT), lab.machine);
        for line in scenario.chain(lines.iter().copied()) {
            text += line;
            text.push('\n');
        }
        let mut session = session();
        let log = text.into_bytes();
        session.handle(Request::Replay {
            log,
            each_line: false,
        });
        match session.handle(Request::Log) {
            Response::Log(log) => String::from_utf8(log).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn insertion() -> String {
        let key = crate::lab::Numbers::draw(&lab().varies, VARIANT).get("key");
        format!("radix insert t {} 7", key.unwrap())
    }

    fn solved() -> String {
        log_of(&[&insertion(), "radix stat t"])
    }

    fn refused(log: &str) -> Refusal {
        graded(log.as_bytes(), None).unwrap_err()
    }

    #[test]
    fn a_grade_is_what_the_replay_gives() {
        let grade = graded(solved().as_bytes(), Some(5)).unwrap();
        assert_eq!((grade.score, grade.max, grade.steps), (5, 5, 4));
        assert_eq!(grade.lab.to_string(), "a-lab@3/42");
        let heading = solved();
        let seal = Heading::parse(heading.lines().next().unwrap())
            .unwrap()
            .seal;
        let seal = seal.unwrap();
        assert_eq!((grade.events, grade.chain), (seal.events, seal.chain));

        let half = graded(log_of(&[&insertion()]).as_bytes(), None).unwrap();
        assert_eq!((half.score, half.max), (3, 5));
        let passed: Vec<bool> = half.verdicts.iter().map(|verdict| verdict.passed).collect();
        assert_eq!(passed, [true, false]);
        assert_eq!(graded(log_of(&[]).as_bytes(), None).unwrap().score, 0);
    }

    #[test]
    fn a_session_that_was_used_gives_the_same_grade() {
        let mut session = session();
        session.handle(Request::Run {
            lines: vec![b"radix create t; radix insert t 5 5".to_vec()],
        });
        let log = solved();
        let mut again = || {
            let submission = Submission {
                log: log.as_bytes(),
                variant: VARIANT,
                claimed: None,
            };
            grade(&mut session, &lab(), submission, Limits::default())
        };
        assert_eq!(again(), again());
        assert_eq!(again(), graded(log.as_bytes(), None));
    }

    #[test]
    fn a_log_needs_no_seal_and_another_kernels_accuses_nobody() {
        let log = solved();
        let (heading, lines) = log.split_once('\n').unwrap();
        let words = heading.split(' ');
        let unsealed: Vec<&str> = words
            .filter(|word| {
                !["boot=", "events=", "chain="]
                    .iter()
                    .any(|key| word.starts_with(key))
            })
            .collect();
        let unsealed = format!("{}\r\n{lines}", unsealed.join(" "));
        assert_eq!(graded(unsealed.as_bytes(), None).unwrap().score, 5);
        let boot = heading.find("boot=").unwrap() + 5;
        let other = format!("{}{:016x}{}", &log[..boot], 1, &log[boot + 16..]);
        assert_eq!(graded(other.as_bytes(), None).unwrap().score, 5);
    }

    #[test]
    fn a_log_without_a_chain_is_refused() {
        let log = solved();
        let (heading, lines) = log.split_once('\n').unwrap();
        let refusal = refused(&format!("{heading} trace=off\n{lines}"));
        assert_eq!(refusal.code(), "unfit");
        assert!(refusal.to_string().contains("no chain"), "{refusal}");
    }

    #[test]
    fn an_edited_log_is_refused() {
        let log = log_of(&["radix insert t 1 7"]);
        let edited = log.replace("radix insert t 1 7", &insertion());
        let refusal = refused(&edited);
        assert_eq!(refusal.code(), "broken-seal");
        assert!(refusal.to_string().contains("edited"), "{refusal}");
        assert_eq!(refused(&format!("{log}echo\n")).code(), "broken-seal");
        assert_eq!(
            refused(&solved().replace("events=", "events=1")).code(),
            "broken-seal"
        );
    }

    #[test]
    fn a_score_that_was_made_up_is_refused() {
        for claimed in [0, 4, 6, u32::MAX] {
            let refusal = graded(solved().as_bytes(), Some(claimed)).unwrap_err();
            assert_eq!(refusal, Refusal::ForgedScore { claimed, found: 5 });
        }
        assert!(graded(log_of(&[]).as_bytes(), Some(0)).is_ok());
    }

    #[test]
    fn what_is_not_this_labs_is_refused() {
        let log = solved();
        for (part, other, code, text) in [
            (
                "lab=a-lab",
                "lab=b-lab",
                "other-lab",
                "'b-lab', not for 'a-lab'",
            ),
            ("lab=a-lab@3/42 ", "", "other-lab", "does not say which lab"),
            (
                "@3/",
                "@2/",
                "other-version",
                "version 2 of the lab; it is now at version 3",
            ),
            ("/42", "/43", "other-variant", "variant 43"),
            ("seed=1", "seed=2", "other-machine", "seed=2'; the lab's is"),
            ("mem=1M", "mem=64M", "other-machine", "mem=64M"),
            (
                "radix create t\n",
                "radix create u\n",
                "other-scenario",
                "line 1 is 'radix create u'",
            ),
            ("radix create t\n", "\n", "other-scenario", "line 1 is ''"),
            ("glass=1", "glass=9", "unfit", "version '9'"),
            ("mem=1M", "mem=9T", "unfit", "mem=9T"),
        ] {
            assert_eq!(log.matches(part).count(), 1, "{part} in {log}");
            let refusal = refused(&log.replace(part, other));
            assert_eq!(refusal.code(), code, "{refusal}");
            assert!(refusal.to_string().contains(text), "{refusal}");
        }
        let heading = log.lines().next().unwrap();
        assert_eq!(refused(heading).code(), "other-scenario");
        assert_eq!(refused("").code(), "other-lab");
    }

    #[test]
    fn what_is_absurd_is_refused() {
        let log = solved();
        let huge = format!("{log}{}\n", "x".repeat(1 << 20));
        assert!(refused(&huge).to_string().contains("bytes"));
        let long = format!("{log}{}", "\n".repeat(20_001));
        assert!(refused(&long).to_string().contains("lines"));
        let mut bytes = log.into_bytes();
        bytes.extend_from_slice(b"echo \xff\xfe\0\n");
        assert_eq!(graded(&bytes, None).unwrap_err().code(), "broken-seal");
        assert_eq!(graded(b"\xff\xfe", None).unwrap_err().code(), "other-lab");
        assert_eq!(graded(&[0; 4096], None).unwrap_err().code(), "other-lab");
        let slow = log_of(&[]);
        let (heading, lines) = slow.split_once('\n').unwrap();
        let heading = heading.split(" boot=").next().unwrap().to_string() + " " + &lab().machine;
        let slow = format!("{heading}\n{lines}radix fill t 0 9999999\necho\n");
        let refusal = refused(&slow);
        assert!(
            refusal.to_string().contains("100000 kernel steps"),
            "{refusal}"
        );
        let off = format!(
            "{heading}\n{lines}{}\nradix stat t\npoweroff\necho on\n",
            insertion()
        );
        assert_eq!(graded(off.as_bytes(), None).unwrap().score, 2);
    }

    /// Whatever comes in, a grade or a refusal of readable length comes out.
    #[test]
    fn logs_that_were_damaged_never_do_harm() {
        let log = solved().into_bytes();
        for seed in 0..3000u64 {
            let mut state = seed;
            let mut random = |below: usize| {
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                ((mixed ^ (mixed >> 27)) >> 8) as usize % below
            };
            let mut damaged = log.clone();
            for _ in 0..=random(4) {
                let at = random(damaged.len());
                match random(6) {
                    0 => damaged[at] = random(256) as u8,
                    1 => damaged[at] ^= 1 << random(8),
                    2 => damaged.insert(at, b"\n =/@\xff0"[random(7)]),
                    3 => drop(damaged.remove(at)),
                    4 => damaged.truncate(at + 1),
                    _ => {
                        let piece = damaged[at..(at + random(40)).min(damaged.len())].to_vec();
                        let to = random(damaged.len());
                        damaged.splice(to..to, piece);
                    }
                }
            }
            match graded(&damaged, None) {
                Ok(grade) => assert_eq!(grade.verdicts.len(), 2, "seed {seed}"),
                Err(refusal) => assert!(refusal.to_string().len() < 1000, "seed {seed}: {refusal}"),
            }
        }
    }
}
