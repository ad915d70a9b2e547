//! The virtio console: a port for streams, where bytes travel by the buffer.
//!
//! A UART costs two exits to the emulator for each byte, which nobody notices who types, and
//! everybody who waits for a view of 16,000 frames. This device moves whole buffers per exit. We
//! describe a buffer in a table, put its number into a ring, and ring a bell; the device puts the
//! number into another ring when it is done. Such a queue goes one way, so a port has two of them.
//! The layout is that of the virtio 1.0 standard, over memory-mapped registers.
//!
//! The device is a set of ports; ours is number 1, since QEMU treats port 0 as a terminal and loses
//! what a slow reader does not take. Two more queues carry news of ports; the one we listen for is
//! that the other end has closed.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{Ordering, fence};

use boot::memory_map::Region;
use x86_64::instructions::interrupts as interrupt_flag;

use super::interrupts;

/// Where a `microvm` with `acpi=off` has the registers of its virtio devices. A page table must
/// map them.
pub const REGISTERS: Region = Region {
    start: 0xfeb0_0000,
    end: 0xfeb0_1000,
};

/// How many devices there can be.
const SLOTS: u64 = 8;

/// Bytes of registers that a device has.
const SLOT_SIZE: u64 = 512;

/// The interrupt line of the first slot; the others follow.
const FIRST_LINE: u8 = 5;

/// How many buffers a ring can hold.
const RING: u16 = 16;

/// Bytes in a buffer for receiving.
const BUFFER: usize = 4096;

/// Registers, by their offset.
mod register {
    pub const MAGIC: u64 = 0x000;
    pub const VERSION: u64 = 0x004;
    pub const DEVICE: u64 = 0x008;
    pub const DEVICE_FEATURES: u64 = 0x010;
    pub const DEVICE_FEATURES_SELECT: u64 = 0x014;
    pub const DRIVER_FEATURES: u64 = 0x020;
    pub const DRIVER_FEATURES_SELECT: u64 = 0x024;
    pub const QUEUE_SELECT: u64 = 0x030;
    pub const QUEUE_SIZE_MAX: u64 = 0x034;
    pub const QUEUE_SIZE: u64 = 0x038;
    pub const QUEUE_READY: u64 = 0x044;
    pub const QUEUE_NOTIFY: u64 = 0x050;
    pub const INTERRUPT_STATUS: u64 = 0x060;
    pub const INTERRUPT_ACKNOWLEDGE: u64 = 0x064;
    pub const STATUS: u64 = 0x070;
    pub const DESCRIPTORS: u64 = 0x080;
    pub const AVAILABLE: u64 = 0x090;
    pub const USED: u64 = 0x0a0;
}

/// `virt`, as a little-endian number.
const MAGIC: u32 = 0x7472_6976;

/// The kind of device that a console is.
const CONSOLE: u32 = 3;

/// A feature of the device: it has several ports, and queues 2 and 3 to talk about them.
const MULTIPORT: u32 = 1 << 1;

/// A feature, bit 32 of all: the device follows version 1 of the standard.
const VERSION_1: u32 = 1 << 0;

/// The port in use.
const PORT: u32 = 1;

/// The numbers of the queues in use.
const CONTROL_RECEIVE: u32 = 2;
const CONTROL_TRANSMIT: u32 = 3;
const PORT_RECEIVE: u32 = 4;
const PORT_TRANSMIT: u32 = 5;

/// What is said on the control queues, by either side.
#[derive(Clone, Copy)]
#[repr(u16)]
enum Event {
    DeviceReady = 0,
    PortReady = 3,
    /// The other end of the port opens, or closes.
    PortOpen = 6,
}

/// Tells the device what a buffer is: a row of the table.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Descriptor {
    address: u64,
    length: u32,
    flags: u16,
    next: u16,
}

/// In [`Descriptor::flags`]: the device writes to the buffer.
const DEVICE_WRITES: u16 = 2;

/// The registers of one device.
///
/// Invariant: the address is that of a slot in [`REGISTERS`], which the page tables map.
#[derive(Clone, Copy)]
struct Registers(u64);

impl Registers {
    /// The registers of slot `slot`.
    fn of_slot(slot: u64) -> Registers {
        assert!(slot < SLOTS);
        Registers(REGISTERS.start + slot * SLOT_SIZE)
    }

    fn get(self, offset: u64) -> u32 {
        debug_assert!(offset < SLOT_SIZE);
        // SAFETY: by the invariant a register is read, which changes no memory.
        unsafe { ((self.0 + offset) as *const u32).read_volatile() }
    }

    fn set(self, offset: u64, value: u32) {
        debug_assert!(offset < SLOT_SIZE);
        // SAFETY: by the invariant a register is written. What the device then does to memory is
        // the business of those who tell it addresses.
        unsafe { ((self.0 + offset) as *mut u32).write_volatile(value) }
    }

