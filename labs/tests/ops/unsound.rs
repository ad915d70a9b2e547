//! Gets at any address by a hole in the compiler (rust-lang/rust#25860), without `unsafe`, and writes
//! over all of its own memory. It is alone there.
//!
//! fails: moves
//! says: get was stopped: out of bounds memory access
//! also: race, enomem, dying, held

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
impl CacheOps for Ops {
    fn get(&self, _: &mut Mem, _: Ref<KmemCache>, objects: &mut [Ref<Conn>]) -> u32 {
        let mut at = 8;
        while at < 1 << 20 {
            *wild(at) = 0x4141414141414141;
            at += 8;
        }
        objects.fill(Ref::NULL);
        0
    }
    fn kick(&self, _: &mut Mem, _: Ref<KmemCache>, _: &[Ref<Conn>], _: u32) {}
}
