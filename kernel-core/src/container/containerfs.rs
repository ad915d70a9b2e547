//! The file systems that show hierarchies: `container` as in the article, `cgroup` as since 2.6.24, and
//! `cpuset`, which kernels had before both and keep for the sake of old programs.

use core::fmt;

use super::hierarchy::{self, Options};
use super::{Container, FLAVOUR_CGROUP, FLAVOUR_CONTAINER, Hierarchy, files, tree};
use crate::errno::Errno;
use crate::fs::{self, Dentry, File, FileSystem, Mount};
use crate::mem::{Mem, Ref};
use crate::slab;

/// A way to mount hierarchies.
pub(crate) struct ContainerFs {
    name: &'static str,
    flavour: u32,
    /// What it is always mounted with, whatever is asked.
    fixed: Option<&'static str>,
}

/// The patches of May 2007: names of files as each subsystem likes, no options but subsystems.
pub(crate) static CONTAINER_FS: ContainerFs = ContainerFs {
    name: "container",
    flavour: FLAVOUR_CONTAINER,
    fixed: None,
};

/// 2.6.24.
pub(crate) static CGROUP: ContainerFs = ContainerFs {
    name: "cgroup",
    flavour: FLAVOUR_CGROUP,
    fixed: None,
};

/// 2.6.12 to 2.6.23, as later kernels do it.
pub(crate) static CPUSET_FS: ContainerFs = ContainerFs {
    name: "cpuset",
    flavour: FLAVOUR_CGROUP,
    fixed: Some("cpuset,noprefix,release_agent=/sbin/cpuset_release_agent"),
};

impl ContainerFs {
    fn options<'a>(&self, mem: &Mem, options: &'a str) -> Result<Options<'a>, Errno> {
        Options::parse(mem, self.fixed.unwrap_or(options), self.flavour)
    }
}

/// The hierarchy that a mount shows.
fn hierarchy_of(mem: &Mem, mount: Ref<Mount>) -> Ref<Hierarchy> {
    Ref::new(mem[mount].private)
}

impl FileSystem for ContainerFs {
    fn name(&self) -> &'static str {
        self.name
    }

    fn find_super(&self, mem: &mut Mem, options: &str) -> Result<Ref<Mount>, Errno> {
        let options = self.options(mem, options)?;
        let found = hierarchy::find(mem, &options, self.flavour);
        Ok(found.map_or(Ref::NULL, |root| mem[root].mount))
    }

    fn fill_super(&self, mem: &mut Mem, mount: Ref<Mount>, options: &str) -> Result<(), Errno> {
        let options = self.options(mem, options)?;
        let root = hierarchy::make(mem, &options, self.flavour)?;
        mem[root].mount = mount;
        mem[mount].private = root.unit();
        let top = mem[root].top;
        let dentry = mem[mount].root;
        mem[top].dentry = dentry;
        files::set_container(mem, dentry, top);
        files::populate(mem, top);
        Ok(())
    }

    /// Containers keep their hierarchy alive.
    fn kill_super(&self, mem: &mut Mem, mount: Ref<Mount>) -> bool {
        let root = hierarchy_of(mem, mount);
        let top = mem[root].top;
        let is_bare = mem.list_is_empty(tree::children_head(top));
        if is_bare {
            hierarchy::end(mem, root);
        }
        is_bare
    }

    fn remount(&self, mem: &mut Mem, mount: Ref<Mount>, options: &str) -> Result<(), Errno> {
        let root = hierarchy_of(mem, mount);
        hierarchy::rebind(mem, root, &self.options(mem, options)?)?;
        let Container { dentry, .. } = mem[mem[root].top];
        files::clear(mem, dentry);
        let top = mem[root].top;
        files::populate(mem, top);
        Ok(())
    }

    fn show_options(&self, mem: &Mem, mount: Ref<Mount>, out: &mut dyn fmt::Write) -> fmt::Result {
        hierarchy::show_options(mem, hierarchy_of(mem, mount), out)
    }

    fn open(&self, mem: &mut Mem, file: Ref<File>) -> Result<(), Errno> {
        let dentry = mem[file].dentry;
        let inode = mem[dentry].inode;
        if mem[inode].is_dir() || !mem[file].is_readable() {
            return Ok(());
        }
        mem[file].private = files::opened(mem, inode)?;
        Ok(())
    }

    fn release(&self, mem: &mut Mem, file: Ref<File>) {
        let bits = core::mem::replace(&mut mem[file].private, Ref::NULL);
        if !bits.is_null() {
            slab::kfree(mem, bits);
        }
    }

    fn mkdir(
        &self,
        mem: &mut Mem,
        dir: Ref<Dentry>,
        name: &str,
        mode: u32,
    ) -> Result<Ref<Dentry>, Errno> {
        tree::mkdir(mem, dir, name, mode & fs::attr::MODE_BITS)
    }

    /// A container gets another name in the same directory; its files don't.
    fn rename(
        &self,
        mem: &mut Mem,
        old: Ref<Dentry>,
        dir: Ref<Dentry>,
        name: &str,
        target: Option<Ref<Dentry>>,
    ) -> Result<(), Errno> {
        if !fs::is_dir(mem, old) {
            return Err(Errno::ENOTDIR);
        }
        if target.is_some() {
            return Err(Errno::EEXIST);
        }
        if mem[old].parent != dir {
            return Err(Errno::EIO);
        }
        fs::rename_entry(mem, old, dir, name);
        Ok(())
    }

    fn rmdir(&self, mem: &mut Mem, dentry: Ref<Dentry>) -> Result<(), Errno> {
        tree::rmdir(mem, dentry)
    }

    fn read(
        &self,
        mem: &mut Mem,
        file: Ref<File>,
        position: &mut u64,
        buffer: &mut [u8],
    ) -> Result<usize, Errno> {
        let File {
            private, dentry, ..
        } = mem[file];
        let inode = mem[dentry].inode;
        match private {
            bits if files::is_tasks(mem, inode) && !bits.is_null() => {
                files::read_snapshot(mem, bits, position, buffer)
            }
            _ => files::read(mem, inode, position, buffer),
        }
    }

    fn poll(&self, mem: &mut Mem, file: Ref<File>) -> Result<fs::Polled, Errno> {
        let File {
            private, dentry, ..
        } = mem[file];
        let inode = mem[dentry].inode;
        let ready = fs::Polled::READY;
        if mem[inode].is_dir() {
            return Ok(ready);
        }
        let (happened, queue) = files::poll(mem, inode, private)?;
        Ok(match happened {
            true => ready,
            false => fs::Polled {
                events: ready.events & !fs::POLLIN,
                queue,
                exclusive: false,
            },
        })
    }

    fn write(
        &self,
        mem: &mut Mem,
        file: Ref<File>,
        _: &mut u64,
        bytes: &[u8],
    ) -> Result<usize, Errno> {
        let inode = mem[mem[file].dentry].inode;
        files::write(mem, inode, bytes)?;
        Ok(bytes.len())
    }
}
