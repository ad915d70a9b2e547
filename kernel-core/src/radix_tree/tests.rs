//! The tree against the specification's vectors and against a map that cannot be wrong.

extern crate std;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::vec::Vec;
use std::{format, println, vec};

use super::*;
use crate::machine::MachineConfig;
use crate::mem::{MEM, Ram};
use crate::testing::Random;

/// A kernel's memory with one tree in it.
struct Bed {
    mem: Mem,
    root: Ref<RadixTreeRoot>,
}

impl Bed {
    fn new(gfp: Gfp) -> Bed {
        let config = MachineConfig::parse("mem=4M cpus=2").unwrap();
        let mut mem = Mem::boot(Ram::new(config.frames).unwrap(), &config);
        slab::boot(&mut mem, slab::Allocator::Slub).unwrap();
        boot(&mut mem).unwrap();
        let cache = slab::kmem_cache_create(&mut mem, "root", 24, 8, Constructor::None).unwrap();
        let root = slab::kmem_cache_alloc(&mut mem, cache, Gfp::KERNEL).unwrap();
        mem[root] = init(gfp);
        Bed { mem, root }
    }

    fn check(&self) {
        check(&self.mem, self.root).unwrap();
        slab::check(&self.mem).unwrap();
        self.mem.check_buddy().unwrap();
    }

    /// Height and live nodes.
    fn shape(&self) -> (u32, u64) {
        let Stat { height, nodes, .. } = stat(&self.mem, self.root);
        (height, nodes)
    }

    fn insert(&mut self, key: u64) -> Result<(), Errno> {
        insert(&mut self.mem, self.root, key, key as u32 | 1)
    }

    fn delete(&mut self, key: u64) -> Option<u32> {
        delete(&mut self.mem, self.root, key)
    }

    /// Nodes in use anywhere: in the tree or in a pool.
    fn live_nodes(&self) -> u32 {
        slab::counts(&self.mem, self.mem[RADIX_TREE].node_cache).active_objects
    }
}

/// specs/memory.md 1.7, the column of 2.6.16.
#[test]
fn shapes_of_the_specification() {
    let mut bed = Bed::new(Gfp::ATOMIC);
    let mut grow = |key, shape| {
        assert_eq!(bed.insert(key), Ok(()));
        bed.check();
        assert_eq!(bed.shape(), shape, "after {key}");
    };
    grow(0, (1, 1));
    grow(63, (1, 1));
    grow(64, (2, 3));
    grow(4096, (3, 6));
    grow(1 << 18, (4, 10));
    assert_eq!(bed.insert(64), Err(Errno::EEXIST));
    for (key, shape) in [
        (1 << 18, (3, 6)),
        (4096, (2, 3)),
        (64, (1, 1)),
        (63, (1, 1)),
        (0, (0, 0)),
    ] {
        assert_eq!(bed.delete(key), Some(key as u32 | 1));
        bed.check();
        assert_eq!(bed.shape(), shape, "after delete of {key}");
    }
    assert_eq!(bed.insert(u64::MAX), Ok(()));
    assert_eq!(bed.shape(), (11, 11));
    assert_eq!(bed.insert(0), Ok(()));
    assert_eq!(bed.shape(), (11, 21));
    bed.delete(u64::MAX);
    assert_eq!(bed.shape(), (1, 1));
    bed.check();
}

/// A single child in a slot other than 0 keeps the height (specs/memory.md 1.4).
#[test]
fn only_slot_zero_lets_the_tree_shrink() {
    let mut bed = Bed::new(Gfp::ATOMIC);
    bed.insert(100).unwrap();
    bed.insert(5000).unwrap();
    bed.delete(100);
    assert_eq!(bed.shape().0, 3);
    bed.delete(5000);
    bed.insert(5).unwrap();
    bed.insert(5000).unwrap();
    bed.delete(5000);
    assert_eq!(bed.shape(), (1, 1));
    bed.check();
}

#[test]
fn largest_keys() {
    assert_eq!(
        [0, 1, 2, 3, 4, 5, 6, 10, 11].map(max_key),
        [
            0,
            0x3f,
            0xfff,
            0x3ffff,
            0xff_ffff,
            0x3fff_ffff,
            0xf_ffff_ffff,
            (1 << 60) - 1,
            u64::MAX
        ]
    );
}

