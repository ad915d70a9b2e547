//! The module in its box.
//!
//! Each call of a callback gets an instance of its own, so that what a student keeps in a `static`
//! is gone afterwards, and a replay does the same again. The kernel's memory is seen through a window
//! at the end of the module's own memory: `show` copies a frame there. Whenever the module calls the
//! kernel, and at its end, the frames that were shown are compared with their copies, word by word.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel_core::cache_ops::Module as KernelModule;
use kernel_core::mem::{FRAME_SIZE, Gfp, ListHead, Mem, Ref, UNIT};
use kernel_core::slab::conn::{self, Conn, Owner, State, Table};
use kernel_core::slab::{self, KmemCache, Object};
use wasmi::{
    Caller, Config, Engine, Error, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder,
    TrapCode,
};

use crate::{Fault, Finding, Refusal};

/// Instructions, roughly, that one call of a callback may take. What is asked for takes some
/// thousand.
pub const FUEL: u64 = 10_000_000;

/// What a call of the kernel costs besides, and each frame that is compared then.
const FUEL_CALL: u64 = 100;
const FUEL_FRAME: u64 = 500;

/// Bytes of memory of its own that a module may have.
const OWN_MEMORY: usize = 4 << 20;

/// Bytes of the largest machine whose memory the window shows.
const WINDOW_MAX: usize = 256 << 20;

/// Bytes of a page of WebAssembly's memory.
const WASM_PAGE: usize = 64 << 10;

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

/// Callbacks, ready to be loaded into any number of kernels.
#[derive(Debug, Clone)]
pub struct Code {
    engine: Engine,
    module: Module,
}

/// What the callbacks of a kernel did wrong so far.
#[derive(Debug, Clone, Default)]
pub struct Findings(Arc<Mutex<Found>>);

#[derive(Debug, Default)]
struct Found {
    list: Vec<Finding>,
    /// What ended it.
    end: Option<Finding>,
}

impl Findings {
    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first of each kind, in the order of their happening.
    pub fn list(&self) -> Vec<Finding> {
        self.lock().list.clone()
    }

    /// Notes something.
    pub fn add(&self, fault: Fault, text: String) {
        if fault.is_final() {
            return self.end(fault, text);
        }
        self.note(Finding { fault, text });
    }

    /// Notes something after which nothing more can be done.
    pub fn end(&self, fault: Fault, text: String) {
        let finding = Finding { fault, text };
        self.note(finding.clone());
        self.lock().end.get_or_insert(finding);
    }

    fn note(&self, finding: Finding) {
        let list = &mut self.lock().list;
        if list.iter().all(|known| known.fault != finding.fault) {
            list.push(finding);
        }
    }

    /// What ended it: the callbacks are not called any more, and whoever runs the kernel had better
    /// stop, for its structures may be broken.
    pub fn the_end(&self) -> Option<Finding> {
        self.lock().end.clone()
    }

    /// Notes what is wrong with the connections. While a slab `is_vacating`, some of it cannot be
    /// told.
    pub fn audit(&self, mem: &Mem, is_vacating: bool) {
        conn::audit(mem, is_vacating, &mut |fault, id| {
            let (fault, text) = told(mem, fault, id);
            self.add(fault, format!("after kick, {text}"));
        });
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lock().list.is_empty()
    }

    /// Whether there is an end; see [`Findings::the_end`].
    pub fn is_final(&self) -> bool {
        self.lock().end.is_some()
    }
}

impl Code {
    /// Takes a module that [`crate::compile()`] has made.
    pub(crate) fn new(wasm: &[u8]) -> Result<Code, Refusal> {
        let mut config = Config::default();
        config.consume_fuel(true).allow_start_fn(false);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, wasm);
        let module =
            module.map_err(|error| Refusal::Unfit(format!("ops.rs made no module: {error}")))?;
        Ok(Code { engine, module })
    }

    /// What to load into a kernel, and where to read what it does wrong there.
    pub fn load(&self) -> (Box<dyn KernelModule>, Findings) {
        let findings = Findings::default();
        let loaded = Loaded {
            code: self.clone(),
            findings: findings.clone(),
        };
        (Box::new(loaded), findings)
    }
}

/// The module of one kernel.
struct Loaded {
    code: Code,
    findings: Findings,
}

