//! Commands that make tasks, tell of them and end them.

extern crate std;

use std::format;
use std::string::String;

use crate::testing::Lab;
use crate::testing::Random;

/// Runs lines on a small machine and compares what each prints.
#[track_caller]
fn check(lines: &[(&str, &str)]) {
    let mut lab = Lab::new("mem=16M nodes=2 cpus=2");
    for (line, expected) in lines {
        assert_eq!(lab.run(line), *expected, "{line}");
    }
}

/// A line that is refused: its message and status, and nothing has changed.
#[track_caller]
fn refuse(line: &str, message: &str, status: u8) {
    let mut lab = Lab::new("mem=16M nodes=2 cpus=2");
    let before = lab.run("ps -ef");
    let (found, text) = lab.bytes(line.as_bytes());
    assert_eq!((text.as_str(), found), (message, status), "{line}");
    assert_eq!(lab.run("ps -ef"), before, "{line}");
}

#[test]
fn a_staged_task_is_listed_as_it_was_staged() {
    check(&[
        (
            "spawn mail uid=8 nice=5 vm=64M rss=12M utime=90s stime=30s age=2h oom_adj=3",
            "100\n",
        ),
        ("sleep 1m", ""),
        (
            "ps aux",
            "USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n\
             root         1  0.0  0.0      0     0 tty1     Rs+  00:00   0:00 [sh]\n\
             root         2  0.0  0.0      0     0 ?        S    00:00   0:00 [kthreadd]\n\
             8          100  1.6 76.6  65536 12288 tty1     SN   22:00   2:00 [mail]\n",
        ),
        (
            "ps -ef",
            "UID        PID  PPID  C STIME TTY          TIME CMD\n\
             root         1     0  0 00:00 tty1     00:00:00 [sh]\n\
             root         2     1  0 00:00 ?        00:00:00 [kthreadd]\n\
             8          100     1  1 22:00 tty1     00:02:00 [mail]\n",
        ),
        (
            "ps",
            "  PID TTY          TIME CMD\n    1 tty1     00:00:00 sh\n  100 tty1     00:02:00 mail\n",
        ),
        (
            "ps -p 100",
            "  PID TTY          TIME CMD\n  100 tty1     00:02:00 mail\n",
        ),
        ("ps -p 7; echo $?", "  PID TTY          TIME CMD\n1\n"),
    ]);
}

#[test]
fn older_tasks_show_the_day() {
    for (age, start) in [
        ("23h", "01:00"),
        ("25h", "May28"),
        ("30d", "Apr30"),
        ("90d", "Mar01"),
        ("91d", "Feb28"),
        ("149d", "Jan01"),
        ("1185d", "Mar01"),
        ("1186d", "Feb29"),
    ] {
        let mut lab = Lab::new("mem=16M");
        lab.run(&format!("spawn a age={age}"));
        let row = lab.run("ps -f -p 100");
        assert!(row.contains(&format!(" {start} tty1")), "{age}: {row}");
    }
}

#[test]
fn wrong_keys_are_told_before_anything_is_made() {
    for (line, message) in [
        ("spawn x uid=root", "spawn: uid: 'root' is not a number\n"),
        ("spawn x nice=20", "spawn: nice: '20' is not -20 to 19\n"),
        (
            "spawn x vm=1T",
            "spawn: vm: '1T' is not a size such as 64M\n",
        ),
        ("spawn x vm=1M rss=2M", "spawn: rss is more than vm\n"),
        (
            "spawn x age=now",
            "spawn: age: 'now' is not a duration such as 2h\n",
        ),
        (
            "spawn x caps=fly",
            "spawn: caps: 'fly' is not all, none, a number, or names such as sys_admin,kill\n",
        ),
        (
            "spawn x oom_adj=-18",
            "spawn: oom_adj: '-18' is not -17 to 15\n",
        ),
        (
            "spawn x mems=2",
            "spawn: mems: '2' is not a list of nodes such as 0-1\n",
        ),
        (
            "spawn x cpus=",
            "spawn: cpus: '' is not a list of CPUs such as 0,2\n",
        ),
        (
            "spawn x ppid=2",
            "spawn: ppid: '2' is not the number of a living process\n",
        ),
        (
            "spawn x ppid=77",
            "spawn: ppid: '77' is not the number of a living process\n",
        ),
        (
            "spawn x threads=0",
            "spawn: threads: '0' is not 1 to 1000\n",
        ),
        ("spawn x state=R", "spawn: state: 'R' is not S, D, T or Z\n"),
        ("spawn x color=red", "spawn: there is no key 'color'\n"),
        (
            "spawn x -- a",
            "spawn: there is no program to take arguments\n",
        ),
    ] {
        refuse(line, message, 2);
    }
    let mut lab = Lab::new("mem=16M");
    assert_eq!(lab.bytes(b"spawn").0, 2);
    assert_eq!(lab.bytes(b"spawn x uid").0, 2);
}

