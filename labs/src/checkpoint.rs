//! Snapshots of a kernel at some steps, so that going back is cheap.
//!
//! A kernel is its frames, so a snapshot is a copy of them; but only of those written since the
//! snapshot before. A frame's content at a checkpoint is its newest copy up to there, or zeroes if
//! there is none. Every frame has its copies in the order of their steps, so that a jump costs what
//! it changes, not how many checkpoints there are.
//!
//! Checkpoints are spaced by work: from one to the next are at most [`LINES`] lines, and lines of at
//! most [`WORK`] kernel steps before the last of them. So whatever the lines were, running those
//! between a checkpoint and any step after it takes about as long. When the copies exceed their
//! budget, the checkpoint whose neighbours are closest to each other is merged into its successor.
//! That keeps the longest way to any step as short as the budget allows.

use alloc::boxed::Box;
use alloc::vec::Vec;

use kernel_core::mem::{FRAME_SIZE, Ram};

/// Lines from one checkpoint to the next, at most.
const LINES: u32 = 16;
/// Kernel steps after which a line is the last before a checkpoint.
const WORK: u64 = 1024;

/// A copy of a frame.
type Copy = Box<[u8; FRAME_SIZE]>;

/// The copies of one frame, in the order of their steps.
type History = Vec<(u32, Copy)>;

/// How many frames have their histories together.
const TOGETHER: usize = 64;

/// The histories of all frames. Most frames of a machine are never written, and those that are lie together;
/// so there is room only where copies are, and a session that nobody uses costs what its boot wrote.
#[derive(Debug)]
struct Copies(Vec<Option<Box<[History; TOGETHER]>>>);

impl Copies {
    /// Of so many frames, no copies.
    fn of_none(frames: u32) -> Copies {
        let groups = (frames as usize).div_ceil(TOGETHER);
        Copies((0..groups).map(|_| None).collect())
    }

    fn of(&self, frame: u32) -> &[(u32, Copy)] {
        let group = self.0[frame as usize / TOGETHER].as_ref();
        group.map_or(&[], |group| &group[frame as usize % TOGETHER])
    }

    fn of_mut(&mut self, frame: u32) -> &mut History {
        let group = &mut self.0[frame as usize / TOGETHER];
        let group = group.get_or_insert_with(|| Box::new([const { Vec::new() }; TOGETHER]));
        &mut group[frame as usize % TOGETHER]
    }
}

/// A step that can be gone back to without running anything.
#[derive(Debug)]
struct Checkpoint {
    step: u32,
    /// Kernel steps that the kernel had taken since it booted.
    work: u64,
    /// The frames written since the checkpoint before, in no order.
    frames: Vec<u32>,
}

/// What frames held that a trial may write; see [`Checkpoints::begin_trial`].
#[derive(Debug)]
pub(crate) struct Trial(Vec<(u32, Copy)>);

/// A session's checkpoints. The first is at step 0.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    list: Vec<Checkpoint>,
    /// For each frame its copies, and the steps of the checkpoints that they belong to.
    copies: Copies,
    /// How many copies there are.
    count: usize,
    /// Copies that may be kept.
    budget: usize,
    /// The checkpoint that the memory's dirty flags count from.
    base: usize,
    /// No checkpoint is taken or given up.
    still: bool,
}

impl Checkpoints {
    /// Takes the checkpoint of step 0.
    pub fn new(ram: &mut Ram, work: u64, budget: usize) -> Checkpoints {
        let mut checkpoints = Checkpoints {
            list: Vec::new(),
            copies: Copies::of_none(ram.frames()),
            count: 0,
            budget,
            base: 0,
            still: false,
        };
        let frames = ram.dirty_frames().collect();
        checkpoints.push(ram, 0, work, frames);
        checkpoints
    }

    /// Tells that the kernel has just finished `step`, going forward, and has taken `work` kernel
    /// steps since it booted: takes a checkpoint if one is due, or notes that a known one was
    /// reached.
    pub fn passed(&mut self, ram: &mut Ram, step: u32, work: u64) {
        let base = &self.list[self.base];
        match self.list.get(self.base + 1) {
            Some(next) if next.step == step => {
                ram.clean();
                self.base += 1;
            }
            None if !self.still && (step >= base.step + LINES || work >= base.work + WORK) => {
                self.take(ram, step, work);
            }
            _ => {}
        }
    }

    /// Takes a checkpoint after the last one, and keeps the budget; if that can't be, takes none.
    fn take(&mut self, ram: &mut Ram, step: u32, work: u64) {
        let mut frames: Vec<u32> = ram.dirty_frames().collect();
        while self.count + frames.len() > self.budget && self.list.len() > 2 {
            self.merge_closest();
        }
        if self.count + frames.len() > self.budget && self.list.len() == 2 {
            self.pop(ram);
            frames = ram.dirty_frames().collect();
        }
        if self.count + frames.len() <= self.budget {
            self.push(ram, step, work, frames);
        }
    }

