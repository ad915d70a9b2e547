//! One log under several policies of the OOM killer: whom each kills, and what that costs.

use super::*;
use crate::view::duration;

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
    /// The others were not run, since the question had taken its steps.
    pub is_cut: bool,
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
            rows.push([name.to_string()].into_iter().chain(cells).collect());
        }
        let most = self.runs.iter().map(|run| run.toll.kills.len()).max();
        for place in 0..most.unwrap_or(0).min(TOLD_MAX) {
            let cells = self.runs.iter().map(|run| match run.toll.kills.get(place) {
                Some(loss) => loss.words(),
                None => "-".to_string(),
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
