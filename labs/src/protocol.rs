//! The messages between a kernel and whoever watches it.
//!
//! One protocol serves three carriers: the browser's Web Worker, a WebSocket to a native session,
//! and a WebSocket that the server bridges to a QEMU guest's second serial port. Messages are
//! `postcard`. Where the carrier keeps message borders (worker, WebSocket) one message is one
//! `Request` or `Response`; on a byte stream (the serial port) each is preceded by its length as
//! four little-endian bytes, see [`frame`] and [`Deframer`]. Every request has exactly one
//! response, in order.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

pub use kernel_core::shell::WORD_ENDS;
use serde::{Deserialize, Serialize};

use crate::lab::{Check, Verdict};
use crate::view::oom::{OomTollView, OomView, OomWhatIfView, PoliciesView};
use crate::view::task::{TaskOrder, TaskView, TasksView};
use crate::view::{
    CacheSlabsView, CallbacksView, ChangesView, ContainersView, DefragView, EventsView, MemoryView,
    ObjectView, RadixNodeView, RadixView, SchedView, SlabView, StateView, TimelineView,
};

/// The protocol's version, raised when a message changes its meaning or layout.
pub const PROTOCOL_VERSION: u32 = 5;

/// The largest message that a carrier accepts, in bytes. A longer one ends the connection.
pub const MESSAGE_MAX: usize = 16 << 20;

/// What a client asks of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Starts afresh: boots the machine that `header` describes (empty: the default machine).
    /// Answered by [`Response::Opened`].
    Open {
        /// The log's first line, e.g. `mem=64M nodes=2 cpus=2`. It may name a lab, which the session's
        /// own log will name too, and be sealed, which is of no importance: the lines are to come.
        header: String,
    },
    /// Runs `lines` after the step that the session shows. Lines of the log that came after it are
    /// dropped: a past that is edited has no future. Answered by [`Response::Ran`], which may
    /// cover fewer lines than asked when the step budget is spent; send the rest again.
    Run {
        /// Console lines without their newline. They may hold any bytes.
        lines: Vec<Vec<u8>>,
    },
    /// Shows the kernel as it was after `step` lines (clamped to the log's length). The log stays.
    /// Answered by [`Response::State`].
    Seek {
        /// How many lines of the log have run; 0 is the machine just booted.
        step: u32,
    },
    /// Asks where the session stands. Answered by [`Response::State`].
    State,
    /// Asks for one view of the kernel. Answered by [`Response::View`].
    View(ViewRequest),
    /// The session's log as text: a heading, then one line a step. The heading says the lab that the
    /// session was opened for, and is sealed with what the log comes to at its end, whatever step is
    /// shown. Answered by [`Response::Log`].
    Log,
    /// What `radix show` and completion need: names that may follow `line` at its end.
    /// Answered by [`Response::Completions`].
    Complete {
        /// The line as typed so far.
        line: String,
    },
    /// Boots, runs the whole log, and reports only the outcome. It replaces the session.
    /// Answered by [`Response::Replayed`].
    Replay {
        /// A log as text or any other bytes; see [`crate::log`].
        log: Vec<u8>,
        /// Report the state after each line as well, to find where two hosts part.
        each_line: bool,
    },
    /// Runs a line on the kernel as it is shown, reports what it did, and takes it back to the last
    /// byte: kernel and log stay as they are. The report is the one that [`Request::Run`] would give.
    /// A line such as `on slab=slob: pwd` runs on a machine that differs in the words before the colon,
    /// after the log so far has run there.
    /// Refused while the machine is off. Answered by [`Response::Probed`].
    Probe {
        /// A console line without its newline.
        line: Vec<u8>,
    },
    /// Asks whether checks hold at the log's end, whatever step is shown; kernel and log stay as
    /// they are. The verdicts are the same on every host. Answered by [`Response::Checked`].
    Check {
        /// The checks.
        checks: Vec<Check>,
        /// How many lines the log begins with that are not the student's.
        scenario: u32,
    },
    /// Searches backwards for a step; kernel and log stay as they are. It takes a while, so it may
    /// answer before it is done; see [`Response::Searched`].
    Search {
        /// What to look for.
        goal: Goal,
        /// The latest step that counts.
        before: u32,
    },
    /// The trace of some steps as a file, from a replay of the log; kernel and log stay as they are.
    /// A file may be large, and one line may emit a million events, so it comes in pieces of about a
    /// mebibyte, cut between any two events: ask again, with the same steps and `resume`, until
    /// there is no next one, and put the pieces together. Answered by [`Response::Traced`].
    Trace {
        /// Which kind of file.
        format: TraceFormat,
        /// The first step whose events are wanted; 0 is the boot.
        from: u32,
        /// The last one, clamped to the log's length.
        to: u32,
        /// `None` for the first piece, then what the piece before named as `next`.
        resume: Option<u64>,
    },
    /// Ends the machine. The QEMU guest powers off; elsewhere the session is closed.
    /// Answered by [`Response::Closed`].
    Close,
}

