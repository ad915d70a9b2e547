//! Native sessions: a kernel on a thread of its own in this process.
//!
//! A replay may compute for seconds, which would stall every other client if it ran on the
//! reactor's threads. A thread per session also keeps a panic where it belongs: that kernel is
//! dropped, its client is told, and nobody else notices.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use labs::protocol::{Host, Request, Response};
use labs::{HostMemory, Session};
use tokio::sync::mpsc;
use tracing::error;

use super::{Ending, Incoming, Kernel, Machine, Reply, Ticket, decode};
use crate::error::panic_text;
use crate::limits::{Limits, MemoryShare};

/// What answers a session's requests. A [`Session`], except in this server's own tests.
pub trait Engine {
    /// Does what the request says.
    fn handle(&mut self, request: Request) -> Response;
}

impl Engine for Session {
    fn handle(&mut self, request: Request) -> Response {
        Session::handle(self, request)
    }
}

/// A kernel, before its first boot.
pub fn labs_engine(limits: &Limits) -> Box<dyn Engine> {
    let mut session = Session::new(Host::Native, Box::new(HostMemory));
    session.set_budget(limits.steps);
    session.set_search_budget(limits.steps);
    session.set_replay_limit(limits.replay_steps);
    Box::new(session)
}

/// Room for the thread's calls. A stack that overflows ends the process, so it is generous; pages
/// that are never touched cost nothing.
const STACK_BYTES: usize = 16 << 20;

/// Starts the thread.
pub(crate) fn start(ticket: Ticket) -> io::Result<Kernel> {
    let (requests, inbox) = mpsc::unbounded_channel();
    let (outbox, replies) = mpsc::channel(1);
    thread::Builder::new()
        .name(format!("session-{}", ticket.id))
        .stack_size(STACK_BYTES)
        .spawn(move || answer_all(ticket, inbox, &outbox))?;
    Ok(Kernel { requests, replies })
}

/// The thread: answers requests until the client leaves or the session ends.
fn answer_all(
    ticket: Ticket,
    mut inbox: mpsc::UnboundedReceiver<Incoming>,
    outbox: &mpsc::Sender<Reply>,
) {
    // The server does not wait for a thread that computes: it ends with the process.
    let Ticket {
        id,
        app,
        place: _place,
        span,
    } = ticket;
    let _in_span = span.enter();
    let mut memory = app.memory_share();
    let mut engine = None;
    while let Some(incoming) = inbox.blocking_recv() {
        let answered = catch_unwind(AssertUnwindSafe(|| {
            let limits = &app.config.limits;
            let engine = engine.get_or_insert_with(|| (app.config.engine)(limits));
            answer(engine.as_mut(), &mut memory, &incoming)
        }));
        let reply = answered.unwrap_or_else(|panic| {
            let text = panic_text(panic.as_ref());
            error!("the kernel panicked: {text}");
            let message =
                format!("the kernel panicked: {text}; this was session {id} in the server's log");
            Reply::refusal(message).and_end(Ending::KernelGone)
        });
        let is_last = reply.last.is_some();
        if outbox.blocking_send(reply).is_err() || is_last {
            break;
        }
    }
}

fn answer(engine: &mut dyn Engine, memory: &mut MemoryShare, incoming: &Incoming) -> Reply {
    let request = match decode(incoming) {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    if let Err(message) = make_room(memory, &request) {
        return Reply::refusal(message);
    }
    let closes = request == Request::Close;
    let reply = Reply::answer(&engine.handle(request));
    if closes {
        reply.and_end(Ending::MachineOff)
    } else {
        reply
    }
}

/// Accounts for the machine that `request` needs. Any first request boots one, if only the default.
fn make_room(memory: &mut MemoryShare, request: &Request) -> Result<(), String> {
    let machine = match Machine::booted_by(request)? {
        Some(machine) => machine,
        None if memory.is_empty() && *request != Request::Close => Machine::described_by("")?,
        None => return Ok(()),
    };
    memory.make_room(machine.bytes)
}
