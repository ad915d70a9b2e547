//! Whatever a module does, the kernel stays whole: it goes on without it, and does the same again.

use std::fs;
use std::path::Path;

use insmod::{Compiler, Kind, build};
use kernel_core::Kernel;
use kernel_core::machine::{Machine, MachineConfig};
use kernel_core::mem::Ram;

struct Silence;

impl Machine for Silence {
    fn console_write(&mut self, _: &[u8]) {}
}

/// What gives every callback something to do, also after one has been stopped.
const LINES: [&str; 17] = [
    "cat /proc/cgroups",
    "mkdir /c; mount -t container -o tasklimit,cpuset none /c",
    "mkdir /c/a /c/a/b; cat /c/a/tasklimit.current /c/a/tasklimit.max",
    "echo 3 > /c/tasklimit.max; echo 1 > /c/a/tasklimit.max; echo x > /c/a/tasklimit.max",
    "echo 0 > /c/a/tasks",
    "umount /c; mkdir /d; mount -t container -o tasklimit none /d; mkdir /d/a",
    "echo 0 > /d/a/tasks; spawn one; spawn two; true &",
    "sleep 1; echo 0 > /d/tasks",
    "kill -KILL 100; kill -KILL 101; sleep 1; rmdir /d/a",
    "cat /proc/fortune; cat /proc/fortune",
    "echo one > /proc/fortune; echo -n two > /proc/fortune; echo > /proc/fortune",
    "t=.; t=$t$t$t$t; t=$t$t$t$t; t=$t$t$t$t; t=$t$t$t$t; t=$t$t$t$t",
    "echo $t > /proc/fortune; echo $t > /proc/fortune; echo $t > /proc/fortune",
    "echo $t > /proc/fortune; echo $t > /proc/fortune",
    "cat /proc/fortune; cat /proc/fortune; cat /proc/fortune; cat /proc/fortune",
    "conn open 10; conn vacate 3; conn stat",
    "spawn one vm=9M; spawn two vm=8M; oom trigger; cat /proc/sys/vm/oom_policy",
];

/// The wrong ones that students might hand in, of these kinds.
fn sources() -> Vec<(String, Vec<u8>)> {
    let ops = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labs/tests/ops");
    let mut found = Vec::new();
    for folder in ["containers-subsystem", "proc-fortune", "oom-policy"] {
        let entries = fs::read_dir(ops.join(folder)).expect("the folder is there");
        for entry in entries.flatten() {
            let source = fs::read(entry.path()).expect("it can be read");
            // Those that are told by more than a wrong answer.
            if source.windows(8).any(|word| word == b"//! says") {
                found.push((entry.path().display().to_string(), source));
            }
        }
    }
    found
}

#[test]
fn a_kernel_outlives_its_modules() {
    let sources = sources();
    assert!(sources.len() > 12, "only {}", sources.len());
    let mut stopped = 0;
    for (name, source) in sources {
        let code = build(&Compiler::find(), &source).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_ne!(code.kind(), Kind::Slab, "{name}");
        let run = || {
            let config = MachineConfig::parse("mem=4M").expect("it is a machine");
            let ram = Ram::new(config.ram_frames()).expect("there is memory");
            let (module, findings) = code.load();
            // One that lets no container be made lets no machine boot.
            let Ok(mut kernel) = Kernel::boot_with(ram, &config, Some(module)) else {
                return None;
            };
            for line in LINES {
                kernel.run_line(&mut Silence, line.as_bytes());
                assert_eq!(kernel.check(), Ok(()), "{name}: {line}");
            }
            Some((kernel.chain(), kernel.frames_hash(), findings.list()))
        };
        let first = run();
        assert_eq!(first, run(), "{name}");
        stopped += usize::from(first.is_some_and(|(.., findings)| !findings.is_empty()));
    }
    assert!(stopped > 10, "only {stopped} were stopped");
}
