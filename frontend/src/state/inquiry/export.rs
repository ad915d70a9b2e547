//! The trace as a file, fetched in pieces.

use std::rc::Rc;

use labs::protocol::{Request, Response, TraceFormat};
use words::inquiry as say;

use super::super::{Effect, State};
use super::Effect as Own;

/// The kinds of files, with their names.
pub const FORMATS: [(TraceFormat, &str); 3] = [
    (TraceFormat::Perfetto, "session.perfetto-trace"),
    (TraceFormat::Chrome, "session.json"),
    (TraceFormat::Ftrace, "session.trace.txt"),
];

/// The words that a menu needs for a kind of file: its name, and what it is for.
pub fn words(format: TraceFormat) -> (&'static str, &'static str) {
    match format {
        TraceFormat::Perfetto => (say::perfetto(), say::perfetto_what()),
        TraceFormat::Chrome => (say::chrome(), say::chrome_what()),
        TraceFormat::Ftrace => (say::ftrace(), say::ftrace_what()),
    }
}

/// A file that is being fetched, or what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// Which kind of file.
    pub format: TraceFormat,
    bytes: Vec<u8>,
    /// Events before this one are in the file; what the next piece is resumed from.
    resume: Option<u64>,
    /// How many events there are.
    pub events: u64,
    /// The last step.
    to: u32,
    /// How it ended: bytes in the file, or why there is none; `None` while pieces are coming.
    pub outcome: Option<Result<usize, Rc<str>>>,
}

impl Export {
    /// How many events are in the file.
    pub fn done(&self) -> u64 {
        self.resume.unwrap_or(0)
    }

    fn request(&self) -> Effect {
        Effect::Send(Request::Trace {
            format: self.format,
            from: 0,
            to: self.to,
            resume: self.resume,
        })
    }
}

impl State {
    pub(super) fn export(&mut self, format: TraceFormat, effects: &mut Vec<Effect>) {
        let is_ready = self.can_edit();
        let export = Export {
            format,
            bytes: Vec::new(),
            resume: None,
            events: self.events_after(self.log.len()),
            to: self.log.len() as u32,
            outcome: (!is_ready).then(|| Err(say::kernel_not_ready().into())),
        };
        if is_ready {
            effects.push(export.request());
        }
        self.inquiry.export = Some(Rc::new(export));
    }

    pub(super) fn traced(
        &mut self,
        format: TraceFormat,
        resume: Option<u64>,
        response: Response,
        effects: &mut Vec<Effect>,
    ) {
        let Some(export) = &mut self.inquiry.export else {
            return;
        };
        if export.outcome.is_some() || (export.format, export.resume) != (format, resume) {
            return; // A piece of a file that nobody waits for any more.
        }
        let export = Rc::make_mut(export);
        match response {
            Response::Traced { bytes, next } => {
                export.bytes.extend(bytes);
                match next {
                    Some(next) if Some(next) > resume => {
                        export.resume = Some(next);
                        effects.push(export.request());
                    }
                    Some(_) => export.outcome = Some(Err(say::no_progress().into())),
                    None => {
                        export.outcome = Some(Ok(export.bytes.len()));
                        let name = FORMATS.iter().find(|(known, ..)| *known == format);
                        let name = name.map_or("session.trace", |(_, name)| name);
                        let bytes = std::mem::take(&mut export.bytes);
                        effects.push(Effect::Inquiry(Own::Save(name.to_string(), bytes)));
                    }
                }
            }
            Response::Error { message } => export.outcome = Some(Err(message.into())),
            _ => export.outcome = Some(Err(say::other_answer().into())),
        }
    }
}
