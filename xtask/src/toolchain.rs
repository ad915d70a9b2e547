//! The two ways to WebAssembly.
//!
//! The plain way is rustup's target `wasm32-unknown-unknown`. Where rustup's servers can't be
//! reached, Debian helps: its `rustc-web` packages hold a compiler, a cargo and the standard
//! library's source, all of one version, so that cargo can compile the library along with us
//! (`-Zbuild-std`). That takes half a minute longer the first time and changes nothing on the
//! machine outside its packages. `GLASS_TOOLCHAIN=rustup` or `debian` forces one way.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stop::Stop;
use crate::{paths, process};

/// The target triple of the page and of its kernel.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The Debian packages of the second way: compiler, cargo, library source, linker.
pub const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";

/// A compiler for [`TARGET`] that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wasm {
    /// The compiler that runs everything else has the target.
    Rustup,
    /// Debian's compiler, which builds the standard library with us.
    Debian {
        /// Its linker; the one that the compiler looks for is in a package of its own.
        linker: PathBuf,
    },
}

impl Wasm {
    /// The way's name, as `GLASS_TOOLCHAIN` spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Wasm::Rustup => "rustup",
            Wasm::Debian { .. } => "debian",
        }
    }

    /// A cargo call on packages for [`TARGET`], e.g. `build` or `check`.
    ///
    /// Flags in the user's environment are meant for their own machine's code and are left out.
    pub fn cargo(&self, call: &str, profile: &str, packages: &[&str]) -> Command {
        let mut cargo = match self {
            Wasm::Rustup => process::cargo(),
            Wasm::Debian { linker } => {
                let mut cargo = process::program(DEBIAN_CARGO);
                cargo
                    .env_remove("RUSTUP_TOOLCHAIN")
                    // Without this, cargo takes the first rustc on the path, and that is rustup's.
                    .env("RUSTC", DEBIAN_RUSTC)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                cargo
            }
        };
        cargo
            .env_remove("RUSTFLAGS")
            .args([call, "--profile", profile, "--target", TARGET]);
        if matches!(self, Wasm::Debian { .. }) {
            cargo
                .arg("-Zbuild-std=std,panic_abort")
                .arg("--target-dir")
                .arg(self.target_dir());
        }
        cargo.args(packages.iter().flat_map(|package| ["-p", package]));
        cargo
    }

    /// The folder where a build leaves its `.wasm` files.
    pub fn output(&self, profile: &str) -> PathBuf {
        self.target_dir().join(TARGET).join(profile)
    }

    /// Whether anything was built by this way before.
    pub fn has_built(&self) -> bool {
        self.target_dir().join(TARGET).is_dir()
    }

    /// Two compilers in one folder would rebuild each other's work at every turn.
    fn target_dir(&self) -> PathBuf {
        match self {
            Wasm::Rustup => paths::target().to_path_buf(),
            Wasm::Debian { .. } => paths::target().join("debian"),
        }
    }
}

/// Which way the user insists on, if any.
pub fn forced() -> Result<Option<&'static str>, Stop> {
    parse_forced(&env::var("GLASS_TOOLCHAIN").unwrap_or_default())
}

fn parse_forced(value: &str) -> Result<Option<&'static str>, Stop> {
    match value {
        "" => Ok(None),
        "rustup" => Ok(Some("rustup")),
        "debian" => Ok(Some("debian")),
        other => Err(Stop::Usage(format!(
            "GLASS_TOOLCHAIN is `{other}`; it can be `rustup` or `debian`"
        ))),
    }
}

/// The first way, if the target is there.
///
/// The compiler prints where the target's libraries would be whether or not they are.
pub fn rustup() -> Option<Wasm> {
    let dir = process::output(rustc().args(["--print", "target-libdir", "--target", TARGET]))?;
    let is_there = names_in(Path::new(&dir)).any(|name| name.starts_with("libcore-"));
    is_there.then_some(Wasm::Rustup)
}

/// The second way, if its packages are there and new enough for us.
pub fn debian() -> Option<Wasm> {
    let has_source = [DEBIAN_RUSTC, DEBIAN_CARGO, DEBIAN_SOURCE]
        .iter()
        .all(|file| Path::new(file).is_file());
    let version = process::output(process::program(DEBIAN_RUSTC).arg("--version"))?;
    let is_new_enough =
        minor(&version)? >= minor(concat!("rustc ", env!("CARGO_PKG_RUST_VERSION")))?;
    let linker = linker_among(names_in(Path::new("/usr/bin")))?;
    (has_source && is_new_enough).then(|| Wasm::Debian {
        linker: Path::new("/usr/bin").join(linker),
    })
}

/// The 95 of the compiler's version 1.95, if it tells.
pub fn compiler() -> Option<u32> {
    minor(&process::output(rustc().arg("--version"))?)
}

/// The compiler that our cargo calls.
fn rustc() -> Command {
    process::program(env::var_os("RUSTC").unwrap_or("rustc".into()))
}

/// The 88 of `rustc 1.88.0 (...)`.
fn minor(version: &str) -> Option<u32> {
    version
        .strip_prefix("rustc 1.")?
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// The newest `lld-NN`. Debian's compiler asks for `rust-lld`, a link to it that we need not install.
fn linker_among(names: impl Iterator<Item = String>) -> Option<String> {
    let version = |name: &String| name.strip_prefix("lld-")?.parse::<u32>().ok();
    names
        .filter(|name| version(name).is_some())
        .max_by_key(version)
}

fn names_in(dir: &Path) -> impl Iterator<Item = String> {
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_ways_can_be_forced() {
        assert_eq!(parse_forced(""), Ok(None));
        assert_eq!(parse_forced("debian"), Ok(Some("debian")));
        assert!(
            matches!(parse_forced("Debian"), Err(Stop::Usage(text)) if text.contains("`Debian`"))
        );
    }

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(
            minor("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"),
            Some(96)
        );
        assert_eq!(minor("rustc 1.100.0-nightly"), Some(100));
        assert_eq!(minor("rustc 1.88"), Some(88));
        assert_eq!(minor("cargo 1.88"), None);
    }

    #[test]
    fn the_newest_linker_is_taken() {
        let names = |names: &[&str]| {
            linker_among(
                names
                    .iter()
                    .map(|name| name.to_string())
                    .collect::<Vec<_>>()
                    .into_iter(),
            )
        };
        assert_eq!(
            names(&["lld-9", "lld-link-22", "lld-22", "ld.lld-23", "lld-"]),
            Some("lld-22".to_string())
        );
        assert_eq!(names(&["ld", "lld-link-22"]), None);
    }

    #[test]
    fn the_second_way_keeps_to_its_own_compiler_and_folder() {
        let debian = Wasm::Debian {
            linker: "/usr/bin/lld-22".into(),
        };
        let cargo = debian.cargo("build", "web", &["kernel-wasm"]);
        let set = |name: &str| {
            cargo
                .get_envs()
                .find(|(key, _)| *key == name)
                .and_then(|(_, value)| value)
        };
        assert_eq!(set("RUSTC"), Some("/usr/bin/rustc".as_ref()));
        assert_eq!(set("RUSTUP_TOOLCHAIN"), None);
        assert!(process::line(&cargo).ends_with("-p kernel-wasm"));
        assert_ne!(debian.output("web"), Wasm::Rustup.output("web"));
    }
}
