//! The calls: from a program's values to the kernel's functions.

use core::fmt::{self, Write};

use super::calls::{COPY_NS, FAULT_NS, Nr};
use super::run::{LINE_BUFFER, LINE_MAX, Machine, Trap};
use super::{Args, Process, exec, glue};
use crate::errno::Errno;
use crate::fs;
use crate::mem::{FRAME_SIZE, Mem, Ref, reclaim};
use crate::task::mm::{self, PAGE_SIZE, VM_READ, VM_SHARED, VM_WRITE};
use crate::task::signal::{Signal, UNSTOPPABLE};
use crate::task::wait::{self, Why};
use crate::task::{INTERRUPTIBLE, NR_OPEN, TASK, Task, Tif, exit, fork, time};
use crate::trace::mix;

/// What a call came to.
pub(super) enum Done {
    /// It has a result.
    Result(Result<i64, Errno>),
    /// The task sleeps; the call is to be made again when it is woken.
    Blocked,
    /// There is more to do when there is time.
    Again,
    /// The task lets others run; the result is 0.
    Yield,
    /// The task goes on as another program.
    Replaced,
    /// The task has ended.
    Exited,
}

impl From<Result<i64, Errno>> for Done {
    fn from(result: Result<i64, Errno>) -> Done {
        Done::Result(result)
    }
}

impl From<Result<(), Errno>> for Done {
    fn from(result: Result<(), Errno>) -> Done {
        Done::Result(result.map(|()| 0))
    }
}

/// A call's arguments in order.
struct Values<'a> {
    values: &'a [i64],
    at: usize,
}

impl Values<'_> {
    fn next(&mut self) -> Option<i64> {
        let value = self.values.get(self.at).copied();
        self.at += usize::from(value.is_some());
        value
    }

    /// The next one, which is there.
    fn value(&mut self) -> i64 {
        self.next().unwrap_or(0)
    }

    fn fd(&mut self) -> Result<u32, Errno> {
        u32::try_from(self.value()).map_err(|_| Errno::EBADF)
    }

    fn number(&mut self) -> Result<u32, Errno> {
        u32::try_from(self.value()).map_err(|_| Errno::EINVAL)
    }
}

/// Makes a call with what is on the stack.
pub(super) fn call(machine: &mut Machine<'_>, nr: Nr) -> Result<Done, Trap> {
    let stack = machine.stack;
    let mut values = Values {
        values: &stack[..machine.depth],
        at: 0,
    };
    let done = match nr {
        Nr::Fork | Nr::Clone | Nr::Exec | Nr::Exit | Nr::ExitThread | Nr::Wait | Nr::Kill => {
            lives(machine, nr, &mut values)
        }
        Nr::Touch | Nr::Look | Nr::Peek | Nr::Poke => touches(machine, nr, &mut values),
        Nr::Mmap | Nr::Munmap | Nr::Brk => maps(machine, nr, &mut values),
        Nr::Spin | Nr::Sleep | Nr::Pause | Nr::Yield | Nr::Alarm | Nr::Time => {
            times(machine, nr, &mut values)
        }
        Nr::Open
        | Nr::Close
        | Nr::Read
        | Nr::Write
        | Nr::Getline
        | Nr::Print
        | Nr::Say
        | Nr::Pipe
        | Nr::Dup
        | Nr::Seek => files(machine, nr, &mut values),
        Nr::Poll => poll(machine, &mut values),
        _ => Done::Result(small(machine, nr, &mut values)),
    };
    // What a file system says when it has put the task to sleep.
    Ok(match done {
        Done::Result(Err(Errno::ERESTARTSYS)) => Done::Blocked,
        done => done,
    })
}

