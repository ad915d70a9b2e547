//! Live sessions: one publishes, others follow.

use std::net::SocketAddr;
use std::time::Duration;

use labs::follow::{At, FOLLOW_VERSION, LIVE_LOG_MAX, News, Shown};
use labs::protocol::encode;
use server::Config;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, http, post};
use crate::site::Site;

/// A live session and its publisher.
struct Teacher {
    addr: SocketAddr,
    id: String,
    key: String,
    socket: Client,
    /// What she has published.
    shown: Shown,
}

impl Teacher {
    /// Gets a name for a session and begins to publish it with these lines.
    async fn begin(site: &Site, lines: &[&str]) -> Teacher {
        let announced = post(site.addr, "/api/live", &[], b"").await;
        assert_eq!(announced.status, 201, "{}", announced.text());
        let pass = announced.json();
        let text = |name: &str| pass[name].as_str().expect("a text").to_owned();
        let (id, key) = (text("id"), text("key"));
        let socket = publisher(site.addr, &id, &key).await;
        let mut teacher = Teacher {
            addr: site.addr,
            id,
            key,
            socket,
            shown: Shown::default(),
        };
        teacher.tell(whole(lines)).await;
        site.until_used("live_sessions", 1).await;
        teacher
    }

    async fn tell(&mut self, news: News) {
        self.shown.apply(&news).expect("news that make sense");
        self.socket.send(binary(&news)).await;
    }

    /// Runs a line at the end.
    async fn run(&mut self, line: &str) {
        let keep = self.shown.lines.len() as u32;
        self.tell(change(keep, &[line], keep + 1)).await;
    }

    fn path(&self) -> String {
        format!("/api/live/{}", self.id)
    }

    async fn follower(&self) -> Follower {
        let socket = Client::connect_to(self.addr, &self.path(), &[]).await;
        Follower {
            socket: socket.expect("a place"),
            shown: Shown::default(),
            heard: 0,
        }
    }
}

/// One who follows.
struct Follower {
    socket: Client,
    shown: Shown,
    heard: usize,
}

impl Follower {
    /// The next news, taken in.
    async fn hear(&mut self) -> News {
        let news = self.socket.hear_news().await.expect("news");
        self.shown.apply(&news).expect("news that make sense");
        self.heard += 1;
        news
    }

    /// Listens until the session looks like this.
    async fn until(&mut self, shown: &Shown) {
        while self.shown != *shown {
            self.hear().await;
        }
    }
}

fn binary(news: &News) -> Message {
    Message::Binary(encode(news).into())
}

fn lines(lines: &[&str]) -> Vec<Vec<u8>> {
    lines.iter().map(|line| line.as_bytes().to_vec()).collect()
}

fn whole(texts: &[&str]) -> News {
    let at = At {
        step: texts.len() as u32,
        chain: Some(7),
    };
    News::Whole {
        version: FOLLOW_VERSION,
        header: "mem=8M nodes=1".to_owned(),
        lines: lines(texts),
        at,
    }
}

fn change(keep: u32, texts: &[&str], step: u32) -> News {
    let at = At { step, chain: None };
    News::Change {
        keep,
        lines: lines(texts),
        at,
    }
}

/// A publisher who has said the key.
async fn publisher(addr: SocketAddr, id: &str, key: &str) -> Client {
    let path = format!("/api/live/{id}/publish");
    let mut socket = Client::connect_to(addr, &path, &[])
        .await
        .expect("a publisher");
    socket.send(Message::Text(key.into())).await;
    socket
}

/// No pause between two messages of a publisher.
fn at_once(config: &mut Config) {
    config.limits.news_every = Duration::ZERO;
}

