//! The machine that runs a program: statement by statement, for a piece of virtual time.
//!
//! What a statement does happens at once; the time that it takes is then *owed*, and paid as the task
//! gets to run. So a call is never half done, and a task uses exactly the time it is given. Only what
//! may be long (`touch`, `look`) stops in between and goes on later.

use super::code::{Op, Word};
use super::syscalls::{self, Done};
use super::words::{number, unit_less};
use super::{Image, LINE_NS, PROGRAM_MAX, Process, calls, glue};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, MEM, Mem, Ref, reclaim};
use crate::task::mm::{self, Mm, PAGE_SIZE, TASK_SIZE};
use crate::task::sched::{Outcome, Run};
use crate::task::signal::{self, Delivered, Signal};
use crate::task::wait::Why;
use crate::task::{self, RUNNING, TASK, Task, exit, sched, time, wait};

/// What a statement came to.
pub(super) enum Step {
    /// On to the next one.
    Next,
    /// The same again, when there is time.
    Again,
    Blocked,
    Yield,
    Exited,
}

/// Values on the stack; no statement needs more.
const STACK: usize = 16;
/// Bytes of all texts of a statement.
const TEXTS: usize = 2048;
/// Where `getline` puts its line: at the beginning of the page with the arguments.
pub(super) const LINE_BUFFER: u32 = TASK_SIZE - PAGE_SIZE;
/// Bytes that a line has at most, the zero at its end included.
pub(super) const LINE_MAX: usize = 256;

/// A statement while it runs.
pub(super) struct Machine<'a> {
    pub mem: &'a mut Mem,
    pub task: Ref<Task>,
    pub process: Ref<Process>,
    /// Time that is left of what it was given; what is long looks at it.
    pub time_left: u64,
    /// Values; a text is its place in `texts`, and its end above.
    pub stack: [i64; STACK],
    pub depth: usize,
    texts: [u8; TEXTS],
    /// End of the texts; the one that is being made begins at `text_start`.
    filled: usize,
    text_start: usize,
}

