//! Exported traces, read back by readers that forgive nothing.
//!
//! Each format has a reader of its own, written from the format's published rules and not from our
//! writer. What it does not know it refuses. All three must then tell the same: the events that the
//! kernel's own ring has, each once, in order, on its CPU; a slice for each console line; and how many
//! events are missing where some were not recorded.

mod chrome;
mod ftrace;
mod perfetto;

use labs::protocol::{Host, Request, Response, TraceFormat, View, ViewRequest};
use labs::view::EventRow;
use labs::{HostMemory, Session};
use tests::host::{Driver, Native};
use tests::{Random, Settings, host, log_gen};

/// What a trace file says, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// A console line begins on a CPU, at a time in microseconds.
    Begin { name: String, at: u64, cpu: u64 },
    /// The line ends.
    End { at: u64, cpu: u64 },
    /// An event: its name without its system, its fields as `name=value ...`.
    Event {
        at: u64,
        cpu: u64,
        name: String,
        fields: String,
    },
    /// So many events are missing here.
    Lost { count: u64 },
}

const FORMATS: [TraceFormat; 3] = [
    TraceFormat::Perfetto,
    TraceFormat::Chrome,
    TraceFormat::Ftrace,
];

fn read(format: TraceFormat, file: &[u8]) -> Result<Vec<Entry>, String> {
    match format {
        TraceFormat::Perfetto => perfetto::read(file),
        TraceFormat::Chrome => chrome::read(file),
        TraceFormat::Ftrace => ftrace::read(file),
    }
}

/// Reads a file that must be right.
#[track_caller]
fn read_well(format: TraceFormat, file: &[u8]) -> Vec<Entry> {
    read(format, file).unwrap_or_else(|error| {
        let path = std::env::temp_dir().join("glass-wrong-trace");
        let _ = std::fs::write(&path, file);
        panic!("{format:?}: {error}; the file is {}", path.display())
    })
}

/// Checks what holds for every trace of the steps whose events are numbered from `first` up to `end`,
/// and returns how many events are missing.
#[track_caller]
fn check_entries(entries: &[Entry], first: u64, end: u64) -> u64 {
    let mut next = first;
    let mut open: Option<u64> = None;
    let mut missing = 0;
    let mut pending = 0;
    for entry in entries {
        match entry {
            Entry::Begin { at, cpu, name } => {
                assert_eq!(*at, next, "{entry:?} comes after event {next}");
                assert_eq!((open, pending), (None, 0), "{entry:?} inside of a line");
                assert!(!name.is_empty());
                open = Some(*cpu);
            }
            Entry::End { at, cpu } => {
                next += std::mem::take(&mut pending);
                assert_eq!(*at, next, "{entry:?} comes after event {next}");
                assert_eq!(open.take(), Some(*cpu), "{entry:?} ends nothing");
            }
            Entry::Event { at, .. } => {
                next += std::mem::take(&mut pending);
                assert!(open.is_some(), "{entry:?} is in no line");
                assert_eq!(*at, next, "{entry:?}");
                next += 1;
            }
            Entry::Lost { count } => {
                assert!(*count > 0 && pending == 0 && open.is_some(), "{entry:?}");
                pending = *count;
                missing += count;
            }
        }
    }
    assert_eq!((open, next), (None, end), "how the trace ends");
    missing
}

fn view_events(driver: &mut dyn Driver, since: u64) -> Vec<EventRow> {
    let max = u32::MAX;
    let request = Request::View(ViewRequest::Events { since, max });
    match driver.request(request) {
        Ok(Response::View(Some(View::Events(view)))) => view.events,
        other => panic!("{other:?}"),
    }
}

fn steps(driver: &mut dyn Driver) -> u32 {
    match driver.request(Request::State) {
        Ok(Response::State(state)) => state.steps,
        other => panic!("{other:?}"),
    }
}

fn seek(driver: &mut dyn Driver, step: u32) -> labs::view::StateView {
    match driver.request(Request::Seek { step }) {
        Ok(Response::State(state)) => state,
        other => panic!("{other:?}"),
    }
}

