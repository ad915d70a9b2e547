//! Builds everything and serves it.

use std::ffi::OsString;
use std::fs;
use std::net::{TcpListener, ToSocketAddrs};
use std::path::PathBuf;

use lexopt::prelude::*;

use crate::progress::Progress;
use crate::setup::QEMU;
use crate::stop::Stop;
use crate::web::{Kind, Sizes};
use crate::{image, labs, paths, process, setup, web};

/// What `serve --help` adds.
pub const DETAILS: &str = "
Does the set-up, builds what is out of date and runs the server until Ctrl-C.
  --addr HOST:PORT  where to listen (default 127.0.0.1:8080; port 0 picks a free one)
  --dev             a page that is quick to build and not compressed, for editing it
  --release         an optimised server, for many visitors
  --no-qemu         no QEMU sessions: neither QEMU nor the boot image is needed
For a class, passed on to the server (README.md, \"For a class\"):
  --data DIR        what the class leaves, and the keys (default glass-data in the workspace)
  --database URL    a PostgreSQL database instead of a file in there
  --teacher-key-file FILE, --require-keys, --embed-from ORIGINS, --allow-origin ORIGIN
  --demo-class      a class to look at: eight students who have handed in, really graded, in a
                    data folder that is made anew each time (target/demo-class)
and what follows `--` is passed on as it is.";

/// Where the server keeps what a class leaves, unless told otherwise: not in the target folder, which
/// `cargo clean` empties.
const DATA: &str = "glass-data";

const ADDRESS: &str = "127.0.0.1:8080";

/// The command.
pub fn serve(arguments: lexopt::Parser) -> Result<(), Stop> {
    let (mut arguments, mut passed_on) = split(arguments)?;
    let (mut address, mut page, mut profile, mut with_qemu) =
        (ADDRESS.to_string(), Kind::Release, "dev", true);
    let (mut data, mut with_demo) = (None, false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("addr") => address = arguments.value()?.string()?,
            Long("dev") => page = Kind::Dev,
            Long("release") => profile = "release",
            Long("no-qemu") => with_qemu = false,
            Long("data") => data = Some(from_here(arguments.value()?)?),
            Long("demo-class") => with_demo = true,
            Long("teacher-key-file") => {
                let file = from_here(arguments.value()?)?;
                passed_on.extend(["--teacher-key-file".into(), file.into()]);
            }
            Long(name @ ("database" | "embed-from" | "allow-origin")) => {
                let option = format!("--{name}").into();
                passed_on.extend([option, arguments.value()?]);
            }
            Long("require-keys") => passed_on.push("--require-keys".into()),
            other => return Err(other.unexpected().into()),
        }
    }
    // Better now than after minutes of building.
    check_address(&address)?;

    let progress = Progress::start();
    let wasm = setup::wasm(&progress)?;
    if with_qemu {
        setup::tools(&progress, &[&QEMU])?;
    }
    let dist = web::build(&progress, &wasm, page)?;
    if page == Kind::Release {
        progress.stage(&Sizes::of(&dist)?.summary());
    }
    let image = if with_qemu {
        Some(image::build(&progress)?)
    } else {
        None
    };
    let data = match (data, with_demo) {
        (Some(data), _) => data,
        (None, false) => paths::workspace().join(DATA),
        (None, true) => fresh(paths::target().join("demo-class"))?,
    };
    if with_demo {
        passed_on.extend(["--demo-class".into(), labs::demo(&progress)?.into()]);
    }
    let mut server = process::program(build_server(&progress, profile)?);
    server.args(["--addr", &address]).arg("--dist").arg(dist);
    server.arg("--data").arg(data).args(passed_on);
    if let Some(image) = image {
        server.arg("--boot-image").arg(image);
    }
    if let Some(qemu) = QEMU.path().filter(|_| with_qemu) {
        server.arg("--qemu").arg(qemu);
    }
    progress.stage(&format!(
        "open http://{address}/ in a browser; Ctrl-C ends the server"
    ));
    Err(process::become_program(&mut server))
}

/// The command `build`: everything that is not a test.
pub fn build(mut arguments: lexopt::Parser) -> Result<(), Stop> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    let progress = Progress::start();
    let wasm = setup::wasm(&progress)?;
    let dist = web::build(&progress, &wasm, Kind::Release)?;
    let image = image::build(&progress)?;
    let server = build_server(&progress, "dev")?;
    let sizes = Sizes::of(&dist)?;
    eprint!("{}", sizes.table());
    progress.stage(&sizes.summary());
    for (what, path) in [("page", dist), ("boot image", image), ("server", server)] {
        progress.stage(&format!("{what}: {}", paths::short(&path)));
    }
    Ok(())
}

/// Builds the server and returns its path.
pub fn build_server(progress: &Progress, profile: &str) -> Result<PathBuf, Stop> {
    progress.stage("building the server");
    process::run(process::cargo().args(["build", "--profile", profile, "-p", "server"]))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(paths::target().join(folder).join("server"))
}

/// The folder, without what an earlier call has left in it.
fn fresh(folder: PathBuf) -> Result<PathBuf, Stop> {
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| Stop::io("empty", &folder, &error))?;
    }
    Ok(folder)
}

/// What stands before a `--`, and what after it.
fn split(mut arguments: lexopt::Parser) -> Result<(lexopt::Parser, Vec<OsString>), Stop> {
    let mut own: Vec<OsString> = arguments.raw_args()?.collect();
    let Some(at) = own.iter().position(|argument| argument == "--") else {
        return Ok((lexopt::Parser::from_args(own), Vec::new()));
    };
    let theirs = own.split_off(at + 1);
    own.pop();
    Ok((lexopt::Parser::from_args(own), theirs))
}

/// A path as the caller means it; the server is started elsewhere.
fn from_here(path: OsString) -> Result<PathBuf, Stop> {
    let path = PathBuf::from(path);
    std::path::absolute(&path)
        .map_err(|error| Stop::Usage(format!("`{}` is no path: {error}", path.display())))
}

/// Refuses an address that the server could not listen on.
fn check_address(address: &str) -> Result<(), Stop> {
    let usage = |error| {
        Stop::Usage(format!(
            "`{address}` is no address to listen on, such as {ADDRESS}: {error}"
        ))
    };
    let Some(socket) = address.to_socket_addrs().map_err(usage)?.next() else {
        return Err(Stop::Failed(format!("`{address}` names no machine")));
    };
    match TcpListener::bind(socket) {
        Ok(_) => Ok(()),
        Err(error) => Err(Stop::Failed(format!(
            "can't listen on {address}: {error}\nchoose another with --addr HOST:PORT"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_before_anything_is_built() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("some port is free");
        let address = taken.local_addr().expect("it is bound").to_string();
        assert!(
            matches!(check_address(&address), Err(Stop::Failed(text)) if text.contains("--addr"))
        );
        drop(taken);
        assert_eq!(check_address("127.0.0.1:0"), Ok(()));
        for nonsense in [
            "",
            "8080",
            "127.0.0.1",
            "127.0.0.1:99999",
            "127.0.0.1:http:",
        ] {
            assert!(
                matches!(check_address(nonsense), Err(Stop::Usage(_))),
                "{nonsense}"
            );
        }
    }
}
