//! The part of the page's state that is about memory that runs out: which decision is told, which
//! candidate's score is taken apart, and what the student thinks.
//!
//! The pane tells the latest decision up to the step that is shown, or what would happen if memory ran out
//! now. The second is a question first: who dies next? It is answered once the student has
//! said whom she thinks it will be, or would rather be told. What she thought belongs to its step.

use std::rc::Rc;

use labs::protocol::{View, ViewRequest};
use labs::view::oom::OomView;

use super::{Effect, State, replace};
use crate::choices::Pane;

pub mod ask;

/// Candidates that are asked for at first.
const SHOWN: u32 = 50;
/// No host tells more.
const SHOWN_MAX: u32 = 1024;

/// What the page knows of it.
#[derive(Debug)]
pub struct Oom {
    /// The decision.
    pub view: Option<Rc<OomView>>,
    /// It is about what would happen next.
    pub is_next: bool,
    /// Whom the student thinks it will be, by number; 0: she would rather be told.
    pub guess: Option<u32>,
    /// Which decision of the step.
    pub decision: u32,
    /// The candidate whose score is taken apart, by rank.
    pub candidate: usize,
    /// Candidates that are asked for.
    pub max: u32,
    /// What would have been.
    pub asked: ask::Questions,
}

impl Default for Oom {
    fn default() -> Oom {
        Oom {
            view: None,
            is_next: false,
            guess: None,
            decision: 0,
            candidate: 0,
            max: SHOWN,
            asked: ask::Questions::default(),
        }
    }
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Ask what would happen next, or tell what has happened.
    Next(bool),
    /// The student thinks that this task dies next; 0: she would rather be told.
    Guess(u32),
    /// Tell this decision of the step.
    Decision(u32),
    /// Take this candidate's score apart, by rank.
    Candidate(usize),
    /// Show more candidates.
    More,
    /// What if?
    Ask(ask::Action),
}

impl Oom {
    /// Another log takes the place of this one.
    pub(super) fn reset(&mut self) {
        *self = Oom::default();
    }

    /// Who dies next is a question that has not been answered.
    pub fn is_asking(&self) -> bool {
        self.is_next && self.guess.is_none()
    }
}

impl State {
    pub(super) fn apply_oom(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let oom = &mut self.oom;
        match action {
            Action::Next(is_next) => {
                let (max, asked) = (oom.max, std::mem::take(&mut oom.asked));
                *oom = Oom {
                    is_next,
                    max,
                    asked,
                    ..Oom::default()
                };
                self.stale.lower = true;
            }
            Action::Guess(pid) => oom.guess = Some(pid),
            Action::Decision(decision) => {
                (oom.decision, oom.candidate) = (decision, 0);
                self.stale.lower = true;
            }
            Action::Candidate(candidate) => oom.candidate = candidate,
            Action::More => {
                oom.max = (oom.max * 4).min(SHOWN_MAX);
                self.stale.lower = true;
            }
            Action::Ask(action) => self.ask(action, effects),
        }
    }

    /// The decision that the pane shows.
    pub(super) fn oom_request(&self) -> Option<ViewRequest> {
        self.shows(Pane::Oom).then_some(ViewRequest::Oom {
            step: (!self.oom.is_next).then_some(self.kernel.step),
            decision: self.oom.decision,
            from: 0,
            max: self.oom.max,
        })
    }

    /// Takes the answer to a request of this part.
    pub(super) fn oom_viewed(&mut self, wanted: &ViewRequest, view: Option<View>) {
        let oom = &mut self.oom;
        let ViewRequest::Oom { step, .. } = wanted else {
            return;
        };
        if step.is_none() != oom.is_next {
            return;
        }
        let Some(View::Oom(view)) = view else {
            oom.view = None;
            return;
        };
        let known = oom.view.as_ref();
        let events = |view: &OomView| view.decisions.first().map(|it| (view.step, it.event));
        if known.is_none_or(|known| events(known) != events(&view)) {
            (oom.guess, oom.candidate) = (None, 0);
        }
        oom.decision = view.shown;
        replace(&mut oom.view, *view);
    }
}

#[cfg(test)]
pub(super) mod tests;
