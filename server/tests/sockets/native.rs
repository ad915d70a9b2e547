//! Native sessions.

use std::fs;
use std::time::Duration;

use labs::protocol::{MESSAGE_MAX, Request, Response, encode};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, Heard, http};
use crate::site::{Site, open, ran, run};

#[tokio::test]
async fn requests_sent_ahead_are_answered_in_order() {
    let site = Site::start().await;
    let mut client = site.session("native").await;
    let lines: Vec<String> = (0..500)
        .map(|number| number.to_string().repeat(50))
        .collect();
    for line in &lines {
        client.request(&run(line)).await;
    }
    for line in &lines {
        assert_eq!(client.hear().await, Heard::Answer(ran(line)));
    }
}

#[tokio::test]
async fn a_message_that_is_no_request_is_refused_and_the_session_goes_on() {
    let site = Site::start().await;
    let mut client = site.session("native").await;
    for (message, reason) in [
        (Message::Binary(vec![].into()), "malformed message"),
        (Message::Binary(vec![0xff; 100].into()), "malformed message"),
        (Message::Text("ls".into()), "requests are binary"),
    ] {
        client.send(message).await;
        let heard = client.hear_error().await;
        assert!(heard.contains(reason), "{heard}");
    }
    client.send(Message::Ping(vec![1].into())).await;
    assert_eq!(client.ask(&run("ls")).await, ran("ls"));
}

#[tokio::test]
async fn a_message_may_be_as_long_as_the_limit_and_no_longer() {
    let site = Site::start().await;
    let mut client = site.session("native").await;
    let overhead = encode(&run("")).len() + 3;
    let longest = run(&"x".repeat(MESSAGE_MAX - overhead));
    assert_eq!(encode(&longest).len(), MESSAGE_MAX);
    assert!(matches!(client.ask(&longest).await, Response::Log(_)));

    client
        .send(Message::Binary(vec![0; MESSAGE_MAX + 1].into()))
        .await;
    client.hear_close(1009, "more than 16777216 bytes").await;

    // Far too long: the server stops reading, so little more than the end is certain.
    let mut client = site.session("native").await;
    client
        .try_send(Message::Binary(vec![0; 2 * MESSAGE_MAX + 1].into()))
        .await;
    assert!(matches!(
        client.hear().await,
        Heard::Closed(1009, _) | Heard::Broken
    ));
    site.until_used("native_sessions", 0).await;
}

#[tokio::test]
async fn an_answer_that_is_too_long_becomes_a_refusal() {
    let site = Site::start().await;
    let mut client = site.session("native").await;
    let reason = client
        .ask_in_vain(&run(&format!("answer {MESSAGE_MAX}")))
        .await;
    assert!(reason.contains("16777216"), "{reason}");
    assert_eq!(client.ask(&run("ls")).await, ran("ls"));
}

#[tokio::test]
async fn no_more_sessions_than_places() {
    let site = Site::with(|config| config.limits.sessions = 2).await;
    let mut first = site.session("native").await;
    let second = site.session("native").await;
    let Err((status, reason)) = Client::connect(site.addr, "native", &[]).await else {
        panic!("a third session");
    };
    assert_eq!(status, 503);
    assert!(reason.contains("all 2 native sessions"), "{reason}");
    // A page cannot read the answer to its WebSocket, but it can ask again by `fetch`.
    let answer = http(site.addr, "GET", "/api/session/native", &[]).await;
    assert_eq!((answer.status, answer.text()), (503, reason.as_str()));
    assert_eq!(answer.header("retry-after"), "30");
    assert_eq!(first.ask(&run("ls")).await, ran("ls"));

    // Gone without a word.
    drop(second);
    site.until_used("native_sessions", 1).await;
    // Gone silent, but still reading.
    first.stop_sending().await;
    site.until_used("native_sessions", 0).await;
    site.session("native").await.ask(&run("ls")).await;
}

#[tokio::test]
async fn an_idle_session_is_told_why_it_ends() {
    let site = Site::with(|config| config.limits.idle = Duration::from_millis(50)).await;
    let mut client = site.session("native").await;
    client.hear_close(1008, "idle").await;
    site.until_used("native_sessions", 0).await;
}

#[tokio::test]
async fn a_session_that_computes_is_not_idle() {
    let site = Site::with(|config| config.limits.idle = Duration::from_millis(50)).await;
    let gate = site.folder.path().join("gate");
    let mut client = site.session("native").await;
    client
        .request(&run(&format!("until {}", gate.display())))
        .await;
    // Another session can come and time out meanwhile.
    site.session("native").await.hear_close(1008, "idle").await;
    fs::write(&gate, "").expect("writable");
    assert!(matches!(client.hear().await, Heard::Answer(_)));
}

#[tokio::test]
async fn a_kernel_that_computes_holds_up_nobody_else() {
    let site = Site::start().await;
    let gate = site.folder.path().join("gate");
    // More than the reactor has threads.
    let mut busy = Vec::new();
    for _ in 0..32 {
        let mut client = site.session("native").await;
        client
            .request(&run(&format!("until {}", gate.display())))
            .await;
        busy.push(client);
    }
    site.until_used("native_sessions", 32).await;
    assert_eq!(
        site.session("native").await.ask(&run("ls")).await,
        ran("ls")
    );
    assert_eq!(http(site.addr, "GET", "/", &[]).await.status, 200);

    // Who leaves meanwhile keeps the place until the kernel is really done.
    busy.truncate(16);
    site.until_used("native_sessions", 32).await;
    fs::write(&gate, "").expect("writable");
    site.until_used("native_sessions", 16).await;
    for client in &mut busy {
        assert!(matches!(
            client.hear().await,
            Heard::Answer(Response::Log(_))
        ));
    }
}

