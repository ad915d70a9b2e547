//! `words FOLDER`: writes the texts of every language but English into a folder, for the page to fetch.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("error: write into which folder?");
        return ExitCode::FAILURE;
    };
    let file = Path::new(&folder).join(words::GERMAN_NAME);
    let written =
        std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, words::GERMAN));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: can't write {}: {error}", file.display());
            ExitCode::FAILURE
        }
    }
}
