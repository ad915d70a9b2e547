//! The labs of the catalogue, as students and graders meet them.

use std::path::Path;
use std::time::{Duration, Instant};

use labs::author::{self, Authored};
use labs::grade::{Grade, Limits, Submission, grade};
use labs::lab::{CATALOGUE, Entry, Lab, Test, file_name, from_bytes, to_bytes, variant_of};
use labs::protocol::{Host, Request, Response};
use labs::{HostMemory, Session};
use tests::{Settings, host};

/// Students whose numbers are tried.
const STUDENTS: u32 = 100;

fn catalogue() -> Vec<Authored> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../labs/catalogue");
    author::read_catalogue(&dir).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The labs whose solution is console lines alone. What callbacks are worth, `labs/tests` tries.
fn played() -> Vec<Authored> {
    let mut labs = catalogue();
    labs.retain(|authored| authored.ops.is_none());
    labs
}

fn variants(lab: &Lab, students: u32) -> impl Iterator<Item = u32> {
    (0..students).map(|student| variant_of(&lab.id, &format!("student {student}")))
}

/// The log of a student who has solved the lab, as the page writes it.
fn solved(authored: &Authored, variant: u32) -> Vec<u8> {
    let log = author::log_of(&authored.lab, variant, &authored.solution(variant));
    let mut session = session();
    session.handle(Request::Replay {
        log,
        each_line: false,
    });
    match session.handle(Request::Log) {
        Response::Log(log) => log,
        other => panic!("{other:?}"),
    }
}

fn session() -> Session {
    Session::new(Host::Native, Box::new(HostMemory))
}

fn graded(session: &mut Session, lab: &Lab, log: &[u8], variant: u32) -> Grade {
    let submission = Submission {
        log,
        variant,
        claimed: Some(lab.points_of_log()),
    };
    grade(session, lab, submission, Limits::default())
        .unwrap_or_else(|refusal| panic!("{}, variant {variant}: {refusal}", lab.id))
}

/// The empty start fails, the solution passes, every line of the handout runs and every question has
/// an answer, whoever the student is.
#[test]
fn every_lab_works_in_both_directions_for_every_student() {
    std::thread::scope(|scope| {
        for authored in catalogue() {
            scope.spawn(move || {
                let lab = &authored.lab;
                // Fewer of the labs that ask much of a kernel.
                let students = u64::from(STUDENTS) * 4_000_000 / lab.steps_max;
                for variant in variants(lab, students.clamp(20, STUDENTS.into()) as u32) {
                    let problems = author::try_lab(&authored, variant);
                    assert!(
                        problems.is_empty(),
                        "{}, variant {variant}: {problems:#?}",
                        lab.id
                    );
                }
            });
        }
    });
}

/// What a teacher would ask of the first labs of a course.
#[test]
fn labs_are_of_a_size_that_a_student_can_finish() {
    let labs = catalogue();
    assert!(labs.len() >= 3, "only {} labs", labs.len());
    for Authored { lab, ops, .. } in labs {
        let id = &lab.id;
        // Who writes code needs an hour.
        let most = if ops.is_some() { 60 } else { 30 };
        assert!((10..=most).contains(&lab.minutes), "{id}");
        assert!((4..=8).contains(&lab.questions().len()), "{id}");
        assert!((5..=8).contains(&lab.checks.len()), "{id}");
        for check in &lab.checks {
            assert!((2..=3).contains(&check.hints.len()), "{id}: {}", check.id);
        }
        let few = variants(&lab, 50).filter(|&variant| lab.instance(variant) == lab.instance(0));
        assert_eq!(few.count(), 0, "{id}: students get the same numbers");
    }
}

