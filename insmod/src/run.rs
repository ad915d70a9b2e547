//! The module in its box.
//!
//! Each call of a callback gets an instance of its own, so that what a student keeps in a `static`
//! is gone afterwards, and a replay does the same again. The kernel's memory is seen through a window
//! (`window.rs`); what each kind of module may do there and call, the file of its name says.

mod policy;
mod proc;
mod slab;
mod subsystem;
mod window;

use kernel_core::container::Container;
use kernel_core::errno::Errno;
use kernel_core::fs::proc_module::Answer;
use kernel_core::mem::{FRAME_SIZE, Mem, Ref};
use kernel_core::module::{Kind, Module as KernelModule};
use kernel_core::oom::module::Candidate;
use kernel_core::slab::{KmemCache, Object};
use kernel_core::task::Task;
use wasmi::{Config, Engine, Error, Module, Store, TrapCode};

use self::window::{Call, Rights};
use crate::findings::Findings;
use crate::{Fault, Refusal};

/// Instructions, roughly, that one call of a callback may take. What is asked for takes some
/// thousand.
pub const FUEL: u64 = 10_000_000;

/// Callbacks, ready to be loaded into any number of kernels.
#[derive(Debug, Clone)]
pub struct Code {
    kind: Kind,
    engine: Engine,
    module: Module,
}

impl Code {
    /// Takes a module that [`crate::compile()`] has made.
    pub(crate) fn new(wasm: &[u8], kind: Kind) -> Result<Code, Refusal> {
        let mut config = Config::default();
        config.consume_fuel(true).allow_start_fn(false);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, wasm);
        let module =
            module.map_err(|error| Refusal::Unfit(format!("ops.rs made no module: {error}")))?;
        Ok(Code {
            kind,
            engine,
            module,
        })
    }

    /// Which callbacks they are.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What to boot a kernel with, and where to read what it does wrong there.
    pub fn load(&self) -> (Box<dyn KernelModule>, Findings) {
        let findings = Findings::default();
        let loaded = Loaded {
            code: self.clone(),
            findings: findings.clone(),
            names: None,
        };
        (Box::new(loaded), findings)
    }
}

/// The module of one kernel.
struct Loaded {
    code: Code,
    findings: Findings,
    /// Names of a subsystem's files, once they are known.
    names: Option<Vec<String>>,
}

impl KernelModule for Loaded {
    fn kind(&self) -> Kind {
        self.code.kind
    }

    fn get(&mut self, mem: &mut Mem, cache: Ref<KmemCache>, objects: &mut [Ref<Object>]) -> u32 {
        slab::get(self, mem, cache, objects)
    }

    fn kick(
        &mut self,
        mem: &mut Mem,
        cache: Ref<KmemCache>,
        objects: &[Ref<Object>],
        private: u32,
    ) {
        slab::kick(self, mem, cache, objects, private);
    }

    fn file(&mut self, mem: &mut Mem, row: usize) -> Option<&str> {
        subsystem::file(self, mem, row)
    }

    fn create(&mut self, mem: &mut Mem, container: Ref<Container>) -> Result<(), Errno> {
        subsystem::may(self, mem, "create", &[container], None)
    }

    fn destroy(&mut self, mem: &mut Mem, container: Ref<Container>) {
        subsystem::tell(self, mem, "destroy", &[container], None);
    }

    fn can_attach(
        &mut self,
        mem: &mut Mem,
        container: Ref<Container>,
        task: Ref<Task>,
    ) -> Result<(), Errno> {
        subsystem::may(self, mem, "can_attach", &[container], Some(task))
    }

    fn attach(&mut self, mem: &mut Mem, new: Ref<Container>, old: Ref<Container>, task: Ref<Task>) {
        subsystem::tell(self, mem, "attach", &[new, old], Some(task));
    }

    fn can_fork(&mut self, mem: &mut Mem, child: Ref<Task>) -> Result<(), Errno> {
        subsystem::may(self, mem, "can_fork", &[], Some(child))
    }

    fn fork(&mut self, mem: &mut Mem, child: Ref<Task>) {
        subsystem::tell(self, mem, "fork", &[], Some(child));
    }

    fn exit(&mut self, mem: &mut Mem, task: Ref<Task>) {
        subsystem::tell(self, mem, "exit", &[], Some(task));
    }

    fn read_u64(&mut self, mem: &mut Mem, row: usize, container: Ref<Container>) -> u64 {
        subsystem::read_u64(self, mem, row, container)
    }

    fn write_u64(
        &mut self,
        mem: &mut Mem,
        row: usize,
        container: Ref<Container>,
        number: u64,
    ) -> Result<(), Errno> {
        subsystem::write_u64(self, mem, row, container, number)
    }

    fn badness(&mut self, mem: &mut Mem, candidate: &Candidate) -> u64 {
        policy::badness(self, mem, candidate)
    }

    fn read_proc(
        &mut self,
        mem: &mut Mem,
        page: &mut [u8; FRAME_SIZE],
        offset: u64,
        count: usize,
    ) -> Result<Answer, Errno> {
        proc::read_proc(self, mem, page, offset, count)
    }

    fn write_proc(&mut self, mem: &mut Mem, bytes: &[u8]) -> Result<usize, Errno> {
        proc::write_proc(self, mem, bytes)
    }
}

/// What a callback is called with. What the numbers mean, `glass/` says.
#[derive(Default)]
struct Ask {
    what: u32,
    a: u32,
    b: u32,
    c: u64,
    /// What is put into the module's buffer: where, and which bytes.
    input: Vec<(usize, Vec<u8>)>,
    /// Bytes of the buffer that are the answer.
    output: usize,
}

impl Loaded {
    /// Runs the callback called `name`. Returns what it returned and what is in its buffer then, unless it
    /// was stopped.
    fn call(
        &self,
        mem: &mut Mem,
        name: &'static str,
        rights: Rights<'_>,
        ask: Ask,
    ) -> Option<(u64, Vec<u8>)> {
        if self.findings.is_final() {
            // Its time is over.
            return None;
        }
        let call = Call::new(mem, name, rights, &self.findings);
        let mut store = Store::new(&self.code.engine, call);
        let fault = match self.run(&mut store, ask) {
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

    fn run<'a>(&self, store: &mut Store<Call<'a>>, ask: Ask) -> Result<(u64, Vec<u8>), Error> {
        store.limiter(Call::limits);
        store.set_fuel(FUEL)?;
        let linker = window::linker(&self.code.engine, self.code.kind)?;
        let instance = linker.instantiate_and_start(&mut *store, &self.code.module)?;
        let memory = instance
            .get_memory(&*store, "memory")
            .ok_or_else(|| Error::new("a module without memory"))?;
        let place = instance
            .get_typed_func::<(), u32>(&*store, "buffer")?
            .call(&mut *store, ())? as usize;
        for (offset, bytes) in &ask.input {
            memory.write(&mut *store, place + offset, bytes)?;
        }
        let window = memory.data_size(&*store);
        let length = store.data_mut().open(memory, window)?;
        let entry =
            instance.get_typed_func::<(u32, u32, u32, u32, u32, u64), u64>(&*store, "call")?;
        let Ask { what, a, b, c, .. } = ask;
        let answer = entry.call(&mut *store, (what, window as u32, length as u32, a, b, c))?;
        let (bytes, call) = memory.data_and_store_mut(&mut *store);
        call.take_back(bytes)?;
        let output = bytes.get(place..place + ask.output);
        let output = output.ok_or_else(|| Error::new("a buffer that is not there"))?;
        Ok((answer, output.to_vec()))
    }
}
