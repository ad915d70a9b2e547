//! What differs between two steps.
//!
//! The kernel can stand at one step only. So it goes to the later one and to the earlier one, and
//! remembers of each what no checkpoint tells: the frames that were written since the last one. With
//! these the bytes of both can be compared. Which objects these bytes are, and whether they are in
//! use, is read at both steps as well, since a page may have changed hands in between.

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use kernel_core::mem::{FRAME_SIZE, Page, PageFlag, Ref, UNIT, UNITS_PER_FRAME};

use super::live::Live;
use crate::checkpoint::Checkpoints;
use crate::observe::{Located, Map, each_kept, locate};
use crate::view::{Change, ChangesView, ObjectChange, ObjectState};

/// Objects that a view lists.
const OBJECTS_MAX: usize = 1000;

type Frame = [u8; FRAME_SIZE];

/// What a frame holds that was never written.
static ZEROES: Frame = [0; FRAME_SIZE];

/// All of memory at a step, given the checkpoints.
struct Memory {
    /// The last checkpoint before.
    base: u32,
    /// The frames written since, in order.
    written: Vec<(u32, Box<Frame>)>,
}

impl Memory {
    fn frame<'a>(&'a self, checkpoints: &'a Checkpoints, frame: u32) -> &'a Frame {
        let written = self.written.binary_search_by_key(&frame, |copy| copy.0);
        match written {
            Ok(at) => &self.written[at].1,
            Err(_) => checkpoints.content(frame, self.base).unwrap_or(&ZEROES),
        }
    }
}

/// Frames of a machine. (A list would have to be sorted, which takes more code than it is worth.)
struct Frames(Vec<bool>);

impl Frames {
    fn insert(&mut self, frame: u32) {
        self.0[frame as usize] = true;
    }

    fn has(&self, frame: u32) -> bool {
        self.0.get(frame as usize).is_some_and(|is| *is)
    }

    /// Leaves those that are among `others` as well.
    fn keep(&mut self, others: &Frames) {
        for (is, other) in self.0.iter_mut().zip(&others.0) {
            *is &= other;
        }
    }

    /// The frames, in order.
    fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..)
            .zip(&self.0)
            .filter(|(_, is)| **is)
            .map(|(frame, _)| frame)
    }
}

impl Live {
    /// What differs between two steps. The kernel stands where it stood afterwards.
    pub fn changes(&mut self, one: u32, other: u32) -> ChangesView {
        let here = self.step();
        let from = one.min(other).min(self.end());
        let to = one.max(other).min(self.end());
        // What is remembered counts on the checkpoints that there are.
        self.checkpoints.keep_still(true);
        self.seek(to);
        let after = self.remember();
        let mut suspects = self.no_frames();
        self.add_unwritten(&mut suspects);
        let mut lasting = self.reserved();
        self.seek(from);
        let before = self.remember();
        lasting.keep(&self.reserved());
        let frames = self.differing(&before, &after);
        self.add_unwritten(&mut suspects);
        self.add_described(&frames, &before, &after, &mut suspects);
        frames.iter().for_each(|&frame| suspects.insert(frame));
        let objects_before = self.objects(&suspects, &lasting);
        self.seek(to);
        let objects_after = self.objects(&suspects, &lasting);

        // The kernel's static data is in the first frames, so all is in the order of addresses.
        let mut objects = self.statics(&frames, &lasting, &before, &after);
        let count = |at, size| self.bytes_that_differ(at, size, &before, &after);
        compare(&objects_before, &objects_after, &count, &mut objects);
        let omitted = leave_out(&mut objects);
        self.seek(here);
        self.checkpoints.keep_still(false);
        ChangesView {
            from,
            to,
            frames,
            objects: objects.into_iter().map(Told::in_words).collect(),
            omitted,
        }
    }

    fn remember(&self) -> Memory {
        let ram = self.kernel.mem.ram();
        let copy = |frame| (frame, Box::new(*ram.frame(frame)));
        Memory {
            base: self.checkpoints.base(),
            written: ram.dirty_frames().map(copy).collect(),
        }
    }

    fn no_frames(&self) -> Frames {
        // The swap device lies behind the machine's own.
        Frames(vec![false; self.kernel.mem.ram().frames() as usize])
    }

    /// The frames that the kernel keeps for itself now. It takes some when it needs them, for numbers of
    /// tasks, say, and gives them back.
    fn reserved(&self) -> Frames {
        let mem = &self.kernel.mem;
        let is_reserved = |frame| mem[mem.page(frame)].is(PageFlag::Reserved);
        Frames((0..mem.frames()).map(is_reserved).collect())
    }

