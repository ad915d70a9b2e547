//! Programs at the console: in the foreground, in the background, stopped, killed.

extern crate std;

use std::format;

use crate::testing::Lab;
use crate::testing::Random;

/// Runs lines on a small machine and compares what each prints.
#[track_caller]
fn check(lines: &[(&str, &str)]) {
    let mut lab = Lab::new("mem=16M cpus=2");
    for (line, expected) in lines {
        assert_eq!(lab.run(line), *expected, "{line}");
    }
}

#[test]
fn a_program_in_the_foreground_gives_its_status() {
    check(&[
        ("/bin/true; echo $?", "0\n"),
        ("/bin/false; echo $?", "1\n"),
        ("/bin/false || /bin/echo a  b", "a b\n"),
        ("/bin/echo to a file > f; cat f", "to a file\n"),
        (
            "spin 10ms; ps",
            "  PID TTY          TIME CMD\n    1 tty1     00:00:00 sh\n",
        ),
        (
            "segv; echo $?",
            "Segmentation fault\n139\nsegv[106]: segfault at 00000000 line 2\n",
        ),
        (
            "echo nonsense > bad; ./bad; echo $?",
            "sh: ./bad: Permission denied\n126\n",
        ),
        ("echo $$ $!.", "1 .\n"),
    ]);
}

#[test]
fn jobs_run_are_told_of_and_waited_for() {
    check(&[
        ("spin 1s &", "[1] 100\n"),
        ("/bin/sleep 5s & echo $!", "[2] 101\n101\n"),
        (
            "jobs",
            "[1]-  Running                 spin 1s &\n[2]+  Running                 /bin/sleep 5s &\n",
        ),
        ("sleep 2", "[1]-  Done                    spin 1s\n"),
        ("jobs", "[2]+  Running                 /bin/sleep 5s &\n"),
        ("/bin/false &", "[3] 102\n"),
        ("wait 102; echo $?", "1\n"),
        ("spin & kill %3; wait %3; echo $?", "[3] 103\n143\n"),
        ("wait", "[2]+  Done                    /bin/sleep 5s\n"),
        ("jobs; wait", ""),
        (
            "/bin/false & sleep 1",
            "[1] 104\n[1]+  Exit 1                  /bin/false\n",
        ),
        (
            "spin & kill -9 $!",
            "[1] 105\n[1]+  Killed                  spin\n",
        ),
    ]);
}

#[test]
fn a_job_stops_and_goes_on() {
    check(&[
        ("spin 1s &", "[1] 100\n"),
        ("kill -STOP %1", "[1]+  Stopped (signal)        spin 1s\n"),
        (
            "sleep 5; ps -p 100",
            "  PID TTY          TIME CMD\n  100 tty1     00:00:00 spin\n",
        ),
        ("jobs", "[1]+  Stopped (signal)        spin 1s\n"),
        (
            "kill -CONT %1; jobs",
            "[1]+  Running                 spin 1s &\n",
        ),
        ("wait %1; echo $?", "0\n"),
    ]);
}

#[test]
fn a_job_comes_to_the_foreground_and_goes_back() {
    check(&[
        (
            "fg; bg; fg %3; echo $?",
            "fg: %+: no such job\nbg: %+: no such job\nfg: %3: no such job\n1\n",
        ),
        (
            "/bin/sleep 1s & spin 2s & kill -STOP %2",
            "[1] 100\n[2] 101\n[2]+  Stopped (signal)        spin 2s\n",
        ),
        (
            "bg; jobs",
            "[2]+ spin 2s &\n[1]-  Running                 /bin/sleep 1s &\n[2]+  Running                 spin 2s &\n",
        ),
        ("fg %1; echo $?", "/bin/sleep 1s\n0\n"),
        ("fg; echo $?; jobs", "spin 2s\n0\n"),
        (
            "segv & sleep 1ms; fg; echo $?",
            "[1] 102\nfg: job has terminated\n1\n[1]+  Segmentation fault      segv\nsegv[102]: segfault at 00000000 line 2\n",
        ),
        (
            "spin & kill -STOP $!; fg %1 2",
            "[1] 103\nfg: usage: fg [%JOB]\n[1]+  Stopped (signal)        spin\n",
        ),
        // It never ends; at the end of the line's steps it is interrupted.
        (
            "fg; echo never",
            "spin\nsh: step limit reached (4000000 steps)\n",
        ),
    ]);
}

