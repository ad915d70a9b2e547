//! The server beside axum and tower-http as they come: files, followers of a live session, and kernels.
//!
//! What is measured runs on one core, and the load comes from this process on another; both servers
//! have the same runtime (tokio, as many threads as cores: one) and take turns. The generator reads as
//! little of an answer as it can, and what it costs is in both columns.
//!
//! `cargo xtask bench server`; `--rounds N` repeats more. `cargo bench -p tests --bench server -- --only
//! files` (or `fanout`, `live`, `sessions`) measures one of the tables.

#[path = "server/bare.rs"]
mod bare;
#[path = "server/following.rs"]
mod following;
#[path = "server/http.rs"]
mod http;
#[path = "server/pinned.rs"]
mod pinned;
#[path = "server/sessions.rs"]
mod sessions;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use benches::{
    Goal, Standing, Table, exponents, has_argument, median, number_argument, write, write_standings,
};
use following::{Class, Latency};
use sessions::Crowd;
use tests::server::Server;

/// Makes this program the peer, followed by the folder that it serves.
const BARE: &str = "--bare";

/// What the peer is called.
const BARE_NAME: &str = "bare axum, tower-http";

/// Followers whose throughput is measured.
const FANOUT: u64 = 500;
/// Followers of a lesson, lines a second in it, and how long it lasts.
const LESSON: u64 = 1000;
const LINES_A_SECOND: u32 = 10;
const LESSON_LASTS: Duration = Duration::from_secs(20);

/// Sessions at a time.
const CROWDS: [usize; 3] = [250, 500, 1000];

#[tokio::main]
async fn main() -> Result<(), String> {
    if has_argument(BARE) {
        return bare::serve().await;
    }
    let only = env::args().skip_while(|word| word != "--only").nth(1);
    let is_wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let rounds = number_argument("--rounds").unwrap_or(5).max(1);
    pinned::pin_this()?;
    let folder = Folder::new()?;
    http::make_files(&folder.dist())?;
    let (mut tables, mut standings) = (Vec::new(), Vec::new());
    {
        let ours = pinned::ours(&folder.dist(), &folder.0.join("data"))?;
        let bare = pinned::bare(&folder.dist())?;
        if is_wanted("files") {
            tables.push(files(&ours, &bare, rounds, &mut standings).await?);
        }
        if is_wanted("fanout") {
            tables.push(fanout(&ours, &bare, rounds, &mut standings).await?);
        }
        if is_wanted("live") {
            tables.push(lesson(&ours, &bare, &mut standings).await?);
        }
    }
    if is_wanted("sessions") {
        tables.push(crowds(&folder, &mut standings).await?);
    }
    for table in &tables {
        println!("{}", table.text());
    }
    let json: Vec<String> = tables.iter().map(Table::json).collect();
    write("server.json", &format!("[\n{}\n]\n", json.join(",\n")));
    write_standings("server", &standings);
    Ok(())
}

/// Requests a second.
async fn files(
    ours: &Server,
    bare: &Server,
    rounds: usize,
    standings: &mut Vec<Standing>,
) -> Result<Table, String> {
    let mut samples = vec![[Vec::new(), Vec::new()]; http::QUESTIONS.len()];
    let mut busy = samples.clone();
    for _ in 0..rounds {
        for (index, question) in http::QUESTIONS.iter().enumerate() {
            for (which, server) in [ours, bare].into_iter().enumerate() {
                let round = http::ask_for_a_round(server, question).await?;
                samples[index][which].push(round.rate);
                busy[index][which].push(round.busy_us);
            }
        }
    }
    let names: Vec<&str> = http::QUESTIONS
        .iter()
        .map(|question| question.name)
        .collect();
    let title = format!("requests a second, one core, median of {rounds} rounds");
    let mut table = Table::new(title, &names);
    let [ours, bare] = [0, 1].map(|server| {
        let rates = samples.iter().map(|sample| median(&sample[server]));
        rates.collect::<Vec<_>>()
    });
    let busy = [0, 1].map(|server| {
        let busy = busy.iter().map(|sample| median(&sample[server]));
        busy.collect::<Vec<_>>()
    });
    let of = |row: &Vec<Option<f64>>, index: usize| row.get(index).copied().flatten();
    for (index, question) in http::QUESTIONS.iter().enumerate() {
        // The first is no file.
        let goal = match index {
            0 => Goal::None,
            _ => Goal::RatioAtLeast(0.9),
        };
        let standing = Standing::new(question.name, "requests/s", of(&ours, index));
        standings.push(standing.beside(BARE_NAME, of(&bare, index)).goal(goal));
    }
    compare(&mut table, ours, bare);
    let [ours, bare] = busy;
    table.row("us of processor: ours", ours.clone());
    table.row("us of processor: bare", bare.clone());
    table.ratio("bare / ours", &bare, &ours);
    table.note("wanted: files at least 0.9 of bare tower-http's");
    Ok(table)
}