impl Request {
    /// What is asked, as a verb.
    pub fn name(&self) -> &'static str {
        match self {
            Request::Open { .. } => "open",
            Request::Run { .. } => "run",
            Request::Seek { .. } => "seek",
            Request::State => "state",
            Request::View(_) => "view",
            Request::Log => "log",
            Request::Complete { .. } => "complete",
            Request::Replay { .. } => "replay",
            Request::Probe { .. } => "probe",
            Request::Check { .. } => "check",
            Request::Search { .. } => "search",
            Request::Trace { .. } => "trace",
            Request::Close => "close",
        }
    }
}

/// What a search looks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goal {
    /// The last step that changed any byte of an object: 0 if the boot wrote it and no line did,
    /// none if it never was anything but zeroes.
    Changed {
        /// The object's handle, in units of 8 bytes.
        object: u32,
        /// Its length in bytes.
        bytes: u32,
    },
    /// The last step after which a console line succeeds that did not succeed before it: 0 if it
    /// does ever since the boot, none if it never does. It need not succeed any more at the step
    /// from which one searches. The line is run without leaving a trace.
    Became {
        /// The line.
        line: Vec<u8>,
        /// What its output must contain besides; empty: its status alone counts.
        prints: Vec<u8>,
    },
}

/// A kind of trace file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TraceFormat {
    /// Perfetto's native protobuf.
    Perfetto,
    /// The JSON that chrome://tracing and Perfetto read.
    Chrome,
    /// ftrace's text, as `trace-cmd` and KernelShark know it.
    Ftrace,
}

