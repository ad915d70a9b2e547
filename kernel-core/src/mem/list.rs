//! Circular doubly linked lists through the objects themselves, as kernels use them.
//!
//! A [`ListHead`] sits inside each object and in whatever owns the list. The owner's is the
//! sentinel: an empty list's head leads to itself.

use bytemuck::{Pod, Zeroable};

use super::{Mem, Ref};
use crate::btf::describe;

/// A link of a list, or its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ListHead {
    /// The next link, or the head after the last.
    pub next: Ref<ListHead>,
    /// The previous link, or the head before the first.
    pub prev: Ref<ListHead>,
}

describe!(ListHead, "list_head", [next, prev]);

impl Mem {
    /// Makes `head` the head of an empty list.
    pub fn list_init(&mut self, head: Ref<ListHead>) {
        self[head] = ListHead {
            next: head,
            prev: head,
        };
    }

    /// Whether the list has no objects.
    pub fn list_is_empty(&self, head: Ref<ListHead>) -> bool {
        self[head].next == head
    }

    fn list_insert(&mut self, link: Ref<ListHead>, prev: Ref<ListHead>, next: Ref<ListHead>) {
        self[next].prev = link;
        self[link] = ListHead { next, prev };
        self[prev].next = link;
    }

    /// Puts `link` first.
    pub fn list_add(&mut self, link: Ref<ListHead>, head: Ref<ListHead>) {
        self.list_insert(link, head, self[head].next);
    }

    /// Puts `link` last.
    pub fn list_add_tail(&mut self, link: Ref<ListHead>, head: Ref<ListHead>) {
        self.list_insert(link, self[head].prev, head);
    }

    /// Takes `link` out of its list and clears it.
    pub fn list_del(&mut self, link: Ref<ListHead>) {
        let ListHead { next, prev } = self[link];
        self[next].prev = prev;
        self[prev].next = next;
        self[link] = ListHead::zeroed();
    }

    /// The links of a list in order.
    pub fn list_iter(&self, head: Ref<ListHead>) -> impl Iterator<Item = Ref<ListHead>> + '_ {
        let mut at = head;
        core::iter::from_fn(move || {
            at = self[at].next;
            (at != head).then_some(at)
        })
    }

    /// Whether every link of the list is linked both ways, in at most `limit` steps.
    pub fn list_is_sound(&self, head: Ref<ListHead>, limit: u32) -> bool {
        let mut at = head;
        for _ in 0..=limit {
            let next = self[at].next;
            if next.is_null() || next.frame() >= self.frames() || self[next].prev != at {
                return false;
            }
            if next == head {
                return true;
            }
            at = next;
        }
        false
    }
}
