//! Process containers: the hierarchies side by side, and the callbacks of a step in their order.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Table, View, headings};

/// All hierarchies, with a part of their containers and tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainersView {
    /// The hierarchies, the oldest first.
    pub hierarchies: Vec<HierarchyView>,
    /// Subsystems that are mounted nowhere, by their numbers.
    pub unbound: Vec<String>,
    /// Tasks that are shown, by their numbers: the same ones in every hierarchy.
    pub tasks: Vec<TaskDot>,
    /// How many tasks there are, zombies included.
    pub tasks_total: u32,
    /// The console's shell, `$$`.
    pub shell: u32,
}

/// A hierarchy: a tree of containers for some subsystems.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HierarchyView {
    /// Its number, in the order of making.
    pub id: u32,
    /// Where it lies, in units of 8 bytes.
    pub at: u32,
    /// Directories where it is mounted, the oldest first; none if it only lives on.
    pub mounts: Vec<String>,
    /// What it was mounted as: `container` or `cgroup`.
    pub file_system: String,
    /// The bound subsystems in the order of callbacks.
    pub subsystems: Vec<String>,
    /// Path of the release agent; empty if there is none.
    pub release_agent: String,
    /// How many containers come before the first that is listed.
    pub before: u32,
    /// Containers, each followed by those in it, the oldest first.
    pub containers: Vec<ContainerView>,
    /// How many come behind the last.
    pub after: u32,
}

/// A container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerView {
    /// Its number, unique in its kernel.
    pub id: u32,
    /// Where it lies, in units of 8 bytes.
    pub at: u32,
    /// Its path below the hierarchy's root: `/`, `/guests/g1`.
    pub path: String,
    /// How deep it stands; 0 for the topmost one.
    pub depth: u32,
    /// The container that it is in, as a place in the list; `None` if that is not listed.
    pub parent: Option<u32>,
    /// The release agent is to be run when it is left.
    pub notify_on_release: bool,
    /// It was used since the agent ran.
    pub releasable: bool,
    /// Tasks in it, not counting those of containers in it.
    pub tasks: u32,
    /// What its control files say.
    pub meters: Vec<Meter>,
}

/// A control file's number or word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// The file's name.
    pub file: String,
    /// What it says.
    pub reading: Reading,
}

/// What a meter shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading {
    /// A number.
    Number {
        /// The number.
        value: u64,
        /// What it is a part of: a limit, or a sum; `None` if there is nothing to hold it against.
        of: Option<u64>,
        /// In which unit both are.
        unit: Unit,
    },
    /// Words: a list, a state.
    Text(String),
}

/// What a meter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Shares of the CPU, against those of the containers beside it.
    Shares,
    /// Nanoseconds of CPU time, against those of the whole hierarchy.
    Nanoseconds,
    /// Bytes, against the limit.
    Bytes,
    /// Tasks, against the limit.
    Tasks,
    /// How often.
    Times,
}

/// A task, which is in one container of each hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDot {
    /// Its number.
    pub pid: u32,
    /// Where it lies, in units of 8 bytes.
    pub at: u32,
    /// Its name.
    pub comm: String,
    /// The letter of its state, as `ps` shows it.
    pub state: char,
    /// The container that it is in, by number, for each hierarchy in their order.
    pub containers: Vec<u32>,
}

impl HierarchyView {
    /// The directory of one of its containers, as one would name it at the console; `None` while the
    /// hierarchy is mounted nowhere.
    pub fn dir(&self, container: &ContainerView) -> Option<String> {
        let mount = self.mounts.first()?.trim_end_matches('/');
        Some(match container.path.as_str() {
            "/" if mount.is_empty() => "/".to_string(),
            "/" => mount.to_string(),
            path => [mount, path].concat(),
        })
    }

    /// How many containers it has.
    pub fn count(&self) -> u32 {
        self.before + self.containers.len() as u32 + self.after
    }

