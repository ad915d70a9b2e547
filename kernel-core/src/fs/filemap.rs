//! The page cache: where the content of files is.
//!
//! Each inode has a radix tree of frame numbers by index in the file. As in 2.6.16 its nodes are
//! allocated atomically, under what would be the tree's lock, so a page is added in two steps: fill
//! this CPU's pool of nodes while sleeping is allowed, then insert, which cannot fail any more.
//! Pages that are written carry the tag DIRTY. The page's descriptor tells the way back: `mapping`
//! is the inode, `freelist` the index. It counts 1 for the cache and 1 for each page-table entry that
//! leads to it.

use super::shrink::with_memory;
use super::{FS, Inode};
use crate::container::memory;
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Gfp, Mem, Page, PageFlag, Ref};
use crate::radix_tree::{self, RadixTreeRoot, Tag, TagState};
use crate::task::mm::unmap_file_page;

/// `PAGECACHE_TAG_DIRTY`.
pub(super) const DIRTY: Tag = Tag::Zero;

/// The tree of an inode's pages.
pub(super) fn page_tree(inode: Ref<Inode>) -> Ref<RadixTreeRoot> {
    inode.byte_add(core::mem::offset_of!(Inode, pages))
}

/// The page with that index.
fn find_page(mem: &Mem, inode: Ref<Inode>, index: u32) -> Option<Ref<Page>> {
    radix_tree::lookup(mem, page_tree(inode), u64::from(index)).map(|frame| mem.page(frame))
}

/// A file's first bytes as text, if all of it is on one page.
pub(super) fn first_text(mem: &Mem, inode: Ref<Inode>) -> Option<&str> {
    let page = find_page(mem, inode, 0)?;
    let bytes = mem.frame(mem.frame_of(page));
    core::str::from_utf8(bytes.get(..mem[inode].size as usize)?).ok()
}

/// Adds a zeroed page.
fn add_page(mem: &mut Mem, inode: Ref<Inode>, index: u32) -> Result<Ref<Page>, Errno> {
    let gfp = Gfp::KERNEL.with(Gfp::ZERO);
    let page = with_memory(mem, |mem| mem.alloc_page(gfp))?;
    let frame = mem.frame_of(page);
    // Whoever brings it in pays for it, if there is a limit.
    mem[page].set(PageFlag::PageCache);
    if let Err(errno) = memory::charge_cache(mem, page) {
        mem[page].clear(PageFlag::PageCache);
        mem.put_page(page);
        return Err(errno);
    }
    let preloaded = with_memory(mem, |mem| radix_tree::preload(mem, Gfp::KERNEL));
    let inserted = preloaded.and_then(|()| {
        let inserted = radix_tree::insert(mem, page_tree(inode), u64::from(index), frame);
        radix_tree::preload_end(mem).and(inserted)
    });
    if let Err(errno) = inserted {
        memory::uncharge(mem, page);
        mem[page].clear(PageFlag::PageCache);
        mem.put_page(page);
        return Err(errno);
    }
    let descriptor = &mut mem[page];
    descriptor.mapping = inode.unit();
    descriptor.freelist = index;
    mem[inode].nr_pages += 1;
    mem[FS].nr_file_pages += 1;
    mem.lru_add(page);
    Ok(page)
}

pub(super) fn set_dirty(mem: &mut Mem, inode: Ref<Inode>, index: u32) {
    let tree = page_tree(inode);
    if radix_tree::tag_get(mem, tree, u64::from(index), DIRTY) == TagState::Untagged
        && radix_tree::tag_set(mem, tree, u64::from(index), DIRTY).is_ok()
    {
        mem[FS].nr_dirty += 1;
    }
}

/// Splits a position into the page's index and the place in it.
fn place(position: u64) -> Result<(u32, usize), Errno> {
    let index = u32::try_from(position / FRAME_SIZE as u64).map_err(|_| Errno::EFBIG)?;
    Ok((index, position as usize % FRAME_SIZE))
}

/// Fills a frame, which is zero, with the page of a file that has this index.
pub(super) type ReadPage = fn(&mut Mem, Ref<Inode>, u32, u32);

/// The page with that index, added to the page cache if it is not there: zero, or read by `read_page`.
pub(super) fn page(
    mem: &mut Mem,
    inode: Ref<Inode>,
    index: u32,
    read_page: Option<ReadPage>,
) -> Result<Ref<Page>, Errno> {
    if let Some(page) = find_page(mem, inode, index) {
        return Ok(page);
    }
    let page = add_page(mem, inode, index)?;
    if let Some(read_page) = read_page {
        let frame = mem.frame_of(page);
        // Nobody may take it away meanwhile.
        mem[page].count += 1;
        read_page(mem, inode, index, frame);
        mem[page].count -= 1;
    }
    Ok(page)
}

