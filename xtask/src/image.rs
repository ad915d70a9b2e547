//! Builds the image that QEMU boots.

use std::path::PathBuf;

use crate::progress::Progress;
use crate::stop::Stop;
use crate::{paths, process};

/// Builds the boot image and returns its path.
///
/// It is compiled for this very machine's target and linked by a script of its own, so it needs no
/// toolchain beyond ours, but the machine must be of its kind.
pub fn build(progress: &Progress) -> Result<PathBuf, Stop> {
    if std::env::consts::ARCH != "x86_64" {
        let arch = std::env::consts::ARCH;
        return Err(Stop::Failed(format!(
            "the boot image is for x86_64 and can't be built on {arch}"
        )));
    }
    progress.stage("building the boot image");
    let mut cargo = process::cargo_call("build --profile boot -p boot --features image");
    // Flags that are meant for programs (another linker, say) would break the image.
    cargo.env_remove("RUSTFLAGS");
    process::run(&mut cargo)?;
    Ok(paths::target().join("boot").join("boot"))
}