#[tokio::test]
async fn followers_hear_the_session_so_far_and_then_each_step() {
    let site = Site::start().await;
    let mut teacher = Teacher::begin(&site, &["ls", "pwd"]).await;
    let mut early = teacher.follower().await;
    assert_eq!(early.hear().await, whole(&["ls", "pwd"]));

    for news in [
        change(2, &["cd /", "ls"], 4),
        // Back in time, and a line that drops the future.
        change(4, &[], 1),
        change(1, &["cat /proc/meminfo"], 2),
    ] {
        teacher.tell(news.clone()).await;
        assert_eq!(early.hear().await, news);
    }
    let mut late = teacher.follower().await;
    late.hear().await;
    assert_eq!(late.shown, teacher.shown);
    assert_eq!(late.shown, early.shown);

    // Who leaves and comes back has missed nothing.
    drop(early);
    teacher.run("echo back").await;
    let mut again = teacher.follower().await;
    again.until(&teacher.shown).await;
    late.until(&teacher.shown).await;
    assert_eq!(
        again.shown.lines,
        lines(&["ls", "cat /proc/meminfo", "echo back"])
    );

    // Another machine.
    teacher.tell(whole(&[])).await;
    again.until(&teacher.shown).await;
    assert_eq!(again.shown.lines.len(), 0);
}

#[tokio::test]
async fn a_publisher_hears_how_many_follow() {
    let site = Site::start().await;
    let mut teacher = Teacher::begin(&site, &[]).await;
    let mut followers = Vec::new();
    while teacher.socket.hear_followers().await != followers.len() as u32 {}
    for _ in 0..3 {
        followers.push(teacher.follower().await);
        while teacher.socket.hear_followers().await != followers.len() as u32 {}
    }
    followers.pop();
    while teacher.socket.hear_followers().await != 2 {}
    site.until_used("followers", 2).await;
}

#[tokio::test]
async fn a_slow_follower_holds_up_nobody_and_catches_up_from_the_log() {
    let site = Site::with(at_once).await;
    let mut teacher = Teacher::begin(&site, &[]).await;
    let mut slow = teacher.follower().await;
    slow.hear().await;
    let mut quick = teacher.follower().await;
    quick.hear().await;
    // Far more than the sockets and the ring hold together; the slow one reads nothing of it. The session is
    // begun anew so often that its log stays short.
    let line = "x".repeat(60_000);
    let mut told = 0;
    for _ in 0..25 {
        teacher.tell(whole(&["again"])).await;
        for _ in 0..12 {
            teacher.run(&line).await;
            told += 1;
        }
        quick.until(&teacher.shown).await;
    }
    teacher.run("the last").await;
    quick.until(&teacher.shown).await;
    slow.until(&teacher.shown).await;
    assert!(
        slow.heard < told / 2,
        "of {told} messages the slow one was sent {}",
        slow.heard
    );
    // And now it keeps up.
    teacher.run("one more").await;
    assert!(matches!(slow.hear().await, News::Change { .. }));
    assert_eq!(slow.shown, teacher.shown);
}

#[tokio::test]
async fn a_long_log_comes_in_parts() {
    let site = Site::with(at_once).await;
    let line = "y".repeat(999);
    let many: Vec<&str> = vec![&line; LIVE_LOG_MAX / 1000];
    let mut teacher = Teacher::begin(&site, &many).await;
    let mut follower = teacher.follower().await;
    follower.until(&teacher.shown).await;
    assert!(follower.heard > 20, "{} parts", follower.heard);
    // A long message does not go through the ring, and comes all the same.
    let longer: Vec<&str> = vec![&line; 200];
    teacher.tell(change(5, &longer, 100)).await;
    follower.until(&teacher.shown).await;
    assert_eq!(follower.shown.lines.len(), 205);
}

#[tokio::test]
async fn the_end_is_told_and_the_name_is_free() {
    let site = Site::start().await;
    let mut teacher = Teacher::begin(&site, &["ls"]).await;
    let mut follower = teacher.follower().await;
    follower.hear().await;
    let why = "the lesson is over".to_owned();
    teacher.tell(News::Ended { why: why.clone() }).await;
    assert_eq!(follower.hear().await, News::Ended { why });
    assert_eq!(follower.socket.until_closed().await.0, 1000);
    assert_eq!(teacher.socket.until_closed().await.0, 1000);
    site.until_used("followers", 0).await;
    site.until_used("live_sessions", 0).await;
    let Err((status, reason)) = Client::connect_to(site.addr, &teacher.path(), &[]).await else {
        panic!("it is over");
    };
    assert_eq!(status, 404);
    assert!(reason.contains("it is over"), "{reason}");
}

