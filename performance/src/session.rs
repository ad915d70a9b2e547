//! Sessions: a log runs, line by line, and checkpoints are taken; then the session goes to other steps.

use labs::protocol::{Host, Request, Response};
use labs::{HostMemory, Session};

use crate::{Measured, Random, Workload, crowd};

const SIZES: &[u32] = &[100, 1_000, 10_000];
const GATED: u32 = 1_000;
/// Lines of a message.
const TOGETHER: usize = 1_000;
/// Moves in one measurement.
const MOVES: u32 = 100;

pub const REPLAY: Workload = Workload {
    name: "session.replay",
    what: "a line of a log runs, and checkpoints are taken now and then; size: lines of the log",
    sizes: SIZES,
    gated: GATED,
    growth: 0.0,
    make: |size| {
        Box::new(Replay {
            session: session(),
            lines: lines(size as usize),
        })
    },
};

pub const BACK: Workload = Workload {
    name: "session.back",
    what: "a session goes back by one step; size: lines of its log",
    sizes: SIZES,
    gated: GATED,
    growth: 0.0,
    make: |size| {
        let steps = (size - MOVES / 2..size).rev().collect();
        Box::new(Moves::new(size, steps))
    },
};

pub const JUMP: Workload = Workload {
    name: "session.jump",
    what: "a session goes to a random step; size: lines of its log",
    sizes: SIZES,
    gated: GATED,
    // What the checkpoints between have written is gone through: at most the copies of the budget.
    growth: 0.2,
    make: |size| {
        let mut random = Random(2);
        let steps = (0..MOVES).map(|_| random.below(size as usize) as u32);
        Box::new(Moves::new(size, steps.collect()))
    },
};

/// A session of easy lines: a tree changes, files are written.
///
/// Every line is short, so that what the log costs beside its commands is seen.
pub fn lines(count: usize) -> Vec<Vec<u8>> {
    let mut random = Random(1);
    let mut lines = vec!["radix create t".to_string()];
    while lines.len() < count {
        let key = random.below(20_000);
        lines.push(match lines.len() % 8 {
            0..=3 => format!("radix insert t {key} {}", key + 1),
            4 => format!("radix lookup t {key}"),
            5 => format!("radix tag_set t {key} 0"),
            6 => format!("echo {key} > /f{}", key % 50),
            _ => format!("radix delete t {key}"),
        });
    }
    lines.into_iter().map(String::into_bytes).collect()
}

fn session() -> Session {
    Session::new(Host::Native, Box::new(HostMemory))
}

/// # Panics
/// If the session refuses: a slip here.
fn ask(session: &mut Session, request: Request) -> Response {
    match session.handle(request) {
        Response::Error { message } => panic!("{message}"),
        response => response,
    }
}

fn open(session: &mut Session) {
    let header = format!("mem=64M{}", crowd::trace_key());
    ask(session, Request::Open { header });
}

fn run(session: &mut Session, lines: &[Vec<u8>]) {
    for some in lines.chunks(TOGETHER) {
        let lines = some.to_vec();
        let response = ask(session, Request::Run { lines });
        let is_all = matches!(&response, Response::Ran { lines, .. } if lines.len() == some.len());
        assert!(is_all, "every line runs");
    }
}

struct Replay {
    session: Session,
    lines: Vec<Vec<u8>>,
}

impl Measured for Replay {
    fn prepare(&mut self) {
        open(&mut self.session);
    }

    fn run(&mut self) -> u64 {
        run(&mut self.session, &self.lines);
        self.lines.len() as u64
    }
}

/// A session that goes from its end to some steps, one after the other.
struct Moves {
    session: Session,
    end: u32,
    steps: Vec<u32>,
}

impl Moves {
    fn new(size: u32, steps: Vec<u32>) -> Moves {
        let mut session = session();
        open(&mut session);
        run(&mut session, &lines(size as usize));
        let end = size;
        Moves {
            session,
            end,
            steps,
        }
    }
}

impl Measured for Moves {
    fn prepare(&mut self) {
        let step = self.end;
        ask(&mut self.session, Request::Seek { step });
    }

    fn run(&mut self) -> u64 {
        for &step in &self.steps {
            ask(&mut self.session, Request::Seek { step });
        }
        self.steps.len() as u64
    }
}
