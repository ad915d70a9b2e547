//! The part of the page's state that asks: about the kernel's past, and about its objects.
//!
//! Each question is a file of its own: [`play`] walks through the log by itself, [`inspector`]
//! takes one object apart, [`search`] looks backwards for a step, [`rewrite`] edits a line of the
//! past and runs what came after it, [`compare`] finds where two sessions part, and [`export`]
//! fetches the trace as a file. What changed between two steps is a single view and is kept here,
//! like the one thing that all of them share: what the pictures light up ([`lit`]).
//!
//! The questions are requests of the same protocol that runs the lines, in the same queue, so they
//! need no lock: each is answered about the kernel as it was when its turn came.

pub mod compare;
pub mod export;
pub mod inspector;
pub mod lit;
pub mod play;
pub mod rewrite;
pub mod search;

use std::rc::Rc;

use labs::protocol::{Goal, Request, Response, TraceFormat, View, ViewRequest};
use labs::view::ChangesView;
use words::inquiry as say;

use super::State;
use crate::carrier;
use compare::Compare;
use export::Export;
use inspector::Inspector;
use lit::Lit;
use play::{Play, Speed};
use rewrite::{Edit, Rewrite};
use search::Search;

/// The parts of the dock, one of which is in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// What differs between two steps.
    Changes,
    /// One object with its fields and bytes.
    Object,
    /// Since when is something so?
    Search,
    /// Another line in the past.
    Edit,
    /// This session beside another.
    Compare,
    /// The trace as a file.
    Export,
}

impl Tab {
    /// All tabs, in their order.
    pub const ALL: [Tab; 6] = [
        Tab::Changes,
        Tab::Object,
        Tab::Search,
        Tab::Edit,
        Tab::Compare,
        Tab::Export,
    ];

    /// What the tab shows.
    pub fn title(self) -> &'static str {
        match self {
            Tab::Changes => say::tab_changes(),
            Tab::Object => say::tab_object(),
            Tab::Search => say::tab_search(),
            Tab::Edit => say::tab_edit(),
            Tab::Compare => say::tab_compare(),
            Tab::Export => say::tab_export(),
        }
    }

    /// Its name in the ids of elements.
    pub fn label(self) -> &'static str {
        match self {
            Tab::Changes => "changes",
            Tab::Object => "object",
            Tab::Search => "search",
            Tab::Edit => "edit",
            Tab::Compare => "compare",
            Tab::Export => "export",
        }
    }
}

/// What is known of the difference between two steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Changes {
    /// Nothing yet.
    #[default]
    Unknown,
    /// This.
    Seen(Rc<ChangesView>),
    /// Nothing, and why.
    Failed(Rc<str>),
}

/// What the page knows of it.
#[derive(Debug, Default)]
pub struct Inquiry {
    /// The tab in front; `None` while the dock is closed.
    pub tab: Option<Tab>,
    /// Playing, and how fast.
    pub play: Play,
    /// The step that changes are counted from; `None`: the one before the present.
    pub mark: Option<u32>,
    /// What changed, or why that is not known.
    pub changes: Changes,
    /// The object that is taken apart.
    pub inspector: Rc<Inspector>,
    /// The event whose objects are lit, by number.
    pub event: Option<u64>,
    /// The search that runs, or the last one.
    pub search: Option<Rc<Search>>,
    /// The latest edit of the past.
    pub rewrite: Option<Rc<Rewrite>>,
    /// Lines that edits dropped, the latest last.
    undo: Vec<rewrite::Dropped>,
    /// The comparison with another session.
    pub compare: Option<Rc<Compare>>,
    /// The trace on its way into a file.
    pub export: Option<Rc<Export>>,
    /// What the pictures light up.
    pub lit: Rc<Lit>,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Bring this tab to the front, or close the dock.
    Show(Option<Tab>),
    /// Play, or pause.
    TogglePlay,
    /// Play at this speed from now on.
    SetSpeed(Speed),
    /// The time of a frame of the screen, in milliseconds.
    Tick(f64),
    /// Count changes from this step; `None` from the step before the present.
    Mark(Option<u32>),
    /// Count changes from the present step.
    MarkHere,
    /// Take the object at this address apart, in units of 8 bytes.
    Inspect(u32),
    /// Back to the object before.
    InspectBack,
    /// Light up what this event touched; `None` puts it out.
    SelectEvent(Option<u64>),
    /// Look backwards from the present step.
    Search(Goal),
    /// Enough of the search.
    StopSearch,
    /// Put another line into the past and run what comes after it again.
    Edit(Edit),
    /// Take the latest edit back.
    Undo,
    /// Compare this session with another log.
    Compare(Vec<u8>),
    /// Compare this session with one that the browser keeps, by its name in the journal.
    CompareKept(String),
    /// Compare this session with the same log on another allocator.
    CompareTwin(String),
    /// That session is not there.
    NotKept,
    /// The other session's carrier reported something.
    Second(Second),
    /// Close the comparison, and end the other kernel.
    EndComparison,
    /// Make a file of the trace.
    Export(TraceFormat),
}

