//! The part of the page's state that is the lab that is open: its handout, questions and checks,
//! and how far the student is.
//!
//! A lab is worked at in a session of its own, whose heading names it ([`State::lab`]). That name
//! decides: when a session of a lab appears, freshly begun, loaded from a file or brought back
//! by the browser, its handout is fetched and shown beside it. Closing the handout leaves the
//! session as it is.
//!
//! What has run is read off the log, so that it is right after a step back, a fork or a line typed
//! by hand as well. Answers come from the kernel ([`Request::Probe`], [`Request::Check`]) and wait
//! until it has run what it was given before. What is to be remembered, [`Progress`], is kept by the
//! browser for each lab and variant.

mod open;
mod progress;

use std::rc::Rc;

use labs::lab::{Difficulty, Entry, Lab, Question, Verdict, variant_of};
use labs::log::{self, Heading, LabTag};
use labs::protocol::{LineReport, Request, Response};
use words::state as say;

use super::State;
use super::library::{self, Record, Storage};
use crate::choices::{Hosts, Link, Pane};

use open::Ask;
pub use open::{OpenLab, Ran};
pub use progress::{Answer, Outcome, Progress};

/// What the page knows of it.
#[derive(Debug, Default)]
pub struct Lesson {
    /// The list of labs.
    pub catalogue: Catalogue,
    /// The catalogue is shown.
    pub shows_catalogue: bool,
    /// Which of the labs.
    pub filter: Filter,
    /// Who works here; `None` until they said so.
    pub student: Option<Student>,
    /// They are being asked.
    pub asks_name: bool,
    /// The lab that was asked for and is not there yet.
    pub wanted: Option<String>,
    /// It is to begin anew, even if the session is for it already.
    afresh: bool,
    /// Why a lab could not be opened.
    pub error: Option<String>,
    /// How far the student is with the labs that were opened in this browser.
    pub kept: Rc<Vec<(LabTag, Rc<Progress>)>>,
    /// The lab that is open.
    pub open: Option<OpenLab>,
    /// The session's lab when it was last looked at.
    followed: Option<LabTag>,
}

/// The list of labs.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Catalogue {
    /// Nobody has asked for it yet.
    #[default]
    Unknown,
    /// It is on its way.
    Coming,
    /// This is it, in its own order.
    Listed(Rc<Vec<Entry>>),
    /// It cannot be had, and why.
    Missing(String),
}

/// Which labs of the catalogue are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those under this heading; `None`: all.
    pub topic: Option<String>,
    /// Those of this difficulty; `None`: all.
    pub difficulty: Option<Difficulty>,
}

impl Filter {
    /// Whether a lab is among them.
    pub fn admits(&self, entry: &Entry) -> bool {
        let Filter { topic, difficulty } = self;
        topic.as_ref().is_none_or(|topic| *topic == entry.topic)
            && difficulty.is_none_or(|difficulty| difficulty == entry.difficulty)
    }
}

/// Who works here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Student {
    /// Their name, which decides about their numbers; empty for practice.
    pub name: String,
    /// What proves the name to a server that wants a proof.
    pub key: Option<String>,
}

/// Why a question has no answer yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// The question.
    pub question: String,
    /// What the kernel said.
    pub said: String,
    /// There is an answer in it, though perhaps not to what was meant.
    pub has_answer: bool,
    /// The lines of the handout that come before the question and have not run, with their
    /// numbers.
    pub first: Vec<(usize, String)>,
    /// Others have run, but after the step that is shown.
    pub is_past: bool,
}

/// What the checks found.
#[derive(Debug, PartialEq, Eq)]
pub struct Results {
    /// In the lab's order.
    pub verdicts: Vec<Verdict>,
    /// Points reached.
    pub score: u32,
    /// How many lines the log had.
    pub steps: usize,
    /// The hash chain at its end.
    pub chain: u64,
}

/// How far handing in is.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum HandIn {
    /// Not begun.
    #[default]
    No,
    /// The score is being found out first.
    Checking,
    /// The server has it.
    Sent,
    /// The server has graded it.
    Graded(Receipt),
    /// It was not accepted, and why.
    Refused(String),
    /// The log was saved as a file of this name.
    Saved(String),
}

