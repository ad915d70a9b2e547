//! Instruction counts on record, and how new ones compare with them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::{Table, compact};

/// An operation may take this much more than is on record, as a part of that: counts repeat, but what the
/// compiler inlines also hangs on code nearby.
pub const TOLERANCE: f64 = 0.10;

/// Instructions an operation, as they are kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Counts {
    /// Whose code was counted, `rustc 1.90.0 (...)`.
    pub compiler: String,
    /// By the name of the workload.
    pub instructions: BTreeMap<String, f64>,
}

impl Counts {
    /// # Errors
    /// A sentence, if there is no such file, or it is no record.
    pub fn read(file: &Path) -> Result<Counts, String> {
        let text = fs::read_to_string(file)
            .map_err(|error| format!("can't read {}: {error}", file.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// # Errors
    /// A sentence, if the file can't be written.
    pub fn write(&self, file: &Path) -> Result<(), String> {
        fs::write(file, self.text())
            .map_err(|error| format!("can't write {}: {error}", file.display()))?;
        eprintln!("written to {}", file.display());
        Ok(())
    }

    fn text(&self) -> String {
        let mut text = format!(
            "# Instructions an operation of each workload takes at its gated size, counted by callgrind on\n\
             # x86_64. The tests fail if one takes {:.0} % more; `cargo xtask bench gates --record` writes this.\n\n\
             compiler = \"{}\"\n\n[instructions]\n",
            TOLERANCE * 100.0,
            self.compiler
        );
        for (name, count) in &self.instructions {
            let _ = writeln!(text, "\"{name}\" = {count:.2}");
        }
        text
    }
}

/// The compiler's name and version.
pub fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    text.unwrap_or_else(|_| "an unknown compiler".into())
}

/// How counts compare with those on record.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// All of them.
    pub table: Table,
    /// A sentence for each that must not be: too many instructions, or something that is only on one side.
    pub failures: Vec<String>,
    /// A sentence for each that takes much less than is on record.
    pub improved: Vec<String>,
}

/// Compares new counts with those on record.
pub fn compare(recorded: &BTreeMap<String, f64>, counted: &[(String, f64)]) -> Comparison {
    let title = "Instructions an operation (callgrind), beside those on record";
    let mut table = Table::new(title, &["recorded", "now", "ratio"]);
    let (mut failures, mut improved) = (Vec::new(), Vec::new());
    for (name, now) in counted {
        let Some(&then) = recorded.get(name) else {
            table.row(name, vec![None, Some(*now), None]);
            failures.push(format!(
                "{name}: {} instructions, and none on record",
                compact(*now)
            ));
            continue;
        };
        let ratio = now / then;
        table.row(name, vec![Some(then), Some(*now), Some(ratio)]);
        let sentence = format!(
            "{name}: {} instructions an operation, {} on record ({:+.1} %)",
            compact(*now),
            compact(then),
            (ratio - 1.0) * 100.0
        );
        if ratio > 1.0 + TOLERANCE {
            failures.push(sentence);
        } else if ratio < 1.0 - TOLERANCE {
            improved.push(sentence);
        }
    }
    for (name, then) in recorded {
        if !counted.iter().any(|(other, _)| other == name) {
            table.row(name, vec![Some(*then), None, None]);
            failures.push(format!("{name}: on record, and there is no such workload"));
        }
    }
    Comparison {
        table,
        failures,
        improved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        recorded: &[(&str, f64)],
        counted: &[(&str, f64)],
        failures: &[&str],
        improved: &[&str],
    ) {
        let recorded = recorded
            .iter()
            .map(|&(name, count)| (name.to_string(), count))
            .collect();
        let counted: Vec<_> = counted
            .iter()
            .map(|&(name, count)| (name.to_string(), count))
            .collect();
        let comparison = compare(&recorded, &counted);
        assert_eq!(comparison.failures, failures);
        assert_eq!(comparison.improved, improved);
    }

    #[test]
    fn a_tenth_more_fails_with_the_name_and_both_numbers() {
        check(&[("a.b", 100.0)], &[("a.b", 110.0)], &[], &[]);
        let sentence = "a.b: 115.0 instructions an operation, 100.0 on record (+15.0 %)";
        check(
            &[("a.b", 100.0), ("c", 1.0)],
            &[("a.b", 115.0), ("c", 1.0)],
            &[sentence],
            &[],
        );
    }

    #[test]
    fn a_tenth_less_is_to_be_recorded() {
        check(&[("a.b", 100.0)], &[("a.b", 91.0)], &[], &[]);
        let sentence = "a.b: 80.0 instructions an operation, 100.0 on record (-20.0 %)";
        check(&[("a.b", 100.0)], &[("a.b", 80.0)], &[], &[sentence]);
    }

    #[test]
    fn what_is_on_one_side_only_fails() {
        check(
            &[("a", 1.0)],
            &[],
            &["a: on record, and there is no such workload"],
            &[],
        );
        check(
            &[],
            &[("a", 1.0)],
            &["a: 1.00 instructions, and none on record"],
            &[],
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let counts = Counts {
            compiler: "rustc 1.90.0 (x)".into(),
            instructions: BTreeMap::from([("a.b".into(), 12.25), ("c".into(), 4.0)]),
        };
        assert_eq!(toml::from_str(&counts.text()), Ok(counts));
    }
}
