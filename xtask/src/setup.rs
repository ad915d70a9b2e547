//! Makes sure that the machine has what a command needs.
//!
//! A bare Debian machine with a Rust toolchain lacks the WebAssembly target, QEMU and a browser.
//! Each has a test that tells whether it is there, and a way to install it; nothing is installed
//! without being named first, nothing that is there is touched, and what can't be installed stops
//! the command with the names of what to install by hand.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::progress::Progress;
use crate::stop::Stop;
use crate::toolchain::{self, DEBIAN_PACKAGES, TARGET, Wasm};
use crate::{paths, process};

/// What `setup --help` adds.
pub const DETAILS: &str = "
Makes sure of all that `serve` and `test` need, and installs what is missing:
  rustfmt, clippy            `rustup component add`
  wasm32-unknown-unknown     `rustup target add`, or where that fails Debian's packages
                             rustc-web cargo-web rust-web-src lld-22; tests prove both ways
  QEMU, Chromium, PostgreSQL from the system's packages, with apt-get (through sudo if need be)
Environment: GLASS_TOOLCHAIN=rustup|debian forces one way to WebAssembly;
GLASS_QEMU, GLASS_CHROMIUM and GLASS_POSTGRES name programs elsewhere.";

/// A program that other projects make.
#[derive(Debug)]
pub struct Tool {
    /// What it is called; any of these will do.
    programs: &'static [&'static str],
    /// Where to look besides the path: a folder of versions, each with a folder `bin`. Debian keeps
    /// programs there of which several versions may be installed.
    versions: Option<&'static str>,
    /// The variable that names one elsewhere.
    variable: &'static str,
    /// The Debian package that brings it.
    package: &'static str,
    /// What we want it for.
    purpose: &'static str,
}

/// The emulator.
pub const QEMU: Tool = Tool {
    programs: &["qemu-system-x86_64"],
    versions: None,
    variable: "GLASS_QEMU",
    package: "qemu-system-x86",
    purpose: "boots the kernel",
};

/// The browser.
pub const CHROMIUM: Tool = Tool {
    programs: &["chromium", "chromium-browser", "google-chrome"],
    versions: None,
    variable: "GLASS_CHROMIUM",
    package: "chromium",
    purpose: "runs the page in tests",
};

/// The instruction counter.
pub const VALGRIND: Tool = Tool {
    programs: &["valgrind"],
    versions: None,
    variable: "GLASS_VALGRIND",
    package: "valgrind",
    purpose: "counts instructions in benchmarks",
};

/// The compiler of the allocators that are measured beside ours.
pub const CXX: Tool = Tool {
    programs: &["c++", "g++", "clang++"],
    versions: None,
    variable: "CXX",
    package: "g++",
    purpose: "compiles allocators to compare ours with",
};

/// What one of them is built with.
pub const MAKE: Tool = Tool {
    programs: &["make"],
    versions: None,
    variable: "MAKE",
    package: "make",
    purpose: "builds allocators to compare ours with",
};

/// The database that a class may use instead of SQLite. The tests run one of their own.
pub const POSTGRES: Tool = Tool {
    programs: &["postgres"],
    versions: Some("/usr/lib/postgresql"),
    variable: "GLASS_POSTGRES",
    package: "postgresql",
    purpose: "keeps a class's submissions in tests",
};

impl Tool {
    /// Where the program is, if it is there.
    pub fn path(&self) -> Option<PathBuf> {
        let set = env::var_os(self.variable).filter(|path| !path.is_empty());
        set.map(PathBuf::from)
            .or_else(|| self.programs.iter().find_map(|name| paths::on_path(name)))
            .or_else(|| self.newest_version())
    }

