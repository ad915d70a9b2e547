//! The part of the page's state that is about the scheduler: whose queue is open, which reason is
//! looked at, and which part of the time.
//!
//! The pane shows the run queues as they are, and below who ran when during the latest step in which
//! time passed. That step may hold a hundred thousand turns; then the kernel tells parts of columns,
//! and every closer look is another question. While its answer is on the way, the page draws what
//! it has.

use std::rc::Rc;

use labs::protocol::{View, ViewRequest};
use labs::view::{SchedView, TimelineView};

use super::{State, replace};
use crate::choices::Pane;

/// The shortest window, in nanoseconds.
const WINDOW_MIN: u64 = 1000;

/// What the page knows of it.
#[derive(Debug, Default)]
pub struct Sched {
    /// The run queues.
    pub view: Option<Rc<SchedView>>,
    /// Who ran when.
    pub timeline: Option<Rc<TimelineView>>,
    /// The part of the step that is looked at; `None`: all of it.
    pub window: Option<Window>,
    /// The path of the group whose queues are open; `None`: the CPUs' own.
    pub open: Option<Rc<str>>,
    /// The CPU whose next choice is explained, and the number of the reason that is looked at.
    pub why: Option<(u32, usize)>,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Look at this part of the step, or at all of it.
    Look(Option<Window>),
    /// Show the queues of the group of this path, or the CPUs' own.
    Open(Option<String>),
    /// Explain the next choice of this CPU: this reason.
    Why(Option<(u32, usize)>),
}

/// A part of a step, in nanoseconds since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Where it begins.
    pub from: u64,
    /// Where it ends; later than `from`.
    pub to: u64,
}

impl Window {
    /// All of a step.
    pub fn all(view: &TimelineView) -> Window {
        Window {
            from: view.begin_ns,
            to: view.end_ns.max(view.begin_ns + 1),
        }
    }

    /// Its length.
    pub fn length(self) -> u64 {
        self.to - self.from
    }

    /// A window `factor` times closer, in which the point at `share` of this one's length stays where
    /// it is; within the step.
    pub fn zoom(self, view: &TimelineView, factor: f64, share: f64) -> Window {
        let all = Window::all(view);
        let length = (self.length() as f64 / factor).round() as u64;
        let length = length.clamp(WINDOW_MIN.min(all.length()), all.length());
        let at = self.from + (self.length() as f64 * share) as u64;
        Window::begin_at(all, at as i64 - (length as f64 * share) as i64, length)
    }

    /// The window moved by a share of its length; within the step.
    pub fn pan(self, view: &TimelineView, share: f64) -> Window {
        let by = (self.length() as f64 * share) as i64;
        Window::begin_at(Window::all(view), self.from as i64 + by, self.length())
    }

    /// The window moved, no further than needed, so that a point of time is in it.
    pub fn reveal(self, view: &TimelineView, at: u64) -> Window {
        match (self.from..self.to).contains(&at) {
            true => self,
            false => {
                let from = at as i64 - (self.length() / 4) as i64;
                Window::begin_at(Window::all(view), from, self.length())
            }
        }
    }

    fn begin_at(all: Window, from: i64, length: u64) -> Window {
        let last = all.to - length.min(all.length());
        let from = from.clamp(all.from as i64, last as i64) as u64;
        Window {
            from,
            to: from + length,
        }
    }
}

impl Sched {
    /// Another log takes the place of this one.
    pub(super) fn reset(&mut self) {
        *self = Sched::default();
    }

    /// The part of the step that is shown.
    pub fn shown(&self) -> Option<Window> {
        let view = self.timeline.as_ref()?;
        Some(self.window.unwrap_or(Window::all(view)))
    }

    /// What is known does not tell the turns of this window one by one, but the kernel may.
    fn lacks(&self, window: Option<Window>) -> bool {
        let Some(view) = &self.timeline else {
            return true;
        };
        let window = window.unwrap_or(Window::all(view));
        let (from, to) = (view.from_ns, view.to_ns);
        let covers = from <= window.from && window.to <= to;
        !covers || view.columns > 0 && (from, to) != (window.from, window.to)
    }
}

impl State {
    pub(super) fn apply_sched(&mut self, action: Action) {
        let sched = &mut self.sched;
        match action {
            Action::Look(window) => {
                sched.window = window;
                self.stale.timeline = sched.lacks(window);
            }
            Action::Open(path) => {
                sched.open = path.map(Rc::from);
                sched.why = None;
            }
            Action::Why(why) => sched.why = why,
        }
    }

    /// The window that the pane shows.
    pub(super) fn timeline_request(&self) -> Option<ViewRequest> {
        let window = self.sched.window;
        self.shows(Pane::Sched).then_some(ViewRequest::Timeline {
            step: self.kernel.step,
            from_ns: window.map_or(0, |window| window.from),
            to_ns: window.map_or(u64::MAX, |window| window.to),
        })
    }

    /// Takes the answer to a request of this part.
    pub(super) fn sched_viewed(&mut self, wanted: &ViewRequest, view: Option<View>) {
        let sched = &mut self.sched;
        match (wanted, view) {
            (ViewRequest::Sched, Some(View::Sched(view))) => {
                let has = |path: &str| view.groups.iter().any(|group| group.path == path);
                if sched.open.as_deref().is_some_and(|path| !has(path)) {
                    sched.open = None;
                }
                replace(&mut sched.view, *view);
            }
            (ViewRequest::Timeline { .. }, Some(View::Timeline(view))) => {
                let known = sched.timeline.as_ref();
                let span = |it: &TimelineView| (it.step, it.begin_ns, it.end_ns);
                let is_same = known.is_some_and(|known| span(known) == span(&view));
                replace(&mut sched.timeline, *view);
                if !is_same && sched.window.take().is_some() {
                    // A window of another step's time says nothing here.
                    self.stale.timeline = true;
                }
            }
            (ViewRequest::Timeline { .. }, _) => {
                sched.timeline = None;
                sched.window = None;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
