//! Who may do what, and what is refused in which order: specs/containers_async_proc.md 6.2 to 6.4, a case
//! for each cell. Then links, pipes, devices and the fortune dispenser, and random sessions of it all.

extern crate std;

use std::borrow::ToOwned;
use std::collections::VecDeque;
use std::string::String;
use std::vec::Vec;
use std::{format, println};

use super::{
    File, O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY,
};
use crate::errno::Errno;
use crate::fs;
use crate::mem::{FRAME_SIZE, MEM, Mem, Ref};
use crate::task::TASK;
use crate::testing::Lab;
use crate::testing::Random;

/// What everybody finds. User 7 owns /u and what is in it.
const SCENE: &str = "mkdir /d /d/full /d/full/x /d/empty /u /m; echo f > /f; echo x > /d/file; \
    mkdir /sticky; chmod 1777 /sticky; echo r > /sticky/root; mkdir /sticky/dir; \
    su 7; umask 0; su 0; chown 7:7 /u; su 7; mkdir /u/d; echo u > /u/f; echo s > /sticky/mine; su 0; \
    umask 022; \
    mount -t srcfs -o dirs=2,files=2 none /m; echo secret > /secret; chmod 600 /secret; \
    mkdir /private; chmod 700 /private; echo x > /private/f; mknod /u/none c 60 1; mknod /u/disk b 8 0; \
    ln -s /f /link; ln -s loop /loop; ln -s none /dangling; ln -s /d /u/dir; chmod 666 /u/none";

/// A user, what he does, to which path, and how it is refused.
type Cell<'a> = (u32, (&'a str, Call), &'a str, Option<Errno>);
/// Does something to a path as a system call does.
type Call = fn(&mut Mem, &str) -> Result<(), Errno>;

fn opens(mem: &mut Mem, path: &str, flags: u32) -> Result<(), Errno> {
    let file = fs::open(mem, path, flags, 0o666)?;
    fs::close(mem, file);
    Ok(())
}

/// Renames what stands before the blank to what stands behind.
fn renames(mem: &mut Mem, paths: &str) -> Result<(), Errno> {
    let (old, new) = paths.split_once(' ').expect("two paths");
    fs::rename(mem, old, new)
}

const MKDIR: (&str, Call) = ("mkdir", |mem, path| fs::mkdir(mem, path, 0o777));
const RMDIR: (&str, Call) = ("rmdir", fs::rmdir);
const UNLINK: (&str, Call) = ("unlink", fs::unlink);
const RENAME: (&str, Call) = ("rename", renames);
const CHDIR: (&str, Call) = ("chdir", fs::chdir);
const CHMOD: (&str, Call) = ("chmod", |mem, path| fs::chmod(mem, path, 0o711));
const GIVE: (&str, Call) = ("chown 8", |mem, path| fs::chown(mem, path, Some(8), None));
const GROUP: (&str, Call) = ("chgrp 7", |mem, path| fs::chown(mem, path, None, Some(7)));
const SYMLINK: (&str, Call) = ("symlink", |mem, path| fs::symlink(mem, "text", path));
const FIFO: (&str, Call) = ("mkfifo", |mem, path| {
    fs::mknod(mem, path, fs::FIFO | 0o666, 0, 0)
});
const DEVICE: (&str, Call) = ("mknod", |mem, path| {
    fs::mknod(mem, path, fs::CHARACTER, 1, 3)
});
const READ: (&str, Call) = ("open r", |mem, path| opens(mem, path, O_RDONLY));
const WRITE: (&str, Call) = ("open w", |mem, path| opens(mem, path, O_WRONLY));
const BOTH: (&str, Call) = ("open rw", |mem, path| opens(mem, path, O_RDWR));
const TRUNC: (&str, Call) = ("open r|trunc", |mem, path| opens(mem, path, O_TRUNC));
const CREATE: (&str, Call) = ("open w|creat", |mem, path| {
    opens(mem, path, O_WRONLY | O_CREAT)
});
const NEW: (&str, Call) = ("open w|creat|excl", |mem, path| {
    opens(mem, path, O_WRONLY | O_CREAT | O_EXCL)
});
const DIR: (&str, Call) = ("open r|directory", |mem, path| {
    opens(mem, path, O_RDONLY | O_DIRECTORY)
});
const MOUNT: (&str, Call) = ("mount ramfs", |mem, path| {
    fs::mount(mem, "none", path, "ramfs", "")
});
const MOUNT_EXT9: (&str, Call) = ("mount ext9", |mem, path| {
    fs::mount(mem, "none", path, "ext9", "")
});
const MOUNT_PIPES: (&str, Call) = ("mount pipefs", |mem, path| {
    fs::mount(mem, "none", path, "pipefs", "")
});
const UMOUNT: (&str, Call) = ("umount", fs::umount);

