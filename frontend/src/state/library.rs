//! The part of the page's state that is the sessions that the browser keeps: saving as one types,
//! names, the list, import, export, links.
//!
//! A line is written to the browser's journal *before* it goes to the kernel, so whatever the
//! console has shown is stored already, and a tab may die at any moment. What the journal holds is
//! the log and, behind it, at most the lines that are on their way. Lines that are dropped by
//! running in the past become a [`Branch`], in the transaction that drops them.
//!
//! A session gets its place in the journal with its first line: looking at a page, or at what a
//! link brings, leaves nothing behind. On the way back ([`Kept`]) the lines run again. Those that
//! have no answer on record run as well, but if they have been tried like that before, they wait
//! for a person: a line that kills the kernel must not kill it at every visit.

use std::rc::Rc;

use labs::LOG_MAX;
use labs::log::{self, Heading};
use words::library as say;

use super::{LogLine, State, Work, live};
use crate::address::{self, Address, Payload};
use crate::choices::{Link, Place};
use crate::settings::Settings;

/// How many branches a session keeps.
const BRANCHES_MAX: usize = 16;

/// How many bytes the branches of a session hold at most; the newest one may be larger.
const BRANCH_BYTES_MAX: usize = 1 << 20;

/// The longest link that carries its log itself, in characters.
const LINK_MAX: usize = 8000;

/// Lines that came after a step until other lines ran there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The step that they came after.
    pub at: u32,
    /// The hash chain after that step: whether the log still leads there.
    pub chain: u64,
    /// The lines.
    pub lines: Vec<Vec<u8>>,
}

impl Branch {
    fn bytes(&self) -> usize {
        self.lines.iter().map(|line| line.len() + 1).sum()
    }
}

/// A session in the list, and what is stored of one besides its lines.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// Its name in the journal; empty until it has one.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The heading of its log, sealed at `steps`.
    pub heading: String,
    /// How many lines have an answer.
    pub steps: u32,
    /// The step that was shown.
    pub step: u32,
    /// Where its kernel ran, by [`Place::id`].
    pub host: String,
    /// Up to which line answers were sought again by themselves.
    pub attempt: u32,
    /// When it last changed, in words; only the list has it.
    pub when: String,
    /// It was deleted, and can still come back.
    pub gone: bool,
}

/// A session as the journal gives it back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept {
    /// What is known of it.
    pub record: Record,
    /// Its lines.
    pub lines: Vec<Vec<u8>>,
    /// What was dropped from it, the oldest first.
    pub branches: Vec<Branch>,
    /// Another tab has it; this is to be a session of its own.
    pub is_copy: bool,
}

/// What goes into the journal in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Which session of this page it is, to tell a late answer.
    pub epoch: u32,
    /// The record; without an id it is a new session's.
    pub record: Record,
    /// The index of the first line; whatever the journal holds from there on is replaced.
    pub from: usize,
    /// The lines.
    pub lines: Vec<Vec<u8>>,
    /// The branches, if they changed.
    pub branches: Option<Vec<Branch>>,
}

/// A session on its way back: its lines run again.
#[derive(Debug)]
struct Restoring {
    /// What was stored of it.
    record: Record,
    /// How many lines it has.
    lines: usize,
}

/// Whether the browser keeps sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Storage {
    /// Nothing is to be kept.
    #[default]
    Off,
    /// It does.
    Works,
    /// It refused, and why.
    Refused(String),
}

/// Which part of the dialog is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheet {
    /// The list of sessions.
    Sessions,
    /// This session's log as text.
    Text,
    /// The link to this session.
    Share,
}

/// A link to this session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The fragment, without the step.
    pub fragment: String,
    /// The step that it can name.
    pub step: u32,
}