    /// Its subsystems and where it is mounted: `cpu,cpuacct at /containers/cpu`.
    pub fn in_words(&self) -> String {
        let subsystems = self.subsystems.join(",");
        match self.mounts.is_empty() {
            true => words::containers::at_nowhere(subsystems),
            false => {
                let mounts = self.mounts.join(words::containers::and());
                words::containers::at(subsystems, mounts)
            }
        }
    }
}

impl ContainerView {
    /// The last name of its path; `/` for the topmost one.
    pub fn name(&self) -> &str {
        match self.path.rsplit_once('/') {
            Some((_, name)) if !name.is_empty() => name,
            _ => "/",
        }
    }

    /// What is set for its release.
    pub fn flags(&self) -> &'static str {
        match (self.notify_on_release, self.releasable) {
            (true, true) => "notify_on_release, releasable",
            (true, false) => "notify_on_release",
            (false, true) => "releasable",
            (false, false) => "",
        }
    }
}

impl TaskDot {
    /// The state in a word.
    pub fn state_word(&self) -> &'static str {
        match self.state {
            'R' => words::containers::state_running(),
            'S' => words::containers::state_sleeping(),
            'D' => words::containers::state_deep(),
            'T' => words::containers::state_stopped(),
            'Z' => words::containers::state_zombie(),
            _ => words::containers::state_gone(),
        }
    }
}

impl Reading {
    /// The reading as text: `90 of 100`, `1.250 s`, `FROZEN`.
    pub fn words(&self) -> String {
        let (value, of, unit) = match self {
            Reading::Text(text) if text.is_empty() => {
                return words::containers::reading_none().to_string();
            }
            Reading::Text(text) => return text.clone(),
            Reading::Number { value, of, unit } => (*value, *of, *unit),
        };
        let text = unit.words(value);
        let Some(of) = of else {
            return text;
        };
        let of = unit.words(of);
        // The unit is said once.
        let text = match (text.split_once(' '), of.split_once(' ')) {
            (Some((number, unit)), Some((_, other))) if unit == other => number,
            _ => &text,
        };
        words::containers::reading_of(text, of)
    }

    /// How much of the whole it is, in thousandths, if there is a whole.
    pub fn permille(&self) -> Option<u32> {
        match self {
            Reading::Number {
                value,
                of: Some(of),
                ..
            } => {
                let part = u128::from(*value) * 1000 / u128::from((*of).max(1));
                Some(part.min(1000) as u32)
            }
            _ => None,
        }
    }
}

impl Unit {
    fn words(self, value: u64) -> String {
        match self {
            Unit::Nanoseconds => {
                let (whole, rest, unit) = match value {
                    0..1_000_000_000 => (value / 1_000_000, value / 1000 % 1000, "ms"),
                    _ => (value / 1_000_000_000, value / 1_000_000 % 1000, "s"),
                };
                format!("{whole}.{rest:03} {unit}")
            }
            Unit::Bytes if value.is_multiple_of(1024) && value > 0 => {
                format!("{} KiB", value / 1024)
            }
            Unit::Bytes => words::containers::bytes(value),
            Unit::Shares | Unit::Tasks | Unit::Times => value.to_string(),
        }
    }
}

