//! Files in address spaces: what `task::mm` asks of the page cache.

use super::dentry::{Dentry, is_dir};
use super::inode::Inode;
use super::{FS, file_system, filemap};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Mem, Page, Ref};

/// Whether a file has pages that an address space can show.
pub fn can_map(mem: &Mem, dentry: Ref<Dentry>) -> bool {
    !is_dir(mem, dentry) && file_system(mem, mem[dentry].inode).can_map()
}

/// The page of a file with that index, from the page cache or read into it, and whether it had to be
/// read. No reference is taken.
///
/// # Errors
/// `EIO` behind the file's end, `ENODEV` for what has no pages, `ENOMEM`.
pub fn page_for_map(
    mem: &mut Mem,
    inode: Ref<Inode>,
    index: u32,
) -> Result<(Ref<Page>, bool), Errno> {
    if index >= mem[inode].size.div_ceil(FRAME_SIZE as u32) {
        return Err(Errno::EIO);
    }
    let before = mem[FS].nr_file_pages;
    let page = file_system(mem, inode).page(mem, inode, index)?;
    Ok((page, mem[FS].nr_file_pages > before))
}

/// Notes that a page of the page cache was written through an address space.
pub fn set_page_dirty(mem: &mut Mem, inode: Ref<Inode>, index: u32) {
    filemap::set_dirty(mem, inode, index);
}
