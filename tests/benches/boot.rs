//! From starting QEMU to the kernel's prompt, and through the image's self-test.
//!
//! `cargo xtask bench boot`; `--rounds N` repeats more.

use std::process::Command;
use std::time::{Duration, Instant};

use benches::{Goal, Standing, Table, median, number_argument, write, write_standings};
use labs::guest::{self, Console, Exit, Protocol};
use tests::Settings;
use tests::child::Child;

const PATIENCE: Duration = Duration::from_secs(60);

/// Recorded on a machine of this class with the same QEMU, in milliseconds.
const RECORDED: [(&str, f64); 4] = [
    ("bare image, the floor (recorded)", 25.0),
    ("xv6 on pc (recorded)", 223.0),
    ("blog_os on pc (recorded)", 303.0),
    ("Debian's cloud kernel and a tiny init (recorded)", 1644.0),
];

fn qemu(settings: &Settings, words: &str) -> Result<Command, String> {
    let image = settings.boot_image()?;
    let mut command = Command::new(settings.qemu()?);
    command.args(guest::arguments(
        &image.to_string_lossy(),
        words,
        guest::memory_mib(64),
        Console::Stdio,
        Protocol::None,
    ));
    Ok(command)
}

/// Milliseconds until the prompt stands there.
fn to_prompt(settings: &Settings) -> Result<f64, String> {
    let mut command = qemu(settings, "")?;
    let start = Instant::now();
    let mut guest = Child::start(&mut command)?;
    guest.read_until(PATIENCE, |output| output.ends_with(b"# "))?;
    let elapsed = start.elapsed();
    guest.kill();
    Ok(elapsed.as_secs_f64() * 1000.0)
}

/// Milliseconds until the guest, its self-test passed, has powered off.
fn through_self_test(settings: &Settings) -> Result<f64, String> {
    let mut command = qemu(settings, "selftest=all")?;
    let start = Instant::now();
    let (output, status) = Child::start(&mut command)?.finish(PATIENCE)?;
    let elapsed = start.elapsed();
    if status.code().and_then(Exit::from_status) != Some(Exit::Done) {
        return Err(format!(
            "the self-test ended with {status}: {}",
            String::from_utf8_lossy(&output)
        ));
    }
    Ok(elapsed.as_secs_f64() * 1000.0)
}

fn main() -> Result<(), String> {
    let settings = Settings::find();
    let rounds = number_argument("--rounds").unwrap_or(15).max(1);
    let (mut prompts, mut tests) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        prompts.push(to_prompt(&settings)?);
        tests.push(through_self_test(&settings)?);
    }
    let title = format!("QEMU (TCG, microvm): milliseconds from exec, {rounds} rounds");
    let mut table = Table::new(title, &["median", "least"]);
    let mut standings = Vec::new();
    for (name, time) in RECORDED {
        let standing = Standing::new("boot: from exec to the prompt", "ms", median(&prompts));
        standings.push(standing.beside(name, Some(time)).goal(Goal::AtMost(60.0)));
    }
    let standing = Standing::new("boot: and through the self-test", "ms", median(&tests));
    standings.push(standing.goal(Goal::AtMost(1000.0)));
    write_standings("boot", &standings);
    for (name, samples) in [("to the prompt", prompts), ("through the self-test", tests)] {
        table.row(name, vec![median(&samples), least(&samples)]);
    }
    for (name, time) in RECORDED {
        table.row(name, vec![Some(time), None]);
    }
    println!("{}", table.text());
    write("boot.json", &table.json());
    Ok(())
}

fn least(samples: &[f64]) -> Option<f64> {
    samples.iter().copied().min_by(f64::total_cmp)
}
