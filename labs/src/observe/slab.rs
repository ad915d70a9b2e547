//! The slab caches, and one of them from within.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use kernel_core::mem::{MEM, Mem, Page, Ref, UNIT, UNITS_PER_FRAME};
use kernel_core::slab::watch::{self, Array, List, Part};
use kernel_core::slab::{self, Allocator, KmemCache, alias};
use kernel_core::{Kernel, cache_ops};

use super::ring::Ring;
use crate::view::{
    CacheSlabsView, CacheView, CpuView, NodeView, PlaceState, PlaceView, Segment, SegmentKind,
    SlabList, SlabNames, SlabPage, SlabView,
};

/// Slabs that a view shows at most.
pub(crate) const SLABS_MAX: u32 = 1024;
/// Slabs of one list that a view names at most.
const LISTED_MAX: usize = 256;

/// The slab caches.
pub(crate) fn slab(kernel: &Kernel) -> SlabView {
    let mem = &kernel.mem;
    SlabView {
        allocator: slab::allocator(mem).name().to_string(),
        bugs: mem[slab::SLAB].bugs,
        caches: slab::caches(mem).map(|cache| numbers(mem, cache)).collect(),
    }
}

/// What is known of a cache without looking into its slabs.
fn numbers(mem: &Mem, cache: Ref<KmemCache>) -> CacheView {
    let counts = slab::counts(mem, cache);
    let descriptor = &mem[cache];
    let flags = descriptor.flags;
    CacheView {
        name: descriptor.name().to_string(),
        at: cache.unit(),
        object_size: descriptor.object_size,
        size: descriptor.size,
        objects_per_slab: descriptor.objects,
        pages_per_slab: 1 << descriptor.order,
        active_objects: counts.active_objects,
        total_objects: counts.total_objects,
        slabs: counts.slabs,
        partial: counts.partial,
        kept: watch::kept(mem, cache),
        align: descriptor.align,
        flags: if flags.any() {
            flags.to_string()
        } else {
            String::new()
        },
        ops: cache_ops::get(descriptor.ops).map_or(String::new(), |ops| ops.name().to_string()),
        defrag_ratio: descriptor.defrag_ratio,
        has_constructor: descriptor.has_constructor(),
        is_console: descriptor.is_console(),
        aliases: alias::aliases(mem)
            .filter(|&alias| mem[alias].cache == cache)
            .map(|alias| mem[alias].name().to_string())
            .collect(),
    }
}

/// A cache from within: at most `max` of its slabs, from number `from` on.
pub(crate) fn cache(kernel: &Kernel, name: &str, from: u32, max: u32) -> Option<CacheSlabsView> {
    let mem = &kernel.mem;
    let cache = slab::find(mem, name)?;
    let inside = Inside::new(mem, cache);
    let is_slob = slab::allocator(mem) == Allocator::Slob;
    let count = if is_slob {
        watch::ring_pages(mem).count() as u32
    } else {
        mem[cache].nr_slabs
    };
    let max = max.min(SLABS_MAX) as usize;
    let slabs: Vec<SlabPage> = if max == 0 {
        Vec::new()
    } else if is_slob {
        let ring = Ring::read(mem);
        let pages = watch::ring_pages(mem).skip(from as usize).take(max);
        pages.map(|page| ring_page(mem, &ring, page)).collect()
    } else {
        let pages = watch::slabs(mem, cache).skip(from as usize).take(max);
        pages.map(|page| inside.slab(page)).collect()
    };
    let before = from.min(count);
    Some(CacheSlabsView {
        allocator: slab::allocator(mem).name().to_string(),
        cache: numbers(mem, cache),
        layout: segments(mem, cache),
        after: (count - before).saturating_sub(slabs.len() as u32),
        before,
        slabs,
        cpus: inside.cpus,
        nodes: inside.nodes,
    })
}

/// What the bytes of an object's place are for.
fn segments(mem: &Mem, cache: Ref<KmemCache>) -> Vec<Segment> {
    let mut from = 0;
    let mut segments = Vec::new();
    for (part, to) in watch::layout(&mem[cache]) {
        let kind = match part {
            Part::Object => SegmentKind::Object,
            Part::RedZone => SegmentKind::RedZone,
            Part::FreePointer => SegmentKind::FreePointer,
            Part::Allocated => SegmentKind::Allocated,
            Part::Freed => SegmentKind::Freed,
            Part::Padding => SegmentKind::Padding,
        };
        if to > from {
            segments.push(Segment { from, to, kind });
            from = to;
        }
    }
    segments
}

