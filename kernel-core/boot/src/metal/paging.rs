//! The final page tables: every address is itself, and has no right that it does not need.
//!
//! Of the image, text may run, constants may be read, data may be written; nothing may do two of
//! these. The image and the borders of each region are mapped in pages of 4 KiB, the bulk of RAM in
//! pages of 2 MiB. All else faults: page 0 and the rest of the first MiB, the page below each
//! stack, the page before the heap, and the tables themselves after they are in force, as nobody
//! changes them again.

use core::ops::Range;

use boot::memory_map::{LARGE_PAGE, PAGE, Plan, Region};
use x86_64::PhysAddr;
use x86_64::registers::control::{Cr3, Cr3Flags};
use x86_64::structures::paging::PhysFrame;

use super::interrupts::LOCAL_APIC;
use super::{stacks, virtio};

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const UNCACHED: u64 = 1 << 4;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// What may be done with a page.
#[derive(Clone, Copy)]
enum Rights {
    /// Run and read.
    Text,
    /// Read.
    Constant,
    /// Read and write.
    Data,
    /// Read and write the registers of a device.
    Device,
}

impl Rights {
    /// The bits of a page's entry. Accessed and dirty are set beforehand: then the processor
    /// need not write to the tables.
    fn bits(self) -> u64 {
        PRESENT
            | ACCESSED
            | DIRTY
            | match self {
                Rights::Text => 0,
                Rights::Constant => NO_EXECUTE,
                Rights::Data => WRITABLE | NO_EXECUTE,
                Rights::Device => WRITABLE | NO_EXECUTE | UNCACHED,
            }
    }
}

/// One page of entries.
type Table = [u64; 512];

/// Page tables under construction.
///
/// Invariant: the memory up to `next` holds tables that only this value refers to; from there to
/// `end` it is unused.
struct Tables {
    root: u64,
    next: u64,
    end: u64,
}

impl Tables {
    /// Starts with an empty root table.
    ///
    /// # Safety
    /// `memory` is writable at its own address and used by nobody else.
    unsafe fn new(memory: Region) -> Tables {
        let mut tables = Tables {
            root: memory.start,
            next: memory.start,
            end: memory.end,
        };
        tables.grow();
        tables
    }

    /// Takes one more page for a table; returns its address.
    fn grow(&mut self) -> u64 {
        let table = self.next;
        assert!(
            table < self.end,
            "the memory planned for page tables is used up"
        );
        self.next += PAGE;
        // SAFETY: by the invariant the page is writable and unused.
        unsafe { (table as *mut Table).write([0; 512]) };
        table
    }

    /// The entry for `address` in the table at `table`, which stands `level` levels above the
    /// pages.
    fn entry(&mut self, table: u64, address: u64, level: u32) -> &mut u64 {
        let index = (address >> (12 + 9 * level)) as usize % 512;
        // SAFETY: only addresses of tables made by `grow` are passed, and the borrow of `self`
        // keeps others off.
        unsafe { &mut (*(table as *mut Table))[index] }
    }

    /// Maps `range` onto itself, in the largest pages that fit.
    fn map(&mut self, range: Range<u64>, rights: Rights) {
        let mut address = range.start;
        while address < range.end {
            let mut table = self.root;
            let large = address.is_multiple_of(LARGE_PAGE) && range.end - address >= LARGE_PAGE;
            let lowest = u32::from(large);
            for level in (lowest + 1..=3).rev() {
                if *self.entry(table, address, level) & PRESENT == 0 {
                    let new = self.grow();
                    *self.entry(table, address, level) = new | PRESENT | WRITABLE | ACCESSED;
                }
                table = *self.entry(table, address, level) & ADDRESS;
            }
            let size = if large { LARGE } else { 0 };
            *self.entry(table, address, lowest) = address | rights.bits() | size;
            address += if large { LARGE_PAGE } else { PAGE };
        }
    }
}

/// Names for the parts of memory, to explain a fault.
pub fn describe(address: u64) -> &'static str {
    for stack in stacks::places() {
        if stack.guard.contains(&address) {
            return match stack.name {
                "main" => "the guard page below the main stack: it has overflowed",
                _ => "the guard page below an interrupt stack: it has overflowed",
            };
        }
        if stack.space.contains(&address) {
            return "a stack";
        }
    }
    let image = image();
    if address < PAGE {
        "page 0, thus a null pointer"
    } else if image.text.contains(&address) {
        "the image's text, which may be run and read"
    } else if image.constants.contains(&address) {
        "the image's constants, which may only be read"
    } else if image.data.contains(&address) {
        "the image's data, which may not be run"
    } else if address < image.text.start {
        "the first MiB, which is not used"
    } else {
        "outside the image: the heap, a kernel's frames, or nothing at all"
    }
}

/// The image's parts, from the linker script.
struct Image {
    text: Range<u64>,
    constants: Range<u64>,
    data: Range<u64>,
}

fn image() -> Image {
    unsafe extern "C" {
        static text_start: u8;
        static text_end: u8;
        static rodata_start: u8;
        static rodata_end: u8;
        static data_start: u8;
        static data_end: u8;
    }
    let address = |symbol: *const u8| symbol.addr() as u64;
    Image {
        text: address(&raw const text_start)..address(&raw const text_end),
        constants: address(&raw const rodata_start)..address(&raw const rodata_end),
        data: address(&raw const data_start)..address(&raw const data_end),
    }
}

/// Where the image, its stacks included, ends.
pub fn image_end() -> u64 {
    unsafe extern "C" {
        static image_end: u8;
    }
    (&raw const image_end).addr() as u64
}

/// Maps the image and the regions of `plan`, and puts these tables in force.
///
/// # Safety
/// The regions of `plan` are RAM that nobody uses, and `plan.tables` is mapped now. Afterwards
/// nothing but the image and these regions can be reached; no reference to anything else may be
/// used.
pub unsafe fn install(plan: &Plan) {
    // SAFETY: the caller's promise.
    let mut tables = unsafe { Tables::new(plan.tables) };
    let image = image();
    tables.map(image.text, Rights::Text);
    tables.map(image.constants, Rights::Constant);
    tables.map(image.data, Rights::Data);
    for stack in stacks::places() {
        tables.map(stack.space, Rights::Data);
    }
    for region in [plan.pool, plan.dirty, plan.heap] {
        tables.map(region.start..region.end, Rights::Data);
    }
    tables.map(LOCAL_APIC..LOCAL_APIC + PAGE, Rights::Device);
    tables.map(
        virtio::REGISTERS.start..virtio::REGISTERS.end,
        Rights::Device,
    );
    let root = PhysFrame::containing_address(PhysAddr::new(tables.root));
    // SAFETY: the tables map the running code and its stack where they are, and by the caller's
    // promise nothing else is in use.
    unsafe { Cr3::write(root, Cr3Flags::empty()) };
}
