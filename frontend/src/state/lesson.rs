//! The part of the page's state that is the lab that is open: its handout, questions and checks, and how far the student is.

use labs::protocol::{Request, Response};

use super::State;

/// What the page knows of it.
#[derive(Debug, Default)]
pub struct Lesson {}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {}

/// What the page must do outside its state.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {}

impl Lesson {
    /// The kernel fell, and with it whatever it was asked.
    pub(super) fn fell(&mut self) {}
}

impl State {
    pub(super) fn apply_lesson(&mut self, action: Action, _effects: &mut Vec<super::Effect>) {
        match action {}
    }

    /// Takes the answer to a request of this part: `Probe` and `Check`.
    pub(super) fn lesson_answered(
        &mut self,
        _request: Request,
        _response: Response,
        _effects: &mut Vec<super::Effect>,
    ) {
    }
}
