//! A run of defragmentation as a film: scene by scene what was chosen and why, what `get` and `kick`
//! answered, and where each object is by then.
//!
//! The kernel says what it decided and what came of it ([`DefragView`]), and the cache before and
//! after; a scene in between is worked out here, from the beginning, so that one can jump anywhere.
//! Nothing here draws.

use std::rc::Rc;

use labs::view::{
    CacheView, DefragView, Fate, PlaceState, SlabPage, Vacated, address, fragmentation,
};

use super::chains::find;

/// A run, taken apart.
pub struct Film {
    /// What the kernel says of it.
    pub view: Rc<DefragView>,
    /// All slabs that it is about, those of before and those that came with it, by frame.
    pub slabs: Vec<SlabPage>,
    /// What happens, one after the other; at least the beginning and the end.
    pub scenes: Vec<Scene>,
}

impl PartialEq for Film {
    fn eq(&self, other: &Film) -> bool {
        Rc::ptr_eq(&self.view, &other.view)
    }
}

/// One moment of a film. Numbers are places in the lists of [`DefragView`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// The cache before the step.
    Before,
    /// A node's partial slabs are looked through.
    Run(usize),
    /// A slab is chosen, or left.
    Choice(usize),
    /// `get` is asked about a slab's objects.
    Get(usize),
    /// What becomes of one object of a slab: the slab, the object.
    Fate(usize, usize),
    /// What is left of a slab.
    Left(usize),
    /// The cache after the step.
    After,
}

/// What can be seen of a slab's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The slab is there.
    Here,
    /// Its page was given back.
    Gone,
    /// Its page is yet to be taken.
    ToCome,
}

/// One picture of the film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// Who has each place of each slab.
    pub states: Vec<Vec<PlaceState>>,
    /// Whether each slab is there.
    pub presence: Vec<Presence>,
    /// The slab that the scene is about.
    pub focus: Option<usize>,
    /// Places that are pinned: slab and place.
    pub pinned: Vec<(usize, usize)>,
    /// The object on its way, from where to where: slab and place.
    pub flight: Option<[(usize, usize); 2]>,
    /// Slabs that the cache holds.
    pub held: u32,
    /// Objects in use.
    pub active: u32,
}

impl Film {
    /// Takes a run apart.
    pub fn new(view: Rc<DefragView>) -> Film {
        let mut slabs = view.before.slabs.clone();
        for slab in &view.after.slabs {
            if let Err(place) = slabs.binary_search_by_key(&slab.frame, |known| known.frame) {
                slabs.insert(place, slab.clone());
            }
        }
        // In the order in which the kernel told of them; of the same event, as they are listed.
        let mut told: Vec<(u64, Scene)> = Vec::new();
        let runs = view.runs.iter().enumerate();
        told.extend(runs.map(|(at, run)| (run.event, Scene::Run(at))));
        let choices = view.choices.iter().enumerate();
        told.extend(choices.map(|(at, choice)| (choice.event, Scene::Choice(at))));
        for (at, vacated) in view.vacated.iter().enumerate() {
            told.push((vacated.event, Scene::Get(at)));
            let fates = 0..vacated.fates.len();
            told.extend(fates.map(|fate| (vacated.event, Scene::Fate(at, fate))));
            told.push((vacated.event, Scene::Left(at)));
        }
        told.sort_by_key(|(event, _)| *event);
        let told = told.into_iter().map(|(_, scene)| scene);
        let scenes = [Scene::Before]
            .into_iter()
            .chain(told)
            .chain([Scene::After]);
        Film {
            scenes: scenes.collect(),
            slabs,
            view,
        }
    }

    /// The number of the last scene.
    pub fn last(&self) -> usize {
        self.scenes.len() - 1
    }

    /// The slab that begins at `frame`.
    fn slab(&self, frame: u32) -> Option<usize> {
        self.slabs
            .binary_search_by_key(&frame, |slab| slab.frame)
            .ok()
    }

    /// The picture of scene number `scene`.
    pub fn still(&self, scene: usize) -> Still {
        let is_last = scene >= self.last();
        let of = |slabs: &[SlabPage], slab: &SlabPage| {
            let place = slabs.binary_search_by_key(&slab.frame, |known| known.frame);
            place.ok()
        };
        let view = &self.view;
        let shown = if is_last { &view.after } else { &view.before };
        let mut still = Still {
            states: Vec::new(),
            presence: Vec::new(),
            focus: None,
            pinned: Vec::new(),
            flight: None,
            held: shown.cache.slabs,
            active: shown.cache.active_objects,
        };
        for slab in &self.slabs {
            let known = of(&shown.slabs, slab).map(|place| &shown.slabs[place].places);
            still.states.push(match known {
                Some(places) => places.iter().map(|place| place.state).collect(),
                None => vec![PlaceState::Free; slab.places.len()],
            });
            still.presence.push(match (known, is_last) {
                (Some(_), _) => Presence::Here,
                (None, true) => Presence::Gone,
                (None, false) => Presence::ToCome,
            });
        }
        if !is_last {
            for now in self.scenes.iter().take(scene + 1) {
                self.play(&mut still, *now);
            }
        }
        still
    }