/// As in 2.6.16 the slot of an absent key is found if its leaf exists.
#[test]
fn an_empty_slot_is_still_a_slot() {
    let mut bed = Bed::new(Gfp::ATOMIC);
    assert_eq!(lookup_slot(&bed.mem, bed.root, 0), None);
    bed.insert(8).unwrap();
    let slot = lookup_slot(&bed.mem, bed.root, 9).unwrap();
    assert_eq!(slot.get(&bed.mem), 0);
    assert_eq!(replace_slot(&mut bed.mem, slot, 1), Err(Errno::EINVAL));
    let slot = lookup_slot(&bed.mem, bed.root, 8).unwrap();
    assert_eq!(replace_slot(&mut bed.mem, slot, 77), Ok(()));
    assert_eq!(lookup(&bed.mem, bed.root, 8), Some(77));
    assert_eq!(insert(&mut bed.mem, bed.root, 9, 0), Err(Errno::EINVAL));
}

#[test]
fn tags_speak_of_items_only() {
    let mut bed = Bed::new(Gfp::ATOMIC);
    let Bed { mem, root } = &mut bed;
    assert_eq!(tag_set(mem, *root, 5, Tag::Zero), Err(Errno::ENOENT));
    assert_eq!(tag_get(mem, *root, 5, Tag::Zero), TagState::Absent);
    insert(mem, *root, 5, 50).unwrap();
    assert_eq!(tag_get(mem, *root, 5, Tag::Zero), TagState::Untagged);
    assert_eq!(tag_set(mem, *root, 5, Tag::Zero), Ok(50));
    assert_eq!(tag_get(mem, *root, 5, Tag::Zero), TagState::Tagged);
    assert_eq!(tag_get(mem, *root, 5, Tag::One), TagState::Untagged);
    assert!(tagged(mem, *root, Tag::Zero) && !tagged(mem, *root, Tag::One));
    // The new levels above learn of the tag.
    insert(mem, *root, 1 << 40, 60).unwrap();
    check(mem, *root).unwrap();
    assert_eq!(tag_clear(mem, *root, 1 << 40, Tag::Zero), Some(60));
    assert_eq!(tag_clear(mem, *root, 6, Tag::Zero), None);
    assert_eq!(delete(mem, *root, 5), Some(50));
    assert!(!tagged(mem, *root, Tag::Zero));
    assert_eq!(Tag::new(2), Err(Errno::EINVAL));
    bed.check();
}

/// Keys that crowd around the places where trees grow, and some anywhere.
fn random_key(random: &mut Random) -> u64 {
    let near = random.below(200);
    match random.below(8) {
        0 => u64::MAX - near,
        1 => random.next(),
        2 => 4096 + near,
        3 => (1 << 18) - 100 + near,
        4 => (1 << (6 * random.below(11))) + near,
        _ => near,
    }
}

#[derive(Debug, Clone, Copy)]
enum Op {
    Insert(u64, u32),
    Delete(u64),
    Lookup(u64),
    TagSet(u64, bool),
    TagClear(u64, bool),
    TagGet(u64, bool),
    Gang(u64, usize),
    GangTag(u64, usize, bool),
}

impl Op {
    fn random(random: &mut Random) -> Op {
        let key = random_key(random);
        let tag = random.below(2) == 1;
        let max = random.below(80) as usize;
        match random.below(12) {
            0..=3 => Op::Insert(key, random.next() as u32 | 1),
            4 | 5 => Op::Delete(key),
            6 => Op::Lookup(key),
            7 | 8 => Op::TagSet(key, tag),
            9 => Op::TagClear(key, tag),
            10 if max < 40 => Op::TagGet(key, tag),
            10 => Op::Gang(key, max),
            _ => Op::GangTag(key, max, tag),
        }
    }
}

fn tag(one: bool) -> Tag {
    if one { Tag::One } else { Tag::Zero }
}