/// What the page knows of it.
#[derive(Debug, Default)]
pub struct Library {
    /// Whether sessions are kept.
    pub storage: Storage,
    /// The journal has not said yet what to begin with.
    is_starting: bool,
    /// The carrier was ready before the journal was.
    is_awaited: bool,
    /// Counts the sessions of this page.
    epoch: u32,
    /// This session's name in the journal, once it has one.
    pub id: Option<String>,
    /// What people call this session.
    pub name: String,
    /// How many lines from the front the journal holds as they are.
    stored: usize,
    /// How many lines the journal holds.
    stored_all: usize,
    /// How many of the lines that wait may be sent: they are in the journal.
    cleared: usize,
    /// The lines that a write under way will clear, and the journal's length after it.
    saving: Option<(usize, usize)>,
    /// The session is coming back.
    restoring: Option<Restoring>,
    /// What was dropped, the oldest first.
    pub branches: Vec<Branch>,
    branches_changed: bool,
    /// The branch for the lines on their way has been made.
    is_cut: bool,
    /// The newest branch is offered beside the console.
    pub offers_branch: bool,
    /// What was noted last: steps, step, chain.
    noted: (u32, u32, u64),
    /// Nothing may be changed here.
    pub is_frozen: bool,
    /// The session is somebody else's, who runs its lines.
    pub(super) follows: bool,
    /// It was, and gets a place in the journal before a line of one's own.
    pub(super) wants_place: bool,
    /// The open part of the dialog.
    pub sheet: Option<Sheet>,
    /// All sessions, the latest first.
    pub list: Rc<Vec<Record>>,
    /// The session that was deleted last, to bring it back.
    pub deleted: Option<Record>,
    /// What went wrong in the dialog.
    pub problem: Option<String>,
    /// The link to this session, while it is shown.
    pub shared: Option<Shared>,
    /// What happened to the link: it was copied, or why not.
    pub share_note: String,
    /// A newer version of the page waits for a reload.
    pub has_update: bool,
    /// The page's own address asked for this lab.
    pub wanted_lab: Option<String>,
    /// The place was remembered, not chosen; if it can't be had, the browser will do.
    is_guess: bool,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The journal said what to begin with, or why it keeps nothing.
    Started(Result<Option<Kept>, String>),
    /// A write is done and this is the session's id, or it failed.
    Kept(u32, Result<String, String>),
    /// A link brought a log, to be shown after this step; or it is broken.
    Arrived(Result<Vec<u8>, String>, Option<u32>),
    /// The address has changed.
    Address(Result<Address, String>),
    /// Put the lines of this branch back where they were.
    BringBack(usize),
    /// The newest branch need not be offered.
    Dismiss,
    /// Open a part of the dialog, or close it.
    Show(Option<Sheet>),
    /// All sessions that there are.
    Listed(Result<Vec<Record>, String>),
    /// Begin a session.
    New,
    /// Go on with this session.
    Open(String),
    /// It was found, or it was not.
    Opened(Result<Option<Kept>, String>),
    /// Call a session so.
    Rename(String, String),
    /// Make a copy of a session.
    Duplicate(String),
    /// Remove a session.
    Delete(String),
    /// Bring back the session that was removed last.
    Undelete,
    /// Offer sessions as files; none: this one.
    Export(Option<String>),
    /// Offer all sessions as one file.
    ExportAll,
    /// A file was chosen, or text is to be run.
    Import(Vec<u8>),
    /// Several sessions were stored.
    Imported(Result<usize, String>),
    /// Make a link to this session.
    Share,
    /// The link is made, or cannot be.
    Linked(Result<Shared, String>),
    /// Put the link into the clipboard, with the step or without.
    CopyLink(bool),
    /// It is there, or it is not.
    Copied(bool),
    /// A newer version of the page is ready.
    UpdateReady,
    /// Load the page anew, in its newer version.
    Update,
}

/// What the page must do outside its state.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Write to the journal and report [`Action::Kept`].
    Write(Write),
    /// Note where the session stands: at once, since lines have been answered, or soon.
    Note(Record, bool),
    /// This tab has no session any more.
    Leave,
    /// Read the list and report [`Action::Listed`].
    List,
    /// Fetch a session and report [`Action::Opened`].
    Fetch(String),
    /// Store another session and report [`Action::Imported`]; then list.
    Store(Vec<(Record, Vec<Vec<u8>>)>),
    /// Copy a session under another name; then list.
    Duplicate(String),
    /// Rename a session; then list.
    Rename(String, String),
    /// Mark a session as gone, or not; then list.
    Delete(String, bool),
    /// Offer a session as a file.
    Export(String),
    /// Offer all sessions as a file.
    ExportAll,
    /// Offer this as a file.
    Download(String, Vec<u8>),
    /// Fetch what a link points to and report [`Action::Arrived`].
    Follow(Payload, Option<u32>),
    /// Pack a log into a link and report [`Action::Linked`]; a longer one goes to the server.
    Link {
        /// The log.
        log: Vec<u8>,
        /// The step that is shown.
        step: u32,
        /// The longest link that carries its log itself, in characters.
        max: usize,
    },
    /// Put the link with this fragment into the clipboard and report [`Action::Copied`].
    Copy(String),
    /// Take the fragment out of the page's address.
    ClearAddress,
    /// Remember the settings.
    Remember(Settings),
    /// Let the newer version of the page take over.
    Update,
}