/// What the other session's carrier reports.
#[derive(Debug, Clone, PartialEq)]
pub enum Second {
    /// It takes requests.
    Ready,
    /// The kernel answered.
    Answered(Request, Response),
    /// It is gone, and why.
    Failed(String),
}

impl From<carrier::Event> for Second {
    fn from(event: carrier::Event) -> Second {
        match event {
            carrier::Event::Ready => Second::Ready,
            carrier::Event::Answered(request, response) => Second::Answered(request, response),
            carrier::Event::Failed(reason) => Second::Failed(reason),
        }
    }
}

/// What the page must do outside its state.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Report the time of a frame in so many milliseconds, and nothing before.
    Wake(u32),
    /// Start a second kernel in this browser.
    OpenSecond,
    /// Send it this request.
    SendSecond(Request),
    /// End it.
    CloseSecond,
    /// Read the log of a session that the browser keeps, and compare this one with it.
    Read(String),
    /// Offer a file of this name.
    Save(String, Vec<u8>),
}

impl Inquiry {
    /// The kernel fell or is being replaced, and with it whatever it was asked.
    pub(super) fn fell(&mut self) {
        self.play.pause();
        if let Some(search) = &mut self.search {
            Rc::make_mut(search).stop(say::went_away());
        }
        self.export = None;
        if let Some(compare) = &mut self.compare {
            Rc::make_mut(compare).our_kernel_fell();
        }
    }

    /// The user moves through time by hand.
    pub(super) fn moved_by_hand(&mut self) {
        self.play.pause();
    }

    /// Another log takes the place of this one.
    pub(super) fn reset(&mut self) {
        self.play.pause();
        self.mark = None;
        self.changes = Changes::Unknown;
        self.inspector = Rc::default();
        self.event = None;
        self.search = None;
        self.rewrite = None;
        self.undo.clear();
        self.export = None;
    }

    /// The views that the dock shows of the kernel after `step` lines.
    pub(super) fn wanted_views(&self, step: u32) -> Option<ViewRequest> {
        match self.tab? {
            Tab::Changes => {
                let (from, to) = self.range(step)?;
                Some(ViewRequest::Changes { from, to })
            }
            Tab::Object => Some(ViewRequest::Object {
                at: self.inspector.asked()?,
            }),
            Tab::Compare => {
                let compare = self.compare.as_ref()?;
                compare.twin.as_ref().map(|_| ViewRequest::Slab)
            }
            _ => None,
        }
    }

    /// Between which steps changes are shown; `None` where there is nothing before.
    pub fn range(&self, step: u32) -> Option<(u32, u32)> {
        match self.mark {
            Some(mark) if mark != step => Some((mark.min(step), mark.max(step))),
            _ => Some((step.checked_sub(1)?, step)),
        }
    }

    /// There is an edit that can be taken back.
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }
}

