//! Tests of connections, with callbacks of our own as the module.

extern crate std;

use std::boxed::Box;
use std::vec::Vec;

use super::conn::{self, Conn, Fault, Owner};
use super::{Allocator, KmemCache, Object, kmem_cache_alloc, kmem_cache_free};
use crate::Kernel;
use crate::machine::MachineConfig;
use crate::mem::{Gfp, Mem, Ram, Ref};
use crate::module::{Kind, Module};
use crate::slab::defrag::kmem_cache_vacate;
use crate::testing::Random;
use bytemuck::Zeroable;

/// Callbacks that keep the contract.
struct Honest;

impl Module for Honest {
    fn kind(&self) -> Kind {
        Kind::Slab
    }

    fn get(&mut self, mem: &mut Mem, _: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32 {
        for object in objects {
            let conn: Ref<Conn> = object.cast();
            match mem[conn].state {
                1 => mem[conn].refs += 1,
                _ => *object = Ref::NULL,
            }
        }
        0
    }

    fn kick(&mut self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &[Ref<Object>], _: u32) {
        for object in objects.iter().filter(|object| !object.is_null()) {
            let old: Ref<Conn> = object.cast();
            let Conn { state, refs, .. } = mem[old];
            let new = match (state, refs) {
                (1, 2) => kmem_cache_alloc::<Conn>(mem, cache, Gfp::KERNEL).ok(),
                _ => None,
            };
            let Some(new) = new else {
                conn::put_reference(mem, old);
                continue;
            };
            let was = mem[old];
            mem[new] = Conn { refs: 1, ..was };
            mem[was.list.next].prev = new.cast();
            mem[was.list.prev].next = new.cast();
            mem[was.owner].conn = new;
            mem[old] = Conn::zeroed();
            kmem_cache_free(mem, cache, old);
        }
    }
}

fn kernel(allocator: Allocator) -> Kernel {
    let header = std::format!("mem=4M cpus=2 slab={}", allocator.name());
    let config = MachineConfig::parse(&header).expect("it is a machine");
    let ram = Ram::new(config.frames).expect("there is memory");
    let mut kernel = Kernel::boot(ram, &config).expect("it boots");
    kernel.mem.load_module(Some(Box::new(Honest)));
    kernel
}

fn faults(mem: &Mem) -> Vec<Fault> {
    let mut faults = Vec::new();
    conn::audit(mem, false, &mut |fault, _| faults.push(fault));
    faults
}

#[test]
fn connections_stay_sound_whatever_is_done_to_them() {
    for (seed, allocator) in (1..).zip(Allocator::ALL) {
        let mut kernel = kernel(allocator);
        let mem = &mut kernel.mem;
        let mut random = Random(seed);
        // Miri takes a thousand times as long for a step; of few connections, most are met again.
        let (steps, ids) = if cfg!(miri) { (150, 20) } else { (3000, 400) };
        for step in 0..steps {
            let id = random.below(ids) as u32;
            match random.below(12) {
                0..=4 => drop(conn::open(mem)),
                5 => drop(conn::reserve(mem)),
                6 | 7 => drop(conn::close(mem, id)),
                8 => drop(conn::hold(mem, id)),
                9 => drop(conn::put(mem, id)),
                10 => drop(conn::reap(mem)),
                _ => {
                    conn::race(mem, id + 1);
                    let place = conn::owner(mem, id).map(|owner| mem[owner].conn);
                    if let Some(place) = place.filter(|place| !place.is_null()) {
                        let page = mem.head_page(place);
                        kmem_cache_vacate(mem, page);
                    }
                }
            }
            let found = faults(mem);
            assert!(found.is_empty(), "seed {seed}, step {step}: {found:?}");
        }
        assert_eq!(kernel.check(), Ok(()), "seed {seed}");
    }
}

/// Each kind of damage is called by its name.
#[test]
fn damage_is_found_and_named() {
    type Damage = fn(&mut Mem, Ref<Owner>, Ref<Conn>);
    let kinds: [(Fault, Damage); 9] = [
        (Fault::Owner, |mem, owner, conn| {
            mem[owner].conn = conn.offset(1000);
        }),
        (Fault::Owner, |mem, owner, conn| {
            mem[conn].owner = owner.offset(1);
        }),
        (Fault::List, |mem, _, conn| {
            let next = mem[conn].list.next;
            mem[next].prev = mem[conn].list.prev;
        }),
        (Fault::List, |mem, _, conn| mem.list_del(conn.cast())),
        (Fault::Holder, |mem, owner, conn| {
            mem[owner].held = conn.offset(1);
        }),
        (Fault::References, |mem, _, conn| mem[conn].refs += 1),
        (Fault::Content, |mem, _, conn| mem[conn].data[4] ^= 1),
        (Fault::Dying, |mem, _, conn| {
            let id = mem[conn].id;
            conn::close(mem, id);
            mem[conn].refs = 1;
        }),
        (Fault::Lost, |mem, _, _| {
            let cache = mem[conn::table(mem)].cache;
            let lost: Result<Ref<Conn>, _> = kmem_cache_alloc(mem, cache, Gfp::KERNEL);
            lost.expect("there is memory");
        }),
    ];
    for (fault, damage) in kinds {
        let mut kernel = kernel(Allocator::Slub);
        let mem = &mut kernel.mem;
        for _ in 0..20 {
            conn::open(mem).expect("there is memory");
        }
        assert!(faults(mem).is_empty());
        let owner = conn::owner(mem, 7).expect("it is open");
        let conn = mem[owner].conn;
        damage(mem, owner, conn);
        assert_eq!(faults(mem).first(), Some(&fault));
        assert_eq!(kernel.check(), Err(fault.sentence()));
    }
}

#[test]
fn without_a_module_nothing_is_pinned() {
    let mut kernel = kernel(Allocator::Slub);
    let mem = &mut kernel.mem;
    mem.load_module(None);
    for _ in 0..100 {
        conn::open(mem).expect("there is memory");
    }
    let owner = conn::owner(mem, 7).expect("it is open");
    let place = mem[owner].conn;
    let page = mem.head_page(place);
    assert!(!kmem_cache_vacate(mem, page));
    assert_eq!(mem[owner].conn, place);
    mem.load_module(Some(Box::new(Honest)));
    assert!(kmem_cache_vacate(mem, page));
    assert_ne!(mem[owner].conn, place);
    assert_eq!(kernel.check(), Ok(()));
}
