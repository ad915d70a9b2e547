//! The page's state and every way it can change.
//!
//! The page is a loop: a component or the kernel reports an [`Action`], [`State::apply`] changes
//! the state and says which [`Effect`]s the world outside must see, and the components draw the
//! new state. Nothing here touches the browser, so all of it is tested as plain functions.
//!
//! The page, not the kernel, owns the log. A kernel that dies takes nothing with it: any host can
//! be brought to the same step by running the log again, and because a kernel is a function of its
//! log, every host must then report the same. [`State`] checks that it does.

pub mod containers;
pub mod front;
pub mod inquiry;
pub mod layout;
pub mod lesson;
pub mod library;
pub mod live;
pub mod looks;
pub mod oom;
pub mod sched;
pub mod slabs;
pub mod tasks;
pub mod whereabouts;

use std::collections::VecDeque;
use std::rc::Rc;

use labs::log::{self, Heading, LabTag, Seal};
use labs::protocol::{
    LineReport, MESSAGE_MAX, PROTOCOL_VERSION, Request, Response, View, ViewRequest, goes_on,
    word_to_complete,
};
use labs::view::{EventsView, MemoryView, RadixNodeView, RadixView, SlabView, StateView};
use words::{Language, state as say};

use crate::choices::{Hosts, Link, Pane, Place, Theme};
use crate::transcript::{Entry, LogLine};

use containers::Containers;
use front::Front;
use inquiry::Inquiry;
use inquiry::compare::EVENTS_COMPARED;
use layout::{Layout, Slot};
use lesson::Lesson;
use library::Library;
use live::Live;
use looks::Looks;
use oom::Oom;
use sched::Sched;
use slabs::Slabs;
use tasks::Tasks;

/// How many lines one request carries at most, so that the page can answer in between.
const LINES_PER_REQUEST: usize = 256;

/// How many bytes of lines one request carries at most (a single longer line goes alone).
const BYTES_PER_REQUEST: usize = 1 << 20;

/// The longest line that the page takes, leaving room in a message for its wrapping.
pub const LINE_MAX: usize = MESSAGE_MAX - 1024;

/// How many events the list shows to begin with.
pub const EVENTS_SHOWN: u32 = 400;

/// What happens to the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The carrier can take requests.
    Ready,
    /// The kernel answered a request.
    Answered(Request, Response),
    /// The carrier is gone, and why.
    Failed(String),
    /// The server said which hosts it has, or could not be asked.
    HostsKnown(Result<Vec<String>, String>),
    /// Lines were typed or pasted.
    Submit(Vec<Vec<u8>>),
    /// `^C`: forget the lines that have not run.
    Interrupt,
    /// `^L`: an empty console.
    ClearScreen,
    /// Tab: what may follow this line?
    Complete(String),
    /// Show the kernel after this step.
    Seek(u32),
    /// Show the kernel this many steps earlier (negative) or later.
    StepBy(i32),
    /// Run the kernel elsewhere.
    SwitchHost(Place),
    /// Start a fallen kernel again.
    Restart,
    /// Run the lines that a fallen kernel did not answer.
    Rerun,
    /// Forget the lines that a fallen kernel did not answer.
    ForgetUnanswered,
    /// Give up on a kernel that does not answer.
    Stop,
    /// Bring this pane to the front.
    Show(Pane),
    /// Turn a pane's picture into a table or back.
    ToggleTable(Pane),
    /// Show this tree; `None` follows the one last used.
    ChooseTree(Option<String>),
    /// Open the node with this handle, or close the open one.
    OpenNode(Option<u32>),
    /// List more of the older events.
    MoreEvents,
    /// The next theme.
    NextTheme,
    /// Speak this language.
    Speak(Language),
    /// The texts of this language could not be had.
    Speechless(Language),
    /// Show or hide the help.
    Help(bool),
    /// Show or hide what the kernel costs on this machine.
    Performance(bool),
    /// Tell where the page stands, or enough of that.
    Where(bool),
    /// Shortcuts work, or do not: Alt and a key, and `?`.
    Keys(bool),
    /// Show or hide the log as text.
    ShowLog(bool),
    /// Drop this session and run another log.
    LoadLog(Vec<u8>),
    /// Something about the lab that is open.
    Lesson(lesson::Action),
    /// A question about the kernel's past, or about one of its objects.
    Inquiry(inquiry::Action),
    /// Something about the sessions that the browser keeps.
    Library(library::Action),
    /// Something about slab caches.
    Slabs(slabs::Action),
    /// Something about process containers.
    Containers(containers::Action),
    /// Something about tasks.
    Tasks(tasks::Action),
    /// Something about the scheduler.
    Sched(sched::Action),
    /// Something about memory that runs out.
    Oom(oom::Action),
    /// Something about a session that is shared live, or followed.
    Live(live::Action),
    /// Something for newcomers.
    Front(front::Action),
    /// Something about how the page is looked at.
    Looks(looks::Action),
    /// Something about the panes' places.
    Layout(layout::Action),
}