#[test]
fn the_console_waits_at_a_pipe_for_who_may_come() {
    check(&[
        (
            "mkfifo /fifo; cat /fifo; echo nobody > /fifo",
            "cat: /fifo: Resource temporarily unavailable\necho: write error: Resource temporarily unavailable\n",
        ),
        (
            "/bin/cat /fifo & echo hello > /fifo; sleep 1ms",
            "[1] 100\nhello\n[1]+  Done                    /bin/cat /fifo\n",
        ),
        (
            "writer /fifo 2 & cat /fifo; echo $?",
            "[1] 101\nline 1 of 2, by 101\nline 2 of 2, by 101\n0\n\
             [1]+  Done                    writer /fifo 2\n",
        ),
        (
            "writer /fifo 1 & read a b c < /fifo; echo $c; wait",
            "[1] 102\nof 1, by 102\n[1]+  Done                    writer /fifo 1\n",
        ),
        // Who does something else is no reader: the line's steps run out.
        (
            "spin & echo x > /fifo; echo never",
            "[1] 103\nsh: step limit reached (4000000 steps)\n",
        ),
    ]);
}

#[test]
fn what_does_not_end_is_interrupted_with_its_line() {
    let mut lab = Lab::new("mem=16M");
    let (status, text) = lab.bytes(b"spin");
    assert_eq!(
        (status, text.as_str()),
        (1, "sh: step limit reached (4000000 steps)\n")
    );
    assert_eq!(
        lab.run("ps"),
        "  PID TTY          TIME CMD\n    1 tty1     00:00:00 sh\n"
    );
    // Who ignores that goes on in the background.
    let text = lab.run("stubborn");
    assert!(
        text.contains("step limit reached") || text.contains("for ever"),
        "{text}"
    );
    assert!(lab.run("ps").contains("stubborn\n"));
    assert_eq!(lab.run("kill 101; sleep 1"), "101: TERM? no.\n");
    assert_eq!(
        lab.run("kill -9 101"),
        "[1]+  Killed                  stubborn\n"
    );
}

#[test]
fn spawned_programs_take_keys_and_arguments() {
    let mut lab = Lab::new("mem=16M cpus=2");
    assert_eq!(lab.run("spawn spin uid=1000 nice=10 cpus=1 -- 2s"), "100\n");
    lab.run("sleep 1");
    let row = lab.run("ps -f -p 100");
    assert!(
        row.contains("1000       100     1 99 00:00 tty1     00:00:01 spin 2s\n")
            || row.contains(" spin 2s\n"),
        "{row}"
    );
    let stat = lab.run("cat /proc/100/stat");
    assert!(stat.starts_with("100 (spin) R 1 100 1 1025 1 "), "{stat}");
    assert_eq!(lab.run("cat /proc/100/cmdline"), "spin\x002s\0");
    assert!(lab.run("cat /proc/100/maps").contains("/bin/spin"));
    // The shell asks at the end of the line.
    assert!(lab.run("sleep 5; ps -p 100").ends_with(" spin <defunct>\n"));
    assert_eq!(lab.run("ps -p 100"), "  PID TTY          TIME CMD\n");
}

