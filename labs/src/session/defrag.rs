//! What defragmentation did during a step.
//!
//! The kernel tells each decision as an event, too many of them for its ring to keep. So the step's
//! line is run again, as a trial that is taken back, with a [`Watcher`] that sees every event; and the
//! cache is looked at before and after. Lists are cut where a picture could not show them; what is
//! left out is counted.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::mem::{Mem, Ref, UNIT};
use kernel_core::slab::{self, KmemCache};
use kernel_core::trace::{Event, Tap, Tracepoint};

use super::live::Live;
use super::news;
use crate::observe;
use crate::view::{DefragChoice, DefragRun, DefragView, Fate, FateCounts, ObjectFate, Vacated};

/// Decisions that are listed, of each kind.
const LISTED_MAX: usize = 1000;
/// Slabs of the cache that are shown, before and after.
const SLABS_SHOWN: u32 = 256;

/// What one cache went through.
struct Story {
    /// Its `kmem_cache`, as events give it.
    cache: u64,
    /// Of its slabs, bytes from one object to the next.
    size: u32,
    is_console: bool,
    /// Whether it was more than looked at.
    was_tried: bool,
    view: DefragView,
    /// The objects in use of the slab that is being vacated, and what became of them so far.
    fates: Vec<ObjectFate>,
}

/// Gathers the stories of all caches.
struct Watcher {
    /// Number of the next event to read.
    next: u64,
    stories: Vec<Story>,
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
        let is_about_it = matches!(
            event.tracepoint,
            Tracepoint::KmemCacheDefragBegin
                | Tracepoint::KmemCacheDefragEnd
                | Tracepoint::KmemCacheDefrag
                | Tracepoint::KmemCacheGet
                | Tracepoint::KmemCacheMove
                | Tracepoint::KmemCacheVacate
                | Tracepoint::KmemCacheVacateRefused
        );
        let cache = event.args().first().copied().unwrap_or(0);
        let known = self.stories.iter().position(|story| story.cache == cache);
        let at = match known {
            Some(at) => at,
            None if is_about_it => {
                let Some(story) = Story::begin(mem, cache) else {
                    return;
                };
                self.stories.push(story);
                self.stories.len() - 1
            }
            None => return,
        };
        if is_about_it || event.tracepoint == Tracepoint::KmemCacheFree {
            self.stories[at].continue_with(mem, event);
        }
    }
}

impl Story {
    fn begin(mem: &Mem, cache: u64) -> Option<Story> {
        let at: Ref<KmemCache> = Ref::new(cache as u32);
        let name = KmemCache::name_at(mem, at)?.to_string();
        let mut view = DefragView::default();
        view.before.cache.name = name;
        Some(Story {
            cache,
            size: mem[at].size,
            is_console: mem[at].is_console(),
            was_tried: false,
            view,
            fates: Vec::new(),
        })
    }

    fn continue_with(&mut self, mem: &Mem, event: &Event) {
        let mut args = [0; 6];
        args[..event.args().len()].copy_from_slice(event.args());
        let numbers = args.map(|arg| arg as u32);
        let because = || observe::sentence(mem, event);
        let number = event.number;
        match event.tracepoint {
            Tracepoint::KmemCacheDefragBegin => {
                let [_, node, slabs, partial, max_partial, room] = numbers;
                self.was_tried |= partial > max_partial;
                self.view.runs.push(DefragRun {
                    event: number,
                    node,
                    slabs,
                    slabs_after: slabs,
                    partial,
                    max_partial,
                    room,
                    because: because(),
                });
            }
            Tracepoint::KmemCacheDefragEnd => {
                if let Some(run) = self.view.runs.last_mut() {
                    run.slabs_after = numbers[2];
                }
            }
            Tracepoint::KmemCacheDefrag => {
                let [_, frame, in_use, objects, _, taken] = numbers;
                if self.view.choices.len() < LISTED_MAX {
                    self.view.choices.push(DefragChoice {
                        event: number,
                        frame,
                        in_use,
                        objects,
                        chosen: taken == 1,
                        because: because(),
                    });
                } else {
                    self.view.choices_omitted += 1;
                }
            }
            Tracepoint::KmemCacheGet => {
                let [_, frame, first, ..] = numbers;
                let [_, _, _, used, pinned, _] = args;
                let start = Ref::<()>::of_frame(frame).unit();
                for bit in (0..64).filter(|bit| used >> bit & 1 != 0) {
                    let is_pinned = pinned >> bit & 1 != 0;
                    self.fates.push(ObjectFate {
                        at: start + (first + bit) * self.size / UNIT as u32,
                        fate: if is_pinned { Fate::Kept } else { Fate::Spared },
                    });
                }
            }
            Tracepoint::KmemCacheMove => self.decide(numbers[1], Fate::Moved(numbers[2])),
            Tracepoint::KmemCacheFree => self.decide(numbers[1], Fate::Freed),
            Tracepoint::KmemCacheVacate | Tracepoint::KmemCacheVacateRefused => {
                self.was_tried = true;
                self.vacated(event.tracepoint, number, numbers, because);
            }
            _ => {}
        }
    }

