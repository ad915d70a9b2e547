//! Address spaces: areas, page tables, faults (`mm_struct`, `vm_area_struct`).
//!
//! A user address has 32 bits: ten for the directory, ten for a page table, twelve within the page,
//! as on i386. Both levels are frames of 1024 words, so a student can see a whole translation.

use bytemuck::{Pod, Zeroable};

use crate::btf::{Kind, describe};
use crate::fs::Dentry;
use crate::mem::{ListHead, Ref};
use crate::task::Task;

/// An address space (`mm_struct`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Mm {
    /// Its areas in the order of their addresses, linked through [`Vma::list`].
    pub mmap: ListHead,
    /// Tasks that live in it.
    pub users: u32,
    /// Areas.
    pub map_count: u32,
    /// Frame of the page directory; 0 until a page is needed.
    pub pgd: u32,
    /// Frames of page tables, the directory included.
    pub nr_ptes: u32,
    /// Pages that its areas span.
    pub total_vm: u32,
    /// Anonymous pages in memory.
    pub anon_rss: u32,
    /// Pages of files in memory.
    pub file_rss: u32,
    /// The largest `total_vm` so far.
    pub hiwater_vm: u32,
    /// The largest number of pages in memory so far.
    pub hiwater_rss: u32,
    /// Where the heap begins.
    pub start_brk: u32,
    /// Where it ends.
    pub brk: u32,
    /// Where the stack begins, its highest address.
    pub start_stack: u32,
    /// Whom it is charged to: the task whose memory container pays (`mm->owner`).
    pub owner: Ref<Task>,
    /// Pages that are staged: counted, but never touched (`spawn vm= rss=`).
    pub staged_rss: u32,
}

describe!(
    Mm,
    "mm_struct",
    [
        mmap,
        users,
        map_count,
        pgd: Kind::Frame,
        nr_ptes,
        total_vm,
        anon_rss,
        file_rss,
        hiwater_vm,
        hiwater_rss,
        start_brk: Kind::Hex,
        brk: Kind::Hex,
        start_stack: Kind::Hex,
        owner,
        staged_rss,
    ]
);

/// A range of addresses with one kind of content (`vm_area_struct`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Vma {
    /// Link in [`Mm::mmap`].
    pub list: ListHead,
    /// The address space.
    pub mm: Ref<Mm>,
    /// First address.
    pub start: u32,
    /// First address behind it.
    pub end: u32,
    /// `VM_*` bits.
    pub flags: u32,
    /// What file it shows; NULL for anonymous memory. It holds a reference.
    pub file: Ref<Dentry>,
    /// From which page of the file on.
    pub pgoff: u32,
}

describe!(
    Vma,
    "vm_area_struct",
    [list, mm, start: Kind::Hex, end: Kind::Hex, flags: Kind::Hex, file, pgoff]
);

/// Can be read.
pub const VM_READ: u32 = 1;
/// Can be written.
pub const VM_WRITE: u32 = 2;
/// Can be executed.
pub const VM_EXEC: u32 = 4;
/// What is written others see (`MAP_SHARED`).
pub const VM_SHARED: u32 = 8;
/// Grows downwards: a stack.
pub const VM_GROWSDOWN: u32 = 0x100;
