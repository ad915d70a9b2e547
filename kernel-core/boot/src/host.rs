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
                        format!("the line is longer than {LINE_MAX} characters and was not run\n");
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

    /// Takes bytes from the protocol port; appends the answers to `out`, and words for the console
    /// to `console`. Says how to end, if that was asked for.
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
            if matches!(response, Response::Closed) {
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

#[cfg(test)]
mod tests {
    use labs::HostMemory;
    use labs::protocol::{Host as HostName, ViewRequest};

    use super::*;

    fn host() -> Host {
        let session = Session::new(HostName::Qemu, alloc::boxed::Box::new(HostMemory));
        let (host, header) = Host::boot(session, "mem=2M".into()).expect("the machine is possible");
        assert!(header.starts_with("mem=2M nodes=1"), "{header}");
        host
    }

    /// Types `keys` at the console; returns what it shows.
    fn typed(host: &mut Host, keys: &str) -> (String, Option<Exit>) {
        let mut out = vec![];
        let exit = host.typed(keys.as_bytes(), &mut out);
        (
            String::from_utf8(out).expect("the console shows text"),
            exit,
        )
    }

    /// Sends `bytes` to the protocol port; returns the answers.
    fn received(host: &mut Host, bytes: &[u8]) -> (Vec<Response>, Option<Exit>) {
        let (mut out, mut console) = (vec![], vec![]);
        let exit = host.received(bytes, &mut out, &mut console);
        let mut deframer = Deframer::default();
        deframer.push(&out);
        let messages = core::iter::from_fn(|| deframer.next().expect("answers are framed"));
        (
            messages
                .map(|message| protocol::decode(&message).expect("a response"))
                .collect(),
            exit,
        )
    }

    fn framed(request: Request) -> Vec<u8> {
        protocol::frame(&protocol::encode(&request))
    }

    #[test]
    fn a_machine_that_cannot_be_is_refused() {
        let session = Session::new(HostName::Qemu, alloc::boxed::Box::new(HostMemory));
        let error = Host::boot(session, "mem=none".into())
            .err()
            .expect("no such machine");
        assert!(error.contains("mem=none"), "{error}");
    }

    #[test]
    fn the_console_shows_echo_text_and_prompt() {
        let mut host = host();
        assert_eq!(
            typed(&mut host, "echo a b\r"),
            ("echo a b\r\na b\r\n# ".into(), None)
        );
        assert_eq!(typed(&mut host, "\r"), ("\r\n# ".into(), None));
        assert_eq!(typed(&mut host, "xyz\x03"), ("xyz^C\r\n# ".into(), None));
        assert_eq!(
            typed(&mut host, "ab\x1b[D\x0c"),
            ("ab\x08\x1b[H\x1b[2J# ab\x08".into(), None)
        );
    }

    #[test]
    fn a_line_too_long_is_said_to_be() {
        let mut host = host();
        let mut keys = "x".repeat(LINE_MAX + 1);
        keys.push_str("\recho on\r");
        let (shown, exit) = typed(&mut host, &keys);
        assert!(shown.contains("longer than 65536 characters and was not run\r\n# "));
        assert!(shown.ends_with("echo on\r\non\r\n# "));
        assert_eq!(exit, None);
    }

    #[test]
    fn words_are_completed() {
        let mut host = host();
        assert_eq!(
            typed(&mut host, "cat /proc/buddy\t").0,
            "cat /proc/buddyinfo "
        );
        let (shown, _) = typed(&mut host, "\x15cat /proc/\t");
        assert!(
            shown.contains("buddyinfo") && shown.ends_with("\r\n# cat /proc/"),
            "{shown:?}"
        );
    }

    #[test]
    fn power_off_from_the_console_ends_the_machine() {
        let mut host = host();
        assert_eq!(
            typed(&mut host, "poweroff\recho no\r"),
            ("poweroff\r\n".into(), Some(Exit::Done))
        );
    }

    #[test]
    fn requests_are_answered_in_order_however_they_are_cut() {
        let mut host = host();
        let mut stream = framed(Request::Run {
            lines: vec![b"echo one".to_vec()],
        });
        stream.extend(framed(Request::State));
        stream.extend(protocol::frame(b"\xff\xff"));
        stream.extend(framed(Request::View(ViewRequest::Memory)));
        let mut answers = vec![];
        for piece in stream.chunks(3) {
            let (some, exit) = received(&mut host, piece);
            assert_eq!(exit, None);
            answers.extend(some);
        }
        assert!(matches!(&answers[0], Response::Ran { lines, .. } if lines[0].text == b"one\n"));
        assert!(matches!(&answers[1], Response::State(state) if state.step == 1));
        assert!(
            matches!(&answers[2], Response::Error { message } if message.contains("malformed"))
        );
        assert!(matches!(&answers[3], Response::View(Some(_))));
        assert_eq!(answers.len(), 4);
    }

    #[test]
    fn both_lines_drive_one_session() {
        let mut host = host();
        typed(&mut host, "radix create t\r");
        received(
            &mut host,
            &framed(Request::Run {
                lines: vec![b"radix insert t 1 5".to_vec()],
            }),
        );
        assert_eq!(
            typed(&mut host, "radix lookup t 1\r").0,
            "radix lookup t 1\r\n5\r\n# "
        );
    }

    #[test]
    fn a_program_may_power_off_the_kernel_and_step_back() {
        let mut host = host();
        let lines = vec![b"echo a".to_vec(), b"poweroff".to_vec()];
        let (answers, exit) = received(&mut host, &framed(Request::Run { lines }));
        assert!(matches!(&answers[0], Response::Ran { state, .. } if state.powered_off));
        assert_eq!(exit, None);
        let (shown, exit) = typed(&mut host, "echo b\r");
        assert!(shown.contains("the machine is off"), "{shown}");
        assert_eq!(exit, None);
        let (answers, _) = received(&mut host, &framed(Request::Seek { step: 1 }));
        assert!(matches!(&answers[0], Response::State(state) if !state.powered_off));
    }

    #[test]
    fn closing_ends_the_machine() {
        let (answers, exit) = received(&mut host(), &framed(Request::Close));
        assert_eq!((answers, exit), (vec![Response::Closed], Some(Exit::Done)));
    }

    #[test]
    fn a_stream_out_of_step_ends_the_machine() {
        let (answers, exit) = received(&mut host(), b"GET / HTTP/1.1\r\n\r\n");
        assert!(matches!(&answers[0], Response::Error { message } if message.contains("limit")));
        assert_eq!(exit, Some(Exit::Protocol));
    }
}
