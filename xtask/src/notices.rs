//! Third-party notices: whose packages are in what is built here, and under which licences.
//!
//! Most of these licences ask for one thing: that their text and the names of the authors come along.
//! So `THIRD-PARTY.md` lists the packages that are linked into the server, the page's modules and the boot
//! image, and has each text once. Tools that only build (procedural macros, the packer) are not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::progress::Progress;
use crate::stop::Stop;
use crate::{paths, process};

/// What `notices --help` adds.
pub const DETAILS: &str = "
Writes THIRD-PARTY.md anew: the packages in the server, the page and the boot image, their licences,
authors and texts. A test of `cargo xtask test` fails while the file is not what this would write.";

/// The file, in the workspace.
const FILE: &str = "THIRD-PARTY.md";

/// What is given away, each with the target that it is built for; none is this machine's.
const GIVEN_AWAY: [(&str, &str, Option<&str>); 5] = [
    ("server", "server", None),
    ("frontend", "page", Some("wasm32-unknown-unknown")),
    ("kernel-wasm", "page", Some("wasm32-unknown-unknown")),
    ("performance-wasm", "page", Some("wasm32-unknown-unknown")),
    ("boot", "boot image", None),
];

/// A package of somebody else's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: String,
    address: String,
}

/// Packages, each with what it is part of.
type Packages = BTreeMap<Package, BTreeSet<&'static str>>;

/// A licence's text without the lines that name its holders, and the packages that have it, each with
/// those lines.
type Texts = BTreeMap<String, Vec<(String, Vec<String>)>>;

/// The command.
pub fn notices(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    let progress = Progress::start();
    progress.stage("asking cargo for packages");
    let packages = packages()?;
    let text = head(&packages) + &texts_of(&packages)?;
    let file = paths::workspace().join(FILE);
    fs::write(&file, text).map_err(|error| Stop::io("write", &file, &error))?;
    progress.stage(&format!("{FILE}: {} packages", packages.len()));
    Ok(())
}

/// All packages that are given away and not our own.
fn packages() -> Result<Packages, Stop> {
    let mut packages = Packages::new();
    for (package, part, target) in GIVEN_AWAY {
        let mut tree = process::cargo_call("tree --locked -e normal,no-proc-macro --prefix none");
        tree.args(["--format", "{p}|{l}|{r}", "-p", package]);
        if let Some(target) = target {
            tree.args(["--target", target]);
        }
        let line = process::line(&tree);
        let told = process::output(&mut tree);
        let told = told.ok_or_else(|| Stop::Failed(format!("`{line}` failed")))?;
        for package in told.lines().filter_map(package_of) {
            packages.entry(package).or_default().insert(part);
        }
    }
    Ok(packages)
}

/// A line of `cargo tree`: `serde v1.0.0|MIT|https://...`. None for a package of ours, whose path follows
/// its version.
fn package_of(line: &str) -> Option<Package> {
    let mut parts = line.trim_end_matches(" (*)").split('|');
    let (name, version) = parts.next()?.split_once(" v")?;
    if version.contains(' ') {
        return None;
    }
    Some(Package {
        name: name.to_string(),
        version: version.to_string(),
        licence: parts.next()?.replace('/', " OR ").replace("  ", " "),
        address: parts.next()?.to_string(),
    })
}

/// What stands before the texts: the part that a test compares.
fn head(packages: &Packages) -> String {
    let mut text = String::from(
        "# Third-party notices\n\nThe server, the page and the boot image contain these packages, with thanks to \
         their authors. Where\na licence leaves a choice, MIT is taken, or else Apache-2.0 \
         ([its text](LICENSE-APACHE)).\nMade by `cargo xtask notices`.\n\n| package | version | licence | part of |\n\
         |---|---|---|---|\n",
    );
    for (package, parts) in packages {
        let Package {
            name,
            version,
            licence,
            address,
        } = package;
        let parts: Vec<&str> = parts.iter().copied().collect();
        let name = match address.as_str() {
            "" => name.clone(),
            address => format!("[{name}]({address})"),
        };
        text += &format!(
            "| {name} | {version} | {licence} | {} |\n",
            parts.join(", ")
        );
    }
    text
}