#[tokio::test]
async fn a_publisher_may_come_back_and_takes_over_from_itself() {
    let site = Site::start().await;
    let mut teacher = Teacher::begin(&site, &["ls"]).await;
    let mut follower = teacher.follower().await;
    follower.hear().await;

    // The page is loaded again: its connection goes, and a new one comes.
    teacher.socket.stop_sending().await;
    assert_eq!(follower.hear().await, News::Away);
    let mut late = teacher.follower().await;
    late.until(&teacher.shown).await;
    assert_eq!(late.hear().await, News::Away);
    teacher.socket = publisher(site.addr, &teacher.id, &teacher.key).await;
    teacher.tell(whole(&["ls", "pwd"])).await;
    assert_eq!(follower.hear().await, whole(&["ls", "pwd"]));
    assert_eq!(late.hear().await, whole(&["ls", "pwd"]));

    // A second tab with the same session: the first one is told.
    let mut second = publisher(site.addr, &teacher.id, &teacher.key).await;
    second.send(binary(&whole(&["x"]))).await;
    let (code, reason) = teacher.socket.until_closed().await;
    assert_eq!(code, 1008);
    assert!(reason.contains("another tab"), "{reason}");
    assert_eq!(follower.hear().await, whole(&["x"]));
    site.until_used("live_sessions", 1).await;
}

#[tokio::test]
async fn a_session_outlives_the_server_and_ends_when_nobody_comes_back() {
    let site = Site::with(|config| config.limits.live_away = Duration::from_millis(50)).await;
    let mut teacher = Teacher::begin(&site, &["ls"]).await;
    let mut follower = teacher.follower().await;
    follower.hear().await;
    teacher.socket.stop_sending().await;
    assert_eq!(follower.hear().await, News::Away);
    let ended = follower.hear().await;
    assert!(
        matches!(&ended, News::Ended { why } if why.contains("has left")),
        "{ended:?}"
    );
    site.until_used("live_sessions", 0).await;
    // The server knows nothing of the session now, and believes the key.
    teacher.socket = publisher(site.addr, &teacher.id, &teacher.key).await;
    teacher.tell(whole(&["ls"])).await;
    site.until_used("live_sessions", 1).await;
    teacher.follower().await.until(&teacher.shown).await;
}

#[tokio::test]
async fn only_the_key_publishes_and_followers_only_listen() {
    let site = Site::start().await;
    let mut teacher = Teacher::begin(&site, &["ls"]).await;
    let wrong = teacher.key.replace(&teacher.key[..1], "z");
    for key in [teacher.id.as_str(), "", &wrong] {
        let mut thief = publisher(site.addr, &teacher.id, key).await;
        let (code, reason) = thief.until_closed().await;
        assert_eq!(code, 1008);
        assert!(reason.contains("not the key"), "{reason}");
    }
    let mut follower = teacher.follower().await;
    follower.hear().await;
    follower.socket.send(binary(&whole(&["rm -r /"]))).await;
    let (code, reason) = follower.socket.until_closed().await;
    assert_eq!((code, reason.as_str()), (1008, "a follower only listens"));
    teacher.run("still here").await;
    assert_eq!(teacher.shown.lines.len(), 2);
    teacher.follower().await.until(&teacher.shown).await;
}

#[tokio::test]
async fn news_that_make_no_sense_are_refused_and_nobody_hears_them() {
    let site = Site::start().await;
    let mut teacher = Teacher::begin(&site, &["ls"]).await;
    let mut follower = teacher.follower().await;
    follower.hear().await;
    for (message, reason) in [
        (binary(&change(9, &[], 0)), "9 lines are to stay"),
        (binary(&change(1, &["a\nb"], 2)), "newline"),
        (Message::Binary(vec![9; 9].into()), "malformed message"),
        (Message::Text("ls".into()), "binary"),
    ] {
        teacher.socket.send(message).await;
        let (code, why) = teacher.socket.until_closed().await;
        assert_eq!(code, 1008);
        assert!(why.contains(reason), "{why}");
        assert_eq!(follower.hear().await, News::Away);
        // What it had is what it has.
        teacher.socket = publisher(site.addr, &teacher.id, &teacher.key).await;
        teacher.tell(whole(&["ls"])).await;
        assert_eq!(follower.hear().await, whole(&["ls"]));
    }
    // Who comes back says first what there is.
    let mut hasty = publisher(site.addr, &teacher.id, &teacher.key).await;
    hasty.send(binary(&change(1, &["x"], 2))).await;
    let (_, why) = hasty.until_closed().await;
    assert!(why.contains("begins with the whole session"), "{why}");
}