impl Library {
    /// No lines are typed here, for now or for good.
    pub fn takes_none(&self) -> bool {
        self.is_frozen || self.follows
    }

    /// Waits for [`Action::Started`] before a kernel is opened. What the address forbids is
    /// forbidden from here on, and the lab that it names is wanted.
    pub fn await_start(&mut self, address: &Address) {
        self.is_starting = true;
        self.is_frozen = address.no_edit;
        self.wanted_lab = address.lab.clone();
    }

    /// The kernel may be opened; if not, [`Action::Started`] will do it.
    pub(super) fn may_open(&mut self) -> bool {
        self.is_awaited = self.is_starting;
        !self.is_starting
    }

    /// The journal has said what to begin with.
    pub(super) fn has_started(&self) -> bool {
        !self.is_starting
    }

    fn keeps(&self) -> bool {
        self.storage == Storage::Works && !self.is_frozen && !self.follows
    }

    /// How many lines a session that is coming back has.
    pub fn restoring(&self) -> Option<usize> {
        self.restoring.as_ref().map(|restoring| restoring.lines)
    }

    /// How many lines of a session that is coming back have not run, when `run` have.
    pub(super) fn still_missing(&self, run: usize) -> usize {
        self.restoring().map_or(0, |all| all.saturating_sub(run))
    }

    /// Why this session is not being saved, if it should be.
    pub fn unsaved(&self) -> Option<&str> {
        match &self.storage {
            Storage::Refused(reason) if !self.is_frozen => Some(reason),
            _ => None,
        }
    }

    /// Forgets what belongs to a session; settings, storage and the list stay.
    fn renew(&mut self) {
        *self = Library {
            storage: std::mem::take(&mut self.storage),
            epoch: self.epoch + 1,
            is_frozen: self.is_frozen,
            sheet: None,
            list: std::mem::take(&mut self.list),
            deleted: self.deleted.take(),
            has_update: self.has_update,
            wanted_lab: self.wanted_lab.take(),
            is_starting: self.is_starting,
            is_awaited: self.is_awaited,
            is_guess: self.is_guess,
            ..Library::default()
        };
    }

    fn push_branch(&mut self, branch: Branch) {
        self.branches.push(branch);
        let mut bytes = 0;
        let fits = |branch: &&Branch| {
            bytes += branch.bytes();
            bytes <= BRANCH_BYTES_MAX
        };
        let count = self
            .branches
            .iter()
            .rev()
            .take(BRANCHES_MAX)
            .take_while(fits)
            .count();
        self.branches.drain(..self.branches.len() - count.max(1));
        self.branches_changed = true;
        self.offers_branch = true;
    }
}

