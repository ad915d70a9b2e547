//! Trace events in plain words, and the kernel memory that each is about.
//!
//! An event has numbers: a pointer, a mask, a result. What they mean is known to whoever knows the
//! kernel, so it is said here once, as a sentence, and as the stretches of memory that a picture may
//! light up. Sentences hold for failures as well as for successes, and say only what the event
//! itself and what never changes (caches, named trees) tell: events are read long after they
//! happened. Memory is given as it is laid out now; a key's leaf, say, is where that key belongs
//! today.

mod oom;
mod reclaim;
mod tasks;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kernel_core::Errno;
use kernel_core::fs::{Dentry, Inode};
use kernel_core::mem::{FRAME_SIZE, Gfp, MEM, Mem, MemData, Ref, UNIT};
use kernel_core::radix_tree::{
    self, PRELOAD_NODES, RADIX_TREE, RadixData, RadixTreeNode, RadixTreeRoot,
};
use kernel_core::shell::NamedTree;
use kernel_core::slab::KmemCache;
use kernel_core::slab::defrag::Refusal;
use kernel_core::task::{self, Task};
use kernel_core::trace::{Event, Tracepoint};

use super::object::Map;
use crate::view::{Touch, address};

/// How far from the making or removing of a file its inode's slab event is looked for. Farther off is
/// that of a removed file of many pages, which are freed first.
const NEAR: u64 = 64;

/// An event in plain words, and the memory that it is about.
pub(crate) fn explain(map: &Map<'_>, event: &Event) -> (String, Vec<Touch>) {
    let mem = map.mem;
    let explanation = Explanation { map, mem, event };
    (explanation.sentence(), explanation.touches())
}

struct Explanation<'a> {
    map: &'a Map<'a>,
    mem: &'a Mem,
    event: &'a Event,
}

