//! A decision as a table, a line and a paragraph.

use super::*;

impl OomTask {
    /// `104 (hog)`; `nobody`.
    pub fn words(&self) -> String {
        match self.pid {
            0 => text::nobody().to_string(),
            pid => format!("{pid} ({})", self.comm),
        }
    }
}

impl OomFactor {
    /// What it did: `/ 3 for its CPU time`.
    pub fn words(&self) -> String {
        let adj = self.operand as i64;
        match self.rule {
            OomRule::Pages => text::pages(self.after),
            OomRule::Swapoff => text::factor_swapoff().to_string(),
            OomRule::Children => {
                let points = self.after - self.before;
                match self.operand {
                    1 => text::factor_child(points),
                    count => text::factor_children(points, count),
                }
            }
            OomRule::CpuTime => text::factor_cpu_time(self.operand),
            OomRule::RunTime => text::factor_run_time(self.operand),
            OomRule::Nice => text::factor_nice().to_string(),
            OomRule::Superuser => text::factor_superuser().to_string(),
            OomRule::RawIo => text::factor_raw_io().to_string(),
            OomRule::Nodes => text::factor_nodes().to_string(),
            OomRule::OomAdj if adj > 0 => text::factor_adj_up(adj),
            OomRule::OomAdj => text::factor_adj_down(adj.unsigned_abs()),
        }
    }
}

impl OomRule {
    /// What a column of it is called.
    pub fn name(self) -> &'static str {
        match self {
            OomRule::Pages => "pages",
            OomRule::Swapoff => "swapoff",
            OomRule::Children => "children",
            OomRule::CpuTime => "CPU time",
            OomRule::RunTime => "age",
            OomRule::Nice => "nice",
            OomRule::Superuser => "superuser",
            OomRule::RawIo => "hardware",
            OomRule::Nodes => "nodes",
            OomRule::OomAdj => "oom_adj",
        }
    }
}

impl OomCandidate {
    /// How the score came about: `25600 pages, / 3 for its CPU time`.
    pub fn how(&self) -> String {
        let steps: Vec<String> = self.factors.iter().map(OomFactor::words).collect();
        steps.join(", ")
    }
}

impl OomSkip {
    /// Why a task was passed over.
    pub fn words(self) -> &'static str {
        match self {
            OomSkip::NoMemory => text::skip_no_memory(),
            OomSkip::Init => text::skip_init(),
            OomSkip::NotMember => text::skip_not_member(),
            OomSkip::Disabled => text::skip_disabled(),
            OomSkip::PriorityZero => text::skip_priority_zero(),
            OomSkip::LowerPriority => text::skip_lower_priority(),
            OomSkip::OtherNodes => text::skip_other_nodes(),
            OomSkip::OtherName => text::skip_other_name(),
            OomSkip::BelowThreshold => text::skip_below_threshold(),
            OomSkip::Refused => text::skip_refused(),
            OomSkip::Other => text::skip_other(),
        }
    }
}

impl OomKill {
    /// Who and why: `105 (hog), a child of the chosen one`.
    pub fn words(&self) -> String {
        let task = self.task.words();
        match self.why {
            OomKillWhy::Chosen => text::kill_chosen(task),
            OomKillWhy::Child => text::kill_child(task),
            OomKillWhy::Shares => text::kill_shares(task),
            OomKillWhy::LowMemory => text::kill_low(task),
        }
    }
}

impl OomDecision {
    /// Where there is no memory.
    pub fn place(&self) -> String {
        match self.constraint {
            OomConstraint::Machine => text::in_machine().to_string(),
            OomConstraint::Cpuset => text::in_cpuset().to_string(),
            OomConstraint::MemoryPolicy => text::in_policy().to_string(),
            OomConstraint::Container => text::in_container(&self.container),
        }
    }

    /// How many tasks were passed over, and why.
    pub fn passed_over(&self) -> String {
        let reasons = self.skipped_total.iter();
        let reasons: Vec<String> = reasons
            .map(|(why, count)| text::skipped(count, why.words()))
            .collect();
        match reasons.is_empty() {
            true => text::nobody().to_string(),
            false => reasons.join(", "),
        }
    }

    /// Pages that became free from the decision on; negative if others were faster.
    pub fn freed(&self) -> i64 {
        i64::from(self.after.free) - i64::from(self.during.free)
    }
}

impl OomView {
    /// The decision that is told in full, in short; `None` if there is none.
    pub fn brief(&self) -> Option<&OomBrief> {
        self.decisions.get(self.shown as usize)
    }

