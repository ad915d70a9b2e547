//! Each call of the table, made by a program that the console runs, with what it returns when all is
//! well and when it is not.

extern crate std;

use std::fmt::Write;
use std::string::String;

use super::CALLS;
use crate::testing::Lab;

/// Writes a program and makes it executable; a line of the console has room for some of its lines.
#[track_caller]
fn write(lab: &mut Lab, path: &str, text: &str) {
    lab.run(&std::format!("rm {path}; touch {path}; chmod 755 {path}"));
    for line in text.lines() {
        assert_eq!(lab.run(&std::format!("echo '{line}' >> {path}")), "");
    }
}

/// Runs a program on a machine of its own and compares all that it prints.
#[track_caller]
fn check(text: &str, expected: &str) {
    let mut lab = Lab::new("mem=8M cpus=2");
    write(&mut lab, "/p", text);
    assert_eq!(lab.run("/p one two"), expected, "{text}");
}

#[test]
fn who_one_is() {
    check(
        "me = getpid\nthread = gettid\nparent = getppid\nsame = $me == $thread and $me == $$\nprint $same $parent",
        "1 1\n",
    );
    // Root for good: who has become somebody does not come back.
    check(
        "u = getuid\nx = setuid 5\nv = getuid\nprint $u $x $v\nsetuid 0\nprint \"$? $error\"\nsetuid 5\nprint $?\n\
         setuid -1\nprint \"$? $error\"",
        "0 0 5\n-1 Operation not permitted\n0\n-22 Invalid argument\n",
    );
}

#[test]
fn nice_levels_go_up_for_everybody() {
    check(
        "x = nice 5\ny = nice 100\nz = nice -40\nprint $x $y $z\nsetuid 5\nnice -1\nprint \"$? $error\"\nx = nice 3\n\
         print $x",
        "5 19 -20\n-1 Operation not permitted\n-17\n",
    );
}

#[test]
fn an_alarm_goes_off_once_and_can_be_called_off() {
    // Unhandled, it ends the program.
    let mut lab = Lab::new("mem=8M");
    write(&mut lab, "/p", "alarm 5ms\nsleep 1s\nprint never");
    assert_eq!(lab.run("/p; echo $?"), "Alarm clock\n142\n");
    check(
        "rings = 0\non ALRM\nrings = $rings + 1\nend\nbegin = time\nalarm 10ms\nx = pause\nnow = time\n\
         late = $now - $begin\nsoon = $late >= 10ms and $late < 12ms\nprint $x $rings $soon\nsleep 50ms\nprint $rings",
        "-4 1 1\n1\n",
    );
    check(
        "on ALRM\nprint rings\nend\nalarm 5ms\nalarm 0s\nsleep 20ms\nalarm 5ms\nalarm 10ms\nx = sleep 7ms\nprint $x\n\
         x = sleep 7ms\nprint $x",
        "0\nrings\n-4\n",
    );
}

#[test]
fn time_passes_in_spin_and_sleep_only() {
    check(
        "a = time\nspin 3ms\nb = time\nsleep 5ms\nc = time\nyield\nd = time\ne = $b - $a\nf = $c - $b\ng = $d - $c\n\
         x = $e >= 3ms and $e < 4ms\ny = $f >= 5ms and $f < 7ms\nz = $g < 1ms\nprint $x $y $z",
        "1 1 1\n",
    );
    check(
        "x = sleep -1\nprint $x $error\nx = spin -5\nprint $x\nx = alarm -5\nprint $x",
        "-22 Invalid argument\n-22\n-22\n",
    );
}

#[test]
fn random_numbers_are_below_and_each_process_has_its_own() {
    check(
        "ok = 1\nrepeat 50\nx = random 7\nif $x < 0 or $x >= 7\nok = 0\nend\nend\nx = random 1\ny = random 0\n\
         z = random -3\nprint $ok $x $y $z",
        "1 0 -22 -22\n",
    );
    let text = "x = random 1000000\nc = fork\nx = random 1000000\nprint $x\nif $c != 0\nwait\nend";
    let mut lab = Lab::new("mem=8M");
    write(&mut lab, "/p", text);
    let (first, again) = (lab.run("/p"), lab.run("/p"));
    assert_eq!(first.lines().count(), 2);
    assert_ne!(first, again, "another process, other numbers");
}

#[test]
fn places_in_files() {
    check(
        "f = open /f write\nsay $f abcdef\nclose $f\nf = open /f both\nm = mmap 4K\nseek $f 3\nn = read $f $m 2\n\
         write 1 $m $n\nprint\nseek $f 0\ng = dup $f\nread $g $m 1\nn = read $f $m 1\nwrite 1 $m $n\nprint\n\
         seek $f -1\nprint \"$? $error\"\nseek 9 0\nprint \"$? $error\"\nseek $f 100\nn = read $f $m 9\nprint $n",
        "de\nb\n-22 Invalid argument\n-9 Bad file descriptor\n0\n",
    );
    // A descriptor of one's choice; what it was before is closed.
    check(
        "f = open /f write\nx = dup $f 1\nprint into the file\ny = dup 9\nz = dup $f 99\nsay 2 $f $x $y $z\nw = dup $f -1\n\
         say 2 $w",
        "3 1 -9 -9\n-9\n",
    );
    check(
        "f = open /f append\nsay $f one\nclose $f\nf = open /f append\nseek $f 0\nsay $f two\nf = open /f\nn = getline $f\n\
         print \"$line\"\nn = getline $f\nprint \"$line\"\nx = say $f no\nprint $x\nx = open /f read\nx = open /none\nprint $x",
        "one\ntwo\n-9\n-2\n",
    );
    let mut many = String::from("n = 0\nx = 0\nwhile $x >= 0\nx = open /p\nn = $n + 1\nend\n");
    many += "print \"$n $? $error\"";
    check(&many, "14 -24 Too many open files\n");
}

