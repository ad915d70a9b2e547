//! Which object holds an address, and what is in it.
//!
//! The kernel describes its types ([`kernel_core::btf`]) and tells where its static data is
//! ([`kernel_core::objects`]). Everything else is found as a crash dump is read: the address names
//! a frame, the frame has a descriptor, and the descriptor says what the frame is used for; a slab's
//! leads on to the cache, and so to the objects.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

use kernel_core::btf::{Kind, Type};
use kernel_core::fs::{self, Inode};
use kernel_core::mem::reclaim::{RECLAIM, swap::slot_of};
use kernel_core::mem::{
    FRAME_SIZE, MAX_ORDER, MEM, Mem, Page, PageFlag, Ref, UNIT, UNITS_PER_FRAME, layout,
};
use kernel_core::radix_tree::{MAP_SIZE, RadixTreeNode, RadixTreeRoot};
use kernel_core::shell::{self, NamedTree};
use kernel_core::slab::watch::{self, Part};
use kernel_core::slab::{self, Allocator, KmemCache, Place, play, queued, slob};
use kernel_core::{Kernel, objects};

use super::ring::{Block, Ring};
use super::slab::keeper;
use crate::view::{FieldView, ObjectState, ObjectView, address};

/// Characters of a text that a value shows.
const TEXT_SHOWN: usize = 200;

/// An object, without its content.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    /// Where it begins, in units of 8 bytes.
    pub at: u32,
    /// Its length in bytes.
    pub size: u32,
    /// Its type, or what its page is used for.
    pub name: Rc<str>,
    /// The slab cache that it is from; empty if it is from none.
    pub cache: Rc<str>,
    /// Whether it is in use.
    pub state: ObjectState,
    object: Option<&'static Type>,
    /// Where its link in a chain of free objects stands, in bytes; only SLUB has such.
    link: Option<u32>,
    /// The slab cache that it is from.
    from: Option<Ref<KmemCache>>,
}

/// Memory, ready to be asked for the objects in it.
pub(crate) struct Map<'a> {
    pub(super) mem: &'a Mem,
    /// SLOB's blocks, which take a while to find.
    ring: Option<Ring>,
    /// The names of the cache that was met last: a slab is full of objects of one kind.
    named: RefCell<Option<CacheNames>>,
}

/// What is the same for all objects of a cache.
struct CacheNames {
    from: Ref<KmemCache>,
    name: Rc<str>,
    cache: Rc<str>,
    object: Option<&'static Type>,
}

/// The object that holds the address `at`, in units of 8 bytes; `None` beyond the end of memory.
pub(crate) fn locate(mem: &Mem, at: u32) -> Option<Located> {
    Map::new(mem).locate(at)
}

