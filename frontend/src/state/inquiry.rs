//! The part of the page's state that is questions about the past and about objects: changes, searches, the inspector, comparison, playing.

use labs::protocol::{Request, Response};

use super::State;

/// What the page knows of it.
#[derive(Debug, Default)]
pub struct Inquiry {}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {}

/// What the page must do outside its state.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {}

impl Inquiry {
    /// The kernel fell, and with it whatever it was asked.
    pub(super) fn fell(&mut self) {}
}

impl State {
    pub(super) fn apply_inquiry(&mut self, action: Action, _effects: &mut Vec<super::Effect>) {
        match action {}
    }

    /// Takes the answer to a request of this part: `Search`, `Trace` and the views `Object` and `Changes`.
    pub(super) fn inquiry_answered(
        &mut self,
        _request: Request,
        _response: Response,
        _effects: &mut Vec<super::Effect>,
    ) {
    }
}
