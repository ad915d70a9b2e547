//! The part of the page's state that is for newcomers: the welcome over the console, the tour, the
//! examples.
//!
//! A first visit finds the page at work already, with a strip over the console that says what this is and
//! offers four ways on. It is there as long as nobody has put it away ([`Settings::welcome`]) and the
//! session is the one that the page began with; nobody who comes by a link, for a lab or back to
//! something of their own sees it.
//!
//! What has to be fetched, the examples, is asked for when it is first wanted.
//!
//! [`Settings::welcome`]: crate::settings::Settings::welcome

pub mod search;
pub mod tour;

use std::rc::Rc;

use labs::example::Example;
use labs::glossary::{Command, Term};
use words::front as say;

use super::lesson::{self, Catalogue};
use super::{State, library, slabs};
use crate::address::{Address, Route};
use crate::choices::Pane;
use search::{Goal, Thing};
use tour::Tour;

/// What the page knows of it.
#[derive(Debug)]
pub struct Front {
    /// Nobody has put the welcome away yet, in this browser.
    pub welcome: bool,
    /// The page was opened for something else than to look around.
    has_purpose: bool,
    /// The session is another one than the page began with.
    is_over: bool,
    /// The dialog that is open.
    pub sheet: Option<Sheet>,
    /// The examples.
    pub examples: Shelf<Example>,
    /// The words of the glossary.
    pub terms: Shelf<Term>,
    /// The console's commands.
    pub commands: Shelf<Command>,
    /// The word that the glossary is opened at.
    pub term: Option<String>,
    /// What is looked for.
    pub query: String,
    /// What was found, the best first.
    pub found: Rc<Vec<Thing>>,
    /// Which of it the keys are at.
    pub chosen: usize,
    /// The example that was asked for and is not there yet.
    pub wanted: Option<String>,
    /// Why something could not be shown.
    pub problem: Option<String>,
    /// The tour, while somebody takes it.
    pub tour: Option<Tour>,
    /// Where the page's address leads to, until that is done.
    pub(super) route: Option<Route>,
}

/// A dialog of this part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheet {
    /// The examples.
    Playground,
    /// The words.
    Glossary,
    /// The search.
    Search,
}

/// Things that are fetched when they are first wanted.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Shelf<T> {
    /// Nobody has asked for them.
    #[default]
    Unknown,
    /// They are on their way.
    Coming,
    /// These.
    Here(Rc<Vec<T>>),
    /// They cannot be had, and why.
    Missing(String),
}

impl<T> Shelf<T> {
    /// Whether they have to be fetched; if so, they are on their way from here on.
    fn ask(&mut self) -> bool {
        let is_needed = matches!(self, Shelf::Unknown | Shelf::Missing(_));
        if is_needed {
            *self = Shelf::Coming;
        }
        is_needed
    }

    fn came(result: Result<Vec<T>, String>) -> Shelf<T> {
        match result {
            Ok(things) => Shelf::Here(Rc::new(things)),
            Err(reason) => Shelf::Missing(reason),
        }
    }
}

/// Whether the ways on are offered over the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways {
    /// That is not known yet; their place is kept.
    Awaited,
    /// They are.
    Offered,
    /// They are not.
    Gone,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Put the welcome away for good.
    Dismiss,
    /// Open a dialog, or close the one that is open.
    Show(Option<Sheet>),
    /// The examples came, or why not.
    Shelved(Result<Vec<Example>, String>),
    /// Open an example in a session of its own.
    Open(String),
    /// The words came, or why not.
    Glossed(Result<Vec<Term>, String>),
    /// The commands came, or why not.
    Commanded(Result<Vec<Command>, String>),
    /// Look for this.
    Query(String),
    /// The keys go up or down what was found.
    Move(i32),
    /// Go to what was found, the one at this place.
    Choose(usize),
    /// Something about the tour.
    Tour(tour::Action),
}

/// What the page must do outside its state.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Fetch the examples and report [`Action::Shelved`].
    FetchExamples,
    /// Fetch the words and report [`Action::Glossed`].
    FetchTerms,
    /// Fetch the commands and report [`Action::Commanded`].
    FetchCommands,
    /// Move the focus to the first element that this selector names.
    Focus(&'static str),
    /// Move the focus to what a pane is for.
    FocusPane(Pane),
}

impl Default for Front {
    fn default() -> Front {
        Front {
            welcome: true,
            has_purpose: false,
            is_over: false,
            sheet: None,
            examples: Shelf::Unknown,
            terms: Shelf::Unknown,
            commands: Shelf::Unknown,
            term: None,
            query: String::new(),
            found: Rc::default(),
            chosen: 0,
            wanted: None,
            problem: None,
            tour: None,
            route: None,
        }
    }
}

impl Front {
    /// Notes what the page was opened for.
    pub fn begin(&mut self, address: &Address) {
        let is_link = address.payload.is_some() || address.step.is_some();
        self.has_purpose = is_link || address.lab.is_some() || address.embed || address.no_edit;
    }

