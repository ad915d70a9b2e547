//! The order of callbacks, as the specs give it, in whole steps of a log.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::super::{HostMemory, Session};
use crate::protocol::{Host, Request, Response, View, ViewRequest};
use crate::view::{CallbacksView, View as _, check_german};

fn session(lines: &[&str]) -> Session {
    let mut session = Session::new(Host::Native, Box::new(HostMemory));
    let header = "mem=16M cpus=2 nodes=2".to_string();
    session.handle(Request::Open { header });
    let lines = lines.iter().map(|line| line.as_bytes().to_vec());
    let response = session.handle(Request::Run {
        lines: lines.collect(),
    });
    assert!(matches!(response, Response::Ran { .. }), "{response:?}");
    session
}

fn callbacks(session: &mut Session, step: u32) -> Option<CallbacksView> {
    match session.handle(Request::View(ViewRequest::Callbacks { step })) {
        Response::View(Some(View::Callbacks(view))) => {
            for call in &view.calls {
                check_german(&call.because);
            }
            Some(view)
        }
        Response::View(None) => None,
        other => panic!("{other:?}"),
    }
}

/// The calls of a step, each as `create of cpu`, `can_attach of cpuset: ENOSPC`.
fn told(session: &mut Session, step: u32) -> Vec<String> {
    let view = callbacks(session, step).unwrap_or_default();
    let told = view.calls.iter().map(|call| match call.errno.as_str() {
        "" => call.title(),
        errno => [&call.title(), ": ", errno].concat(),
    });
    told.collect()
}

#[test]
fn mkdir_rmdir_and_mounts_call_in_the_order_of_the_specs() {
    let mut session = session(&[
        "mkdir /c",
        "mount -t container -o cpuset,memory,freezer x /c",
        "mkdir /c/a",
        "rmdir /c/a",
        "rmdir /c/b",
        "umount /c",
    ]);
    assert_eq!(callbacks(&mut session, 1), None);
    // Ascending numbers are bound, so everything else is descending.
    assert_eq!(
        told(&mut session, 2),
        [
            "mount",
            "populate of freezer",
            "populate of memory",
            "populate of cpuset"
        ]
    );
    let made = told(&mut session, 3);
    assert_eq!(
        made,
        [
            "create of freezer",
            "create of memory",
            "create of cpuset",
            "mkdir",
            "populate of freezer",
            "populate of memory",
            "populate of cpuset"
        ]
    );
    let view = callbacks(&mut session, 3).unwrap();
    assert!(
        view.calls.iter().all(|call| call.container == "/c/a"),
        "{view:?}"
    );
    assert!(view.calls[1].because.ends_with("(2 of 3)"), "{view:?}");
    assert_eq!(
        told(&mut session, 4),
        [
            "pre_destroy of memory",
            "rmdir",
            "destroy of freezer",
            "destroy of memory",
            "destroy of cpuset"
        ]
    );
    assert_eq!(
        callbacks(&mut session, 5),
        None,
        "there is no such directory"
    );
    assert_eq!(told(&mut session, 6), ["umount"]);
    for step in [0, 7, u32::MAX] {
        assert_eq!(callbacks(&mut session, step), None);
    }
}

#[test]
fn a_veto_says_who_was_asked_and_that_nothing_moved() {
    let mut session = session(&[
        "mkdir /c; mount -t cgroup -o cpuset,devices,freezer x /c; mkdir /c/a",
        "echo 0 > /c/a/tasks",
        "echo 0 > /c/a/cpuset.cpus; echo 0 > /c/a/cpuset.mems; echo 0 > /c/a/tasks",
        "echo 0 > /c/a/tasks",
        "rmdir /c/a",
    ]);
    assert_eq!(
        told(&mut session, 2),
        [
            "can_attach of freezer",
            "can_attach of devices",
            "can_attach of cpuset: ENOSPC"
        ]
    );
    let view = callbacks(&mut session, 2).unwrap();
    let veto = &view.calls[2];
    assert_eq!(
        (veto.container.as_str(), veto.old.as_str(), veto.pid),
        ("/c/a", "/c", 1)
    );
    assert_eq!(
        veto.because,
        "cpuset says no with ENOSPC, and one no is enough: freezer and devices had said yes; task 1 \
         stays in /c, nothing has moved"
    );
    assert_eq!(
        view.sentence(),
        "step 2: 3 callbacks, 1 said no: can_attach of cpuset with ENOSPC"
    );
    assert_eq!(
        told(&mut session, 3),
        [
            "can_attach of freezer",
            "can_attach of devices",
            "can_attach of cpuset",
            "css_set",
            "move",
            "attach of cpuset"
        ]
    );
    let view = callbacks(&mut session, 3).unwrap();
    assert_eq!(
        view.calls[4].because,
        "one pointer is stored, and from this moment task 1 is in /c/a for freezer, devices and \
         cpuset at once"
    );
    assert_eq!(callbacks(&mut session, 4), None, "it is there already");
    assert_eq!(told(&mut session, 5), ["rmdir: EBUSY"]);
}