    /// Adds a checkpoint, `frames` being those that are dirty.
    fn push(&mut self, ram: &mut Ram, step: u32, work: u64, frames: Vec<u32>) {
        for &frame in &frames {
            let copies = self.copies.of_mut(frame);
            copies.push((step, Box::new(*ram.frame(frame))));
        }
        ram.clean();
        self.count += frames.len();
        self.base = self.list.len();
        self.list.push(Checkpoint { step, work, frames });
    }

    /// Forgets the last checkpoint, from which the dirty flags count: they count from the one
    /// before it then.
    fn pop(&mut self, ram: &mut Ram) {
        for frame in self.forget_last() {
            // Whoever may write to a frame makes it dirty.
            ram.frame_mut(frame);
        }
        self.base = self.list.len() - 1;
    }

    /// Forgets the last checkpoint; returns the frames that it had copies of.
    fn forget_last(&mut self) -> Vec<u32> {
        let Some(last) = self.list.pop() else {
            return Vec::new();
        };
        for &frame in &last.frames {
            self.copies.of_mut(frame).pop();
        }
        self.count -= last.frames.len();
        last.frames
    }

    /// Merges a checkpoint into its successor, so that the new distance between neighbours is as
    /// short as it can be. The first and the last stay, the last being the base.
    fn merge_closest(&mut self) {
        let distance = |&at: &usize| {
            let (before, after) = (&self.list[at - 1], &self.list[at + 1]);
            let lines = u64::from(after.step - before.step) * (WORK / u64::from(LINES));
            after.work - before.work + lines
        };
        let inner = 1..self.list.len() - 1;
        let Some(at) = inner.min_by_key(distance) else {
            return;
        };
        let merged = self.list.remove(at);
        let into = &mut self.list[at];
        for frame in merged.frames {
            let copies = self.copies.of_mut(frame);
            let place = copies.partition_point(|(step, _)| *step < merged.step);
            if copies
                .get(place + 1)
                .is_some_and(|next| next.0 == into.step)
            {
                copies.remove(place);
                self.count -= 1;
            } else {
                copies[place].0 = into.step;
                into.frames.push(frame);
            }
        }
        self.base = self.list.len() - 1;
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

    /// From here on, no checkpoint is taken, and none given up; or the two go on.
    pub fn keep_still(&mut self, still: bool) {
        self.still = still;
    }

    /// The frames that were written between two checkpoints, the steps of which these are; some
    /// more than once.
    pub fn written_between(&self, from: u32, to: u32) -> impl Iterator<Item = u32> + '_ {
        let (low, high) = (self.index_before(from), self.index_before(to));
        let between = &self.list[low + 1..=high.max(low)];
        between
            .iter()
            .flat_map(|checkpoint| checkpoint.frames.iter().copied())
    }

    /// The step of the checkpoint that the memory's dirty flags count from.
    pub fn base(&self) -> u32 {
        self.list[self.base].step
    }

    /// What a frame held at the checkpoint of `step`; `None`: zeroes.
    pub fn content(&self, frame: u32, step: u32) -> Option<&[u8; FRAME_SIZE]> {
        let copies = self.copies.of(frame);
        let newer = copies.partition_point(|(copied, _)| *copied <= step);
        newer.checked_sub(1).map(|newest| &*copies[newest].1)
    }

    /// The step of the last checkpoint up to `step` that has a copy of the frame: it was written on
    /// the way there from the checkpoint before, and not since.
    pub fn last_copy(&self, frame: u32, step: u32) -> Option<u32> {
        let copies = self.copies.of(frame);
        let newer = copies.partition_point(|(copied, _)| *copied <= step);
        newer.checked_sub(1).map(|newest| copies[newest].0)
    }

    /// Makes a frame what it was at the checkpoint of `step`.
    fn restore_frame(&self, ram: &mut Ram, frame: u32, step: u32) {
        match self.content(frame, step) {
            Some(content) => *ram.frame_mut(frame) = *content,
            None => ram.frame_mut(frame).fill(0),
        }
    }

    /// Makes the memory what it was at the last checkpoint up to `step`, and returns its step.
    pub fn restore(&mut self, ram: &mut Ram, step: u32) -> u32 {
        let target = self.index_before(step);
        let (low, high) = (self.base.min(target), self.base.max(target));
        for checkpoint in &self.list[low + 1..=high] {
            for &frame in &checkpoint.frames {
                // All that may differ is dirty then.
                ram.frame_mut(frame);
            }
        }
        self.base = target;
        let step = self.base();
        let changed: Vec<u32> = ram.dirty_frames().collect();
        for frame in changed {
            self.restore_frame(ram, frame, step);
        }
        ram.clean();
        step
    }