/// A statement that cannot go on.
pub(super) enum Trap {
    /// The program is wrong: a sentence for whoever reads the console.
    Bad(&'static str),
    /// A text has no room.
    TooLong,
}

/// Runs a task for `budget_ns` of virtual time at most. It must be the current one.
pub fn run(mem: &mut Mem, task: Ref<Task>, budget_ns: u64) -> Run {
    let before = core::mem::replace(&mut mem[MEM].current, task);
    let begin = mem[TASK].now;
    task::get_task(mem, task);
    let ran = run_current(mem, task, budget_ns);
    task::put_task(mem, task);
    mem[TASK].now = begin;
    mem[MEM].current = before;
    ran
}

fn run_current(mem: &mut Mem, task: Ref<Task>, budget_ns: u64) -> Run {
    let begin = mem[TASK].now;
    let mut used_ns = 0;
    let outcome = loop {
        mem[TASK].now = begin + used_ns;
        check_alarm(mem, task);
        // Signals first, so that a task that has much to pay can be ended.
        match handle_signals(mem, task) {
            Step::Exited => break Outcome::Exited,
            Step::Blocked => break Outcome::Blocked,
            _ => {}
        }
        let process = mem[task].program;
        if process.is_null() {
            // There is nothing to run: such a task ends by itself.
            exit::do_group_exit(mem, task, 0);
            break Outcome::Exited;
        }
        used_ns += pay(mem, task, process, budget_ns - used_ns);
        if used_ns >= budget_ns || mem.charge(1).is_err() || sched::need_resched(mem) {
            break Outcome::Again;
        }
        match step(mem, task, process, budget_ns - used_ns) {
            Step::Next => {}
            // What is owed for the part that is done is paid above.
            Step::Again => {}
            Step::Blocked => break Outcome::Blocked,
            Step::Yield => break Outcome::Yield,
            Step::Exited => break Outcome::Exited,
        }
    };
    Run { used_ns, outcome }
}

/// Pays what is owed, as far as there is time: system time first. Returns the time that took.
fn pay(mem: &mut Mem, task: Ref<Task>, process: Ref<Process>, time_ns: u64) -> u64 {
    let Process {
        owed_user,
        owed_system,
        ..
    } = mem[process];
    let system = owed_system.min(time_ns);
    let user = owed_user.min(time_ns - system);
    if system + user > 0 {
        mem[process].owed_system -= system;
        mem[process].owed_user -= user;
        mem[task].stime += system;
        mem[task].utime += user;
    }
    system + user
}

/// Sends a task the signal that it asked for by `alarm`, if it is time.
fn check_alarm(mem: &mut Mem, task: Ref<Task>) {
    let process = mem[task].program;
    if process.is_null() {
        return;
    }
    let Process { alarm, .. } = mem[process];
    if alarm != 0 && mem[TASK].now >= alarm {
        mem[process].alarm = 0;
        signal::send_sig(mem, Signal::Alrm, task);
    }
}

/// Delivers signals; a handler becomes what runs next.
fn handle_signals(mem: &mut Mem, task: Ref<Task>) -> Step {
    let process = mem[task].program;
    // One at a time: what comes during a handler waits for its end.
    if process.is_null() || !signal::signal_pending(mem, task) {
        return Step::Next;
    }
    match signal::deliver(mem, task) {
        Delivered::Nothing => Step::Next,
        Delivered::Exited => Step::Exited,
        Delivered::Stopped => Step::Blocked,
        Delivered::Handler(signal) => {
            begin_handler(mem, task, process, signal as u32);
            Step::Next
        }
    }
}

fn begin_handler(mem: &mut Mem, task: Ref<Task>, process: Ref<Process>, signal: u32) {
    let now = &mut mem[process];
    let handler = now.handlers[signal as usize % super::SIGNALS];
    if now.waiting == 1 {
        now.waiting = 2;
    }
    // A thread that was there before the handler has none: for it the signal only ends a call.
    if handler == 0 || now.signal != 0 {
        return;
    }
    now.saved = super::Saved {
        ip: now.ip,
        waiting: now.waiting,
        last: now.last,
        owed_user: now.owed_user,
        deadline: now.deadline,
        progress: now.progress,
    };
    now.ip = u32::from(handler);
    now.signal = signal;
    (now.waiting, now.owed_user, now.deadline, now.progress) = (0, 0, 0, 0);
    mem[task].blocked = !0;
}

/// Goes back to where a signal came.
fn end_handler(mem: &mut Mem, task: Ref<Task>, process: Ref<Process>) {
    let now = &mut mem[process];
    let saved = now.saved;
    (now.ip, now.waiting, now.last) = (saved.ip, saved.waiting, saved.last);
    (now.owed_user, now.deadline, now.progress) = (saved.owed_user, saved.deadline, saved.progress);
    now.signal = 0;
    mem[task].blocked = 0;
    signal::recalc(mem, task);
}

/// Runs a statement.
fn step(mem: &mut Mem, task: Ref<Task>, process: Ref<Process>, time_left: u64) -> Step {
    let mut machine = Machine {
        mem,
        task,
        process,
        time_left,
        stack: [0; STACK],
        depth: 0,
        texts: [0; TEXTS],
        filled: 0,
        text_start: 0,
    };
    match machine.statement() {
        Ok(step) => step,
        Err(trap) => {
            let sentence = match trap {
                Trap::Bad(sentence) => sentence,
                Trap::TooLong => "a text is too long",
            };
            let Process { line, .. } = machine.mem[process];
            syscalls::complain(machine.mem, task, format_args!("line {line}: {sentence}"));
            exit::do_group_exit(machine.mem, task, exit::exited(2));
            Step::Exited
        }
    }
}

impl Machine<'_> {
    fn word(&self, at: usize) -> Word {
        let image = self.mem[self.process].image;
        let Image { code, words, .. } = self.mem[image];
        match at < words as usize {
            true => Word(self.mem[code.offset(at as u32)]),
            false => Word::new(Op::End, 0),
        }
    }

    fn push(&mut self, value: i64) -> Result<(), Trap> {
        let slot = self.stack.get_mut(self.depth);
        *slot.ok_or(Trap::Bad("too many values"))? = value;
        self.depth += 1;
        Ok(())
    }

