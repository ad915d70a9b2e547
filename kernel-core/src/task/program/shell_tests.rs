//! The programs of `/bin`, run from the console with everything that belongs to it. Every line is
//! followed by `Kernel::check`.

extern crate std;

use std::string::String;
use std::vec::Vec;

use crate::Kernel;
use crate::machine::{Machine, MachineConfig};
use crate::mem::Ram;

struct Console(Vec<u8>);

impl Machine for Console {
    fn console_write(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }
}

struct Lab(Kernel, Console);

impl Lab {
    fn new(header: &str) -> Lab {
        let config = MachineConfig::parse(header).expect("a good header");
        let ram = Ram::new(config.frames).expect("memory for the test");
        let kernel = Kernel::boot(ram, &config).expect("the machine boots");
        Lab(kernel, Console(Vec::new()))
    }

    #[track_caller]
    fn run(&mut self, line: &str) -> String {
        self.0.run_line(&mut self.1, line.as_bytes());
        if let Err(violation) = self.0.check() {
            panic!("after {line:?}: {violation}");
        }
        String::from_utf8(core::mem::take(&mut self.1.0)).expect("text")
    }
}

#[test]
fn programs_run_from_the_console() {
    let mut lab = Lab::new("mem=16M cpus=2");
    assert_eq!(lab.run("/bin/echo a b; /bin/false; echo $?"), "a b\n1\n");
    let text = lab.run("cow 16K");
    assert!(text.contains("the parent still finds 1"), "{text}");
    let text = lab.run("threads 3 20ms");
    assert_eq!(text.matches("is done").count(), 3, "{text}");
    let text = lab.run("server 3 1ms");
    assert!(text.contains(": 3 requests"), "{text}");
    let text = lab.run("segv; echo $?; dmesg");
    assert!(
        text.contains("\n139\n") || text.starts_with("139\n"),
        "{text}"
    );
    assert!(text.contains("segfault at 00000000 line 2"), "{text}");
}

#[test]
fn scripts_pipes_and_files() {
    let mut lab = Lab::new("mem=16M");
    lab.run("echo 'writer /tmp 3' > /script; echo 'cat /tmp' >> /script; echo false >> /script");
    let text = lab.run("/bin/sh /script; echo $?");
    assert!(text.contains("line 1 of 3"), "{text}");
    assert!(text.ends_with("\n1\n"), "{text}");
    lab.run("echo 'pipe r w' > /p; echo 'c = fork' >> /p");
    lab.run("echo 'if $c == 0' >> /p; echo 'say $w through a pipe' >> /p; echo exit >> /p; echo end >> /p");
    lab.run("echo 'close $w' >> /p; echo 'n = getline $r' >> /p; echo 'print \"$n: $line\"' >> /p");
    lab.run("echo 'n = getline $r' >> /p; echo 'print $n' >> /p; chmod 755 /p");
    assert_eq!(lab.run("/p"), "15: through a pipe\n0\n");
}

#[test]
fn a_bomb_ends_and_the_console_lives() {
    let mut lab = Lab::new("mem=4M cpus=2");
    lab.run("forkbomb &");
    lab.run("sleep 1s");
    let text = lab.run("ps");
    assert!(text.lines().count() > 10, "{text}");
    lab.run("kill -9 -1; sleep 10ms");
    let text = lab.run("ps");
    assert!(!text.contains("forkbomb"), "{text}");
}

#[test]
fn memory_runs_out_and_comes_back() {
    let mut lab = Lab::new("mem=4M");
    let text = lab.run("memhog 64M 1s; echo $?");
    assert!(text.contains("no room for 67108864 bytes"), "{text}");
    // Promised whatever it is, it has to be had when it is touched.
    lab.run("echo 1 > /proc/sys/vm/overcommit_memory");
    let text = lab.run("memhog 64M 1s; echo $?");
    assert!(text.contains("137"), "{text}");
    let text = lab.run("dmesg");
    assert!(text.contains("memhog invoked oom-killer"), "{text}");
    assert!(text.contains("Killed process 101 (memhog)"), "{text}");
    let text = lab.run("memhog 1M & sleep 100ms; cat /proc/102/maps /proc/103/maps");
    assert!(
        text.contains("[stack]") && text.contains("/bin/memhog"),
        "{text}"
    );
}

#[test]
fn a_container_limits_the_memory_of_its_tasks() {
    let mut lab = Lab::new("mem=16M");
    lab.run("mkdir /c; mount -t container -o memory memory /c; mkdir /c/a; ls /c/a");
    let limit = "echo 1M > /c/a/memory.limit_in_bytes; echo $$ > /c/a/tasks";
    let text = lab.run(limit);
    assert_eq!(text, "");
    let text = lab.run("memhog 4M 1s; echo $?");
    assert!(text.contains("137"), "{text}");
    let text = lab.run("memhog 512K 10ms; echo $?; cat /c/a/memory.usage_in_bytes");
    // The program's own file is left.
    assert_eq!(text, "0\n4096\n");
}
