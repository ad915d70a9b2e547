//! The part of the page's state that is about process containers: which part of the hierarchies is
//! shown, which task is picked up, and what was done with it.
//!
//! Whatever is done in the picture is done by a console line: dropping a task runs
//! `echo PID > DIR/tasks` as if it had been typed, so it is in the log, and what the console says about
//! it is shown beside the picture. The pane shows the hierarchies, or the callbacks of a step
//! ([`Containers::is_film`]); each is a view of the kernel, like those of the other panes.

use std::rc::Rc;

use labs::protocol::{View, ViewRequest};
use labs::view::{CallbacksView, ContainersView};

use super::{State, replace};
use crate::choices::Pane;
use crate::transcript::LogLine;

/// How many containers of a hierarchy are shown at a time.
pub const CONTAINERS_SHOWN: u32 = 150;

/// How many steps back callbacks are looked for.
const TRIES_MAX: u32 = 8;

/// What the page knows of it.
#[derive(Debug, Default)]
pub struct Containers {
    /// The hierarchies, once they were seen.
    pub view: Option<Rc<ContainersView>>,
    /// A hierarchy, and the number of its first container that is shown; the others' is 0.
    window: (u32, u32),
    /// The task that is pointed at: it is lit in every hierarchy.
    pub pointed: Option<u32>,
    /// The task that is picked up.
    pub held: Option<Held>,
    /// The container that the forms are about, by number.
    pub chosen: Option<u32>,
    /// What was done last.
    pub deed: Option<Rc<Deed>>,
    /// The callbacks of a step are shown instead.
    pub is_film: bool,
    /// Those, if anything is known of them.
    pub calls: Option<Rc<CallbacksView>>,
    /// Callbacks are looked for before this step only; `None`: up to the present one.
    film_before: Option<u32>,
    /// How often they were looked for.
    tries: u32,
}

/// A task that is picked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The task.
    pub pid: u32,
    /// The container over which it is held, by number.
    pub over: Option<u32>,
}

/// A console line that the picture ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// The line.
    pub line: String,
    /// What the console said, once it has.
    pub answer: Option<Answer>,
}

/// What the console said to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text, mostly none.
    pub text: String,
    /// The step of the line.
    pub step: u32,
    /// The line failed.
    pub is_refused: bool,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Show a hierarchy's containers from this number on.
    Window(u32, u32),
    /// Light this task.
    Point(Option<u32>),
    /// Pick this task up.
    PickUp(u32),
    /// Hold it over this container.
    Over(Option<u32>),
    /// Let it fall into the container.
    Drop,
    /// Leave it where it is.
    PutBack,
    /// Let the forms be about this container.
    Choose(Option<u32>),
    /// Make a container of this name in the chosen one.
    Mkdir(String),
    /// Remove the chosen one.
    Rmdir,
    /// Write a text to this control file of the chosen one.
    Write(String, String),
    /// Show the callbacks of a step, or the hierarchies.
    Film(bool),
}

impl Containers {
    /// Another step is shown: callbacks are looked for anew.
    pub(super) fn moved(&mut self) {
        self.film_before = None;
        self.tries = 0;
    }

    /// Another log takes the place of this one.
    pub(super) fn reset(&mut self) {
        *self = Containers::default();
    }

    /// The directory of a container that is shown; `None` while its hierarchy is mounted nowhere.
    pub fn dir(&self, id: u32) -> Option<String> {
        let hierarchies = self.view.as_ref()?.hierarchies.iter();
        let mut found = hierarchies.filter_map(|hierarchy| {
            let mut containers = hierarchy.containers.iter();
            let container = containers.find(|container| container.id == id)?;
            hierarchy.dir(container)
        });
        found.next()
    }

    /// The line that lets the task that is held fall where it is held.
    pub fn drop_line(&self) -> Option<String> {
        let Held { pid, over } = self.held?;
        let dir = self.dir(over?)?;
        Some(
            [
                "echo ",
                &pid.to_string(),
                " > ",
                &quoted(&below(&dir, "tasks")),
            ]
            .concat(),
        )
    }

    /// A line that was run may be the one that the picture asked for.
    pub(super) fn line_ran(&mut self, step: usize, line: &LogLine) {
        if let Some(deed) = &mut self.deed
            && deed.answer.is_none()
            && deed.line.as_bytes() == line.line
        {
            Rc::make_mut(deed).answer = Some(Answer {
                text: line.printed.clone(),
                step: step as u32,
                is_refused: line.report.status != 0,
            });
        }
    }

    /// What is no longer there is neither held nor chosen.
    fn forget_what_is_gone(&mut self) {
        let Some(view) = &self.view else { return };
        let is_here = |pid: u32| view.tasks.iter().any(|task| task.pid == pid);
        self.held = self.held.filter(|held| is_here(held.pid));
        self.pointed = self.pointed.filter(|&pid| is_here(pid));
        let mut all = view.hierarchies.iter().flat_map(|it| &it.containers);
        self.chosen = self.chosen.filter(|&id| all.any(|it| it.id == id));
    }
}