#[test]
fn many_tasks_at_once_and_many_threads() {
    check(&[
        ("spawn job count=3 ppid=1", "100-102\n"),
        ("spawn daemon threads=3 ppid=101", "103\n"),
        (
            "ps -eL",
            "  PID TTY          TIME CMD\n    1 tty1     00:00:00 sh\n    2 ?        00:00:00 kthreadd\n  \
             100 tty1     00:00:00 job\n  101 tty1     00:00:00 job\n  102 tty1     00:00:00 job\n  \
             103 tty1     00:00:00 daemon\n  104 tty1     00:00:00 daemon\n  105 tty1     00:00:00 daemon\n",
        ),
        ("kill 101 104", ""),
        ("kill 103", "kill: (103) - No such process\n"),
        (
            "ps -p 102; kill -9 102; kill -0 102; wait 102; echo $?",
            "  PID TTY          TIME CMD\n  102 tty1     00:00:00 job\n137\n",
        ),
    ]);
}

#[test]
fn zombies_stay_until_the_end_of_the_line_or_their_parent_asks() {
    check(&[
        ("spawn parent; spawn child ppid=100 state=Z", "100\n101\n"),
        (
            "ps -ef",
            "UID        PID  PPID  C STIME TTY          TIME CMD\n\
             root         1     0  0 00:00 tty1     00:00:00 [sh]\n\
             root         2     1  0 00:00 ?        00:00:00 [kthreadd]\n\
             root       100     1  0 00:00 tty1     00:00:00 [parent]\n\
             root       101   100  0 00:00 tty1     00:00:00 [child] <defunct>\n",
        ),
        (
            "kill 100; ps",
            "  PID TTY          TIME CMD\n    1 tty1     00:00:00 sh\n  100 tty1     00:00:00 parent <defunct>\n",
        ),
        (
            "ps",
            "  PID TTY          TIME CMD\n    1 tty1     00:00:00 sh\n",
        ),
    ]);
}

#[test]
fn signals_by_name_number_and_group() {
    check(&[
        ("spawn a; spawn b; spawn c pgrp=100", "100\n101\n102\n"),
        (
            "kill -STOP 100; ps -p 100",
            "  PID TTY          TIME CMD\n  100 tty1     00:00:00 a\n",
        ),
        ("kill -SIGCONT 100; kill -18 100; kill -s hup -100", ""),
        ("kill 1 2; kill -9 1; kill -KILL 101; echo $?", "0\n"),
        ("kill 101; echo $?", "kill: (101) - No such process\n1\n"),
        (
            "kill -WINCHESTER 1",
            "kill: WINCHESTER: invalid signal specification\n",
        ),
        ("kill %1", "kill: %1: no such job or process\n"),
        ("kill x", "kill: x: no such job or process\n"),
        (
            "kill -2147483648",
            "kill: 2147483648: invalid signal specification\n",
        ),
        (
            "kill -- -2147483648",
            "kill: -2147483648: no such job or process\n",
        ),
        (
            "ps",
            "  PID TTY          TIME CMD\n    1 tty1     00:00:00 sh\n",
        ),
    ]);
    let mut lab = Lab::new("mem=16M");
    assert!(
        lab.run("kill -l")
            .starts_with(" 1 HUP      2 INT      3 QUIT ")
    );
    assert_eq!(lab.bytes(b"kill").0, 2);
    assert_eq!(lab.bytes(b"kill -9").0, 2);
}

