//! What a kernel costs in this browser: the work of the crate `performance`, for a Web Worker.
//!
//! The module is apart from the kernel's, because a visit does not need it, and because a kernel that
//! is measured should have nobody beside it. It is compiled as the kernel's module is, so what is
//! measured is what a visitor has. `performance-worker.js` carries the messages; which work is done how
//! often is decided by who asks: the page, or `cargo xtask bench wasm`.

use labs::protocol::encode;
use performance::offer::{Offer, Offered};
use performance::recorded::Recorded;
use performance::{Measured, WORKLOADS, find, rounds};
use wasm_bindgen::prelude::*;

/// What the developers' machine measured, as it was recorded last.
const RECORDED: &str = include_str!("../../../performance/recorded.json");

#[wasm_bindgen]
extern "C" {
    /// Milliseconds by the browser's clock, which is coarse on purpose.
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// What can be measured, and what came of it elsewhere: an encoded [`Offered`].
#[wasm_bindgen]
pub fn offered() -> Result<Vec<u8>, JsError> {
    let recorded: Recorded = serde_json::from_str(RECORDED)?;
    let offers = WORKLOADS.iter().map(|workload| Offer {
        name: workload.name.to_string(),
        what: workload.what.to_string(),
        sizes: workload.sizes.to_vec(),
        quick: workload.gated,
    });
    Ok(encode(&Offered {
        offers: offers.collect(),
        recorded,
    }))
}

/// Work that was prepared at one size.
#[wasm_bindgen]
pub struct Bench {
    work: Box<dyn Measured>,
}

#[wasm_bindgen]
impl Bench {
    /// Makes everything that the work needs, and does it once: the browser compiles it at its best
    /// only after it has run.
    #[wasm_bindgen(constructor)]
    pub fn new(name: &str, size: u32) -> Result<Bench, JsError> {
        std::panic::set_hook(Box::new(|panic| throw(&panic.to_string())));
        let workload = find(name).ok_or_else(|| JsError::new("there is no such work"))?;
        if !workload.sizes.contains(&size) && workload.gated != size {
            return Err(JsError::new("it is not done at this size"));
        }
        let mut work = (workload.make)(size);
        rounds::warm_up(&mut *work);
        Ok(Bench { work })
    }

    /// Does the work again and again for `least_ms` milliseconds; returns nanoseconds an operation.
    pub fn round(&mut self, least_ms: f64) -> f64 {
        rounds::round(&mut *self.work, least_ms, &mut now)
    }
}

/// Leaves the module by a JavaScript exception that carries `message`.
fn throw(message: &str) {
    if cfg!(target_family = "wasm") {
        wasm_bindgen::throw_str(message)
    }
}
