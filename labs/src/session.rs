//! A session: a kernel, its log and its checkpoints.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::Kernel;
use kernel_core::machine::{Machine, MachineConfig};
use kernel_core::mem::{MEM, Ram};

use crate::checkpoint::Checkpoints;
use crate::log::Heading;
use crate::protocol::{
    Host, LineReport, MESSAGE_MAX, Outcome, PROTOCOL_VERSION, Request, Response, View, ViewRequest,
    decode, encode,
};
use crate::view::StateView;
use crate::{log, observe};

/// Bytes that a session's log may hold: what a message can carry.
pub const LOG_MAX: usize = MESSAGE_MAX - (64 << 10);

/// Lines that a session's log may hold. Each costs some hundred bytes besides its own.
pub const LINES_MAX: usize = 1 << 18;

/// Bytes of text after which [`Request::Run`] answers with what it has. The line that exceeds it
/// prints 8 MiB more at most, so that the answer fits into a message.
const RUN_TEXT: usize = 2 << 20;

/// Bytes of text after which [`Request::Replay`] is refused.
const REPLAY_TEXT: usize = 6 << 20;

/// What a [`LineReport`] takes in a message, besides its text, at most.
const REPORT_BYTES: usize = 32;

/// Bytes of a line that [`StateView`] repeats.
const LINE_SHOWN: usize = 512;

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
    checkpoint_frames: usize,
    live: Option<Live>,
    /// The memory of a machine that was closed, for the next one.
    spare: Option<Ram>,
}

/// A machine that was booted.
struct Live {
    config: MachineConfig,
    kernel: Kernel,
    lines: Vec<Line>,
    log_bytes: usize,
    checkpoints: Checkpoints,
}

/// A line of the log and what came of it.
struct Line {
    bytes: Vec<u8>,
    status: u8,
}

/// The console of a session: keeps the text of the line that runs.
#[derive(Default)]
struct Console(Vec<u8>);

impl Machine for Console {
    fn console_write(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }
}

/// The console of a replay to a known state: nobody reads it again.
struct Silence;

impl Machine for Silence {
    fn console_write(&mut self, _: &[u8]) {}
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
        self.answer(request)
            .unwrap_or_else(|message| Response::Error { message })
    }

    fn answer(&mut self, request: Request) -> Result<Response, String> {
        match request {
            Request::Open { header } => {
                self.open(Heading::parse(&header)?.machine)?;
                let live = self.live()?;
                let (header, state) = (live.config.to_string(), live.state());
                Ok(Response::Opened {
                    version: PROTOCOL_VERSION,
                    host: self.host,
                    header,
                    state,
                })
            }
            Request::Run { lines } => {
                let budget = self.budget;
                let live = self.live()?;
                live.admit(&lines)?;
                let reports = live.run(lines, budget, RUN_TEXT);
                Ok(Response::Ran {
                    lines: reports,
                    state: live.state(),
                })
            }
            Request::Seek { step } => {
                let live = self.live()?;
                live.seek(step);
                Ok(Response::State(live.state()))
            }
            Request::State => Ok(Response::State(self.live()?.state())),
            Request::View(view) => self.live()?.view(view).map(Response::View),
            Request::Log => {
                let live = self.live()?;
                let lines = live.lines.iter().map(|line| line.bytes.as_slice());
                Ok(Response::Log(log::write(&Heading::of(live.config), lines)))
            }
            Request::Complete { line } => Ok(Response::Completions(observe::completions(
                &self.live()?.kernel,
                &line,
            ))),
            Request::Replay { log, each_line } => {
                self.replay(&log, each_line).map(Response::Replayed)
            }
            Request::Probe { .. }
            | Request::Check { .. }
            | Request::Search { .. }
            | Request::Trace { .. } => Err("not built yet".to_string()),
            Request::Close => {
                self.spare = self.retire();
                Ok(Response::Closed)
            }
        }
    }

    fn live(&mut self) -> Result<&mut Live, String> {
        if self.live.is_none() {
            self.open(MachineConfig::default())?;
        }
        self.live.as_mut().ok_or_else(|| "no machine".to_string())
    }

    /// Boots a machine in place of the present one.
    fn open(&mut self, config: MachineConfig) -> Result<(), String> {
        self.memory.admits(config.frames)?;
        let old = self.retire();
        let ram = self.memory.take(config.frames, old)?;
        let mut kernel = Kernel::boot(ram, &config)
            .map_err(|error| format!("the machine '{config}' does not boot: {error:?}"))?;
        let checkpoints = Checkpoints::new(kernel.mem.ram_mut(), self.checkpoint_frames);
        self.live = Some(Live {
            config,
            kernel,
            lines: Vec::new(),
            log_bytes: 0,
            checkpoints,
        });
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
        let config = Heading::parse(log.header)?.machine;
        self.open(config)?;
        let limit = self.replay_limit;
        let live = self.live()?;
        let lines: Vec<Vec<u8>> = log.lines.iter().map(|line| line.to_vec()).collect();
        live.admit(&lines)?;
        let count = lines.len();
        let reports = live.run(lines, limit, REPLAY_TEXT);
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

/// Refuses a log of so many lines.
fn check_lines(count: usize) -> Result<(), String> {
    if count > LINES_MAX {
        return Err(format!("a log of {count} lines; it may hold {LINES_MAX}"));
    }
    Ok(())
}

/// What lines take in a log, their newlines included.
fn bytes_of<'a>(lines: impl IntoIterator<Item = &'a Vec<u8>>) -> usize {
    lines.into_iter().map(|line| line.len() + 1).sum()
}

