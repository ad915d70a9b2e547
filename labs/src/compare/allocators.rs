//! One log under several allocators: what each makes of it.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Ask, Run, answered, run};
use crate::log::{self, Heading};
use crate::protocol::{Request, Response, View as Seen, ViewRequest};
use crate::view::{FrameKind, SlabView, Table, View};

/// What commands say when there is no memory left.
const NO_MEMORY: [&str; 2] = ["ENOMEM", "Cannot allocate memory"];

/// One log under several allocators.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocatorsView {
    /// How many lines the log has.
    pub steps: u32,
    /// What each allocator made of it.
    pub runs: Vec<AllocatorRun>,
}

/// A log under one allocator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocatorRun {
    /// The machine's canonical header.
    pub header: String,
    /// Pages that hold objects at the end, large objects' own ones among them.
    pub pages: u32,
    /// Trace events since the boot.
    pub events: u64,
    /// Lines that failed.
    pub failed: u32,
    /// Lines that said that there is no memory.
    pub without_memory: u32,
    /// The caches at the end.
    pub slab: SlabView,
}

/// Runs a log under each of `allocators`, as the header's `slab=` names them.
///
/// # Errors
/// A sentence for a person: the log is refused, or the session is lost.
pub fn allocators(
    log: &[u8],
    allocators: &[&str],
    ask: &mut Ask<'_>,
) -> Result<AllocatorsView, String> {
    let parsed = log::parse(log);
    let machine = Heading::parse(parsed.header)?.machine.to_string();
    let is_other = |word: &&str| !word.starts_with("slab=");
    let words: Vec<&str> = machine.split(' ').filter(is_other).collect();
    let mut view = AllocatorsView {
        steps: parsed.lines.len() as u32,
        runs: Vec::new(),
    };
    for allocator in allocators {
        let mut log = format!("{} slab={allocator}\n", words.join(" ")).into_bytes();
        for line in &parsed.lines {
            log.extend_from_slice(line);
            log.push(b'\n');
        }
        let run = run(&log, ask)?;
        view.runs.push(outcome(run, ask)?);
    }
    Ok(view)
}

fn outcome(run: Run, ask: &mut Ask<'_>) -> Result<AllocatorRun, String> {
    let strange = || "the session did not show its memory".to_owned();
    let mut seen = |request| match answered(ask, Request::View(request))? {
        Response::View(Some(view)) => Ok(view),
        _ => Err(strange()),
    };
    let (Seen::Slab(slab), Seen::Memory(memory)) =
        (seen(ViewRequest::Slab)?, seen(ViewRequest::Memory)?)
    else {
        return Err(strange());
    };
    let frames = memory.frames.iter();
    let of_objects = frames.filter(|&&code| FrameKind::from_code(code) == FrameKind::Slab);
    let reports = run.reports.iter();
    let says_so = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        NO_MEMORY.iter().any(|words| text.contains(words))
    };
    Ok(AllocatorRun {
        pages: of_objects.count() as u32,
        events: run.reports.last().map_or(run.boot.0, |last| last.events),
        failed: reports.clone().filter(|report| report.status != 0).count() as u32,
        without_memory: reports.filter(|report| says_so(&report.text)).count() as u32,
        header: run.header,
        slab,
    })
}

impl AllocatorRun {
    /// Objects in use, and the bytes that their users asked for.
    fn in_use(&self) -> (u64, u64) {
        let caches = self.slab.caches.iter();
        caches.fold((0, 0), |(objects, bytes), cache| {
            let active = u64::from(cache.active_objects);
            (
                objects + active,
                bytes + active * u64::from(cache.object_size),
            )
        })
    }

    /// What is said of a cache.
    fn of_cache(&self, name: &str) -> String {
        let cache = self.slab.caches.iter().find(|cache| cache.name == name);
        let Some(cache) = cache else {
            return "-".to_owned();
        };
        match cache.objects_per_slab {
            0 => format!("{} in use", cache.active_objects),
            _ => format!(
                "{} in use on {} pages",
                cache.active_objects,
                cache.slabs * cache.pages_per_slab
            ),
        }
    }
}

impl AllocatorsView {
    /// The table as text.
    pub fn text(&self) -> String {
        self.table().text()
    }
}

