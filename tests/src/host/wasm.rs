//! A kernel in a Web Worker of a real browser.
//!
//! The worker and the module in it are the ones that the page uses. Between us and the worker
//! stands a page of four lines that turns base64, which the DevTools protocol can carry, into the
//! byte arrays that the worker takes.

use labs::protocol::{Host, Request, Response, decode, encode};
use serde_json::json;

use super::Driver;
use crate::cdp::Browser;
use crate::{Settings, site::Site};

/// Starts the worker and defines `ask(request) -> response`, both in base64.
const BRIDGE: &str = "
    globalThis.worker = new Worker('./worker.js', { type: 'module' });
    globalThis.answer = () => new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => data.panic ? reject(data.panic) : resolve(data);
        worker.onerror = event => reject(event.message || 'the worker cannot be loaded');
    });
    globalThis.ask = async request => {
        const response = answer();
        const bytes = Uint8Array.fromBase64(request);
        worker.postMessage(bytes, [bytes.buffer]);
        return (await response).toBase64();
    };
    answer()";

/// A worker in a browser of its own.
pub struct Wasm {
    browser: Browser,
    /// The worker fetches what it does not need at first when it needs it.
    _site: Site,
}

impl Wasm {
    /// Starts a browser, and in it the kernel's worker.
    pub fn start(settings: &Settings) -> Result<Wasm, String> {
        let site = Site::serve(settings.dist()?)?;
        let mut browser = Browser::launch(settings)?;
        browser.goto(&site.url())?;
        match browser.eval(BRIDGE)? {
            ready if ready == "ready" => Ok(Wasm {
                browser,
                _site: site,
            }),
            other => Err(format!(
                "the worker began with {other} instead of \"ready\""
            )),
        }
    }
}

impl Driver for Wasm {
    fn host(&self) -> Host {
        Host::Wasm
    }

    fn request(&mut self, request: Request) -> Result<Response, String> {
        let message = json!(base64(&encode(&request)));
        let answer = self
            .browser
            .text(&format!("ask({message})"))
            .map_err(|error| format!("the worker failed: {error}"))?;
        decode(&bytes_of_base64(&answer)?)
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

/// The bytes that a text in base64 stands for.
pub fn bytes_of_base64(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for character in text.trim_end_matches('=').bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(format!("the worker answered {text:.80}")),
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_agrees_with_the_vectors_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
            assert_eq!(bytes_of_base64(coded), Ok(plain.as_bytes().to_vec()));
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes_of_base64(&base64(&all)), Ok(all));
        assert!(bytes_of_base64("{}").is_err());
    }
}
