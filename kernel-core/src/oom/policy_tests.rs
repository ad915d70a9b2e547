//! Other ways to choose a victim, and to be told before one is chosen (specs/memory.md 5).

extern crate std;

use std::format;
use std::string::String;

use super::listeners::{self, NOTICES_MAX, NOTIFY};
use super::{OomControl, Selection, has_panicked, policy};
use crate::mem::{Gfp, Mem};
use crate::task;
use crate::testing::{Lab, Random, check};
use crate::trace::Tracepoint;

/// A machine with two nodes.
fn lab() -> Lab {
    Lab::new("mem=8M nodes=2 cpus=1 hz=1000")
}

/// Whom the killer ends when it is called, as its last line says.
#[track_caller]
fn killed(lab: &mut Lab) -> String {
    let text = lab.run("oom trigger");
    let last = text.lines().last().unwrap_or("nobody");
    String::from(last.strip_prefix("Killed process ").unwrap_or(last))
}

/// The fields of the last event of that kind.
fn last_event(mem: &Mem, tracepoint: Tracepoint) -> Option<[u64; 6]> {
    let events = mem[crate::trace::TRACE].events;
    (0..events)
        .rev()
        .map_while(|number| mem.event(number))
        .find(|event| event.tracepoint == tracepoint)
        .map(|event| core::array::from_fn(|at| event.args().get(at).copied().unwrap_or(0)))
}

const INVALID: &str = "echo: write error: Invalid argument\n";

#[test]
fn a_group_has_a_priority() {
    let mut lab = lab();
    lab.run("mkdir /o; mount -t cgroup -o oom oom /o; mkdir /o/a");
    assert_eq!(lab.run("cat /o/oom.priority /o/a/oom.priority"), "1\n1\n");
    for (said, shows) in [
        ("256", "256"),
        ("0", "0"),
        ("0x10", "16"),
        ("010", "8"),
        ("18446744073709551615", "18446744073709551615"),
    ] {
        lab.run(&format!("echo {said} > /o/a/oom.priority"));
        assert_eq!(lab.run("cat /o/a/oom.priority"), format!("{shows}\n"));
    }
    for said in ["18446744073709551616", "-1", "much", "", "1 2", "+1", "1.5"] {
        assert_eq!(
            lab.run(&format!("echo {said} > /o/a/oom.priority")),
            INVALID,
            "{said:?}"
        );
    }
    // Whatever its parent has, a new group begins with 1; children of a task are where it is.
    lab.run("mkdir /o/a/b; echo 0 > /o/a/tasks; spawn child");
    assert_eq!(
        lab.run("cat /o/a/b/oom.priority; cat /o/a/tasks"),
        "1\n1\n100\n"
    );
    assert_eq!(
        lab.run("echo 60001 > /o/a/oom.delay; echo 60000 > /o/a/oom.delay; cat /o/a/oom.delay; cat /o/oom.delay"),
        format!("{INVALID}60000\n100\n")
    );
    assert_eq!(
        lab.run("cat /o/oom.notify; echo 1 > /o/oom.notify"),
        format!("0\n{INVALID}")
    );
}

#[test]
fn policies_are_listed_and_selected_as_elevators_are() {
    let mut lab = lab();
    let file = "/proc/sys/vm/oom_policy";
    assert_eq!(
        lab.run(&format!("cat {file}")),
        "[badness] oom_victim priority priority_cpuset notify lowmemorykiller\n"
    );
    let list = lab.run(&format!("cat {file}")).replace(['[', ']'], "");
    for name in list.split_whitespace() {
        lab.run(&format!("echo {name} > {file}"));
        assert!(
            lab.run(&format!("cat {file}"))
                .contains(&format!("[{name}]"))
        );
    }
    assert_eq!(lab.run(&format!("echo best > {file}")), INVALID);
    // What it is made for selects it, and its end selects the kernel's own.
    for (line, name) in [
        ("echo Kenny > /proc/sys/vm/oom_victim", "[oom_victim]"),
        ("echo > /proc/sys/vm/oom_victim", "[badness]"),
        ("mkdir /o; mount -t cgroup -o oom oom /o", "[priority]"),
        ("mkdir /o/a; umount /o", "[priority]"),
        (
            "mount -t cgroup -o oom oom /o; rmdir /o/a; umount /o",
            "[badness]",
        ),
        ("mount -t cgroup -o cpu,oom x /o", "[priority]"),
        ("mount -o remount,cpu /o", "[badness]"),
    ] {
        lab.run(line);
        let list = lab.run(&format!("cat {file}"));
        assert!(list.contains(name), "{line}: {list}");
    }
}