impl State {
    pub(super) fn apply_inquiry(&mut self, action: Action, effects: &mut Vec<super::Effect>) {
        match action {
            Action::Show(tab) => {
                self.inquiry.tab = tab;
                self.stale.past = true;
                if tab.is_none() {
                    self.inquiry.event = None;
                }
                if tab == Some(Tab::Compare) {
                    // The sessions to choose from.
                    effects.push(super::Effect::Library(super::library::Effect::List));
                }
            }
            Action::TogglePlay => self.toggle_play(effects),
            Action::SetSpeed(speed) => self.set_speed(speed, effects),
            Action::Tick(now_ms) => self.tick(now_ms, effects),
            Action::Mark(mark) => {
                self.inquiry.mark = mark.map(|step| step.min(self.log.len() as u32));
                self.stale.past = true;
            }
            Action::MarkHere => {
                self.inquiry.mark = Some(self.kernel.step);
                self.inquiry.tab = Some(Tab::Changes);
                self.stale.past = true;
            }
            Action::Inspect(at) => {
                Rc::make_mut(&mut self.inquiry.inspector).open(at);
                self.inquiry.tab = Some(Tab::Object);
                self.stale.past = true;
            }
            Action::InspectBack => {
                Rc::make_mut(&mut self.inquiry.inspector).back();
                self.stale.past = true;
            }
            Action::SelectEvent(event) => self.inquiry.event = event,
            Action::Search(goal) => self.search(goal, effects),
            Action::StopSearch => {
                if let Some(search) = &mut self.inquiry.search {
                    Rc::make_mut(search).stop(say::was_stopped());
                }
            }
            Action::Edit(edit) => self.edit(edit, effects),
            Action::Undo => self.undo(effects),
            Action::Compare(log) => self.compare(&log, effects),
            Action::CompareKept(id) => effects.push(super::Effect::Inquiry(Effect::Read(id))),
            Action::CompareTwin(allocator) => self.compare_twin(allocator, effects),
            Action::NotKept => self.error(say::not_kept()),
            Action::Second(event) => self.second(event, effects),
            Action::EndComparison => {
                self.inquiry.compare = None;
                effects.push(super::Effect::Inquiry(Effect::CloseSecond));
            }
            Action::Export(format) => self.export(format, effects),
        }
        self.relight();
    }

    /// Takes the answer to a request of this part: `Search`, `Trace` and the views `Object` and
    /// `Changes`.
    pub(super) fn inquiry_answered(
        &mut self,
        request: Request,
        response: Response,
        effects: &mut Vec<super::Effect>,
    ) {
        match (request, response) {
            (Request::Search { before, .. }, response) => {
                self.searched(before, response, effects);
            }
            (Request::Trace { format, resume, .. }, response) => {
                self.traced(format, resume, response, effects);
            }
            (Request::View(ViewRequest::Object { at }), Response::View(view)) => {
                let view = match view {
                    Some(View::Object(view)) => Ok(view),
                    _ => Err(say::nothing_known().into()),
                };
                let step = self.kernel.step;
                Rc::make_mut(&mut self.inquiry.inspector).seen(at, step, view);
            }
            (Request::View(ViewRequest::Object { at }), Response::Error { message }) => {
                let step = self.kernel.step;
                Rc::make_mut(&mut self.inquiry.inspector).seen(at, step, Err(message));
            }
            (Request::View(ViewRequest::Changes { .. }), Response::View(view)) => {
                self.inquiry.changes = match view {
                    Some(View::Changes(view)) => Changes::Seen(Rc::new(view)),
                    _ => Changes::Unknown,
                };
            }
            (Request::View(ViewRequest::Changes { .. }), Response::Error { message }) => {
                self.inquiry.changes = Changes::Failed(message.into());
            }
            (
                Request::View(ViewRequest::Events { .. }),
                Response::View(Some(View::Events(view))),
            ) => {
                self.our_events(view);
            }
            _ => {}
        }
        self.relight();
    }

    /// Everything that was asked for is answered: whoever waited for that goes on.
    pub(super) fn go_on_asking(&mut self, effects: &mut Vec<super::Effect>) {
        self.play_on();
        self.ask_for_our_events(effects);
        self.twin_on(effects);
    }

    /// Works out anew what the pictures light up.
    pub(super) fn relight(&mut self) {
        let inquiry = &self.inquiry;
        let events = self.events.as_deref();
        let event = inquiry.event.and_then(|number| {
            let mut events = events?.events.iter();
            events.find(|event| event.number == number)
        });
        let lit = match (event, inquiry.tab) {
            (Some(event), _) => Lit::of_touches(&event.touches),
            (None, Some(Tab::Changes)) => match &inquiry.changes {
                Changes::Seen(changes)
                    if inquiry.range(self.kernel.step) == Some((changes.from, changes.to)) =>
                {
                    Lit::of_changes(changes)
                }
                _ => Lit::default(),
            },
            (None, Some(Tab::Object)) => match &inquiry.inspector.view {
                Some(view) => Lit::of_object(view),
                None => Lit::default(),
            },
            _ => Lit::default(),
        };
        if *inquiry.lit != lit {
            self.inquiry.lit = Rc::new(lit);
        }
    }
}

#[cfg(test)]
mod tests;