/// What the page must do outside its state.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Replace the carrier by a fresh one to this place.
    Connect(Place),
    /// Drop the carrier.
    Disconnect,
    /// Send the kernel this request.
    Send(Request),
    /// Put this text into the console's input.
    SetInput(String),
    /// Wear this theme and remember it.
    Wear(Theme),
    /// Speak this language, or report that it cannot be had.
    Speak(Language),
    /// Something that the open lab needs.
    Lesson(lesson::Effect),
    /// Something that an inquiry needs.
    Inquiry(inquiry::Effect),
    /// Something that keeping sessions needs.
    Library(library::Effect),
    /// Something that a live session needs.
    Live(live::Effect),
    /// Something that newcomers need.
    Front(front::Effect),
    /// The page is to look otherwise.
    Looks(looks::Own),
}

/// The request that is changing the kernel and has not been answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Opening,
    /// This many lines of the log, again.
    Replaying(usize),
    /// This many lines from the front of `pending`.
    Running(usize),
    Seeking,
}

/// Views that no longer show the kernel as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Stale {
    tree: bool,
    node: bool,
    /// The pane below the tree.
    lower: bool,
    /// What the dock shows of the past.
    past: bool,
    /// The object that is pointed at in a slab.
    pointed: bool,
    /// The task that is open.
    task: bool,
    /// Who ran when.
    timeline: bool,
}

impl Stale {
    const ALL: Stale = Stale {
        tree: true,
        node: true,
        lower: true,
        past: true,
        pointed: true,
        task: true,
        timeline: true,
    };
}

/// A log being run again on a fresh kernel.
#[derive(Debug, Clone, Copy)]
struct Replay {
    /// How many lines have run.
    done: usize,
    /// Where to seek at its end.
    then: u32,
    /// Whether a difference was reported already.
    diverged: bool,
}

/// Everything that the page knows.
pub struct State {
    /// Where the kernel runs.
    pub place: Place,
    /// How the page stands with it.
    pub link: Link,
    /// What else the switch can offer.
    pub hosts: Hosts,
    /// The machine, as the log's heading describes it.
    pub header: String,
    /// The lab that the session is for, as the heading names it.
    pub lab: Option<LabTag>,
    /// The seal of the machine just booted, once it has.
    boot: Option<Seal>,
    /// Where the kernel stands.
    pub kernel: StateView,
    /// The log: every line that ran.
    pub log: Vec<Rc<LogLine>>,
    /// The console's content.
    pub transcript: Rc<Vec<Entry>>,
    /// The first entry of the transcript that is shown.
    pub screen_start: usize,
    /// Lines that have not run yet.
    pending: VecDeque<Vec<u8>>,
    /// Lines that a kernel took with it when it fell.
    pub unanswered: Vec<Vec<u8>>,
    work: Option<Work>,
    replay: Option<Replay>,
    seek_to: Option<u32>,
    /// The views that no longer show the kernel as it is.
    stale: Stale,
    views_awaited: usize,
    /// A kernel was shown at least once.
    pub drawn_once: bool,
    /// The tree that was chosen; `None` follows the one last used.
    pub tree_choice: Option<String>,
    /// The tree.
    pub radix: Option<Rc<RadixView>>,
    /// The handle of the node whose slots are shown.
    pub open_node: Option<u32>,
    /// That node.
    pub node: Option<Rc<RadixNodeView>>,
    /// Physical memory.
    pub memory: Option<Rc<MemoryView>>,
    /// The slab caches.
    pub slab: Option<Rc<SlabView>>,
    /// Which of them is open, and what is known of it.
    pub slabs: Slabs,
    /// Process containers.
    pub containers: Containers,
    /// The tasks, and which of them is open.
    pub tasks: Tasks,
    /// The run queues, and who ran when.
    pub sched: Sched,
    /// Whom the OOM killer chooses.
    pub oom: Oom,
    /// The latest events.
    pub events: Option<Rc<EventsView>>,
    /// How many events to ask for.
    pub events_max: u32,
    /// The pane in front on a narrow screen.
    pub pane: Pane,
    /// The pane below the tree on a wide screen.
    pub lower: Pane,
    /// The panes that show their table.
    pub tables: Vec<Pane>,
    /// The theme.
    pub theme: Theme,
    /// The language, if one was chosen.
    pub language: Option<Language>,
    /// The help is open.
    pub help: bool,
    /// What the kernel costs on this machine is open.
    pub performance: bool,
    /// Where the page stands is told.
    pub shows_where: bool,
    /// Shortcuts work: Alt and a key, and `?`.
    pub keys: bool,
    /// Why the log that was to be loaded is none.
    pub log_error: Option<String>,
    /// What was to be completed last, to list the words on a second Tab.
    completing: Option<String>,
    /// The lab that is open, and how far the student is.
    pub lesson: Lesson,
    /// What is being asked about the kernel's past and its objects.
    pub inquiry: Inquiry,
    /// The sessions that the browser keeps, this one among them.
    pub library: Library,
    /// A session that is shared live, or followed.
    pub live: Live,
    /// The welcome, the tour, the examples.
    pub front: Front,
    /// How the page is looked at.
    pub looks: Looks,
    /// Where the panes are on a wide screen.
    pub layout: Layout,
}