impl KernelModule for Loaded {
    fn get(&mut self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32 {
        let before: Vec<u32> = objects.iter().map(|object| refs(mem, *object)).collect();
        if let Some((private, pinned)) = self.call(mem, cache, objects, None) {
            self.check_pins(mem, objects, &pinned, &before);
            if !self.findings.is_final() {
                objects.copy_from_slice(&pinned);
                return private;
            }
        }
        objects.fill(Ref::NULL);
        0
    }

    fn kick(
        &mut self,
        mem: &mut Mem,
        cache: Ref<KmemCache>,
        objects: &[Ref<Object>],
        private: u32,
    ) {
        if self.call(mem, cache, objects, Some(private)).is_some() {
            self.findings.audit(mem, true);
        }
    }
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

impl Loaded {
    /// Holds what `get` has answered against what it has done.
    fn check_pins(
        &self,
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
                    format!(
                        "get left {what} among the objects with {taken} references more, not 1"
                    ),
                ),
            };
            self.findings.add(fault, text);
        }
    }

    /// Runs a callback: `kick` if there is something for it from `get`. Returns what it returned and
    /// its entries, unless it was stopped.
    fn call(
        &self,
        mem: &mut Mem,
        cache: Ref<KmemCache>,
        objects: &[Ref<Object>],
        kick: Option<u32>,
    ) -> Option<(u32, Vec<Ref<Object>>)> {
        if self.findings.is_final() {
            // Its time is over.
            return None;
        }
        let length = mem.frames() as usize * FRAME_SIZE;
        let name = if kick.is_some() { "kick" } else { "get" };
        let limits = StoreLimitsBuilder::new()
            .memory_size(OWN_MEMORY + length.min(WINDOW_MAX))
            .instances(1)
            .memories(1)
            .tables(1)
            .table_elements(10_000)
            .build();
        let call = Call {
            mem,
            cache,
            name,
            pinned: objects,
            fresh: Vec::new(),
            window: 0,
            shown: BTreeMap::new(),
            memory: None,
            findings: &self.findings,
            limits,
        };
        let mut store = Store::new(&self.code.engine, call);
        let outcome = self.run(&mut store, cache, objects, length, kick);
        let fault = match outcome {
            Ok(answer) => return Some(answer),
            Err(error) => match error.as_trap_code() {
                Some(TrapCode::OutOfFuel) => (
                    Fault::Endless,
                    format!("{name} did not end within {FUEL} instructions"),
                ),
                Some(TrapCode::StackOverflow) => (
                    Fault::Endless,
                    format!("{name} called itself too often: its stack is full"),
                ),
                _ => (Fault::Panic, format!("{name} was stopped: {error}")),
            },
        };
        // Unless the reason is known: the error is only how the call was ended then.
        if !self.findings.is_final() {
            self.findings.end(fault.0, fault.1);
        }
        None
    }

    fn run<'a>(
        &self,
        store: &mut Store<Call<'a>>,
        cache: Ref<KmemCache>,
        objects: &[Ref<Object>],
        length: usize,
        kick: Option<u32>,
    ) -> Result<(u32, Vec<Ref<Object>>), Error> {
        store.limiter(|call| &mut call.limits);
        store.set_fuel(FUEL)?;
        let linker = linker(&self.code.engine)?;
        let instance = linker.instantiate_and_start(&mut *store, &self.code.module)?;
        let memory = instance
            .get_memory(&*store, "memory")
            .ok_or_else(|| Error::new("a module without memory"))?;
        if length > WINDOW_MAX {
            return Err(Error::new("the machine has more than 256 MiB"));
        }
        let window = memory.data_size(&*store);
        let place = instance
            .get_typed_func::<(), u32>(&*store, "objects")?
            .call(&mut *store, ())? as usize;
        for (index, object) in objects.iter().enumerate() {
            let unit = object.unit().to_le_bytes();
            memory.write(&mut *store, place + 4 * index, &unit)?;
        }
        store.data_mut().window = window;
        store.data_mut().memory = Some(memory);
        let entry =
            instance.get_typed_func::<(u32, u32, u32, u32, u32, u32), u32>(&*store, "call")?;
        let answer = entry.call(
            &mut *store,
            (
                u32::from(kick.is_some()),
                window as u32,
                length as u32,
                cache.unit(),
                objects.len() as u32,
                kick.unwrap_or(0),
            ),
        )?;
        let (bytes, call) = memory.data_and_store_mut(&mut *store);
        call.take_back(bytes)?;
        let entries = bytes[place..].chunks_exact(4).take(objects.len());
        let entries =
            entries.map(|unit| Ref::new(u32::from_le_bytes([unit[0], unit[1], unit[2], unit[3]])));
        Ok((answer, entries.collect()))
    }
}

/// One call of a callback.
struct Call<'a> {
    mem: &'a mut Mem,
    cache: Ref<KmemCache>,
    /// `get` or `kick`.
    name: &'static str,
    /// The entries that it got.
    pinned: &'a [Ref<Object>],
    /// What it has allocated.
    fresh: Vec<Ref<Object>>,
    /// Where the window begins in the module's memory.
    window: usize,
    /// The frames that it has seen, as they were then.
    shown: BTreeMap<u32, Box<[u8; FRAME_SIZE]>>,
    memory: Option<Memory>,
    findings: &'a Findings,
    limits: StoreLimits,
}

