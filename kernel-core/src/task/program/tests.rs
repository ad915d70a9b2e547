//! Programs, compiled and run by hand: no scheduler, the test passes the time.

extern crate std;

use std::string::{String, ToString};
use std::{format, vec::Vec};

use super::*;
use crate::Kernel;
use crate::fs;
use crate::machine::{Machine, MachineConfig};
use crate::mem::{MEM, Ram};
use crate::task::sched::Outcome;
use crate::task::{self, EXIT_ZOMBIE, fork, mm};
use crate::tty;

struct Console;

impl Machine for Console {
    fn console_write(&mut self, _: &[u8]) {}
}

struct Lab {
    kernel: Kernel,
}

impl Lab {
    fn new(header: &str) -> Lab {
        let config = MachineConfig::parse(header).expect("a good header");
        let ram = Ram::new(config.frames).expect("memory for the test");
        Lab {
            kernel: Kernel::boot(ram, &config).expect("the machine boots"),
        }
    }

    fn mem(&mut self) -> &mut Mem {
        &mut self.kernel.mem
    }

    #[track_caller]
    fn check(&self) {
        self.kernel.check().expect("every invariant holds");
    }

    /// A child of the shell.
    fn task(&mut self) -> Ref<Task> {
        let mem = self.mem();
        let shell = mem[TASK].init;
        let task = fork::copy_process(mem, shell, fork::FORK).expect("a task");
        mem[task].files = task::alloc_files(mem).expect("room for files");
        task
    }

    /// Writes a program to a file.
    fn write(&mut self, path: &str, text: &str) {
        // Who runs the text keeps others from writing to it.
        let _ = fs::unlink(self.mem(), path);
        let file = fs::open(self.mem(), path, fs::OVERWRITE, 0o755).expect("a file");
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let count = fs::write(self.mem(), file, rest).expect("room");
            rest = &rest[count..];
        }
        fs::close(self.mem(), file);
    }

    /// A task that runs a program with these arguments, its output in `/out`.
    fn start(&mut self, text: &str, args: &[&str]) -> Ref<Task> {
        self.write("/p", text);
        self.start_path("/p", args)
    }

    fn start_path(&mut self, path: &str, args: &[&str]) -> Ref<Task> {
        let task = self.task();
        for fd in 0..3 {
            let file = fs::open(self.mem(), "/out", fs::OVERWRITE, 0o644).expect("a file");
            assert_eq!(fs::fd_install(self.mem(), task, file), Ok(fd));
        }
        let mut all = std::vec![path];
        all.extend(args);
        let args = Args::of(&all).expect("few arguments");
        exec(self.mem(), task, path, &args).expect("it runs");
        self.check();
        task
    }

    /// Lets a task run until it does not, and returns how that was.
    fn go(&mut self, task: Ref<Task>) -> Outcome {
        for _ in 0..10_000 {
            self.mem()[MEM].steps_left = 1_000_000;
            // Nobody else is to run.
            self.mem()[task::sched::rq(0)].need_resched = 0;
            let ran = run(self.mem(), task, 1_000_000);
            self.check();
            self.mem()[TASK].now += ran.used_ns;
            if ran.outcome != Outcome::Again {
                return ran.outcome;
            }
        }
        panic!("it runs for ten seconds");
    }

    fn out(&mut self) -> String {
        self.read("/out")
    }

    fn read(&mut self, path: &str) -> String {
        let file = fs::open(self.mem(), path, fs::O_RDONLY, 0).expect("a file");
        let mut text = [0; 8192];
        let length = fs::read(self.mem(), file, &mut text).expect("text");
        fs::close(self.mem(), file);
        String::from_utf8(text[..length].to_vec()).expect("text")
    }
}

/// What a program prints that runs to its end.
#[track_caller]
fn prints(text: &str, args: &[&str]) -> String {
    let mut lab = Lab::new("mem=4M");
    let task = lab.start(text, args);
    assert_eq!(lab.go(task), Outcome::Exited);
    lab.out()
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(
        prints(text, &["7", "slow", "64K", "5ms"]),
        expected,
        "{text}"
    );
}

#[test]
fn values() {
    check("print 1 $# $1 $2", "1 4 7 slow\n");
    check("x = 2 + 3 * 4\nprint $x", "14\n");
    check("x = 10 - 3 - 2\nprint $x", "5\n");
    check("x = 7 / 2\ny = -7 % 4\nprint $x $y", "3 -3\n");
    check("x = $3\ny = $4\nprint $x $y", "65536 5000000\n");
    check("x = $9 else 3\ny = $1 else 3\nprint $x $y", "3 7\n");
    check("x = 1 < 2 and 2 < 1 or 5 >= 5\nprint $x", "1\n");
    check("x = not 3 > 2\nprint $x", "0\n");
    check("x = -ENOMEM\nprint $x", "-12\n");
    check("x = 0x1f + 1K\nprint \"is $x.\"", "is 1055.\n");
    check("print \"a  b\" $*", "a  b 7 slow 64K 5ms\n");
    check(
        "print \"$# arguments: $*.\" \"5 $ for $\"",
        "4 arguments: 7 slow 64K 5ms. 5 $ for $\n",
    );
    check("shift\nshift\nprint $# $1 $*", "2 64K 64K 5ms\n");
}