    /// The program of the newest version in [`Tool::versions`].
    fn newest_version(&self) -> Option<PathBuf> {
        let folders = fs::read_dir(self.versions?).ok()?.flatten();
        let mut versions: Vec<PathBuf> = folders.map(|folder| folder.path()).collect();
        // By number, for 9 comes before 10.
        versions.sort_by_key(|folder| {
            let name = folder.file_name().and_then(|name| name.to_str());
            name.and_then(|name| name.parse::<u32>().ok())
        });
        versions.iter().rev().find_map(|folder| {
            let mut programs = self.programs.iter();
            programs.find_map(|name| Some(folder.join("bin").join(name)).filter(|p| p.is_file()))
        })
    }
}

/// The command: everything at once.
pub fn setup(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    let progress = Progress::start();
    lints(&progress)?;
    let way = wasm(&progress)?;
    let other = match other_wasm(&progress, &way)? {
        Ok(other) => other.name().to_string(),
        Err(reason) => format!("none, because {reason}"),
    };
    tools(&progress, &[&QEMU, &CHROMIUM, &POSTGRES])?;
    axe(&progress)?;
    let way = way.name();
    progress.stage(&format!(
        "set up; WebAssembly by way of {way}, the other way is {other}"
    ));
    Ok(())
}

/// Makes sure of programs.
pub fn tools(progress: &Progress, wanted: &[&Tool]) -> Result<(), Stop> {
    let missing: Vec<&Tool> = wanted
        .iter()
        .copied()
        .filter(|tool| tool.path().is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    for tool in &missing {
        progress.stage(&format!(
            "missing: {}, which {}",
            tool.programs[0], tool.purpose
        ));
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    apt_install(progress, &packages)?;
    match missing.iter().find(|tool| tool.path().is_none()) {
        None => Ok(()),
        Some(tool) => Err(Stop::Failed(format!(
            "the package {} is installed, but there is no `{}` where it should be",
            tool.package, tool.programs[0]
        ))),
    }
}

/// Where axe-core is in npm's registry.
const AXE_URL: &str = "https://registry.npmjs.org/axe-core/-/axe-core-4.14.1.tgz";
/// The package and the version, as npm knows them. `tests::Settings` knows the file's name, too.
const AXE_PACKAGE: &str = "axe-core@4.14.1";
/// The SHA-256 of the one file that we take out of it.
const AXE_SHA256: &str = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c";

/// Makes sure of axe-core, the judge of the page's accessibility.
///
/// It is under the Mozilla Public License and goes nowhere but into the browser of a test.
pub fn axe(progress: &Progress) -> Result<(), Stop> {
    let folder = paths::target().join("axe");
    let file = folder.join("axe-4.14.1.min.js");
    if sha256(&file).as_deref() == Some(AXE_SHA256) {
        return Ok(());
    }
    let by_hand = format!(
        "put axe.min.js of npm's {AXE_PACKAGE} at {}",
        file.display()
    );
    progress.stage("missing: axe-core, which finds barriers in the page; fetching it from npm");
    std::fs::create_dir_all(&folder).map_err(|error| Stop::io("create", &folder, &error))?;
    let archive = folder.join("axe-core-4.14.1.tgz");
    fetch_axe(&folder, &archive)
        .and_then(|()| {
            let mut tar = process::program("tar");
            tar.args(["-xz", "--strip-components=1", "-C"]).arg(&folder);
            process::run(tar.arg("-f").arg(&archive).arg("package/axe.min.js"))
        })
        .map_err(|stop| blocked("axe-core can't be fetched", stop, &by_hand))?;
    let fetched = folder.join("axe.min.js");
    if sha256(&fetched).as_deref() != Some(AXE_SHA256) {
        return Err(Stop::Failed(format!(
            "what came as {AXE_PACKAGE} is not what it was: its SHA-256 differs\n{by_hand}"
        )));
    }
    // Under its own name only once it is known to be the right one.
    std::fs::rename(&fetched, &file).map_err(|error| Stop::io("write", &file, &error))
}

/// Fetches the package, with npm or, where there is none, with curl.
fn fetch_axe(folder: &Path, archive: &Path) -> Result<(), Stop> {
    if paths::on_path("npm").is_some() {
        let mut npm = process::program("npm");
        npm.args(["pack", "--silent", AXE_PACKAGE])
            .current_dir(folder);
        if process::run(&mut npm).is_ok() {
            return Ok(());
        }
    }
    let mut curl = process::program("curl");
    curl.args(["-fsSL", "--retry", "2", "-o"]).arg(archive);
    process::run(curl.arg(AXE_URL))
}

/// The SHA-256 of a file, if it is there.
fn sha256(file: &Path) -> Option<String> {
    let printed = process::output(
        process::program("sha256sum")
            .arg("-b")
            .arg(file)
            .stderr(Stdio::null()),
    )?;
    // A name with odd letters makes it begin the line with a backslash.
    let hash = printed.trim_start_matches('\\').split(' ').next()?;
    Some(hash.to_string())
}

/// Makes sure of rustfmt and clippy, which a minimal toolchain lacks.
pub fn lints(progress: &Progress) -> Result<(), Stop> {
    let missing: Vec<&str> = [("fmt", "rustfmt"), ("clippy", "clippy")]
        .into_iter()
        .filter(|(call, _)| process::output(process::cargo().args([call, "--version"])).is_none())
        .map(|(_, component)| component)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" and ");
    progress.stage(&format!(
        "missing: {names}; installing with `rustup component add {}`",
        missing.join(" ")
    ));
    let mut rustup = process::program("rustup");
    process::run(rustup.args(["component", "add"]).args(&missing)).map_err(|stop| {
        let by_hand = format!("install {names} for this toolchain and run this again");
        blocked(&format!("{names} can't be installed"), stop, &by_hand)
    })
}

/// Makes sure of a way to WebAssembly: rustup's, or where that can't be had Debian's.
///
/// Where Debian's has been taken before, rustup's is not asked again and again.
pub fn wasm(progress: &Progress) -> Result<Wasm, Stop> {
    match toolchain::forced()? {
        Some("rustup") => return toolchain::rustup().map_or_else(|| add_target(progress), Ok),
        Some(_) => return toolchain::debian().map_or_else(|| add_debian(progress), Ok),
        None => {}
    }
    let taken_before = || toolchain::debian().filter(Wasm::has_built);
    if let Some(way) = toolchain::rustup().or_else(taken_before) {
        return Ok(way);
    }
    let by_rustup = match add_target(progress) {
        Ok(way) => return Ok(way),
        Err(stop) => stop,
    };
    progress.stage("rustup could not do it; Debian's compiler can");
    toolchain::debian()
        .map_or_else(|| add_debian(progress), Ok)
        .map_err(|by_debian| {
            let (first, second) = (by_rustup.into_reason(), by_debian.into_reason());
            Stop::Failed(format!("there is no way to {TARGET}\n{first}\n{second}"))
        })
}

/// Makes sure of the way that `first` is not, so that both can be tested.
///
/// The inner error says why this machine can't have it: it builds by Debian's way because there is no
/// rustup, or no connection to its servers. Debian's packages can always be had where they belong,
/// so their absence is a failure.
pub fn other_wasm(progress: &Progress, first: &Wasm) -> Result<Result<Wasm, String>, Stop> {
    match first {
        Wasm::Debian { .. } => {
            Ok(toolchain::rustup()
                .map_or_else(|| add_target(progress).map_err(Stop::into_reason), Ok))
        }
        Wasm::Rustup => match toolchain::debian() {
            Some(way) => Ok(Ok(way)),
            None => add_debian(progress).map(Ok),
        },
    }
}

fn add_target(progress: &Progress) -> Result<Wasm, Stop> {
    progress.stage(&format!(
        "missing: the target {TARGET}; installing with `rustup target add {TARGET}`"
    ));
    let by_hand = format!("run `rustup target add {TARGET}` where rustup works");
    process::run(process::program("rustup").args(["target", "add", TARGET]))
        .map_err(|stop| blocked(&format!("rustup can't add {TARGET}"), stop, &by_hand))?;
    toolchain::rustup().ok_or_else(|| {
        Stop::Failed(format!(
            "rustup added {TARGET}, but the compiler on the path is not rustup's\n{by_hand}"
        ))
    })
}

fn add_debian(progress: &Progress) -> Result<Wasm, Stop> {
    progress.stage("missing: a compiler for WebAssembly with the standard library's source");
    apt_install(progress, &DEBIAN_PACKAGES)?;
    toolchain::debian().ok_or_else(|| {
        Stop::Failed(format!(
            "the packages {} are installed, but /usr/bin/rustc is older than {} or not theirs",
            DEBIAN_PACKAGES.join(" "),
            env!("CARGO_PKG_RUST_VERSION")
        ))
    })
}

/// Installs Debian packages, and reads the archive's index first if it does not know them yet.
fn apt_install(progress: &Progress, packages: &[&str]) -> Result<(), Stop> {
    let names = packages.join(" ");
    let by_hand = format!(
        "install the Debian packages {names} (or what brings the same elsewhere) and run this again"
    );
    let stuck =
        |reason: &str| Stop::Failed(format!("{names} can't be installed: {reason}\n{by_hand}"));
    if paths::on_path("apt-get").is_none() {
        return Err(stuck("there is no apt-get on this system"));
    }
    if !is_root() && paths::on_path("sudo").is_none() {
        return Err(stuck("this needs root, and there is no sudo"));
    }
    let unknown = apt_lacks(progress, packages);
    if !unknown.is_empty() {
        return Err(stuck(&format!("apt knows no {}", unknown.join(" "))));
    }
    progress.stage(&format!("installing with apt-get: {names}"));
    // Our packages may conflict with others (rustc-web with rustc): the user's stay.
    let install = |mut apt: Command| {
        let options = "install -y -q --no-install-recommends --no-remove".split(' ');
        process::run(apt.args(options).args(packages))
    };
    if install(apt_get()).is_ok() {
        return Ok(());
    }
    progress.stage("once more with a fresh index: apt-get update");
    let updated = process::run(apt_get().args(["update", "-q"]));
    let second = updated.and_then(|()| install(apt_get()));
    let Err(stop) = second else { return Ok(()) };
    if let Some(release) = backports_in_use() {
        progress.stage(&format!(
            "this system has packages of {release}; once more, with those beside the others"
        ));
        let archive = Backports::index(release)?;
        if install(archive.apt_get()).is_ok() {
            return Ok(());
        }
    }
    Err(blocked(
        &format!("{names} can't be installed"),
        stop,
        &by_hand,
    ))
}

/// The release whose backports this system has packages of: what belongs to one of those can only
/// be had from there (an image with a newer `qemu-utils` takes no older QEMU).
fn backports_in_use() -> Option<String> {
    let mut installed = process::program("dpkg-query");
    let versions = process::output(installed.args(["-W", "-f", "${Version}\n"]))?;
    if !versions.lines().any(|version| version.contains("~bpo")) {
        return None;
    }
    let system = std::fs::read_to_string("/etc/os-release").ok()?;
    let codename = system
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(format!("{codename}-backports"))
}

/// Debian's backports, beside the system's own sources, in an index of our own: what apt is set up
/// with stays as it is.
struct Backports {
    release: String,
    folder: PathBuf,
}

impl Backports {
    /// Reads their index.
    fn index(release: String) -> Result<Self, Stop> {
        let folder = paths::target().join("apt");
        let parts = folder.join("sources");
        let _ = std::fs::remove_dir_all(&parts);
        let prepare = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder.join("lists"))?;
            std::fs::create_dir_all(&parts)?;
            for source in std::fs::read_dir("/etc/apt/sources.list.d")?.flatten() {
                std::fs::copy(source.path(), parts.join(source.file_name()))?;
            }
            let line = format!("deb http://deb.debian.org/debian {release} main\n");
            std::fs::write(parts.join("glass-backports.list"), line)
        };
        prepare().map_err(|error| Stop::io("prepare", &folder, &error))?;
        let archive = Self { release, folder };
        process::run(archive.sources(apt_get()).args(["update", "-q"]))?;
        Ok(archive)
    }

    fn sources(&self, mut apt: Command) -> Command {
        for (option, folder) in [("Etc::SourceParts", "sources"), ("State::Lists", "lists")] {
            let folder = self.folder.join(folder);
            apt.args(["-o", &format!("Dir::{option}={}", folder.display())]);
        }
        apt
    }

    fn apt_get(&self) -> Command {
        let mut apt = self.sources(apt_get());
        apt.args(["-t", &self.release]);
        apt
    }
}

