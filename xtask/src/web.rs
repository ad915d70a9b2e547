//! Builds the page: its WebAssembly modules and the files around them.
//!
//! One cargo call compiles all modules (two calls would resolve features twice and compile what
//! they share twice); `pack` then writes JavaScript bindings beside them, adds the static files and
//! compresses everything. The result, `target/dist`, is complete: any web host can serve it. A
//! stamp beside the folder remembers what it was made of, so that a second call does nothing.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use lexopt::prelude::*;

use crate::progress::Progress;
use crate::stop::Stop;
use crate::toolchain::Wasm;
use crate::{labs, paths, process, setup};

/// What `dist --help` adds.
pub const DIST_DETAILS: &str = "
Builds the page into target/dist and copies it to DIR (default: dist in this folder).
The copy needs no server of ours and no special headers: any static web host, also in a subfolder or an
iframe (`?embed` leaves out the page's head, `?noedit` takes no lines), and once loaded no network.
DIR must be new, empty, or an earlier copy, which is replaced.";

/// The limit for everything that a first visit loads, in bytes as sent.
///
/// What a first visit does not show is split off the page's module and does not count; see
/// `frontend/src/part.rs`.
const TOTAL_MAX: u64 = 585_000;
/// The limit for the kernel's module. Each system that the kernel learns makes it larger (radix trees
/// and files took 100 kB, the slab allocators and the dentry cache 60 more, tasks, programs, scheduler
/// and containers 120, reclaim and the OOM killer with all its rivals 44), and none of that can wait,
/// since any line may need it. What only some views need is split off it; see `wasm/src/lib.rs`.
const KERNEL_MAX: u64 = 282_000;
/// The crates that become modules of the page.
const PACKAGES: &[&str] = &["frontend", "kernel-wasm", "performance-wasm"];
/// The folder in the built folder whose files are loaded one by one, when a lab is opened.
const LABS: &str = "labs/";
/// How the files in the built folder begin that are loaded with a language.
const WORDS: &str = "words.";
/// The kernel's module in the built folder.
const KERNEL: &str = "kernel_bg.wasm";

/// Which page is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Small and fast; slow to build.
    Release,
    /// Quick to build, for the loop of editing and looking; not compressed.
    Dev,
}

impl Kind {
    fn profile(self) -> &'static str {
        match self {
            Kind::Release => "web",
            Kind::Dev => "web-dev",
        }
    }

    fn dist(self) -> PathBuf {
        paths::target().join(match self {
            Kind::Release => "dist",
            Kind::Dev => "dist-dev",
        })
    }
}

/// Builds the page and returns its folder.
pub fn build(progress: &Progress, wasm: &Wasm, kind: Kind) -> Result<PathBuf, Stop> {
    progress.stage(&format!(
        "compiling page and kernel to WebAssembly, by way of {}",
        wasm.name()
    ));
    process::run(&mut wasm.cargo("build", kind.profile(), PACKAGES))?;
    let labs = labs::pack(progress)?;
    let words = words()?;
    let modules = wasm.output(kind.profile());
    let inputs = Inputs {
        modules: vec![
            ("frontend", modules.join("frontend.wasm")),
            ("kernel", modules.join("kernel_wasm.wasm")),
            ("performance", modules.join("performance_wasm.wasm")),
        ],
        files: vec![
            paths::workspace().join("frontend/static"),
            paths::workspace().join("wasm/worker.js"),
            paths::workspace().join("wasm/performance-worker.js"),
            labs,
            words,
        ],
        is_compressed: kind == Kind::Release,
    };
    let dist = kind.dist();
    inputs.pack_into(progress, &dist)?;
    Ok(dist)
}

/// Writes the texts of the page's other languages and returns the folder that they are in.
fn words() -> Result<PathBuf, Stop> {
    process::run(&mut process::cargo_call(
        "build -p words --bin words --quiet",
    ))?;
    let folder = paths::target().join("words");
    let mut words = process::program(paths::target().join("debug").join("words"));
    process::run(words.arg(&folder))?;
    Ok(folder)
}

