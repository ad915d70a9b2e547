//! Which callbacks of subsystems a step called, in which order, and why.
//!
//! The kernel tells each call as an event. So the step's line is run again, as a trial that is taken
//! back, with a [`Watcher`] that sees every event in the moment that it happens: the containers still
//! have the names that they had. What the order means the specs say (containers 1.5 to 1.9, 1.12);
//! here it becomes a sentence for each call.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::container::{CONTAINER, Callback, Container, SUBSYSTEMS, subsystem_name};
use kernel_core::mem::{Mem, Ref};
use kernel_core::trace::{Event, Tap, Tracepoint};

use super::live::Live;
use super::news;
use crate::observe;
use crate::view::{CallView, CallbacksView};

/// Calls that are listed.
const LISTED_MAX: usize = 1000;

/// Gathers the calls.
#[derive(Default)]
struct Watcher {
    /// Number of the next event to read.
    next: u64,
    view: CallbacksView,
    /// The container and the old one of each call, by number; 0 for none.
    ids: Vec<[u32; 2]>,
    /// Containers by number, with their directories.
    known: BTreeMap<u32, (Ref<Container>, String)>,
    /// A `create` that failed: whose, and for which container.
    refused: Option<(String, u32)>,
}

impl Tap for Watcher {
    fn catch_up(&mut self, mem: &Mem) {
        for event in news(mem, &mut self.next) {
            self.see(mem, &event);
        }
    }
}

impl Watcher {
    fn see(&mut self, mem: &Mem, event: &Event) {
        let mut args = [0; 6];
        args[..event.args().len()].copy_from_slice(event.args());
        let [_, b, c, d, e, _] = args.map(|arg| arg as u32);
        // The call, the subsystem, the container and the old one, the task, the result's place.
        let (call, subsystem, ids, pid, result) = match event.tracepoint {
            Tracepoint::CgroupCallback => {
                let name = Callback::name_of(args[0]);
                (name, subsystem_name(b as usize), [c, d], e, Some(5))
            }
            Tracepoint::CgroupAttachTask => ("move", "", [b, c], d, None),
            Tracepoint::CgroupCssSet => ("css_set", "", [0, 0], 0, None),
            Tracepoint::CgroupMkdir => ("mkdir", "", [b, 0], 0, Some(3)),
            Tracepoint::CgroupRmdir => ("rmdir", "", [b, 0], 0, Some(3)),
            Tracepoint::CgroupSetupRoot => ("mount", "", [c, 0], 0, None),
            Tracepoint::CgroupDestroyRoot => ("umount", "", [0, 0], 0, None),
            Tracepoint::CgroupRemount => ("remount", "", [0, 0], 0, None),
            Tracepoint::CgroupRelease => ("release", "", [b, 0], 0, None),
            _ => return,
        };
        let result = result.and_then(|place: usize| observe::errno_name(args[place]));
        let result = result.unwrap_or_default();
        if !result.is_empty() && !subsystem.is_empty() {
            self.view.refused += 1;
        }
        if self.view.calls.len() == LISTED_MAX {
            self.view.omitted += 1;
            return;
        }
        for id in ids {
            self.note(mem, id);
        }
        let call = CallView {
            event: event.number,
            call: call.to_string(),
            subsystem: subsystem.to_string(),
            pid,
            errno: result,
            ..CallView::default()
        };
        let because = self.because(mem, &call, ids, event);
        self.view.calls.push(CallView { because, ..call });
        self.ids.push(ids);
    }

    /// Remembers the directory of a container, which it may not have yet.
    fn note(&mut self, mem: &Mem, id: u32) {
        let container = match self.known.get(&id) {
            None if id > 0 => observe::find_container(mem, id),
            Some((container, dir)) if dir.ends_with('…') => Some(*container),
            _ => None,
        };
        if let Some(container) = container {
            let dir = observe::container_dir(mem, container);
            self.known.insert(id, (container, dir));
        }
    }

    fn dir(&self, id: u32) -> &str {
        self.known.get(&id).map_or("", |(_, dir)| dir)
    }

    /// The subsystems of a container's hierarchy that have a callback; all of them if the core did it.
    fn order(&self, mem: &Mem, id: u32, call: &str, subsystem: &str) -> Order {
        let root = self
            .known
            .get(&id)
            .map(|(container, _)| mem[*container].root);
        let root = root.filter(|&root| root != mem[CONTAINER].dummy);
        let has = |number: &usize| {
            let calls = SUBSYSTEMS.get(*number).map(|it| it.callbacks());
            calls.is_some_and(|calls| match call {
                "can_attach" => calls.has(Callback::CanAttach),
                "attach" => calls.has(Callback::Attach),
                _ => true,
            })
        };
        let bound = root.into_iter().flat_map(|root| mem[root].subsystems());
        let names = bound.filter(has).map(|it| subsystem_name(it).to_string());
        let names: Vec<String> = names.collect();
        let place = names.iter().position(|name| name == subsystem);
        Order {
            place: place.unwrap_or(0),
            names,
        }
    }

