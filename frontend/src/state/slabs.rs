//! The part of the page's state that is about slabs: how the list of caches is sorted, which cache
//! is open, and what is asked about it.
//!
//! The pane shows one of three things: all caches, one of them as its slabs ([`Slabs::open`]), or
//! what defragmentation did to that one ([`Slabs::is_film`]). Each is a view of the kernel, asked
//! for while the pane is on the screen and stale, like those of the other panes.

use std::cmp::{Ordering, Reverse};
use std::rc::Rc;

use labs::protocol::{Request, Response, View, ViewRequest};
use labs::view::{CacheSlabsView, CacheView, DefragView, ObjectView, fragmentation};

use super::{State, replace};
use crate::choices::Pane;

/// How many slabs of a cache are shown at a time.
pub const SLABS_SHOWN: u32 = 128;

/// How many steps back a run of defragmentation is looked for.
const TRIES_MAX: u32 = 8;

/// What a line says that may have defragmented something.
const DEFRAGMENTS: [&[u8]; 4] = [b"defrag", b"shrink", b"vacate", b"drop_caches"];

/// By what the caches can be sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Their names.
    Name,
    /// Objects in use.
    Active,
    /// Objects that there is room for.
    Objects,
    /// Bytes from one object to the next.
    Size,
    /// Bytes of their slabs.
    Bytes,
    /// Pages held for each page that is needed.
    Fragmentation,
}

impl Column {
    /// All columns, in their order.
    pub const ALL: [Column; 6] = [
        Column::Name,
        Column::Active,
        Column::Objects,
        Column::Size,
        Column::Bytes,
        Column::Fragmentation,
    ];

    /// A name for it that no language changes.
    pub fn id(self) -> &'static str {
        match self {
            Column::Name => "cache",
            Column::Active => "active",
            Column::Objects => "objects",
            Column::Size => "size",
            Column::Bytes => "bytes",
            Column::Fragmentation => "fragmentation",
        }
    }

    /// The column's heading.
    pub fn label(self) -> &'static str {
        match self {
            Column::Name => words::slab::sort_name(),
            Column::Active => words::slab::sort_active(),
            Column::Objects => words::slab::sort_objects(),
            Column::Size => words::slab::sort_size(),
            Column::Bytes => words::slab::sort_bytes(),
            Column::Fragmentation => words::slab::sort_fragmentation(),
        }
    }

    /// What it says of a cache; names are compared apart.
    fn number(self, cache: &CacheView) -> u64 {
        match self {
            Column::Name => 0,
            Column::Active => cache.active_objects.into(),
            Column::Objects => cache.total_objects.into(),
            Column::Size => cache.size.into(),
            Column::Bytes => cache.bytes(),
            Column::Fragmentation => fragmentation(cache).into(),
        }
    }
}

/// An order of the caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub column: Column,
    /// The largest first.
    pub is_descending: bool,
}

impl Default for Sort {
    fn default() -> Sort {
        Sort {
            column: Column::Bytes,
            is_descending: true,
        }
    }
}

impl Sort {
    /// The order after `column` was chosen: once more turns it round, and numbers begin with the
    /// largest.
    fn then(self, column: Column) -> Sort {
        Sort {
            column,
            is_descending: match self.column == column {
                true => !self.is_descending,
                false => column != Column::Name,
            },
        }
    }

    /// The caches in this order; equal ones by name.
    pub fn sorted<'a>(&self, caches: &'a [CacheView]) -> Vec<&'a CacheView> {
        let mut sorted: Vec<&CacheView> = caches.iter().collect();
        let compare = |a: &&CacheView, b: &&CacheView| -> Ordering {
            let numbers = [a, b].map(|cache| self.column.number(cache));
            let names = a.name.cmp(&b.name);
            match (self.is_descending, self.column) {
                (true, Column::Name) => names.reverse(),
                (true, _) => Reverse(numbers[0]).cmp(&Reverse(numbers[1])).then(names),
                (false, _) => numbers[0].cmp(&numbers[1]).then(names),
            }
        };
        sorted.sort_by(compare);
        sorted
    }
}

/// What the page knows of it.
#[derive(Debug, Default)]
pub struct Slabs {
    /// How the caches are sorted.
    pub sort: Sort,
    /// The cache that is open.
    pub open: Option<Rc<str>>,
    /// The first of its slabs that is shown, by number.
    pub from: u32,
    /// The open cache; `None` until it was seen, and where there is none of that name.
    pub view: Option<Rc<CacheSlabsView>>,
    /// What defragmentation did to it is shown instead.
    pub is_film: bool,
    /// That, if anything is known of it.
    pub defrag: Option<Rc<DefragView>>,
    /// Runs are looked for before this step only; `None`: up to the present one.
    film_before: Option<u32>,
    /// How often one was looked for.
    tries: u32,
    /// The object that is pointed at, in units of 8 bytes.
    pub pointed: Option<u32>,
    /// What the kernel says of it.
    pub object: Option<Rc<ObjectView>>,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Sort by this column, or the other way round.
    Sort(Column),
    /// Open this cache, or close the open one.
    Open(Option<String>),
    /// Show the slabs from this number on.
    From(u32),
    /// Show what defragmentation did, or the cache as it is.
    Film(bool),
    /// Say whose this object is.
    Point(Option<u32>),
}

