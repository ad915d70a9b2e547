//! Forks, ends and signals, each step followed by `Kernel::check`.

extern crate std;

use std::vec::Vec;
use std::{format, println};

use super::cred::{Capability, Cred};
use super::exit::{self, Status, WCONTINUED, WNOHANG, WUNTRACED, Which};
use super::fork::{self, CLONE_PARENT, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM, FORK, THREAD};
use super::signal::{self, Delivered, Sent, Signal};
use super::*;
use crate::Kernel;
use crate::errno::Errno;
use crate::machine::MachineConfig;
use crate::mem::Ram;
use crate::oom::weights;
use crate::slab;
use crate::testing::Random;

struct Lab {
    kernel: Kernel,
}

impl Lab {
    fn new(header: &str) -> Lab {
        let config = MachineConfig::parse(header).unwrap();
        let kernel = Kernel::boot(Ram::new(config.frames).unwrap(), &config).unwrap();
        kernel.check().unwrap();
        Lab { kernel }
    }

    fn mem(&mut self) -> &mut Mem {
        &mut self.kernel.mem
    }

    #[track_caller]
    fn check(&self) {
        self.kernel.check().unwrap();
    }

    fn init(&self) -> Ref<Task> {
        self.kernel.mem[TASK].init
    }

    #[track_caller]
    fn stage(&mut self, parent: Ref<Task>, flags: u32) -> Ref<Task> {
        let task = fork::stage(self.mem(), parent, flags).unwrap();
        self.check();
        task
    }

    fn kill(&mut self, pid: i32, sig: Signal) -> Result<(), Errno> {
        let init = self.init();
        let result = signal::kill(self.mem(), init, pid, Some(sig), &mut signal::settle);
        self.check();
        result
    }

    fn wait(
        &mut self,
        task: Ref<Task>,
        which: Which,
        options: u32,
    ) -> Result<Option<(u32, Status)>, Errno> {
        let waited = exit::do_wait(self.mem(), task, which, options);
        self.check();
        waited.map(|found| found.map(|found| (found.pid, Status::of(found.status))))
    }

    fn alive(&self) -> Vec<u32> {
        let mem = &self.kernel.mem;
        let tasks = pid::tasks_from(mem, FIRST_PID);
        tasks.map(|task| mem[task].pid).collect()
    }
}

#[test]
fn a_child_is_a_copy_and_on_all_lists() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    lab.mem()[init].umask = 0o77;
    set_nice(lab.mem(), init, 7);
    let child = lab.stage(init, FORK);
    let mem = &lab.kernel.mem;
    assert_eq!((mem[child].pid, mem[child].tgid), (100, 100));
    assert_eq!(mem[child].parent, init);
    assert_eq!(mem[child].umask, 0o77);
    assert_eq!(mem[child].nice(), 7);
    assert_eq!(mem[child].pwd, mem[init].pwd);
    assert_eq!(mem[child].exit_signal, 17);
    assert_eq!(mem[child].comm(), "sh");
    assert_eq!(children(mem, init).last(), Some(child));
    assert_eq!(processes(mem).last(), Some(child));
    assert_eq!(mem[TASK].total_forks, 1);
    assert_eq!(
        user::find(mem, 0).map(|user| mem[user].processes),
        Some(mem[TASK].nr_threads)
    );
    let signal = &mem[mem[child].signal];
    assert_eq!((signal.pgrp, signal.session), (1, 1));
}

fn set_nice(mem: &mut Mem, task: Ref<Task>, nice: i32) {
    mem[task].static_prio = (120 + nice) as u32;
    weights::refresh_traits(mem, task);
}

#[test]
fn numbers_go_up_and_come_round() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    lab.mem()[TASK].pids.pid_max = 304;
    for pid in 100..304 {
        let task = lab.stage(init, FORK);
        assert_eq!(lab.kernel.mem[task].pid, pid);
        if pid % 50 != 0 {
            lab.kill(pid as i32, Signal::Kill).unwrap();
            assert_eq!(
                lab.wait(init, Which::Pid(pid), 0),
                Ok(Some((pid, Status::Killed(9))))
            );
        }
    }
    // 300 is in use; behind the end the search goes on there.
    let task = lab.stage(init, FORK);
    assert_eq!(lab.kernel.mem[task].pid, 301);
    for _ in 0..2 {
        lab.stage(init, FORK);
    }
    let refused = fork::stage(lab.mem(), init, FORK);
    assert_eq!(refused.err(), Some(Errno::EAGAIN));
    lab.check();
}

