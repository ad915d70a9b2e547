//! Makes the page's files out of compiled WebAssembly: `pack DIR [--module NAME FILE]...
//! [--copy FILE|FOLDER]... [--compress]`.
//!
//! Writes JavaScript bindings for each module, copies the static files beside them, lists all files
//! in the page's service worker if they are for keeping (that is, compressed), and puts a
//! brotli and a gzip copy beside each file that gains by it, so that no server has to compress
//! anything. `DIR` is replaced only when all that has succeeded. Called by the developer's tool,
//! which knows when there is something to do.

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use lexopt::prelude::*;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

/// Compressing a file smaller than this gains less than the headers around it.
const COMPRESSED_MIN: usize = 200;

/// The script that keeps the page's files.
const WORKER: &str = "sw.js";

struct Job {
    dir: PathBuf,
    modules: Vec<(String, PathBuf)>,
    copies: Vec<PathBuf>,
    compress: bool,
}

fn main() -> ExitCode {
    match parse().and_then(|job| job.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Job, Box<dyn Error>> {
    let mut arguments = lexopt::Parser::from_env();
    let mut job = Job {
        dir: PathBuf::new(),
        modules: Vec::new(),
        copies: Vec::new(),
        compress: false,
    };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("module") => job
                .modules
                .push((arguments.value()?.string()?, arguments.value()?.into())),
            Long("copy") => job.copies.push(arguments.value()?.into()),
            Long("compress") => job.compress = true,
            Value(dir) if job.dir.as_os_str().is_empty() => job.dir = dir.into(),
            other => return Err(other.unexpected().into()),
        }
    }
    if job.dir.as_os_str().is_empty() {
        Err("pack into which folder?".into())
    } else {
        Ok(job)
    }
}

impl Job {
    fn run(&self) -> Result<(), Box<dyn Error>> {
        let fresh = self.dir.with_extension("new");
        remove(&fresh)?;
        fs::create_dir_all(&fresh)?;
        for (name, module) in &self.modules {
            let whole = fs::read(module)?;
            if is_to_be_split(&whole) {
                bind(name, &split(name, &whole, &fresh)?, &fresh)?;
            } else {
                bind(name, module, &fresh)?;
            }
        }
        for copy in &self.copies {
            copy_into(copy, &fresh)?;
        }
        list_files(&fresh, self.compress)?;
        if self.compress {
            compress_all(&fresh)?;
        }
        remove(&self.dir)?;
        Ok(fs::rename(&fresh, &self.dir)?)
    }
}

fn remove(dir: &Path) -> std::io::Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)
    } else {
        Ok(())
    }
}

/// Whether a module was linked with the notes that splitting needs.
fn is_to_be_split(module: &[u8]) -> bool {
    module.windows(10).any(|bytes| bytes == b"reloc.CODE")
}

/// Splits a module: what is loaded when it is needed goes into files of their own, the rest into
/// one whose path is returned.
fn split(name: &str, module: &[u8], dir: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let first = dir.with_extension("first.wasm");
    let main_module = format!("./{name}.js");
    let mut options = wasm_split_cli_support::Options::new(module);
    options.output_dir = dir;
    options.main_out_path = &first;
    options.main_module = &main_module;
    let link_name = format!("./{name}_later.js");
    options.link_name = &link_name;
    let parts = wasm_split_cli_support::transform(options)
        .map_err(|error| format!("can't split {name}: {error:#}"))?;
    for part in parts.split_modules {
        tighten(&part).map_err(|error| format!("{}: {error:#}", part.display()))?;
    }
    Ok(first)
}

/// Writes a module's numbers with as few bytes as they need: a linker leaves room in each.
fn tighten(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut module = walrus::Module::from_file(path)?;
    walrus::passes::gc::run(&mut module);
    module.emit_wasm_file(path)?;
    Ok(())
}

/// Writes `NAME.js` and `NAME_bg.wasm`.
fn bind(name: &str, module: &Path, dir: &Path) -> Result<(), Box<dyn Error>> {
    Bindgen::new()
        .input_path(module)
        .out_name(name)
        .web(true)?
        .typescript(false)
        // The bindings look for the module beside themselves.
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        // What is split off the module reaches it through these.
        .keep_lld_exports(true)
        .generate(dir)
        .map_err(|error| format!("can't write bindings for {}: {error:#}", module.display()).into())
}

/// Copies a file, or what a folder holds, into `dir`.
fn copy_into(path: &Path, dir: &Path) -> Result<(), Box<dyn Error>> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?.path();
            let below = if entry.is_dir() {
                dir.join(entry.file_name().unwrap_or_default())
            } else {
                dir.into()
            };
            fs::create_dir_all(&below)?;
            copy_into(&entry, &below)?;
        }
        return Ok(());
    }
    let copy = dir.join(path.file_name().unwrap_or_default());
    if copy.exists() {
        return Err(format!("{} would be written twice", copy.display()).into());
    }
    fs::copy(path, &copy).map_err(|error| format!("can't copy {}: {error}", path.display()))?;
    Ok(())
}

/// Writes the names and hashes of all files into the service worker, which keeps them for use
/// without a network. A page that is built for editing lists none: it must always be the newest.
fn list_files(dir: &Path, is_kept: bool) -> Result<(), Box<dyn Error>> {
    let worker = dir.join(WORKER);
    if !worker.exists() {
        return Ok(());
    }
    let mut entries = Vec::new();
    if is_kept {
        for file in files_under(dir)? {
            let name = file.strip_prefix(dir)?.to_string_lossy().replace('\\', "/");
            // What the server answers by itself is never kept.
            if name != WORKER && !name.starts_with("api/") {
                // Its beginning: hashes are what does not compress, and the worker is fetched by all.
                let hash = BASE64.encode(&Sha256::digest(fs::read(&file)?)[..9]);
                entries.push(format!("\n  ['{name}', '{hash}'],"));
            }
        }
    }
    entries.sort();
    let text = fs::read_to_string(&worker)?;
    let mark = "/* files */";
    if text.matches(mark).count() != 1 {
        return Err(format!("{WORKER} has no single place for the list of files").into());
    }
    let list = if entries.is_empty() {
        String::new()
    } else {
        format!("[{}\n]", entries.concat())
    };
    Ok(fs::write(&worker, text.replace(mark, &list))?)
}

fn files_under(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_under(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// Puts compressed copies beside the files of a folder, as many files at a time as there are cores.
fn compress_all(dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            compress_all(&path)?;
        } else {
            files.push(path);
        }
    }
    let results = thread::scope(|scope| {
        let threads: Vec<_> = files
            .iter()
            .map(|file| scope.spawn(|| compress(file)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("compressing does not panic"))
            .collect::<Vec<_>>()
    });
    for (file, result) in files.iter().zip(results) {
        result.map_err(|error| format!("can't compress {}: {error}", file.display()))?;
    }
    Ok(())
}

/// Writes `FILE.br` and `FILE.gz` if they are smaller than the file.
fn compress(file: &Path) -> std::io::Result<()> {
    let bytes = fs::read(file)?;
    if bytes.len() < COMPRESSED_MIN {
        return Ok(());
    }
    let mut smallest = Vec::new();
    let params = BrotliEncoderParams {
        quality: 11,
        lgwin: 24,
        size_hint: bytes.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut bytes.as_slice(), &mut smallest, &params)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes)?;
    for (extension, copy) in [(".br", smallest), (".gz", gzip.finish()?)] {
        if copy.len() < bytes.len() {
            let mut name = OsString::from(file);
            name.push(extension);
            fs::write(name, copy)?;
        }
    }
    Ok(())
}
