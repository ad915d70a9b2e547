//! What if? Questions about what would have been, which take a kernel longer than a view, and are asked
//! when somebody presses a button.
//!
//! A question is answered by the session, whichever host it runs on: it goes back, runs the log in another
//! way, and takes that back. Whatever makes the log another one makes the answer a thing of the past.

use std::rc::Rc;

use labs::protocol::{Response, View, ViewRequest, WhatIf};
use labs::view::oom::{OomWhatIfView, PoliciesView};

use super::super::{Effect, State, inquiry};
use crate::state::containers::quoted;
use crate::state::inquiry::rewrite::Edit;

/// One thing that is to be otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Thing {
    /// A task's `nice`.
    Nice,
    /// A task's `oom_adj`.
    #[default]
    Adj,
    /// A group's `oom.priority`.
    Priority,
    /// The policy.
    Policy,
}

impl Thing {
    /// All of them.
    pub const ALL: [Thing; 4] = [Thing::Adj, Thing::Nice, Thing::Priority, Thing::Policy];

    /// What it is called by the kernel; also the value of its option.
    pub fn name(self) -> &'static str {
        match self {
            Thing::Nice => "nice",
            Thing::Adj => "oom_adj",
            Thing::Priority => "oom.priority",
            Thing::Policy => "policy",
        }
    }

    /// What its option shows.
    pub fn label(self) -> &'static str {
        match self {
            Thing::Policy => words::oom::thing_policy(),
            thing => thing.name(),
        }
    }

    /// The console line that makes it otherwise: for a task's number or a group's directory.
    ///
    /// # Errors
    /// A sentence: what would have to stand in a field.
    pub fn line(self, of: &str, value: &str) -> Result<String, String> {
        let (of, value) = (of.trim(), value.trim());
        let between = |least: i32, most: i32| match value.parse::<i32>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(words::oom::not_between(self.name(), least, most, value)),
        };
        let pid = || of.parse::<u32>().map_err(|_| words::oom::not_a_task(of));
        Ok(match self {
            Thing::Nice => format!("renice {} {}", between(-20, 19)?, pid()?),
            Thing::Adj => format!("echo {} > /proc/{}/oom_adj", between(-17, 15)?, pid()?),
            Thing::Priority if !of.starts_with('/') => {
                return Err(words::oom::not_a_group(of));
            }
            Thing::Priority => match value.parse::<u64>() {
                Ok(priority) => {
                    let file = [of.trim_end_matches('/'), "/oom.priority"].concat();
                    format!("echo {priority} > {}", quoted(&file))
                }
                Err(_) => {
                    return Err(words::oom::not_a_priority(value));
                }
            },
            Thing::Policy => format!("echo {} > /proc/sys/vm/oom_policy", quoted(value)),
        })
    }
}

/// How far a question is.
#[derive(Debug, Default, PartialEq)]
pub enum Asked<T> {
    /// It was not asked.
    #[default]
    Not,
    /// The session runs the log once more.
    Waiting,
    /// The answer.
    Told(Rc<T>),
    /// There is none, and why.
    Refused(Rc<str>),
}

impl<T> Clone for Asked<T> {
    fn clone(&self) -> Asked<T> {
        match self {
            Asked::Not => Asked::Not,
            Asked::Waiting => Asked::Waiting,
            Asked::Told(view) => Asked::Told(view.clone()),
            Asked::Refused(why) => Asked::Refused(why.clone()),
        }
    }
}

/// The questions and their answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Questions {
    /// What is to be otherwise.
    pub thing: Thing,
    /// What would have been decided then.
    pub what_if: Asked<OomWhatIfView>,
    /// What other policies would have done.
    pub policies: Asked<PoliciesView>,
    /// A change that has become part of the session: its step, and the step to show.
    pub adopted: Option<(u32, u32)>,
    /// Requests that have not been sent.
    pub(crate) unsent: Vec<ViewRequest>,
}