/// As much of a line as a status line shows; the whole is in the log.
fn shortened(line: &[u8]) -> &[u8] {
    &line[..line.len().min(LINE_SHOWN)]
}

impl Live {
    /// The step that the kernel stands at.
    fn step(&self) -> u32 {
        self.kernel.step()
    }

    /// Whether the log can take these lines.
    fn admit(&self, lines: &[Vec<u8>]) -> Result<(), String> {
        if lines.iter().any(|line| line.contains(&b'\n')) {
            return Err("a console line holds no newline; send the lines one by one".to_string());
        }
        // What comes after the present step will be dropped, and counts no more.
        let kept = &self.lines[..self.step() as usize];
        check_lines(kept.len() + lines.len())?;
        let dropped: usize = bytes_of(self.lines[kept.len()..].iter().map(|line| &line.bytes));
        if self.log_bytes - dropped + bytes_of(lines) > LOG_MAX {
            return Err(format!("the log is full: it may hold {LOG_MAX} bytes"));
        }
        if self.kernel.is_off() && !lines.is_empty() {
            return Err("the machine is off: step back, or open it again".to_string());
        }
        Ok(())
    }

    /// Runs `lines` here until the budget is spent or `text_max` bytes are printed; at least one.
    fn run(&mut self, lines: Vec<Vec<u8>>, budget: u64, text_max: usize) -> Vec<LineReport> {
        if !lines.is_empty() && self.step() < self.lines.len() as u32 {
            let step = self.step();
            self.checkpoints.truncate(step);
            self.lines.truncate(step as usize);
            self.log_bytes = bytes_of(self.lines.iter().map(|line| &line.bytes));
        }
        let steps_before = self.kernel.mem[MEM].steps;
        let mut reports = Vec::new();
        let mut text = 0;
        for mut bytes in lines {
            // As the written log will be read.
            bytes.truncate(log::without_returns(&bytes).len());
            let mut console = Console::default();
            let status = self.kernel.run_line(&mut console, &bytes);
            self.log_bytes += bytes.len() + 1;
            self.lines.push(Line { bytes, status });
            let step = self.step();
            self.checkpoints.passed(self.kernel.mem.ram_mut(), step);
            text += console.0.len();
            reports.push(LineReport {
                text: console.0,
                status,
                events: self.kernel.events(),
                chain: self.kernel.chain(),
            });
            let spent = self.kernel.mem[MEM].steps - steps_before;
            if spent >= budget || text >= text_max || self.kernel.is_off() {
                break;
            }
        }
        reports
    }