impl State {
    pub(super) fn apply_library(&mut self, action: Action, effects: &mut Vec<super::Effect>) {
        let mut ask = |effect| effects.push(super::Effect::Library(effect));
        match action {
            Action::Started(kept) => self.started(kept, effects),
            Action::Kept(epoch, result) => self.kept(epoch, result, effects),
            Action::Arrived(Ok(log), step) => self.arrived(&log, step, effects),
            Action::Arrived(Err(reason), _) => self.error(say::link_broken(reason)),
            Action::Address(Ok(address)) => self.follow(address, effects),
            Action::Address(Err(reason)) => self.error(reason),
            Action::BringBack(index) => self.bring_back(index),
            Action::Dismiss => self.library.offers_branch = false,
            Action::Show(sheet) => {
                self.library.sheet = sheet;
                self.library.problem = None;
                self.library.deleted = None;
                self.log_error = None;
                match sheet {
                    Some(Sheet::Share) => {
                        self.library.shared = None;
                        self.library.share_note.clear();
                        ask(Effect::Link {
                            log: self.log_bytes(),
                            step: self.kernel.step,
                            max: LINK_MAX,
                        });
                    }
                    Some(_) if self.library.keeps() => ask(Effect::List),
                    _ => {}
                }
            }
            Action::Listed(Ok(list)) => self.library.list = Rc::new(list),
            Action::Listed(Err(reason)) => self.library.problem = Some(reason),
            Action::New => {
                if !self.library.is_frozen {
                    self.open_fresh(String::new(), effects);
                }
            }
            Action::Open(id) if self.library.id.as_ref() == Some(&id) => self.library.sheet = None,
            Action::Open(id) => ask(Effect::Fetch(id)),
            Action::Opened(Ok(Some(kept))) => self.restore(kept, effects),
            Action::Opened(Ok(None)) => {
                self.library.problem = Some(say::gone().to_string());
                ask(Effect::List);
            }
            Action::Opened(Err(reason)) => self.library.problem = Some(reason),
            Action::Rename(id, name) => {
                let name = name.trim().to_string();
                if self.library.id.as_ref() == Some(&id) {
                    self.library.name = name.clone();
                }
                ask(Effect::Rename(id, name));
            }
            Action::Duplicate(id) => ask(Effect::Duplicate(id)),
            Action::Delete(id) => {
                let record = self.library.list.iter().find(|record| record.id == id);
                let deleted = record.cloned();
                ask(Effect::Delete(id.clone(), true));
                if self.library.id.as_ref() == Some(&id) {
                    self.open_fresh(String::new(), effects);
                    self.library.sheet = Some(Sheet::Sessions);
                }
                self.library.deleted = deleted;
                // There may be room again.
                if matches!(self.library.storage, Storage::Refused(_)) {
                    self.library.storage = Storage::Works;
                }
            }
            Action::Undelete => {
                if let Some(record) = self.library.deleted.take() {
                    ask(Effect::Delete(record.id, false));
                }
            }
            Action::Export(None) => {
                let name = file_name(&self.library.name);
                ask(Effect::Download(name, self.log_bytes()));
            }
            Action::Export(Some(id)) => ask(Effect::Export(id)),
            Action::ExportAll => ask(Effect::ExportAll),
            Action::Import(bytes) => self.import(&bytes, effects),
            Action::Imported(Ok(count)) => {
                self.note(say::imported(count as u64));
                ask(Effect::List);
            }
            Action::Imported(Err(reason)) => self.library.problem = Some(reason),
            Action::Share => self.apply_library(Action::Show(Some(Sheet::Share)), effects),
            Action::Linked(Ok(shared)) => self.library.shared = Some(shared),
            Action::Linked(Err(reason)) => self.library.problem = Some(reason),
            Action::CopyLink(with_step) => {
                if let Some(shared) = &self.library.shared {
                    ask(Effect::Copy(shared.with_step(with_step)));
                }
            }
            Action::Copied(is_copied) => {
                self.library.share_note = match is_copied {
                    true => say::copied(),
                    false => say::not_copied(),
                }
                .to_string();
            }
            Action::UpdateReady => self.library.has_update = true,
            Action::Update => ask(Effect::Update),
        }
    }

    /// The settings, as they are remembered.
    pub fn settings(&self) -> Settings {
        let (pane, lower) = self.fronts();
        Settings {
            theme: self.theme,
            language: self.language,
            place: self.place,
            pane,
            lower,
            tables: self.tables.clone(),
            speed: self.inquiry.play.speed,
            welcome: self.front.welcome,
            keys: self.keys,
            is_still: self.looks.is_still,
            layout: self.layout.clone(),
        }
    }

    /// Wears what was remembered.
    pub fn set_up(&mut self, settings: Settings) {
        self.library.is_guess = settings.place != Place::Browser;
        self.theme = settings.theme;
        self.language = settings.language;
        self.place = settings.place;
        self.pane = settings.pane;
        self.lower = settings.lower;
        self.tables = settings.tables;
        self.inquiry.play.speed = settings.speed;
        self.front.welcome = settings.welcome;
        self.keys = settings.keys;
        self.looks.is_still = settings.is_still;
        self.layout = settings.layout;
        self.lower = self.layout.front(self.lower).unwrap_or(self.lower);
    }

    /// The branches that the present log still leads to, with their place in the list.
    pub fn branches_at_hand(&self) -> Vec<(usize, &Branch)> {
        let fits = |branch: &Branch| {
            branch.at as usize <= self.log.len()
                && self.chain_after(branch.at as usize) == branch.chain
        };
        let branches = self.library.branches.iter().enumerate();
        branches.filter(|(_, branch)| fits(branch)).collect()
    }

    /// The hash chain after a step of the log.
    pub(super) fn chain_after(&self, step: usize) -> u64 {
        match step.checked_sub(1) {
            Some(at) => self.log.get(at).map_or(0, |line| line.report.chain),
            None => self.boot.map_or(0, |boot| boot.chain),
        }
    }

    /// A machine has booted.
    pub(super) fn booted(&mut self) {
        self.library.is_guess = false;
        self.came_back();
    }

    /// A kernel at a remembered place cannot be had: the page tries its own, once.
    pub(super) fn falls_back(&mut self, reason: &str) -> bool {
        let falls = std::mem::take(&mut self.library.is_guess) && self.place != Place::Browser;
        if falls {
            let place = self.place.label();
            self.note(say::falls_back(place, reason));
            self.place = Place::Browser;
        }
        falls
    }