#[tokio::test]
async fn no_more_than_places() {
    let site = Site::with(|config| {
        config.limits.live_sessions = 1;
        config.limits.followers = 2;
    })
    .await;
    let teacher = Teacher::begin(&site, &["ls"]).await;
    let refused = post(site.addr, "/api/live", &[], b"").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.json()["code"], "live-sessions-full");
    assert!(
        refused.text().contains("all 1 places"),
        "{}",
        refused.text()
    );

    let (_one, two) = (teacher.follower().await, teacher.follower().await);
    let Err((status, reason)) = Client::connect_to(site.addr, &teacher.path(), &[]).await else {
        panic!("a third");
    };
    assert_eq!(status, 503);
    assert!(reason.contains("2 already follow"), "{reason}");
    drop(two);
    site.until_used("followers", 1).await;
    teacher.follower().await;
}

#[tokio::test]
async fn wrong_addresses_are_refused_in_words() {
    let site = Site::start().await;
    let teacher = Teacher::begin(&site, &["ls"]).await;
    for (path, status) in [
        ("/api/live/0123456789abcdef0123456789abcdef", 404),
        ("/api/live/..%2f", 404),
        (teacher.path().as_str(), 426),
        (&format!("{}/publish", teacher.path()), 426),
        ("/api/live", 405),
    ] {
        assert_eq!(
            http(site.addr, "GET", path, &[]).await.status,
            status,
            "{path}"
        );
    }
    let foreign = [("origin", "https://evil.example")];
    for path in [teacher.path(), format!("{}/publish", teacher.path())] {
        let refused = Client::connect_to(site.addr, &path, &foreign).await;
        assert!(matches!(refused, Err((403, _))), "{path}");
    }
    let foreign = ["Origin: https://evil.example"];
    assert_eq!(
        post(site.addr, "/api/live", &foreign, b"").await.status,
        403
    );
}

#[tokio::test]
async fn the_teacher_of_the_server_may_end_any_live_session() {
    let site = Site::start().await;
    let mut teacher = Teacher::begin(&site, &["ls"]).await;
    let mut follower = teacher.follower().await;
    follower.hear().await;
    let refused = http(site.addr, "DELETE", &teacher.path(), &[]).await;
    assert_eq!(refused.status, 401);
    let ended = http(site.addr, "DELETE", &teacher.path(), &[&site.teacher()]).await;
    assert_eq!(ended.status, 204);
    assert!(matches!(follower.hear().await, News::Ended { .. }));
    assert_eq!(teacher.socket.until_closed().await.0, 1000);
    let again = http(site.addr, "DELETE", &teacher.path(), &[&site.teacher()]).await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn who_is_gone_without_a_word_gives_up_the_place() {
    let site = Site::with(|config| config.limits.quiet = Duration::from_millis(100)).await;
    let teacher = Teacher::begin(&site, &["ls"]).await;
    let mut sleeping = teacher.follower().await;
    sleeping.hear().await;
    // It reads no more, so it answers no ping.
    site.until_used("followers", 0).await;
    site.until_used("live_sessions", 1).await;
}

#[tokio::test]
async fn a_server_that_stops_lets_all_go() {
    let site = Site::start().await;
    let mut teacher = Teacher::begin(&site, &["ls"]).await;
    let mut follower = teacher.follower().await;
    follower.hear().await;
    let told = async {
        assert_eq!(follower.socket.until_closed().await.0, 1001);
        assert_eq!(teacher.socket.until_closed().await.0, 1001);
    };
    tokio::join!(site.stop(), told);
}