#[test]
fn each_cell_of_the_table() {
    let good = None;
    let long: &str = "/0123456789012345678901234567890123456789012345678901234567890123";
    let table: &[Cell] = &[
        // What exists exists, whoever asks and wherever it is.
        (0, MKDIR, "/d", Some(Errno::EEXIST)),
        (0, MKDIR, "/", Some(Errno::EEXIST)),
        (0, MKDIR, "/d/.", Some(Errno::EEXIST)),
        (0, MKDIR, "/d/..", Some(Errno::EEXIST)),
        (0, MKDIR, "/proc/version", Some(Errno::EEXIST)),
        (0, MKDIR, "/dangling", Some(Errno::EEXIST)),
        (7, MKDIR, "/d/empty", Some(Errno::EEXIST)),
        (0, MKDIR, "/none/x", Some(Errno::ENOENT)),
        (0, MKDIR, "", Some(Errno::ENOENT)),
        (0, MKDIR, "/f/x", Some(Errno::ENOTDIR)),
        (0, MKDIR, long, Some(Errno::ENAMETOOLONG)),
        (7, MKDIR, "/m/x", Some(Errno::EROFS)),
        (7, MKDIR, "/d/x", Some(Errno::EACCES)),
        (7, MKDIR, "/proc/x", Some(Errno::EACCES)),
        (0, MKDIR, "/proc/x", Some(Errno::EPERM)),
        (7, MKDIR, "/private/d/x", Some(Errno::EACCES)),
        (7, MKDIR, "/u/x/", good),
        (0, MKDIR, "/private/x", good),
        (0, RMDIR, "/d/.", Some(Errno::EINVAL)),
        (0, RMDIR, "/d/..", Some(Errno::ENOTEMPTY)),
        (0, RMDIR, "/", Some(Errno::EBUSY)),
        (0, RMDIR, "/none", Some(Errno::ENOENT)),
        (7, RMDIR, "/d/none", Some(Errno::ENOENT)),
        (7, RMDIR, "/m/dir0", Some(Errno::EROFS)),
        (7, RMDIR, "/d/empty", Some(Errno::EACCES)),
        (7, RMDIR, "/d/file", Some(Errno::EACCES)),
        (7, RMDIR, "/sticky/dir", Some(Errno::EPERM)),
        (0, RMDIR, "/f", Some(Errno::ENOTDIR)),
        (0, RMDIR, "/link", Some(Errno::ENOTDIR)),
        (0, RMDIR, "/proc", Some(Errno::EBUSY)),
        (0, RMDIR, "/proc/sys", Some(Errno::EPERM)),
        (0, RMDIR, "/d/full", Some(Errno::ENOTEMPTY)),
        (0, RMDIR, "/sticky/dir", good),
        (7, RMDIR, "/u/d", good),
        (0, UNLINK, "/none", Some(Errno::ENOENT)),
        (0, UNLINK, "/d", Some(Errno::EISDIR)),
        (0, UNLINK, "/", Some(Errno::EISDIR)),
        (0, UNLINK, "/d/", Some(Errno::EISDIR)),
        (0, UNLINK, "/f/", Some(Errno::ENOTDIR)),
        (7, UNLINK, "/m/dir0/file0", Some(Errno::EROFS)),
        (7, UNLINK, "/f", Some(Errno::EACCES)),
        (7, UNLINK, "/sticky/root", Some(Errno::EPERM)),
        (0, UNLINK, "/proc/version", Some(Errno::EPERM)),
        (7, UNLINK, "/proc/version", Some(Errno::EACCES)),
        (7, UNLINK, "/sticky/mine", good),
        (0, UNLINK, "/link", good),
        (0, READ, "/none", Some(Errno::ENOENT)),
        (0, READ, "/dangling", Some(Errno::ENOENT)),
        (0, READ, "/loop", Some(Errno::ELOOP)),
        (7, READ, "/secret", Some(Errno::EACCES)),
        (7, READ, "/private/f", Some(Errno::EACCES)),
        (7, READ, "/private/..", Some(Errno::EACCES)),
        (0, READ, "/private/f", good),
        (7, READ, "/link", good),
        (0, READ, "/d", good),
        (0, WRITE, "/d", Some(Errno::EISDIR)),
        (7, WRITE, "/d", Some(Errno::EISDIR)),
        (0, BOTH, "/d", Some(Errno::EISDIR)),
        (0, TRUNC, "/d", Some(Errno::EISDIR)),
        (0, CREATE, "/d", Some(Errno::EISDIR)),
        (0, CREATE, "/d/x/", Some(Errno::EISDIR)),
        (0, DIR, "/f", Some(Errno::ENOTDIR)),
        (0, DIR, "/d", good),
        (7, WRITE, "/m/dir0/file0", Some(Errno::EROFS)),
        (7, READ, "/m/dir0/file0", good),
        (7, WRITE, "/f", Some(Errno::EACCES)),
        (7, BOTH, "/f", Some(Errno::EACCES)),
        (7, TRUNC, "/f", Some(Errno::EACCES)),
        (0, WRITE, "/proc/version", good),
        (7, WRITE, "/proc/slabinfo", Some(Errno::EACCES)),
        (0, NEW, "/f", Some(Errno::EEXIST)),
        (0, NEW, "/d", Some(Errno::EEXIST)),
        (0, NEW, "/dangling", Some(Errno::EEXIST)),
        (0, NEW, "/new", good),
        (7, CREATE, "/d/new", Some(Errno::EACCES)),
        (7, CREATE, "/m/new", Some(Errno::EROFS)),
        (0, CREATE, "/proc/new", Some(Errno::EACCES)),
        (7, CREATE, "/sticky/new", good),
        (7, CREATE, "/u/new", good),
        (0, READ, "/u/none", Some(Errno::ENXIO)),
        (7, READ, "/u/none", Some(Errno::ENXIO)),
        (0, READ, "/u/disk", Some(Errno::ENXIO)),
        (7, WRITE, "/dev/null", good),
        (7, READ, "/dev/console", Some(Errno::EACCES)),
        (0, RENAME, "/f /proc/f", Some(Errno::EXDEV)),
        (0, RENAME, "/d/. /x", Some(Errno::EBUSY)),
        (0, RENAME, "/d /", Some(Errno::EBUSY)),
        (0, RENAME, "/none /x", Some(Errno::ENOENT)),
        (0, RENAME, "/f /none/x", Some(Errno::ENOENT)),
        (0, RENAME, "/f/ /x", Some(Errno::ENOTDIR)),
        (0, RENAME, "/f /x/", Some(Errno::ENOTDIR)),
        (0, RENAME, "/d /d/full/x/y", Some(Errno::EINVAL)),
        (0, RENAME, "/d/full/x /d", Some(Errno::ENOTEMPTY)),
        (7, RENAME, "/m/dir0/file0 /m/x", Some(Errno::EROFS)),
        (7, RENAME, "/f /u/x", Some(Errno::EACCES)),
        (7, RENAME, "/u/f /d/x", Some(Errno::EACCES)),
        (7, RENAME, "/u/f /d/file", Some(Errno::EACCES)),
        (7, RENAME, "/sticky/root /u/x", Some(Errno::EPERM)),
        (7, RENAME, "/sticky/mine /sticky/root", Some(Errno::EPERM)),
        (0, RENAME, "/d /f", Some(Errno::ENOTDIR)),
        (0, RENAME, "/f /d/empty", Some(Errno::EISDIR)),
        (0, RENAME, "/proc /x", Some(Errno::EBUSY)),
        (0, RENAME, "/d/empty /m", Some(Errno::EBUSY)),
        (0, RENAME, "/proc/version /proc/x", Some(Errno::EPERM)),
        (0, RENAME, "/d/empty /d/full", Some(Errno::ENOTEMPTY)),
        (0, RENAME, "/d/full /d/empty", good),
        (0, RENAME, "/f /f", good),
        (0, RENAME, "/f /d/file", good),
        (0, RENAME, "/d/ /e/", good),
        (0, RENAME, "/link /d/file", good),
        (7, RENAME, "/sticky/mine /u/mine", good),
        (0, CHDIR, "/none", Some(Errno::ENOENT)),
        (0, CHDIR, "/f", Some(Errno::ENOTDIR)),
        (7, CHDIR, "/private", Some(Errno::EACCES)),
        (7, CHDIR, "/u/dir", good),
        (7, CHMOD, "/f", Some(Errno::EPERM)),
        (0, CHMOD, "/m", Some(Errno::EROFS)),
        (0, CHMOD, "/none", Some(Errno::ENOENT)),
        (7, CHMOD, "/u/f", good),
        (0, CHMOD, "/u/f", good),
        (7, GIVE, "/u/f", Some(Errno::EPERM)),
        (0, GIVE, "/u/f", good),
        (7, GROUP, "/u/f", good),
        (7, GROUP, "/f", Some(Errno::EPERM)),
        (0, GIVE, "/m", Some(Errno::EROFS)),
        (0, SYMLINK, "/f", Some(Errno::EEXIST)),
        (7, SYMLINK, "/x", Some(Errno::EACCES)),
        (0, SYMLINK, "/proc/x", Some(Errno::EPERM)),
        (0, SYMLINK, "/x/", Some(Errno::ENOENT)),
        (7, SYMLINK, "/u/x", good),
        (7, FIFO, "/x", Some(Errno::EACCES)),
        (0, FIFO, "/f", Some(Errno::EEXIST)),
        (0, FIFO, "/proc/x", Some(Errno::EPERM)),
        (7, FIFO, "/u/x", good),
        (7, DEVICE, "/u/x", Some(Errno::EPERM)),
        (7, DEVICE, "/x", Some(Errno::EACCES)),
        (0, DEVICE, "/u/x", good),
        (0, MOUNT, "/none", Some(Errno::ENOENT)),
        (7, MOUNT, "/none", Some(Errno::ENOENT)),
        (7, MOUNT, "/u", Some(Errno::EPERM)),
        (0, MOUNT, "/f", Some(Errno::ENOTDIR)),
        (0, MOUNT_EXT9, "/u", Some(Errno::ENODEV)),
        (7, MOUNT_EXT9, "/u", Some(Errno::EPERM)),
        (0, MOUNT_PIPES, "/u", Some(Errno::EINVAL)),
        (0, MOUNT, "/u", good),
        (0, UMOUNT, "/u", Some(Errno::EINVAL)),
        (7, UMOUNT, "/u", Some(Errno::EINVAL)),
        (7, UMOUNT, "/m", Some(Errno::EPERM)),
        (0, UMOUNT, "/", Some(Errno::EBUSY)),
        (0, UMOUNT, "/none", Some(Errno::ENOENT)),
        (0, UMOUNT, "/m", good),
    ];
    for &(uid, (name, call), path, expected) in table {
        let mut lab = Lab::new("mem=2M");
        let said = lab.run(SCENE);
        assert_eq!(said, "", "the scene");
        lab.run(&format!("su {uid}"));
        let before = lab.kernel.mem[super::FS].nr_files;
        let result = call(&mut lab.kernel.mem, path);
        assert_eq!(result.err(), expected, "user {uid}: {name} {path:?}");
        assert_eq!(lab.kernel.mem[super::FS].nr_files, before, "{name} {path}");
        lab.run("su 0; cd /");
    }
}