    fn started(&mut self, kept: Result<Option<Kept>, String>, effects: &mut Vec<super::Effect>) {
        // A first visit does not wait for the database, which then speaks a second time. It may know a
        // session nevertheless, if the browser has forgotten that there is one.
        let is_late = !std::mem::take(&mut self.library.is_starting);
        match kept {
            Ok(kept) => {
                self.library.storage = Storage::Works;
                // Whoever has begun something meanwhile, be it an empty session, goes on with that.
                let is_untouched =
                    self.library.epoch == 0 && self.log.is_empty() && self.pending.is_empty();
                if let Some(kept) = kept.filter(|_| is_untouched) {
                    match is_late {
                        true => self.restore(kept, effects),
                        false => self.take_over(kept),
                    }
                }
            }
            Err(reason) => self.refuse(reason),
        }
        if std::mem::take(&mut self.library.is_awaited) {
            effects.extend(self.apply(super::Action::Ready));
        }
    }

    fn refuse(&mut self, reason: String) {
        if !self.library.is_frozen {
            self.error(say::does_not_save(&reason));
        }
        self.library.storage = Storage::Refused(reason);
    }

    /// Connects for a session that has just been put in place of another. At the start, the first
    /// kernel is still on its way and will do.
    pub(super) fn connect_session(&mut self, effects: &mut Vec<super::Effect>) {
        if !self.library.is_starting {
            self.reconnect(effects);
        }
    }

    /// Replaces this session by one from the journal.
    fn restore(&mut self, kept: Kept, effects: &mut Vec<super::Effect>) {
        self.clear_session();
        self.take_over(kept);
        self.connect_session(effects);
    }

    /// Empties the page for another session; the caller connects.
    pub(super) fn clear_session(&mut self) {
        self.leave_followed();
        self.front.session_changed();
        self.library.renew();
        self.inquiry.reset();
        self.slabs.reset();
        self.containers.reset();
        self.tasks.reset();
        self.sched.reset();
        self.oom.reset();
        self.lab = None;
        self.log_error = None;
        self.log.clear();
        self.transcript = Rc::default();
        self.screen_start = 0;
        self.kernel = Default::default();
        self.unanswered.clear();
        self.pending.clear();
        self.seek_to = None;
        self.replay = None;
        self.tree_choice = None;
        self.open_node = None;
    }

    pub(super) fn open_fresh(&mut self, header: String, effects: &mut Vec<super::Effect>) {
        self.clear_session();
        self.header = header;
        effects.push(super::Effect::Library(Effect::Leave));
        effects.push(super::Effect::Library(Effect::ClearAddress));
        self.reconnect(effects);
    }

    /// Takes a session over from the journal; its lines will run when there is a kernel.
    fn take_over(&mut self, kept: Kept) {
        self.front.session_changed();
        let Kept {
            mut record,
            lines: all,
            branches,
            is_copy,
        } = kept;
        match Heading::parse(&record.heading) {
            Ok(heading) => {
                self.header = heading.machine.to_string();
                self.lab = heading.lab;
            }
            Err(error) => self.error(error),
        }
        let steps = (record.steps as usize).min(all.len());
        let was_tried = all.len() > steps && record.attempt as usize >= all.len();
        self.library.name = record.name.clone();
        self.library.branches = branches;
        self.library.stored_all = all.len();
        if is_copy {
            self.note(say::copy_of());
            self.library.name.push_str(say::copy_name());
            self.library.branches_changed = true;
            self.library.cleared = all.len();
        } else {
            self.library.id = Some(record.id.clone());
            self.library.stored = all.len();
            self.library.cleared = steps;
        }
        // Who stood at the end wants to see the lines that have no answer on record, too.
        if record.step == record.steps {
            record.step = u32::MAX;
        }
        self.library.restoring = Some(Restoring {
            record,
            lines: all.len(),
        });
        self.pending = all.into();
        if was_tried {
            self.unanswered = self.pending.split_off(steps).into();
        }
    }

    /// Ends the restoring once all lines have run.
    fn came_back(&mut self) {
        if self.library.still_missing(self.log.len()) > 0 {
            return;
        }
        let Some(Restoring { record, .. }) = self.library.restoring.take() else {
            return;
        };
        let step = record.step.min(self.log.len() as u32);
        // Lines that were typed meanwhile belong to the end.
        if step != self.kernel.step && self.pending.is_empty() {
            self.seek_to = Some(step);
        }
        let seal = Heading::parse(&record.heading)
            .ok()
            .and_then(|heading| heading.seal);
        if let (Some(seal), true) = (seal, record.steps as usize <= self.log.len()) {
            let is_same = self.chain_after(record.steps as usize) == seal.chain;
            if self.boot.is_none_or(|boot| boot.boot != seal.boot) {
                self.note(say::other_kernel());
            } else if !is_same {
                self.error(say::other_end());
            }
        }
    }

