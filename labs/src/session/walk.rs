//! Looking at the kernel after each step, backwards.
//!
//! A kernel runs forwards only. So the way back is taken in stretches: go to a step some way before,
//! look there and after each line on, then tell what was seen in reverse. A stretch begins at a
//! checkpoint if its looks are cheap, or later if they would not fit into the budget.

use alloc::vec::Vec;
use core::ops::ControlFlow;

use super::live::Live;

impl Live {
    /// Looks at the kernel after each step from `from` down to `to`, and passes what was seen to
    /// `visit`, the last step first, until that breaks off or the budget (see [`Live::spent`]) is
    /// used up; but two steps are visited at least, so that one can be compared with the other.
    /// Returns the last step that was visited.
    ///
    /// Costs are counted per step visited, whatever checkpoints there are; so the same log is walked
    /// equally far on every host. The kernel stands at any step afterwards.
    pub fn walk_back<T>(
        &mut self,
        from: u32,
        to: u32,
        budget: u64,
        look: &mut dyn FnMut(&mut Live) -> T,
        visit: &mut dyn FnMut(u32, T) -> ControlFlow<()>,
    ) -> u32 {
        let mut left = budget;
        let mut high = from;
        // What a look costs is not known yet: begin with a single one.
        let mut looks = 1;
        loop {
            let low = (high + 1).saturating_sub(looks);
            let low = low.max(to).max(self.checkpoints.before(high));
            self.seek(low);
            let mut seen = Vec::with_capacity((high - low) as usize + 1);
            let mut dearest = 1;
            for step in low..=high {
                self.seek(step);
                let before = self.spent;
                let value = look(self);
                let cost = self.spent - before;
                dearest = dearest.max(cost);
                seen.push((step, cost, value));
            }
            for (step, cost, value) in seen.into_iter().rev() {
                let stop = visit(step, value).is_break() || step == to;
                left = left.saturating_sub(cost + self.cost_of(step));
                if stop || left == 0 && step < from {
                    return step;
                }
            }
            high = low - 1;
            looks = u32::try_from(left / dearest).unwrap_or(u32::MAX).max(1);
        }
    }
}