#[test]
fn clone_flags_that_contradict_are_refused() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    for flags in [
        CLONE_THREAD,
        CLONE_THREAD | CLONE_VM,
        CLONE_SIGHAND,
        CLONE_SIGHAND | CLONE_VM,
        CLONE_THREAD | CLONE_SIGHAND,
    ] {
        let made = fork::copy_process(lab.mem(), init, flags);
        assert_eq!(made.err(), Some(Errno::EINVAL), "{flags:#x}");
        lab.check();
    }
}

#[test]
fn a_sibling_is_made_by_clone_parent() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    let child = lab.stage(init, FORK);
    let sibling = lab.stage(child, FORK | CLONE_PARENT);
    assert_eq!(lab.kernel.mem[sibling].parent, init);
}

#[test]
fn the_dead_stay_as_zombies_until_their_parent_asks() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    assert_eq!(lab.wait(init, Which::Pid(100), 0), Err(Errno::ECHILD));
    let child = lab.stage(init, FORK);
    // kthreadd is init's child too, and never changes.
    assert_eq!(lab.wait(init, Which::Any, WNOHANG), Ok(None));
    assert_eq!(lab.wait(init, Which::Pid(100), WNOHANG), Ok(None));
    assert_eq!(lab.wait(init, Which::Pid(1), 0), Err(Errno::ECHILD));
    assert_eq!(lab.wait(init, Which::Group(7), 0), Err(Errno::ECHILD));
    assert_eq!(lab.wait(init, Which::Any, 64), Err(Errno::EINVAL));
    let mem = lab.mem();
    mem[child].utime = 5;
    mem[child].min_flt = 3;
    exit::do_group_exit(mem, child, exit::exited(42));
    lab.check();
    let mem = &lab.kernel.mem;
    assert_eq!(mem[child].exit_state, EXIT_ZOMBIE);
    assert_eq!(state_name(mem[child].exit_state), "Z (zombie)");
    let pending = mem[mem[init].signal].shared_pending;
    assert_eq!(pending, Signal::Chld.bit());
    assert_eq!(
        lab.wait(init, Which::Any, 0),
        Ok(Some((100, Status::Exited(42))))
    );
    assert_eq!(lab.alive(), []);
    let account = lab.kernel.mem[lab.kernel.mem[init].signal];
    assert_eq!((account.cutime, account.cmin_flt), (5, 3));
}

#[test]
fn a_parent_that_ignores_its_children_has_no_zombies() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    let parent = lab.stage(init, FORK);
    let signal = lab.kernel.mem[parent].signal;
    lab.mem()[signal].ignored = Signal::Chld.bit();
    let child = lab.stage(parent, FORK);
    exit::do_exit(lab.mem(), child, 0);
    lab.check();
    assert_eq!(lab.alive(), [100]);
    assert_eq!(lab.wait(parent, Which::Any, 0), Err(Errno::ECHILD));
}

#[test]
fn init_adopts_orphans_and_reaps_them_at_once() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    let parent = lab.stage(init, FORK);
    let living = lab.stage(parent, FORK);
    let dead = lab.stage(parent, FORK);
    exit::do_exit(lab.mem(), dead, 0);
    lab.check();
    assert_eq!(lab.alive(), [100, 101, 102]);
    exit::do_exit(lab.mem(), parent, 0);
    lab.check();
    assert_eq!(lab.alive(), [100, 101]);
    assert_eq!(lab.kernel.mem[living].parent, init);
    lab.kill(101, Signal::Term).unwrap();
    assert_eq!(lab.alive(), [100]);
    assert_eq!(
        lab.wait(init, Which::Any, 0),
        Ok(Some((100, Status::Exited(0))))
    );
}

