//! Writing protocol buffers, as far as a trace needs them: numbers, text, messages in messages.

use alloc::vec::Vec;

/// Wire type of a number.
const VARINT: u32 = 0;
/// Wire type of what has a length: text, and messages.
const LENGTH_DELIMITED: u32 = 2;

/// A message in the making.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// A field that is a number.
    pub fn number(mut self, field: u32, value: u64) -> Message {
        varint(&mut self.0, u64::from(field << 3 | VARINT));
        varint(&mut self.0, value);
        self
    }

    /// A field that is text.
    pub fn text(self, field: u32, value: &str) -> Message {
        self.bytes(field, value.as_bytes())
    }

    /// A field that is a message.
    pub fn message(self, field: u32, value: Message) -> Message {
        self.bytes(field, &value.0)
    }

    fn bytes(mut self, field: u32, value: &[u8]) -> Message {
        delimited(&mut self.0, field, value);
        self
    }

    /// Appends the message to `out`, as field `field` of what is there.
    pub fn append_to(self, out: &mut Vec<u8>, field: u32) {
        delimited(out, field, &self.0);
    }
}

fn delimited(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    varint(out, u64::from(field << 3 | LENGTH_DELIMITED));
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_encoded_as_the_format_says() {
        let inner = Message::default().number(1, 150);
        let mut out = Vec::new();
        Message::default()
            .text(2, "testing")
            .message(3, inner)
            .number(16, u64::MAX)
            .append_to(&mut out, 1);
        let mut expected = [0x0a, 26, 0x12, 7].to_vec();
        expected.extend_from_slice(b"testing");
        expected.extend_from_slice(&[0x1a, 3, 0x08, 0x96, 0x01, 0x80, 0x01]);
        expected.extend_from_slice(&[0xff; 9]);
        expected.push(1);
        assert_eq!(out, expected);
    }
}
