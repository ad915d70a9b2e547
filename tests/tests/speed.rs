//! What the kernel promises about speed where it is slowest.

use std::time::Instant;

use labs::protocol::{Host, Request, Response};
use tests::{Settings, host};

/// A million operations a second in WebAssembly, tracepoints and hash chain included.
#[test]
fn a_browser_does_a_million_operations_a_second() {
    let mut driver = host::connect(Host::Wasm, &Settings::find()).expect("the host starts");
    let mut run = |line: &str, says: &str| {
        let start = Instant::now();
        match driver.request(Request::Run {
            lines: vec![line.as_bytes().to_vec()],
        }) {
            Ok(Response::Ran { lines, .. }) => {
                assert_eq!(
                    (lines[0].text.as_slice(), lines[0].status),
                    (says.as_bytes(), 0),
                    "{line}"
                );
            }
            other => panic!("{line}: {other:?}"),
        }
        start.elapsed().as_secs_f64()
    };
    let mut best = 0.0_f64;
    for tree in ["a", "b", "c"] {
        run(&format!("radix create {tree}"), "");
        best = best.max(1e6 / run(&format!("radix fill {tree} 0 1000000"), "1000000\n"));
    }
    println!("WebAssembly: {best:.0} inserts a second");
    assert!(best >= 1e6, "{best:.0} inserts a second");
}