#[test]
fn the_first_to_refuse_leaves_the_others_unasked() {
    let mut session = session(&[
        "mkdir /c; mount -t cgroup -o cpuset,devices,freezer x /c; mkdir /c/a /c/b",
        "echo 0 > /c/a/cpuset.cpus; echo 0 > /c/a/cpuset.mems",
        "spin 1h & sleep 0.01; echo $! > /c/a/tasks; echo FROZEN > /c/a/freezer.state; sleep 0.1",
        "echo $! > /c/tasks",
    ]);
    let view = callbacks(&mut session, 4).unwrap();
    assert_eq!(told(&mut session, 4), ["can_attach of freezer: EBUSY"]);
    assert!(
        view.calls[0]
            .because
            .contains("one no is enough: devices and cpuset are not asked any more; task"),
        "{view:?}"
    );
}

#[test]
fn forks_and_ends_tell_every_subsystem() {
    let mut session = session(&[
        "mkdir /c; mount -t cgroup -o pids x /c; mkdir /c/a",
        "echo 0 > /c/a/tasks",
        "spin 1ms",
        "echo 1 > /c/a/pids.max; spin 1ms",
    ]);
    let calls = told(&mut session, 3);
    let of = |call: &str| calls.iter().filter(|it| it.starts_with(call)).count();
    assert!(of("fork of ") >= 1 && of("exit of ") >= 2, "{calls:?}");
    assert_eq!(calls[0], "can_fork of pids");
    assert_eq!(of("attach") + of("can_attach"), 0, "{calls:?}");
    let view = callbacks(&mut session, 4).unwrap();
    let veto = view
        .calls
        .iter()
        .find(|call| !call.errno.is_empty())
        .unwrap();
    assert_eq!(
        (veto.title().as_str(), &*veto.errno),
        ("can_fork of pids", "EAGAIN")
    );
    assert!(
        view.refused >= 1 && veto.because.contains("there will be no task"),
        "{view:?}"
    );
}

#[test]
fn a_create_that_fails_takes_back_what_was_made() {
    let mut session = session(&[
        "mkdir /c; mount -t cgroup -o cpu,debug x /c",
        "echo 2 > /proc/self/fail-nth; mkdir /c/a; echo 0 > /proc/self/fail-nth",
        "echo 3 > /proc/self/fail-nth; mkdir /c/a; echo 0 > /proc/self/fail-nth",
    ]);
    // Where the memory runs out depends on who allocates what; one of the two hits a create.
    let steps = [2, 3].map(|step| told(&mut session, step));
    let undone = steps.iter().find(|calls| {
        calls
            .iter()
            .any(|call| call.starts_with("create") && call.contains(": ENOMEM"))
    });
    let calls = undone.unwrap_or_else(|| panic!("{steps:?}"));
    assert!(
        !calls.iter().any(|call| call.starts_with("populate")),
        "{calls:?}"
    );
    let failed = calls
        .iter()
        .position(|call| call.contains(": ENOMEM"))
        .unwrap();
    let made = calls[..failed]
        .iter()
        .filter(|call| call.starts_with("create"));
    let freed = calls[failed..]
        .iter()
        .filter(|call| call.starts_with("destroy"));
    assert_eq!(made.count(), freed.count(), "{calls:?}");
    assert!(calls.contains(&"mkdir: ENOMEM".to_string()), "{calls:?}");
}

#[test]
fn a_step_is_told_from_anywhere_and_cut_where_it_is_long() {
    let many: String = (0..400).map(|number| format!(" /c/g{number}")).collect();
    let many = ["mkdir", &many].concat();
    let mut session = session(&[
        "mkdir /c; mount -t cgroup -o pids,cpu,debug x /c",
        &many,
        "true",
    ]);
    let whole = callbacks(&mut session, 2).unwrap();
    session.handle(Request::Seek { step: 1 });
    assert_eq!(callbacks(&mut session, 2).unwrap(), whole);
    let Response::State(state) = session.handle(Request::State) else {
        panic!("no state");
    };
    assert_eq!((state.step, state.steps), (1, 3));
    // For each container three creates, the directory, and three populates.
    assert_eq!(whole.calls.len() as u32 + whole.omitted, 400 * 7);
    assert_eq!(whole.calls.len(), super::LISTED_MAX);
    assert!(whole.sentence().ends_with("1800 more are not listed"));
}
