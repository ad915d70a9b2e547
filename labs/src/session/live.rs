//! A machine that was booted, its log, and the step that it stands at.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::any::Any;

use kernel_core::Kernel;
use kernel_core::machine::{Machine, MachineConfig, Manual};
use kernel_core::mem::{MEM, Ram};
use kernel_core::shell::manual;
use kernel_core::task::time;
use kernel_core::trace::Tap;

use super::oom;
use super::timeline::Recording;
use super::{LINES_MAX, LOG_MAX};
use crate::check::contains;
use crate::checkpoint::Checkpoints;
use crate::log::{Heading, Seal};
use crate::protocol::{LineReport, View, ViewRequest};
use crate::view::StateView;
use crate::{log, observe};

/// Bytes of a line that [`StateView`] repeats.
const LINE_SHOWN: usize = 512;

/// What a line costs besides its kernel steps, in kernel steps. See [`Live::spent`].
const LINE_COST: u64 = 50;

/// A machine that was booted.
pub(super) struct Live {
    /// What the log's heading says, its seal aside.
    heading: Heading,
    pub kernel: Kernel,
    /// The hash chain after boot, and how many events there were.
    boot: (u64, u64),
    pub lines: Vec<Line>,
    log_bytes: usize,
    pub checkpoints: Checkpoints,
    /// Work done since boot, whether it was taken back or not, in kernel steps: the measure of
    /// budgets.
    pub spent: u64,
    /// Of that, what went into answers to lines of the log.
    answering: u64,
    /// Who ran when, of the step that was last asked for.
    pub recording: Option<Recording>,
}

/// A line of the log and what came of it.
pub(super) struct Line {
    pub bytes: Vec<u8>,
    pub status: u8,
    /// Kernel steps that it took.
    pub steps: u32,
    /// Events since boot, after it.
    events: u64,
    /// The hash chain after it.
    pub chain: u64,
    /// Virtual time after it, in nanoseconds since boot.
    pub now_ns: u64,
    /// Decisions of the OOM killer since boot, and tasks killed, after it.
    pub ooms: u32,
}

/// The console of a session: keeps the text of the line that runs, and what it asks about the log.
#[derive(Default)]
struct Console {
    text: Vec<u8>,
    /// The line may ask; see [`asks`].
    may_ask: bool,
    questions: Vec<Question>,
}

/// What a line asks, and the kernel cannot answer.
pub(super) enum Question {
    /// What the log would have come to under these policies; see [`Machine::compare_policies`].
    Policies(String),
    /// A page of the manual.
    Page(String),
    /// Pages of the manual that tell of a word.
    About(String),
}

/// Questions that one line may ask.
const QUESTIONS_MAX: usize = 16;

/// Whether a line may ask something that the kernel cannot answer, as `oom compare` and `man` do. It has
/// to say so in these letters, so that who runs lines knows beforehand what answering takes; the same on
/// every host.
pub(super) fn asks(line: &[u8]) -> bool {
    contains(line, b"oom compare ") || says(line, b"man ") || says(line, b"apropos ")
}

/// Whether a word stands in a line, with nothing else before it.
fn says(line: &[u8], word: &[u8]) -> bool {
    let is_apart = |at: usize| at == 0 || b" \t;&|".contains(&line[at - 1]);
    let mut places = line.windows(word.len()).enumerate();
    places.any(|(at, place)| place == word && is_apart(at))
}

/// What runs when lines have asked: [`Live::answer`], or nothing where none does.
pub(super) type Answer = fn(&mut Live, Vec<Question>, u32, &mut LineReport);

impl Console {
    /// Notes a question, if the line may ask it.
    fn ask(&mut self, question: Question) -> bool {
        let may_ask = self.may_ask && self.questions.len() < QUESTIONS_MAX;
        if may_ask {
            self.questions.push(question);
        }
        may_ask
    }
}