#[test]
fn the_one_with_the_name_dies() {
    let mut lab = lab();
    lab.run("spawn Kenny vm=4k; spawn big vm=100M rss=0");
    assert_eq!(lab.run("cat /proc/sys/vm/oom_victim"), "\n");
    lab.run("echo Kenny > /proc/sys/vm/oom_victim");
    assert_eq!(lab.run("cat /proc/sys/vm/oom_victim"), "Kenny\n");
    assert_eq!(killed(&mut lab), "100 (Kenny)");
    // If nobody has it, the stock choice is made: a second look at all of them.
    assert_eq!(killed(&mut lab), "101 (big)");
    // Rules that hold for all hold here.
    lab.run("spawn Kenny oom_adj=-17; spawn other");
    assert_eq!(killed(&mut lab), "103 (other)");
}

#[test]
fn a_name_is_cut_so_two_names_are_one() {
    let mut lab = lab();
    lab.run("spawn database-server-one vm=4k; spawn database-server-two vm=100M rss=0");
    lab.run("echo database-server-two > /proc/sys/vm/oom_victim");
    assert_eq!(lab.run("cat /proc/sys/vm/oom_victim"), "database-server\n");
    // The wrong one.
    assert_eq!(killed(&mut lab), "100 (database-server)");
}

#[test]
fn a_link_has_another_name_than_its_program() {
    let mut lab = lab();
    lab.run("ln -s /bin/memhog /innocent");
    lab.run("spawn small; /innocent 400K & sleep 10ms");
    lab.run("echo memhog > /proc/sys/vm/oom_victim");
    // It runs /bin/memhog, but nobody of that name is found.
    let mut control = OomControl::new(&lab.kernel.mem, Gfp::KERNEL, 0);
    control.nodes = 3;
    let selection = policy::selected(&lab.kernel.mem).select(&mut lab.kernel.mem, &control);
    let hog = task::find_task_by_pid(&lab.kernel.mem, 101).expect("it lives");
    assert_eq!(lab.kernel.mem[hog].comm(), "innocent");
    assert!(matches!(selection, Selection::Victim(task, _) if task != hog));
    lab.run("echo innocent > /proc/sys/vm/oom_victim");
    assert_eq!(killed(&mut lab), "101 (innocent)");
}

#[test]
fn there_is_one_name_and_no_order() {
    let mut lab = lab();
    lab.run("spawn first vm=4k; spawn second vm=4k; spawn db vm=100M rss=0");
    let file = "/proc/sys/vm/oom_victim";
    lab.run(&format!("echo first > {file}; echo second >> {file}"));
    assert_eq!(lab.run(&format!("cat {file}")), "second\n");
    assert_eq!(killed(&mut lab), "101 (second)");
    // "first, if second is gone" cannot be said: the database dies.
    assert_eq!(killed(&mut lab), "102 (db)");
    // Two names are one that nobody has.
    lab.run(&format!(
        "echo first second > {file}; spawn large vm=50M rss=0"
    ));
    assert_eq!(killed(&mut lab), "103 (large)");
}

#[test]
fn of_several_with_the_name_the_oldest_dies() {
    let mut lab = lab();
    // Programs of one name in two places, and one of them twice.
    lab.run("mkdir /a /b; echo 'pause' > /a/java; echo 'memory = mmap 9M' > /b/java; echo 'pause' >> /b/java");
    lab.run("chmod 755 /a/java /b/java; /a/java & /b/java & sleep 10ms");
    lab.run("echo java > /proc/sys/vm/oom_victim");
    assert_eq!(killed(&mut lab), "100 (java)");
    assert_eq!(killed(&mut lab), "101 (java)");
}

/// Groups `lambs` (256) and `invincibles` (0).
fn groups(lab: &mut Lab) {
    lab.run("mkdir /o; mount -t cgroup -o oom oom /o; mkdir /o/lambs /o/invincibles");
    lab.run("echo 256 > /o/lambs/oom.priority; echo 0 > /o/invincibles/oom.priority");
}

