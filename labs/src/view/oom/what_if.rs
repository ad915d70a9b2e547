//! What the OOM killer would have decided if one more line had run: the first decision that is another
//! one, beside what it was.

use super::*;
use crate::view::duration;

/// Two runs of the same log, one of them with a line more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomWhatIfView {
    /// The line that one of them has besides.
    pub line: String,
    /// The step before which it ran.
    pub before: u32,
    /// How many lines the log has.
    pub steps: u32,
    /// The last of them that ran after the change; decisions are compared up to there.
    pub reached: u32,
    /// Why no other one ran.
    pub ended: OomEnd,
    /// How many decisions are the same, from the change on.
    pub same: u32,
    /// The one behind these is another one on the two sides, or missing on one of them.
    pub is_different: bool,
    /// What was decided.
    pub was: OomSide,
    /// What would have been decided.
    pub would: OomSide,
}

/// Why the log ended that has a line more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OomEnd {
    /// All lines have run.
    #[default]
    Log,
    /// The machine was off, or had halted.
    Off,
    /// The question had taken its steps, or had met a thousand decisions.
    Spent,
}

/// One of the two runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomSide {
    /// The decisions from the change on, up to a thousand.
    pub marks: Vec<OomMark>,
    /// The one that is told in full: the first that is another one, or, if all are the same, the one that
    /// was asked about. `None` if there is none on this side.
    pub told: Option<OomView>,
}

/// A decision in short, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OomMark {
    /// The step; the change's own decisions count to the step before which it ran.
    pub step: u32,
    /// The decision.
    pub brief: OomBrief,
}

impl OomMark {
    /// Whether both say the same at the same step, and end the same tasks. Scores may differ.
    pub fn is_same(&self, other: &OomMark) -> bool {
        let (one, two) = (&self.brief, &other.brief);
        let killed = |brief: &OomBrief| {
            let all = brief.killed.iter();
            let all: Vec<(OomTask, OomKillWhy)> =
                all.map(|kill| (kill.task.clone(), kill.why)).collect();
            all
        };
        self.step == other.step
            && one.verdict == two.verdict
            && one.chosen == two.chosen
            && killed(one) == killed(two)
    }

    /// `line 7: 104 (hog), 26602 points`.
    pub fn words(&self) -> String {
        let brief = &self.brief;
        let step = self.step;
        match brief.verdict {
            OomVerdict::Kill => text::mark_kill(brief.points, step, brief.chosen.words()),
            OomVerdict::Wait => text::mark_wait(step, brief.chosen.words()),
            OomVerdict::Nobody => text::mark_nobody(step),
        }
    }
}

impl OomSide {
    /// The mark of the decision that is told in full.
    fn mark(&self) -> Option<OomMark> {
        let told = self.told.as_ref()?;
        Some(OomMark {
            step: told.step,
            brief: told.brief()?.clone(),
        })
    }

    /// Something about the decision that is told in full; `-` if there is none.
    fn fact(&self, fact: impl Fn(&OomView, &OomBrief) -> String) -> String {
        let told = self.told.as_ref();
        let told = told.and_then(|view| view.brief().map(|brief| fact(view, brief)));
        told.unwrap_or_else(|| "-".to_string())
    }

    /// A task's score in that decision, and its rank.
    pub fn score_of(&self, pid: u32) -> Option<(u64, u32)> {
        let decision = &self.told.as_ref()?.decision;
        let mut ranked = (decision.from + 1..).zip(&decision.candidates);
        ranked.find_map(|(rank, it)| (it.task.pid == pid).then_some((it.points, rank)))
    }
}

impl OomWhatIfView {
    /// Both sides, as they are called.
    pub fn sides(&self) -> [(&'static str, &OomSide); 2] {
        [
            (text::side_was(), &self.was),
            (text::side_would(), &self.would),
        ]
    }

    /// The candidates that either side's decision lists, the best of the first side first.
    pub fn candidates(&self) -> Vec<&OomTask> {
        let mut tasks: Vec<&OomTask> = Vec::new();
        for (_, side) in self.sides() {
            let told = side.told.iter();
            let all = told.flat_map(|view| &view.decision.candidates);
            for candidate in all {
                if !tasks.iter().any(|known| known.pid == candidate.task.pid) {
                    tasks.push(&candidate.task);
                }
            }
        }
        tasks
    }

    /// What became of the lines behind the change, if they did not all run.
    fn ending(&self) -> String {
        match self.ended {
            OomEnd::Log => String::new(),
            OomEnd::Off => text::off_after(self.reached),
            OomEnd::Spent => text::compared_to(self.reached, self.steps),
        }
    }
}

impl View for OomWhatIfView {
    /// One row a fact of the decision that is told, then one a candidate; one column a side.
    fn table(&self) -> Table {
        type Fact = fn(&OomView, &OomBrief) -> String;
        let facts: [(&str, Fact); 8] = [
            (text::told_line(), |view, _| view.step.to_string()),
            (text::told_at(), |_, brief| duration(brief.at_ns)),
            (text::told_policy(), |view, _| view.decision.policy.clone()),
            (text::told_chosen(), |_, brief| brief.chosen.words()),
            (text::told_score(), |_, brief| brief.points.to_string()),
            (text::told_why(), |view, _| {
                ::words::told(&view.decision.rule)
            }),
            (text::told_killed(), |_, brief| {
                let killed: Vec<String> = brief.killed.iter().map(OomKill::words).collect();
                killed.join("; ")
            }),
            (text::told_passed(), |view, _| view.decision.passed_over()),
        ];
        let mut rows: Vec<Vec<String>> = Vec::new();
        let sides = [&self.was, &self.would];
        for (name, fact) in facts {
            let [was, would] = sides.map(|side| side.fact(fact));
            rows.push([name.to_string(), was, would].into());
        }
        for task in self.candidates() {
            let [was, would] = sides.map(|side| match side.score_of(task.pid) {
                Some((points, rank)) => text::score_rank(points, rank),
                None => "-".to_string(),
            });
            rows.push([text::row_score(task.words()), was, would].into());
        }
        let decisions = sides.map(|side| side.marks.len().to_string());
        let [was, would] = decisions;
        rows.push([text::row_decisions().to_string(), was, would].into());
        Table {
            caption: self.sentence(),
            columns: headings(["", text::side_was(), text::side_would()]),
            rows,
        }
    }

    fn sentence(&self) -> String {
        let mut told = text::with_line(&self.line, self.before);
        let sides = [&self.was, &self.would];
        let [was, would] = sides.map(OomSide::mark);
        let said = |mark: &Option<OomMark>| match mark {
            Some(mark) => mark.words(),
            None => text::no_decision().to_string(),
        };
        if self.is_different {
            let number = self.same + 1;
            told.push_str(&text::first_differs(number, said(&would), said(&was)));
        } else {
            told.push_str(&match self.same {
                0 => text::same_none().to_string(),
                1 => text::same_one().to_string(),
                same => text::same_many(same),
            });
            if let (Some(was), Some(would)) = (was, would)
                && was.brief.points != would.brief.points
            {
                told.push_str(&text::though_score(
                    would.brief.chosen.words(),
                    would.step,
                    would.brief.points,
                    was.brief.points,
                ));
            }
        }
        told.push_str(&self.ending());
        told
    }
}
