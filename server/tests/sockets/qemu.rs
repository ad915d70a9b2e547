//! QEMU sessions, with scripts in QEMU's place. (The real one is met in the workspace's `tests`.)

use std::time::Duration;

use labs::protocol::{Request, encode};
use tokio_tungstenite::tungstenite::Message;

use crate::client::Client;
use crate::site::{Site, lives, open, run, until};

/// Sends a request, which the guest sends back.
async fn echo(client: &mut Client, request: &Request) {
    client.request(request).await;
    assert_eq!(client.hear_bytes().await, encode(request));
}

#[tokio::test]
async fn messages_reach_the_guest_and_come_back() {
    let site = Site::with_guest("echoes", |_| ()).await;
    let mut client = site.session("qemu").await;
    echo(&mut client, &open("mem=16M seed=7")).await;
    // More than any pipe holds.
    echo(&mut client, &run(&"x".repeat(1 << 20))).await;
    for number in 0..100 {
        client.request(&run(&number.to_string())).await;
    }
    for number in 0..100 {
        assert_eq!(client.hear_bytes().await, encode(&run(&number.to_string())));
    }
    client.send(Message::Binary(vec![0xff; 9].into())).await;
    assert!(client.hear_error().await.contains("malformed"));
    echo(&mut client, &Request::State).await;

    let starts = site.guest_starts();
    assert_eq!(starts.len(), 1);
    let arguments = &starts[0].1;
    assert!(
        arguments.contains("-append mem=16M nodes=1 "),
        "{arguments}"
    );
    assert!(arguments.contains("seed=7"), "{arguments}");
}

#[tokio::test]
async fn a_machine_that_needs_more_memory_gets_a_new_guest() {
    let site = Site::with_guest("echoes", |_| ()).await;
    let mut client = site.session("qemu").await;
    echo(&mut client, &open("mem=16M")).await;
    echo(&mut client, &open("mem=8M")).await;
    echo(&mut client, &run("ls")).await;
    assert_eq!(site.guest_starts().len(), 1);
    echo(&mut client, &open("mem=32M")).await;
    let starts = site.guest_starts();
    assert_eq!(starts.len(), 2);
    assert!(!lives(starts[0].0), "the smaller guest is left behind");
    assert!(lives(starts[1].0));
    let replay = Request::Replay {
        log: b"mem=64M\nls\n".to_vec(),
        each_line: true,
    };
    echo(&mut client, &replay).await;
    assert!(site.guest_starts()[2].1.contains("mem=64M"));
}

#[tokio::test]
async fn the_guest_goes_with_its_client() {
    let site = Site::with_guest("echoes", |limits| limits.guests = 1).await;
    let mut client = site.session("qemu").await;
    echo(&mut client, &Request::State).await;
    let Err((status, reason)) = Client::connect(site.addr, "qemu", &[]).await else {
        panic!("a second guest");
    };
    assert_eq!(status, 503);
    assert!(reason.contains("all 1 qemu sessions"), "{reason}");
    let pid = site.guest_starts()[0].0;
    assert!(lives(pid));
    drop(client);
    until("the guest is gone", async || !lives(pid)).await;
    site.until_used("qemu_sessions", 0).await;
    site.until_used("machine_bytes", 0).await;
}

#[tokio::test]
async fn a_guest_that_hangs_goes_with_its_client() {
    let site = Site::with_guest("hangs", |_| ()).await;
    let mut client = site.session("qemu").await;
    client.request(&run("ls")).await;
    until("the guest starts", async || !site.guest_starts().is_empty()).await;
    let pid = site.guest_starts()[0].0;
    drop(client);
    until("the guest is gone", async || !lives(pid)).await;
}

#[tokio::test]
async fn a_guest_that_owes_an_answer_is_killed() {
    let site = Site::with_guest("hangs", |limits| limits.answer = Duration::from_millis(200)).await;
    let mut client = site.session("qemu").await;
    let message = client.ask_in_vain(&run("ls")).await;
    assert!(message.contains("no answer within 0.2 s"), "{message}");
    client.hear_close(1011, "kernel").await;
    site.until_used("qemu_sessions", 0).await;
    assert!(site.guest_starts().iter().all(|(pid, _)| !lives(*pid)));
}

#[tokio::test]
async fn a_guest_that_dies_at_its_start_is_reported() {
    let site = Site::with_guest("dies", |_| ()).await;
    let mut client = site.session("qemu").await;
    let message = client.ask_in_vain(&open("mem=16M")).await;
    assert!(message.contains("gone: exit status: 3"), "{message}");
    client.hear_close(1011, "kernel").await;
    site.until_used("qemu_sessions", 0).await;
}

#[tokio::test]
async fn a_guest_that_is_killed_is_reported_at_once() {
    let site = Site::with_guest("echoes", |_| ()).await;
    let mut client = site.session("qemu").await;
    echo(&mut client, &Request::State).await;
    let pid = site.guest_starts()[0].0;
    let kill = std::process::Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .status();
    assert!(kill.expect("kill runs").success());
    let message = client.hear_error().await;
    assert!(message.contains("signal: 9"), "{message}");
    client.hear_close(1011, "kernel").await;
}

#[tokio::test]
async fn a_guest_that_babbles_is_stopped() {
    let site = Site::with_guest("babbles", |_| ()).await;
    let mut client = site.session("qemu").await;
    let message = client.ask_in_vain(&run("ls")).await;
    assert!(message.contains("no answer"), "{message}");
    client.hear_close(1011, "kernel").await;
}

#[tokio::test]
async fn an_absurd_machine_is_refused_before_a_guest_starts() {
    let site = Site::with_guest("echoes", |_| ()).await;
    let mut client = site.session("qemu").await;
    let message = client.ask_in_vain(&open("mem=1024G")).await;
    assert!(message.contains("mem=1024G"), "{message}");
    assert!(site.guest_starts().is_empty());
    echo(&mut client, &open("mem=16M")).await;
}

#[tokio::test]
async fn an_idle_guest_is_stopped() {
    let site = Site::with_guest("echoes", |limits| limits.idle = Duration::from_millis(100)).await;
    let mut client = site.session("qemu").await;
    echo(&mut client, &Request::State).await;
    client.hear_close(1008, "idle").await;
    site.until_used("qemu_sessions", 0).await;
    assert!(!lives(site.guest_starts()[0].0));
}

#[tokio::test]
async fn a_stopping_server_leaves_no_guest() {
    let site = Site::with_guest("echoes", |_| ()).await;
    let mut client = site.session("qemu").await;
    echo(&mut client, &Request::State).await;
    let pid = site.guest_starts()[0].0;
    let goodbye = tokio::spawn(async move { client.hear_close(1001, "stops").await });
    site.stop().await;
    goodbye.await.expect("told");
    assert!(!lives(pid));
}
