//! Moves what somebody holds.
//!
//! fails: held
//! says: somebody holds the address of connection

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
            if mem[old].state != OPEN {
                conn_put(mem, old);
                continue;
            }
            let Ok(new) = kmem_cache_alloc(mem, cache) else {
                conn_put(mem, old);
                continue;
            };
            mem[new] = mem[old];
            mem[new].refs -= 1;
            let Conn { list, owner, .. } = mem[new];
            mem[list.next].prev = new.cast();
            mem[list.prev].next = new.cast();
            mem[owner].conn = new;
            mem[old] = Conn::CONSTRUCTED;
            kmem_cache_free(mem, cache, old);
        }
    }
}