/// The calls of the kernel.
fn linker<'a>(engine: &Engine) -> Result<Linker<Call<'a>>, Error> {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap(
            "kernel",
            "show",
            |mut caller: Caller<'_, Call<'a>>, frame: u32| {
                pay(&mut caller, FUEL_FRAME)?;
                grow(&mut caller, frame)?;
                let (bytes, call) = parts(&mut caller)?;
                call.show(bytes, frame)
            },
        )?
        .func_wrap(
            "kernel",
            "kmem_cache_alloc",
            |mut caller: Caller<'_, Call<'a>>, cache: u32| -> Result<u32, Error> {
                enter(&mut caller)?;
                let (bytes, call) = parts(&mut caller)?;
                let unit = call.alloc(cache)?;
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
                call.free(cache, object)?;
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
                call.put(conn)?;
                call.show_again(bytes);
                Ok(())
            },
        )?
        .func_wrap(
            "kernel",
            "printk",
            |mut caller: Caller<'_, Call<'a>>, text: u32, length: u32| -> Result<(), Error> {
                pay(&mut caller, FUEL_CALL + u64::from(length))?;
                let (bytes, call) = parts(&mut caller)?;
                let text = line(bytes, text, length);
                call.mem.printk(format_args!("ops: {text}"));
                Ok(())
            },
        )?
        .func_wrap(
            "kernel",
            "panic",
            |mut caller: Caller<'_, Call<'a>>, text: u32, length: u32| -> Result<(), Error> {
                let (bytes, call) = parts(&mut caller)?;
                let text = line(bytes, text, length);
                Err(call.stop(Fault::Panic, format!("{} panicked at {text}", call.name)))
            },
        )?;
    Ok(linker)
}

/// A line that the module wrote.
fn line(bytes: &[u8], at: u32, length: u32) -> String {
    let at = at as usize;
    let bytes = bytes.get(at..at + length.min(240) as usize);
    let text = String::from_utf8_lossy(bytes.unwrap_or_default());
    text.replace(|letter: char| letter.is_control(), " ")
}

/// The module's memory, and the rest.
fn parts<'c, 'a>(
    caller: &'c mut Caller<'_, Call<'a>>,
) -> Result<(&'c mut [u8], &'c mut Call<'a>), Error> {
    let memory = caller.data().memory;
    let memory = memory.ok_or_else(|| Error::new("called too early"))?;
    Ok(memory.data_and_store_mut(caller))
}

fn pay(caller: &mut Caller<'_, Call<'_>>, cost: u64) -> Result<(), Error> {
    let left = caller.get_fuel()?.checked_sub(cost);
    caller.set_fuel(left.unwrap_or(0))?;
    left.map(|_| ())
        .ok_or_else(|| Error::from(TrapCode::OutOfFuel))
}

/// Makes the window reach as far as `frame`. It is zeroed when it grows, so it grows no further.
fn grow(caller: &mut Caller<'_, Call<'_>>, frame: u32) -> Result<(), Error> {
    let Some(memory) = caller.data().memory else {
        return Err(Error::new("called too early"));
    };
    if frame >= caller.data().mem.frames() {
        return Err(Error::new("there is no such frame"));
    }
    let missing = caller.data().place(frame).end;
    let missing = missing.saturating_sub(memory.data_size(&*caller));
    if missing > 0 {
        memory.grow(&mut *caller, missing.div_ceil(WASM_PAGE) as u64)?;
    }
    Ok(())
}

/// What each call of the kernel begins with.
fn enter(caller: &mut Caller<'_, Call<'_>>) -> Result<(), Error> {
    let frames = caller.data().shown.len() as u64;
    pay(caller, FUEL_CALL + FUEL_FRAME * frames)?;
    let (bytes, call) = parts(caller)?;
    call.take_back(bytes)
}