    /// How many waiting lines may be sent now; if they must be stored first, asks for that.
    pub(super) fn clear_lines(&mut self, count: usize, effects: &mut Vec<super::Effect>) -> usize {
        if !self.library.keeps() && self.library.restoring.is_none() {
            self.cut();
            return count;
        }
        if self.library.cleared > 0 {
            return count.min(self.library.cleared);
        }
        if !self.library.keeps() {
            return count;
        }
        if self.library.saving.is_some() {
            return 0;
        }
        let (waiting, total, lines);
        if let Some(Restoring { record, lines }) = &self.library.restoring {
            // These have no answer on record. The journal has them; that they are tried is noted.
            waiting = self.library.still_missing(self.log.len());
            total = *lines;
            let record = Record {
                attempt: total as u32,
                ..record.clone()
            };
            self.library.saving = Some((waiting, total));
            self.write(record, total, Vec::new(), effects);
            return 0;
        }
        self.cut();
        let base = self.kernel.step as usize;
        let from = self.library.stored.min(base);
        waiting = count;
        total = base + count;
        let known = self.log[from..base].iter().map(|line| line.line.clone());
        lines = known
            .chain(self.pending.iter().take(count).cloned())
            .collect();
        if self.library.name.is_empty() {
            self.library.name = self.first_name();
        }
        let record = self.record(base);
        self.library.saving = Some((waiting, total));
        self.write(record, from, lines, effects);
        0
    }

    fn write(
        &mut self,
        record: Record,
        from: usize,
        lines: Vec<Vec<u8>>,
        effects: &mut Vec<super::Effect>,
    ) {
        let library = &mut self.library;
        let changed = std::mem::take(&mut library.branches_changed);
        effects.push(super::Effect::Library(Effect::Write(Write {
            epoch: library.epoch,
            record,
            from,
            lines,
            branches: changed.then(|| library.branches.clone()),
        })));
    }

    /// Makes a branch of the lines that those on their way will drop.
    fn cut(&mut self) {
        let base = self.kernel.step as usize;
        if base >= self.log.len() || self.library.is_cut || self.library.follows {
            return;
        }
        self.library.is_cut = true;
        let branch = Branch {
            at: base as u32,
            chain: self.chain_after(base),
            lines: self.log[base..]
                .iter()
                .map(|line| line.line.clone())
                .collect(),
        };
        self.library.push_branch(branch);
    }

    /// A name to begin with.
    fn first_name(&self) -> String {
        if let Some(lab) = &self.lab {
            return lab.id.clone();
        }
        let first = self.log.first().map(|line| line.line.as_slice());
        let first = first
            .or(self.pending.front().map(Vec::as_slice))
            .unwrap_or_default();
        String::from_utf8_lossy(&first[..first.len().min(200)])
            .chars()
            .take(48)
            .collect()
    }

    /// The record of this session, of whose lines `steps` have an answer.
    fn record(&self, steps: usize) -> Record {
        let mut heading = self.heading();
        let at_end = steps == self.log.len();
        heading.seal = heading.seal.filter(|_| at_end);
        Record {
            id: self.library.id.clone().unwrap_or_default(),
            name: self.library.name.clone(),
            heading: heading.to_string(),
            steps: steps as u32,
            step: self.target_step(),
            host: self.place.id().to_string(),
            ..Record::default()
        }
    }

    fn kept(
        &mut self,
        epoch: u32,
        result: Result<String, String>,
        effects: &mut Vec<super::Effect>,
    ) {
        if epoch != self.library.epoch {
            return;
        }
        let Some((waiting, total)) = self.library.saving.take() else {
            return;
        };
        match result {
            Ok(id) => {
                // What was interrupted meanwhile is in the journal, but not to be sent.
                let cleared = waiting.min(self.pending.len());
                self.library.cleared = cleared;
                self.library.stored = total - (waiting - cleared);
                self.library.stored_all = total;
                if self.library.id.replace(id).is_none() {
                    effects.push(super::Effect::Library(Effect::ClearAddress));
                }
            }
            Err(reason) => self.refuse(reason),
        }
    }

    /// Lines of this session have run: `count` from the front of those that waited.
    pub(super) fn library_ran(&mut self, count: usize) {
        let library = &mut self.library;
        library.cleared = library.cleared.saturating_sub(count);
        library.is_cut = false;
        self.came_back();
    }

