//! Context switches: charging the task that ran, putting it back, picking the next one, the event.
//!
//! Every task yields after a millisecond, so each run is a switch, and each goes from the one end of
//! the tree to the other. `shuffled` ones run for half a millisecond to one and a half, so that the
//! order in which they run has nothing to do with where they lie in memory.

use std::collections::{BTreeSet, BinaryHeap};

use kernel_core::Kernel;
use kernel_core::mem::Ref;
use kernel_core::task::sched::{self, ROOT_GROUP};
use kernel_core::task::{INTERRUPTIBLE, Task};

use super::header;
use benches::{Contest, Contestant, Random, Round};
use performance::crowd::{self, MS, kernel};

const OPERATIONS: [&str; 3] = ["1000 tasks", "10000 tasks", "100000 tasks"];
const COUNTS: [usize; 3] = [1_000, 10_000, 100_000];
/// Switches of a measurement.
const SWITCHES: usize = 300_000;

/// Where the tasks are.
#[derive(Clone, Copy)]
enum Place {
    /// All in the root group.
    Flat,
    /// Ten in a group.
    Groups,
    /// In a tenth as many containers of four hierarchies, a quarter of which are for the scheduler.
    Containers,
    /// There too, but all except [`RUNNABLE`] sleep.
    Few,
}

/// Tasks that run where the others sleep.
const RUNNABLE: usize = 1_000;
/// The rows of tasks in containers: those who all run, and those of whom few do.
pub const ALL: usize = 4;
pub const FEW: usize = 6;

/// Has the CPU switch about `switches` times; returns how often it did.
fn switch(kernel: &mut Kernel, switches: usize, random: Option<&mut Random>) -> u64 {
    match random {
        Some(random) => {
            let mut used = |_: Ref<Task>| MS / 2 + random.number() % MS;
            crowd::switch(&mut kernel.mem, switches, &mut used)
        }
        None => crowd::switch(&mut kernel.mem, switches, &mut |_| MS),
    }
}

fn play(round: &mut Round<'_>, place: Place, shuffled: bool) {
    for (operation, count) in OPERATIONS.into_iter().zip(COUNTS) {
        // A second lies between two ticks, which are not what is measured.
        let mut kernel = kernel(&format!("{} hz=1", header(count)));
        let mem = &mut kernel.mem;
        let tasks: Vec<Ref<Task>> = (0..count).map(|_| crowd::fork_runnable(mem)).collect();
        match place {
            Place::Flat => {}
            Place::Groups => {
                for ten in tasks.chunks(10) {
                    let group = sched::sched_create_group(mem, ROOT_GROUP).expect("room");
                    for &task in ten {
                        sched::sched_move_task(mem, task, group);
                    }
                }
            }
            Place::Containers | Place::Few => {
                let containers = crowd::containers(mem, count / 10);
                crowd::scatter(mem, &tasks, &containers);
            }
        }
        if let Place::Few = place {
            let sleeps = |number: &usize| !number.is_multiple_of(count / RUNNABLE);
            for number in (0..count).filter(sleeps) {
                mem[tasks[number]].state = INTERRUPTIBLE;
                sched::deactivate(mem, tasks[number]);
            }
        }
        let mut random = Random(6);
        let mut random = shuffled.then_some(&mut random);
        // Everybody has run, and more than once where that shuffles them.
        switch(&mut kernel, 3 * count, random.as_deref_mut());
        let mut switches = 0;
        round.measure(operation, SWITCHES, || {
            switches = switch(&mut kernel, SWITCHES, random.as_deref_mut());
        });
        assert!(switches.abs_diff(SWITCHES as u64) < SWITCHES as u64 / 50);
        kernel.check().expect("sound");
    }
}

/// A task of the toys below: as large as ours, and nothing but what a switch needs.
#[derive(Clone)]
#[repr(align(64))]
struct Toy {
    vruntime: u64,
    sum: u64,
    switches: u64,
    _rest: [u64; 53],
}

/// A queue without groups, charges, ticks or events: it takes out the first task, charges it and puts
/// it back.
fn toy(round: &mut Round<'_>, mut next: impl FnMut(Vec<(u64, u32)>) -> Box<dyn ToyQueue>) {
    for (operation, count) in OPERATIONS.into_iter().zip(COUNTS) {
        let toy = Toy {
            vruntime: 0,
            sum: 0,
            switches: 0,
            _rest: [0; 53],
        };
        let mut tasks = vec![toy; count];
        let mut queue = next((0..count as u32).map(|task| (0, task)).collect());
        let mut random = Random(6);
        let mut run = |times: usize| {
            for _ in 0..times {
                let index = queue.take();
                let task = &mut tasks[index as usize];
                let used = MS / 2 + random.number() % MS;
                task.sum += used;
                task.vruntime += used;
                task.switches += 1;
                queue.put(task.vruntime, index);
            }
        };
        run(3 * count);
        round.measure(operation, SWITCHES, || run(SWITCHES));
    }
}

trait ToyQueue {
    fn take(&mut self) -> u32;
    fn put(&mut self, vruntime: u64, task: u32);
}

impl ToyQueue for BTreeSet<(u64, u32)> {
    fn take(&mut self) -> u32 {
        self.pop_first().expect("a task").1
    }

    fn put(&mut self, vruntime: u64, task: u32) {
        self.insert((vruntime, task));
    }
}

impl ToyQueue for BinaryHeap<(std::cmp::Reverse<u64>, u32)> {
    fn take(&mut self) -> u32 {
        self.pop().expect("a task").1
    }

    fn put(&mut self, vruntime: u64, task: u32) {
        self.push((std::cmp::Reverse(vruntime), task));
    }
}

/// Ours in three places, and two toys.
pub fn contest() -> Contest<'static> {
    let ours =
        |name, place, shuffled| Contestant::new(name, move |round| play(round, place, shuffled));
    Contest {
        name: "switch",
        operations: &OPERATIONS,
        contestants: vec![
            ours("flat", Place::Flat, false),
            ours("flat, shuffled", Place::Flat, true),
            ours("ten in a group", Place::Groups, false),
            ours("ten in a group, shuffled", Place::Groups, true),
            ours("in containers", Place::Containers, false),
            ours("in containers, shuffled", Place::Containers, true),
            ours("in containers, 1000 run", Place::Few, false),
            Contestant::new("toy: BTreeSet", |round| {
                toy(round, |all| Box::new(BTreeSet::from_iter(all)));
            }),
            Contestant::new("toy: BinaryHeap", |round| {
                toy(round, |all| {
                    let all = all.into_iter();
                    let all = all.map(|(key, task)| (std::cmp::Reverse(key), task));
                    Box::new(BinaryHeap::from_iter(all))
                });
            }),
        ],
    }
}
