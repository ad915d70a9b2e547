//! The tasks, as `ps` and `top` list them: as a tree by who made whom, or in an order.
//!
//! A machine may have a hundred thousand of them, so a view holds a window of the list. It is put in
//! order before the window is cut, by whoever has all of them: the host.

mod one;
mod space;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Table, View, headings};

pub use one::{FileRow, Ids, Kin, ProgramView, Signals, TaskView, Times};
pub use space::{AreaRow, MmView, PageKind, PageRow, TableRow};

/// Tasks that one view carries at most.
pub const TASKS_MAX: u32 = 1024;

/// The kernel's own thread.
pub const KERNEL: u8 = 1;
/// Staged: it is there to be looked at, and runs nothing.
pub const STAGED: u8 = 2;
/// On its way out.
pub const EXITING: u8 = 4;
/// Frozen by its container.
pub const FROZEN: u8 = 8;
/// Dying, with leave to use the last reserves of memory.
pub const MEMDIE: u8 = 16;

/// What bits of [`TaskRow::marks`] mean.
const MARKS: [(u8, words::Say); 5] = [
    (KERNEL, words::tasks::mark_kernel),
    (STAGED, words::tasks::mark_staged),
    (EXITING, words::tasks::mark_exiting),
    (FROZEN, words::tasks::mark_frozen),
    (MEMDIE, words::tasks::mark_memdie),
];

/// How the tasks are listed. All but [`TaskOrder::Tree`] list processes only, as `top` does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskOrder {
    /// Each behind its parent, init first, the threads of a process before its children.
    #[default]
    Tree,
    /// By number.
    Pid,
    /// By user.
    User,
    /// By the letter of the state.
    State,
    /// By nice level.
    Nice,
    /// By the share of a CPU that it had since it began.
    Cpu,
    /// By the time that it ran.
    Time,
    /// By the size of its address space.
    Size,
    /// By its pages in memory.
    Resident,
    /// By threads.
    Threads,
    /// By name.
    Name,
}

/// A window of the list of tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TasksView {
    /// Nanoseconds since boot.
    pub now: u64,
    /// The load averages over 1, 5 and 15 minutes, as `/proc/loadavg` prints them.
    pub load: String,
    /// Tasks, threads included.
    pub threads: u32,
    /// Processes.
    pub processes: u32,
    /// Of these, how many run or want to, sleep, are stopped, and are zombies.
    pub states: [u32; 4],
    /// Rows of the list before those that are here.
    pub before: u32,
    /// Rows behind them.
    pub after: u32,
    /// The rows, at most [`TASKS_MAX`].
    pub rows: Vec<TaskRow>,
}

/// One task. A row of a process tells times of all its threads; a thread's row tells its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    /// Where its `task_struct` is, in units of 8 bytes.
    pub at: u32,
    /// Its number.
    pub pid: u32,
    /// The number of its process.
    pub tgid: u32,
    /// The number of its parent; init's is 0.
    pub ppid: u32,
    /// In a tree: how many ancestors it has, or is shown below.
    pub depth: u32,
    /// In a tree: bit `d` is set if another row follows below the same ancestor of depth `d`; so a bit
    /// below the depth is a line that passes by, and the bit at the depth says that siblings follow.
    pub rails: u64,
    /// Its name.
    pub comm: String,
    /// `R S D T Z X`, as `ps` prints its state.
    pub state: char,
    /// Its effective user.
    pub uid: u32,
    /// -20 to 19.
    pub nice: i32,
    /// The CPU that it runs on, or ran on last.
    pub cpu: u32,
    /// User time in nanoseconds.
    pub utime: u64,
    /// System time in nanoseconds.
    pub stime: u64,
    /// Nanoseconds since boot at which it began; below 0 if it was staged so.
    pub start: i64,
    /// Pages that its address space spans.
    pub vsz: u32,
    /// Those of them that are in memory.
    pub rss: u32,
    /// Threads of its process.
    pub threads: u32,
    /// -17 to 15.
    pub oom_adj: i32,
    /// [`KERNEL`], [`STAGED`], [`EXITING`], [`FROZEN`], [`MEMDIE`].
    pub marks: u8,
}

impl TaskRow {
    /// Whether it has ended and its parent has not asked yet.
    pub fn is_zombie(&self) -> bool {
        self.state == 'Z'
    }

    /// Whether it is a further thread of a process.
    pub fn is_thread(&self) -> bool {
        self.pid != self.tgid
    }

    /// Both times, in nanoseconds.
    pub fn time(&self) -> u64 {
        self.utime + self.stime
    }

    /// Thousandths of a CPU that it had since it began, at the time `now`.
    pub fn permille(&self, now: u64) -> u64 {
        permille(self.time(), self.start, now)
    }

    /// What is special about it.
    pub fn remarks(&self) -> String {
        let ended = self.is_zombie().then(words::tasks::mark_zombie);
        let thread = self.is_thread().then(words::tasks::mark_thread);
        marks(self.marks, ended.into_iter().chain(thread))
    }
}

/// Thousandths of a CPU that somebody had who began at `start` and ran so long.
pub(crate) fn permille(time: u64, start: i64, now: u64) -> u64 {
    let age = now.wrapping_sub(start as u64);
    let permille = u128::from(time) * 1000 / u128::from(age.max(1));
    permille.min(u64::MAX.into()) as u64
}

/// The words for bits of [`TaskRow::marks`], behind others.
fn marks(marks: u8, first: impl Iterator<Item = &'static str>) -> String {
    let marked = MARKS.iter().filter(|(bit, _)| marks & bit != 0);
    let all: Vec<&str> = first.chain(marked.map(|(_, word)| word())).collect();
    all.join(", ")
}