/// What the server says of a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Under which it is kept.
    pub id: String,
    /// Points reached.
    pub score: u32,
    /// Points that could be reached.
    pub max: u32,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Show or hide the catalogue.
    Catalogue(bool),
    /// Show these labs of it.
    Filter(Filter),
    /// The catalogue came, or why not.
    Listed(Result<Vec<Entry>, String>),
    /// What the browser remembers of these labs.
    Recalled(Vec<(LabTag, String)>),
    /// Somebody says who they are.
    Student(Student),
    /// Somebody wants to say who they are, perhaps to open this lab then.
    AskName(Option<String>),
    /// Open a lab.
    Open(String),
    /// A lab came, or why not.
    Fetched(String, Result<Box<Lab>, String>),
    /// Begin the open lab anew.
    StartOver,
    /// Put the handout away; the session stays.
    Close,
    /// Run these commands of the handout, numbered in reading order.
    Run(Vec<usize>),
    /// Ask the kernel for the answer to a question; the student says that it is this.
    Reveal {
        /// The question's name.
        question: String,
        /// What the student says; empty for nothing.
        answer: String,
        /// Take what the kernel says, even if lines are missing that come before the question.
        anyway: bool,
    },
    /// Find out which checks hold.
    Check,
    /// Show one more hint of this check.
    Hint(String),
    /// Show the kernel after this step, and where that can be seen.
    GoTo(u32),
    /// The student reads this block of the handout.
    At(usize),
    /// Hand the work in.
    HandIn,
    /// Save the log as a file, to be handed in by other means.
    Save,
    /// What the server says of the submission, or why it does not accept it.
    Graded(Result<Receipt, String>),
}

/// What the page must do outside its state.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Fetch the catalogue and report [`Action::Listed`].
    FetchCatalogue,
    /// Fetch a lab and report [`Action::Fetched`].
    FetchLab(String),
    /// Look what the browser remembers of these labs and report [`Action::Recalled`].
    Recall(Vec<LabTag>),
    /// Let the browser remember this of a lab.
    Keep(LabTag, String),
    /// Let the browser remember who works here.
    KeepStudent(Student),
    /// Give the server this log and report [`Action::Graded`].
    HandIn {
        /// The lab's name.
        lab: String,
        /// Who hands in.
        student: Student,
        /// The log.
        log: Vec<u8>,
        /// What the checks gave here.
        score: u32,
    },
    /// Save a log as a file of this name.
    Save(String, Vec<u8>),
    /// Move the focus.
    Focus(Spot),
    /// If nothing has the focus, because what had it is gone, move it to the element of this id.
    Rescue(String),
}

/// Where the focus goes when the page changes under the student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// The title of the lab that was opened.
    Title,
    /// What the checks found, unless the student is typing at the console.
    Results,
    /// The console, where it was out of sight.
    Console,
    /// The button that opens the catalogue.
    LabsButton,
}

impl Lesson {
    /// The kernel fell, and with it whatever it was asked.
    pub(super) fn fell(&mut self) {
        if let Some(open) = &mut self.open {
            open.asked = None;
            open.waiting.clear();
            open.sent.clear();
            if open.hand_in == HandIn::Checking {
                open.hand_in = HandIn::No;
            }
        }
    }

    /// How the heading of this student's session of a lab names it.
    pub fn tag_of(&self, entry: &Entry) -> LabTag {
        LabTag {
            id: entry.id.clone(),
            version: entry.version,
            variant: variant_of(&entry.id, self.name()),
        }
    }

    /// What is remembered of a lab, if anything is.
    pub fn progress_of(&self, tag: &LabTag) -> Option<&Rc<Progress>> {
        let found = self.kept.iter().find(|(kept, _)| kept == tag);
        found.map(|(_, progress)| progress)
    }

    /// Whether these are the numbers of whoever works here.
    fn is_own(&self, tag: &LabTag) -> bool {
        self.student.is_none() || tag.variant == variant_of(&tag.id, self.name())
    }

    fn name(&self) -> &str {
        self.student.as_ref().map_or("", |student| &student.name)
    }

    /// Changes what is remembered of the open lab.
    fn note(
        &mut self,
        effects: &mut Vec<super::Effect>,
        change: impl FnOnce(&OpenLab, &mut Progress),
    ) {
        let Some(open) = &mut self.open else { return };
        let mut progress = (*open.progress).clone();
        change(open, &mut progress);
        if *open.progress == progress {
            return;
        }
        let tag = open.tag.clone();
        let text = progress.to_string();
        open.progress = Rc::new(progress);
        let kept = Rc::make_mut(&mut self.kept);
        kept.retain(|(known, _)| *known != tag);
        kept.push((tag.clone(), open.progress.clone()));
        effects.push(super::Effect::Lesson(Effect::Keep(tag, text)));
    }
}