impl State {
    /// The page before it has a kernel. Connect to [`State::place`] and report
    /// [`Action::Ready`] when that is done.
    pub fn new(theme: Theme) -> State {
        State {
            place: Place::Browser,
            link: Link::Connecting,
            hosts: Hosts::Unknown,
            header: String::new(),
            lab: None,
            boot: None,
            kernel: StateView::default(),
            log: Vec::new(),
            transcript: Rc::default(),
            screen_start: 0,
            pending: VecDeque::new(),
            unanswered: Vec::new(),
            work: None,
            replay: None,
            seek_to: None,
            stale: Stale::default(),
            views_awaited: 0,
            drawn_once: false,
            tree_choice: None,
            radix: None,
            open_node: None,
            node: None,
            memory: None,
            slab: None,
            slabs: Slabs::default(),
            containers: Containers::default(),
            tasks: Tasks::default(),
            sched: Sched::default(),
            oom: Oom::default(),
            events: None,
            events_max: EVENTS_SHOWN,
            pane: Pane::Console,
            lower: Pane::Memory,
            tables: Vec::new(),
            theme,
            language: None,
            help: false,
            performance: false,
            shows_where: false,
            keys: true,
            log_error: None,
            completing: None,
            lesson: Lesson::default(),
            inquiry: Inquiry::default(),
            library: Library::default(),
            live: Live::default(),
            front: Front::default(),
            looks: Looks::default(),
            layout: Layout::default(),
        }
    }

