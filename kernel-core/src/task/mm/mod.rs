//! Address spaces: areas, page tables, faults (`mm_struct`, `vm_area_struct`).
//!
//! A process is promised memory long before it gets any. What it may use is a list of *areas*, ranges of
//! addresses of one kind; what it has is in its *page tables*. A page comes when it is first touched: the
//! fault finds the area, and the area says what belongs there, zeroes or a page of a file. `fork` copies
//! the promises and shares the pages, for as long as nobody writes.
//!
//! A user address has 32 bits: ten for the directory, ten for a page table, twelve within the page,
//! as on i386. Both levels are frames of 1024 words, so a student can see a whole translation. A table
//! lives exactly as long as there is something in it.
//!
//! ```text
//! 08048000  the program's text, mapped from its file
//!           the heap, from behind the text up to `brk`
//! 40000000  what `mmap` hands out, upwards
//! c0000000  the stack, from here downwards; it grows by itself
//! ```
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the objects; making, copying and ending an address space |
//! | `area.rs` | `mmap`, `munmap`, `brk`: promises |
//! | `table.rs` | page tables |
//! | `rmap.rs` | from a page to its entries |
//! | `swap.rs` | pages that are on the swap device, and how they come back |
//! | `fault.rs` | faults: how promises are kept, copy-on-write; access to user memory |
//! | `show.rs` | `/proc/<pid>/maps` and the like |
//! | `check.rs` | the invariants |
//!
//! A page of an address space is counted by its entries: `Page::count` is 1 for each, and 1 more for the
//! page cache if it is a file's.

mod area;
mod check;
mod fault;
pub mod rmap;
mod show;
mod swap;
mod table;
#[cfg(test)]
mod tests;

pub use area::{TASK_UNMAPPED_BASE, do_brk, do_mmap, do_munmap, find_vma, stage, stage_task};
pub(crate) use check::check;
pub use fault::{Fault, handle_mm_fault, read_user, write_user};
pub use show::{places, show_area, show_map, show_smap, statm, status_memory};
pub use swap::content;
pub(crate) use swap::unuse_all;
pub(crate) use table::unmap_file_page;
pub use table::{Pte, TABLE_ENTRIES, access, entry, next_present, tables, translate};

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::{TASK, Task, TaskData};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::fs::{self, Dentry};
use crate::mem::{FRAME_SIZE, ListHead, Mem, Ref};
use crate::oom::weights;
use crate::slab::{self, KmemCache, kmem_cache_free};
use crate::trace::Tracepoint;

/// Bytes of a page.
pub const PAGE_SIZE: u32 = FRAME_SIZE as u32;
/// User addresses are below.
pub const TASK_SIZE: u32 = 0xc000_0000;
/// Where a program's text is mapped.
pub const TEXT_START: u32 = 0x0804_8000;
/// A stack grows to this many bytes (`RLIMIT_STACK`).
pub const STACK_MAX: u32 = 8 << 20;

/// An address space (`mm_struct`).
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Mm {
    /// Its areas in the order of their addresses, linked through [`Vma::list`].
    pub mmap: ListHead,
    /// Link in [`MmData::mms`].
    pub list: ListHead,
    /// Tasks that live in it.
    pub users: u32,
    /// Areas.
    pub map_count: u32,
    /// Frame of the page directory; 0 while there is no page.
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
    /// Where the program's text begins.
    pub start_code: u32,
    /// Where it ends.
    pub end_code: u32,
    /// Where the heap begins.
    pub start_brk: u32,
    /// Where it ends.
    pub brk: u32,
    /// Where the stack begins, its highest address.
    pub start_stack: u32,
    /// Where the program's arguments lie: texts, each ended by a zero byte.
    pub arg_start: u32,
    /// Behind them.
    pub arg_end: u32,
    /// Whom it is charged to: the task whose memory container pays (`mm->owner`).
    pub owner: Ref<Task>,
    /// Pages that are staged: counted, but never touched (`spawn vm= rss=`).
    pub staged_rss: u32,
    /// Entries that lead to the swap device.
    pub swap_ents: u32,
}

