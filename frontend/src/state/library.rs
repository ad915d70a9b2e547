//! The part of the page's state that is the sessions that the browser keeps: saving as one types, names, the list, import, export, links.

use super::State;

/// What the page knows of it.
#[derive(Debug, Default)]
pub struct Library {}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {}

/// What the page must do outside its state.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {}

impl State {
    pub(super) fn apply_library(&mut self, action: Action, _effects: &mut Vec<super::Effect>) {
        match action {}
    }
}
