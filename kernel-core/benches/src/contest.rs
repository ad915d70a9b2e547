//! Several structures go through the same operations, round after round.

use std::env;
use std::process::{Command, Stdio};

use crate::{Table, callgrind, median, region};

/// The argument with which a benchmark runs itself, followed by what to do.
pub(crate) const APART: &str = "--apart";

/// What each operation cost in one round.
pub struct Round<'a> {
    operations: &'a [&'a str],
    costs: Vec<Option<f64>>,
    /// The regions in the order in which they ran: operation, how often it was done, nanoseconds.
    regions: Vec<(usize, usize, f64)>,
}

impl<'a> Round<'a> {
    fn new(operations: &'a [&'a str]) -> Round<'a> {
        Round {
            operations,
            costs: vec![None; operations.len()],
            regions: Vec::new(),
        }
    }

    /// Measures `work`, which does the operation `count` times.
    ///
    /// # Panics
    /// If there is no operation of that name: a slip in the benchmark.
    pub fn measure(&mut self, operation: &str, count: usize, mut work: impl FnMut()) {
        let number = self.operations.iter().position(|name| *name == operation);
        let number = number.expect("an operation of this contest");
        let nanoseconds = region(&mut work);
        self.costs[number] = Some(nanoseconds / count as f64);
        self.regions.push((number, count, nanoseconds));
    }
}

/// A structure: its name, and how it goes through a round.
pub struct Contestant<'a> {
    name: &'static str,
    play: Box<dyn FnMut(&mut Round<'_>) + 'a>,
}

impl<'a> Contestant<'a> {
    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// A contestant that plays rounds by that function; what it keeps between rounds is its own.
    pub fn new(name: &'static str, play: impl FnMut(&mut Round<'_>) + 'a) -> Contestant<'a> {
        Contestant {
            name,
            play: Box::new(play),
        }
    }
}

/// One number for each operation.
pub type Row = Vec<Option<f64>>;

/// The operations of a contest and who takes part.
pub struct Contest<'a> {
    /// Tells contests of one benchmark apart.
    pub name: &'static str,
    /// What is measured.
    pub operations: &'static [&'static str],
    /// Who takes part.
    pub contestants: Vec<Contestant<'a>>,
}

impl Contest<'_> {
    /// Plays the rounds, all contestants in each, and returns everyone's medians in nanoseconds. A
    /// round before the first warms up and does not count.
    pub fn times(&mut self, rounds: usize) -> Vec<(&'static str, Row)> {
        let mut costs = vec![Vec::new(); self.contestants.len()];
        for number in 0..=rounds {
            eprint!("\r{}: round {number} of {rounds} ", self.name);
            for (contestant, costs) in self.contestants.iter_mut().zip(&mut costs) {
                let mut round = Round::new(self.operations);
                (contestant.play)(&mut round);
                if number > 0 || rounds == 0 {
                    costs.push(round.costs);
                }
            }
        }
        eprintln!();
        let medians = |costs: Vec<Row>| {
            let of = |operation: usize| {
                let samples: Vec<f64> = costs.iter().filter_map(|row| row[operation]).collect();
                median(&samples)
            };
            (0..self.operations.len()).map(of).collect()
        };
        let names = self.contestants.iter().map(|contestant| contestant.name);
        names.zip(costs.into_iter().map(medians)).collect()
    }

    /// As [`Contest::times`], but every round of every contestant has a process of its own, so that no
    /// heap is used before, and nobody's memory is in the way. The play sees to its own warming up.
    pub fn times_apart(&self, rounds: usize) -> Vec<(&'static str, Row)> {
        let mut samples = vec![vec![Vec::new(); self.operations.len()]; self.contestants.len()];
        for number in 1..=rounds.max(1) {
            for (contestant, samples) in self.contestants.iter().zip(&mut samples) {
                eprint!("\r{}: round {number} of {rounds} ", self.name);
                let printed = run_apart(&format!("{}/{}", self.name, contestant.name));
                for (number, count, nanoseconds) in regions(&printed.unwrap_or_default()) {
                    if let Some(samples) = samples.get_mut(number) {
                        samples.push(nanoseconds / count);
                    }
                }
            }
        }
        eprintln!();
        let medians = samples
            .iter()
            .map(|row| row.iter().map(|cell| median(cell)).collect());
        let names = self.contestants.iter().map(|contestant| contestant.name);
        names.zip(medians).collect()
    }

    /// Instructions an operation, for everyone who is there when this program runs itself.
    pub fn instructions(&self) -> Vec<(&'static str, Row)> {
        let contestants = self.contestants.iter();
        contestants
            .map(|one| (one.name, self.instructions_of(one.name)))
            .collect()
    }

    /// Instructions an operation, for one of them.
    pub fn instructions_of(&self, name: &str) -> Row {
        eprintln!("{}: counting the instructions of {name}", self.name);
        let count = || {
            let (totals, output) = callgrind::count(&format!("{}/{name}", self.name))?;
            let mut row = vec![None; self.operations.len()];
            for ((number, count, _), total) in regions(&output).zip(totals) {
                *row.get_mut(number)? = Some(total / count);
            }
            Some(row)
        };
        count().unwrap_or(vec![None; self.operations.len()])
    }

    /// Plays one round if this process was started for it, and says whether it was.
    pub fn was_counted(&mut self) -> bool {
        let Some(what) = apart() else {
            return false;
        };
        for contestant in &mut self.contestants {
            if what == format!("{}/{}", self.name, contestant.name) {
                let mut round = Round::new(self.operations);
                (contestant.play)(&mut round);
                for (number, count, nanoseconds) in round.regions {
                    println!("{number} {count} {nanoseconds}");
                }
                return true;
            }
        }
        false
    }

    /// A table of rows of this contest.
    pub fn table(&self, title: &str, rows: &[(&'static str, Row)]) -> Table {
        let mut table = Table::new(title, self.operations);
        for (name, row) in rows {
            table.row(*name, row.clone());
        }
        table
    }
}

/// The regions that a process of its own has printed; see [`Contest::was_counted`].
fn regions(printed: &str) -> impl Iterator<Item = (usize, f64, f64)> + '_ {
    printed.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let number = words.next()?.parse().ok()?;
        let mut figure = || words.next()?.parse::<f64>().ok();
        Some((number, figure()?, figure()?))
    })
}

/// What this process was started to do apart, if it was.
pub fn apart() -> Option<String> {
    let mut arguments = env::args().skip_while(|argument| argument != APART);
    arguments.next()?;
    arguments.next()
}

/// Runs this program as a process of its own to do `what`, and returns what it prints.
pub fn run_apart(what: &str) -> Option<String> {
    let output = Command::new(env::current_exe().ok()?)
        .args([APART, what])
        .stderr(Stdio::inherit())
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()
}

/// The word behind `name` among this program's arguments.
pub fn argument(name: &str) -> Option<String> {
    env::args().skip_while(|argument| argument != name).nth(1)
}

/// The number behind `name` among this program's arguments.
pub fn number_argument(name: &str) -> Option<usize> {
    argument(name)?.parse().ok()
}

/// Whether `name` is among this program's arguments.
pub fn has_argument(name: &str) -> bool {
    env::args().any(|argument| argument == name)
}