#[test]
fn nice_levels() {
    check(&[
        ("spawn a; spawn b uid=7", "100\n101\n"),
        ("renice 5 100", "100: old priority 0, new priority 5\n"),
        (
            "renice -n -3 -p 100 -u 7",
            "100: old priority 5, new priority -3\n7: old priority 0, new priority -3\n",
        ),
        ("renice 99 100", "100: old priority -3, new priority 19\n"),
        (
            "renice 1 4711",
            "renice: 4711: getpriority: No such process\n",
        ),
        (
            "renice 1 -u 55",
            "renice: 55: getpriority: No such process\n",
        ),
        ("renice fast 100; echo $?", "renice: fast: bad value\n2\n"),
    ]);
}

#[test]
fn what_another_user_may_not() {
    check(&[
        ("spawn a; spawn b uid=7 nice=3; su 7", "100\n101\n"),
        (
            "kill 100; echo $?",
            "kill: (100) - Operation not permitted\n1\n",
        ),
        (
            "renice 5 100",
            "renice: 100: setpriority: Operation not permitted\n",
        ),
        (
            "renice 1 101",
            "renice: 101: setpriority: Permission denied\n",
        ),
        ("renice 4 101", "101: old priority 3, new priority 4\n"),
        // Within a session anybody may have a process go on.
        ("kill -CONT 100; kill -9 -1; echo $?", "0\n"),
        (
            "spawn c nproc=3; spawn d ppid=102; spawn e ppid=102",
            "102\n103\nspawn: fork: Resource temporarily unavailable\n",
        ),
        ("su; kill 100 102 103; echo $?", "0\n"),
    ]);
}

#[test]
fn waiting_and_sleeping() {
    check(&[
        ("sleep 0; sleep 1.5ms; jobs; wait", ""),
        ("sleep soon", "sleep: invalid time interval 'soon'\n"),
        (
            "wait 4711; echo $?",
            "wait: pid 4711 is not a child of this shell\n127\n",
        ),
        (
            "wait 1; echo $?",
            "wait: pid 1 is not a child of this shell\n127\n",
        ),
        ("wait x; echo $?", "wait: x: not a number or job\n2\n"),
        ("cd &", "sh: cd: only programs can run in the background\n"),
        ("nothing; echo $?", "sh: nothing: command not found\n127\n"),
        ("nothing &", "sh: nothing: command not found\n"),
        ("./nothing", "sh: ./nothing: No such file or directory\n"),
        ("/; echo $?", "sh: /: Is a directory\n126\n"),
        ("echo $!.", ".\n"),
    ]);
}

#[test]
fn waiting_for_ever_is_told() {
    check(&[
        ("spawn sleeper", "100\n"),
        (
            "wait 100; echo $?",
            "wait: that would be for ever: nothing runs, and no alarm is set\n1\n",
        ),
    ]);
}

#[test]
fn top_shows_who_works_most() {
    let mut lab = Lab::new("mem=16M");
    for number in 0..30 {
        lab.run(&format!("spawn t{number} age=100s utime={number}s"));
    }
    let text = lab.run("top");
    let lines: std::vec::Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 5 + 17);
    assert!(
        lines[1].starts_with("Tasks:  32 total,   1 running,  31 sleeping"),
        "{text}"
    );
    assert!(
        lines[5].contains(" 29.0 ") && lines[5].ends_with("0:29.00 t29"),
        "{text}"
    );
    assert!(lines[21].ends_with("t13"), "{text}");
}