    /// Another session takes the place of the one that the page began with.
    pub(super) fn session_changed(&mut self) {
        self.is_over = true;
        self.tour = None;
    }
}

impl State {
    /// Whether the ways on are offered over the console.
    pub fn ways(&self) -> Ways {
        let front = &self.front;
        if !front.welcome || front.has_purpose || front.is_over {
            Ways::Gone
        } else if self.library.has_started() {
            Ways::Offered
        } else {
            Ways::Awaited
        }
    }

    pub(super) fn apply_front(&mut self, action: Action, effects: &mut Vec<super::Effect>) {
        let front = &mut self.front;
        match action {
            Action::Dismiss => {
                front.welcome = false;
                effects.push(focus("#console-input"));
            }
            Action::Show(sheet) => {
                front.problem = None;
                if sheet.is_none() && front.sheet.is_some() {
                    // The link that opened it opens it again.
                    effects.push(super::Effect::Library(library::Effect::ClearAddress));
                    front.wanted = None;
                }
                front.sheet = sheet;
                if let Some(sheet) = sheet {
                    self.leave_catalogue(effects);
                    match sheet {
                        Sheet::Playground => self.want_examples(effects),
                        Sheet::Glossary => {
                            self.front.term = None;
                            self.want_terms(effects);
                        }
                        Sheet::Search => self.begin_search(effects),
                    }
                }
            }
            Action::Shelved(result) => {
                let missing = result.as_ref().err().cloned();
                front.examples = Shelf::came(result);
                match (front.wanted.take(), missing) {
                    (Some(_), Some(reason)) => {
                        self.error(say::examples_missing(reason));
                    }
                    (Some(name), None) => self.open_example(name, effects),
                    (None, _) => {}
                }
                self.find();
            }
            Action::Glossed(result) => {
                front.terms = Shelf::came(result);
                self.find();
            }
            Action::Commanded(result) => {
                front.commands = Shelf::came(result);
                self.find();
            }
            Action::Query(query) => {
                front.query = query;
                front.chosen = 0;
                self.find();
            }
            Action::Move(by) => {
                let last = front.found.len().saturating_sub(1);
                front.chosen = front.chosen.saturating_add_signed(by as isize).min(last);
            }
            Action::Choose(at) => self.choose(at, effects),
            Action::Open(name) => self.open_example(name, effects),
            Action::Tour(action) => self.apply_tour(action, effects),
        }
    }

    /// Goes where the page's address leads, once the last session is back.
    pub(super) fn follow_front(&mut self, effects: &mut Vec<super::Effect>) {
        if !self.library.has_started() {
            return;
        }
        match self.front.route.take() {
            None => {}
            Some(Route::Tour) => self.apply_tour(tour::Action::Start, effects),
            Some(Route::Playground) => {
                self.apply_front(Action::Show(Some(Sheet::Playground)), effects);
            }
            Some(Route::Example(name)) => self.open_example(name, effects),
            Some(Route::Glossary) => {
                self.apply_front(Action::Show(Some(Sheet::Glossary)), effects);
            }
            Some(Route::Term(term)) => self.open_term(term, effects),
            Some(Route::Search) => {
                effects.push(super::Effect::Library(library::Effect::ClearAddress));
                self.apply_front(Action::Show(Some(Sheet::Search)), effects);
            }
            Some(Route::Labs) => {
                effects.push(super::Effect::Library(library::Effect::ClearAddress));
                self.apply_lesson(lesson::Action::Catalogue(true), effects);
            }
        }
    }

    /// One dialog at a time.
    fn leave_catalogue(&mut self, effects: &mut Vec<super::Effect>) {
        if self.lesson.shows_catalogue {
            self.apply_lesson(lesson::Action::Catalogue(false), effects);
        }
    }

    fn want_examples(&mut self, effects: &mut Vec<super::Effect>) {
        if self.front.examples.ask() {
            effects.push(super::Effect::Front(Effect::FetchExamples));
        }
    }

    fn want_terms(&mut self, effects: &mut Vec<super::Effect>) {
        if self.front.terms.ask() {
            effects.push(super::Effect::Front(Effect::FetchTerms));
        }
    }

    fn open_term(&mut self, term: String, effects: &mut Vec<super::Effect>) {
        self.apply_front(Action::Show(Some(Sheet::Glossary)), effects);
        self.front.term = Some(term);
    }

    /// Everything that can be found is wanted; what has come can be found meanwhile.
    fn begin_search(&mut self, effects: &mut Vec<super::Effect>) {
        self.front.query.clear();
        self.front.chosen = 0;
        self.want_examples(effects);
        self.want_terms(effects);
        if self.front.commands.ask() {
            effects.push(super::Effect::Front(Effect::FetchCommands));
        }
        self.want_catalogue(effects);
        self.find();
    }

