//! Random logs give the same bytes on all three hosts.

use tests::parity::{Member, Plan, run};
use tests::{Settings, host};

/// The seed is fixed, so that a failure here fails everywhere; `cargo xtask parity` tries others.
#[test]
fn random_logs_agree_on_all_hosts() {
    let settings = Settings::find();
    let mut members: Vec<Member> = host::ALL
        .into_iter()
        .map(|host| Member::of(host, &settings))
        .collect();
    let plan = Plan {
        logs: 300,
        seed: 20_261_121,
        progress: true,
    };
    let report = run(&plan, &mut members).expect("all hosts start");
    println!("{report}");
    assert!(report.is_clean(), "{report}");
}