impl Explanation<'_> {
    /// Field number `index` of the event.
    fn arg(&self, index: usize) -> u64 {
        self.event.args().get(index).copied().unwrap_or(0)
    }

    fn sentence(&self) -> String {
        self.fill(self.template())
    }

    /// The sentence that fits the event, with words for [`Explanation::word`] in braces.
    fn template(&self) -> &'static str {
        let failed = failure(self.last());
        let failed = failed.as_deref();
        match self.event.tracepoint {
            Tracepoint::ConsoleLine => "Console line {0} begins, {bytes} long",
            Tracepoint::MmPageAlloc if self.is_frame(self.arg(0)) => {
                "CPU {cpu} takes {frames} from the page allocator; {manner}"
            }
            Tracepoint::MmPageAlloc => {
                "CPU {cpu} finds no block of {size} in the zones it may use; {manner}"
            }
            Tracepoint::MmPageFree => match self.arg(1) {
                0 => "CPU {cpu} gives {frames} back to its list of single free pages",
                _ => "CPU {cpu} gives {frames} back to the buddy allocator",
            },
            Tracepoint::KmemCacheAlloc => match self.arg(1) {
                0 => "CPU {cpu} gets no memory for {object}; {manner}",
                _ => {
                    "CPU {cpu} takes {object} of {3} bytes at {address} from its slab cache; \
                     {manner}"
                }
            },
            Tracepoint::KmemCacheFree => match self.arg(1) {
                0 => "CPU {cpu} gives back NULL, which is nothing",
                _ => "CPU {cpu} gives {object} at {address} back to its slab cache",
            },
            Tracepoint::RadixTreeExtend => {
                "{Tree} grows to height {1}: it has room for keys up to {keys}"
            }
            Tracepoint::RadixTreeShrink => {
                "{Tree} shrinks to height {1}: its keys are at most {keys} now"
            }
            Tracepoint::RadixTreeInsert => match failed {
                None => "Item {2} goes into {tree} under key {1}",
                Some("EEXIST") => {
                    "Item {2} does not go into {tree} under key {1}: there is one already ({errno})"
                }
                Some("ENOMEM") => {
                    "Item {2} does not go into {tree} under key {1}: there is no memory for a node \
                     ({errno})"
                }
                Some("EINVAL") if self.arg(2) == 0 => {
                    "Item {2} does not go into {tree} under key {1}: 0 marks an empty slot ({errno})"
                }
                Some(_) => "Item {2} does not go into {tree} under key {1}: it failed ({errno})",
            },
            Tracepoint::RadixTreeDelete => match self.arg(2) {
                0 => "Key {1} of {tree} has no item to delete",
                _ => "Item {2} leaves {tree}, key {1}",
            },
            Tracepoint::RadixTreeTagSet => match failed {
                None => "Key {1} of {tree} gets tag {2}",
                Some("ENOENT") => "Key {1} of {tree} has no item to give tag {2}: {errno}",
                Some(_) => "Key {1} of {tree} does not get tag {2}: {errno}",
            },
            Tracepoint::RadixTreeTagClear => match self.arg(3) {
                0 => "Key {1} of {tree} has no item that tag {2} could be taken from",
                _ => "Key {1} of {tree} has tag {2} no longer",
            },
            Tracepoint::RadixTreePreload => match failed {
                None => "CPU {0} has {nodes} set aside and disables preemption",
                Some(_) => "CPU {0} has {nodes} of {full} set aside and gets no more: {errno}",
            },
            Tracepoint::FsCreate => match self.arg(2) & 0o170_000 {
                0o040_000 => "Directory {0} comes into being in directory {1} (inode numbers)",
                _ => "File {0} comes into being in directory {1} (inode numbers)",
            },
            Tracepoint::FsRemove => "Inode {0} is taken out of directory {1} (inode numbers)",
            Tracepoint::FsLookup => match self.arg(1) {
                0 => {
                    "A name that the dentry cache does not know is looked up in directory {0}: \
                     there is none, and a negative dentry will say so"
                }
                _ => {
                    "A name that the dentry cache does not know is looked up in directory {0}: it \
                     is that of inode {1} (inode numbers)"
                }
            },
            Tracepoint::PruneDcache => {
                "Pruning the dentry cache frees {2} of the {0} unused dentries that it may look \
                 at; {1} were used again and are spared; {3} stay unused"
            }
            Tracepoint::PruneIcache => {
                "Pruning the inode cache frees {1} of the {0} unused inodes that it may look at; \
                 {2} stay unused"
            }
            Tracepoint::FailNth => match failed {
                Some(_) => "Fault injection makes an allocation fail: {errno}",
                None => "Fault injection lets an allocation pass",
            },
            Tracepoint::KmemCacheDefragBegin => match self.arg(3) > self.arg(4) {
                true => {
                    "Defragmentation of {cache} looks through node {1}: {3} of its {slabs} are \
                     partial there, more than {4}, with room for {room}"
                }
                false => {
                    "Defragmentation of {cache} leaves node {1} alone: {partial} there, and up to \
                     {4} are left alone"
                }
            },
            Tracepoint::KmemCacheDefragEnd => {
                "Defragmentation of {cache} has done with node {1}: {slabs left}, {partial} there"
            }
            Tracepoint::KmemCacheDefrag => match self.arg(5) {
                1 => "Defragmentation of {cache} takes the slab of frame {1}: {in use}, {rule}",
                2 => {
                    "Defragmentation of {cache} stops at the slab of frame {1}: {in use}, few \
                     enough, but they do not fit into the slabs that stay"
                }
                _ => {
                    "Defragmentation of {cache} stops at the slab of frame {1}: {in use}, {too many}"
                }
            },
            Tracepoint::KmemCacheGet => "get pins {pinned} in the slab of frame {1} of {cache}",
            Tracepoint::KmemCacheMove => "kick moves an object of {cache} from {address} to {to}",
            Tracepoint::KmemCacheVacate if self.arg(4) == 0 => {
                "The slab of frame {1} of {cache} is emptied: get pinned {3} of {objects in use}, \
                 and kick has left none"
            }
            Tracepoint::KmemCacheVacate if self.arg(3) == 0 => {
                "The slab of frame {1} of {cache} stays: get pinned none of {objects in use}"
            }
            Tracepoint::KmemCacheVacate => {
                "The slab of frame {1} of {cache} is not emptied: get pinned {3} of \
                 {objects in use}, and {are left} after kick"
            }
            Tracepoint::KmemCacheVacateRefused => {
                let why = Refusal::ALL.iter().find(|why| **why as u64 == self.arg(2));
                match why {
                    Some(Refusal::OtherAllocator) => {
                        "Frame {1} is not vacated: only SLUB vacates slabs"
                    }
                    Some(Refusal::FreePage) => "Frame {1} is not vacated: it is free",
                    Some(Refusal::NoSlab) => "Frame {1} is not vacated: it is no slab's",
                    Some(Refusal::Frozen) => {
                        "The slab of frame {1} of {cache} is not vacated: it is frozen, since a \
                         CPU allocates from it"
                    }
                    Some(Refusal::Empty) => {
                        "The slab of frame {1} of {cache} is not vacated: it is empty already"
                    }
                    Some(Refusal::NoCallbacks) => {
                        "The slab of frame {1} is not vacated: {cache} has no get and kick"
                    }
                    Some(Refusal::NoMemory) => {
                        "The slab of frame {1} of {cache} is not vacated: there is no memory for \
                         the list of its objects"
                    }
                    None => "Frame {1} is not vacated",
                }
            }
            _ => tasks::template(self.event),
        }
    }

    /// Puts words in place of their names in braces.
    fn fill(&self, template: &str) -> String {
        let mut sentence = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (word, after) = after.split_once('}').unwrap_or((after, ""));
            sentence.push_str(before);
            sentence.push_str(&self.word(word));
            rest = after;
        }
        sentence.push_str(rest);
        sentence
    }

    /// What a template's word stands for in this event; a digit is a field's number.
    fn word(&self, word: &str) -> String {
        let second = self.arg(1);
        match word {
            "cpu" => self.event.cpu.to_string(),
            "bytes" => plural(second, "byte"),
            "nodes" => plural(second, "tree node"),
            "size" => plural(1 << second.min(63), "frame"),
            "frames" => frames(self.arg(0), second),
            "object" => self.an_object(),
            "cache" => self.cache(),
            "address" => address(second as u32),
            "keys" => radix_tree::max_key(second as u32).to_string(),
            "full" => PRELOAD_NODES.to_string(),
            "tree" => self.tree(),
            "Tree" => capital(self.tree()),
            "to" => address(self.arg(2) as u32),
            "slabs" => plural(self.arg(2), "slab"),
            "partial" => plural(self.arg(3), "partial slab"),
            "room" => plural(self.arg(5), "object"),
            "slabs left" => {
                let count = self.arg(2);
                format!("{} {} left", plural(count, "slab"), is_or_are(count))
            }
            "in use" => {
                let count = self.arg(2);
                let objects = plural(self.arg(3), "object");
                format!("{count} of its {objects} {} in use", is_or_are(count))
            }
            "rule" => match self.arg(4) {
                0 => "no more than a quarter".to_string(),
                ratio => format!("less than {ratio} %"),
            },
            "too many" => match self.arg(4) {
                0 => "more than a quarter".to_string(),
                ratio => format!("not less than {ratio} %"),
            },
            "pinned" => {
                let (used, pinned) = (self.arg(3).count_ones(), self.arg(4).count_ones());
                format!("{pinned} of {} in use", plural(used.into(), "object"))
            }
            "objects in use" => format!("{} in use", plural(self.arg(2), "object")),
            "are left" => format!("{} {} left", self.arg(4), is_or_are(self.arg(4))),
            "manner" => manner(self.last()),
            "errno" => failure(self.last()).unwrap_or_default(),
            _ => tasks::word(self.event, word)
                .or_else(|| oom::word(self.event, word))
                .or_else(|| reclaim::word(self.event, word))
                .unwrap_or_else(|| self.arg(word.parse().unwrap_or(usize::MAX)).to_string()),
        }
    }

    /// The event's last field; a mask or a result stands there.
    fn last(&self) -> u64 {
        self.event.args().last().copied().unwrap_or(0)
    }

    /// The tree that the first field leads to.
    fn tree(&self) -> String {
        let root = self.arg(0) as u32;
        match self.owner_of_tree(root) {
            Some(Owner::Named(tree)) => format!("tree {}", self.mem[tree].name()),
            Some(Owner::File(inode)) => {
                format!("the page tree of the inode at {}", address(inode.unit()))
            }
            None => format!("the tree at {}", address(root)),
        }
    }

    /// What a tree's root is part of.
    fn owner_of_tree(&self, root: u32) -> Option<Owner> {
        let named = self.map.begins(root, NamedTree::TYPE.name).map(Ref::new);
        let named = named.filter(|&tree| NamedTree::root_of(tree).unit() == root);
        let inode = self.map.begins(root, Inode::TYPE.name);
        let inode = inode.filter(|&inode| inode == root).map(Ref::new);
        named.map(Owner::Named).or(inode.map(Owner::File))
    }

    /// The cache that the first field leads to.
    fn cache(&self) -> String {
        match KmemCache::name_at(self.mem, Ref::new(self.arg(0) as u32)) {
            Some(name) => format!("cache {name}"),
            None => "a cache that is gone".to_string(),
        }
    }

    /// The object that the first field's cache is for, with its article: `a dentry`.
    fn an_object(&self) -> String {
        match KmemCache::name_at(self.mem, Ref::new(self.arg(0) as u32)) {
            Some(name) if name.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {name}"),
            Some(name) => format!("a {name}"),
            None => "an object".to_string(),
        }
    }

    /// Whether a frame of that number can be allocated; 0 is NULL's.
    fn is_frame(&self, number: u64) -> bool {
        (1..u64::from(self.mem.frames())).contains(&number)
    }

    fn touches(&self) -> Vec<Touch> {
        let (first, second) = (self.arg(0), self.arg(1));
        let mut touches = Vec::new();
        match self.event.tracepoint {
            Tracepoint::ConsoleLine => {}
            Tracepoint::KmemCacheDefragBegin | Tracepoint::KmemCacheDefragEnd => {
                let cache: Ref<KmemCache> = Ref::new(first as u32);
                if KmemCache::name_at(self.mem, cache).is_some() {
                    touches.push(touch(cache.unit(), size_of::<KmemCache>()));
                }
            }
            Tracepoint::KmemCacheMove => {
                touches.extend(self.slab_object(first, second));
                touches.extend(self.slab_object(first, self.arg(2)));
            }
            Tracepoint::KmemCacheDefrag
            | Tracepoint::KmemCacheVacate
            | Tracepoint::KmemCacheVacateRefused
            | Tracepoint::KmemCacheGet => {
                if self.is_frame(second) {
                    let at = Ref::<()>::of_frame(second as u32).unit();
                    touches.push(touch(at, FRAME_SIZE));
                }
            }
            Tracepoint::MmPageAlloc | Tracepoint::MmPageFree => {
                if self.is_frame(first) {
                    let at = Ref::<()>::of_frame(first as u32).unit();
                    touches.push(touch(at, FRAME_SIZE << second.min(10)));
                }
            }
            Tracepoint::KmemCacheAlloc | Tracepoint::KmemCacheFree => {
                touches.extend(self.slab_object(first, second));
            }
            Tracepoint::RadixTreeExtend | Tracepoint::RadixTreeShrink => {
                touches.extend(self.root());
            }
            Tracepoint::RadixTreeInsert
            | Tracepoint::RadixTreeDelete
            | Tracepoint::RadixTreeTagSet
            | Tracepoint::RadixTreeTagClear => {
                touches.extend(self.root());
                touches.extend(self.leaf());
            }
            Tracepoint::RadixTreePreload => {
                let pools = RadixData::TYPE.field("preloads");
                let pools = pools.filter(|pools| first < pools.length.unwrap_or(0).into());
                touches.extend(pools.map(|pools| {
                    let offset = pools.offset + first as u32 * pools.element();
                    covering(RADIX_TREE.unit(), offset, pools.element())
                }));
            }
            Tracepoint::FsCreate => {
                // The inode was allocated just before, and mostly the dentry before it.
                let number = self.event.number;
                let before = (number.saturating_sub(NEAR)..number).rev();
                touches = self.inode_and_dentry(Tracepoint::KmemCacheAlloc, before);
            }
            Tracepoint::FsRemove => {
                // If nobody holds it any more, the inode is freed next, and a directory's dentry.
                let after = self.event.number + 1..self.event.number + 1 + NEAR;
                touches = self.inode_and_dentry(Tracepoint::KmemCacheFree, after);
            }
            // What the answer is remembered in comes into being next, if there is memory for it.
            Tracepoint::FsLookup => {
                let after = self.event.number + 1..self.event.number + 1 + NEAR;
                touches = self.first_of(Tracepoint::KmemCacheAlloc, Dentry::TYPE.name, after);
            }
            Tracepoint::PruneDcache | Tracepoint::PruneIcache => {}
            Tracepoint::FailNth => {
                let field = MemData::TYPE.field("fail_nth");
                touches.extend(field.map(|field| covering(MEM.unit(), field.offset, field.size)));
            }
            Tracepoint::PageFault => {
                let frames = [self.arg(4), self.arg(5)];
                let frames = frames.into_iter().filter(|&frame| self.is_frame(frame));
                touches.extend(
                    frames.map(|frame| touch(Ref::<()>::of_frame(frame as u32).unit(), FRAME_SIZE)),
                );
            }
            _ => touches.extend(self.tasks()),
        }
        touches.retain(|touch| touch.at / 512 < self.mem.frames());
        touches
    }

    /// The tasks that an event names, as far as they are still there.
    fn tasks(&self) -> impl Iterator<Item = Touch> {
        let names = self.event.tracepoint.field_names();
        let pids = names
            .zip(self.event.args())
            .filter(|(name, _)| name.ends_with("pid"));
        let tasks = pids.filter_map(|(_, &pid)| {
            let pid = u32::try_from(pid).ok().filter(|&pid| pid > 0)?;
            task::find_task_by_pid(self.mem, pid)
        });
        tasks.map(|task| touch(task.unit(), size_of::<Task>()))
    }

    /// An object of a slab cache, given as events give it.
    fn slab_object(&self, cache: u64, object: u64) -> Option<Touch> {
        let cache: Ref<KmemCache> = Ref::new(cache as u32);
        KmemCache::name_at(self.mem, cache)?;
        (object != 0).then(|| touch(object as u32, self.mem[cache].size as usize))
    }

    /// The inode that a file system event is about, and its dentry: slab events about them lie beside
    /// it, the inode's nearer.
    fn inode_and_dentry(
        &self,
        tracepoint: Tracepoint,
        mut numbers: impl Iterator<Item = u64>,
    ) -> Vec<Touch> {
        let mut touches = self.first_of(tracepoint, Inode::TYPE.name, &mut numbers);
        if !touches.is_empty() {
            let beside = numbers.take(2);
            touches.extend(self.first_of(tracepoint, Dentry::TYPE.name, beside));
        }
        touches
    }

    /// The object of a cache that the first such slab event is about.
    fn first_of(
        &self,
        tracepoint: Tracepoint,
        cache: &str,
        mut numbers: impl Iterator<Item = u64>,
    ) -> Vec<Touch> {
        let found = numbers.find_map(|number| {
            let event = self.mem.event(number)?;
            let [of, object, ..] = *event.args() else {
                return None;
            };
            let is_it = event.tracepoint == tracepoint
                && KmemCache::name_at(self.mem, Ref::new(of as u32)) == Some(cache);
            is_it.then(|| self.slab_object(of, object)).flatten()
        });
        found.into_iter().collect()
    }

    fn root(&self) -> Option<Touch> {
        let root = self.arg(0) as u32;
        (root != 0).then(|| touch(root, size_of::<RadixTreeRoot>()))
    }

    /// The leaf where the event's key belongs, if it is there now.
    fn leaf(&self) -> Option<Touch> {
        let root = self.arg(0) as u32;
        self.owner_of_tree(root)?;
        let slot = radix_tree::lookup_slot(self.mem, Ref::new(root), self.arg(1))?;
        Some(touch(slot.node.unit(), size_of::<RadixTreeNode>()))
    }
}

