//! Keeping sessions, with a journal that is played.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::state::library::{
    Action as Act, Branch, Effect as Asked, Kept, Record, Sheet, Storage, Write, bundle, file_name,
};

use super::*;

/// A session in the journal.
#[derive(Debug, Clone, Default)]
pub struct Row {
    record: Record,
    lines: Vec<Vec<u8>>,
    branches: Vec<Branch>,
}

/// Does what the browser's database would do.
#[derive(Debug, Default)]
pub struct FakeJournal {
    rows: BTreeMap<String, Row>,
    /// Why it refuses to write, if it does.
    refuses: Option<String>,
    /// Writes are kept here instead of being done.
    held: Option<Vec<Write>>,
    writes: usize,
    other: Vec<Asked>,
}

impl FakeJournal {
    pub fn perform(&mut self, effect: Asked) -> Vec<Act> {
        match effect {
            Asked::Write(write) => match &mut self.held {
                Some(held) => held.push(write),
                None => return vec![self.write(write)],
            },
            Asked::Note(record, _) => {
                let row = self
                    .rows
                    .get_mut(&record.id)
                    .expect("only what is kept is noted");
                row.record = record;
            }
            Asked::Fetch(id) => return vec![Act::Opened(Ok(self.kept(&id)))],
            Asked::Remember(_) => {}
            other => self.other.push(other),
        }
        vec![]
    }

    fn write(&mut self, write: Write) -> Act {
        if let Some(reason) = &self.refuses {
            return Act::Kept(write.epoch, Err(reason.clone()));
        }
        self.writes += 1;
        let id = match write.record.id.as_str() {
            "" => format!("s{}", self.rows.len() + 1),
            id => id.to_string(),
        };
        let row = self.rows.entry(id.clone()).or_default();
        assert!(write.from <= row.lines.len(), "a hole in the journal");
        row.lines.truncate(write.from);
        row.lines.extend(write.lines);
        row.record = Record {
            id: id.clone(),
            ..write.record
        };
        if let Some(branches) = write.branches {
            row.branches = branches;
        }
        Act::Kept(write.epoch, Ok(id))
    }

    fn kept(&self, id: &str) -> Option<Kept> {
        self.rows.get(id).cloned().map(|row| Kept {
            record: row.record,
            lines: row.lines,
            branches: row.branches,
            is_copy: false,
        })
    }

    /// The lines of a session, a space between them.
    fn lines(&self, id: &str) -> String {
        let lines = self.rows[id]
            .lines
            .iter()
            .map(|line| String::from_utf8_lossy(line));
        lines.collect::<Vec<_>>().join(" ")
    }
}

/// A page that keeps sessions, with a new one.
fn keeping() -> Bench {
    let mut bench = Bench {
        state: State::new(Theme::Auto),
        kernel: FakeKernel::new(),
        journal: FakeJournal::default(),
        effects: vec![],
    };
    bench.state.library.await_start(&Address::default());
    bench.act(Action::Ready);
    assert!(
        bench.kernel.asked.is_empty(),
        "the journal has not spoken yet"
    );
    bench.act(Action::Library(Act::Started(Ok(None))));
    assert_eq!(bench.state.link, Link::Live);
    bench
}

/// The tab dies and another one comes: what does it find?
fn reload(bench: Bench) -> Bench {
    let journal = bench.journal;
    let kept = journal
        .rows
        .keys()
        .next_back()
        .and_then(|id| journal.kept(id));
    let mut fresh = Bench {
        state: State::new(Theme::Auto),
        kernel: FakeKernel::new(),
        journal: FakeJournal {
            held: None,
            refuses: None,
            other: vec![],
            ..journal
        },
        effects: vec![],
    };
    fresh.state.library.await_start(&Address::default());
    fresh.act(Action::Library(Act::Started(Ok(kept))));
    fresh.act(Action::Ready);
    fresh
}