    /// Changes the state by `action`; the effects are to be carried out in order.
    pub fn apply(&mut self, action: Action) -> Vec<Effect> {
        let mut effects = Vec::new();
        let is_setting = matches!(
            action,
            Action::SwitchHost(_)
                | Action::Show(_)
                | Action::ToggleTable(_)
                | Action::NextTheme
                | Action::Speak(_)
                | Action::Keys(_)
                | Action::Looks(looks::Action::ToggleMotion)
                | Action::Layout(_)
                | Action::Inquiry(inquiry::Action::SetSpeed(_))
                | Action::Front(
                    front::Action::Dismiss | front::Action::Tour(front::tour::Action::Start)
                )
        );
        match action {
            Action::Ready if !self.library.may_open() => {}
            Action::Ready => {
                self.link = Link::Live;
                self.work = Some(Work::Opening);
                effects.push(Effect::Send(Request::Open {
                    header: self.header.clone(),
                }));
            }
            Action::Answered(request, response) => self.answered(request, response, &mut effects),
            Action::Failed(reason) => {
                if self.falls_back(&reason) {
                    self.reconnect(&mut effects);
                } else {
                    self.fall(reason);
                    effects.push(Effect::Disconnect);
                }
            }
            Action::HostsKnown(Ok(names)) => self.hosts = Hosts::Offered(names),
            Action::HostsKnown(Err(reason)) => self.hosts = Hosts::Unreachable(reason),
            Action::Submit(lines) => {
                self.inquiry.moved_by_hand();
                self.submit(lines);
            }
            Action::Interrupt => self.interrupt(),
            Action::ClearScreen => self.screen_start = self.transcript.len(),
            Action::Complete(line) => {
                if self.link == Link::Live {
                    effects.push(Effect::Send(Request::Complete { line }));
                }
            }
            Action::Seek(step) => {
                self.inquiry.moved_by_hand();
                self.seek(step);
            }
            Action::StepBy(steps) => {
                self.inquiry.moved_by_hand();
                self.seek(self.target_step().saturating_add_signed(steps));
            }
            Action::SwitchHost(place) if place == self.place && self.link == Link::Live => {}
            Action::SwitchHost(place) => {
                self.place = place;
                self.reconnect(&mut effects);
            }
            Action::Restart => self.reconnect(&mut effects),
            Action::Rerun => self.rerun(),
            Action::ForgetUnanswered => self.forget_unanswered(),
            Action::Stop => {
                self.fall(say::stopped().to_string());
                effects.push(Effect::Disconnect);
            }
            Action::Show(pane) => self.show(pane),
            Action::ToggleTable(pane) => match self.tables.iter().position(|open| *open == pane) {
                Some(index) => drop(self.tables.remove(index)),
                None => self.tables.push(pane),
            },
            Action::ChooseTree(choice) => {
                self.tree_choice = choice;
                self.open_node = None;
                self.node = None;
                self.stale.tree = true;
            }
            Action::OpenNode(node) => {
                self.open_node = node;
                self.stale.node = true;
                if node.is_none() {
                    self.node = None;
                }
            }
            Action::MoreEvents => {
                self.events_max = self.events_max.saturating_mul(4);
                self.stale.lower = true;
            }
            Action::NextTheme => {
                self.theme = self.theme.next();
                effects.push(Effect::Wear(self.theme));
            }
            Action::Speak(language) => {
                self.language = Some(language);
                effects.push(Effect::Speak(language));
            }
            // The choice stays: the next load of the page tries again.
            Action::Speechless(language) => {
                self.error(words::app::language_not_loaded(language.name()));
            }
            Action::Help(open) => self.help = open,
            Action::Performance(open) => {
                self.performance = open;
                if open {
                    self.help = false;
                } else {
                    // The link that opened it opens it again.
                    effects.push(Effect::Library(library::Effect::ClearAddress));
                }
            }
            Action::Where(open) => {
                self.shows_where = open;
                self.help &= !open;
            }
            Action::Keys(on) => self.keys = on,
            Action::ShowLog(open) => {
                let sheet = open.then_some(library::Sheet::Text);
                self.apply_library(library::Action::Show(sheet), &mut effects);
            }
            Action::LoadLog(log) => {
                self.log_error = self.load(&log, &mut effects).err();
            }
            Action::Lesson(action) => self.apply_lesson(action, &mut effects),
            Action::Inquiry(action) => self.apply_inquiry(action, &mut effects),
            Action::Library(action) => self.apply_library(action, &mut effects),
            Action::Slabs(action) => self.apply_slabs(action),
            Action::Containers(action) => self.apply_containers(action),
            Action::Tasks(action) => self.apply_tasks(action),
            Action::Sched(action) => self.apply_sched(action),
            Action::Oom(action) => self.apply_oom(action, &mut effects),
            Action::Live(action) => self.apply_live(action, &mut effects),
            Action::Front(action) => self.apply_front(action, &mut effects),
            Action::Looks(action) => self.apply_looks(action, &mut effects),
            Action::Layout(action) => self.apply_layout(action),
        }
        if is_setting {
            let settings = self.settings();
            effects.push(Effect::Library(library::Effect::Remember(settings)));
        }
        self.follow_front(&mut effects);
        self.follow_live(&mut effects);
        self.pump(&mut effects);
        self.follow_lesson(&mut effects);
        self.keep_up(&mut effects);
        self.tell_live(&mut effects);
        effects
    }

    /// How many lines of the log come after the step that is shown.
    pub fn later_lines(&self) -> usize {
        self.log.len().saturating_sub(self.kernel.step as usize)
    }

    /// The line that led to `step`; the boot has none.
    pub fn line(&self, step: u32) -> Option<&Rc<LogLine>> {
        self.log.get((step as usize).checked_sub(1)?)
    }

    /// Events that had been emitted after `step` lines.
    fn events_after(&self, step: usize) -> u64 {
        match step.checked_sub(1) {
            Some(last) => self.log[last].report.events,
            None => self.boot.map_or(0, |boot| boot.events),
        }
    }

    /// Lines are running or waiting to.
    pub fn is_running(&self) -> bool {
        !self.pending.is_empty() || matches!(self.work, Some(Work::Running(_)))
    }

    /// A fresh kernel is being brought to where the old one stood: lines done, lines in all.
    pub fn replaying(&self) -> Option<(usize, usize)> {
        self.replay.map(|replay| (replay.done, self.log.len()))
    }

    /// What is shown is not yet what was asked for.
    pub fn is_busy(&self) -> bool {
        match self.link {
            Link::Down(_) => false,
            Link::Connecting => true,
            Link::Live => {
                self.work.is_some()
                    || self.views_awaited > 0
                    || self.stale != Stale::default()
                    || !self.pending.is_empty()
            }
        }
    }

    /// The step that will be shown once everything asked for has happened.
    pub fn target_step(&self) -> u32 {
        match (self.seek_to, self.replay) {
            (Some(step), _) => step,
            (None, Some(replay)) => replay.then,
            (None, None) => self.kernel.step,
        }
    }