/// Runs `ops` on the tree and on the model; the first difference is the error.
fn compare(ops: &[Op]) -> Result<(), std::string::String> {
    let mut bed = Bed::new(Gfp::ATOMIC);
    let mut model: BTreeMap<u64, (u32, [bool; 2])> = BTreeMap::new();
    let free_before = bed.mem.free_frames();
    for (number, &op) in ops.iter().enumerate() {
        let Bed { mem, root } = &mut bed;
        let root = *root;
        let (got, expected) = match op {
            Op::Insert(key, item) => {
                let expected = match model.entry(key) {
                    Entry::Occupied(_) => Err(Errno::EEXIST),
                    Entry::Vacant(entry) => {
                        entry.insert((item, [false; 2]));
                        Ok(())
                    }
                };
                (
                    format!("{:?}", insert(mem, root, key, item)),
                    format!("{expected:?}"),
                )
            }
            Op::Delete(key) => (
                format!("{:?}", delete(mem, root, key)),
                format!("{:?}", model.remove(&key).map(|(item, _)| item)),
            ),
            Op::Lookup(key) => (
                format!("{:?}", lookup(mem, root, key)),
                format!("{:?}", model.get(&key).map(|(item, _)| item)),
            ),
            Op::TagSet(key, one) => {
                let expected = model.get_mut(&key).map(|(item, tags)| {
                    tags[usize::from(one)] = true;
                    *item
                });
                (
                    format!("{:?}", tag_set(mem, root, key, tag(one)).ok()),
                    format!("{expected:?}"),
                )
            }
            Op::TagClear(key, one) => {
                let expected = model.get_mut(&key).map(|(item, tags)| {
                    tags[usize::from(one)] = false;
                    *item
                });
                (
                    format!("{:?}", tag_clear(mem, root, key, tag(one))),
                    format!("{expected:?}"),
                )
            }
            Op::TagGet(key, one) => {
                let expected = match model.get(&key) {
                    None => TagState::Absent,
                    Some((_, tags)) if tags[usize::from(one)] => TagState::Tagged,
                    Some(_) => TagState::Untagged,
                };
                (
                    format!("{:?}", tag_get(mem, root, key, tag(one))),
                    format!("{expected:?}"),
                )
            }
            Op::Gang(first, max) => {
                let mut results = vec![0; max];
                let found = gang_lookup(mem, root, &mut results, first);
                let expected: Vec<u32> = model
                    .range(first..)
                    .take(max)
                    .map(|(_, (item, _))| *item)
                    .collect();
                (format!("{:?}", &results[..found]), format!("{expected:?}"))
            }
            Op::GangTag(first, max, one) => {
                let mut results = vec![0; max];
                let found = gang_lookup_tag(mem, root, &mut results, first, tag(one));
                let tagged = model
                    .range(first..)
                    .filter(|(_, (_, tags))| tags[usize::from(one)]);
                let expected: Vec<u32> = tagged.take(max).map(|(_, (item, _))| *item).collect();
                (format!("{:?}", &results[..found]), format!("{expected:?}"))
            }
        };
        if got != expected {
            return Err(format!(
                "op {number}, {op:?}: got {got}, expected {expected}"
            ));
        }
        check(mem, root).map_err(|error| format!("op {number}, {op:?}: {error}"))?;
        let any = |one: usize| model.values().any(|(_, tags)| tags[one]);
        if [Tag::Zero, Tag::One].map(|tag| tagged(mem, root, tag)) != [any(0), any(1)] {
            return Err(format!("op {number}, {op:?}: tagged differs"));
        }
        if stat(mem, root).items != model.len() as u64 {
            return Err(format!("op {number}, {op:?}: the number of items differs"));
        }
    }
    // Deleting every item frees every node, and shrinking the cache every page.
    for &key in model.keys() {
        delete(&mut bed.mem, bed.root, key);
    }
    if bed.shape() != (0, 0) || bed.live_nodes() != 0 {
        return Err("deleting every item leaves nodes".into());
    }
    let cache = bed.mem[RADIX_TREE].node_cache;
    slab::kmem_cache_shrink(&mut bed.mem, cache);
    slab::check(&bed.mem)?;
    bed.mem.check_buddy()?;
    // Shrinking may take a page that the cache had before.
    if bed.mem.free_frames() + crate::testing::general_pages(&bed.mem) < free_before {
        Err("pages were lost".into())
    } else {
        Ok(())
    }
}

/// Leaves out operations for as long as the rest still fails.
fn shrink_ops(mut ops: Vec<Op>) -> Vec<Op> {
    let mut chunk = ops.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < ops.len() {
            let mut fewer = ops.clone();
            fewer.drain(at..(at + chunk).min(ops.len()));
            if compare(&fewer).is_err() {
                ops = fewer
            } else {
                at += chunk
            }
        }
        chunk /= 2;
    }
    ops
}