/// The answers that the kernel gives where the questions are asked.
#[test]
fn the_kernel_answers_what_the_handouts_explain() {
    let expected = [
        ("radix-keys", "one-more-level", "3"),
        ("radix-keys", "height", "3"),
        ("radix-keys", "neighbour", "8"),
        ("radix-keys", "twice", "-EEXIST"),
        ("radix-keys", "shrink", "2"),
        ("radix-tags", "three-pages", "3"),
        ("radix-tags", "one-byte-more", "3"),
        ("radix-tags", "tag-of-nothing", "0"),
        ("radix-tags", "tag-goes", "1"),
        ("radix-tags", "tag-of-the-dead", "-1"),
        ("radix-tags", "tag-grows", "1"),
        ("radix-preload", "no-allocation", "0"),
        ("radix-preload", "worst-case", "11"),
        ("radix-preload", "half-way", "3"),
        ("radix-preload", "second-try", "6"),
        ("radix-preload", "served", "0"),
        ("radix-preload", "preload-fails", "-EINVAL"),
        ("radix-preload", "patient", "-ENOMEM"),
        ("slab-pages", "lifo", "1"),
        ("slab-pages", "other-cpu", "2"),
        ("slab-pages", "all-free", "2"),
        ("slab-pages", "merged", "1"),
        ("slab-three", "per-page", "59"),
        ("slab-three", "stays", "2"),
        ("slab-three", "stays-slub", "1"),
        ("slab-three", "colours", "4"),
        ("slab-overrun", "size", "128"),
        ("slab-overrun", "again", "0"),
        ("slab-overrun", "twice", "1"),
        ("slab-overrun", "lost", "33"),
        ("slab-defrag", "vacated", "0"),
        ("slab-defrag", "closing", "1"),
        ("containers-subsystem", "above", "2"),
        ("proc-fortune", "early", "atience"),
        ("proc-fortune", "cut", "Temperanc"),
        ("proc-fortune", "round", "Patience"),
        ("proc-fortune", "fit", "3"),
        ("slab-dcache", "pinned", "0"),
        ("slab-dcache", "block", "yes"),
        ("containers-hierarchy", "stays", "2000000000"),
        ("containers-hierarchy", "busy", "1"),
        ("containers-hierarchy", "empty", "no"),
        ("containers-shares", "half", "50"),
        ("containers-shares", "ten", "10"),
        ("containers-shares", "idle", "100"),
        ("containers-shares", "nested", "60"),
        ("containers-shares", "nice", "60"),
        ("containers-shares", "loose", "45"),
        ("containers-two", "taken", "1"),
        ("containers-two", "same", "0"),
        ("containers-two", "together", "1"),
        ("containers-two", "unmounted", "yes"),
        ("containers-cpusets", "empty", "1"),
        ("containers-cpusets", "beyond", "1"),
        ("containers-cpusets", "forgotten", "0-2"),
        ("containers-cpusets", "exclusive", "1"),
        ("containers-cpusets", "full", "no"),
        ("oom-score", "size", "25600"),
        ("oom-score", "children", "35842"),
        ("oom-score", "cpu", "8533"),
        ("oom-score", "young", "25600"),
        ("oom-score", "day", "1422"),
        ("oom-score", "root", "1600"),
        ("oom-score", "shift", "12800"),
        ("oom-policy", "browser", "100"),
        ("oom-policy", "second", "101"),
        ("oom-policy", "third", "102"),
        ("oom-policy", "back", "3072"),
        ("oom-notify", "late", "100"),
        ("oom-notify", "delay", "100"),
    ];
    for Authored { lab, .. } in catalogue() {
        for variant in variants(&lab, 20) {
            let answers = author::answers(&lab, variant);
            assert_eq!(answers.len(), lab.questions().len(), "{}", lab.id);
            for (_, id, expected) in expected.iter().filter(|(of, ..)| *of == lab.id) {
                let answer = answers.iter().find(|(question, _)| question == id);
                let (_, answer) = answer.unwrap_or_else(|| panic!("{}: no question {id}", lab.id));
                assert_eq!(answer, expected, "{}: {id}, variant {variant}", lab.id);
            }
        }
    }
}

/// The browser's checks and the grader's are the same.
fn verdicts_agree_with(on: Host) {
    let mut driver = host::connect(on, &Settings::find()).expect("the host starts");
    for authored in played() {
        let lab = &authored.lab;
        for (number, variant) in (0..).zip(variants(lab, 4)) {
            let mut log = solved(&authored, variant);
            if number % 2 == 1 {
                // A student who has stopped half-way, so that there is something to blame.
                let lines = log.split_inclusive(|&byte| byte == b'\n');
                let kept = lines.clone().count() - authored.solution.len() / 2;
                log = lines.take(kept).collect::<Vec<_>>().concat();
            }
            let ask = |driver: &mut dyn host::Driver| {
                driver.replay(&log, false).expect("the log runs");
                let mut checks = lab.instance(variant).checks;
                checks.retain(|check| !matches!(check.test, Test::Ops { .. }));
                let scenario = lab.scenario.len() as u32;
                match driver.request(Request::Check { checks, scenario }) {
                    Ok(Response::Checked(verdicts)) => verdicts,
                    other => panic!("{other:?}"),
                }
            };
            let (here, there) = (ask(&mut host::Native::new()), ask(&mut *driver));
            assert_eq!(here, there, "{}, variant {variant}", lab.id);
            assert_eq!(
                here.iter().all(|verdict| verdict.passed),
                number % 2 == 0,
                "{}",
                lab.id
            );
        }
    }
}

#[test]
fn a_browser_and_the_grader_find_the_same() {
    verdicts_agree_with(Host::Wasm);
}

#[test]
fn a_guest_and_the_grader_find_the_same() {
    verdicts_agree_with(Host::Qemu);
}

/// The page that was built carries the labs that are in the catalogue.
#[test]
fn the_page_carries_every_lab() {
    let dist = Settings::find()
        .dist()
        .expect("the page is built")
        .join("labs");
    let read = |name: &str| {
        std::fs::read(dist.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let labs = catalogue();
    let entries: Vec<Entry> = from_bytes(&read(CATALOGUE)).expect("the catalogue reads");
    let wanted: Vec<Entry> = labs.iter().map(|authored| authored.lab.entry()).collect();
    assert_eq!(entries, wanted);
    for Authored { lab, .. } in labs {
        // Nothing but the lab: its solution is not part of it.
        assert_eq!(read(&file_name(&lab.id)), to_bytes(&lab), "{}", lab.id);
        assert_eq!(from_bytes(&to_bytes(&lab)), Ok(lab));
    }
}

/// Regrading a class. `cargo xtask bench grade` measures without optimisations left out.
#[test]
fn a_class_is_regraded() {
    let labs = played();
    let logs: Vec<(&Lab, u32, Vec<u8>)> = labs
        .iter()
        .flat_map(|authored| {
            let lab = &authored.lab;
            variants(lab, 20).map(move |variant| (lab, variant, solved(authored, variant)))
        })
        .collect();
    let mut session = session();
    let (began, mut longest) = (Instant::now(), Duration::ZERO);
    for (lab, variant, log) in &logs {
        let one = Instant::now();
        let score = graded(&mut session, lab, log, *variant).score;
        assert_eq!(score, lab.points_of_log());
        longest = longest.max(one.elapsed());
    }
    let minute = 60.0 / (began.elapsed().as_secs_f64() / logs.len() as f64);
    println!(
        "regrading on one core, unoptimised: {minute:.0} submissions a minute, \
         {:.1} ms the slowest",
        longest.as_secs_f64() * 1000.0
    );
}