/// Spec 5.3: blanks and backslashes in `/proc/mounts` are octal numbers, so a line has its six words.
#[test]
fn mounts_are_lines_of_words() {
    let mut lab = Lab::new("mem=2M");
    lab.run("mkdir '/a b' '/c\\d'; mount -t ramfs disk '/a b'; mount -t ramfs 'x\\y' '/c\\d'");
    let mounts = lab.run("cat /proc/mounts");
    let last = "\ndisk /a\\040b ramfs rw 0 0\nx\\134y /c\\134d ramfs rw 0 0\n";
    assert!(mounts.ends_with(last), "{mounts}");
    assert_eq!(
        lab.run("mount -t ramfs 'two words' /c*d; mount -t ramfs 'two words' /"),
        "mount: /c*d: Invalid argument\nmount: /: Invalid argument\n"
    );
}

/// Spec 6.3: in a working directory that was removed, nothing is found and nothing is made; but one
/// gets out.
#[test]
fn a_removed_working_directory_is_a_dead_end() {
    let mut lab = Lab::new("mem=2M");
    assert_eq!(lab.run("mkdir /d /d/in; cd /d/in; rmdir /d/in; ls"), "");
    let missing = "No such file or directory";
    assert_eq!(
        lab.run("touch x; mkdir x; mkfifo x; cat x; ls x"),
        std::format!(
            "touch: cannot touch 'x': {missing}\nmkdir: cannot create directory 'x': {missing}\n\
             mkfifo: cannot create fifo 'x': {missing}\ncat: x: {missing}\n\
             ls: cannot access 'x': {missing}\n"
        )
    );
    assert_eq!(lab.run("cd ..; pwd; rmdir /d; cd /; pwd"), "/d\n/\n");
}

