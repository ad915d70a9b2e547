//! Hash tables of objects that carry their own links.
//!
//! A table is an array of chains, made at boot, with room in proportion to the machine's memory (see
//! [`crate::mem::layout::HASH_BYTES`]); an object in it embeds a [`HashNode`]. Chains are short, so
//! they are linked one way only: whoever leaves walks his chain.

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::mem::{Mem, Ref};
use crate::trace::mix;

/// Two heads of chains: what a kernel pointer can lead to has 8 bytes.
pub type Buckets = [Ref<HashNode>; 2];

/// An object's place in a hash table.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct HashNode {
    /// The next in the chain.
    next: Ref<HashNode>,
    /// The hash of the object's key.
    pub hash: u32,
}

describe!(HashNode, "hlist_node", [next, hash: Kind::Hex]);

/// A hash table.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct HashTable {
    first: Ref<Buckets>,
    /// Chains.
    pub buckets: u32,
}

describe!(HashTable, "hash_table", [first, buckets]);

/// The hash of a key that is a number and some bytes.
#[inline]
pub(crate) fn hash(number: u32, bytes: &[u8]) -> u32 {
    let mut hash = (u64::from(number) << 8 | bytes.len() as u64).wrapping_mul(SPREAD);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    // The bytes left over as one word; the length above tells apart what overlaps here.
    let rest = match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*last)) << 32 | u64::from(u32::from_le_bytes(*first))
        }
        _ => rest
            .iter()
            .fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    // Names in a row differ in few bits; multiplied once more, those reach all of the upper half.
    (mix(hash, rest).wrapping_mul(SPREAD) >> 32) as u32
}

/// An odd number without a pattern (digits of e).
const SPREAD: u64 = 0x2b7e_1516_28ae_d2a7;

impl HashTable {
    /// A table of `buckets` empty chains in zeroed memory.
    pub(crate) fn new(first: Ref<Buckets>, buckets: u32) -> HashTable {
        HashTable { first, buckets }
    }

    /// Behind the table's last pair of chains.
    pub(crate) fn end(&self) -> Ref<Buckets> {
        self.first.offset(self.buckets.div_ceil(2))
    }

    /// The table's first pair of chains.
    pub(crate) fn first(&self) -> Ref<Buckets> {
        self.first
    }

    /// Where the head of a chain stands.
    #[inline]
    fn place(&self, bucket: u32) -> (Ref<Buckets>, usize) {
        (self.first.offset(bucket / 2), bucket as usize % 2)
    }

    /// The chain on which an object with that hash would be: the hash's share of all numbers, so
    /// that a table may have any length.
    #[inline]
    fn bucket(&self, hash: u32) -> u32 {
        ((u64::from(hash) * u64::from(self.buckets)) >> 32) as u32
    }

    /// The objects of one chain.
    #[inline]
    pub(crate) fn chain(self, mem: &Mem, bucket: u32) -> impl Iterator<Item = Ref<HashNode>> + '_ {
        let (place, half) = self.place(bucket);
        let mut at = mem[place][half];
        core::iter::from_fn(move || {
            let node = at;
            if node.is_null() {
                return None;
            }
            at = mem[node].next;
            Some(node)
        })
    }

    /// The objects with that hash.
    #[inline]
    pub(crate) fn find(self, mem: &Mem, hash: u32) -> impl Iterator<Item = Ref<HashNode>> + '_ {
        let chain = self.chain(mem, self.bucket(hash));
        chain.filter(move |&node| mem[node].hash == hash)
    }

    /// Objects in the table; `None` if one is on another's chain, or they are more than `limit`, as
    /// where a chain leads back into itself.
    pub(crate) fn count(self, mem: &Mem, limit: u32) -> Option<u32> {
        let mut count = 0;
        for bucket in 0..self.buckets {
            for node in self.chain(mem, bucket) {
                count += 1;
                if count > limit || self.bucket(mem[node].hash) != bucket {
                    return None;
                }
            }
        }
        Some(count)
    }

    /// Puts an object into the table.
    pub(crate) fn insert(self, mem: &mut Mem, node: Ref<HashNode>, hash: u32) {
        let (place, half) = self.place(self.bucket(hash));
        mem[node] = HashNode {
            next: mem[place][half],
            hash,
        };
        mem[place][half] = node;
    }

    /// Takes an object out of the table.
    pub(crate) fn remove(self, mem: &mut Mem, node: Ref<HashNode>) {
        let HashNode { next, hash } = mem[node];
        let before = self
            .chain(mem, self.bucket(hash))
            .find(|&before| mem[before].next == node);
        match before {
            Some(before) => mem[before].next = next,
            None => {
                let (place, half) = self.place(self.bucket(hash));
                debug_assert!(mem[place][half] == node);
                mem[place][half] = next;
            }
        }
    }
}