/// What happens to them.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// This is to be otherwise.
    Thing(Thing),
    /// Ask what would have been decided, had this task or group had that value before a line.
    WhatIf {
        /// The task's number, or the group's directory.
        of: String,
        /// The value.
        value: String,
        /// The line's number.
        before: String,
    },
    /// Make the change that was asked about part of this session.
    Adopt,
    /// Ask what these policies would have done.
    Compare(Vec<String>),
}

impl Questions {
    /// The log is another one now.
    pub(crate) fn log_changed(&mut self) {
        self.what_if = Asked::Not;
        self.policies = Asked::Not;
        self.unsent.clear();
    }

    /// Where to go once the change has been put before the line of this step; `None` if it was not.
    pub(crate) fn adopted_at(&self, step: u32) -> Option<u32> {
        let (before, shown) = self.adopted?;
        (before == step).then_some(shown)
    }

    /// The kernel is gone, and what it was asked.
    pub(crate) fn fell(&mut self) {
        let why = words::oom::went_away();
        if self.what_if == Asked::Waiting {
            self.what_if = Asked::Refused(why.into());
        }
        if self.policies == Asked::Waiting {
            self.policies = Asked::Refused(why.into());
        }
        self.unsent.clear();
    }
}

impl State {
    pub(super) fn ask(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let steps = self.log.len() as u32;
        let shown = self.oom.view.as_ref().map_or(0, |view| view.step);
        let decision = self.oom.decision;
        let asked = &mut self.oom.asked;
        match action {
            Action::Thing(thing) => asked.thing = thing,
            Action::WhatIf { of, value, before } => {
                let before = match before.trim().parse::<u32>() {
                    Ok(before) if (1..=steps).contains(&before) => Ok(before),
                    _ => Err(words::oom::not_a_line(steps, before)),
                };
                let line = asked.thing.line(&of, &value);
                match line.and_then(|line| Ok((line, before?))) {
                    Ok((line, before)) => {
                        asked.what_if = Asked::Waiting;
                        asked.unsent.push(ViewRequest::OomWhatIf(WhatIf {
                            before,
                            line: line.into_bytes(),
                            step: shown,
                            decision,
                        }));
                    }
                    Err(why) => asked.what_if = Asked::Refused(why.into()),
                }
            }
            Action::Compare(policies) if policies.is_empty() => {
                asked.policies = Asked::Refused(words::oom::one_policy().into());
            }
            Action::Compare(policies) => {
                asked.policies = Asked::Waiting;
                asked.unsent.push(ViewRequest::OomPolicies {
                    policies,
                    step: u32::MAX,
                    more: Vec::new(),
                });
            }
            Action::Adopt => {
                let Asked::Told(view) = &asked.what_if else {
                    return;
                };
                let (before, line) = (view.before, view.line.clone().into_bytes());
                let told = view.would.told.as_ref().or(view.was.told.as_ref());
                // Every line behind the change has moved by one.
                let shown = told.map_or(before, |told| told.step + 1);
                if self.can_edit() {
                    let edit = Edit::Insert(before, line);
                    self.apply_inquiry(inquiry::Action::Edit(edit), effects);
                    self.oom.asked.adopted = Some((before, shown));
                }
            }
        }
    }

    /// Takes the answer to a question.
    pub(crate) fn oom_told(&mut self, wanted: &ViewRequest, response: Response) {
        let asked = &mut self.oom.asked;
        match (wanted, response) {
            // Nobody waits for it any more.
            (ViewRequest::OomWhatIf(_), _) if asked.what_if != Asked::Waiting => {}
            (ViewRequest::OomPolicies { .. }, _) if asked.policies != Asked::Waiting => {}
            (ViewRequest::OomWhatIf(_), Response::View(Some(View::OomWhatIf(view)))) => {
                asked.what_if = Asked::Told(Rc::new(*view));
            }
            (ViewRequest::OomWhatIf(_), Response::Error { message }) => {
                asked.what_if = Asked::Refused(message.into());
            }
            (_, Response::View(Some(View::OomPolicies(view)))) => {
                asked.policies = Asked::Told(Rc::new(view));
            }
            (_, Response::Error { message }) => asked.policies = Asked::Refused(message.into()),
            _ => {}
        }
    }
}