impl Map<'_> {
    /// The map of this memory.
    pub fn new(mem: &Mem) -> Map<'_> {
        let is_slob = slab::allocator(mem) == Allocator::Slob;
        Map {
            mem,
            ring: is_slob.then(|| Ring::read(mem)),
            named: RefCell::new(None),
        }
    }

    /// Where the object begins that holds the address `at`, if it is from the cache of that name.
    pub fn begins(&self, at: u32, cache: &str) -> Option<u32> {
        let (begins, from) = match &self.ring {
            Some(_) if at / UNITS_PER_FRAME >= self.mem.frames() => return None,
            Some(ring) => {
                let block = ring.block_at(at);
                (block.at, block.cache?)
            }
            None => {
                let place = slab::place_at(self.mem, Ref::new(at))?;
                (place.object.unit(), place.cache)
            }
        };
        (self.mem[from].name() == cache).then_some(begins)
    }

    /// The object that holds the address `at`, in units of 8 bytes; `None` beyond the end of memory.
    pub fn locate(&self, at: u32) -> Option<Located> {
        let mem = self.mem;
        let frame = at / UNITS_PER_FRAME;
        if frame >= mem.frames() {
            return on_swap_device(mem, at);
        }
        let page = &mem[mem.page(frame)];
        if page.is(PageFlag::Reserved) {
            return Some(in_static_data(mem, at));
        }
        if let Some(place) = slab::place_at(mem, Ref::new(at)) {
            return Some(self.in_slab(place));
        }
        match &self.ring {
            Some(ring) if page.is(PageFlag::Slob) => return Some(self.in_ring(ring.block_at(at))),
            Some(ring) => {
                if let Some(located) = self.in_large(ring, at) {
                    return Some(located);
                }
            }
            None => {}
        }
        if let Some(located) = beside_objects(mem, at) {
            return Some(located);
        }
        let (name, state) = self.use_of_frame(frame);
        Some(Located {
            at: frame * UNITS_PER_FRAME,
            size: FRAME_SIZE as u32,
            name: name.into(),
            cache: "".into(),
            state,
            object: None,
            link: None,
            from: None,
        })
    }

    fn in_slab(&self, place: Place) -> Located {
        let KmemCache { size, offset, .. } = self.mem[place.cache];
        let has_link = !place.in_use && slab::allocator(self.mem) == Allocator::Slub;
        Located {
            state: if place.in_use {
                ObjectState::Allocated
            } else {
                ObjectState::Free
            },
            link: has_link.then_some(offset),
            ..self.of_cache(place.cache, place.object.unit(), size)
        }
    }

    /// An object in use of a cache.
    fn of_cache(&self, from: Ref<KmemCache>, at: u32, size: u32) -> Located {
        let mut named = self.named.borrow_mut();
        let known = named.take().filter(|named| named.from == from);
        let CacheNames {
            name,
            cache,
            object,
            ..
        } = named.insert(known.unwrap_or_else(|| {
            let cache = self.mem[from].name();
            let object = objects::type_in_cache(cache);
            CacheNames {
                from,
                name: object.map_or(cache, |object| object.name).into(),
                cache: cache.into(),
                object,
            }
        }));
        Located {
            at,
            size,
            name: name.clone(),
            cache: cache.clone(),
            state: ObjectState::Allocated,
            object: *object,
            link: None,
            from: Some(from),
        }
    }

    /// A block of SLOB's ring, or pages that an object has for itself.
    fn in_ring(&self, block: Block) -> Located {
        let Block {
            at,
            units,
            is_free,
            cache,
        } = block;
        let size = units * UNIT as u32;
        if let Some(cache) = cache {
            return self.of_cache(cache, at, size);
        }
        let (name, state, object) = match is_free {
            true => ("slob_block", ObjectState::Free, Some(&slob::Block::TYPE)),
            false => (
                "used part of SLOB's ring, whose borders SLOB does not know",
                ObjectState::Allocated,
                None,
            ),
        };
        Located {
            at,
            size,
            name: name.into(),
            cache: "".into(),
            state,
            object,
            link: None,
            from: None,
        }
    }

    /// An object that SLOB gave pages of its own, or what it leaves of them.
    fn in_large(&self, ring: &Ring, at: u32) -> Option<Located> {
        let mem = self.mem;
        let head = mem.head_page::<()>(Ref::new(at));
        let start = Ref::<()>::of_frame(mem.frame_of(head)).unit();
        let block = ring.block_at(start);
        block.cache.filter(|_| mem[head].is(PageFlag::Large))?;
        let object = self.in_ring(block);
        if at < start + block.units {
            return Some(object);
        }
        Some(Located {
            at: start + block.units,
            size: ((FRAME_SIZE as u32) << mem[head].order) - object.size,
            name: "rest of a large object's pages".into(),
            state: ObjectState::Free,
            object: None,
            from: None,
            ..object
        })
    }

    /// What a frame is used for that holds no objects.
    fn use_of_frame(&self, frame: u32) -> (String, ObjectState) {
        let mem = self.mem;
        let block = |order: u16| match order {
            0 => String::new(),
            order => format!(", in a block of {}", 1_u32 << order),
        };
        if let Some(order) = free_block(mem, frame) {
            return (format!("free page{}", block(order)), ObjectState::Free);
        }
        let head = &mem[mem.head_page::<()>(Ref::of_frame(frame))];
        if head.count == 0 {
            let name = match cpu_that_keeps(mem, frame) {
                Some(cpu) => format!("free page on CPU {cpu}'s list"),
                None => "free page".to_string(),
            };
            return (name, ObjectState::Free);
        }
        let name = if head.is(PageFlag::Large) {
            format!("large object{}", block(head.order))
        } else if head.is(PageFlag::PageCache) {
            let inode = self.begins(head.mapping, Inode::TYPE.name);
            let inode = inode.filter(|&inode| inode == head.mapping);
            let ino = inode.map_or(0, |inode| mem[Ref::<Inode>::new(inode)].ino);
            format!("page {} of the file with inode {ino}", head.freelist)
        } else if head.is(PageFlag::PageTable) {
            "page table".to_string()
        } else if head.is(PageFlag::Anon) {
            format!("anonymous page, first used at {:08x}", head.freelist << 12)
        } else if head.mapping == shell::SHELL.unit() {
            format!("page from `pages alloc`{}", block(head.order))
        } else {
            format!("allocated page{}", block(head.order))
        };
        (name, ObjectState::Allocated)
    }
}

