//! *get* and *kick* for the cache of connections.

use kernel_core::mem::{Gfp, ListHead, Mem, Ref, UNIT};
use kernel_core::slab::conn::{self, Conn, Owner, State, Table};
use kernel_core::slab::{self, KmemCache, Object};
use wasmi::{Caller, Error, Linker};

use super::window::{self, Call, enter, parts};
use super::{Ask, Loaded};
use crate::Fault;
use crate::findings::Findings;

// The layout that `glass.rs` has as well.
const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(Conn, list) == 0);
    assert!(offset_of!(Conn, owner) == 8 && offset_of!(Conn, refs) == 12);
    assert!(offset_of!(Conn, id) == 16 && offset_of!(Conn, state) == 20);
    assert!(offset_of!(Conn, data) == 24 && size_of::<Conn>() == 64);
    assert!(offset_of!(Owner, conn) == 0 && offset_of!(Owner, held) == 4);
    assert!(size_of::<Owner>() == 8 && size_of::<ListHead>() == 8);
    assert!(offset_of!(ListHead, next) == 0 && offset_of!(ListHead, prev) == 4);
    assert!(offset_of!(Table, list) == 0);
};

/// What `get` and `kick` have been given.
pub(super) struct Rights<'a> {
    cache: Ref<KmemCache>,
    is_get: bool,
    /// The entries.
    pinned: &'a [Ref<Object>],
    /// What was allocated meanwhile.
    fresh: Vec<Ref<Object>>,
}

/// Calls `get`.
pub(super) fn get(
    module: &Loaded,
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    objects: &mut [Ref<Object>],
) -> u32 {
    let before: Vec<u32> = objects.iter().map(|object| refs(mem, *object)).collect();
    if let Some((private, pinned)) = call(module, mem, cache, objects, None) {
        check_pins(&module.findings, mem, objects, &pinned, &before);
        if !module.findings.is_final() {
            objects.copy_from_slice(&pinned);
            return private;
        }
    }
    objects.fill(Ref::NULL);
    0
}

/// Calls `kick`.
pub(super) fn kick(
    module: &Loaded,
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    objects: &[Ref<Object>],
    private: u32,
) {
    if call(module, mem, cache, objects, Some(private)).is_some() {
        module.findings.audit(mem, true);
    }
}

/// Runs `kick` if there is something for it from `get`, else `get`. Returns what it returned and its
/// entries, unless it was stopped.
fn call(
    module: &Loaded,
    mem: &mut Mem,
    cache: Ref<KmemCache>,
    objects: &[Ref<Object>],
    kick: Option<u32>,
) -> Option<(u32, Vec<Ref<Object>>)> {
    let rights = window::Rights::Slab(Rights {
        cache,
        is_get: kick.is_none(),
        pinned: objects,
        fresh: Vec::new(),
    });
    let units = objects
        .iter()
        .flat_map(|object| object.unit().to_le_bytes());
    let ask = Ask {
        what: u32::from(kick.is_some()),
        a: cache.unit(),
        b: objects.len() as u32,
        c: kick.unwrap_or(0).into(),
        input: vec![(0, units.collect())],
        output: 4 * objects.len(),
    };
    let name = if kick.is_some() { "kick" } else { "get" };
    let (private, entries) = module.call(mem, name, rights, ask)?;
    let entries = entries.chunks_exact(4);
    let entries =
        entries.map(|unit| Ref::new(u32::from_le_bytes([unit[0], unit[1], unit[2], unit[3]])));
    Some((private as u32, entries.collect()))
}

fn refs(mem: &Mem, object: Ref<Object>) -> u32 {
    mem[object.cast::<Conn>()].refs
}

