//! Files that live in the page cache and nowhere else.

use super::dentry::{self, Dentry};
use super::inode::{DIRECTORY, Inode, REGULAR};
use super::{File, FileSystem, filemap, inode_of};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};

/// The file system of `/`, and others like it: their name.
pub(super) struct Ramfs(pub &'static str);

impl FileSystem for Ramfs {
    fn name(&self) -> &'static str {
        self.0
    }

    fn mkdir(&self, mem: &mut Mem, dir: Ref<Dentry>, name: &str) -> Result<Ref<Dentry>, Errno> {
        dentry::create(mem, dir, name, DIRECTORY | 0o755)
    }

    fn create(&self, mem: &mut Mem, dir: Ref<Dentry>, name: &str) -> Result<Ref<Dentry>, Errno> {
        dentry::create(mem, dir, name, REGULAR | 0o644)
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