#[test]
fn the_highest_priority_dies_and_zero_never() {
    let mut lab = lab();
    groups(&mut lab);
    lab.run(
        "spawn db vm=400M rss=0; spawn lamb vm=400k; spawn fat vm=800k; spawn web vm=100M rss=0",
    );
    lab.run(
        "echo 100 > /o/invincibles/tasks; echo 101 > /o/lambs/tasks; echo 102 > /o/lambs/tasks",
    );
    // Among equals the score decides.
    assert_eq!(killed(&mut lab), "102 (fat)");
    assert_eq!(killed(&mut lab), "101 (lamb)");
    assert_eq!(killed(&mut lab), "103 (web)");
    let event = last_event(&lab.kernel.mem, Tracepoint::OomPriority);
    assert_eq!(event, Some([1, 1, 1, 0, 103, 103]));
    // Nobody is left but the database.
    let text = lab.run("oom trigger");
    assert!(
        text.contains("Kernel panic - not syncing: Out of memory and no killable processes..."),
        "{text}"
    );
    assert!(has_panicked(&lab.kernel.mem));
    assert!(lab.kernel.check().is_ok());
    let db = task::find_task_by_pid(&lab.kernel.mem, 100).expect("it lives");
    assert!(!lab.kernel.mem[db].mm.is_null());
}

#[test]
fn oom_adj_counts_among_equals() {
    let mut lab = lab();
    groups(&mut lab);
    lab.run("spawn one vm=4M rss=0; spawn two vm=1M rss=0 oom_adj=4; spawn never vm=9M rss=0 oom_adj=-17");
    lab.run("echo 100 > /o/lambs/tasks; echo 101 > /o/lambs/tasks; echo 102 > /o/lambs/tasks");
    assert_eq!(killed(&mut lab), "101 (two)");
    assert_eq!(killed(&mut lab), "100 (one)");
    // The one that is left may not be killed either.
    lab.run("spawn plain");
    assert_eq!(killed(&mut lab), "103 (plain)");
}

#[test]
fn an_excluded_child_or_sharer_is_spared() {
    let mut lab = lab();
    groups(&mut lab);
    lab.run("spawn parent vm=100M rss=0; spawn child ppid=100; spawn other ppid=100");
    lab.run("echo 101 > /o/invincibles/tasks; echo 100 > /o/lambs/tasks");
    // 2.6.28 would have killed the first child.
    assert_eq!(killed(&mut lab), "102 (other)");
    assert_eq!(killed(&mut lab), "100 (parent)");
    // A thread in a group of its own holds the promise for all who share its memory.
    lab.run("spawn many threads=2 vm=9M rss=0; spawn rest");
    let mem = &lab.kernel.mem;
    let many = task::processes(mem).find(|&task| mem[task].comm() == "many");
    let many = many.expect("it lives");
    let (leader, thread) = (mem[many].pid, mem[many].pid + 1);
    lab.run(&format!(
        "echo {leader} > /o/lambs/tasks; echo {thread} > /o/invincibles/tasks"
    ));
    assert!(killed(&mut lab).ends_with("(rest)"));
}

#[test]
fn priorities_disagree_with_cpusets_and_the_cure() {
    for (name, dies, filtered) in [
        ("priority", "100 (a)", 0),
        ("priority_cpuset", "101 (b)", 1),
    ] {
        let mut lab = lab();
        groups(&mut lab);
        lab.run("mkdir /c; mount -t cgroup -o cpuset c /c; mkdir /c/A /c/B");
        lab.run("echo 0 > /c/A/cpuset.cpus; echo 0 > /c/A/cpuset.mems");
        lab.run("echo 0 > /c/B/cpuset.cpus; echo 1 > /c/B/cpuset.mems");
        lab.run("spawn a; spawn b; echo 100 > /c/A/tasks; echo 101 > /c/B/tasks");
        lab.run(&format!(
            "echo 100 > /o/lambs/tasks; echo {name} > /proc/sys/vm/oom_policy"
        ));
        // B is exhausted: somebody in it asks.
        lab.run("echo $$ > /c/B/tasks");
        assert_eq!(killed(&mut lab), dies, "{name}");
        let event = last_event(&lab.kernel.mem, Tracepoint::OomPriority).expect("it is told");
        let pid = dies[..3].parse().expect("a number");
        assert_eq!(event[3..], [filtered, pid, 100], "{name}");
    }
}

/// Puts lines into a program.
fn program(lab: &mut Lab, path: &str, text: &str) {
    lab.run(&format!("touch {path}; chmod 755 {path}"));
    for line in text.lines() {
        assert_eq!(lab.run(&format!("echo '{line}' >> {path}")), "");
    }
}