    /// Notes what `kick` did to an object. One that was moved is freed as well, which says nothing
    /// new; and so are objects that are none of the slab's.
    fn decide(&mut self, at: u32, fate: Fate) {
        let mut fates = self.fates.iter_mut();
        let is_open = |it: &&mut ObjectFate| it.at == at && it.fate == Fate::Kept;
        if let Some(object) = fates.find(is_open) {
            object.fate = fate;
        }
    }

    /// Ends the story of one slab.
    fn vacated(
        &mut self,
        tracepoint: Tracepoint,
        event: u64,
        numbers: [u32; 6],
        because: impl Fn() -> String,
    ) {
        let mut fates = core::mem::take(&mut self.fates);
        let FateCounts {
            spared,
            kept,
            freed,
            moved,
        } = &mut self.view.fates;
        for object in &fates {
            *match object.fate {
                Fate::Spared => &mut *spared,
                Fate::Kept => &mut *kept,
                Fate::Freed => &mut *freed,
                Fate::Moved(_) => &mut *moved,
            } += 1;
        }
        if self.view.vacated.len() == LISTED_MAX {
            self.view.vacated_omitted += 1;
            // The room that they took, for the next slab.
            fates.clear();
            self.fates = fates;
            return;
        }
        let is_refused = tracepoint == Tracepoint::KmemCacheVacateRefused;
        let [_, frame, objects, pinned, left, _] = numbers;
        self.view.vacated.push(match is_refused {
            true => Vacated {
                event,
                frame,
                refused: because(),
                objects: 0,
                pinned: 0,
                left: 0,
                fates,
            },
            false => Vacated {
                event,
                frame,
                refused: String::new(),
                objects,
                pinned,
                left,
                fates,
            },
        });
    }
}

impl Live {
    /// What defragmentation did to a cache during a step. Without a name it is the first cache that
    /// was defragmented, one of the console's if there is such. `None` if it was not even looked at.
    /// The kernel stands where it stood afterwards.
    pub fn defrag(&mut self, step: u32, name: &str) -> Option<DefragView> {
        let before = step.checked_sub(1).filter(|before| *before < self.end())?;
        let here = self.step();
        self.seek(before);
        let view = self.watch(before, name);
        self.seek(here);
        view
    }

    /// Runs the line that follows step `before`, where the kernel stands, and takes it back.
    fn watch(&mut self, before: u32, name: &str) -> Option<DefragView> {
        let trial = self.checkpoints.begin_trial(self.kernel.mem.ram());
        let watcher = Watcher {
            next: self.kernel.events(),
            stories: Vec::new(),
        };
        let mut watcher = self.run_tapped(before, watcher);

        let stories = &watcher.stories;
        let names = stories.iter().map(|it| it.view.before.cache.name.clone());
        let caches: Vec<String> = names.collect();
        let wanted = match name {
            "" => {
                let all = 0..stories.len();
                let rank = |&at: &usize| (stories[at].was_tried, stories[at].is_console);
                // The first of the highest rank.
                all.rev().max_by_key(rank)
            }
            name => caches.iter().position(|cache| cache == name),
        };
        let after = wanted.map(|at| self.cache_shown(&caches[at]));
        self.checkpoints.end_trial(self.kernel.mem.ram_mut(), trial);

        let mut view = watcher.stories.swap_remove(wanted?).view;
        view.step = before + 1;
        view.before = self.cache_shown(&view.before.cache.name);
        view.after = after?;
        view.caches = caches;
        Some(view)
    }

    /// A cache with its first slabs; only its name if it is not there.
    fn cache_shown(&self, name: &str) -> crate::view::CacheSlabsView {
        observe::cache(&self.kernel, name, 0, SLABS_SHOWN).unwrap_or_else(|| {
            let mut none = crate::view::CacheSlabsView::default();
            none.cache.name = name.to_string();
            none.allocator = slab::allocator(&self.kernel.mem).name().to_string();
            none
        })
    }
}