    /// Looks again, in what there is now. Without a query, places to go are offered.
    pub(super) fn find(&mut self) {
        let front = &self.front;
        if front.sheet != Some(Sheet::Search) {
            return;
        }
        let mut things = places();
        if front.query.trim().is_empty() {
            self.front.found = Rc::new(things);
            return;
        }
        if let Catalogue::Listed(labs) = &self.lesson.catalogue {
            things.extend(labs.iter().map(|lab| Thing {
                goal: Goal::Lab(lab.id.clone()),
                name: lab.title.clone(),
                says: lab.summary.clone(),
            }));
        }
        if let Shelf::Here(examples) = &front.examples {
            things.extend(examples.iter().map(|example| Thing {
                goal: Goal::Example(example.name.clone()),
                name: example.title.clone(),
                says: example.says.clone(),
            }));
        }
        if let Shelf::Here(commands) = &front.commands {
            things.extend(commands.iter().map(|command| Thing {
                goal: Goal::Command(command.name.clone()),
                name: command.name.clone(),
                says: command.says.clone(),
            }));
        }
        if let Shelf::Here(terms) = &front.terms {
            things.extend(terms.iter().map(|term| Thing {
                goal: Goal::Term(term.id.clone()),
                name: term.name.clone(),
                says: term.says.clone(),
            }));
        }
        let found = search::find(&front.query, things.iter());
        self.front.found = Rc::new(found.into_iter().cloned().collect());
        let last = self.front.found.len().saturating_sub(1);
        self.front.chosen = self.front.chosen.min(last);
    }

    /// Goes to what was found.
    fn choose(&mut self, at: usize, effects: &mut Vec<super::Effect>) {
        let Some(thing) = self.front.found.get(at).cloned() else {
            return;
        };
        self.front.sheet = None;
        match thing.goal {
            Goal::Pane(pane) => {
                self.show(pane);
                effects.push(super::Effect::Front(Effect::FocusPane(pane)));
            }
            Goal::Lab(id) => self.apply_lesson(lesson::Action::Open(id), effects),
            Goal::Labs => self.apply_lesson(lesson::Action::Catalogue(true), effects),
            Goal::Example(name) => self.open_example(name, effects),
            Goal::Playground => {
                self.apply_front(Action::Show(Some(Sheet::Playground)), effects);
            }
            Goal::Command(name) => {
                self.show(Pane::Console);
                effects.push(super::Effect::SetInput(format!("{name} ")));
                effects.push(focus("#console-input"));
            }
            Goal::Term(term) => self.open_term(term, effects),
            Goal::Glossary => self.apply_front(Action::Show(Some(Sheet::Glossary)), effects),
            Goal::Tour => self.apply_tour(tour::Action::Start, effects),
        }
    }

    /// Runs an example in a session of its own and shows the pane that it is about.
    fn open_example(&mut self, name: String, effects: &mut Vec<super::Effect>) {
        if self.library.is_frozen {
            return self.error(say::no_examples_here());
        }
        let examples = match &self.front.examples {
            Shelf::Here(examples) => examples.clone(),
            Shelf::Coming | Shelf::Unknown | Shelf::Missing(_) => {
                self.front.wanted = Some(name);
                return self.want_examples(effects);
            }
        };
        let Some(example) = examples.iter().find(|example| example.name == name) else {
            return self.error(say::no_example(name));
        };
        if let Err(reason) = self.load(&example.log(), effects) {
            return self.error(reason);
        }
        effects.push(super::Effect::Library(library::Effect::ClearAddress));
        self.library.name = example.title.clone();
        self.note(format!("{}. {}", example.title, example.says));
        self.front.sheet = None;
        self.front.problem = None;
        let pane = Pane::ALL.into_iter().find(|it| it.label() == example.pane);
        self.show(pane.unwrap_or(Pane::Console));
        let cache = Some(example.cache.clone()).filter(|cache| !cache.is_empty());
        self.apply_slabs(slabs::Action::Open(cache));
        effects.push(focus("#console-input"));
    }
}

/// What can be found whatever has come: the page's own parts.
fn places() -> Vec<Thing> {
    let panes = Pane::ALL.into_iter().filter_map(|pane| {
        let says = match pane {
            Pane::Console => say::place_console(),
            Pane::Tree => say::place_tree(),
            Pane::Memory => say::place_memory(),
            Pane::Slab => say::place_slab(),
            Pane::Events => say::place_events(),
            Pane::Containers => say::place_containers(),
            Pane::Tasks => say::place_tasks(),
            Pane::Sched => say::place_scheduler(),
            Pane::Oom => say::place_oom(),
            // It is there only beside a lab.
            Pane::Lab => return None,
        };
        Some((Goal::Pane(pane), pane.title(), says))
    });
    let others = [
        (Goal::Tour, say::kind_tour(), say::place_tour()),
        (Goal::Labs, say::way_labs(), say::place_labs()),
        (
            Goal::Playground,
            say::way_playground(),
            say::place_playground(),
        ),
        (Goal::Glossary, say::glossary(), say::place_glossary()),
    ];
    let places = panes.chain(others);
    places
        .map(|(goal, name, says)| Thing {
            goal,
            name: name.into(),
            says: says.into(),
        })
        .collect()
}

fn focus(selector: &'static str) -> super::Effect {
    super::Effect::Front(Effect::Focus(selector))
}

#[cfg(test)]
mod tests;
