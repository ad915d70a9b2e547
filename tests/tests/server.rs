//! The server over real sockets: files, sessions on both of its hosts, and what clients do wrong.

use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use labs::protocol::{Host, Request, Response, decode, encode};
use tests::child::{children_of, signal};
use tests::host::{self, Driver};
use tests::server::Server;
use tests::{Settings, log_gen};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

fn server(options: &[&str]) -> Server {
    Server::start(&Settings::find(), options).expect("the server starts")
}

/// A session on the server.
struct Socket {
    host: Host,
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    fn open(server: &Server, host: Host) -> Socket {
        Socket::try_open(server, host).expect("the session opens")
    }

    fn try_open(server: &Server, host: Host) -> Result<Socket, tungstenite::Error> {
        let url = format!("ws://{}/api/session/{}", server.address(), host.name());
        let (socket, _) = tungstenite::connect(url)?;
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        }
        Ok(Socket { host, socket })
    }
}

impl Driver for Socket {
    fn host(&self) -> Host {
        self.host
    }

    fn request(&mut self, request: Request) -> Result<Response, String> {
        let words = |error: tungstenite::Error| error.to_string();
        self.socket
            .send(Message::binary(encode(&request)))
            .map_err(words)?;
        match self.socket.read().map_err(words)? {
            Message::Binary(bytes) => decode(&bytes),
            other => Err(format!("the server sent {other:?}")),
        }
    }
}

fn run(text: &str) -> Request {
    Request::Run {
        lines: text.lines().map(|line| line.as_bytes().to_vec()).collect(),
    }
}

