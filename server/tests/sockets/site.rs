//! A server of the test's own: a temporary page, a free port, and kernels that misbehave on demand.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use labs::grade::{Grade, Refusal, Submission};
use labs::lab::{Check, Expect, Lab, Test, Verdict, file_name, to_bytes};
use labs::protocol::{Request, Response};
use serde_json::Value;
use server::grading::Grader;
use server::limits::Limits;
use server::session::native::Engine;
use server::{App, Config};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::PATIENCE;
use crate::client::{Answer, Client, http, post};

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
            data: folder.path().join("data"),
            engine: |_| Box::new(TestKernel),
            grader: || Box::new(TestGrader),
            ..Config::default()
        };
        change(&mut config);
        let app = App::new(config).await.expect("the page is there");
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

    /// Hands in a log.
    pub async fn submit(&self, lab: &str, body: &Value) -> Answer {
        let path = format!("/api/labs/{lab}/submissions");
        post(self.addr, &path, &[], body.to_string().as_bytes()).await
    }

    /// The header by which the teacher is known.
    pub fn teacher(&self) -> String {
        let key = fs::read_to_string(self.folder.path().join("data/teacher-key"));
        format!(
            "Authorization: Bearer {}",
            key.expect("made at start").trim()
        )
    }

    /// What the teacher gets at `path`.
    pub async fn teacher_gets(&self, path: &str) -> Answer {
        http(self.addr, "GET", path, &[&self.teacher()]).await
    }

    /// What the teacher gets for posting `body` to `path`.
    pub async fn teacher_posts(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        post(self.addr, path, &[&self.teacher()], body.as_bytes()).await
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
pub fn make_page(folder: &Path) -> PathBuf {
    let dist = folder.join("dist");
    fs::create_dir(&dist).expect("a new folder");
    for (name, content) in [
        ("dist/index.html", "<p>the page</p>"),
        ("dist/kernel_bg.wasm", "wasm as it is"),
        ("dist/kernel_bg.wasm.br", "wasm by brotli"),
        ("dist/kernel_bg.wasm.gz", "wasm by gzip"),
        ("dist/boot.js", "script"),
        ("dist/sw.js", "service worker"),
        ("dist/manifest.webmanifest", "{}"),
        ("secret", "not for you"),
    ] {
        fs::write(folder.join(name), content).expect("writable");
    }
    write_lab(&dist, "radix-keys", 1);
    write_lab(&dist, "radix-tags", 3);
    dist
}

/// Puts a lab beside the page in `dist`; it is worth 10 points.
pub fn write_lab(dist: &Path, id: &str, version: u32) {
    let lab = Lab {
        id: id.to_owned(),
        version,
        title: format!("The lab {id}"),
        machine: "mem=1M".to_owned(),
        steps_max: 100_000,
        checks: vec![Check {
            id: "all".to_owned(),
            title: "all is well".to_owned(),
            points: 10,
            test: Test::Final {
                run: String::new(),
                expect: Expect::Status(0),
            },
            hints: Vec::new(),
        }],
        ..Lab::default()
    };
    let labs = dist.join("labs");
    fs::create_dir_all(&labs).expect("writable");
    fs::write(labs.join(file_name(id)), to_bytes(&lab)).expect("writable");
}

/// A grader whose logs say what becomes of them, line by line: `points N` adds, `panic` panics,
/// `refuse` is refused, `touch FILE` makes a file, `until FILE` takes until the file is there. In version 2 of a lab, all is
/// worth one more, and `old` is refused.
pub struct TestGrader;

impl Grader for TestGrader {
    fn grade(&mut self, lab: &Lab, submission: Submission<'_>) -> Result<Grade, Refusal> {
        test_grade(lab, submission)
    }
}

/// What [`TestGrader`] makes of a submission.
pub fn test_grade(lab: &Lab, submission: Submission<'_>) -> Result<Grade, Refusal> {
    let Submission {
        log,
        variant,
        claimed,
    } = submission;
    let mut score = lab.version - 1;
    for line in String::from_utf8_lossy(log).lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("points", number) => score += number.parse::<u32>().expect("a number"),
            ("panic", text) => panic!("{text}"),
            ("refuse", why) => return Err(Refusal::Unfit(why.to_owned())),
            ("old", _) if lab.version > 1 => {
                return Err(Refusal::OtherVersion {
                    named: 1,
                    wanted: lab.version,
                });
            }
            ("touch", file) => fs::write(file, "").expect("writable"),
            ("until", file) => {
                while !Path::new(file).exists() {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            _ => {}
        }
    }
    if let Some(claimed) = claimed.filter(|&claimed| claimed != score) {
        let found = score;
        return Err(Refusal::ForgedScore { claimed, found });
    }
    let max = lab.points();
    Ok(Grade {
        lab: lab.tag(variant),
        score,
        max,
        steps: 1,
        events: u64::MAX,
        chain: u64::MAX - 1,
        verdicts: vec![Verdict {
            id: "all".to_owned(),
            passed: score >= max,
            expected: "\u{1}ten\0".to_owned(),
            actual: score.to_string(),
            step: Some(1),
            why: String::new(),
        }],
    })
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