/// Exports a log that has been replayed in every format, checks the files and compares them with
/// each other and with the ring; returns how many events there were and how many are missing.
#[track_caller]
fn check_session(driver: &mut dyn Driver) -> (u64, u64) {
    let before = driver.request(Request::State).unwrap();
    let Response::State(state) = &before else {
        panic!("{before:?}");
    };
    let (events, to) = (state.events, state.steps);
    let files = FORMATS.map(|format| driver.trace(format, 0, to).unwrap());
    let entries: Vec<Vec<Entry>> = FORMATS
        .iter()
        .zip(&files)
        .map(|(format, file)| read_well(*format, file))
        .collect();
    let missing = check_entries(&entries[0], 0, events);
    assert_eq!(
        entries[0], entries[1],
        "Perfetto's and Chrome's file differ"
    );
    assert_eq!(
        entries[0], entries[2],
        "Perfetto's and ftrace's file differ"
    );
    let slices = entries[0]
        .iter()
        .filter(|entry| matches!(entry, Entry::Begin { .. }));
    assert_eq!(
        slices.count() as u32,
        to + 1,
        "a slice for each line, and one for boot"
    );
    assert_eq!(
        driver.request(Request::State).unwrap(),
        before,
        "what the export left"
    );
    // The end of the file is what the ring holds.
    let ring = view_events(driver, 0);
    let recorded = entries[0].iter().filter_map(|entry| match entry {
        Entry::Event {
            at,
            cpu,
            name,
            fields,
        } => Some((*at, *cpu, name.as_str(), fields.as_str())),
        _ => None,
    });
    let recorded: Vec<_> = recorded.collect();
    let tail = recorded.iter().rev().take(ring.len()).rev();
    for (row, entry) in ring.iter().zip(tail) {
        let name = row.name.split_once(':').map_or("", |(_, name)| name);
        assert_eq!(
            *entry,
            (row.number, u64::from(row.cpu), name, row.fields.as_str())
        );
    }
    (events, missing)
}

#[track_caller]
fn replay(lines: &[&str]) -> Native {
    let mut driver = Native::new();
    driver.replay(lines.join("\n").as_bytes(), false).unwrap();
    driver
}

#[test]
fn files_of_random_logs_keep_the_rules_and_tell_the_same() {
    let (mut logs, mut total) = (0, 0);
    for seed in 7_000..7_060 {
        println!("seed {seed}");
        let mut driver = Native::new();
        let log = log_gen::join(&log_gen::generate(seed));
        // The files of a log with a hundred thousand events are judged elsewhere, once.
        match driver.replay(&log, false) {
            Ok(outcome) if outcome.events < 20_000 => {}
            _ => continue,
        }
        let (events, missing) = check_session(&mut driver);
        let may_miss = log.windows(10).any(|text| text == b"tracing_on");
        assert!(missing == 0 || may_miss, "seed {seed}: {missing} missing");
        logs += 1;
        total += events;
        // Some part of it, and from elsewhere in the log.
        let mut random = Random::new(seed);
        let to = steps(&mut driver);
        let from = random.below(u64::from(to) + 1) as u32;
        let upto = from + random.below(u64::from(to - from) + 1) as u32;
        let (end, first) = (
            seek(&mut driver, upto).events,
            match from {
                0 => 0,
                from => seek(&mut driver, from - 1).events,
            },
        );
        for format in FORMATS {
            let file = driver.trace(format, from, upto).unwrap();
            check_entries(&read_well(format, &file), first, end);
        }
    }
    println!("{logs} logs, {total} events");
    assert!(logs > 40 && total > 10_000, "{logs} logs, {total} events");
}

/// One line may emit far more events than the ring holds, and a file may take many pieces.
#[test]
fn nothing_is_missing_however_many_events_a_line_emits() {
    let names: Vec<String> = (0..1000).map(|number| format!("d{number}")).collect();
    let mkdir = format!("mkdir {}", names.join(" "));
    let empty = vec![">f"; 1300].join(";");
    let mut lines = vec![
        "mem=64M cpus=2",
        "radix create t",
        "radix fill t 0 30000",
        &mkdir,
        &empty,
    ];
    // A file of so many pages that freeing them fills the ring.
    let text = format!("echo {} >> big", "x".repeat(4000));
    lines.extend(vec![text.as_str(); 1200]);
    lines.push("> big");
    lines.push("rm big");
    let mut driver = replay(&lines);
    let (events, missing) = check_session(&mut driver);
    assert_eq!(missing, 0);
    let file = driver.trace(TraceFormat::Ftrace, 0, u32::MAX).unwrap();
    println!("{events} events, {} bytes of text", file.len());
    assert!(events > 40_000 && file.len() > 3 << 20);
}

/// A session that may do hardly anything at a time.
struct Tight(Session);

impl Driver for Tight {
    fn host(&self) -> Host {
        Host::Native
    }

    fn request(&mut self, request: Request) -> Result<Response, String> {
        Ok(self.0.handle(request))
    }
}

#[test]
fn pieces_put_together_are_the_file_wherever_they_were_cut() {
    let mut logs = (7_001..).map(log_gen::generate);
    let long = logs.find(|lines| lines.len() > 50);
    let log = log_gen::join(&long.expect("there are long logs"));
    let mut native = Native::new();
    native.replay(&log, false).unwrap();
    let mut session = Session::new(Host::Native, Box::new(HostMemory));
    let replayed = session.handle(Request::Replay {
        log,
        each_line: false,
    });
    assert!(matches!(replayed, Response::Replayed(_)), "{replayed:?}");
    session.set_budget(1);
    let mut tight = Tight(session);
    let to = steps(&mut tight);
    for format in FORMATS {
        let request = Request::Trace {
            format,
            from: 0,
            to,
            resume: None,
        };
        match tight.request(request) {
            Ok(Response::Traced { next, .. }) => assert!(next.is_some(), "it is one piece"),
            other => panic!("{other:?}"),
        }
        let expected = native.trace(format, 0, to).unwrap();
        assert!(
            tight.trace(format, 0, to).unwrap() == expected,
            "{format:?}"
        );
    }
}