#[test]
fn a_spawn_without_memory_leaves_nothing() {
    let mut lab = Lab::new("mem=16M");
    let mut nth = 0;
    loop {
        nth += 1;
        assert!(nth < 100, "never succeeds");
        let before = lab.run("ps -eL");
        lab.run(&format!("echo {nth} > /proc/self/fail-nth"));
        let (status, text) = lab.bytes(b"spawn a uid=5 threads=3 vm=8M");
        lab.run("echo 0 > /proc/self/fail-nth");
        if status == 0 {
            break;
        }
        assert!(
            text.ends_with(": Cannot allocate memory\n"),
            "{nth}: {text}"
        );
        assert_eq!(lab.run("ps -eL"), before);
    }
    assert!(nth > 3);
}

#[test]
fn a_task_tells_of_itself_as_in_2_6_24() {
    let mut lab = Lab::new("mem=16M nodes=2 cpus=2");
    lab.run("spawn mail uid=8 gid=12 nice=5 utime=90.5s stime=30s age=2s oom_adj=-3 cpus=1 mems=0");
    lab.run("kill -STOP 100; sleep 10");
    let stat = lab.run("cat /proc/100/stat");
    let fields: std::vec::Vec<_> = stat.trim_end().split(' ').collect();
    assert_eq!(fields.len(), 44, "{stat}");
    // Times are unsigned: who began 2 s before the machine shows so.
    assert_eq!(
        fields[..25].join(" "),
        format!(
            "100 (mail) T 1 100 1 1025 1 0 0 0 0 0 9050 3000 0 0 25 5 1 0 {} {} {} {}",
            200_u64.wrapping_neg(),
            lab.vm(100),
            lab.rss(100),
            u32::MAX
        )
    );
    assert_eq!(fields[30..].join(" "), "0 0 0 0 1 0 0 17 0 0 0 0 0 0");
    let status = lab.run("cat /proc/100/status");
    let mut lines = status.lines().filter(|line| !line.starts_with("Vm"));
    for expected in [
        "Name:\tmail",
        "State:\tT (stopped)",
        "Tgid:\t100",
        "Pid:\t100",
        "PPid:\t1",
        "TracerPid:\t0",
        "Uid:\t8\t8\t8\t8",
        "Gid:\t12\t12\t12\t12",
        "FDSize:\t0",
        "Groups:\t",
        "Threads:\t1",
        &format!(
            "SigQ:\t0/{}",
            lab.kernel.mem[crate::task::TASK].max_threads / 2
        ),
        "SigPnd:\t0000000000000000",
        "ShdPnd:\t0000000000000000",
        "SigBlk:\t0000000000000000",
        "SigIgn:\t0000000000000000",
        "SigCgt:\t0000000000000000",
        "CapInh:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "Cpus_allowed:\t00000002",
        "Mems_allowed:\t00000001",
        "voluntary_ctxt_switches:\t0",
        "nonvoluntary_ctxt_switches:\t0",
    ] {
        assert_eq!(lines.next(), Some(expected));
    }
    assert_eq!(lines.next(), None);
    // Init handles SIGCHLD, and a thread of the kernel ignores everything.
    let init = lab.run("cat /proc/self/stat");
    assert!(init.starts_with("1 (sh) R 0 1 1 1025 1 "), "{init}");
    assert!(
        lab.run("cat /proc/1/status")
            .contains("SigCgt:\t0000000000010000\n")
    );
    let kthreadd = lab.run("cat /proc/2/status /proc/2/stat");
    assert!(
        kthreadd.contains("SigIgn:\t00000000ffffffff\n"),
        "{kthreadd}"
    );
    assert!(!kthreadd.contains("Vm"), "{kthreadd}");
    assert!(
        kthreadd.contains("\n2 (kthreadd) S 1 0 0 0 -1 2097152 "),
        "{kthreadd}"
    );
}