#[test]
fn threads_end_with_their_process() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    let leader = lab.stage(init, FORK);
    let second = lab.stage(leader, THREAD);
    let third = lab.stage(second, THREAD);
    let mem = &lab.kernel.mem;
    assert_eq!((mem[third].pid, mem[third].tgid), (102, 100));
    assert_eq!(mem[third].parent, init);
    assert_eq!(threads(mem, mem[leader].signal).count(), 3);
    // A thread that ends alone leaves nothing.
    exit::do_exit(lab.mem(), second, 0);
    lab.check();
    assert_eq!(lab.alive(), [100, 102]);
    // The first thread waits as a zombie for the others; its parent learns of it then.
    exit::do_exit(lab.mem(), leader, exit::exited(1));
    lab.check();
    assert_eq!(lab.wait(init, Which::Pid(100), WNOHANG), Ok(None));
    // A signal to the process still reaches who is left.
    lab.kill(100, Signal::Usr1).unwrap();
    assert_eq!(
        lab.wait(init, Which::Pid(100), 0),
        Ok(Some((100, Status::Killed(10))))
    );
    assert_eq!(lab.alive(), []);
}

#[test]
fn exit_of_a_group_ends_every_thread_with_one_status() {
    let mut lab = Lab::new("mem=64M");
    let init = lab.init();
    let leader = lab.stage(init, FORK);
    let mut last = leader;
    for _ in 0..300 {
        last = lab.stage(leader, THREAD);
    }
    exit::do_group_exit(lab.mem(), last, exit::exited(3));
    lab.check();
    assert_eq!(
        lab.wait(init, Which::Any, 0),
        Ok(Some((100, Status::Exited(3))))
    );
    assert_eq!(lab.alive(), []);
}

#[test]
fn a_process_stops_and_goes_on_and_its_parent_is_told() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    let leader = lab.stage(init, FORK);
    let thread = lab.stage(leader, THREAD);
    lab.kill(100, Signal::Stop).unwrap();
    for task in [leader, thread] {
        assert_eq!(lab.kernel.mem[task].state, STOPPED);
    }
    assert_eq!(lab.wait(init, Which::Any, 0), Ok(None));
    let stopped = Ok(Some((100, Status::Stopped(19))));
    assert_eq!(lab.wait(init, Which::Any, WUNTRACED), stopped);
    assert_eq!(lab.wait(init, Which::Any, WUNTRACED), Ok(None));
    // What comes meanwhile waits; only KILL does not.
    lab.kill(100, Signal::Usr1).unwrap();
    assert_eq!(lab.kernel.mem[leader].state, STOPPED);
    lab.kill(100, Signal::Cont).unwrap();
    assert_eq!(lab.alive(), [100]);
    assert_eq!(
        lab.wait(init, Which::Any, 0),
        Ok(Some((100, Status::Killed(10))))
    );

    lab.stage(init, FORK);
    lab.kill(102, Signal::Tstp).unwrap();
    lab.kill(102, Signal::Cont).unwrap();
    assert_eq!(lab.wait(init, Which::Any, WUNTRACED), Ok(None));
    assert_eq!(
        lab.wait(init, Which::Any, WCONTINUED),
        Ok(Some((102, Status::Continued)))
    );
    assert_eq!(lab.wait(init, Which::Any, WCONTINUED), Ok(None));
    lab.kill(102, Signal::Stop).unwrap();
    lab.kill(102, Signal::Kill).unwrap();
    assert_eq!(
        lab.wait(init, Which::Any, 0),
        Ok(Some((102, Status::Killed(9))))
    );
}

#[test]
fn default_actions_are_those_of_the_era() {
    for &sig in Signal::ALL {
        let mut lab = Lab::new("mem=8M");
        let init = lab.init();
        let task = lab.stage(init, FORK);
        lab.kill(100, sig).unwrap();
        let number = sig as u32;
        let expected = match number {
            17 | 18 | 23 | 28 => (INTERRUPTIBLE, 0),
            19..=22 => (STOPPED, 0),
            _ => (TASK_DEAD, EXIT_ZOMBIE),
        };
        let mem = &lab.kernel.mem;
        assert_eq!(
            (mem[task].state, mem[task].exit_state),
            expected,
            "{}",
            sig.name()
        );
        assert_eq!(Signal::parse(&format!("sig{}", sig.name())), Some(sig));
        assert_eq!(Signal::parse(&format!("{number}")), Some(sig));
    }
    assert_eq!(Signal::parse("0"), None);
    assert_eq!(Signal::parse("32"), None);
    assert_eq!(Signal::parse("-9"), None);
    assert_eq!(Signal::parse("SIG"), None);
    assert_eq!(Signal::parse("é"), None);
}