#[test]
fn poll_waits_for_what_is_not_there_yet() {
    let mut lab = lab();
    program(
        &mut lab,
        "/p",
        "pipe r w\nx = poll $w\ny = poll $r 0s\nprint $x $y\nbegin = time\nz = poll $r 20ms\nnow = time\n\
         late = $now - $begin\nsoon = $late >= 20ms and $late < 22ms\nprint $z $soon\nchild = fork\n\
         if $child == 0\nsleep 5ms\nsay $w news\nexit\nend\nx = poll $r\ny = poll $w 0s\ngetline $r\nprint $x $y $line\n\
         close $w\nwait\nx = poll $r\nprint $x\nx = poll 9\nprint $x $error\nx = poll $r -1\nprint $x $error",
    );
    assert_eq!(
        lab.run("/p"),
        "4 0\n0 1\n1 0 news\n16\n-9 Bad file descriptor\n-22 Invalid argument\n"
    );
    program(
        &mut lab,
        "/q",
        "on ALRM\nprint rings\nend\npipe r w\nalarm 5ms\nx = poll $r\nprint $x\nf = open /dev/zero\nx = poll $f\nprint $x",
    );
    assert_eq!(lab.run("/q"), "rings\n-4\n1\n");
}

#[test]
fn a_groups_listener_has_time_before_somebody_dies() {
    // A handler that does nothing: its time passes, then the killer does as always.
    let mut lab = lab();
    groups(&mut lab);
    program(
        &mut lab,
        "/listen",
        "f = open $1\nforever\nx = poll $f\nnow = time\nprint \"told: $x\"\nend",
    );
    lab.run("/listen /o/lambs/oom.notify & sleep 1ms");
    lab.run("mkdir /o/lambs/in; spawn lamb; echo 101 > /o/lambs/in/tasks");
    // A task in a group below asks for memory, and gets none.
    let lamb = task::find_task_by_pid(&lab.kernel.mem, 101).expect("it lives");
    let control = OomControl::new(&lab.kernel.mem, Gfp::KERNEL, 0);
    let ask = |lab: &mut Lab| {
        let mem = &mut lab.kernel.mem;
        let shell = core::mem::replace(&mut mem[crate::mem::MEM].current, lamb);
        let waits = listeners::chance(mem, &control);
        mem[crate::mem::MEM].current = shell;
        waits
    };
    assert!(ask(&mut lab));
    let told = last_event(&lab.kernel.mem, Tracepoint::OomNotify).expect("it is told");
    assert_eq!((told[1], told[2], told[3]), (101, 0, 1));
    assert_eq!(lab.run("sleep 50ms"), "told: 1\n");
    assert!(ask(&mut lab));
    // Told once, not every tick.
    assert_eq!(lab.run("sleep 49ms; cat /o/lambs/oom.notify"), "1\n");
    assert!(ask(&mut lab));
    lab.run("sleep 2ms");
    assert!(!ask(&mut lab));
    let over = last_event(&lab.kernel.mem, Tracepoint::OomNotify).expect("it is told");
    assert_eq!(over[2], 2);
    // The next time is another time.
    assert!(ask(&mut lab));
    assert_eq!(lab.run("sleep 3s"), "told: 1\n");
    assert!(ask(&mut lab));
    // Who never helps cannot hold the killer up for ever.
    let mut times = 0;
    while ask(&mut lab) {
        lab.run("sleep 3s");
        times += 1;
        assert!(times <= NOTICES_MAX);
    }
    // The shell cannot wait: it has them told, and goes on.
    let text = lab.run("echo $$ > /o/lambs/tasks; oom trigger");
    assert!(text.contains("Killed process 101 (lamb)"), "{text}");
    // Nobody listens: nobody is asked.
    lab.run("kill 100; sleep 1ms; spawn late; echo 102 > /o/lambs/tasks");
    assert!(!ask(&mut lab) || lab.run("cat /o/lambs/oom.notify").is_empty());
}

#[test]
fn a_group_that_goes_wakes_its_listeners() {
    let mut lab = lab();
    groups(&mut lab);
    program(
        &mut lab,
        "/p",
        "f = open /o/lambs/oom.notify\nx = poll $f\nprint $x $error",
    );
    lab.run("/p & sleep 1ms");
    assert_eq!(
        lab.run("rmdir /o/lambs; sleep 1ms"),
        "-19 No such device\n[1]+  Done                    /p\n"
    );
}

