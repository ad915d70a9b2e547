//! A session: a kernel, its log and its checkpoints.
//!
//! This file answers requests; what they ask for is in the files beside it:
//!
//! | file | idea |
//! |---|---|
//! | `live.rs` | a machine that was booted: running its log, and going to any step of it |
//! | `probe.rs` | running a line and taking it back |
//! | `walk.rs` | looking at the kernel after each step, backwards |
//! | `changes.rs` | what differs between two steps |
//! | `callbacks.rs` | what subsystems of containers were asked and told during a step |
//! | `defrag.rs` | what defragmentation did during a step |
//! | `oom.rs` | whom the OOM killer chose during a step, and why; what it would have done otherwise |
//! | `timeline.rs` | who ran when during a step |
//! | `search.rs` | who last wrote an object; when did something become true |
//! | `trace.rs` | the trace as a file |
//! | `checks.rs` | whether checks hold, and since when they do not |

mod callbacks;
mod changes;
mod checks;
mod defrag;
mod elsewhere;
mod live;
mod oom;
mod probe;
mod search;
#[cfg(all(test, feature = "host-ram"))]
mod tests;
mod timeline;
mod trace;
mod walk;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::machine::MachineConfig;
use kernel_core::mem::{Mem, Ram};
use kernel_core::trace::{Event, TRACE};

use crate::log::Heading;
use crate::protocol::{
    Host, MESSAGE_MAX, Outcome, PROTOCOL_VERSION, Request, Response, decode, encode,
};
use crate::{log, observe};
use live::{Answer, Live, asks, check_lines};
use search::Found;

/// Bytes that a session's log may hold: what a message can carry.
pub const LOG_MAX: usize = MESSAGE_MAX - (64 << 10);

/// Lines that a session's log may hold. Each costs some hundred bytes besides its own.
pub const LINES_MAX: usize = 1 << 18;

/// Bytes of text after which [`Request::Run`] answers with what it has. The line that exceeds it
/// prints 8 MiB more at most, so that the answer fits into a message.
const RUN_TEXT: usize = 2 << 20;

/// Bytes of text after which [`Request::Replay`] is refused.
const REPLAY_TEXT: usize = 6 << 20;

/// What a [`crate::protocol::LineReport`] takes in a message, besides its text, at most.
const REPORT_BYTES: usize = 32;

/// Kernel steps that a search takes at a time unless told otherwise.
const SEARCH_STEPS: u64 = 1_000_000;

/// Bytes of checkpoints that a session keeps unless told otherwise.
const CHECKPOINT_BYTES: usize = 64 << 20;

/// Where a session's frames come from. `Send`, so that a session may move to a thread of its own.
pub trait Memory: Send {
    /// Whether a machine of `frames` frames can be had at all; asked before the present one is
    /// given up.
    ///
    /// # Errors
    /// A sentence for a person.
    fn admits(&self, frames: u32) -> Result<(), String> {
        let _ = frames;
        Ok(())
    }

    /// Memory of `frames` zeroed frames. `old` is what the session used before; it may be reused
    /// after [`Ram::power_cycle`].
    ///
    /// # Errors
    /// A sentence for a person, when there is not that much. `old` is lost then.
    fn take(&mut self, frames: u32, old: Option<Ram>) -> Result<Ram, String>;
}

/// Frames from the host's heap.
#[cfg(feature = "host-ram")]
#[derive(Debug, Default, Clone, Copy)]
pub struct HostMemory;

#[cfg(feature = "host-ram")]
impl Memory for HostMemory {
    fn take(&mut self, frames: u32, old: Option<Ram>) -> Result<Ram, String> {
        if let Some(mut ram) = old
            && ram.refit(frames)
        {
            return Ok(ram);
        }
        Ram::new(frames).ok_or_else(|| {
            let mib = frames.div_ceil(256);
            format!("the host has not {mib} MiB for the machine's memory")
        })
    }
}

/// A kernel, its log and its checkpoints.
pub struct Session {
    host: Host,
    memory: Box<dyn Memory>,
    budget: u64,
    replay_limit: u64,
    search_budget: u64,
    checkpoint_frames: usize,
    live: Option<Live>,
    /// The memory of a machine that was closed, for the next one.
    spare: Option<Ram>,
}

