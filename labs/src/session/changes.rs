//! What differs between two steps.
//!
//! The kernel can stand at one step only. So it goes to the later one and to the earlier one, and
//! remembers of each what no checkpoint tells: the frames that were written since the last one. With
//! these the bytes of both can be compared. Which objects these bytes are, and whether they are in
//! use, is read at both steps as well, since a page may have changed hands in between.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kernel_core::mem::{FRAME_SIZE, Page, PageFlag, Ref, UNIT, UNITS_PER_FRAME};

use super::live::Live;
use crate::checkpoint::Checkpoints;
use crate::observe::{Located, locate};
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
    /// The frames written since.
    written: BTreeMap<u32, Box<Frame>>,
}

impl Memory {
    fn frame<'a>(&'a self, checkpoints: &'a Checkpoints, frame: u32) -> &'a Frame {
        let written = self.written.get(&frame).map(|copy| &**copy);
        written
            .or_else(|| checkpoints.content(frame, self.base))
            .unwrap_or(&ZEROES)
    }
}

/// Objects by their addresses.
type Objects = BTreeMap<u32, Located>;

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
        let mut suspects = self.slabs_of_cpus();
        self.seek(from);
        let before = self.remember();
        let frames = self.differing(&before, &after);
        suspects.extend(self.slabs_of_cpus());
        suspects.extend(&frames);
        suspects.extend(self.described_otherwise(&frames, &before, &after));
        suspects.sort_unstable();
        suspects.dedup();
        let objects_before = self.objects(&suspects);
        self.seek(to);
        let objects_after = self.objects(&suspects);

        let count = |at, size| self.bytes_that_differ(at, size, &before, &after);
        let mut objects = compare(&objects_before, &objects_after, &count);
        objects.extend(self.statics(&frames, &before, &after));
        let omitted = objects.len().saturating_sub(OBJECTS_MAX);
        if omitted > 0 {
            // What came and went says more than what was written, and descriptors say least.
            let rank = |object: &ObjectChange| (object.change == Change::Written, object.size < 64);
            objects.sort_by_key(rank);
            objects.truncate(OBJECTS_MAX);
        }
        objects.sort_by_key(|object| object.at);
        self.seek(here);
        self.checkpoints.keep_still(false);
        ChangesView {
            from,
            to,
            frames,
            objects,
            omitted: omitted as u32,
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

    /// The frames whose bytes differ.
    fn differing(&self, before: &Memory, after: &Memory) -> Vec<u32> {
        let mut frames: Vec<u32> = self
            .checkpoints
            .written_between(before.base, after.base)
            .chain(before.written.keys().copied())
            .chain(after.written.keys().copied())
            .collect();
        frames.sort_unstable();
        frames.dedup();
        frames.retain(|&frame| {
            before.frame(&self.checkpoints, frame) != after.frame(&self.checkpoints, frame)
        });
        frames
    }

    /// The frames of the slabs that a CPU allocates from: an object that it takes need not be
    /// written to.
    fn slabs_of_cpus(&self) -> Vec<u32> {
        let mem = &self.kernel.mem;
        let mut frames = Vec::new();
        for frame in 0..mem.frames() {
            let page = &mem[mem.page(frame)];
            if page.is(PageFlag::Frozen) {
                frames.extend(frame..frame + (1 << page.order));
            }
        }
        frames
    }

    /// The frames whose descriptors differ, among all that the differing frames describe.
    fn described_otherwise(&self, frames: &[u32], before: &Memory, after: &Memory) -> Vec<u32> {
        let mem = &self.kernel.mem;
        let map = mem.page(0).unit();
        let units = (size_of::<Page>() / UNIT) as u32;
        let mut described = Vec::new();
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
            let differ = (first..mem.frames()).zip(pages);
            described.extend(
                differ
                    .filter(|(_, (old, new))| old != new)
                    .map(|(page, _)| page),
            );
        }
        described
    }

    /// The objects in these frames as they are now; not those of the kernel's static data.
    fn objects(&self, frames: &[u32]) -> Objects {
        let mem = &self.kernel.mem;
        let mut objects = Objects::new();
        for &frame in frames {
            let mut at = frame * UNITS_PER_FRAME;
            let end = at + UNITS_PER_FRAME;
            while at < end {
                let Some(object) = locate(mem, at) else { break };
                if object.state == ObjectState::Static {
                    break;
                }
                at = object.at + object.size.div_ceil(UNIT as u32).max(1);
                objects.insert(object.at, object);
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

    /// The kernel's static data that differs, in these frames. It stays where it is, so it can be
    /// looked up at either step.
    fn statics(&self, frames: &[u32], before: &Memory, after: &Memory) -> Vec<ObjectChange> {
        let mem = &self.kernel.mem;
        let mut changes: Vec<ObjectChange> = Vec::new();
        // Up to here all is told.
        let mut told = 0;
        let is_static = |&&frame: &&u32| mem[mem.page(frame)].is(PageFlag::Reserved);
        for &frame in frames.iter().filter(is_static) {
            let old = before.frame(&self.checkpoints, frame).chunks(UNIT);
            let new = after.frame(&self.checkpoints, frame).chunks(UNIT);
            for (at, (old, new)) in (frame * UNITS_PER_FRAME..).zip(old.zip(new)) {
                if at < told || old == new {
                    continue;
                }
                let Some(object) = locate(mem, at) else { break };
                told = object.at + object.size.div_ceil(UNIT as u32);
                changes.push(ObjectChange {
                    at: object.at,
                    size: object.size,
                    bytes: self.bytes_that_differ(object.at, object.size, before, after),
                    name: object.name,
                    change: Change::Written,
                });
            }
        }
        changes
    }
}

/// What became of the objects of some frames.
fn compare(
    before: &Objects,
    after: &Objects,
    count: &dyn Fn(u32, u32) -> u32,
) -> Vec<ObjectChange> {
    let used = |object: &Located| object.state == ObjectState::Allocated;
    // Two objects that are in use are one and the same if they are of one kind, too.
    let same = |old: &Located, new: &Located| {
        old.size == new.size && !(used(old) && used(new) && old.name != new.name)
    };
    let mut changes: Vec<ObjectChange> = Vec::new();
    for new in after.values() {
        let old = before.get(&new.at).filter(|old| same(old, new));
        let was_used = old.is_some_and(used);
        let bytes = count(new.at, new.size);
        let (name, change) = match (was_used, used(new)) {
            (false, true) => (new.name.clone(), Change::Allocated),
            (true, true) if bytes > 0 => (new.name.clone(), Change::Written),
            (false, false) if bytes > 0 => {
                let name = unused(new);
                // Many free objects side by side are one piece of news.
                if let Some(last) = changes.last_mut()
                    && last.name == name
                    && last.at + last.size / UNIT as u32 == new.at
                {
                    last.size += new.size;
                    last.bytes += bytes;
                    continue;
                }
                (name, Change::Written)
            }
            _ => continue,
        };
        changes.push(ObjectChange {
            at: new.at,
            size: new.size,
            name,
            change,
            bytes,
        });
    }
    let freed = before.values().filter(|old| {
        let new = after.get(&old.at).filter(|new| same(old, new));
        used(old) && !new.is_some_and(used)
    });
    changes.extend(freed.map(|old| ObjectChange {
        at: old.at,
        size: old.size,
        name: old.name.clone(),
        change: Change::Freed,
        bytes: count(old.at, old.size),
    }));
    changes
}

/// What to call memory that nobody uses.
fn unused(object: &Located) -> String {
    match object.cache.as_str() {
        "" => object.name.clone(),
        cache => format!("free space of {cache}"),
    }
}
