//! A decision as a table, a line and a paragraph.

use super::*;

impl OomTask {
    /// `104 (hog)`; `nobody`.
    pub fn words(&self) -> String {
        match self.pid {
            0 => "nobody".to_string(),
            pid => format!("{pid} ({})", self.comm),
        }
    }
}

impl OomFactor {
    /// What it did: `/ 3 for its CPU time`.
    pub fn words(&self) -> String {
        let adj = self.operand as i64;
        match self.rule {
            OomRule::Pages => counted(self.after, "page"),
            OomRule::Swapoff => "the highest score there is, for switching swap off".to_string(),
            OomRule::Children => {
                let children = match self.operand {
                    1 => "its child".to_string(),
                    count => format!("{count} children"),
                };
                format!("+ {} for {children}", self.after - self.before)
            }
            OomRule::CpuTime => format!("/ {} for its CPU time", self.operand),
            OomRule::RunTime => format!("/ {} for its age", self.operand),
            OomRule::Nice => "* 2 for being nice".to_string(),
            OomRule::Superuser => "/ 4 for the superuser's rights".to_string(),
            OomRule::RawIo => "/ 4 for driving hardware".to_string(),
            OomRule::Nodes => "/ 8 for being on other nodes".to_string(),
            OomRule::OomAdj if adj > 0 => format!("* 2^{adj} by its oom_adj"),
            OomRule::OomAdj => format!("/ 2^{} by its oom_adj", adj.unsigned_abs()),
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
            OomSkip::NoMemory => "no memory of its own",
            OomSkip::Init => "the first process",
            OomSkip::NotMember => "not in the container",
            OomSkip::Disabled => "oom_adj -17",
            OomSkip::PriorityZero => "oom.priority 0",
            OomSkip::LowerPriority => "a lower oom.priority than others",
            OomSkip::OtherNodes => "no memory on these nodes",
            OomSkip::OtherName => "another name than oom_victim",
            OomSkip::BelowThreshold => "oom_adj below the threshold",
            OomSkip::Refused => "could not be killed just before",
            OomSkip::Other => "the policy's reasons",
        }
    }
}

impl OomKill {
    /// Who and why: `105 (hog), a child of the chosen one`.
    pub fn words(&self) -> String {
        let why = match self.why {
            OomKillWhy::Chosen => "the chosen one",
            OomKillWhy::Child => "a child of the chosen one",
            OomKillWhy::Shares => "which shares its memory",
            OomKillWhy::LowMemory => "before it was too late",
        };
        [&self.task.words(), ", ", why].concat()
    }
}

impl OomDecision {
    /// Where there is no memory.
    pub fn place(&self) -> String {
        match self.constraint {
            OomConstraint::Machine => "in the whole machine".to_string(),
            OomConstraint::Cpuset => "on the nodes of its cpuset".to_string(),
            OomConstraint::MemoryPolicy => "on the nodes of its memory policy".to_string(),
            OomConstraint::Container => ["within the limit of ", &self.container].concat(),
        }
    }