/// Builds the kernel's module alone, as a proof that `wasm` can; returns the folder of the result.
pub fn build_kernel(progress: &Progress, wasm: &Wasm) -> Result<PathBuf, Stop> {
    progress.stage(&format!(
        "compiling the kernel to WebAssembly, by way of {}",
        wasm.name()
    ));
    process::run(&mut wasm.cargo("build", Kind::Release.profile(), &["kernel-wasm"]))?;
    let module = wasm
        .output(Kind::Release.profile())
        .join("kernel_wasm.wasm");
    let inputs = Inputs {
        modules: vec![("kernel", module)],
        files: vec![paths::workspace().join("wasm/worker.js")],
        is_compressed: false,
    };
    let dist = paths::target().join(format!("dist-{}", wasm.name()));
    inputs.pack_into(progress, &dist)?;
    Ok(dist)
}

/// What a built folder is made of.
struct Inputs {
    /// Compiled modules, each with the name of its output.
    modules: Vec<(&'static str, PathBuf)>,
    /// Files, and folders of files, that are copied as they are.
    files: Vec<PathBuf>,
    is_compressed: bool,
}

impl Inputs {
    /// Makes `dist` unless it is up to date.
    fn pack_into(&self, progress: &Progress, dist: &Path) -> Result<(), Stop> {
        let stamp_file = dist.with_extension("stamp");
        let inputs = self.fingerprint()?;
        let stamp = |dist: &Path| {
            Ok::<String, Stop>(format!("{inputs:016x} {:016x}", outputs_fingerprint(dist)?))
        };
        if dist.is_dir()
            && fs::read_to_string(&stamp_file)
                .is_ok_and(|old| stamp(dist).is_ok_and(|new| old == new))
        {
            return Ok(());
        }
        progress.stage(if self.is_compressed {
            "binding and compressing"
        } else {
            "binding"
        });
        process::run(&mut process::cargo_call(
            "build -p xtask --features pack --bin pack",
        ))?;
        let mut pack = process::program(paths::target().join("debug").join("pack"));
        pack.arg(dist);
        for (name, module) in &self.modules {
            pack.arg("--module").arg(name).arg(module);
        }
        for file in &self.files {
            pack.arg("--copy").arg(file);
        }
        if self.is_compressed {
            pack.arg("--compress");
        }
        process::run(&mut pack)?;
        let stamp = stamp(dist)?;
        fs::write(&stamp_file, stamp).map_err(|error| Stop::io("write", &stamp_file, &error))
    }