impl Bench {
    fn library(&mut self, action: Act) {
        self.act(Action::Library(action));
    }

    fn runs(&self) -> usize {
        let run = |request: &&Request| matches!(request, Request::Run { .. });
        self.kernel.asked.iter().filter(run).count()
    }

    /// Does the writes that were held.
    fn release(&mut self) {
        for write in self.journal.held.take().unwrap_or_default() {
            let action = self.journal.write(write);
            self.library(action);
        }
    }
}

#[test]
fn a_line_is_stored_before_it_runs() {
    let mut bench = keeping();
    bench.journal.held = Some(vec![]);
    bench.type_lines("a");
    assert_eq!(bench.runs(), 0, "sent before it was stored");
    assert_eq!(bench.journal.held.as_ref().unwrap()[0].lines, [b"a"]);
    bench.release();
    assert_eq!(
        (bench.log().as_str(), bench.journal.lines("s1").as_str()),
        ("a", "a")
    );
    assert_eq!(bench.journal.rows["s1"].record.name, "a");
    // Many lines are stored a request at a time.
    let writes = bench.journal.writes;
    bench.act(Action::Submit(
        (0..1000).map(|n| n.to_string().into_bytes()).collect(),
    ));
    assert_eq!(
        bench.journal.writes - writes,
        1000_usize.div_ceil(LINES_PER_REQUEST)
    );
    assert_eq!(bench.journal.rows["s1"].lines.len(), 1001);
    assert_eq!(bench.journal.rows["s1"].record.steps, 1001);
}

#[test]
fn looking_leaves_nothing_behind() {
    let mut bench = keeping();
    bench.act(Action::Seek(3));
    bench.act(Action::Show(Pane::Slab));
    bench.library(Act::Arrived(Ok(b"mem=32M\na\nb\nc\n".to_vec()), Some(2)));
    assert_eq!(
        (bench.log().as_str(), bench.state.kernel.step),
        ("a b c", 2)
    );
    assert!(bench.journal.rows.is_empty());
    // Its first line makes it a session, whole.
    bench.act(Action::Seek(3));
    bench.type_lines("d");
    assert_eq!(bench.journal.lines("s1"), "a b c d");
    assert!(bench.journal.other.contains(&Asked::ClearAddress));
    assert!(bench.journal.rows["s1"].record.heading.contains("mem=32M"));
}

#[test]
fn a_session_comes_back_where_it_stood() {
    let mut bench = keeping();
    bench.type_lines("a\nb\nc");
    bench.act(Action::StepBy(-2));
    let mut bench = reload(bench);
    assert_eq!(
        (bench.log().as_str(), bench.state.kernel.step),
        ("a b c", 1)
    );
    assert_eq!(bench.state.transcript.len(), 3);
    assert!(bench.errors().is_empty(), "{:?}", bench.errors());
    // It goes on where it was, in the same place.
    bench.act(Action::Seek(3));
    bench.type_lines("d");
    assert_eq!(bench.journal.rows.len(), 1);
    assert_eq!(bench.journal.lines("s1"), "a b c d");
}

#[test]
fn a_tab_may_die_between_any_two_steps() {
    // However far the kernel came, what was stored comes back, and what was shown was stored.
    for answered in 0..3 {
        let mut bench = keeping();
        bench.type_lines("a");
        bench.kernel.budget = 1;
        let mut effects: VecDeque<Effect> = bench
            .state
            .apply(Action::Submit(vec![b"b".to_vec(), b"c".to_vec()]))
            .into();
        let mut left = answered;
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Send(request @ Request::Run { .. }) if left > 0 => {
                    left -= 1;
                    let response = bench.kernel.handle(request.clone());
                    effects.extend(bench.state.apply(Action::Answered(request, response)));
                }
                Effect::Library(Asked::Write(write)) => {
                    let action = bench.journal.write(write);
                    effects.extend(bench.state.apply(Action::Library(action)));
                }
                _ => {}
            }
        }
        let shown = bench.state.log.len();
        assert_eq!(shown, 1 + answered);
        let bench = reload(bench);
        assert_eq!(bench.log(), "a b c", "{answered} answered");
    }
}

