//! Playing: steps that follow each other by themselves.
//!
//! A clock says which step is due; the page asks for that step, once, when everything that was
//! asked for before is answered. So a kernel that is slower than the clock makes the film jump, not
//! lag, and nothing queues up. At the fastest speed there is no clock: each step is asked for as
//! soon as the one before it is shown, and none is left out.

use super::super::{Effect, State};
use super::Effect as Own;

/// How fast to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// So many steps a second; at least 1.
    Steps(u32),
    /// Every step, as fast as they can be shown.
    Max,
}

impl Speed {
    /// The speeds that can be chosen.
    pub const ALL: [Speed; 6] = [
        Speed::Steps(1),
        Speed::Steps(2),
        Speed::Steps(5),
        Speed::Steps(20),
        Speed::Steps(100),
        Speed::Max,
    ];

    /// The name under which it is remembered.
    pub fn name(self) -> String {
        match self {
            Speed::Steps(steps) => steps.to_string(),
            Speed::Max => "max".to_string(),
        }
    }

    /// The speed of this name, if it is one.
    pub fn from_name(name: &str) -> Option<Speed> {
        Speed::ALL.into_iter().find(|speed| speed.name() == name)
    }
}

impl Default for Speed {
    fn default() -> Speed {
        Speed::Steps(5)
    }
}

/// Whether the page plays, and how fast.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Play {
    /// How fast it plays, or will.
    pub speed: Speed,
    clock: Option<Clock>,
}

/// Since when it plays.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Clock {
    /// The step that was shown then.
    step: u32,
    /// When that was; `None` until the first frame comes.
    since_ms: Option<f64>,
}

impl Play {
    /// Steps are following each other.
    pub fn is_on(&self) -> bool {
        self.clock.is_some()
    }

    pub(super) fn pause(&mut self) {
        self.clock = None;
    }

    fn start(&mut self, step: u32) {
        self.clock = Some(Clock {
            step,
            since_ms: None,
        });
    }
}

impl State {
    pub(super) fn toggle_play(&mut self, effects: &mut Vec<Effect>) {
        if self.inquiry.play.is_on() {
            self.inquiry.play.pause();
            return;
        }
        if self.log.is_empty() || self.is_running() || self.replaying().is_some() {
            return;
        }
        let mut step = self.kernel.step;
        if step as usize >= self.log.len() {
            // At its end a film starts again.
            self.seek(0);
            step = 0;
        }
        self.inquiry.play.start(step);
        effects.push(Effect::Inquiry(Own::Wake(0)));
    }

    pub(super) fn set_speed(&mut self, speed: Speed, effects: &mut Vec<Effect>) {
        self.inquiry.play.speed = speed;
        if self.inquiry.play.is_on() {
            self.inquiry.play.start(self.target_step());
            effects.push(Effect::Inquiry(Own::Wake(0)));
        }
    }

    /// A frame of the screen is due at `now_ms`: asks for the step that is, too.
    pub(super) fn tick(&mut self, now_ms: f64, effects: &mut Vec<Effect>) {
        let end = self.log.len() as u32;
        let Some(clock) = &mut self.inquiry.play.clock else {
            return;
        };
        let since_ms = *clock.since_ms.get_or_insert(now_ms);
        let clock = *clock;
        if self.is_busy() {
            effects.push(Effect::Inquiry(Own::Wake(0)));
            return;
        }
        let here = self.kernel.step;
        if here >= end {
            return self.inquiry.play.pause();
        }
        let Speed::Steps(speed) = self.inquiry.play.speed else {
            // The answers drive it from here on, see `play_on`.
            return self.seek(here + 1);
        };
        let speed = f64::from(speed);
        let due = clock.step as f64 + (now_ms - since_ms) * speed / 1000.0;
        let mut next = (due as u32).min(end);
        // After a pause of the whole page (another tab, a sleeping machine) the film goes on where it
        // was.
        let leap = here + (speed as u32 / 4).max(1);
        if next > leap {
            next = leap.min(end);
            self.inquiry.play.clock = Some(Clock {
                step: next,
                since_ms: Some(now_ms),
            });
        }
        if next > here {
            self.seek(next);
        }
        if next >= end {
            return self.inquiry.play.pause();
        }
        let clock = self.inquiry.play.clock.unwrap_or(clock);
        let since_ms = clock.since_ms.unwrap_or(now_ms);
        let next_ms = since_ms + f64::from(next + 1 - clock.step) * 1000.0 / speed;
        let wait = (next_ms - now_ms).max(0.0) as u32;
        effects.push(Effect::Inquiry(Own::Wake(wait)));
    }

    /// Everything asked for was answered: at the fastest speed the next step is due.
    pub(crate) fn play_on(&mut self) {
        let play = &mut self.inquiry.play;
        if play.clock.is_none_or(|clock| clock.since_ms.is_none()) || play.speed != Speed::Max {
            return;
        }
        if self.kernel.step as usize >= self.log.len() {
            return self.inquiry.play.pause();
        }
        self.seek(self.kernel.step + 1);
    }
}