    /// A hash of all that decides what the folder will hold.
    fn fingerprint(&self) -> Result<u64, Stop> {
        let mut hasher = DefaultHasher::new();
        self.is_compressed.hash(&mut hasher);
        include_bytes!("bin/pack.rs").hash(&mut hasher);
        for (name, module) in &self.modules {
            (name, read(module)?).hash(&mut hasher);
        }
        for file in &self.files {
            for file in files_under(file)? {
                (&file, read(&file)?).hash(&mut hasher);
            }
        }
        Ok(hasher.finish())
    }
}

/// A hash of a built folder's names and lengths: enough to notice that something was taken away.
fn outputs_fingerprint(dist: &Path) -> Result<u64, Stop> {
    let mut hasher = DefaultHasher::new();
    for file in files_under(dist)? {
        (file.strip_prefix(dist).ok(), length(&file)).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// The bytes that a browser is sent for each file of a built page.
#[derive(Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Each file with its length and its length as sent, in the order of their names.
    files: Vec<(String, u64, u64)>,
}

impl Sizes {
    /// Measures a built page. Where a compressed copy is smaller, that is what is sent.
    pub fn of(dist: &Path) -> Result<Sizes, Stop> {
        let files = files_under(dist)?;
        let is_copy = |file: &Path| {
            file.extension()
                .is_some_and(|extension| extension == "br" || extension == "gz")
        };
        let measured = files.iter().filter(|file| !is_copy(file)).map(|file| {
            let mut brotli = file.clone().into_os_string();
            brotli.push(".br");
            let whole = length(file);
            let sent = fs::metadata(brotli).map_or(whole, |data| data.len().min(whole));
            let name = file
                .strip_prefix(dist)
                .unwrap_or(file)
                .display()
                .to_string();
            (name, whole, sent)
        });
        Ok(Sizes {
            files: measured.collect(),
        })
    }

    /// What a first visit loads.
    fn total(&self) -> u64 {
        let first = self.files.iter().filter(|(name, ..)| !is_later(name));
        first.map(|(_, _, sent)| sent).sum()
    }

    fn kernel(&self) -> u64 {
        self.files
            .iter()
            .filter(|(name, ..)| name == KERNEL)
            .map(|(_, _, sent)| sent)
            .sum()
    }

    /// The sizes in one line.
    pub fn summary(&self) -> String {
        format!(
            "the page is {} of at most {} in brotli, its kernel {} of {}",
            kilobytes(self.total()),
            kilobytes(TOTAL_MAX),
            kilobytes(self.kernel()),
            kilobytes(KERNEL_MAX)
        )
    }

    /// The sizes as a table.
    pub fn table(&self) -> String {
        let mut table = format!("{:<24} {:>10} {:>10}\n", "file", "plain", "brotli");
        for (name, whole, sent) in &self.files {
            table += &format!(
                "{name:<24} {:>10} {:>10}{}\n",
                kilobytes(*whole),
                kilobytes(*sent),
                if is_later(name) {
                    "  not on a first visit"
                } else {
                    ""
                }
            );
        }
        table
    }

    /// Refuses a page that is larger than it may be.
    pub fn check(&self) -> Result<(), Stop> {
        if self.kernel() == 0 {
            return Err(Stop::Failed(format!("the page has no {KERNEL}")));
        }
        let is_small = self.total() <= TOTAL_MAX && self.kernel() <= KERNEL_MAX;
        if is_small {
            Ok(())
        } else {
            Err(Stop::Failed(format!("too large: {}", self.summary())))
        }
    }
}

/// Whether a file is loaded only when it is needed: a lab, code that was split off a module, another
/// language, or what measures.
fn is_later(name: &str) -> bool {
    [LABS, "split_", "chunk_", "performance", WORDS]
        .iter()
        .any(|beginning| name.starts_with(beginning))
}

fn kilobytes(bytes: u64) -> String {
    format!("{}.{} kB", bytes / 1000, bytes / 100 % 10)
}

/// The command: a copy of the page for other hosts.
pub fn dist(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    let mut dir = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) if dir.is_none() => dir = Some(PathBuf::from(value)),
            other => return Err(other.unexpected().into()),
        }
    }
    let dir = dir.unwrap_or_else(|| "dist".into());
    refuse_foreign(&dir)?;
    let progress = Progress::start();
    let wasm = setup::wasm(&progress)?;
    let built = build(&progress, &wasm, Kind::Release)?;
    let sizes = Sizes::of(&built)?;
    copy_into(&built, &dir)?;
    eprint!("{}", sizes.table());
    progress.stage(&sizes.summary());
    progress.stage(&format!("the page is in {}", paths::short(&dir)));
    sizes.check()
}

/// Refuses to replace a folder that holds anything but an earlier copy.
fn refuse_foreign(dir: &Path) -> Result<(), Stop> {
    if !dir.exists() {
        return Ok(());
    }
    let is_ours = dir.is_dir() && (dir.join(KERNEL).is_file() || files_under(dir)?.is_empty());
    if is_ours {
        Ok(())
    } else {
        Err(Stop::Failed(format!(
            "{} is not an earlier copy of the page; it is left alone",
            dir.display()
        )))
    }
}

/// Makes `dir` a copy of the folder `built`.
fn copy_into(built: &Path, dir: &Path) -> Result<(), Stop> {
    if dir.exists() {
        fs::remove_dir_all(dir).map_err(|error| Stop::io("replace", dir, &error))?;
    }
    for file in files_under(built)? {
        let copy = dir.join(file.strip_prefix(built).unwrap_or(&file));
        let parent = copy.parent().unwrap_or(dir);
        fs::create_dir_all(parent).map_err(|error| Stop::io("create", parent, &error))?;
        fs::copy(&file, &copy).map_err(|error| Stop::io("write", &copy, &error))?;
    }
    Ok(())
}

