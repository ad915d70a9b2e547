//! Where two runs part.
//!
//! Two logs, or one log on two machines: the first step at which they differ, in what, and the first
//! event of that step that differs. [`first_difference`] and [`first_event`] compare what was
//! reported and know of no kernel, so the page can use them on sessions that it has already;
//! [`logs`] runs two logs for them; [`allocators()`] runs one log under several allocators, and
//! [`policies()`] under several policies of the OOM killer.

mod allocators;
mod policies;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::check::outcome;
use crate::log::{self, Heading};
use crate::protocol::{LineReport, Request, Response, View as Seen, ViewRequest};
use crate::view::{EventRow, EventsView, Table, View};
pub use allocators::{AllocatorRun, AllocatorsView, allocators};
pub use policies::policies;

/// Lines that are run by one request.
const LINES_AT_A_TIME: usize = 1000;

/// A way to a session.
pub type Ask<'a> = dyn FnMut(Request) -> Result<Response, String> + 'a;

/// A log that was run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// The machine's canonical header.
    pub header: String,
    /// Events and hash chain after boot.
    pub boot: (u64, u64),
    /// The console lines.
    pub lines: Vec<Vec<u8>>,
    /// What each line did; fewer than lines if the machine was powered off.
    pub reports: Vec<LineReport>,
}

/// How two runs compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparisonView {
    /// The machines' headers.
    pub headers: [String; 2],
    /// How many lines each log has.
    pub steps: [u32; 2],
    /// The first difference after boot.
    pub difference: Option<Difference>,
}

/// The first step at which two runs differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The step.
    pub step: u32,
    /// What differs there; the first of several, in the order of [`Part`].
    pub part: Part,
    /// The line on either side; `None` if that log has ended.
    pub lines: [Option<String>; 2],
    /// What is different, on either side.
    pub sides: [String; 2],
    /// The first events of the step that differ, if they do and the trace buffers still hold them;
    /// `None` on a side that emitted no more in this step.
    pub events: Option<[Option<EventRow>; 2]>,
}

/// What may differ at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// The console line itself.
    Line,
    /// What it printed.
    Text,
    /// Its exit status.
    Status,
    /// The trace events: the kernels did different things that the console does not show.
    Events,
}

impl Part {
    /// The part as a word.
    pub fn word(self) -> &'static str {
        match self {
            Part::Line => "line",
            Part::Text => "text",
            Part::Status => "status",
            Part::Events => "events",
        }
    }
}

impl Run {
    /// What had happened after `step`: events since boot, and the chain over them.
    fn marks(&self, step: usize) -> Option<(u64, u64)> {
        match step.checked_sub(1) {
            None => Some(self.boot),
            Some(index) => {
                let report = self.reports.get(index)?;
                Some((report.events, report.chain))
            }
        }
    }
}

/// The first step at which two runs differ, without its events. Machines that differ from the boot
/// on have different chains whatever they do; then the events of each step are only counted.
pub fn first_difference(one: &Run, other: &Run) -> Option<Difference> {
    let steps = one.lines.len().max(other.lines.len());
    (1..=steps).find_map(|step| difference_at(one, other, step))
}

fn lines_at(one: &Run, other: &Run, step: usize) -> [Option<String>; 2] {
    [one, other].map(|run| {
        let line = run.lines.get(step - 1)?;
        Some(String::from_utf8_lossy(line).into_owned())
    })
}

fn difference_at(one: &Run, other: &Run, step: usize) -> Option<Difference> {
    let runs = [one, other];
    let lines = lines_at(one, other, step);
    let reports = runs.map(|run| run.reports.get(step - 1));
    let differs = |part: Part, sides: [String; 2]| {
        Some(Difference {
            step: step as u32,
            part,
            lines: lines.clone(),
            sides,
            events: None,
        })
    };
    if one.lines.get(step - 1) != other.lines.get(step - 1) {
        let sides = lines.clone();
        return differs(
            Part::Line,
            sides.map(|line| line.unwrap_or_else(|| "the log has ended".to_string())),
        );
    }
    let [Some(report), Some(second)] = reports else {
        // Both are off, or one of them is.
        let ran = reports.map(|report| match report {
            Some(_) => "the line ran".to_string(),
            None => "the machine was off".to_string(),
        });
        return (ran[0] != ran[1])
            .then(|| differs(Part::Text, ran))
            .flatten();
    };
    let both = [report, second];
    let words = both.map(|report| outcome(&report.text, report.status));
    if report.text != second.text {
        return differs(Part::Text, words);
    }
    if report.status != second.status {
        return differs(Part::Status, words);
    }
    let emitted = runs.map(|run| {
        let (before, after) = (run.marks(step - 1)?, run.marks(step)?);
        Some(after.0 - before.0)
    });
    let chains = one.boot == other.boot && report.chain != second.chain;
    if emitted[0] == emitted[1] && !chains {
        return None;
    }
    let words = [0, 1].map(|side| {
        format!(
            "{} events, chain {:016x}",
            emitted[side].unwrap_or(0),
            both[side].chain
        )
    });
    differs(Part::Events, words)
}

