//! What a callback sees of the kernel, and what the kernel takes over from it.
//!
//! The window is at the end of the module's own memory: `show` copies a frame there. Whenever the module
//! calls the kernel, and at its end, the frames that were shown are compared with their copies, word by
//! word, and what has changed is written to the kernel's memory: if the callback may write there.

use std::collections::BTreeMap;

use kernel_core::mem::{FRAME_SIZE, Mem, Ref, UNIT};
use kernel_core::module::Kind;
use kernel_core::slab::Object;
use wasmi::{
    Caller, Engine, Error, Linker, Memory, ResourceLimiter, StoreLimits, StoreLimitsBuilder,
    TrapCode,
};

use super::{proc, slab, subsystem};
use crate::Fault;
use crate::findings::Findings;

/// What a call of the kernel costs besides, and each frame that is compared then.
const FUEL_CALL: u64 = 100;
const FUEL_FRAME: u64 = 500;

/// Bytes of memory of its own that a module may have.
const OWN_MEMORY: usize = 4 << 20;

/// Bytes of the largest machine whose memory the window shows.
const WINDOW_MAX: usize = 256 << 20;

/// Bytes of a page of WebAssembly's memory.
const WASM_PAGE: usize = 64 << 10;

/// What a callback has been given, and may therefore touch.
pub(super) enum Rights<'a> {
    /// Objects of a cache.
    Slab(slab::Rights<'a>),
    /// Containers and a task.
    Subsystem(subsystem::Rights),
    /// The pot and its numbers.
    ProcFile,
    /// Nothing: it has been told all.
    None,
}

/// One call of a callback.
pub(super) struct Call<'a> {
    pub(super) mem: &'a mut Mem,
    /// The callback.
    pub(super) name: &'static str,
    pub(super) rights: Rights<'a>,
    /// Where the window begins in the module's memory.
    window: usize,
    /// The frames that it has seen, as they were then.
    shown: BTreeMap<u32, Box<[u8; FRAME_SIZE]>>,
    memory: Option<Memory>,
    findings: &'a Findings,
    limits: StoreLimits,
}

/// The calls of the kernel that every module has, and those of its kind.
pub(super) fn linker<'a>(engine: &Engine, kind: Kind) -> Result<Linker<Call<'a>>, Error> {
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
    match kind {
        Kind::Slab => slab::link(&mut linker)?,
        Kind::Subsystem => subsystem::link(&mut linker)?,
        Kind::ProcFile | Kind::OomPolicy => {}
    }
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
pub(super) fn parts<'c, 'a>(
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
pub(super) fn enter(caller: &mut Caller<'_, Call<'_>>) -> Result<(), Error> {
    let frames = caller.data().shown.len() as u64;
    pay(caller, FUEL_CALL + FUEL_FRAME * frames)?;
    let (bytes, call) = parts(caller)?;
    call.take_back(bytes)
}

impl<'a> Call<'a> {
    /// A call that has not begun.
    pub(super) fn new(
        mem: &'a mut Mem,
        name: &'static str,
        rights: Rights<'a>,
        findings: &'a Findings,
    ) -> Call<'a> {
        let length = mem.frames() as usize * FRAME_SIZE;
        let limits = StoreLimitsBuilder::new()
            .memory_size(OWN_MEMORY + length.min(WINDOW_MAX))
            .instances(1)
            .memories(1)
            .tables(1)
            .table_elements(10_000)
            .build();
        Call {
            mem,
            name,
            rights,
            window: 0,
            shown: BTreeMap::new(),
            memory: None,
            findings,
            limits,
        }
    }

    /// What the module may take of the host.
    pub(super) fn limits(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.limits
    }

    /// Opens the window behind the module's own memory. Returns how many bytes can be seen.
    pub(super) fn open(&mut self, memory: Memory, window: usize) -> Result<usize, Error> {
        let length = self.mem.frames() as usize * FRAME_SIZE;
        if length > WINDOW_MAX {
            return Err(Error::new("the machine has more than 256 MiB"));
        }
        self.window = window;
        self.memory = Some(memory);
        Ok(length)
    }

    /// Notes a fault and ends the call.
    pub(super) fn stop(&self, fault: Fault, text: String) -> Error {
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
    pub(super) fn show_again(&mut self, bytes: &mut [u8]) {
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
    pub(super) fn take_back(&mut self, bytes: &[u8]) -> Result<(), Error> {
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
        match &self.rights {
            Rights::Slab(rights) => slab::may_write(self.mem, rights, at),
            Rights::Subsystem(rights) => subsystem::may_write(self.mem, rights, at),
            Rights::ProcFile => proc::may_write(self.mem, at),
            Rights::None => Err("not this module's".to_string()),
        }
    }
}
