//! `/bin`: the programs that come with the kernel.
//!
//! Their texts are part of the kernel's own; a page of one comes into the page cache when it is first
//! read or mapped, as from a disk. Nothing here can be changed; a program is copied elsewhere for that.

use core::fmt::Write;

use super::dentry::Dentry;
use super::inode::{self, Inode, REGULAR};
use super::{END, File, FileSystem, Mount, Name, filemap};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Mem, Page, Ref};
use crate::task::program::bin::PROGRAMS;

/// Inode numbers: the root, then the programs by name.
const ROOT_INO: u32 = 1;

/// The file system.
pub(super) struct Binfs;

/// The text of the program with that inode number.
fn text_of(ino: u32) -> &'static str {
    let index = ino.wrapping_sub(ROOT_INO + 1) as usize;
    PROGRAMS.get(index).map_or("", |(_, text)| text)
}

/// Fills a page with its part of a program's text.
fn read_page(mem: &mut Mem, inode: Ref<Inode>, index: u32, frame: u32) {
    let text = text_of(mem[inode].ino).as_bytes();
    let rest = text.get(index as usize * FRAME_SIZE..).unwrap_or(&[]);
    let part = &rest[..rest.len().min(FRAME_SIZE)];
    mem.frame_mut(frame)[..part.len()].copy_from_slice(part);
}

impl FileSystem for Binfs {
    fn name(&self) -> &'static str {
        "binfs"
    }

    fn fill_super(&self, mem: &mut Mem, mount: Ref<Mount>, options: &str) -> Result<(), Errno> {
        if !options.is_empty() {
            return Err(Errno::EINVAL);
        }
        let root = mem[mem[mount].root].inode;
        inode::hash_as(mem, root, ROOT_INO);
        Ok(())
    }

    fn is_read_only(&self) -> bool {
        true
    }

    fn mkdir(&self, _: &mut Mem, _: Ref<Dentry>, _: &str, _: u32) -> Result<Ref<Dentry>, Errno> {
        Err(Errno::EROFS)
    }

    fn create(&self, _: &mut Mem, _: Ref<Dentry>, _: &str, _: u32) -> Result<Ref<Dentry>, Errno> {
        Err(Errno::EROFS)
    }

    fn rmdir(&self, _: &mut Mem, _: Ref<Dentry>) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn unlink(&self, _: &mut Mem, _: Ref<Dentry>) -> Result<(), Errno> {
        Err(Errno::EROFS)
    }

    fn lookup(&self, mem: &mut Mem, dir: Ref<Dentry>, name: &str) -> Result<Ref<Inode>, Errno> {
        let Some(index) = PROGRAMS.iter().position(|(known, _)| *known == name) else {
            return Ok(Ref::NULL);
        };
        let Inode { mount, .. } = mem[mem[dir].inode];
        let ino = ROOT_INO + 1 + index as u32;
        if let Some(inode) = inode::find_and_get(mem, mount, ino) {
            return Ok(inode);
        }
        let inode = inode::new(mem, mount, REGULAR | 0o755)?;
        inode::hash_as(mem, inode, ino);
        mem[inode].size = text_of(ino).len() as u32;
        Ok(inode)
    }

    fn readdir(&self, _: &Mem, _: Ref<Dentry>, position: u64, name: &mut Name) -> Option<u64> {
        let index = usize::try_from(position).ok()?;
        let (program, _) = PROGRAMS.get(index)?;
        name.write_str(program).ok()?;
        Some(match index + 1 < PROGRAMS.len() {
            true => position + 1,
            false => END,
        })
    }

    fn can_map(&self) -> bool {
        true
    }

    fn page(&self, mem: &mut Mem, inode: Ref<Inode>, index: u32) -> Result<Ref<Page>, Errno> {
        filemap::page(mem, inode, index, Some(read_page))
    }

    fn read(
        &self,
        mem: &mut Mem,
        file: Ref<File>,
        position: &mut u64,
        buffer: &mut [u8],
    ) -> Result<usize, Errno> {
        let inode = super::inode_of(mem, file);
        filemap::read(mem, inode, position, buffer, Some(read_page))
    }

    fn write(&self, _: &mut Mem, _: Ref<File>, _: &mut u64, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::EROFS)
    }
}
