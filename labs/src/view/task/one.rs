//! Everything about one task.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::task::cred::{CAP_FULL, CAPABILITIES};
use kernel_core::task::signal::Signal;
use kernel_core::task::wait::Why;
use serde::{Deserialize, Serialize};

use super::super::{Table, View, address, headings};
use super::{MmView, TaskRow, duration, start, state_word};

/// One task, and what it owns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskView {
    /// What the list says of it.
    pub row: TaskRow,
    /// Nanoseconds since boot.
    pub now: u64,
    /// Objects of the kernel that it leads to: what each is to it, and where, in units of 8 bytes.
    pub objects: Vec<(String, u32)>,
    /// Its parent; init has none.
    pub parent: Option<Kin>,
    /// The threads of its process, the first one in front, itself among them; the first 64.
    pub threads: Vec<Kin>,
    /// Its children, the oldest first; the first 64.
    pub children: Vec<Kin>,
    /// How many children it has in all.
    pub nr_children: u32,
    /// Users, groups, capabilities.
    pub ids: Ids,
    /// What it has used.
    pub times: Times,
    /// Number of its process group.
    pub pgrp: u32,
    /// Number of its session.
    pub session: u32,
    /// 0 for `SCHED_NORMAL`, 3 for `SCHED_BATCH`.
    pub policy: u32,
    /// CPUs that it may run on, a bit each; only those that there are.
    pub cpus: u32,
    /// Nodes that its memory may come from, likewise.
    pub mems: u32,
    /// What its parent is told of its end: the exit status times 256, or the number of a signal.
    pub exit_code: u32,
    /// Signals.
    pub signals: Signals,
    /// What it waits for; the number of a [`Why`].
    pub why: u32,
    /// What it runs, if it runs a program.
    pub program: Option<ProgramView>,
    /// Its working directory.
    pub cwd: String,
    /// Its open files, by descriptor.
    pub files: Vec<FileRow>,
    /// Where it is in each hierarchy: subsystems and path.
    pub containers: Vec<(String, String)>,
    /// Its address space; kernel threads and zombies have none.
    pub mm: Option<MmView>,
}

/// Another task, by number and name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kin {
    /// Its number.
    pub pid: u32,
    /// The letter of its state.
    pub state: char,
    /// Its name.
    pub comm: String,
}

/// Who a task is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// Real, effective, saved and file-system user.
    pub users: [u32; 4],
    /// The same of groups.
    pub groups: [u32; 4],
    /// Capabilities that count, a bit each.
    pub effective: u64,
    /// Those that it may make count.
    pub permitted: u64,
}

/// What a process has used, its threads together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// User and system time of children that have ended, in nanoseconds.
    pub children: [u64; 2],
    /// Page faults: without waiting for a disk, and those that waited.
    pub faults: [u64; 2],
    /// How often this task gave the CPU away, and how often it was taken away.
    pub switches: [u32; 2],
}

/// Signals, a bit each: signal 1 is bit 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signals {
    /// They wait for this very task.
    pub pending: u32,
    /// They wait for any thread of its process.
    pub shared_pending: u32,
    /// It does not want them now.
    pub blocked: u32,
    /// Its process ignores them.
    pub ignored: u32,
    /// Its program handles them.
    pub caught: u32,
}