#[test]
fn a_line_that_kills_is_tried_once() {
    let mut bench = keeping();
    bench.type_lines("a");
    let effects = bench.state.apply(Action::Submit(vec![b"die".to_vec()]));
    for effect in effects {
        if let Effect::Library(asked) = effect {
            for action in bench.journal.perform(asked) {
                let _ = bench.state.apply(Action::Library(action));
            }
        }
    }
    // The tab dies with it. The next one tries it again, and dies before it has an answer.
    let journal = bench.journal;
    let kept = journal.kept("s1");
    let mut second = State::new(Theme::Auto);
    second.library.await_start(&Address::default());
    let _ = second.apply(Action::Library(Act::Started(Ok(kept))));
    let mut bench = Bench {
        state: second,
        kernel: FakeKernel::new(),
        journal,
        effects: vec![],
    };
    let mut effects: VecDeque<Effect> = bench.state.apply(Action::Ready).into();
    let mut tried = false;
    while let Some(effect) = effects.pop_front() {
        match effect {
            Effect::Send(Request::Run { lines }) if lines == [b"die"] => tried = true,
            Effect::Send(request) => {
                let response = bench.kernel.handle(request.clone());
                effects.extend(bench.state.apply(Action::Answered(request, response)));
            }
            Effect::Library(asked) => {
                for action in bench.journal.perform(asked) {
                    effects.extend(bench.state.apply(Action::Library(action)));
                }
            }
            _ => {}
        }
    }
    assert!(tried);
    // The third leaves it to a person, and takes no other lines before.
    let mut bench = reload(bench);
    assert_eq!(
        (bench.log().as_str(), bench.state.unanswered.len()),
        ("a", 1)
    );
    bench.type_lines("x");
    assert_eq!(bench.log(), "a");
    assert_eq!(bench.journal.lines("s1"), "a die");
    bench.act(Action::Rerun);
    assert_eq!(bench.log(), "a die");
    bench.type_lines("x");
    assert_eq!(bench.journal.lines("s1"), "a die x");
}

#[test]
fn what_waits_for_an_answer_can_be_forgotten_and_is_kept_aside() {
    let mut bench = keeping();
    bench.type_lines("a");
    let row = bench.journal.rows.get_mut("s1").unwrap();
    row.lines.push(b"die".to_vec());
    row.record.attempt = 2;
    let mut bench = reload(bench);
    assert_eq!(bench.state.unanswered, [b"die"]);
    bench.act(Action::ForgetUnanswered);
    assert_eq!(bench.journal.lines("s1"), "a");
    assert_eq!(bench.journal.rows["s1"].branches[0].lines, [b"die"]);
    bench.type_lines("b");
    assert_eq!(bench.journal.lines("s1"), "a b");
}

#[test]
fn a_kernel_that_falls_during_the_way_back_loses_no_line() {
    let mut bench = keeping();
    bench.act(Action::Submit(
        (0..600).map(|n| n.to_string().into_bytes()).collect(),
    ));
    let kept = bench.journal.kept("s1");
    let mut bench = Bench {
        state: State::new(Theme::Auto),
        kernel: FakeKernel::new(),
        ..bench
    };
    bench.state.library.await_start(&Address::default());
    let _ = bench.state.apply(Action::Library(Act::Started(Ok(kept))));
    let open = bench.state.apply(Action::Ready);
    let [Effect::Send(request)] = open.as_slice() else {
        panic!("{open:?}")
    };
    let response = bench.kernel.handle(request.clone());
    let _ = bench
        .state
        .apply(Action::Answered(request.clone(), response));
    bench.act(Action::Interrupt);
    bench.act(Action::Failed("gone".into()));
    assert_eq!(bench.state.unanswered.len(), 600);
    assert_eq!(bench.journal.rows["s1"].lines.len(), 600);
    bench.kernel = FakeKernel::new();
    bench.act(Action::Restart);
    bench.type_lines("x");
    assert_eq!(
        bench.journal.rows["s1"].lines.len(),
        600,
        "cut by a line typed too early"
    );
    bench.act(Action::Rerun);
    assert_eq!(bench.state.log.len(), 600);
    assert_eq!(bench.journal.rows["s1"].lines.len(), 600);
}