    /// Whether `place` can be switched to, and if not, why.
    pub fn offers(&self, place: Place) -> Result<(), String> {
        if place == Place::Browser {
            return Ok(());
        }
        match &self.hosts {
            Hosts::Unknown => Err(words::app::asking_server().to_string()),
            Hosts::Unreachable(reason) => Err(reason.clone()),
            Hosts::Offered(names) if names.iter().any(|name| name == place.id()) => Ok(()),
            Hosts::Offered(names) if names.is_empty() => Err(words::app::no_server().to_string()),
            Hosts::Offered(_) => Err(words::app::not_set_up().to_string()),
        }
    }

    /// Whether a pane shows its table.
    pub fn shows_table(&self, pane: Pane) -> bool {
        self.tables.contains(&pane)
    }

    /// Brings a pane to the front.
    fn show(&mut self, pane: Pane) {
        self.pane = pane;
        self.layout.apply(layout::Action::Reveal(pane));
        if pane != Pane::Lab && self.layout.slot_of(pane) == Slot::Lower {
            self.lower = pane;
        }
        if pane.is_lower() {
            self.views_moved();
        }
    }

    fn note(&mut self, text: impl Into<Rc<str>>) {
        Rc::make_mut(&mut self.transcript).push(Entry::Note {
            text: text.into(),
            is_error: false,
        });
    }

    fn error(&mut self, text: impl Into<Rc<str>>) {
        let entry = Entry::Note {
            text: text.into(),
            is_error: true,
        };
        // A view that fails is asked for after every step; saying so once is enough.
        if self.transcript.last() != Some(&entry) {
            Rc::make_mut(&mut self.transcript).push(entry);
        }
    }

    fn submit(&mut self, lines: Vec<Vec<u8>>) {
        if let Some(reason) = self.takes_no_lines() {
            return self.error(reason);
        }
        // A line is one line, or the log would read otherwise than it ran.
        let lines = lines
            .iter()
            .flat_map(|line| line.split(|&byte| byte == b'\n'));
        for line in lines.map(<[u8]>::to_vec) {
            if line.len() > LINE_MAX {
                let length = line.len();
                self.error(say::line_too_long(length, LINE_MAX));
            } else if matches!(self.link, Link::Down(_)) {
                self.unanswered.push(line);
            } else {
                self.pending.push_back(line);
            }
        }
    }

    /// The log's first line: the machine, the lab, and what the lines come to.
    pub fn heading(&self) -> Heading {
        let machine = Heading::parse(&self.header).map(|heading| heading.machine);
        Heading {
            lab: self.lab.clone(),
            seal: self.boot.map(|boot| match self.log.last() {
                Some(line) => Seal {
                    events: line.report.events,
                    chain: line.report.chain,
                    ..boot
                },
                None => boot,
            }),
            // The header came from a heading that was read, or from a kernel.
            machine: machine.unwrap_or_default(),
        }
    }

    /// The log as bytes: the heading, then each line as it was typed.
    pub fn log_bytes(&self) -> Vec<u8> {
        let lines = self.log.iter().map(|line| line.line.as_slice());
        log::write(&self.heading(), lines)
    }

    /// Replaces this session by one that runs `log`.
    fn load(&mut self, log: &[u8], effects: &mut Vec<Effect>) -> Result<(), String> {
        let log = log::parse(log);
        let heading = Heading::parse(log.header)?;
        self.clear_session();
        effects.push(Effect::Library(library::Effect::Leave));
        self.header = heading.machine.to_string();
        self.lab = heading.lab;
        self.pending = log.lines.into_iter().map(<[u8]>::to_vec).collect();
        self.connect_session(effects);
        Ok(())
    }

    fn interrupt(&mut self) {
        let running = match self.work {
            Some(Work::Running(count)) => count,
            _ => 0,
        };
        // A session that is coming back comes back whole.
        let kept = running.max(self.library.still_missing(self.log.len()));
        let kept = kept.min(self.pending.len());
        let dropped = self.pending.len() - kept;
        self.pending.truncate(kept);
        self.library_dropped(self.kernel.step as usize, kept);
        self.inquiry.cut_short(kept);
        if dropped > 0 {
            self.note(say::did_not_run(dropped as u64));
        }
    }

    fn seek(&mut self, step: u32) {
        // While lines run, the log grows under the control; it waits until they are done.
        if self.is_running() || matches!(self.link, Link::Down(_)) {
            return;
        }
        let step = step.min(self.log.len() as u32);
        if let Some(replay) = &mut self.replay {
            replay.then = step;
        } else if step != self.target_step() {
            self.seek_to = Some(step);
            self.live.moved_by_hand();
        }
    }

    fn fall(&mut self, reason: String) {
        if matches!(self.link, Link::Down(_)) {
            return;
        }
        self.error(say::kernel_gone(self.log.len() as u64, &reason));
        self.link = Link::Down(reason);
        // The console is where it says so and offers to start again.
        self.pane = Pane::Console;
        self.library_dropped(self.kernel.step as usize, 0);
        self.unanswered.extend(self.pending.drain(..));
        self.work = None;
        self.views_awaited = 0;
        self.lesson.fell();
        self.inquiry.fell();
        self.oom.asked.fell();
        if let Some(step) = self.seek_to.take() {
            self.kernel.step = step;
        }
        if let Some(replay) = self.replay.take() {
            self.kernel.step = replay.then;
        }
    }

