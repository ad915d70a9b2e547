//! Snapshots of a kernel at some steps, so that going back is cheap.
//!
//! A kernel is its frames, so a snapshot is a copy of them; but only of those written since the
//! snapshot before. A frame's content at checkpoint *k* is its newest copy in the checkpoints up to
//! *k*, or zeroes if there is none. When the copies exceed their budget every second checkpoint is
//! merged into its successor, and later ones are taken half as often.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use kernel_core::mem::{FRAME_SIZE, Ram};

/// A copy of a frame.
type Copy = Box<[u8; FRAME_SIZE]>;

/// The frames written between two checkpoints, in frame order.
#[derive(Debug)]
struct Checkpoint {
    step: u32,
    frames: Vec<(u32, Copy)>,
}

impl Checkpoint {
    fn copy_of(&self, frame: u32) -> Option<&Copy> {
        self.frames
            .binary_search_by_key(&frame, |(frame, _)| *frame)
            .ok()
            .map(|at| &self.frames[at].1)
    }
}

/// A session's checkpoints. The first is at step 0.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    list: Vec<Checkpoint>,
    /// The checkpoint that the memory's dirty flags count from.
    base: usize,
    /// Steps from one checkpoint to the next.
    interval: u32,
    /// Copies that may be kept.
    budget: usize,
}

impl Checkpoints {
    /// Takes the checkpoint of step 0.
    pub fn new(ram: &mut Ram, budget: usize) -> Checkpoints {
        let mut checkpoints = Checkpoints {
            list: Vec::new(),
            base: 0,
            interval: 16,
            budget,
        };
        checkpoints.take(ram, 0);
        checkpoints
    }

    fn take(&mut self, ram: &mut Ram, step: u32) {
        let frames = ram
            .dirty_frames()
            .map(|frame| (frame, Box::new(*ram.frame(frame))))
            .collect();
        ram.clean();
        self.list.push(Checkpoint { step, frames });
        self.base = self.list.len() - 1;
        while self.copies() > self.budget && self.list.len() > 2 {
            self.thin();
        }
    }

    fn copies(&self) -> usize {
        self.list
            .iter()
            .map(|checkpoint| checkpoint.frames.len())
            .sum()
    }

    /// Merges every second checkpoint into the next; the first and the last stay.
    fn thin(&mut self) {
        self.interval = self.interval.saturating_mul(2);
        let mut kept: Vec<Checkpoint> = Vec::with_capacity(self.list.len() / 2 + 2);
        let last = self.list.len() - 1;
        let mut pending: Option<Checkpoint> = None;
        for (index, mut checkpoint) in core::mem::take(&mut self.list).into_iter().enumerate() {
            if let Some(earlier) = pending.take() {
                let fresh: Vec<_> = earlier
                    .frames
                    .into_iter()
                    .filter(|(frame, _)| checkpoint.copy_of(*frame).is_none())
                    .collect();
                checkpoint.frames.extend(fresh);
                checkpoint.frames.sort_unstable_by_key(|(frame, _)| *frame);
            }
            if index % 2 == 1 && index != last {
                pending = Some(checkpoint);
            } else {
                kept.push(checkpoint);
            }
        }
        self.list = kept;
        self.base = self.list.len() - 1;
    }

    /// Tells that the kernel has just finished `step`, going forward: takes a checkpoint if one is
    /// due, or notes that a known one was reached.
    pub fn passed(&mut self, ram: &mut Ram, step: u32) {
        match self.list.get(self.base + 1) {
            Some(next) if next.step == step => {
                ram.clean();
                self.base += 1;
            }
            Some(_) => {}
            None if step >= self.list[self.base].step + self.interval => self.take(ram, step),
            None => {}
        }
    }

    /// The last checkpoint's step that is at most `step`.
    pub fn before(&self, step: u32) -> u32 {
        self.list[self.index_before(step)].step
    }

    fn index_before(&self, step: u32) -> usize {
        self.list
            .partition_point(|checkpoint| checkpoint.step <= step)
            - 1
    }

    /// Makes the memory what it was at the last checkpoint up to `step`, and returns its step.
    pub fn restore(&mut self, ram: &mut Ram, step: u32) -> u32 {
        let target = self.index_before(step);
        let (low, high) = (self.base.min(target), self.base.max(target));
        let between = self.list[low + 1..=high]
            .iter()
            .flat_map(|checkpoint| &checkpoint.frames);
        let changed: BTreeSet<u32> = ram
            .dirty_frames()
            .chain(between.map(|(frame, _)| *frame))
            .collect();
        for frame in changed {
            let copy = self.list[..=target]
                .iter()
                .rev()
                .find_map(|checkpoint| checkpoint.copy_of(frame));
            match copy {
                Some(copy) => *ram.frame_mut(frame) = **copy,
                None => ram.frame_mut(frame).fill(0),
            }
        }
        ram.clean();
        self.base = target;
        self.list[target].step
    }

    /// Forgets the checkpoints after `step`, at which the kernel stands.
    pub fn truncate(&mut self, step: u32) {
        self.list.truncate(self.index_before(step) + 1);
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use super::*;

    /// Writes a recognisable pattern of frames at each step and compares every restored state with
    /// a full copy.
    fn check(budget: usize) {
        let frames = 64;
        let mut ram = Ram::new(frames).unwrap();
        let mut checkpoints = Checkpoints::new(&mut ram, budget);
        let write = |ram: &mut Ram, step: u32| {
            for frame in [step * 7 % frames, step * step % frames] {
                ram.frame_mut(frame)[step as usize % FRAME_SIZE] = step as u8;
            }
        };
        let whole = |ram: &Ram| {
            (0..frames)
                .map(|frame| *ram.frame(frame))
                .collect::<Vec<_>>()
        };
        let mut truth = alloc::vec![whole(&ram)];
        for step in 1..=400 {
            write(&mut ram, step);
            checkpoints.passed(&mut ram, step);
            truth.push(whole(&ram));
        }
        for target in [400, 0, 17, 399, 16, 15, 250, 251, 1, 400, 48, 3] {
            let mut step = checkpoints.restore(&mut ram, target);
            assert!(step <= target);
            assert_eq!(step, checkpoints.before(target));
            assert!(
                truth[step as usize] == whole(&ram),
                "restored {step} for {target}"
            );
            while step < target {
                step += 1;
                write(&mut ram, step);
                checkpoints.passed(&mut ram, step);
            }
            assert!(truth[step as usize] == whole(&ram), "replayed to {target}");
        }
        // A new future replaces the old one.
        checkpoints.truncate(3);
        for step in 4..=90 {
            ram.frame_mut(step % frames)[0] = 0xaa;
            checkpoints.passed(&mut ram, step);
        }
        let now = whole(&ram);
        checkpoints.restore(&mut ram, 0);
        assert!(truth[0] == whole(&ram));
        let mut step = checkpoints.restore(&mut ram, 3);
        while step < 3 {
            step += 1;
            write(&mut ram, step);
            checkpoints.passed(&mut ram, step);
        }
        for step in 4..=90 {
            ram.frame_mut(step % frames)[0] = 0xaa;
            checkpoints.passed(&mut ram, step);
        }
        assert!(now == whole(&ram));
    }

    #[test]
    fn every_step_comes_back() {
        check(usize::MAX);
    }

    #[test]
    fn every_step_comes_back_when_memory_is_short() {
        check(40);
    }
}
