//! A session between two serial lines: a person on the console, a program on the protocol port.
//!
//! Both drive the same [`Session`]: what one does the other sees. Bytes come in, bytes go
//! out; where they come from is the caller's business, so all of this runs in a test.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use labs::Session;
use labs::guest::Exit;
use labs::protocol::{self, Deframer, Request, Response};

use crate::line_editor::{Event, LINE_MAX, LineEditor};

/// What the console shows when it waits for a line.
pub const PROMPT: &[u8] = b"# ";

/// A session and its two lines.
pub struct Host {
    session: Session,
    editor: LineEditor,
    deframer: Deframer,
}

impl Host {
    /// Boots the machine that `header` describes; returns the header in full as well.
    ///
    /// # Errors
    /// Why that machine can't be had, as a sentence for a person.
    pub fn boot(mut session: Session, header: String) -> Result<(Host, String), String> {
        match session.handle(Request::Open { header }) {
            Response::Opened { header, .. } => Ok((
                Host {
                    session,
                    editor: LineEditor::new(),
                    deframer: Deframer::default(),
                },
                header,
            )),
            Response::Error { message } => Err(message),
            other => Err(format!("the session answered {other:?} when it was opened")),
        }
    }

    /// Takes bytes from the console; appends what to show there to `out`. Says how to end, if that
    /// was asked for.
    pub fn typed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Option<Exit> {
        for &byte in bytes {
            match self.editor.push(byte, out) {
                None => continue,
                Some(Event::Line(line)) => {
                    if let Some(exit) = self.run(line, out) {
                        return Some(exit);
                    }
                }
                Some(Event::TooLong) => {
                    let message =
                        format!("the line is longer than {LINE_MAX} bytes and was not run\n");
                    print(message.as_bytes(), out);
                }
                Some(Event::Complete(before)) => {
                    let line = String::from_utf8_lossy(&before).into_owned();
                    let Response::Completions(words) =
                        self.session.handle(Request::Complete { line })
                    else {
                        continue;
                    };
                    if !self.editor.complete(&words, out) {
                        continue;
                    }
                }
                Some(Event::Interrupt | Event::Redraw) => {}
            }
            out.extend_from_slice(PROMPT);
            self.editor.show(out);
        }
        None
    }

    /// Takes bytes from the protocol port; appends the answers to `out`, and words for the console to
    /// `console`. Says how to end, if that was asked for.
    ///
    /// Only [`Request::Close`] ends the machine from here: a kernel that was powered off can still
    /// be looked at, and stepped back.
    pub fn received(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        console: &mut Vec<u8>,
    ) -> Option<Exit> {
        self.deframer.push(bytes);
        loop {
            let message = match self.deframer.next() {
                Ok(Some(message)) => message,
                Ok(None) => return None,
                Err(message) => {
                    print(format!("\nprotocol port: {message}\n").as_bytes(), console);
                    answer(&Response::Error { message }, out);
                    return Some(Exit::Protocol);
                }
            };
            let response = match protocol::decode(&message) {
                Ok(request) => self.session.handle(request),
                Err(message) => Response::Error { message },
            };
            answer(&response, out);
            if response == Response::Closed {
                return Some(Exit::Done);
            }
        }
    }

    /// Runs one line of the console.
    fn run(&mut self, line: Vec<u8>, out: &mut Vec<u8>) -> Option<Exit> {
        match self.session.handle(Request::Run { lines: vec![line] }) {
            Response::Ran { lines, state } => {
                for line in lines {
                    print(&line.text, out);
                }
                state.powered_off.then_some(Exit::Done)
            }
            Response::Error { message } => {
                print(message.as_bytes(), out);
                print(b"\n", out);
                None
            }
            other => {
                print(
                    format!("the session answered {other:?} to a line\n").as_bytes(),
                    out,
                );
                None
            }
        }
    }
}

/// Appends text for a terminal, which wants a carriage return before each newline.
fn print(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        if byte == b'\n' {
            out.push(b'\r');
        }
        out.push(byte);
    }
}

fn answer(response: &Response, out: &mut Vec<u8>) {
    out.extend_from_slice(&protocol::frame(&protocol::encode(response)));
}