#[test]
fn directories() {
    check(
        "x = mkdir /d\nprint $x\nmkdir /d\nprint $error\nx = chdir /d\nf = open here write\nclose $f\nx = rmdir /d\n\
         print $error\nx = unlink here\nprint $x\nx = unlink here\nprint $error\nchdir ..\nx = unlink /d\nprint $error\n\
         x = rmdir /d\nprint $x\nx = chdir /d\nprint $error\nx = chdir /p\nprint $error",
        "0\nFile exists\nDirectory not empty\n0\nNo such file or directory\nIs a directory\n0\n\
         No such file or directory\nNot a directory\n",
    );
}

#[test]
fn the_heap_and_what_is_given_back() {
    check(
        "a = brk\nend_ = $a + 8K\nb = brk $end_\ngrown = $b - $a\ntouch $a 8K\nprint $grown $?\nx = brk $a\nx = peek $a\n\
         print never",
        "8192 2\nSegmentation fault\np[100]: segfault at 08049000 line 8\n",
    );
    check(
        "m = mmap 12K\ntouch $m 12K\nx = munmap $m 4K\ny = munmap 1 4K\nz = munmap $m 0\nprint $x $y $z\nn = $m + 4K\n\
         x = look $n 8K\nprint $x\npeek $m\nprint never",
        "0 -22 -22\n2\nSegmentation fault\np[100]: segfault at 40000000 line 10\n",
    );
}

#[test]
fn signals_are_ignored_and_no_longer() {
    check(
        "ignore TERM\nkill $$ TERM\nprint still here\ndefault TERM\nnone = 0\nx = ignore $none\ny = ignore KILL\nmany = 99\nz = kill $$ $many\n\
         w = kill 12345\nprint $x $y $z $w\nkill $$\nprint never",
        "still here\n-22 -22 -22 -3\nTerminated\n",
    );
}

#[test]
fn arguments_move_on() {
    check(
        "print $# $1 $2\nx = shift\nprint $# $1\nshift\nx = shift\nprint $# $x\nprint \"$1.\"",
        "2 one two\n1 two\n0 -22\n.\n",
    );
}

#[test]
fn a_thread_ends_alone_and_a_process_as_a_whole() {
    check(
        "t = clone\nif $t == 0\nsleep 1ms\nexit_thread\nend\nsleep 5ms\nprint alive\nt = clone\nif $t == 0\nexit 3\nend\n\
         sleep 1s\nprint never",
        "alive\n",
    );
    // The first thread ends before the other; the process is there until both have.
    check(
        "t = clone\nif $t == 0\nsleep 5ms\nprint last\nexit_thread\nend\nexit_thread\nprint never",
        "last\n",
    );
}

/// A program that becomes another is alone from then on.
#[test]
fn exec_ends_the_other_threads() {
    let mut lab = Lab::new("mem=8M cpus=2");
    let text = "repeat 3\nt = clone\nif $t == 0\nforever\nspin 1ms\nend\nend\nend\nt = clone\nif $t == 0\npause\nend\n\
                sleep 300ms\nx = exec /nowhere\nprint $error\nexec /bin/sleep 200ms\nprint never";
    write(&mut lab, "/p", text);
    assert_eq!(lab.run("/p & sleep 200ms"), "[1] 100\n");
    assert_eq!(lab.run("ps -L").lines().count(), 1 + 1 + 5);
    assert_eq!(lab.run("sleep 200ms"), "No such file or directory\n");
    assert_eq!(lab.run("ps -L").lines().count(), 1 + 1 + 1);
    assert_eq!(lab.run("wait %1; echo $?"), "0\n");
    // Another than the first may not while it is not alone.
    let text = "t = clone\nif $t == 0\nexec /bin/true\nprint $error\nexit_thread\nend\nsleep 5ms";
    write(&mut lab, "/p", text);
    assert_eq!(lab.run("/p"), "Resource temporarily unavailable\n");
}

/// No call breaks on numbers that make no sense for it.
#[test]
fn absurd_arguments() {
    let numbers = [
        "-1",
        "0",
        "0x7fffffff",
        "0xffffffff",
        "0x1fffffffffffff",
        "-0x1fffffffffffff",
    ];
    let mut lab = Lab::new("mem=4M");
    let mut tried = 0;
    for call in CALLS {
        if matches!(call.name, "fork" | "clone" | "pause" | "exec") {
            continue;
        }
        for number in numbers {
            let mut line = String::from(call.name);
            for kind in call.kinds {
                let word = match kind {
                    super::calls::Kind::Mode => "shared",
                    super::calls::Kind::Variable => "x",
                    super::calls::Kind::Signal => "USR1",
                    _ => number,
                };
                write!(line, " {word}").expect("room");
            }
            // What waits for long, and kills everybody, has its own tests.
            if line.starts_with("kill -1") || call.name == "sleep" || call.name == "spin" {
                continue;
            }
            write(&mut lab, "/p", &std::format!("ignore USR1\n{line}"));
            lab.run("/p");
            tried += 1;
        }
    }
    assert!(tried > 200, "only {tried} lines");
}
