//! The real server as a child process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::Settings;
use crate::child::{Child, signal};

/// How long the server may take to start, to answer, and to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a port of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
    /// Goes after the server.
    _data: Option<DataFolder>,
}

/// A folder for what one server keeps, removed when dropped.
#[derive(Debug)]
struct DataFolder(PathBuf);

impl DataFolder {
    fn new() -> DataFolder {
        static FOLDERS: AtomicU32 = AtomicU32::new(0);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("glass-data-{}-{number}", std::process::id());
        DataFolder(std::env::temp_dir().join(name))
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 200, 404, ...
    pub status: u16,
    /// The status line and the headers, in lower case.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Server {
    /// Starts a server that offers the built page, native sessions and QEMU sessions.
    pub fn start(settings: &Settings, options: &[&str]) -> Result<Server, String> {
        let mut command = Command::new(settings.server()?);
        command.args(["--addr", "127.0.0.1:0"]);
        command.arg("--dist").arg(settings.dist()?);
        command.arg("--qemu").arg(settings.qemu()?);
        command.arg("--boot-image").arg(settings.boot_image()?);
        let data = DataFolder::new();
        command.arg("--data").arg(&data.0);
        // One of these may name another folder.
        command.args(options);
        let mut server = Server::of(Child::start(&mut command)?, PATIENCE)?;
        server._data = Some(data);
        Ok(server)
    }

    /// A process that will say that it listens, or that becomes one.
    pub fn of(mut child: Child, patience: Duration) -> Result<Server, String> {
        let line = child.read_until(patience, |output| output.contains(&b'\n'))?;
        let line = String::from_utf8_lossy(&line).into_owned();
        match line.trim().strip_prefix("listening on http://") {
            Some(address) => Ok(Server {
                address: address.trim_end_matches('/').to_string(),
                child,
                _data: None,
            }),
            None => Err(format!("the server began with {line:?}")),
        }
    }

    /// `http://127.0.0.1:PORT/`
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The server's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        self.child.complaints()
    }

    /// The answer to `GET path`, with `headers` of the form `Name: value`.
    pub fn get(&self, path: &str, headers: &[&str]) -> Result<Answer, String> {
        let failed = |error| format!("GET {path}: {error}");
        let mut stream = TcpStream::connect(&self.address).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        let mut request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        for header in headers {
            request += &format!("{header}\r\n");
        }
        stream
            .write_all((request + "\r\n").as_bytes())
            .map_err(failed)?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map_err(failed)?;
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.ok_or_else(|| format!("GET {path}: no whole answer"))?;
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| format!("GET {path}: {head}"))?;
        Ok(Answer {
            status,
            head,
            body: bytes[end + 4..].to_vec(),
        })
    }

    /// Ends the server at once, as a crash would.
    pub fn kill(mut self) {
        self.child.kill();
    }

    /// Asks the server to stop, as a terminal or a service manager would, and waits for it.
    pub fn stop(mut self, name: &str) -> Result<ExitStatus, String> {
        signal(self.id(), name)?;
        self.child.wait(PATIENCE)
    }
}