#[test]
fn ignored_blocked_and_handled_signals() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    let task = lab.stage(init, FORK);
    let signal = lab.kernel.mem[task].signal;
    let mem = lab.mem();
    mem[signal].ignored = Signal::Hup.bit() | Signal::Kill.bit();
    assert_eq!(
        signal::group_send_sig(mem, Signal::Hup, task),
        Sent::Ignored
    );
    // Blocked ones wait, even those that do nothing, and wait once.
    mem[task].blocked = u32::MAX;
    for sig in [Signal::Term, Signal::Hup, Signal::Chld] {
        assert_eq!(signal::group_send_sig(mem, sig, task), Sent::Delivered);
        assert_eq!(signal::group_send_sig(mem, sig, task), Sent::AlreadyPending);
    }
    assert_eq!(mem[task].state, INTERRUPTIBLE);
    assert!(!signal::signal_pending(mem, task));
    // A handler takes precedence over the default, the lowest number comes first.
    mem[signal].caught = Signal::Usr1.bit() | Signal::Term.bit();
    mem[task].blocked = 0;
    signal::recalc(mem, task);
    assert!(signal::signal_pending(mem, task));
    assert_eq!(signal::deliver(mem, task), Delivered::Handler(Signal::Term));
    assert_eq!(signal::deliver(mem, task), Delivered::Nothing);
    assert!(!signal::signal_pending(mem, task));
    lab.check();
    // KILL can't be ignored, blocked or handled.
    let mem = lab.mem();
    mem[task].blocked = u32::MAX;
    mem[signal].caught = u32::MAX;
    lab.kill(100, Signal::Kill).unwrap();
    assert_eq!(
        lab.wait(init, Which::Any, 0),
        Ok(Some((100, Status::Killed(9))))
    );
}

#[test]
fn a_blocked_signal_goes_to_a_thread_that_takes_it() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    let leader = lab.stage(init, FORK);
    let thread = lab.stage(leader, THREAD);
    let signal = lab.kernel.mem[leader].signal;
    let mem = lab.mem();
    mem[signal].caught = Signal::Usr2.bit();
    mem[leader].blocked = Signal::Usr2.bit();
    // The thread is staged, so it takes the signal at once: nothing runs its handler.
    assert_eq!(
        signal::group_send_sig(mem, Signal::Usr2, leader),
        Sent::Delivered
    );
    assert_eq!(mem[signal].shared_pending, 0);
    // To the one that blocks it, it waits there.
    assert_eq!(signal::send_sig(mem, Signal::Usr2, leader), Sent::Delivered);
    assert_eq!(mem[leader].pending, Signal::Usr2.bit());
    assert_eq!(mem[thread].pending, 0);
    lab.check();
}

#[test]
fn an_uninterruptible_sleep_outlasts_even_kill() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    let task = lab.stage(init, FORK);
    lab.mem()[task].state = UNINTERRUPTIBLE;
    lab.kill(100, Signal::Kill).unwrap();
    assert_eq!(lab.kernel.mem[task].state, UNINTERRUPTIBLE);
    lab.mem()[task].state = INTERRUPTIBLE;
    signal::settle(lab.mem(), task);
    assert_eq!(
        lab.wait(init, Which::Any, 0),
        Ok(Some((100, Status::Killed(9))))
    );
}

#[test]
fn nothing_ends_or_stops_init_and_kernel_threads() {
    let mut lab = Lab::new("mem=8M");
    let thread = fork::kernel_thread(lab.mem(), "kswapd0").unwrap();
    let pid = lab.kernel.mem[thread].pid as i32;
    assert_eq!(lab.kernel.mem[thread].comm(), "kswapd0");
    for &sig in Signal::ALL {
        for pid in [1, 2, pid] {
            lab.kill(pid, sig).unwrap();
            let task = find_task_by_pid(&lab.kernel.mem, pid as u32).unwrap();
            assert!(lab.kernel.mem[task].state <= INTERRUPTIBLE);
        }
    }
    let init = lab.init();
    exit::do_exit(lab.mem(), init, 0);
    lab.check();
    assert_eq!(lab.kernel.mem[init].exit_state, 0);
}