/// Fork, exec, exit, wait, kill.
fn lives(machine: &mut Machine<'_>, nr: Nr, values: &mut Values<'_>) -> Done {
    let task = machine.task;
    match nr {
        Nr::Fork | Nr::Clone => {
            let flags = match nr {
                Nr::Fork => fork::FORK,
                _ => fork::THREAD,
            };
            let child = fork::do_fork(machine.mem, task, flags);
            child.map(|child| i64::from(machine.mem[child].pid)).into()
        }
        Nr::Exec => exec_words(machine),
        Nr::Exit => {
            let status = exit::exited(values.value() as u8);
            exit::do_group_exit(machine.mem, task, status);
            Done::Exited
        }
        Nr::ExitThread => {
            exit::do_exit(machine.mem, task, 0);
            Done::Exited
        }
        Nr::Wait => {
            let pid = values.next().map_or(Ok(-1), i32::try_from);
            let Ok(pid) = pid else {
                return Done::Result(Err(Errno::ECHILD));
            };
            match glue::do_wait(machine.mem, task, pid) {
                Ok(Some((pid, status))) => {
                    machine.mem[machine.process].status = status;
                    Done::Result(Ok(i64::from(pid)))
                }
                Ok(None) => {
                    glue::sleep_for_child(machine.mem, task);
                    Done::Blocked
                }
                Err(errno) => Done::Result(Err(errno)),
            }
        }
        _ => {
            let pid = i32::try_from(values.value()).map_err(|_| Errno::ESRCH);
            let signal = values.next().unwrap_or(15);
            pid.and_then(|pid| glue::kill(machine.mem, task, pid, signal))
                .into()
        }
    }
}

fn exec_words(machine: &mut Machine<'_>) -> Done {
    let stack = machine.stack;
    let words = &stack[..machine.depth];
    let mut args = Args::default();
    for &word in words {
        if let Err(errno) = args.push(machine.text(word)) {
            return Done::Result(Err(errno));
        }
    }
    let path = words.first().map_or("", |&word| machine.text(word));
    let Ok(path) = Path::program(path) else {
        return Done::Result(Err(Errno::ENAMETOOLONG));
    };
    let path = path.text();
    match exec(machine.mem, machine.task, path, &args) {
        Ok(()) => {
            let cost = u64::from(Nr::Exec.call().cost_ns);
            machine.mem[machine.process].owed_system += cost;
            Done::Replaced
        }
        Err(errno) => Done::Result(Err(errno)),
    }
}

/// Time: spin, sleep, pause, yield, alarm.
fn times(machine: &mut Machine<'_>, nr: Nr, values: &mut Values<'_>) -> Done {
    let (task, process) = (machine.task, machine.process);
    let now = machine.mem[TASK].now;
    let duration = u64::try_from(values.value());
    let Ok(duration) = duration else {
        return Done::Result(Err(Errno::EINVAL));
    };
    match nr {
        Nr::Spin => {
            machine.mem[process].owed_user += duration;
            Done::Result(Ok(0))
        }
        Nr::Sleep => {
            if machine.mem[process].deadline == 0 {
                machine.mem[process].deadline = now.saturating_add(duration).max(1);
            }
            let deadline = machine.mem[process].deadline;
            if now >= deadline {
                return Done::Result(Ok(0));
            }
            wait::sleep(machine.mem, INTERRUPTIBLE, Why::Sleep);
            time::timer_arm(machine.mem, task, deadline);
            Done::Blocked
        }
        Nr::Pause => {
            wait::sleep(machine.mem, INTERRUPTIBLE, Why::Pause);
            Done::Blocked
        }
        Nr::Yield => Done::Yield,
        Nr::Alarm => {
            let alarm = match duration {
                0 => 0,
                _ => now.saturating_add(duration),
            };
            machine.mem[process].alarm = alarm;
            Done::Result(Ok(0))
        }
        _ => Done::Result(Ok(now as i64)),
    }
}