impl Signals {
    /// Each set with its name.
    pub fn sets(&self) -> [(&'static str, u32); 5] {
        [
            (words::tasks::signals_pending(), self.pending),
            (words::tasks::signals_shared(), self.shared_pending),
            (words::tasks::signals_blocked(), self.blocked),
            (words::tasks::signals_ignored(), self.ignored),
            (words::tasks::signals_handled(), self.caught),
        ]
    }

    /// A set by names.
    pub fn names(set: u32) -> String {
        if set == u32::MAX {
            return words::tasks::all().to_string();
        }
        let members = Signal::ALL.iter();
        let members = members.filter(|signal| set >> (**signal as u32 - 1) & 1 != 0);
        let names: Vec<&str> = members.map(|signal| signal.name()).collect();
        names.join(" ")
    }
}

/// The program that a task runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramView {
    /// Its text.
    pub text: String,
    /// The line that runs, from 1; 0 before the first.
    pub line: u32,
    /// What it was called with, its name first.
    pub arguments: Vec<String>,
    /// Its variables with their values.
    pub variables: Vec<(String, i64)>,
    /// `$?`: the result of its last call.
    pub last: i64,
    /// When the call that waits is to end, in nanoseconds since boot; 0 if no such call runs.
    pub deadline: u64,
    /// When its alarm goes off; 0 is never.
    pub alarm: u64,
    /// The number of the signal that it handles; 0 is none.
    pub handles: u32,
}

impl ProgramView {
    /// The words of the line that runs.
    pub fn current(&self) -> Option<&str> {
        let index = (self.line as usize).checked_sub(1)?;
        self.text.lines().nth(index).map(str::trim)
    }
}

/// An open file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRow {
    /// Its descriptor.
    pub fd: u32,
    /// Where its `struct file` is, in units of 8 bytes.
    pub at: u32,
    /// Its path, or the name of what has none.
    pub path: String,
    /// `O_*` as it was opened.
    pub flags: u32,
    /// Where the next byte is read or written.
    pub position: u64,
    /// Descriptors, of all tasks, that lead to it.
    pub count: u32,
}

impl FileRow {
    /// How it was opened, in words.
    pub fn how(&self) -> String {
        let way = match self.flags & 3 {
            0 => words::tasks::reads(),
            1 => words::tasks::writes(),
            _ => words::tasks::reads_writes(),
        };
        let more = [
            (0o2000, words::tasks::appends()),
            (0o4000, words::tasks::no_wait()),
        ];
        let more = more.iter().filter(|(bit, _)| self.flags & bit != 0);
        more.fold(way.to_string(), |text, (_, word)| text + word)
    }
}