#[test]
fn who_may_send_signals() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    let [root, alice, bob] = [0, 1000, 1001].map(|uid| {
        let task = lab.stage(init, FORK);
        user::switch(lab.mem(), task, uid).unwrap();
        lab.mem()[task].cred = Cred::of_user(uid);
        weights::refresh_traits(lab.mem(), task);
        lab.check();
        task
    });
    let may = |mem: &Mem, from, sig, to| signal::check_permission(mem, from, sig, to);
    let mem = lab.mem();
    let term = Some(Signal::Term);
    assert_eq!(may(mem, root, term, alice), Ok(()));
    assert_eq!(may(mem, alice, term, alice), Ok(()));
    assert_eq!(may(mem, alice, term, bob), Err(Errno::EPERM));
    assert_eq!(may(mem, alice, None, bob), Err(Errno::EPERM));
    assert_eq!(may(mem, alice, term, root), Err(Errno::EPERM));
    // Within a session anybody may have a process go on.
    assert_eq!(may(mem, alice, Some(Signal::Cont), bob), Ok(()));
    let signal = mem[bob].signal;
    mem[signal].session = 9;
    assert_eq!(may(mem, alice, Some(Signal::Cont), bob), Err(Errno::EPERM));
    // Real or effective sender, real or saved receiver; the receiver's effective id does not count.
    mem[bob].cred.euid = 1000;
    assert_eq!(may(mem, alice, term, bob), Err(Errno::EPERM));
    mem[bob].cred.suid = 1000;
    assert_eq!(may(mem, alice, term, bob), Ok(()));
    mem[bob].cred = Cred::of_user(1001);
    mem[alice].cred.effective = 1 << Capability::Kill as u32;
    assert_eq!(may(mem, alice, term, bob), Ok(()));
    // To all: only those whom it may reach.
    mem[alice].cred = Cred::of_user(1000);
    weights::refresh_traits(mem, alice);
    let sent = signal::kill(mem, alice, -1, term, &mut signal::settle);
    assert_eq!(sent, Err(Errno::ESRCH));
    let sent = signal::kill(mem, alice, -1, None, &mut signal::settle);
    assert_eq!(sent, Err(Errno::ESRCH));
    let sent = signal::kill(mem, alice, 4711, term, &mut signal::settle);
    assert_eq!(sent, Err(Errno::ESRCH));
    // The group of the shell holds root's processes as well.
    let sent = signal::kill(mem, alice, 0, Some(Signal::Usr1), &mut signal::settle);
    assert_eq!(sent, Ok(()));
    lab.check();
    let states = [root, alice, bob].map(|task| lab.kernel.mem[task].exit_state);
    assert_eq!(states, [0, EXIT_ZOMBIE, 0]);
    lab.kill(-1, Signal::Kill).unwrap();
    let states = [root, alice, bob].map(|task| lab.kernel.mem[task].exit_state);
    assert_eq!(states, [EXIT_ZOMBIE; 3]);
}

#[test]
fn limits_of_users_and_of_the_machine() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    let parent = lab.stage(init, FORK);
    user::switch(lab.mem(), parent, 1000).unwrap();
    lab.mem()[parent].cred = Cred::of_user(1000);
    weights::refresh_traits(lab.mem(), parent);
    let signal = lab.kernel.mem[parent].signal;
    lab.mem()[signal].rlim_nproc = 3;
    let first = lab.stage(parent, FORK);
    lab.stage(parent, THREAD);
    // Threads count, and who forks does not matter.
    for task in [parent, first] {
        assert_eq!(
            fork::stage(lab.mem(), task, FORK).err(),
            Some(Errno::EAGAIN)
        );
        lab.check();
    }
    lab.mem()[parent].cred.effective = 1 << Capability::SysResource as u32;
    weights::refresh_traits(lab.mem(), parent);
    lab.stage(parent, FORK);
    lab.kill(100, Signal::Kill).unwrap();

    let limit = lab.kernel.mem[TASK].nr_threads + 5;
    lab.mem()[TASK].max_threads = limit;
    for _ in 0..5 {
        lab.stage(init, FORK);
    }
    assert_eq!(
        fork::stage(lab.mem(), init, FORK).err(),
        Some(Errno::EAGAIN)
    );
    lab.check();
}