impl View for AllocatorsView {
    /// One row a fact, one column an allocator; the caches that the console made come last.
    fn table(&self) -> Table {
        type Fact = fn(&AllocatorRun) -> String;
        let facts: [(&str, Fact); 7] = [
            ("pages with objects", |run| run.pages.to_string()),
            ("objects in use", |run| run.in_use().0.to_string()),
            ("of their bytes, in %", |run| {
                let bytes = u64::from(run.pages) * 4096;
                (run.in_use().1 * 100 / bytes.max(1)).to_string()
            }),
            ("trace events", |run| run.events.to_string()),
            ("lines that failed", |run| run.failed.to_string()),
            ("... without memory", |run| run.without_memory.to_string()),
            ("bugs found", |run| run.slab.bugs.to_string()),
        ];
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut add = |name: String, fact: &dyn Fn(&AllocatorRun) -> String| {
            let cells = self.runs.iter().map(fact);
            rows.push([name].into_iter().chain(cells).collect());
        };
        for (name, fact) in facts {
            add(name.to_owned(), &fact);
        }
        let mut names: Vec<&str> = Vec::new();
        for cache in self.runs.iter().flat_map(|run| &run.slab.caches) {
            if cache.is_console && !names.contains(&cache.name.as_str()) {
                names.push(&cache.name);
            }
        }
        for name in names {
            add(format!("cache {name}"), &|run| run.of_cache(name));
        }
        let columns = self.runs.iter().map(|run| run.slab.allocator.clone());
        Table {
            caption: self.sentence(),
            columns: [String::new()].into_iter().chain(columns).collect(),
            rows,
        }
    }

    fn sentence(&self) -> String {
        let least = self.runs.iter().min_by_key(|run| run.pages);
        let steps = self.steps;
        match least {
            Some(run) => format!(
                "{steps} steps under {} allocators: {} holds the fewest pages, {}",
                self.runs.len(),
                run.slab.allocator.to_ascii_uppercase(),
                run.pages
            ),
            None => format!("{steps} steps under no allocator"),
        }
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use alloc::boxed::Box;

    use super::*;
    use crate::protocol::Host;
    use crate::{HostMemory, Session};

    #[test]
    fn one_log_comes_to_something_else_under_each_allocator() {
        let log = "mem=2M slab=slub cpus=2\nkmem create t 100\nkmem alloc t 500\nkmem create b 9000\n\
                   kmem alloc b 1000\nfalse\n";
        let mut session = Session::new(Host::Native, Box::new(HostMemory));
        let names = ["slub", "slab", "slob"];
        let ask = &mut |request| Ok(session.handle(request));
        let view = allocators(log.as_bytes(), &names, ask).unwrap();
        let table = view.table();
        assert_eq!(table.columns, ["", "slub", "slab", "slob"]);
        let row = |name: &str| {
            let row = table.rows.iter().find(|row| row[0] == name);
            row.unwrap_or_else(|| panic!("no {name}: {table:?}"))[1..].to_vec()
        };
        assert_eq!(row("lines that failed"), ["2", "2", "2"]);
        assert_eq!(row("... without memory"), ["1", "1", "1"]);
        // 39 objects of 104 bytes to a page of SLUB, 37 to one of SLAB.
        assert_eq!(
            row("cache t"),
            [
                "500 in use on 13 pages",
                "500 in use on 14 pages",
                "500 in use"
            ]
        );
        let pages = row("pages with objects");
        let pages: Vec<u32> = pages.iter().map(|cell| cell.parse().unwrap()).collect();
        // All of memory that was free went to the large ones.
        assert!(
            pages.iter().all(|&pages| (300..512).contains(&pages)),
            "{pages:?}"
        );
        for (run, name) in view.runs.iter().zip(names) {
            assert_eq!(run.slab.allocator, name);
            assert!(
                run.header.contains(&format!("slab={name}")),
                "{}",
                run.header
            );
        }
        let text = view.text();
        assert_eq!(text.lines().count(), 2 + 1 + table.rows.len());
        assert!(text.starts_with("5 steps under 3 allocators: "), "{text}");
        let refused = allocators(log.as_bytes(), &["slip"], &mut |request| {
            Ok(session.handle(request))
        });
        assert!(refused.unwrap_err().contains("slip"));
    }
}