#[test]
fn blocks() {
    check("if $2 == slow\nprint a\nelse\nprint b\nend", "a\n");
    check(
        "if $2 != slow\nprint a\nelse if $1 == 7\nprint b\nelse\nprint c\nend",
        "b\n",
    );
    check(
        "if 0\nprint a\nelse if 0\nprint b\nelse\nprint c\nend\nprint d",
        "c\nd\n",
    );
    check(
        "i = 0\nwhile $i < 3\nprint $i\ni = $i + 1\nend",
        "0\n1\n2\n",
    );
    check("repeat 2\nrepeat 2\nprint x\nend\nend", "x\nx\nx\nx\n");
    check("repeat 0\nprint x\nend\nrepeat -1\nprint y\nend", "");
    check(
        "i = 0\nforever\ni = $i + 1\nif $i == 2\ncontinue\nend\nif $i == 4\nbreak\nend\nprint $i\nend",
        "1\n3\n",
    );
    check(
        "print a # a comment\n# another\n\n\nprint \"#b\"",
        "a\n#b\n",
    );
}

#[test]
fn bad_programs_are_refused_with_their_line() {
    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = compile(text).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    }
    refused(
        "print a\nfrok",
        "line 2: there is no call of this name: frok",
    );
    refused("x = $y", "line 1: this variable was never set: $y");
    refused(
        "x = 12x",
        "line 1: this is neither a number nor a variable: 12x",
    );
    refused(
        "\n\nif 1\nprint",
        "line 3: the block that begins here has no end",
    );
    refused("end", "line 1: there is no block to end");
    refused("else", "line 1: there is no if for this else");
    refused("break", "line 1: this is for loops");
    refused("print \"a", "line 1: a quote is not closed: a");
    refused(
        "kill 1 NONE",
        "line 1: there is no signal of this name: NONE",
    );
    refused(
        "open /a now",
        "line 1: this is not one of the words that may stand here: now",
    );
    refused("mkdir", "line 1: arguments are missing: PATH");
    refused(
        "getpid 1",
        "line 1: too many arguments, or an operator is missing before this: 1",
    );
    refused(
        "9x = 1",
        "line 1: this cannot be the name of a variable: 9x",
    );
    refused(
        "if 1\non TERM\nend\nend",
        "line 2: a handler cannot stand in another block",
    );
    refused("x = 1 +", "line 1: a value is expected here");
    refused(
        "x = 99999999999999999999",
        "line 1: this is neither a number nor a variable: 99999999999999999999",
    );
    let deep = "if 1\n".repeat(20);
    refused(&deep, "line 13: too many blocks within blocks");
    let long = "print a b c d e f\n".repeat(200);
    refused(&long, "line 74: the program is too long");
    let many: String = (0..30).map(|n| format!("v{n} = 1\n")).collect();
    refused(&many, "line 25: a program has 24 variables at most");
}

#[test]
fn a_refused_exec_changes_nothing_and_says_why() {
    let mut lab = Lab::new("mem=4M");
    let task = lab.start("pause", &[]);
    let before = (lab.mem()[task].mm, lab.mem()[task].program);
    lab.write("/bad", "print a\nfly\n");
    let args = Args::of(&["/bad"]).unwrap();
    assert_eq!(exec(lab.mem(), task, "/bad", &args), Err(Errno::ENOEXEC));
    assert_eq!(exec(lab.mem(), task, "/none", &args), Err(Errno::ENOENT));
    assert_eq!(exec(lab.mem(), task, "/proc", &args), Err(Errno::EACCES));
    assert_eq!(
        exec(lab.mem(), task, "/proc/meminfo", &args),
        Err(Errno::EACCES)
    );
    lab.write("/long", &"#\n".repeat(3000));
    assert_eq!(exec(lab.mem(), task, "/long", &args), Err(Errno::ENOEXEC));
    lab.check();
    assert_eq!((lab.mem()[task].mm, lab.mem()[task].program), before);
    let mut log = [0; 4096];
    let length = lab.mem().read_log(0, &mut log);
    let log = core::str::from_utf8(&log[..length]).unwrap();
    let line = "exec: /bad: line 2: there is no call of this name: fly\n";
    assert!(log.contains(line), "{log}");
    // Whatever allocation fails, nothing is left behind.
    for nth in 1.. {
        let (free, mms) = (lab.mem().free_frames(), lab.mem()[mm::MM].nr_mms);
        lab.mem().set_fail_nth(nth);
        let args = Args::of(&["/bin/spin", "1s"]).unwrap();
        let done = exec(lab.mem(), task, "/bin/spin", &args);
        let left = lab.mem()[MEM].fail_nth;
        lab.mem().set_fail_nth(0);
        lab.check();
        if left > 0 {
            done.expect("nothing failed");
            assert!(nth > 5);
            break;
        }
        assert_eq!(done, Err(Errno::ENOMEM), "allocation {nth}");
        assert_eq!(lab.mem()[mm::MM].nr_mms, mms);
        // Slabs and cached pages may have come.
        assert!(lab.mem().free_frames() + 12 >= free);
    }
}