    /// Starts a kernel at [`State::place`] that will take over where the present one stands.
    fn reconnect(&mut self, effects: &mut Vec<Effect>) {
        let then = self.target_step();
        self.link = Link::Connecting;
        self.work = None;
        self.seek_to = None;
        self.views_awaited = 0;
        self.inquiry.fell();
        self.oom.asked.fell();
        self.replay = Some(Replay {
            done: 0,
            then,
            diverged: false,
        });
        effects.push(Effect::Connect(self.place));
    }

    fn answered(&mut self, request: Request, response: Response, effects: &mut Vec<Effect>) {
        match &request {
            Request::Probe { .. } | Request::Check { .. } => {
                return self.lesson_answered(request, response, effects);
            }
            Request::Search { .. }
            | Request::Trace { .. }
            | Request::View(ViewRequest::Events {
                max: EVENTS_COMPARED,
                ..
            }) => {
                return self.inquiry_answered(request, response, effects);
            }
            Request::View(_) => self.views_awaited = self.views_awaited.saturating_sub(1),
            _ => {}
        }
        match (request, response) {
            (
                request @ Request::View(ViewRequest::Object { .. } | ViewRequest::Changes { .. }),
                response @ (Response::View(_) | Response::Error { .. }),
            ) => {
                self.object_seen(&request, &response);
                self.inquiry_answered(request, response, effects);
            }
            (
                Request::Open { .. },
                Response::Opened {
                    version,
                    header,
                    state,
                    ..
                },
            ) => {
                self.work = None;
                if version != PROTOCOL_VERSION {
                    let reason = say::other_protocol(version, PROTOCOL_VERSION);
                    self.fall(reason);
                    effects.push(Effect::Disconnect);
                    return;
                }
                self.header = header;
                self.boot = Some(Seal {
                    boot: state.chain,
                    events: state.events,
                    chain: state.chain,
                });
                self.kernel = state;
                self.stale = Stale::ALL;
                self.booted();
            }
            (Request::Run { .. }, Response::Ran { lines, state }) => self.ran(lines, state),
            (Request::Run { .. }, Response::Error { message }) => self.refused(message),
            (Request::Seek { .. } | Request::State, Response::State(state)) => {
                self.kernel = state;
                self.stale = Stale::ALL;
                self.slabs.moved();
                self.containers.moved();
                self.relight();
                if self.work.take() == Some(Work::Seeking) && self.seek_to == Some(self.kernel.step)
                {
                    self.seek_to = None;
                }
            }
            (
                Request::View(
                    wanted @ (ViewRequest::OomWhatIf(_) | ViewRequest::OomPolicies { .. }),
                ),
                response @ (Response::View(_) | Response::Error { .. }),
            ) => self.oom_told(&wanted, response),
            (Request::View(wanted), Response::View(view)) => self.viewed(wanted, view),
            (Request::Complete { line }, Response::Completions(words)) => {
                self.completions(line, words, effects);
            }
            // No machine, no session: there is nothing to go on with.
            (Request::Open { .. }, Response::Error { message }) if self.falls_back(&message) => {
                self.reconnect(effects);
            }
            (Request::Open { .. }, Response::Error { message }) => {
                self.fall(message);
                effects.push(Effect::Disconnect);
            }
            (request, Response::Error { message }) => {
                if !matches!(request, Request::View(_) | Request::Complete { .. }) {
                    self.work = None;
                    self.replay = None;
                    self.seek_to = None;
                }
                self.error(message);
            }
            (request, _) => {
                let name = request.name();
                self.fall(say::other_answer(name));
                effects.push(Effect::Disconnect);
            }
        }
        if !self.is_busy() {
            self.drawn_once = true;
            self.go_on_asking(effects);
        }
    }

    fn ran(&mut self, reports: Vec<LineReport>, state: StateView) {
        let work = self.work.take();
        self.kernel = state;
        self.stale = Stale::ALL;
        self.slabs.moved();
        self.containers.moved();
        match work {
            Some(Work::Replaying(asked)) => {
                for report in reports.into_iter().take(asked) {
                    self.replayed(report);
                }
            }
            Some(Work::Running(asked)) => {
                // The host may have run fewer lines than asked; the rest stay in front.
                let count = reports.len().min(asked);
                let base = (self.kernel.step as usize).saturating_sub(count);
                self.forget_after(base);
                for report in reports.into_iter().take(asked) {
                    let Some(line) = self.pending.pop_front() else {
                        break;
                    };
                    let line = Rc::new(LogLine::new(line, report));
                    self.log.push(line.clone());
                    self.containers.line_ran(self.log.len(), &line);
                    Rc::make_mut(&mut self.transcript).push(Entry::Line {
                        step: self.log.len() as u32,
                        line,
                    });
                    self.line_ran(self.log.len());
                }
                self.library_ran(count);
            }
            _ => {}
        }
    }

