//! The rim: what the kernel asks of the machine under it, and which machine it is.

mod config;

pub use config::{ConfigError, MachineConfig};

/// What somebody wants of the manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manual<'a> {
    /// The page of that name; there is one.
    Page(&'a str),
    /// The pages that tell of this word.
    About(&'a str),
}

/// What the kernel asks of the machine under it.
///
/// The browser, a process, the grader and real hardware each bring their own. Nothing else reaches
/// the kernel from outside, which is what makes every run repeatable. Whether the machine is off is
/// the kernel's own state (`Kernel::is_off`), so that stepping back turns it on again.
pub trait Machine {
    /// Takes what the console prints. The text may be any bytes.
    fn console_write(&mut self, text: &[u8]);

    /// Takes a question that only whoever keeps the input log can answer: what the lines so far would have
    /// come to under each of these policies of the OOM killer, names with commas between them. The answer
    /// is printed behind what the line prints. Returns whether there will be one; the kernel prints
    /// otherwise then, and does nothing otherwise.
    fn compare_policies(&mut self, policies: &str) -> bool {
        let _ = policies;
        false
    }

    /// Takes a wish to read in the manual. What is wanted ([`shell::manual::write`](crate::shell::manual::write)
    /// writes it) is printed behind what the line prints. Returns whether it will be; the kernel prints
    /// otherwise then, and does nothing otherwise.
    fn show_manual(&mut self, wanted: Manual<'_>) -> bool {
        let _ = wanted;
        false
    }
}
