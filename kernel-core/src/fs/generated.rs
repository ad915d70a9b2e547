//! Files whose content is made when they are read: all of `/proc` and `/sys`.
//!
//! Such a file is a row of a table: a path, what it shows, what happens to text written to it. As
//! with Linux's `seq_file`, content comes in *records* (a line, or a few), numbered by whoever
//! shows them, and a read returns as many whole records as fit. So a reader may take its time, and
//! nothing is kept in between but a number.
//!
//! What is always there is made when the file system is mounted, and pinned. What comes and goes is a
//! [`Family`]: a directory with a directory for each member, all with the same files. Those are made
//! when they are looked up; the member's name is all that is kept, so nothing can grow stale. A family may
//! stand in a directory with other files, as `/proc/<pid>` does, and its members may each hold another
//! family, as `/proc/<pid>/task`.

use core::fmt::{self, Write};

use super::dentry::{self, Dentry};
use super::inode::{self, DIRECTORY, Inode, LINK, REGULAR};
use super::proc_module::{self, Module};
use super::{END, File, FileSystem, Mount, Name, dcache_readdir, inode_of};
use crate::errno::Errno;
use crate::mem::{Mem, Ref};

/// Shows the record at a position and says where the next one is, `None` behind the last. The
/// number before it is the file's own (a node's number, say). A record has at most 4096 bytes.
pub(super) type Show = fn(&Mem, u32, u64, &mut dyn Write) -> Shown;

/// Takes what was written at once.
pub(super) type Store = fn(&mut Mem, u32, &[u8]) -> Result<(), Errno>;

/// A generated file.
pub(super) struct Entry {
    /// Where it stands below the root of its file system. Directories are made as needed.
    pub path: &'static str,
    /// What reading it shows.
    pub show: Show,
    /// What writing to it does; without it writing is refused.
    pub store: Option<Store>,
    /// A module that does both in its own way.
    pub module: Option<&'static Module>,
    /// Whether it is a symbolic link, and what it shows its text.
    pub is_link: bool,
}

impl Entry {
    /// Type and permission bits.
    fn mode(&self) -> u32 {
        if self.is_link {
            return LINK | 0o777;
        }
        REGULAR
            | match (self.module, self.store) {
                (Some(module), _) => module.mode,
                (None, Some(_)) => 0o644,
                (None, None) => 0o444,
            }
    }
}

/// What a module's file shows as records: nothing.
fn show_nothing(_: &Mem, _: u32, _: u64, _: &mut dyn Write) -> Shown {
    Ok(None)
}

/// A row of a module's.
pub(super) const fn module(path: &'static str, module: &'static Module) -> Entry {
    Entry {
        path,
        show: show_nothing,
        store: None,
        module: Some(module),
        is_link: false,
    }
}

/// A row that is a symbolic link.
pub(super) const fn link(path: &'static str, show: Show) -> Entry {
    Entry {
        path,
        show,
        store: None,
        module: None,
        is_link: true,
    }
}

/// What a [`Show`] returns.
pub(super) type Shown = Result<Option<u64>, Stop>;

/// Why a record was not shown.
pub(super) enum Stop {
    /// It has no room.
    Full,
    /// It cannot be had.
    Errno(Errno),
}

impl From<fmt::Error> for Stop {
    fn from(_: fmt::Error) -> Stop {
        Stop::Full
    }
}

/// A row that shows, and takes what `store` takes.
pub(super) const fn file(path: &'static str, show: Show, store: Option<Store>) -> Entry {
    Entry {
        path,
        show,
        store,
        module: None,
        is_link: false,
    }
}

/// A directory whose members come and go, such as `/sys/slab` with its caches.
pub(super) struct Family {
    /// Where it stands below the root of its file system.
    pub directory: &'static str,
    /// Whether this machine has it.
    pub is_there: fn(&Mem) -> bool,
    /// The number of the member of that name, for the functions of its files. The first number is that
    /// of the member of the family around it; 0 if there is none.
    pub find: fn(&Mem, u32, &str) -> Option<u32>,
    /// Prints the name of the member at a position, counted from 0, and returns the next position;
    /// `None` behind the last member.
    pub list: fn(&Mem, u32, u64, &mut dyn Write) -> Option<u64>,
    /// What is in each member's directory, sorted by names, without directories below.
    pub files: &'static [Entry],
    /// The families of which each member has a directory.
    pub inner: &'static [u32],
    /// Whose the members are: user and group; without it they are root's.
    pub owner: Option<fn(&Mem, u32) -> [u32; 2]>,
    /// Members are symbolic links with this text, and no directories.
    pub link: Option<Show>,
    /// Members are such files, and no directories.
    pub leaf: Option<&'static Entry>,
}

