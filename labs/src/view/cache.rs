//! One slab cache from within: its slabs, each as its objects, and who holds which free ones.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{CacheView, Table, View, address, headings};

/// A cache as its slabs. On SLOB, which has no slabs, the pages of the ring that its objects share
/// with those of all other caches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheSlabsView {
    /// The allocator: `slab`, `slub` or `slob`.
    pub allocator: String,
    /// The cache.
    pub cache: CacheView,
    /// What the bytes of an object's place are for, from its first to its last.
    pub layout: Vec<Segment>,
    /// What each CPU allocates from, by CPU; none on SLOB.
    pub cpus: Vec<CpuView>,
    /// The lists of each NUMA node, by node; none on SLOB.
    pub nodes: Vec<NodeView>,
    /// Slabs in the order of their addresses.
    pub slabs: Vec<SlabPage>,
    /// How many slabs come before the first of `slabs`.
    pub before: u32,
    /// How many come behind the last.
    pub after: u32,
}

/// Bytes of an object's place that serve one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Where it begins, in bytes from the place's beginning.
    pub from: u32,
    /// Where it ends, exclusive.
    pub to: u32,
    /// What for.
    pub kind: SegmentKind,
}

/// What bytes of an object's place are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SegmentKind {
    /// What the user asked for. Free, it may hold poison, and in its first word SLUB's link to the
    /// next free object.
    Object,
    /// Bytes that nobody may write to.
    RedZone,
    /// Where a free object names the next one, if that is not in the object itself.
    FreePointer,
    /// Who allocated it last.
    Allocated,
    /// Who freed it last.
    Freed,
    /// Nothing: alignment.
    Padding,
}

impl SegmentKind {
    /// What the bytes are, as a word or two.
    pub fn word(self) -> &'static str {
        match self {
            SegmentKind::Object => words::slab::segment_object(),
            SegmentKind::RedZone => words::slab::segment_red_zone(),
            SegmentKind::FreePointer => words::slab::segment_pointer(),
            SegmentKind::Allocated => words::slab::segment_allocated(),
            SegmentKind::Freed => words::slab::segment_freed(),
            SegmentKind::Padding => words::slab::segment_padding(),
        }
    }
}

/// What one CPU allocates from without asking anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuView {
    /// SLUB: the frame where the slab begins that the CPU owns, if it owns one.
    pub slab: Option<u32>,
    /// Free objects, the one that is allocated next first, in units of 8 bytes: SLUB's chain of its
    /// own, SLAB's array.
    pub free: Vec<u32>,
    /// SLAB: how many objects the array takes; else 0.
    pub limit: u32,
    /// SLAB: how many come and go at once; else 0.
    pub batchcount: u32,
    /// SLAB: whether the array was used since the reaper came by.
    pub touched: bool,
}

/// A NUMA node's lists of slabs, each named by its first frame, in the order of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// Slabs with free objects and used ones.
    pub partial: SlabNames,
    /// Slabs without free objects, where the allocator lists them.
    pub full: SlabNames,
    /// SLAB: slabs without used objects.
    pub free: SlabNames,
    /// SLAB: free objects that the node's CPUs share, the next one first.
    pub shared: Vec<u32>,
    /// SLAB: free objects of other nodes that wait here to go home.
    pub alien: Vec<u32>,
    /// SLAB: the colour of the next slab.
    pub colour_next: u32,
}

/// A list of slabs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlabNames {
    /// The frame of each, from the list's head on; no more than the first 256.
    pub frames: Vec<u32>,
    /// How many there are.
    pub count: u32,
}

/// One slab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlabPage {
    /// Its first frame.
    pub frame: u32,
    /// Its NUMA node.
    pub node: u32,
    /// Where the allocator keeps it.
    pub list: SlabList,
    /// Objects that are in use; those that CPUs keep are not. On SLOB, 0.
    pub in_use: u32,
    /// Bytes before the first object: SLAB's colour, and its descriptor if that is on the slab.
    pub offset: u32,
    /// Of these, how many are the colour.
    pub colour: u32,
    /// Places in the order of their addresses. On SLOB the blocks of the ring's page, free ones and
    /// the used ones between them. Where one used block ends and the next begins SLOB itself does
    /// not know; they are parted as far as anybody points to them.
    pub places: Vec<PlaceView>,
    /// The slab's own chain of free objects, the next one first, as numbers into `places`; it ends
    /// early where it leads astray. The chain of the CPU that owns the slab is in
    /// [`CpuView::free`]. On SLOB, the page's free blocks.
    pub chain: Vec<u16>,
    /// What debugging would say of the slab itself: `Padding overwritten`, ...; empty if nothing.
    pub damage: String,
}

