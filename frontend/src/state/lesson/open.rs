//! The lab that is open: what of its handout has run, and what the kernel is being asked.

use std::collections::VecDeque;
use std::rc::Rc;

use labs::lab::{Block, Lab, Question};
use labs::log::LabTag;
use labs::protocol::Request;

use super::{HandIn, Progress, Results, Trouble};
use crate::transcript::LogLine;

/// A lab that is open.
#[derive(Debug)]
pub struct OpenLab {
    /// The lab, with the student's numbers.
    pub lab: Rc<Lab>,
    /// How the session's heading names it.
    pub tag: LabTag,
    /// For each line of the handout that can be run, in reading order, where it ran.
    pub ran: Rc<Vec<Option<Ran>>>,
    /// What is remembered.
    pub progress: Rc<Progress>,
    /// The block of the handout where the student was when the lab was opened.
    pub start: usize,
    /// A question that the kernel could not answer yet.
    pub trouble: Option<Rc<Trouble>>,
    /// What the checks found when they were last asked.
    pub results: Option<Rc<Results>>,
    /// How far handing in is.
    pub hand_in: HandIn,
    pub(super) commands: Vec<String>,
    /// For each question, how many commands stand before it.
    pub(super) questions: Vec<(Question, usize)>,
    /// The lines of the log that were looked at, each with the command that it is.
    pub(super) seen: Vec<(Rc<LogLine>, Option<usize>)>,
    /// Commands that were sent from the handout and have not come back as lines.
    pub(super) sent: VecDeque<usize>,
    /// What the kernel is to be asked once it is free.
    pub(super) waiting: VecDeque<Ask>,
    /// What it was asked.
    pub(super) asked: Option<Ask>,
}

/// Where a line of the handout ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The step, from 1.
    pub step: u32,
    /// The line with its output.
    pub line: Rc<LogLine>,
}

/// What the kernel is asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ask {
    /// The answer to a question, and what the student says it is.
    Reveal {
        question: String,
        answer: String,
        anyway: bool,
    },
    /// All checks.
    Check,
}

impl OpenLab {
    /// A lab with its numbers, of which nothing was done yet in the present session.
    pub(super) fn new(lab: Lab, tag: LabTag, progress: Rc<Progress>) -> OpenLab {
        let mut commands = Vec::new();
        let mut questions = Vec::new();
        collect(&lab.handout, &mut commands, &mut questions);
        OpenLab {
            lab: Rc::new(lab),
            tag,
            ran: Rc::new(vec![None; commands.len()]),
            start: progress.block,
            progress,
            trouble: None,
            results: None,
            hand_in: HandIn::No,
            commands,
            questions,
            seen: Vec::new(),
            sent: VecDeque::new(),
            waiting: VecDeque::new(),
            asked: None,
        }
    }

    /// The question whose answer the kernel is asked for.
    pub fn asking(&self) -> Option<&str> {
        let asks = self.waiting.iter().chain(&self.asked);
        asks.filter_map(|ask| match ask {
            Ask::Reveal { question, .. } => Some(question.as_str()),
            Ask::Check => None,
        })
        .next()
    }

    /// The checks are being found out.
    pub fn is_checking(&self) -> bool {
        self.waiting
            .iter()
            .chain(&self.asked)
            .any(|ask| *ask == Ask::Check)
    }

    /// The session was made with another version of the lab than the one that is shown.
    pub fn is_outdated(&self) -> bool {
        self.tag.version != self.lab.version
    }

    /// How many lines the session began with.
    pub(super) fn scenario(&self) -> usize {
        self.lab.scenario.len()
    }

    /// Brings [`OpenLab::ran`] up to the log.
    pub(super) fn follow(&mut self, log: &[Rc<LogLine>]) {
        let is_known = |seen: &[(Rc<LogLine>, _)]| match seen.last() {
            Some((line, _)) => log
                .get(seen.len() - 1)
                .is_some_and(|at| Rc::ptr_eq(at, line)),
            None => true,
        };
        while !is_known(&self.seen) {
            if let Some((_, Some(command))) = self.seen.pop() {
                Rc::make_mut(&mut self.ran)[command] = None;
            }
        }
        for (index, line) in log.iter().enumerate().skip(self.seen.len()) {
            let command = self.command_of(index, line);
            if let Some(command) = command {
                Rc::make_mut(&mut self.ran)[command] = Some(Ran {
                    step: index as u32 + 1,
                    line: line.clone(),
                });
            }
            self.seen.push((line.clone(), command));
        }
    }

    /// Which command of the handout a line is: the one that was sent, or the first such that has
    /// not run.
    fn command_of(&mut self, index: usize, line: &LogLine) -> Option<usize> {
        if index < self.scenario() {
            return None;
        }
        let is_it = |command: &usize| self.commands[*command].as_bytes() == line.line;
        if let Some(at) = self.sent.iter().position(is_it) {
            return self.sent.drain(..=at).next_back();
        }
        (0..self.commands.len()).find(|command| self.ran[*command].is_none() && is_it(command))
    }

    /// How the kernel is asked; `None` for a question that is not in the lab.
    pub(super) fn request(&self, ask: &Ask) -> Option<Request> {
        match ask {
            Ask::Check => Some(Request::Check {
                checks: self.lab.checks.clone(),
                scenario: self.scenario() as u32,
            }),
            Ask::Reveal { question, .. } => self.question(question).map(|at| Request::Probe {
                line: self.questions[at].0.run.clone().into_bytes(),
            }),
        }
    }

    /// Forgets why a question came too early, once that is so no longer at `step`; returns its name
    /// then.
    pub(super) fn forgive(&mut self, step: u32) -> Option<String> {
        let trouble = self.trouble.as_ref()?;
        let was_early = !trouble.first.is_empty() || trouble.is_past;
        let is_early = |at| !self.missing_before(at).is_empty() || self.is_past(at, step);
        if !was_early || self.question(&trouble.question).is_some_and(is_early) {
            return None;
        }
        let trouble = self.trouble.take()?;
        Some(trouble.question.clone())
    }

    /// The commands before a question that have not run.
    pub(super) fn missing_before(&self, question: usize) -> Vec<(usize, String)> {
        let before = self.questions[question].1;
        let missing = (0..before).filter(|command| self.ran[*command].is_none());
        missing
            .map(|command| (command, self.commands[command].clone()))
            .collect()
    }

    /// Whether a command before a question ran, but after `step`.
    pub(super) fn is_past(&self, question: usize, step: u32) -> bool {
        let before = self.questions[question].1;
        let ran = self.ran[..before].iter().flatten();
        ran.into_iter().any(|ran| ran.step > step)
    }

    pub(super) fn question(&self, id: &str) -> Option<usize> {
        self.questions
            .iter()
            .position(|(question, _)| question.id == id)
    }
}

/// The commands and questions of a handout, in reading order.
fn collect(blocks: &[Block], commands: &mut Vec<String>, questions: &mut Vec<(Question, usize)>) {
    for block in blocks {
        match block {
            Block::Commands(lines) => commands.extend_from_slice(lines),
            Block::Predict(question) => questions.push((question.clone(), commands.len())),
            Block::Quote(blocks) => collect(blocks, commands, questions),
            Block::List(_, items) => {
                for item in items {
                    collect(item, commands, questions);
                }
            }
            _ => {}
        }
    }
}
