//! Does not compile.
//!
//! refused: ops.rs:11:

use glass::*;

pub struct Ops;

impl CacheOps for Ops {
    fn get(&self, mem: &mut Mem, _: Ref<KmemCache>, objects: &mut [Ref<Conn>]) -> u32 {
        mem[objects[0]].refs = "one";
        0
    }

    fn kick(&self, _: &mut Mem, _: Ref<KmemCache>, _: &[Ref<Conn>], _: u32) {}
}