    /// Takes the report of a line that ran before, elsewhere or earlier.
    fn replayed(&mut self, report: LineReport) {
        let Some(replay) = &mut self.replay else {
            return;
        };
        let Some(known) = self.log.get(replay.done) else {
            return;
        };
        replay.done += 1;
        if known.report == report || replay.diverged {
            return;
        }
        replay.diverged = true;
        let step = replay.done;
        let what = if known.report.text != report.text {
            say::prints_other_text(step)
        } else if known.report.status != report.status {
            say::ends_otherwise(step)
        } else {
            say::emits_other_events(step)
        };
        self.error(what);
    }

    /// Cuts the log and the console after `step`.
    fn forget_after(&mut self, step: usize) {
        if step >= self.log.len() {
            return;
        }
        self.log.truncate(step);
        self.oom.asked.log_changed();
        let kept = |entry: &Entry| match entry {
            Entry::Line {
                step: line_step, ..
            } => *line_step as usize <= step,
            Entry::Note { .. } => true,
        };
        Rc::make_mut(&mut self.transcript).retain(kept);
        self.screen_start = self.screen_start.min(self.transcript.len());
    }

    fn refused(&mut self, message: String) {
        match self.work.take() {
            Some(Work::Replaying(_)) => {
                let done = self.replay.take().map_or(0, |replay| replay.done);
                let left = self.log.len() - done;
                self.error(say::refused_rest(left as u64, message));
                let lost: Vec<Rc<LogLine>> = self.log[done..].to_vec();
                self.library_cut(done, &lost);
                self.forget_after(done);
            }
            _ => {
                let dropped = self.pending.len();
                self.pending.clear();
                self.library_dropped(self.kernel.step as usize, 0);
                self.inquiry.cut_short(0);
                self.error(match dropped {
                    0 | 1 => message,
                    _ => say::refused(dropped as u64, message),
                });
            }
        }
    }

    fn viewed(&mut self, wanted: ViewRequest, view: Option<View>) {
        match (wanted, view) {
            (ViewRequest::Radix { .. }, Some(View::Radix(view))) => {
                // A node that was freed is no longer open: its memory may be anything by now.
                if !view
                    .nodes
                    .iter()
                    .any(|node| Some(node.node) == self.open_node)
                {
                    self.open_node = None;
                    self.node = None;
                }
                replace(&mut self.radix, view);
            }
            (ViewRequest::Radix { .. }, _) => self.radix = None,
            (ViewRequest::RadixNode { node }, Some(View::RadixNode(view)))
                if self.open_node == Some(node) =>
            {
                replace(&mut self.node, view);
            }
            // An answer about a node that is no longer open.
            (ViewRequest::RadixNode { .. }, Some(_)) => {}
            (ViewRequest::RadixNode { .. }, _) => {
                self.open_node = None;
                self.node = None;
            }
            (ViewRequest::Memory, Some(View::Memory(view))) => replace(&mut self.memory, view),
            (ViewRequest::Slab, Some(View::Slab(view))) => replace(&mut self.slab, view),
            (wanted @ (ViewRequest::Cache { .. } | ViewRequest::Defrag { .. }), view) => {
                self.slabs_viewed(wanted, view);
            }
            (wanted @ (ViewRequest::Containers { .. } | ViewRequest::Callbacks { .. }), view) => {
                self.containers_viewed(wanted, view);
            }
            (wanted @ (ViewRequest::Tasks { .. } | ViewRequest::Task { .. }), view) => {
                self.tasks_viewed(wanted, view);
            }
            (wanted @ (ViewRequest::Sched | ViewRequest::Timeline { .. }), view) => {
                self.sched_viewed(&wanted, view);
            }
            (wanted @ ViewRequest::Oom { .. }, view) => self.oom_viewed(&wanted, view),
            (ViewRequest::Events { .. }, Some(View::Events(view))) => {
                replace(&mut self.events, view);
                self.relight();
            }
            _ => {}
        }
    }