/// What the kernel found wrong with connections, told to a student.
fn told(mem: &Mem, fault: conn::Fault, id: u32) -> (Fault, String) {
    let table = mem[conn::table(mem)];
    let owner = conn::owner(mem, id).map(|owner| mem[owner]);
    let place = owner.map_or(Ref::NULL, |owner| owner.conn);
    let refs = match conn::is_conn(mem, place) {
        true => mem[place].refs,
        false => 0,
    };
    let held = owner.is_some_and(|owner| !owner.held.is_null());
    match fault {
        conn::Fault::Owner => (
            Fault::Owner,
            format!(
                "the owner of connection {id} leads to {place}, where it is not, or does not lead \
                 back"
            ),
        ),
        conn::Fault::List => (
            Fault::List,
            "the list of connections does not lead through all that are open, there and back"
                .to_string(),
        ),
        conn::Fault::Holder => (
            Fault::Holder,
            format!("somebody holds the address of connection {id}, and it is not there any more"),
        ),
        conn::Fault::References => (
            Fault::References,
            match place.is_null() {
                true => format!("connection {id} has other references than its holder's"),
                false => format!(
                    "connection {id} has {refs} references: {}",
                    match held {
                        true => "its owner and its holder have one each",
                        false => "its owner has one, and nobody holds it",
                    }
                ),
            },
        ),
        conn::Fault::Dying => (
            Fault::Dying,
            match id == table.next {
                true => "a connection that was dying is not dying any more".to_string(),
                false => format!("connection {id} was never opened, and was written to"),
            },
        ),
        conn::Fault::Content => (
            Fault::Content,
            format!("connection {id} does not carry what it did before"),
        ),
        conn::Fault::Lost => {
            let active = slab::counts(mem, table.cache).active_objects;
            (
                Fault::Lost,
                format!("{active} objects are in use, and some of them nobody leads to"),
            )
        }
    }
}

/// Holds what `get` has answered against what it has done.
fn check_pins(
    findings: &Findings,
    mem: &Mem,
    objects: &[Ref<Object>],
    pinned: &[Ref<Object>],
    before: &[u32],
) {
    for ((&object, &entry), &before) in objects.iter().zip(pinned).zip(before) {
        let conn: Ref<Conn> = object.cast();
        let Conn { id, state, .. } = mem[conn];
        let taken = i64::from(mem[conn].refs) - i64::from(before);
        let what = match () {
            () if state == State::New as u32 => format!("{object}, which is new,"),
            () if before == 0 => format!("connection {id}, which is dying,"),
            () => format!("connection {id}"),
        };
        let alive = before > 0;
        let (fault, text) = match (entry.is_null(), taken) {
            (true, 0) => continue,
            (false, _) if entry != object => (
                Fault::Pin,
                format!("get put {entry} in the place of {object}: an entry stays or is NULL"),
            ),
            (_, 1..) | (false, _) if !alive => (
                Fault::Dying,
                format!("get pinned {what} although nobody has a reference to it any more"),
            ),
            (false, 1) => continue,
            (true, _) => (
                Fault::Pin,
                format!("get set the entry of {what} to NULL, and changed its references"),
            ),
            (false, _) => (
                Fault::Pin,
                format!("get left {what} among the objects with {taken} references more, not 1"),
            ),
        };
        findings.add(fault, text);
    }
}

/// The calls of the kernel that only these callbacks have.
pub(super) fn link<'a>(linker: &mut Linker<Call<'a>>) -> Result<(), Error> {
    linker
        .func_wrap(
            "kernel",
            "kmem_cache_alloc",
            |mut caller: Caller<'_, Call<'a>>, cache: u32| -> Result<u32, Error> {
                enter(&mut caller)?;
                let (bytes, call) = parts(&mut caller)?;
                let unit = alloc(call, cache)?;
                call.show_again(bytes);
                Ok(unit)
            },
        )?
        .func_wrap(
            "kernel",
            "kmem_cache_free",
            |mut caller: Caller<'_, Call<'a>>, cache: u32, object: u32| -> Result<(), Error> {
                enter(&mut caller)?;
                let (bytes, call) = parts(&mut caller)?;
                free(call, cache, object)?;
                call.show_again(bytes);
                Ok(())
            },
        )?
        .func_wrap(
            "kernel",
            "conn_put",
            |mut caller: Caller<'_, Call<'a>>, conn: u32| -> Result<(), Error> {
                enter(&mut caller)?;
                let (bytes, call) = parts(&mut caller)?;
                put(call, conn)?;
                call.show_again(bytes);
                Ok(())
            },
        )?;
    Ok(())
}

