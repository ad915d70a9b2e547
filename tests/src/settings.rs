//! Where the built parts and the outside programs are.

use std::env;
use std::path::{Path, PathBuf};

/// Paths of everything that a host is made of. Finding them does not check that they are there:
/// a run on the native host needs no QEMU. The methods do check, and their errors name the command
/// that makes the missing part.
///
/// Each path can be set by an environment variable, for odd places and for tests of the harness.
#[derive(Debug, Clone)]
pub struct Settings {
    target: PathBuf,
}

impl Settings {
    /// Looks in `CARGO_TARGET_DIR`, or else in the `target` folder of this workspace.
    pub fn find() -> Settings {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .unwrap_or(Path::new("."));
        // A relative CARGO_TARGET_DIR means relative to where cargo was called: the workspace.
        let target = match env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => workspace.join(dir),
            None => workspace.join("target"),
        };
        Settings { target }
    }

    /// The page and both WebAssembly modules, ready to be served (`GLASS_DIST`).
    pub fn dist(&self) -> Result<PathBuf, String> {
        let dist = set_by("GLASS_DIST").unwrap_or_else(|| self.target.join("dist"));
        built(dist.join("kernel_bg.wasm"), "the page", "cargo xtask dist")?;
        Ok(dist)
    }

    /// The server (`GLASS_SERVER`): whichever of the debug and the release build is newer.
    pub fn server(&self) -> Result<PathBuf, String> {
        self.program("GLASS_SERVER", "server", "the server", "cargo xtask test")
    }

    /// The developer's tool itself (`GLASS_XTASK`).
    pub fn xtask(&self) -> Result<PathBuf, String> {
        self.program(
            "GLASS_XTASK",
            "xtask",
            "the developer's tool",
            "cargo build -p xtask",
        )
    }

    /// The part of the developer's tool that drives kernels (`GLASS_DRIVE`).
    pub fn drive(&self) -> Result<PathBuf, String> {
        self.program(
            "GLASS_DRIVE",
            "drive",
            "the driver of kernels",
            "cargo xtask test",
        )
    }

    /// The kernel image that QEMU boots (`GLASS_BOOT_IMAGE`).
    pub fn boot_image(&self) -> Result<PathBuf, String> {
        let image = set_by("GLASS_BOOT_IMAGE").unwrap_or_else(|| self.target.join("boot/boot"));
        built(image, "the boot image", "cargo xtask test")
    }

    /// QEMU for x86_64 (`GLASS_QEMU`).
    pub fn qemu(&self) -> Result<PathBuf, String> {
        installed("GLASS_QEMU", &["qemu-system-x86_64"])
    }

    /// Chromium or a browser made from it (`GLASS_CHROMIUM`).
    pub fn chromium(&self) -> Result<PathBuf, String> {
        installed(
            "GLASS_CHROMIUM",
            &["chromium", "chromium-browser", "google-chrome"],
        )
    }

    /// axe-core, the judge of the page's accessibility (`GLASS_AXE`).
    pub fn axe(&self) -> Result<PathBuf, String> {
        let file = set_by("GLASS_AXE").unwrap_or_else(|| self.target.join("axe/axe-4.14.1.min.js"));
        if file.is_file() {
            return Ok(file);
        }
        Err(format!(
            "there is no {}; `cargo xtask setup` fetches it, or says why it cannot",
            file.display()
        ))
    }

    fn program(
        &self,
        variable: &str,
        name: &str,
        what: &str,
        command: &str,
    ) -> Result<PathBuf, String> {
        if let Some(path) = set_by(variable) {
            return built(path, what, command);
        }
        let builds = ["release", "debug"].map(|profile| self.target.join(profile).join(name));
        let age = |path: &PathBuf| path.metadata().and_then(|data| data.modified()).ok();
        let newest = builds.into_iter().max_by_key(age).unwrap_or_default();
        built(newest, what, command)
    }
}

fn set_by(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn built(path: PathBuf, what: &str, command: &str) -> Result<PathBuf, String> {
    if path.is_file() {
        return Ok(path);
    }
    Err(format!(
        "{what} is not built: there is no {}; `{command}` makes it",
        path.display()
    ))
}

fn installed(variable: &str, names: &[&str]) -> Result<PathBuf, String> {
    if let Some(path) = set_by(variable) {
        return built(path, names[0], "cargo xtask test");
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .flat_map(|dir| names.iter().map(move |name| dir.join(name)))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| {
            format!(
                "{} is not installed; `cargo xtask test` installs it",
                names[0]
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_command_that_makes_it() {
        let nowhere = Settings {
            target: PathBuf::from("/nonexistent"),
        };
        let error = nowhere.dist().expect_err("there is no such folder");
        assert_eq!(
            error,
            "the page is not built: there is no /nonexistent/dist/kernel_bg.wasm; `cargo xtask dist` makes it"
        );
        assert!(
            nowhere
                .boot_image()
                .is_err_and(|error| error.contains("`cargo xtask test` makes it"))
        );
        assert!(
            nowhere
                .server()
                .is_err_and(|error| error.contains("/nonexistent/"))
        );
    }
}