impl State {
    pub(super) fn apply_lesson(&mut self, action: Action, effects: &mut Vec<super::Effect>) {
        let effect = |effect| super::Effect::Lesson(effect);
        let lesson = &mut self.lesson;
        match action {
            Action::Catalogue(shown) => {
                lesson.shows_catalogue = shown;
                if shown {
                    self.want_catalogue(effects);
                }
                let lesson = &mut self.lesson;
                if shown && self.library.storage == Storage::Works {
                    // Sessions that were begun are gone on with.
                    effects.push(super::Effect::Library(library::Effect::List));
                }
                if !shown {
                    lesson.asks_name = false;
                    lesson.wanted = None;
                    lesson.error = None;
                }
            }
            Action::Filter(filter) => lesson.filter = filter,
            Action::Listed(Ok(entries)) => {
                lesson.catalogue = Catalogue::Listed(Rc::new(entries));
                self.recall(effects);
                self.find();
            }
            Action::Listed(Err(reason)) => lesson.catalogue = Catalogue::Missing(reason),
            Action::Recalled(found) => {
                let kept = Rc::make_mut(&mut lesson.kept);
                for (tag, text) in found {
                    // What this page has learned since is newer.
                    if kept.iter().any(|(known, _)| *known == tag) {
                        continue;
                    }
                    let progress = Rc::new(Progress::parse(&text));
                    if let Some(open) = &mut lesson.open
                        && open.tag == tag
                    {
                        open.start = progress.block;
                        open.progress = progress.clone();
                    }
                    kept.push((tag, progress));
                }
            }
            Action::Student(student) => {
                effects.push(effect(Effect::KeepStudent(student.clone())));
                lesson.student = Some(student);
                lesson.asks_name = false;
                if let Some(id) = lesson.wanted.clone() {
                    self.fetch_lab(id, effects);
                }
                self.recall(effects);
            }
            Action::AskName(lab) => {
                lesson.asks_name = true;
                lesson.wanted = lab;
                effects.push(effect(Effect::Rescue("student-name".to_string())));
                self.apply_lesson(Action::Catalogue(true), effects);
            }
            Action::Open(id) => self.open_lab(id, effects),
            Action::Fetched(id, Ok(lab)) => self.fetched(&id, &lab, effects),
            Action::Fetched(id, Err(reason)) => {
                if lesson.wanted.take_if(|wanted| *wanted == id).is_some() {
                    lesson.error = Some(say::lab_closed(id, reason));
                    self.apply_lesson(Action::Catalogue(true), effects);
                } else {
                    self.error(say::lab_missing(id, reason));
                }
            }
            Action::StartOver => {
                if let Some(open) = &lesson.open {
                    let id = open.tag.id.clone();
                    lesson.wanted = Some(id.clone());
                    lesson.afresh = true;
                    effects.push(effect(Effect::FetchLab(id)));
                }
            }
            Action::Close => {
                lesson.open = None;
                if self.pane == Pane::Lab {
                    self.pane = Pane::Console;
                }
                effects.push(effect(Effect::Focus(Spot::LabsButton)));
            }
            Action::Run(commands) => self.run_commands(&commands),
            Action::Reveal {
                question,
                answer,
                anyway,
            } => {
                if let Some(open) = &mut lesson.open
                    && open.asking() != Some(&question)
                {
                    open.trouble = None;
                    open.waiting.push_back(Ask::Reveal {
                        question,
                        answer,
                        anyway,
                    });
                }
            }
            Action::Check => {
                if let Some(open) = &mut lesson.open
                    && !open.is_checking()
                {
                    open.waiting.push_back(Ask::Check);
                }
            }
            Action::Hint(check) => lesson.note(effects, |open, progress| {
                let check = open.lab.checks.iter().find(|known| known.id == check);
                if let Some(check) = check {
                    progress.show_hint(&check.id, check.hints.len());
                }
            }),
            Action::GoTo(step) => {
                if self.pane == Pane::Lab {
                    self.pane = Pane::Console;
                }
                effects.push(effect(Effect::Focus(Spot::Console)));
                self.seek(step);
            }
            Action::At(block) => lesson.note(effects, |_, progress| progress.block = block),
            Action::HandIn => self.hand_in(effects),
            Action::Save => {
                let Some(open) = &mut lesson.open else { return };
                let name = file_name(&open.tag.id, lesson.student.as_ref());
                open.hand_in = HandIn::Saved(name.clone());
                effects.push(effect(Effect::Save(name, self.log_bytes())));
            }
            Action::Graded(result) => {
                let Some(open) = &mut lesson.open else { return };
                open.hand_in = match result {
                    Ok(receipt) => HandIn::Graded(receipt),
                    Err(reason) => HandIn::Refused(reason),
                };
                if let HandIn::Graded(receipt) = open.hand_in.clone() {
                    lesson.note(effects, |_, progress| {
                        progress.handed_in = Some((receipt.id, receipt.score));
                    });
                }
            }
        }
    }