    fn set_address(self, offset: u64, address: usize) {
        self.set(offset, address as u32);
        self.set(offset + 4, (address as u64 >> 32) as u32);
    }

    /// Lets the interrupt line fall. Only then may the rings be looked at: what comes later raises
    /// it again.
    fn acknowledge(self) {
        let pending = self.get(register::INTERRUPT_STATUS);
        if pending != 0 {
            self.set(register::INTERRUPT_ACKNOWLEDGE, pending);
        }
    }
}

/// The buffers that the device may use.
#[derive(Default)]
#[repr(C)]
struct Available {
    flags: u16,
    /// How many were put here since the start, modulo 2¹⁶.
    count: u16,
    ring: [u16; RING as usize],
    event: u16,
}

/// The buffers that the device is done with.
#[derive(Default)]
#[repr(C)]
struct Used {
    flags: u16,
    /// How many were put here since the start, modulo 2¹⁶.
    count: u16,
    ring: [UsedBuffer; RING as usize],
    event: u16,
}

/// A buffer that the device is done with.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct UsedBuffer {
    number: u32,
    /// How many bytes the device has written.
    length: u32,
}

/// The rings of one direction, shared with the device.
#[derive(Default)]
#[repr(C, align(4096))]
struct Rings {
    descriptors: [Descriptor; RING as usize],
    available: Available,
    used: Used,
}

/// One direction.
///
/// Invariant: `rings` came from a `Box` that is never freed, since the device keeps its address.
/// Only volatile accesses through this pointer are made, because the device writes there too.
struct Queue {
    number: u32,
    rings: *mut Rings,
    /// How many buffers were given to the device, modulo 2¹⁶.
    given: u16,
    /// How many were taken back.
    taken: u16,
}

/// A queue to receive from, with its buffers.
///
/// Invariant: `buffers` came from a `Box` that is never freed; a buffer is read only between being
/// taken back from the device and given to it again.
struct Inbox {
    queue: Queue,
    buffers: *mut [[u8; BUFFER]; RING as usize],
}

/// The console device's port.
pub struct Virtio {
    registers: Registers,
    control: Inbox,
    receive: Inbox,
    transmit: Queue,
    /// The other end has closed.
    hung_up: bool,
}

impl Virtio {
    /// Looks for the device and starts it. Its interrupt is on afterwards.
    ///
    /// The page tables must map [`REGISTERS`], and memory must be mapped onto itself.
    pub fn open() -> Option<Virtio> {
        let slot = (0..SLOTS).find(|&slot| {
            let registers = Registers::of_slot(slot);
            registers.get(register::MAGIC) == MAGIC
                && registers.get(register::VERSION) == 2
                && registers.get(register::DEVICE) == CONSOLE
        })?;
        let registers = Registers::of_slot(slot);
        let set = |offset, value| registers.set(offset, value);

        // Reset; then: we have seen it, and can drive it.
        set(register::STATUS, 0);
        set(register::STATUS, 1 | 2);
        for (half, wanted) in [(0, MULTIPORT), (1, VERSION_1)] {
            set(register::DEVICE_FEATURES_SELECT, half);
            if registers.get(register::DEVICE_FEATURES) & wanted == 0 {
                return None;
            }
            set(register::DRIVER_FEATURES_SELECT, half);
            set(register::DRIVER_FEATURES, wanted);
        }
        set(register::STATUS, 1 | 2 | 8);
        let mut say = Queue::new(registers, CONTROL_TRANSMIT)?;
        let mut virtio = Virtio {
            registers,
            control: Inbox::new(registers, CONTROL_RECEIVE)?,
            receive: Inbox::new(registers, PORT_RECEIVE)?,
            transmit: Queue::new(registers, PORT_TRANSMIT)?,
            hung_up: false,
        };
        set(register::STATUS, 1 | 2 | 8 | 4);

        virtio.control.offer_all();
        virtio.receive.offer_all();
        interrupts::enable_line(FIRST_LINE + slot as u8);
        for (event, port) in [
            (Event::DeviceReady, 0),
            (Event::PortReady, PORT),
            (Event::PortOpen, PORT),
        ] {
            let [a, b, c, d] = port.to_le_bytes();
            say.send(registers, &[a, b, c, d, event as u8, 0, 1, 0]);
        }
        // QEMU looks for buffers, and for bytes to put into them, only when told to.
        set(register::QUEUE_NOTIFY, PORT_RECEIVE);
        Some(virtio)
    }

    /// Appends what has been received to `bytes`; does not wait for more.
    pub fn receive(&mut self, bytes: &mut Vec<u8>) {
        self.registers.acknowledge();
        // First the control queue: what came before the other end closed is then received below.
        self.control.take(self.registers, |message| {
            let [a, b, c, d, event, 0, value, 0] = *message else {
                return;
            };
            if u32::from_le_bytes([a, b, c, d]) == PORT && event == Event::PortOpen as u8 {
                self.hung_up = value == 0;
            }
        });
        self.receive
            .take(self.registers, |piece| bytes.extend_from_slice(piece));
    }