impl TaskView {
    /// What it waits for, as `/proc/<pid>/wchan` names functions; nothing if it does not wait.
    pub fn wchan(&self) -> Option<&'static str> {
        let waits = matches!(self.row.state, 'S' | 'D') && self.why != 0;
        waits.then(|| Why::wchan(self.why))
    }

    /// What it waits for, in words.
    pub fn waits_for(&self) -> Option<&'static str> {
        self.wchan()?;
        Some(match self.why {
            1 => words::tasks::wait_time(),
            2 => words::tasks::wait_child(),
            3 => words::tasks::wait_signal(),
            4 => words::tasks::wait_pipe(),
            5 => words::tasks::wait_terminal(),
            6 => words::tasks::wait_frozen(),
            7 => words::tasks::wait_work(),
            8 => words::tasks::wait_memory(),
            _ => words::tasks::wait_something(),
        })
    }

    /// Its capabilities by name.
    pub fn capabilities(set: u64) -> String {
        if set & CAP_FULL == CAP_FULL {
            return words::tasks::all().to_string();
        }
        let names = CAPABILITIES.iter().enumerate();
        let names = names.filter(|(bit, _)| set >> bit & 1 != 0);
        let names: Vec<&str> = names.map(|(_, name)| *name).collect();
        match names.len() {
            0 => words::tasks::nothing().to_string(),
            _ => names.join(" "),
        }
    }

    /// How it ended, if it did.
    pub fn end(&self) -> Option<String> {
        if !matches!(self.row.state, 'Z' | 'X') {
            return None;
        }
        Some(match self.exit_code & 0x7f {
            0 => words::tasks::ended_status(self.exit_code >> 8 & 0xff),
            number => words::tasks::ended_signal(Signals::names(1 << (number - 1).min(31))),
        })
    }

    /// Facts about it: what each is called, and what it is.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let row = &self.row;
        let ids = |ids: [u32; 4]| match ids.iter().all(|id| *id == ids[0]) {
            true => ids[0].to_string(),
            false => words::tasks::ids(ids[0], ids[1], ids[2], ids[3]),
        };
        let mut state = format!("{} {}", row.state, state_word(row.state));
        if let Some(what) = self.waits_for() {
            state.push_str(&words::tasks::waits_for(what));
        }
        if let Some(end) = self.end() {
            state.push_str(&format!(", {end}"));
        }
        let [minor, major] = self.times.faults;
        let [given, taken] = self.times.switches;
        let [cutime, cstime] = self.times.children;
        let mut facts = vec_of([
            (words::tasks::fact_state(), state),
            (words::tasks::fact_user(), ids(self.ids.users)),
            (words::tasks::fact_group(), ids(self.ids.groups)),
            (
                words::tasks::fact_capabilities(),
                TaskView::capabilities(self.ids.effective),
            ),
            (words::tasks::fact_nice(), row.nice.to_string()),
            (
                words::tasks::fact_cpu(),
                words::tasks::fact_cpu_is(row.cpu, set(self.cpus)),
            ),
            (words::tasks::fact_mems(), set(self.mems)),
            (
                words::tasks::fact_time(),
                words::tasks::fact_time_is(duration(row.utime), duration(row.stime)),
            ),
            (words::tasks::fact_began(), start(row.start)),
            (
                words::tasks::fact_faults(),
                words::tasks::fact_faults_are(minor, major),
            ),
            (
                words::tasks::fact_switches(),
                words::tasks::fact_switches_are(given, taken),
            ),
            (words::tasks::fact_oom_adj(), row.oom_adj.to_string()),
            (
                words::tasks::fact_pgrp(),
                words::tasks::fact_pgrp_is(self.pgrp, self.session),
            ),
            (words::tasks::fact_cwd(), self.cwd.clone()),
        ]);
        if self.policy == 3 {
            facts.push((words::tasks::fact_policy(), "SCHED_BATCH".to_string()));
        }
        if cutime + cstime > 0 {
            let times = words::tasks::fact_time_is(duration(cutime), duration(cstime));
            facts.push((words::tasks::fact_children(), times));
        }
        let remarks = row.remarks();
        if !remarks.is_empty() {
            facts.push((words::tasks::fact_remarks(), remarks));
        }
        facts
    }
}

