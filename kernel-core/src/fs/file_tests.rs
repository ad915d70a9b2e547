//! Open files and descriptors. What leaves a table or a file behind, `Kernel::check` finds.

extern crate std;

use super::{
    APPEND, File, O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, OVERWRITE,
};
use crate::errno::Errno;
use crate::machine::MachineConfig;
use crate::mem::{Mem, Ram, Ref};
use crate::task::{self, NR_OPEN, TASK, Task};
use crate::{Kernel, fs, tty};

fn kernel() -> Kernel {
    let config = MachineConfig::parse("mem=4M").expect("a good header");
    let ram = Ram::new(config.frames).expect("memory for the test");
    Kernel::boot(ram, &config).expect("the machine boots")
}

/// Process 2, with a table of its own.
fn with_table(mem: &mut Mem) -> Ref<Task> {
    let task = mem[TASK].kthreadd;
    mem[task].files = task::alloc_files(mem).expect("there is memory");
    task
}

fn text(mem: &mut Mem, file: Ref<File>) -> std::string::String {
    let mut buffer = [0; 64];
    let length = fs::read(mem, file, &mut buffer).expect("it can be read");
    std::string::String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn open_refuses_in_the_order_of_the_spec() {
    let mut kernel = kernel();
    let mem = &mut kernel.mem;
    fs::mkdir(mem, "/d", 0o777).unwrap();
    let file = fs::open(mem, "/f", OVERWRITE, 0o666).unwrap();
    fs::close(mem, file);
    for (path, flags, errno) in [
        ("/none", O_RDONLY, Errno::ENOENT),
        ("/none", O_WRONLY, Errno::ENOENT),
        ("/f", O_WRONLY | O_CREAT | O_EXCL, Errno::EEXIST),
        ("/d", O_RDONLY | O_CREAT | O_EXCL, Errno::EEXIST),
        ("/d", O_RDONLY | O_CREAT, Errno::EISDIR),
        ("/d", O_WRONLY, Errno::EISDIR),
        ("/d", O_RDWR, Errno::EISDIR),
        ("/d", O_RDONLY | O_TRUNC, Errno::EISDIR),
        ("/f", O_RDONLY | O_DIRECTORY, Errno::ENOTDIR),
        ("/f/x", O_RDONLY, Errno::ENOTDIR),
        ("/f/", O_RDONLY, Errno::ENOTDIR),
        ("/proc/none", O_WRONLY | O_CREAT, Errno::EACCES),
        ("/proc", O_WRONLY | O_CREAT, Errno::EISDIR),
        ("", O_RDONLY, Errno::ENOENT),
    ] {
        assert_eq!(
            fs::open(mem, path, flags, 0o666),
            Err(errno),
            "{path} {flags:o}"
        );
    }
    assert_eq!(mem[fs::FS].nr_files, 0);
    kernel.check().unwrap();
}

#[test]
fn descriptors_share_a_place_and_files_do_not() {
    let mut kernel = kernel();
    let mem = &mut kernel.mem;
    let task = with_table(mem);
    let file = fs::open(mem, "/f", O_RDWR | O_CREAT, 0o666).unwrap();
    assert_eq!(fs::fd_install(mem, task, file), Ok(0));
    assert_eq!(fs::write(mem, file, b"hello world"), Ok(11));
    let again = fs::open(mem, "/f", O_RDONLY, 0).unwrap();
    assert_eq!(fs::fd_install(mem, task, again), Ok(1));
    assert_eq!(fs::dup(mem, task, 1), Ok(2));
    let mut word = [0; 6];
    fs::read(mem, again, &mut word).unwrap();
    let duplicate = fs::fd_get(mem, task, 2).unwrap();
    assert_eq!(text(mem, duplicate), "world");
    assert_eq!(fs::write(mem, again, b"x"), Err(Errno::EBADF));
    assert_eq!(fs::dup2(mem, task, 0, 5), Ok(5));
    assert_eq!(fs::dup2(mem, task, 0, 2), Ok(2));
    assert_eq!(fs::dup2(mem, task, 0, 0), Ok(0));
    assert_eq!(fs::dup2(mem, task, 0, NR_OPEN as u32), Err(Errno::EBADF));
    assert_eq!(fs::dup2(mem, task, 9, 1), Err(Errno::EBADF));
    assert_eq!(mem[file].count, 3);
    assert_eq!(mem[again].count, 1);
    kernel.check().unwrap();
    let mem = &mut kernel.mem;
    // Its place stands behind what was written.
    let written = fs::fd_get(mem, task, 5).unwrap();
    assert_eq!(text(mem, written), "");
    for fd in [0, 1, 2] {
        assert_eq!(fs::fd_close(mem, task, fd), Ok(()));
        assert_eq!(fs::fd_close(mem, task, fd), Err(Errno::EBADF));
    }
    assert_eq!(mem[fs::FS].nr_files, 1);
    let appended = fs::open(mem, "/f", APPEND, 0).unwrap();
    assert_eq!(fs::fd_install(mem, task, appended), Ok(0));
    fs::write(mem, appended, b"!").unwrap();
    mem[file].position = 6;
    assert_eq!(text(mem, file), "world!");
    fs::exit_files(mem, task);
    assert_eq!(mem[fs::FS].nr_files, 0);
    assert_eq!(fs::fd_get(mem, task, 0), Err(Errno::EBADF));
    kernel.check().unwrap();
}

#[test]
fn a_table_is_copied_or_shared() {
    let mut kernel = kernel();
    let mem = &mut kernel.mem;
    let task = with_table(mem);
    for fd in 0..NR_OPEN as u32 {
        let file = fs::open(mem, "/f", OVERWRITE, 0o666).unwrap();
        assert_eq!(fs::fd_install(mem, task, file), Ok(fd));
    }
    assert_eq!(fs::dup(mem, task, 3), Err(Errno::EMFILE));
    let files = mem[task].files;
    mem[files].close_on_exec = 0b101;
    // Process 1 stands for a child here.
    let child = mem[TASK].init;
    mem[child].files = fs::copy_files(mem, files).unwrap();
    kernel.check().unwrap();
    let mem = &mut kernel.mem;
    fs::close_on_exec(mem, child);
    assert_eq!(fs::fd_get(mem, child, 0), Err(Errno::EBADF));
    assert_eq!(fs::fd_get(mem, child, 1), fs::fd_get(mem, task, 1));
    assert_eq!(mem[fs::FS].nr_files, 16, "the parent has them all");
    fs::exit_files(mem, child);
    mem[child].files = fs::share_files(mem, files);
    fs::fd_close(mem, child, 7).unwrap();
    assert_eq!(fs::fd_get(mem, task, 7), Err(Errno::EBADF));
    fs::exit_files(mem, task);
    assert_eq!(fs::descriptors(mem, child).count(), 15);
    kernel.check().unwrap();
    let mem = &mut kernel.mem;
    fs::exit_files(mem, child);
    assert_eq!(mem[fs::FS].nr_files, 0);
    // A file that nobody can close any more.
    fs::open(mem, "/f", O_RDONLY, 0).unwrap();
    assert_eq!(kernel.check(), Err("fs: a file was left open"));
}

#[test]
fn the_terminal_keeps_what_is_printed() {
    let mut kernel = kernel();
    let mem = &mut kernel.mem;
    let mut shown = std::vec::Vec::new();
    for round in 0..5 {
        let bytes = [b'a' + round; 6000];
        let first = tty::write(mem, &bytes).unwrap();
        assert_eq!(first, 6000);
        let rest = tty::room(mem);
        while tty::write(mem, &bytes).is_ok() {}
        assert_eq!(tty::write(mem, b"x"), Err(Errno::EAGAIN));
        assert_eq!(tty::write(mem, b""), Ok(0));
        shown.clear();
        tty::drain(mem, &mut |text| shown.extend_from_slice(text));
        assert_eq!(shown.len(), 6000 + rest);
        assert!(shown.iter().all(|&byte| byte == b'a' + round));
        assert!(!tty::is_pending(mem));
    }
    kernel.check().unwrap();
}
