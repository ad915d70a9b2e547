//! The protocol port: the fast device if the machine has it, else the second UART.

use alloc::vec::Vec;

use super::interrupts;
use super::serial::Serial;
use super::virtio::Virtio;

/// A stream of bytes to and from a program.
pub enum Port {
    /// No such device: nothing comes, and what is sent is lost.
    None,
    /// COM2.
    Serial(Serial),
    /// The virtio console.
    Virtio(Virtio),
}

impl Port {
    /// Opens the device that is there.
    pub fn open() -> Port {
        if let Some(virtio) = Virtio::open() {
            return Port::Virtio(virtio);
        }
        match Serial::open(Serial::COM2) {
            Some(serial) => {
                interrupts::enable_line(Serial::COM2_LINE);
                Port::Serial(serial)
            }
            None => Port::None,
        }
    }

    /// Appends what has been received to `bytes`; does not wait for more.
    pub fn receive(&mut self, bytes: &mut Vec<u8>) {
        match self {
            Port::None => {}
            Port::Serial(serial) => serial.receive(bytes),
            Port::Virtio(virtio) => virtio.receive(bytes),
        }
    }

    /// Sends all of `bytes`; sleeps while the other end takes none.
    pub fn send(&mut self, bytes: &[u8]) {
        match self {
            Port::None => {}
            Port::Serial(serial) => serial.send(bytes),
            Port::Virtio(virtio) => virtio.send(bytes),
        }
    }

    /// Whether the other end has closed, if that can be known.
    pub fn hung_up(&self) -> bool {
        matches!(self, Port::Virtio(virtio) if virtio.hung_up())
    }

    /// Waits until all bytes sent have left.
    pub fn wait_until_empty(&mut self) {
        if let Port::Serial(serial) = self {
            serial.wait_until_empty();
        }
    }
}
