//! Where am I? What the page shows, told from the outside in: the session, the step and its line, what is
//! in front and what is open in it, where the kernel runs, and the lab.
//!
//! Who sees the page knows all this at a glance; who hears it read asks. It is told from the state alone, so it
//! is the same however the page happens to be laid out. Most of it is drawn later: a [`Whereabouts`] only
//! holds on to what there is to tell, which costs nothing, and [`Whereabouts::facts`] finds the words.

use std::rc::Rc;

use labs::lab::Lab;
use labs::view::oom::OomView;
use labs::view::task::{TaskView, TasksView};
use labs::view::{
    CacheSlabsView, ContainersView, DefragView, EventsView, MemoryView, ObjectView, RadixNodeView,
    RadixView, SchedView, SlabView, TimelineView, View,
};

use super::State;
use super::inquiry::Tab;
use super::lesson::Ran;
use super::live::Mode;
use crate::choices::{Link, Pane, Place};
use crate::transcript::{LogLine, lines};

/// What there is to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Whereabouts {
    session: String,
    /// Somebody else's session, and how the page stands to it.
    follows: Option<Mode>,
    /// Others follow this one.
    is_shared: bool,
    step: u32,
    steps: usize,
    line: Option<Rc<LogLine>>,
    place: Place,
    link: Link,
    machine: String,
    pane: Pane,
    /// All panes have a place of their own, so the tree is there besides.
    is_wide: bool,
    /// The pane in front shows its table.
    is_table: bool,
    inside: Inside,
    tree: (Option<Rc<RadixView>>, Option<Rc<RadixNodeView>>),
    /// What is asked about the past, and the object that is taken apart.
    asks: Option<(Tab, Option<Rc<ObjectView>>)>,
    lab: Option<(Rc<Lab>, Rc<Vec<Option<Ran>>>)>,
}

/// What the pane in front shows.
#[derive(Debug, Clone, PartialEq)]
enum Inside {
    /// Told of anyway: the console, the tree and the lab.
    Nothing,
    Memory(Option<Rc<MemoryView>>),
    Caches(Option<Rc<SlabView>>),
    /// A cache, its slabs, and the object that is pointed at.
    Cache(Rc<str>, Option<Rc<CacheSlabsView>>, Option<Rc<ObjectView>>),
    /// A cache, and what defragmentation did to it.
    Film(Rc<str>, Option<Rc<DefragView>>),
    Events(Option<Rc<EventsView>>, Option<u64>),
    /// The hierarchies, the directory of the chosen container, and the task that is held.
    Containers(Option<Rc<ContainersView>>, Option<String>, Option<u32>),
    /// The list, and its row that the keyboard is at.
    Tasks(Option<Rc<TasksView>>, u32),
    /// A task, and the address that is looked at.
    Task(u32, Option<Rc<TaskView>>, Option<u32>),
    /// The queues, whose they are, and who ran when.
    Sched(Option<Rc<SchedView>>, Option<Rc<str>>, Option<Rc<TimelineView>>),
    /// A decision, and the candidate that is looked at.
    Oom(Option<Rc<OomView>>, usize),
}

impl Whereabouts {
    /// Notes what there is to tell, while `pane` is in front.
    pub fn of(state: &State, pane: Pane, is_wide: bool) -> Whereabouts {
        let following = state.live.following.as_ref();
        let inquiry = &state.inquiry;
        Whereabouts {
            session: state.library.name.clone(),
            follows: following.map(|following| following.mode),
            is_shared: state.live.sharing.is_some(),
            step: state.kernel.step,
            steps: state.log.len(),
            line: state.line(state.kernel.step).cloned(),
            place: state.place,
            link: state.link.clone(),
            machine: state.header.clone(),
            pane,
            is_wide,
            is_table: state.shows_table(pane),
            inside: Inside::of(state, pane),
            tree: (state.radix.clone(), state.node.clone()),
            asks: inquiry.tab.map(|tab| (tab, inquiry.inspector.view.clone())),
            lab: state.lesson.open.as_ref().map(|open| (open.lab.clone(), open.ran.clone())),
        }
    }