/// Memory that is promised.
fn maps(machine: &mut Machine<'_>, nr: Nr, values: &mut Values<'_>) -> Done {
    let mm = machine.mm();
    if mm.is_null() {
        return Done::Result(Err(Errno::ENOMEM));
    }
    let first = values.next();
    let first = first.map_or(Ok(0), u32::try_from);
    match (nr, first) {
        (Nr::Mmap, Err(_)) => Done::Result(Err(Errno::ENOMEM)),
        (_, Err(_)) => Done::Result(Err(Errno::EINVAL)),
        (Nr::Mmap, Ok(length)) => {
            let shared = values.next() == Some(4);
            let fd = values.next();
            let flags = VM_READ | VM_WRITE | if shared { VM_SHARED } else { 0 };
            map(machine, length, flags, shared, fd).into()
        }
        (Nr::Brk, Ok(brk)) => mm::do_brk(machine.mem, mm, brk).map(i64::from).into(),
        (_, Ok(address)) => {
            let length = values.number();
            let before = machine.mem[mm].rss();
            let done = length.and_then(|length| mm::do_munmap(machine.mem, mm, address, length));
            let freed = before.saturating_sub(machine.mem[mm].rss());
            machine.mem[machine.process].owed_system += u64::from(freed) * u64::from(COPY_NS) / 4;
            done.into()
        }
    }
}

/// Maps memory, or a file that is open.
fn map(
    machine: &mut Machine<'_>,
    length: u32,
    mut flags: u32,
    shared: bool,
    fd: Option<i64>,
) -> Result<i64, Errno> {
    let mm = machine.mm();
    let file = match fd {
        None => None,
        Some(fd) => {
            let fd = u32::try_from(fd).map_err(|_| Errno::EBADF)?;
            let file = fs::fd_get(machine.mem, machine.task, fd)?;
            let file = machine.mem[file];
            if !file.is_readable() {
                return Err(Errno::EACCES);
            }
            // What may not be written through the file may not through memory.
            if shared && !file.is_writable() {
                flags &= !VM_WRITE;
            }
            Some((file.dentry, 0))
        }
    };
    mm::do_mmap(machine.mem, mm, 0, length, flags, file).map(i64::from)
}

/// Memory that is used: page faults, and what follows from bad ones.
fn touches(machine: &mut Machine<'_>, nr: Nr, values: &mut Values<'_>) -> Done {
    let address = values.value();
    let second = values.value();
    // There is no memory behind 32 bits, but somebody may ask for it.
    let start = u32::try_from(address).unwrap_or(u32::MAX);
    let mm = machine.mm();
    if mm.is_null() {
        return fault(machine, start, Errno::EFAULT);
    }
    match nr {
        Nr::Peek => {
            let mut bytes = [0; 8];
            match with_cost(machine, |mem| mm::read_user(mem, mm, start, &mut bytes)) {
                Ok(()) => Done::Result(Ok(i64::from_le_bytes(bytes))),
                Err(errno) => fault(machine, start, errno),
            }
        }
        Nr::Poke => {
            let bytes = second.to_le_bytes();
            match with_cost(machine, |mem| mm::write_user(mem, mm, start, &bytes)) {
                Ok(()) => Done::Result(Ok(0)),
                Err(errno) => fault(machine, start, errno),
            }
        }
        _ => walk_pages(machine, start, second, nr == Nr::Touch),
    }
}

/// Adds what page faults cost to what is owed.
fn with_cost<T>(machine: &mut Machine<'_>, action: impl FnOnce(&mut Mem) -> T) -> T {
    let before = machine.mem[mm::MM].faults;
    let result = action(machine.mem);
    let faults = machine.mem[mm::MM].faults - before;
    machine.mem[machine.process].owed_system += faults * u64::from(FAULT_NS + COPY_NS);
    result
}

/// User time of a page that is touched and is there.
const TOUCH_NS: u64 = 100;