impl Session {
    /// A session without a machine. [`Request::Open`] boots one; any other request that needs one
    /// boots the default machine first.
    pub fn new(host: Host, memory: Box<dyn Memory>) -> Session {
        let checkpoint_frames = CHECKPOINT_BYTES / kernel_core::mem::FRAME_SIZE;
        Session {
            host,
            memory,
            budget: u64::MAX,
            replay_limit: u64::MAX,
            search_budget: SEARCH_STEPS,
            checkpoint_frames,
            live: None,
            spare: None,
        }
    }

    /// How many kernel steps one [`Request::Run`] may take before it answers with what it has. The
    /// line that exceeds it still ends, within `kernel_core::LINE_STEPS`.
    pub fn set_budget(&mut self, steps: u64) {
        self.budget = steps;
    }

    /// How many kernel steps one [`Request::Replay`] may take before it is refused.
    pub fn set_replay_limit(&mut self, steps: u64) {
        self.replay_limit = steps;
    }

    /// How many kernel steps one [`Request::Search`] may take before it answers with how far it came.
    /// Each line that it runs counts as some more.
    pub fn set_search_budget(&mut self, steps: u64) {
        self.search_budget = steps;
    }

    /// How many bytes of checkpoints to keep; fewer make stepping back slower, never wrong.
    pub fn set_checkpoint_bytes(&mut self, bytes: usize) {
        self.checkpoint_frames = bytes / kernel_core::mem::FRAME_SIZE;
    }

    /// [`Session::handle`] on encoded messages; a malformed request is answered by
    /// [`Response::Error`].
    pub fn handle_bytes(&mut self, request: &[u8]) -> Vec<u8> {
        let response = match decode(request) {
            Ok(request) => self.handle(request),
            Err(message) => Response::Error { message },
        };
        encode(&response)
    }

    /// Does what the request says. A request that is refused changes nothing.
    pub fn handle(&mut self, request: Request) -> Response {
        self.handle_common(request)
            .unwrap_or_else(|request| self.handle_rest(request))
    }

    /// [`Session::handle`] for what every visit asks, and what a press of a key waits for.
    ///
    /// # Errors
    /// Gives back a request for [`Session::handle_rest`]. The two are apart so that a host may fetch
    /// the code behind the second when it is first needed, as the browser does.
    pub fn handle_common(&mut self, request: Request) -> Result<Response, Request> {
        let answer = match request {
            Request::Open { header } => self.opened(&header),
            Request::Run { lines } if !lines.iter().any(|line| asks(line)) => {
                self.ran(lines, |_, _, _, _| {})
            }
            Request::Seek { step } => self.live().map(|live| {
                live.seek(step);
                Response::State(live.state())
            }),
            Request::State => self.live().map(|live| Response::State(live.state())),
            Request::View(view) => match self.live() {
                Ok(live) => live
                    .view_common(view)
                    .map_err(Request::View)?
                    .map(Response::View),
                Err(message) => Err(message),
            },
            Request::Log => self.live().map(|live| Response::Log(live.log())),
            Request::Complete { line } => self
                .live()
                .map(|live| Response::Completions(observe::completions(&live.kernel, &line))),
            Request::Close => {
                self.spare = self.retire();
                Ok(Response::Closed)
            }
            rest => return Err(rest),
        };
        Ok(answer.unwrap_or_else(|message| Response::Error { message }))
    }

    /// [`Session::handle`] for whatever [`Session::handle_common`] gives back.
    pub fn handle_rest(&mut self, request: Request) -> Response {
        self.answer_rest(request)
            .unwrap_or_else(|message| Response::Error { message })
    }

