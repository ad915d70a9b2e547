//! A serial port: the 16550 UART, the one device that every machine of QEMU has.
//!
//! Receiving never waits. The port raises its interrupt when a byte has come; the handler has
//! nothing to do but to let the processor wake, since the main loop then asks the port itself.
//! Sending sleeps while the other end takes nothing.
//!
//! The chip's FIFOs stay off. They would save some exits to the emulator, but turning them on
//! throws away what has been received, and input may well be waiting when the image starts (a
//! script through a pipe). Without them QEMU holds each byte back until the one before has
//! been read, so nothing is ever lost. What needs speed goes through [`virtio`](super::virtio).

use alloc::vec::Vec;
use core::fmt;

use x86_64::instructions::interrupts;
use x86_64::instructions::port::Port;

/// How many bytes one call of [`Serial::receive`] returns at most: enough that what is done with
/// them costs more than the call.
const RECEIVE_MAX: usize = 4096;

/// Line status: a byte has been received.
const DATA_READY: u8 = 1 << 0;
/// Line status: the transmitter takes a byte.
const TRANSMITTER_EMPTY: u8 = 1 << 5;

/// Interrupt enable: when a byte has been received.
const ON_RECEIVED: u8 = 1 << 0;
/// Interrupt enable: when the transmitter takes a byte.
const ON_TRANSMITTER_EMPTY: u8 = 1 << 1;

/// A UART.
pub struct Serial {
    /// Its first port; the others follow.
    base: u16,
}

impl Serial {
    /// The first serial port's address on a PC.
    pub const COM1: u16 = 0x3f8;
    /// The first serial port's interrupt line.
    pub const COM1_LINE: u8 = 4;
    /// The second's address.
    pub const COM2: u16 = 0x2f8;
    /// The second's line.
    pub const COM2_LINE: u8 = 3;

    /// Sets up the UART at `base`, if there is one. It raises its interrupt afterwards.
    pub fn open(base: u16) -> Option<Serial> {
        let mut serial = Serial { base };
        // The scratch register remembers a byte; ports without a device don't.
        serial.write(7, 0x5a);
        if serial.read(7) != 0x5a {
            return None;
        }
        serial.write(3, 0x80); // let registers 0 and 1 be the divisor
        serial.write(0, 1); // the highest rate
        serial.write(1, 0);
        serial.write(3, 0x03); // 8 bits, no parity, 1 stop bit
        serial.write(4, 0x0b); // DTR, RTS, and OUT2, which lets interrupts out
        serial.write(1, ON_RECEIVED);
        Some(serial)
    }

    /// The port at `base` for the last words of a dying image: nothing is set up, nothing sleeps.
    pub fn last_words(base: u16) -> LastWords {
        LastWords(Serial { base })
    }

    /// Appends what has been received to `bytes`; does not wait for more.
    pub fn receive(&mut self, bytes: &mut Vec<u8>) {
        while bytes.len() < RECEIVE_MAX && self.read(5) & DATA_READY != 0 {
            bytes.push(self.read(0));
        }
    }

    /// Sends all of `bytes`; sleeps while the other end takes none.
    ///
    /// Interrupts must be off; they are on while it sleeps.
    pub fn send(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.wait_until_empty();
            self.write(0, byte);
        }
    }

    /// Waits until all bytes sent have left.
    pub fn wait_until_empty(&mut self) {
        if self.read(5) & TRANSMITTER_EMPTY != 0 {
            return;
        }
        // The interrupt line must rise when the byte has left, so nothing else may hold it up.
        self.write(1, ON_TRANSMITTER_EMPTY);
        while self.read(5) & TRANSMITTER_EMPTY == 0 {
            interrupts::enable_and_hlt();
            interrupts::disable();
        }
        self.write(1, ON_RECEIVED);
    }

    fn read(&mut self, register: u16) -> u8 {
        // SAFETY: reading a UART's register changes nothing in memory.
        unsafe { Port::new(self.base + register).read() }
    }

    fn write(&mut self, register: u16, value: u8) {
        // SAFETY: a UART does not touch memory.
        unsafe { Port::new(self.base + register).write(value) }
    }
}

/// Text goes out with a carriage return before each newline.
impl fmt::Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => {
                    self.send(line.as_bytes());
                    self.send(b"\r\n");
                }
                None => self.send(line.as_bytes()),
            }
        }
        Ok(())
    }
}

/// A serial port without any comfort; see [`Serial::last_words`].
pub struct LastWords(Serial);

impl fmt::Write for LastWords {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                self.write_char('\r')?;
            }
            // A reader that is gone must not keep the image from dying.
            for _ in 0..1_000_000 {
                if self.0.read(5) & TRANSMITTER_EMPTY != 0 {
                    break;
                }
            }
            self.0.write(0, byte);
        }
        Ok(())
    }
}
