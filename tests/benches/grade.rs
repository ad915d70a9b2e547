//! How fast submissions are graded, on one core.
//!
//! `cargo xtask bench grade`; `--rounds N` repeats more. A teacher who has corrected a lab regrades a
//! class of hundreds, and waits.

use std::path::Path;
use std::time::Instant;

use benches::{Goal, Standing, Table, median, number_argument, write, write_standings};
use labs::author;
use labs::grade::{Limits, Submission, grade};
use labs::lab::variant_of;
use labs::protocol::Host;
use labs::{HostMemory, Session};

/// Students in the class.
const STUDENTS: u32 = 50;

/// What is asked of a grader, in submissions a minute.
const WANTED: f64 = 1000.0;

fn main() -> Result<(), String> {
    let rounds = number_argument("--rounds").unwrap_or(5).max(1);
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labs/catalogue");
    let labs = author::read_catalogue(&dir).map_err(|problems| problems.to_string())?;
    let title = format!("grading by replay, one core, {STUDENTS} students, {rounds} rounds");
    let columns = ["ms, median", "ms, slowest", "a minute"];
    let mut table = Table::new(title, &columns);
    let mut session = Session::new(Host::Native, Box::new(HostMemory));
    let mut fewest = f64::INFINITY;
    for authored in &labs {
        let lab = &authored.lab;
        for (what, is_solved) in [("solved", true), ("not begun", false)] {
            let mut times = Vec::new();
            for student in 0..STUDENTS * rounds as u32 {
                let variant = variant_of(&lab.id, &(student % STUDENTS).to_string());
                let solution = authored.solution(variant);
                let lines = if is_solved { solution.as_slice() } else { &[] };
                let log = author::log_of(lab, variant, lines);
                let submission = Submission {
                    log: &log,
                    variant,
                    claimed: None,
                };
                let began = Instant::now();
                let graded = grade(&mut session, lab, submission, Limits::default());
                times.push(began.elapsed().as_secs_f64() * 1000.0);
                let score = graded.map_err(|refusal| refusal.to_string())?.score;
                if (score == lab.points_of_log()) != is_solved {
                    return Err(format!("{}, variant {variant}: {score} points", lab.id));
                }
            }
            let sum: f64 = times.iter().sum();
            let slowest = times.iter().copied().max_by(f64::total_cmp);
            let minute = times.len() as f64 * 60_000.0 / sum;
            fewest = fewest.min(minute);
            let row = vec![median(&times), slowest, Some(minute)];
            table.row(format!("{}, {what}", lab.id), row);
        }
    }
    table.row("wanted", vec![None, Some(WANTED), Some(WANTED)]);
    println!("{}", table.text());
    write("grade.json", &table.json());
    let standing = Standing::new("grade: submissions a minute, slowest lab", "", Some(fewest));
    write_standings("grade", &[standing.goal(Goal::AtLeast(WANTED))]);
    Ok(())
}