impl View for ContainersView {
    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for (place, hierarchy) in self.hierarchies.iter().enumerate() {
            for container in &hierarchy.containers {
                let here = self
                    .tasks
                    .iter()
                    .filter(|task| task.containers.get(place) == Some(&container.id))
                    .map(|task| format!("{} {}", task.pid, task.comm));
                let mut here: Vec<String> = here.collect();
                let left = (container.tasks as usize).saturating_sub(here.len());
                if left > 0 {
                    here.push(words::containers::more(left));
                }
                let meters = container.meters.iter();
                let meters =
                    meters.map(|meter| [&meter.file, " ", &meter.reading.words()].concat());
                rows.push(
                    [
                        (hierarchy.dir(container)).unwrap_or_else(|| container.path.clone()),
                        hierarchy.subsystems.join(","),
                        container.tasks.to_string(),
                        here.join(", "),
                        meters.collect::<Vec<_>>().join("; "),
                        container.flags().to_string(),
                    ]
                    .into(),
                );
            }
        }
        Table {
            caption: self.sentence(),
            columns: headings([
                words::containers::column_container(),
                words::containers::column_subsystems(),
                words::containers::column_tasks(),
                words::containers::column_which(),
                words::containers::column_files(),
                words::containers::column_release(),
            ]),
            rows,
        }
    }

    fn sentence(&self) -> String {
        let count = self.hierarchies.len() as u64;
        let containers: u32 = self.hierarchies.iter().map(HierarchyView::count).sum();
        let each = self.hierarchies.iter().map(HierarchyView::in_words);
        let each: Vec<String> = each.collect();
        let mut text = match count {
            0 => words::containers::none_mounted().to_string(),
            _ => words::containers::hierarchies(
                count,
                words::containers::containers(containers.into()),
                words::containers::tasks(self.tasks_total.into()),
                each.join("; "),
            ),
        };
        let shown: usize = self.hierarchies.iter().map(|it| it.containers.len()).sum();
        if shown < containers as usize {
            text.push_str(&words::containers::listed(shown));
        }
        if !self.unbound.is_empty() {
            let unbound = self.unbound.join(",");
            text.push_str(&words::containers::free_subsystems(unbound));
        }
        text
    }
}

/// What subsystems were asked and told during a step of the log, in that order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbacksView {
    /// The step whose line ran.
    pub step: u32,
    /// The calls, and between them what the core itself did.
    pub calls: Vec<CallView>,
    /// Further ones, which are not listed.
    pub omitted: u32,
    /// Calls that said no, listed or not.
    pub refused: u32,
}

/// A callback of a subsystem, or a deed of the core.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallView {
    /// Number of the event that tells it.
    pub event: u64,
    /// The callback's name, or what the core did: `move`, `mkdir`, ...
    pub call: String,
    /// The subsystem that was called; empty for a deed of the core.
    pub subsystem: String,
    /// The container, as its directory; empty for none.
    pub container: String,
    /// The container that the task comes from; empty for none.
    pub old: String,
    /// The task; 0 for none.
    pub pid: u32,
    /// The error that came of it, `EBUSY`; empty for success.
    pub errno: String,
    /// Why it happened at this place.
    pub because: String,
}

impl CallView {
    /// The call as one would write it: `can_attach of cpuset`.
    pub fn title(&self) -> String {
        match self.subsystem.as_str() {
            "" => self.call.clone(),
            subsystem => words::containers::call_of(&self.call, subsystem),
        }
    }

    /// What came of it.
    pub fn result(&self) -> &str {
        match self.errno.as_str() {
            "" => words::containers::ok(),
            errno => errno,
        }
    }
}

impl View for CallbacksView {
    fn table(&self) -> Table {
        let rows = self.calls.iter().map(|call| {
            let pid = match call.pid {
                0 => String::new(),
                pid => pid.to_string(),
            };
            [
                call.event.to_string(),
                call.call.clone(),
                call.subsystem.clone(),
                call.container.clone(),
                call.old.clone(),
                pid,
                call.result().to_string(),
                words::told(&call.because),
            ]
            .into()
        });
        Table {
            caption: self.sentence(),
            columns: headings([
                words::containers::column_event(),
                words::containers::column_call(),
                words::containers::column_subsystem(),
                words::containers::column_container(),
                words::containers::column_from(),
                words::containers::column_task(),
                words::containers::column_result(),
                words::containers::column_because(),
            ]),
            rows: rows.collect(),
        }
    }

