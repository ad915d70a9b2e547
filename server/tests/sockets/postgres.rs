//! A PostgreSQL of the test's own: a cluster in a temporary folder, reached by a socket there.
//!
//! Needs PostgreSQL's programs (Debian: the package `postgresql`; `cargo xtask setup` installs it),
//! in `/usr/lib/postgresql/*/bin`, on the path, or where `GLASS_POSTGRES` says that `postgres` is. It
//! refuses to run as root, so a root who tests lends it the user `postgres`.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::PATIENCE;

/// A running PostgreSQL. Dropping it ends it.
pub struct Cluster {
    server: Child,
    url: String,
    _folder: TempDir,
}

impl Cluster {
    /// Makes a cluster and starts it.
    pub fn start() -> Cluster {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let programs = programs();
        let owner = other_user(folder.path());
        let data = folder.path().join("data");
        let program = |name: &str| {
            let program = programs.join(name);
            let mut command = match owner {
                Some((user, group)) => {
                    let mut command = Command::new("setpriv");
                    command
                        .arg(format!("--reuid={user}"))
                        .arg(format!("--regid={group}"))
                        .args(["--clear-groups", "--"])
                        .arg(program);
                    command
                }
                None => Command::new(program),
            };
            command.current_dir(folder.path());
            command.stdin(Stdio::null()).stdout(Stdio::null());
            command
        };
        let made = program("initdb")
            .args(["--no-sync", "-A", "trust", "-U", "glass", "-E", "UTF8"])
            .args(["--locale", "C", "-D"])
            .arg(&data)
            .output()
            .expect("initdb runs");
        let complaint = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb: {complaint}");

        let log = folder.path().join("log");
        let server = program("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses="])
            .stderr(fs::File::create(&log).expect("writable"))
            .spawn()
            .expect("postgres starts");
        let socket = folder.path().display();
        let mut cluster = Cluster {
            server,
            url: format!("postgres://glass@localhost/postgres?host={socket}"),
            _folder: folder,
        };
        let began = Instant::now();
        while !is_ready(&log) {
            let ended = cluster.server.try_wait().expect("it is ours");
            let said = fs::read_to_string(&log).unwrap_or_default();
            assert!(ended.is_none() && began.elapsed() < PATIENCE, "{said}");
            std::thread::sleep(Duration::from_millis(10));
        }
        cluster
    }

    /// The address of an empty database in it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // At once, but not without giving its shared memory back, as SIGKILL would be.
        let id = self.server.id().to_string();
        let asked = Command::new("kill").args(["-QUIT", &id]).status();
        if !asked.is_ok_and(|status| status.success()) {
            self.server.kill().ok();
        }
        self.server.wait().ok();
    }
}

fn is_ready(log: &Path) -> bool {
    fs::read_to_string(log).is_ok_and(|log| log.contains("ready to accept connections"))
}

/// The folder with PostgreSQL's programs.
fn programs() -> PathBuf {
    let named = std::env::var_os("GLASS_POSTGRES").map(PathBuf::from);
    let named = named.and_then(|program| Some(program.parent()?.to_owned()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    debian.sort();
    let mut folders = named
        .into_iter()
        .chain(debian.into_iter().rev())
        .chain(std::env::split_paths(&path));
    folders
        .find(|folder| folder.join("initdb").is_file())
        .expect(
            "this test needs PostgreSQL: run `cargo xtask setup`, or install it (Debian: \
             postgresql), or name its program `postgres` in GLASS_POSTGRES",
        )
}

/// The user and group that PostgreSQL is to run as, if it cannot be ours; `folder` becomes theirs.
fn other_user(folder: &Path) -> Option<(u32, u32)> {
    let own = fs::metadata(folder).expect("it was made").uid();
    if own != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("readable");
    let number = |field: Option<&str>| field.and_then(|field| field.parse().ok());
    let postgres = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some("postgres"))
            .then(|| Some((number(fields.nth(1))?, number(fields.next())?)))?
    });
    let (user, group) = postgres.expect("PostgreSQL's package made the user postgres");
    chown(folder, Some(user), Some(group)).expect("root may");
    Some((user, group))
}
