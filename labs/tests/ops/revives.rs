//! Takes references of what is dying.
//!
//! fails: dying
//! says: although nobody has a reference to it any more

use glass::*;

pub struct Ops;

impl CacheOps for Ops {
    fn get(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &mut [Ref<Conn>]) -> u32 {
        let _ = cache;
        for object in objects {
            if !object.is_null() {
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