/// Where an allocator keeps a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SlabList {
    /// SLUB: a CPU owns it.
    Cpu(u32),
    /// On its node's list of partial slabs.
    Partial,
    /// Full, whether listed or not.
    Full,
    /// SLAB: on its node's list of free slabs. SLUB: on the partial list, though nothing is in use.
    Free,
    /// SLOB: in the ring.
    Ring,
}

/// A place for an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceView {
    /// Where it begins, in units of 8 bytes.
    pub at: u32,
    /// Bytes.
    pub bytes: u32,
    /// Who has it.
    pub state: PlaceState,
    /// What debugging would say of it, in the kernel's words: `Redzone overwritten`, ...; empty if
    /// nothing, or if the cache is not watched.
    pub damage: String,
    /// SLOB: the cache that a used block was given out for, as far as anybody knows; else empty.
    pub cache: String,
}

/// Who has an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlaceState {
    /// A user.
    InUse,
    /// The slab: it is free.
    Free,
    /// A CPU's chain or array, or a node's array: it is free, but not everybody's.
    Kept,
}

impl SlabList {
    /// Where that is, in a few words.
    pub fn words(self) -> String {
        match self {
            SlabList::Cpu(cpu) => words::slab::cpu(cpu),
            SlabList::Partial => words::slab::list_partial().to_string(),
            SlabList::Full => words::slab::list_full().to_string(),
            SlabList::Free => words::slab::list_free().to_string(),
            SlabList::Ring => words::slab::list_ring().to_string(),
        }
    }
}

impl PlaceState {
    /// The state in words.
    pub fn words(self) -> &'static str {
        match self {
            PlaceState::InUse => words::slab::state_in_use(),
            PlaceState::Free => words::slab::state_free(),
            PlaceState::Kept => words::slab::state_kept(),
        }
    }
}

impl SlabPage {
    /// How many of the places are in a state.
    pub fn count(&self, state: PlaceState) -> usize {
        let places = self.places.iter();
        places.filter(|place| place.state == state).count()
    }

    /// The places as text, from the first to the last: `0-2 in use, 3 free`. On SLOB with the cache
    /// of each: `0-2 in use (dentry)`.
    fn places_in_words(&self) -> String {
        let mut text = String::new();
        let mut first = 0;
        let alike =
            |one: &PlaceView, next: &PlaceView| one.state == next.state && one.cache == next.cache;
        for run in self.places.chunk_by(alike) {
            if first > 0 {
                text.push_str(", ");
            }
            let last = first + run.len() - 1;
            text.push_str(&first.to_string());
            if last > first {
                text.push_str(&format!("-{last}"));
            }
            text.push(' ');
            text.push_str(run[0].state.words());
            if !run[0].cache.is_empty() {
                text.push_str(&format!(" ({})", run[0].cache));
            }
            first = last + 1;
        }
        text
    }

    /// The free places in the order in which they are handed out: by the CPUs that keep them, then
    /// by the slab: `CPU 0: 4, 2; 3, 1`.
    fn turns_in_words(&self, cpus: &[CpuView]) -> String {
        let mut turns: Vec<String> = Vec::new();
        let mut add = |holder: String, numbers: Vec<String>| {
            if !numbers.is_empty() {
                turns.push(holder + &numbers.join(", "));
            }
        };
        for (cpu, it) in cpus.iter().enumerate() {
            let number = |at: &u32| self.places.binary_search_by_key(at, |place| place.at).ok();
            let numbers = it.free.iter().filter_map(number);
            add(
                words::slab::cpu(cpu) + ": ",
                numbers.map(|number| number.to_string()).collect(),
            );
        }
        let chain = self.chain.iter().map(|number| number.to_string());
        add(String::new(), chain.collect());
        turns.join("; ")
    }

    /// What debugging would say, of the slab and of its objects.
    fn damages(&self) -> String {
        let mut text = self.damage.clone();
        for place in self.places.iter().filter(|place| !place.damage.is_empty()) {
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str(&words::slab::damage_at(&place.damage, address(place.at)));
        }
        text
    }
}

impl View for CacheSlabsView {
    fn table(&self) -> Table {
        let rows = self.slabs.iter().map(|slab| {
            [
                slab.frame.to_string(),
                slab.node.to_string(),
                slab.list.words(),
                slab.offset.to_string(),
                slab.places_in_words(),
                slab.turns_in_words(&self.cpus),
                slab.damages(),
            ]
            .into()
        });
        Table {
            caption: self.sentence(),
            columns: headings([
                words::slab::column_frame(),
                words::slab::column_node(),
                words::slab::column_list(),
                words::slab::column_offset(),
                words::slab::column_objects(),
                words::slab::column_turns(),
                words::slab::column_damage(),
            ]),
            rows: rows.collect(),
        }
    }

