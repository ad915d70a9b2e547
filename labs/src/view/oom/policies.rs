//! One log under several policies of the OOM killer: whom each kills, and what that costs.

use alloc::vec;

use super::*;
use crate::view::duration;

/// Kills of a run that the table tells one by one.
const TOLD_MAX: usize = 12;
/// Columns of the chart.
const COLUMNS_MAX: u32 = 60;

/// The policies that every kernel has, as `/proc/sys/vm/oom_policy` lists them.
pub const POLICIES: [&str; 6] = [
    "badness",
    "oom_victim",
    "priority",
    "priority_cpuset",
    "notify",
    "lowmemorykiller",
];

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
    /// The table as text, and behind it the chart.
    pub fn text(&self) -> String {
        let mut text = self.table().text();
        text.push_str(&self.chart());
        text
    }

    /// The runs as lanes of letters, over the lines of the log from the first to the last: who was killed, and
    /// how long memory was missing.
    fn chart(&self) -> String {
        if self.runs.iter().all(|run| run.toll.kills.is_empty()) {
            return String::new();
        }
        let columns = self.steps.clamp(1, COLUMNS_MAX);
        let column = |step: u32| {
            let place = u64::from(step.saturating_sub(1)) * u64::from(columns);
            (place / u64::from(self.steps.max(1))).min(u64::from(columns) - 1) as usize
        };
        let names = self.runs.iter().map(|run| run.policy.len());
        let width = names.max().unwrap_or(0).max("no memory".len());
        let longest = self.longest_ns();
        let mut text = format!(
            "\n{:<width$}  lines 1 to {}: x killed, o killed though somebody else had more\n",
            "", self.steps
        );
        for run in &self.runs {
            let mut kills = vec!['.'; columns as usize];
            for loss in &run.toll.kills {
                // One that should have lived is never hidden by others.
                let place = &mut kills[column(loss.step)];
                let is_innocent = loss.is_innocent || *place == 'o';
                *place = if is_innocent { 'o' } else { 'x' };
            }
            let kills: String = kills.into_iter().collect();
            text.push_str(&format!("{:<width$}  {kills}\n", run.policy));
            let mut short = vec![0; columns as usize];
            for shortage in &run.toll.shortages {
                let place = &mut short[column(shortage.step)];
                *place = shortage.lasted_ns.max(*place);
            }
            if short.iter().any(|&ns| ns > 0) {
                let tenths = short.into_iter().map(|ns: u64| match ns {
                    0 => ' ',
                    ns => (b'0' + (u128::from(ns) * 9).div_ceil(longest.into()) as u8) as char,
                });
                let tenths: String = tenths.collect();
                text.push_str(&format!("{:<width$}  {}\n", "no memory", tenths.trim_end()));
            }
        }
        if longest > 0 {
            text.push_str(&format!(
                "{:<width$}  9: {} without memory, the longest of all\n",
                "",
                duration(longest)
            ));
        }
        text
    }

    /// The longest time without memory under any of them, in nanoseconds.
    pub fn longest_ns(&self) -> u64 {
        let all = self.runs.iter().flat_map(|run| &run.toll.shortages);
        all.map(|it| it.lasted_ns).max().unwrap_or(0)
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
            (text::fact_killed(), |run| run.toll.sum.killed.to_string()),
            (text::fact_innocent(), |run| {
                run.toll.sum.innocent.to_string()
            }),
            (text::fact_innocent_work(), |run| {
                duration(run.toll.sum.innocent_ns)
            }),
            (text::fact_pages(), |run| run.toll.sum.pages.to_string()),
            (text::fact_shortages(), |run| {
                run.toll.sum.shortages.to_string()
            }),
            (text::fact_short(), |run| duration(run.toll.sum.short_ns)),
            (text::fact_longest(), |run| {
                duration(run.toll.sum.longest_ns)
            }),
            (text::fact_told(), |run| run.toll.sum.notices.to_string()),
            (text::fact_failed(), |run| match run.toll.sum.is_halted {
                true => text::then_halted(run.failed),
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
            let name = text::kill_number(place + 1);
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
        let policies = text::policies_count(self.runs.len() as u64);
        let mut told = text::under(self.steps.into(), policies);
        let innocent = |run: &&PolicyRun| (run.toll.sum.innocent_ns, run.toll.sum.innocent);
        match (
            self.first_difference(),
            self.runs.iter().min_by_key(innocent),
        ) {
            (Some(place), Some(best)) => told.push_str(&text::they_part(
                place + 1,
                &best.policy,
                duration(best.toll.sum.innocent_ns),
            )),
            _ => told.push_str(text::they_agree()),
        }
        told
    }
}