#[test]
fn a_fork_without_memory_leaves_nothing() {
    let mut lab = Lab::new("mem=8M");
    let init = lab.init();
    let parent = lab.stage(init, FORK);
    let used = |lab: &Lab| -> Vec<u32> {
        let mem = &lab.kernel.mem;
        slab::caches(mem)
            .map(|cache| slab::counts(mem, cache).active_objects)
            .collect()
    };
    user::switch(lab.mem(), parent, 1000).unwrap();
    for flags in [FORK, THREAD] {
        for uid in [1000, 1001] {
            lab.mem()[parent].cred = Cred::of_user(uid);
            weights::refresh_traits(lab.mem(), parent);
            let before = used(&lab);
            for nth in 1.. {
                assert!(nth < 50, "never succeeds");
                lab.mem().set_fail_nth(nth);
                let made = fork::stage(lab.mem(), parent, flags);
                lab.mem().set_fail_nth(0);
                lab.check();
                match made {
                    Err(errno) => assert_eq!(errno, Errno::ENOMEM),
                    Ok(_) => break,
                }
                assert_eq!(used(&lab), before, "allocation {nth}");
            }
        }
    }
}

#[test]
fn random_lives() {
    let seed = 0x11fe;
    println!("seed {seed:#x}");
    for round in 0..12 {
        let mut random = Random(seed + round);
        let mut lab = Lab::new(["mem=2M", "mem=4M cpus=2", "mem=8M slab=slob"][round as usize % 3]);
        lab.mem()[TASK].pids.pid_max = 400;
        for _ in 0..300 {
            let mem = lab.mem();
            let all: Vec<_> = pid::tasks_from(mem, 1).collect();
            let task = all[random.below(all.len() as u64) as usize];
            let is_alive = mem[task].exit_state == 0;
            let is_staged = mem[task].has(Tif::Staged);
            let sig = Signal::ALL[random.below(31) as usize];
            if random.below(20) == 0 {
                mem.set_fail_nth(1 + random.below(8) as u32);
            }
            match random.below(12) {
                0..5 if is_alive && !mem[task].is_kernel_thread() => {
                    let flags = match is_staged {
                        true => [FORK, THREAD, FORK | CLONE_PARENT][random.below(3) as usize],
                        false => FORK,
                    };
                    if let Ok(child) = fork::stage(mem, task, flags) {
                        if random.below(8) == 0 {
                            let signal = mem[child].signal;
                            mem[signal].ignored = random.next() as u32;
                            mem[child].blocked = random.next() as u32;
                        }
                        if random.below(4) == 0 {
                            let uid = random.below(5) as u32;
                            if user::switch(mem, child, uid).is_ok() {
                                mem[child].cred = Cred::of_user(uid);
                                weights::refresh_traits(mem, child);
                            }
                        }
                        if random.below(9) == 0 {
                            mem[child].state = UNINTERRUPTIBLE;
                        }
                    }
                }
                5 if is_alive && is_staged => {
                    exit::do_exit(mem, task, random.below(65536) as u32 & 0xff00)
                }
                6 if is_alive && is_staged => {
                    exit::do_group_exit(mem, task, random.below(65536) as u32 & 0xff00);
                }
                7 if is_alive && mem[task].state == UNINTERRUPTIBLE => {
                    mem[task].state = INTERRUPTIBLE;
                    signal::settle(mem, task);
                }
                8 | 9 => {
                    let pid = [mem[task].pid as i32, -(mem[task].tgid as i32), -1, 0];
                    let pid = pid[random.below(12).min(3) as usize % 2
                        + usize::from(random.below(60) == 0) * 2];
                    let sig = (random.below(9) > 0).then_some(sig);
                    let _ = signal::kill(mem, task, pid, sig, &mut signal::settle);
                }
                10 if is_alive => {
                    signal::send_sig(mem, sig, task);
                }
                _ if is_alive => {
                    let options = random.below(16) as u32 & (WNOHANG | WUNTRACED | WCONTINUED);
                    let _ = exit::do_wait(mem, task, Which::Any, options);
                }
                _ => {}
            }
            mem.set_fail_nth(0);
            if let Err(violation) = lab.kernel.check() {
                panic!("round {round}: {violation}");
            }
        }
    }
}

