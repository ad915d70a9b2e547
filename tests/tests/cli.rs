//! `cargo xtask run`, `trace` and `compare` as their users see them: bytes on standard output, an
//! exit status, and errors in words.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use labs::protocol::Host;
use tests::child::Child;
use tests::server::Server;
use tests::{Settings, host};

/// What a command did.
struct Done {
    status: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

/// Runs a program to its end, with `input` on its standard input.
fn finish(command: &mut Command, input: &[u8]) -> Done {
    let mut child = Child::start(command).expect("the program starts");
    child.write(input.to_vec());
    child.close_input();
    let patience = Duration::from_secs(300);
    let mut stdout = Vec::new();
    let deadline = std::time::Instant::now() + patience;
    while let Some(bytes) = child.read(deadline).expect("the program ends in time") {
        stdout.extend(bytes);
    }
    let status = child
        .wait(patience)
        .expect("the program ends in time")
        .code();
    Done {
        status,
        stdout,
        stderr: child.complaints(),
    }
}

/// What `cargo xtask run --host HOST -` becomes, given this log.
fn run(on: Host, log: &[u8]) -> Done {
    let drive = Settings::find().drive().expect("it is built");
    finish(Command::new(drive).args(["run", on.name(), "--", "-"]), log)
}

/// What `cargo xtask ARGUMENTS` does.
fn xtask(arguments: &[&str], input: &[u8]) -> Done {
    let xtask = Settings::find().xtask().expect("it is built");
    finish(Command::new(xtask).args(arguments), input)
}

/// A file with `content` that is removed again.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn with(name: &str, content: &[u8]) -> TemporaryFile {
        let path = std::env::temp_dir().join(format!("glass-{}-{name}", std::process::id()));
        std::fs::write(&path, content).expect("the temporary folder can be written");
        TemporaryFile(path)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn all_hosts_print_the_same_bytes_and_chain() {
    let log = b"mem=8M nodes=2 cpus=2\n\
        radix create t\n\
        radix insert t 0 1; radix insert t 64 2; radix insert t 64 3\n\
        echo 'two  spaces' \"$?\" # and a comment\n\
        radix show t\n\
        cat /proc/buddyinfo\n\
        nonsense\n\
        radix stat t && false\n";
    let file = TemporaryFile::with("same.log", log);
    let path = file.0.to_string_lossy();
    let runs = host::ALL.map(|host| xtask(&["run", "--host", host.name(), &path], b""));
    for (host, run) in host::ALL.iter().zip(&runs) {
        assert_eq!(run.status, Some(1), "{host:?}: {}", run.stderr);
        assert_eq!(run.stdout, runs[0].stdout, "{host:?}");
        assert_eq!(
            last_line(&run.stderr),
            last_line(&runs[0].stderr),
            "{host:?}"
        );
    }
    let text = String::from_utf8_lossy(&runs[0].stdout);
    assert!(text.starts_with("0\n0\n-EEXIST\ntwo  spaces 1\n"), "{text}");
    assert!(text.ends_with("height 2 nodes 3 items 2\n"), "{text}");
    let summary = last_line(&runs[0].stderr);
    let words: Vec<&str> = summary.split(' ').collect();
    assert!(
        matches!(words[..], ["events", count, "chain", chain]
            if count.parse::<u64>().is_ok() && chain.len() == 16),
        "{summary}"
    );
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

#[test]
fn the_exit_status_is_the_last_lines() {
    for (log, status) in [
        (&b""[..], 0),
        (b"true", 0),
        (b"false", 1),
        (b"false\ntrue\n", 0),
        (b"no-such-command\n", 127),
        (
            b"radix create t\nradix insert t 1 1\nradix insert t 1 1\n",
            1,
        ),
    ] {
        let done = run(Host::Native, log);
        assert_eq!(
            done.status,
            Some(status),
            "{}: {}",
            log.escape_ascii(),
            done.stderr
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_in_words() {
    for host in host::ALL {
        let done = run(
            host,
            b"echo before\n\xff\xfe\necho \xc3\nxho a\0b\necho after\n",
        );
        let text = String::from_utf8(done.stdout).expect("the console's text is text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            (lines.len(), lines[0], lines[4]),
            (5, "before", "after"),
            "{host:?}: {text}"
        );
        assert!(
            lines[1].contains("UTF-8") && lines[2].contains("UTF-8"),
            "{host:?}: {text}"
        );
        assert!(lines[3].contains("U+0000"), "{host:?}: {text}");
        assert_eq!(done.status, Some(0), "{host:?}: {}", done.stderr);
    }
}

#[test]
fn a_line_of_ten_megabytes_is_refused_in_words_and_loses_nothing() {
    let mut log = b"radix create t\nradix insert t 1 7\necho ".to_vec();
    log.resize(log.len() + (10 << 20), b'x');
    log.extend(b"\nradix lookup t 1\n");
    let runs = host::ALL.map(|host| run(host, &log));
    for (host, run) in host::ALL.iter().zip(&runs) {
        assert_eq!(run.status, Some(0), "{host:?}: {}", run.stderr);
        assert!(run.stdout.ends_with(b"\n7\n"), "{host:?}");
        assert!(
            run.stdout == runs[0].stdout,
            "{host:?} prints something else"
        );
    }
    let text = String::from_utf8_lossy(&runs[0].stdout);
    assert!(text.len() < 1000, "{} bytes", text.len());
    assert!(text.contains("long"), "{text}");
}

#[test]
fn an_absurd_machine_is_refused_in_words() {
    for header in [
        "mem=0",
        "mem=99999999T",
        "mem=1",
        "nodes=99",
        "cpus=0",
        "mem=8M colour=red",
        "mem=x",
    ] {
        let mut said = Vec::new();
        for host in host::ALL {
            let done = run(host, format!("{header}\necho hello\n").as_bytes());
            assert!(
                done.status.is_some_and(|status| status != 0),
                "{header} on {host:?} is accepted"
            );
            assert!(done.stdout.is_empty(), "{header} on {host:?}");
            assert!(
                done.stderr.starts_with("error: "),
                "{header} on {host:?}: {}",
                done.stderr
            );
            assert!(
                !done.stderr.contains("panicked"),
                "{header} on {host:?}: {}",
                done.stderr
            );
            said.push(done.stderr);
        }
        assert!(
            said.iter().all(|one| *one == said[0]),
            "{header}: {said:#?}"
        );
    }
}

/// What the files hold is tested elsewhere (`traces`); here, that they arrive.
#[test]
fn a_trace_goes_where_it_is_wanted() {
    let log = b"mem=16M\nradix create t\nradix insert t 1 1\n";
    let drive = Settings::find().drive().expect("it is built");
    let trace = |format: &str, out: &str| {
        let words = ["trace", "native", format, "0", "9", "--", "-", out];
        finish(Command::new(&drive).args(words), log)
    };
    let text = trace("ftrace", "-");
    assert_eq!(text.status, Some(0), "{}", text.stderr);
    let events = run(Host::Native, log).stderr;
    let events = events.trim_end();
    assert!(text.stderr.starts_with(events), "{}", text.stderr);
    let lines = String::from_utf8(text.stdout).expect("it is text");
    assert!(lines.starts_with("# tracer: nop\n"), "{lines}");
    assert!(lines.contains("B|1|radix insert t 1 1\n"), "{lines}");
    let file = TemporaryFile::with("trace", b"");
    let path = file.0.to_str().expect("its name is text");
    let written = trace("perfetto", path);
    assert_eq!((written.status, written.stdout), (Some(0), Vec::new()));
    let bytes = std::fs::read(path).expect("it was written");
    assert!(written.stderr.contains(&format!("{} bytes", bytes.len())));
    assert!(bytes.starts_with(b"\x0a") && bytes.windows(12).any(|part| part == b"Glass Kernel"));
}

#[test]
fn wrong_arguments_are_refused_in_words() {
    for (arguments, words) in [
        (&["run", "/nonexistent/log"][..], "/nonexistent/log"),
        (&["run", "/"], "/"),
        (&["run", "--host", "moon", "-"], "moon"),
        (&["run"], "run"),
        (&["frobnicate"], "frobnicate"),
        (&["trace", "-", "--format", "svg"], "svg"),
        (&["trace", "/nonexistent/log"], "/nonexistent/log"),
        (&["parity", "many"], "many"),
    ] {
        let done = xtask(arguments, b"");
        assert!(
            done.status.is_some_and(|status| status != 0),
            "{arguments:?}"
        );
        assert!(done.stdout.is_empty(), "{arguments:?}");
        assert!(
            done.stderr.contains(words),
            "{arguments:?}: {}",
            done.stderr
        );
        assert!(
            !done.stderr.contains("panicked"),
            "{arguments:?}: {}",
            done.stderr
        );
    }
}

/// How long a command may take that finds everything built.
const PATIENCE: Duration = Duration::from_secs(300);

fn start_xtask(arguments: &[&str]) -> Child {
    let xtask = Settings::find().xtask().expect("it is built");
    Child::start(Command::new(xtask).args(arguments)).expect("it starts")
}

#[test]
fn serve_serves_the_page_and_both_kinds_of_sessions_until_interrupted() {
    let data = std::env::temp_dir().join(format!("glass-serve-{}", std::process::id()));
    let data = data.to_str().expect("a path of plain letters");
    let child = start_xtask(&[
        "serve",
        "--addr",
        "127.0.0.1:0",
        "--data",
        data,
        "--require-keys",
        "--",
        "--link-bytes",
        "1M",
    ]);
    let server = Server::of(child, PATIENCE).unwrap_or_else(|error| panic!("{error}"));
    let page = server.get("/", &[]).expect("the server answers");
    assert!(
        page.status == 200 && page.body.starts_with(b"<!doctype html>"),
        "{}",
        page.head
    );
    let hosts = server.get("/api/hosts", &[]).expect("the server answers");
    assert_eq!(hosts.body, br#"["native","qemu"]"#);
    let health = server.get("/healthz", &[]).expect("the server answers");
    assert_eq!(health.status, 200, "{}", health.head);
    let class = server.get("/api/class", &[]).expect("the server answers");
    assert!(class.body.starts_with(br#"{"requires_keys":true,"#));
    assert!(std::path::Path::new(data).join("teacher-key").is_file());
    std::fs::remove_dir_all(data).expect("removable");
    assert_eq!(server.stop("INT").expect("it stops").code(), Some(0));
}

#[test]
fn boot_gives_a_console_until_the_machine_is_switched_off() {
    let mut child = start_xtask(&["boot", "mem=8M", "nodes=2"]);
    let shown = child
        .read_until(PATIENCE, |all| all.ends_with(b"\n# "))
        .expect("there is a prompt");
    assert!(
        String::from_utf8_lossy(&shown).contains("mem=8M nodes=2"),
        "{shown:?}"
    );
    child.write(b"echo hello\rpoweroff\r".to_vec());
    let shown = child.read_until(PATIENCE, |all| {
        all.windows(11).any(|part| part == b"# poweroff\r")
    });
    assert!(String::from_utf8_lossy(&shown.expect("it answers")).contains("\r\nhello\r\n"));
    assert_eq!(child.wait(PATIENCE).expect("it ends").code(), Some(0));
}

#[test]
fn parity_compares_and_reports_in_a_line() {
    let done = xtask(&["parity", "5", "--seed", "77"], b"");
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(
        text.starts_with("parity: 5 logs, 3 hosts, 0 mismatches, "),
        "{text}"
    );
    assert!(text.ends_with(" commands, seed 77\n"), "{text}");
}

#[test]
fn what_is_not_built_is_named() {
    let drive = Settings::find().drive().expect("it is built");
    for (host, variable, part) in [
        ("qemu", "GLASS_BOOT_IMAGE", "the boot image is not built"),
        ("wasm", "GLASS_DIST", "the page is not built"),
        ("qemu", "GLASS_QEMU", "qemu"),
    ] {
        let mut command = Command::new(&drive);
        command
            .args(["run", host, "--", "-"])
            .env(variable, "/nonexistent");
        let done = finish(&mut command, b"true\n");
        assert_eq!(done.status, Some(2), "{}", done.stderr);
        assert!(
            done.stderr.contains(part) && done.stderr.contains("cargo xtask"),
            "{}",
            done.stderr
        );
    }
}

#[test]
fn logs_are_compared() {
    let log = |last: &str| format!("mem=1M\nradix create t\nradix insert t 0 {last}\n");
    let one = TemporaryFile::with("one.log", log("1").as_bytes());
    let one = one.0.to_string_lossy();
    let same = xtask(&["compare", &one, "-"], log("1").as_bytes());
    assert_eq!(same.status, Some(0), "{}", same.stderr);
    assert_eq!(
        String::from_utf8_lossy(&same.stdout),
        "all 2 steps do the same\n"
    );
    let other = xtask(&["compare", &one, "-"], log("2").as_bytes());
    assert_eq!(other.status, Some(1), "{}", other.stderr);
    let text = String::from_utf8_lossy(&other.stdout);
    assert!(
        text.starts_with("the first difference is at step 2: the lines differ\n")
            && text.contains("  first   radix insert t 0 1\n  second  radix insert t 0 2\n"),
        "{text}"
    );
    let slabs = xtask(&["compare", &one, "--slab", "slub,slob"], b"");
    assert_eq!(slabs.status, Some(0), "{}", slabs.stderr);
    let text = String::from_utf8_lossy(&slabs.stdout);
    assert!(
        text.starts_with("2 steps under 2 allocators: SLOB holds the fewest pages, ")
            && text.contains("\nlines that failed     0"),
        "{text}"
    );
    let hog =
        "mem=16M\nspawn hog vm=9M rss=8M utime=5s\nspawn old vm=8M age=9d utime=1h\noom trigger\n";
    let policies = xtask(
        &["compare", "-", "--policy", "badness,priority"],
        hog.as_bytes(),
    );
    assert_eq!(policies.status, Some(0), "{}", policies.stderr);
    let text = String::from_utf8_lossy(&policies.stdout);
    assert!(
        text.starts_with("3 steps under 2 policies: they kill the same tasks\n")
            && text.contains("line 3: 100 (hog)"),
        "{text}"
    );
    let wrong = xtask(&["compare", &one, "-"], b"mem=9T\n");
    assert_eq!(wrong.status, Some(2));
    assert!(
        last_line(&wrong.stderr).contains("mem=9T"),
        "{}",
        wrong.stderr
    );
}
