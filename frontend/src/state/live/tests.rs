//! Two pages with a kernel each, and what lies between them.

use labs::protocol::encode;

use super::*;
use crate::state::tests::Bench;
use crate::state::{self as page, library::Storage};

const ID: &str = "0123456789abcdef0123456789abcdef";

/// Who shares, and one who follows.
struct Class {
    teacher: Bench,
    student: Bench,
    /// What was told, for late comers.
    shown: Shown,
    told: usize,
}

fn live(bench: &mut Bench, action: Action) {
    bench.act(page::Action::Live(action));
}

impl Class {
    fn new() -> Class {
        let mut class = Class {
            teacher: Bench::new(),
            student: Bench::new(),
            shown: Shown::default(),
            told: 0,
        };
        live(&mut class.teacher, Action::Share);
        let pass = Pass {
            id: ID.to_string(),
            key: "k".to_string(),
        };
        live(&mut class.teacher, Action::Announced(Ok(pass)));
        live(&mut class.teacher, Action::Opened);
        live(&mut class.student, Action::Follow(ID.to_string()));
        live(&mut class.student, Action::Opened);
        class.pass_on();
        class
    }

    /// Carries what the teacher's page tells to the student's, and lets the time pass that it waits.
    fn pass_on(&mut self) {
        loop {
            let effects = std::mem::take(&mut self.teacher.effects);
            let mut is_waiting = false;
            for effect in effects {
                match effect {
                    page::Effect::Live(Effect::Tell(news)) => {
                        self.shown.apply(&news).expect("news that make sense");
                        self.told += 1;
                        live(&mut self.student, Action::Heard(encode(&news)));
                    }
                    page::Effect::Live(Effect::Wait(_)) => is_waiting = true,
                    _ => {}
                }
            }
            if !is_waiting {
                return;
            }
            live(&mut self.teacher, Action::Due);
        }
    }

    fn type_lines(&mut self, text: &str) {
        self.teacher.type_lines(text);
        self.pass_on();
    }

    fn seek(&mut self, step: u32) {
        self.teacher.act(page::Action::Seek(step));
        self.pass_on();
    }

    fn mode(&self) -> Mode {
        self.student
            .state
            .live
            .following
            .as_ref()
            .expect("it follows")
            .mode
    }

    /// The student's page shows what the teacher's does.
    fn assert_same(&self) {
        let (teacher, student) = (&self.teacher, &self.student);
        assert_eq!(student.log(), teacher.log());
        assert_eq!(student.state.kernel.step, teacher.state.kernel.step);
        assert_eq!(student.state.kernel.chain, teacher.state.kernel.chain);
        let following = student.state.live.following.as_ref().expect("it follows");
        assert!(!following.is_behind() && !following.differs);
        assert!(student.errors().is_empty(), "{:?}", student.errors());
    }
}

#[test]
fn what_is_run_and_shown_there_is_run_and_shown_here() {
    let mut class = Class::new();
    class.assert_same();
    class.type_lines("a\nb\nc");
    class.assert_same();
    class.seek(1);
    class.assert_same();
    assert_eq!(class.student.state.later_lines(), 2);
    class.type_lines("x");
    assert_eq!(class.student.log(), "a x");
    class.assert_same();
    // Nobody offers lines that the student never ran.
    assert!(class.student.state.library.branches.is_empty());
    // Another session, on another machine and in a lab.
    let log = b"lab=radix-keys@1/42 mem=8M\nd\ne".to_vec();
    class.teacher.act(page::Action::LoadLog(log));
    class.pass_on();
    class.assert_same();
    assert_eq!(class.student.state.lab, class.teacher.state.lab);
    assert!(class.student.state.lab.is_some());
}

#[test]
fn only_what_changed_is_told_and_not_more_often_than_one_sees() {
    let mut class = Class::new();
    class.type_lines("a");
    let before = class.told;
    // A view, a theme: nothing of the session.
    class.teacher.act(page::Action::NextTheme);
    class.pass_on();
    assert_eq!(class.told, before);
    class.teacher.effects.clear();
    live(&mut class.teacher, Action::Due);
    // Of what happens within a moment, the first is told at once and the rest together.
    for line in ["b", "c", "d"] {
        class.teacher.type_lines(line);
    }
    class.pass_on();
    assert_eq!(class.told, before + 2);
    class.assert_same();
}

#[test]
fn a_student_looks_around_and_comes_back() {
    let mut class = Class::new();
    class.type_lines("a\nb\nc");
    class.student.type_lines("mine");
    assert_eq!(class.student.log(), "a b c");
    assert!(class.student.errors()[0].contains("fork"));
    class.student.state.transcript = Rc::default();

    class.student.act(page::Action::Seek(1));
    assert_eq!(
        (class.mode(), class.student.state.kernel.step),
        (Mode::Looking, 1)
    );
    class.type_lines("d");
    assert_eq!(class.student.state.kernel.step, 1);
    live(&mut class.student, Action::Return);
    assert_eq!(class.mode(), Mode::Live);
    class.assert_same();
}