/// Everybody's files together have a limit, except for root's.
#[test]
fn the_machine_has_so_many_open_files() {
    let mut lab = Lab::new("mem=4M");
    lab.run(
        "echo 'x = 0' > /p; echo 'while $x >= 0' >> /p; echo 'x = open /p' >> /p; echo end >> /p",
    );
    lab.run("echo 'print \"$error\"' >> /p; echo pause >> /p; chmod 755 /p");
    let said = lab.run("spawn /p uid=5 count=58; sleep 1");
    let count = |what: &str| said.lines().filter(|line| *line == what).count();
    let (own, all) = (
        count("Too many open files"),
        count("Too many open files in system"),
    );
    assert!(own > 10 && all > 10 && own + all == 58, "{own} {all}");
    assert_eq!(lab.run("cat < /p > /dev/null; echo $?"), "0\n");
}

#[test]
fn mounts_in_use_stay() {
    let mut lab = Lab::new("mem=2M");
    lab.run("mkdir /a; mount -t ramfs none /a; mkdir /a/b; touch /a/f");
    for (use_it, leave_it) in [
        ("cd /a/b", "cd /"),
        ("dcache open /a f 1", "dcache close"),
        ("mount -t ramfs none /a/b", "umount /a/b"),
    ] {
        lab.run("touch /a/f0 /a/f");
        let line = use_it.replace(" f 1", " f 1 1");
        lab.run(&line);
        assert_eq!(
            lab.run("umount /a"),
            "umount: /a: device is busy\n",
            "{use_it}"
        );
        lab.run(leave_it);
    }
    assert_eq!(lab.run("umount /a; ls /a"), "");
}

#[test]
fn owners_groups_and_bits() {
    let mut lab = Lab::new("mem=2M");
    lab.run("umask 0; mkdir /s; chown 1:5 /s; chmod 2775 /s; umask 027");
    assert_eq!(
        lab.run("umask; id; su 1; id; umask 2; mkdir /s/d; touch /s/f; su; umask; ls -l /s"),
        "0027\nuid=0(root) gid=0(root)\nuid=1 gid=1\n0002\n\
         drwxrwsr-x   2 1    5           0 d\n-rw-rw-r--   1 1    5           0 f\n"
    );
    for (line, mode) in [
        ("chmod u+s,g=r,o-r", "-rwSr-----"),
        ("chmod +x", "-rwsr-x--x"),
        ("chmod a=rw", "-rw-rw-rw-"),
        ("chmod o=", "-rw-rw----"),
        ("chmod 1777", "-rwxrwxrwt"),
    ] {
        let shown = lab.run(&format!("{line} /s/f; ls -l /s/f"));
        assert_eq!(shown.split(' ').next(), Some(mode), "{line}");
    }
    // Who gives a file away gives no rights of his with it.
    let shown = lab.run("chmod 6755 /s/f; chown 2 /s/f; ls -l /s/f");
    assert!(shown.starts_with("-rwxr-xr-x   1 2    5 "), "{shown}");
    // The first class that fits counts, even if another would give more.
    lab.run("su 0; chown 1:5 /s/f; chmod 077 /s/f");
    let denied = "cat: /s/f: Permission denied\n";
    assert_eq!(
        lab.run("su 1; cat /s/f; su 5; cat /s/f; su 9; cat /s/f; su"),
        denied
    );
    for line in [
        "chmod 9 /f",
        "chmod u~x /f",
        "chown x /f",
        "umask 8",
        "su nobody",
    ] {
        assert!(lab.run(line).contains("invalid"), "{line}");
    }
}

#[test]
fn links_are_followed_as_far_as_one_may() {
    let mut lab = Lab::new("mem=2M");
    lab.run("mkdir /a /a/b; echo hello > /a/b/f; cd /a; ln -s b/f rel; ln -s /a/b dir; ln -s .. up; cd /");
    assert_eq!(
        lab.run("cat /a/rel /a/dir/f /a/up/a/rel; readlink /a/rel; cd /a/dir; pwd; cd /; ls -l /a"),
        "hello\nhello\nhello\nb/f\n/a/b\n\
         drwxr-xr-x   2 root root        0 b\nlrwxrwxrwx   1 root root        4 dir -> /a/b\n\
         lrwxrwxrwx   1 root root        3 rel -> b/f\nlrwxrwxrwx   1 root root        2 up -> ..\n"
    );
    // What is written through a link lands in what it leads to; what is removed is the link.
    assert_eq!(
        lab.run("echo more >> /a/rel; cat /a/b/f; rm /a/rel; ls /a"),
        "hello\nmore\nb\ndir\nup\n"
    );
    // Eight links in each other's texts, and not nine.
    lab.run("echo end > /l0");
    for number in 1..=9 {
        lab.run(&format!("ln -s l{} /l{number}", number - 1));
    }
    assert_eq!(
        lab.run("cat /l8; cat /l9"),
        "end\ncat: /l9: Too many levels of symbolic links\n"
    );
    // Forty in a row, and not forty-one.
    lab.run("mkdir /r; ln -s . /r/s");
    let walk = |count: usize| format!("cd /r/{}; pwd; cd /", "s/".repeat(count));
    assert_eq!(lab.run(&walk(40)), "/r\n");
    assert!(
        lab.run(&walk(41))
            .ends_with("Too many levels of symbolic links\n/\n")
    );
    // An inode here knows one name.
    assert_eq!(
        lab.run("readlink /a; ln /a/b/f /hard"),
        "ln: cannot make a hard link '/hard': Operation not permitted\n"
    );
}