    /// Fetches the list of labs unless it is there or on its way.
    pub(super) fn want_catalogue(&mut self, effects: &mut Vec<super::Effect>) {
        let catalogue = &mut self.lesson.catalogue;
        if !matches!(catalogue, Catalogue::Listed(_) | Catalogue::Coming) {
            *catalogue = Catalogue::Coming;
            effects.push(super::Effect::Lesson(Effect::FetchCatalogue));
        }
    }

    /// Takes the answer to a request of this part: `Probe` and `Check`.
    pub(super) fn lesson_answered(
        &mut self,
        request: Request,
        response: Response,
        effects: &mut Vec<super::Effect>,
    ) {
        let Some(open) = &mut self.lesson.open else {
            return;
        };
        // An answer may come after the lab that wanted it has gone.
        if open.asked.as_ref().and_then(|ask| open.request(ask)) != Some(request) {
            return;
        }
        match (open.asked.take(), response) {
            (Some(ask), Response::Probed(report)) => self.revealed(ask, &report, effects),
            (Some(Ask::Reveal { question, .. }), Response::Error { message }) => {
                open.trouble = Some(Rc::new(Trouble {
                    question,
                    said: message,
                    ..Trouble::default()
                }));
            }
            (Some(Ask::Check), Response::Checked(verdicts)) => self.checked(verdicts, effects),
            (Some(Ask::Check), Response::Error { message }) => {
                open.hand_in = HandIn::No;
                self.error(say::not_checked(message));
            }
            _ => {}
        }
    }

    /// Whether the browser has a session of this lab with these numbers.
    pub fn has_begun(&self, tag: &LabTag) -> bool {
        let mut kept = self.library.list.iter().filter_map(lab_of);
        self.lab.as_ref() == Some(tag) || kept.any(|kept| kept == *tag)
    }

    /// Whether there is a server to hand work in to; `None` while that is not known.
    pub fn has_server(&self) -> Option<bool> {
        match &self.hosts {
            Hosts::Unknown => None,
            Hosts::Unreachable(_) => Some(false),
            Hosts::Offered(names) => Some(!names.is_empty()),
        }
    }

    /// Whether what the checks found is what they would find now.
    pub fn results_are_fresh(&self) -> bool {
        let results = self
            .lesson
            .open
            .as_ref()
            .and_then(|open| open.results.as_deref());
        results.is_some_and(|results| {
            results.steps == self.log.len() && results.chain == self.last_chain()
        })
    }

    /// Looks after the open lab when anything has changed: another session, new lines, a kernel
    /// that is free for questions.
    pub(super) fn follow_lesson(&mut self, effects: &mut Vec<super::Effect>) {
        // The page's address is heeded once the last session is back: it may be the lab's.
        if self.library.has_started()
            && let Some(id) = self.library.wanted_lab.take()
        {
            self.open_lab(id, effects);
        }
        if self.lesson.followed != self.lab {
            self.lesson.followed = self.lab.clone();
            self.lesson.open = None;
            if let Some(tag) = &self.lab {
                let fetch = Effect::FetchLab(tag.id.clone());
                effects.push(super::Effect::Lesson(fetch));
            }
        }
        let is_free = self.link == Link::Live
            && self.work.is_none()
            && self.replay.is_none()
            && self.seek_to.is_none()
            && self.pending.is_empty();
        let is_connecting = self.link == Link::Connecting;
        let Some(open) = &mut self.lesson.open else {
            return;
        };
        open.follow(&self.log);
        if let Some(question) = open.forgive(self.kernel.step) {
            let rescue = Effect::Rescue(format!("question-{question}"));
            effects.push(super::Effect::Lesson(rescue));
        }
        if is_free {
            // What has not come back by now was dropped before it ran.
            open.sent.clear();
        }
        if is_connecting && let Some(ask) = open.asked.take() {
            // Another kernel takes over; it has not heard the question.
            open.waiting.push_front(ask);
        }
        if is_free
            && open.asked.is_none()
            && let Some(ask) = open.waiting.pop_front()
            && let Some(request) = open.request(&ask)
        {
            open.asked = Some(ask);
            effects.push(super::Effect::Send(request));
        }
    }

