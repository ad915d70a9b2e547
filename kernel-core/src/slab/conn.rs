//! Connections: a cache user whose callbacks for defragmentation somebody else writes.
//!
//! A server in the kernel keeps an object for each connection. It is a harder case than the objects
//! of [`super::play`], because more than its owner knows where a connection lies:
//!
//! ```text
//!        table                 slab of the cache `conn`
//!   id   conn  held
//!    0    *------------------> [ list | owner | refs 1 | open    ]
//!    1    *-----*------------> [ list | owner | refs 2 | open    ]   held: must stay
//!    2    .     *------------> [ list |   .   | refs 1 | closing ]   freed when it is put
//!    3    .     .              [ list |   .   | refs 0 | closing ]   freed by the next `reap`
//! ```
//!
//! Its owner in the table leads to it, its neighbours in the list of all connections lead to it, and
//! a holder has its bare address. What keeps it is a count of references: one for the owner, one for
//! a holder. At zero it is dying: nobody may take a reference any more, and `reap` frees it (as if
//! after a grace period).
//!
//! *get* and *kick* come with a [`Module`](crate::module::Module); without one nothing is pinned.
//! [`audit`] finds out what a wrong pair has done.

use core::mem::offset_of;

use bytemuck::{Pod, Zeroable};

use super::defrag::CacheOps;
use super::{Allocator, Constructor, KmemCache, Object, Options, SLAB, kmem_cache_alloc};
use super::{kfree, kmalloc, kmem_cache_free, place_at};
use crate::btf::{Kind, describe};
use crate::errno::Errno;
use crate::mem::{Gfp, ListHead, Mem, Ref};
use crate::module;

/// Bytes of the table and the owners behind it.
const TABLE_BYTES: usize = 32 << 10;

/// Connections that there may be since boot; numbers are not used again.
pub const CONNECTIONS_MAX: u32 = ((TABLE_BYTES - size_of::<Table>()) / size_of::<Owner>()) as u32;

/// Words that a connection carries.
const WORDS: usize = 5;

/// What there is to connections besides themselves. The owners follow it.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Table {
    /// Head of the list of open connections, in the order of their numbers.
    pub list: ListHead,
    /// Head of the list of those that the next `reap` frees.
    pub dying: ListHead,
    /// Their cache.
    pub cache: Ref<KmemCache>,
    /// The number of the next connection.
    pub next: u32,
    /// The connection, counted from 1, that another CPU closes once it is pinned; 0 is none.
    pub raced: u32,
    /// Nothing.
    pub pad: u32,
}

describe!(
    Table,
    "conn_table",
    [list, dying, cache, next, raced, pad: Kind::Padding]
);

/// Who leads to a connection.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Owner {
    /// The connection; NULL once it is closed.
    pub conn: Ref<Conn>,
    /// Its address, as somebody keeps it who has a reference of their own; NULL if nobody does.
    pub held: Ref<Conn>,
}

describe!(Owner, "conn_owner", [conn, held]);

/// A connection.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Conn {
    /// Link in the list of open connections, or of those that die.
    pub list: ListHead,
    /// The owner; NULL once it has let go.
    pub owner: Ref<Owner>,
    /// References: one of the owner, one of a holder, one of a `get` that pinned it.
    pub refs: u32,
    /// Its number.
    pub id: u32,
    /// A [`State`].
    pub state: u32,
    /// What it carries.
    pub data: [u64; WORDS],
}

describe!(
    Conn,
    "conn",
    [
        list,
        owner,
        refs,
        id,
        state: Kind::Named(|state, f| f.write_str(match state {
            0 => "new",
            1 => "open",
            2 => "closing",
            _ => "?",
        })),
        data,
    ]
);

/// How far a connection's life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// As its constructor made it: allocated, not yet written to.
    New = 0,
    /// Its owner leads to it.
    Open = 1,
    /// Its owner has let go.
    Closing = 2,
}

/// The table; NULL before the first connection.
pub fn table(mem: &Mem) -> Ref<Table> {
    mem[SLAB].conns
}

