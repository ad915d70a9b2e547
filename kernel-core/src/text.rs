//! Text of a bounded length, made in one piece before it goes anywhere.
//!
//! What is written into it needs the kernel, and so does whoever gets it; both at once they cannot
//! have it.

use core::fmt;

/// At most `N` bytes of text. A piece that does not fit is not written at all, and is an error.
#[derive(Debug, Clone, Copy)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    /// No text yet.
    pub const EMPTY: Text<N> = Text {
        bytes: [0; N],
        length: 0,
    };

    /// What was written.
    pub fn text(&self) -> &str {
        // Only whole texts are written.
        core::str::from_utf8(&self.bytes[..self.length]).unwrap_or("?")
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Text<N> {
        Text::EMPTY
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
