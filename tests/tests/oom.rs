//! The kernel's OOM killer against a reference that was written from the specification's text.

use tests::oom_sets::{self, Plan};

/// Sets that every run of the tests compares; [`a_hundred_thousand_sets`] is for optimised builds.
const SETS: u64 = 3_000;

#[track_caller]
fn compare(sets: u64, seed: u64) {
    let report = oom_sets::run(Plan {
        sets,
        seed,
        threads: 2,
        kills: 3,
    });
    println!("{report}");
    assert!(report.differences.is_empty(), "{report}");
    let count = report.count;
    assert_eq!(count.sets, sets);
    // Many scores are worked out, or the sets would show nothing.
    assert!(count.worked_out * 3 > count.scores, "{report}");
    assert!(count.panics > sets / 200 && count.refused > 0, "{report}");
    assert!(
        count.children > sets / 10 && count.shared > sets / 50,
        "{report}"
    );
}

#[test]
fn scores_and_victims_are_those_of_the_reference() {
    compare(SETS, 2_000);
}

#[test]
#[ignore = "minutes unless optimised: cargo test --release -p tests --test oom -- --ignored"]
fn a_hundred_thousand_sets() {
    compare(100_000, 1_000_000);
}