/// Messages a second to many followers.
async fn fanout(
    ours: &Server,
    bare: &Server,
    rounds: usize,
    standings: &mut Vec<Standing>,
) -> Result<Table, String> {
    let bursts = [1, 8, 32];
    let mut samples = vec![[Vec::new(), Vec::new()]; bursts.len()];
    for _ in 0..rounds {
        for (index, (server, is_ours)) in [(ours, true), (bare, false)].into_iter().enumerate() {
            let (mut class, times) = Class::begin(server, is_ours, FANOUT).await?;
            // Nobody looks at the times of this.
            drop(times);
            for (&burst, samples) in bursts.iter().zip(&mut samples) {
                let period = Duration::from_millis(700);
                samples[index].push(class.throughput(burst, period).await?);
            }
            class.end().await?;
        }
    }
    let title = format!(
        "messages of 1 kB a second to {FANOUT} followers, one core, median of {rounds} rounds"
    );
    let mut table = Table::new(title, &["one at a time", "8 at a time", "32 at a time"]);
    let [ours, bare] = [0, 1].map(|server| {
        let rates = samples.iter().map(|sample| median(&sample[server]));
        rates.collect::<Vec<_>>()
    });
    for (index, burst) in bursts.iter().enumerate() {
        let name = format!("fan-out to {FANOUT}, {burst} at a time");
        let standing = Standing::new(name, "messages/s", ours[index]);
        standings.push(standing.beside(BARE_NAME, bare[index]));
    }
    compare(&mut table, ours, bare);
    Ok(table)
}

/// How long a line of a lesson takes to those who follow it.
async fn lesson(
    ours: &Server,
    bare: &Server,
    standings: &mut Vec<Standing>,
) -> Result<Table, String> {
    let title = format!(
        "{LESSON} followers of one live session, {LINES_A_SECOND} lines a second for {} s: milliseconds from \
         sender to follower",
        LESSON_LASTS.as_secs()
    );
    let mut table = Table::new(
        title,
        &[
            "p50",
            "p99",
            "max",
            "kB a follower",
            "ms of processor a line",
        ],
    );
    let mut rows = Vec::new();
    for (server, is_ours) in [(ours, true), (bare, false)] {
        let before = pinned::memory_of(server)?;
        let (mut class, mut times) = Class::begin(server, is_ours, LESSON).await?;
        let busy = pinned::busy_seconds(server)?;
        class.lines_a_second(LINES_A_SECOND, LESSON_LASTS).await?;
        let lines = f64::from(LINES_A_SECOND) * LESSON_LASTS.as_secs_f64();
        let busy = (pinned::busy_seconds(server)? - busy) * 1e3 / lines;
        let memory = (pinned::memory_of(server)? - before) / LESSON as f64 / 1000.0;
        class.end().await?;
        let mut all = Vec::new();
        while let Ok(time) = times.try_recv() {
            all.push(time);
        }
        let latency = Latency::of(all);
        let row = [latency.p50, latency.p99, latency.max, memory.max(0.0), busy];
        rows.push(row.map(Some).to_vec());
    }
    let bare = rows.pop().unwrap_or_default();
    let ours = rows.pop().unwrap_or_default();
    let name = format!("{LESSON} followers, {LINES_A_SECOND} lines a second, p99");
    let standing = Standing::new(name, "ms", ours[1]).beside(BARE_NAME, bare[1]);
    standings.push(standing.goal(Goal::AtMost(50.0)));
    compare(&mut table, ours, bare);
    table.note("wanted: p99 at most 50 ms");
    Ok(table)
}

/// Native sessions: memory when nobody does anything, and waiting when all do the same.
async fn crowds(folder: &Folder, standings: &mut Vec<Standing>) -> Result<Table, String> {
    let title = "native sessions with the default machine (mem=64M), one core";
    let columns = [
        "idle: MB in all",
        "kB each",
        "sessions in 1 GB",
        "first line: p50 ms",
        "p99 ms",
        "next line: p50 ms",
        "p99 ms",
        "after: kB each",
    ];
    let mut table = Table::new(title, &columns);
    let mut rows = Vec::new();
    for count in CROWDS {
        // A server of its own: what one has freed is not the next one's.
        let data = folder.0.join(format!("data-{count}"));
        let server = pinned::ours(&folder.dist(), &data)?;
        let mut crowd = Crowd::open(&server, count).await?;
        let (each, all) = crowd.memory(&server)?;
        let first = crowd.run("radix create t; radix fill t 0 100").await?;
        let next = crowd.run("radix insert t 4096 7").await?;
        let (after, _) = crowd.memory(&server)?;
        let fit = (1e9 - (all - each * count as f64)) / each;
        if count == CROWDS[1] {
            let standing = Standing::new("idle native sessions in 1 GB", "", Some(fit));
            standings.push(standing.goal(Goal::AtLeast(500.0)));
        }
        table.row(
            format!("{count} sessions"),
            vec![
                Some(all / 1e6),
                Some(each / 1e3),
                Some(fit),
                Some(first.p50),
                Some(first.p99),
                Some(next.p50),
                Some(next.p99),
                Some(after / 1e3),
            ],
        );
        // Time a session, that growth is what the whole crowd takes.
        rows.push(vec![Some(each), Some(next.max / count as f64)]);
    }
    let grown = exponents(&CROWDS, &rows);
    let text = |exponent: Option<f64>| exponent.map_or("-".to_string(), |e| format!("{e:.2}"));
    table.note(format!(
        "grows with the number of sessions to the power of: memory {}, the time until all have their answer {}",
        text(grown[0]),
        text(grown[1])
    ));
    table.note("wanted: at least 500 idle sessions in 1 GB");
    Ok(table)
}

fn compare(table: &mut Table, ours: Vec<Option<f64>>, bare: Vec<Option<f64>>) {
    table.row("glass kernel", ours.clone());
    table.row(BARE_NAME, bare.clone());
    table.ratio("ours / bare", &ours, &bare);
}

/// A folder that goes with this process.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, String> {
        let path = env::temp_dir().join(format!("glass-bench-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Folder(path))
    }

    fn dist(&self) -> PathBuf {
        Path::join(&self.0, "dist")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