#[test]
fn dropped_lines_come_back_and_so_do_theirs() {
    let mut bench = keeping();
    bench.type_lines("a\nb\nc");
    bench.act(Action::Seek(1));
    bench.type_lines("x\ny");
    assert_eq!(bench.journal.lines("s1"), "a x y");
    assert_eq!(bench.journal.rows["s1"].branches.len(), 1);
    assert!(bench.state.library.offers_branch);
    let mut bench = reload(bench);
    assert_eq!(bench.state.branches_at_hand().len(), 1);
    bench.library(Act::BringBack(0));
    assert_eq!(
        (bench.log().as_str(), bench.journal.lines("s1").as_str()),
        ("a b c", "a b c")
    );
    let aside = &bench.journal.rows["s1"].branches;
    assert_eq!(
        aside
            .iter()
            .map(|branch| branch.lines.len())
            .collect::<Vec<_>>(),
        [2]
    );
    bench.library(Act::BringBack(0));
    assert_eq!(bench.log(), "a x y");
    // Where the log no longer leads to it, it cannot be put back.
    bench.act(Action::Seek(0));
    bench.type_lines("z");
    let at: Vec<u32> = bench
        .state
        .branches_at_hand()
        .iter()
        .map(|(_, branch)| branch.at)
        .collect();
    assert_eq!(at, [0]);
    bench.library(Act::BringBack(0));
    assert_eq!(bench.log(), "z");
}

#[test]
fn a_line_refused_in_the_past_drops_nothing() {
    let mut bench = keeping();
    bench.type_lines("a\nb");
    bench.act(Action::Seek(1));
    let mut effects: VecDeque<Effect> = bench
        .state
        .apply(Action::Submit(vec![b"x".to_vec()]))
        .into();
    while let Some(effect) = effects.pop_front() {
        match effect {
            Effect::Send(request @ Request::Run { .. }) => {
                let message = "the log is full".to_string();
                let refusal = Response::Error { message };
                effects.extend(bench.state.apply(Action::Answered(request, refusal)));
            }
            Effect::Library(asked) => {
                for action in bench.journal.perform(asked) {
                    effects.extend(bench.state.apply(Action::Library(action)));
                }
            }
            _ => {}
        }
    }
    assert_eq!(
        (bench.log().as_str(), bench.journal.lines("s1").as_str()),
        ("a b", "a b")
    );
    assert!(bench.journal.rows["s1"].branches.is_empty());
}

#[test]
fn interrupted_lines_leave_the_journal_again() {
    let mut bench = keeping();
    bench.type_lines("a");
    bench.journal.held = Some(vec![]);
    bench.type_lines("b\nc");
    bench.act(Action::Interrupt);
    bench.release();
    assert_eq!(
        (bench.log().as_str(), bench.journal.lines("s1").as_str()),
        ("a", "a")
    );
    bench.type_lines("d");
    assert_eq!(bench.journal.lines("s1"), "a d");
}