#[test]
fn a_fork_is_a_session_of_its_own_that_is_kept() {
    let mut class = Class::new();
    class.student.state.library.storage = Storage::Works;
    class.type_lines("a\nb\nc");
    // Nothing is kept of what somebody else runs.
    assert_eq!(class.student.state.library.id, None);
    class.seek(2);
    live(&mut class.student, Action::Fork);
    assert_eq!(class.mode(), Mode::Own);
    assert!(class.student.state.library.id.is_some());
    class.student.type_lines("mine");
    assert_eq!(class.student.log(), "a b mine");
    class.type_lines("d");
    assert_eq!(class.student.log(), "a b mine");
    let id = class.student.state.library.id.clone();

    live(&mut class.student, Action::Return);
    class.assert_same();
    assert_eq!(class.student.state.library.id, None);
    class.type_lines("e");
    class.assert_same();
    // What was forked is still there.
    class
        .student
        .act(page::Action::Library(library::Action::Open(
            id.expect("kept"),
        )));
    assert_eq!(class.student.log(), "a b mine");
    assert_eq!(class.mode(), Mode::Own);
}

#[test]
fn the_end_leaves_what_there_was() {
    let mut class = Class::new();
    class.student.state.library.storage = Storage::Works;
    class.type_lines("a\nb");
    live(&mut class.teacher, Action::Stop);
    class.pass_on();
    let following = class
        .student
        .state
        .live
        .following
        .as_ref()
        .expect("it says so");
    assert!(
        following
            .over
            .as_ref()
            .is_some_and(|why| why.contains("ended"))
    );
    assert_eq!(class.mode(), Mode::Own);
    assert!(class.student.state.library.id.is_some());
    class.student.type_lines("mine");
    assert_eq!(class.student.log(), "a b mine");
    // A second sharing is another session.
    assert!(class.teacher.state.live.sharing.is_none());
}

#[test]
fn a_broken_connection_is_tried_again_and_misses_nothing() {
    let mut class = Class::new();
    class.type_lines("a\nb");
    let why = "the connection to the server broke".to_string();
    live(&mut class.student, Action::Closed(why.clone(), false));
    let again = page::Effect::Live(Effect::Wait(AGAIN_MS));
    assert_eq!(class.student.effects.last(), Some(&again));
    // Meanwhile lines are run, and one is run in the past.
    class.teacher.type_lines("c");
    class.teacher.act(page::Action::Seek(1));
    live(&mut class.teacher, Action::Due);
    class.teacher.type_lines("x\ny");
    live(&mut class.teacher, Action::Due);
    for effect in class.teacher.effects.drain(..) {
        if let page::Effect::Live(Effect::Tell(news)) = effect {
            class.shown.apply(&news).expect("news that make sense");
        }
    }
    live(&mut class.student, Action::Due);
    let follow = page::Effect::Live(Effect::Follow(ID.to_string()));
    assert_eq!(class.student.effects.last(), Some(&follow));
    live(&mut class.student, Action::Opened);
    for part in class.shown.parts() {
        live(&mut class.student, Action::Heard(encode(&part)));
    }
    class.assert_same();
    assert_eq!(class.student.log(), "a x y");

    // The teacher's breaks: she says everything again.
    live(&mut class.teacher, Action::Closed(why, false));
    class.teacher.type_lines("z");
    live(&mut class.teacher, Action::Due);
    live(&mut class.teacher, Action::Opened);
    class.pass_on();
    class.assert_same();
}

#[test]
fn who_follows_waits_for_the_one_who_shares_after_a_restart_but_not_for_ever() {
    let mut class = Class::new();
    class.type_lines("a");
    let refuse = |class: &mut Class| {
        let gone = "there is no such live session".to_string();
        live(&mut class.student, Action::Due);
        live(&mut class.student, Action::Closed(gone, true));
        let following = class.student.state.live.following.as_ref();
        following.expect("it is followed").over.is_some()
    };
    let broken = "the connection to the server broke".to_string();
    live(&mut class.student, Action::Closed(broken.clone(), false));
    // The page is back before the teacher's.
    assert!(!refuse(&mut class) && !refuse(&mut class));
    let again = page::Effect::Live(Effect::Wait(AGAIN_MS));
    assert_eq!(class.student.effects.last(), Some(&again));
    live(&mut class.student, Action::Opened);
    for part in class.shown.parts() {
        live(&mut class.student, Action::Heard(encode(&part)));
    }
    class.assert_same();
    // She does not come back a second time.
    live(&mut class.student, Action::Closed(broken, false));
    let told = (0..20).position(|_| refuse(&mut class));
    assert_eq!(told, Some(REFUSALS_MAX as usize));
}

#[test]
fn a_session_that_is_not_there_leaves_the_page_to_its_owner() {
    let mut bench = Bench::new();
    live(&mut bench, Action::Follow(ID.to_string()));
    bench.type_lines("a");
    assert_eq!(bench.log(), "");
    live(
        &mut bench,
        Action::Closed("there is no such live session".to_string(), true),
    );
    bench.type_lines("a");
    assert_eq!(bench.log(), "a");
}

#[test]
fn another_kernel_is_noticed() {
    let mut class = Class::new();
    class.student.kernel.skew = 1;
    class.type_lines("a");
    let following = class
        .student
        .state
        .live
        .following
        .as_ref()
        .expect("it follows");
    assert!(following.differs);
}

#[test]
fn news_that_make_no_sense_change_nothing() {
    let mut class = Class::new();
    class.type_lines("a");
    let news = News::Change {
        keep: 9,
        lines: Vec::new(),
        at: At::default(),
    };
    live(&mut class.student, Action::Heard(encode(&news)));
    live(&mut class.student, Action::Heard(vec![77; 5]));
    assert_eq!(class.student.log(), "a");
    let following = class
        .student
        .state
        .live
        .following
        .as_ref()
        .expect("it follows");
    assert!(following.trouble.is_some());
}