/// A cache with slabs, and which of its free objects are kept by whom.
struct Inside<'a> {
    mem: &'a Mem,
    cache: Ref<KmemCache>,
    cpus: Vec<CpuView>,
    nodes: Vec<NodeView>,
    /// Free objects that are not on the chain of their slab, in order.
    kept: Vec<u32>,
}

impl Inside<'_> {
    fn new(mem: &Mem, cache: Ref<KmemCache>) -> Inside<'_> {
        let mut inside = Inside {
            mem,
            cache,
            cpus: Vec::new(),
            nodes: Vec::new(),
            kept: Vec::new(),
        };
        if slab::allocator(mem) == Allocator::Slob {
            return inside;
        }
        inside.cpus = (0..mem[MEM].nr_cpus).map(|cpu| inside.cpu(cpu)).collect();
        inside.nodes = (0..mem[MEM].nr_nodes)
            .map(|node| inside.node(node))
            .collect();
        let of_cpus = inside.cpus.iter().flat_map(|cpu| &cpu.free);
        let of_nodes = inside.nodes.iter();
        let of_nodes = of_nodes.flat_map(|node| node.shared.iter().chain(&node.alien));
        // They are few; a sort would take more code than it is worth.
        let mut kept: Vec<u32> = Vec::new();
        for &at in of_cpus.chain(of_nodes) {
            kept.insert(kept.partition_point(|&other| other < at), at);
        }
        inside.kept = kept;
        inside
    }

    fn cpu(&self, cpu: u32) -> CpuView {
        let queue = watch::queue(self.mem, self.cache, cpu);
        let mut free = Vec::new();
        watch::each_of_cpu(self.mem, self.cache, cpu, &mut |object| {
            free.push(object.unit());
        });
        CpuView {
            slab: queue.page.map(|page| self.mem.frame_of(page)),
            free,
            limit: queue.limit,
            batchcount: queue.batchcount,
            touched: queue.touched,
        }
    }

    fn node(&self, node: u32) -> NodeView {
        let list = |list| {
            let mut names = SlabNames::default();
            watch::each_listed(self.mem, self.cache, node, list, &mut |page| {
                if names.frames.len() < LISTED_MAX {
                    names.frames.push(self.mem.frame_of(page));
                }
                names.count += 1;
            });
            names
        };
        let array = |array| {
            let mut objects = Vec::new();
            watch::each_of_node(self.mem, self.cache, node, array, &mut |object| {
                objects.push(object.unit());
            });
            objects
        };
        NodeView {
            partial: list(List::Partial),
            full: list(List::Full),
            free: list(List::Free),
            shared: array(Array::Shared),
            alien: array(Array::Alien),
            colour_next: watch::colour_next(self.mem, self.cache, node),
        }
    }

    fn slab(&self, page: Ref<Page>) -> SlabPage {
        let (mem, cache) = (self.mem, self.cache);
        let slab = watch::slab(mem, cache, page);
        let KmemCache { size, objects, .. } = mem[cache];
        let frame = mem.frame_of(page);
        let mut chain = Vec::new();
        watch::each_free(mem, cache, page, &mut |number| chain.push(number as u16));
        let mut states = vec![PlaceState::InUse; objects as usize];
        for &number in &chain {
            states[usize::from(number)] = PlaceState::Free;
        }
        let units = size / UNIT as u32;
        let first = slab.first.unit();
        let end = first + objects * units;
        let kept = self
            .kept
            .iter()
            .skip(self.kept.partition_point(|&at| at < first));
        for at in kept.take_while(|&&at| at < end) {
            states[((at - first) / units) as usize] = PlaceState::Kept;
        }
        let places = (first..).step_by(units as usize).zip(states);
        let places: Vec<PlaceView> = places
            .map(|(at, state)| PlaceView {
                at,
                bytes: size,
                state,
                damage: damage(mem, cache, at, state),
                cache: String::new(),
            })
            .collect();
        let is_padding_damaged = watch::is_padding_damaged(mem, cache, page);
        SlabPage {
            frame,
            node: slab.node,
            list: match slab.list {
                List::Cpu(cpu) => SlabList::Cpu(cpu),
                List::Partial => SlabList::Partial,
                List::Full => SlabList::Full,
                List::Free => SlabList::Free,
            },
            in_use: places
                .iter()
                .filter(|place| place.state == PlaceState::InUse)
                .count() as u32,
            offset: (first - frame * UNITS_PER_FRAME) * UNIT as u32,
            colour: slab.colour,
            places,
            chain,
            damage: match is_padding_damaged {
                true => "Padding overwritten".to_owned(),
                false => String::new(),
            },
        }
    }
}