/// Touches a page after the other, as long as there is time.
fn walk_pages(machine: &mut Machine<'_>, start: u32, length: i64, write: bool) -> Done {
    let (mm, process) = (machine.mm(), machine.process);
    let length = length.max(0) as u64;
    let mut spent = 0;
    loop {
        let Process { progress, .. } = machine.mem[process];
        if progress >= length {
            let begin = u64::from(start % PAGE_SIZE);
            let pages = (begin + length).div_ceil(u64::from(PAGE_SIZE));
            return Done::Result(Ok(if length == 0 { 0 } else { pages as i64 }));
        }
        // Whoever was killed for memory takes no more of it.
        if machine.mem[machine.task].has(Tif::MemDie) {
            return Done::Again;
        }
        if spent >= machine.time_left || (spent > 0 && machine.mem.charge(1).is_err()) {
            return Done::Again;
        }
        let at = u32::try_from(u64::from(start) + progress).unwrap_or(u32::MAX);
        if mm::access(machine.mem, mm, at, write).is_none() {
            let served = mm::handle_mm_fault(machine.mem, mm, at, write);
            if let Err(errno) = served {
                return fault(machine, at, errno);
            }
            let cost = u64::from(FAULT_NS + COPY_NS);
            machine.mem[process].owed_system += cost;
            spent += cost;
        }
        machine.mem[process].owed_user += TOUCH_NS;
        spent += TOUCH_NS;
        let rest = PAGE_SIZE - at % PAGE_SIZE;
        machine.mem[process].progress = progress + u64::from(rest);
    }
}

/// A program has touched what it may not, or there is no memory for it: a signal for it, and a line in
/// the kernel's log.
fn fault(machine: &mut Machine<'_>, address: u32, errno: Errno) -> Done {
    if errno == Errno::ERESTARTSYS {
        return Done::Blocked;
    }
    let task = machine.task;
    let Process { line, .. } = machine.mem[machine.process];
    let pid = machine.mem[task].pid;
    let mut name = fs::Name::EMPTY;
    // A name has room in a name.
    let _ = name.write_str(machine.mem[task].comm());
    let comm = name.text();
    let signal = match errno {
        Errno::ENOMEM => {
            // The killer has said so of whom it killed.
            if !machine.mem[task].has(Tif::MemDie) {
                let log = format_args!("VM: killing process {comm}");
                machine.mem.printk(log);
            }
            Signal::Kill
        }
        Errno::EIO => Signal::Bus,
        _ => {
            let log = format_args!("{comm}[{pid}]: segfault at {address:08x} line {line}");
            machine.mem.printk(log);
            Signal::Segv
        }
    };
    match glue::force_sig(machine.mem, task, signal) {
        true => Done::Result(Err(Errno::EFAULT)),
        false => Done::Exited,
    }
}

/// Files.
fn files(machine: &mut Machine<'_>, nr: Nr, values: &mut Values<'_>) -> Done {
    let task = machine.task;
    match nr {
        Nr::Open => {
            let path = Path::of(machine.text(values.value()));
            let flags = match values.next() {
                Some(1) => fs::OVERWRITE,
                Some(2) => fs::APPEND,
                Some(3) => fs::O_RDWR | fs::O_CREAT,
                _ => fs::O_RDONLY,
            };
            path.and_then(|path| open(machine.mem, task, path.text(), flags))
                .into()
        }
        Nr::Close => {
            let fd = values.fd();
            fd.and_then(|fd| fs::fd_close(machine.mem, task, fd)).into()
        }
        Nr::Read | Nr::Write => transfer(machine, nr == Nr::Write, values).into(),
        Nr::Getline => getline(machine, values).into(),
        Nr::Print => print(machine, Ok(1), values).into(),
        Nr::Say => {
            let fd = values.fd();
            print(machine, fd, values).into()
        }
        Nr::Pipe => glue::pipe(machine.mem, task)
            .map(|ends| {
                for fd in ends {
                    let variable = values.value() as usize % super::VARIABLES_MAX;
                    machine.mem[machine.process].variables[variable] = i64::from(fd);
                }
                0
            })
            .into(),
        Nr::Dup => {
            let fd = values.fd();
            let new = values.next();
            let new = new.map(|new| u32::try_from(new).map_err(|_| Errno::EBADF));
            fd.and_then(|fd| match new {
                None => fs::dup(machine.mem, task, fd),
                Some(new) => fs::dup2(machine.mem, task, fd, new?),
            })
            .map(i64::from)
            .into()
        }
        _ => {
            let file = values.fd().and_then(|fd| fs::fd_get(machine.mem, task, fd));
            let position = u64::try_from(values.value()).map_err(|_| Errno::EINVAL);
            file.and_then(|file| glue::seek(machine.mem, file, position?))
                .into()
        }
    }
}