#[tokio::test]
async fn sessions_do_not_mix() {
    let site = Site::start().await;
    let mut clients = Vec::new();
    for number in 0..60 {
        let mut client = site.session("native").await;
        clients.push(tokio::spawn(async move {
            for round in 0..50 {
                let line = format!("{number} {round}");
                assert_eq!(client.ask(&run(&line)).await, ran(&line));
            }
        }));
    }
    for client in clients {
        client.await.expect("no panic");
    }
}

#[tokio::test]
async fn a_client_that_sends_far_ahead_is_read_no_further() {
    let site = Site::start().await;
    let gate = site.folder.path().join("gate");
    let mut client = site.session("native").await;
    client
        .request(&run(&format!("until {}", gate.display())))
        .await;
    // Would fill any memory, were it all kept.
    let flood = Message::Text("x".repeat(1000).into());
    while client.sends_soon(flood.clone()).await {}
    fs::write(&gate, "").expect("writable");
    assert!(matches!(
        client.hear().await,
        Heard::Answer(Response::Log(_))
    ));
    assert!(client.hear_error().await.contains("requests are binary"));
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_cut_off() {
    let site = Site::with(|config| config.limits.answer = Duration::from_millis(200)).await;
    let mut client = site.session("native").await;
    // More than the sockets' buffers hold.
    for _ in 0..8 {
        client.request(&run("answer 10000000")).await;
    }
    site.until_used("native_sessions", 0).await;
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let site = Site::with(|config| {
        config.allowed_origins = vec!["https://lab.example".to_owned()];
    })
    .await;
    for origin in ["https://evil.example", "http://127.0.0.1:1", "null"] {
        let refused = Client::connect(site.addr, "native", &[("origin", origin)]).await;
        let Err((status, reason)) = refused else {
            panic!("{origin} got in")
        };
        assert_eq!(status, 403);
        assert!(reason.contains(origin), "{reason}");
    }
    let own = format!("http://{}", site.addr);
    for origin in [own.as_str(), "https://lab.example"] {
        let client = Client::connect(site.addr, "native", &[("origin", origin)]).await;
        assert_eq!(
            client.expect("no stranger").ask(&run("ls")).await,
            ran("ls")
        );
    }
}

#[tokio::test]
async fn a_panic_ends_its_own_session_only() {
    let site = Site::start().await;
    let mut other = site.session("native").await;
    let mut client = site.session("native").await;
    client.request(&run("panic list is corrupt")).await;
    client.request(&run("never run")).await;
    let message = client.hear_error().await;
    assert!(
        message.contains("the kernel panicked: list is corrupt"),
        "{message}"
    );
    client.hear_close(1011, "kernel").await;
    assert_eq!(other.ask(&run("ls")).await, ran("ls"));
    site.until_used("native_sessions", 1).await;
}

#[tokio::test]
async fn memory_is_limited_for_one_and_for_all() {
    let site = Site::with(|config| {
        config.limits.machine_bytes = 64 << 20;
        config.limits.total_bytes = 100 << 20;
    })
    .await;
    let mut first = site.session("native").await;
    let reason = first.ask_in_vain(&open("mem=65M")).await;
    assert!(
        reason.contains("mem=65M") && reason.contains("at most 64M"),
        "{reason}"
    );
    let log = b"mem=1G nodes=2\nls\n".to_vec();
    let reason = first
        .ask_in_vain(&Request::Replay {
            log,
            each_line: false,
        })
        .await;
    assert!(reason.contains("at most 64M"), "{reason}");

    assert_eq!(first.ask(&open("mem=64M")).await, Response::Closed);
    site.until_used("machine_bytes", 64 << 20).await;
    assert_eq!(first.ask(&open("nodes=2 mem=8M")).await, Response::Closed);
    let mut second = site.session("native").await;
    // Any request boots the default machine, of 64M.
    let reason = second.ask_in_vain(&run("ls")).await;
    assert!(reason.contains("64M of this server's 100M"), "{reason}");
    assert_eq!(second.ask(&open("mem=36M")).await, Response::Closed);

    drop(first);
    site.until_used("machine_bytes", 36 << 20).await;
    assert_eq!(second.ask(&open("mem=64M")).await, Response::Closed);
    drop(second);
    site.until_used("machine_bytes", 0).await;
}

#[tokio::test]
async fn switching_the_machine_off_ends_the_session() {
    let site = Site::start().await;
    let mut client = site.session("native").await;
    assert_eq!(client.ask(&Request::Close).await, Response::Closed);
    client.hear_close(1000, "off").await;
    site.until_used("native_sessions", 0).await;
}

#[tokio::test]
async fn a_stopping_server_says_goodbye() {
    let site = Site::start().await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(site.session("native").await);
    }
    let gate = site.folder.path().join("gate");
    clients[0]
        .request(&run(&format!("until {}", gate.display())))
        .await;
    let addr = site.addr;
    let goodbyes = tokio::spawn(async move {
        for client in &mut clients {
            client.hear_close(1001, "stops").await;
        }
    });
    // Keeps the gate's folder, and with it the computing kernel, beyond the server.
    let mut site = site;
    site.begin_to_stop();
    goodbyes.await.expect("all are told");
    crate::site::until("the port is closed", async || {
        tokio::net::TcpStream::connect(addr).await.is_err()
    })
    .await;
    fs::write(&gate, "").expect("writable");
}
