//! A source tree that nobody has to store: directories and files are computed when they are asked
//! for.
//!
//! `mount -t srcfs -o dirs=D,files=F none /usr/src` shows D directories, `dir0` on, of F files each,
//! `file0` on. An object's number says all about it, so its dentry and inode can be dropped and made
//! again, as those of a file system on a disk can. That makes this the file system on which the
//! dentry and inode caches show what they are for, and how they grow.

use core::fmt::{self, Write};

use super::dentry::Dentry;
use super::inode::{self, DIRECTORY, Inode, REGULAR};
use super::{END, File, FileSystem, Mount, Name, filemap, inode_of};
use crate::errno::Errno;
use crate::mem::{FRAME_SIZE, Mem, Page, Ref};
use crate::trace::mix;

/// Directories, and files in each, unless the mount says otherwise.
const DEFAULT: [u32; 2] = [16, 64];
/// Files in all at most.
const FILES_MAX: u64 = 1 << 28;

/// Inode numbers: the root, then directories, then files.
const ROOT_INO: u32 = 1;

/// Bytes of a line of a file.
const LINE: usize = 64;
/// Lines that a file may have.
const LINES_MAX: u64 = 256;

/// The file system.
pub(super) struct Srcfs;

/// What an inode number stands for.
enum Place {
    Root,
    Directory,
    /// Numbers of directory and file.
    File(u32, u32),
}

fn place(mem: &Mem, inode: Ref<Inode>) -> Place {
    let Inode { mount, ino, .. } = mem[inode];
    let [dirs, files] = mem[mount].options;
    match ino - ROOT_INO {
        0 => Place::Root,
        number if number <= dirs => Place::Directory,
        number => {
            let number = number - 1 - dirs;
            Place::File(number / files, number % files)
        }
    }
}

/// The number behind a prefix, written as this file system writes numbers.
fn number(name: &str, prefix: &str, limit: u32) -> Option<u32> {
    let digits = name.strip_prefix(prefix)?;
    let canonical = digits == "0" || !digits.starts_with('0');
    let is_number = canonical && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| is_number)?;
    (number < limit).then_some(number)
}

/// The number below `limit` whose decimal digits come next in the order of names: 1, 10, 100, 11.
fn next_in_names(number: u32, limit: u32) -> Option<u32> {
    let mut number = u64::from(number);
    let limit = u64::from(limit);
    if number > 0 && number * 10 < limit {
        return Some(number as u32 * 10);
    }
    while number % 10 == 9 || number + 1 >= limit {
        number /= 10;
        if number == 0 {
            return None;
        }
    }
    Some(number as u32 + 1)
}

/// Reads `dirs=D,files=F`.
fn parse(options: &str) -> Option<[u32; 2]> {
    let mut numbers = DEFAULT;
    for option in options.split(',').filter(|option| !option.is_empty()) {
        let (key, value) = option.split_once('=')?;
        let index = ["dirs", "files"].iter().position(|known| *known == key)?;
        numbers[index] = value.parse().ok().filter(|&number| number > 0)?;
    }
    let [dirs, files] = numbers.map(u64::from);
    (dirs * files <= FILES_MAX).then_some(numbers)
}

/// Lines of the file with that inode number.
fn lines(ino: u32) -> u32 {
    (mix(0, u64::from(ino)) % LINES_MAX) as u32 + 1
}

/// A line of a file.
struct Line {
    bytes: [u8; LINE],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Makes a page of a file: lines of C, each as long as the others.
fn read_page(mem: &mut Mem, inode: Ref<Inode>, index: u32, frame: u32) {
    let Place::File(dir, file) = place(mem, inode) else {
        return;
    };
    let from = index as usize * FRAME_SIZE / LINE;
    let to = lines(mem[inode].ino) as usize;
    for (row, number) in (from..to).take(FRAME_SIZE / LINE).enumerate() {
        let mut line = Line {
            bytes: [b' '; LINE],
            length: 0,
        };
        // It is short enough.
        let _ = write!(line, "int dir{dir}_file{file}_{number}(void);");
        line.bytes[LINE - 1] = b'\n';
        mem.frame_mut(frame)[row * LINE..(row + 1) * LINE].copy_from_slice(&line.bytes);
    }
}

impl FileSystem for Srcfs {
    fn name(&self) -> &'static str {
        "srcfs"
    }

    fn fill_super(&self, mem: &mut Mem, mount: Ref<Mount>, options: &str) -> Result<(), Errno> {
        mem[mount].options = parse(options).ok_or(Errno::EINVAL)?;
        let root = mem[mem[mount].root].inode;
        mem[root].mode = DIRECTORY | 0o555;
        mem[root].nlink += mem[mount].options[0];
        inode::hash_as(mem, root, ROOT_INO);
        Ok(())
    }

    fn show_options(&self, mem: &Mem, mount: Ref<Mount>, out: &mut dyn Write) -> fmt::Result {
        let [dirs, files] = mem[mount].options;
        write!(out, ",dirs={dirs},files={files}")
    }

    fn is_read_only(&self) -> bool {
        true
    }

    fn counts_bytes(&self) -> bool {
        true
    }

    fn lookup(&self, mem: &mut Mem, dir: Ref<Dentry>, name: &str) -> Result<Ref<Inode>, Errno> {
        let above = mem[dir].inode;
        let Inode { mount, ino, .. } = mem[above];
        let [dirs, files] = mem[mount].options;
        let found = match place(mem, above) {
            Place::Root => {
                let dir = number(name, "dir", dirs);
                dir.map(|dir| (ROOT_INO + 1 + dir, DIRECTORY | 0o555, 0))
            }
            Place::Directory => number(name, "file", files).map(|file| {
                let dir = ino - ROOT_INO - 1;
                let ino = ROOT_INO + 1 + dirs + dir * files + file;
                (ino, REGULAR | 0o444, lines(ino) * LINE as u32)
            }),
            Place::File(..) => return Err(Errno::ENOTDIR),
        };
        let Some((ino, mode, size)) = found else {
            return Ok(Ref::NULL);
        };
        if let Some(inode) = inode::find_and_get(mem, mount, ino) {
            return Ok(inode);
        }
        let inode = inode::new(mem, mount, mode)?;
        // Whoever looks first does not own it.
        (mem[inode].uid, mem[inode].gid) = (0, 0);
        inode::hash_as(mem, inode, ino);
        mem[inode].size = size;
        Ok(inode)
    }

    /// A position is a number, 1 more than that of the directory or file.
    fn readdir(&self, mem: &Mem, dir: Ref<Dentry>, position: u64, name: &mut Name) -> Option<u64> {
        let inode = mem[dir].inode;
        let [dirs, files] = mem[mem[inode].mount].options;
        let (prefix, limit) = match place(mem, inode) {
            Place::Root => ("dir", dirs),
            _ => ("file", files),
        };
        if position == END {
            return None;
        }
        let number = position.saturating_sub(1) as u32;
        write!(name, "{prefix}{number}").ok()?;
        let next = match number {
            0 => (limit > 1).then_some(1),
            number => next_in_names(number, limit),
        };
        Some(next.map_or(END, |next| u64::from(next) + 1))
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
        let inode = inode_of(mem, file);
        filemap::read(mem, inode, position, buffer, Some(read_page))
    }

    fn write(&self, _: &mut Mem, _: Ref<File>, _: &mut u64, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::EROFS)
    }
}