    /// The frames whose bytes differ, in order.
    fn differing(&self, before: &Memory, after: &Memory) -> Vec<u32> {
        let mut written = self.no_frames();
        let between = self.checkpoints.written_between(before.base, after.base);
        between.for_each(|frame| written.insert(frame));
        for (frame, _) in before.written.iter().chain(&after.written) {
            written.insert(*frame);
        }
        let differs = |&frame: &u32| {
            before.frame(&self.checkpoints, frame) != after.frame(&self.checkpoints, frame)
        };
        written.iter().filter(differs).collect()
    }

    /// Adds the frames where an object may come and go without a trace in its bytes or its page's
    /// descriptor: those of the slabs that CPUs allocate from, of objects that wait in arrays, and of
    /// SLOB's ring.
    fn add_unwritten(&self, to: &mut Frames) {
        let mem = &self.kernel.mem;
        for frame in 0..mem.frames() {
            let page = &mem[mem.page(frame)];
            if page.is(PageFlag::Frozen) || page.is(PageFlag::Slob) {
                (frame..frame + (1 << page.order)).for_each(|frame| to.insert(frame));
            }
        }
        each_kept(mem, &mut |at| to.insert(at / UNITS_PER_FRAME));
    }

    /// Adds the frames whose descriptors differ, which stand in some of the differing frames.
    fn add_described(&self, frames: &[u32], before: &Memory, after: &Memory, to: &mut Frames) {
        let mem = &self.kernel.mem;
        let map = mem.page(0).unit();
        let units = (size_of::<Page>() / UNIT) as u32;
        for &frame in frames {
            let start = Ref::<Page>::of_frame(frame).unit();
            let first = start.wrapping_sub(map) / units;
            if start < map || first >= mem.frames() {
                continue;
            }
            let old = before.frame(&self.checkpoints, frame);
            let new = after.frame(&self.checkpoints, frame);
            let pages = old
                .chunks(size_of::<Page>())
                .zip(new.chunks(size_of::<Page>()));
            for (described, (old, new)) in (first..mem.frames()).zip(pages) {
                if old != new {
                    to.insert(described);
                }
            }
        }
    }

    /// The objects in these frames as they are now, in the order of their addresses; not those of
    /// the kernel's static data in `lasting` frames.
    fn objects(&self, frames: &Frames, lasting: &Frames) -> Vec<Seen> {
        let map = Map::new(&self.kernel.mem);
        let mut objects: Vec<Seen> = Vec::new();
        // Up to here all is listed: an object may reach into the next frame.
        let mut listed = 0;
        for frame in frames.iter() {
            let end = (frame + 1) * UNITS_PER_FRAME;
            listed = listed.max(frame * UNITS_PER_FRAME);
            while listed < end {
                match map.locate(listed) {
                    Some(object) if object.state != ObjectState::Static || !lasting.has(frame) => {
                        listed = object.at + object.size.div_ceil(UNIT as u32).max(1);
                        objects.push(Seen::new(object));
                    }
                    _ => break,
                }
            }
        }
        objects
    }

    /// How many bytes of an object differ.
    fn bytes_that_differ(&self, at: u32, size: u32, before: &Memory, after: &Memory) -> u32 {
        let (first, end) = (at as usize * UNIT, at as usize * UNIT + size as usize);
        let mut bytes = 0;
        for frame in first / FRAME_SIZE..end.div_ceil(FRAME_SIZE) {
            let start = frame * FRAME_SIZE;
            let part = first.max(start) - start..end.min(start + FRAME_SIZE) - start;
            let old = &before.frame(&self.checkpoints, frame as u32)[part.clone()];
            let new = &after.frame(&self.checkpoints, frame as u32)[part];
            bytes += old.iter().zip(new).filter(|(old, new)| old != new).count();
        }
        bytes as u32
    }

    /// The kernel's static data that differs, in these frames as far as they are `lasting`: there it
    /// stays where it is, so it can be looked up at either step.
    fn statics(
        &self,
        frames: &[u32],
        lasting: &Frames,
        before: &Memory,
        after: &Memory,
    ) -> Vec<Told> {
        let mem = &self.kernel.mem;
        let mut changes: Vec<Told> = Vec::new();
        // Up to here all is told.
        let mut told = 0;
        for &frame in frames.iter().filter(|frame| lasting.has(**frame)) {
            let old = before.frame(&self.checkpoints, frame).chunks(UNIT);
            let new = after.frame(&self.checkpoints, frame).chunks(UNIT);
            for (at, (old, new)) in (frame * UNITS_PER_FRAME..).zip(old.zip(new)) {
                if at < told || old == new {
                    continue;
                }
                let Some(object) = locate(mem, at) else { break };
                told = object.at + object.size.div_ceil(UNIT as u32);
                changes.push(Told {
                    at: object.at,
                    size: object.size,
                    bytes: self.bytes_that_differ(object.at, object.size, before, after),
                    name: object.name,
                    is_free_of_cache: false,
                    change: Change::Written,
                });
            }
        }
        changes
    }
}