    fn last_chain(&self) -> u64 {
        let boot = self.boot.map_or(0, |boot| boot.chain);
        self.log.last().map_or(boot, |line| line.report.chain)
    }

    /// Asks the browser what it remembers of this student's labs.
    fn recall(&mut self, effects: &mut Vec<super::Effect>) {
        if let Catalogue::Listed(entries) = &self.lesson.catalogue {
            let tags = entries.iter().map(|entry| self.lesson.tag_of(entry));
            let recall = Effect::Recall(tags.collect());
            effects.push(super::Effect::Lesson(recall));
        }
    }

    fn open_lab(&mut self, id: String, effects: &mut Vec<super::Effect>) {
        let lesson = &mut self.lesson;
        lesson.error = None;
        let open = lesson.open.as_ref().map(|open| &open.tag);
        if open.is_some_and(|tag| tag.id == id && lesson.is_own(tag)) {
            self.show_lab(effects);
            return;
        }
        let is_present = self.lab.as_ref().is_some_and(|tag| tag.id == id);
        lesson.wanted = Some(id.clone());
        lesson.afresh = false;
        if lesson.student.is_none() && !is_present {
            self.apply_lesson(Action::AskName(Some(id)), effects);
        } else {
            self.fetch_lab(id, effects);
        }
    }

    /// Gets what it takes to open the lab that is wanted: the student's latest session of it, if
    /// the browser has one, or the lab itself to begin with.
    fn fetch_lab(&mut self, id: String, effects: &mut Vec<super::Effect>) {
        let tag = self.lab.as_ref().filter(|tag| tag.id == id);
        let is_present = tag.is_some_and(|tag| self.lesson.is_own(tag));
        let kept = self.library.list.iter().find(|record| {
            lab_of(record).is_some_and(|tag| tag.id == id && self.lesson.is_own(&tag))
        });
        effects.push(match kept {
            Some(record) if !is_present => {
                super::Effect::Library(library::Effect::Fetch(record.id.clone()))
            }
            _ => super::Effect::Lesson(Effect::FetchLab(id)),
        });
    }

    /// Brings the open lab's handout to the front.
    fn show_lab(&mut self, effects: &mut Vec<super::Effect>) {
        self.lesson.shows_catalogue = false;
        self.lesson.wanted = None;
        self.lesson.error = None;
        self.pane = Pane::Lab;
        effects.push(super::Effect::Lesson(Effect::Focus(Spot::Title)));
    }

    /// A lab came: for the session that is here, or for one that is to begin.
    fn fetched(&mut self, id: &str, lab: &Lab, effects: &mut Vec<super::Effect>) {
        let is_wanted = self.lesson.wanted.as_deref() == Some(id);
        let is_afresh = is_wanted && self.lesson.afresh;
        let present = self
            .lab
            .clone()
            .filter(|tag| tag.id == id && !is_afresh && (!is_wanted || self.lesson.is_own(tag)));
        let is_begun = present.is_some();
        let tag = match present {
            Some(tag) => tag,
            None if is_wanted => lab.tag(variant_of(id, self.lesson.name())),
            None => return,
        };
        let instance = lab.instance(tag.variant);
        let log = match Heading::parse(&instance.machine) {
            Ok(heading) => {
                let heading = Heading {
                    lab: Some(tag.clone()),
                    ..heading
                };
                let lines = instance.scenario.iter().map(|line| line.as_bytes());
                log::write(&heading, lines)
            }
            Err(reason) => {
                let action = Action::Fetched(id.to_string(), Err(reason));
                return self.apply_lesson(action, effects);
            }
        };
        let progress = self.lesson.progress_of(&tag).cloned();
        if progress.is_none() {
            let recall = Effect::Recall(vec![tag.clone()]);
            effects.push(super::Effect::Lesson(recall));
        }
        let open = OpenLab::new(instance, tag.clone(), progress.unwrap_or_default());
        self.lesson.open = Some(open);
        if !is_begun && let Err(reason) = self.load(&log, effects) {
            self.error(reason);
        }
        self.lesson.followed = Some(tag);
        if is_wanted {
            self.show_lab(effects);
        }
    }

