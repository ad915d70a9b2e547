//! How long going to a step of a long session takes: in this process, and in the browser's worker.
//!
//! Each session is run once; then single steps back and jumps to anywhere are timed, and what else
//! looks into the past. Nothing is drawn. The times of the browser include the way there and back
//! of each message, which the first column shows alone.
//!
//! `cargo xtask bench travel`; `--rounds N` repeats more. `cargo bench -p tests --bench travel --
//! --native` leaves the browser out.

use std::time::Instant;

use benches::{Random, Standing, Table, has_argument, number_argument, write, write_standings};
use labs::protocol::{Goal, Host, Request, Response, ViewRequest};
use tests::Settings;
use tests::host::{self, Driver};

/// Lines of a session.
const LINES: usize = 10_000;

/// A session of ten thousand easy lines: those that `performance` measures too.
fn easy() -> Vec<String> {
    let lines = performance::session_lines(LINES).into_iter();
    lines
        .map(|line| String::from_utf8(line).expect("they are text"))
        .collect()
}

/// A session of a million events.
fn events() -> Vec<String> {
    let fills = (0..LINES - 1).map(|line| format!("radix fill t {} 100", line * 100));
    ["radix create t".to_string()]
        .into_iter()
        .chain(fills)
        .collect()
}

/// A session with hard lines here and there.
fn hard() -> Vec<String> {
    let mut lines = easy();
    for (index, line) in lines.iter_mut().enumerate().skip(1) {
        match index % 500 {
            100 => *line = format!("radix create h{index}; radix fill h{index} 0 100000"),
            200..=202 => *line = "cat /sys/kernel/debug/tracing/trace".to_string(),
            300 => *line = "cat /proc/slabinfo /proc/buddyinfo /proc/meminfo".to_string(),
            400 => *line = format!("radix delete h{} 5", index - 300),
            _ => {}
        }
    }
    lines
}

fn ask(driver: &mut dyn Driver, request: Request) -> Result<Response, String> {
    match driver.request(request)? {
        Response::Error { message } => Err(message),
        response => Ok(response),
    }
}

/// Opens a session and runs its lines; returns how many events there were.
fn run(driver: &mut dyn Driver, lines: &[String]) -> Result<u64, String> {
    let header = "mem=64M".to_string();
    ask(driver, Request::Open { header })?;
    let mut rest: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().into()).collect();
    loop {
        let some = rest[..rest.len().min(1000)].to_vec();
        match ask(driver, Request::Run { lines: some })? {
            Response::Ran { lines, state } => {
                rest.drain(..lines.len());
                if rest.is_empty() {
                    return Ok(state.events);
                }
            }
            other => return Err(format!("answered a run with {other:?}")),
        }
    }
}

/// The milliseconds that a request takes.
fn timed(driver: &mut dyn Driver, request: Request) -> Result<f64, String> {
    let start = Instant::now();
    ask(driver, request)?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

/// What is measured, in the order of the columns.
const COLUMNS: [&str; 10] = [
    "message", "back", "jump", "tree", "memory", "probe", "changes", "changed", "became", "run",
];

/// Measures one session on one host.
fn measure(
    driver: &mut dyn Driver,
    lines: &[String],
    rounds: usize,
) -> Result<(u64, [Vec<f64>; 10]), String> {
    let start = Instant::now();
    let events = run(driver, lines)?;
    let run = start.elapsed().as_secs_f64() * 1e3;
    let mut random = Random(2);
    let end = lines.len() as u32;
    let mut times: [Vec<f64>; 10] = Default::default();
    times[9].push(run);
    for _ in 0..rounds {
        let step = random.below(lines.len()) as u32;
        times[2].push(timed(driver, Request::Seek { step })?);
        times[0].push(timed(driver, Request::State)?);
        let name = "t".to_string();
        let view = Request::View(ViewRequest::Radix { name });
        times[3].push(timed(driver, view)?);
        times[4].push(timed(driver, Request::View(ViewRequest::Memory))?);
        let line = b"radix stat t".to_vec();
        times[5].push(timed(driver, Request::Probe { line })?);
        for back in 1..10 {
            let step = step.saturating_sub(back);
            times[1].push(timed(driver, Request::Seek { step })?);
        }
        let view = ViewRequest::Changes {
            from: step.saturating_sub(1),
            to: step,
        };
        times[6].push(timed(driver, Request::View(view))?);
        let object = 6 << 9;
        let goal = Goal::Changed { object, bytes: 16 };
        let before = end;
        times[7].push(timed(driver, Request::Search { goal, before })?);
        let goal = Goal::Became {
            line: b"radix lookup t 3".to_vec(),
            prints: b"no such text".to_vec(),
        };
        let before = step;
        times[8].push(timed(driver, Request::Search { goal, before })?);
    }
    Ok((events, times))
}

fn percentile(samples: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    sorted.get(last * percent / 100).copied()
}

fn main() -> Result<(), String> {
    let settings = Settings::find();
    let rounds = number_argument("--rounds").unwrap_or(100).max(1);
    let hosts: &[Host] = if has_argument("--native") {
        &[Host::Native]
    } else {
        &[Host::Native, Host::Wasm]
    };
    let mut table = Table::new("Milliseconds in sessions of 10,000 lines", &COLUMNS);
    let mut standings = Vec::new();
    for &on in hosts {
        let mut driver = host::connect(on, &settings)?;
        for (name, lines) in [("easy", easy()), ("events", events()), ("hard", hard())] {
            let (events, times) = measure(&mut *driver, &lines, rounds)?;
            println!("{} {name}: {events} events", on.name());
            // One frame of the screen, and what still feels immediate.
            for (column, what, goal) in [(1, "a step back", 16.0), (2, "a jump", 50.0)] {
                let name = format!("travel: {what}, {name} lines, {}, 95 %", on.name());
                let standing = Standing::new(name, "ms", percentile(&times[column], 95));
                standings.push(standing.goal(benches::Goal::AtMost(goal)));
            }
            for percent in [50, 95, 100] {
                let row = times.iter().map(|times| percentile(times, percent));
                table.row(
                    format!("{} {name} {percent}%", on.name()),
                    row.collect::<Vec<_>>(),
                );
            }
        }
    }
    println!("{}", table.text());
    write("travel.json", &table.json());
    write_standings("travel", &standings);
    Ok(())
}