    pub(super) fn pop(&mut self) -> i64 {
        self.depth = self.depth.saturating_sub(1);
        self.stack[self.depth]
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Trap> {
        let end = self.filled + bytes.len();
        let room = self.texts.get_mut(self.filled..end).ok_or(Trap::TooLong)?;
        room.copy_from_slice(bytes);
        self.filled = end;
        Ok(())
    }

    fn end_text(&mut self, from: usize, to: usize) -> Result<(), Trap> {
        self.push((to as i64) << 32 | from as i64)
    }

    /// A text that is on the stack.
    pub(super) fn text(&self, value: i64) -> &str {
        let (from, to) = (value as u32 as usize, (value as u64 >> 32) as usize);
        core::str::from_utf8(self.texts.get(from..to).unwrap_or(&[])).unwrap_or("?")
    }

    /// The address space; NULL if it has none.
    pub(super) fn mm(&self) -> Ref<Mm> {
        self.mem[self.task].mm
    }

    /// Bytes of the page that holds arguments and line, from an address on, up to a zero.
    fn stack_text(&self, address: u32) -> &[u8] {
        let mm = self.mm();
        let frame = match mm.is_null() {
            true => None,
            false => mm::content(self.mem, mm, address),
        };
        let page: &[u8] = frame.map_or(&[], |frame| self.mem.frame(frame));
        let text = page.get(address as usize % FRAME_SIZE..).unwrap_or(&[]);
        let end = text.iter().position(|&byte| byte == 0);
        &text[..end.unwrap_or(text.len())]
    }

    /// Argument number `number`, from 1; nothing if it was not given.
    fn argument(&self, number: u32) -> &[u8] {
        let Process { argc, shifted, .. } = self.mem[self.process];
        let number = number.saturating_add(shifted);
        if number > argc || self.mm().is_null() {
            return &[];
        }
        let mut address = self.mem[self.mm()].arg_start;
        for _ in 0..number {
            let length = self.stack_text(address).len() as u32;
            address = address.saturating_add(length + 1);
        }
        self.stack_text(address)
    }

    /// Arguments that are left.
    fn count(&self) -> u32 {
        let Process { argc, shifted, .. } = self.mem[self.process];
        argc.saturating_sub(shifted)
    }

    fn argument_number(&self, number: u32, seconds: bool) -> Result<i64, Trap> {
        let word = core::str::from_utf8(self.argument(number)).unwrap_or("");
        let value = match unit_less(word).filter(|_| seconds) {
            Some(plain) => Some(plain * calls::SECOND),
            None => self::number(word),
        };
        value.ok_or(Trap::Bad(match word {
            "" => "an argument is missing",
            _ => "an argument is no number",
        }))
    }

    /// Runs from where the process is to the beginning of the next statement.
    fn statement(&mut self) -> Result<Step, Trap> {
        let start = self.mem[self.process].ip as usize;
        let mut at = start;
        loop {
            let word = self.word(at);
            let operand = word.operand();
            at += 1;
            match word.op() {
                Op::Line if at - 1 == start => {
                    self.mem[self.process].line = operand as u32;
                    // A call that goes on was paid for when it began.
                    let Process {
                        waiting, progress, ..
                    } = self.mem[self.process];
                    if waiting == 0 && progress == 0 {
                        self.mem[self.process].owed_user += u64::from(LINE_NS);
                    }
                }
                Op::Line => {
                    self.mem[self.process].ip = (at - 1) as u32;
                    return Ok(Step::Next);
                }
                Op::End => {
                    exit::do_group_exit(self.mem, self.task, 0);
                    return Ok(Step::Exited);
                }
                Op::Jump => at = operand as usize,
                Op::JumpIfZero => {
                    if self.pop() == 0 {
                        at = operand as usize;
                    }
                }
                Op::IfMissing => {
                    let (argument, goal) = word.parts();
                    if u32::from(argument) > self.count() {
                        at = goal;
                    }
                }
                Op::On => {
                    let (signal, goal) = word.parts();
                    let handler = u16::try_from(at).unwrap_or(0);
                    let signal = u32::from(signal) % super::SIGNALS as u32;
                    self.mem[self.process].handlers[signal as usize] = handler;
                    glue::set_disposition(self.mem, self.task, signal, glue::CATCH);
                    at = goal;
                }
                Op::Return => {
                    end_handler(self.mem, self.task, self.process);
                    return Ok(Step::Next);
                }
                Op::Call => {
                    // A child begins behind the call; whoever waits begins the statement anew.
                    self.mem[self.process].ip = at as u32;
                    match self.call(operand as u8, start)? {
                        Step::Next => {}
                        other => return Ok(other),
                    }
                }
                Op::Set => {
                    let value = self.pop();
                    let variable = operand as usize % super::VARIABLES_MAX;
                    self.mem[self.process].variables[variable] = value;
                }
                op => self.evaluate(op, operand)?,
            }
        }
    }

    /// Operations on values and texts.
    fn evaluate(&mut self, op: Op, operand: i64) -> Result<(), Trap> {
        let Process {
            last,
            signal,
            status,
            ..
        } = self.mem[self.process];
        let value = match op {
            Op::Number => operand,
            Op::Variable => {
                self.mem[self.process].variables[operand as usize % super::VARIABLES_MAX]
            }
            Op::Argument => self.argument_number(operand as u32, false)?,
            Op::Seconds => self.argument_number(operand as u32, true)?,
            Op::Count => i64::from(self.count()),
            Op::Last => last,
            Op::Pid => i64::from(self.mem[self.task].tgid),
            Op::Signal => i64::from(signal),
            Op::Status => i64::from(status),
            Op::Not => i64::from(self.pop() == 0),
            Op::Same => {
                let (right, left) = (self.pop(), self.pop());
                i64::from(self.text(left) == self.text(right))
            }
            Op::Text | Op::TextNumber | Op::TextArgument | Op::TextLine | Op::TextError => {
                return self.append_piece(op, operand);
            }
            Op::TextArguments => {
                for number in 1..=self.count() {
                    if number > 1 {
                        self.append(b" ")?;
                    }
                    self.append_piece(Op::TextArgument, i64::from(number))?;
                }
                return Ok(());
            }
            Op::EndText => {
                let (from, to) = (self.text_start, self.filled);
                self.text_start = to;
                return self.end_text(from, to);
            }
            Op::EndWords => return self.end_words(),
            Op::AllArguments => {
                for number in 1..=self.count() {
                    self.append_piece(Op::TextArgument, i64::from(number))?;
                    let (from, to) = (self.text_start, self.filled);
                    self.text_start = to;
                    self.end_text(from, to)?;
                }
                return Ok(());
            }
            _ => {
                let (right, left) = (self.pop(), self.pop());
                calculate(op, left, right)?
            }
        };
        self.push(value)
    }

    /// Appends to the text that is being made.
    fn append_piece(&mut self, op: Op, operand: i64) -> Result<(), Trap> {
        let mut buffer = [0; LINE_MAX];
        let length = match op {
            Op::Text => {
                let (from, length) = ((operand & 0xffff) as usize, (operand >> 16) as usize);
                let mut bytes = [0; PROGRAM_MAX];
                let image = self.mem[self.process].image;
                let piece = super::text_of(self.mem, image).as_bytes();
                let piece = piece.get(from..from + length).unwrap_or(&[]);
                bytes[..piece.len()].copy_from_slice(piece);
                return self.append(&bytes[..length.min(PROGRAM_MAX)]);
            }
            Op::TextNumber => {
                let value = self.pop();
                let digits = decimal(value, &mut buffer);
                buffer.copy_within(digits.., 0);
                LINE_MAX - digits
            }
            Op::TextError => {
                let Process { last, .. } = self.mem[self.process];
                let errno = u32::try_from(-last).ok().and_then(Errno::from_number);
                let sentence = errno.map_or("Success", Errno::sentence);
                return self.append(sentence.as_bytes());
            }
            _ => {
                let mut bytes = [0; TEXTS];
                let text = match op {
                    Op::TextLine => self.stack_text(LINE_BUFFER),
                    _ => self.argument(operand as u32),
                };
                let length = text.len().min(TEXTS);
                bytes[..length].copy_from_slice(&text[..length]);
                return self.append(&bytes[..length]);
            }
        };
        self.append(&buffer[..length])
    }

    /// Ends a text as the words that it falls into.
    fn end_words(&mut self) -> Result<(), Trap> {
        let mut from = self.text_start;
        self.text_start = self.filled;
        while from < self.filled {
            let rest = &self.texts[from..self.filled];
            let Some(blank) = rest.iter().position(|byte| !byte.is_ascii_whitespace()) else {
                break;
            };
            let rest = &rest[blank..];
            let length = rest.iter().position(u8::is_ascii_whitespace);
            let length = length.unwrap_or(rest.len());
            from += blank;
            self.end_text(from, from + length)?;
            from += length;
        }
        Ok(())
    }

    /// Makes a call and keeps its result.
    fn call(&mut self, number: u8, start: usize) -> Result<Step, Trap> {
        let Some(nr) = calls::Nr::from_number(number) else {
            return Err(Trap::Bad("there is no such call"));
        };
        let process = self.process;
        let interrupted = self.mem[process].waiting == 2;
        let done = match interrupted {
            true => Done::Result(Err(Errno::EINTR)),
            false => {
                reclaim::may_wait(self.mem, true);
                let done = syscalls::call(self, nr);
                reclaim::may_wait(self.mem, false);
                done?
            }
        };
        if !matches!(done, Done::Blocked | Done::Exited) {
            // It was told to wait for memory, and did without.
            reclaim::stop_waiting(self.mem, self.task);
        }
        // What comes after the call's own end has no process any more.
        let result = match done {
            Done::Exited => return Ok(Step::Exited),
            // The rest of this statement is the old program's.
            Done::Replaced => return Ok(Step::Again),
            Done::Blocked => {
                // Whoever waits for memory has not begun: a signal finds nothing to interrupt.
                let begun = self.mem[self.task].wait.why != Why::Memory as u32;
                let now = &mut self.mem[process];
                now.ip = start as u32;
                now.waiting |= u32::from(begun);
                let alarm = now.alarm;
                debug_assert!(self.mem[self.task].state != RUNNING);
                let timer = self.mem[self.task].timer;
                if alarm != 0 && (timer.armed == 0 || alarm < timer.expires) {
                    time::timer_arm(self.mem, self.task, alarm);
                }
                return Ok(Step::Blocked);
            }
            Done::Again => {
                self.mem[process].ip = start as u32;
                return Ok(Step::Again);
            }
            Done::Result(result) => result,
            Done::Yield => Ok(0),
        };
        if self.mem[process].waiting != 0 {
            wait::finish_wait(self.mem, self.task);
            time::timer_cancel(self.mem, self.task);
        }
        let value = result.unwrap_or_else(|errno| -(errno as i64));
        let now = &mut self.mem[process];
        (now.waiting, now.deadline, now.progress) = (0, 0, 0);
        now.last = value;
        now.owed_system += u64::from(nr.call().cost_ns);
        self.depth = 0;
        Ok(match done {
            Done::Yield => Step::Yield,
            _ => Step::Next,
        })
    }
}

/// Two values with an operator between them. What leaves 64 bits wraps around.
fn calculate(op: Op, left: i64, right: i64) -> Result<i64, Trap> {
    Ok(match op {
        Op::Add => left.wrapping_add(right),
        Op::Subtract => left.wrapping_sub(right),
        Op::Multiply => left.wrapping_mul(right),
        Op::Divide | Op::Remainder if right == 0 => return Err(Trap::Bad("division by zero")),
        Op::Divide => left.wrapping_div(right),
        Op::Remainder => left.wrapping_rem(right),
        Op::Less => i64::from(left < right),
        Op::LessEqual => i64::from(left <= right),
        Op::Greater => i64::from(left > right),
        Op::GreaterEqual => i64::from(left >= right),
        Op::Equal => i64::from(left == right),
        Op::Unequal => i64::from(left != right),
        Op::And => i64::from(left != 0 && right != 0),
        Op::Or => i64::from(left != 0 || right != 0),
        _ => return Err(Trap::Bad("this is no operation")),
    })
}

/// Writes a number to the end of `buffer`; returns where it begins.
fn decimal(value: i64, buffer: &mut [u8; LINE_MAX]) -> usize {
    let mut at = LINE_MAX;
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    at
}
