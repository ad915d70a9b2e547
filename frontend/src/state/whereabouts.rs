//! Where am I? What the page shows, told from the outside in: the session, the step and its line, what is
//! in front and what is open in it, where the kernel runs, and the lab.
//!
//! Who sees the page knows all this at a glance; who hears it read asks. It is told from the state alone, so it
//! is the same however the page happens to be laid out. Most of it is drawn later: a [`Whereabouts`] only
//! holds on to what there is to tell, which costs nothing, and [`Whereabouts::facts`] finds the words.

use std::rc::Rc;

use labs::lab::Lab;
use labs::view::oom::{OomTask, OomView};
use labs::view::task::{TaskView, TasksView};
use labs::view::{
    CacheSlabsView, ContainersView, DefragView, EventsView, MemoryView, ObjectView, RadixNodeView,
    RadixView, SchedView, SlabView, TimelineView, View,
};
use words::whereabouts as say;

use super::State;
use super::inquiry::Tab;
use super::live::Mode;
use crate::choices::{Link, Pane, Place};
use crate::transcript::LogLine;

/// Something that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is called in the page's structure.
    pub id: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// What it is.
    pub text: String,
}

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
    /// The lab, how many of its lines have run, and of how many.
    lab: Option<(Rc<Lab>, usize, usize)>,
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
    Sched(
        Option<Rc<SchedView>>,
        Option<Rc<str>>,
        Option<Rc<TimelineView>>,
    ),
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
            lab: state.lesson.open.as_ref().map(|open| {
                let ran = open.ran.iter().flatten().count();
                (open.lab.clone(), ran, open.ran.len())
            }),
        }
    }

    /// All of it, from the outside in.
    pub fn facts(&self) -> Vec<Fact> {
        let fact = |id, name: &'static str, text| Fact { id, name, text };
        let mut facts = vec![
            fact("session", say::session(), self.session()),
            fact("step", say::step(), self.step()),
            fact("line", say::line(), self.line()),
            fact("front", say::front(), self.front()),
        ];
        if self.is_wide && self.pane != Pane::Tree {
            facts.push(fact("tree", say::tree(), self.tree()));
        }
        if let Some((tab, object)) = &self.asks {
            let text = asked(*tab, object.as_deref());
            facts.push(fact("asks", say::asks(), text));
        }
        facts.push(fact("kernel", say::kernel(), self.kernel()));
        if let Some((lab, ran, all)) = &self.lab {
            let text = say::ran(*all as u64, &lab.title, ran);
            facts.push(fact("lab", say::lab(), text));
        }
        facts
    }

    fn session(&self) -> String {
        let name = match self.session.as_str() {
            "" => say::unnamed(),
            name => name,
        };
        match (self.follows, self.is_shared) {
            (Some(Mode::Live), _) => say::following(name),
            (Some(Mode::Looking), _) => say::looking(name),
            (Some(Mode::Own), _) => say::forked(name),
            (None, true) => say::shared(name),
            (None, false) => name.to_string(),
        }
    }

    fn step(&self) -> String {
        match self.steps.saturating_sub(self.step as usize) {
            0 => say::step_of(self.step, self.steps),
            later => say::in_the_past(later as u64, self.step, self.steps),
        }
    }

    fn line(&self) -> String {
        let Some(line) = &self.line else {
            return say::booted().to_string();
        };
        match line.report.status {
            0 => line.typed.clone(),
            status => say::line_status(&line.typed, status),
        }
    }

    fn kernel(&self) -> String {
        match (&self.link, self.place) {
            (Link::Live, Place::Browser) => say::in_browser(&self.machine),
            (Link::Live, Place::Server) => say::on_server(&self.machine),
            (Link::Live, Place::Qemu) => say::in_qemu(&self.machine),
            (Link::Connecting, place) => say::starting(place.label()),
            (Link::Down(reason), _) => say::gone(reason),
        }
    }

    fn front(&self) -> String {
        let pane = self.pane.title();
        let pane = match self.is_table {
            true => say::as_table(pane),
            false => pane.to_string(),
        };
        match self.inside() {
            Some(inside) => say::shows(pane, inside),
            None => pane,
        }
    }

    fn tree(&self) -> String {
        let Some(tree) = &self.tree.0 else {
            return say::no_tree().to_string();
        };
        match &self.tree.1 {
            Some(node) => say::open_is(tree.sentence(), node.sentence()),
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
                let view = said(view).unwrap_or_else(|| say::no_cache(name));
                Some(match object {
                    Some(object) => say::at(view, object.sentence()),
                    None => view,
                })
            }
            Inside::Film(name, view) => Some(said(view).unwrap_or_else(|| say::no_run(name))),
            Inside::Events(view, selected) => {
                let view = view.as_ref()?;
                let selected = selected.as_ref();
                let event = view.events.iter().find(|it| Some(&it.number) == selected);
                Some(match event {
                    Some(event) => say::event(event.number, &event.name, &event.sentence),
                    None => view.sentence(),
                })
            }
            Inside::Containers(view, chosen, held) => {
                let mut text = said(view)?;
                if let Some(chosen) = chosen {
                    text = say::open_is(text, chosen);
                }
                if let Some(pid) = held {
                    text = say::picked_up(text, pid);
                }
                Some(text)
            }
            Inside::Tasks(view, cursor) => {
                let view = view.as_ref()?;
                let row = cursor.checked_sub(view.before);
                let row = row.and_then(|row| view.rows.get(row as usize));
                Some(match row {
                    Some(row) => say::at(view.sentence(), format_args!("{} {}", row.pid, row.comm)),
                    None => view.sentence(),
                })
            }
            Inside::Task(pid, task, address) => {
                let text = said(task).unwrap_or_else(|| say::no_task(pid));
                Some(match address {
                    Some(address) => say::address(text, format_args!("{address:08x}")),
                    None => text,
                })
            }
            Inside::Sched(view, group, timeline) => {
                let mut text = said(view)?;
                if let Some(group) = group {
                    text = say::group(text, group);
                }
                if let Some(timeline) = timeline {
                    text = [text, timeline.sentence()].join("; ");
                }
                Some(text)
            }
            Inside::Oom(view, candidate) => {
                let view = view.as_ref()?;
                let text = view.sentence();
                Some(match view.decision.candidates.get(*candidate) {
                    Some(it) => {
                        let OomTask { pid, comm } = &it.task;
                        say::candidate(text, candidate + 1, pid, comm, it.points)
                    }
                    None => text,
                })
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
                Some(name) => Inside::Cache(name.clone(), slabs.view.clone(), slabs.object.clone()),
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
                Inside::Sched(
                    sched.view.clone(),
                    sched.open.clone(),
                    sched.timeline.clone(),
                )
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
        (tab @ Tab::Object, Some(object)) => say::object(tab.title(), object.sentence()),
        (tab, _) => tab.title().to_string(),
    }
}

#[cfg(test)]
mod tests;