#[test]
fn all_of_bin_compiles_and_is_described() {
    assert!(bin::PROGRAMS.is_sorted_by_key(|(name, _)| *name));
    for (name, text) in bin::PROGRAMS {
        compile(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.starts_with(&format!("# {name}")), "{name}");
    }
    for call in CALLS {
        assert!(
            usize::from(call.required) <= call.kinds.len(),
            "{}",
            call.name
        );
    }
}

#[test]
fn time_is_taken_and_told() {
    let mut lab = Lab::new("mem=4M");
    let task = lab.start("spin 10ms\ngetpid\ngetpid", &[]);
    let mut used = 0;
    lab.mem()[MEM].steps_left = 1_000_000;
    loop {
        let ran = run(lab.mem(), task, 1_000_000);
        used += ran.used_ns;
        assert!(ran.used_ns <= 1_000_000);
        if ran.outcome == Outcome::Exited {
            break;
        }
        assert_eq!((ran.used_ns, ran.outcome), (1_000_000, Outcome::Again));
    }
    // Three lines, and two calls of a microsecond; the last line's end costs nothing more.
    assert_eq!(used, 10_000_000 + 4 * 500 + 2 * 1000);
    assert_eq!(lab.mem()[task].utime, 10_000_000 + 4 * 500);
    assert_eq!(lab.mem()[task].stime, 2 * 1000);
}

#[test]
fn images_are_shared() {
    let mut lab = Lab::new("mem=4M");
    let one = lab.start("pause", &[]);
    let other = lab.start("pause", &[]);
    assert_eq!(lab.mem()[PROGRAMS].nr_images, 1);
    let third = lab.start("pause # another", &[]);
    assert_eq!(lab.mem()[PROGRAMS].nr_images, 2);
    for task in [one, other, third] {
        assert_eq!(lab.go(task), Outcome::Blocked);
        task::exit::do_group_exit(lab.mem(), task, 0);
        lab.check();
    }
    assert_eq!(lab.mem()[PROGRAMS].nr_images, 0);
}

#[test]
fn forks_share_pages_until_somebody_writes() {
    let mut lab = Lab::new("mem=4M");
    let text = "m = mmap 16K\ntouch $m 16K\npoke $m 5\nchild = fork\n\
        if $child == 0\nx = peek $m\npoke $m 6\ny = peek $m\nprint child $x $y\nexit 3\nend\n\
        pause";
    let parent = lab.start(text, &[]);
    assert_eq!(lab.go(parent), Outcome::Blocked);
    let child = task::children(lab.mem(), parent).next().expect("a child");
    let (old, new) = (lab.mem()[parent].mm, lab.mem()[child].mm);
    let rss = |lab: &mut Lab| (lab.mem()[old].anon_rss, lab.mem()[new].anon_rss);
    assert_eq!(rss(&mut lab), (5, 5));
    let anon = lab.mem()[mm::MM].nr_anon;
    assert_eq!(anon, 5);
    let copies = lab.mem()[mm::MM].copies;
    assert_eq!(lab.go(child), Outcome::Exited);
    assert_eq!(lab.out(), "child 5 6\n");
    assert_eq!(lab.mem()[mm::MM].copies, copies + 1);
    assert_eq!(lab.mem()[child].exit_state, EXIT_ZOMBIE);
    assert_eq!(lab.mem()[mm::MM].nr_anon, 5);
    let mut bytes = [0; 1];
    let m = mm::TASK_UNMAPPED_BASE;
    mm::read_user(lab.mem(), old, m, &mut bytes).unwrap();
    assert_eq!(bytes, [5]);
}

