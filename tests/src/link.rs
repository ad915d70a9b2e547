//! Reads a permalink without a browser.
//!
//! The page packs a session's log into its address: `#log=1.` and the log as raw deflate in
//! base64url, see `frontend/src/address.rs`. Whoever has a link has the log, whatever became of the
//! page; this is how a program, or a test of links that were stored long ago, gets it back.

use std::io::Read;

use flate2::read::DeflateDecoder;
use labs::LOG_MAX;

/// The log in `link`, an address or its fragment; `None` if it is no link to a log.
///
/// # Errors
/// A sentence that says what is wrong with the link.
pub fn log_of(link: &str) -> Option<Result<Vec<u8>, String>> {
    let (_, fragment) = link.split_once('#')?;
    let packed = fragment
        .split('&')
        .find_map(|part| part.strip_prefix("log="))?;
    Some(unpack(packed))
}

fn unpack(packed: &str) -> Result<Vec<u8>, String> {
    let data = packed
        .strip_prefix("1.")
        .ok_or("the link is not of version 1, the one that this program reads")?;
    let bytes = from_base64url(data).ok_or("the link has been cut or changed")?;
    let mut log = Vec::new();
    // One byte more than is allowed shows that there is more.
    let mut rest = DeflateDecoder::new(bytes.as_slice()).take(LOG_MAX as u64 + 1);
    rest.read_to_end(&mut log)
        .map_err(|error| format!("the link has been cut or changed: {error}"))?;
    if log.len() > LOG_MAX {
        return Err(format!("the link's log is longer than {LOG_MAX} bytes"));
    }
    Ok(log)
}

/// The bytes that base64 with `-` and `_`, without padding, stands for.
fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count) = (0u32, 0);
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    #[test]
    fn a_link_gives_its_log_back() {
        // Raw deflate of "echo a\n", stored.
        let link = "http://lab.example/x/?embed#log=1.AQcA-P9lY2hvIGEK&step=1";
        assert_eq!(log_of(link), Some(Ok(b"echo a\n".to_vec())));
        assert_eq!(log_of("hello.log"), None);
        assert_eq!(log_of("http://lab.example/#lab=radix-keys"), None);
    }

    #[test]
    fn a_broken_link_says_so() {
        let error = |link| log_of(link).expect("it is a link").unwrap_err();
        assert!(error("#log=2.AQcA").contains("version 1"));
        assert!(error("#log=1.AQ.A").contains("cut or changed"));
        assert!(error("#log=1.AQcA-P9lY2hv").contains("cut or changed"));
    }

    #[test]
    fn a_link_that_swells_is_refused() {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
        for _ in 0..LOG_MAX / 1024 + 1 {
            deflate.write_all(&[b'x'; 1024]).expect("memory takes it");
        }
        let bytes = deflate.finish().expect("memory takes it");
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let text: String = bytes
            .chunks(3)
            .flat_map(|three| {
                let word = (0..3).fold(0u32, |word, at| {
                    word << 8 | u32::from(*three.get(at).unwrap_or(&0))
                });
                (0..=three.len()).map(move |at| digits[(word >> (18 - 6 * at)) as usize & 63])
            })
            .map(char::from)
            .collect();
        let error = log_of(&format!("#log=1.{text}"))
            .expect("it is a link")
            .unwrap_err();
        assert!(error.contains("longer than"), "{error}");
    }
}
