//! Trace events: hashed into the chain always, recorded in the ring if that is switched on.

use kernel_core::Kernel;
use kernel_core::trace::Tracepoint;

use crate::{Measured, Workload, crowd};

const SIZES: &[u32] = &[1_000, 10_000, 100_000];
const GATED: u32 = 10_000;

pub const RECORDED: Workload = Workload {
    name: "trace.on",
    what: "an event of five fields is emitted, hashed and recorded; size: events",
    sizes: SIZES,
    gated: GATED,
    growth: 0.0,
    make: |size| Events::boxed(size, true),
};

pub const NOT_RECORDED: Workload = Workload {
    name: "trace.off",
    what: "an event of five fields is emitted and hashed, with tracing_on 0; size: events",
    sizes: SIZES,
    gated: GATED,
    growth: 0.0,
    make: |size| Events::boxed(size, false),
};

struct Events {
    kernel: Kernel,
    count: u32,
}

impl Events {
    fn boxed(count: u32, recording: bool) -> Box<dyn Measured> {
        let mut kernel = crowd::kernel("mem=16M");
        kernel.mem.set_recording(recording);
        Box::new(Events { kernel, count })
    }
}

impl Measured for Events {
    fn prepare(&mut self) {}

    fn run(&mut self) -> u64 {
        for number in 0..u64::from(self.count) {
            let args = [1, number, 192, 192, 208];
            self.kernel.mem.trace(Tracepoint::KmemCacheAlloc, args);
        }
        u64::from(self.count)
    }
}