/// The object that holds the address `at`, with its fields and bytes.
pub(crate) fn object(kernel: &Kernel, at: u32) -> Option<ObjectView> {
    let mem = &kernel.mem;
    let located = locate(mem, at)?;
    let bytes = bytes_at(mem, located.at, located.size.min(FRAME_SIZE as u32));
    let fields = Fields {
        mem,
        at: located.at,
        bytes: &bytes,
        rows: Vec::new(),
    }
    .collect(&located);
    Some(ObjectView {
        at: located.at,
        size: located.size,
        name: located.name.to_string(),
        cache: located.cache.to_string(),
        state: located.state,
        pfn: located.at / UNITS_PER_FRAME,
        fields,
        bytes,
    })
}

/// So many bytes from `at` on, which lie in memory.
fn bytes_at(mem: &Mem, at: u32, size: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size as usize);
    let mut start = (at % UNITS_PER_FRAME) as usize * UNIT;
    let mut frame = at / UNITS_PER_FRAME;
    while bytes.len() < size as usize && frame < mem.ram().frames() {
        let end = FRAME_SIZE.min(start + size as usize - bytes.len());
        bytes.extend_from_slice(&mem.frame(frame)[start..end]);
        start = 0;
        frame += 1;
    }
    bytes
}

/// What lies behind the machine's memory: the swap device's map, and its pages.
fn on_swap_device(mem: &Mem, at: u32) -> Option<Located> {
    let frame = at / UNITS_PER_FRAME;
    if frame >= mem.ram().frames() {
        return None;
    }
    let slot = frame - mem.frames();
    if slot < mem[RECLAIM].swap.map_pages {
        return Some(in_static_data(mem, at));
    }
    let is_used = mem[slot_of(mem, slot)].is_used();
    Some(Located {
        at: frame * UNITS_PER_FRAME,
        size: FRAME_SIZE as u32,
        name: "a page of the swap device".into(),
        cache: "".into(),
        state: if is_used {
            ObjectState::Allocated
        } else {
            ObjectState::Free
        },
        object: None,
        link: None,
        from: None,
    })
}

fn in_static_data(mem: &Mem, at: u32) -> Located {
    let runs = objects::statics(mem);
    let located = |at, size, name: &str, object| Located {
        at,
        size,
        name: name.into(),
        cache: "".into(),
        state: ObjectState::Static,
        object,
        link: None,
        from: None,
    };
    for run in &runs {
        if let Some(start) = run.object_at(at) {
            return located(start, run.object.size, run.object.name, Some(run.object));
        }
    }
    // What lies between two runs, as far as it is in this frame.
    let frame = at / UNITS_PER_FRAME;
    let ends = runs.iter().map(|run| {
        let units = run.object.size.div_ceil(UNIT as u32);
        run.at + run.count * units
    });
    let start = ends.filter(|&end| end <= at).max().unwrap_or(0);
    let start = start.max(frame * UNITS_PER_FRAME);
    let next = runs.iter().map(|run| run.at).filter(|&next| next > at);
    let end = (frame + 1) * UNITS_PER_FRAME;
    let end = next.min().unwrap_or(end).min(end);
    let name = match frame {
        layout::NULL => "the page that NULL leads to",
        _ => "unused kernel data",
    };
    located(start, (end - start) * UNIT as u32, name, None)
}