/// The first events of a step that differ, given the events since the step before; `None` if none
/// do, or if some are lost.
pub fn first_event(
    step: u32,
    one: &EventsView,
    other: &EventsView,
) -> Option<[Option<EventRow>; 2]> {
    if one.lost > 0 || other.lost > 0 {
        return None;
    }
    let of_step = |view: &EventsView| -> Vec<EventRow> {
        let events = view.events.iter().filter(|event| event.step == step);
        events.cloned().collect()
    };
    let (mut one, mut other) = (of_step(one).into_iter(), of_step(other).into_iter());
    let content = |event: &Option<EventRow>| {
        event
            .as_ref()
            .map(|event| (event.name.clone(), event.fields.clone(), event.cpu))
    };
    loop {
        match [one.next(), other.next()] {
            [None, None] => return None,
            pair if content(&pair[0]) != content(&pair[1]) => return Some(pair),
            _ => {}
        }
    }
}

/// Runs two logs, each in a session of its own, and compares them. On machines that differ, events
/// are compared one by one as far as the trace buffer holds those of a step, and counted otherwise.
///
/// # Errors
/// A sentence for a person: a log is refused, or a session is lost.
pub fn logs(
    one: (&[u8], &mut Ask<'_>),
    other: (&[u8], &mut Ask<'_>),
) -> Result<ComparisonView, String> {
    let runs = [run(one.0, one.1)?, run(other.0, other.1)?];
    let mut events_at = |step: u32| -> Result<Option<[Option<EventRow>; 2]>, String> {
        let views = [
            events_of(&runs[0], step, one.1)?,
            events_of(&runs[1], step, other.1)?,
        ];
        Ok(first_event(step, &views[0], &views[1]))
    };
    let mut difference = first_difference(&runs[0], &runs[1]);
    let steps = runs[0].reports.len().min(runs[1].reports.len()) as u32;
    let told = difference.as_ref().map_or(steps + 1, |first| first.step);
    if runs[0].boot != runs[1].boot {
        // No chain tells whether events differ, so they are looked at themselves.
        for step in 1..told {
            if let Some(events) = events_at(step)? {
                difference = Some(Difference {
                    step,
                    part: Part::Events,
                    lines: lines_at(&runs[0], &runs[1], step as usize),
                    sides: [event(&events[0]), event(&events[1])],
                    events: Some(events),
                });
                break;
            }
        }
    }
    if let Some(first) = &mut difference
        && first.part != Part::Line
        && first.events.is_none()
        && first.step <= steps
    {
        first.events = events_at(first.step)?;
    }
    Ok(ComparisonView {
        headers: [0, 1].map(|side| runs[side].header.clone()),
        steps: [0, 1].map(|side| runs[side].lines.len() as u32),
        difference,
    })
}

/// Runs a log from boot on.
///
/// # Errors
/// A sentence for a person: the log is refused, or the session is lost.
pub fn run(log: &[u8], ask: &mut Ask<'_>) -> Result<Run, String> {
    let log = log::parse(log);
    let header = Heading::parse(log.header)?.machine.to_string();
    let Response::Opened { header, state, .. } = answered(ask, Request::Open { header })? else {
        return Err("the session did not open".to_string());
    };
    let mut run = Run {
        header,
        boot: (state.events, state.chain),
        lines: log.lines.iter().map(|line| line.to_vec()).collect(),
        reports: Vec::new(),
    };
    while run.reports.len() < run.lines.len() {
        let rest = &run.lines[run.reports.len()..];
        let lines = rest[..rest.len().min(LINES_AT_A_TIME)].to_vec();
        match answered(ask, Request::Run { lines })? {
            Response::Ran { lines, state } => {
                run.reports.extend(lines);
                if state.powered_off {
                    break;
                }
            }
            _ => return Err("the session did not run the log".to_string()),
        }
    }
    Ok(run)
}

/// The events of a step.
fn events_of(run: &Run, step: u32, ask: &mut Ask<'_>) -> Result<EventsView, String> {
    let before = run.marks(step as usize - 1);
    let since = before.map_or(0, |(events, _)| events);
    answered(ask, Request::Seek { step })?;
    let max = u32::MAX;
    match answered(ask, Request::View(ViewRequest::Events { since, max }))? {
        Response::View(Some(Seen::Events(view))) => Ok(view),
        _ => Err("the session did not show its events".to_string()),
    }
}

fn answered(ask: &mut Ask<'_>, request: Request) -> Result<Response, String> {
    match ask(request)? {
        Response::Error { message } => Err(message),
        response => Ok(response),
    }
}

impl ComparisonView {
    /// The sentence, and the table as text if there is anything to show.
    pub fn text(&self) -> String {
        let mut text = self.sentence();
        text.push('\n');
        if self.is_same() {
            return text;
        }
        for row in self.table().rows {
            let [fact, first, second] = &row[..] else {
                continue;
            };
            text.push_str(&format!("\n{fact}\n"));
            let cells = if first == second {
                vec![("both", first)]
            } else {
                vec![("first", first), ("second", second)]
            };
            for (side, cell) in cells {
                let cell = cell.replace('\n', "\n          ");
                text.push_str(&format!("  {side:<8}{cell}\n"));
            }
        }
        text
    }

    /// Whether the two did the same on the same machine.
    pub fn is_same(&self) -> bool {
        self.headers[0] == self.headers[1] && self.difference.is_none()
    }
}

impl View for ComparisonView {
    /// One row a fact, one column a side.
    fn table(&self) -> Table {
        let mut rows = vec![
            row("machine", self.headers.clone()),
            row("lines", self.steps.map(|steps| steps.to_string())),
        ];
        if let Some(difference) = &self.difference {
            let Difference {
                step,
                part,
                lines,
                sides,
                events,
            } = difference;
            let line = |line: &Option<String>| line.clone().unwrap_or_else(|| "-".to_string());
            rows.push(row(
                &format!("line {step}"),
                [line(&lines[0]), line(&lines[1])],
            ));
            let events = events
                .as_ref()
                .map(|pair| [event(&pair[0]), event(&pair[1])]);
            if *part != Part::Line && events.as_ref() != Some(sides) {
                rows.push(row(part.word(), sides.clone()));
            }
            if let Some(told) = events {
                rows.push(row("event", told));
                // Fields name a cache and an address; a sentence says what became of it.
                let pair = difference
                    .events
                    .as_ref()
                    .map(|pair| [in_words(&pair[0]), in_words(&pair[1])]);
                rows.extend(pair.map(|pair| row("in words", pair)));
            }
        }
        Table {
            caption: self.sentence(),
            columns: ["", "first", "second"].map(String::from).into(),
            rows,
        }
    }

    fn sentence(&self) -> String {
        let mut text = String::new();
        if self.headers[0] != self.headers[1] {
            text.push_str("the machines differ; ");
        }
        match &self.difference {
            None => text.push_str(&format!(
                "all {} steps do the same",
                self.steps[0].max(self.steps[1])
            )),
            Some(Difference { step, part, .. }) => {
                let what = match part {
                    Part::Line => "the lines differ",
                    Part::Text => "the texts differ",
                    Part::Status => "the statuses differ",
                    Part::Events => "the events differ",
                };
                text.push_str(&format!("the first difference is at step {step}: {what}"));
            }
        }
        text
    }
}

fn row(name: &str, [one, other]: [String; 2]) -> Vec<String> {
    vec![name.to_string(), one, other]
}

/// An event's sentence in a cell.
fn in_words(event: &Option<EventRow>) -> String {
    event
        .as_ref()
        .map_or("-".to_string(), |event| event.sentence.clone())
}

/// An event in a cell.
fn event(event: &Option<EventRow>) -> String {
    match event {
        Some(event) => format!("{} {}", event.name, event.fields),
        None => "none".to_string(),
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use alloc::boxed::Box;

    use super::*;
    use crate::protocol::Host;
    use crate::{HostMemory, Session};

    fn compare(one: &str, other: &str) -> ComparisonView {
        let mut sessions = [(); 2].map(|()| Session::new(Host::Native, Box::new(HostMemory)));
        let [first, second] = &mut sessions;
        logs(
            (one.as_bytes(), &mut |request| Ok(first.handle(request))),
            (other.as_bytes(), &mut |request| Ok(second.handle(request))),
        )
        .unwrap()
    }

    #[track_caller]
    fn check(one: &str, other: &str, step: u32, part: Part, sides: [&str; 2]) -> Difference {
        let difference = compare(one, other).difference.expect("they differ");
        assert_eq!(
            (difference.step, difference.part, difference.sides.clone()),
            (step, part, sides.map(String::from))
        );
        difference
    }

    #[test]
    fn equal_logs_are_the_same() {
        let view = compare(
            "mem=1M\necho a\npoweroff\necho b\n",
            "mem=1M\r\necho a\r\npoweroff\necho b",
        );
        assert!(view.is_same());
        assert_eq!(view.sentence(), "all 3 steps do the same");
        assert!(compare("", "").is_same());
        // A heading's seal and lab are not the machine.
        assert!(compare("lab=a@1/2 mem=1M\necho a\n", "mem=1M\necho a\n").is_same());
    }

    #[test]
    fn lines_that_differ() {
        check(
            "mem=1M\ntrue\necho a\n",
            "mem=1M\ntrue\necho b\n",
            2,
            Part::Line,
            ["echo a", "echo b"],
        );
        let ended = check(
            "mem=1M\ntrue\n",
            "mem=1M\n",
            1,
            Part::Line,
            ["true", "the log has ended"],
        );
        assert_eq!(ended.lines, [Some("true".to_string()), None]);
    }

    #[test]
    fn machines_that_differ_are_compared_by_what_they_do() {
        let log = |machine: &str, last: &str| format!("{machine}\nradix create t\ntrue\n{last}\n");
        let seeds = compare(&log("mem=1M seed=1", "true"), &log("mem=1M seed=2", "true"));
        assert_eq!(seeds.difference, None);
        assert!(!seeds.is_same());
        assert_eq!(
            seeds.sentence(),
            "the machines differ; all 3 steps do the same"
        );
        let info = "cat /sys/devices/system/cpu/online";
        let cpus = check(
            &log("mem=1M", info),
            &log("mem=1M cpus=2", info),
            3,
            Part::Text,
            ["0", "0-1"],
        );
        assert_eq!(cpus.lines, [Some(info.to_string()), Some(info.to_string())]);
        let text = compare(&log("mem=1M", info), &log("mem=1M cpus=2", info));
        let table = text.table();
        assert_eq!(table.rows[3], ["text", "0", "0-1"]);
    }

    #[test]
    fn the_first_event_that_differs_is_shown() {
        // The console shows no difference, but one machine takes the page from another place.
        let log = "\nradix create t\nradix insert t 0 1\n";
        let view = compare(&format!("mem=4M{log}"), &format!("mem=8M nodes=2{log}"));
        let difference = view.difference.as_ref().expect("they differ");
        assert_eq!(difference.part, Part::Events, "{}", view.sentence());
        let [Some(one), Some(other)] = difference.events.as_ref().expect("events are kept") else {
            panic!("{difference:?}")
        };
        assert!(one.name == other.name && one.fields != other.fields);
        let rows = view.table().rows;
        let [.., event, in_words] = &rows[..] else {
            panic!("{rows:?}")
        };
        assert_eq!(
            (event[0].as_str(), in_words[0].as_str()),
            ("event", "in words")
        );
        assert_eq!(in_words[1], one.sentence);
    }

    #[test]
    fn lost_events_are_not_compared() {
        let event = |fields: &str| EventRow {
            step: 3,
            fields: fields.into(),
            ..EventRow::default()
        };
        let view = |fields: &[&str], lost| EventsView {
            lost,
            events: fields.iter().map(|fields| event(fields)).collect(),
            ..EventsView::default()
        };
        let same = view(&["a", "b"], 0);
        assert_eq!(first_event(3, &same, &same), None);
        assert_eq!(
            first_event(3, &same, &view(&["a", "c"], 0)),
            Some([Some(event("b")), Some(event("c"))])
        );
        assert_eq!(
            first_event(3, &view(&["a"], 0), &same),
            Some([None, Some(event("b"))])
        );
        assert_eq!(first_event(3, &view(&["x"], 1), &same), None);
        assert_eq!(first_event(4, &view(&["x"], 0), &same), None);
    }

    #[test]
    fn logs_that_cannot_run_are_refused() {
        let mut session = Session::new(Host::Native, Box::new(HostMemory));
        let error = run(b"mem=9T\n", &mut |request| Ok(session.handle(request))).unwrap_err();
        assert!(error.contains("mem=9T"), "{error}");
    }
}
