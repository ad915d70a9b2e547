//! Every workload at each of its sizes: nanoseconds and instructions an operation, and how they grow.
//!
//! A quadratic path is not seen in a small test, and not in a large one either, which is only slow. It is
//! seen between the two: the logarithms of cost and size lie on a line, whose slope is the exponent. 0 is
//! a cost that does not depend on the size, 1 one that grows with it, so that a whole log takes its
//! square. Each workload says what its operation may grow with ([`Workload::growth`]); what grows faster by
//! instructions, by more than [`TOLERANCE`], is marked. Times also grow where the work leaves the
//! processor's caches, and are only printed.
//!
//! Each measurement has a process of its own. `cargo xtask bench growth`; `--rounds N` repeats more, `--only NAME`
//! measures those whose name begins like that, `--record` keeps the figures in `performance/recorded.json`.

use std::hint::black_box;

use benches::{
    Goal, Standing, Table, apart, argument, count_instructions, has_argument, median,
    number_argument, region, run_apart, update_record, write, write_standings,
};
use performance::recorded::Row;
use performance::{WORKLOADS, Workload, exponent};

/// An exponent may be this much above its bound: a logarithm looks like that.
const TOLERANCE: f64 = 0.2;
/// A measurement repeats short work until it has taken so many nanoseconds.
const LONG_ENOUGH: f64 = 2e6;

/// Does what this process was started for: `rounds/name/size`, 0 rounds being one to be counted.
fn measure(what: &str) -> Option<()> {
    let mut words = what.split('/');
    let rounds: usize = words.next()?.parse().ok()?;
    let workload = performance::find(words.next()?)?;
    let mut work = (workload.make)(words.next()?.parse().ok()?);
    let mut once = || {
        work.prepare();
        let mut operations = 0;
        let took = region(&mut || operations = black_box(work.run()));
        (took, operations as f64)
    };
    // Under callgrind this is the first part, the one that counts the second.
    let first = once().0;
    let repeat = (LONG_ENOUGH / first).clamp(1.0, 100.0) as usize;
    let samples: Vec<f64> = (0..rounds)
        .map(|_| {
            let runs = (0..repeat).map(|_| once());
            let (time, operations) =
                runs.fold((0.0, 0.0), |sum, run| (sum.0 + run.0, sum.1 + run.1));
            time / operations
        })
        .collect();
    match median(&samples) {
        Some(time) => println!("{time}"),
        None => println!("{}", once().1),
    }
    Some(())
}

/// Nanoseconds and instructions an operation.
fn costs(workload: &Workload, size: u32, rounds: usize) -> Row {
    let name = workload.name;
    eprintln!("{name} at {size}");
    let time = run_apart(&format!("{rounds}/{name}/{size}"));
    let counted = count_instructions(&format!("0/{name}/{size}"));
    let number = |text: &str| text.trim().parse::<f64>().ok();
    Row {
        name: name.to_string(),
        size,
        native_ns: time.and_then(|time| number(&time)),
        wasm_ns: None,
        instructions: counted
            .and_then(|(counts, printed)| Some(counts.last()? / number(&printed)?)),
    }
}

/// The exponent of a cost over the sizes.
fn fitted(rows: &[Row], cost: fn(&Row) -> Option<f64>) -> Option<f64> {
    let points: Option<Vec<(f64, f64)>> = rows
        .iter()
        .map(|row| Some((f64::from(row.size), cost(row)?)))
        .collect();
    exponent(&points?)
}

fn main() -> Result<(), String> {
    if let Some(what) = apart() {
        return measure(&what).ok_or_else(|| format!("there is no '{what}'"));
    }
    let rounds = number_argument("--rounds").unwrap_or(5).max(1);
    let only = argument("--only").unwrap_or_default();
    let wanted = WORKLOADS
        .iter()
        .filter(|workload| workload.name.starts_with(&only));
    let columns = [
        "sizes from",
        "to",
        "ns from",
        "to",
        "exponent",
        "instr. from",
        "to",
        "exponent",
        "bound",
    ];
    let mut table = Table::new(
        "An operation, and how its cost grows with the size",
        &columns,
    );
    let mut all = Table::new("Each size", &["size", "ns", "instructions"]);
    let (mut results, mut faster) = (Vec::new(), Vec::new());
    for workload in wanted {
        let rows: Vec<Row> = workload
            .sizes
            .iter()
            .map(|&size| costs(workload, size, rounds))
            .collect();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            continue;
        };
        let by_time = fitted(&rows, |row| row.native_ns);
        let by_count = fitted(&rows, |row| row.instructions);
        let sizes = [first, last].map(|row| Some(f64::from(row.size)));
        table.row(
            workload.name,
            vec![
                sizes[0],
                sizes[1],
                first.native_ns,
                last.native_ns,
                by_time,
                first.instructions,
                last.instructions,
                by_count,
                Some(workload.growth),
            ],
        );
        for row in &rows {
            let cells = vec![Some(f64::from(row.size)), row.native_ns, row.instructions];
            all.row(format!("{} {}", row.name, row.size), cells);
        }
        if by_count.is_none_or(|exponent| exponent > workload.growth + TOLERANCE) {
            faster.push(workload.name);
        }
        results.extend(rows);
    }
    table.note("The exponent is that of one operation: 0 is a constant cost, 1 one that grows with the size.");
    for name in &faster {
        table.note(format!("{name} GROWS FASTER than its bound."));
    }
    println!("{}\n{}", table.text(), all.text());
    write(
        "growth.json",
        &format!("[{},\n{}]\n", table.json(), all.json()),
    );
    let count = Some(faster.len() as f64);
    let standing = Standing::new(
        "growth: operations that grow faster than documented",
        "",
        count,
    );
    write_standings("growth", &[standing.goal(Goal::AtMost(0.0))]);
    if has_argument("--record") {
        update_record(|row| {
            let mut measured = results.iter();
            if let Some(new) = measured.find(|new| (&new.name, new.size) == (&row.name, row.size)) {
                row.native_ns = new.native_ns;
                row.instructions = new.instructions;
            }
        })?;
    }
    Ok(())
}