    fn sentence(&self) -> String {
        let CacheView {
            name,
            active_objects,
            total_objects,
            slabs,
            ..
        } = &self.cache;
        let mut text = match self.allocator.as_str() {
            "slob" => words::slab::cache_slob((*active_objects).into(), name),
            allocator => words::slab::cache(
                name,
                allocator.to_ascii_uppercase(),
                active_objects,
                words::slab::objects((*total_objects).into()),
                words::slab::slabs((*slabs).into()),
            ),
        };
        let hundredths = fragmentation(&self.cache);
        if hundredths > 0 {
            text.push_str(&words::slab::cache_times(ratio(hundredths)));
        }
        for (what, value) in self.cache.traits() {
            text.push_str(&format!("; {what} {value}"));
        }
        if self.before + self.after > 0 {
            text.push_str(&match self.slabs.len() {
                0 => words::slab::none_listed().to_string(),
                shown => words::slab::some_listed(self.before + 1, shown),
            });
        }
        text
    }
}

/// What defragmentation did to one cache during a step of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefragView {
    /// The step whose line ran.
    pub step: u32,
    /// All caches that it looked at, in order: what else can be asked for.
    pub caches: Vec<String>,
    /// The cache before the step: its first slabs.
    pub before: CacheSlabsView,
    /// The cache after it.
    pub after: CacheSlabsView,
    /// The nodes whose partial slabs were looked through, in order.
    pub runs: Vec<DefragRun>,
    /// Slabs that were looked at, in order: chosen, or the one at which choosing ended.
    pub choices: Vec<DefragChoice>,
    /// Further ones, which are not listed.
    pub choices_omitted: u32,
    /// Slabs that were vacated or tried, in order.
    pub vacated: Vec<Vacated>,
    /// Further ones, which are not listed.
    pub vacated_omitted: u32,
    /// What happened to all objects of slabs that were vacated, listed or not.
    pub fates: FateCounts,
}

/// One look through the partial slabs of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefragRun {
    /// Number of the event that tells it.
    pub event: u64,
    /// The node.
    pub node: u32,
    /// Slabs of the cache, on all nodes.
    pub slabs: u32,
    /// The same afterwards.
    pub slabs_after: u32,
    /// Partial slabs on the node.
    pub partial: u32,
    /// Partial slabs that are left alone.
    pub max_partial: u32,
    /// Free places in the node's partial slabs: what there is room for.
    pub room: u32,
    /// What was decided and why, as a sentence.
    pub because: String,
}

/// Why a slab was chosen, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefragChoice {
    /// Number of the event that tells it.
    pub event: u64,
    /// The slab's first frame.
    pub frame: u32,
    /// Objects in use.
    pub in_use: u32,
    /// Objects that it has room for.
    pub objects: u32,
    /// Whether it was chosen.
    pub chosen: bool,
    /// Why, as a sentence.
    pub because: String,
}

/// What became of a slab that was to be vacated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vacated {
    /// Number of the event that tells it.
    pub event: u64,
    /// The slab's first frame.
    pub frame: u32,
    /// Why it was not even tried, as a sentence; empty if it was.
    pub refused: String,
    /// Objects that `get` was asked to pin.
    pub objects: u32,
    /// Those that it did pin.
    pub pinned: u32,
    /// Objects left after `kick`; 0: the slab is empty.
    pub left: u32,
    /// What became of each object that was in use, in the order of their addresses; empty where so
    /// many slabs were vacated that the list would be too long.
    pub fates: Vec<ObjectFate>,
}

/// What became of an object whose slab was to be vacated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectFate {
    /// Where it was, in units of 8 bytes.
    pub at: u32,
    /// What became of it.
    pub fate: Fate,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// `get` did not pin it, so it stayed.
    Spared,
    /// `get` pinned it, but `kick` left it where it was.
    Kept,
    /// `kick` freed it.
    Freed,
    /// `kick` moved it there, in units of 8 bytes.
    Moved(u32),
}

impl Fate {
    /// What happened, in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Fate::Spared => words::slab::fate_spared(),
            Fate::Kept => words::slab::fate_kept(),
            Fate::Freed => words::slab::fate_freed(),
            Fate::Moved(_) => words::slab::fate_moved(),
        }
    }

    /// The same, and where to.
    pub fn in_full(self) -> String {
        match self {
            Fate::Moved(to) => words::slab::fate_moved_to(address(to)),
            fate => fate.words().to_string(),
        }
    }
}