/// How long a fork takes and how much memory a task: `cargo test --release -- --ignored --nocapture
/// a_hundred_thousand_tasks`. It judges nothing but that all of them come and go.
#[test]
#[ignore = "prints times, which only a release build makes worth reading"]
fn a_hundred_thousand_tasks() {
    const COUNT: u32 = 100_000;
    let mut lab = Lab::new("mem=512M cpus=4");
    let init = lab.init();
    lab.mem()[TASK].max_threads = 2 * COUNT;
    lab.mem()[TASK].pids.pid_max = 2 * COUNT;
    let free = lab.mem().free_frames();
    let time = |what: &str, lab: &mut Lab, action: &mut dyn FnMut(&mut Mem)| {
        let begin = std::time::Instant::now();
        action(&mut lab.kernel.mem);
        let each = begin.elapsed() / COUNT;
        println!("{what}: {each:?} each");
    };
    time("fork", &mut lab, &mut |mem| {
        for _ in 0..COUNT {
            fork::stage(mem, init, FORK).unwrap();
        }
    });
    let used = free - lab.mem().free_frames();
    println!(
        "memory: {} bytes each",
        u64::from(used) * 4096 / u64::from(COUNT)
    );
    time("kill", &mut lab, &mut |mem| {
        signal::kill(mem, init, -1, Some(Signal::Kill), &mut signal::settle).unwrap();
    });
    time("wait", &mut lab, &mut |mem| {
        let mut count = 0;
        exit::wait_all(mem, init, 0, &mut |_, _| count += 1);
        assert_eq!(count, COUNT);
    });
    lab.check();
    assert_eq!(lab.alive(), []);
    time("thread", &mut lab, &mut |mem| {
        let leader = fork::stage(mem, init, FORK).unwrap();
        for _ in 0..COUNT {
            fork::stage(mem, leader, THREAD).unwrap();
        }
    });
    lab.check();
    time("exit of all", &mut lab, &mut |mem| {
        let leader = pid::tasks_from(mem, FIRST_PID).next().unwrap();
        exit::do_group_exit(mem, leader, 0);
        exit::do_wait(mem, init, Which::Any, 0).unwrap();
    });
    lab.check();
    assert_eq!(lab.alive(), []);
}

/// Numbers beyond the first table come, are found, in order, and go.
#[test]
fn large_numbers_have_a_table_of_their_own() {
    let mut lab = Lab::new("mem=16M");
    lab.mem()[TASK].pids.pid_max = pid::PID_MAX_LIMIT;
    let init = lab.init();
    for first in [1 << 18, 1 << 20, pid::PID_MAX_LIMIT - 1] {
        lab.mem()[TASK].pids.last_pid = first - 2;
        let tasks = [(); 3].map(|()| lab.stage(init, FORK));
        lab.check();
        let numbers = tasks.map(|task| lab.kernel.mem[task].pid);
        assert_eq!(numbers[..2], [first - 1, first]);
        // Behind the last number the search begins again.
        assert_eq!(numbers[2] < 400, first == pid::PID_MAX_LIMIT - 1);
        let mut sorted = numbers;
        sorted.sort_unstable();
        let listed = pid::tasks_from(&lab.kernel.mem, pid::RESERVED_PIDS);
        let listed: std::vec::Vec<u32> = listed.map(|task| lab.kernel.mem[task].pid).collect();
        assert!(sorted.iter().all(|number| listed.contains(number)));
        assert!(listed.is_sorted());
        lab.kill(-1, Signal::Kill).unwrap();
        exit::wait_all(lab.mem(), init, exit::WNOHANG, &mut |_, _| {});
        lab.check();
        assert_eq!(pid::tasks_from(&lab.kernel.mem, 1 << 18).count(), 0);
    }
}
