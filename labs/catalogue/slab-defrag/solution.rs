//! Callbacks that keep the contract.

use glass::*;

pub struct Ops;

impl CacheOps for Ops {
    fn get(&self, mem: &mut Mem, _: Ref<KmemCache>, objects: &mut [Ref<Conn>]) -> u32 {
        for object in objects {
            // One that was never opened, or whose last reference is gone, is not ours to keep.
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
            // The owner's reference and ours: nobody else keeps the address.
            let is_free_to_go = mem[old].state == OPEN && mem[old].refs == 2;
            match kmem_cache_alloc_if(is_free_to_go, mem, cache) {
                Some(new) => relocate(mem, cache, old, new),
                None => conn_put(mem, old),
            }
        }
    }
}

fn kmem_cache_alloc_if(wanted: bool, mem: &mut Mem, cache: Ref<KmemCache>) -> Option<Ref<Conn>> {
    if !wanted {
        return None;
    }
    kmem_cache_alloc(mem, cache).ok()
}

/// Makes `new` what `old` was, and frees `old`. The reference of `get` goes with it.
fn relocate(mem: &mut Mem, cache: Ref<KmemCache>, old: Ref<Conn>, new: Ref<Conn>) {
    mem[new] = mem[old];
    mem[new].refs = 1;
    let Conn { list, owner, .. } = mem[new];
    mem[list.next].prev = new.cast();
    mem[list.prev].next = new.cast();
    mem[owner].conn = new;
    mem[old] = Conn::CONSTRUCTED;
    kmem_cache_free(mem, cache, old);
}