#[test]
fn agrees_with_a_map() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let ops: Vec<Op> = (0..400).map(|_| Op::random(&mut random)).collect();
        if compare(&ops).is_err() {
            let ops = shrink_ops(ops);
            panic!("seed {seed}: {:?} by {ops:?}", compare(&ops));
        }
    }
}

/// Fails the n-th allocation of a run of insertions, for every n, and goes on.
#[test]
fn survives_every_failed_allocation() {
    let keys = [0, 63, 64, 4096, 1 << 30, u64::MAX, 100, 1 << 59, 5, 70_000];
    let mut failures = 0;
    for nth in 1.. {
        let mut bed = Bed::new(Gfp::ATOMIC);
        bed.mem.set_fail_nth(nth);
        let mut present = Vec::new();
        for key in keys {
            match bed.insert(key) {
                Ok(()) => present.push(key),
                Err(errno) => {
                    assert_eq!(errno, Errno::ENOMEM);
                    failures += 1;
                }
            }
            bed.check();
            for other in keys {
                let expected = present.contains(&other).then_some(other as u32 | 1);
                assert_eq!(
                    lookup(&bed.mem, bed.root, other),
                    expected,
                    "key {other}, failing {nth}"
                );
            }
            let mut all = [0; 16];
            assert_eq!(gang_lookup(&bed.mem, bed.root, &mut all, 0), present.len());
        }
        let fired = bed.mem[MEM].fail_nth == 0;
        // What failed can be done now, and everything taken out again.
        for key in keys {
            let expected = if present.contains(&key) {
                Err(Errno::EEXIST)
            } else {
                Ok(())
            };
            assert_eq!(bed.insert(key), expected);
        }
        for key in keys {
            assert!(bed.delete(key).is_some());
            bed.check();
        }
        if !fired {
            println!("{failures} insertions failed over {nth} runs");
            break;
        }
    }
    assert!(failures > 30, "only {failures} insertions failed");
}

/// With a full pool an insertion succeeds though no memory is to be had, on that CPU and for trees
/// that may not sleep.
#[test]
fn preload_is_a_guarantee() {
    for (gfp, cpu, expected) in [
        (Gfp::ATOMIC, 0, Ok(())),
        (Gfp::ATOMIC, 1, Err(Errno::ENOMEM)),
        (Gfp::KERNEL, 0, Err(Errno::ENOMEM)),
    ] {
        let mut bed = Bed::new(gfp);
        preload(&mut bed.mem, Gfp::KERNEL).unwrap();
        assert_eq!(preloaded(&bed.mem, 0), PRELOAD_NODES as u32);
        assert_eq!(bed.mem.set_cpu(1), Err(Errno::EBUSY));
        if cpu == 1 {
            preload_end(&mut bed.mem).unwrap();
            bed.mem.set_cpu(1).unwrap();
        }
        while bed.mem.alloc_page(Gfp::ATOMIC).is_ok() {}
        let node_cache = bed.mem[RADIX_TREE].node_cache;
        while slab::kmem_cache_alloc::<RadixTreeNode>(&mut bed.mem, node_cache, Gfp::ATOMIC).is_ok()
        {
        }
        assert_eq!(bed.insert(u64::MAX), expected, "{gfp} on CPU {cpu}");
        check(&bed.mem, bed.root).unwrap();
        if expected.is_ok() {
            assert_eq!(preloaded(&bed.mem, 0), 1, "eleven levels took eleven nodes");
            assert_eq!(bed.shape(), (11, 11));
        }
    }
}

/// A preload that fails leaves preemption enabled, and keeps what it got.
#[test]
fn preload_can_fail() {
    let mut bed = Bed::new(Gfp::ATOMIC);
    bed.mem.set_fail_nth(5);
    assert_eq!(preload(&mut bed.mem, Gfp::KERNEL), Err(Errno::ENOMEM));
    assert_eq!(bed.mem[MEM].preempt_count, 0);
    assert!(preloaded(&bed.mem, 0) > 0);
    assert_eq!(preload_end(&mut bed.mem), Err(Errno::EINVAL));
    preload(&mut bed.mem, Gfp::KERNEL).unwrap();
    preload(&mut bed.mem, Gfp::KERNEL).unwrap();
    assert_eq!(bed.mem[MEM].preempt_count, 2);
}
