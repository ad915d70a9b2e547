//! Tasks and containers: what it costs that they come, run, move and go, how exactly the CPUs are
//! shared among them, and what memory they take.
//!
//! Everything is measured among 1,000, 10,000 and 100,000 tasks, in a tenth as many containers of four
//! hierarchies (`cpu`; `cpuacct`; `pids` and `debug`; `freezer`), as the kernel is used: with an event on
//! each step, hashed and recorded. Each round has a process of its own; the tables show medians.
//!
//! | column | what is done, each |
//! |---|---|
//! | fork | the shell forks, and the child may run |
//! | exit, wait | such a child ends, and the shell asks for its status |
//! | fork 16 pages | the same of a process with a program and 16 pages of memory, which are shared |
//! | exec | a sleeping task goes on as `/bin/true` |
//! | wakeup | a sleeping task is made runnable, in random order |
//! | stat file | `/proc/<pid>/stat` is opened, read and closed, for the first time |
//! | Kernel::check | every invariant of the kernel is checked, a task |
//! | mkdir, rmdir | a container and its files |
//! | attach first | a task moves from a hierarchy's topmost container to a random one, in random order |
//! | attach later | the same after four such moves: most come from another container |
//! | attach to one | tasks join one container |
//! | echo PID | a `tasks` file is opened, a number written to it, and it is closed |
//! | read a line | a container's `tasks` file with all that moved there, a page at a time, a line of it |
//!
//! A fork bomb of 1,000, 10,000 and 100,000 tasks goes off besides. The last table sets the figures that issue 5 names beside its limits.
//!
//! `cargo xtask bench tasks` runs it; `--rounds N` repeats more.

#[path = "tasks/bomb.rs"]
mod bomb;
#[path = "tasks/life.rs"]
mod life;
#[path = "tasks/shares.rs"]
mod shares;
#[path = "tasks/space.rs"]
mod space;
#[path = "tasks/switch.rs"]
mod switch;

use benches::{
    Contest, Goal, Row, Standing, Table, apart, exponents, number_argument, write, write_standings,
};

/// The machine for `count` tasks.
fn header(count: usize) -> String {
    let megabytes = (count / 100).max(64);
    format!("mem={megabytes}M cpus=1")
}

/// Adds the exponents with which costs grow over the first three rows, of so many tasks.
fn growth(table: &mut Table, rows: &[(&'static str, Row)]) {
    let costs: Vec<Row> = rows[..3].iter().map(|(_, row)| row.clone()).collect();
    table.row(
        "exponent of growth",
        exponents(&[1_000, 10_000, 100_000], &costs),
    );
}

/// What the row and column of a contest's result says.
fn figure(
    contest: &Contest<'_>,
    rows: &[(&'static str, Row)],
    row: usize,
    name: &str,
) -> Option<f64> {
    let column = contest.operations.iter().position(|other| *other == name)?;
    rows[row].1[column]
}

fn main() {
    let mut contests = [life::contest(), life::containers(), switch::contest()];
    if apart().is_some() {
        contests.iter_mut().any(Contest::was_counted);
        return;
    }
    let rounds = number_argument("--rounds").unwrap_or(5);
    let mut tables = Vec::new();
    let mut show = |table: Table| {
        println!("{}", table.text());
        tables.push(table.json());
    };
    let [life, containers, switches] = &contests;
    show(shares::groups());
    show(shares::nice());
    show(space::table());
    show(bomb::table());
    let mut results = Vec::new();
    for (contest, what) in [
        (life, "Tasks"),
        (containers, "Containers"),
        (switches, "A context switch"),
    ] {
        let rows = contest.times_apart(rounds);
        let title = format!("{what}: nanoseconds, median of {rounds} rounds");
        let mut table = contest.table(&title, &rows);
        if contest.name != switches.name {
            growth(&mut table, &rows);
            table.note("The exponent is that of all tasks together: 1 is linear.");
        } else {
            table.note(
                "The toys have neither groups, nor slices, nor events; their tasks are as large as ours, and \
                 shuffled.",
            );
        }
        show(table);
        results.push(rows);
    }
    let mut table = Table::new(
        "100000 tasks in 10000 containers of 4 hierarchies: microseconds",
        &["measured", "limit"],
    );
    let switched = |row: usize| figure(switches, &results[2], row, "100000 tasks");
    let fork = figure(containers, &results[1], 2, "fork");
    let line = figure(containers, &results[1], 2, "read a line");
    let mut standings = Vec::new();
    for (name, nanoseconds, limit) in [
        (
            "attach, first",
            figure(containers, &results[1], 2, "attach first"),
            2.0,
        ),
        (
            "attach, later",
            figure(containers, &results[1], 2, "attach later"),
            2.0,
        ),
        ("fork", fork, 3.0),
        (
            "fork of the shell",
            figure(life, &results[0], 2, "fork"),
            3.0,
        ),
        ("switch, 1000 runnable", switched(switch::FEW), 0.3),
        ("switch, all runnable", switched(switch::ALL), 0.3),
        ("  all in one group", switched(0), 0.3),
        (
            "reading 10000 lines",
            line.map(|line| line * 10_000.0),
            5_000.0,
        ),
    ] {
        let microseconds = nanoseconds.map(|cost| cost / 1000.0);
        table.row(name, vec![microseconds, Some(limit)]);
        let standing = Standing::new(
            format!("tasks: {}, 1e5 tasks", name.trim()),
            "us",
            microseconds,
        );
        standings.push(standing.goal(Goal::AtMost(limit)));
    }
    write_standings("tasks", &standings);
    show(table);
    for contest in [life, containers] {
        let title = format!("{}: instructions (callgrind)", contest.name);
        let rows = vec![(
            "10000 tasks",
            contest.instructions_of(contest.contestants[1].name()),
        )];
        show(contest.table(&title, &rows));
    }
    write("tasks.json", &format!("[{}]\n", tables.join(",\n")));
}