#[test]
fn a_renamed_directory_takes_what_is_in_it_along() {
    let mut lab = Lab::new("mem=2M");
    lab.run("mkdir -p /a/b/c /z; echo 1 > /a/b/f; cat /z/none /y; cd /a/b/c");
    assert_eq!(
        lab.run("mv /a/b /z/none; pwd; cat ../f; ls /a; ls /z; mv -T /z /y; pwd; cat /y/none/f"),
        "/z/none/c\n1\nnone\n/y/none/c\n1\n"
    );
    assert_eq!(lab.run("cd /; stat /y").matches("Links: 3 ").count(), 1);
    // What is replaced goes, even while somebody has it open.
    assert_eq!(
        lab.run("echo 2 > /g0; dcache open / g 1; mv /y/none/f /g0; cat /g0; dcache close"),
        "1 found, 0 missing\n1\n1 closed\n"
    );
    assert_eq!(
        lab.run("mkdir /d; mv /g0 /y /d; ls /d; mv /none /d"),
        "g0\ny\nmv: cannot move '/none' to '/d': No such file or directory\n"
    );
}

#[test]
fn devices_do_what_they_do() {
    let mut lab = Lab::new("mem=2M");
    assert_eq!(
        lab.run(
            "ls -l /dev; cat /dev/null; echo x > /dev/null; echo hi > /dev/tty; echo x > /dev/full"
        ),
        "crw-------   1 root root   5,   1 console\ncrw-rw-rw-   1 root root   1,   7 full\n\
         cr--r--r--   1 root root   1,  13 mem_notify\n\
         crw-rw-rw-   1 root root   1,   3 null\ncrw-rw-rw-   1 root root   5,   0 tty\n\
         crw-rw-rw-   1 root root   1,   5 zero\necho: write error: No space left on device\nhi\n"
    );
    // A node's name means nothing.
    assert_eq!(
        lab.run("mknod /n c 1 3; echo x > /n; cat /n; rm /n; ls /dev/null"),
        "/dev/null\n"
    );
    assert_eq!(
        lab.run("ls / > /dev/tty; ls /dev > /dev/tty")
            .lines()
            .count(),
        10
    );
    // More than the terminal holds reaches the console as well.
    let file = "mkdir /m; mount -t srcfs -o dirs=1,files=9 none /m; cat /m/dir0/*";
    lab.run(file);
    let paths: Vec<String> = (0..9)
        .map(|number| format!("/m/dir0/file{number}"))
        .collect();
    let plain = lab.run(&format!("cat {}", paths.join(" ")));
    assert!(plain.len() > crate::tty::CAPACITY);
    assert_eq!(
        lab.run(&format!("cat {} > /dev/tty", paths.join(" "))),
        plain
    );
    let mem = &mut lab.kernel.mem;
    let zero = fs::open(mem, "/dev/zero", O_RDWR, 0).expect("it is there");
    let mut bytes = [1; 100];
    assert_eq!(fs::read(mem, zero, &mut bytes), Ok(100));
    assert_eq!(bytes, [0; 100]);
    assert_eq!(fs::lseek(mem, zero, 0, 0), Err(Errno::ESPIPE));
    fs::close(mem, zero);
}

#[test]
fn files_know_their_place_and_their_writers() {
    let mut lab = Lab::new("mem=2M");
    lab.run("echo 0123456789 > /f");
    let mem = &mut lab.kernel.mem;
    let file = fs::open(mem, "/f", O_RDWR, 0).expect("it is there");
    for (offset, whence, expected) in [
        (4, 0, Ok(4)),
        (2, 1, Ok(6)),
        (-1, 2, Ok(10)),
        (-7, 1, Ok(3)),
        (-4, 1, Err(Errno::EINVAL)),
        (0, 3, Err(Errno::EINVAL)),
        (i64::MAX, 1, Err(Errno::EOVERFLOW)),
        (100, 2, Ok(111)),
    ] {
        assert_eq!(fs::lseek(mem, file, offset, whence), expected);
    }
    let mut byte = [0];
    assert_eq!(fs::read(mem, file, &mut byte), Ok(0));
    let inode = mem[mem[file].dentry].inode;
    assert_eq!(fs::deny_write_access(mem, inode), Err(Errno::ETXTBSY));
    fs::close(mem, file);
    assert_eq!(fs::deny_write_access(mem, inode), Ok(()));
    for flags in [O_WRONLY, O_RDWR, O_WRONLY | O_APPEND] {
        assert_eq!(fs::open(mem, "/f", flags, 0), Err(Errno::ETXTBSY));
    }
    let file = fs::open(mem, "/f", O_RDONLY, 0).expect("reading is no harm");
    fs::close(mem, file);
    fs::allow_write_access(mem, inode);
    let version = fs::open(mem, "/proc/version", O_RDONLY, 0).expect("it is there");
    assert_eq!(fs::lseek(mem, version, 0, 0), Ok(0));
    assert_eq!(fs::lseek(mem, version, 5, 0), Err(Errno::EINVAL));
    assert_eq!(fs::write(mem, version, b"x"), Err(Errno::EBADF));
    fs::close(mem, version);
    let dir = fs::open(mem, "/dev", O_RDONLY, 0).expect("it is there");
    assert_eq!(fs::read(mem, dir, &mut byte), Err(Errno::EISDIR));
    fs::close(mem, dir);
    lab.run("cat /f");
}