/// Has reclaim say that zone 0 is under pressure.
fn press(lab: &mut Lab) {
    let mem = &mut lab.kernel.mem;
    let zone = mem.zone(0);
    // So many have to be left from now on.
    mem[zone].pages_high = mem[zone].free;
    listeners::pressure(mem, 0);
}

#[test]
fn mem_notify_tells_of_pressure() {
    let mut lab = lab();
    check(
        "ls -l /dev/mem_notify; cat /dev/mem_notify; echo x > /dev/mem_notify",
        "cr--r--r--   1 root root   1,  13 /dev/mem_notify\ncat: /dev/mem_notify: Invalid argument\n\
         echo: write error: Invalid argument\n",
    );
    program(
        &mut lab,
        "/w",
        "f = open /dev/mem_notify\nforever\nx = poll $f\nnow = time\nprint \"$$ $x\"\nend",
    );
    lab.run("/w & sleep 1ms");
    assert_eq!(lab.kernel.mem[NOTIFY].watchers, 1);
    // Enough is free: nobody is told.
    listeners::pressure(&mut lab.kernel.mem, 0);
    assert_eq!(lab.run("sleep 1ms"), "");
    press(&mut lab);
    assert_eq!(lab.run("sleep 1ms"), "100 1\n");
    // Not again within 200 ms, and not without news.
    press(&mut lab);
    assert_eq!(lab.run("sleep 198ms"), "");
    press(&mut lab);
    assert_eq!(lab.run("sleep 1ms"), "");
    lab.run("sleep 2ms");
    press(&mut lab);
    assert_eq!(lab.run("sleep 1ms"), "100 1\n");
    listeners::calm(&mut lab.kernel.mem, 0);
    assert_eq!(lab.kernel.mem[NOTIFY].zones, 0);
    assert_eq!(
        lab.run("kill 100; sleep 1s"),
        "[1]+  Terminated              /w\n"
    );
    assert_eq!(lab.kernel.mem[NOTIFY].watchers, 0);
}

#[test]
fn news_spread_over_the_watchers() {
    let mut lab = lab();
    program(
        &mut lab,
        "/w",
        "f = open /dev/mem_notify\nforever\nx = poll $f\nprint $$\nend",
    );
    lab.run(&"/w & ".repeat(20));
    lab.run("sleep 10ms");
    // A sixteenth and one more at a time, each watcher once before any of them again.
    let mut told = std::vec::Vec::new();
    for _ in 0..10 {
        press(&mut lab);
        let text = lab.run("sleep 201ms");
        assert_eq!(text.lines().count(), 2);
        told.extend(text.lines().map(String::from));
    }
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 20);
}

#[test]
fn android_kills_by_thresholds() {
    let data = super::lowmem::LowMem::DEFAULT;
    for (free, file, adj) in [
        (20_000, 100, None),
        (16_383, 16_383, Some((16_384, 12))),
        (16_383, 16_384, None),
        (4_095, 5_000, Some((16_384, 12))),
        (4_095, 4_095, Some((4_096, 6))),
        (100, 2_047, Some((2_048, 1))),
        (1_535, 0, Some((1_536, 0))),
    ] {
        assert_eq!(data.reached(free, file), adj, "{free} {file}");
    }
    // The shorter list counts.
    let short = super::lowmem::LowMem { adj_len: 1, ..data };
    assert_eq!(short.reached(2_000, 0), None);
    assert_eq!(short.reached(1_000, 0), Some((1_536, 0)));
}

#[test]
fn androids_parameters_are_files() {
    let mut lab = lab();
    let at = "/sys/module/lowmemorykiller/parameters";
    assert_eq!(
        lab.run(&format!("ls {at}")),
        "adj\ncost\ndebug_level\nminfree\n"
    );
    assert_eq!(
        lab.run(&format!(
            "cat {at}/adj {at}/cost {at}/debug_level {at}/minfree"
        )),
        "0,1,6,12\n32\n2\n1536,2048,4096,16384\n"
    );
    lab.run(&format!("echo 0,8,-3 > {at}/adj; echo 100,200 > {at}/minfree; echo 1 > {at}/debug_level; echo 2 > {at}/cost"));
    assert_eq!(
        lab.run(&format!(
            "cat {at}/adj {at}/cost {at}/debug_level {at}/minfree"
        )),
        "0,8,-3\n2\n1\n100,200\n"
    );
    for (file, text) in [
        ("adj", "1,2,3,4,5,6,7"),
        ("adj", ""),
        ("adj", "1,,2"),
        ("adj", "x"),
        ("minfree", "-1"),
        ("minfree", "99999999999"),
        ("cost", "0"),
        ("cost", "1,2"),
        ("debug_level", "-1"),
    ] {
        assert_eq!(
            lab.run(&format!("echo {text} > {at}/{file}")),
            INVALID,
            "{file}: {text}"
        );
    }
    assert_eq!(
        lab.run("ls /sys/module; cat /sys/module/nothing"),
        "lowmemorykiller\ncat: /sys/module/nothing: No such file or directory\n"
    );
}

