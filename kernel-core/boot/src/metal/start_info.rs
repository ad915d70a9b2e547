//! What the loader hands over: the command line and the map of memory (the PVH boot protocol).

use core::ffi::{CStr, c_char};

use boot::memory_map::Region;

/// The magic number that starts a [`StartInfo`].
const MAGIC: u32 = 0x336e_c578;

/// The loader's message, at the address that it leaves in EBX.
#[repr(C)]
pub struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    modules: u32,
    module_list: u64,
    command_line: u64,
    rsdp: u64,
    memory_map: u64,
    memory_map_entries: u32,
    reserved: u32,
}

/// One entry of the loader's memory map.
#[repr(C)]
struct MapEntry {
    start: u64,
    size: u64,
    /// 1 is memory to use, the rest is taken.
    kind: u32,
    reserved: u32,
}

impl StartInfo {
    /// The loader's message, if that is what lies at `address`.
    ///
    /// # Safety
    /// `address` came from the loader, and the memory that it and the loader's message name is
    /// mapped onto itself.
    pub unsafe fn at(address: u32) -> Option<&'static StartInfo> {
        // SAFETY: by the caller's promise; the protocol aligns the structure.
        let info = unsafe { (address as usize as *const StartInfo).as_ref() }?;
        (info.magic == MAGIC && info.version >= 1).then_some(info)
    }

    /// The bytes of `-append`; empty if there are none.
    pub fn command_line(&self) -> &[u8] {
        if self.command_line == 0 {
            return &[];
        }
        // SAFETY: the protocol says that a text ending in zero is there; it came with the message.
        unsafe { CStr::from_ptr(self.command_line as *const c_char) }.to_bytes()
    }

    /// The memory that may be used, in the loader's order.
    pub fn usable_memory(&self) -> impl Iterator<Item = Region> {
        // SAFETY: the protocol says that so many entries are there; they came with the message.
        let entries = unsafe {
            core::slice::from_raw_parts(
                self.memory_map as *const MapEntry,
                self.memory_map_entries as usize,
            )
        };
        let usable = entries.iter().filter(|entry| entry.kind == 1);
        usable.map(|entry| Region {
            start: entry.start,
            end: entry.start.saturating_add(entry.size),
        })
    }
}