    /// The lines on their way from step `base` on will not run; `left` of them may still.
    pub(super) fn library_dropped(&mut self, base: usize, left: usize) {
        let library = &mut self.library;
        library.cleared = library.cleared.min(left);
        library.stored = library.stored.min(base + left);
        if left == 0 && std::mem::take(&mut library.is_cut) {
            library.branches.pop();
            library.branches_changed = true;
            library.offers_branch = false;
        }
    }

    /// Runs the lines that a kernel took with it, where they belong.
    pub(super) fn rerun(&mut self) {
        if self.library.restoring.is_some() && self.kernel.step as usize != self.log.len() {
            self.seek_to = Some(self.log.len() as u32);
        }
        self.pending.extend(self.unanswered.drain(..));
    }

    /// Forgets the lines that a kernel took with it. Those that were shown once remain a branch.
    pub(super) fn forget_unanswered(&mut self) {
        let missing = self
            .library
            .still_missing(self.log.len())
            .min(self.unanswered.len());
        if missing > 0 {
            let at = self.log.len();
            let branch = Branch {
                at: at as u32,
                chain: self.chain_after(at),
                lines: self.unanswered.drain(..missing).collect(),
            };
            self.library.push_branch(branch);
            self.library.stored = at;
        }
        self.library.restoring = None;
        self.unanswered.clear();
    }

    /// Why no line can be taken now, if so.
    pub(super) fn takes_no_lines(&self) -> Option<&'static str> {
        if self.library.is_frozen {
            Some(say::only_shows())
        } else if self.library.follows {
            Some(say::followed())
        } else if self.library.restoring.is_some()
            && !self.unanswered.is_empty()
            && self.link == Link::Live
        {
            Some(say::lines_wait())
        } else {
            None
        }
    }

    /// The log was cut after `step` because it did not run again.
    pub(super) fn library_cut(&mut self, step: usize, lost: &[Rc<LogLine>]) {
        let branch = Branch {
            at: step as u32,
            chain: self.chain_after(step),
            lines: lost.iter().map(|line| line.line.clone()).collect(),
        };
        self.library.push_branch(branch);
        self.library.stored = self.library.stored.min(step);
    }

    /// Brings the journal up to the state when nothing else goes on.
    pub(super) fn keep_up(&mut self, effects: &mut Vec<super::Effect>) {
        let library = &self.library;
        let is_quiet = library.keeps()
            && (library.id.is_some() || library.wants_place)
            && library.restoring.is_none()
            && library.saving.is_none()
            && self.pending.is_empty()
            && self.unanswered.is_empty()
            && self.replay.is_none()
            && !matches!(self.work, Some(Work::Running(_) | Work::Opening));
        if !is_quiet {
            return;
        }
        let steps = self.log.len();
        if library.stored != steps || library.stored_all != steps || library.branches_changed {
            let from = library.stored.min(steps);
            let lines = self.log[from..]
                .iter()
                .map(|line| line.line.clone())
                .collect();
            self.library.wants_place = false;
            if self.library.name.is_empty() {
                self.library.name = self.first_name();
            }
            let record = self.record(steps);
            self.library.saving = Some((0, steps));
            return self.write(record, from, lines, effects);
        }
        let now = (steps as u32, self.target_step(), self.chain_after(steps));
        if library.noted != now {
            let is_urgent = (library.noted.0, library.noted.2) != (now.0, now.2);
            self.library.noted = now;
            let record = self.record(steps);
            effects.push(super::Effect::Library(Effect::Note(record, is_urgent)));
        }
    }

    fn bring_back(&mut self, index: usize) {
        let fits = self.branches_at_hand().iter().any(|(at, _)| *at == index);
        if !fits || self.is_running() || self.link != Link::Live || self.library.is_frozen {
            return;
        }
        let branch = self.library.branches.remove(index);
        self.library.branches_changed = true;
        self.library.offers_branch = false;
        if self.target_step() != branch.at {
            self.seek(branch.at);
        }
        self.note(say::come_back(branch.lines.len() as u64, branch.at));
        self.pending.extend(branch.lines);
    }

    /// Does what an address asks for.
    fn follow(&mut self, address: Address, effects: &mut Vec<super::Effect>) {
        if address.lab.is_some() {
            self.library.wanted_lab = address.lab;
        }
        self.performance |= address.performance;
        if address.route.is_some() {
            self.front.route = address.route;
        }
        match address.payload {
            Some(Payload::Live(id)) => self.apply_live(live::Action::Follow(id), effects),
            Some(payload) => {
                effects.push(super::Effect::Library(Effect::Follow(
                    payload,
                    address.step,
                )));
            }
            None => {
                if let Some(step) = address.step {
                    match &mut self.library.restoring {
                        Some(restoring) => restoring.record.step = step,
                        None => self.seek(step),
                    }
                }
            }
        }
    }

    /// Opens what a link brought. The link itself keeps it until a line is added.
    fn arrived(&mut self, log: &[u8], step: Option<u32>, effects: &mut Vec<super::Effect>) {
        if log.len() > LOG_MAX {
            let bytes = log.len();
            return self.error(say::link_too_long(bytes, LOG_MAX));
        }
        if let Err(reason) = self.load(log, effects) {
            return self.error(say::link_broken(reason));
        }
        self.library.cleared = self.pending.len();
        self.library.stored_all = self.pending.len();
        let record = Record {
            heading: log::parse(log).header.to_string(),
            steps: self.pending.len() as u32,
            step: step.unwrap_or(u32::MAX),
            ..Record::default()
        };
        self.library.restoring = Some(Restoring {
            record,
            lines: self.pending.len(),
        });
    }

    /// Takes a file or a text: a log, or a bundle of them.
    fn import(&mut self, bytes: &[u8], effects: &mut Vec<super::Effect>) {
        self.library.problem = None;
        // As a log it would be a session without lines, in place of the one that is open.
        if bytes.is_empty() {
            self.library.problem = Some(say::file_empty().to_string());
            return;
        }
        match bundle_parts(bytes) {
            None => effects.extend(self.apply(super::Action::LoadLog(bytes.to_vec()))),
            Some(None) => {
                let problem = say::file_cut().to_string();
                self.library.problem = Some(problem);
            }
            Some(Some(parts)) => {
                let records = parts.into_iter().map(|(name, log)| record_of(name, log));
                match records.collect::<Result<Vec<_>, String>>() {
                    Ok(records) => effects.push(super::Effect::Library(Effect::Store(records))),
                    Err(reason) => self.library.problem = Some(reason),
                }
            }
        }
    }
}