/// How many objects met which fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FateCounts {
    /// [`Fate::Spared`].
    pub spared: u32,
    /// [`Fate::Kept`].
    pub kept: u32,
    /// [`Fate::Freed`].
    pub freed: u32,
    /// [`Fate::Moved`].
    pub moved: u32,
}

impl View for DefragView {
    fn table(&self) -> Table {
        let runs = self.runs.iter().map(|run| {
            let what = words::slab::node(run.node);
            let because = words::told(&run.because);
            (run.event, what, String::new(), because)
        });
        let choices = self.choices.iter().map(|choice| {
            let what = words::slab::slab_of_frame(choice.frame);
            let objects = words::slab::of(choice.in_use, choice.objects);
            let because = words::told(&choice.because);
            (choice.event, what, objects, because)
        });
        let vacated = self.vacated.iter().map(|slab| {
            let what = words::slab::slab_of_frame(slab.frame);
            let objects = words::slab::of(slab.pinned, slab.objects);
            (slab.event, what, objects, slab.in_words())
        });
        let mut rows: Vec<(u64, String, String, String)> = Vec::new();
        for row in runs.chain(choices).chain(vacated) {
            rows.insert(rows.partition_point(|other| other.0 <= row.0), row);
        }
        Table {
            caption: self.sentence(),
            columns: headings([
                words::slab::column_event(),
                words::slab::column_about(),
                words::slab::column_objects(),
                words::slab::column_decided(),
            ]),
            rows: rows
                .into_iter()
                .map(|(event, what, objects, because)| {
                    [event.to_string(), what, objects, because].into()
                })
                .collect(),
        }
    }

    fn sentence(&self) -> String {
        let (before, after) = (&self.before.cache, &self.after.cache);
        let pages = |cache: &CacheView| u64::from(cache.slabs) * u64::from(cache.pages_per_slab);
        let mut text = words::slab::defragmented(
            self.step,
            &before.name,
            words::slab::pages(pages(before)),
            ratio(fragmentation(before)),
            pages(after),
            ratio(fragmentation(after)),
        );
        let FateCounts {
            spared,
            kept,
            freed,
            moved,
        } = self.fates;
        text.push_str(&words::slab::fates(moved.into(), freed, kept, spared));
        let omitted = self.choices_omitted + self.vacated_omitted;
        if omitted > 0 {
            text.push_str(&words::slab::more_decisions(omitted));
        }
        text
    }
}

impl Vacated {
    /// What became of it.
    fn in_words(&self) -> String {
        if !self.refused.is_empty() {
            return words::told(&self.refused);
        }
        let mut text = match self.left {
            0 => words::slab::emptied().to_string(),
            left => words::slab::not_emptied(left.into()),
        };
        for fate in &self.fates {
            text.push_str(&format!("; {} {}", address(fate.at), fate.fate.in_full()));
        }
        text
    }
}

/// Hundredths as a decimal fraction.
pub(super) fn ratio(hundredths: u32) -> String {
    words::slab::ratio(hundredths / 100, format_args!("{:02}", hundredths % 100))
}