    /// Forgets the checkpoints after `step`, at which the kernel stands.
    pub fn truncate(&mut self, step: u32) {
        while self.list.last().is_some_and(|last| last.step > step) {
            self.forget_last();
        }
    }

    /// Keeps what will be needed to take back whatever happens to the memory from here on.
    pub fn begin_trial(&self, ram: &Ram) -> Trial {
        let copy = |frame| (frame, Box::new(*ram.frame(frame)));
        Trial(ram.dirty_frames().map(copy).collect())
    }

    /// Takes back what happened to the memory since the trial began, down to its dirty flags. No
    /// checkpoint was taken, reached or gone to meanwhile.
    pub fn end_trial(&self, ram: &mut Ram, trial: Trial) {
        let written: Vec<u32> = ram.dirty_frames().collect();
        for frame in written {
            self.restore_frame(ram, frame, self.base());
        }
        ram.clean();
        for (frame, copy) in trial.0 {
            *ram.frame_mut(frame) = *copy;
        }
    }
}

#[cfg(all(test, feature = "host-ram"))]
mod tests {
    use super::*;

    /// Writes a recognisable pattern of frames at each step and compares every restored state with
    /// a full copy.
    #[track_caller]
    fn check(budget: usize, steps_a_line: fn(u32) -> u64) {
        let frames = 64;
        let mut ram = Ram::new(frames).unwrap();
        let mut checkpoints = Checkpoints::new(&mut ram, 0, budget);
        let work = |step: u32| (0..step).map(steps_a_line).sum();
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
            checkpoints.passed(&mut ram, step, work(step));
            truth.push(whole(&ram));
            assert!(checkpoints.count <= budget, "{}", checkpoints.count);
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
                checkpoints.passed(&mut ram, step, work(step));
                // A trial leaves nothing behind.
                let dirty: Vec<u32> = ram.dirty_frames().collect();
                let trial = checkpoints.begin_trial(&ram);
                write(&mut ram, step + 1);
                write(&mut ram, step + 9);
                checkpoints.end_trial(&mut ram, trial);
                assert!(dirty.iter().copied().eq(ram.dirty_frames()));
            }
            assert!(truth[step as usize] == whole(&ram), "replayed to {target}");
        }
        // A new future replaces the old one.
        checkpoints.truncate(3);
        for step in 4..=90 {
            ram.frame_mut(step % frames)[0] = 0xaa;
            checkpoints.passed(&mut ram, step, work(step));
        }
        let now = whole(&ram);
        checkpoints.restore(&mut ram, 0);
        assert!(truth[0] == whole(&ram));
        let mut step = checkpoints.restore(&mut ram, 3);
        while step < 3 {
            step += 1;
            write(&mut ram, step);
            checkpoints.passed(&mut ram, step, work(step));
        }
        for step in 4..=90 {
            ram.frame_mut(step % frames)[0] = 0xaa;
            checkpoints.passed(&mut ram, step, work(step));
        }
        assert!(now == whole(&ram));
    }

    #[test]
    fn every_step_comes_back() {
        check(usize::MAX, |_| 1);
        check(usize::MAX, |step| if step % 7 == 0 { 5 * WORK } else { 1 });
    }

    #[test]
    fn every_step_comes_back_when_memory_is_short() {
        for budget in [0, 1, 20, 40, 70, 200] {
            check(budget, |_| 1);
            check(budget, |step| u64::from(step) * 100 % WORK);
        }
    }

    #[test]
    fn hard_lines_are_checkpoints_themselves() {
        let mut ram = Ram::new(16).unwrap();
        let mut checkpoints = Checkpoints::new(&mut ram, 0, 1000);
        let mut work = 0;
        for step in 1..=100 {
            work += if step % 10 == 0 { 100_000 } else { 1 };
            checkpoints.passed(&mut ram, step, work);
        }
        assert!((1..=10).all(|tens| checkpoints.before(tens * 10) == tens * 10));
        assert_eq!(checkpoints.before(19), 10);
    }

    #[test]
    fn what_memory_is_left_goes_where_the_work_is() {
        let mut ram = Ram::new(16).unwrap();
        // Room for ten checkpoints of one frame: a thousand easy lines between two hard stretches.
        let mut checkpoints = Checkpoints::new(&mut ram, 0, 10);
        let mut work = 0;
        for step in 1..=1010 {
            work += if (5..1005).contains(&step) {
                1
            } else {
                1_000_000
            };
            ram.frame_mut(3)[0] = step as u8;
            checkpoints.passed(&mut ram, step, work);
        }
        let hard = (1..5).chain(1006..=1010);
        let longest = hard.map(|step| step - checkpoints.before(step)).max();
        assert!(longest <= Some(1), "{longest:?}");
    }
}