    fn answer_rest(&mut self, request: Request) -> Result<Response, String> {
        match request {
            Request::View(view) => self.live()?.view_rest(view).map(Response::View),
            Request::Replay { log, each_line } => {
                self.replay(&log, each_line).map(Response::Replayed)
            }
            Request::Probe { line } => self.probe(&line).map(Response::Probed),
            Request::Check { checks, scenario } => {
                self.check(&checks, scenario).map(Response::Checked)
            }
            Request::Search { goal, before } => {
                let budget = self.search_budget;
                let Found { found, reached } = self.live()?.search(&goal, before, budget)?;
                Ok(Response::Searched { found, reached })
            }
            Request::Trace {
                format,
                from,
                to,
                resume,
            } => {
                let budget = self.budget;
                let (bytes, next) = self.live()?.trace(format, from, to, resume, budget)?;
                Ok(Response::Traced { bytes, next })
            }
            Request::Run { lines } => self.ran(lines, Live::answer),
            common @ (Request::Open { .. }
            | Request::Seek { .. }
            | Request::State
            | Request::Log
            | Request::Complete { .. }
            | Request::Close) => self
                .handle_common(common)
                .map_err(|request| format!("nobody answers `{}`", request.name())),
        }
    }

    fn opened(&mut self, header: &str) -> Result<Response, String> {
        self.open(Heading::parse(header)?)?;
        let host = self.host;
        let live = self.live()?;
        Ok(Response::Opened {
            version: PROTOCOL_VERSION,
            host,
            header: live.header(),
            state: live.state(),
        })
    }

    fn ran(&mut self, lines: Vec<Vec<u8>>, answer: Answer) -> Result<Response, String> {
        let budget = self.budget;
        let live = self.live()?;
        live.admit(&lines)?;
        let lines = live.run(lines, budget, RUN_TEXT, answer);
        Ok(Response::Ran {
            lines,
            state: live.state(),
        })
    }

    fn live(&mut self) -> Result<&mut Live, String> {
        if self.live.is_none() {
            self.open(Heading::of(MachineConfig::default()))?;
        }
        self.live.as_mut().ok_or_else(|| "no machine".to_string())
    }

    /// Boots a machine in place of the present one.
    fn open(&mut self, heading: Heading) -> Result<(), String> {
        let frames = heading.machine.ram_frames();
        self.memory.admits(frames)?;
        let old = self.retire();
        let ram = self.memory.take(frames, old)?;
        self.live = Some(Live::boot(heading, ram, self.checkpoint_frames)?);
        Ok(())
    }

    /// Ends the present machine, if there is one, and returns the memory that it leaves.
    fn retire(&mut self) -> Option<Ram> {
        let left = self.live.take().map(|live| live.kernel.mem.into_ram());
        left.or(self.spare.take())
    }

    fn replay(&mut self, bytes: &[u8], each_line: bool) -> Result<Outcome, String> {
        // Before memory is spent on each of them.
        check_lines(bytes.iter().filter(|&&byte| byte == b'\n').count())?;
        let log = log::parse(bytes);
        self.open(Heading::parse(log.header)?)?;
        let limit = self.replay_limit;
        let live = self.live()?;
        let lines: Vec<Vec<u8>> = log.lines.iter().map(|line| line.to_vec()).collect();
        live.admit(&lines)?;
        let count = lines.len();
        let reports = live.run(lines, limit, REPLAY_TEXT, Live::answer);
        let text: usize = reports.iter().map(|report| report.text.len()).sum();
        let details = if each_line {
            text + reports.len() * REPORT_BYTES
        } else {
            0
        };
        if text >= REPLAY_TEXT || text + details > MESSAGE_MAX - REPORT_BYTES {
            return Err(format!(
                "the log prints more than an answer holds, {text} bytes so far"
            ));
        }
        if reports.len() < count && !live.kernel.is_off() {
            return Err(format!("the log takes more than {limit} kernel steps"));
        }
        Ok(Outcome {
            text: reports
                .iter()
                .flat_map(|report| &report.text)
                .copied()
                .collect(),
            status: reports.last().map_or(0, |report| report.status),
            events: live.kernel.events(),
            chain: live.kernel.chain(),
            frames: live.kernel.frames_hash(),
            broken: live.kernel.check().err().map(str::to_string),
            lines: if each_line { reports } else { Vec::new() },
        })
    }
}

/// For a tap: the events since number `next` that the ring still has. `next` becomes that of the
/// event to come.
fn news<'a>(mem: &'a Mem, next: &mut u64) -> impl Iterator<Item = Event> + use<'a> {
    let from = core::mem::replace(next, mem[TRACE].events);
    (from..*next).filter_map(|number| mem.event(number))
}