    /// The decision in one paragraph.
    pub fn paragraph(&self) -> String {
        let Some(brief) = self.brief() else {
            return self.sentence();
        };
        let OomDecision {
            asker,
            gfp,
            order,
            during,
            policy,
            rule,
            candidates,
            ..
        } = &self.decision;
        let block = match order {
            0 => text::one_page().to_string(),
            order => text::block(order),
        };
        let is_low = brief
            .killed
            .iter()
            .any(|it| it.why == OomKillWhy::LowMemory);
        let (free, all) = (during.free, during.total);
        let mut told = if is_low {
            text::was_low(free, all)
        } else {
            let place = self.decision.place();
            text::ran_out(place, asker.words(), block, gfp, free, all)
        };
        let total = self.decision.candidates_total;
        if total > 0 || !self.decision.skipped_total.is_empty() {
            let passed = self.decision.passed_over();
            told.push_str(&text::compared(total.into(), policy, passed));
        }
        match brief.verdict {
            OomVerdict::Nobody => told.push_str(text::nobody_killed()),
            OomVerdict::Wait => told.push_str(&text::nobody_chosen(brief.chosen.words())),
            OomVerdict::Kill => {
                told.push_str(&text::chosen_since(
                    brief.chosen.words(),
                    ::words::told(rule),
                ));
                let chosen = candidates.iter().find(|it| it.is_chosen);
                if let Some(chosen) = chosen
                    && !chosen.factors.is_empty()
                {
                    told.push_str(&text::its_score(chosen.points, chosen.how()));
                }
                let other = candidates.iter().find(|it| !it.is_chosen);
                if let Some(other) = other {
                    told.push_str(&text::best_other(other.task.words(), other.points));
                }
            }
        }
        for refused in &self.decision.refused {
            told.push_str(&text::refused_why(
                refused.task.words(),
                ::words::told(&refused.why),
            ));
        }
        told.push_str(&self.outcome(brief));
        told.push('.');
        told
    }

    /// Who was killed, and what that freed.
    fn outcome(&self, brief: &OomBrief) -> String {
        if brief.killed.is_empty() {
            return String::new();
        }
        let killed: Vec<String> = brief.killed.iter().map(OomKill::words).collect();
        let mut told = text::killed_are(killed.join("; "));
        let OomDecision { after, is_over, .. } = &self.decision;
        let free = after.free.into();
        told.push_str(&match (is_over, self.decision.freed()) {
            (false, _) => text::not_ended().to_string(),
            (true, 0) => text::freed_nothing(free),
            (true, ..0) => text::freed_others(free),
            (true, freed) => text::freed(free, text::pages(freed as u64)),
        });
        told
    }
}

impl View for OomView {
    fn table(&self) -> Table {
        let brief = self.brief();
        let fate = |task: &OomTask, is_chosen: bool| {
            let killed = brief.is_some_and(|it| it.killed.iter().any(|kill| kill.task == *task));
            match (is_chosen, killed) {
                (true, true) => text::was_chosen_killed(),
                (true, false) => text::fate_chosen(),
                (false, true) => text::fate_killed(),
                (false, false) => "",
            }
        };
        let OomDecision {
            from,
            candidates,
            skipped,
            ..
        } = &self.decision;
        let ranked = (from.saturating_add(1)..)
            .zip(candidates)
            .map(|(rank, it)| {
                [
                    rank.to_string(),
                    it.task.words(),
                    it.points.to_string(),
                    it.how(),
                    it.rss.to_string(),
                    it.uid.to_string(),
                    it.oom_adj.to_string(),
                    it.priority.map_or(String::new(), |it| it.to_string()),
                    fate(&it.task, it.is_chosen).to_string(),
                ]
                .into()
            });
        let passed = skipped.iter().map(|it| {
            let mut row: Vec<String> = headings([""; 9]);
            row[1] = it.task.words();
            row[3] = text::row_passed_over(it.why.words());
            row[8] = fate(&it.task, false).to_string();
            row
        });
        Table {
            caption: self.sentence(),
            columns: headings([
                text::column_rank(),
                text::column_task(),
                text::score(),
                text::column_how(),
                text::column_memory(),
                text::column_user(),
                text::column_adj(),
                text::column_priority(),
                text::column_fate(),
            ]),
            rows: ranked.chain(passed).collect(),
        }
    }

    fn sentence(&self) -> String {
        let Some(brief) = self.brief() else {
            return text::not_yet().to_string();
        };
        let mut told = match self.step {
            0 => text::if_now().to_string(),
            step => text::step(step),
        };
        let count = self.decisions.len() as u32 + self.omitted;
        if count > 1 {
            told.push_str(&text::step_decision(self.shown + 1, count));
        }
        let OomDecision {
            policy,
            candidates_total,
            ..
        } = &self.decision;
        let chosen = brief.chosen.words();
        told.push_str(&match brief.verdict {
            OomVerdict::Kill => {
                text::chooses((*candidates_total).into(), policy, chosen, brief.points)
            }
            OomVerdict::Wait => text::waits(policy, chosen),
            OomVerdict::Nobody => text::finds_nobody(policy),
        });
        match brief.killed.as_slice() {
            [] => {}
            [kill] => told.push_str(&text::and_killed(kill.words())),
            [kill, more @ ..] => {
                told.push_str(&text::and_killed_more(kill.words(), more.len()));
            }
        }
        told
    }
}
