//! Labs as files: what the page loads, packed from the folders when the page is built.
//!
//! Beside the page lies the folder `labs/` with the catalogue, a list of [`Entry`](super::Entry)s,
//! and one file a lab. Each begins with four letters and the number of the layout, so that a page
//! that is older than the labs beside it says so instead of misreading them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The catalogue's file name.
pub const CATALOGUE: &str = "catalogue.bin";

/// The layout of the files, raised whenever [`Lab`](super::Lab) or [`Entry`](super::Entry) changes
/// its fields.
pub const FILE_VERSION: u8 = 3;

/// What every file begins with.
const MAGIC: [u8; 4] = *b"GLAB";

/// The name of a lab's file.
pub fn file_name(id: &str) -> String {
    format!("{id}.lab")
}

/// Writes a lab, or a catalogue (a list of entries), as a file.
pub fn to_bytes<T: Serialize>(content: &T) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(FILE_VERSION);
    bytes.extend(crate::protocol::encode(content));
    bytes
}

/// Reads what [`to_bytes`] wrote.
///
/// # Errors
/// A sentence for a person: no such file, one of another layout, or one that is damaged.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let Some((&version, content)) = bytes
        .strip_prefix(&MAGIC)
        .and_then(|rest| rest.split_first())
    else {
        return Err("this is no lab file".into());
    };
    if version != FILE_VERSION {
        return Err(format!(
            "the labs are in layout {version}; this page reads {FILE_VERSION}: reload it"
        ));
    }
    postcard::from_bytes(content).map_err(|error| format!("a damaged lab file: {error}"))
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, Lab};
    use super::*;

    /// When this fails a page of today cannot read the labs of tomorrow: raise [`FILE_VERSION`].
    #[test]
    fn the_layout_is_that_of_its_version() {
        use super::super::{Block, Check, Expect, Inline, Question, Test};
        let text = |text: &str| [Inline::Code(text.into())].to_vec();
        let question = Question {
            id: "q".into(),
            ask: text("a"),
            run: "r".into(),
            after: "f".into(),
            explain: text("e"),
        };
        let check = Check {
            id: "c".into(),
            title: "t".into(),
            points: 2,
            test: Test::Printed {
                line: "l".into(),
                expect: Expect::Status(9),
            },
            hints: [text("h")].to_vec(),
        };
        let lab = Lab {
            version: 7,
            handout: [Block::Rule, Block::Predict(question)].to_vec(),
            checks: [check].to_vec(),
            ..Lab::default()
        };
        let expected = b"GLAB\x03\0\x07\0\0\0\0\0\x01\0\0\0\0\0\
            \x02\x08\x06\x01q\x01\x01\x01a\x01r\x01f\x01\x01\x01e\
            \x01\x01c\x01t\x02\x01\x01l\x02\x09\x01\x01\x01\x01h";
        assert_eq!(to_bytes(&lab), expected);
        let entry = b"GLAB\x03\0\x07\0\0\0\0\x01\0\x01\x01c\x02";
        assert_eq!(to_bytes(&lab.entry()), entry);
    }

    #[test]
    fn a_file_reads_as_it_was_written_or_says_why_not() {
        let lab = Lab {
            id: "radix-keys".into(),
            scenario: alloc::vec!["radix create t".into()],
            ..Lab::default()
        };
        let mut bytes = to_bytes(&lab);
        assert_eq!(from_bytes(&bytes), Ok(lab.clone()));
        assert_eq!(
            from_bytes::<Vec<Entry>>(&to_bytes(&[lab.entry()].to_vec())),
            Ok([lab.entry()].to_vec())
        );
        let error = |bytes: &[u8]| from_bytes::<Lab>(bytes).unwrap_err();
        assert!(error(b"").contains("no lab file"));
        assert!(error(b"<!doctype html>").contains("no lab file"));
        assert!(error(&bytes[..8]).contains("damaged"));
        bytes[4] = FILE_VERSION + 1;
        assert!(error(&bytes).contains("layout 4"), "{}", error(&bytes));
    }
}
