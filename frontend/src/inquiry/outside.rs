//! What the questions need of the browser: the frames of the screen, a second kernel, a file.

use yew::Callback;

use crate::canvas::NextFrame;
use crate::carrier::Carrier;
use crate::choices::Place;
use crate::library::journal;
use crate::page::Timer;
use crate::state::Action;
use crate::state::inquiry::{Action as Own, Effect, Second};

/// A wait shorter than this, in milliseconds, is left to the frames of the screen.
const FRAME_MS: u32 = 20;

/// What the questions hold of the browser.
#[derive(Default)]
pub struct Outside {
    wake: Option<Wake>,
    second: Option<Carrier>,
    /// Counts the second kernels, so that the last words of one are not taken for the next one's.
    generation: u32,
}

/// A frame that is waited for; dropping it ends the wait.
struct Wake {
    _frame: Option<NextFrame>,
    _timer: Option<Timer>,
}

impl Outside {
    /// Carries an effect out; what comes of it is reported to `act`. `hears` tells whether a report
    /// of the second kernel of that generation still counts.
    pub fn perform(
        &mut self,
        effect: Effect,
        act: &Callback<Action>,
        hear: &Callback<(u32, Second)>,
    ) {
        match effect {
            Effect::Wake(after_ms) => self.wake(after_ms, act),
            Effect::OpenSecond => {
                self.generation += 1;
                self.second = None;
                let generation = self.generation;
                let report =
                    hear.reform(move |event: crate::carrier::Event| (generation, event.into()));
                match Carrier::open(Place::Browser, report) {
                    Ok(carrier) => self.second = Some(carrier),
                    Err(reason) => hear.emit((generation, Second::Failed(reason))),
                }
            }
            Effect::SendSecond(request) => {
                if let Some(carrier) = &self.second {
                    carrier.send(request);
                }
            }
            Effect::CloseSecond => {
                self.generation += 1;
                self.second = None;
            }
            Effect::Read(id) => {
                let act = act.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    let action = match journal::log_of(&id).await {
                        Some((_, log)) => Own::Compare(log),
                        None => Own::NotKept,
                    };
                    act.emit(Action::Inquiry(action));
                });
            }
            Effect::Save(name, bytes) => journal::offer(&name, &bytes),
        }
    }

    /// Whether the second kernel of this generation is the present one.
    pub fn is_current(&self, generation: u32) -> bool {
        generation == self.generation
    }

    fn wake(&mut self, after_ms: u32, act: &Callback<Action>) {
        let act = act.clone();
        let tick = move || act.emit(Action::Inquiry(Own::Tick(now_ms())));
        // Whatever was waited for before is dropped.
        self.wake = Some(if after_ms < FRAME_MS {
            Wake {
                _frame: NextFrame::new(tick),
                _timer: None,
            }
        } else {
            Wake {
                _frame: None,
                _timer: Timer::new(after_ms, tick),
            }
        });
    }
}

fn now_ms() -> f64 {
    web_sys::window()
        .and_then(|window| window.performance())
        .map_or(0.0, |performance| performance.now())
}