/// What a view request may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ViewRequest {
    /// One radix tree as nodes; `name` empty means the tree last used.
    Radix {
        /// The tree's name.
        name: String,
    },
    /// All slots of one radix-tree node.
    RadixNode {
        /// The node's address as [`RadixView`] gave it.
        node: u32,
    },
    /// Zones, free areas and the state of every frame.
    Memory,
    /// The slab caches.
    Slab,
    /// The object that holds an address: its type, fields and bytes.
    Object {
        /// The address, in units of 8 bytes.
        at: u32,
    },
    /// What differs between two steps of the log, whatever step is shown. Given in the wrong order,
    /// they are put in order.
    Changes {
        /// The earlier step.
        from: u32,
        /// The later one.
        to: u32,
    },
    /// Trace events numbered from `since`, at most `max`, the newest if there are more.
    Events {
        /// The first event number wanted.
        since: u64,
        /// How many events at most.
        max: u32,
    },
    /// One slab cache from within: its slabs from number `from` on in the order of their addresses,
    /// at most `max` and never more than 1024. Nothing exists by a name that no cache has.
    Cache {
        /// The cache's name, or one that was merged into it.
        name: String,
        /// Slabs to pass over.
        from: u32,
        /// How many slabs to show at most; 0 is a way to ask for the rest of the view.
        max: u32,
    },
    /// What defragmentation did during a step of the log, whatever step is shown: to one cache, with
    /// the cache before and after. Nothing exists if it was not tried in that step.
    Defrag {
        /// The step.
        step: u32,
        /// The cache's name; empty: the first that was defragmented.
        cache: String,
    },
    /// The hierarchies of containers, at most `max` containers of each and never more than 1024: those of
    /// one hierarchy from number `from` on, the others' from the first.
    Containers {
        /// The number of that hierarchy.
        hierarchy: u32,
        /// Containers of it to pass over.
        from: u32,
        /// How many containers of each hierarchy to show at most.
        max: u32,
    },
    /// What subsystems of containers were asked and told during a step of the log, whatever step is shown.
    /// Nothing exists if no callback was called in it.
    Callbacks {
        /// The step.
        step: u32,
    },
    /// The tasks, in an order, from row `from` on: at most `max` and never more than 1024.
    Tasks {
        /// The order.
        order: TaskOrder,
        /// The other way round; it makes no difference to the tree.
        is_descending: bool,
        /// Rows to pass over.
        from: u32,
        /// How many rows to show at most; 0 is a way to ask for the numbers alone.
        max: u32,
    },
    /// One task and what it owns. Of its pages only the first 2048 from an address on are shown.
    /// Nothing exists by a number that no task has.
    Task {
        /// Its number.
        pid: u32,
        /// The address from which on pages are shown.
        from: u32,
    },
    /// The scheduler's run queues: who runs on each CPU, and who waits in its trees.
    Sched,
    /// Who ran when during a step of the log, whatever step is shown; during the latest step before
    /// it if no time passed in it. Nothing exists if time never passed.
    Timeline {
        /// The step.
        step: u32,
        /// Where the window begins, in nanoseconds since boot; it is cut to the step.
        from_ns: u64,
        /// Where it ends.
        to_ns: u64,
    },
    /// A decision of the OOM killer during a step of the log, whatever step is shown; during the latest
    /// step before it in which memory ran out if it did not in this one. Nothing exists if it never did.
    Oom {
        /// The step; `None` asks what would happen if memory ran out now.
        step: Option<u32>,
        /// Which decision of the step, counted from 0; the last one if there are fewer.
        decision: u32,
        /// Candidates to pass over, by rank, and tasks that were passed over likewise.
        from: u32,
        /// How many of each to show at most, and never more than 1024.
        max: u32,
    },
    /// What running out of memory has cost up to a step of the log, whatever step is shown.
    OomToll {
        /// The step.
        step: u32,
    },
    /// What the log would have come to up to a step under each of these policies of the OOM killer, whatever
    /// step is shown; kernel and log stay as they are.
    OomPolicies {
        /// The policies' names, one to eight.
        policies: Vec<String>,
        /// The last step of the log that counts.
        step: u32,
        /// Console lines that are to run behind it.
        more: Vec<Vec<u8>>,
    },
    /// What the OOM killer would have decided if one more line had run; kernel and log stay as they are.
    OomWhatIf(WhatIf),
}

/// A change of the past, and the decision that is to become another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIf {
    /// The line runs before the line of this step, which is one of the log's.
    pub before: u32,
    /// A console line without its newline. It has to succeed there.
    pub line: Vec<u8>,
    /// The decision to tell on both sides if all are the same: its step,
    pub step: u32,
    /// and which one of that step.
    pub decision: u32,
}

/// What a session answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Response<V = View> {
    /// A machine was booted.
    Opened {
        /// [`PROTOCOL_VERSION`] of the host.
        version: u32,
        /// Which host runs the kernel.
        host: Host,
        /// The header in its full, canonical form.
        header: String,
        /// Where the session stands.
        state: StateView,
    },
    /// Lines were run.
    Ran {
        /// What each line did, for as many lines as the budget allowed; at least one.
        lines: Vec<LineReport>,
        /// Where the session stands now.
        state: StateView,
    },
    /// Where the session stands.
    State(StateView),
    /// A view, or `None` when what it should show does not exist (no such tree, node, ...).
    View(Option<V>),
    /// The session's log.
    Log(Vec<u8>),
    /// Words that may stand in place of the last word of the line.
    Completions(Vec<String>),
    /// The outcome of a whole log.
    Replayed(Outcome),
    /// What a line did that was taken back.
    Probed(LineReport),
    /// What each check found, in the order of the request.
    Checked(Vec<Verdict>),
    /// Where a search stands.
    Searched {
        /// The step that was looked for.
        found: Option<u32>,
        /// The search has covered the steps after this one; 0: all of them. If nothing was found and
        /// this is not 0, its budget is spent: ask again with `before` set to it.
        reached: u32,
    },
    /// A piece of a trace file.
    Traced {
        /// The piece.
        bytes: Vec<u8>,
        /// What to resume from for the next piece; `None` at the file's end. Greater than what this
        /// piece was resumed from: the number of the next piece's first event.
        next: Option<u64>,
    },
    /// The machine is off.
    Closed,
    /// The request was refused; nothing changed.
    Error {
        /// Why, as a sentence for a person.
        message: String,
    },
}