fn list(mem: &Mem) -> Ref<ListHead> {
    table(mem).byte_add(offset_of!(Table, list))
}

fn dying(mem: &Mem) -> Ref<ListHead> {
    table(mem).byte_add(offset_of!(Table, dying))
}

fn owner_at(table: Ref<Table>, id: u32) -> Ref<Owner> {
    table.byte_add::<Owner>(size_of::<Table>()).offset(id)
}

/// The owner of that number, if there ever was such a connection.
pub fn owner(mem: &Mem, id: u32) -> Option<Ref<Owner>> {
    let table = table(mem);
    let exists = !table.is_null() && id < mem[table].next;
    exists.then(|| owner_at(table, id))
}

/// What connection `id` carries.
fn data(id: u32) -> [u64; WORDS] {
    core::array::from_fn(|word| u64::from(id + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word as u64)
}

/// Makes cache and table, with the first connection.
fn set_up(mem: &mut Mem) -> Result<Ref<Table>, Errno> {
    let known = table(mem);
    if !known.is_null() {
        return Ok(known);
    }
    let table: Ref<Table> = kmalloc(mem, TABLE_BYTES as u32, Gfp::KERNEL)?.cast();
    let options = Options {
        ctor: Constructor::Zero,
        ops: crate::cache_ops::by_name(Conns.name()).unwrap_or(0),
        ..Options::default()
    };
    let size = size_of::<Conn>() as u32;
    let cache = super::kmem_cache_create_with(mem, "conn", size, options);
    let cache = cache.inspect_err(|_| kfree(mem, table.cast()))?;
    for word in 0..(TABLE_BYTES / size_of::<u64>()) as u32 {
        mem[table.cast::<u64>().offset(word)] = 0;
    }
    mem[SLAB].conns = table;
    mem[table].cache = cache;
    for head in [list(mem), dying(mem)] {
        mem.list_init(head);
    }
    Ok(table)
}

/// A new object and the number that it gets, with nothing written yet.
fn take(mem: &mut Mem) -> Result<(Ref<Conn>, u32), Errno> {
    let table = set_up(mem)?;
    let Table { cache, next, .. } = mem[table];
    if next == CONNECTIONS_MAX {
        return Err(Errno::ENOSPC);
    }
    let conn = kmem_cache_alloc(mem, cache, Gfp::KERNEL)?;
    mem[table].next += 1;
    Ok((conn, next))
}

/// Opens a connection.
///
/// # Errors
/// `ENOMEM`; `ENOSPC` when there are no more numbers.
pub fn open(mem: &mut Mem) -> Result<u32, Errno> {
    let (conn, id) = take(mem)?;
    let owner = owner_at(table(mem), id);
    mem[owner].conn = conn;
    mem[conn] = Conn {
        list: ListHead::zeroed(),
        owner,
        refs: 1,
        id,
        state: State::Open as u32,
        data: data(id),
    };
    let head = list(mem);
    mem.list_add_tail(conn.cast(), head);
    Ok(id)
}

/// Takes an object for a connection that somebody is going to open: it stays as its constructor
/// made it.
///
/// # Errors
/// As [`open`].
pub fn reserve(mem: &mut Mem) -> Result<u32, Errno> {
    let (conn, id) = take(mem)?;
    let owner = owner_at(table(mem), id);
    mem[owner].held = conn;
    Ok(id)
}

/// Closes a connection: its owner lets go. `None` if it is not open.
pub fn close(mem: &mut Mem, id: u32) -> Option<()> {
    let owner = owner(mem, id)?;
    let conn = mem[owner].conn;
    if conn.is_null() {
        return None;
    }
    mem[owner].conn = Ref::NULL;
    mem.list_del(conn.cast());
    mem[conn].owner = Ref::NULL;
    mem[conn].state = State::Closing as u32;
    put_reference(mem, conn);
    Some(())
}

/// Takes a reference to an open connection for somebody who keeps its address. `None` if it is not
/// open, or held already.
pub fn hold(mem: &mut Mem, id: u32) -> Option<()> {
    let owner = owner(mem, id)?;
    let Owner { conn, held } = mem[owner];
    if conn.is_null() || !held.is_null() {
        return None;
    }
    mem[conn].refs += 1;
    mem[owner].held = conn;
    Some(())
}

/// Lets go of a connection that is held or reserved. `None` if it is neither.
pub fn put(mem: &mut Mem, id: u32) -> Option<()> {
    let owner = owner(mem, id)?;
    let held = core::mem::replace(&mut mem[owner].held, Ref::NULL);
    if held.is_null() {
        return None;
    }
    if mem[held].state == State::New as u32 {
        let cache = mem[table(mem)].cache;
        kmem_cache_free(mem, cache, held);
    } else {
        put_reference(mem, held);
    }
    Some(())
}

/// Drops a reference. With the last one the connection dies, and waits for [`reap`].
///
/// # Panics
/// If it has none.
pub fn put_reference(mem: &mut Mem, conn: Ref<Conn>) {
    assert!(
        mem[conn].refs > 0,
        "conn_put of a connection without references"
    );
    mem[conn].refs -= 1;
    if mem[conn].refs == 0 {
        let head = dying(mem);
        mem.list_add_tail(conn.cast(), head);
    }
}

/// Frees the connections that die. Returns how many.
pub fn reap(mem: &mut Mem) -> u32 {
    let mut count = 0;
    let table = table(mem);
    while !table.is_null() && !mem.list_is_empty(dying(mem)) {
        let link = mem[dying(mem)].next;
        let conn: Ref<Conn> = link.cast();
        mem.list_del(link);
        mem[conn] = Conn::zeroed();
        let cache = mem[table].cache;
        kmem_cache_free(mem, cache, conn);
        count += 1;
    }
    count
}

/// Has another CPU close a connection once a `get` has pinned it. `None` if it is not open.
pub fn race(mem: &mut Mem, id: u32) -> Option<()> {
    let owner = owner(mem, id)?;
    let table = table(mem);
    (!mem[owner].conn.is_null()).then(|| mem[table].raced = id + 1)
}

/// The callbacks of connections: a module's, if there is one.
pub struct Conns;

impl CacheOps for Conns {
    fn name(&self) -> &'static str {
        "conn"
    }

    fn get(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32 {
        if mem.has_module(module::Kind::Slab) {
            let private = mem.ask_module(|module, mem| module.get(mem, cache, objects));
            return private.unwrap_or(0);
        }
        objects.fill(Ref::NULL);
        0
    }

    fn kick(&self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &[Ref<Object>], private: u32) {
        if !mem.has_module(module::Kind::Slab) {
            return;
        }
        // Nothing is locked any more, so whatever another CPU was waiting to do happens now.
        let table = table(mem);
        if let Some(id) = mem[table].raced.checked_sub(1)
            && let Some(owner) = owner(mem, id)
            && objects.contains(&mem[owner].conn.cast())
        {
            mem[table].raced = 0;
            close(mem, id);
        }
        mem.ask_module(|module, mem| module.kick(mem, cache, objects, private));
    }
}

/// What can be wrong with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An owner leads to a place where its connection is not, or the connection not back.
    Owner,
    /// The list does not lead through all open connections in their order.
    List,
    /// A holder's address leads to a place where the connection is not.
    Holder,
    /// Not as many references as there are who have one.
    References,
    /// A connection that dies, or one that was never opened, was touched.
    Dying,
    /// A connection does not carry what it did.
    Content,
    /// An object is in use that nobody leads to.
    Lost,
}