/// From here on positions in a family's directory are members'; below are the files beside them.
const MEMBERS: u64 = 1 << 40;

/// In an inode's `entry`: that it belongs to a family, whose number stands above [`FAMILY_SHIFT`].
/// Below is [`LIST`] for the family's directory, [`MEMBER`] for a member's, or a file's row.
const IN_FAMILY: u32 = 1 << 31;
const FAMILY_SHIFT: u32 = 16;
const LIST: u32 = 0xffff;
const MEMBER: u32 = 0xfffe;

/// Makes the file of `entry`, row `row`, in `directory` below `mount`, and the directories on the way. Its functions will be given `number`.
pub(super) fn add(
    mem: &mut Mem,
    mount: Ref<Mount>,
    directory: &str,
    entry: &Entry,
    [row, number]: [u32; 2],
) -> Result<(), Errno> {
    let path = entry.path;
    let (directories, name) = path.rsplit_once('/').unwrap_or(("", path));
    let root = mem[mount].root;
    let at = make_directories(mem, root, directory)?;
    let at = make_directories(mem, at, directories)?;
    let file = dentry::create(mem, at, name, entry.mode())?;
    let inode = mem[file].inode;
    mem[inode].entry = [row, number];
    Ok(())
}

/// Makes what is not there yet of a path of directories below `at`, and returns the last.
fn make_directories(mem: &mut Mem, mut at: Ref<Dentry>, path: &str) -> Result<Ref<Dentry>, Errno> {
    for component in path.split('/').filter(|name| !name.is_empty()) {
        at = match dentry::find(mem, at, component) {
            Some(found) => found,
            None => dentry::create(mem, at, component, DIRECTORY | 0o555)?,
        };
    }
    Ok(at)
}

/// A file system of generated files.
pub(super) struct Generated {
    /// Its name in `/proc/filesystems`.
    pub name: &'static str,
    /// Its files.
    pub files: &'static [Entry],
    /// Makes those that are always there.
    pub populate: fn(&mut Mem, Ref<Mount>) -> Result<(), Errno>,
    /// What comes and goes.
    pub families: &'static [Family],
}

impl Generated {
    /// The family that an inode belongs to, and its role there.
    fn family(&self, mem: &Mem, inode: Ref<Inode>) -> Option<(&'static Family, u32)> {
        let [role, _] = mem[inode].entry;
        let family = (role & !IN_FAMILY) >> FAMILY_SHIFT;
        let family = self.families.get(family as usize)?;
        (role & IN_FAMILY != 0).then_some((family, role & 0xffff))
    }

    /// What makes an inode's content, and the number for it: the file's own, or its member's.
    fn entry(&self, mem: &Mem, inode: Ref<Inode>) -> Result<(&'static Entry, u32), Errno> {
        let Some((family, row)) = self.family(mem, inode) else {
            let [row, number] = mem[inode].entry;
            let entry = self.files.get(row as usize).ok_or(Errno::EIO)?;
            return Ok((entry, number));
        };
        let (entry, member) = match family.leaf {
            Some(leaf) if row == MEMBER => (leaf, mem[inode].alias),
            _ => {
                let entry = family.files.get(row as usize).ok_or(Errno::EIO)?;
                (entry, mem[mem[inode].alias].parent)
            }
        };
        // The member may be gone while its file is open.
        let number = self.member(mem, member).ok_or(Errno::ENODEV)?;
        Ok((entry, number))
    }

    /// The number of the member whose directory `at` is, or is in; 0 outside of families.
    fn member(&self, mem: &Mem, at: Ref<Dentry>) -> Option<u32> {
        match self.family(mem, mem[at].inode) {
            Some((family, MEMBER)) => {
                let list = mem[at].parent;
                let outer = self.outer(mem, list)?;
                (family.find)(mem, outer, mem[at].name())
            }
            _ => Some(0),
        }
    }

    /// The family that has a directory of that name in the members of another.
    fn inner(&self, family: &Family, name: &str) -> Option<u32> {
        let mut numbers = family.inner.iter().copied();
        numbers.find(|&inner| self.families[inner as usize].directory == name)
    }