/// Where the word begins that [`Request::Complete`] completes: a candidate replaces the line from there.
pub fn word_to_complete(line: &str) -> usize {
    line.rfind(WORD_ENDS).map_or(0, |at| at + 1)
}

/// Whether a candidate is a beginning that goes on, such as a directory's path: no blank follows it.
pub fn goes_on(candidate: &str) -> bool {
    candidate.ends_with(['/', '=', ':'])
}

/// Where a kernel runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Host {
    /// In an ordinary process.
    Native,
    /// In WebAssembly.
    Wasm,
    /// On an x86_64 machine under QEMU.
    Qemu,
}

impl Host {
    /// The host's name as the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Host::Native => "native",
            Host::Wasm => "wasm",
            Host::Qemu => "qemu",
        }
    }
}

/// What one console line did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineReport {
    /// The console's text, exactly.
    pub text: Vec<u8>,
    /// The line's exit status, `$?`.
    pub status: u8,
    /// How many events the kernel has emitted since it booted.
    pub events: u64,
    /// The hash chain over these events.
    pub chain: u64,
}

/// What a whole log did. Two hosts agree when their outcomes are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The console's text from power-on, exactly.
    pub text: Vec<u8>,
    /// The last line's exit status; 0 for an empty log.
    pub status: u8,
    /// How many events the kernel emitted.
    pub events: u64,
    /// The hash chain over these events.
    pub chain: u64,
    /// A hash of every byte of the kernel's memory.
    pub frames: u64,
    /// What `Kernel::check` found broken, if anything.
    pub broken: Option<String>,
    /// The state after each line, if it was asked for.
    pub lines: Vec<LineReport>,
}

/// One view of the kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum View {
    /// Answers [`ViewRequest::Radix`].
    Radix(RadixView),
    /// Answers [`ViewRequest::RadixNode`].
    RadixNode(RadixNodeView),
    /// Answers [`ViewRequest::Memory`].
    Memory(MemoryView),
    /// Answers [`ViewRequest::Slab`].
    Slab(SlabView),
    /// Answers [`ViewRequest::Events`].
    Events(EventsView),
    /// Answers [`ViewRequest::Object`].
    Object(ObjectView),
    /// Answers [`ViewRequest::Changes`].
    Changes(ChangesView),
    /// Answers [`ViewRequest::Cache`].
    Cache(Box<CacheSlabsView>),
    /// Answers [`ViewRequest::Defrag`].
    Defrag(Box<DefragView>),
    /// Answers [`ViewRequest::Containers`].
    Containers(ContainersView),
    /// Answers [`ViewRequest::Callbacks`].
    Callbacks(CallbacksView),
    /// Answers [`ViewRequest::Tasks`].
    Tasks(Box<TasksView>),
    /// Answers [`ViewRequest::Task`].
    Task(Box<TaskView>),
    /// Answers [`ViewRequest::Sched`].
    Sched(Box<SchedView>),
    /// Answers [`ViewRequest::Timeline`].
    Timeline(Box<TimelineView>),
    /// Answers [`ViewRequest::Oom`].
    Oom(Box<OomView>),
    /// Answers [`ViewRequest::OomToll`].
    OomToll(OomTollView),
    /// Answers [`ViewRequest::OomPolicies`].
    OomPolicies(PoliciesView),
    /// Answers [`ViewRequest::OomWhatIf`].
    OomWhatIf(Box<OomWhatIfView>),
}

