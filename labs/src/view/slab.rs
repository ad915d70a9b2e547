//! The slab caches, as `/proc/slabinfo` counts them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::cache::ratio;
use super::{Table, View, fragmentation, headings};

/// All caches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlabView {
    /// The allocator: `slab`, `slub` or `slob`.
    pub allocator: String,
    /// What debugging has found since the boot.
    pub bugs: u32,
    /// The caches in the order of their creation.
    pub caches: Vec<CacheView>,
}

/// One `kmem_cache`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheView {
    /// The cache's name.
    pub name: String,
    /// Where its `kmem_cache` is, in units of 8 bytes.
    pub at: u32,
    /// Bytes that a user asked for.
    pub object_size: u32,
    /// Bytes from one object to the next.
    pub size: u32,
    /// Objects to a slab.
    pub objects_per_slab: u32,
    /// Frames to a slab, 2^order.
    pub pages_per_slab: u32,
    /// Objects in use.
    pub active_objects: u32,
    /// Objects that the slabs hold room for.
    pub total_objects: u32,
    /// Slabs.
    pub slabs: u32,
    /// Slabs on the nodes' partial lists.
    pub partial: u32,
    /// Free objects that CPUs, and the CPUs of a node together, keep to themselves: SLUB's chains,
    /// SLAB's arrays.
    pub kept: u32,
    /// Objects begin at multiples of so many bytes.
    pub align: u32,
    /// What the cache is watched for, as letters of `slub_debug=`: `FZPUT`; empty: for nothing.
    pub flags: String,
    /// Its callbacks for defragmentation; empty: it has none.
    pub ops: String,
    /// Slabs with less than so many percent of their objects in use are vacated; 0: a quarter.
    pub defrag_ratio: u32,
    /// Whether new objects are constructed.
    pub has_constructor: bool,
    /// Whether `kmem create` made it.
    pub is_console: bool,
    /// Other caches that were merged into this one, by name.
    pub aliases: Vec<String>,
}

impl CacheView {
    /// Bytes that the cache's slabs take from the page allocator.
    pub fn bytes(&self) -> u64 {
        u64::from(self.slabs) * u64::from(self.pages_per_slab) * 4096
    }

    /// What is special about it, each with a word for what that is.
    pub fn traits(&self) -> impl Iterator<Item = (&'static str, String)> {
        let traits = [
            (words::slab::trait_flags(), self.flags.clone()),
            (words::slab::trait_ops(), self.ops.clone()),
            (words::slab::trait_aliases(), self.aliases.join(", ")),
        ];
        traits.into_iter().filter(|(_, value)| !value.is_empty())
    }
}

impl View for SlabView {
    fn table(&self) -> Table {
        let rows = self.caches.iter().map(|cache| {
            let numbers = [
                cache.active_objects,
                cache.total_objects,
                cache.object_size,
                cache.size,
                cache.objects_per_slab,
                cache.pages_per_slab,
                cache.slabs,
                cache.partial,
            ];
            let numbers = numbers.iter().map(|number| number.to_string());
            let times = match fragmentation(cache) {
                0 => String::new(),
                hundredths => ratio(hundredths),
            };
            let traits = cache
                .traits()
                .map(|(what, value)| what.to_string() + " " + &value);
            let traits: Vec<String> = traits.collect();
            let row = [cache.name.clone()].into_iter().chain(numbers);
            row.chain([times, traits.join("; ")]).collect()
        });
        Table {
            caption: self.sentence(),
            columns: headings([
                words::slab::column_cache(),
                words::slab::column_active(),
                words::slab::column_all(),
                words::slab::column_bytes(),
                words::slab::column_stride(),
                words::slab::column_a_slab(),
                words::slab::column_pages(),
                words::slab::column_slabs(),
                words::slab::column_partial(),
                words::slab::column_times(),
                words::slab::column_remarks(),
            ]),
            rows: rows.collect(),
        }
    }

    fn sentence(&self) -> String {
        let objects = self
            .caches
            .iter()
            .map(|cache| u64::from(cache.active_objects))
            .sum();
        let bytes: u64 = self.caches.iter().map(CacheView::bytes).sum();
        let mut text = words::slab::sentence(
            words::slab::caches(self.caches.len() as u64),
            words::slab::objects(objects),
            bytes / 1024,
        );
        if self.bugs > 0 {
            text.push_str(&words::slab::and_bugs(self.bugs.into()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_read_as_a_sentence_and_a_table() {
        let cache = CacheView {
            name: "radix_tree_node".into(),
            at: 512,
            object_size: 280,
            size: 288,
            objects_per_slab: 14,
            pages_per_slab: 1,
            active_objects: 15,
            total_objects: 28,
            slabs: 2,
            partial: 1,
            flags: "P".into(),
            aliases: ["pid".into()].into(),
            ..CacheView::default()
        };
        let mut view = SlabView {
            caches: [cache].into(),
            ..SlabView::default()
        };
        assert_eq!(
            view.sentence(),
            "1 slab cache with 15 objects in use on 8 KiB of pages"
        );
        let table = view.table();
        assert_eq!(
            table.rows,
            [[
                "radix_tree_node",
                "15",
                "28",
                "280",
                "288",
                "14",
                "1",
                "2",
                "1",
                "1.00",
                "watched for P; also pid"
            ]]
        );
        assert_eq!(table.columns.len(), table.rows[0].len());
        view.bugs = 2;
        assert!(view.sentence().ends_with(" of pages; 2 bugs found"));
    }
}
