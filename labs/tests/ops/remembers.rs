//! Keeps a count between the calls: each begins afresh, so it is always the first.
//!
//! passes

use glass::*;

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

static CALLS: AtomicU32 = AtomicU32::new(0);

pub struct Ops;

impl CacheOps for Ops {
    fn get(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &mut [Ref<Conn>]) -> u32 {
        let _ = cache;
        assert_eq!(CALLS.fetch_add(1, Relaxed), 0);
        for object in objects {
            if mem[*object].state == OPEN {
                mem[*object].refs += 1;
            } else {
                *object = Ref::NULL;
            }
        }
        0
    }

    fn kick(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &[Ref<Conn>], _: u32) {
        for &old in objects {
            if old.is_null() {
                continue;
            }
            if mem[old].state != OPEN || mem[old].refs != 2 {
                conn_put(mem, old);
                continue;
            }
            let Ok(new) = kmem_cache_alloc(mem, cache) else {
                conn_put(mem, old);
                continue;
            };
            mem[new] = mem[old];
            mem[new].refs = 1;
            let Conn { list, owner, .. } = mem[new];
            mem[list.next].prev = new.cast();
            mem[list.prev].next = new.cast();
            mem[owner].conn = new;
            mem[old] = Conn::CONSTRUCTED;
            kmem_cache_free(mem, cache, old);
        }
    }
}