    fn run_commands(&mut self, commands: &[usize]) {
        let Some(open) = &mut self.lesson.open else {
            return;
        };
        let known = commands.iter().filter(|at| **at < open.commands.len());
        let known: Vec<usize> = known.copied().collect();
        let line = |at: &usize| open.commands[*at].clone().into_bytes();
        let lines = known.iter().map(line).collect();
        // A fallen kernel's lines wait for the student's word.
        if !matches!(self.link, Link::Down(_)) {
            open.sent.extend(known);
        }
        self.submit(lines);
    }

    /// The kernel answered a question.
    fn revealed(&mut self, ask: Ask, report: &LineReport, effects: &mut Vec<super::Effect>) {
        let Some(open) = &mut self.lesson.open else {
            return;
        };
        let Ask::Reveal {
            question: id,
            answer,
            anyway,
        } = ask
        else {
            return;
        };
        let Some(at) = open.question(&id) else { return };
        let said = String::from_utf8_lossy(&report.text);
        let expected = open.questions[at].0.answer(&said).to_string();
        let first = open.missing_before(at);
        let is_past = open.is_past(at, self.kernel.step);
        // An error may well be the answer, if the student has done what comes before.
        let is_meant = first.is_empty() && !is_past;
        if expected.is_empty() || !is_meant && !anyway {
            open.trouble = Some(Rc::new(Trouble {
                question: id,
                said: said.trim_end().to_string(),
                has_answer: !expected.is_empty(),
                first,
                is_past,
            }));
            return;
        }
        open.trouble = None;
        let rescue = Effect::Rescue(format!("question-{id}-result"));
        effects.push(super::Effect::Lesson(rescue));
        let outcome = match answer.trim() {
            "" => Outcome::Unanswered,
            answer if Question::accepts(answer, &expected) => Outcome::Right,
            _ => Outcome::Wrong,
        };
        self.lesson.note(effects, |_, progress| {
            progress.settle(Answer {
                question: id,
                outcome,
                given: answer.trim().to_string(),
                expected,
            });
        });
    }

    fn checked(&mut self, verdicts: Vec<Verdict>, effects: &mut Vec<super::Effect>) {
        let (steps, chain) = (self.log.len(), self.last_chain());
        let Some(open) = &mut self.lesson.open else {
            return;
        };
        let points = open.lab.checks.iter().zip(&verdicts);
        let score = points
            .filter(|(_, verdict)| verdict.passed)
            .map(|(check, _)| check.points)
            .sum();
        let results = Rc::new(Results {
            verdicts,
            score,
            steps,
            chain,
        });
        open.results = Some(results.clone());
        let hands_in = open.hand_in == HandIn::Checking;
        self.lesson.note(effects, |_, progress| {
            let passed = results.verdicts.iter().filter(|verdict| verdict.passed);
            progress.checked(score, passed.map(|verdict| verdict.id.as_str()));
        });
        if hands_in {
            self.hand_in(effects);
        } else {
            let focus = Effect::Focus(Spot::Results);
            effects.push(super::Effect::Lesson(focus));
        }
    }

    /// Hands the work in, with the score that it has here: the server wants to know whether both
    /// see the same.
    fn hand_in(&mut self, effects: &mut Vec<super::Effect>) {
        let is_fresh = self.results_are_fresh();
        let log = self.log_bytes();
        let student = self.lesson.student.clone().unwrap_or_default();
        let Some(open) = &mut self.lesson.open else {
            return;
        };
        match &open.results {
            Some(results) if is_fresh => {
                open.hand_in = HandIn::Sent;
                effects.push(super::Effect::Lesson(Effect::HandIn {
                    lab: open.tag.id.clone(),
                    student,
                    log,
                    score: results.score,
                }));
            }
            _ => {
                open.hand_in = HandIn::Checking;
                if !open.is_checking() {
                    open.waiting.push_back(Ask::Check);
                }
            }
        }
    }
}

/// The lab of a session in the list.
fn lab_of(record: &Record) -> Option<LabTag> {
    let heading = Heading::parse(&record.heading).ok()?;
    heading.lab.filter(|_| !record.gone)
}

/// What the file with a submission is called.
fn file_name(lab: &str, student: Option<&Student>) -> String {
    let name = student.map_or("", |student| &student.name);
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    match name.trim_matches('-') {
        "" => format!("{lab}.log"),
        name => format!("{lab}-{name}.log"),
    }
}

#[cfg(test)]
mod tests;