    /// Whose an object is that is about to be found in `dir`.
    fn owner_in(&self, mem: &Mem, dir: Ref<Dentry>, name: &str, role: u32) -> [u32; 2] {
        let number = match self.family(mem, mem[dir].inode) {
            Some((family, LIST)) => self
                .outer(mem, dir)
                .and_then(|outer| (family.find)(mem, outer, name)),
            _ => self.member(mem, dir),
        };
        // What a member's directory holds is the member's, other families' directories included.
        let family = match role & 0xffff {
            LIST => self.family(mem, mem[dir].inode).map(|(family, _)| family),
            _ => self
                .families
                .get(((role & !IN_FAMILY) >> FAMILY_SHIFT) as usize),
        };
        match (family.and_then(|family| family.owner), number) {
            (Some(owner), Some(number)) => owner(mem, number),
            _ => [0; 2],
        }
    }

    /// The number of the member that holds the family's directory `list`; 0 if none does.
    fn outer(&self, mem: &Mem, list: Ref<Dentry>) -> Option<u32> {
        let above = mem[list].parent;
        match above.is_null() {
            true => Some(0),
            false => self.member(mem, above),
        }
    }
}

impl FileSystem for Generated {
    fn name(&self) -> &'static str {
        self.name
    }

    fn fill_super(&self, mem: &mut Mem, mount: Ref<Mount>, options: &str) -> Result<(), Errno> {
        if !options.is_empty() {
            return Err(Errno::EINVAL);
        }
        (self.populate)(mem, mount)?;
        for (number, family) in (0..).zip(self.families) {
            if !(family.is_there)(mem) {
                continue;
            }
            let root = mem[mount].root;
            let directory = make_directories(mem, root, family.directory)?;
            let inode = mem[directory].inode;
            mem[inode].entry = [IN_FAMILY | number << FAMILY_SHIFT | LIST, 0];
        }
        Ok(())
    }

    /// Missing names are not remembered: asking again costs nothing.
    fn lookup(&self, mem: &mut Mem, dir: Ref<Dentry>, name: &str) -> Result<Ref<Inode>, Errno> {
        let Inode { mount, entry, .. } = mem[mem[dir].inode];
        let (role, mode) = match self.family(mem, mem[dir].inode) {
            Some((family, LIST)) => {
                let outer = self.outer(mem, dir).ok_or(Errno::ENOENT)?;
                (family.find)(mem, outer, name).ok_or(Errno::ENOENT)?;
                let mode = match (family.link, family.leaf) {
                    (Some(_), _) => LINK | 0o777,
                    (None, Some(leaf)) => leaf.mode(),
                    (None, None) => DIRECTORY | 0o555,
                };
                (entry[0] & !0xffff | MEMBER, mode)
            }
            Some((family, MEMBER)) => match self.inner(family, name) {
                Some(inner) => {
                    let list = IN_FAMILY | inner << FAMILY_SHIFT | LIST;
                    (list, DIRECTORY | 0o555)
                }
                None => {
                    let mut rows = (0..).zip(family.files);
                    let (row, file) = rows
                        .find(|(_, file)| file.path == name)
                        .ok_or(Errno::ENOENT)?;
                    (entry[0] & !0xffff | row, file.mode())
                }
            },
            _ => return Err(Errno::ENOENT),
        };
        let inode = inode::new(mem, mount, mode)?;
        mem[inode].entry = [role, 0];
        // Whoever looks first does not own it.
        [mem[inode].uid, mem[inode].gid] = self.owner_in(mem, dir, name, role);
        Ok(inode)
    }

    fn is_volatile(&self) -> bool {
        true
    }

    /// A member's owner may change while its directory is in the cache.
    fn owner(&self, mem: &Mem, inode: Ref<Inode>) -> [u32; 2] {
        let Inode {
            alias,
            uid,
            gid,
            entry: [role, _],
            ..
        } = mem[inode];
        match alias.is_null() || role & IN_FAMILY == 0 || mem[alias].parent.is_null() {
            true => [uid, gid],
            false => self.owner_in(mem, mem[alias].parent, mem[alias].name(), role),
        }
    }

    fn readlink(&self, mem: &Mem, inode: Ref<Inode>, out: &mut dyn Write) -> Result<(), Errno> {
        let family = self.family(mem, inode);
        let (show, number) = match family.map(|(family, role)| (family.link, role)) {
            Some((Some(show), MEMBER)) => {
                let number = self.member(mem, mem[inode].alias);
                (show, number.ok_or(Errno::ENOENT)?)
            }
            _ => {
                let (entry, number) = self.entry(mem, inode)?;
                (entry.show, number)
            }
        };
        match show(mem, number, 0, out) {
            Ok(_) => Ok(()),
            Err(Stop::Full) => Err(Errno::ENAMETOOLONG),
            Err(Stop::Errno(errno)) => Err(errno),
        }
    }

    /// A member's directory is valid as long as there is such a member.
    fn is_valid(&self, mem: &Mem, dentry: Ref<Dentry>) -> bool {
        match self.family(mem, mem[dentry].inode) {
            Some((_, MEMBER)) => self.member(mem, dentry).is_some(),
            _ => true,
        }
    }

    fn readdir(&self, mem: &Mem, dir: Ref<Dentry>, position: u64, name: &mut Name) -> Option<u64> {
        match self.family(mem, mem[dir].inode) {
            Some((_, LIST)) if position == END => None,
            Some((family, LIST)) => {
                // What always is there comes first.
                if position < MEMBERS
                    && let Some(next) = dcache_readdir(mem, dir, position, name)
                {
                    return Some(if next == END { MEMBERS } else { next });
                }
                let outer = self.outer(mem, dir)?;
                let next = (family.list)(mem, outer, position.saturating_sub(MEMBERS), name)?;
                Some(if next == END { END } else { MEMBERS + next })
            }
            Some((family, MEMBER)) => {
                let row = usize::try_from(position).ok()?;
                let inner = row.checked_sub(family.files.len());
                let text = match inner {
                    None => family.files[row].path,
                    Some(inner) => {
                        let inner = *family.inner.get(inner)?;
                        self.families[inner as usize].directory
                    }
                };
                name.write_str(text).ok()?;
                Some(position + 1)
            }
            Some(_) => None,
            None => dcache_readdir(mem, dir, position, name),
        }
    }

    /// Reads whole records from `position` on.
    fn read(
        &self,
        mem: &mut Mem,
        file: Ref<File>,
        position: &mut u64,
        buffer: &mut [u8],
    ) -> Result<usize, Errno> {
        let inode = inode_of(mem, file);
        let (entry, number) = self.entry(mem, inode)?;
        if let Some(module) = entry.module {
            return proc_module::read(mem, module, position, buffer);
        }
        let mut record = Record { buffer, filled: 0 };
        while *position != END {
            let before = record.filled;
            match (entry.show)(mem, number, *position, &mut record) {
                Ok(next) => *position = next.unwrap_or(END),
                // What fits no longer waits for the next read.
                Err(_) if before > 0 => return Ok(before),
                Err(Stop::Full) => return Err(Errno::EINVAL),
                Err(Stop::Errno(errno)) => return Err(errno),
            }
        }
        Ok(record.filled)
    }

    /// Gives written bytes to the file.
    fn write(
        &self,
        mem: &mut Mem,
        file: Ref<File>,
        _: &mut u64,
        bytes: &[u8],
    ) -> Result<usize, Errno> {
        let inode = inode_of(mem, file);
        let (entry, number) = self.entry(mem, inode)?;
        if let Some(module) = entry.module {
            return proc_module::write(mem, module, bytes);
        }
        // As in 2.6.24, where a file without a write_proc answers so.
        let store = entry.store.ok_or(Errno::EIO)?;
        store(mem, number, bytes)?;
        Ok(bytes.len())
    }
}

/// Text that must fit a reader's buffer.
struct Record<'a> {
    buffer: &'a mut [u8],
    filled: usize,
}

impl Write for Record<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.filled + text.len();
        let room = self.buffer.get_mut(self.filled..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.filled = end;
        Ok(())
    }
}

/// The number in written text, blanks and newline around it forgiven.
///
/// # Errors
/// `EINVAL` if it is none, or exceeds `max`.
pub(super) fn parse_number(bytes: &[u8], max: u32) -> Result<u32, Errno> {
    let text = core::str::from_utf8(bytes.trim_ascii()).map_err(|_| Errno::EINVAL)?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Errno::EINVAL);
    }
    let number = text.parse().map_err(|_| Errno::EINVAL)?;
    if number > max {
        return Err(Errno::EINVAL);
    }
    Ok(number)
}