impl Fault {
    /// A sentence that says so.
    pub fn sentence(self) -> &'static str {
        match self {
            Fault::Owner => "conn: an owner does not lead to its connection",
            Fault::List => "conn: the list does not lead to every connection",
            Fault::Holder => "conn: the address that a holder keeps is no longer its connection's",
            Fault::References => "conn: a connection's references are not those that it has",
            Fault::Dying => "conn: a connection that was dying, or not yet opened, was touched",
            Fault::Content => "conn: a connection does not carry what it did",
            Fault::Lost => "conn: an object is in use, and nobody leads to it",
        }
    }
}

/// Whether an object of the cache of connections is in use at `conn`, which may be anything.
pub fn is_conn(mem: &Mem, conn: Ref<Conn>) -> bool {
    if super::allocator(mem) == Allocator::Slob {
        return conn.frame() < mem.frames() && !conn.is_null();
    }
    let cache = mem[table(mem)].cache;
    place_at(mem, conn.cast())
        .is_some_and(|place| place.in_use && place.cache == cache && place.object == conn.cast())
}

/// Looks for everything that is wrong with connections, whatever their objects hold, and tells
/// `report` the fault and the connection's number. While a slab is vacated its objects cannot be
/// counted, so nobody can tell what was lost: `is_vacating` leaves that out.
pub fn audit(mem: &Mem, is_vacating: bool, report: &mut dyn FnMut(Fault, u32)) {
    let table = table(mem);
    if table.is_null() {
        return;
    }
    let Table { cache, next, .. } = mem[table];
    let (mut opened, mut kept) = (0, 0);
    for id in 0..next {
        let at = owner_at(table, id);
        let Owner { conn, held } = mem[at];
        let is_held = !held.is_null();
        if is_held && (!is_conn(mem, held) || !conn.is_null() && held != conn) {
            report(Fault::Holder, id);
        } else if is_held && conn.is_null() {
            kept += 1;
            let found = mem[held];
            let reserved = bytemuck::bytes_of(&found).iter().all(|&byte| byte == 0);
            let closing = found.id == id && found.state == State::Closing as u32;
            if closing && found.refs != 1 {
                report(Fault::References, id);
            } else if !reserved && !closing {
                report(Fault::Dying, id);
            }
        }
        if conn.is_null() {
            continue;
        }
        opened += 1;
        if !is_conn(mem, conn) || mem[conn].owner != at {
            report(Fault::Owner, id);
            continue;
        }
        let found = mem[conn];
        if found.refs != 1 + u32::from(is_held) {
            report(Fault::References, id);
        }
        if found.id != id || found.data != data(id) || found.state != State::Open as u32 {
            report(Fault::Content, id);
        }
    }
    // In the order of their numbers, and no more than there are.
    let mut listed = 0;
    let is_sound = mem.list_is_sound(list(mem), next);
    if is_sound {
        let mut least = 0;
        for link in mem.list_iter(list(mem)) {
            let conn: Ref<Conn> = link.cast();
            let fits = is_conn(mem, conn) && mem[conn].id >= least;
            let owner = fits.then(|| owner(mem, mem[conn].id)).flatten();
            if owner.is_some_and(|owner| mem[owner].conn == conn) {
                least = mem[conn].id + 1;
                listed += 1;
            }
        }
    }
    if !is_sound || listed != opened {
        report(Fault::List, next);
    }
    let mut doomed = 0;
    let is_sound = mem.list_is_sound(dying(mem), next);
    if is_sound {
        for link in mem.list_iter(dying(mem)) {
            let conn: Ref<Conn> = link.cast();
            doomed += 1;
            if !is_conn(mem, conn)
                || mem[conn].refs != 0
                || mem[conn].state != State::Closing as u32
            {
                report(Fault::Dying, next);
            }
        }
    } else {
        report(Fault::Dying, next);
    }
    let known = opened + kept + doomed;
    if !is_vacating && super::counts(mem, cache).active_objects != known {
        report(Fault::Lost, next);
    }
}

/// Checks the connections.
pub(super) fn check(mem: &Mem) -> Result<(), &'static str> {
    let mut first = None;
    audit(mem, false, &mut |fault, _| {
        first.get_or_insert(fault.sentence());
    });
    first.map_or(Ok(()), Err)
}