#[test]
fn a_refusing_browser_is_mentioned_once_and_stops_nothing() {
    let mut bench = keeping();
    bench.type_lines("a");
    bench.journal.refuses = Some("the storage is full".into());
    bench.type_lines("b");
    bench.type_lines("c");
    assert_eq!(bench.log(), "a b c");
    assert_eq!(bench.errors().len(), 1);
    assert_eq!(bench.state.library.unsaved(), Some("the storage is full"));
    assert_eq!(bench.journal.lines("s1"), "a");
    // A deleted session makes room; then everything is stored after all.
    bench.journal.refuses = None;
    bench.library(Act::Delete("other".into()));
    assert_eq!(bench.state.library.storage, Storage::Works);
    assert_eq!(bench.journal.lines("s1"), "a b c");
}

#[test]
fn another_session_takes_the_page_and_this_one_stays() {
    let mut bench = keeping();
    bench.type_lines("a\nb");
    bench.library(Act::New);
    assert_eq!((bench.log().as_str(), bench.state.kernel.step), ("", 0));
    bench.type_lines("x");
    bench.library(Act::Open("s1".into()));
    assert_eq!(bench.log(), "a b");
    bench.act(Action::LoadLog(b"mem=32M\np\nq\n".to_vec()));
    assert_eq!(bench.log(), "p q");
    let kept: Vec<String> = bench
        .journal
        .rows
        .keys()
        .map(|id| bench.journal.lines(id))
        .collect();
    assert_eq!(kept, ["a b", "x", "p q"]);
    // A late answer about another session changes nothing.
    bench.library(Act::Kept(0, Ok("s9".into())));
    assert_eq!(bench.state.library.id.as_deref(), Some("s3"));
    bench.library(Act::Open("gone".into()));
    assert!(bench.state.library.problem.is_some());
    assert_eq!(bench.log(), "p q");
}

#[test]
fn a_session_of_another_tab_comes_as_a_copy() {
    let mut bench = keeping();
    bench.type_lines("a\nb");
    let kept = bench.journal.kept("s1").map(|kept| Kept {
        is_copy: true,
        ..kept
    });
    bench.library(Act::Opened(Ok(kept)));
    assert_eq!(bench.log(), "a b");
    assert_eq!(bench.journal.rows.len(), 1);
    bench.type_lines("c");
    assert_eq!(bench.journal.lines("s1"), "a b");
    assert_eq!(bench.journal.lines("s2"), "a b c");
    assert_eq!(bench.journal.rows["s2"].record.name, "a (copy)");
}

#[test]
fn what_only_shows_takes_no_lines() {
    let (address, _) = Address::parse("?noedit", "");
    let mut bench = Bench::new();
    bench.state.library.await_start(&address);
    bench.library(Act::Started(Ok(None)));
    bench.library(Act::Arrived(Ok(b"a\nb\n".to_vec()), None));
    assert_eq!(bench.log(), "a b");
    bench.act(Action::StepBy(-1));
    bench.type_lines("x");
    bench.library(Act::New);
    assert_eq!((bench.log().as_str(), bench.state.kernel.step), ("a b", 1));
    assert!(bench.journal.rows.is_empty());
    assert_eq!(bench.state.library.unsaved(), None);
}

#[test]
fn a_broken_link_says_so_and_leaves_the_session() {
    let mut bench = keeping();
    bench.type_lines("a");
    bench.library(Act::Arrived(Err("cut".into()), None));
    bench.library(Act::Arrived(Ok(b"glass=9\nx\n".to_vec()), None));
    bench.library(Act::Arrived(Ok(vec![b'x'; labs::LOG_MAX + 1]), None));
    assert_eq!(bench.log(), "a");
    assert_eq!(bench.errors().len(), 3);
}

#[test]
fn the_present_kernel_may_come_to_another_end() {
    let mut bench = keeping();
    bench.type_lines("a");
    let id = "s1".to_string();
    let mut kept = bench.journal.kept(&id).unwrap();
    let seal = Heading::parse(&kept.record.heading).unwrap().seal.unwrap();
    let chain = format!("chain={:016x}", seal.chain);
    kept.record.heading = kept
        .record
        .heading
        .replace(&chain, "chain=00000000000000ff");
    bench.library(Act::Opened(Ok(Some(kept))));
    assert_eq!(bench.log(), "a");
    assert!(
        bench.errors()[0].contains("another end"),
        "{:?}",
        bench.errors()
    );
}