describe!(
    Mm,
    "mm_struct",
    [
        mmap,
        list,
        users,
        map_count,
        pgd: Kind::Frame,
        nr_ptes,
        total_vm,
        anon_rss,
        file_rss,
        hiwater_vm,
        hiwater_rss,
        start_code: Kind::Hex,
        end_code: Kind::Hex,
        start_brk: Kind::Hex,
        brk: Kind::Hex,
        start_stack: Kind::Hex,
        arg_start: Kind::Hex,
        arg_end: Kind::Hex,
        owner,
        staged_rss,
        swap_ents,
    ]
);

impl Mm {
    /// Pages in memory, as `VmRSS` counts them: the staged ones are in.
    pub fn rss(&self) -> u32 {
        self.anon_rss + self.file_rss + self.staged_rss
    }

    fn note_peaks(&mut self) {
        self.hiwater_vm = self.hiwater_vm.max(self.total_vm);
        self.hiwater_rss = self.hiwater_rss.max(self.rss());
    }
}

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

impl Vma {
    /// Pages that it spans.
    pub fn pages(&self) -> u32 {
        (self.end - self.start) / PAGE_SIZE
    }

    /// Whether all bits of `flags` are set.
    pub fn has(&self, flags: u32) -> bool {
        self.flags & flags == flags
    }

    /// Whether what is written in it stays the process's own.
    fn is_private(&self) -> bool {
        !self.has(VM_SHARED)
    }

    /// The index in its file of the page at `address`.
    fn index(&self, address: u32) -> u32 {
        self.pgoff + (address - self.start) / PAGE_SIZE
    }
}

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
/// Nobody may write to its file meanwhile: a program's text.
pub const VM_DENYWRITE: u32 = 0x800;
/// What it may take was promised, and counts; see [`crate::mem::reclaim`].
pub const VM_ACCOUNT: u32 = 0x10_0000;

/// What the kernel knows of all address spaces.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct MmData {
    /// All address spaces (`init_mm.mmlist`).
    pub mms: ListHead,
    mm_cache: Ref<KmemCache>,
    vma_cache: Ref<KmemCache>,
    /// Address spaces.
    pub nr_mms: u32,
    /// Areas.
    pub nr_vmas: u32,
    /// Anonymous pages.
    pub nr_anon: u32,
    /// Frames of page tables.
    pub nr_tables: u32,
    /// Entries that lead to pages of files.
    pub nr_mapped: u32,
    _pad: u32,
    /// Page faults since boot.
    pub faults: u64,
    /// Of these, copies made because a shared page was written.
    pub copies: u64,
}

describe!(
    MmData,
    "mm_data",
    [
        mms, mm_cache, vma_cache, nr_mms, nr_vmas, nr_anon, nr_tables, nr_mapped,
        _pad: Kind::Padding,
        faults, copies,
    ]
);

/// The static data of this module.
pub const MM: Ref<MmData> = Ref::new(TASK.unit() + (offset_of!(TaskData, mm) / 8) as u32);
const _: () = assert!(offset_of!(TaskData, mm).is_multiple_of(8));

/// Makes the caches.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn boot(mem: &mut Mem) -> Result<(), Errno> {
    mem.list_init(MM.cast());
    let ctor = slab::Constructor::None;
    let size = size_of::<Mm>() as u32;
    mem[MM].mm_cache = slab::kmem_cache_create(mem, Mm::TYPE.name, size, 8, ctor)?;
    let size = size_of::<Vma>() as u32;
    mem[MM].vma_cache = slab::kmem_cache_create(mem, Vma::TYPE.name, size, 8, ctor)?;
    Ok(())
}

/// An address space spans so many pages now.
fn set_total_vm(mem: &mut Mem, mm: Ref<Mm>, pages: u32) {
    let before = core::mem::replace(&mut mem[mm].total_vm, pages);
    weights::mm_resized(mem, mm, before);
}

/// All address spaces, the oldest first.
pub fn mms(mem: &Mem) -> impl Iterator<Item = Ref<Mm>> + '_ {
    mem.list_iter(MM.cast())
        .map(|link| link.byte_sub(offset_of!(Mm, list)))
}

/// An address space's areas in the order of their addresses.
pub fn areas(mem: &Mem, mm: Ref<Mm>) -> impl Iterator<Item = Ref<Vma>> + '_ {
    mem.list_iter(mm.cast()).map(Ref::cast)
}