    fn sentence(&self) -> String {
        let is_call = |call: &&CallView| !call.subsystem.is_empty();
        let calls = self.calls.iter().filter(is_call).count();
        let mut text = words::containers::calls(calls as u64, self.step);
        match self.refused {
            0 => text.push_str(words::containers::nobody_refused()),
            refused => text.push_str(&words::containers::refused(refused)),
        }
        if let Some(veto) = self.calls.iter().find(|call| !call.errno.is_empty()) {
            text.push_str(&words::containers::veto(veto.title(), &veto.errno));
        }
        if self.omitted > 0 {
            text.push_str(&words::containers::omitted(self.omitted));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn containers_read_as_a_sentence_and_a_table() {
        assert_eq!(
            ContainersView::default().sentence(),
            "no hierarchy is mounted"
        );
        let container = |id, path: &str, tasks, meters: &[Meter]| ContainerView {
            id,
            path: path.into(),
            tasks,
            meters: meters.into(),
            ..ContainerView::default()
        };
        let shares = Meter {
            file: "cpu.shares".into(),
            reading: Reading::Number {
                value: 90,
                of: Some(100),
                unit: Unit::Shares,
            },
        };
        let view = ContainersView {
            hierarchies: vec![HierarchyView {
                id: 1,
                mounts: vec!["/c".into(), "/d".into()],
                subsystems: vec!["cpu".into()],
                containers: vec![
                    container(2, "/", 3, &[]),
                    container(3, "/guests/g1", 1, &[shares]),
                ],
                after: 7,
                ..HierarchyView::default()
            }],
            unbound: vec!["memory".into()],
            tasks: vec![TaskDot {
                pid: 5,
                at: 0,
                comm: "spin".into(),
                state: 'R',
                containers: vec![3],
            }],
            tasks_total: 4,
            shell: 1,
        };
        assert_eq!(
            view.sentence(),
            "1 hierarchy, 9 containers, 4 tasks: cpu at /c and /d; 2 containers are listed; free \
             subsystems: memory"
        );
        let table = view.table();
        assert_eq!(table.rows[0][..4], ["/c", "cpu", "3", "3 more"]);
        assert_eq!(
            table.rows[1][..5],
            ["/c/guests/g1", "cpu", "1", "5 spin", "cpu.shares 90 of 100"]
        );
        assert_eq!(view.hierarchies[0].containers[1].name(), "g1");
        let unmounted = HierarchyView::default();
        assert_eq!(unmounted.dir(&view.hierarchies[0].containers[1]), None);
    }

    #[test]
    fn readings_have_units() {
        let number = |value, of, unit| Reading::Number { value, of, unit };
        for (reading, words, permille) in [
            (
                number(1_250_400_000, None, Unit::Nanoseconds),
                "1.250 s",
                None,
            ),
            (number(2_500_000, None, Unit::Nanoseconds), "2.500 ms", None),
            (
                number(65536, Some(131_072), Unit::Bytes),
                "64 of 128 KiB",
                Some(500),
            ),
            (number(0, None, Unit::Bytes), "0 bytes", None),
            (number(9, Some(3), Unit::Tasks), "9 of 3", Some(1000)),
            (number(0, Some(0), Unit::Tasks), "0 of 0", Some(0)),
            (Reading::Text("FROZEN".into()), "FROZEN", None),
            (Reading::Text(String::new()), "none", None),
        ] {
            assert_eq!((&*reading.words(), reading.permille()), (words, permille));
        }
    }

    #[test]
    fn a_veto_is_in_the_sentence() {
        let call = |subsystem: &str, errno: &str| CallView {
            call: "can_attach".into(),
            subsystem: subsystem.into(),
            errno: errno.into(),
            ..CallView::default()
        };
        let view = CallbacksView {
            step: 4,
            calls: vec![call("cpu", ""), call("cpuset", "ENOSPC"), call("", "")],
            omitted: 0,
            refused: 1,
        };
        assert_eq!(
            view.sentence(),
            "step 4: 2 callbacks, 1 said no: can_attach of cpuset with ENOSPC"
        );
        assert_eq!(view.table().rows[1][6], "ENOSPC");
    }
}