/// The spec's 5.2, but that the pot ends where its page does.
#[test]
fn the_fortune_dispenser() {
    let mut lab = Lab::new("mem=2M");
    assert!(lab.run("dmesg").contains("fortune: Module loaded.\n"));
    // An empty pot gives an empty line, and the reader moves on by one.
    assert_eq!(lab.run("cat /proc/fortune"), "\n");
    lab.run("echo Success is an individual proposition. > /proc/fortune");
    assert_eq!(
        lab.run("cat /proc/fortune"),
        "uccess is an individual proposition.\n"
    );
    lab.run("echo If a man is happy > /proc/fortune; echo -n Searching > /proc/fortune");
    let round = "If a man is happy\nSearchin\nSuccess is an individual proposition.\n";
    let cat = "cat /proc/fortune; cat /proc/fortune; cat /proc/fortune; ";
    assert_eq!(lab.run(&cat.repeat(2)), round.repeat(2));
    // A reader that wants little loses the rest.
    let mem = &mut lab.kernel.mem;
    let file = fs::open(mem, "/proc/fortune", O_RDWR, 0).expect("it is there");
    let mut little = [0; 4];
    assert_eq!(fs::read(mem, file, &mut little), Ok(4));
    assert_eq!(&little, b"If a");
    assert_eq!(fs::read(mem, file, &mut little), Ok(0));
    // Exactly full, then not a byte more.
    let used = mem[super::FS].cookie_index as usize;
    let cookie = [b'x'; FRAME_SIZE];
    assert_eq!(
        fs::write(mem, file, &cookie[..FRAME_SIZE - used + 1]),
        Err(Errno::ENOSPC)
    );
    assert_eq!(fs::write(mem, file, &[]), Ok(0));
    assert_eq!(
        fs::write(mem, file, &cookie[..FRAME_SIZE - used]),
        Ok(FRAME_SIZE - used)
    );
    assert_eq!(fs::write(mem, file, b"\n"), Err(Errno::ENOSPC));
    fs::close(mem, file);
    let said = lab.run("echo x > /proc/fortune");
    assert_eq!(
        said,
        "echo: write error: No space left on device\n".to_owned()
            + &"fortune: cookie pot is full!\n".repeat(3)
    );
    assert_eq!(lab.run("cat /proc/fortune"), "Searchin\n");
    // Of a long one, 3072 bytes are read at once, and the rest is lost.
    assert_eq!(lab.run("cat /proc/fortune").len(), 3072);
    assert!(lab.run("cat /proc/fortune").starts_with("Success"));
    assert_eq!(
        lab.run("su 7; echo x > /proc/fortune; su"),
        "sh: /proc/fortune: Permission denied\n"
    );
}

/// Runs something as process 2, which can sleep.
fn as_thread<T>(mem: &mut Mem, action: impl FnOnce(&mut Mem) -> T) -> T {
    let (shell, thread) = (mem[TASK].init, mem[TASK].kthreadd);
    mem[MEM].current = thread;
    let result = action(mem);
    mem[MEM].current = shell;
    result
}

#[test]
fn pipes_carry_bytes_in_order() {
    let mut lab = Lab::new("mem=2M");
    for seed in 0..6 {
        println!("seed {seed}");
        let mut random = Random(seed);
        let mem = &mut lab.kernel.mem;
        let [reader, writer] = fs::pipe(mem).expect("there is memory");
        mem[reader].flags |= O_NONBLOCK;
        mem[writer].flags |= O_NONBLOCK;
        fs::keep_open(mem, reader);
        fs::keep_open(mem, writer);
        let mut model = VecDeque::<u8>::new();
        let mut next = 0_u8;
        for _ in 0..400 {
            let mem = &mut lab.kernel.mem;
            let most = if random.below(4) == 0 { 6000 } else { 300 };
            let length = random.below(most) as usize;
            if random.below(2) == 0 {
                let bytes: Vec<u8> = (0..length).map(|at| next.wrapping_add(at as u8)).collect();
                let room = fs::PIPE_BUF - model.len();
                let expected = match length {
                    0 => Ok(0),
                    length if length <= room => Ok(length),
                    length if length > fs::PIPE_BUF && room > 0 => Ok(room),
                    _ => Err(Errno::EAGAIN),
                };
                assert_eq!(fs::write(mem, writer, &bytes), expected);
                let taken = expected.unwrap_or(0);
                model.extend(&bytes[..taken]);
                next = next.wrapping_add(taken as u8);
            } else {
                let mut buffer = std::vec![0; length];
                let expected = match length.min(model.len()) {
                    0 if length > 0 => Err(Errno::EAGAIN),
                    count => Ok(count),
                };
                assert_eq!(fs::read(mem, reader, &mut buffer), expected);
                let count = expected.unwrap_or(0);
                assert!(model.drain(..count).eq(buffer[..count].iter().copied()));
            }
            lab.kernel.check().expect("all is well");
        }
        let mem = &mut lab.kernel.mem;
        assert_eq!(fs::lseek(mem, reader, 0, 0), Err(Errno::ESPIPE));
        assert_eq!(fs::read(mem, writer, &mut [0]), Err(Errno::EBADF));
        assert_eq!(fs::write(mem, reader, &[0]), Err(Errno::EBADF));
        if seed % 2 == 0 {
            fs::close_kept(mem, writer);
            let mut all = std::vec![0; fs::PIPE_BUF];
            assert_eq!(fs::read(mem, reader, &mut all), Ok(model.len()));
            assert_eq!(fs::read(mem, reader, &mut all), Ok(0));
            fs::close_kept(mem, reader);
        } else {
            fs::close_kept(mem, reader);
            let broken = as_thread(mem, |mem| fs::write(mem, writer, b"x"));
            assert_eq!(broken, Err(Errno::EPIPE));
            fs::close_kept(mem, writer);
        }
        lab.kernel.check().expect("nothing is left of it");
    }
}

