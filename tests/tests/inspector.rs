//! What an inspector asks: any address, of any kernel, has an answer that fits it.

use kernel_core::slab::Allocator;
use labs::protocol::{Host, Request, Response, View, ViewRequest};
use labs::view::{EventsView, ObjectView};
use labs::{HostMemory, Session};
use tests::log_gen::Subject;
use tests::{Random, log_gen};

/// Units of 8 bytes in a frame.
const UNITS: u32 = 512;

fn object(session: &mut Session, at: u32) -> Option<ObjectView> {
    match session.handle(Request::View(ViewRequest::Object { at })) {
        Response::View(Some(View::Object(view))) => Some(view),
        Response::View(None) => None,
        other => panic!("{other:?}"),
    }
}

fn events(session: &mut Session) -> EventsView {
    match session.handle(Request::View(ViewRequest::Events {
        since: 0,
        max: u32::MAX,
    })) {
        Response::View(Some(View::Events(view))) => view,
        other => panic!("{other:?}"),
    }
}

/// Asks for the object at `at` and checks the answer by itself and against the memory's size.
#[track_caller]
fn check_object(session: &mut Session, at: u32, frames: u32) {
    let Some(view) = object(session, at) else {
        assert!(
            at / UNITS >= frames,
            "nothing at {at:#x} of {frames} frames"
        );
        return;
    };
    let what = format!("{at:#x}: {view:?}");
    assert!(at / UNITS < frames, "{what}");
    assert!(
        view.at <= at && at < view.at + view.size.div_ceil(8),
        "{what}"
    );
    assert_eq!(view.bytes.len() as u32, view.size.min(4096), "{what}");
    assert_eq!(view.pfn, view.at / UNITS, "{what}");
    assert!(!view.name.is_empty(), "{what}");
    for field in &view.fields {
        assert!(field.offset + field.size <= view.size, "{what}");
        assert!(!field.value.is_empty() && !field.name.is_empty(), "{what}");
        if let Some(to) = field.points_to {
            assert!(to / UNITS < frames, "{what}");
        }
    }
    assert!(view.fields.is_sorted_by_key(|field| field.offset), "{what}");
    if view.at != at {
        assert_eq!(object(session, view.at), Some(view), "{what}");
    }
}

#[test]
fn any_address_of_any_kernel_is_somebodys() {
    let mut asked = 0;
    let subjects = Allocator::ALL.map(Subject::Slab);
    let kernels = (0..60).map(|seed| (seed, log_gen::generate(seed)));
    let slabs = (0..15).map(|seed| {
        let subject = subjects[seed as usize % subjects.len()];
        (seed, log_gen::generate_about(subject, seed))
    });
    for (seed, lines) in kernels.chain(slabs) {
        let log = log_gen::join(&lines);
        let mut session = Session::new(Host::Native, Box::new(HostMemory));
        let replay = Request::Replay {
            log,
            each_line: false,
        };
        if !matches!(session.handle(replay), Response::Replayed(_)) {
            continue;
        }
        let Response::View(Some(View::Memory(memory))) =
            session.handle(Request::View(ViewRequest::Memory))
        else {
            panic!("seed {seed}: no memory");
        };
        let frames = memory.frames_total;
        let mut random = Random::new(seed);
        println!("seed {seed}: {frames} frames");
        for _ in 0..300 {
            let anywhere = random.bits() as u32;
            check_object(&mut session, anywhere, frames);
            check_object(&mut session, anywhere % (frames * UNITS + 2), frames);
            // Most of what a young kernel has lies low.
            check_object(&mut session, anywhere % (UNITS * 600), frames);
            asked += 3;
        }
        // Where the events happened, and around it.
        for event in events(&mut session).events {
            assert!(!event.sentence.is_empty(), "seed {seed}: {event:?}");
            for touch in event.touches.iter().filter(|_| random.one_in(8)) {
                assert!(touch.bytes > 0 && touch.at / UNITS < frames, "{event:?}");
                check_object(&mut session, touch.at, frames);
                check_object(&mut session, touch.at + touch.bytes.div_ceil(8), frames);
                asked += 2;
            }
        }
    }
    assert!(asked > 20_000, "only {asked} addresses were asked for");
}

/// Every address, so that no border between two objects is left out, under each allocator.
#[test]
fn objects_lie_side_by_side() {
    Allocator::ALL.into_iter().for_each(lie_side_by_side);
}

fn lie_side_by_side(allocator: Allocator) {
    let mut session = Session::new(Host::Native, Box::new(HostMemory));
    let lines = [
        "radix create t",
        "radix fill t 0 500",
        "echo x > f",
        "kmem create a 100",
        "kmem create b 5000",
        "kmem create c 56 debug=FZPU",
        "kmem create d 192 align=64",
        "kmem alloc a 100; kmem alloc b 3; kmem alloc c 70; kmem alloc d 50",
        "kmem scatter a 50; kmem scatter c 50; kmem free b:0",
    ];
    let lines = lines.map(|line| line.as_bytes().to_vec()).to_vec();
    session.handle(Request::Open {
        header: format!("mem=4M cpus=2 slab={}", allocator.name()),
    });
    session.handle(Request::Run { lines });
    let mut at = 0;
    let mut names = std::collections::BTreeSet::new();
    while let Some(view) = object(&mut session, at) {
        assert_eq!(view.at, at, "{view:?}");
        let last = at + view.size.div_ceil(8) - 1;
        assert_eq!(object(&mut session, last), Some(view.clone()));
        names.insert(view.name);
        at = last + 1;
    }
    assert_eq!(at, 1024 * UNITS, "the objects end before the memory does");
    let own = match allocator {
        Allocator::Slub => ["end of a slab of a", "d"],
        Allocator::Slab => ["slab", "colour of a slab"],
        Allocator::Slob => ["slob_block", "rest of a large object's pages"],
    };
    for name in own {
        assert!(names.contains(name), "{names:?}");
    }
    for name in ["zone", "page", "trace_entry", "dentry", "per_cpu_pages"] {
        assert!(names.contains(name), "{names:?}");
    }
}