/// Those views of [`View`] that a page may want at its first sight, with the numbers that they have there.
///
/// Code that reads a view is as large as the view has fields. A page that has not come across the others
/// yet need not have it; see [`decode_first`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FirstView {
    /// The tree in sight.
    Radix(RadixView),
    /// A node's slots.
    RadixNode(RadixNodeView),
    /// Zones and frames.
    Memory(MemoryView),
    /// The caches.
    Slab(SlabView),
    /// What the kernel told.
    Events(EventsView),
}

/// How many those are.
const FIRST_VIEWS: u8 = 5;

impl From<FirstView> for View {
    fn from(view: FirstView) -> View {
        match view {
            FirstView::Radix(view) => View::Radix(view),
            FirstView::RadixNode(view) => View::RadixNode(view),
            FirstView::Memory(view) => View::Memory(view),
            FirstView::Slab(view) => View::Slab(view),
            FirstView::Events(view) => View::Events(view),
        }
    }
}

impl From<Response<FirstView>> for Response {
    fn from(response: Response<FirstView>) -> Response {
        match response {
            Response::Opened {
                version,
                host,
                header,
                state,
            } => Response::Opened {
                version,
                host,
                header,
                state,
            },
            Response::Ran { lines, state } => Response::Ran { lines, state },
            Response::State(state) => Response::State(state),
            Response::View(view) => Response::View(view.map(View::from)),
            Response::Log(log) => Response::Log(log),
            Response::Completions(words) => Response::Completions(words),
            Response::Replayed(outcome) => Response::Replayed(outcome),
            Response::Probed(report) => Response::Probed(report),
            Response::Checked(verdicts) => Response::Checked(verdicts),
            Response::Searched { found, reached } => Response::Searched { found, reached },
            Response::Traced { bytes, next } => Response::Traced { bytes, next },
            Response::Closed => Response::Closed,
            Response::Error { message } => Response::Error { message },
        }
    }
}

/// Encodes a message.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    // Our messages hold no maps or unsized sequences, so encoding into a growing buffer succeeds.
    postcard::to_allocvec(message).expect("a protocol message always encodes")
}

/// Decodes a message; the error is a sentence for a person.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    postcard::from_bytes(bytes).map_err(|error| alloc::format!("malformed message: {error}"))
}

/// Decodes a response, unless it is a view that is none of [`FirstView`]: those take [`decode`].
///
/// # Errors
/// As [`decode`].
pub fn decode_first(bytes: &[u8]) -> Option<Result<Response, String>> {
    // Which variants these are is a byte each: the response, the option, the view.
    const VIEW: u8 = 3;
    const SOME: u8 = 1;
    match bytes {
        [VIEW, SOME, view, ..] if *view >= FIRST_VIEWS => None,
        _ => Some(decode::<Response<FirstView>>(bytes).map(Response::from)),
    }
}

/// Puts a message's length in front of it, for carriers without message borders.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(4 + message.len());
    framed.extend_from_slice(&(message.len() as u32).to_le_bytes());
    framed.extend_from_slice(message);
    framed
}

/// Cuts a byte stream into the messages that [`frame`] put on it.
#[derive(Debug, Default)]
pub struct Deframer {
    buffer: Vec<u8>,
}

impl Deframer {
    /// Takes bytes off the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, if it has arrived.
    ///
    /// # Errors
    /// A length over [`MESSAGE_MAX`]: the two ends have lost step and the stream is of no use.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator could not say that the stream is lost"
    )]
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        let Some((head, rest)) = self.buffer.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*head) as usize;
        if length > MESSAGE_MAX {
            return Err(alloc::format!(
                "a message of {length} bytes; the limit is {MESSAGE_MAX}"
            ));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let message = rest[..length].to_vec();
        self.buffer.drain(..4 + length);
        Ok(Some(message))
    }
}
