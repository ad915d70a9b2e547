//! A server of the test's own: a temporary page, a free port, and kernels that misbehave on demand.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use labs::protocol::{Request, Response};
use server::limits::Limits;
use server::session::native::Engine;
use server::{App, Config};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::PATIENCE;
use crate::client::{Client, http};

/// A running server; it ends with the test.
pub struct Site {
    pub addr: SocketAddr,
    pub folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl Site {
    /// A server with a page, [`TestKernel`]s and the limits of the default.
    pub async fn start() -> Site {
        Site::with(|_| ()).await
    }

    /// The same, after `change`.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Site {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config {
            dist: make_page(folder.path()),
            engine: |_| Box::new(TestKernel),
            ..Config::default()
        };
        change(&mut config);
        let app = App::new(config).expect("the page is there");
        let listener = server::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(server::serve(listener, app, async {
            stopped.await.ok();
        }));
        Site {
            addr,
            folder,
            stop: Some(stop),
            server,
        }
    }

    /// A server whose guests are one of the scripts in `guests/`.
    pub async fn with_guest(script: &str, change: impl FnOnce(&mut Limits)) -> Site {
        Site::with(|config| {
            let boot_image = config.dist.with_file_name("boot");
            fs::write(&boot_image, "not really").expect("writable");
            let qemu = guest(script);
            config.guest = Some(server::config::GuestConfig { qemu, boot_image });
            change(&mut config.limits);
        })
        .await
    }

    /// Opens a session.
    pub async fn session(&self, host: &str) -> Client {
        Client::connect(self.addr, host, &[])
            .await
            .expect("the session is admitted")
    }

    /// Asks the server to stop and waits until it has.
    pub async fn stop(mut self) {
        self.stop
            .take()
            .expect("stops once")
            .send(())
            .expect("the server runs");
        timeout(PATIENCE, &mut self.server)
            .await
            .expect("in time")
            .expect("no panic");
    }

    /// Asks the server to stop, and does not wait.
    pub fn begin_to_stop(&mut self) {
        self.stop
            .take()
            .expect("stops once")
            .send(())
            .expect("the server runs");
    }

    /// Waits until `/healthz` says that `what` units are in use.
    pub async fn until_used(&self, what: &str, used: u64) {
        let wanted = format!(r#""{what}":{{"used":{used},"#);
        until(&wanted, async || {
            let answer = http(self.addr, "GET", "/healthz", &[]).await;
            String::from_utf8_lossy(&answer.body).contains(&wanted)
        })
        .await;
    }

    /// The guests that were started so far.
    pub fn guest_starts(&self) -> Vec<(u32, String)> {
        guest_starts(&self.folder.path().join("boot"))
    }
}

/// The script in `guests/` that stands for QEMU.
pub fn guest(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/sockets/guests")
        .join(script)
}

/// The guests that were started with `boot_image`: process and arguments of each.
pub fn guest_starts(boot_image: &Path) -> Vec<(u32, String)> {
    let notes = fs::read_to_string(boot_image.with_extension("starts")).unwrap_or_default();
    notes
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(pid, args)| (pid.parse().expect("a process id"), args.to_owned()))
        .collect()
}

/// Waits until `is_so`; `what` is for the panic when it never is.
pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let poll = async {
        while !is_so().await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(PATIENCE, poll).await.is_ok(), "never came: {what}");
}

/// Whether a process with this id lives (a zombie does not).
pub fn lives(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z"))
    })
}

/// A page of three files, one with compressed copies, and a secret outside of it.
fn make_page(folder: &Path) -> PathBuf {
    let dist = folder.join("dist");
    fs::create_dir(&dist).expect("a new folder");
    for (name, content) in [
        ("dist/index.html", "<p>the page</p>"),
        ("dist/kernel_bg.wasm", "wasm as it is"),
        ("dist/kernel_bg.wasm.br", "wasm by brotli"),
        ("dist/kernel_bg.wasm.gz", "wasm by gzip"),
        ("dist/boot.js", "script"),
        ("secret", "not for you"),
    ] {
        fs::write(folder.join(name), content).expect("writable");
    }
    dist
}

/// A kernel whose console knows a few commands for tests; it answers every line by
/// [`Response::Log`], and all other requests by [`Response::Closed`].
pub struct TestKernel;

impl Engine for TestKernel {
    fn handle(&mut self, request: Request) -> Response {
        let Request::Run { lines } = request else {
            return Response::Closed;
        };
        let line = String::from_utf8_lossy(&lines[0]).into_owned();
        match line.split_once(' ') {
            Some(("panic", text)) => panic!("{text}"),
            // Computes until the test creates the file.
            Some(("until", path)) => {
                while !Path::new(path).exists() {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            Some(("answer", bytes)) => {
                return Response::Log(vec![b'x'; bytes.parse().expect("a number")]);
            }
            _ => {}
        }
        Response::Log(line.into_bytes())
    }
}

/// A request to run one line.
pub fn run(line: &str) -> Request {
    Request::Run {
        lines: vec![line.into()],
    }
}

/// A request to boot a machine.
pub fn open(header: &str) -> Request {
    Request::Open {
        header: header.to_owned(),
    }
}

/// What [`TestKernel`] answers to [`run`].
pub fn ran(line: &str) -> Response {
    Response::Log(line.into())
}