fn vec_of<const N: usize>(facts: [(&'static str, String); N]) -> Vec<(&'static str, String)> {
    facts.into()
}

/// A set of small numbers, as `cpuset` writes it.
fn set(bits: u32) -> String {
    let mut parts = Vec::new();
    let mut bit = 0;
    while bit < 32 {
        let run = (bits >> bit).trailing_ones();
        match run {
            0 => {}
            1 => parts.push(bit.to_string()),
            _ => parts.push(format!("{bit}-{}", bit + run - 1)),
        }
        bit += run + 1;
    }
    match parts.len() {
        0 => words::tasks::nothing().to_string(),
        _ => parts.join(","),
    }
}

impl View for TaskView {
    fn table(&self) -> Table {
        let mut rows: Vec<[String; 3]> = Vec::new();
        let mut add = |part: &str, name: String, value: String| {
            rows.push([part.to_string(), name, value]);
        };
        for (name, value) in self.facts() {
            add(words::tasks::part_task(), name.to_string(), value);
        }
        for (name, at) in &self.objects {
            add(words::tasks::part_object(), name.clone(), address(*at));
        }
        let family = [
            (words::tasks::part_parent(), self.parent.as_slice()),
            (words::tasks::part_thread(), &self.threads),
            (words::tasks::part_child(), &self.children),
        ];
        for (part, kin) in family {
            for kin in kin {
                let value = [kin.comm.as_str(), state_word(kin.state)].join(", ");
                add(part, kin.pid.to_string(), value);
            }
        }
        for (name, set) in self.signals.sets() {
            if set != 0 {
                let part = words::tasks::part_signals();
                add(part, name.to_string(), Signals::names(set));
            }
        }
        if let Some(program) = &self.program {
            let line = program.current().unwrap_or_default();
            add(
                words::tasks::part_program(),
                words::tasks::part_line(program.line),
                line.to_string(),
            );
            for (name, value) in &program.variables {
                let part = words::tasks::part_variable();
                add(part, name.clone(), value.to_string());
            }
        }
        for file in &self.files {
            let value = words::tasks::part_file_is(&file.path, file.how(), file.position);
            add(words::tasks::part_file(), file.fd.to_string(), value);
        }
        for (subsystems, path) in &self.containers {
            let part = words::tasks::part_container();
            add(part, subsystems.clone(), path.clone());
        }
        if let Some(mm) = &self.mm {
            for area in &mm.areas {
                let value = words::tasks::part_area_is(
                    &area.rights,
                    area.what(),
                    area.present,
                    area.pages(),
                );
                add(
                    words::tasks::part_area(),
                    format!("{:08x}-{:08x}", area.start, area.end),
                    value,
                );
            }
            for table in &mm.tables {
                let value = words::tasks::part_directory_is(table.frame, table.used);
                let part = words::tasks::part_directory();
                add(part, table.index.to_string(), value);
            }
            for page in &mm.pages {
                let sharers: Vec<String> =
                    mm.sharers_of(page).map(|kin| kin.pid.to_string()).collect();
                let mut value = words::tasks::part_page_is(
                    page.frame(),
                    page.letters(),
                    page.kind.word(),
                    page.mapped,
                );
                if !sharers.is_empty() {
                    value.push_str(words::tasks::also_by());
                    value.push_str(&sharers.join(" "));
                }
                let part = words::tasks::part_page();
                add(part, format!("{:08x}", page.address()), value);
            }
        }
        Table {
            caption: self.sentence(),
            columns: headings([
                words::tasks::table_part(),
                words::tasks::table_item(),
                words::tasks::table_value(),
            ]),
            rows: rows.into_iter().map(|row| row.into()).collect(),
        }
    }

    fn sentence(&self) -> String {
        let row = &self.row;
        let state = match row.state {
            'Z' => words::tasks::a_zombie(),
            state => state_word(state),
        };
        let mut text = words::tasks::is(row.pid, &row.comm, state);
        if let Some(what) = self.waits_for() {
            text.push_str(&words::tasks::waits_for(what));
        }
        if let Some(end) = self.end() {
            text.push_str(&format!(", {end}"));
        }
        if let Some(program) = self.program.as_ref().filter(|program| program.line > 0) {
            text.push_str(&words::tasks::at_line_of_program(program.line));
        }
        if let Some(mm) = &self.mm {
            text.push_str(&format!("; {}", mm.sentence()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_named() {
        assert_eq!(set(0), "none");
        assert_eq!(set(0b1011), "0-1,3");
        assert_eq!(set(u32::MAX), "0-31");
        assert_eq!(Signals::names(1 << 8 | 1 << 14), "KILL TERM");
        assert_eq!(Signals::names(u32::MAX), "all");
        assert_eq!(TaskView::capabilities(1 << 5 | 1), "chown kill");
        assert_eq!(TaskView::capabilities(CAP_FULL), "all");
        assert_eq!(TaskView::capabilities(0), "none");
    }

    #[test]
    fn an_end_is_told() {
        let mut view = TaskView::default();
        view.row.state = 'Z';
        view.exit_code = 3 << 8;
        assert_eq!(view.end().as_deref(), Some("ended with status 3"));
        view.exit_code = 9;
        assert_eq!(view.end().as_deref(), Some("ended by KILL"));
        view.row.state = 'S';
        assert_eq!(view.end(), None);
    }

    #[test]
    fn what_stands_still_is_no_wait() {
        let mut view = TaskView::default();
        view.row.state = 'T';
        view.why = 1;
        assert_eq!(view.waits_for(), None);
        view.row.state = 'S';
        assert_eq!(view.wchan(), Some("hrtimer_nanosleep"));
        assert_eq!(view.waits_for(), Some("time to pass"));
    }
}