#[test]
fn bad_addresses_end_a_program() {
    let mut lab = Lab::new("mem=4M");
    lab.mem()[crate::mem::reclaim::RECLAIM].overcommit_memory = 1;
    for (text, signal) in [
        ("x = peek 0", 11),
        ("poke 0x8048000 1", 11),
        ("x = peek -1", 11),
        ("touch 0xbf000000 4096", 11),
        ("f = open /p\nm = mmap 8K private $f\nlook $m 8K", 7),
        ("m = mmap 1G\ntouch $m 1G", 9),
    ] {
        let task = lab.start(text, &[]);
        assert_eq!(lab.go(task), Outcome::Exited, "{text}");
        assert_eq!(lab.mem()[task].exit_code, signal, "{text}");
    }
    // The stack grows by itself.
    let task = lab.start("touch 0xbfff0000 64K\nprint $?", &[]);
    assert_eq!(lab.go(task), Outcome::Exited);
    assert_eq!(lab.out(), "16\n");
}

#[test]
fn signals_run_handlers() {
    let text = "n = 0\non USR1\nn = $n + 1\nprint got $signal\nend\n\
        kill $$ USR1\nprint $n\nignore TERM\nkill $$ TERM\nkill $$ USR1\nprint $n\nx = pause\n\
        print woken $x";
    let mut lab = Lab::new("mem=4M");
    let task = lab.start(text, &[]);
    assert_eq!(lab.go(task), Outcome::Blocked);
    assert_eq!(lab.out(), "got 10\n1\ngot 10\n2\n");
    task::signal::group_send_sig(lab.mem(), task::signal::Signal::Usr1, task);
    assert_eq!(lab.go(task), Outcome::Exited);
    assert_eq!(lab.out(), "got 10\n1\ngot 10\n2\ngot 10\nwoken -4\n");
}

#[test]
fn files_and_lines() {
    let mut lab = Lab::new("mem=4M");
    lab.write("/in", "one two\n\nlast");
    let text = "f = open /in\nwhile 1\nn = getline $f\nif $n <= 0\nbreak\nend\nprint \"$n:$line\"\nend\n\
        x = open /none\nprint \"$x $error\"\nmkdir /d\nmkdir /d\nprint $error\n\
        f = open /d/o write\nsay $f hello\nclose $f\nf = open /d/o\nb = mmap 4K\nn = read $f $b 4K\nwrite 1 $b $n\n\
        x = read $f 0 10\nprint $x\nx = close 9\nprint $x";
    let task = lab.start(text, &[]);
    assert_eq!(lab.go(task), Outcome::Exited);
    let expected =
        "8:one two\n1:\n4:last\n-2 No such file or directory\nFile exists\nhello\n-14\n-9\n";
    assert_eq!(lab.out(), expected);
}

#[test]
fn cat_prints_itself() {
    let mut lab = Lab::new("mem=4M");
    let task = lab.start_path("/bin/cat", &["/bin/cat", "/bin/true"]);
    assert_eq!(lab.go(task), Outcome::Exited);
    let text = |name: &str| bin::PROGRAMS.iter().find(|row| row.0 == name).unwrap().1;
    assert_eq!(lab.out(), format!("{}{}", text("cat"), text("true")));
}

#[test]
fn a_waiting_parent_goes_on() {
    let mut lab = Lab::new("mem=4M");
    let text = "c = fork\nif $c == 0\nexit 3\nend\nw = wait\nif $w == $c\nprint same $status\nend\nx = wait\nprint $x";
    let parent = lab.start(text, &[]);
    assert_eq!(lab.go(parent), Outcome::Blocked);
    let child = task::children(lab.mem(), parent).next().expect("a child");
    assert_eq!(lab.go(child), Outcome::Exited);
    assert_eq!(lab.go(parent), Outcome::Exited);
    assert_eq!(lab.out(), "same 3\n-10\n");
}

#[test]
fn threads_share_memory_and_have_their_own_variables() {
    let mut lab = Lab::new("mem=4M");
    let text =
        "m = mmap 4K\nx = 1\nt = clone\nif $t == 0\nx = 2\npoke $m 9\nexit_thread\nend\npause";
    let task = lab.start(text, &[]);
    assert_eq!(lab.go(task), Outcome::Blocked);
    let signal = lab.mem()[task].signal;
    let thread = task::threads(lab.mem(), signal).nth(1).expect("a thread");
    let mm = lab.mem()[task].mm;
    assert_eq!(lab.mem()[thread].mm, mm);
    assert_eq!(lab.go(thread), Outcome::Exited);
    let mut bytes = [0; 1];
    mm::read_user(lab.mem(), mm, mm::TASK_UNMAPPED_BASE, &mut bytes).unwrap();
    assert_eq!(bytes, [9]);
    let values: Vec<_> = variables(lab.mem(), task)
        .map(|(name, value)| (name.to_string(), value))
        .collect();
    assert!(values.contains(&("x".to_string(), 1)));
    let _ = (tty::room(lab.mem()), Console);
}
