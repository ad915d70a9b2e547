//! A class to look at: students that nobody is, and what they might have handed in.
//!
//! A teacher who tries the server wants to see tables with something in them. So this makes logs as a class
//! of eight leaves them: solved, half solved, solved at the second attempt, opened and left, copied from
//! somebody else. They are logs like any other; what they are worth is found out by grading them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Authored, log_of};
use crate::lab::variant_of;

/// What a student hands in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sample {
    /// The lab.
    pub lab: String,
    /// The student.
    pub student: String,
    /// The log.
    pub log: String,
}

/// How a student goes about a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All of the solution.
    Solves,
    /// So many hundredths of its lines, the rest is left.
    Stops(usize),
    /// One line in the middle is forgotten.
    Forgets,
    /// First half of it, then all.
    TriesAgain,
    /// Opens the lab and hands it in.
    Opens,
    /// Hands in what another student has done, with that one's numbers.
    Copies(&'static str),
    /// Does not come.
    Misses,
}

/// The students, and how they go about the first, second, ... lab; the last way goes for all others.
const STUDENTS: [(&str, &[Way]); 8] = [
    ("ada", &[Way::Solves]),
    ("ben", &[Way::Stops(60)]),
    ("chen", &[Way::TriesAgain]),
    ("dana", &[Way::Opens, Way::Stops(30)]),
    ("eli", &[Way::Forgets]),
    ("fatima", &[Way::Solves, Way::Forgets, Way::Solves]),
    ("goran", &[Way::Solves, Way::Copies("ada"), Way::Misses]),
    ("hana", &[Way::Stops(80), Way::TriesAgain, Way::Stops(50)]),
];

/// What the class hands in for these labs, in the order in which it does. Labs that ask for callbacks are
/// left out: they are graded elsewhere.
pub fn class(labs: &[Authored]) -> Vec<Sample> {
    let labs = labs.iter().filter(|authored| authored.ops.is_none());
    let mut samples = Vec::new();
    for (at, authored) in labs.enumerate() {
        for (student, ways) in STUDENTS {
            let Some(way) = ways.get(at).or(ways.last()) else {
                continue;
            };
            for log in logs(authored, student, *way) {
                samples.push(Sample {
                    lab: authored.lab.id.clone(),
                    student: student.to_string(),
                    log,
                });
            }
        }
    }
    samples
}

/// The logs that somebody hands in who goes about a lab like this.
fn logs(authored: &Authored, student: &str, way: Way) -> Vec<String> {
    let whose = match way {
        Way::Copies(other) => other,
        _ => student,
    };
    let variant = variant_of(&authored.lab.id, whose);
    let solution = authored.solution(variant);
    let part = |hundredths: usize| solution[..solution.len() * hundredths / 100].to_vec();
    let attempts = match way {
        Way::Misses => Vec::new(),
        Way::Solves | Way::Copies(_) => Vec::from([solution]),
        Way::Opens => Vec::from([Vec::new()]),
        Way::Stops(hundredths) => Vec::from([part(hundredths)]),
        Way::TriesAgain => Vec::from([part(50), solution]),
        Way::Forgets => {
            let mut lines = solution;
            lines.remove(lines.len() / 2);
            Vec::from([lines])
        }
    };
    let text = |lines: Vec<String>| {
        let log = log_of(&authored.lab, variant, &lines);
        // A solution is text.
        String::from_utf8_lossy(&log).into_owned()
    };
    attempts.into_iter().map(text).collect()
}

/// The samples as a file that the server reads: a line each, the lab, the student and the log as JSON.
pub fn to_lines(samples: &[Sample]) -> String {
    let line = |sample: &Sample| serde_json::to_string(sample).map(|line| format!("{line}\n"));
    samples
        .iter()
        .filter_map(|sample| line(sample).ok())
        .collect()
}
