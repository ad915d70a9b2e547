//! The log once more, under one policy of the OOM killer after the other.
//!
//! Before the first line a policy is selected, by a line such as a student would type. A line of the log
//! may select another one, as mounting the `oom` controller does; so the policy is selected again after
//! each line that did. What such a line does besides, behind a `;`, happens under the policy that it
//! selected.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kernel_core::oom::{OOM, policy};

use super::rerun::RERUN_STEPS;
use super::toll::Teller;
use crate::log;
use crate::session::live::{Live, check_line, check_lines};
use crate::view::oom::{PoliciesView, PolicyRun};

/// Policies that are compared at a time.
const POLICIES_MAX: usize = 8;

impl Live {
    /// What the log up to `step`, and these lines behind it, come to under each of these policies, as
    /// `/proc/sys/vm/oom_policy` lists them. They share the steps of a question, so a long log may be cut.
    /// The kernel stands where it stood afterwards.
    ///
    /// # Errors
    /// A sentence for a person: there is no such policy, or not one to [`POLICIES_MAX`] of them, or a line
    /// is none.
    pub fn oom_policies(
        &mut self,
        names: &[impl AsRef<str>],
        step: u32,
        more: &[Vec<u8>],
    ) -> Result<PoliciesView, String> {
        check_lines(more.len())?;
        more.iter().try_for_each(|line| check_line(line))?;
        let count = names.len();
        if count == 0 || count > POLICIES_MAX {
            return Err(format!(
                "1 to {POLICIES_MAX} policies are compared at a time, not {count}"
            ));
        }
        let (here, end) = (self.step(), step.min(self.end()));
        let own = self.lines[..end as usize].iter().map(|line| &line.bytes);
        let lines: Vec<Vec<u8>> = own.chain(more).cloned().collect();
        let budget = RERUN_STEPS / count as u64;
        let runs = names.iter().map(|name| {
            let name = name.as_ref();
            self.tried(0, |live| live.under(name, &lines, budget))
        });
        let runs: Result<Vec<PolicyRun>, String> = runs.collect();
        self.seek(here);
        let steps = lines.len() as u32;
        runs.map(|runs| PoliciesView { steps, runs })
    }

    /// Runs lines under a policy. The machine has just booted.
    fn under(&mut self, name: &str, lines: &[Vec<u8>], budget: u64) -> Result<PolicyRun, String> {
        let Some(number) = policy::find(&self.kernel.mem, name) else {
            let known = policy::policies(&self.kernel.mem);
            let known: Vec<&str> = known.map(|(_, policy)| policy.name()).collect();
            return Err(format!(
                "there is no policy '{name}'; there are {}",
                known.join(", ")
            ));
        };
        let select = format!("echo {name} > /proc/sys/vm/oom_policy").into_bytes();
        let deadline = self.spent.saturating_add(budget);
        let mut run = PolicyRun {
            policy: name.to_owned(),
            ..PolicyRun::default()
        };
        let mut teller = Teller::default();
        self.tell(&select, 0, &mut teller);
        for (place, line) in (1..).zip(lines) {
            if self.kernel.is_off() {
                break;
            }
            if self.spent >= deadline {
                run.is_cut = true;
                break;
            }
            let status = self.tell(log::without_returns(line), place, &mut teller);
            run.lines += 1;
            run.failed += u32::from(status != 0);
            if self.kernel.mem[OOM].policy != number && !self.kernel.is_off() {
                self.tell(&select, place, &mut teller);
            }
        }
        run.toll = teller.finish(run.lines);
        Ok(run)
    }
}