impl Machine for Console {
    fn console_write(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
    }

    fn compare_policies(&mut self, policies: &str) -> bool {
        // The last one of a line: each costs as much as the whole log.
        let is_other = |question: &Question| !matches!(question, Question::Policies(_));
        self.questions.retain(is_other);
        self.ask(Question::Policies(policies.to_string()))
    }

    fn show_manual(&mut self, wanted: Manual<'_>) -> bool {
        self.ask(match wanted {
            Manual::Page(name) => Question::Page(name.to_string()),
            Manual::About(word) => Question::About(word.to_string()),
        })
    }
}

/// The console of a replay to a known state: nobody reads it again.
struct Silence;

impl Machine for Silence {
    fn console_write(&mut self, _: &[u8]) {}

    fn compare_policies(&mut self, _: &str) -> bool {
        true
    }

    fn show_manual(&mut self, _: Manual<'_>) -> bool {
        true
    }
}

/// Refuses a log of so many lines.
pub(super) fn check_lines(count: usize) -> Result<(), String> {
    if count > LINES_MAX {
        return Err(format!("a log of {count} lines; it may hold {LINES_MAX}"));
    }
    Ok(())
}

/// Refuses what is no console line.
pub(super) fn check_line(line: &[u8]) -> Result<(), String> {
    if line.contains(&b'\n') {
        return Err("a console line holds no newline; send the lines one by one".to_string());
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
    /// Boots the machine; `checkpoint_frames` copies of frames may be kept.
    pub fn boot(heading: Heading, ram: Ram, checkpoint_frames: usize) -> Result<Live, String> {
        let machine = heading.machine;
        let mut kernel = Kernel::boot(ram, &machine)
            .map_err(|error| format!("the machine '{machine}' does not boot: {error:?}"))?;
        let work = kernel.mem[MEM].steps;
        let checkpoints = Checkpoints::new(kernel.mem.ram_mut(), work, checkpoint_frames);
        Ok(Live {
            heading: Heading {
                seal: None,
                ..heading
            },
            boot: (kernel.events(), kernel.chain()),
            kernel,
            lines: Vec::new(),
            log_bytes: 0,
            checkpoints,
            spent: 0,
            answering: 0,
            recording: None,
        })
    }

    /// What the log's heading says, its seal aside.
    pub fn heading(&self) -> &Heading {
        &self.heading
    }

    /// The machine's canonical header.
    pub fn header(&self) -> String {
        self.heading.machine.to_string()
    }

    /// The machine that the heading describes.
    pub fn machine(&self) -> &MachineConfig {
        &self.heading.machine
    }

    /// The number of the first event of a step of the log, or of what comes after the last one.
    pub fn first_event(&self, step: u32) -> u64 {
        match step as usize {
            0 => 0,
            1 => self.boot.0,
            step => self.lines[step - 2].events,
        }
    }

    /// The step during which an event of the log happened.
    pub fn step_of(&self, event: u64) -> u32 {
        let later = |line: &Line| line.events <= event;
        match event < self.boot.0 {
            true => 0,
            false => 1 + self.lines.partition_point(later) as u32,
        }
    }

    /// The step that the kernel stands at.
    pub fn step(&self) -> u32 {
        self.kernel.step()
    }

    /// The log's last step.
    pub fn end(&self) -> u32 {
        self.lines.len() as u32
    }

    /// Whether the log can take these lines.
    pub fn admit(&self, lines: &[Vec<u8>]) -> Result<(), String> {
        lines.iter().try_for_each(|line| check_line(line))?;
        // What comes after the present step will be dropped, and counts no more.
        let kept = &self.lines[..self.step() as usize];
        check_lines(kept.len() + lines.len())?;
        let dropped: usize = bytes_of(self.lines[kept.len()..].iter().map(|line| &line.bytes));
        if self.log_bytes - dropped + bytes_of(lines) > LOG_MAX {
            return Err(format!("the log is full: it may hold {LOG_MAX} bytes"));
        }
        if !lines.is_empty() {
            self.check_on()?;
        }
        Ok(())
    }

    /// Refuses a machine that runs nothing.
    pub fn check_on(&self) -> Result<(), String> {
        if self.kernel.is_off() {
            return Err("the machine is off: step back, or open it again".to_string());
        }
        Ok(())
    }

    /// Runs `lines` here until the budget is spent or `text_max` bytes are printed; at least one. What they
    /// ask is answered by `answer`.
    pub fn run(
        &mut self,
        lines: Vec<Vec<u8>>,
        budget: u64,
        text_max: usize,
        answer: Answer,
    ) -> Vec<LineReport> {
        if !lines.is_empty() && self.step() < self.end() {
            let step = self.step();
            self.checkpoints.truncate(step);
            self.lines.truncate(step as usize);
            self.log_bytes = bytes_of(self.lines.iter().map(|line| &line.bytes));
        }
        let steps_before = self.kernel.mem[MEM].steps;
        let answering_before = self.answering;
        let mut reports = Vec::new();
        let mut text = 0;
        for mut bytes in lines {
            // As the written log will be read.
            bytes.truncate(log::without_returns(&bytes).len());
            let steps = self.kernel.mem[MEM].steps;
            let (mut report, questions) = self.execute_asking(&bytes);
            self.log_bytes += bytes.len() + 1;
            self.lines.push(Line {
                bytes,
                status: report.status,
                steps: (self.kernel.mem[MEM].steps - steps) as u32,
                events: report.events,
                chain: report.chain,
                now_ns: time::now(&self.kernel.mem),
                ooms: oom::count(&self.kernel.mem),
            });
            self.passed();
            answer(self, questions, self.step() - 1, &mut report);
            text += report.text.len();
            reports.push(report);
            let answering = self.answering - answering_before;
            let spent = self.kernel.mem[MEM].steps - steps_before + answering;
            if spent >= budget || text >= text_max || self.kernel.is_off() {
                break;
            }
        }
        reports
    }

    /// Runs a line on the kernel; log and checkpoints know nothing of it.
    pub fn execute(&mut self, line: &[u8]) -> LineReport {
        self.execute_asking(line).0
    }

    /// [`Live::execute`], and what the line asks about the log, for [`Live::answer`].
    pub fn execute_asking(&mut self, line: &[u8]) -> (LineReport, Vec<Question>) {
        let mut console = Console {
            may_ask: asks(line),
            ..Console::default()
        };
        let status = self.run_line(&mut console, line);
        self.report(console, status)
    }

    /// Answers what a line has asked, about the log up to `step` or out of the manual: behind what it has
    /// printed. The kernel stands where it stood afterwards.
    pub fn answer(&mut self, questions: Vec<Question>, step: u32, report: &mut LineReport) {
        let before = self.spent;
        for question in questions {
            let mut answer = String::new();
            // A string takes all.
            let _ = match &question {
                Question::Policies(names) => {
                    let names: Vec<&str> = names.split(',').collect();
                    match self.oom_policies(&names, step, &[]) {
                        Ok(view) => answer = view.text(),
                        Err(message) => answer = message + "\n",
                    }
                    Ok(())
                }
                Question::Page(name) => manual::write(Manual::Page(name), &mut answer),
                Question::About(word) => manual::write(Manual::About(word), &mut answer),
            };
            if !matches!(question, Question::Policies(_)) {
                // As much as printing costs in the kernel.
                self.spent += answer.len() as u64 / 2;
            }
            report.text.extend_from_slice(answer.as_bytes());
        }
        self.answering += self.spent - before;
    }

    /// Runs the line that follows step `before`, where the kernel stands, with a tap that sees each event.
    /// Log and checkpoints know nothing of it: whoever asks takes it back.
    pub fn run_tapped<T: Tap>(&mut self, before: u32, tap: T) -> Box<T> {
        let line = core::mem::take(&mut self.lines[before as usize].bytes);
        let (tap, _) = self.execute_tapped(&line, tap);
        self.lines[before as usize].bytes = line;
        Box::new(tap)
    }

    /// [`Live::execute`], with a tap that sees each event.
    pub fn execute_tapped<T: Tap>(&mut self, line: &[u8], tap: T) -> (T, LineReport) {
        self.kernel.mem.set_tap(Some(Box::new(tap)));
        let report = self.execute(line);
        let tap: Box<dyn Any> = self.kernel.mem.set_tap(None).expect("a tap stays in");
        let mut tap: Box<T> = tap.downcast().expect("the tap that was put in");
        tap.catch_up(&self.kernel.mem);
        (*tap, report)
    }

    fn report(&self, console: Console, status: u8) -> (LineReport, Vec<Question>) {
        let report = LineReport {
            text: console.text,
            status,
            events: self.kernel.events(),
            chain: self.kernel.chain(),
        };
        (report, console.questions)
    }

    fn run_line(&mut self, machine: &mut dyn Machine, line: &[u8]) -> u8 {
        let before = self.kernel.mem[MEM].steps;
        let status = self.kernel.run_line(machine, line);
        self.spent += self.kernel.mem[MEM].steps - before + LINE_COST;
        status
    }

    /// Tells the checkpoints that a line of the log has just run.
    fn passed(&mut self) {
        let (step, work) = (self.step(), self.kernel.mem[MEM].steps);
        self.checkpoints
            .passed(self.kernel.mem.ram_mut(), step, work);
    }

    /// Makes the kernel what it was after `step` lines.
    pub fn seek(&mut self, step: u32) {
        let step = step.min(self.end());
        let here = self.step();
        if step < here || self.checkpoints.before(step) > here {
            self.checkpoints.restore(self.kernel.mem.ram_mut(), step);
        }
        while self.step() < step {
            self.repeat(&mut Silence);
        }
    }

    /// Runs the log's next line again and returns what it did; `None` at the log's end.
    pub fn advance(&mut self) -> Option<LineReport> {
        let line = self.lines.get(self.step() as usize)?;
        let mut console = Console {
            may_ask: asks(&line.bytes),
            ..Console::default()
        };
        let status = self.repeat(&mut console)?;
        let (mut report, questions) = self.report(console, status);
        self.answer(questions, self.step() - 1, &mut report);
        Some(report)
    }

    /// Runs the log's next line again and returns its status; `None` at the log's end.
    fn repeat(&mut self, machine: &mut dyn Machine) -> Option<u8> {
        let index = self.step() as usize;
        let line = core::mem::take(&mut self.lines.get_mut(index)?.bytes);
        let status = self.run_line(machine, &line);
        self.lines[index].bytes = line;
        self.passed();
        Some(status)
    }

    /// The log as text, sealed with what it came to.
    pub fn log(&self) -> Vec<u8> {
        let (boot_events, boot) = self.boot;
        let (events, chain) = match self.lines.last() {
            Some(line) => (line.events, line.chain),
            None => (boot_events, boot),
        };
        let heading = Heading {
            seal: Some(Seal {
                boot,
                events,
                chain,
            }),
            ..self.heading.clone()
        };
        log::write(
            &heading,
            self.lines.iter().map(|line| line.bytes.as_slice()),
        )
    }

    /// What the line that led to `step` cost, in units of [`Live::spent`].
    pub fn cost_of(&self, step: u32) -> u64 {
        let line = step.checked_sub(1).map(|index| &self.lines[index as usize]);
        line.map_or(0, |line| u64::from(line.steps) + LINE_COST)
    }

    pub fn state(&self) -> StateView {
        let step = self.step();
        let last = step
            .checked_sub(1)
            .and_then(|last| self.lines.get(last as usize));
        StateView {
            step,
            steps: self.end(),
            line: last
                .map(|line| String::from_utf8_lossy(shortened(&line.bytes)).into_owned())
                .unwrap_or_default(),
            status: last.map_or(0, |line| line.status),
            ..observe::state(&self.kernel)
        }
    }

    /// The views that are in sight when a page opens, and what they lead to at once.
    ///
    /// # Errors
    /// The outer one gives back a request for [`Live::view_rest`]; the inner one is a sentence for a
    /// person.
    pub fn view_common(
        &mut self,
        view: ViewRequest,
    ) -> Result<Result<Option<View>, String>, ViewRequest> {
        let kernel = &self.kernel;
        Ok(match view {
            ViewRequest::Radix { name } => {
                observe::radix(kernel, &name).map(|view| view.map(View::Radix))
            }
            ViewRequest::RadixNode { node } => {
                Ok(observe::radix_node(kernel, node).map(View::RadixNode))
            }
            ViewRequest::Memory => Ok(Some(View::Memory(observe::memory(kernel)))),
            ViewRequest::Events { since, max } => {
                Ok(Some(View::Events(observe::events(kernel, since, max))))
            }
            rest => return Err(rest),
        })
    }

    /// The views that [`Live::view_common`] does not know.
    pub fn view_rest(&mut self, view: ViewRequest) -> Result<Option<View>, String> {
        let kernel = &self.kernel;
        Ok(match view {
            common @ (ViewRequest::Radix { .. }
            | ViewRequest::RadixNode { .. }
            | ViewRequest::Memory
            | ViewRequest::Events { .. }) => self.view_common(common).unwrap_or(Ok(None))?,
            ViewRequest::Slab => Some(View::Slab(observe::slab(kernel))),
            ViewRequest::Object { at } => observe::object(kernel, at).map(View::Object),
            ViewRequest::Changes { from, to } => Some(View::Changes(self.changes(from, to))),
            ViewRequest::Cache { name, from, max } => {
                observe::cache(kernel, &name, from, max).map(|it| View::Cache(it.into()))
            }
            ViewRequest::Defrag { step, cache } => {
                let view = self.defrag(step, &cache);
                view.map(|view| View::Defrag(Box::new(view)))
            }
            ViewRequest::Containers {
                hierarchy,
                from,
                max,
            } => {
                let view = observe::containers(kernel, hierarchy, from, max);
                Some(View::Containers(view))
            }
            ViewRequest::Callbacks { step } => self.callbacks(step).map(View::Callbacks),
            ViewRequest::Tasks {
                order,
                is_descending,
                from,
                max,
            } => {
                let view = observe::tasks(kernel, order, is_descending, from, max);
                Some(View::Tasks(Box::new(view)))
            }
            ViewRequest::Task { pid, from } => {
                observe::task(kernel, pid, from).map(|view| View::Task(Box::new(view)))
            }
            ViewRequest::Sched => Some(View::Sched(Box::new(observe::sched(kernel)))),
            ViewRequest::Timeline {
                step,
                from_ns,
                to_ns,
            } => {
                let view = self.timeline(step, from_ns, to_ns);
                view.map(|view| View::Timeline(Box::new(view)))
            }
            ViewRequest::Oom {
                step,
                decision,
                from,
                max,
            } => {
                let view = self.oom(step, decision, from, max);
                view.map(|view| View::Oom(Box::new(view)))
            }
            ViewRequest::OomToll { step } => Some(View::OomToll(self.oom_toll(step))),
            ViewRequest::OomPolicies {
                policies,
                step,
                more,
            } => {
                let view = self.oom_policies(&policies, step, &more)?;
                Some(View::OomPolicies(view))
            }
            ViewRequest::OomWhatIf(what_if) => {
                let view = self.oom_what_if(&what_if)?;
                Some(View::OomWhatIf(Box::new(view)))
            }
        })
    }
}