/// A name in a directory.
fn below(dir: &str, name: &str) -> String {
    [dir.trim_end_matches('/'), "/", name].concat()
}

/// A word as the console takes it for one word.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:,@%=".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_string(),
        false => ["'", &word.replace('\'', "'\"'\"'"), "'"].concat(),
    }
}

impl State {
    pub(super) fn apply_containers(&mut self, action: Action) {
        let own = &mut self.containers;
        match action {
            Action::Window(hierarchy, from) => {
                own.window = (hierarchy, from);
                self.stale.lower = true;
            }
            Action::Point(pid) => own.pointed = pid,
            Action::PickUp(pid) => own.held = Some(Held { pid, over: None }),
            Action::Over(over) => {
                if let Some(held) = &mut own.held {
                    held.over = over;
                }
            }
            Action::Drop => {
                let line = own.drop_line();
                own.held = None;
                self.run_deed(line);
            }
            Action::PutBack => own.held = None,
            Action::Choose(id) => own.chosen = id,
            Action::Mkdir(name) => {
                let dir = self.chosen_dir().filter(|_| !name.is_empty());
                let line = dir.map(|dir| ["mkdir ", &quoted(&below(&dir, &name))].concat());
                self.run_deed(line);
            }
            Action::Rmdir => {
                let line = self
                    .chosen_dir()
                    .map(|dir| ["rmdir ", &quoted(&dir)].concat());
                self.run_deed(line);
            }
            Action::Write(file, text) => {
                let dir = self.chosen_dir().filter(|_| !file.is_empty());
                let line = dir.map(|dir| {
                    ["echo ", &quoted(&text), " > ", &quoted(&below(&dir, &file))].concat()
                });
                self.run_deed(line);
            }
            Action::Film(is_film) => {
                own.is_film = is_film;
                own.moved();
                self.stale.lower = true;
            }
        }
    }

    fn chosen_dir(&self) -> Option<String> {
        self.containers.dir(self.containers.chosen?)
    }

    /// Runs a line as if it had been typed.
    fn run_deed(&mut self, line: Option<String>) {
        let Some(line) = line.filter(|line| !line.contains(char::is_control)) else {
            return;
        };
        self.inquiry.moved_by_hand();
        self.submit(vec![line.clone().into_bytes()]);
        self.containers.deed = Some(Rc::new(Deed { line, answer: None }));
    }

    /// The view that the pane shows.
    pub(super) fn containers_request(&self) -> Option<ViewRequest> {
        if self.containers.is_film {
            let step = self.calls_step()?;
            return Some(ViewRequest::Callbacks { step });
        }
        let (hierarchy, from) = self.containers.window;
        Some(ViewRequest::Containers {
            hierarchy,
            from,
            max: CONTAINERS_SHOWN,
        })
    }

    /// The latest step up to the present one that may have called callbacks.
    fn calls_step(&self) -> Option<u32> {
        let before = self.containers.film_before.unwrap_or(u32::MAX);
        let step = before.saturating_sub(1).min(self.kernel.step);
        (step > 0).then_some(step)
    }

    /// The callbacks that are to be shown.
    pub fn calls(&self) -> Option<&Rc<CallbacksView>> {
        let calls = self.containers.calls.as_ref()?;
        (self.calls_step() == Some(calls.step)).then_some(calls)
    }

    /// Nothing was called up to the step that is shown, as far back as one looks.
    pub fn has_no_calls(&self) -> bool {
        let is_over = self.containers.tries >= TRIES_MAX || self.calls_step().is_none();
        is_over && self.calls().is_none()
    }

    /// Takes the answer to a request of this part.
    pub(super) fn containers_viewed(&mut self, wanted: ViewRequest, view: Option<View>) {
        let own = &mut self.containers;
        match (wanted, view) {
            (ViewRequest::Containers { .. }, Some(View::Containers(view))) => {
                replace(&mut own.view, view);
                own.forget_what_is_gone();
            }
            (ViewRequest::Callbacks { .. }, Some(View::Callbacks(view))) => {
                replace(&mut own.calls, view);
            }
            (ViewRequest::Callbacks { step }, _) => {
                own.calls = None;
                own.tries += 1;
                own.film_before = Some(step);
                let goes_on = own.is_film && own.tries < TRIES_MAX;
                self.stale.lower = goes_on && self.calls_step().is_some();
            }
            _ => {}
        }
    }

    /// Whether the pane is in front of its like.
    pub(super) fn shows_containers(&self) -> bool {
        self.shows(Pane::Containers)
    }
}

#[cfg(test)]
mod tests;