impl Call<'_> {
    /// Notes a fault and ends the call.
    fn stop(&self, fault: Fault, text: String) -> Error {
        self.findings.end(fault, text);
        Error::i32_exit(1)
    }

    /// Where a frame is in the module's memory.
    fn place(&self, frame: u32) -> std::ops::Range<usize> {
        let begin = self.window + frame as usize * FRAME_SIZE;
        begin..begin + FRAME_SIZE
    }

    fn show(&mut self, bytes: &mut [u8], frame: u32) -> Result<(), Error> {
        let content = *self.mem.frame(frame);
        bytes[self.place(frame)].copy_from_slice(&content);
        self.shown.insert(frame, Box::new(content));
        Ok(())
    }

    /// Shows what the kernel has changed meanwhile.
    fn show_again(&mut self, bytes: &mut [u8]) {
        let Call {
            mem, shown, window, ..
        } = self;
        for (&frame, copy) in shown {
            let content = mem.frame(frame);
            if **copy != *content {
                **copy = *content;
                let begin = *window + frame as usize * FRAME_SIZE;
                bytes[begin..begin + FRAME_SIZE].copy_from_slice(content);
            }
        }
    }

    /// Takes over what the module has written.
    fn take_back(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut changes = Vec::new();
        for (&frame, copy) in &self.shown {
            let now = &bytes[self.place(frame)];
            if now == copy.as_slice() {
                continue;
            }
            let words = now.chunks_exact(4).zip(copy.chunks_exact(4));
            let changed = words.enumerate().filter(|(_, (now, was))| now != was);
            changes.extend(
                changed
                    .map(|(index, (now, _))| (frame, 4 * index, [now[0], now[1], now[2], now[3]])),
            );
        }
        for (frame, offset, word) in changes {
            let at = frame as usize * FRAME_SIZE + offset;
            if let Err(what) = self.may_write(at) {
                let place: Ref<Object> = Ref::new((at / UNIT) as u32);
                let text = format!("{} wrote to {place}, which is {what}", self.name);
                return Err(self.stop(Fault::Wild, text));
            }
            self.mem.frame_mut(frame)[offset..offset + 4].copy_from_slice(&word);
            if let Some(copy) = self.shown.get_mut(&frame) {
                copy[offset..offset + 4].copy_from_slice(&word);
            }
        }
        Ok(())
    }

    /// Whether a callback may write to the four bytes at `at`.
    ///
    /// # Errors
    /// What is there, in words.
    fn may_write(&self, at: usize) -> Result<(), String> {
        let unit = (at / UNIT) as u32;
        let place: Ref<Object> = Ref::new(unit);
        let table = conn::table(self.mem);
        let begin = table.unit() as usize * UNIT;
        let owners = begin + size_of::<Table>();
        let next = self.mem[table].next as usize;
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
        let Some(found) = slab::place_at(self.mem, place) else {
            return Err("no object of any cache".to_string());
        };
        if found.cache != self.cache {
            let name = self.mem[found.cache].name();
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

    fn is_get(&self) -> bool {
        self.name == "get"
    }

    fn alloc(&mut self, cache: u32) -> Result<u32, Error> {
        if cache != self.cache.unit() {
            let text = format!("{} called kmem_cache_alloc with another cache", self.name);
            return Err(self.stop(Fault::Wild, text));
        }
        // From inside a get the kernel itself refuses, and says so in its log.
        let object = slab::kmem_cache_alloc::<Object>(self.mem, self.cache, Gfp::KERNEL);
        if self.is_get() {
            let text = "get called kmem_cache_alloc, with the slab locked: on a real machine it \
                        would wait for itself for ever";
            return Err(self.stop(Fault::SlabCall, text.to_string()));
        }
        self.fresh.extend(object);
        Ok(object.map_or(0, Ref::unit))
    }

    fn free(&mut self, cache: u32, object: u32) -> Result<(), Error> {
        let object: Ref<Object> = Ref::new(object);
        let name = self.name;
        if self.is_get() {
            let text = "get called kmem_cache_free, with the slab locked: on a real machine it \
                        would wait for itself for ever";
            return Err(self.stop(Fault::SlabCall, text.to_string()));
        }
        if cache != self.cache.unit() || !conn::is_conn(self.mem, object.cast()) {
            let text = format!("{name} freed {object}, which is no object in use");
            return Err(self.stop(Fault::Wild, text));
        }
        if !self.pinned.contains(&object) && !self.fresh.contains(&object) {
            let id = self.mem[object.cast::<Conn>()].id;
            let text = format!("{name} freed {object} (connection {id}), which get has not pinned");
            return Err(self.stop(Fault::Wild, text));
        }
        let content = self.mem[object.cast::<Conn>()];
        if bytemuck::bytes_of(&content).iter().any(|&byte| byte != 0) {
            let text = format!(
                "{name} freed {object}, which is not as its constructor made it: the next who \
                 allocates it takes it for new"
            );
            return Err(self.stop(Fault::Lost, text));
        }
        self.fresh.retain(|&fresh| fresh != object);
        slab::kmem_cache_free(self.mem, self.cache, object);
        Ok(())
    }

    fn put(&mut self, conn: u32) -> Result<(), Error> {
        let conn: Ref<Conn> = Ref::new(conn);
        if !conn::is_conn(self.mem, conn) || self.mem[conn].refs == 0 {
            let text = format!("{} put {conn}, which has no references", self.name);
            return Err(self.stop(Fault::Wild, text));
        }
        let Conn { refs, state, .. } = self.mem[conn];
        if refs == 1 && state == State::Open as u32 {
            let id = self.mem[conn].id;
            let text = format!(
                "{} put the last reference to connection {id}, which its owner still leads to",
                self.name
            );
            return Err(self.stop(Fault::References, text));
        }
        conn::put_reference(self.mem, conn);
        Ok(())
    }
}