/// The dentries that areas hold, one a reference.
pub fn held_dentries(mem: &Mem) -> impl Iterator<Item = Ref<Dentry>> + '_ {
    mms(mem)
        .flat_map(|mm| areas(mem, mm))
        .map(|vma| mem[vma].file)
        .filter(|file| !file.is_null())
}

/// An empty address space with one user.
///
/// # Errors
/// `ENOMEM`.
pub fn mm_alloc(mem: &mut Mem) -> Result<Ref<Mm>, Errno> {
    let cache = mem[MM].mm_cache;
    let mm: Ref<Mm> = fs::alloc_object(mem, cache)?;
    mem[mm] = Mm::zeroed();
    mem[mm].users = 1;
    mem.list_init(mm.cast());
    mem.list_add_tail(mm.byte_add(offset_of!(Mm, list)), MM.cast());
    mem[MM].nr_mms += 1;
    Ok(mm)
}

/// A further task lives in it (`CLONE_VM`).
pub fn mmget(mem: &mut Mem, mm: Ref<Mm>) -> Ref<Mm> {
    mem[mm].users += 1;
    mm
}

/// A task leaves it; with the last one it ends.
pub fn mmput(mem: &mut Mem, mm: Ref<Mm>) {
    mem[mm].users -= 1;
    if mem[mm].users > 0 {
        return;
    }
    loop {
        let first = areas(mem, mm).next();
        let Some(vma) = first else {
            break;
        };
        let Vma { start, end, .. } = mem[vma];
        mem.serve_tap();
        table::zap(mem, mm, start, end);
        area::free(mem, vma);
    }
    mem.list_del(mm.byte_add(offset_of!(Mm, list)));
    mem[MM].nr_mms -= 1;
    let cache = mem[MM].mm_cache;
    kmem_cache_free(mem, cache, mm);
}

/// A task leaves its address space (`exit_mm`). If it was the one whose containers pay, another does from
/// now on (`mm_update_next_owner`).
pub fn exit_mm(mem: &mut Mem, task: Ref<Task>) {
    let mm = mem[task].mm;
    if mm.is_null() {
        return;
    }
    let added = weights::share(mem, task);
    mem[task].mm = Ref::NULL;
    weights::mm_changed(mem, task, added);
    if mem[mm].owner == task && mem[mm].users > 1 {
        let next = super::pid::tasks_from(mem, 0).find(|&other| mem[other].mm == mm);
        mem[mm].owner = next.unwrap_or(Ref::NULL);
    }
    mmput(mem, mm);
}

/// A copy for `fork`, with one user: the same areas, and the same pages, which from now on are copied by
/// whoever writes to one first. Pages of files are left out, as in 2.6.16; a fault brings them.
///
/// # Errors
/// `ENOMEM`; then nothing was copied.
pub fn dup_mm(mem: &mut Mem, old: Ref<Mm>) -> Result<Ref<Mm>, Errno> {
    let new = mm_alloc(mem)?;
    let Mm {
        start_code,
        end_code,
        start_brk,
        brk,
        start_stack,
        arg_start,
        arg_end,
        owner,
        staged_rss,
        ..
    } = mem[old];
    mem[new] = Mm {
        start_code,
        end_code,
        start_brk,
        brk,
        start_stack,
        arg_start,
        arg_end,
        owner,
        staged_rss,
        ..mem[new]
    };
    let mut shared = 0;
    let mut link = mem[old.cast::<ListHead>()].next;
    while link != old.cast() {
        let vma: Ref<Vma> = link.cast();
        let copied = area::copy(mem, vma, new).and_then(|()| table::copy(mem, vma, new));
        match copied {
            Ok(pages) => shared += pages,
            Err(errno) => {
                mmput(mem, new);
                return Err(errno);
            }
        }
        link = mem[link].next;
    }
    mem[new].note_peaks();
    if mem.is_traced() {
        let Mm {
            map_count, nr_ptes, ..
        } = mem[new];
        let args = [old.unit(), new.unit(), map_count, shared, nr_ptes];
        mem.trace(Tracepoint::MmDup, args.map(u64::from));
    }
    Ok(new)
}
