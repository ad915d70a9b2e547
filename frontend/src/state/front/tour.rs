//! The tour: three stops, each with something that is really done in the visitor's own session, and the
//! pane where it shows.
//!
//! A stop is done when the visitor presses its button; the next one is offered then. Nothing is
//! covered and nothing is locked: whoever types a line in between goes on afterwards, and whoever leaves
//! keeps what the session has.

use super::{State, focus};
use crate::choices::Pane;
use crate::state::{Effect, lesson};

/// How many stops there are.
pub const STOPS: usize = 3;

/// Where the visitor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tour {
    /// The stop, from 0.
    pub stop: usize,
    /// What is done there has been done.
    pub is_done: bool,
    /// The name of the tree that the tour grows: one that was not taken.
    pub tree: String,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Begin at the first stop.
    Start,
    /// Do what this stop is about.
    Do,
    /// Go on to the next stop; after the last one, to the labs.
    Next,
    /// Leave.
    Leave,
}

impl Tour {
    /// The pane where this stop shows.
    pub fn pane(&self) -> Pane {
        match self.stop {
            0 | 1 => Pane::Tree,
            _ => Pane::Oom,
        }
    }

    /// The lines that this stop runs.
    pub fn lines(&self) -> Vec<String> {
        let tree = &self.tree;
        match self.stop {
            0 => vec![
                format!("radix create {tree}"),
                format!("radix insert {tree} 0 1"),
                format!("radix insert {tree} 4096 7"),
            ],
            2 => vec![
                "spawn hog vm=300M".to_string(),
                "spawn small".to_string(),
                "oom trigger".to_string(),
            ],
            _ => Vec::new(),
        }
    }
}

impl State {
    pub(super) fn apply_tour(&mut self, action: Action, effects: &mut Vec<Effect>) {
        match action {
            Action::Start => self.start_tour(effects),
            Action::Do => self.do_stop(),
            Action::Next => self.next_stop(effects),
            Action::Leave => {
                if self.front.tour.take().is_some() {
                    effects.push(focus("#console-input"));
                }
            }
        }
    }

    fn start_tour(&mut self, effects: &mut Vec<Effect>) {
        if let Some(reason) = self.takes_no_lines() {
            return self.error(reason);
        }
        self.leave_catalogue(effects);
        // A lab's session is for the lab.
        if self.lab.is_some() {
            self.open_fresh(String::new(), effects);
        }
        // New lines belong to the end.
        self.seek(u32::MAX);
        let is_taken = |name: &String| self.kernel.trees.contains(name);
        let mut names = (1..).map(|number| match number {
            1 => "tour".to_string(),
            _ => format!("tour{number}"),
        });
        let tree = names.find(|name| !is_taken(name));
        self.front.sheet = None;
        self.front.welcome = false;
        self.front.tour = Some(Tour {
            stop: 0,
            is_done: false,
            tree: tree.unwrap_or_default(),
        });
        self.arrive(effects);
    }

    /// Brings the stop's pane into sight, and the focus to its button.
    fn arrive(&mut self, effects: &mut Vec<Effect>) {
        if let Some(tour) = &self.front.tour {
            self.show(tour.pane());
            effects.push(focus("#tour-go"));
        }
    }

    fn do_stop(&mut self) {
        // A step cannot be taken while lines run; the button can be pressed again.
        if self.is_running() {
            return;
        }
        let Some(tour) = &mut self.front.tour else {
            return;
        };
        tour.is_done = true;
        match tour.stop {
            1 => self.seek(self.target_step().saturating_sub(1)),
            _ => {
                let lines = tour.lines().into_iter().map(String::into_bytes);
                let lines = lines.collect();
                self.submit(lines);
            }
        }
    }

    fn next_stop(&mut self, effects: &mut Vec<Effect>) {
        let Some(tour) = &mut self.front.tour else {
            return;
        };
        tour.stop += 1;
        tour.is_done = false;
        if tour.stop < STOPS {
            // The line that was taken back comes again.
            self.seek(u32::MAX);
            self.arrive(effects);
        } else {
            self.front.tour = None;
            self.apply_lesson(lesson::Action::Catalogue(true), effects);
        }
    }
}