fn ran_text(response: Result<Response, String>) -> String {
    match response {
        Ok(Response::Ran { lines, .. }) => {
            let text: Vec<u8> = lines.into_iter().flat_map(|line| line.text).collect();
            String::from_utf8_lossy(&text).into_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn sessions_on_both_hosts_agree_with_a_kernel_in_this_process() {
    let server = server(&[]);
    let mut here = host::Native::new();
    for host in [Host::Native, Host::Qemu] {
        let mut there = Socket::open(&server, host);
        for seed in 1..20 {
            let log = log_gen::join(&log_gen::generate(seed));
            let expected = here.request(Request::Replay {
                log: log.clone(),
                each_line: true,
            });
            let outcome = there.request(Request::Replay {
                log,
                each_line: true,
            });
            assert_eq!(outcome, expected, "seed {seed} on {host:?}");
        }
    }
}

#[test]
fn a_session_remembers_steps_back_and_is_closed() {
    let server = server(&[]);
    for host in [Host::Native, Host::Qemu] {
        let mut session = Socket::open(&server, host);
        match session.request(Request::Open {
            header: "mem=8M".to_string(),
        }) {
            Ok(Response::Opened { host: named, .. }) => assert_eq!(named, host),
            other => panic!("{other:?}"),
        }
        assert_eq!(
            ran_text(session.request(run("radix create t\nradix insert t 5 50"))),
            "0\n"
        );
        assert_eq!(ran_text(session.request(run("radix lookup t 5"))), "50\n");
        match session.request(Request::Seek { step: 1 }) {
            Ok(Response::State(state)) => assert_eq!((state.step, state.steps), (1, 3)),
            other => panic!("{other:?}"),
        }
        assert_eq!(ran_text(session.request(run("radix lookup t 5"))), "NULL\n");
        assert_eq!(session.request(Request::Close), Ok(Response::Closed));
        assert!(
            session.request(Request::State).is_err(),
            "a closed session answers"
        );
    }
}

#[test]
fn messages_that_are_no_requests_are_refused_in_words_and_harm_nothing() {
    let server = server(&[]);
    for host in [Host::Native, Host::Qemu] {
        let mut session = Socket::open(&server, host);
        assert_eq!(ran_text(session.request(run("echo before"))), "before\n");
        for nonsense in [
            Message::binary(vec![0xff; 100]),
            Message::binary(vec![]),
            Message::text("hello"),
        ] {
            session.socket.send(nonsense).expect("the connection lives");
            let answer = session.socket.read().expect("the connection lives");
            match decode::<Response>(&answer.into_data()) {
                Ok(Response::Error { message }) => assert!(!message.is_empty()),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(ran_text(session.request(run("echo after"))), "after\n");
    }
}

#[test]
fn a_client_that_vanishes_leaves_nothing_behind() {
    let server = server(&[]);
    for host in [Host::Native, Host::Qemu] {
        let mut session = Socket::open(&server, host);
        assert_eq!(ran_text(session.request(run("echo here"))), "here\n");
        // No farewell: the connection is cut.
        drop(session);
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let health = server.get("/healthz", &[]).expect("the server lives");
        let text = String::from_utf8_lossy(&health.body).into_owned();
        let idle = text.matches("\"used\":0,").count() == text.matches("\"used\":").count();
        if idle && children_of(server.id()).is_empty() {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{text}, children {:?}",
            children_of(server.id())
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    // And a client that comes now is served.
    assert_eq!(
        ran_text(Socket::open(&server, Host::Native).request(run("echo next"))),
        "next\n"
    );
}

#[test]
fn a_killed_guest_ends_the_session_with_a_reason_and_the_server_lives() {
    let server = server(&[]);
    let mut session = Socket::open(&server, Host::Qemu);
    assert_eq!(ran_text(session.request(run("echo here"))), "here\n");
    for guest in children_of(server.id()) {
        signal(guest, "KILL").expect("it lives");
    }
    // Whatever comes first, an error or the closing frame, has words.
    let end = session.socket.read();
    let words = match &end {
        Ok(Message::Close(Some(frame))) => frame.reason.to_string(),
        Ok(message) => match decode::<Response>(&message.clone().into_data()) {
            Ok(Response::Error { message }) => message,
            other => panic!("{other:?}"),
        },
        Err(error) => panic!("the connection was cut without a word: {error}"),
    };
    assert!(
        words.contains("guest") || words.contains("kernel"),
        "{words}"
    );
    assert_eq!(
        ran_text(Socket::open(&server, Host::Qemu).request(run("echo again"))),
        "again\n"
    );
}

#[test]
fn places_are_limited_and_come_back() {
    let server = server(&["--max-sessions", "1", "--max-guests", "1"]);
    for host in [Host::Native, Host::Qemu] {
        let mut first = Socket::open(&server, host);
        assert_eq!(ran_text(first.request(run("echo 1"))), "1\n");
        match Socket::try_open(&server, host) {
            Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 503),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("a second session was let in"),
        }
        assert_eq!(first.request(Request::Close), Ok(Response::Closed));
        drop(first);
        let deadline = Instant::now() + Duration::from_secs(10);
        while Socket::try_open(&server, host).is_err() {
            assert!(Instant::now() < deadline, "the place never came back");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn the_page_is_served_compressed_and_under_a_strict_policy() {
    let server = server(&[]);
    let page = server.get("/", &[]).expect("the page is there");
    assert_eq!(page.status, 200, "{}", page.head);
    for expected in [
        "content-type: text/html",
        "content-security-policy: default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "object-src 'none'",
        "x-content-type-options: nosniff",
        "cache-control:",
    ] {
        assert!(
            page.head.contains(expected),
            "no {expected:?} in {}",
            page.head
        );
    }
    assert!(!page.head.contains("unsafe-inline"), "{}", page.head);
    let wasm = "/kernel_bg.wasm";
    let plain = server.get(wasm, &[]).expect("the kernel is there");
    let packed = server
        .get(wasm, &["Accept-Encoding: gzip, br"])
        .expect("the kernel is there");
    assert!(
        plain.head.contains("content-type: application/wasm"),
        "{}",
        plain.head
    );
    assert!(
        packed.head.contains("content-encoding: br"),
        "{}",
        packed.head
    );
    assert!(plain.body.starts_with(b"\0asm") && packed.body.len() < plain.body.len() / 2);

    for path in [
        "/nothing",
        "/../Cargo.toml",
        "/%2e%2e/%2e%2e/Cargo.toml",
        "/api/nothing",
        "/%ff%00",
    ] {
        let answer = server.get(path, &[]).expect("the server lives");
        assert!(
            (400..500).contains(&answer.status),
            "{path}: {}",
            answer.head
        );
    }
    let plain = server
        .get("/api/session/native", &[])
        .expect("the server lives");
    assert!((400..500).contains(&plain.status), "{}", plain.head);
    let hosts = server.get("/api/hosts", &[]).expect("the server lives");
    assert_eq!(String::from_utf8_lossy(&hosts.body), r#"["native","qemu"]"#);
}

#[test]
fn the_first_load_is_small() {
    let dist = Settings::find().dist().expect("the page is built");
    let size = |name: &str| {
        let packed = dist.join(format!("{name}.br"));
        packed
            .metadata()
            .unwrap_or_else(|error| panic!("{}: {error}", packed.display()))
            .len()
    };
    let kernel = size("kernel_bg.wasm");
    let files = [
        "index.html",
        "boot.js",
        "style.css",
        "frontend.js",
        "frontend_bg.wasm",
        "worker.js",
        "kernel.js",
    ];
    let all = kernel + files.iter().map(|name| size(name)).sum::<u64>();
    println!("first load: {all} bytes brotli in all, kernel wasm {kernel}");
    // As xtask/src/web.rs has it, and why.
    assert!(all <= 585_000, "the first load is {all} bytes");
    assert!(kernel <= 282_000, "the kernel is {kernel} bytes");
}

#[test]
fn the_server_stops_gracefully_and_takes_its_guests_along() {
    for signal in ["INT", "TERM"] {
        let server = server(&[]);
        let mut native = Socket::open(&server, Host::Native);
        let mut guest = Socket::open(&server, Host::Qemu);
        assert_eq!(ran_text(native.request(run("echo 1"))), "1\n");
        assert_eq!(ran_text(guest.request(run("echo 1"))), "1\n");
        let guests = children_of(server.id());
        assert_eq!(guests.len(), 1);
        let status = server.stop(signal).expect("the server stops in time");
        assert_eq!(status.code(), Some(0), "after {signal}");
        match native.socket.read() {
            Ok(Message::Close(Some(frame))) => assert_eq!(u16::from(frame.code), 1001, "{frame:?}"),
            other => panic!("{other:?}"),
        }
        assert!(
            !Path::new(&format!("/proc/{}", guests[0])).exists(),
            "the guest outlives the server"
        );
    }
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let settings = Settings::find();
    let taken = server(&[]);
    for (options, words) in [
        (&["--addr", taken.address()][..], "address"),
        (&["--dist", "/nonexistent"][..], "/nonexistent"),
        (&["--boot-image", "/nonexistent"][..], "/nonexistent"),
        (&["--frobnicate"][..], "frobnicate"),
    ] {
        let error = Server::start(&settings, options).expect_err("it cannot start");
        assert!(error.to_lowercase().contains(words), "{options:?}: {error}");
        assert!(!error.contains("panicked"), "{error}");
    }
}