#[test]
fn a_pipe_with_a_name_waits_for_its_other_end() {
    let mut lab = Lab::new("mem=2M");
    lab.run("mkfifo /p");
    let mem = &mut lab.kernel.mem;
    assert_eq!(
        fs::open(mem, "/p", O_WRONLY | O_NONBLOCK, 0),
        Err(Errno::ENXIO)
    );
    let mut buffer = [0; 8];
    as_thread(mem, |mem| {
        let reader = fs::open(mem, "/p", O_RDONLY, 0).expect("it opens");
        // Nobody wrote yet: that is not the end.
        assert_eq!(fs::read(mem, reader, &mut buffer), Err(Errno::ERESTARTSYS));
        let writer = fs::open(mem, "/p", O_WRONLY, 0).expect("it opens");
        assert_eq!(fs::write(mem, writer, b"abc"), Ok(3));
        fs::close(mem, writer);
        assert_eq!(fs::read(mem, reader, &mut buffer), Ok(3));
        assert_eq!(fs::read(mem, reader, &mut buffer), Ok(0));
        let writer = fs::open(mem, "/p", O_WRONLY, 0).expect("it opens");
        assert_eq!(fs::read(mem, reader, &mut buffer), Err(Errno::ERESTARTSYS));
        fs::close(mem, reader);
        assert_eq!(fs::write(mem, writer, b"x"), Err(Errno::EPIPE));
        fs::close(mem, writer);
        // A writer who comes first waits as well.
        let writer = fs::open(mem, "/p", O_WRONLY, 0).expect("it opens");
        assert_eq!(fs::write(mem, writer, b"x"), Err(Errno::ERESTARTSYS));
        let reader = fs::open(mem, "/p", O_RDONLY, 0).expect("it opens");
        assert_eq!(fs::write(mem, writer, b"x"), Ok(1));
        fs::close(mem, writer);
        assert_eq!(fs::read(mem, reader, &mut buffer), Ok(1));
        fs::close(mem, reader);
    });
    // The console does not wait for who will never come.
    assert_eq!(
        lab.run("cat /p"),
        "cat: /p: Resource temporarily unavailable\n"
    );
    assert_eq!(
        lab.run("cat < /p; rm /p; ls -l /p"),
        "cat: -: Resource temporarily unavailable\nls: cannot access '/p': No such file or directory\n"
    );
}

#[test]
fn whatever_allocation_fails_is_undone() {
    type Action = fn(&mut Mem) -> Result<(), Errno>;
    let actions: [(&str, Action); 5] = [
        ("pipe", |mem| {
            let ends = fs::pipe(mem)?;
            ends.into_iter().for_each(|end| fs::close(mem, end));
            Ok(())
        }),
        ("fifo", |mem| opens(mem, "/p", O_RDWR)),
        ("symlink", |mem| fs::symlink(mem, "some text", "/new")),
        ("console", |mem| {
            let files = fs::console_files(mem, None, None)?;
            fs::put_files(mem, files);
            Ok(())
        }),
        ("rename", |mem| fs::rename(mem, "/d/x", "/e/none")),
    ];
    for (name, action) in actions {
        let mut succeeded = false;
        for nth in 1..40 {
            let mut lab = Lab::new("mem=2M");
            lab.run(&format!(
                "mkfifo /p; mkdir /d /e; echo x > /d/x; echo {nth} > /proc/self/fail-nth"
            ));
            succeeded = action(&mut lab.kernel.mem).is_ok();
            lab.run("echo 0 > /proc/self/fail-nth");
            if succeeded {
                break;
            }
        }
        assert!(succeeded, "{name}");
    }
}

/// Words of random lines.
const PATHS: &[&str] = &[
    "/a",
    "/b",
    "/a/x",
    "/b/x",
    "/a/b",
    "/s",
    "/s/x",
    "/p",
    "/n",
    "/m",
    "/m/dir0/file1",
    "/proc/version",
    ".",
    "..",
    "x",
    "/a/link",
    "link",
    "/r",
];

