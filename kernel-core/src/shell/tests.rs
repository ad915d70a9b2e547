//! Lines in, console text out. Every line is followed by `Kernel::check`.

extern crate std;

use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

use crate::Kernel;
use crate::errno::Errno;
use crate::fs;
use crate::kernel::BootError;
use crate::machine::MachineConfig;
use crate::mem::{MEM, Ram};
use crate::slab;
use crate::testing::{Lab, Random, check};

/// Runs one line and compares its status and text.
#[track_caller]
fn check_status(line: &str, status: u8, text: &str) {
    let got = Lab::new("mem=4M cpus=2").bytes(line.as_bytes());
    assert_eq!(got, (status, text.to_string()), "{line}");
}

#[test]
fn quotes() {
    for (line, expected) in [
        ("echo a  b", "a b\n"),
        ("echo 'a  b'", "a  b\n"),
        (r#"echo "a  b""#, "a  b\n"),
        (r"echo a\ \ b", "a  b\n"),
        ("echo a'b'c\"d\"e", "abcde\n"),
        (r#"echo 'it''s' "it's""#, "its it's\n"),
        (r#"echo "say \"hi\" \$x \\ \n""#, "say \"hi\" $x \\ \\n\n"),
        (r"echo '\n $x'", "\\n $x\n"),
        (r"echo \$x \\ \'", "$x \\ '\n"),
        ("echo '' x", " x\n"),
        ("echo \"\" \"\" x", "  x\n"),
        ("echo a # b", "a\n"),
        ("echo a#b '#' \\#", "a#b # #\n"),
        ("# only a comment", ""),
        ("", ""),
        ("  \t ", ""),
        ("echo é '→'", "é →\n"),
        ("echo -n a; echo b", "ab\n"),
        ("echo \\é", "é\n"),
        ("e'ch'o x", "x\n"),
    ] {
        check_status(line, 0, expected);
    }
}

#[test]
fn variables() {
    check(
        "x=1\necho $x ${x}2 $x2 \"$x\" '$x'\nx=$x$x; echo $x\ny='a  b'; echo $y \"$y\"",
        "1 12 1 $x\n11\na b a  b\n",
    );
    check("echo $$ $? $; false; echo $?; echo $?", "1 0 $\n1\n0\n");
    check("echo a$nothing ''$nothing b; echo $1 ${?}", "a  b\n0\n");
    // An unquoted variable may be nothing at all, or several words.
    check("z=; cat $z; w=' a b '; echo x$w'y'", "x a b y\n");
    check("d='/a /b'; mkdir $d; ls /", "a\nb\nbin\ndev\nproc\nsys\n");
    check("c=echo; $c yes; c=; $c; echo $?", "yes\n0\n");
    check("x=1; y=2; x=3; echo $x$y; y=; echo $x$y", "32\n3\n");
    check_status(
        "x=1 echo $x",
        2,
        "sh: an assignment cannot stand before a command (echo)\n",
    );
    check_status("1x=2", 127, "sh: 1x=2: command not found\n");
}

#[test]
fn variables_have_an_end() {
    let mut lab = Lab::new("mem=4M");
    let long = "x".repeat(1500);
    assert_eq!(lab.run(&format!("a={long}; b={long}")), "");
    let full = "sh: no room for variable c: all variables have 3072 bytes\n";
    assert_eq!(lab.run(&format!("c={long}")), full);
    // What was there stays, and what goes makes room.
    assert_eq!(lab.run("a=; echo $a$?"), "0\n");
    assert_eq!(lab.run(&format!("c={long}")), "");
    assert_eq!(lab.run("echo $b $c"), format!("{long} {long}\n"));
    let text = "sh: a command with its variables replaced is too long (the limit is 4096 bytes)\n";
    let (status, printed) = lab.bytes(b"echo $b$b$b; echo not run");
    assert_eq!(
        (status, printed.as_str()),
        (0, &*format!("{text}not run\n"))
    );
    assert_eq!(lab.bytes(b"d=$b$b$b"), (2, text.to_string()));
}

#[test]
fn lists() {
    check("true && echo a || echo b", "a\n");
    check("false && echo a || echo b", "b\n");
    check("false || echo a && echo b", "a\nb\n");
    check("true || echo a; echo b", "b\n");
    check("false && true; echo $?", "1\n");
    check("echo a;echo b;", "a\nb\n");
    check("foo || echo $?", "sh: foo: command not found\n127\n");
    check_status("true; false", 1, "");
    check_status("false; true", 0, "");
}

#[test]
fn redirections() {
    check("echo a > f; echo b >> f; cat f; cat < f", "a\nb\na\nb\n");
    check(">f echo a; cat<f", "a\n");
    check(
        "echo a > f > g; cat f g; ls",
        "a\nbin\ndev\nf\ng\nproc\nsys\n",
    );
    check(
        "echo a > f; > f; cat f; ls -l f",
        "-rw-r--r--   1 root root        0 f\n",
    );
    check("echo 2> f; cat f", "2\n");
    check(
        "foo > f; ls",
        "sh: foo: command not found\nbin\ndev\nf\nproc\nsys\n",
    );
    check(
        "cat nothing > f; cat f",
        "cat: nothing: No such file or directory\n",
    );
    check(
        "n='a b'; echo x > $n; echo x > \"$n\"; cat 'a b'",
        "sh: $n: ambiguous redirect\nx\n",
    );
    check("echo x > $z", "sh: $z: ambiguous redirect\n");
    check_status(
        "echo x > /no/f",
        1,
        "sh: /no/f: No such file or directory\n",
    );
    check_status("echo x > /", 1, "sh: /: Is a directory\n");
    check_status("echo x > /proc/f", 1, "sh: /proc/f: Permission denied\n");
    check_status("cat < f", 1, "sh: f: No such file or directory\n");
    check_status(
        "echo x > /proc/meminfo",
        1,
        "echo: write error: Input/output error\n",
    );
    check(
        "echo a > f; cat f >> f; cat < f >> f; cat f",
        "cat: f: input file is output file\ncat: -: input file is output file\na\n",
    );
    // Removed while it is open, a file lives until it is closed.
    check("rm f > f; ls", "bin\ndev\nproc\nsys\n");
    check_status(
        "echo > a > b > c > d > e > f > g > h > i",
        2,
        "sh: too many redirections (the limit is 8)\n",
    );
}

#[test]
fn lines_that_are_refused_run_nothing() {
    for (line, error) in [
        ("echo 'a", "unterminated quote"),
        ("echo \"a", "unterminated quote"),
        ("echo \"a'b", "unterminated quote"),
        ("echo a\\", "nothing follows the backslash"),
        ("& ls", "syntax error near unexpected token '&'"),
        (
            "ls && spin &",
            "lists in the background are not supported yet",
        ),
        ("ls | cat", "pipes are not supported yet"),
        ("(ls)", "subshells are not supported yet"),
        ("echo )", "syntax error near unexpected token ')'"),
        ("echo $(ls)", "command substitution is not supported yet"),
        ("echo `ls`", "command substitution is not supported yet"),
        ("cat << x", "here-documents are not supported yet"),
        ("ls >&2", "'>&' is not supported yet"),
        ("echo ${x", "bad substitution: expected ${NAME}"),
        ("echo \"${x y}\"", "bad substitution: expected ${NAME}"),
        ("; ls", "syntax error near unexpected token ';'"),
        ("ls ;; ls", "syntax error near unexpected token ';'"),
        ("&& ls", "syntax error near unexpected token '&&'"),
        ("ls && || ls", "syntax error near unexpected token '||'"),
        ("ls &&", "syntax error: unexpected end of line"),
        ("ls ||  # comment", "syntax error: unexpected end of line"),
        ("ls >", "syntax error: unexpected end of line"),
        ("ls > ; ls", "syntax error near unexpected token ';'"),
        ("echo a\x07b", "control character U+0007 at byte 16"),
        ("echo \u{85}", "control character U+0085 at byte 15"),
        ("echo a\r", "control character U+000D at byte 16"),
        ("echo \0", "control character U+0000 at byte 15"),
    ] {
        check_status(&format!("mkdir /a; {line}"), 2, &format!("sh: {error}\n"));
        check(
            &format!("mkdir /a; {line}\nls; echo $?"),
            &format!("sh: {error}\nbin\ndev\nproc\nsys\n0\n"),
        );
        let mut lab = Lab::new("mem=4M");
        lab.run(&format!("mkdir /a; {line}"));
        assert_eq!(lab.run("echo $?"), "2\n");
    }
    let mut lab = Lab::new("mem=4M");
    let text = "sh: line too long (10485760 bytes; the limit is 4096)\n";
    assert_eq!(lab.bytes(&vec![b'x'; 10 << 20]), (2, text.to_string()));
    assert_eq!(lab.bytes(&[b' '; 4096]).1, "");
    assert_eq!(
        lab.bytes(b"echo a\xff"),
        (2, "sh: not valid UTF-8 at byte 6\n".to_string())
    );
    let many = "a ".repeat(2045);
    assert_eq!(
        lab.run(&format!("echo {many}")),
        format!("{}\n", many.trim_end())
    );
}

#[test]
fn commands_called_wrongly_say_how() {
    for (line, error) in [
        ("ls -z", "ls: usage: ls [-al] [PATH]..."),
        ("mkdir", "mkdir: usage: mkdir [-p] DIRECTORY..."),
        ("rmdir -p a", "rmdir: usage: rmdir DIRECTORY..."),
        ("cd a b", "cd: usage: cd [DIRECTORY]"),
        ("pwd x", "pwd: usage: pwd"),
        ("rm", "rm: usage: rm FILE..."),
        ("touch", "touch: usage: touch FILE..."),
        ("exit 3", "exit: usage: exit"),
        ("help a b", "help: usage: help [COMMAND]"),
        (
            "radix",
            "radix: usage: radix SUBCOMMAND ...; see help radix",
        ),
        (
            "radix grow t",
            "radix: usage: radix SUBCOMMAND ...; see help radix",
        ),
        ("radix insert t 1", "radix: usage: radix insert T KEY ITEM"),
        ("radix lookup t 1 2", "radix: usage: radix lookup T KEY"),
        ("radix create", "radix: usage: radix create NAME [gfp=MASK]"),
        (
            "radix create t gfp=x",
            "radix: usage: radix create NAME [gfp=GFP_KERNEL|GFP_ATOMIC]",
        ),
        (
            "radix insert t 18446744073709551616 1",
            "radix: KEY '18446744073709551616' is not a number from 0 to 18446744073709551615",
        ),
        (
            "radix insert t 0x10000000000000000 1",
            "radix: KEY '0x10000000000000000' is not a number from 0 to 18446744073709551615",
        ),
        (
            "radix lookup t +1",
            "radix: KEY '+1' is not a number from 0 to 18446744073709551615",
        ),
        (
            "radix lookup t 0x",
            "radix: KEY '0x' is not a number from 0 to 18446744073709551615",
        ),
        (
            "radix lookup t ''",
            "radix: KEY '' is not a number from 0 to 18446744073709551615",
        ),
        (
            "radix insert t 1 4294967296",
            "radix: ITEM '4294967296' is not a number from 0 to 4294967295",
        ),
        (
            "radix gang_lookup t 0 4294967296",
            "radix: MAX '4294967296' is not a number from 0 to 4294967295",
        ),
        (
            "radix tagged t x",
            "radix: TAG 'x' is not a number from 0 to 18446744073709551615",
        ),
        (
            "pages alloc",
            "pages: usage: pages alloc ORDER [gfp=MASK] [node=N] | pages free PFN | pages drain",
        ),
        (
            "pages alloc x",
            "pages: ORDER 'x' is not a number from 0 to 4294967295",
        ),
        (
            "pages free -1",
            "pages: PFN '-1' is not a number from 0 to 4294967295",
        ),
        ("taskset 1", "taskset: usage: taskset -pc [CPUS] PID"),
        ("taskset -p 1 1", "taskset: usage: taskset -pc [CPUS] PID"),
    ] {
        check_status(line, 2, &format!("{error}\n"));
    }
    check_status("foo", 127, "sh: foo: command not found\n");
    check_status("help foo", 1, "help: there is no command 'foo'\n");
    for (line, status, error) in [
        (
            "mkdri a",
            127,
            "sh: mkdri: command not found; did you mean mkdir?",
        ),
        (
            "memhgo &",
            127,
            "sh: memhgo: command not found; did you mean memhog?",
        ),
        (
            "/bin/memhgo",
            127,
            "sh: /bin/memhgo: No such file or directory",
        ),
        (
            "help rdaix",
            1,
            "help: there is no command 'rdaix'; did you mean radix?",
        ),
        (
            "help syscalls",
            1,
            "help: 'syscalls' is no command; man syscalls tells of it",
        ),
        (
            "radix insrt t 1 1",
            2,
            "radix: there is no 'insrt'; did you mean insert?",
        ),
        (
            "kmem vacaet 1",
            2,
            "kmem: there is no 'vacaet'; did you mean vacate?",
        ),
    ] {
        check_status(line, status, &format!("{error}\n"));
    }
}

/// specs/containers_async_proc.md 6.4.
#[test]
fn files_refuse_in_the_right_order() {
    for (line, error) in [
        (
            "mkdir /proc",
            "mkdir: cannot create directory '/proc': File exists",
        ),
        ("mkdir .", "mkdir: cannot create directory '.': File exists"),
        (
            "mkdir ..",
            "mkdir: cannot create directory '..': File exists",
        ),
        ("mkdir /", "mkdir: cannot create directory '/': File exists"),
        (
            "mkdir ''",
            "mkdir: cannot create directory '': No such file or directory",
        ),
        (
            "mkdir a/b",
            "mkdir: cannot create directory 'a/b': No such file or directory",
        ),
        (
            "touch f; mkdir f",
            "mkdir: cannot create directory 'f': File exists",
        ),
        (
            "touch f; mkdir f/a",
            "mkdir: cannot create directory 'f/a': Not a directory",
        ),
        (
            "mkdir /proc/a",
            "mkdir: cannot create directory '/proc/a': Operation not permitted",
        ),
        (
            "mkdir /sys/a",
            "mkdir: cannot create directory '/sys/a': Operation not permitted",
        ),
        (
            "mkdir /proc/self",
            "mkdir: cannot create directory '/proc/self': File exists",
        ),
        (
            "mkdir /proc/meminfo/a",
            "mkdir: cannot create directory '/proc/meminfo/a': Not a directory",
        ),
        (
            "mkdir -p f/g; touch x; mkdir -p x/y",
            "mkdir: cannot create directory 'x/y': Not a directory",
        ),
        ("rmdir .", "rmdir: failed to remove '.': Invalid argument"),
        (
            "rmdir ..",
            "rmdir: failed to remove '..': Directory not empty",
        ),
        (
            "rmdir /",
            "rmdir: failed to remove '/': Device or resource busy",
        ),
        (
            "rmdir a",
            "rmdir: failed to remove 'a': No such file or directory",
        ),
        (
            "touch f; rmdir f",
            "rmdir: failed to remove 'f': Not a directory",
        ),
        (
            "rmdir /proc",
            "rmdir: failed to remove '/proc': Device or resource busy",
        ),
        (
            "rmdir /proc/self",
            "rmdir: failed to remove '/proc/self': Operation not permitted",
        ),
        (
            "mkdir -p a/b; rmdir a",
            "rmdir: failed to remove 'a': Directory not empty",
        ),
        ("rm a", "rm: cannot remove 'a': No such file or directory"),
        ("rm /proc", "rm: cannot remove '/proc': Is a directory"),
        ("rm .", "rm: cannot remove '.': Is a directory"),
        ("touch f; rm f/", "rm: cannot remove 'f/': Not a directory"),
        (
            "rm /proc/meminfo",
            "rm: cannot remove '/proc/meminfo': Operation not permitted",
        ),
        ("touch a/", "touch: cannot touch 'a/': Is a directory"),
        (
            "touch /sys/x",
            "touch: cannot touch '/sys/x': Permission denied",
        ),
        ("cat /", "cat: /: Is a directory"),
        ("cat f", "cat: f: No such file or directory"),
        ("touch f; cat f/", "cat: f/: Not a directory"),
        ("touch f; cat f/g", "cat: f/g: Not a directory"),
        ("ls f", "ls: cannot access 'f': No such file or directory"),
        ("cd f", "cd: f: No such file or directory"),
        ("touch f; cd f", "cd: f: Not a directory"),
        ("cd ''", "cd: : No such file or directory"),
    ] {
        check_status(line, 1, &format!("{error}\n"));
    }
    let name = "n".repeat(63);
    check_status(
        &format!("mkdir {name}; ls -a {name}; rmdir {name}"),
        0,
        ".\n..\n",
    );
    check_status(
        &format!("mkdir {name}n"),
        1,
        &format!("mkdir: cannot create directory '{name}n': File name too long\n"),
    );
}

#[test]
fn directories() {
    check(
        "mkdir -p a/b/c; cd a/b; pwd; cd c/..; pwd; cd ../..; pwd",
        "/a/b\n/a/b\n/\n",
    );
    check(
        "mkdir b a C; ls; ls -a",
        "C\na\nb\nbin\ndev\nproc\nsys\n.\n..\nC\na\nb\nbin\ndev\nproc\nsys\n",
    );
    check(
        "cd /proc/self; pwd; cd ..; pwd; cd ..; pwd; cd ../..; pwd",
        "/proc/self\n/proc\n/\n/\n",
    );
    check(
        "mkdir /a; touch /a/f; ls /a /a/f a//",
        "/a:\nf\n/a/f\na//:\nf\n",
    );
    check("ls //proc/./self/../../proc/self/task", "1\n");
    check("mkdir 'x y' é; ls", "bin\ndev\nproc\nsys\nx y\né\n");
    // A directory may be removed while somebody stands in it.
    check(
        "mkdir -p a/b; cd a/b; rmdir /a/b /a; pwd; ls; ls -a; touch f; mkdir g; cd .; cd ..; pwd; cd ..; pwd",
        "pwd: No such file or directory\n.\n..\ntouch: cannot touch 'f': No such file or directory\n\
         mkdir: cannot create directory 'g': No such file or directory\n\
         pwd: No such file or directory\n/\n",
    );
    check("ls -l / | cat", "sh: pipes are not supported yet\n");
    check(
        "mkdir a; mkdir a/b; touch a/f; ls -al a",
        "drwxr-xr-x   3 root root        0 .\ndrwxr-xr-x   7 root root        0 ..\n\
         drwxr-xr-x   2 root root        0 b\n-rw-r--r--   1 root root        0 f\n",
    );
}

#[test]
fn files_grow_over_pages() {
    let mut lab = Lab::new("mem=4M");
    let free = lab.kernel.mem.free_frames();
    let line = "x".repeat(1000);
    let mut expected = String::new();
    for _ in 0..20 {
        assert_eq!(lab.run(&format!("echo {line} >> f")), "");
        expected += &line;
        expected += "\n";
    }
    assert_eq!(lab.run("cat f"), expected);
    assert_eq!(lab.run("cat f f > g; cat g"), expected.repeat(2));
    let meminfo = lab.run("cat /proc/meminfo");
    assert!(
        meminfo.contains("Cached:             60 kB\n")
            && meminfo.contains("\nDirty:              60 kB\n"),
        "{meminfo}"
    );
    assert_eq!(lab.run("echo short > f; cat f"), "short\n");
    assert_eq!(lab.run("rm f g; ls"), "bin\ndev\nproc\nsys\n");
    for cache in slab::caches(&lab.kernel.mem).collect::<Vec<_>>() {
        slab::kmem_cache_shrink(&mut lab.kernel.mem, cache);
    }
    // All pages are back but those of the pool of preloaded nodes and of the `filp` slab.
    let general = crate::testing::general_pages(&lab.kernel.mem);
    assert!(free - lab.kernel.mem.free_frames() <= 2 + general);
}

#[test]
fn a_full_memory_keeps_what_was_written() {
    let mut lab = Lab::new("mem=1M");
    let line = "y".repeat(4000);
    assert_eq!(
        lab.run(&format!("echo {line} > f; cat f f f f f f f f > g")),
        ""
    );
    let mut text = String::new();
    for _ in 0..40 {
        text = lab.run("cat g >> h");
        if !text.is_empty() {
            break;
        }
    }
    assert_eq!(text, "cat: write error: Cannot allocate memory\n");
    let long = lab.run("ls -l h");
    let size: usize = long.split_whitespace().nth(4).unwrap().parse().unwrap();
    assert!(size > 500_000, "{long}");
    let content = lab.run("cat h");
    assert_eq!(content.len(), size);
    assert!(content.bytes().all(|byte| byte == b'y' || byte == b'\n'));
    assert_eq!(lab.run("rm h; echo ok > i; cat i"), "ok\n");
}

#[test]
fn the_machine_can_be_switched_off() {
    let mut lab = Lab::new("mem=4M");
    assert_eq!(lab.run("echo a; exit; echo b"), "a\n");
    assert!(lab.kernel.is_off());
    assert_eq!(
        lab.bytes(b"echo c"),
        (1, "sh: the machine is off\n".to_string())
    );
    assert_eq!(
        lab.bytes(&[0xff]),
        (1, "sh: the machine is off\n".to_string())
    );
}

#[test]
fn proc_files_have_the_formats_of_the_era() {
    let mut lab = Lab::new("mem=4M cpus=2 nodes=2");
    let buddyinfo = lab.run("cat /proc/buddyinfo");
    for line in buddyinfo.lines() {
        assert!(
            line.starts_with("Node 0, zone      DMA ")
                || line.starts_with("Node 1, zone   Normal ")
        );
        assert_eq!(line.len(), "Node 0, zone      DMA ".len() + 11 * 7);
        assert!(line.ends_with(' '));
    }
    let meminfo = lab.run("cat /proc/meminfo");
    let managed = lab.kernel.mem[MEM].managed * 4;
    assert!(
        meminfo.starts_with(&format!("MemTotal:     {managed:8} kB\nMemFree:      ")),
        "{meminfo}"
    );
    let slabinfo = lab.run("cat /proc/slabinfo");
    let mut lines = slabinfo.lines();
    assert_eq!(lines.next(), Some("slabinfo - version: 2.1"));
    assert_eq!(
        lines.next(),
        Some(
            "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> \
             : tunables <limit> <batchcount> <sharedfactor> \
             : slabdata <active_slabs> <num_slabs> <sharedavail>"
        )
    );
    let dentries = lines
        .find(|line| line.starts_with("dentry "))
        .expect("a line");
    let active = lab.kernel.mem[fs::FS].nr_dentry;
    assert_eq!(
        dentries,
        format!(
            "dentry            {active:6}     96    128   32    1 : tunables    0    0    0 : slabdata      3      3      0"
        )
    );
    assert_eq!(
        lab.run("cat /proc/mounts /proc/filesystems"),
        "rootfs / rootfs rw 0 0\nproc /proc proc rw 0 0\nsysfs /sys sysfs rw 0 0\nbinfs /bin binfs ro 0 0\n\
         nodev\trootfs\nnodev\tproc\nnodev\tsysfs\nnodev\tramfs\nnodev\tsrcfs\n\
         nodev\tcontainer\nnodev\tcgroup\nnodev\tcpuset\nnodev\tpipefs\nnodev\tbinfs\n"
    );
    assert!(
        lab.run("cat /proc/version")
            .starts_with("Glass Kernel version ")
    );
    assert!(
        lab.run("cat /proc/zoneinfo")
            .starts_with("Node 0, zone      DMA\n  pages free     ")
    );
    let nodes = lab.run("ls /sys/devices/system/node; cat /sys/devices/system/node/node1/cpulist");
    assert_eq!(nodes, "node0\nnode1\nonline\n1\n");
    assert_eq!(lab.run("cat /sys/devices/system/cpu/online"), "0-1\n");
    let used = lab.run("cat /sys/devices/system/node/node1/meminfo");
    assert_eq!(
        used.lines().next(),
        Some("Node 1 MemTotal:         2048 kB")
    );
}

#[test]
fn the_nth_allocation_fails() {
    check(
        "echo 1 > /proc/self/fail-nth; cat /proc/self/fail-nth\ncat /proc/self/fail-nth\nmkdir a",
        "cat: /proc/self/fail-nth: Cannot allocate memory\n0\n",
    );
    check(
        "echo 3 > /proc/self/fail-nth; cat /proc/self/fail-nth; echo 0 > /proc/self/fail-nth; mkdir a; cat /proc/self/fail-nth",
        "2\n0\n",
    );
    for word in ["x", "-1", "''", "4294967296", "2147483648", "'1 2'"] {
        check_status(
            &format!("echo {word} > /proc/self/fail-nth"),
            1,
            "echo: write error: Invalid argument\n",
        );
    }
}

#[test]
fn the_trace_is_a_file() {
    let mut lab = Lab::new("mem=4M");
    let trace = "/sys/kernel/debug/tracing/trace";
    assert_eq!(lab.run(&format!("echo > {trace}; mkdir /a")), "");
    let text = lab.run(&format!("cat {trace}"));
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("# tracer: nop"));
    let lines: Vec<_> = lines.filter(|line| !line.starts_with('#')).collect();
    let create = lines
        .iter()
        .find(|line| line.contains(" create: "))
        .expect("an event");
    assert!(
        create.starts_with("              sh-1     [000] ....     1.000"),
        "{create}"
    );
    assert!(
        create.ends_with(": create: ino=12 parent=1 mode=40755"),
        "{create}"
    );
    let stopped = lab.run(
        "echo 0 > /sys/kernel/debug/tracing/tracing_on; cat /sys/kernel/debug/tracing/tracing_on",
    );
    assert_eq!(stopped, "0\n");
    let before = lab.run(&format!("cat {trace}"));
    let events = lab.kernel.events();
    assert_eq!(lab.run("mkdir /b"), "");
    assert!(lab.kernel.events() > events);
    assert_eq!(lab.run(&format!("cat {trace}")), before);
    // A trace that is copied while it grows has no line twice and none torn.
    lab.run("echo 1 > /sys/kernel/debug/tracing/tracing_on; radix create t; radix fill t 0 3000");
    let copy = lab.run(&format!("cat {trace} > /t; cat /t"));
    let times: Vec<&str> = copy.lines().skip(4).map(|line| &line[34..46]).collect();
    assert!(times.len() > 500);
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
}

/// specs/memory.md 1.7, for trees without direct items (2.6.16).
#[test]
fn radix_vectors_of_the_specification() {
    let stat = |h, n, i| format!("height {h} nodes {n} items {i}\n");
    check(
        "radix create t; radix stat t\n\
         radix insert t 0 1; radix insert t 63 2; radix stat t\n\
         radix insert t 64 3; radix stat t; radix insert t 4096 4; radix stat t\n\
         radix insert t 0x40000 5; radix stat t; radix insert t 64 9\n\
         radix delete t 0x40000; radix stat t; radix delete t 4096; radix stat t\n\
         radix delete t 64; radix stat t; radix delete t 63; radix stat t; radix delete t 0; radix stat t",
        &[
            stat(0, 0, 0),
            "0\n0\n".into(),
            stat(1, 1, 2),
            "0\n".into(),
            stat(2, 3, 3),
            "0\n".into(),
            stat(3, 6, 4),
            "0\n".into(),
            stat(4, 10, 5),
            "-EEXIST\n".into(),
            "5\n".into(),
            stat(3, 6, 4),
            "4\n".into(),
            stat(2, 3, 3),
            "3\n".into(),
            stat(1, 1, 2),
            "2\n".into(),
            stat(1, 1, 1),
            "1\n".into(),
            stat(0, 0, 0),
        ]
        .concat(),
    );
    check(
        "radix create t; radix insert t 18446744073709551615 1; radix stat t; radix insert t 0 2; radix stat t\n\
         radix gang_lookup t 0 9; radix gang_lookup t 0xffffffffffffffff 9; radix gang_lookup t 1 1\n\
         radix delete t 0xFFFFFFFFFFFFFFFF; radix stat t",
        &[
            "0\n".into(),
            stat(11, 11, 1),
            "0\n".into(),
            stat(11, 21, 2),
            "2 1\n1\n1\n".into(),
            "1\n".into(),
            stat(1, 1, 1),
        ]
        .concat(),
    );
}

#[test]
fn radix_results_and_statuses() {
    for (line, status, text) in [
        ("radix lookup t 1", 1, "-ENOENT\n"),
        ("radix create t; radix create t", 1, "-EEXIST\n"),
        ("radix create a/b", 1, "-EINVAL\n"),
        ("radix create 0123456789012345678901234567890", 0, ""),
        (
            "radix create 01234567890123456789012345678901",
            1,
            "-EINVAL\n",
        ),
        ("radix create ''", 1, "-EINVAL\n"),
        ("radix create t; radix insert t 1 0", 1, "-EINVAL\n"),
        ("radix create t; radix lookup t 1", 1, "NULL\n"),
        ("radix create t; radix delete t 1", 1, "NULL\n"),
        ("radix create t; radix tag_set t 1 0", 1, "-ENOENT\n"),
        ("radix create t; radix tag_set t 1 2", 1, "-EINVAL\n"),
        ("radix create t; radix tag_clear t 1 0", 1, "NULL\n"),
        ("radix create t; radix tag_clear t 1 2", 1, "-EINVAL\n"),
        ("radix create t; radix tag_get t 1 1", 0, "0\n"),
        ("radix create t; radix tag_get t 1 9", 1, "-EINVAL\n"),
        ("radix create t; radix tagged t 1", 0, "0\n"),
        ("radix create t; radix tagged t 2", 1, "-EINVAL\n"),
        ("radix create t; radix gang_lookup t 0 5", 0, "\n"),
        (
            "radix create t; radix insert t 7 5; radix gang_lookup t 0 0",
            0,
            "0\n\n",
        ),
        (
            "radix create t; radix insert t 7 5; radix tag_set t 7 1; radix gang_lookup_tag t 0 4294967295 1; radix gang_lookup_tag t 0 9 0",
            0,
            "0\n5\n5\n\n",
        ),
        (
            "radix create t; radix insert t 7 5; radix tag_set t 7 1; radix tag_get t 7 1; radix tag_get t 7 0; radix tagged t 1; radix tag_clear t 7 0; radix tag_clear t 7 1; radix tag_clear t 7 1",
            0,
            "0\n5\n1\n-1\n1\n5\n5\n5\n",
        ),
        ("radix gang_lookup_tag t 0 1 5", 1, "-ENOENT\n"),
        ("radix preload_end", 1, "-EINVAL\n"),
        (
            "radix preload; radix preload; radix preload_end; radix preload_end",
            0,
            "",
        ),
        ("radix create t; radix lookup_slot t 0", 1, "NULL\n"),
        (
            "radix create t gfp=GFP_KERNEL; radix show t",
            0,
            "t: height 0 nodes 0 items 0\n",
        ),
        (
            "radix create t; radix fill t 0xfffffffffffffffe 3",
            1,
            "2\nradix: fill stopped at key 18446744073709551615: the next key exceeds 64 bits\n",
        ),
        (
            "radix create t; radix fill t 5 3 0; radix stat t",
            0,
            "1\nheight 1 nodes 1 items 1\n",
        ),
        ("radix create t; radix fill t 5 0", 0, "0\n"),
    ] {
        check_status(line, status, text);
    }
    let mut lab = Lab::new("mem=4M");
    let text =
        lab.run("radix create t; radix insert t 2 9; radix lookup_slot t 2; radix lookup_slot t 3");
    let lines: Vec<&str> = text.lines().collect();
    let address = |line: &str| u64::from_str_radix(&line[..16], 16).unwrap();
    assert!(
        lines[1].starts_with("ffff8800") && lines[1].ends_with(" 9"),
        "{text}"
    );
    assert!(lines[2].ends_with(" NULL"), "{text}");
    assert_eq!(address(lines[1]) + 4, address(lines[2]));
}

#[test]
fn preloading_keeps_the_cpu() {
    check(
        "radix preload; taskset -pc 1 $$; echo $?; taskset -pc 0 1; radix preload_end; taskset -pc 1 $$",
        "pid 1's current affinity list: 0\n\
         taskset: failed to set pid 1's affinity: Device or resource busy\n1\n\
         pid 1's current affinity list: 0\npid 1's new affinity list: 0\n\
         pid 1's current affinity list: 0\npid 1's new affinity list: 1\n",
    );
    check_status(
        "taskset -p -c 2 1",
        1,
        "pid 1's current affinity list: 0\n\
         taskset: failed to set pid 1's affinity: Invalid argument\n",
    );
    check_status(
        "taskset -pc 7",
        1,
        "taskset: failed to get pid 7's affinity: No such process\n",
    );
    check_status("taskset -pc x", 1, "taskset: invalid PID argument: 'x'\n");
    check_status("taskset -pc $$", 0, "pid 1's current affinity list: 0\n");
    // Writing a file preloads as well, and leaves preemption as it was.
    check(
        "radix preload; echo x > f; taskset -pc 1 1 && echo moved; radix preload_end; radix preload_end",
        "pid 1's current affinity list: 0\n\
         taskset: failed to set pid 1's affinity: Device or resource busy\n-EINVAL\n",
    );
}

#[test]
fn pages_come_and_go() {
    let mut lab = Lab::new("mem=4M nodes=2");
    let text = lab.run("pages alloc 3 node=1");
    let words: Vec<&str> = text.split_whitespace().collect();
    let frame: u64 = words[1].parse().unwrap();
    assert_eq!(words[0], "pfn");
    assert_eq!(
        words[2],
        format!("{:016x}", 0xffff_8800_0000_0000 + frame * 4096)
    );
    assert!(frame >= 512 && frame.is_multiple_of(8));
    assert_eq!(lab.run(&format!("pages free {}", frame + 1)), "-EINVAL\n");
    assert_eq!(
        lab.run(&format!("pages free {frame}; pages free {frame}")),
        "0\n-EINVAL\n"
    );
    assert_eq!(
        lab.run("pages alloc 11; pages alloc 0 node=2; pages alloc 10 gfp=GFP_DMA"),
        "-EINVAL\n-EINVAL\n-ENOMEM\n"
    );
    // No page of the kernel's can be freed by hand.
    for frame in 0..1100 {
        assert_eq!(lab.run(&format!("pages free {frame}")), "-EINVAL\n");
    }
    let text = lab.run("pages alloc 0; pages alloc 0 'gfp=GFP_DMA|GFP_ATOMIC'; pages drain");
    for line in text.lines() {
        let frame = line.split_whitespace().nth(1).unwrap();
        assert_eq!(lab.run(&format!("pages free {frame}")), "0\n");
    }
    assert_eq!(lab.bytes(b"pages alloc 0 gfp=x").0, 2);
}

#[test]
fn a_line_has_an_end() {
    let mut lab = Lab::new("mem=64M");
    // Each insertion is refused after the first, so memory lasts longer than steps.
    let (status, text) = lab.bytes(b"radix create t; radix fill t 0 4294967295 0; echo not run");
    assert_eq!(
        (status, text.as_str()),
        (1, "1\nsh: step limit reached (4000000 steps)\n")
    );
    assert_eq!(lab.run("echo $?; echo go on"), "1\ngo on\n");
}

#[test]
fn a_drawing_is_bounded() {
    let mut lab = Lab::new("mem=16M");
    assert_eq!(
        lab.run("radix create t; radix insert t 1 10; radix insert t 70 20; radix tag_set t 70 1; radix show t"),
        "0\n0\n20\n\
         t: height 2 nodes 3 items 2\n\
         keys 0-4095 #1..............................................................\n\
         ├─  0 keys 0-63 .#..............................................................\n\
         │     1=10\n\
         └─  1 keys 64-127 ......1.........................................................\n\
         \u{20}     70=20\n\
         . empty   # used   0 1 tagged   2 tagged with both\n"
    );
    let text = lab.run("radix fill t 0 100000 1; radix show t");
    assert!(
        text.contains("... 56 more\n") && text.contains("\n... 1489 more nodes\n"),
        "{text}"
    );
    assert!(text.lines().count() < 250);
}

#[test]
fn gang_lookups_find_what_a_map_finds() {
    let mut lab = Lab::new("mem=16M");
    lab.run("radix create t");
    let mut random = Random(7);
    let mut map = BTreeMap::new();
    for item in 1..400u64 {
        let key = match random.below(3) {
            0 => random.below(300),
            1 => u64::MAX - random.below(100),
            _ => random.next() >> random.below(64),
        };
        let tag = random.below(4) == 0;
        if map.contains_key(&key) {
            continue;
        }
        map.insert(key, (item, tag));
        lab.run(&format!("radix insert t {key} {item}"));
        if tag {
            lab.run(&format!("radix tag_set t {key} 1"));
        }
    }
    let keys: Vec<u64> = map.keys().copied().collect();
    for _ in 0..300 {
        let near = keys[random.below(keys.len() as u64) as usize];
        let first = near.wrapping_add(random.below(3)).wrapping_sub(1);
        let max = random.below(200) as usize;
        let expect = |tagged: bool| {
            let items = map.range(first..).filter(|(_, (_, tag))| !tagged || *tag);
            let items: Vec<String> = items
                .take(max)
                .map(|(_, (item, _))| item.to_string())
                .collect();
            items.join(" ") + "\n"
        };
        assert_eq!(
            lab.run(&format!("radix gang_lookup t {first} {max}")),
            expect(false)
        );
        assert_eq!(
            lab.run(&format!("radix gang_lookup_tag t {first} {max} 1")),
            expect(true)
        );
    }
}

/// A line of each kind that allocates.
const SESSION: [&str; 14] = [
    "mkdir -p /a/b",
    "echo hello > /a/f; cat /a/f",
    "echo more >> /a/f && cat < /a/f > /a/g; cat /a/g",
    "touch /a/h; rm /a/h",
    "cd /a/b; cat ../f > ../../k",
    "radix create t; radix insert t 1 1; radix insert t 5000 2; radix tag_set t 1 0",
    "radix fill t 100000 100 64; radix delete t 5000",
    "radix preload; radix insert t 0xffffffffffffffff 9; radix preload_end",
    "radix create u gfp=GFP_KERNEL; radix preload && radix insert u 70000 1; radix preload_end",
    "pages alloc 2; pages alloc 0",
    "cat /proc/slabinfo > /s; cat /sys/kernel/debug/tracing/trace > /t",
    "rmdir /a/b; cd ..; pwd; cd /",
    "rm /a/f /a/g /k /s /t; rmdir /a",
    "x=1; echo $x; ls -l /",
];

#[test]
fn any_allocation_may_fail() {
    for nth in 1.. {
        let mut lab = Lab::new("mem=4M");
        lab.kernel.mem.set_fail_nth(nth);
        for line in SESSION {
            lab.run(line);
        }
        if lab.kernel.mem[MEM].fail_nth > 0 {
            assert!(nth > 150, "the session allocates {nth} times only");
            break;
        }
        // After the failure everything works.
        let text = lab.run("cd /; mkdir -p /z/y; echo ok > /z/y/f; cat /z/y/f");
        assert_eq!(text, "ok\n", "after allocation {nth} failed");
    }
}

/// What a directory tree should be after random commands: `None` is a directory.
type Model = BTreeMap<String, Option<String>>;

#[test]
fn random_commands_do_what_a_model_says() {
    random_commands("mem=4M", 3000);
}

/// With `slub_debug` every object of the kernel's own is looked at as well whenever it changes hands.
#[test]
fn the_kernel_runs_on_watched_caches() {
    for header in [
        "mem=4M slub_debug",
        "mem=4M cpus=2 nodes=2 slub_debug=FZ",
        "mem=4M slub_debug=P slub_min_order=1",
        "mem=4M slub_debug=U,radix slub_max_order=3 slub_min_objects=16",
        "mem=4M slub_debug=,kmalloc- slub_nomerge",
    ] {
        let mut lab = Lab::new(header);
        for line in SESSION {
            lab.run(line);
        }
        let text = lab.run("cat /proc/slabinfo; slabtop; kmem create c 24; kmem alloc c 9; dmesg");
        assert!(text.contains("SLUB: Genslabs=11"), "{text}");
        for cache in slab::caches(&lab.kernel.mem).collect::<Vec<_>>() {
            assert_eq!(slab::debug::validate(&mut lab.kernel.mem, cache), 0);
        }
        assert_eq!(lab.kernel.mem[slab::SLAB].bugs, 0, "{header}");
    }
    random_commands("mem=4M slub_debug", 500);
}

/// The console begins empty, and `dmesg` knows what was said during boot.
#[test]
fn the_allocator_says_how_it_was_started() {
    for (header, line) in [
        (
            "mem=4M",
            "SLUB: Genslabs=11, HWalign=64, Order=0-1, MinObjects=4, CPUs=1, Nodes=1\n",
        ),
        (
            "mem=8M cpus=4 nodes=2 slub_min_order=1 slub_max_order=3 slub_min_objects=8",
            "SLUB: Genslabs=11, HWalign=64, Order=1-3, MinObjects=8, CPUs=4, Nodes=2\n",
        ),
        ("mem=4M slab=slab", ""),
        ("mem=4M slab=slob", ""),
    ] {
        let mut lab = Lab::new(header);
        assert_eq!(lab.run("echo a"), "a\n");
        let log = lab.run("dmesg");
        let rest = log.strip_prefix(line).expect("the allocator's line first");
        // Then come modules and the subsystems of containers.
        for line in rest.lines() {
            let is_known = ["Initializing cgroup subsys ", "fortune: "]
                .iter()
                .any(|known| line.starts_with(known));
            assert!(is_known, "{line}");
        }
    }
}

/// It is read in pieces, which may end within a letter.
#[test]
fn dmesg_loses_no_letter() {
    for pad in 0..8 {
        let mut lab = Lab::new("mem=4M");
        let name = "a".repeat(pad) + &"é".repeat(11);
        lab.run(&format!(
            "kmem create {name} 8 debug=FZP; kmem alloc {name} 8"
        ));
        for object in 0..8 {
            lab.run(&format!("kmem poke {name}:{object}+8 1"));
        }
        let said = lab.run(&format!("kmem validate {name}"));
        // What the command prints comes before what the kernel says.
        let (count, said) = said.split_once('\n').expect("many lines");
        assert_eq!((count, said.len() > 2000), ("8", true));
        let log = lab.run("dmesg");
        assert!(log.ends_with(said), "{log}");
    }
}

#[test]
fn a_cache_is_named_as_its_directory_could_be() {
    check(
        "kmem create a/b 8; kmem create . 8; kmem create .. 8; kmem create / 8\n\
         kmem create ... 8; kmem create .a 8; ls /sys/slab > /x; cat /sys/slab/.../order",
        "-EINVAL\n-EINVAL\n-EINVAL\n-EINVAL\n\
         0\n0, as an alias of ...\n0\n",
    );
}

#[test]
fn caches_may_share_their_slabs() {
    check(
        "kmem create a 60; kmem create b 64; kmem create c 57; kmem create d 64 ctor\n\
         kmem alloc b 3 > /x; kmem alloc c 100; kmem destroy a; kmem destroy a; kmem destroy c\n\
         kmem destroy b; kmem create b 64; kmem create kmalloc-64 64; kmem destroy d",
        "0\n0, as an alias of a\n0, as an alias of a\n0\n\
         100 objects\n0\n-ENOENT\n0\n\
         -EBUSY\n-EEXIST\n-EEXIST\n0\n",
    );
    let mut lab = Lab::new("mem=4M");
    lab.run("kmem create a 60; kmem create b 64; kmem alloc b 100");
    let slabinfo = lab.run("cat /proc/slabinfo");
    let lines: Vec<&str> = slabinfo
        .lines()
        .filter(|line| line.starts_with("a ") || line.starts_with("b "))
        .collect();
    assert_eq!(
        lines,
        [
            "a                    100    128     64   64    1 : tunables    0    0    0 : slabdata      2      2      0"
        ]
    );
    assert_eq!(lab.run("slabtop").matches("K b\n").count(), 0);
    let mut lab = Lab::new("mem=4M slub_nomerge");
    assert_eq!(lab.run("kmem create a 64; kmem create b 64"), "0\n0\n");
}

/// A usage that is too wide for its column does not push its help away.
#[test]
fn help_is_in_columns() {
    let mut lab = Lab::new("mem=4M");
    for family in ["kmem", "radix"] {
        let text = lab.run(&format!("help {family}"));
        let column = 41 + family.len();
        for line in text.lines().filter(|line| line.starts_with(' ')) {
            let (usage, help) = line.split_at(column.min(line.len()));
            let is_apart = usage.ends_with(' ') && !help.starts_with(' ');
            let has_own_line = line.len() > column && !usage.ends_with(' ');
            assert!(is_apart || has_own_line, "{line}");
        }
    }
    let told = lab.run("help kmem");
    assert!(told.contains("NAME:N") && !told.contains("What only looks at T"));
}

fn random_commands(header: &str, rounds: usize) {
    let mut random = Random(42);
    let mut lab = Lab::new(header);
    let mut model = Model::new();
    let is_dir = |model: &Model, path: &str| path.is_empty() || model.get(path) == Some(&None);
    for round in 0..rounds {
        let depth = 1 + random.below(3);
        let path: String = (0..depth)
            .map(|_| ["/a", "/b", "/cc"][random.below(3) as usize])
            .collect();
        let (parent, _) = path.rsplit_once('/').unwrap();
        let known = model.get(&path).cloned();
        let has_parent = is_dir(&model, parent);
        let is_empty = !model
            .keys()
            .any(|other| other.starts_with(&format!("{path}/")));
        let word = format!("w{round}");
        let (line, works) = match random.below(6) {
            0 => (format!("mkdir {path}"), has_parent && known.is_none()),
            1 => (format!("rmdir {path}"), known == Some(None) && is_empty),
            2 => (format!("rm {path}"), matches!(known, Some(Some(_)))),
            3 => (
                format!("echo {word} > {path}"),
                has_parent && known != Some(None),
            ),
            4 => (
                format!("echo {word} >> {path}"),
                has_parent && known != Some(None),
            ),
            _ => (format!("cat {path}"), matches!(known, Some(Some(_)))),
        };
        let (status, text) = lab.bytes(line.as_bytes());
        assert_eq!(status == 0, works, "{line}: {text}");
        if !works {
            continue;
        }
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["mkdir", _] => drop(model.insert(path, None)),
            ["rmdir" | "rm", _] => drop(model.remove(&path)),
            ["cat", _] => assert_eq!(Some(Some(text)), known),
            [_, _, ">", _] => drop(model.insert(path, Some(word + "\n"))),
            _ => {
                let before = known.flatten().unwrap_or_default();
                model.insert(path, Some(before + &word + "\n"));
            }
        }
    }
    assert!(model.len() > 3);
}

#[test]
fn the_tab_key_offers_what_fits() {
    let mut lab = Lab::new("mem=4M");
    lab.run("mkdir -p /containers/cpu; mount -t container -o cpu cpu /containers/cpu");
    lab.run("mkdir /containers/cpu/guests; spawn spin; spin &");
    lab.run("mkdir -p /dir/sub /dir2; touch /dir/file; radix create cache; radix create t; name=1");
    for (line, expected) in [
        ("ec", "echo"),
        ("ca", "cat"),
        ("m", "man mkdir mkfifo mknod mount mv memhog"),
        ("/bin/ec", "/bin/echo"),
        ("help sys", ""),
        ("man sys", "syscalls"),
        ("man mou", "mount"),
        ("man -k mou", ""),
        ("spawn s", "segv server sh sleep spin stubborn"),
        ("spawn spin c", "caps= cpus= count="),
        ("spawn cat -- /di", "/dir/ /dir2/"),
        ("kill -S", "-SEGV -STKFLT -STOP -SYS"),
        ("kill ", "1 2 100 101"),
        ("kill 2 1", "1 100 101"),
        ("kill -KILL 1", "1 100 101"),
        ("kill %", "%1"),
        ("fg ", ""),
        ("fg %", "%1"),
        ("wait 100 %", "%1"),
        ("kmem alloc dent", "dentry"),
        ("kmem dump dent", "dentry:"),
        ("kmem free from=dent", "from=dentry"),
        ("kmem free fr", "from="),
        ("kmem create dent", ""),
        ("kmem create n 64 c", "ctor cache_dma"),
        (
            "kmem create n 64 ctor ops=",
            "ops=movable ops=naughty ops=pinned",
        ),
        ("kmem create n 64 ctor c", "cache_dma"),
        ("kmem fro", ""),
        ("pages alloc 3 ", "gfp= node="),
        ("pages alloc 3 node=0 gfp=GFP_A", "gfp=GFP_ATOMIC"),
        ("radix create u gfp=GFP_K", "gfp=GFP_KERNEL"),
        ("radix stat /di", "/dir/ /dir2/"),
        (
            "oom compare badness,pri",
            "badness,priority badness,priority_cpuset",
        ),
        ("oom trigger nodes=0 ", "order= gfp= nodes="),
        ("mkdir -", "-p"),
        ("ls -a /di", "/dir/ /dir2/"),
        ("find /dir -", "-name"),
        ("mount -o r", "remount"),
        ("mount -o remount,cpu /di", "/dir/ /dir2/"),
        ("dcache lookup /di", "/dir/ /dir2/"),
        ("swapoff -", "-a"),
        ("hoard 4M /di", "/dir/ /dir2/"),
        ("taskset -pc 0 1", "1 100 101"),
        ("ps -p 10", "100 101"),
        ("mount -t c", "container cgroup cpuset"),
        ("mount -t container -o cpu", "cpuset cpu cpuacct"),
        ("mount -t container -o cpu,d", "cpu,devices cpu,debug"),
        ("mount -t container -o cpu cpu /di", "/dir/ /dir2/"),
        (
            "mount -t container -o cpu cpu /containers/",
            "/containers/cpu/",
        ),
        ("echo 1 > /containers/cpu/t", "/containers/cpu/tasks"),
        (
            "cat /containers/cpu/guests/cpu",
            "/containers/cpu/guests/cpu.shares",
        ),
        ("cat /proc/100/con", "/proc/100/container"),
        ("cat /proc/self/oom_a", "/proc/self/oom_adj"),
        ("cat /proc/4242/con", ""),
        (
            "true; r",
            "radix read readlink renice rm rmdir reader rescue",
        ),
        ("radix look", "lookup lookup_slot"),
        ("radix lookup ", "cache t"),
        ("radix lookup ca", "cache"),
        ("radix create ", ""),
        ("radix lookup t ", ""),
        ("help ta", "taskset"),
        ("pages ", "alloc free drain"),
        ("cat /di", "/dir/ /dir2/"),
        ("cat /dir/", "/dir/file /dir/sub/"),
        ("echo x > /dir/f", "/dir/file"),
        ("radix stat t >/dir/s", "/dir/sub/"),
        ("cat < di", "dir/ dir2/"),
        (
            "cat /proc/s",
            "/proc/schedstat /proc/slabinfo /proc/stat /proc/swaps /proc/sys/ /proc/self",
        ),
        ("cat /nothing/", ""),
        ("cat /dir/file/", ""),
        ("echo $na", "$name"),
        ("echo 'a b", ""),
    ] {
        let mut offers = Vec::new();
        super::complete(&lab.kernel.mem, line, &mut |word| {
            offers.push(word.to_string())
        });
        assert_eq!(offers.join(" "), expected, "{line}");
    }
}

#[test]
fn the_current_tree_is_the_last_one_used() {
    let mut lab = Lab::new("mem=4M");
    assert!(super::current_tree(&lab.kernel.mem).is_none());
    lab.run("radix create a; radix create b; radix insert a 5 1; radix insert a 6 1");
    let mem = &lab.kernel.mem;
    let tree = &mem[super::current_tree(mem).expect("a tree")];
    assert_eq!((tree.name(), tree.last_key, tree.has_last_key), ("a", 6, 1));
    let names: Vec<&str> = super::trees(mem).map(|tree| mem[tree].name()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn the_smallest_machines_boot() {
    for header in [
        "mem=1M",
        "mem=1M cpus=8 nodes=4",
        "mem=1028K nodes=3",
        "mem=1M cpus=8 slub_debug=FZPU",
        "mem=2M nodes=2 slub_min_order=10",
        "mem=1M slub_max_order=3 slub_min_objects=64",
    ] {
        assert_eq!(
            Lab::new(header).run("echo ok > /f; cat /f"),
            "ok\n",
            "{header}"
        );
    }
    // Where what was asked for needs more memory than there is, the machine does not boot, and says why.
    let config = MachineConfig::parse("mem=1M nodes=4 slub_max_order=10 slub_min_objects=512");
    let config = config.expect("a good header");
    let ram = Ram::new(config.frames).expect("memory for the test");
    let refused = Kernel::boot(ram, &config).err();
    assert_eq!(refused, Some(BootError::OutOfMemory(Errno::ENOMEM)));
}

#[test]
fn objects_have_names() {
    let mut lab = Lab::new("mem=4M");
    let first = lab.run("kmem create t 64; kmem alloc t 3 > /a; cat /a");
    let address = |line: usize| first.lines().nth(line).unwrap_or("").to_string();
    // The N-th of the cache, and bytes behind it.
    assert_eq!(lab.run("kmem list t"), first.trim_start_matches("0\n"));
    let dump = lab.run("kmem dump t:1 16");
    assert!(dump.starts_with(&address(2)), "{dump}");
    let behind = lab.run("kmem dump t:0+64 16");
    assert_eq!(behind, dump);
    assert_eq!(
        lab.run("kmem free t:1; kmem stat t"),
        "0\nactive 2 total 64 slabs 1 partial 0 pages 1\nobject 64 size 64 perslab 64\n"
    );
    let row = format!("  #.#{}\n", ".".repeat(61));
    let shown = lab.run("kmem show t");
    assert!(shown.ends_with(&row), "{shown}");
    assert!(
        shown.contains(" cpu0 next 1 3 4 5 6 7 8 9 ...\n"),
        "{shown}"
    );
    for nothing in [
        "t:2",
        "u:0",
        "t:",
        ":0",
        "t:0+",
        "t:0+x",
        "+4",
        "ffff",
        "",
        "t:0+99999999999999",
    ] {
        let told = lab.run(&format!("kmem dump '{nothing}' 16"));
        assert!(told.contains("is no address"), "{nothing}: {told}");
    }
    // The first bytes of memory, too, which no pointer leads to.
    assert!(
        lab.run("kmem dump ffff880000000000 8")
            .starts_with("ffff880000000000: 00 ")
    );
    // A page may be named by what lies in it.
    assert_eq!(lab.run("kmem vacate t:0"), "0\n");
    // A free object holds a link that the kernel would follow.
    assert_eq!(lab.run("kmem poke t:0+60 1 2 3 4 5"), "-EPERM\n");
    assert_eq!(
        lab.run("kmem alloc t > /a; kmem poke t:0+60 1 2 3 4 5"),
        "0\n"
    );
    assert!(lab.run("kmem dump t:2 16").contains(": 05 "));
}

/// The link of a free object may be written over so that it leads to an object in use.
#[test]
fn a_link_to_an_object_in_use_harms_nobody_else() {
    let mut lab = Lab::new("mem=4M");
    // Slabs begin on pages, so of the address of the first object the low byte is 0 in units, too.
    lab.run("kmem create c 64 debug=FZP; kmem alloc c 6 > /f; kmem free c:5");
    assert_eq!(lab.run("kmem poke c:4+160 0"), "0\n");
    assert_eq!(lab.run("kmem destroy c"), "-EBUSY\n");
    for line in [
        "kmem alloc c 3",
        "kmem free c:0 c:0 c:0",
        "kmem validate c",
        "kmem alloc c 60",
        "kmem shrink c",
        "kmem destroy c",
    ] {
        lab.run(line);
    }
    assert_eq!(
        lab.run("kmem create d 64; kmem alloc d > /f; kmem free d:0"),
        "0\n0\n"
    );
}

/// A free object's link may lead to itself. The chain counts as long as the slab then, so that no
/// object seems to be in use, and none can come back.
#[test]
fn a_link_that_leads_to_itself_is_told() {
    let mut lab = Lab::new("mem=4M");
    // Objects follow each other every 88 bytes; the sixth's address ends in 55 units.
    lab.run("kmem create c 64 debug=FZP; kmem alloc c 6 > /f; kmem free c:5");
    assert_eq!(lab.run("kmem poke c:4+160 55"), "0\n");
    lab.run("kmem free c:0");
    let log = lab.run("dmesg -c");
    assert!(
        log.contains("Wrong object count. Counter is 5 but counted were 0"),
        "{log}"
    );
    assert!(log.contains("BUG c: Freechain corrupt"), "{log}");
    assert!(log.contains(" not freed"), "{log}");
    for line in ["kmem free c:0", "kmem validate c", "kmem shrink c"] {
        lab.run(line);
    }
}

/// The red zone of an object smaller than a link must not lie where a free object has its link.
#[test]
fn a_red_zone_and_a_link_have_places_of_their_own() {
    let mut lab = Lab::new("mem=4M");
    lab.run("kmem create c 1 debug=Z; kmem alloc c 8 > /f; kmem free c:5 c:3; dmesg -c");
    assert_eq!(lab.run("kmem validate c"), "0\n");
    assert_eq!(lab.run("dmesg"), "");
}

#[test]
fn the_first_line_of_a_file_becomes_variables() {
    check(
        "echo 'a  b c d' > /f; echo e >> /f; read x y z < /f; echo $x-$y-$z",
        "a-b-c d\n",
    );
    check("echo a > /f; read x y < /f; echo $x-$y.", "a-.\n");
    check(
        "touch /f; read x < /f || echo none; read x || echo none",
        "none\nnone\n",
    );
    check_status("read", 2, "read: usage: read NAME... < FILE\n");
    check_status(
        "read 1x < /proc/version",
        2,
        "read: usage: read NAME... < FILE\n",
    );
}

/// Files of a cache in `/sys/slab`, in 2.6.24's form.
#[test]
fn every_cache_has_a_directory() {
    let mut lab = Lab::new("mem=16M cpus=2 nodes=2");
    let files = lab.run("ls /sys/slab/dentry");
    let names: Vec<&str> = files.lines().collect();
    assert!(names.is_sorted());
    assert_eq!(names.len(), 26);
    assert_eq!(
        lab.run(
            "kmem create a 60; kmem create b 64; kmem create w 64 debug=FZPU; kmem create z 100 ctor align=16"
        ),
        "0\n0, as an alias of a\n0\n0\n"
    );
    let caches = lab.run("ls /sys/slab");
    let listed: Vec<&str> = caches.lines().collect();
    assert!(listed.is_sorted());
    for name in ["a", "b", "dentry", "kmalloc-8", "kmem_cache", "w", "z"] {
        assert!(listed.contains(&name), "{caches}");
    }
    let slabinfo = lab.run("cat /proc/slabinfo");
    assert_eq!(listed.len(), slabinfo.lines().count() - 2 + 1);
    // Cache, file, content; before there are any objects.
    for (path, content) in [
        ("a/aliases", "1\n"),
        ("b/aliases", "1\n"),
        ("dentry/aliases", "0\n"),
        ("a/object_size", "64\n"),
        ("b/slab_size", "64\n"),
        ("a/objs_per_slab", "64\n"),
        ("a/order", "0\n"),
        ("a/align", "8\n"),
        ("z/align", "16\n"),
        ("z/slab_size", "112\n"),
        ("z/ctor", "zero\n"),
        ("a/ctor", ""),
        ("w/slab_size", "136\n"),
        ("w/sanity_checks", "1\n"),
        ("w/red_zone", "1\n"),
        ("w/poison", "1\n"),
        ("w/store_user", "1\n"),
        ("w/trace", "0\n"),
        ("a/poison", "0\n"),
        ("a/cache_dma", "0\n"),
        ("a/hwcache_align", "0\n"),
        ("a/reclaim_account", "0\n"),
        ("a/destroy_by_rcu", "0\n"),
        ("a/slabs", "0\n"),
        ("a/objects", "0\n"),
        ("a/partial", "0\n"),
        ("a/cpu_slabs", "0\n"),
        ("a/defrag_ratio", "0\n"),
        ("a/remote_node_defrag_ratio", "10\n"),
        ("a/shrink", ""),
        ("a/validate", ""),
        ("w/alloc_calls", "No data\n"),
        ("w/free_calls", "No data\n"),
        (
            "a/alloc_calls",
            "cat: /sys/slab/a/alloc_calls: Function not implemented\n",
        ),
    ] {
        assert_eq!(lab.run(&format!("cat /sys/slab/{path}")), content, "{path}");
    }
    // A full slab, one that the CPU owns, and one of the other node's.
    lab.run("kmem alloc a 100; taskset -pc 1 $$; kmem alloc a 10");
    let show = "cd /sys/slab/a; cat slabs cpu_slabs partial objects; cd /";
    assert_eq!(
        lab.run(show),
        "3 N0=2 N1=1\n2 N0=1 N1=1\n0\n192 N0=128 N1=64\n"
    );
    lab.run("echo 1 > /sys/slab/b/shrink");
    assert_eq!(
        lab.run(show),
        "3 N0=2 N1=1\n0\n2 N0=1 N1=1\n110 N0=100 N1=10\n"
    );
    // The layout changes only while there are no objects; what only watches, at any time.
    assert_eq!(
        lab.run("echo 1 > /sys/slab/a/red_zone; echo 1 > /sys/slab/a/sanity_checks; cat /sys/slab/b/sanity_checks"),
        "echo: write error: Device or resource busy\n1\n"
    );
    assert_eq!(
        lab.run(
            "echo 1 > /sys/slab/z/poison; echo 1 > /sys/slab/z/red_zone; cat /sys/slab/z/slab_size"
        ),
        "128\n"
    );
    lab.run("kmem alloc z 40; kmem scatter z 50; kmem alloc a 40; kmem scatter a 50");
    assert_eq!(lab.kernel.mem[slab::SLAB].bugs, 0);
    assert_eq!(
        lab.run("echo 1 > /sys/slab/z/validate; echo 0 > /sys/slab/a/sanity_checks; echo 2 > /sys/slab/z/validate; echo > /sys/slab/z/shrink"),
        "echo: write error: Invalid argument\necho: write error: Invalid argument\n"
    );
    // Ratios below 100 are taken; others have no effect.
    assert_eq!(
        lab.run("cd /sys/slab/z; echo 30 > defrag_ratio; cat defrag_ratio; echo 100 > defrag_ratio; cat defrag_ratio; \
                 echo x > defrag_ratio; echo 99 > remote_node_defrag_ratio; cat remote_node_defrag_ratio; cd /"),
        "30\n30\necho: write error: Invalid argument\n99\n"
    );
    // What is gone is gone, and a name is not more than that.
    assert_eq!(
        lab.run(
            "kmem destroy a; ls /sys/slab/a; cat /sys/slab/b/aliases; cat /sys/slab/b/nonsense"
        ),
        "0\nls: cannot access '/sys/slab/a': No such file or directory\n0\n\
         cat: /sys/slab/b/nonsense: No such file or directory\n"
    );
    assert_eq!(
        lab.run("cd /sys/slab/w; kmem destroy w; cat order; pwd; cd /; mkdir /sys/slab/x; rmdir /sys/slab/z"),
        "0\ncat: order: No such device\n/sys/slab/w\n\
         mkdir: cannot create directory '/sys/slab/x': Operation not permitted\n\
         rmdir: failed to remove '/sys/slab/z': Operation not permitted\n"
    );
    // The other allocators have no such directory.
    for header in ["mem=4M slab=slab", "mem=4M slab=slob"] {
        assert_eq!(Lab::new(header).run("ls /sys"), "devices\nkernel\nmodule\n");
    }
}

/// Who allocated what: a line of `alloc_calls` for each console line.
#[test]
fn users_are_tracked() {
    let mut lab = Lab::new("mem=16M cpus=2 nodes=2");
    lab.run("kmem create w 64 debug=U");
    lab.run("kmem alloc w 3");
    lab.run("taskset -pc 1 $$; kmem alloc w");
    lab.run("kmem free w:0; kmem alloc w");
    let text = lab.run("cat /sys/slab/w/alloc_calls");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    for (line, (begin, end)) in lines.iter().zip([
        ("      2 line 2 age=", " pid=1 cpus=0 nodes=0"),
        ("      1 line 3 age=", " pid=1 cpus=1 nodes=1"),
        ("      1 line 4 age=", " pid=1 cpus=1 nodes=1"),
    ]) {
        assert!(line.starts_with(begin) && line.ends_with(end), "{text}");
    }
    // Three ages where they differ, one where not.
    let ages = |line: &str| {
        line.split(" age=")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .matches('/')
            .count()
    };
    assert_eq!([ages(lines[0]), ages(lines[1])], [2, 0], "{text}");
    let mut lab = Lab::new("mem=4M");
    lab.run("kmem create w 64 debug=U");
    lab.run("kmem alloc w 4");
    lab.run("kmem free w:0; kmem alloc w");
    let text = lab.run("cat /sys/slab/w/free_calls");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with("      3 <not-available> age="),
        "{text}"
    );
    assert!(lines[1].starts_with("      1 line 3 age="), "{text}");
    assert!(lines[1].ends_with(" pid=1"), "{text}");
    // A file of Linux's has a page.
    for _ in 0..100 {
        lab.run("kmem alloc w");
    }
    let text = lab.run("cat /sys/slab/w/alloc_calls");
    assert_eq!(text.lines().count(), 64, "{text}");
}

#[test]
fn the_same_objects_are_scattered_under_every_allocator() {
    let left = ["slab", "slub", "slob"].map(|allocator| {
        let mut lab = Lab::new(&format!("mem=8M cpus=2 slab={allocator}"));
        lab.run("kmem create t 64; kmem alloc t 64 > /a");
        let all = lab.run("kmem list t");
        let freed = lab.run("kmem scatter t 60");
        let left = lab.run("kmem list t");
        let places = left.lines().map(|object| {
            let mut all = all.lines();
            all.position(|other| other == object).expect("it was there")
        });
        (freed, places.collect::<Vec<_>>())
    });
    assert_eq!(left[0], left[1]);
    assert_eq!(left[0], left[2]);
    assert!((15..40).contains(&left[0].1.len()), "{left:?}");
}

/// Whatever `/sys/slab` can switch on, the kernel's own caches go on with it.
#[test]
fn kernel_caches_can_be_watched_at_any_time() {
    let mut lab = Lab::new("mem=4M cpus=2");
    let names: Vec<String> = lab.run("ls /sys/slab").lines().map(String::from).collect();
    assert!(names.len() > 15);
    for value in [1, 0] {
        for name in &names {
            for file in ["sanity_checks", "red_zone", "poison", "store_user"] {
                let text = lab.run(&format!("echo {value} > /sys/slab/{name}/{file}"));
                let refused = "echo: write error: Device or resource busy\n";
                assert!(text.is_empty() || text == refused, "{name}/{file}: {text}");
            }
            let text = lab.run(&format!("echo 1 > /sys/slab/{name}/validate"));
            assert_eq!(text, "", "{name}");
        }
        for line in SESSION {
            lab.run(line);
        }
        lab.run("kmem create c 24; kmem alloc c 100; kmem scatter c 100; kmem destroy c");
    }
    // Tracing tells of each object; the console shows it.
    lab.run("echo 1 > /sys/slab/filp/trace");
    let text = lab.run("cat /proc/version");
    assert_eq!(
        text.matches("TRACE filp alloc 0xffff8800").count(),
        1,
        "{text}"
    );
    assert_eq!(
        text.matches("TRACE filp free 0xffff8800").count(),
        1,
        "{text}"
    );
    assert_eq!(lab.kernel.mem[slab::SLAB].bugs, 0);
}

/// specs/memory.md 2.2: a line of `/proc/slabinfo`, byte for byte, and what may be written to it.
#[test]
fn slabinfo_of_slab() {
    let mut lab = Lab::new("mem=16M cpus=2 slab=slab");
    let line = |lab: &mut Lab| -> String {
        let text = lab.run("cat /proc/slabinfo");
        text.lines()
            .find(|line| line.starts_with("c "))
            .unwrap()
            .into()
    };
    lab.run("kmem create c 256 hwcache_align");
    assert_eq!(
        line(&mut lab),
        "c                      0      0    256   15    1 : tunables  120   60    8 : slabdata      0      0      0"
    );
    // What a refill takes into the CPU's array is given out as far as the slabs know: 16 objects the
    // first time, 60 from then on, of slabs of 15.
    lab.run("kmem alloc c 10");
    assert_eq!(
        line(&mut lab),
        "c                     15     15    256   15    1 : tunables  120   60    8 : slabdata      1      1      0"
    );
    lab.run("kmem alloc c 200; kmem scatter c 100");
    // All 210 are free. Two batches of the CPU's have gone to the shared array, the rest is in its own.
    assert_eq!(
        line(&mut lab),
        "c                    210    210    256   15    1 : tunables  120   60    8 : slabdata     14     14    120"
    );
    // Smaller arrays: what the old ones held went back.
    assert_eq!(lab.run("echo c 10 5 0 > /proc/slabinfo"), "");
    assert_eq!(
        line(&mut lab).split(" : ").nth(1).unwrap(),
        "tunables   10    5    0"
    );
    assert!(line(&mut lab).ends_with("      0"));
    for (written, answer) in [
        ("nobody 10 5 0", "echo: write error: Invalid argument\n"),
        ("c 10 5", "echo: write error: Invalid argument\n"),
        ("c ten 5 0", "echo: write error: Invalid argument\n"),
        ("c", "echo: write error: Invalid argument\n"),
        // Out of range: taken, without effect.
        ("c 0 5 0", ""),
        ("c 10 0 0", ""),
        ("c 10 11 0", ""),
        ("c 10 5 -1", ""),
    ] {
        assert_eq!(
            lab.run(&format!("echo {written} > /proc/slabinfo")),
            answer,
            "{written}"
        );
        assert!(
            line(&mut lab).contains(" : tunables   10    5    0 : "),
            "{written}"
        );
    }
    let long = "c 10 5 0".to_string() + &" ".repeat(121);
    assert_eq!(
        lab.run(&format!("echo -n '{long}' > /proc/slabinfo")),
        "echo: write error: Invalid argument\n"
    );
    // Names of 17 bytes and more push the rest.
    lab.run("kmem create 12345678901234567890 8");
    assert!(
        lab.run("cat /proc/slabinfo")
            .contains("\n12345678901234567890      0      0      8  ")
    );
}

#[test]
fn affinities_are_lists_of_cpus() {
    let mut lab = Lab::new("mem=8M cpus=4");
    for (line, text) in [
        ("taskset -pc 2", "pid 2's current affinity list: 0-3\n"),
        (
            "taskset -pc 0,2-3 2",
            "pid 2's current affinity list: 0-3\npid 2's new affinity list: 0,2-3\n",
        ),
        (
            "taskset -pc 4-9 2",
            "pid 2's current affinity list: 0,2-3\n\
             taskset: failed to set pid 2's affinity: Invalid argument\n",
        ),
        (
            "taskset -pc 99 2",
            "pid 2's current affinity list: 0,2-3\n\
             taskset: failed to set pid 2's affinity: Invalid argument\n",
        ),
        (
            "taskset -pc 3-1 2",
            "pid 2's current affinity list: 0,2-3\n\
             taskset: failed to parse CPU list: 3-1\n",
        ),
        (
            "taskset -pc '' 2",
            "pid 2's current affinity list: 0,2-3\n\
             taskset: failed to parse CPU list: \n",
        ),
        // The shell goes to the first CPU of the list, unless it is on one of them.
        (
            "taskset -pc 2,3 $$",
            "pid 1's current affinity list: 0\npid 1's new affinity list: 2\n",
        ),
        (
            "taskset -pc 1-2 $$",
            "pid 1's current affinity list: 2\npid 1's new affinity list: 2\n",
        ),
    ] {
        assert_eq!(lab.run(line), text, "{line}");
    }
    lab.kernel.check().unwrap();
}

#[test]
fn programs_are_written_as_the_manual_says() {
    let mut lab = Lab::new("mem=4M");
    assert_eq!(
        lab.run("echo 'x = $1 else 4 ; # so' > /p; chmod 755 /p; /p")
            .lines()
            .count(),
        2
    );
    assert_eq!(
        lab.run("echo 'x = $1 else 4M' > /p; echo 'print \"$$: $x\"' >> /p; /p"),
        "101: 4194304\n"
    );
}