    /// Goes on by one scene.
    fn play(&self, still: &mut Still, scene: Scene) {
        let view = &self.view;
        still.flight = None;
        let frame = match scene {
            Scene::Before | Scene::After | Scene::Run(_) => None,
            Scene::Choice(at) => Some(view.choices[at].frame),
            Scene::Get(at) | Scene::Fate(at, _) | Scene::Left(at) => Some(view.vacated[at].frame),
        };
        still.focus = frame.and_then(|frame| self.slab(frame));
        match scene {
            Scene::Get(at) => {
                let fates = view.vacated[at].fates.iter();
                let pinned = fates.filter(|it| it.fate != Fate::Spared);
                still.pinned = pinned.filter_map(|it| find(&self.slabs, it.at)).collect();
            }
            Scene::Fate(at, fate) => {
                let object = view.vacated[at].fates[fate];
                let from = find(&self.slabs, object.at);
                still.pinned.retain(|place| Some(*place) != from);
                match object.fate {
                    Fate::Spared | Fate::Kept => {}
                    Fate::Freed => {
                        still.active = still.active.saturating_sub(1);
                        self.set(still, from, PlaceState::Free);
                    }
                    Fate::Moved(to) => {
                        let to = find(&self.slabs, to);
                        still.flight = from.zip(to).map(|(from, to)| [from, to]);
                        self.set(still, from, PlaceState::Free);
                        self.set(still, to, PlaceState::InUse);
                    }
                }
            }
            Scene::Left(at) => {
                let Vacated { left, frame, .. } = view.vacated[at];
                let stays = view.after.slabs.iter().any(|slab| slab.frame == frame);
                let is_known = view.after.before == 0 && view.after.after == 0;
                if let Some(slab) = still.focus
                    && left == 0
                    && is_known
                    && !stays
                {
                    still.presence[slab] = Presence::Gone;
                    still.held = still.held.saturating_sub(1);
                }
                still.pinned.clear();
            }
            _ => {}
        }
    }

    fn set(&self, still: &mut Still, place: Option<(usize, usize)>, state: PlaceState) {
        let Some((slab, place)) = place else { return };
        still.states[slab][place] = state;
        if still.presence[slab] == Presence::ToCome {
            still.presence[slab] = Presence::Here;
            still.held += 1;
        }
    }

    /// What happens in a scene, as a sentence.
    pub fn caption(&self, scene: usize) -> String {
        let view = &self.view;
        match self.scenes[scene.min(self.last())] {
            Scene::Before => words::slab::film_before(view.step, summary(&view.before.cache)),
            Scene::After => words::slab::film_after(view.step, summary(&view.after.cache)),
            Scene::Run(at) => words::told(&view.runs[at].because),
            Scene::Choice(at) => words::told(&view.choices[at].because),
            Scene::Get(at) => {
                let vacated = &view.vacated[at];
                if !vacated.refused.is_empty() {
                    return words::slab::film_slab(vacated.frame, words::told(&vacated.refused));
                }
                let pins = words::slab::film_get(vacated.pinned, vacated.objects);
                words::slab::film_slab(vacated.frame, pins)
            }
            Scene::Fate(at, fate) => {
                let vacated = &view.vacated[at];
                let object = vacated.fates[fate];
                let what = words::slab::film_fate(address(object.at), object.fate.in_full());
                words::slab::film_slab(vacated.frame, what)
            }
            Scene::Left(at) => {
                let vacated = &view.vacated[at];
                let what = match vacated.left {
                    0 => words::slab::film_empty().to_string(),
                    left => words::slab::film_left(left),
                };
                words::slab::film_slab(vacated.frame, what)
            }
        }
    }
}

/// Slabs held and needed.
fn summary(cache: &CacheView) -> String {
    let pages = cache.slabs * cache.pages_per_slab;
    let times = times(fragmentation(cache));
    words::slab::film_summary(cache.active_objects, pages, times)
}

/// Hundredths as a factor: `2.50 times`.
pub fn times(hundredths: u32) -> String {
    words::slab::times(hundredths / 100, format_args!("{:02}", hundredths % 100))
}

#[cfg(test)]
mod tests;