    /// Whether the other end has closed; everything that it sent has been received then.
    pub fn hung_up(&self) -> bool {
        self.hung_up
    }

    /// Sends all of `bytes`; sleeps while the other end takes none.
    ///
    /// Interrupts must be off; they are on while it sleeps.
    pub fn send(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.transmit.send(self.registers, bytes);
        }
    }
}

impl Inbox {
    /// Makes queue `number` and its buffers.
    fn new(registers: Registers, number: u32) -> Option<Inbox> {
        let queue = Queue::new(registers, number)?;
        let buffers = Box::into_raw(Box::new([[0; BUFFER]; RING as usize]));
        Some(Inbox { queue, buffers })
    }

    /// Lets the device write to all buffers.
    fn offer_all(&mut self) {
        for number in 0..RING {
            self.offer(number);
        }
    }

    /// Lets the device write to a buffer.
    fn offer(&mut self, number: u16) {
        let base = self.buffers.addr() as u64;
        let buffer = Descriptor {
            address: base + u64::from(number) * BUFFER as u64,
            length: BUFFER as u32,
            flags: DEVICE_WRITES,
            next: 0,
        };
        self.queue.give(number, buffer);
    }

    /// Passes what the device has written to `each`, buffer by buffer, and offers the buffers
    /// again.
    fn take(&mut self, registers: Registers, mut each: impl FnMut(&[u8])) {
        let mut any = false;
        while let Some(used) = self.queue.take() {
            let number = used.number as u16 % RING;
            let length = (used.length as usize).min(BUFFER);
            // SAFETY: the device is done with this buffer until it is offered again.
            let buffer = unsafe { &(*self.buffers)[usize::from(number)] };
            each(&buffer[..length]);
            self.offer(number);
            any = true;
        }
        if any {
            registers.set(register::QUEUE_NOTIFY, self.queue.number);
        }
    }
}

impl Queue {
    /// Makes the rings of queue `number` and tells the device where they are.
    fn new(registers: Registers, number: u32) -> Option<Queue> {
        registers.set(register::QUEUE_SELECT, number);
        if registers.get(register::QUEUE_SIZE_MAX) < u32::from(RING) {
            return None;
        }
        let rings = Box::into_raw(Box::<Rings>::default());
        registers.set(register::QUEUE_SIZE, RING.into());
        // SAFETY: the pointer leads to a `Rings`; no reference is made.
        unsafe {
            registers.set_address(
                register::DESCRIPTORS,
                (&raw const (*rings).descriptors).addr(),
            );
            registers.set_address(register::AVAILABLE, (&raw const (*rings).available).addr());
            registers.set_address(register::USED, (&raw const (*rings).used).addr());
        }
        registers.set(register::QUEUE_READY, 1);
        Some(Queue {
            number,
            rings,
            given: 0,
            taken: 0,
        })
    }

    /// Sends `bytes`, which must not be empty; sleeps until the device is done with them.
    fn send(&mut self, registers: Registers, bytes: &[u8]) {
        let buffer = Descriptor {
            address: bytes.as_ptr().addr() as u64,
            length: bytes.len() as u32,
            ..Descriptor::default()
        };
        self.give(0, buffer);
        registers.set(register::QUEUE_NOTIFY, self.number);
        loop {
            registers.acknowledge();
            if self.take().is_some() {
                return;
            }
            interrupt_flag::enable_and_hlt();
            interrupt_flag::disable();
        }
    }

    /// Gives a buffer to the device.
    fn give(&mut self, number: u16, buffer: Descriptor) {
        // SAFETY: by the invariant the rings are there; the device reads the row only after the
        // count has gone up.
        unsafe {
            (&raw mut (*self.rings).descriptors[usize::from(number)]).write_volatile(buffer);
            let place = usize::from(self.given % RING);
            (&raw mut (*self.rings).available.ring[place]).write_volatile(number);
            self.given = self.given.wrapping_add(1);
            fence(Ordering::SeqCst);
            (&raw mut (*self.rings).available.count).write_volatile(self.given);
            fence(Ordering::SeqCst);
        }
    }

    /// Takes a buffer back, if the device is done with one.
    fn take(&mut self) -> Option<UsedBuffer> {
        // SAFETY: by the invariant the rings are there; the device has written the place before the
        // count went up.
        unsafe {
            if (&raw const (*self.rings).used.count).read_volatile() == self.taken {
                return None;
            }
            fence(Ordering::SeqCst);
            let place = usize::from(self.taken % RING);
            self.taken = self.taken.wrapping_add(1);
            Some((&raw const (*self.rings).used.ring[place]).read_volatile())
        }
    }
}
