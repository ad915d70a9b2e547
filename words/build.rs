//! Makes functions of the texts, and a file of those in German. A language that departs from English
//! ends the build.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

#[path = "src/source.rs"]
mod source;

use source::{Texts, compare, make, read, read_told};

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/source.rs");
    println!("cargo:rerun-if-changed=texts");
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let (english, german) = (texts("en")?, texts("de")?);
    let wrong = compare(&english, &german, "de");
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    let mut made = make(&english, &[("de", &german)])?;
    let source = fs::read_to_string(TOLD).map_err(|error| format!("{TOLD}: {error}"))?;
    let told = read_told(&source).map_err(|reason| format!("{TOLD}: {reason}"))?;
    made.rust += &format!(
        "/// How many sentences of kernels a language has.\n#[cfg(feature = \"languages\")]\n\
         const TOLD: usize = {};\n",
        told.len()
    );
    for (english, german) in &told {
        made.files[0] += &format!("{english}\t{german}\n");
    }
    let out = std::env::var("OUT_DIR").map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| {
        fs::write(Path::new(&out).join(name), text).map_err(|error| format!("{name}: {error}"))
    };
    write("texts.rs", &made.rust)?;
    write("words.de.txt", &made.files[0])
}

/// What kernels tell, in English and German.
const TOLD: &str = "texts/told.txt";

/// All areas of a language.
fn texts(language: &str) -> Result<Texts, String> {
    let folder = Path::new("texts").join(language);
    let named = |path: &Path, reason: String| format!("{}: {reason}", path.display());
    let files = fs::read_dir(&folder).map_err(|error| named(&folder, error.to_string()))?;
    let mut texts = Texts::new();
    for file in files {
        let path = file
            .map_err(|error| named(&folder, error.to_string()))?
            .path();
        let is_toml = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        let Some(area) = path
            .file_stem()
            .and_then(|name| name.to_str())
            .filter(|_| is_toml)
        else {
            return Err(named(&path, "only AREA.toml is known here".to_string()));
        };
        let source = fs::read_to_string(&path).map_err(|error| named(&path, error.to_string()))?;
        let read = read(&source).map_err(|reason| named(&path, reason))?;
        texts.insert(area.to_string(), read);
    }
    Ok(texts)
}