/// Whether a callback may write to the four bytes at `at`.
///
/// # Errors
/// What is there, in words.
pub(super) fn may_write(mem: &Mem, rights: &Rights<'_>, at: usize) -> Result<(), String> {
    let unit = (at / UNIT) as u32;
    let place: Ref<Object> = Ref::new(unit);
    let table = conn::table(mem);
    let begin = table.unit() as usize * UNIT;
    let owners = begin + size_of::<Table>();
    let next = mem[table].next as usize;
    let end = owners + next * size_of::<Owner>();
    if (begin..begin + size_of::<ListHead>()).contains(&at) {
        return Ok(());
    }
    if (owners..end).contains(&at) {
        let field = (at - owners) % size_of::<Owner>();
        return match field {
            0 => Ok(()),
            _ => Err("the address that a holder keeps, and theirs alone".to_string()),
        };
    }
    if (begin..owners).contains(&at) {
        return Err("the list of dying connections, or the kernel's own numbers".to_string());
    }
    let Some(found) = slab::place_at(mem, place) else {
        return Err("no object of any cache".to_string());
    };
    if found.cache != rights.cache {
        let name = mem[found.cache].name();
        return Err(format!("an object of the cache {name}"));
    }
    if !found.in_use {
        return Err("a free object of the cache conn".to_string());
    }
    match at < found.object.unit() as usize * UNIT + size_of::<Conn>() {
        true => Ok(()),
        false => Err("behind an object of the cache conn".to_string()),
    }
}

fn alloc(call: &mut Call<'_>, cache: u32) -> Result<u32, Error> {
    let window::Rights::Slab(rights) = &mut call.rights else {
        return Err(Error::new("no cache was given"));
    };
    if cache != rights.cache.unit() {
        let text = format!("{} called kmem_cache_alloc with another cache", call.name);
        return Err(call.stop(Fault::Wild, text));
    }
    // From inside a get the kernel itself refuses, and says so in its log.
    let object = slab::kmem_cache_alloc::<Object>(call.mem, rights.cache, Gfp::KERNEL);
    if rights.is_get {
        let text = "get called kmem_cache_alloc, with the slab locked: on a real machine it \
                        would wait for itself for ever";
        return Err(call.stop(Fault::SlabCall, text.to_string()));
    }
    rights.fresh.extend(object);
    Ok(object.map_or(0, Ref::unit))
}

fn free(call: &mut Call<'_>, cache: u32, object: u32) -> Result<(), Error> {
    let object: Ref<Object> = Ref::new(object);
    let name = call.name;
    let window::Rights::Slab(rights) = &mut call.rights else {
        return Err(Error::new("no cache was given"));
    };
    if rights.is_get {
        let text = "get called kmem_cache_free, with the slab locked: on a real machine it \
                        would wait for itself for ever";
        return Err(call.stop(Fault::SlabCall, text.to_string()));
    }
    if cache != rights.cache.unit() || !conn::is_conn(call.mem, object.cast()) {
        let text = format!("{name} freed {object}, which is no object in use");
        return Err(call.stop(Fault::Wild, text));
    }
    if !rights.pinned.contains(&object) && !rights.fresh.contains(&object) {
        let id = call.mem[object.cast::<Conn>()].id;
        let text = format!("{name} freed {object} (connection {id}), which get has not pinned");
        return Err(call.stop(Fault::Wild, text));
    }
    let content = call.mem[object.cast::<Conn>()];
    if bytemuck::bytes_of(&content).iter().any(|&byte| byte != 0) {
        let text = format!(
            "{name} freed {object}, which is not as its constructor made it: the next who \
                 allocates it takes it for new"
        );
        return Err(call.stop(Fault::Lost, text));
    }
    rights.fresh.retain(|&fresh| fresh != object);
    slab::kmem_cache_free(call.mem, rights.cache, object);
    Ok(())
}

fn put(call: &mut Call<'_>, conn: u32) -> Result<(), Error> {
    let conn: Ref<Conn> = Ref::new(conn);
    if !conn::is_conn(call.mem, conn) || call.mem[conn].refs == 0 {
        let text = format!("{} put {conn}, which has no references", call.name);
        return Err(call.stop(Fault::Wild, text));
    }
    let Conn { refs, state, .. } = call.mem[conn];
    if refs == 1 && state == State::Open as u32 {
        let id = call.mem[conn].id;
        let text = format!(
            "{} put the last reference to connection {id}, which its owner still leads to",
            call.name
        );
        return Err(call.stop(Fault::References, text));
    }
    conn::put_reference(call.mem, conn);
    Ok(())
}

impl Findings {
    /// Notes what is wrong with the connections. While a slab `is_vacating`, some of it cannot be
    /// told.
    pub fn audit(&self, mem: &Mem, is_vacating: bool) {
        conn::audit(mem, is_vacating, &mut |fault, id| {
            let (fault, text) = told(mem, fault, id);
            self.add(fault, format!("after kick, {text}"));
        });
    }
}
