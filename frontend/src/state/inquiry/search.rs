//! Searches backwards: which step wrote this object last, since which does a line succeed?
//!
//! A search may take longer than one answer should, so the kernel answers with how far it came and
//! is asked again from there. In between the page stays usable, and can stop it.

use std::rc::Rc;

use labs::protocol::{Goal, Request, Response};
use words::inquiry as say;

use super::super::{Effect, State};

/// A search that runs or has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// What is looked for.
    pub goal: Goal,
    /// The step that the search began at.
    pub from: u32,
    /// Steps after this one have been looked at.
    pub reached: u32,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Outcome>,
}

/// How a search ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// At this step.
    Found(u32),
    /// There is no such step.
    Nothing,
    /// It did not get to its end, and why.
    Stopped(Rc<str>),
}

impl Search {
    /// Ends the search if it runs.
    pub(super) fn stop(&mut self, reason: &str) {
        if self.outcome.is_none() {
            self.outcome = Some(Outcome::Stopped(reason.into()));
        }
    }

    /// What is looked for, as a question.
    pub fn question(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match &self.goal {
            Goal::Changed { object, .. } => say::question_wrote(labs::view::address(*object)),
            Goal::Became { line, prints } if prints.is_empty() => {
                say::question_succeeds(text(line))
            }
            Goal::Became { line, prints } => say::question_prints(text(line), text(prints)),
        }
    }
}

impl State {
    pub(super) fn search(&mut self, goal: Goal, effects: &mut Vec<Effect>) {
        let from = self.kernel.step;
        let mut search = Search {
            goal,
            from,
            reached: from,
            outcome: None,
        };
        if self.link != crate::choices::Link::Live
            || self.is_running()
            || self.replaying().is_some()
        {
            search.stop(say::not_ready());
        } else {
            effects.push(Effect::Send(Request::Search {
                goal: search.goal.clone(),
                before: from,
            }));
        }
        self.inquiry.tab = Some(super::Tab::Search);
        self.inquiry.search = Some(Rc::new(search));
    }

    pub(super) fn searched(&mut self, before: u32, response: Response, effects: &mut Vec<Effect>) {
        let Some(search) = &mut self.inquiry.search else {
            return;
        };
        if search.outcome.is_some() || search.reached != before {
            return; // It was stopped, or another one took its place.
        }
        let search = Rc::make_mut(search);
        match response {
            Response::Searched {
                found: Some(step), ..
            } => search.outcome = Some(Outcome::Found(step)),
            Response::Searched { reached: 0, .. } => search.outcome = Some(Outcome::Nothing),
            // A kernel that gets nowhere would be asked for ever.
            Response::Searched { reached, .. } if reached >= before => {
                search.stop(say::search_no_progress());
            }
            Response::Searched { reached, .. } => {
                search.reached = reached;
                effects.push(Effect::Send(Request::Search {
                    goal: search.goal.clone(),
                    before: reached,
                }));
            }
            Response::Error { message } => search.stop(&message),
            _ => search.stop(say::other_answer()),
        }
    }
}