/// What lies in a slab before and behind its objects, if `at` is there: with SLAB its descriptor and
/// the bytes that shift it, with both a rest that is too short for an object.
fn beside_objects(mem: &Mem, at: u32) -> Option<Located> {
    let head = mem.head_page::<()>(Ref::new(at));
    let cache = slab::cache_of(mem, head)?;
    let KmemCache {
        size,
        objects,
        order,
        ..
    } = mem[cache];
    let start = Ref::<()>::of_frame(mem.frame_of(head)).unit();
    let first = slab::first_object(mem, head).unit();
    let cache: Rc<str> = mem[cache].name().into();
    let located = |name: &str, at: u32, end: u32, object| Located {
        at,
        size: (end - at) * UNIT as u32,
        name: name.into(),
        cache: cache.clone(),
        state: ObjectState::Free,
        object,
        link: None,
        from: None,
    };
    if at >= first {
        let name = format!("end of a slab of {cache}");
        let end = start + (UNITS_PER_FRAME << order);
        return Some(located(
            &name,
            first + objects * size / UNIT as u32,
            end,
            None,
        ));
    }
    let descriptor = watch::descriptor(mem, head).unwrap_or(first);
    if at < descriptor {
        return Some(located("colour of a slab", start, descriptor, None));
    }
    Some(Located {
        state: ObjectState::Allocated,
        ..located("slab", descriptor, first, Some(&queued::Slab::TYPE))
    })
}

/// The order of the free block that a frame is in.
fn free_block(mem: &Mem, frame: u32) -> Option<u16> {
    (0..MAX_ORDER as u16).find(|&order| {
        let first = &mem[mem.page(frame & !((1 << order) - 1))];
        first.is(PageFlag::Buddy) && first.order == order
    })
}

/// The CPU on whose list of free pages a frame is.
fn cpu_that_keeps(mem: &Mem, frame: u32) -> Option<u32> {
    let zone = mem[mem.page(frame)].zone();
    (0..mem[MEM].nr_cpus).find(|&cpu| {
        let pages = &mem[mem.per_cpu_pages(zone, cpu)];
        let frames = pages.frames.iter().take(pages.count as usize);
        frames.into_iter().any(|&other| other == frame)
    })
}

/// What the slots of a tree's node hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slots {
    Nodes,
    Items,
    Frames,
    /// The node is in no tree.
    Nothing,
}

/// Finds a node's place in the trees that there are. Only from there it is known whether a slot is a
/// pointer: the item 4096 and the node at that place look the same.
fn slots_of(mem: &Mem, node: Ref<RadixTreeNode>) -> Slots {
    for tree in shell::trees(mem) {
        if let Some(level) = level_in(mem, NamedTree::root_of(tree), node) {
            return if level == 0 {
                Slots::Items
            } else {
                Slots::Nodes
            };
        }
    }
    for inode in fs::inodes(mem) {
        // An inode begins with its tree.
        if let Some(level) = level_in(mem, inode.cast(), node) {
            return if level == 0 {
                Slots::Frames
            } else {
                Slots::Nodes
            };
        }
    }
    Slots::Nothing
}

const _: () = assert!(core::mem::offset_of!(Inode, pages) == 0);

/// The level at which a node stands in a tree, 0 for a leaf.
fn level_in(mem: &Mem, root: Ref<RadixTreeRoot>, node: Ref<RadixTreeNode>) -> Option<u32> {
    let RadixTreeRoot { height, rnode, .. } = mem[root];
    if rnode.is_null() {
        return None;
    }
    let mut nodes = vec![(rnode, height.saturating_sub(1))];
    while let Some((at, level)) = nodes.pop() {
        if at == node {
            return Some(level);
        }
        if level > 0 {
            let present = mem[at].present;
            let used = (0..MAP_SIZE).filter(|slot| present >> slot & 1 != 0);
            nodes.extend(used.map(|slot| (mem[at].child(slot), level - 1)));
        }
    }
    None
}

