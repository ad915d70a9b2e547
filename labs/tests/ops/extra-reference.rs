//! Forgets that the reference that get took goes with the old object.
//!
//! fails: references
//! says: has 2 references: its owner has one, and nobody holds it
//! also: enomem

use glass::*;

pub struct Ops;

impl CacheOps for Ops {
    fn get(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &mut [Ref<Conn>]) -> u32 {
        let _ = cache;
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
            let Conn { list, owner, .. } = mem[new];
            mem[list.next].prev = new.cast();
            mem[list.prev].next = new.cast();
            mem[owner].conn = new;
            mem[old] = Conn::CONSTRUCTED;
            kmem_cache_free(mem, cache, old);
        }
    }
}
