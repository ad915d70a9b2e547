//! Random logs give the same bytes on all three hosts.

use tests::log_gen::Subject;
use tests::parity::{Member, Plan, run};
use tests::{Settings, host};

/// The seeds are fixed, so that a failure here fails everywhere; `cargo xtask parity` tries others.
#[test]
fn random_logs_agree_on_all_hosts() {
    let settings = Settings::find();
    let mut members: Vec<Member> = host::ALL
        .into_iter()
        .map(|host| Member::of(host, &settings))
        .collect();
    let allocators = Subject::by_name("all").expect("there are allocators");
    for (subject, logs) in [
        (Subject::Kernel, 200),
        (Subject::Tasks, 100),
        (Subject::Pressure, 40),
    ]
    .into_iter()
    .chain(allocators.into_iter().map(|subject| (subject, 100)))
    {
        let plan = Plan {
            logs,
            seed: 20_261_121,
            subject,
            progress: true,
        };
        let report = run(&plan, &mut members).expect("all hosts start");
        println!("{report}");
        assert!(report.is_clean(), "{report}");
    }
}
