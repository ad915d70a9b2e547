//! The program itself: its command line, its first line and its end.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::client::Client;
use crate::site::{guest, guest_starts, lives, run, until};

/// The program, with a page of its own.
pub fn server(dist: &Path) -> Command {
    std::fs::write(dist.join("index.html"), "the page").expect("writable");
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.env_remove("RUST_LOG").arg("--dist").arg(dist);
    command.arg("--data").arg(dist.join("data"));
    command
}

/// Runs it to its end: status, standard output, standard error.
pub fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

/// Starts the program and waits for its first line; returns the address in it.
fn started(command: &mut Command) -> (Child, String) {
    let command = command.args(["--addr", "127.0.0.1:0"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let stdout = child.stdout.take().expect("a pipe");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let address = line
        .trim_end()
        .strip_prefix("listening on http://")
        .expect("the line");
    (child, address.to_owned())
}

/// The program, running. Dropping it kills it.
pub struct Running {
    child: Option<Child>,
    address: String,
}

impl Running {
    /// Starts the program.
    pub fn start(command: &mut Command) -> Running {
        let (child, address) = started(command);
        Running {
            child: Some(child),
            address,
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address.parse().expect("an address")
    }

    /// Kills it, as a power failure would, and waits for its end.
    pub fn kill(mut self) {
        ended(self.child.take().expect("it runs"), "-KILL");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Ends the program by a signal; returns its exit status and its log.
fn ended(mut child: Child, signal: &str) -> (Option<i32>, String) {
    let kill = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
    let mut log = String::new();
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut log)
        .expect("text");
    (child.wait().expect("it ends").code(), log)
}

#[test]
fn it_says_where_it_listens_and_stops_at_a_signal() {
    let dist = tempfile::tempdir().expect("a temporary folder");
    for signal in ["-INT", "-HUP", "-TERM"] {
        let (child, address) = started(&mut server(dist.path()));
        std::net::TcpStream::connect(address).expect("it listens there");
        let (status, log) = ended(child, signal);
        assert_eq!(status, Some(0), "{log}");
        assert!(log.contains("stopped"), "{log}");
    }
}

#[tokio::test]
async fn a_server_that_is_killed_leaves_no_guest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let boot_image = folder.path().join("boot");
    std::fs::write(&boot_image, "not really").expect("writable");
    let mut command = server(folder.path());
    command
        .arg("--qemu")
        .arg(guest("hangs"))
        .arg("--boot-image")
        .arg(&boot_image);
    let (child, address) = started(&mut command);
    let address = address.parse().expect("an address");
    let mut client = Client::connect(address, "qemu", &[])
        .await
        .expect("the session is admitted");
    client.request(&run("ls")).await;
    until("the guest starts", async || {
        !guest_starts(&boot_image).is_empty()
    })
    .await;
    let pid = guest_starts(&boot_image)[0].0;
    assert!(lives(pid));
    ended(child, "-KILL");
    until("the guest is gone", async || !lives(pid)).await;
}

#[test]
fn its_log_can_be_read_by_machines() {
    let dist = tempfile::tempdir().expect("a temporary folder");
    let (child, _) = started(server(dist.path()).args(["--log", "json"]));
    let (_, log) = ended(child, "-TERM");
    assert!(log.lines().count() > 0);
    for line in log.lines() {
        assert!(
            line.starts_with(r#"{"timestamp":"#) && line.ends_with('}'),
            "{line}"
        );
    }
}

#[test]
fn an_address_that_is_taken_is_named() {
    let dist = tempfile::tempdir().expect("a temporary folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("bound").to_string();
    let (status, stdout, stderr) = output(server(dist.path()).args(["--addr", &addr]));
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains(&format!("{addr} is taken")), "{stderr}");
}

#[test]
fn what_it_cannot_use_is_named() {
    let dist = tempfile::tempdir().expect("a temporary folder");
    for (args, status, part) in [
        (
            ["--addr", "no.such.host.invalid:1"],
            1,
            "no.such.host.invalid:1",
        ),
        (["--addr", "nonsense"], 1, "nonsense"),
        (
            ["--dist", "/no/such/folder"],
            1,
            "/no/such/folder has no index.html",
        ),
        (["--boot-image", "/no/such/image"], 1, "/no/such/image"),
        (["--data", "/proc/no/such"], 1, "/proc/no/such"),
        (["--teacher-key", "short"], 1, "at least 12"),
        (["--teacher-key-file", "/no/key"], 1, "/no/key"),
        (
            ["--database", "postgres://x:secret@no.such.host.invalid/x"],
            1,
            "database PostgreSQL",
        ),
        (["--database", "mysql://x"], 2, "postgres://"),
        (["--max-memory", "much"], 2, "much"),
        (["--colour", "blue"], 2, "--colour"),
    ] {
        let mut command = server(dist.path());
        let command = command.args(["--addr", "127.0.0.1:0"]).args(args);
        let (code, stdout, stderr) = output(command.env("RUST_LOG", "error"));
        assert_eq!((code, stdout.as_str()), (Some(status), ""), "{args:?}");
        assert!(
            stderr.starts_with("server: ") && stderr.contains(part),
            "{args:?}: {stderr}"
        );
        assert!(!stderr.contains("secret"), "{stderr}");
    }
    let (status, stdout, _) = output(server(dist.path()).arg("--help"));
    assert_eq!((status, stdout.as_str()), (Some(0), server::config::USAGE));
}