/// How badly a cache is fragmented: pages held for each page that its objects need, in hundredths.
/// 100 is the best there is; 0 if nothing is in use.
pub fn fragmentation(cache: &CacheView) -> u32 {
    let needed = u64::from(cache.active_objects).div_ceil(u64::from(cache.objects_per_slab.max(1)));
    match needed {
        0 => 0,
        needed => (u64::from(cache.slabs) * 100 / needed) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(slabs: u32) -> CacheView {
        CacheView {
            name: "m".into(),
            objects_per_slab: 4,
            pages_per_slab: 1,
            active_objects: 5,
            total_objects: slabs * 4,
            slabs,
            ..CacheView::default()
        }
    }

    #[test]
    fn a_cache_reads_as_a_sentence_and_a_table() {
        use PlaceState::*;
        let place = |number: u32, state, damage: &str| PlaceView {
            at: 512 + 2 * number,
            bytes: 16,
            state,
            damage: damage.into(),
            cache: String::new(),
        };
        let slab = SlabPage {
            frame: 1,
            node: 0,
            list: SlabList::Cpu(1),
            in_use: 2,
            offset: 0,
            colour: 0,
            places: [
                place(0, InUse, ""),
                place(1, InUse, "Redzone overwritten"),
                place(2, Kept, ""),
                place(3, Free, "Poison overwritten"),
            ]
            .into(),
            chain: [3].into(),
            damage: "Padding overwritten".into(),
        };
        let mut view = CacheSlabsView {
            allocator: "slub".into(),
            cache: cache(5),
            slabs: [slab].into(),
            before: 3,
            after: 1,
            cpus: [CpuView {
                free: [512 + 4, 9000].into(),
                ..CpuView::default()
            }]
            .into(),
            ..CacheSlabsView::default()
        };
        assert_eq!(
            view.sentence(),
            "cache m on SLUB: 5 of 20 objects in use in 5 slabs, 2.50 times what they need; those \
             from number 4 on are listed, 1 of them"
        );
        let table = view.table();
        assert_eq!(table.columns.len(), table.rows[0].len());
        assert_eq!(
            table.rows,
            [[
                "1",
                "0",
                "CPU 1",
                "0",
                "0-1 in use, 2 kept by a CPU, 3 free",
                "CPU 0: 2; 3",
                "Padding overwritten; Redzone overwritten at ffff880000001010; Poison overwritten \
                 at ffff880000001030"
            ]]
        );
        view.cache.flags = "FZ".into();
        view.cache.aliases = ["n".into(), "o".into()].into();
        let sentence = view.sentence();
        assert!(
            sentence.contains("need; watched for FZ; also n, o; those from"),
            "{sentence}"
        );
        view.allocator = "slob".into();
        for place in &mut view.slabs[0].places[1..3] {
            (place.state, place.cache) = (InUse, "dentry".into());
        }
        assert_eq!(
            view.table().rows[0][4],
            "0 in use, 1-2 in use (dentry), 3 free"
        );
        view.cache = CacheView {
            name: "m".into(),
            active_objects: 1,
            ..CacheView::default()
        };
        (view.before, view.after) = (0, 0);
        assert_eq!(
            view.sentence(),
            "cache m of 1 object in use, in the ring of SLOB"
        );
    }

    #[test]
    fn a_defragmentation_reads_as_a_sentence_and_a_table() {
        let slabs = |slabs| CacheSlabsView {
            cache: cache(slabs),
            ..CacheSlabsView::default()
        };
        let fates = [
            (512, Fate::Moved(1024)),
            (514, Fate::Kept),
            (516, Fate::Spared),
            (518, Fate::Freed),
        ];
        let view = DefragView {
            step: 7,
            caches: ["m".into()].into(),
            before: slabs(8),
            after: slabs(2),
            runs: [DefragRun {
                event: 10,
                node: 1,
                because: "many are partial".into(),
                ..DefragRun::default()
            }]
            .into(),
            choices: [DefragChoice {
                event: 11,
                frame: 1,
                in_use: 1,
                objects: 4,
                chosen: true,
                because: "no more than a quarter".into(),
            }]
            .into(),
            choices_omitted: 1,
            vacated: [Vacated {
                event: 20,
                frame: 1,
                refused: String::new(),
                objects: 4,
                pinned: 3,
                left: 2,
                fates: fates.map(|(at, fate)| ObjectFate { at, fate }).into(),
            }]
            .into(),
            vacated_omitted: 2,
            fates: FateCounts {
                spared: 1,
                kept: 1,
                freed: 1,
                moved: 1,
            },
        };
        assert_eq!(
            view.sentence(),
            "step 7 defragmented cache m: it held 8 pages, 4.00 times what its objects need, and \
             holds 2 now, 1.00 times; 1 object moved, 1 freed, 1 left by kick, 1 not pinned by \
             get; 3 more decisions are not listed"
        );
        let table = view.table();
        assert_eq!(
            table.rows,
            [
                ["10", "node 1", "", "many are partial"],
                ["11", "slab of frame 1", "1 of 4", "no more than a quarter"],
                [
                    "20",
                    "slab of frame 1",
                    "3 of 4",
                    "not emptied: 2 objects left; ffff880000001000 moved by kick to \
                     ffff880000002000; ffff880000001010 pinned, but left by kick; \
                     ffff880000001020 not pinned by get; ffff880000001030 freed by kick"
                ],
            ]
        );
        assert_eq!(table.columns.len(), 4);
    }

    #[test]
    fn fragmentation_is_what_is_held_for_what_is_needed() {
        let of = |active_objects, slabs| {
            fragmentation(&CacheView {
                active_objects,
                ..cache(slabs)
            })
        };
        assert_eq!([of(0, 3), of(4, 1), of(5, 2), of(1, 3)], [0, 100, 100, 300]);
    }
}