/// All free objects that CPUs and nodes keep to themselves.
pub(crate) fn each_kept(mem: &Mem, visit: &mut dyn FnMut(u32)) {
    for cache in slab::caches(mem) {
        Inside::new(mem, cache)
            .kept
            .into_iter()
            .for_each(&mut *visit);
    }
}

/// Who keeps a free object to itself, if somebody does.
pub(super) fn keeper(mem: &Mem, cache: Ref<KmemCache>, at: u32) -> Option<String> {
    let inside = Inside::new(mem, cache);
    if inside.kept.binary_search(&at).is_err() {
        return None;
    }
    let cpu = inside.cpus.iter().position(|cpu| cpu.free.contains(&at));
    Some(match cpu {
        Some(cpu) => format!("CPU {cpu}"),
        None => "the CPUs of a node".to_string(),
    })
}

/// What debugging would say of an object, in the kernel's words.
fn damage(mem: &Mem, cache: Ref<KmemCache>, at: u32, state: PlaceState) -> String {
    let is_used = state == PlaceState::InUse;
    match watch::damage(mem, cache, Ref::new(at), is_used) {
        Some("Freepointer") => "Freepointer corrupt".to_owned(),
        Some(what) => format!("{what} overwritten"),
        None => String::new(),
    }
}

/// A page of SLOB's ring.
fn ring_page(mem: &Mem, ring: &Ring, page: Ref<Page>) -> SlabPage {
    let frame = mem.frame_of(page);
    let places: Vec<PlaceView> = ring
        .blocks_of(frame)
        .into_iter()
        .map(|block| PlaceView {
            at: block.at,
            bytes: block.units * UNIT as u32,
            state: match block.is_free {
                true => PlaceState::Free,
                false => PlaceState::InUse,
            },
            damage: String::new(),
            cache: block
                .cache
                .map_or(String::new(), |cache| mem[cache].name().to_string()),
        })
        .collect();
    let is_free = |number: &u16| places[usize::from(*number)].state == PlaceState::Free;
    SlabPage {
        frame,
        node: watch::node_of(mem, page),
        list: SlabList::Ring,
        in_use: 0,
        offset: 0,
        colour: 0,
        chain: (0..places.len() as u16).filter(is_free).collect(),
        places,
        damage: String::new(),
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use super::super::testing::{Silence, kernel, kernel_on};
    use super::super::{Map, locate, object};
    use super::*;
    use crate::view::ObjectState;

    /// Enough to fill chains, arrays and lists on both CPUs.
    const BUSY: [&str; 11] = [
        "kmem create t 100",
        "kmem create m 56 ops=movable",
        "kmem create big 5000",
        "kmem alloc t 300",
        "kmem alloc m 200",
        "kmem alloc big 3",
        "kmem scatter t 60",
        "kmem scatter m 30",
        "taskset -pc 1 1",
        "kmem scatter t 20",
        "kmem alloc t 5",
    ];

    fn all_of(kernel: &Kernel, name: &str) -> CacheSlabsView {
        cache(kernel, name, 0, u32::MAX).unwrap()
    }

    #[test]
    fn slabs_agree_with_the_counts_and_with_each_object() {
        for allocator in ["slub", "slab"] {
            let kernel = kernel_on(allocator, &BUSY);
            let mem = &kernel.mem;
            for counted in slab(&kernel).caches {
                let view = all_of(&kernel, &counted.name);
                assert_eq!(view.cache, counted);
                let slabs = view.slabs.iter();
                let places = slabs.clone().flat_map(|slab| &slab.places);
                let count = |state| {
                    let states = places.clone().filter(|place| place.state == state);
                    states.count() as u32
                };
                let of = format!("{} on {allocator}", counted.name);
                assert_eq!(count(PlaceState::InUse), counted.active_objects, "{of}");
                assert_eq!(count(PlaceState::Kept), counted.kept, "{of}");
                let used: u32 = slabs.clone().map(|slab| slab.in_use).sum();
                assert_eq!(used, counted.active_objects, "{of}");
                for place in places.clone() {
                    let located = locate(mem, place.at + place.bytes / 16).unwrap();
                    assert_eq!(
                        (located.at, located.size, &*located.cache),
                        (place.at, place.bytes, counted.name.as_str())
                    );
                    let is_used = place.state == PlaceState::InUse;
                    assert_eq!(is_used, located.state == ObjectState::Allocated);
                    let keeper = keeper(mem, Ref::new(counted.at), place.at);
                    assert_eq!(keeper.is_some(), place.state == PlaceState::Kept);
                }
                for slab in slabs.clone() {
                    let mut chain = slab.chain.clone();
                    chain.sort_unstable();
                    let free = (0..).zip(&slab.places);
                    let free = free.filter(|(_, place)| place.state == PlaceState::Free);
                    assert!(free.map(|(number, _)| number).eq(chain), "{of}");
                    assert_eq!(
                        slab.places[0].at * 8,
                        slab.frame * 4096 + slab.offset,
                        "{of}"
                    );
                }
                // Each slab is on the list that it says.
                for (number, node) in (0..).zip(&view.nodes) {
                    let on = |list| {
                        let mine = slabs.clone().filter(|slab| slab.node == number);
                        mine.filter(|slab| slab.list == list).count() as u32
                    };
                    if allocator == "slab" {
                        assert_eq!(node.full.count, on(SlabList::Full), "{of}");
                        assert_eq!(node.free.count, on(SlabList::Free), "{of}");
                        assert_eq!(node.partial.count, on(SlabList::Partial), "{of}");
                    } else {
                        let partial = on(SlabList::Partial) + on(SlabList::Free);
                        assert_eq!(node.partial.count, partial, "{of}");
                    }
                }
                for (number, cpu) in (0..).zip(&view.cpus) {
                    let mut own = slabs.clone().filter(|it| it.list == SlabList::Cpu(number));
                    assert_eq!(own.next().map(|slab| slab.frame), cpu.slab, "{of}");
                    assert!(cpu.limit == 0 || cpu.free.len() as u32 <= cpu.limit);
                }
            }
        }
    }

    #[test]
    fn the_next_object_is_the_first_that_a_cpu_keeps() {
        for allocator in ["slub", "slab"] {
            let mut kernel = kernel_on(allocator, &BUSY);
            let before = all_of(&kernel, "t");
            let next = before.cpus[1].free[0];
            assert_eq!(locate(&kernel.mem, next).unwrap().state, ObjectState::Free);
            assert_eq!(kernel.run_line(&mut Silence, b"kmem alloc t"), 0);
            let after = all_of(&kernel, "t");
            assert_eq!(after.cpus[1].free, before.cpus[1].free[1..]);
            let view = object(&kernel, next).unwrap();
            assert_eq!(view.state, ObjectState::Allocated);
            // Its owner leads back to it.
            let owner = view.fields.iter().find(|field| field.name == "(owner)");
            let owner = object(&kernel, owner.unwrap().points_to.unwrap()).unwrap();
            assert_eq!(owner.name, "kmem_handle");
            let back = owner.fields.iter().find(|field| field.name == "object");
            assert_eq!(back.unwrap().points_to, Some(next));
        }
    }

    #[test]
    fn a_window_shows_some_of_the_slabs() {
        let kernel = kernel(&BUSY);
        let all = all_of(&kernel, "t");
        let count = all.slabs.len() as u32;
        assert!(count > 4 && (all.before, all.after) == (0, 0));
        let some = cache(&kernel, "t", 1, 2).unwrap();
        assert_eq!((some.before, some.after), (1, count - 3));
        assert_eq!(some.slabs, all.slabs[1..3]);
        let none = cache(&kernel, "t", 0, 0).unwrap();
        assert_eq!((none.slabs.len(), none.after), (0, count));
        assert_eq!((none.cache, none.cpus), (all.cache, all.cpus));
        let behind = cache(&kernel, "t", u32::MAX, 5).unwrap();
        assert_eq!((behind.before, behind.after), (count, 0));
        assert_eq!(cache(&kernel, "nobody", 0, 1), None);
    }

    #[test]
    fn a_cache_has_all_its_names() {
        let kernel = kernel(&["kmem create t 100", "kmem create u 104", "kmem alloc u"]);
        let view = all_of(&kernel, "u");
        assert_eq!(
            (view.cache.name.as_str(), view.cache.active_objects),
            ("t", 1)
        );
        assert_eq!(view.cache.aliases, ["u"]);
        let apart = slab(&kernel).caches;
        assert!(
            apart
                .iter()
                .all(|cache| cache.aliases.is_empty() || cache.name == "t")
        );
    }

    #[test]
    fn colours_and_descriptors_of_slab_are_told_from_objects() {
        let kernel = kernel_on("slab", &["kmem create t 192 align=64", "kmem alloc t 90"]);
        let view = all_of(&kernel, "t");
        assert!(view.slabs.iter().any(|slab| slab.colour == 64));
        for slab in &view.slabs {
            let start = slab.frame * UNITS_PER_FRAME;
            let descriptor = object(&kernel, start + slab.colour / 8).unwrap();
            assert_eq!(descriptor.name, "slab");
            assert_eq!(slab.colour + descriptor.size, slab.offset);
            let field = |name: &str| {
                let mut fields = descriptor.fields.iter();
                fields
                    .find(|field| field.name == name)
                    .unwrap()
                    .value
                    .clone()
            };
            assert_eq!(field("colouroff"), slab.colour.to_string());
            if let Some(&first) = slab.chain.first() {
                assert_eq!(field("free"), first.to_string());
                let next = slab.chain.get(1).map_or(u32::MAX, |&next| next.into());
                assert_eq!(field(&format!("bufctl[{first}]")), next.to_string());
            }
            if slab.colour > 0 {
                let colour = locate(&kernel.mem, start).unwrap();
                assert_eq!((colour.size, &*colour.name), (64, "colour of a slab"));
            }
        }
    }

    #[test]
    fn watched_objects_show_what_is_around_them() {
        let mut kernel = kernel(&["kmem create d 60 debug=FZPU", "kmem alloc d 3"]);
        let view = all_of(&kernel, "d");
        assert_eq!(view.cache.flags, "FZPU");
        let layout: Vec<_> = view
            .layout
            .iter()
            .map(|part| (part.kind.word(), part.from, part.to))
            .collect();
        assert_eq!(
            layout,
            [
                ("object", 0, 60),
                ("red zone", 60, 64),
                ("free pointer", 64, 72),
                ("allocated by", 72, 96),
                ("freed by", 96, 120),
                ("padding", 120, 128),
            ]
        );
        let places = &view.slabs[0].places;
        assert!(places.iter().all(|place| place.damage.is_empty()));
        let at = places[1].at;
        let field = |view: &crate::view::ObjectView, name: &str| {
            let mut fields = view.fields.iter();
            fields
                .find(|field| field.name == name)
                .map(|field| field.value.clone())
        };
        let second = object(&kernel, at).unwrap();
        assert_eq!(field(&second, "(allocated)").unwrap(), "in line 2 on CPU 0");
        assert_eq!(field(&second, "(red zone)").unwrap(), "0xcccccccc");
        assert_eq!(field(&second, "(damaged)"), None);
        // Somebody writes one byte too far; nothing is said before the kernel looks.
        let line = format!("kmem poke {}+60 1", crate::view::address(at));
        let events = kernel.events();
        assert_eq!(kernel.run_line(&mut Silence, line.as_bytes()), 0, "{line}");
        let frames = kernel.frames_hash();
        let view = all_of(&kernel, "d");
        assert_eq!(view.slabs[0].places[1].damage, "Redzone overwritten");
        let second = object(&kernel, at).unwrap();
        assert_eq!(field(&second, "(damaged)").unwrap(), "Redzone");
        assert_eq!(kernel.mem[slab::SLAB].bugs, 0);
        assert_eq!(kernel.frames_hash(), frames);
        assert!(kernel.events() > events);
    }

    #[test]
    fn blocks_of_slob_fill_their_pages() {
        let kernel = kernel_on("slob", &BUSY);
        let view = all_of(&kernel, "t");
        assert!(view.slabs.len() > 3 && view.after == 0);
        let mut used = 0;
        for page in &view.slabs {
            let mut at = page.frame * UNITS_PER_FRAME;
            for place in &page.places {
                assert_eq!(place.at, at);
                at += place.bytes / 8;
                let located = locate(&kernel.mem, place.at).unwrap();
                assert!(located.at <= place.at && located.size >= place.bytes);
                let is_free = located.state == ObjectState::Free;
                assert_eq!(is_free, place.state == PlaceState::Free);
                used += u32::from(place.cache == "t" && located.at == place.at);
            }
            assert_eq!(at, (page.frame + 1) * UNITS_PER_FRAME);
        }
        assert_eq!(used, view.cache.active_objects);
        // What is larger than a page has its own.
        let mut handles = slab::play::handles(&kernel.mem).map(|handle| kernel.mem[handle]);
        let big = handles.find(|handle| kernel.mem[handle.cache].name() == "big");
        let big = object(&kernel, big.unwrap().object.unit() + 600).unwrap();
        assert_eq!((big.cache.as_str(), big.size), ("big", 5000));
        // An event may name any address.
        assert_eq!(Map::new(&kernel.mem).begins(u32::MAX, "t"), None);
    }
}
