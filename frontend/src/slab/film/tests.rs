//! A run with two slabs: one is emptied into a new slab, one keeps what nobody pinned.

use labs::view::{CacheSlabsView, DefragChoice, DefragRun, ObjectFate, PlaceView, SlabList};

use super::*;
use PlaceState::{Free, InUse};

fn slab(frame: u32, states: [PlaceState; 4]) -> SlabPage {
    let place = |(number, state): (u32, PlaceState)| PlaceView {
        at: frame * 512 + number * 128,
        bytes: 1024,
        state,
        damage: String::new(),
        cache: String::new(),
    };
    SlabPage {
        frame,
        node: 0,
        list: SlabList::Partial,
        in_use: 0,
        offset: 0,
        colour: 0,
        places: (0..).zip(states).map(place).collect(),
        chain: Vec::new(),
        damage: String::new(),
    }
}

fn view(slabs: Vec<SlabPage>, active_objects: u32) -> CacheSlabsView {
    CacheSlabsView {
        cache: CacheView {
            slabs: slabs.len() as u32,
            active_objects,
            objects_per_slab: 4,
            pages_per_slab: 1,
            ..CacheView::default()
        },
        slabs,
        ..CacheSlabsView::default()
    }
}

fn vacated(event: u64, frame: u32, left: u32, fates: Vec<ObjectFate>) -> Vacated {
    let pinned = fates.iter().filter(|it| it.fate != Fate::Spared).count();
    Vacated {
        event,
        frame,
        refused: String::new(),
        objects: fates.len() as u32,
        pinned: pinned as u32,
        left,
        fates,
    }
}

fn fate(at: u32, fate: Fate) -> ObjectFate {
    ObjectFate { at, fate }
}

fn film() -> Film {
    let choice = |event, frame, chosen| DefragChoice {
        event,
        frame,
        in_use: 2,
        objects: 4,
        chosen,
        because: "so it is".into(),
    };
    // Slab 10 loses one object to the new slab 20 and one for good; slab 15 keeps one of two.
    let before = vec![
        slab(10, [InUse, Free, InUse, Free]),
        slab(15, [InUse, InUse, Free, Free]),
    ];
    let after = vec![
        slab(15, [Free, InUse, Free, Free]),
        slab(20, [InUse, Free, Free, Free]),
    ];
    let run = DefragRun {
        event: 1,
        because: "there are many".into(),
        ..DefragRun::default()
    };
    Film::new(Rc::new(DefragView {
        step: 7,
        before: view(before, 4),
        after: view(after, 2),
        runs: vec![run],
        choices: vec![choice(2, 10, true), choice(3, 15, true)],
        vacated: vec![
            vacated(
                4,
                10,
                0,
                vec![
                    fate(10 * 512, Fate::Moved(20 * 512)),
                    fate(10 * 512 + 256, Fate::Freed),
                ],
            ),
            vacated(
                5,
                15,
                1,
                vec![
                    fate(15 * 512, Fate::Freed),
                    fate(15 * 512 + 128, Fate::Spared),
                ],
            ),
        ],
        ..DefragView::default()
    }))
}

#[test]
fn scenes_follow_the_kernel() {
    use Scene::{After, Before, Choice, Get, Left, Run};
    let film = film();
    let expected = [
        Before,
        Run(0),
        Choice(0),
        Choice(1),
        Get(0),
        Scene::Fate(0, 0),
        Scene::Fate(0, 1),
        Left(0),
        Get(1),
        Scene::Fate(1, 0),
        Scene::Fate(1, 1),
        Left(1),
        After,
    ];
    assert_eq!(film.scenes, expected);
    let frames: Vec<u32> = film.slabs.iter().map(|slab| slab.frame).collect();
    assert_eq!(frames, [10, 15, 20]);
}

#[test]
fn objects_are_where_they_are_by_then() {
    use Presence::{Gone, Here, ToCome};
    let film = film();
    let start = film.still(0);
    assert_eq!(start.presence, [Here, Here, ToCome]);
    assert_eq!((start.held, start.active), (2, 4));
    let get = film.still(4);
    assert_eq!((get.focus, get.pinned), (Some(0), vec![(0, 0), (0, 2)]));
    let moved = film.still(5);
    assert_eq!(moved.flight, Some([(0, 0), (2, 0)]));
    assert_eq!(moved.presence, [Here, Here, Here]);
    assert_eq!((moved.held, moved.states[2][0]), (3, InUse));
    assert_eq!(moved.states[0], [Free, Free, InUse, Free]);
    let left = film.still(7);
    assert_eq!(left.presence, [Gone, Here, Here]);
    assert_eq!((left.held, left.active, left.flight), (2, 3, None));
    // An object that is spared was never pinned.
    assert_eq!(film.still(8).pinned, [(1, 0)]);
    let end = film.still(99);
    assert_eq!(end, film.still(film.last()));
    assert_eq!((end.held, end.active), (2, 2));
    // What was worked out is what the kernel says.
    let last = film.still(film.last() - 1);
    assert_eq!((last.states, last.held), (end.states, end.held));
    assert_eq!((last.presence, last.active), (end.presence, end.active));
}

#[test]
fn every_scene_says_what_happens() {
    let film = film();
    let captions: Vec<String> = (0..film.scenes.len()).map(|it| film.caption(it)).collect();
    let says = |scene: usize, words: &str| {
        assert!(captions[scene].contains(words), "{}", captions[scene]);
    };
    says(0, "2 pages, 2.00 times");
    says(1, "there are many");
    says(2, "so it is");
    says(4, "get pins 2 of 2");
    says(5, "moved by kick to ffff880000014000");
    says(7, "empty");
    says(8, "get pins 1 of 2");
    says(11, "1 left");
    says(12, "2 pages, 2.00 times");
}