/// The fields of an object, on the way from its type to rows.
struct Fields<'a> {
    mem: &'a Mem,
    at: u32,
    bytes: &'a [u8],
    rows: Vec<FieldView>,
}

/// What one number of an object means.
enum Meaning {
    Number,
    Hex,
    Named(fn(u64, &mut fmt::Formatter<'_>) -> fmt::Result),
    Pointer,
    Frame,
}

impl Fields<'_> {
    fn collect(mut self, located: &Located) -> Vec<FieldView> {
        if let Some(object) = located.object {
            let varies = self.varies(object);
            self.add_object("", object, 0, &varies);
        }
        if let Some(link) = located.link {
            self.add("(next free object)".to_string(), link, 4, &Meaning::Pointer);
            self.file_last();
        }
        if located
            .object
            .is_some_and(|object| object.name == queued::Slab::TYPE.name)
        {
            // The chain of free objects follows, as numbers of objects.
            for index in 0..(located.size - queued::Slab::TYPE.size) / 4 {
                let offset = queued::Slab::TYPE.size + 4 * index;
                self.add(format!("bufctl[{index}]"), offset, 4, &Meaning::Number);
            }
        }
        if let Some(cache) = located.from {
            self.add_frame(cache);
        }
        let pointer = |name: &str, at: u32| FieldView {
            name: name.to_string(),
            offset: 0,
            size: 0,
            value: address(at),
            points_to: Some(at),
        };
        // The way between a frame and its descriptor is arithmetic, not a field.
        let own = match located.object {
            Some(object) if object.name == Page::TYPE.name => {
                let frame = self.mem.frame_of(Ref::new(self.at));
                pointer("(its frame)", Ref::<()>::of_frame(frame).unit())
            }
            _ if located.state == ObjectState::Static => return self.rows,
            _ => {
                let page = self.mem.head_page::<()>(Ref::new(self.at));
                pointer("(its page)", page.unit())
            }
        };
        let told = |name: &str, value: String| FieldView {
            name: name.to_string(),
            offset: 0,
            size: 0,
            value,
            points_to: None,
        };
        let mut known = vec![own];
        if let Some(cache) = located.from {
            let is_used = located.state == ObjectState::Allocated;
            if is_used && self.mem[cache].is_console() {
                let mut handles = play::handles(self.mem);
                let owner = handles.find(|&handle| self.mem[handle].object.unit() == self.at);
                known.extend(owner.map(|owner| pointer("(owner)", owner.unit())));
            }
            if !is_used {
                let keeper = keeper(self.mem, cache, self.at);
                known.extend(keeper.map(|keeper| told("(kept by)", keeper)));
            }
            let object = Ref::new(self.at);
            let damage = watch::damage(self.mem, cache, object, is_used);
            known.extend(damage.map(|what| told("(damaged)", what.to_string())));
        }
        known.append(&mut self.rows);
        known
    }

    /// Gives the last row its place among the others.
    fn file_last(&mut self) {
        if let Some(row) = self.rows.pop() {
            let place = self
                .rows
                .partition_point(|other| other.offset <= row.offset);
            self.rows.insert(place, row);
        }
    }

    /// Adds what debugging has put behind an object.
    fn add_frame(&mut self, cache: Ref<KmemCache>) {
        let mut from = 0;
        for (part, to) in watch::layout(&self.mem[cache]) {
            let (offset, size) = (from, to - from);
            from = to;
            let track = |free| watch::track(self.mem, cache, Ref::new(self.at), free);
            let (name, track) = match part {
                Part::RedZone if size > 0 => {
                    self.add("(red zone)".to_string(), offset, size.min(8), &Meaning::Hex);
                    self.file_last();
                    continue;
                }
                Part::Allocated => ("(allocated)", track(false)),
                Part::Freed => ("(freed)", track(true)),
                _ => continue,
            };
            self.rows.extend(track.map(|track| FieldView {
                name: name.to_string(),
                offset,
                size,
                value: format!("in line {} on CPU {}", track.step, track.cpu),
                points_to: None,
            }));
        }
    }

    /// What the fields of [`Kind::Varies`] of this object hold.
    fn varies(&self, object: &Type) -> Meaning {
        if object.name == RadixTreeNode::TYPE.name {
            return match slots_of(self.mem, Ref::new(self.at)) {
                Slots::Nodes => Meaning::Pointer,
                Slots::Frames => Meaning::Frame,
                Slots::Items | Slots::Nothing => Meaning::Number,
            };
        }
        if object.name == Page::TYPE.name {
            let page = &self.mem[Ref::<Page>::new(self.at)];
            if page.is(PageFlag::Slab) {
                return Meaning::Pointer;
            }
        }
        Meaning::Number
    }

    fn add_object(&mut self, prefix: &str, object: &Type, start: u32, varies: &Meaning) {
        for field in object.fields {
            let name = format!("{prefix}{}", field.name);
            let offset = start + field.offset;
            if matches!(field.kind, Kind::Padding) {
                continue;
            }
            if matches!(field.kind, Kind::Text) {
                self.add_text(name, offset, field.size);
                continue;
            }
            let element = field.element();
            for index in 0..field.length.unwrap_or(1) {
                let name = match field.length {
                    Some(_) => format!("{name}[{index}]"),
                    None => name.clone(),
                };
                let offset = offset + index * element;
                match field.kind {
                    Kind::Object(inner) => {
                        self.add_object(&format!("{name}."), inner, offset, varies);
                    }
                    Kind::Varies => self.add(name, offset, element, varies),
                    Kind::Hex => self.add(name, offset, element, &Meaning::Hex),
                    Kind::Named(show) => self.add(name, offset, element, &Meaning::Named(show)),
                    Kind::Pointer => self.add(name, offset, element, &Meaning::Pointer),
                    Kind::Frame => self.add(name, offset, element, &Meaning::Frame),
                    Kind::Number | Kind::Text | Kind::Padding => {
                        self.add(name, offset, element, &Meaning::Number);
                    }
                }
            }
        }
    }

    /// The number of `size` bytes at `offset`; 0 where the bytes are cut.
    fn number(&self, offset: u32, size: u32) -> u64 {
        let bytes = self.bytes.get(offset as usize..(offset + size) as usize);
        let bytes = bytes.unwrap_or(&[]).iter().rev();
        bytes.fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    fn add(&mut self, name: String, offset: u32, size: u32, meaning: &Meaning) {
        let number = self.number(offset, size);
        let in_memory = |unit: u64| {
            let unit = u32::try_from(unit).ok()?;
            (unit != 0 && unit / UNITS_PER_FRAME < self.mem.frames()).then_some(unit)
        };
        let (value, points_to) = match meaning {
            Meaning::Number => (number.to_string(), None),
            Meaning::Hex => (format!("{number:#x}"), None),
            Meaning::Named(show) => (Named(number, *show).to_string(), None),
            Meaning::Pointer if number == 0 => ("NULL".to_string(), None),
            Meaning::Pointer => (address(number as u32), in_memory(number)),
            Meaning::Frame => {
                let unit = number.saturating_mul(u64::from(UNITS_PER_FRAME));
                (number.to_string(), in_memory(unit))
            }
        };
        self.rows.push(FieldView {
            name,
            offset,
            size,
            value,
            points_to,
        });
    }

    fn add_text(&mut self, name: String, offset: u32, size: u32) {
        let bytes = self.bytes.get(offset as usize..(offset + size) as usize);
        let bytes = bytes.unwrap_or(&[]);
        let end = bytes.iter().rposition(|&byte| byte != 0);
        let text = String::from_utf8_lossy(&bytes[..end.map_or(0, |last| last + 1)]);
        let mut value = String::from("\"");
        for character in text.chars().take(TEXT_SHOWN) {
            match character {
                '\0' => value.push_str("\\0"),
                other => value.push(other),
            }
        }
        if text.chars().nth(TEXT_SHOWN).is_some() {
            value.push('…');
        }
        value.push('"');
        self.rows.push(FieldView {
            name,
            offset,
            size,
            value,
            points_to: None,
        });
    }
}

/// A number that has names.
struct Named(u64, fn(u64, &mut fmt::Formatter<'_>) -> fmt::Result);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.1)(self.0, f)
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {

    use kernel_core::machine::MachineConfig;
    use kernel_core::mem::Ram;

    use super::super::testing::{Silence, kernel};
    use super::*;

    fn value<'a>(view: &'a ObjectView, field: &str) -> &'a str {
        let found = view.fields.iter().find(|row| row.name == field);
        let found = found.unwrap_or_else(|| panic!("{} has no {field}", view.name));
        &found.value
    }

    /// The object that a field leads to.
    fn follow(kernel: &Kernel, view: &ObjectView, field: &str) -> ObjectView {
        let row = view.fields.iter().find(|row| row.name == field);
        let to = row.and_then(|row| row.points_to);
        object(
            kernel,
            to.unwrap_or_else(|| panic!("{field} leads nowhere")),
        )
        .unwrap()
    }

    fn tree(kernel: &Kernel) -> ObjectView {
        let tree = shell::current_tree(&kernel.mem).unwrap();
        object(kernel, tree.unit()).unwrap()
    }

    #[test]
    fn the_swap_device_and_its_map_can_be_looked_at() {
        let config = MachineConfig::parse("mem=4M swap=1M").unwrap();
        let ram = Ram::new(config.ram_frames()).unwrap();
        let mut kernel = Kernel::boot(ram, &config).unwrap();
        kernel.run_line(&mut Silence, b"swapon -a");
        let slot = object(&kernel, slot_of(&kernel.mem, 9).unit()).unwrap();
        assert_eq!((&*slot.name, value(&slot, "count")), ("swap_slot", "0"));
        let frames = kernel.mem.frames();
        let page = object(&kernel, (frames + 9) * UNITS_PER_FRAME + 5).unwrap();
        assert_eq!(
            (&*page.name, page.state),
            ("a page of the swap device", ObjectState::Free)
        );
        assert!(object(&kernel, (frames + 256) * UNITS_PER_FRAME).is_none());
    }

    #[test]
    fn a_tree_can_be_walked_from_its_root_to_its_items() {
        let kernel = kernel(&[
            "radix create t",
            "radix insert t 4096 7",
            "radix insert t 1 8",
            "radix tag_set t 1 0",
        ]);
        let root = tree(&kernel);
        assert_eq!(root.cache, "radix_tree_root");
        assert_eq!(value(&root, "name"), "\"t\"");
        assert_eq!(value(&root, "last_key"), "1");
        assert_eq!(value(&root, "root.height"), "3");
        assert_eq!(value(&root, "root.gfp"), "GFP_ATOMIC");
        let top = follow(&kernel, &root, "root.rnode");
        assert_eq!((top.size, top.state), (288, ObjectState::Allocated));
        assert_eq!(value(&top, "present"), "0x3");
        assert_eq!(value(&top, "slots[2]"), "NULL");
        let middle = follow(&kernel, &top, "slots[0]");
        let leaf = follow(&kernel, &middle, "slots[0]");
        assert_eq!(value(&leaf, "slots[1]"), "8");
        assert_eq!(value(&leaf, "tags[0]"), "0x2");
        assert!(
            leaf.fields
                .iter()
                .all(|row| row.size == 0 || row.points_to.is_none())
        );
        // From anywhere inside, the same object is found.
        for unit in leaf.at..leaf.at + leaf.size / 8 {
            assert_eq!(object(&kernel, unit).unwrap(), leaf);
        }
        assert_eq!(leaf.bytes.len(), 288);
    }

    #[test]
    fn a_file_leads_to_its_pages_and_they_back_to_it() {
        let kernel = kernel(&["echo hello > f"]);
        let dentry = fs::resolve(&kernel.mem, "/f").unwrap();
        let dentry = object(&kernel, dentry.unit()).unwrap();
        assert_eq!(value(&dentry, "name"), "\"f\"");
        let inode = follow(&kernel, &dentry, "inode");
        assert_eq!(value(&inode, "mode"), "file 644");
        assert_eq!(value(&inode, "size"), "6");
        assert_eq!(
            value(&follow(&kernel, &inode, "mount"), "file_system"),
            "rootfs"
        );
        let leaf = follow(&kernel, &inode, "pages.rnode");
        let page = follow(&kernel, &leaf, "slots[0]");
        assert_eq!(page.bytes[..6], *b"hello\n");
        let ino = value(&inode, "ino");
        assert_eq!(page.name, format!("page 0 of the file with inode {ino}"));
        let descriptor = follow(&kernel, &page, "(its page)");
        assert_eq!((descriptor.name.as_str(), descriptor.size), ("page", 32));
        assert_eq!(value(&descriptor, "flags"), "page_cache zone 0");
        assert_eq!(value(&descriptor, "freelist"), "0");
        assert_eq!(follow(&kernel, &descriptor, "mapping"), inode);
        assert_eq!(follow(&kernel, &descriptor, "(its frame)"), page);
    }

    #[test]
    fn free_objects_are_told_from_those_in_use() {
        let mut kernel = kernel(&["radix create t", "radix insert t 0 1"]);
        let leaf = follow(&kernel, &tree(&kernel), "root.rnode");
        assert_eq!(kernel.run_line(&mut Silence, b"radix delete t 0"), 0);
        let freed = object(&kernel, leaf.at).unwrap();
        assert_eq!(freed.state, ObjectState::Free);
        let link = freed.fields.last().unwrap();
        assert_eq!(
            (link.name.as_str(), link.offset),
            ("(next free object)", 280)
        );
        let next = follow(&kernel, &freed, "(next free object)");
        assert_eq!(
            (next.state, next.cache.as_str()),
            (ObjectState::Free, "radix_tree_node")
        );
    }

    #[test]
    fn pages_tell_what_they_are_used_for() {
        let kernel = kernel(&[
            "pages alloc 3",
            "radix create t",
            "radix insert t 0 1",
            "echo x > f",
            "echo x > g",
            "rm g",
        ]);
        let mem = &kernel.mem;
        let mut seen = alloc::collections::BTreeMap::new();
        for frame in 0..mem.frames() {
            let view = object(&kernel, Ref::<()>::of_frame(frame).unit()).unwrap();
            if view.fields.len() <= 1 {
                let name = view.name.replace(|c: char| c.is_ascii_digit(), "N");
                *seen.entry(name).or_insert(0) += 1;
            }
        }
        assert_eq!(seen["the page that NULL leads to"], 1);
        assert_eq!(seen["page from `pages alloc`, in a block of N"], 8);
        assert_eq!(seen["page N of the file with inode NN"], 1);
        assert!(seen["free page on CPU N's list"] > 0);
        assert!(seen["free page, in a block of NNNN"] > 0);
        assert!(!seen.contains_key("allocated page"), "{seen:?}");
        // SLUB leaves a rest behind 14 nodes of 288 bytes.
        let leaf = follow(&kernel, &tree(&kernel), "root.rnode");
        let end = object(&kernel, (leaf.pfn + 1) * UNITS_PER_FRAME - 1).unwrap();
        assert_eq!(
            (end.name.as_str(), end.size),
            ("end of a slab of radix_tree_node", 64)
        );
    }

    #[test]
    fn static_data_and_what_is_between_it_are_told_apart() {
        let kernel = kernel(&["a=1", "b=two"]);
        let shell = object(&kernel, shell::SHELL.unit() + 3).unwrap();
        assert_eq!(
            (shell.name.as_str(), shell.state),
            ("shell_data", ObjectState::Static)
        );
        assert_eq!(value(&shell, "variables.text"), "\"a=1\\0b=two\"");
        let gap = object(&kernel, shell.at + UNITS_PER_FRAME - 1).unwrap();
        assert_eq!(gap.name, "unused kernel data");
        assert_eq!(gap.at * 8 + gap.size, (shell.at + UNITS_PER_FRAME) * 8);
        assert_eq!(gap.at, shell.at + shell.size.div_ceil(8));
        assert_eq!(object(&kernel, 16 << 17), None);
        assert_eq!(object(&kernel, u32::MAX), None);
        assert_eq!(object(&kernel, 0).unwrap().size, 4096);
    }
}
