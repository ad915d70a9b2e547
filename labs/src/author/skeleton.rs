//! A lab to begin with.
//!
//! An empty folder asks a teacher to know the format; a lab that works already asks only to change
//! it. So a new lab is a small one that passes `lab check`, and its comments say what to replace.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use alloc::format;
use alloc::string::{String, ToString};

use super::read_lab;
use crate::log::is_lab_id;

/// The files of a new lab. `@TITLE@` and `@ORDER@` are filled in.
const FILES: [(&str, &str); 4] = [
    ("lab.toml", include_str!("skeleton/lab.toml")),
    ("handout.md", include_str!("skeleton/handout.md")),
    ("scenario.sh", include_str!("skeleton/scenario.sh")),
    ("solution.sh", include_str!("skeleton/solution.sh")),
];

/// How far behind the last lab a new one stands in the catalogue.
const ORDER_STEP: u32 = 10;

/// Makes the folder of a lab called `id` in the catalogue `dir`, and returns it. It is the last of
/// the catalogue until its author says otherwise.
///
/// # Errors
/// When the name is none for a lab, or there is such a folder already, or it cannot be written;
/// nothing is left then.
pub fn new_lab(dir: &Path, id: &str, title: &str) -> Result<PathBuf, String> {
    if !is_lab_id(id) {
        return Err(format!(
            "'{id}' is no name for a lab: small letters, digits and hyphens, 64 at most"
        ));
    }
    if title.is_empty() || title.contains(|c: char| c.is_control() || "\"\\{}".contains(c)) {
        return Err("a title is a line of text without quotes, braces and backslashes".to_string());
    }
    let order =
        next_order(dir).map_err(|error| format!("can't read {}: {error}", dir.display()))?;
    let folder = dir.join(id);
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{} is there already: choose another name", folder.display())
        }
        _ => format!("can't write {}: {error}", folder.display()),
    };
    fs::create_dir(&folder).map_err(failed)?;
    for (file, text) in FILES {
        let text = text.replace("@TITLE@", title);
        let text = text.replace("@ORDER@", &order.to_string());
        if let Err(error) = fs::write(folder.join(file), text) {
            // It is ours: it was made above.
            let _ = fs::remove_dir_all(&folder);
            return Err(failed(error));
        }
    }
    Ok(folder)
}

/// A place behind all labs that can be read; others are no reason not to begin a new one.
fn next_order(dir: &Path) -> io::Result<u32> {
    let mut last = 0;
    for entry in fs::read_dir(dir)? {
        let folder = entry?.path();
        if let Some(authored) = folder.is_dir().then(|| read_lab(&folder).ok()).flatten() {
            last = last.max(authored.lab.order);
        }
    }
    Ok(last + ORDER_STEP)
}