    fn completions(&mut self, line: String, words: Vec<String>, effects: &mut Vec<Effect>) {
        let (head, typed) = line.split_at(word_to_complete(&line));
        match words.as_slice() {
            [] => {}
            // A directory's name goes on, a word that is whole is followed by a space.
            [word] if goes_on(word) => effects.push(Effect::SetInput(format!("{head}{word}"))),
            [word] => effects.push(Effect::SetInput(format!("{head}{word} "))),
            words => {
                let common = common_start(words);
                if common.len() > typed.len() {
                    effects.push(Effect::SetInput(format!("{head}{common}")));
                } else if self.completing.as_deref() == Some(&line) {
                    self.note(words.join("  "));
                }
            }
        }
        self.completing = Some(line);
    }

    /// Sends whatever should be sent next, if the kernel is free.
    fn pump(&mut self, effects: &mut Vec<Effect>) {
        if self.link != Link::Live || self.work.is_some() {
            return;
        }
        if let Some(replay) = self.replay {
            let batch = batch(
                self.log[replay.done..]
                    .iter()
                    .map(|line| line.line.as_slice()),
            );
            if !batch.is_empty() {
                self.work = Some(Work::Replaying(batch.len()));
                effects.push(Effect::Send(Request::Run { lines: batch }));
                return;
            }
            self.replay = None;
            if replay.then != self.kernel.step {
                self.seek_to = Some(replay.then);
            }
        }
        if let Some(step) = self.seek_to {
            self.work = Some(Work::Seeking);
            effects.push(Effect::Send(Request::Seek { step }));
            return;
        }
        if !self.pending.is_empty() {
            let mut batch = batch(self.pending.iter().map(Vec::as_slice));
            let cleared = self.clear_lines(batch.len(), effects);
            if cleared == 0 {
                return;
            }
            batch.truncate(cleared);
            self.work = Some(Work::Running(batch.len()));
            effects.push(Effect::Send(Request::Run { lines: batch }));
            return;
        }
        if self.views_awaited == 0 {
            let mut views = self.wanted_views();
            views.append(&mut self.oom.asked.unsent);
            self.stale = Stale::default();
            self.views_awaited = views.len();
            effects.extend(
                views
                    .into_iter()
                    .map(|view| Effect::Send(Request::View(view))),
            );
        }
    }

    /// The views that are on the screen and stale.
    fn wanted_views(&self) -> Vec<ViewRequest> {
        let tree = self.stale.tree.then(|| ViewRequest::Radix {
            name: self.tree_choice.clone().unwrap_or_default(),
        });
        let node = self.open_node.filter(|_| self.stale.node);
        let node = node.map(|node| ViewRequest::RadixNode { node });
        let shown = self.shown_panes().filter(|_| self.stale.lower);
        let lower = shown.filter_map(|pane| match pane {
            Pane::Memory => Some(ViewRequest::Memory),
            Pane::Slab => self.slab_request(),
            Pane::Containers => self.containers_request(),
            Pane::Tasks => Some(self.tasks_request()),
            Pane::Sched => Some(ViewRequest::Sched),
            Pane::Oom => self.oom_request(),
            Pane::Events => {
                let since = self
                    .kernel
                    .events
                    .saturating_sub(u64::from(self.events_max));
                Some(ViewRequest::Events {
                    since,
                    max: self.events_max,
                })
            }
            Pane::Console | Pane::Tree | Pane::Lab => None,
        });
        let past = self
            .stale
            .past
            .then(|| self.inquiry.wanted_views(self.kernel.step));
        let pointed = self.stale.pointed.then(|| self.pointed_request());
        let task = self.stale.task.then(|| self.task_request());
        let timeline = self.stale.timeline.then(|| self.timeline_request());
        let rest = [
            past.flatten(),
            pointed.flatten(),
            task.flatten(),
            timeline.flatten(),
        ];
        let first = [tree, node].into_iter().flatten();
        first
            .chain(lower)
            .chain(rest.into_iter().flatten())
            .collect()
    }
}

/// Keeps the old pointer where nothing changed, so that nothing is drawn again.
fn replace<T: PartialEq>(slot: &mut Option<Rc<T>>, view: T) {
    if slot.as_deref() != Some(&view) {
        *slot = Some(Rc::new(view));
    }
}

/// As many lines from the front as one request carries.
fn batch<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut bytes = 0;
    let fits = |line: &&[u8]| {
        let is_first = bytes == 0;
        bytes += line.len() + 1;
        is_first || bytes <= BYTES_PER_REQUEST
    };
    lines
        .take(LINES_PER_REQUEST)
        .take_while(fits)
        .map(<[u8]>::to_vec)
        .collect()
}

/// The longest text that all words start with.
fn common_start(words: &[String]) -> &str {
    let Some((first, rest)) = words.split_first() else {
        return "";
    };
    let end = rest.iter().fold(first.len(), |end, word| {
        let same = first.chars().zip(word.chars()).take_while(|(a, b)| a == b);
        end.min(same.map(|(a, _)| a.len_utf8()).sum())
    });
    &first[..end]
}

#[cfg(test)]
pub(super) mod tests;