impl Shared {
    /// The fragment, with the step or without.
    pub fn with_step(&self, with_step: bool) -> String {
        if with_step {
            address::with_step(&self.fragment, self.step)
        } else {
            self.fragment.clone()
        }
    }
}

/// The first line of a file with several logs. Each log follows a line `#session BYTES NAME`.
const BUNDLE: &[u8] = b"#glass-sessions 1\n";

/// Writes several sessions as one file.
pub fn bundle(sessions: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = BUNDLE.to_vec();
    for (name, log) in sessions {
        let name = name.replace(['\n', '\r'], " ");
        bytes.extend(format!("#session {} {name}\n", log.len()).into_bytes());
        bytes.extend(log);
    }
    bytes
}

/// A session's name and its log.
type Part<'a> = (String, &'a [u8]);

/// The sessions of a bundle, if it is whole; `None` if it is no bundle at all.
fn bundle_parts(bytes: &[u8]) -> Option<Option<Vec<Part<'_>>>> {
    bytes.strip_prefix(BUNDLE).map(whole_parts)
}

fn whole_parts(mut rest: &[u8]) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let head = std::str::from_utf8(&rest[..end]).ok()?;
        let (length, name) = head.strip_prefix("#session ")?.split_once(' ')?;
        let (log, after) = rest[end + 1..].split_at_checked(length.parse().ok()?)?;
        parts.push((name.to_string(), log));
        rest = after;
    }
    Some(parts)
}

/// A log as a session to be stored.
fn record_of(name: String, log: &[u8]) -> Result<(Record, Vec<Vec<u8>>), String> {
    let log = log::parse(log);
    let heading = Heading::parse(log.header)?.to_string();
    let lines: Vec<Vec<u8>> = log.lines.into_iter().map(<[u8]>::to_vec).collect();
    let steps = lines.len() as u32;
    let host = Place::Browser.id().to_string();
    Ok((
        Record {
            name,
            heading,
            steps,
            step: steps,
            host,
            ..Record::default()
        },
        lines,
    ))
}

/// The name of a session as a file's.
pub fn file_name(name: &str) -> String {
    let plain = |byte: u8| match byte {
        b'.' | b'_' | b'-' => byte as char,
        _ if byte.is_ascii_alphanumeric() => byte as char,
        _ => '-',
    };
    let name: String = name.bytes().take(60).map(plain).collect();
    match name.trim_matches(['-', '.']) {
        "" => "session.log".to_string(),
        name => [name, ".log"].concat(),
    }
}
