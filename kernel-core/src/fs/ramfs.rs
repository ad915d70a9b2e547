//! Files that live in the page cache and nowhere else.

use super::dentry::{self, Dentry};
use super::inode::{Inode, LINK};
use super::{File, FileSystem, filemap, inode_of};
use crate::errno::Errno;
use crate::mem::{Mem, Page, Ref};

/// The file system of `/`, and others like it: their name.
pub(super) struct Ramfs(pub &'static str);

impl FileSystem for Ramfs {
    fn name(&self) -> &'static str {
        self.0
    }

    fn mkdir(
        &self,
        mem: &mut Mem,
        dir: Ref<Dentry>,
        name: &str,
        mode: u32,
    ) -> Result<Ref<Dentry>, Errno> {
        dentry::create(mem, dir, name, mode)
    }

    fn create(
        &self,
        mem: &mut Mem,
        dir: Ref<Dentry>,
        name: &str,
        mode: u32,
    ) -> Result<Ref<Dentry>, Errno> {
        dentry::create(mem, dir, name, mode)
    }

    fn mknod(
        &self,
        mem: &mut Mem,
        dir: Ref<Dentry>,
        name: &str,
        mode: u32,
    ) -> Result<Ref<Dentry>, Errno> {
        dentry::create(mem, dir, name, mode)
    }

    /// A link's text is its first page.
    fn symlink(
        &self,
        mem: &mut Mem,
        dir: Ref<Dentry>,
        name: &str,
        text: &str,
    ) -> Result<Ref<Dentry>, Errno> {
        let link = dentry::create(mem, dir, name, LINK | 0o777)?;
        let inode = mem[link].inode;
        match filemap::write(mem, inode, &mut 0, text.as_bytes()) {
            Ok(_) => Ok(link),
            Err(errno) => {
                dentry::remove(mem, link);
                Err(errno)
            }
        }
    }

    fn rename(
        &self,
        mem: &mut Mem,
        old: Ref<Dentry>,
        dir: Ref<Dentry>,
        name: &str,
        target: Option<Ref<Dentry>>,
    ) -> Result<(), Errno> {
        if let Some(target) = target {
            if dentry::pinned(mem, target).next().is_some() {
                return Err(Errno::ENOTEMPTY);
            }
            dentry::remove(mem, target);
        }
        dentry::rename(mem, old, dir, name);
        Ok(())
    }

    fn counts_bytes(&self) -> bool {
        true
    }

    fn rmdir(&self, mem: &mut Mem, dentry: Ref<Dentry>) -> Result<(), Errno> {
        if dentry::pinned(mem, dentry).next().is_some() {
            return Err(Errno::ENOTEMPTY);
        }
        dentry::remove(mem, dentry);
        Ok(())
    }

    fn unlink(&self, mem: &mut Mem, dentry: Ref<Dentry>) -> Result<(), Errno> {
        dentry::remove(mem, dentry);
        Ok(())
    }

    fn truncate(&self, mem: &mut Mem, inode: Ref<Inode>) {
        filemap::truncate(mem, inode);
    }

    fn can_map(&self) -> bool {
        true
    }

    fn page(&self, mem: &mut Mem, inode: Ref<Inode>, index: u32) -> Result<Ref<Page>, Errno> {
        filemap::page(mem, inode, index, None)
    }

    fn read(
        &self,
        mem: &mut Mem,
        file: Ref<File>,
        position: &mut u64,
        buffer: &mut [u8],
    ) -> Result<usize, Errno> {
        let inode = inode_of(mem, file);
        filemap::read(mem, inode, position, buffer, None)
    }

    fn write(
        &self,
        mem: &mut Mem,
        file: Ref<File>,
        position: &mut u64,
        bytes: &[u8],
    ) -> Result<usize, Errno> {
        let inode = inode_of(mem, file);
        filemap::write(mem, inode, position, bytes)
    }
}