#[test]
fn a_fork_bomb_ends_in_a_limit() {
    let mut lab = Lab::new("mem=64M");
    assert_eq!(lab.run("spawn forkbomb uid=1000 nproc=50"), "100\n");
    lab.run("sleep 1");
    assert_eq!(lab.run("echo alive"), "alive\n");
    let count = lab
        .run("ps -e")
        .lines()
        .filter(|line| line.ends_with("forkbomb"))
        .count();
    assert_eq!(count, 50);
    lab.run("kill -9 -1");
    assert_eq!(
        lab.run("ps"),
        "  PID TTY          TIME CMD\n    1 tty1     00:00:00 sh\n"
    );
    // Without a limit of the user that of the machine ends it.
    lab.run("forkbomb &");
    lab.run("sleep 5");
    assert_eq!(lab.run("echo alive"), "alive\n");
    let limit = lab.kernel.mem[crate::task::TASK].max_threads;
    assert!(lab.kernel.mem[crate::task::TASK].nr_threads > limit / 2);
    assert_eq!(lab.run("/bin/true; echo $?").lines().last(), Some("1"));
    lab.run("kill -9 -1");
    assert_eq!(
        lab.run("ps"),
        "  PID TTY          TIME CMD\n    1 tty1     00:00:00 sh\n"
    );
}

/// A bomb that may become a hundred thousand programs, until memory or numbers are short; `cargo test --release -- --ignored
/// --nocapture hundred_thousand` prints what each takes.
#[test]
#[ignore = "takes a minute without optimisation"]
fn a_bomb_of_a_hundred_thousand_programs() {
    let mut lab = Lab::new("mem=512M cpus=4");
    lab.run("echo 300000 > /proc/sys/kernel/threads-max");
    lab.run("echo 100100 > /proc/sys/kernel/pid_max");
    let free = lab.kernel.mem.free_frames();
    assert_eq!(lab.run("spawn forkbomb"), "100\n");
    for _ in 0..40 {
        lab.kernel
            .run_line(&mut crate::testing::Console::default(), b"sleep 200ms");
    }
    assert_eq!(lab.run("echo alive"), "alive\n");
    let count = lab.kernel.mem[crate::task::TASK].nr_threads;
    let used = u64::from(free - lab.kernel.mem.free_frames()) * 4096;
    std::println!("{count} tasks, {} bytes each", used / u64::from(count));
    assert!(count > 10_000);
    assert_eq!(lab.run("/bin/true; echo $?").lines().last(), Some("1"));
    lab.run("kill -9 -1");
    assert_eq!(
        lab.run("ps"),
        "  PID TTY          TIME CMD\n    1 tty1     00:00:00 sh\n"
    );
}

#[test]
fn random_jobs() {
    let seed = 0x10b5;
    std::println!("seed {seed:#x}");
    let mut random = Random(seed);
    let mut lab = Lab::new("mem=8M cpus=2");
    lab.run("echo 120 > /proc/sys/kernel/threads-max");
    for _ in 0..300 {
        let pid = 99 + random.below(30);
        let program = [
            "spin 30ms",
            "sleep 20ms",
            "server 3 1ms",
            "threads 3 5ms",
            "memhog 100k",
            "stubborn",
            "forkbomb",
            "/bin/false",
            "yes",
        ][random.below(9) as usize];
        let sig = ["9", "TERM", "STOP", "CONT", "USR1", "INT"][random.below(6) as usize];
        let line = match random.below(10) {
            0..3 => format!("{program} &"),
            3 => format!("spawn {}", program.split(' ').next().unwrap()),
            4 => format!("kill -{sig} {pid}"),
            5 => format!("sleep {}ms", random.below(30)),
            6 => format!(
                "jobs; ps aux; cat /proc/{pid}/status /proc/{pid}/maps /proc/{pid}/task/{pid}/stat"
            ),
            7 => format!(
                "echo {} > /proc/self/fail-nth; {program} &; echo 0 > /proc/self/fail-nth",
                1 + random.below(20)
            )
            .replace("&;", "&"),
            8 => format!(
                "renice {} {pid}; taskset -p {pid}",
                random.below(40) as i64 - 20
            ),
            _ if random.below(6) == 0 => "kill -9 -1".into(),
            _ => "/bin/true".into(),
        };
        lab.run(&line);
    }
}