/// Waits until something can be done with a file.
fn poll(machine: &mut Machine<'_>, values: &mut Values<'_>) -> Done {
    let (task, process) = (machine.task, machine.process);
    let file = values.fd();
    let file = file.and_then(|fd| fs::fd_get(machine.mem, task, fd));
    let timeout = values.next().map(u64::try_from);
    let (Ok(file), None | Some(Ok(_))) = (file, timeout) else {
        return Done::Result(Err(file.err().unwrap_or(Errno::EINVAL)));
    };
    let now = machine.mem[TASK].now;
    if let Some(Ok(timeout)) = timeout
        && machine.mem[process].deadline == 0
    {
        machine.mem[process].deadline = now.saturating_add(timeout).max(1);
    }
    let polled = match fs::poll(machine.mem, file) {
        Ok(polled) => polled,
        Err(errno) => return Done::Result(Err(errno)),
    };
    let deadline = machine.mem[process].deadline;
    if polled.events != 0 || (deadline != 0 && now >= deadline) {
        return Done::Result(Ok(i64::from(polled.events)));
    }
    match polled.queue {
        queue if queue.is_null() => wait::sleep(machine.mem, INTERRUPTIBLE, Why::Poll),
        queue => {
            let exclusive = polled.exclusive;
            wait::sleep_on(machine.mem, queue, INTERRUPTIBLE, exclusive, Why::Poll);
        }
    }
    if deadline != 0 {
        time::timer_arm(machine.mem, task, deadline);
    }
    Done::Blocked
}

fn open(mem: &mut Mem, task: Ref<Task>, path: &str, flags: u32) -> Result<i64, Errno> {
    let file = fs::open(mem, path, flags, 0o666)?;
    let fd = fs::fd_install(mem, task, file).inspect_err(|_| fs::close(mem, file))?;
    Ok(i64::from(fd))
}

/// Reads to memory or writes from it, a page at most.
fn transfer(machine: &mut Machine<'_>, write: bool, values: &mut Values<'_>) -> Result<i64, Errno> {
    let file = values.fd()?;
    let file = fs::fd_get(machine.mem, machine.task, file)?;
    let address = u32::try_from(values.value()).map_err(|_| Errno::EFAULT)?;
    let length = values.number()? as usize;
    let mm = machine.mm();
    if mm.is_null() {
        return Err(Errno::EFAULT);
    }
    let mut buffer = [0; FRAME_SIZE];
    let buffer = &mut buffer[..length.min(FRAME_SIZE)];
    let count = if write {
        with_cost(machine, |mem| mm::read_user(mem, mm, address, buffer)).map_err(as_user)?;
        fs::write(machine.mem, file, buffer)?
    } else {
        // What was read must not be lost to a bad address: the pages come first.
        with_cost(machine, |mem| reach(mem, mm, address, buffer.len())).map_err(as_user)?;
        let count = fs::read(machine.mem, file, buffer)?;
        let bytes = &buffer[..count];
        without_waiting(machine.mem, |mem| mm::write_user(mem, mm, address, bytes))
            .map_err(as_user)?;
        count
    };
    machine.mem[machine.process].owed_system +=
        count as u64 * u64::from(COPY_NS) / FRAME_SIZE as u64;
    Ok(count as i64)
}

/// What a call says of a page that could not be had.
fn as_user(errno: Errno) -> Errno {
    match errno {
        Errno::EIO | Errno::ENOMEM => Errno::EFAULT,
        errno => errno,
    }
}