/// Which of these packages apt's index lacks; it is read anew before that is believed.
fn apt_lacks<'a>(progress: &Progress, packages: &[&'a str]) -> Vec<&'a str> {
    let unknown = || {
        let mut show = process::program("apt-cache");
        show.args(["show", "--no-all-versions"]).args(packages);
        // It fails when it lacks one of them, and still shows the others.
        let output = show.stderr(Stdio::null()).output();
        let shown = output.map(|output| output.stdout).unwrap_or_default();
        not_shown(&String::from_utf8_lossy(&shown), packages)
    };
    if unknown().is_empty() {
        return Vec::new();
    }
    progress.stage("reading the package index: apt-get update");
    // Part of the index may come although the whole fails; the question is only whether ours did.
    let _ = process::run(apt_get().args(["update", "-q"]));
    unknown()
}

/// Which packages do not appear in what `apt-cache show` printed.
fn not_shown<'a>(shown: &str, packages: &[&'a str]) -> Vec<&'a str> {
    let names: Vec<&str> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("Package: "))
        .collect();
    packages
        .iter()
        .copied()
        .filter(|package| !names.contains(package))
        .collect()
}

/// `apt-get` as root that asks nothing and waits its turn.
fn apt_get() -> Command {
    let mut command = process::program(if is_root() { "env" } else { "sudo" });
    if !is_root() {
        command.arg("env");
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    command.args(["-o", "DPkg::Lock::Timeout=300"]);
    command
}

fn is_root() -> bool {
    process::output(process::program("id").arg("-u")).is_some_and(|id| id == "0")
}

/// A failure of an installer, with what to do instead.
fn blocked(what: &str, why: Stop, by_hand: &str) -> Stop {
    let why = why.into_reason();
    Stop::Failed(format!("{what}: {why}\n{by_hand}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_found_by_any_of_its_names() {
        let tool = |programs| Tool {
            programs,
            versions: None,
            variable: "GLASS_NO_SUCH_VARIABLE",
            package: "p",
            purpose: "does",
        };
        assert!(tool(&["no-such-program", "sh"]).path().is_some());
        assert!(tool(&["no-such-program"]).path().is_none());
    }

    #[test]
    fn a_file_is_known_by_its_hash() {
        let file = env::temp_dir().join(format!("glass-sha256-{}", std::process::id()));
        std::fs::write(&file, "abc").expect("the temporary folder can be written");
        let hash = sha256(&file);
        let _ = std::fs::remove_file(&file);
        // The example of the standard, FIPS 180-2.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.as_deref(), Some(abc));
        assert_eq!(sha256(&file), None);
    }

    #[test]
    fn a_package_is_known_by_its_whole_name() {
        let shown = "Package: rustc-web\nVersion: 1\nRecommends: lld-22\n\nPackage: cargo-web-doc\nVersion: 2\n";
        assert_eq!(
            not_shown(shown, &["rustc-web", "cargo-web", "lld-22"]),
            ["cargo-web", "lld-22"]
        );
        assert_eq!(not_shown("", &["chromium"]), ["chromium"]);
    }

    #[test]
    fn what_blocks_the_setup_comes_with_a_way_out() {
        let stop = blocked(
            "x can't be installed",
            Stop::Failed("`apt-get` failed".to_string()),
            "install x",
        );
        assert_eq!(
            stop,
            Stop::Failed("x can't be installed: `apt-get` failed\ninstall x".to_string())
        );
    }
}