#[test]
fn android_takes_the_least_important_and_of_these_the_largest() {
    let mut lab = lab();
    lab.run("spawn phone rss=400k oom_adj=0; spawn mail rss=80k oom_adj=6; spawn game rss=200k oom_adj=12");
    lab.run("spawn chat rss=240k oom_adj=12; spawn twin rss=240k oom_adj=12; spawn never rss=900k oom_adj=-17");
    let shrink = |lab: &mut Lab| {
        super::lowmem::shrink(&mut lab.kernel.mem);
        assert_eq!(lab.kernel.check(), Ok(()));
        lab.run("true")
    };
    // 8 MB are below the highest threshold, and next to nothing of files is cached.
    lab.run("echo 0,1,6,12 > /sys/module/lowmemorykiller/parameters/adj");
    lab.run("echo 1,1,1,16384 > /sys/module/lowmemorykiller/parameters/minfree");
    assert_eq!(
        shrink(&mut lab),
        "select 102 (game), adj 12, size 50, to kill\nselect 103 (chat), adj 12, size 60, to kill\n\
         send sigkill to 103 (chat), adj 12, size 60\n"
    );
    // Level 1 tells of the kill only.
    lab.run("echo 1 > /sys/module/lowmemorykiller/parameters/debug_level");
    assert_eq!(
        shrink(&mut lab),
        "send sigkill to 104 (twin), adj 12, size 60\n"
    );
    lab.run("echo 0 > /sys/module/lowmemorykiller/parameters/debug_level");
    assert_eq!(shrink(&mut lab), "");
    // Nobody of that importance is left: nobody dies, until memory is lower.
    assert_eq!(shrink(&mut lab), "");
    lab.run("echo 1,1,16384 > /sys/module/lowmemorykiller/parameters/minfree");
    lab.run("echo 1 > /sys/module/lowmemorykiller/parameters/debug_level");
    assert_eq!(
        shrink(&mut lab),
        "send sigkill to 101 (mail), adj 6, size 20\n"
    );
    lab.run("echo 1,16384 > /sys/module/lowmemorykiller/parameters/minfree");
    assert_eq!(shrink(&mut lab), "");
    lab.run("echo 16384 > /sys/module/lowmemorykiller/parameters/minfree");
    assert_eq!(
        shrink(&mut lab),
        "send sigkill to 100 (phone), adj 0, size 100\n"
    );
    // The shell is not the driver's, nor is who has less than the threshold.
    assert_eq!(shrink(&mut lab), "");
}

#[test]
fn android_is_a_cache_that_reclaim_may_shrink() {
    use crate::mem::reclaim::Shrinker;
    let mut lab = lab();
    let driver = super::lowmem::LowMemoryKiller;
    // It has nothing to give unless it is at work.
    assert_eq!(driver.count(&lab.kernel.mem, Gfp::KERNEL), 0);
    lab.run("memhog 400K & sleep 10ms; echo lowmemorykiller > /proc/sys/vm/oom_policy");
    assert!(driver.count(&lab.kernel.mem, Gfp::KERNEL) >= 100);
    assert_eq!(driver.seeks(&lab.kernel.mem), 32);
    lab.run("echo 8 > /sys/module/lowmemorykiller/parameters/cost");
    assert_eq!(driver.seeks(&lab.kernel.mem), 8);
    // Asked again before the victim has ended, it takes nobody else.
    lab.run("echo 0 > /sys/module/lowmemorykiller/parameters/adj; spawn other rss=4k");
    lab.run("echo 16384 > /sys/module/lowmemorykiller/parameters/minfree");
    let freed = driver.scan(&mut lab.kernel.mem, 128, Gfp::KERNEL);
    assert!(freed >= 100);
    assert_eq!(driver.scan(&mut lab.kernel.mem, 128, Gfp::KERNEL), 0);
    assert!(lab.run("sleep 1ms").contains("Killed"));
    assert_eq!(driver.scan(&mut lab.kernel.mem, 128, Gfp::KERNEL), 1);
}