#[test]
fn several_sessions_travel_as_one_file() {
    let sessions = [
        (
            "one\nname".to_string(),
            b"mem=32M\na\n#session 3 x\n\xff\n".to_vec(),
        ),
        (String::new(), b"".to_vec()),
    ];
    let file = bundle(&sessions);
    let mut bench = keeping();
    bench.library(Act::Import(file.clone()));
    let Some(Asked::Store(stored)) = bench.journal.other.last() else {
        panic!("{:?}", bench.journal.other)
    };
    assert_eq!(stored[0].0.name, "one name");
    assert_eq!(stored[0].1, [b"a".as_slice(), b"#session 3 x", b"\xff"]);
    assert!(stored[0].0.heading.contains("mem=32M"));
    assert_eq!((stored[1].0.steps, stored.len()), (0, 2));
    bench.library(Act::Import(file[..file.len() - 2].to_vec()));
    assert!(bench.state.library.problem.is_some());
    assert_eq!(bench.log(), "");
}

#[test]
fn an_empty_file_is_no_session() {
    let mut bench = keeping();
    bench.type_lines("a");
    bench.library(Act::Import(Vec::new()));
    assert_eq!(
        bench.state.library.problem.as_deref(),
        Some("this file is empty")
    );
    assert_eq!(bench.log(), "a");
    // A better one ends the complaint.
    bench.library(Act::Import(bundle(&[])));
    assert_eq!(bench.state.library.problem, None);
}

#[test]
fn a_session_can_be_deleted_and_come_back() {
    let mut bench = keeping();
    bench.type_lines("a");
    bench.library(Act::Show(Some(Sheet::Sessions)));
    let record = bench.journal.rows["s1"].record.clone();
    bench.library(Act::Listed(Ok(vec![record])));
    bench.library(Act::Delete("s1".into()));
    assert_eq!((bench.log().as_str(), &bench.state.library.id), ("", &None));
    assert_eq!(
        bench
            .journal
            .other
            .iter()
            .filter(|asked| **asked == Asked::Delete("s1".into(), true))
            .count(),
        1
    );
    assert_eq!(bench.state.library.sheet, Some(Sheet::Sessions));
    bench.library(Act::Undelete);
    assert!(
        bench
            .journal
            .other
            .contains(&Asked::Delete("s1".into(), false))
    );
}

#[test]
fn files_have_plain_names() {
    assert_eq!(file_name("radix create t"), "radix-create-t.log");
    assert_eq!(file_name("../../etc"), "etc.log");
    assert_eq!(file_name("Übung 1"), "bung-1.log");
    assert_eq!(file_name(""), "session.log");
}

#[test]
fn a_database_that_speaks_late_still_gives_the_session_back() {
    let mut first = keeping();
    first.type_lines("a\nb");
    let kept = first.journal.kept("s1");
    assert!(kept.is_some());
    // The browser has forgotten that there are sessions, so the page began without waiting.
    let mut idle = keeping();
    idle.journal = std::mem::take(&mut first.journal);
    idle.library(Act::Started(Ok(kept)));
    assert_eq!(idle.log(), "a b");
    // Whoever has typed something meanwhile goes on with that.
    let mut busy = keeping();
    busy.type_lines("c");
    let kept = idle.journal.kept("s1");
    busy.library(Act::Started(Ok(kept.clone())));
    assert_eq!(busy.log(), "c");
    // So does who has asked for an empty session: one stored by this very page may be what comes.
    let mut renewed = keeping();
    renewed.library(Act::New);
    renewed.library(Act::Started(Ok(kept)));
    assert_eq!(renewed.log(), "");
}