    /// All of it, each with its name.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("session", self.session()),
            ("step", self.step()),
            ("line", self.line()),
            ("in front", self.front()),
        ];
        if self.is_wide && self.pane != Pane::Tree {
            facts.push(("tree", self.tree()));
        }
        if let Some((tab, object)) = &self.asks {
            facts.push(("question to the past", asked(*tab, object.as_deref())));
        }
        facts.push(("kernel", self.kernel()));
        if let Some((lab, ran)) = &self.lab {
            let done = ran.iter().flatten().count();
            let of = lines(ran.len());
            facts.push(("lab", format!("{}, {done} of {of} have run", lab.title)));
        }
        facts
    }

    fn session(&self) -> String {
        let name = match self.session.as_str() {
            "" => "one without a name",
            name => name,
        };
        let live = match (self.follows, self.is_shared) {
            (Some(Mode::Live), _) => ", which follows a live session",
            (Some(Mode::Looking), _) => ", which follows a live session, at another step",
            (Some(Mode::Own), _) => ", forked from a live session",
            (None, true) => ", shared live",
            (None, false) => "",
        };
        format!("{name}{live}")
    }

    fn step(&self) -> String {
        let later = self.steps.saturating_sub(self.step as usize);
        let mut text = format!("step {} of {}", self.step, self.steps);
        match later {
            0 => {}
            1 => text.push_str(", in the past: 1 line comes after"),
            _ => text.push_str(&format!(", in the past: {later} lines come after")),
        }
        text
    }

    fn line(&self) -> String {
        let Some(line) = &self.line else {
            return "none: the machine has just booted".to_string();
        };
        match line.report.status {
            0 => line.typed.clone(),
            status => format!("{} (ended with status {status})", line.typed),
        }
    }

    fn kernel(&self) -> String {
        let place = match self.place {
            Place::Browser => "in this browser",
            Place::Server => "on the server",
            Place::Qemu => "in QEMU, on the server",
        };
        match &self.link {
            Link::Live => format!("{place}: {}", self.machine),
            Link::Connecting => format!("{place}, being started"),
            Link::Down(reason) => format!("gone: {reason}"),
        }
    }

    fn front(&self) -> String {
        let name = match self.pane {
            Pane::Oom => "out of memory",
            pane => pane.label(),
        };
        let table = if self.is_table { ", as a table" } else { "" };
        match self.inside() {
            Some(inside) => format!("{name}{table}: {inside}"),
            None => format!("{name}{table}"),
        }
    }

    fn tree(&self) -> String {
        let Some(tree) = &self.tree.0 else {
            return "no radix tree yet".to_string();
        };
        match &self.tree.1 {
            Some(node) => format!("{}; open is {}", tree.sentence(), node.sentence()),
            None => tree.sentence(),
        }
    }

    /// What the pane in front shows, once it has been seen.
    fn inside(&self) -> Option<String> {
        match &self.inside {
            Inside::Nothing if self.pane == Pane::Tree => Some(self.tree()),
            Inside::Nothing => None,
            Inside::Memory(view) => said(view),
            Inside::Caches(view) => said(view),
            Inside::Cache(name, view, object) => {
                let mut text = said(view).unwrap_or_else(|| format!("no cache {name} at this step"));
                if let Some(object) = object {
                    text.push_str(&format!("; at {}", object.sentence()));
                }
                Some(text)
            }
            Inside::Film(name, view) => {
                Some(said(view).unwrap_or_else(|| format!("nothing has defragmented {name}")))
            }
            Inside::Events(view, selected) => {
                let view = view.as_ref()?;
                let selected = selected.as_ref();
                let event = view.events.iter().find(|it| Some(&it.number) == selected);
                Some(match event {
                    Some(event) => format!("event {}: {} {}", event.number, event.name, event.sentence),
                    None => view.sentence(),
                })
            }
            Inside::Containers(view, chosen, held) => {
                let mut text = said(view)?;
                if let Some(chosen) = chosen {
                    text.push_str(&format!("; open is {chosen}"));
                }
                if let Some(pid) = held {
                    text.push_str(&format!("; task {pid} is picked up"));
                }
                Some(text)
            }
            Inside::Tasks(view, cursor) => {
                let view = view.as_ref()?;
                let row = cursor.checked_sub(view.before);
                let row = row.and_then(|row| view.rows.get(row as usize));
                Some(match row {
                    Some(row) => format!("{}; at {} {}", view.sentence(), row.pid, row.comm),
                    None => view.sentence(),
                })
            }
            Inside::Task(pid, task, address) => {
                let mut text = said(task).unwrap_or_else(|| format!("no task {pid} at this step"));
                if let Some(address) = address {
                    text.push_str(&format!("; at address {address:08x}"));
                }
                Some(text)
            }
            Inside::Sched(view, group, timeline) => {
                let mut text = said(view)?;
                if let Some(group) = group {
                    text.push_str(&format!("; open is the group {group}"));
                }
                if let Some(timeline) = timeline {
                    text.push_str(&format!("; {}", timeline.sentence()));
                }
                Some(text)
            }
            Inside::Oom(view, candidate) => {
                let view = view.as_ref()?;
                let mut text = view.sentence();
                if let Some(it) = view.decision.candidates.get(*candidate) {
                    let (rank, pid, name) = (candidate + 1, it.task.pid, &it.task.comm);
                    text.push_str(&format!("; at rank {rank}, {pid} {name}, {} points", it.points));
                }
                Some(text)
            }
        }
    }
}

impl Inside {
    fn of(state: &State, pane: Pane) -> Inside {
        let (slabs, tasks) = (&state.slabs, &state.tasks);
        match pane {
            Pane::Console | Pane::Tree | Pane::Lab => Inside::Nothing,
            Pane::Memory => Inside::Memory(state.memory.clone()),
            Pane::Slab => match &slabs.open {
                None => Inside::Caches(state.slab.clone()),
                Some(name) if slabs.is_film => Inside::Film(name.clone(), state.film().cloned()),
                Some(name) => {
                    Inside::Cache(name.clone(), slabs.view.clone(), slabs.object.clone())
                }
            },
            Pane::Events => Inside::Events(state.events.clone(), state.inquiry.event),
            Pane::Containers => {
                let containers = &state.containers;
                let chosen = containers.chosen.and_then(|id| containers.dir(id));
                let held = containers.held.map(|held| held.pid);
                Inside::Containers(containers.view.clone(), chosen, held)
            }
            Pane::Tasks => match tasks.open {
                Some(pid) => Inside::Task(pid, tasks.seen().cloned(), tasks.address),
                None => Inside::Tasks(tasks.list.clone(), tasks.cursor),
            },
            Pane::Sched => {
                let sched = &state.sched;
                Inside::Sched(sched.view.clone(), sched.open.clone(), sched.timeline.clone())
            }
            Pane::Oom => Inside::Oom(state.oom.view.clone(), state.oom.candidate),
        }
    }
}

/// A view as a sentence, once it was seen.
fn said(view: &Option<Rc<impl View>>) -> Option<String> {
    view.as_ref().map(|view| view.sentence())
}

/// A question to the past in words.
fn asked(tab: Tab, object: Option<&ObjectView>) -> String {
    match (tab, object) {
        (Tab::Object, Some(object)) => format!("object: {}", object.sentence()),
        (tab, _) => tab.label().to_string(),
    }
}

#[cfg(test)]
mod tests;