#[test]
fn random_sessions_of_users_keep_all_invariants() {
    for seed in 0..10 {
        println!("seed {seed}");
        let mut lab =
            Lab::new(["mem=2M", "mem=1M slab=slab", "mem=1M slab=slob"][seed as usize % 3]);
        lab.run("mkdir /s; chmod 1777 /s; mkdir /r; mount -t ramfs none /r");
        let mut random = Random(seed);
        for _ in 0..220 {
            let mut pick =
                |words: &[&'static str]| words[random.below(words.len() as u64) as usize];
            let (one, other) = (pick(PATHS), pick(PATHS));
            let word = pick(&[
                "touch",
                "mkdir",
                "rm",
                "rmdir",
                "cd",
                "cat",
                "ls -l",
                "chmod 777",
                "chmod 0",
                "chmod u+w,o=x",
                "chown 1:2",
                "chown 2",
                "mkfifo",
                "stat",
                "find",
                "umount",
                "readlink",
                "dcache show",
            ]);
            let line = match pick(&["one", "one", "mv", "ln", "su", "echo", "other"]) {
                "one" => format!("{word} {one}"),
                "mv" => format!("mv {} {one} {other}", pick(&["", "-T"])),
                "ln" => format!("ln -s {one} {other}"),
                "su" => format!("su {}", pick(&["0", "0", "1", "2"])),
                "echo" => format!("echo {one} {} {other}", pick(&[">", ">>"])),
                _ => pick(&[
                    "mknod /n c 1 3",
                    "mount -t srcfs -o dirs=2,files=2 none /m",
                    "umask 77",
                    "umask 0",
                    "echo 2 > /proc/sys/vm/drop_caches",
                    "dcache open /a x 1",
                    "dcache close",
                    "cd /",
                    "echo 3 > /proc/self/fail-nth",
                    "mount -t ramfs none /a",
                    "kmem shrink dentry",
                    "cat /proc/fortune",
                    "echo cookie > /proc/fortune",
                ])
                .to_owned(),
            };
            lab.run(&line);
        }
        lab.run("echo 0 > /proc/self/fail-nth; su; cd /; dcache close");
        for _ in 0..8 {
            lab.run("umount /a; umount /m; umount /r");
        }
        lab.run("echo 2 > /proc/sys/vm/drop_caches");
        let unused = lab.kernel.mem[super::FS].nr_unused;
        assert_eq!(unused, 0);
        let open: Vec<Ref<File>> = fs::files(&lab.kernel.mem).collect();
        assert!(open.is_empty());
    }
}

#[test]
fn a_container_decides_about_devices() {
    let mut lab = Lab::new("mem=4M");
    lab.run("mkdir /c; mount -t container -o devices none /c; mkdir /c/a; echo 1 > /c/a/tasks");
    assert_eq!(lab.run("mknod /n c 1 3; echo x > /n; cat /n"), "");
    // The file's name has the prefix that its kernel gives it.
    let listed = lab.run("ls /c/a");
    let deny = listed
        .lines()
        .find(|name| name.ends_with("deny"))
        .expect("a file to deny");
    let allow = deny.replace("deny", "allow");
    lab.run(&format!(
        "echo a > /c/a/{deny}; echo c 1:3 r > /c/a/{allow}"
    ));
    assert_eq!(lab.run("cat /n"), "");
    assert_eq!(lab.run("echo x > /n"), "sh: /n: Operation not permitted\n");
    assert_eq!(
        lab.run("cat /dev/zero"),
        "cat: /dev/zero: Operation not permitted\n"
    );
    assert_eq!(
        lab.run("mknod /z c 1 3"),
        "mknod: /z: Operation not permitted\n"
    );
    assert_eq!(lab.run("mkfifo /z; rm /z"), "", "a pipe is no device");
}

#[test]
fn proc_tells_what_is_open() {
    let mut lab = Lab::new("mem=4M");
    lab.run("echo hello > /f; mkdir /d; cd /d");
    let mem = &mut lab.kernel.mem;
    let task = mem[TASK].init;
    mem[task].files = fs::console_files(mem, None, None).expect("there is memory");
    let file = fs::open(mem, "/f", O_RDWR, 0).expect("it is there");
    fs::fd_install(mem, task, file).expect("room");
    for end in fs::pipe(mem).expect("there is memory") {
        fs::fd_install(mem, task, end).expect("room");
    }
    let listing = lab
        .run("ls /proc/1/fd; readlink /proc/self/fd/0; readlink /proc/1/fd/3; cat /proc/self/fd/3");
    assert_eq!(listing, "0\n1\n2\n3\n4\n5\n/dev/console\n/f\nhello\n");
    assert!(lab.run("readlink /proc/1/fd/4").starts_with("pipe:["));
    assert_eq!(
        lab.run("readlink /proc/self/cwd; ls /proc/1/fd/6; readlink /proc/1/fd/03; rm /f; readlink /proc/1/fd/3"),
        "/d\nls: cannot access '/proc/1/fd/6': No such file or directory\nf (deleted)\n"
    );
    // A directory of /proc belongs to whom its task belongs to.
    assert!(
        lab.run("ls -l /proc/1/fd/3")
            .starts_with("lrwxrwxrwx   1 root root ")
    );
    assert!(
        lab.run("su 7; ls -l /proc/1/status; echo 5 > /proc/1/oom_adj; cat /proc/1/oom_adj; su")
            .ends_with("\n5\n")
    );
    assert_eq!(lab.run("echo 0 > /proc/1/oom_adj"), "");
    let mem = &mut lab.kernel.mem;
    fs::exit_files(mem, task);
    lab.run("ls /proc/1/fd");
}

/// The check passes over each task and each dentry once, so twice as many take twice as long.
#[test]
fn the_check_is_linear() {
    let mut lab = Lab::new("mem=128M");
    lab.kernel.mem[TASK].max_threads = 5000;
    let mut before = 0;
    for thousands in [2, 4, 8] {
        let count = thousands * 500;
        let text: String = (before..count)
            .map(|number| format!("/d{number} "))
            .collect();
        for paths in text
            .trim()
            .split_inclusive(' ')
            .collect::<Vec<_>>()
            .chunks(300)
        {
            lab.kernel.run_line(
                &mut crate::testing::Console::default(),
                format!("mkdir {}", paths.concat()).as_bytes(),
            );
        }
        for number in before..count {
            let mem = &mut lab.kernel.mem;
            let init = mem[TASK].init;
            let task = crate::task::fork::copy_process(mem, init, crate::task::fork::FORK)
                .expect("room for a task");
            let path = format!("/d{number}");
            let dir = fs::walk(mem, &path).expect("it was made");
            fs::get(mem, dir);
            let old = core::mem::replace(&mut mem[task].pwd, dir);
            fs::put(mem, old);
            if number % 2 == 0 {
                fs::rmdir(mem, &path).expect("it is empty");
            }
        }
        before = count;
        let start = std::time::Instant::now();
        super::check(&lab.kernel.mem).expect("all is well");
        println!("{count} tasks: {:?}", start.elapsed());
    }
}

/// Two programs at the ends of a pipe with a name, both of which wait for the other at times.
#[test]
fn programs_talk_through_a_pipe() {
    let mut lab = Lab::new("mem=8M");
    assert_eq!(lab.run("mkfifo /p; /bin/cat /p &"), "[1] 100\n");
    assert_eq!(
        lab.run("writer /p 3; sleep 1; jobs"),
        "line 1 of 3, by 101\nline 2 of 3, by 101\nline 3 of 3, by 101\n[1]+  Done                    /bin/cat /p\n"
    );
    // One that reads once and goes breaks the pipe for whoever writes on.
    for line in [
        "file = open /p",
        "buffer = mmap 4K",
        "count = read $file $buffer 10",
        "write 1 $buffer $count",
    ] {
        lab.run(&format!("echo '{line}' >> /once"));
    }
    lab.run("chmod 755 /once; yes > /p &");
    let said = lab.run("/once; sleep 1");
    assert!(said.starts_with("y\ny\ny\ny\ny\n["), "{said}");
    assert!(said.contains("Broken pipe"), "{said}");
}
