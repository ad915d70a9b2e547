//! Holding the kernel's killer against the reference, many times.

use std::fmt;

use super::stage::stage;
use super::{Setting, Staged, generate};
use crate::Random;
use crate::oom_reference::{Selected, World};
use crate::shared::in_threads;
use crate::shrink;
use crate::watched::Watched;

/// Sets that are staged in one setting, and in one machine for as long as it does not halt.
const SETS_PER_SETTING: u64 = 100;
/// How many runs a difference may cost while its set is shrunk.
const SHRINK_ATTEMPTS: u32 = 2_000;
/// Differences that are looked into before the rest is left alone.
const DIFFERENCES_MAX: usize = 5;

/// Which sets are to be looked at.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many.
    pub sets: u64,
    /// The first setting's seed; each has a hundred sets, and the others' seeds follow it.
    pub seed: u64,
    /// How many run at once.
    pub threads: usize,
    /// Kills that are compared of each set, besides the scores.
    pub kills: u32,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// What was asked for.
    pub plan: Plan,
    /// What was compared.
    pub count: Count,
    /// Where the two disagree; nowhere, one hopes.
    pub differences: Vec<Difference>,
}

/// How much was compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    /// Sets.
    pub sets: u64,
    /// Scores of tasks.
    pub scores: u64,
    /// Scores that were neither 0 nor just the task's size.
    pub worked_out: u64,
    /// Choices and what they killed.
    pub kills: u64,
    /// Kills of a child in its parent's place.
    pub children: u64,
    /// Kills that took somebody along who shares the memory.
    pub shared: u64,
    /// Choices that could not be killed, since whoever shares the memory may not be.
    pub refused: u64,
    /// Times that nobody was left.
    pub panics: u64,
}

/// A set of which the kernel and the reference think differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Seed of the setting, and the number of its set.
    pub seed: (u64, u64),
    /// The machine.
    pub setting: Setting,
    /// The smallest set found that shows it on a fresh machine; the whole of it if none does.
    pub set: Vec<Staged>,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}, set {}: {}",
            self.seed.0, self.seed.1, self.what
        )?;
        writeln!(f, "    on {:?}", self.setting)?;
        for staged in &self.set {
            writeln!(f, "    {}", staged.line(staged.parent.unwrap_or(0)))?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.differences {
            writeln!(f, "{difference}")?;
        }
        let Count {
            sets,
            scores,
            worked_out,
            kills,
            children,
            shared,
            refused,
            panics,
        } = self.count;
        write!(
            f,
            "oom: {sets} task sets, {scores} scores ({worked_out} of them more than a size), {kills} kills \
             ({children} of a child, {shared} of sharers too, {refused} refused), {panics} panics, {} differences, seed {}",
            self.differences.len(),
            self.plan.seed
        )
    }
}

/// Compares the score of every task that is there.
fn compare_scores(kernel: &mut Watched, world: &World, count: &mut Count) -> Result<(), String> {
    let files = world.tasks.iter().map(|task| {
        let (tgid, pid) = (task.tgid, task.pid);
        format!(" /proc/{tgid}/task/{pid}/oom_score")
    });
    let line = format!("cat{}", files.collect::<String>());
    let text = kernel.run(line.as_bytes())?;
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() != world.tasks.len() {
        return Err(format!("{line}: {text}"));
    }
    for (task, line) in world.tasks.iter().zip(lines) {
        let expected = world.badness(task);
        if line != expected.to_string() {
            return Err(format!(
                "task {} has a score of {line} and should have {expected}: {task:?}",
                task.pid
            ));
        }
        let size = task.mm.map_or(0, |mm| world.total_vm[mm]);
        count.scores += 1;
        count.worked_out += u64::from(expected != 0 && expected != size);
    }
    Ok(())
}

/// Who still has memory.
fn compare_alive(kernel: &mut Watched, world: &World) -> Result<(), String> {
    for task in &world.tasks {
        let line = format!("cat /proc/{}/task/{}/statm", task.tgid, task.pid);
        let text = kernel.run(line.as_bytes())?;
        let size: Option<u64> = text.split(' ').next().and_then(|word| word.parse().ok());
        let expected = task.mm.map(|mm| world.total_vm[mm]);
        if size.unwrap_or(0) != expected.unwrap_or(0) {
            return Err(format!(
                "task {} should have {expected:?} pages: {text}",
                task.pid
            ));
        }
    }
    Ok(())
}