/// Does what cannot be done again: what was taken out of a pipe is there no more.
fn without_waiting<T>(mem: &mut Mem, action: impl FnOnce(&mut Mem) -> T) -> T {
    reclaim::may_wait(mem, false);
    let result = action(mem);
    reclaim::may_wait(mem, true);
    result
}

/// Makes a range of user memory writable, by faults if need be.
fn reach(mem: &mut Mem, mm: Ref<mm::Mm>, address: u32, length: usize) -> Result<(), Errno> {
    let end = u64::from(address) + length as u64;
    let mut at = u64::from(address);
    while at < end {
        let page = u32::try_from(at).map_err(|_| Errno::EFAULT)?;
        if mm::translate(mem, mm, page, true).is_none() {
            mm::handle_mm_fault(mem, mm, page, true)?;
        }
        at = (at / u64::from(PAGE_SIZE) + 1) * u64::from(PAGE_SIZE);
    }
    Ok(())
}

/// Reads a line, byte by byte, so that a pipe's next reader finds the next line.
fn getline(machine: &mut Machine<'_>, values: &mut Values<'_>) -> Result<i64, Errno> {
    let fd = values.fd()?;
    let file = fs::fd_get(machine.mem, machine.task, fd)?;
    let mm = machine.mm();
    if mm.is_null() {
        return Err(Errno::EFAULT);
    }
    with_cost(machine, |mem| reach(mem, mm, LINE_BUFFER, LINE_MAX)).map_err(as_user)?;
    loop {
        let Process { progress, .. } = machine.mem[machine.process];
        let at = LINE_BUFFER + progress as u32;
        let mut byte = [0];
        let count = fs::read(machine.mem, file, &mut byte)?;
        let ends = count == 0 || byte[0] == b'\n' || progress as usize == LINE_MAX - 2;
        let is_text = count > 0 && byte[0] != b'\n';
        let line = [if is_text { byte[0] } else { 0 }, 0];
        let bytes = &line[..1 + usize::from(is_text)];
        without_waiting(machine.mem, |mem| mm::write_user(mem, mm, at, bytes)).map_err(as_user)?;
        machine.mem[machine.process].progress += count as u64;
        if ends {
            return Ok(machine.mem[machine.process].progress as i64);
        }
    }
}

/// Writes texts with blanks between them, and an end of line.
fn print(
    machine: &mut Machine<'_>,
    fd: Result<u32, Errno>,
    values: &mut Values<'_>,
) -> Result<i64, Errno> {
    let file = fs::fd_get(machine.mem, machine.task, fd?)?;
    let mut line = [0; 2048 + 32];
    let mut length = 0;
    let mut is_first = true;
    while let Some(value) = values.next() {
        if !core::mem::replace(&mut is_first, false) {
            line[length] = b' ';
            length += 1;
        }
        let text = machine.text(value).as_bytes();
        line[length..length + text.len()].copy_from_slice(text);
        length += text.len();
    }
    line[length] = b'\n';
    length += 1;
    // What a full terminal did not take comes when it has room.
    loop {
        let done = machine.mem[machine.process].progress as usize;
        if done >= length {
            return Ok(length as i64);
        }
        let count = fs::write(machine.mem, file, &line[done..length])?;
        machine.mem[machine.process].progress += count as u64;
        if count == 0 {
            return Err(Errno::ENOSPC);
        }
    }
}