    /// Why a call comes at its place.
    fn because(&mut self, mem: &Mem, call: &CallView, ids: [u32; 2], event: &Event) -> String {
        let CallView {
            subsystem,
            errno,
            pid,
            ..
        } = call;
        let order = self.order(mem, ids[0], &call.call, subsystem);
        let turn = order.turn();
        let is_undo = self.refused.as_ref().is_some_and(|(_, id)| *id == ids[0]);
        match (call.call.as_str(), errno.is_empty()) {
            ("create", true) => format!(
                "each subsystem of the hierarchy makes its state before there is a directory{turn}"
            ),
            ("create", false) => {
                self.refused = Some((subsystem.clone(), ids[0]));
                let undone = match order.before() {
                    [] => String::new(),
                    names => format!("; what {} made is taken back", list(names)),
                };
                format!("{subsystem} says no, so mkdir fails with {errno}{undone}")
            }
            ("destroy", _) if is_undo => {
                let by = self.refused.as_ref().map_or("", |(name, _)| name);
                format!("{by} has refused the container, so {subsystem} frees what it made for it")
            }
            ("destroy", _) => {
                format!(
                    "nobody is in it any more: {subsystem} frees its state, then the directory goes"
                )
            }
            ("pre_destroy", true) => format!(
                "no task and no container is in it: {subsystem} drops what it holds of it, before that \
                 is looked at again"
            ),
            ("pre_destroy", false) => {
                format!("{subsystem} says no: rmdir fails with {errno}, and nothing is removed")
            }
            ("populate", _) => format!(
                "{subsystem} makes its files, after the core's own; if that failed nobody would mind{turn}"
            ),
            ("can_attach", true) => {
                format!("asked before anything changes, {subsystem} lets it in{turn}")
            }
            ("can_attach", false) => {
                let before = match order.before() {
                    [] => String::new(),
                    names => format!(" {} had said yes;", list(names)),
                };
                let behind = match order.behind() {
                    [] => String::new(),
                    [name] => format!(" {name} is not asked any more;"),
                    names => format!(" {} are not asked any more;", list(names)),
                };
                format!(
                    "{subsystem} says no with {errno}, and one no is enough:{before}{behind} task {pid} \
                     stays in {}, nothing has moved",
                    self.dir(ids[1])
                )
            }
            ("move", _) => format!(
                "one pointer is stored, and from this moment task {pid} is in {} for {} at once",
                self.dir(ids[0]),
                list(&order.names)
            ),
            ("css_set", _) => "no task was in just these containers so far, so a set of them is \
                               made: the last thing that could fail"
                .to_string(),
            ("attach", _) => {
                format!("the task has moved: {subsystem} is told, and cannot say no any more{turn}")
            }
            ("can_fork", true) => {
                format!("before the child is seen, {subsystem} lets it be where its parent is")
            }
            ("can_fork", false) => format!(
                "{subsystem} says no: the fork fails with {errno}, and there will be no task {pid}"
            ),
            ("fork", _) => format!(
                "child {pid} will be seen at once, where its parent is: nobody is asked with can_attach, \
                 and every subsystem is told, mounted or not, by its number"
            ),
            ("exit", _) => format!(
                "task {pid} ends and still is where it was: every subsystem is told, mounted or not, by \
                 its number"
            ),
            ("bind", _) if is_free(mem, event) => {
                format!("{subsystem} is mounted nowhere from here on")
            }
            ("bind", _) => format!(
                "{subsystem} is bound, the smallest number first and each in front of those before it: \
                 so all other callbacks go the other way round"
            ),
            ("post_clone", _) => {
                "a task asked for a container of its own and will be put into it".to_string()
            }
            _ => observe::sentence(mem, event),
        }
    }

    /// The calls, with the names of their containers.
    fn finish(mut self, step: u32) -> Option<CallbacksView> {
        let calls = self.view.calls.iter_mut();
        for (call, [container, old]) in calls.zip(&self.ids) {
            let dir = |id: &u32| self.known.get(id).map(|(_, dir)| dir.clone());
            call.container = dir(container).unwrap_or_default();
            call.old = dir(old).unwrap_or_default();
        }
        self.view.step = step;
        (!self.view.calls.is_empty()).then_some(self.view)
    }
}

/// Subsystems of a hierarchy that have a callback, in the order of calls, and which of them was called.
struct Order {
    names: Vec<String>,
    place: usize,
}

impl Order {
    /// ` (2 of 3)`; nothing where there is no order to see.
    fn turn(&self) -> String {
        match self.names.len() {
            0 | 1 => String::new(),
            all => format!(" ({} of {all})", self.place + 1),
        }
    }

    /// Those that were called before.
    fn before(&self) -> &[String] {
        self.names.get(..self.place).unwrap_or_default()
    }

    /// Those that would be called behind.
    fn behind(&self) -> &[String] {
        self.names.get(self.place + 1..).unwrap_or_default()
    }
}

/// Whether the subsystem that an event is about is mounted nowhere.
fn is_free(mem: &Mem, event: &Event) -> bool {
    let number = event.args().get(1).copied().unwrap_or(0) as usize;
    mem[CONTAINER].roots.get(number) == Some(&mem[CONTAINER].dummy)
}

/// `cpu`, `cpu and cpuset`, `cpu, cpuset and memory`.
fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [name] => name.clone(),
        [first @ .., last] => [&first.join(", "), " and ", last].concat(),
    }
}

impl Live {
    /// The callbacks that a step called; `None` if it called none. The kernel stands where it stood
    /// afterwards.
    pub fn callbacks(&mut self, step: u32) -> Option<CallbacksView> {
        let before = step.checked_sub(1).filter(|before| *before < self.end())?;
        let here = self.step();
        self.seek(before);
        let trial = self.checkpoints.begin_trial(self.kernel.mem.ram());
        let watcher = self.run_tapped(
            before,
            Watcher {
                next: self.kernel.events(),
                ..Watcher::default()
            },
        );
        self.checkpoints.end_trial(self.kernel.mem.ram_mut(), trial);
        self.seek(here);
        watcher.finish(step)
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests;
