//! A fork bomb: every copy makes copies, until one is refused.

use kernel_core::machine::Machine;
use kernel_core::mem::{FRAME_SIZE, MEM};
use kernel_core::task::TASK;
use kernel_core::task::sched;

use benches::{Table, region};
use performance::crowd::kernel;

/// As many as `threads-max` allows here.
const LIMITS: [u32; 3] = [1_000, 10_000, 100_000];

/// Keeps what is printed.
struct Console(String);

impl Machine for Console {
    fn console_write(&mut self, text: &[u8]) {
        self.0.push_str(&String::from_utf8_lossy(text));
    }
}

/// Lets `/bin/forkbomb` go off on machines that allow so many tasks, and asks the console for a word
/// afterwards.
pub fn table() -> Table {
    let columns = ["copies", "ns a copy", "bytes a copy", "virtual ms"];
    let mut table = Table::new("A fork bomb, up to `threads-max`", &columns);
    for limit in LIMITS {
        let megabytes = (32 + limit / 90).min(1024);
        let mut kernel = kernel(&format!("mem={megabytes}M cpus=2"));
        kernel.mem[TASK].max_threads = limit;
        let mut console = Console(String::new());
        let free = kernel.mem.free_frames();
        let before = kernel.mem[TASK].nr_threads;
        kernel.run_line(&mut console, b"forkbomb &");
        let now = kernel.mem[TASK].now;
        let took = region(&mut || {
            let mem = &mut kernel.mem;
            while mem[TASK].nr_threads < limit {
                mem[MEM].steps_left = u32::MAX;
                sched::run_for(mem, 10_000_000, &mut |_| false).expect("enough steps");
            }
        });
        let mem = &mut kernel.mem;
        let copies = f64::from(mem[TASK].nr_threads - before);
        let bytes = f64::from(free - mem.free_frames()) * FRAME_SIZE as f64;
        let passed = (mem[TASK].now - now) as f64 / 1e6;
        let cells = [copies, took / copies, bytes / copies, passed];
        table.row(format!("{limit} tasks"), cells.map(Some).to_vec());
        // Each has its EAGAIN by now, or soon; the console goes on.
        console.0.clear();
        assert_eq!(kernel.run_line(&mut console, b"echo alive"), 0);
        assert!(console.0.contains("alive"), "{}", console.0);
        kernel.check().expect("sound");
    }
    table.note(
        "A copy has a page directory and a page table, 8 kB of its bytes: its stack is written, so it cannot \
         do without. Afterwards the console answers, and every invariant holds.",
    );
    table
}