    /// How many tasks were passed over, and why.
    pub fn passed_over(&self) -> String {
        let reasons = self.skipped_total.iter();
        let reasons: Vec<String> = reasons
            .map(|(why, count)| format!("{count} ({})", why.words()))
            .collect();
        match reasons.is_empty() {
            true => "nobody".to_string(),
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
            0 => "a page".to_string(),
            order => format!("2^{order} pages in a row"),
        };
        let is_low = brief
            .killed
            .iter()
            .any(|it| it.why == OomKillWhy::LowMemory);
        let mut text = if is_low {
            format!(
                "Memory had become scarce: {} of {} pages were free. ",
                during.free, during.total
            )
        } else {
            format!(
                "Memory ran out {} when task {} asked for {block} ({gfp}); {} of {} pages were free. ",
                self.decision.place(),
                asker.words(),
                during.free,
                during.total
            )
        };
        let total = self.decision.candidates_total;
        if total > 0 || !self.decision.skipped_total.is_empty() {
            text.push_str(&format!(
                "The policy {policy} compared {} and passed over {}. ",
                counted(total.into(), "task"),
                self.decision.passed_over()
            ));
        }
        match brief.verdict {
            OomVerdict::Nobody => text.push_str("Nobody could be killed"),
            OomVerdict::Wait => {
                let words = [
                    "Nobody was chosen, since ",
                    &brief.chosen.words(),
                    " is dying already",
                ];
                text.push_str(&words.concat());
            }
            OomVerdict::Kill => {
                let words = ["Chosen was ", &brief.chosen.words(), ", since ", rule];
                text.push_str(&words.concat());
                let chosen = candidates.iter().find(|it| it.is_chosen);
                if let Some(chosen) = chosen
                    && !chosen.factors.is_empty()
                {
                    text.push_str(&format!(
                        ". Its score is {}: {}",
                        chosen.points,
                        chosen.how()
                    ));
                }
                let other = candidates.iter().find(|it| !it.is_chosen);
                if let Some(other) = other {
                    let words = format!(
                        ". The best of the others was {} with {}",
                        other.task.words(),
                        other.points
                    );
                    text.push_str(&words);
                }
            }
        }
        for refused in &self.decision.refused {
            let words = [
                ". ",
                &refused.task.words(),
                " could not be killed: ",
                &refused.why,
            ];
            text.push_str(&words.concat());
        }
        text.push_str(&self.outcome(brief));
        text.push('.');
        text
    }

    /// Who was killed, and what that freed.
    fn outcome(&self, brief: &OomBrief) -> String {
        if brief.killed.is_empty() {
            return String::new();
        }
        let killed: Vec<String> = brief.killed.iter().map(OomKill::words).collect();
        let mut text = [". Killed: ", &killed.join("; ")].concat();
        let OomDecision { after, is_over, .. } = &self.decision;
        let free = counted(after.free.into(), "page");
        text.push_str(&match (is_over, self.decision.freed()) {
            (false, _) => ". They have not ended by the end of the line".to_string(),
            (true, 0) => format!(". That freed nothing: {free} were free, as before"),
            (true, ..0) => {
                format!(". When they had ended, others had taken what that freed: {free} were free")
            }
            (true, freed) => format!(
                ". That freed {}, so that {free} were free",
                counted(freed as u64, "page")
            ),
        });
        text
    }
}

impl View for OomView {
    fn table(&self) -> Table {
        let brief = self.brief();
        let fate = |task: &OomTask, is_chosen: bool| {
            let killed = brief.is_some_and(|it| it.killed.iter().any(|kill| kill.task == *task));
            match (is_chosen, killed) {
                (true, true) => "chosen and killed",
                (true, false) => "chosen",
                (false, true) => "killed",
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
            row[3] = ["passed over: ", it.why.words()].concat();
            row[8] = fate(&it.task, false).to_string();
            row
        });
        Table {
            caption: self.sentence(),
            columns: headings([
                "rank",
                "task",
                "score",
                "how",
                "in memory",
                "user",
                "oom_adj",
                "priority",
                "fate",
            ]),
            rows: ranked.chain(passed).collect(),
        }
    }

    fn sentence(&self) -> String {
        let Some(brief) = self.brief() else {
            return "memory has not run out".to_string();
        };
        let mut text = match self.step {
            0 => "if memory ran out now".to_string(),
            step => format!("step {step}"),
        };
        let count = self.decisions.len() as u32 + self.omitted;
        if count > 1 {
            text.push_str(&format!(", decision {} of {count}", self.shown + 1));
        }
        text.push_str(": ");
        let OomDecision {
            policy,
            candidates_total,
            ..
        } = &self.decision;
        let of = counted((*candidates_total).into(), "candidate");
        text.push_str(&match brief.verdict {
            OomVerdict::Kill => format!(
                "{policy} chooses {} of {of}, with a score of {}",
                brief.chosen.words(),
                brief.points
            ),
            OomVerdict::Wait => format!("{policy} waits for {}", brief.chosen.words()),
            OomVerdict::Nobody => format!("{policy} finds nobody to kill"),
        });
        match brief.killed.as_slice() {
            [] => {}
            [kill] => text.push_str(&["; killed: ", &kill.words()].concat()),
            [kill, more @ ..] => text.push_str(&format!(
                "; killed: {}, and {} more",
                kill.words(),
                more.len()
            )),
        }
        text
    }
}