/// What a tree's root is part of.
enum Owner {
    Named(Ref<NamedTree>),
    File(Ref<Inode>),
}

fn touch(at: u32, bytes: usize) -> Touch {
    Touch {
        at,
        bytes: bytes as u32,
    }
}

/// The units that hold the bytes `offset..offset + size` behind `at`.
fn covering(at: u32, offset: u32, size: u32) -> Touch {
    let unit = UNIT as u32;
    let end = (offset + size).next_multiple_of(unit);
    touch(at + offset / unit, (end - offset / unit * unit) as usize)
}

/// `frame 5`, `the 4 frames 8 to 11`.
fn frames(first: u64, order: u64) -> String {
    match 1_u64 << order.min(63) {
        1 => format!("frame {first}"),
        count => format!(
            "the {count} frames {first} to {}",
            first.wrapping_add(count - 1)
        ),
    }
}

/// Whether a mask lets its caller wait for memory.
fn manner(mask: u64) -> String {
    let gfp = Gfp(mask as u32);
    let may = if gfp.contains(Gfp::WAIT) {
        "may wait"
    } else {
        "may not wait"
    };
    format!("{gfp} {may}")
}

/// The name of the error that a result stands for; `None` for success.
pub(crate) fn failure(ret: u64) -> Option<String> {
    let ret = ret as i64;
    (ret < 0).then(|| {
        let number = u32::try_from(ret.unsigned_abs()).unwrap_or(u32::MAX);
        match Errno::from_number(number) {
            Some(errno) => errno.name().to_string(),
            None => format!("error {ret}"),
        }
    })
}

fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn is_or_are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// The text with its first letter as a capital.
fn capital(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use alloc::vec;

    use kernel_core::Kernel;
    use kernel_core::slab;
    use kernel_core::trace::TRACE;

    use super::super::object::locate;
    use super::super::testing::{Silence, kernel, kernel_on};
    use super::*;
    use crate::view::ObjectState;

    /// Explains an event that the kernel might emit.
    fn explained<const N: usize>(
        kernel: &mut Kernel,
        tracepoint: Tracepoint,
        args: [u64; N],
    ) -> (String, Vec<Touch>) {
        let number = kernel.events();
        kernel.mem.trace(tracepoint, args);
        explain(&Map::new(&kernel.mem), &kernel.mem.event(number).unwrap())
    }

    /// All that happened since line `step`, explained.
    fn since(kernel: &Kernel, step: u32) -> Vec<(Tracepoint, String, Vec<Touch>)> {
        (0..kernel.events())
            .filter_map(|number| kernel.mem.event(number))
            .filter(|event| event.step >= step)
            .map(|event| {
                let (sentence, touches) = explain(&Map::new(&kernel.mem), &event);
                (event.tracepoint, sentence, touches)
            })
            .collect()
    }

    fn error(errno: Errno) -> u64 {
        -(errno as i64) as u64
    }

    /// Success and every failure of each tracepoint. A new tracepoint must be added here.
    #[test]
    fn every_tracepoint_has_sentences_that_are_right() {
        use Tracepoint::*;
        let mut kernel = kernel(&["radix create t", "radix insert t 5 7"]);
        let cache = slab::find(&kernel.mem, "radix_tree_node").unwrap();
        let dentries = slab::find(&kernel.mem, "dentry").unwrap();
        let inodes = slab::find(&kernel.mem, "inode_cache").unwrap();
        let tree = kernel_core::shell::find_tree(&kernel.mem, "t").unwrap();
        let root = u64::from(NamedTree::root_of(tree).unit());
        let inode = kernel.mem[kernel_core::fs::resolve(&kernel.mem, "/").unwrap()].inode;
        let file = u64::from(inode.unit());
        let file_tree = format!("the page tree of the inode at {inode}");
        let [cache, dentries, inodes] = [cache, dentries, inodes].map(|cache| cache.unit().into());
        let (kernel_gfp, atomic) = (u64::from(Gfp::KERNEL.0), u64::from(Gfp::ATOMIC.0));
        let mut cases: Vec<(Tracepoint, [u64; 6], &str)> = vec![
            (
                ConsoleLine,
                [3, 1, 9, 0, 0, 0],
                "Console line 3 begins, 1 byte long",
            ),
            (
                ConsoleLine,
                [4, 20, 9, 0, 0, 0],
                "Console line 4 begins, 20 bytes long",
            ),
            (
                MmPageAlloc,
                [300, 0, kernel_gfp, 0, 0, 0],
                "CPU 0 takes frame 300 from the page allocator; GFP_KERNEL may wait",
            ),
            (
                MmPageAlloc,
                [304, 3, atomic, 0, 0, 0],
                "CPU 0 takes the 8 frames 304 to 311 from the page allocator; GFP_ATOMIC may not wait",
            ),
            (
                MmPageAlloc,
                [0, 3, atomic, 0, 0, 0],
                "CPU 0 finds no block of 8 frames in the zones it may use; GFP_ATOMIC may not wait",
            ),
            (
                MmPageAlloc,
                [u64::MAX, 0, 1, 0, 0, 0],
                "CPU 0 finds no block of 1 frame in the zones it may use; GFP_DMA may not wait",
            ),
            (
                MmPageFree,
                [300, 0, 0, 0, 0, 0],
                "CPU 0 gives frame 300 back to its list of single free pages",
            ),
            (
                MmPageFree,
                [304, 2, 0, 0, 0, 0],
                "CPU 0 gives the 4 frames 304 to 307 back to the buddy allocator",
            ),
            (
                KmemCacheAlloc,
                [cache, 512 * 300, 280, 288, atomic, 0],
                "CPU 0 takes a radix_tree_node of 288 bytes at ffff88000012c000 from its slab cache; \
                 GFP_ATOMIC may not wait",
            ),
            (
                KmemCacheAlloc,
                [inodes, 0, 64, 64, kernel_gfp, 0],
                "CPU 0 gets no memory for an inode_cache; GFP_KERNEL may wait",
            ),
            (
                KmemCacheAlloc,
                [1, 0, 64, 64, kernel_gfp, 0],
                "CPU 0 gets no memory for an object; GFP_KERNEL may wait",
            ),
            (
                KmemCacheFree,
                [dentries, 512 * 300, 0, 0, 0, 0],
                "CPU 0 gives a dentry at ffff88000012c000 back to its slab cache",
            ),
            (
                KmemCacheFree,
                [cache, 0, 0, 0, 0, 0],
                "CPU 0 gives back NULL, which is nothing",
            ),
            (
                RadixTreeExtend,
                [root, 2, 0, 0, 0, 0],
                "Tree t grows to height 2: it has room for keys up to 4095",
            ),
            (
                RadixTreeShrink,
                [root, 1, 0, 0, 0, 0],
                "Tree t shrinks to height 1: its keys are at most 63 now",
            ),
            (
                RadixTreeInsert,
                [root, 5, 7, 0, 0, 0],
                "Item 7 goes into tree t under key 5",
            ),
            (
                RadixTreeInsert,
                [root, 5, 8, error(Errno::EEXIST), 0, 0],
                "Item 8 does not go into tree t under key 5: there is one already (EEXIST)",
            ),
            (
                RadixTreeInsert,
                [root, 500, 8, error(Errno::ENOMEM), 0, 0],
                "Item 8 does not go into tree t under key 500: there is no memory for a node (ENOMEM)",
            ),
            (
                RadixTreeInsert,
                [root, 5, 0, error(Errno::EINVAL), 0, 0],
                "Item 0 does not go into tree t under key 5: 0 marks an empty slot (EINVAL)",
            ),
            (
                RadixTreeInsert,
                [root, 5, 1, -999_i64 as u64, 0, 0],
                "Item 1 does not go into tree t under key 5: it failed (error -999)",
            ),
            (
                RadixTreeDelete,
                [root, 5, 7, 0, 0, 0],
                "Item 7 leaves tree t, key 5",
            ),
            (
                RadixTreeDelete,
                [root, 6, 0, 0, 0, 0],
                "Key 6 of tree t has no item to delete",
            ),
            (
                RadixTreeTagSet,
                [root, 5, 1, 0, 0, 0],
                "Key 5 of tree t gets tag 1",
            ),
            (
                RadixTreeTagSet,
                [root, 6, 0, error(Errno::ENOENT), 0, 0],
                "Key 6 of tree t has no item to give tag 0: ENOENT",
            ),
            (
                RadixTreeTagSet,
                [root, 6, 0, error(Errno::EINVAL), 0, 0],
                "Key 6 of tree t does not get tag 0: EINVAL",
            ),
            (
                RadixTreeTagClear,
                [root, 5, 1, 7, 0, 0],
                "Key 5 of tree t has tag 1 no longer",
            ),
            (
                RadixTreeTagClear,
                [8, 5, 1, 0, 0, 0],
                "Key 5 of the tree at ffff880000000040 has no item that tag 1 could be taken from",
            ),
            (
                RadixTreePreload,
                [1, 12, 0, 0, 0, 0],
                "CPU 1 has 12 tree nodes set aside and disables preemption",
            ),
            (
                RadixTreePreload,
                [0, 1, error(Errno::ENOMEM), 0, 0, 0],
                "CPU 0 has 1 tree node of 12 set aside and gets no more: ENOMEM",
            ),
            (
                FsCreate,
                [12, 1, 0o040_755, 0, 0, 0],
                "Directory 12 comes into being in directory 1 (inode numbers)",
            ),
            (
                FsCreate,
                [13, 12, 0o100_644, 0, 0, 0],
                "File 13 comes into being in directory 12 (inode numbers)",
            ),
            (
                FsRemove,
                [13, 12, 0, 0, 0, 0],
                "Inode 13 is taken out of directory 12 (inode numbers)",
            ),
            (
                FsLookup,
                [12, 0, 0, 0, 0, 0],
                "A name that the dentry cache does not know is looked up in directory 12: there is \
                 none, and a negative dentry will say so",
            ),
            (
                FsLookup,
                [12, 13, 0, 0, 0, 0],
                "A name that the dentry cache does not know is looked up in directory 12: it is \
                 that of inode 13 (inode numbers)",
            ),
            (
                PruneDcache,
                [128, 8, 120, 70, 0, 0],
                "Pruning the dentry cache frees 120 of the 128 unused dentries that it may look \
                 at; 8 were used again and are spared; 70 stay unused",
            ),
            (
                PruneIcache,
                [128, 120, 70, 0, 0, 0],
                "Pruning the inode cache frees 120 of the 128 unused inodes that it may look at; \
                 70 stay unused",
            ),
            (
                FailNth,
                [error(Errno::ENOMEM), 0, 0, 0, 0, 0],
                "Fault injection makes an allocation fail: ENOMEM",
            ),
            (FailNth, [0; 6], "Fault injection lets an allocation pass"),
            (
                KmemCacheDefragBegin,
                [cache, 1, 40, 30, 10, 300],
                "Defragmentation of cache radix_tree_node looks through node 1: 30 of its 40 slabs \
                 are partial there, more than 10, with room for 300 objects",
            ),
            (
                KmemCacheDefragBegin,
                [cache, 0, 40, 1, 10, 3],
                "Defragmentation of cache radix_tree_node leaves node 0 alone: 1 partial slab \
                 there, and up to 10 are left alone",
            ),
            (
                KmemCacheDefragEnd,
                [cache, 1, 1, 0, 0, 0],
                "Defragmentation of cache radix_tree_node has done with node 1: 1 slab is left, \
                 0 partial slabs there",
            ),
            (
                KmemCacheDefrag,
                [cache, 300, 3, 14, 0, 1],
                "Defragmentation of cache radix_tree_node takes the slab of frame 300: 3 of its 14 \
                 objects are in use, no more than a quarter",
            ),
            (
                KmemCacheDefrag,
                [cache, 300, 1, 14, 30, 1],
                "Defragmentation of cache radix_tree_node takes the slab of frame 300: 1 of its 14 \
                 objects is in use, less than 30 %",
            ),
            (
                KmemCacheDefrag,
                [cache, 300, 9, 14, 0, 0],
                "Defragmentation of cache radix_tree_node stops at the slab of frame 300: 9 of its \
                 14 objects are in use, more than a quarter",
            ),
            (
                KmemCacheDefrag,
                [cache, 300, 3, 14, 0, 2],
                "Defragmentation of cache radix_tree_node stops at the slab of frame 300: 3 of its \
                 14 objects are in use, few enough, but they do not fit into the slabs that stay",
            ),
            (
                KmemCacheVacate,
                [cache, 300, 3, 2, 1, 0],
                "The slab of frame 300 of cache radix_tree_node is not emptied: get pinned 2 of 3 \
                 objects in use, and 1 is left after kick",
            ),
            (
                KmemCacheVacate,
                [cache, 300, 5, 5, 2, 0],
                "The slab of frame 300 of cache radix_tree_node is not emptied: get pinned 5 of 5 \
                 objects in use, and 2 are left after kick",
            ),
            (
                KmemCacheVacate,
                [cache, 300, 1, 1, 0, 0],
                "The slab of frame 300 of cache radix_tree_node is emptied: get pinned 1 of 1 \
                 object in use, and kick has left none",
            ),
            (
                KmemCacheVacate,
                [cache, 300, 1, 0, 1, 0],
                "The slab of frame 300 of cache radix_tree_node stays: get pinned none of 1 object \
                 in use",
            ),
            (
                KmemCacheGet,
                [cache, 300, 0, 0b1101, 0b101, 0],
                "get pins 2 of 3 objects in use in the slab of frame 300 of cache radix_tree_node",
            ),
            (
                KmemCacheMove,
                [cache, 512 * 300, 512 * 301, 0, 0, 0],
                "kick moves an object of cache radix_tree_node from ffff88000012c000 to \
                 ffff88000012d000",
            ),
            (
                KmemCacheVacateRefused,
                [0, 300, 1, 0, 0, 0],
                "Frame 300 is not vacated: only SLUB vacates slabs",
            ),
            (
                KmemCacheVacateRefused,
                [0, 300, 2, 0, 0, 0],
                "Frame 300 is not vacated: it is free",
            ),
            (
                KmemCacheVacateRefused,
                [0, 300, 3, 0, 0, 0],
                "Frame 300 is not vacated: it is no slab's",
            ),
            (
                KmemCacheVacateRefused,
                [cache, 300, 4, 0, 0, 0],
                "The slab of frame 300 of cache radix_tree_node is not vacated: it is frozen, \
                 since a CPU allocates from it",
            ),
            (
                KmemCacheVacateRefused,
                [cache, 300, 5, 0, 0, 0],
                "The slab of frame 300 of cache radix_tree_node is not vacated: it is empty already",
            ),
            (
                KmemCacheVacateRefused,
                [cache, 300, 6, 0, 0, 0],
                "The slab of frame 300 is not vacated: cache radix_tree_node has no get and kick",
            ),
            (
                KmemCacheVacateRefused,
                [cache, 300, 7, 0, 0, 0],
                "The slab of frame 300 of cache radix_tree_node is not vacated: there is no memory \
                 for the list of its objects",
            ),
        ];
        cases.extend(tasks::tests::cases());
        cases.extend(oom::tests::cases());
        cases.extend(reclaim::tests::cases());
        for &tracepoint in Tracepoint::ALL {
            let count = cases.iter().filter(|case| case.0 == tracepoint).count();
            let can_fail = tracepoint
                .fields()
                .iter()
                .any(|field| field.starts_with("ret"));
            assert!(
                count >= if can_fail { 2 } else { 1 },
                "{} is not explained in every case",
                tracepoint.name()
            );
        }
        for (tracepoint, args, expected) in cases {
            let (sentence, _) = explained(&mut kernel, tracepoint, args);
            assert_eq!(sentence, expected);
            crate::view::check_german(&sentence);
        }
        let (sentence, _) = explained(&mut kernel, RadixTreeExtend, [file, 11]);
        let expected = format!(
            "{} grows to height 11: it has room for keys up to 18446744073709551615",
            capital(file_tree)
        );
        assert_eq!(sentence, expected);
        crate::view::check_german(&sentence);
    }

    /// Numbers that no kernel would give.
    #[test]
    fn any_numbers_are_explained() {
        // Where SLOB's objects are takes a while to find out.
        for (allocator, rounds) in [("slub", 2000), ("slab", 500), ("slob", 150)] {
            let lines = ["radix create t", "radix insert t 5 7"];
            explain_any_numbers(kernel_on(allocator, &lines), rounds);
        }
    }

    fn explain_any_numbers(mut kernel: Kernel, rounds: u64) {
        let mut random = 1_u64;
        let frames = kernel.mem.frames();
        for round in 0..rounds {
            for &tracepoint in Tracepoint::ALL {
                let args = [0; 6].map(|_: u64| {
                    random = random
                        .wrapping_mul(0x5851_f42d_4c95_7f2d)
                        .wrapping_add(round);
                    random >> (random >> 58)
                });
                let (sentence, touches) = explained(&mut kernel, tracepoint, args);
                assert!(
                    !sentence.is_empty() && !sentence.contains('\n'),
                    "{sentence}"
                );
                assert!(touches.iter().all(|touch| touch.at / 512 < frames));
            }
        }
    }

    #[test]
    fn touches_are_the_objects_that_the_events_were_about() {
        let mut kernel = kernel(&[
            "radix create t gfp=GFP_KERNEL",
            "radix insert t 4096 7",
            "echo hello > f",
            "mkdir d",
            "radix preload",
            "radix preload_end",
            "echo 1 > /proc/self/fail-nth",
        ]);
        kernel.run_line(&mut Silence, b"radix insert t 1 1");
        kernel.run_line(&mut Silence, b"rm f");
        let mem = &kernel.mem;
        let names = |touches: &[Touch]| -> Vec<String> {
            let located = touches.iter().map(|touch| locate(mem, touch.at).unwrap());
            located.map(|located| located.name.to_string()).collect()
        };
        let mut seen = alloc::collections::BTreeMap::new();
        for (tracepoint, sentence, touches) in since(&kernel, 1) {
            for touch in &touches {
                let located = locate(mem, touch.at).unwrap();
                if tracepoint == Tracepoint::KmemCacheAlloc {
                    assert_eq!(
                        (located.at, located.size),
                        (touch.at, touch.bytes),
                        "{sentence}"
                    );
                }
                if located.state == ObjectState::Static {
                    assert!(touch.bytes <= located.size);
                }
            }
            seen.insert(tracepoint.name(), names(&touches));
        }
        let expect = |name: &str, objects: &[&str]| assert_eq!(seen[name], objects, "{name}");
        expect("fs:create", &["inode_cache", "dentry"]);
        // The dentry stays, and says that there is no such file.
        expect("fs:remove", &["inode_cache"]);
        expect("fs:lookup", &["dentry"]);
        expect("radix_tree:radix_tree_preload", &["radix_data"]);
        expect("kmem:fail_nth", &["mem_data"]);
        // The failed insertion left the tree without a leaf for its key.
        expect("radix_tree:radix_tree_insert", &["radix_tree_root"]);
        expect("console:line", &[]);
        let (_, touches) = {
            let root = NamedTree::root_of(kernel_core::shell::find_tree(mem, "t").unwrap());
            let args = [root.unit().into(), 4096, 7, 0];
            explained(&mut kernel, Tracepoint::RadixTreeInsert, args)
        };
        let leaf = locate(&kernel.mem, touches[1].at).unwrap();
        assert_eq!((&*leaf.name, leaf.at), ("radix_tree_node", touches[1].at));
        assert_eq!(kernel.mem[TRACE].step, 9);
    }
}