/// An object at one of the two steps. There may be millions.
struct Seen {
    at: u32,
    size: u32,
    is_used: bool,
    /// Of free memory of a cache the cache's name, else the object's.
    name: Rc<str>,
    is_free_of_cache: bool,
}

impl Seen {
    fn new(object: Located) -> Seen {
        let is_used = object.state != ObjectState::Free;
        let is_free_of_cache = !is_used && !object.cache.is_empty();
        Seen {
            at: object.at,
            size: object.size,
            is_used,
            name: match is_free_of_cache {
                true => object.cache,
                false => object.name,
            },
            is_free_of_cache,
        }
    }
}

/// What became of one, before it is put into words: most are left out in the end.
struct Told {
    at: u32,
    size: u32,
    bytes: u32,
    /// As in [`Seen`].
    name: Rc<str>,
    is_free_of_cache: bool,
    change: Change,
}

impl Told {
    fn of(object: &Seen, change: Change, bytes: u32) -> Told {
        Told {
            at: object.at,
            size: object.size,
            bytes,
            name: object.name.clone(),
            is_free_of_cache: object.is_free_of_cache,
            change,
        }
    }

    fn in_words(self) -> ObjectChange {
        let Told {
            at,
            size,
            bytes,
            name,
            is_free_of_cache,
            change,
        } = self;
        ObjectChange {
            at,
            size,
            name: match is_free_of_cache {
                true => format!("free space of {name}"),
                false => name.to_string(),
            },
            change,
            bytes,
        }
    }
}

/// Adds what became of the objects of some frames, in the order of their addresses.
fn compare(
    before: &[Seen],
    after: &[Seen],
    count: &dyn Fn(u32, u32) -> u32,
    changes: &mut Vec<Told>,
) {
    // Two objects that are in use are one and the same if they are of one kind, too.
    let same = |old: &Seen, new: &Seen| {
        old.size == new.size && !(old.is_used && new.is_used && old.name != new.name)
    };
    let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
    loop {
        // The next address at which an object began, or begins now.
        let at = match (before.peek(), after.peek()) {
            (Some(old), Some(new)) => old.at.min(new.at),
            (Some(one), None) | (None, Some(one)) => one.at,
            (None, None) => break,
        };
        let old = before.next_if(|old| old.at == at);
        let new = after.next_if(|new| new.at == at);
        let one_and_the_same = match (old, new) {
            (Some(old), Some(new)) => same(old, new),
            _ => false,
        };
        let was_used = one_and_the_same && old.is_some_and(|old| old.is_used);
        if let Some(old) = old.filter(|old| old.is_used)
            && !(one_and_the_same && new.is_some_and(|new| new.is_used))
        {
            changes.push(Told::of(old, Change::Freed, count(at, old.size)));
        }
        let Some(new) = new else { continue };
        let bytes = count(at, new.size);
        match (was_used, new.is_used) {
            (false, true) => changes.push(Told::of(new, Change::Allocated, bytes)),
            (true, true) if bytes > 0 => changes.push(Told::of(new, Change::Written, bytes)),
            (false, false) if bytes > 0 => {
                // Many free objects side by side are one piece of news.
                let is_more = |last: &&mut Told| {
                    last.is_free_of_cache == new.is_free_of_cache
                        && last.name == new.name
                        && last.at + last.size / UNIT as u32 == at
                };
                match changes.last_mut().filter(is_more) {
                    Some(last) => {
                        last.size += new.size;
                        last.bytes += bytes;
                    }
                    None => changes.push(Told::of(new, Change::Written, bytes)),
                }
            }
            _ => {}
        }
    }
}

/// Shortens a list that is too long, and returns how many objects it lost. What came and went says
/// more than what was written, and page descriptors say least.
fn leave_out(objects: &mut Vec<Told>) -> u32 {
    let rank = |object: &Told| match object.change {
        Change::Allocated | Change::Freed => 0,
        Change::Written if object.size as usize > size_of::<Page>() => 1,
        Change::Written => 2,
    };
    let all = objects.len();
    let mut room = OBJECTS_MAX;
    let mut rooms = [0; 3];
    for (wanted, mine) in rooms.iter_mut().enumerate() {
        let count = objects.iter().filter(|object| rank(object) == wanted);
        *mine = count.count().min(room);
        room -= *mine;
    }
    objects.retain(|object| {
        let mine = &mut rooms[rank(object)];
        let stays = *mine > 0;
        *mine -= usize::from(stays);
        stays
    });
    (all - objects.len()) as u32
}