/// A line about memory that runs out, and what is done about it.
fn random_line(random: &mut Random) -> String {
    let mut one = |of: &[&str]| String::from(of[random.below(of.len() as u64) as usize]);
    let size = one(&["100K", "700K", "1500K", "2M", "3M", "5M", "9M"]);
    let group = one(&["/o/a", "/o/a/b", "/o"]);
    let pid = 100 + random.below(24);
    match random.below(19) {
        0..=3 => format!("memhog {size} &"),
        4 => format!("hoard {size} &"),
        5 => format!("hoard {size} {group}/oom.notify &"),
        6 => format!("echo 0 > {group}/tasks; memhog {size} & echo 0 > /o/tasks"),
        7..=9 => format!("sleep {}ms", 1 + random.below(400)),
        10 => format!(
            "echo {} > /proc/sys/vm/oom_policy",
            policy::POLICIES[random.below(6) as usize].name()
        ),
        11 => format!(
            "echo {} > {group}/oom.priority",
            [1, 2, 256][random.below(3) as usize]
        ),
        12 => format!("echo {} > {group}/oom.delay", random.below(300)),
        13 => format!("echo {pid} > {group}/tasks"),
        14 => format!(
            "echo {} > /proc/{pid}/oom_adj",
            random.below(32) as i64 - 16
        ),
        15 => format!(
            "echo {} > /proc/sys/vm/oom_victim",
            ["memhog", "hoard", "x", ""][random.below(4) as usize]
        ),
        16 => format!(
            "echo {} > /sys/module/lowmemorykiller/parameters/minfree; echo 1 > /sys/module/lowmemorykiller/parameters/cost",
            ["64,128,256,512", "9999", "1536,2048,4096,16384"][random.below(3) as usize]
        ),
        17 => String::from("oom trigger"),
        _ => format!(
            "spawn s rss={size} oom_adj={}",
            random.below(31) as i64 - 15
        ),
    }
}

/// Whoever has priority 0 lives as long as a policy of priorities is in force, whatever happens; and
/// the kernel stays sound, or says that it has panicked.
#[test]
fn under_pressure_nobody_who_is_excluded_dies() {
    let (mut panics, mut kills) = (0, 0);
    for seed in 0..40 {
        std::println!("seed {seed}");
        let mut random = Random(seed);
        let mut lab = Lab::new(["mem=8M cpus=2", "mem=10M cpus=1 nodes=2"][seed as usize % 2]);
        lab.run("mkdir /o; mount -t cgroup -o oom oom /o; mkdir /o/keep /o/a /o/a/b");
        lab.run("echo 0 > /o/keep/oom.priority; echo 1 > /proc/sys/vm/overcommit_memory");
        let kept = |lab: &mut Lab| {
            let pids = lab.run("spawn kept rss=40k vm=9M count=2 oom_adj=9");
            for pid in pids.trim().replace('-', "\n").lines() {
                lab.run(&format!("echo {pid} > /o/keep/tasks"));
            }
            lab.run("cat /o/keep/tasks")
        };
        let mut keep = kept(&mut lab);
        for _ in 0..60 {
            let line = random_line(&mut random);
            let holds = policy::selected(&lab.kernel.mem)
                .name()
                .starts_with("priority");
            let before = lab.kernel.mem[super::OOM].policy;
            let text = lab.run(&line);
            if has_panicked(&lab.kernel.mem) {
                assert!(
                    lab.run("dmesg").is_empty() || text.contains("Kernel panic"),
                    "{line}"
                );
                panics += 1;
                break;
            }
            let now = lab.run("cat /o/keep/tasks");
            let moves = line.starts_with("echo 1") && line.ends_with("/tasks");
            if holds && !moves && before == lab.kernel.mem[super::OOM].policy {
                assert_eq!(now, keep, "{line}: {text}");
            }
            keep = if now.lines().count() < 2 {
                kept(&mut lab)
            } else {
                now
            };
        }
        kills += lab.kernel.mem[super::OOM].kills;
    }
    std::println!("{panics} panics, {kills} kills");
    assert!(kills > 100, "only {kills} kills: there was no pressure");
}
