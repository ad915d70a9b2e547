//! Native sessions with the real kernel in them.

use labs::protocol::{Host, PROTOCOL_VERSION, Request, Response, View, ViewRequest};
use server::session::native::labs_engine;

use crate::site::{Site, open};

#[tokio::test]
async fn a_real_kernel_boots_runs_and_shows_itself() {
    let site = Site::with(|config| config.engine = labs_engine).await;
    let mut client = site.session("native").await;
    match client.ask(&open("mem=8M seed=7")).await {
        Response::Opened {
            version,
            host,
            header,
            state,
        } => {
            assert_eq!((version, host), (PROTOCOL_VERSION, Host::Native));
            assert!(
                header.starts_with("mem=8M ") && header.ends_with(" seed=7"),
                "{header}"
            );
            assert_eq!((state.step, state.steps), (0, 0));
        }
        other => panic!("{other:?}"),
    }
    let lines = [
        "radix create t",
        "radix insert t 5 50",
        "radix lookup t 5",
        "no-such-command",
    ];
    let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
    match client.ask(&Request::Run { lines }).await {
        Response::Ran { lines, state } => {
            let heard: Vec<_> = lines
                .iter()
                .map(|line| (line.status, &line.text[..]))
                .collect();
            assert_eq!(heard[1..3], [(0, &b"0\n"[..]), (0, b"50\n")]);
            assert_ne!(heard[3].0, 0);
            assert_eq!((state.step, state.trees), (4, vec!["t".to_owned()]));
        }
        other => panic!("{other:?}"),
    }
    match client
        .ask(&Request::View(ViewRequest::Radix {
            name: "t".to_owned(),
        }))
        .await
    {
        Response::View(Some(View::Radix(tree))) => assert_eq!((tree.height, tree.items), (1, 1)),
        other => panic!("{other:?}"),
    }
    let reason = client.ask_in_vain(&open("mem=4T")).await;
    assert!(reason.contains("mem=4T"), "{reason}");
    match client.ask(&Request::State).await {
        Response::State(state) => assert_eq!(state.step, 4, "a refused boot changes nothing"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_spent_budget_answers_with_what_it_has() {
    let site = Site::with(|config| {
        config.engine = labs_engine;
        config.limits.steps = 1;
        config.limits.replay_steps = 1;
    })
    .await;
    let mut client = site.session("native").await;
    let lines = vec![b"echo a".to_vec(), b"echo b".to_vec()];
    match client.ask(&Request::Run { lines }).await {
        Response::Ran { lines, .. } => assert_eq!(lines.len(), 1),
        other => panic!("{other:?}"),
    }
    let replay = Request::Replay {
        log: b"echo a\necho b\n".to_vec(),
        each_line: false,
    };
    let reason = client.ask_in_vain(&replay).await;
    assert!(reason.contains("more than 1 kernel steps"), "{reason}");
}
