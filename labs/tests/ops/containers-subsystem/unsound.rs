//! Gets at any address by a hole in the compiler (rust-lang/rust#25860), without `unsafe`, and writes
//! over all of its own memory. It is alone there.
//!
//! fails: count
//! says: was stopped: out of bounds memory access
//! also: moves, limit, sideways

use glass::*;
pub struct Ops;
static S: &'static &'static () = &&();
fn lengthen<'a, 'b, T: ?Sized>(_: &'a &'b (), v: &'b mut T) -> &'a mut T {
    v
}
fn expand<'a, 'b, T: ?Sized>(x: &'a mut T) -> &'b mut T {
    let f: for<'x> fn(_, &'x mut T) -> &'b mut T = lengthen;
    f(S, x)
}
enum Either {
    A(Option<usize>),
    B(Option<&'static mut u64>),
}
fn wild(address: usize) -> &'static mut u64 {
    let mut e = Either::B(None);
    let Either::B(ref mut slot) = e else { loop {} };
    let slot = expand(slot);
    e = Either::A(Some(address));
    core::hint::black_box(&e);
    slot.take().unwrap()
}
impl ContainerSubsystem for Ops {
    fn fork(&self, _: &mut Mem, _: Ref<Task>) {
        let mut at = 8;
        loop {
            *wild(at) = 0x4141414141414141;
            at += 8;
        }
    }
}