/// `tracing_on` leaves gaps, and the file says how long they are.
#[test]
fn what_was_not_recorded_is_counted() {
    let mut driver = replay(&[
        "mem=16M",
        "radix create t",
        "echo 0 > /sys/kernel/debug/tracing/tracing_on",
        "radix fill t 0 2000",
        "radix insert t 5000 1; echo 1 > /sys/kernel/debug/tracing/tracing_on; radix insert t 5001 1",
        "radix stat t",
    ]);
    let (_, missing) = check_session(&mut driver);
    assert!(missing > 2000, "{missing}");
    let file = driver.trace(TraceFormat::Ftrace, 0, u32::MAX).unwrap();
    let text = String::from_utf8(file).unwrap();
    assert_eq!(
        text.matches(" EVENTS]\n").count(),
        3,
        "one gap a line:\n{text:.3000}"
    );
}

#[test]
fn a_line_may_change_its_cpu_and_hold_any_bytes() {
    let mut driver = Native::new();
    let log = b"mem=16M cpus=4\ntaskset -pc 2 1; radix create t\necho \"a\\b\" | \xff\xfe \x1b[1m\n\nradix stat t\n";
    driver.replay(log, false).unwrap();
    check_session(&mut driver);
    let file = driver.trace(TraceFormat::Perfetto, 0, 9).unwrap();
    let entries = read_well(TraceFormat::Perfetto, &file);
    let names: Vec<&str> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Begin { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        names,
        [
            "boot",
            "taskset -pc 2 1; radix create t",
            "echo \"a\\b\" | \u{fffd}\u{fffd} \u{fffd}[1m",
            "(blank line)",
            "radix stat t",
        ]
    );
    let on_2 = |entry: &&Entry| matches!(entry, Entry::Event { cpu: 2, .. });
    assert!(entries.iter().filter(on_2).count() > 2);
}

#[test]
fn what_no_file_has_is_refused() {
    let mut driver = replay(&["mem=16M", "radix create t"]);
    for resume in [Some(0), Some(u64::MAX), None] {
        let request = Request::Trace {
            format: TraceFormat::Chrome,
            from: 1,
            to: 1,
            resume,
        };
        let response = driver.request(request).unwrap();
        assert_eq!(
            matches!(response, Response::Traced { .. }),
            resume.is_none(),
            "{resume:?}: {response:?}"
        );
    }
    // Nothing ran: the boot is a file as well.
    let mut fresh = Native::new();
    for format in FORMATS {
        let file = fresh.trace(format, 3, 9).unwrap();
        assert!(read_well(format, &file).len() > 50);
    }
}

/// The readers refuse what breaks the rules, or these tests would prove nothing.
#[test]
fn the_readers_are_strict() {
    let mut driver = replay(&["mem=16M cpus=2", "radix create t", "radix insert t 1 1"]);
    let mut random = Random::new(1);
    for format in FORMATS {
        let file = driver.trace(format, 0, 9).unwrap();
        let good = read_well(format, &file);
        let (mut noticed, rounds) = (0, 1000);
        for _ in 0..rounds {
            let mut broken = file.clone();
            let at = random.below(broken.len() as u64) as usize;
            broken[at] ^= 1 << random.below(8);
            noticed += u32::from(read(format, &broken) != Ok(good.clone()));
        }
        println!("{format:?}: {noticed} of {rounds} flipped bits are noticed");
        // Remarks may say anything; in ftrace's header that is most of a small file.
        assert!(
            noticed > rounds * 4 / 5,
            "{format:?}: {noticed} of {rounds}"
        );
        assert!(read(format, &file[..file.len() - 3]).is_err());
    }
}

/// Equal logs give equal files, whichever machine writes them.
fn check_parity(other: Host) {
    let mut reference = Native::new();
    let mut driver = host::connect(other, &Settings::find()).expect("the host starts");
    let mut bytes = 0;
    for seed in 7_100..7_108 {
        let log = log_gen::join(&log_gen::generate(seed));
        if reference.replay(&log, false).is_err() {
            continue;
        }
        driver.replay(&log, false).unwrap();
        for format in FORMATS {
            let expected = reference.trace(format, 0, u32::MAX).unwrap();
            let file = driver.trace(format, 0, u32::MAX).unwrap();
            assert_eq!(file.len(), expected.len(), "seed {seed}, {format:?}");
            assert!(file == expected, "seed {seed}, {format:?}");
            bytes += file.len();
        }
    }
    println!("{bytes} bytes are equal on native and {}", other.name());
    assert!(bytes > 100_000);
}

#[test]
fn a_browser_writes_the_same_files() {
    check_parity(Host::Wasm);
}

#[test]
fn a_guest_writes_the_same_files() {
    check_parity(Host::Qemu);
}