/// The files under a folder, or the file itself, in the order of their names.
fn files_under(path: &Path) -> Result<Vec<PathBuf>, Stop> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let wrong = |error| Stop::io("read", path, &error);
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(wrong)? {
        files.extend(files_under(&entry.map_err(wrong)?.path())?);
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<Vec<u8>, Stop> {
    fs::read(file).map_err(|error| Stop::io("read", file, &error))
}

fn length(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |data| data.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(files: &[(&str, u64, u64)]) -> Sizes {
        Sizes {
            files: files
                .iter()
                .map(|(name, whole, sent)| (name.to_string(), *whole, *sent))
                .collect(),
        }
    }

    /// A folder of its own for one test, gone when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let dir = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            fs::create_dir_all(&dir).expect("the system's temporary folder can be written");
            Folder(dir)
        }

        fn with(self, name: &str, bytes: &[u8]) -> Folder {
            fs::write(self.0.join(name), bytes).expect("the folder is ours");
            self
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_page_may_be_as_large_as_the_limits_and_no_larger() {
        let page = |kernel, rest| {
            sizes(&[
                (KERNEL, 1 << 20, kernel),
                ("frontend_bg.wasm", 1 << 20, rest),
            ])
        };
        assert_eq!(page(KERNEL_MAX, TOTAL_MAX - KERNEL_MAX).check(), Ok(()));
        assert!(page(KERNEL_MAX + 1, 1).check().is_err());
        assert!(page(1, TOTAL_MAX).check().is_err());
        assert!(
            sizes(&[("frontend_bg.wasm", 9, 9)]).check().is_err(),
            "a page without a kernel is no page"
        );
    }

    #[test]
    fn labs_split_code_and_other_languages_are_not_part_of_a_first_visit() {
        let page = sizes(&[
            (KERNEL, 9, 9),
            ("labs/a.lab", 1 << 30, TOTAL_MAX),
            ("split_past.wasm", 1 << 30, TOTAL_MAX),
            ("performance_bg.wasm", 1 << 30, TOTAL_MAX),
            ("words.de.txt", 1 << 30, TOTAL_MAX),
        ]);
        assert_eq!((page.total(), page.check()), (9, Ok(())));
        assert!(page.table().contains("not on a first visit"));
    }

    #[test]
    fn what_is_sent_is_the_smaller_copy() {
        let folder = Folder::new("sizes")
            .with("index.html", &[0; 500])
            .with("index.html.br", &[0; 80])
            .with("index.html.gz", &[0; 90])
            .with("icon.svg", &[0; 10])
            .with("icon.svg.br", &[0; 14]);
        let expected = sizes(&[("icon.svg", 10, 10), ("index.html", 500, 80)]);
        assert_eq!(Sizes::of(&folder.0), Ok(expected));
    }

    #[test]
    fn a_missing_output_is_noticed() {
        let folder = Folder::new("outputs").with("a", b"1").with("b", b"2");
        let before = outputs_fingerprint(&folder.0).expect("the folder is there");
        fs::remove_file(folder.0.join("b")).expect("the folder is ours");
        assert_ne!(outputs_fingerprint(&folder.0), Ok(before));
    }

    #[test]
    fn someone_elses_folder_is_left_alone() {
        let theirs = Folder::new("theirs").with("thesis.tex", b"...");
        assert!(refuse_foreign(&theirs.0).is_err());
        let earlier = Folder::new("earlier")
            .with(KERNEL, b"\0asm")
            .with("index.html", b"");
        assert_eq!(refuse_foreign(&earlier.0), Ok(()));
        assert_eq!(refuse_foreign(&Folder::new("empty").0), Ok(()));
        assert_eq!(refuse_foreign(Path::new("/no/such/folder")), Ok(()));
    }

    #[test]
    fn a_copy_has_what_the_original_has_and_nothing_else() {
        let built = Folder::new("built").with(KERNEL, b"new");
        let copy = Folder::new("copy")
            .with(KERNEL, b"old")
            .with("stale.js", b"old");
        copy_into(&built.0, &copy.0).expect("both folders are ours");
        assert_eq!(files_under(&copy.0), Ok(vec![copy.0.join(KERNEL)]));
        assert_eq!(fs::read(copy.0.join(KERNEL)).ok(), Some(b"new".to_vec()));
    }
}