/// Calls that only look something up or change a number.
fn small(machine: &mut Machine<'_>, nr: Nr, values: &mut Values<'_>) -> Result<i64, Errno> {
    let (task, process) = (machine.task, machine.process);
    match nr {
        Nr::Getpid => Ok(i64::from(machine.mem[task].tgid)),
        Nr::Gettid => Ok(i64::from(machine.mem[task].pid)),
        Nr::Getppid => {
            let parent = machine.mem[task].parent;
            Ok(i64::from(machine.mem[parent].tgid))
        }
        Nr::Getuid => Ok(i64::from(machine.mem[task].cred.uid)),
        Nr::Setuid => {
            let uid = values.number()?;
            glue::setuid(machine.mem, task, uid).map(|()| 0)
        }
        Nr::Nice => {
            let step = values.value().clamp(-40, 40) as i32;
            glue::nice(machine.mem, task, step).map(i64::from)
        }
        Nr::Random => {
            let below = u64::try_from(values.value()).unwrap_or(0);
            let seed = mix(machine.mem[process].seed, 1);
            machine.mem[process].seed = seed;
            match below {
                0 => Err(Errno::EINVAL),
                _ => Ok(((seed >> 1) % below) as i64),
            }
        }
        Nr::Ignore | Nr::Default => {
            let signal = values
                .number()
                .ok()
                .filter(|signal| (1..32).contains(signal))
                // Nobody chooses what KILL and STOP do.
                .filter(|signal| 1 << (signal - 1) & UNSTOPPABLE == 0);
            let signal = signal.ok_or(Errno::EINVAL)?;
            let choice = match nr {
                Nr::Ignore => glue::IGNORE,
                _ => glue::DEFAULT,
            };
            glue::set_disposition(machine.mem, task, signal, choice);
            Ok(0)
        }
        Nr::Shift => {
            let Process { argc, shifted, .. } = machine.mem[process];
            if shifted >= argc {
                return Err(Errno::EINVAL);
            }
            machine.mem[process].shifted += 1;
            Ok(0)
        }
        _ => paths(machine, nr, values),
    }
}

/// Calls that take a path.
fn paths(machine: &mut Machine<'_>, nr: Nr, values: &mut Values<'_>) -> Result<i64, Errno> {
    let path = Path::of(machine.text(values.value()))?;
    let path = path.text();
    let done = match nr {
        Nr::Mkdir => fs::mkdir(machine.mem, path, 0o777),
        Nr::Rmdir => fs::rmdir(machine.mem, path),
        Nr::Unlink => fs::unlink(machine.mem, path),
        Nr::Chdir => fs::chdir(machine.mem, path),
        _ => Err(Errno::ENOSYS),
    };
    done.map(|()| 0)
}

/// Says on a task's descriptor 2 what is wrong with its program, as far as there is room.
pub(super) fn complain(mem: &mut Mem, task: Ref<Task>, message: fmt::Arguments<'_>) {
    let mut line = Line {
        bytes: [0; 128],
        length: 0,
    };
    // What has no room is cut.
    let _ = write!(line, "{}: {message}", mem[task].comm());
    line.length = line.length.min(line.bytes.len() - 1);
    line.bytes[line.length] = b'\n';
    match fs::fd_get(mem, task, 2) {
        Ok(file) => {
            let _ = fs::write(mem, file, &line.bytes[..=line.length]);
        }
        Err(_) => {
            let text = core::str::from_utf8(&line.bytes[..line.length]).unwrap_or("?");
            mem.printk(format_args!("{text}"));
        }
    }
}

/// A path, copied out of the machine's texts, so that the kernel may change while it is used.
struct Path {
    bytes: [u8; 1024],
    length: usize,
}

impl Path {
    fn of(text: &str) -> Result<Path, Errno> {
        let mut path = Path {
            bytes: [0; 1024],
            length: 0,
        };
        path.push(text)?;
        Ok(path)
    }

    /// The path of a program: one without a slash is in `/bin`.
    fn program(text: &str) -> Result<Path, Errno> {
        if text.contains('/') {
            return Path::of(text);
        }
        let mut path = Path::of("/bin/")?;
        path.push(text)?;
        Ok(path)
    }

    fn push(&mut self, text: &str) -> Result<(), Errno> {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end);
        room.ok_or(Errno::ENAMETOOLONG)?
            .copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }

    fn text(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.length]).unwrap_or("")
    }
}

struct Line {
    bytes: [u8; 128],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let slot = self.bytes.get_mut(self.length).ok_or(fmt::Error)?;
            *slot = byte;
            self.length += 1;
        }
        Ok(())
    }
}

const _: () = assert!(NR_OPEN <= 32);
