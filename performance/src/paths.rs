//! Path walks that find everything in the dentry cache.

use std::hint::black_box;

use kernel_core::Kernel;
use kernel_core::fs;
use kernel_core::mem::MEM;

use crate::{Measured, Random, Workload, crowd};

/// Files in a directory.
const IN_ONE: u32 = 100;
/// Walks in one measurement.
const WALKS: u32 = 10_000;

pub const HIT: Workload = Workload {
    name: "path.hit",
    what: "a path of two names leads to a file, whose dentry is cached; size: files, a hundred a directory",
    sizes: &[1_000, 10_000, 100_000],
    gated: 1_000,
    growth: 0.0,
    make: |size| {
        // A file's dentry and inode.
        let mut kernel = crowd::kernel(&format!("mem={}M", 32 + size / 1000));
        let mem = &mut kernel.mem;
        for dir in 0..size.div_ceil(IN_ONE) {
            fs::mkdir(mem, &format!("/dir{dir}"), 0o755).expect("room for a directory");
        }
        let path = |file: u32| format!("/dir{}/file{file}", file / IN_ONE);
        for file in 0..size {
            mem[MEM].steps_left = u32::MAX;
            let file = fs::open(mem, &path(file), fs::OVERWRITE, 0o644).expect("room for a file");
            fs::close(mem, file);
        }
        let mut random = Random(1);
        let paths = (0..WALKS)
            .map(|_| path(random.below(size as usize) as u32))
            .collect();
        Box::new(Walks {
            kernel,
            paths,
            names: 1,
        })
    },
};

pub const DEEP: Workload = Workload {
    name: "path.deep",
    what: "a long path leads to a directory, a name of it; size: names in the path",
    sizes: &[4, 32, 256],
    gated: 32,
    growth: 0.0,
    make: |size| {
        let mut kernel = crowd::kernel("mem=16M");
        let mem = &mut kernel.mem;
        let mut path = String::new();
        for level in 0..size {
            path += &format!("/level{}", level % 10);
            mem[MEM].steps_left = u32::MAX;
            fs::mkdir(mem, &path, 0o755).expect("room for a directory");
        }
        let walks = (WALKS / size) as usize;
        Box::new(Walks {
            kernel,
            paths: vec![path; walks],
            names: size,
        })
    },
};

struct Walks {
    kernel: Kernel,
    paths: Vec<String>,
    /// Names of a path that count as an operation each.
    names: u32,
}

impl Measured for Walks {
    fn prepare(&mut self) {
        self.kernel.mem[MEM].steps_left = u32::MAX;
    }

    fn run(&mut self) -> u64 {
        for path in &self.paths {
            let found = fs::walk(&mut self.kernel.mem, path);
            black_box(found.expect("it is there"));
        }
        self.paths.len() as u64 * u64::from(self.names)
    }
}
