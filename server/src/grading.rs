//! A few threads that grade.
//!
//! A grade is a replay, which takes a processor for a while, and a class hands in within the same
//! minute. So grading has threads of its own, as many as the server is told, and a queue in front of
//! them: what does not fit is refused at once with the advice to come back, instead of making
//! everybody wait. How much one submission may take is counted in kernel steps and frames by the
//! grader itself, never in seconds. A panic there costs that submission, not the thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io, thread};

use axum::body::Bytes;
use labs::grade::{self, Grade, Refusal, Submission};
use labs::lab::{Lab, variant_of};
use labs::protocol::Host;
use labs::{HostMemory, Session};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tracing::{Span, error};

use crate::error::panic_text;

/// What grades, on a thread of its own. It must give the same for the same, always.
pub trait Grader {
    /// Grades one submission.
    ///
    /// # Errors
    /// Why it is not graded.
    fn grade(&mut self, lab: &Lab, submission: Submission<'_>) -> Result<Grade, Refusal>;
}

/// A session that replays one submission after the other, in the same memory.
impl Grader for Session {
    fn grade(&mut self, lab: &Lab, submission: Submission<'_>) -> Result<Grade, Refusal> {
        grade::grade(self, lab, submission, grade::Limits::default())
    }
}

/// The grader of the labs.
pub fn labs_grader() -> Box<dyn Grader> {
    Box::new(Session::new(Host::Native, Box::new(HostMemory)))
}

/// What is to be graded.
#[derive(Debug, Clone)]
pub struct Work {
    /// The lab.
    pub lab: Arc<Lab>,
    /// Who submits.
    pub student: String,
    /// The log.
    pub log: Bytes,
    /// The score that the client claims, if it does.
    pub claimed: Option<u32>,
}

/// Why there is no grade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GradingError {
    /// The submission is refused.
    Refused(Refusal),
    /// The queue is full.
    Busy,
    /// The grader panicked.
    Panicked,
}

/// The threads, seen from outside. They end when this is dropped.
pub struct Graders {
    jobs: mpsc::Sender<Job>,
    count: usize,
}

impl fmt::Debug for Graders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graders")
            .field("count", &self.count)
            .field("waiting", &self.waiting())
            .finish()
    }
}

struct Job {
    work: Work,
    span: Span,
    answer: oneshot::Sender<Result<Grade, GradingError>>,
}

impl Graders {
    /// Starts `count` threads, in front of which `queue` submissions may wait; both at least 1.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        count: usize,
        queue: usize,
        grader: fn() -> Box<dyn Grader>,
    ) -> io::Result<Graders> {
        let (jobs, inbox) = mpsc::channel(queue.max(1));
        let inbox = Arc::new(Mutex::new(inbox));
        for number in 0..count.max(1) {
            let inbox = Arc::clone(&inbox);
            thread::Builder::new()
                .name(format!("grader-{number}"))
                .spawn(move || grade_all(&inbox, grader))?;
        }
        Ok(Graders { jobs, count })
    }

    /// How many threads there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// How many submissions wait for a thread.
    pub fn waiting(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// How many submissions may wait for a thread.
    pub fn queue(&self) -> usize {
        self.jobs.max_capacity()
    }

    /// Grades, unless too many wait already.
    ///
    /// # Errors
    /// See [`GradingError`].
    pub async fn grade(&self, work: Work) -> Result<Grade, GradingError> {
        let (job, answer) = Job::of(work);
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => GradingError::Busy,
            TrySendError::Closed(_) => GradingError::Panicked,
        })?;
        answer.await.unwrap_or(Err(GradingError::Panicked))
    }

    /// Grades, and waits for a place in the queue if need be.
    ///
    /// # Errors
    /// See [`GradingError`].
    pub async fn grade_in_turn(&self, work: Work) -> Result<Grade, GradingError> {
        let (job, answer) = Job::of(work);
        let sent = self.jobs.send(job).await;
        sent.map_err(|_| GradingError::Panicked)?;
        answer.await.unwrap_or(Err(GradingError::Panicked))
    }
}

impl Job {
    fn of(work: Work) -> (Job, oneshot::Receiver<Result<Grade, GradingError>>) {
        let (answer, receiver) = oneshot::channel();
        let job = Job {
            work,
            span: Span::current(),
            answer,
        };
        (job, receiver)
    }
}

/// A thread: grades what comes, until nobody can send more.
fn grade_all(inbox: &Mutex<mpsc::Receiver<Job>>, new_grader: fn() -> Box<dyn Grader>) {
    let mut grader = None;
    loop {
        // The lock is held while waiting for a job, and not while grading it.
        let job = inbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        let Some(Job { work, span, answer }) = job else {
            return;
        };
        if answer.is_closed() {
            // Whoever asked is gone.
            continue;
        }
        let _in_span = span.enter();
        let submission = Submission {
            log: &work.log,
            variant: variant_of(&work.lab.id, &work.student),
            claimed: work.claimed,
        };
        let graded = catch_unwind(AssertUnwindSafe(|| {
            let grader = grader.get_or_insert_with(new_grader);
            grader.grade(&work.lab, submission)
        }));
        let graded = match graded {
            Ok(graded) => graded.map_err(GradingError::Refused),
            Err(panic) => {
                let (lab, text) = (&work.lab.id, panic_text(panic.as_ref()));
                error!(lab, "grading panicked: {text}");
                // Nobody knows what state it is in.
                grader = None;
                Err(GradingError::Panicked)
            }
        };
        answer.send(graded).ok();
    }
}