/// `statm`, names that are cut and escaped, and numbers with leading zeros.
#[test]
fn small_print_of_proc() {
    let mut lab = Lab::new("mem=8M");
    // A staged task has data only; a program its text, a page of a file, and a stack.
    lab.run("spawn staged vm=1784K rss=960K");
    assert_eq!(lab.run("cat /proc/100/statm"), "446 240 0 0 0 446 0\n");
    lab.run("memhog 64K & sleep 10ms");
    assert_eq!(lab.run("cat /proc/101/statm"), "18 18 1 1 0 17 0\n");
    assert_eq!(
        lab.run("cat /proc/1/statm /proc/2/statm"),
        "0 0 0 0 0 0 0\n0 0 0 0 0 0 0\n"
    );
    lab.run("spawn 'back\\slash'; spawn 0123456789abcdefghij");
    assert!(
        lab.run("cat /proc/102/status")
            .starts_with("Name:\tback\\\\slash\n")
    );
    assert!(
        lab.run("cat /proc/103/stat")
            .starts_with("103 (0123456789abcde) S 1 ")
    );
    assert_eq!(
        lab.run("cat /proc/0100/stat; cat /proc/0/stat; cat /proc/99999999999/stat"),
        "cat: /proc/0100/stat: No such file or directory\ncat: /proc/0/stat: No such file or directory\n\
         cat: /proc/99999999999/stat: No such file or directory\n"
    );
}

#[test]
fn directories_of_tasks_come_and_go() {
    let mut lab = Lab::new("mem=16M");
    lab.run("spawn daemon threads=2; spawn other");
    let listed = lab.run("ls /proc");
    assert!(listed.contains("self\n"), "{listed}");
    let numbers: std::vec::Vec<_> = listed
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    // A thread is found, but not listed.
    assert_eq!(numbers, ["1", "2", "100", "102"]);
    assert_eq!(lab.run("ls /proc/100/task"), "100\n101\n");
    assert_eq!(lab.bytes(b"cat /proc/101/stat").0, 0);
    assert!(
        lab.run("cat /proc/100/task/101/stat")
            .starts_with("101 (daemon) S 1 ")
    );
    for (line, errno) in [
        ("cat /proc/100/task/102/stat", "No such file or directory"),
        ("cat /proc/012/stat", "No such file or directory"),
        ("cat /proc/0/stat", "No such file or directory"),
        ("cat /proc/99999999999/stat", "No such file or directory"),
        ("cat /proc/+1/stat", "No such file or directory"),
        ("cat /proc/100/nothing", "No such file or directory"),
        (
            "cat /proc/100/task/101/task/100/stat",
            "No such file or directory",
        ),
    ] {
        assert!(lab.run(line).contains(errno), "{line}");
    }
    lab.run("cd /proc/100/task");
    lab.run("kill 100");
    assert!(
        lab.run("cat /proc/100/stat")
            .contains("No such file or directory")
    );
    lab.run("ls; ls ..; cat 101/stat; cd /");
    assert_eq!(lab.run("cat /proc/102/environ /proc/102/cmdline"), "");
}

#[test]
fn oom_adj_has_the_oddities_of_the_era() {
    let mut lab = Lab::new("mem=16M");
    lab.run("spawn a oom_adj=7");
    let write = |lab: &mut Lab, text: &str| {
        let message = lab.run(&format!("echo {text} > /proc/100/oom_adj"));
        let value = lab.run("cat /proc/100/oom_adj");
        (message, String::from(value.trim_end()))
    };
    let invalid = "echo: write error: Invalid argument\n";
    for (text, message, value) in [
        ("-17", "", "-17"),
        ("-16", "", "-16"),
        ("15", "", "15"),
        ("16", invalid, "15"),
        ("-18", invalid, "15"),
        ("99999999999", invalid, "15"),
        // What is no number is stored as 0 before it is refused.
        ("abc", "echo: write error: Input/output error\n", "0"),
        ("5x", "", "5"),
    ] {
        assert_eq!(
            write(&mut lab, text),
            (message.into(), value.into()),
            "{text}"
        );
    }
    // Raising is for everybody, lowering for whoever may exceed limits.
    let init = lab.kernel.mem[crate::task::TASK].init;
    lab.kernel.mem[init].cred.effective &= !(1 << 24);
    crate::oom::weights::refresh_traits(&mut lab.kernel.mem, init);
    assert_eq!(write(&mut lab, "9").1, "9");
    let (message, value) = write(&mut lab, "3");
    assert_eq!(message, "echo: write error: Permission denied\n");
    assert_eq!(value, "9");
}

