//! Whether somebody who has nothing to say is still there.
//!
//! A laptop that goes to sleep never closes its connections, and a follower may rightly be silent for
//! hours. So both ends of a live session are sent WebSocket pings, which a browser answers by itself.

use tokio::time::{Duration, Instant, Interval, MissedTickBehavior, interval_at};

/// So many pings in a row may go unanswered.
const UNANSWERED_MAX: u32 = 3;

/// When to ping, and whether it was of any use.
pub(super) struct Pulse {
    pings: Interval,
    unanswered: u32,
}

impl Pulse {
    /// A ping each `period`, the first after one.
    pub fn every(period: Duration) -> Pulse {
        let mut pings = interval_at(Instant::now() + period, period);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Pulse {
            pings,
            unanswered: 0,
        }
    }

    /// Waits until a ping is due; `false` when enough of them went unanswered.
    pub async fn next(&mut self) -> bool {
        self.pings.tick().await;
        self.unanswered += 1;
        self.unanswered <= UNANSWERED_MAX
    }

    /// Something was heard.
    pub fn felt(&mut self) {
        self.unanswered = 0;
    }
}