/// The licences' texts, each once.
fn texts_of(packages: &Packages) -> Result<String, Stop> {
    let mut texts = Texts::new();
    for package in packages.keys() {
        let folder = source(package)?;
        for file in licences(&folder)? {
            let text =
                fs::read_to_string(&file).map_err(|error| Stop::io("read", &file, &error))?;
            let (body, holders) = taken_apart(&text);
            let who = format!("{} {}", package.name, package.version);
            texts.entry(body).or_default().push((who, holders));
        }
    }
    // Those that most have come first.
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by_key(|(_, packages)| usize::MAX - packages.len());
    let mut text = String::from("\n## Texts\n");
    for (body, packages) in texts {
        text += "\n";
        for (who, holders) in packages {
            let holders = holders.join("; ");
            let colon = if holders.is_empty() { "" } else { ": " };
            text += &format!("- {who}{colon}{holders}\n");
        }
        text += &format!("\n```text\n{body}\n```\n");
    }
    Ok(text)
}

/// The folder with a package's source, where cargo keeps it.
fn source(package: &Package) -> Result<PathBuf, Stop> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let folder = format!("{}-{}", package.name, package.version);
    let registries = home.map(|home| home.join("registry/src"));
    let registries = registries.and_then(|folder| fs::read_dir(folder).ok());
    let mut found = registries.into_iter().flatten().flatten();
    let found =
        found.find_map(|entry| Some(entry.path().join(&folder)).filter(|path| path.is_dir()));
    found.ok_or_else(|| Stop::Failed(format!("{folder} is not here: `cargo fetch` brings it")))
}

/// The files with the licence that is taken, in the order of their names.
fn licences(folder: &Path) -> Result<Vec<PathBuf>, Stop> {
    let entries = fs::read_dir(folder).map_err(|error| Stop::io("read", folder, &error))?;
    let mut files: Vec<(String, PathBuf)> = entries
        .flatten()
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().to_uppercase(),
                entry.path(),
            )
        })
        .filter(|(name, path)| {
            let begins = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"];
            path.is_file() && begins.iter().any(|begin| name.starts_with(begin))
        })
        .collect();
    files.sort();
    let is_mit = |(name, _): &(String, PathBuf)| name.contains("MIT") || name.starts_with("NOTICE");
    if files.iter().any(is_mit) {
        files.retain(is_mit);
    }
    // Its text is in the workspace, for our own sake.
    files.retain(|(name, _)| !name.contains("APACHE"));
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// A licence's text in lines of words, and the lines that name who holds the rights.
fn taken_apart(text: &str) -> (String, Vec<String>) {
    let (mut body, mut holders) = (String::new(), Vec::new());
    for line in text.lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_holder = line.to_lowercase().starts_with("copyright")
            && line.contains(|c: char| c.is_ascii_digit() || c == '©')
            || line.to_lowercase().starts_with("copyright (c)");
        if is_holder {
            holders.push(line);
        } else if !line.is_empty() {
            body += &line.replace("```", "'''");
            body.push('\n');
        } else if !body.is_empty() && !body.ends_with("\n\n") {
            body.push('\n');
        }
    }
    (body.trim().to_string(), holders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_tells_of_the_packages_that_there_are() {
        let wanted = head(&packages().expect("cargo tells of packages"));
        let file = paths::workspace().join(FILE);
        let text = fs::read_to_string(file).expect("it is there");
        let (found, _) = text.split_once("\n## Texts\n").expect("texts follow");
        // Line by line, so that a failure shows the package.
        for (line, other) in wanted.lines().zip(found.lines()) {
            assert_eq!(line, other, "cargo xtask notices writes it anew");
        }
        assert_eq!(wanted.lines().count(), found.lines().count());
    }

    #[test]
    fn packages_of_ours_and_repeated_ones_are_told_apart() {
        assert_eq!(
            package_of("labs v0.1.0 (/work/labs)|MIT OR Apache-2.0|"),
            None
        );
        assert_eq!(package_of("labs v0.1.0 (/work/labs) (*)|MIT|"), None);
        let serde = package_of("serde v1.0.2|MIT/Apache-2.0|https://serde.rs (*)");
        let serde = serde.expect("a package");
        assert_eq!(serde.licence, "MIT OR Apache-2.0");
        assert_eq!(serde.address, "https://serde.rs");
    }

    #[test]
    fn texts_that_differ_in_their_holders_are_one() {
        let of = |holder: &str| {
            format!("MIT License\n\nCopyright (c) 2020 {holder}\n\n\nPermission  is\ngranted\n")
        };
        let (one, other) = (taken_apart(&of("Ada")), taken_apart(&of("Grace")));
        assert_eq!(one.0, "MIT License\n\nPermission is\ngranted");
        assert_eq!(one.0, other.0);
        assert_eq!(other.1, ["Copyright (c) 2020 Grace"]);
    }
}