impl Slabs {
    /// Another step is shown: runs are looked for anew.
    pub(super) fn moved(&mut self) {
        self.film_before = None;
        self.tries = 0;
    }

    /// Another log takes the place of this one.
    pub(super) fn reset(&mut self) {
        *self = Slabs {
            sort: self.sort,
            ..Slabs::default()
        };
    }
}

impl State {
    /// The pane below the tree takes most of the page's height: an open cache or task, containers, or the
    /// scheduler.
    pub fn is_roomy(&self) -> bool {
        // Where somebody has put another picture above, that one is wanted as well.
        if self.layout.upper() != Some(Pane::Tree) {
            return false;
        }
        match self.lower {
            Pane::Slab => self.slabs.open.is_some(),
            Pane::Tasks => self.tasks.open.is_some(),
            Pane::Sched | Pane::Oom => true,
            Pane::Containers => self.shows_containers(),
            _ => false,
        }
    }

    pub(super) fn apply_slabs(&mut self, action: Action) {
        let slabs = &mut self.slabs;
        match action {
            Action::Sort(column) => slabs.sort = slabs.sort.then(column),
            Action::Open(name) => {
                *slabs = Slabs {
                    sort: slabs.sort,
                    open: name.map(Rc::from),
                    ..Slabs::default()
                };
                self.stale.lower = true;
            }
            Action::From(from) => {
                slabs.from = from;
                self.stale.lower = true;
            }
            Action::Film(is_film) => {
                slabs.is_film = is_film;
                slabs.moved();
                self.stale.lower = true;
            }
            Action::Point(at) => {
                if at != slabs.pointed {
                    slabs.pointed = at;
                    slabs.object = None;
                    self.stale.pointed = at.is_some();
                }
            }
        }
    }

    /// The view that the pane shows.
    pub(super) fn slab_request(&self) -> Option<ViewRequest> {
        let Some(name) = &self.slabs.open else {
            return Some(ViewRequest::Slab);
        };
        let name = name.to_string();
        if !self.slabs.is_film {
            return Some(ViewRequest::Cache {
                name,
                from: self.slabs.from,
                max: SLABS_SHOWN,
            });
        }
        let step = self.film_step()?;
        Some(ViewRequest::Defrag { step, cache: name })
    }

    /// What the pane asks of the object that is pointed at.
    pub(super) fn pointed_request(&self) -> Option<ViewRequest> {
        let at = self.slabs.pointed?;
        self.shows(Pane::Slab).then_some(ViewRequest::Object { at })
    }

    /// The latest step up to the present one whose line may have defragmented something.
    fn film_step(&self) -> Option<u32> {
        let before = self.slabs.film_before.unwrap_or(u32::MAX);
        let end = before.min(self.kernel.step.saturating_add(1));
        (1..end).rev().find(|step| {
            let line = self.line(*step).map_or(&[][..], |line| &line.line);
            DEFRAGMENTS
                .iter()
                .any(|word| line.windows(word.len()).any(|part| part == *word))
        })
    }

    /// The run of defragmentation that is to be shown.
    pub fn film(&self) -> Option<&Rc<DefragView>> {
        let run = self.slabs.defrag.as_ref().filter(|_| self.slabs.is_film)?;
        (self.film_step() == Some(run.step)).then_some(run)
    }

    /// Takes the answer to a request of this part.
    pub(super) fn slabs_viewed(&mut self, wanted: ViewRequest, view: Option<View>) {
        let slabs = &mut self.slabs;
        let is_open = |name: &str| slabs.open.as_deref() == Some(name);
        match (wanted, view) {
            (ViewRequest::Cache { name, from, .. }, view) if is_open(&name) => match view {
                Some(View::Cache(view)) if view.slabs.is_empty() && from > 0 => {
                    // The cache has shrunk: its last slabs, then.
                    slabs.from = view.before.saturating_sub(SLABS_SHOWN);
                    self.stale.lower = true;
                }
                Some(View::Cache(view)) => replace(&mut slabs.view, *view),
                _ => slabs.view = None,
            },
            (ViewRequest::Defrag { step, cache }, view) if is_open(&cache) => match view {
                Some(View::Defrag(view)) => replace(&mut slabs.defrag, *view),
                _ => {
                    slabs.defrag = None;
                    slabs.tries += 1;
                    slabs.film_before = Some(step);
                    self.stale.lower = slabs.tries < TRIES_MAX && self.film_step().is_some();
                }
            },
            _ => {}
        }
    }

    /// The kernel said something of an object; it may be the one that is pointed at.
    pub(super) fn object_seen(&mut self, request: &Request, response: &Response) {
        if let (Request::View(ViewRequest::Object { at }), Response::View(Some(View::Object(view)))) =
            (request, response)
            && self.slabs.pointed == Some(*at)
        {
            self.slabs.object = Some(Rc::new(view.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
