//! A kernel in the hand: its console is a buffer, and it is watched while it runs.
//!
//! Everywhere else the harness speaks to kernels through their protocol. What asks a kernel for its
//! invariants after every line, or has to know what a line will find, holds one itself.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use kernel_core::Kernel;
use kernel_core::machine::{Machine, MachineConfig};
use kernel_core::mem::{MEM, Ram};
use kernel_core::task::{self, TASK, fork};

/// A console that keeps what is printed.
#[derive(Default)]
struct Console(Vec<u8>);

impl Machine for Console {
    fn console_write(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }
}

/// A kernel whose lines are run one by one.
#[derive(Debug)]
pub struct Watched {
    kernel: Kernel,
}

impl Watched {
    /// Boots the machine that `header` describes; `None` if no machine does, or none so large can be
    /// had.
    pub fn boot(header: &str) -> Option<Watched> {
        let config = MachineConfig::parse(header).ok()?;
        let ram = Ram::new(config.ram_frames())?;
        let kernel = Kernel::boot(ram, &config).ok()?;
        Some(Watched { kernel })
    }

    /// Runs a line and returns what it printed.
    ///
    /// # Errors
    /// What the kernel's panic says; the kernel is of no use then.
    pub fn run(&mut self, line: &[u8]) -> Result<String, String> {
        self.attempt(|kernel| {
            let mut console = Console::default();
            kernel.run_line(&mut console, line);
            String::from_utf8_lossy(&console.0).into_owned()
        })
    }

    /// Verifies every invariant of the kernel.
    ///
    /// # Errors
    /// A sentence that names the first violation, a panic of the check included.
    pub fn check(&mut self) -> Result<(), String> {
        self.attempt(|kernel| kernel.check())?
            .map_err(|broken| broken.to_string())
    }

    /// Kernel steps since boot: how much work its lines were.
    pub fn steps(&self) -> u64 {
        self.kernel.mem[MEM].steps
    }

    /// The monotonic clock, in nanoseconds since boot.
    pub fn now_ns(&self) -> u64 {
        self.kernel.mem[TASK].now
    }

    /// Stages a process that lives in the memory of process `parent`, its child: what no line can ask
    /// for. Returns its number.
    ///
    /// # Errors
    /// Why there is none.
    pub fn stage_sharer(&mut self, parent: u32) -> Result<u32, String> {
        let mem = &mut self.kernel.mem;
        let parent = task::find_task_by_pid(mem, parent).ok_or("there is no such parent")?;
        let child = fork::stage(mem, parent, fork::FORK | fork::CLONE_VM);
        child
            .map(|child| mem[child].pid)
            .map_err(|errno| errno.sentence().to_string())
    }

    /// Whether the machine was switched off; it runs no further lines.
    pub fn is_off(&self) -> bool {
        self.kernel.is_off()
    }

    fn attempt<T>(&mut self, action: impl FnOnce(&mut Kernel) -> T) -> Result<T, String> {
        overhear_panics();
        LISTENS.set(true);
        let result = panic::catch_unwind(AssertUnwindSafe(|| action(&mut self.kernel)));
        LISTENS.set(false);
        result.map_err(|_| HEARD.take())
    }
}

thread_local! {
    /// Whether a panic in this thread is a watched kernel's.
    static LISTENS: Cell<bool> = const { Cell::new(false) };
    /// What the last one said, and where.
    static HEARD: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the words of watched kernels' panics for the report, where standard error would get the same
/// ones hundreds of times while a log is shrunk.
fn overhear_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if LISTENS.get() {
                HEARD.set(panic.to_string().replace('\n', " "));
            } else {
                others(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_answers_and_is_sound() {
        let mut watched = Watched::boot("mem=4M").expect("a good header");
        assert_eq!(watched.run(b"echo hello").as_deref(), Ok("hello\n"));
        assert_eq!(watched.check(), Ok(()));
        watched.run(b"poweroff").expect("no panic");
        assert!(watched.is_off());
        assert!(Watched::boot("mem=0").is_none());
    }
}
