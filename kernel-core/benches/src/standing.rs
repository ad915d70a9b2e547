//! Where we stand: a line for each figure that a goal is set for, or that a peer has too.
//!
//! Every benchmark has tables of its own kind. What somebody wants to know who reads none of them is how
//! our figures compare, and whether goals are reached; so each benchmark also says that, in one form, and
//! `cargo xtask bench` ends with a table of what all of them said.

use crate::output_folder;

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// No goal is set.
    None,
    /// Ours is this or less.
    AtMost(f64),
    /// Ours is this or more.
    AtLeast(f64),
    /// Ours is this times the peer's or less.
    RatioAtMost(f64),
    /// Ours is this times the peer's or more.
    RatioAtLeast(f64),
}

/// A figure of ours, and what it is held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    name: String,
    unit: &'static str,
    ours: Option<f64>,
    /// Who, and the figure.
    peer: Option<(String, f64)>,
    goal: Goal,
}

impl Standing {
    /// A figure of ours, `None` if it could not be had (a goal is not reached then).
    pub fn new(name: impl Into<String>, unit: &'static str, ours: Option<f64>) -> Standing {
        Standing {
            name: name.into(),
            unit,
            ours,
            peer: None,
            goal: Goal::None,
        }
    }

    /// The same figure of somebody else; nothing if it could not be had.
    pub fn beside(mut self, who: impl Into<String>, figure: Option<f64>) -> Standing {
        self.peer = figure.map(|figure| (who.into(), figure));
        self
    }

    /// What it should be.
    pub fn goal(mut self, goal: Goal) -> Standing {
        self.goal = goal;
        self
    }

    /// Ours by the peer's.
    fn ratio(&self) -> Option<f64> {
        let (_, peer) = self.peer.as_ref()?;
        Some(self.ours? / peer)
    }

    /// Whether the goal is reached; `None` where there is none.
    fn is_reached(&self) -> Option<bool> {
        let holds =
            |figure: Option<f64>, holds: &dyn Fn(f64) -> bool| Some(figure.is_some_and(holds));
        match self.goal {
            Goal::None => None,
            Goal::AtMost(most) => holds(self.ours, &|ours| ours <= most),
            Goal::AtLeast(least) => holds(self.ours, &|ours| ours >= least),
            Goal::RatioAtMost(most) => holds(self.ratio(), &|ratio| ratio <= most),
            Goal::RatioAtLeast(least) => holds(self.ratio(), &|ratio| ratio >= least),
        }
    }

    /// The fields that `xtask/src/bench/standings.rs` reads, separated by tabs.
    fn line(&self) -> String {
        let number =
            |number: Option<f64>| number.map_or(String::new(), |number| format!("{number:.4}"));
        let (who, peer) = self.peer.clone().unzip();
        let goal = match self.goal {
            Goal::None => String::new(),
            Goal::AtMost(most) => format!("<= {most}"),
            Goal::AtLeast(least) => format!(">= {least}"),
            Goal::RatioAtMost(most) => format!("<= {most} x"),
            Goal::RatioAtLeast(least) => format!(">= {least} x"),
        };
        let reached = self
            .is_reached()
            .map_or("", |reached| if reached { "yes" } else { "NO" });
        [
            self.name.replace('\t', " "),
            self.unit.to_string(),
            number(self.ours),
            who.unwrap_or_default().replace('\t', " "),
            number(peer),
            number(self.ratio()),
            goal,
            reached.to_string(),
        ]
        .join("\t")
    }
}

/// Writes what benchmark `name` has to say for the table at the end of a run.
pub fn write_standings(name: &str, standings: &[Standing]) {
    let lines: String = standings
        .iter()
        .map(|standing| standing.line() + "\n")
        .collect();
    let file = output_folder().join(format!("{name}.standings"));
    let written =
        std::fs::create_dir_all(output_folder()).and_then(|()| std::fs::write(&file, lines));
    if let Err(error) = written {
        eprintln!("can't write {}: {error}", file.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ours: Option<f64>, peer: Option<f64>, goal: Goal, line: &str) {
        let standing = Standing::new("a.b", "ns", ours)
            .beside("Linux", peer)
            .goal(goal);
        assert_eq!(standing.line(), line);
    }

    #[test]
    fn goals_are_of_a_figure_or_of_a_ratio() {
        check(
            Some(3.0),
            Some(2.0),
            Goal::None,
            "a.b\tns\t3.0000\tLinux\t2.0000\t1.5000\t\t",
        );
        check(
            Some(3.0),
            None,
            Goal::AtMost(3.0),
            "a.b\tns\t3.0000\t\t\t\t<= 3\tyes",
        );
        check(
            Some(3.0),
            None,
            Goal::AtLeast(4.0),
            "a.b\tns\t3.0000\t\t\t\t>= 4\tNO",
        );
        let ratio = Goal::RatioAtMost(1.5);
        check(
            Some(3.0),
            Some(2.0),
            ratio,
            "a.b\tns\t3.0000\tLinux\t2.0000\t1.5000\t<= 1.5 x\tyes",
        );
        let ratio = Goal::RatioAtLeast(1.6);
        check(
            Some(3.0),
            Some(2.0),
            ratio,
            "a.b\tns\t3.0000\tLinux\t2.0000\t1.5000\t>= 1.6 x\tNO",
        );
    }

    #[test]
    fn a_figure_that_could_not_be_had_reaches_no_goal() {
        check(
            None,
            Some(2.0),
            Goal::RatioAtMost(9.0),
            "a.b\tns\t\tLinux\t2.0000\t\t<= 9 x\tNO",
        );
        check(
            Some(1.0),
            None,
            Goal::RatioAtMost(9.0),
            "a.b\tns\t1.0000\t\t\t\t<= 9 x\tNO",
        );
    }
}