#[test]
fn limits_of_tasks_are_files() {
    let mut lab = Lab::new("mem=16M");
    assert_eq!(lab.run("cat /proc/sys/kernel/pid_max"), "32768\n");
    assert!(
        lab.run("echo 300 > /proc/sys/kernel/pid_max")
            .contains("Invalid argument")
    );
    assert!(
        lab.run("echo 1310721 > /proc/sys/kernel/pid_max")
            .contains("Invalid argument")
    );
    assert_eq!(lab.run("echo 301 > /proc/sys/kernel/pid_max"), "");
    assert_eq!(lab.run("echo 3 > /proc/sys/kernel/threads-max"), "");
    assert_eq!(lab.run("cat /proc/sys/kernel/threads-max"), "3\n");
    assert_eq!(
        lab.run("spawn a; spawn b"),
        "100\nspawn: fork: Resource temporarily unavailable\n"
    );
    lab.run("echo 1000 > /proc/sys/kernel/threads-max");
    assert_eq!(
        lab.run("spawn a count=201"),
        "101-300\nspawn: fork: Resource temporarily unavailable\n"
    );
    assert_eq!(lab.run("echo alive; kill -9 -1"), "alive\n");
    assert_eq!(lab.run("spawn a"), "300\n");
}

impl Lab {
    /// Bytes of a task's address space.
    fn vm(&self, pid: u32) -> u64 {
        self.pages(pid)[0] as u64 * 4096
    }

    /// Its pages in memory.
    fn rss(&self, pid: u32) -> u32 {
        self.pages(pid)[1]
    }

    fn pages(&self, pid: u32) -> [u32; 2] {
        let mem = &self.kernel.mem;
        crate::task::account::pages(mem, crate::task::find_task_by_pid(mem, pid).unwrap())
    }
}

#[test]
fn a_bomb_of_tasks_ends_in_a_limit_with_the_console_alive() {
    let mut lab = Lab::new("mem=64M");
    let (status, text) = lab.bytes(b"spawn bomb count=100000");
    assert_eq!(status, 1);
    let expected = "spawn: fork: Resource temporarily unavailable\n";
    assert!(
        text.starts_with("100-") && text.ends_with(expected),
        "{text}"
    );
    assert_eq!(lab.run("echo alive"), "alive\n");
    assert_eq!(lab.run("kill -9 -1; echo $?"), "0\n");
    assert_eq!(
        lab.run("ps"),
        "  PID TTY          TIME CMD\n    1 tty1     00:00:00 sh\n"
    );
}

#[test]
fn random_lines_about_tasks() {
    let seed = 0x5baf;
    std::println!("seed {seed:#x}");
    let mut random = Random(seed);
    let mut lab = Lab::new("mem=4M cpus=2");
    for _ in 0..400 {
        let pid = 99 + random.below(20);
        let line = match random.below(14) {
            0..4 => format!(
                "spawn t uid={} nice={}",
                random.below(3),
                random.below(40) as i64 - 20
            ),
            4 => format!("spawn t ppid={pid} threads={}", 1 + random.below(3)),
            5 => format!(
                "spawn t ppid={pid} state={}",
                ["S", "D", "T", "Z"][random.below(4) as usize]
            ),
            6 | 7 => format!("kill -{} {pid}", 1 + random.below(31)),
            8 => format!("kill -9 -{pid}"),
            9 => format!("renice {} {pid}", random.below(50) as i64 - 25),
            10 => String::from("ps aux"),
            11 => format!(
                "echo {} > /proc/self/fail-nth; spawn t; echo 0 > /proc/self/fail-nth",
                1 + random.below(9)
            ),
            12 => format!("sleep {}ms; jobs", random.below(50)),
            _ => String::from("top"),
        };
        lab.run(&line);
    }
}