/// Copies a file's bytes from `position` on. A page that is not in the cache is zero, or is read
/// into it by `read_page`.
pub(super) fn read(
    mem: &mut Mem,
    inode: Ref<Inode>,
    position: &mut u64,
    buffer: &mut [u8],
    read_page: Option<ReadPage>,
) -> Result<usize, Errno> {
    let mut done = 0;
    while done < buffer.len() {
        let left = u64::from(mem[inode].size).saturating_sub(*position);
        let (index, within) = place(*position)?;
        let length = (buffer.len() - done).min(FRAME_SIZE - within);
        let length = length.min(usize::try_from(left).unwrap_or(usize::MAX));
        if length == 0 {
            break;
        }
        let mut page = find_page(mem, inode, index);
        if page.is_none() && read_page.is_some() {
            page = match self::page(mem, inode, index, read_page) {
                Ok(added) => Some(added),
                Err(errno) if done == 0 => return Err(errno),
                Err(_) => break,
            };
        }
        let target = &mut buffer[done..done + length];
        match page {
            Some(page) => {
                mem.mark_accessed(page);
                let frame = mem.frame_of(page);
                target.copy_from_slice(&mem.frame(frame)[within..within + length]);
            }
            None => target.fill(0),
        }
        done += length;
        *position += length as u64;
    }
    Ok(done)
}

/// Stores bytes at `position`, which lies at most at the file's end.
pub(super) fn write(
    mem: &mut Mem,
    inode: Ref<Inode>,
    position: &mut u64,
    bytes: &[u8],
) -> Result<usize, Errno> {
    let mut done = 0;
    while done < bytes.len() {
        let (index, within) = place(*position)?;
        let length = (bytes.len() - done).min(FRAME_SIZE - within);
        let end = u32::try_from(*position + length as u64).map_err(|_| Errno::EFBIG);
        let page = match find_page(mem, inode, index) {
            Some(page) => Ok(page),
            None => add_page(mem, inode, index),
        };
        let (page, end) = match (page, end) {
            (Ok(page), Ok(end)) => (page, end),
            (Err(errno), _) | (_, Err(errno)) if done == 0 => return Err(errno),
            _ => break,
        };
        let frame = mem.frame_of(page);
        mem.frame_mut(frame)[within..within + length].copy_from_slice(&bytes[done..done + length]);
        set_dirty(mem, inode, index);
        done += length;
        *position += length as u64;
        mem[inode].size = mem[inode].size.max(end);
    }
    Ok(done)
}

/// Empties a file and frees its pages.
pub(super) fn truncate(mem: &mut Mem, inode: Ref<Inode>) {
    mem[inode].size = 0;
    drop_pages(mem, inode, false);
}

/// Frees those pages of a file that can be read again: the ones that nobody wrote to
/// (`invalidate_mapping_pages`).
pub(super) fn invalidate(mem: &mut Mem, inode: Ref<Inode>) {
    drop_pages(mem, inode, true);
}

fn drop_pages(mem: &mut Mem, inode: Ref<Inode>, only_clean: bool) {
    let tree = page_tree(inode);
    let mut frame = [0];
    let mut next = 0;
    mem.serve_tap();
    while radix_tree::gang_lookup(mem, tree, &mut frame, next) > 0 {
        mem.serve_tap();
        let page = mem.page(frame[0]);
        let index = u64::from(mem[page].freelist);
        next = index + 1;
        if mem[page].count > 1 {
            // Somebody has it mapped: it is in use, or it goes from there, too.
            if only_clean {
                continue;
            }
            unmap_file_page(mem, inode, index as u32, page);
        }
        if radix_tree::tag_get(mem, tree, index, DIRTY) == TagState::Tagged {
            if only_clean {
                continue;
            }
            mem[FS].nr_dirty -= 1;
        }
        drop_page(mem, page);
    }
}

/// Whether a page of a file was written: its content is nowhere else then.
pub(crate) fn is_dirty(mem: &Mem, page: Ref<Page>) -> bool {
    let Page {
        mapping, freelist, ..
    } = mem[page];
    let tree = page_tree(Ref::new(mapping));
    radix_tree::tag_get(mem, tree, u64::from(freelist), DIRTY) == TagState::Tagged
}

/// Takes a page that is not mapped out of the page cache and frees it.
pub(crate) fn drop_page(mem: &mut Mem, page: Ref<Page>) {
    let Page {
        mapping, freelist, ..
    } = mem[page];
    let inode: Ref<Inode> = Ref::new(mapping);
    radix_tree::delete(mem, page_tree(inode), u64::from(freelist));
    mem.lru_forget(page);
    memory::uncharge(mem, page);
    let descriptor = &mut mem[page];
    descriptor.clear(PageFlag::PageCache);
    descriptor.mapping = 0;
    descriptor.freelist = 0;
    mem[inode].nr_pages -= 1;
    mem[FS].nr_file_pages -= 1;
    mem.put_page(page);
}
