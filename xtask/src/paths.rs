//! Where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The workspace's folder.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// Cargo's target folder, where everything that is built goes: `CARGO_TARGET_DIR` if it is set, or
/// else `target` in the workspace.
///
/// The programs that the tool starts are told this path, so that all agree whatever folder they
/// work in.
pub fn target() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| {
        let set = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"]
            .into_iter()
            .find_map(|name| env::var_os(name).filter(|dir| !dir.is_empty()));
        match set {
            // A relative one is meant from where cargo was called, which is where we are.
            Some(dir) => std::path::absolute(&dir).unwrap_or(dir.into()),
            None => workspace().join("target"),
        }
    })
}

/// The program `name` on the search path.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
}

/// A path as a person would write it from here.
pub fn short(path: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    path.strip_prefix(&here)
        .unwrap_or(path)
        .display()
        .to_string()
}