    /// Makes the kernel what it was after `step` lines.
    fn seek(&mut self, step: u32) {
        let step = step.min(self.lines.len() as u32);
        let here = self.step();
        if step < here || self.checkpoints.before(step) > here {
            self.checkpoints.restore(self.kernel.mem.ram_mut(), step);
        }
        while self.step() < step {
            let line = &self.lines[self.step() as usize];
            self.kernel.run_line(&mut Silence, &line.bytes);
            let step = self.step();
            self.checkpoints.passed(self.kernel.mem.ram_mut(), step);
        }
    }

    fn state(&self) -> StateView {
        let step = self.step();
        let last = step
            .checked_sub(1)
            .and_then(|last| self.lines.get(last as usize));
        StateView {
            step,
            steps: self.lines.len() as u32,
            line: last
                .map(|line| String::from_utf8_lossy(shortened(&line.bytes)).into_owned())
                .unwrap_or_default(),
            status: last.map_or(0, |line| line.status),
            ..observe::state(&self.kernel)
        }
    }

    fn view(&self, view: ViewRequest) -> Result<Option<View>, String> {
        let kernel = &self.kernel;
        Ok(match view {
            ViewRequest::Radix { name } => observe::radix(kernel, &name)?.map(View::Radix),
            ViewRequest::RadixNode { node } => {
                observe::radix_node(kernel, node).map(View::RadixNode)
            }
            ViewRequest::Memory => Some(View::Memory(observe::memory(kernel))),
            ViewRequest::Slab => Some(View::Slab(observe::slab(kernel))),
            ViewRequest::Object { .. } | ViewRequest::Changes { .. } => {
                return Err("not built yet".to_string());
            }
            ViewRequest::Events { since, max } => {
                Some(View::Events(observe::events(kernel, since, max)))
            }
        })
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use alloc::vec;

    use super::*;

    fn session() -> Session {
        Session::new(Host::Native, Box::new(HostMemory))
    }

    fn open(session: &mut Session, header: &str) -> StateView {
        match session.handle(Request::Open {
            header: header.to_string(),
        }) {
            Response::Opened { state, .. } => state,
            other => panic!("{other:?}"),
        }
    }

    /// Runs lines and returns their text.
    fn run(session: &mut Session, lines: &[&str]) -> String {
        let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        match session.handle(Request::Run { lines }) {
            Response::Ran { lines, .. } => {
                String::from_utf8(lines.into_iter().flat_map(|line| line.text).collect()).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    fn seek(session: &mut Session, step: u32) -> StateView {
        match session.handle(Request::Seek { step }) {
            Response::State(state) => state,
            other => panic!("{other:?}"),
        }
    }

    fn error(session: &mut Session, request: Request) -> String {
        match session.handle(request) {
            Response::Error { message } => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn stepping_back_and_forth_shows_the_same_kernel() {
        let mut session = session();
        open(&mut session, "mem=2M");
        run(&mut session, &["radix create t"]);
        let lines: Vec<String> = (0..200)
            .map(|key| format!("radix insert t {} {}", key * key, key + 1))
            .collect();
        let mut states = vec![seek(&mut session, 0), seek(&mut session, 1)];
        for line in &lines {
            run(&mut session, &[line]);
            let StateView { step, .. } = states[states.len() - 1];
            states.push(StateView {
                steps: 201,
                ..seek(&mut session, step + 1)
            });
        }
        for step in [201, 0, 100, 99, 17, 16, 200, 3, 201] {
            let seen = seek(&mut session, step);
            let StateView {
                step,
                line,
                events,
                chain,
                ..
            } = &states[step as usize];
            assert_eq!(
                (&seen.step, &seen.line, &seen.events, &seen.chain),
                (step, line, events, chain)
            );
        }
        assert_eq!(
            seek(&mut session, 9999).step,
            201,
            "a step past the end is the end"
        );
        seek(&mut session, 51);
        assert_eq!(
            run(&mut session, &["radix stat t"]),
            "height 2 nodes 35 items 50\n"
        );
    }

    #[test]
    fn a_line_run_in_the_past_replaces_the_future() {
        let mut session = session();
        run(&mut session, &["echo 1", "echo 2", "echo 3"]);
        seek(&mut session, 1);
        assert_eq!(run(&mut session, &["echo other"]), "other\n");
        let Response::Log(log) = session.handle(Request::Log) else {
            panic!()
        };
        assert_eq!(
            String::from_utf8(log).unwrap(),
            "glass=1 mem=64M nodes=1 cpus=1 hz=1000 slab=slub seed=1\necho 1\necho other\n"
        );
    }

    #[test]
    fn a_session_and_its_log_replayed_agree() {
        let mut session = session();
        open(&mut session, "mem=4M nodes=2 cpus=2 seed=7");
        run(
            &mut session,
            &[
                "radix create t",
                "radix fill t 0 1000 3",
                "",
                "echo $? > /f",
                "cat /f /nosuch",
            ],
        );
        let state = seek(&mut session, 5);
        let Response::Log(log) = session.handle(Request::Log) else {
            panic!()
        };
        let outcome =
            match Session::new(Host::Native, Box::new(HostMemory)).handle(Request::Replay {
                log,
                each_line: true,
            }) {
                Response::Replayed(outcome) => outcome,
                other => panic!("{other:?}"),
            };
        assert_eq!(
            (outcome.events, outcome.chain, outcome.status),
            (state.events, state.chain, 1)
        );
        assert_eq!(outcome.broken, None);
        assert_eq!(outcome.lines.len(), 5);
        assert!(outcome.text.starts_with(b"1000\n0\ncat: "));
    }

    #[test]
    fn the_seed_and_each_byte_change_the_outcome() {
        let outcome = |log: &str| match session().handle(Request::Replay {
            log: log.into(),
            each_line: false,
        }) {
            Response::Replayed(Outcome { chain, frames, .. }) => (chain, frames),
            other => panic!("{other:?}"),
        };
        let base = outcome("mem=1M\necho a > /f\n");
        assert_eq!(base, outcome("mem=1M\r\necho a > /f"));
        for other in ["mem=1M seed=2\necho a > /f\n", "mem=1M\necho b > /f\n"] {
            let (chain, frames) = outcome(other);
            assert!(chain != base.0 && frames != base.1, "{other}");
        }
    }

    #[test]
    fn refusals_change_nothing() {
        let mut session = session();
        run(&mut session, &["echo > /kept"]);
        let before = seek(&mut session, 1);
        for (request, expected) in [
            (
                Request::Open {
                    header: "mem=9T".into(),
                },
                "mem=9T",
            ),
            (
                Request::Run {
                    lines: vec![b"echo a\necho b".to_vec()],
                },
                "newline",
            ),
            (
                Request::Replay {
                    log: b"mem=1M cpus=99\n".to_vec(),
                    each_line: false,
                },
                "cpus=99",
            ),
        ] {
            let message = error(&mut session, request);
            assert!(message.contains(expected), "{message}");
            assert_eq!(seek(&mut session, 1), before);
        }
        let Response::Error { message } = decode(&session.handle_bytes(b"\xff\xff\xff")).unwrap()
        else {
            panic!()
        };
        assert!(message.starts_with("malformed message"), "{message}");
    }

    /// Found by reading: a full log refused the line that would have replaced most of it.
    #[test]
    fn lines_that_will_be_dropped_leave_room() {
        let mut session = session();
        let long = vec![b'#'; LOG_MAX / 2];
        let run = |session: &mut Session, lines: Vec<Vec<u8>>| {
            matches!(session.handle(Request::Run { lines }), Response::Ran { .. })
        };
        assert!(run(&mut session, vec![long.clone()]));
        assert!(!run(&mut session, vec![long.clone()]), "two are too long");
        seek(&mut session, 0);
        assert!(run(&mut session, vec![long.clone()]));
        assert!(run(&mut session, vec![b"echo".to_vec()]));
    }

    #[test]
    fn a_machine_that_is_off_runs_nothing_until_one_steps_back() {
        let mut session = session();
        run(&mut session, &["echo a", "poweroff"]);
        assert!(
            error(
                &mut session,
                Request::Run {
                    lines: vec![b"echo b".to_vec()]
                }
            )
            .contains("off")
        );
        assert!(seek(&mut session, 2).powered_off);
        assert!(!seek(&mut session, 1).powered_off);
        assert_eq!(run(&mut session, &["echo b"]), "b\n");
    }

    #[test]
    fn a_budget_cuts_between_lines() {
        let mut session = session();
        session.set_budget(1000);
        open(&mut session, "");
        let lines: Vec<Vec<u8>> = [
            "radix create t",
            "radix fill t 0 900",
            "radix fill t 900 900",
            "radix stat t",
        ]
        .map(Into::into)
        .into();
        let Response::Ran { lines: reports, .. } = session.handle(Request::Run {
            lines: lines.clone(),
        }) else {
            panic!()
        };
        assert!(
            (1..4).contains(&reports.len()),
            "{} lines ran",
            reports.len()
        );
        let rest = lines[reports.len()..].to_vec();
        assert!(matches!(
            session.handle(Request::Run { lines: rest }),
            Response::Ran { .. }
        ));
        session.set_replay_limit(1000);
        let log =
            b"radix create t\nradix fill t 0 900\nradix fill t 900 900\nradix stat t\n".to_vec();
        assert!(
            error(
                &mut session,
                Request::Replay {
                    log,
                    each_line: false
                }
            )
            .contains("1000 kernel steps")
        );
    }

    #[test]
    fn views_show_what_the_console_shows() {
        let mut session = session();
        open(&mut session, "mem=16M");
        assert_eq!(
            session.handle(Request::View(ViewRequest::Radix {
                name: String::new()
            })),
            Response::View(None)
        );
        run(
            &mut session,
            &[
                "radix create t",
                "radix insert t 4096 7",
                "radix insert t 1 8",
                "radix tag_set t 1 0",
            ],
        );
        let Response::View(Some(View::Radix(tree))) =
            session.handle(Request::View(ViewRequest::Radix { name: "t".into() }))
        else {
            panic!()
        };
        assert_eq!((tree.height, tree.items, tree.nodes.len()), (3, 2, 5));
        assert_eq!(
            (tree.last_key, tree.last_item, tree.path.len()),
            (Some(1), 8, 3)
        );
        let leaf = tree.nodes[tree.path[2] as usize];
        assert_eq!(
            (leaf.level, leaf.first_key, leaf.present, leaf.tags),
            (0, 0, 2, [2, 0])
        );
        let Response::View(Some(View::RadixNode(node))) =
            session.handle(Request::View(ViewRequest::RadixNode { node: leaf.node }))
        else {
            panic!()
        };
        assert_eq!(node.slots[1], 8);
        assert_eq!(
            session.handle(Request::View(ViewRequest::RadixNode { node: 1 })),
            Response::View(None)
        );
        let Response::View(Some(View::Memory(memory))) =
            session.handle(Request::View(ViewRequest::Memory))
        else {
            panic!()
        };
        let free = memory
            .frames
            .iter()
            .filter(|&&code| code >= 16 || code == 1)
            .count();
        assert_eq!(free as u32, memory.frames_free);
        let Response::View(Some(View::Events(events))) =
            session.handle(Request::View(ViewRequest::Events { since: 0, max: 10 }))
        else {
            panic!()
        };
        assert_eq!((events.events.len(), events.next - events.lost), (10, 10));
        assert_eq!(events.events[9].name, "radix_tree:radix_tree_tag_set");
        assert_eq!(events.events[9].step, 4);
    }
}