/// Has the kernel kill once, and compares whom it has killed and what it says of it. Whether anybody was
/// there to be killed: if not, the kernel has panicked.
fn compare_kill(
    kernel: &mut Watched,
    world: &mut World,
    count: &mut Count,
) -> Result<bool, String> {
    let mut refused = Vec::new();
    let mut expected = Vec::new();
    let killed = loop {
        let (pid, points) = match world.select(&refused) {
            Selected::Task(pid, points) => (pid, points),
            Selected::Nobody => break None,
            Selected::Abort => return Err("somebody is dying for ever".to_string()),
        };
        let killed = world.kill(pid);
        expected.extend(world.log_lines(pid, points, &killed));
        if killed.victim.is_some() {
            count.children += u64::from(killed.victim != Some(pid));
            count.shared += u64::from(!killed.sharers.is_empty());
            break Some(killed);
        }
        count.refused += 1;
        refused.push(pid);
    };
    if killed.is_none() {
        let words = "Kernel panic - not syncing: Out of memory and no killable processes...";
        expected.push(words.to_string());
    }
    let text = kernel.run(b"oom trigger")?;
    let mut lines = text.lines();
    if !expected.iter().all(|line| lines.any(|said| said == line)) {
        let expected = expected.join("\n");
        return Err(format!("the log should say\n{expected}\nand says\n{text}"));
    }
    let Some(killed) = killed else {
        count.panics += 1;
        return Ok(false);
    };
    count.kills += 1;
    world.bury(&killed);
    compare_alive(kernel, world)?;
    Ok(true)
}

/// Stages a set and compares all that the plan asks for. Whether the machine can go on: if nobody was left
/// to be killed, it has halted.
fn compare(
    kernel: &mut Watched,
    setting: &Setting,
    set: &[Staged],
    kills: u32,
    count: &mut Count,
) -> Result<bool, String> {
    let mut world = stage(kernel, setting, set)?;
    compare_scores(kernel, &world, count)?;
    for _ in 0..kills {
        if !compare_kill(kernel, &mut world, count)? {
            kernel.check()?;
            count.sets += 1;
            return Ok(false);
        }
    }
    kernel.check()?;
    // Whoever is left makes room for the next set; those who are dead are not found.
    let leaders = world
        .tasks
        .iter()
        .filter(|task| task.pid == task.tgid && task.pid > 2);
    let line: String = leaders.map(|task| format!(" {}", task.pid)).collect();
    kernel.run(format!("kill -9{line}").as_bytes())?;
    count.sets += 1;
    Ok(true)
}

/// Shrinks a set that differs. A machine of its own must show the same, or there is nothing to shrink.
fn investigate(
    seed: (u64, u64),
    setting: &Setting,
    set: &[Staged],
    kills: u32,
    what: String,
) -> Difference {
    let differs = |set: &[Staged]| {
        let mut kernel = setting.boot().ok()?;
        compare(&mut kernel, setting, set, kills, &mut Count::default()).err()
    };
    let shortest = match differs(set) {
        Some(_) => shrink::shrink(set, SHRINK_ATTEMPTS, |some| differs(some).is_some()),
        None => set.to_vec(),
    };
    Difference {
        seed,
        setting: setting.clone(),
        what: differs(&shortest).unwrap_or(what),
        set: shortest,
    }
}

/// The sets of one setting.
fn run_setting(seed: u64, sets: u64, plan: Plan) -> (Count, Option<Difference>) {
    let mut random = Random::new(seed);
    let setting = Setting::random(&mut random);
    let mut count = Count::default();
    let mut machine = None;
    for number in 0..sets {
        let set = generate(&mut random, &setting);
        let compared = match machine.take() {
            Some(kernel) => Ok(kernel),
            None => setting.boot(),
        };
        let compared = compared.and_then(|mut kernel| {
            let goes_on = compare(&mut kernel, &setting, &set, plan.kills, &mut count)?;
            Ok(goes_on.then_some(kernel))
        });
        match compared {
            Ok(kernel) => machine = kernel,
            Err(what) => {
                let difference = investigate((seed, number), &setting, &set, plan.kills, what);
                return (count, Some(difference));
            }
        }
    }
    (count, None)
}

/// Compares as many sets as the plan says.
pub fn run(plan: Plan) -> Report {
    let report = Report {
        plan,
        count: Count::default(),
        differences: Vec::new(),
    };
    in_threads(plan.threads, report, |index, report| {
        let before = index * SETS_PER_SETTING;
        if before >= plan.sets || report.lock().differences.len() >= DIFFERENCES_MAX {
            return false;
        }
        let sets = SETS_PER_SETTING.min(plan.sets - before);
        let (count, difference) = run_setting(plan.seed.wrapping_add(index), sets, plan);
        let mut report = report.lock();
        report.count.add(count);
        report.differences.extend(difference);
        true
    })
}

impl Count {
    fn add(&mut self, other: Count) {
        self.sets += other.sets;
        self.scores += other.scores;
        self.worked_out += other.worked_out;
        self.kills += other.kills;
        self.children += other.children;
        self.shared += other.shared;
        self.refused += other.refused;
        self.panics += other.panics;
    }
}