/// What a letter of state means.
pub fn state_word(state: char) -> &'static str {
    match state {
        'R' => words::tasks::state_running(),
        'S' => words::tasks::state_sleeping(),
        'D' => words::tasks::state_deep(),
        'T' => words::tasks::state_stopped(),
        'Z' => words::tasks::state_zombie(),
        _ => words::tasks::state_dead(),
    }
}

/// A length of time in a unit that suits it.
pub fn duration(ns: u64) -> String {
    let (unit, name) = match ns {
        0 => return "0".to_string(),
        1..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let (whole, rest) = (ns / unit, ns % unit * 1000 / unit);
    match rest {
        0 => format!("{whole} {name}"),
        rest => {
            let digits = format!("{rest:03}");
            format!("{whole}.{} {name}", digits.trim_end_matches('0'))
        }
    }
}

/// Pages as a size that is easily read.
pub fn pages(count: u32) -> String {
    match u64::from(count) * 4 {
        kib if kib < 10_240 => format!("{kib} KiB"),
        kib if kib < 10_240 * 1024 => format!("{} MiB", kib / 1024),
        kib => format!("{} GiB", kib / 1024 / 1024),
    }
}

impl View for TasksView {
    fn table(&self) -> Table {
        let rows = self.rows.iter().map(|row| {
            [
                row.pid.to_string(),
                row.ppid.to_string(),
                row.depth.to_string(),
                row.uid.to_string(),
                [row.state.to_string(), state_word(row.state).to_string()].join(" "),
                row.nice.to_string(),
                row.cpu.to_string(),
                tenths(row.permille(self.now)),
                duration(row.utime),
                duration(row.stime),
                start(row.start),
                pages(row.vsz),
                pages(row.rss),
                row.threads.to_string(),
                row.oom_adj.to_string(),
                row.comm.clone(),
                row.remarks(),
            ]
            .into()
        });
        Table {
            caption: self.sentence(),
            columns: headings([
                words::tasks::column_pid(),
                words::tasks::table_parent(),
                words::tasks::table_depth(),
                words::tasks::column_user(),
                words::tasks::column_state(),
                words::tasks::column_nice(),
                words::tasks::table_cpu(),
                words::tasks::column_cpu(),
                words::tasks::table_user_time(),
                words::tasks::table_system_time(),
                words::tasks::table_began(),
                words::tasks::column_size(),
                words::tasks::column_resident(),
                words::tasks::column_threads(),
                words::tasks::table_oom_adj(),
                words::tasks::column_name(),
                words::tasks::table_remarks(),
            ]),
            rows: rows.collect(),
        }
    }

    fn sentence(&self) -> String {
        let mut text = words::tasks::processes(self.processes.into());
        if self.threads != self.processes {
            text.push_str(&words::tasks::of_threads(self.threads));
        }
        let [running, sleeping, stopped, zombies] = self.states;
        let counts = [
            (sleeping, words::tasks::count_sleeping(sleeping)),
            (stopped, words::tasks::count_stopped(stopped)),
            (zombies, words::tasks::count_zombie(zombies)),
        ];
        text.push_str(&words::tasks::count_running(running));
        for (_, told) in counts.iter().filter(|(count, _)| *count > 0) {
            text.push_str(told);
        }
        text.push_str(&words::tasks::load(&self.load));
        if self.before > 0 || self.after > 0 {
            let last = self.before as usize + self.rows.len();
            text.push_str(&words::tasks::rows_shown(self.before + 1, last));
        }
        text
    }
}

/// Thousandths as a percentage with one digit behind the point.
pub fn tenths(permille: u64) -> String {
    format!("{}.{}", permille / 10, permille % 10)
}

/// When something began.
pub(crate) fn start(ns: i64) -> String {
    let since = duration(ns.unsigned_abs());
    match ns {
        0 => words::tasks::at_boot().to_string(),
        1.. => since,
        _ => words::tasks::before_boot(since),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_read_as_a_sentence_and_a_table() {
        let row = TaskRow {
            at: 8,
            pid: 101,
            tgid: 100,
            ppid: 1,
            comm: "cow".into(),
            state: 'Z',
            utime: 1_500_000,
            start: 1_000_000_000,
            vsz: 3000,
            rss: 10,
            marks: STAGED | FROZEN,
            ..TaskRow::default()
        };
        let view = TasksView {
            now: 2_000_000_000,
            load: "0.00 0.00 0.00".into(),
            threads: 3,
            processes: 1,
            states: [0, 2, 0, 1],
            before: 4,
            after: 0,
            rows: [row].into(),
        };
        assert_eq!(
            view.sentence(),
            "1 process of 3 threads, 0 running, 2 sleeping, 1 zombie; load 0.00 0.00 0.00; \
             rows 5 to 5 are shown"
        );
        let table = view.table();
        assert_eq!(table.columns.len(), table.rows[0].len());
        assert_eq!(
            table.rows[0][4..],
            [
                "Z zombie",
                "0",
                "0",
                "0.1",
                "1.5 ms",
                "0",
                "1 s",
                "11 MiB",
                "40 KiB",
                "0",
                "0",
                "cow",
                "zombie, thread, staged, frozen"
            ]
        );
    }

    #[test]
    fn times_and_sizes_have_a_unit_that_suits() {
        for (ns, text) in [
            (0, "0"),
            (999, "999 ns"),
            (1_050, "1.05 µs"),
            (20_000_000, "20 ms"),
            (61_000_000_001, "61 s"),
        ] {
            assert_eq!(duration(ns), text);
        }
        assert_eq!(pages(1), "4 KiB");
        assert_eq!(pages(u32::MAX), "16383 GiB");
        assert_eq!(start(-3_000_000_000), "3 s before boot");
        assert_eq!(permille(u64::MAX, 0, 1), u64::MAX);
    }
}
