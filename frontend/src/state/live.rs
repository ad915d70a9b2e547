//! The part of the page's state that is a live session: one that this page shares, or one that it follows.
//!
//! Who shares publishes what the page shows: after each change, what it was last told and what there is now
//! are compared, and the difference goes to the server ([`labs::follow`]). It makes no difference where the
//! kernel runs, nor how the change came about.
//!
//! Who follows has a kernel of her own. The news say what the log should be and which step should be shown, and
//! whenever the kernel has nothing to do, the page takes one step in that direction: back to where the two
//! logs part, the lines that are missing, the step. So news that come faster than lines run, a
//! connection that breaks, and a kernel that falls need no care: what counts is where the session stands.
//!
//! Following is left by looking at another step ([`Mode::Looking`]) or by lines of one's own ([`Mode::Own`]); the
//! news go on coming, and there is a way back.

use std::rc::Rc;

use labs::follow::{At, FOLLOW_VERSION, News, Notice, Pass, Shown};
use labs::log::{self, Heading};
use words::live as say;

use super::{LogLine, State, library};
use crate::choices::Link;

/// How long the page waits before it tells the next news: what a person sees as at once.
const NEWS_MS: u32 = 60;

/// How long before a connection is tried again.
const AGAIN_MS: u32 = 3000;

/// How often whoever followed is told that there is no such session before it is believed: after a restart of the
/// server, those who follow may be back before the one who shares.
const REFUSALS_MAX: u32 = 5;

/// A session that this page shares.
#[derive(Debug, Default)]
pub struct Sharing {
    /// Its names; none while the server is asked for them.
    pub pass: Option<Pass>,
    /// What was told last, while the connection stands.
    told: Option<Told>,
    is_open: bool,
    /// The next news wait for a moment.
    is_waiting: bool,
    /// How many follow.
    pub followers: u32,
    /// Why nothing is told just now.
    pub trouble: Option<String>,
}

/// Where the followers believe the session to be.
#[derive(Debug)]
struct Told {
    header: String,
    lines: Vec<Rc<LogLine>>,
    step: u32,
}

/// A session that this page follows.
#[derive(Debug, Default)]
pub struct Following {
    /// Its name.
    pub id: String,
    /// Where it stands.
    pub shown: Shown,
    /// How the page stands to it.
    pub mode: Mode,
    /// Nobody publishes it just now.
    pub is_away: bool,
    /// Why there are no news.
    pub trouble: Option<String>,
    /// Why it is over.
    pub over: Option<String>,
    /// How often it could not be found since the connection broke.
    refusals: u32,
    /// This page's kernel came to something else at the same step.
    pub differs: bool,
    /// Counts the news.
    version: u32,
    /// The news after which lines were run, and from which step on: they are not tried twice.
    tried: Option<(u32, usize)>,
    /// The news at which page and session agreed.
    agreed: Option<u32>,
}

impl Following {
    /// Something was heard of it.
    fn is_known(&self) -> bool {
        !self.shown.header.is_empty()
    }
}

/// How a page stands to the session that it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It shows what the session shows.
    #[default]
    Live,
    /// It shows another step of it.
    Looking,
    /// It has a session of its own.
    Own,
}

/// What the page knows of it.
#[derive(Debug, Default)]
pub struct Live {
    /// The session that it shares.
    pub sharing: Option<Sharing>,
    /// The session that it follows.
    pub following: Option<Following>,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Share this session live.
    Share,
    /// The server gave it names, or it did not.
    Announced(Result<Pass, String>),
    /// Share no longer, or follow no longer.
    Stop,
    /// Follow the session of this name.
    Follow(String),
    /// The connection stands.
    Opened,
    /// A message came.
    Heard(Vec<u8>),
    /// The connection is gone: why, and whether for good.
    Closed(String, bool),
    /// What was waited for is due.
    Due,
    /// Lines of one's own may come after the step that is shown.
    Fork,
    /// Show what the session shows.
    Return,
    /// Put the link for those who follow into the clipboard.
    CopyLink,
}

/// What the page must do outside its state.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the server for names and report [`Action::Announced`].
    Announce,
    /// Connect as the publisher.
    Publish(Pass),
    /// Connect as a follower of the session of this name.
    Follow(String),
    /// Send this.
    Tell(News),
    /// Close the connection, and forget the names of what was shared.
    HangUp,
    /// Report [`Action::Due`] after so many milliseconds.
    Wait(u32),
}

impl Following {
    /// The page does not show yet what the session shows.
    pub fn is_behind(&self) -> bool {
        self.agreed != Some(self.version)
    }
}

impl Live {
    /// Looking at another step is no longer following.
    pub(super) fn moved_by_hand(&mut self) {
        if let Some(following) = &mut self.following
            && following.mode == Mode::Live
        {
            following.mode = Mode::Looking;
        }
    }
}

impl State {
    pub(super) fn apply_live(&mut self, action: Action, effects: &mut Vec<super::Effect>) {
        let mut ask = |effect| effects.push(super::Effect::Live(effect));
        let live = &mut self.live;
        match action {
            Action::Share if live.sharing.is_none() && live.following.is_none() => {
                live.sharing = Some(Sharing::default());
                ask(Effect::Announce);
            }
            Action::Share => {}
            Action::Announced(Ok(pass)) => {
                let sharing = live.sharing.get_or_insert_default();
                sharing.pass = Some(pass.clone());
                ask(Effect::Publish(pass));
            }
            Action::Announced(Err(reason)) => {
                if let Some(sharing) = &mut live.sharing {
                    sharing.trouble = Some(reason);
                }
            }
            Action::Stop => {
                if live.sharing.take().is_some_and(|sharing| sharing.is_open) {
                    let why = say::ended().to_string();
                    ask(Effect::Tell(News::Ended { why }));
                }
                ask(Effect::HangUp);
                if live.following.take().is_some() {
                    self.keep_followed();
                }
            }
            Action::Follow(id) => {
                if live.following.as_ref().is_some_and(|known| known.id == id) {
                    return;
                }
                live.sharing = None;
                live.following = Some(Following {
                    id: id.clone(),
                    ..Following::default()
                });
                ask(Effect::Follow(id));
            }
            Action::Opened => {
                if let Some(sharing) = &mut live.sharing {
                    (sharing.is_open, sharing.is_waiting) = (true, false);
                    (sharing.told, sharing.trouble) = (None, None);
                }
                if let Some(following) = &mut live.following {
                    (following.trouble, following.refusals) = (None, 0);
                }
            }
            Action::Heard(bytes) => self.heard(&bytes),
            Action::Closed(why, is_final) => {
                if let Some(sharing) = &mut live.sharing {
                    sharing.is_open = false;
                    sharing.trouble = Some(why.clone());
                    if is_final {
                        sharing.pass = None;
                        ask(Effect::HangUp);
                    }
                }
                let mut is_over = is_final;
                if let Some(following) = &mut live.following {
                    let came_back = following.trouble.is_some() && following.is_known();
                    if is_final && came_back && following.refusals < REFUSALS_MAX {
                        following.refusals += 1;
                        is_over = false;
                    } else {
                        following.trouble = Some(why.clone());
                    }
                }
                match is_over {
                    true => self.live_is_over(why),
                    false => ask(Effect::Wait(AGAIN_MS)),
                }
            }
            Action::Due => {
                if let Some(sharing) = &mut live.sharing {
                    sharing.is_waiting = false;
                    if let (false, Some(pass)) = (sharing.is_open, &sharing.pass) {
                        ask(Effect::Publish(pass.clone()));
                    }
                }
                if let Some(following) = &live.following
                    && following.trouble.is_some()
                    && following.over.is_none()
                {
                    ask(Effect::Follow(following.id.clone()));
                }
            }
            Action::CopyLink => {
                if let Some(pass) = live.sharing.as_ref().and_then(|it| it.pass.as_ref()) {
                    let link = format!("#live={}", pass.id);
                    effects.push(super::Effect::Library(library::Effect::Copy(link)));
                }
            }
            Action::Fork => {
                if let Some(following) = &mut live.following {
                    following.mode = Mode::Own;
                    self.keep_followed();
                }
            }
            Action::Return => {
                let has_own = self.library.id.is_some();
                if let Some(following) = &mut live.following {
                    (following.mode, following.tried) = (Mode::Live, None);
                    following.agreed = None;
                    if has_own {
                        self.load_followed(effects);
                    }
                }
            }
        }
    }

    fn heard(&mut self, bytes: &[u8]) {
        use labs::protocol::decode;
        if let Some(sharing) = &mut self.live.sharing {
            if let Ok(Notice::Followers(count)) = decode(bytes) {
                sharing.followers = count;
            }
            return;
        }
        let Some(following) = &mut self.live.following else {
            return;
        };
        let news = decode::<News>(bytes).and_then(|news| {
            following.shown.apply(&news)?;
            Ok(news)
        });
        following.version += 1;
        following.is_away = matches!(news, Ok(News::Away));
        match news {
            Ok(News::Ended { why }) => self.live_is_over(why),
            Ok(_) => {}
            Err(why) => following.trouble = Some(why),
        }
    }

    /// No news will come any more; what there is stays.
    fn live_is_over(&mut self, why: String) {
        let Some(following) = &mut self.live.following else {
            return;
        };
        if following.over.is_none() {
            following.over = Some(why);
            following.version += 1;
        }
        if following.shown.header.is_empty() {
            self.leave_followed();
        }
    }

    /// What was followed is this page's own from now on, and is kept like any other session.
    fn keep_followed(&mut self) {
        self.library.follows = false;
        self.library.wants_place = !self.log.is_empty();
    }

    /// Begins the session that is followed in place of the one that is here.
    fn load_followed(&mut self, effects: &mut Vec<super::Effect>) {
        let Some(mut following) = self.live.following.take() else {
            return;
        };
        let shown = &following.shown;
        let heading = Heading::parse(&shown.header);
        let log = heading.map(|heading| log::write(&heading, std::iter::empty()));
        let loaded = log.and_then(|log| self.load(&log, effects));
        if let Err(reason) = loaded {
            following.trouble = Some(reason);
            following.mode = Mode::Looking;
        }
        self.live.following = Some(following);
        self.library.follows = true;
    }

    /// Another session takes this one's place: what is followed is left.
    pub(super) fn leave_followed(&mut self) {
        self.library.follows = false;
        if let Some(following) = &mut self.live.following {
            following.mode = Mode::Own;
        }
    }

    /// Brings the page one step closer to what it follows.
    pub(super) fn follow_live(&mut self, effects: &mut Vec<super::Effect>) {
        let Some(following) = &self.live.following else {
            return;
        };
        let is_at_rest = self.link == Link::Live
            && self.library.has_started()
            && self.library.restoring().is_none()
            && self.work.is_none()
            && self.replay.is_none()
            && self.seek_to.is_none()
            && self.pending.is_empty();
        if following.mode == Mode::Own {
            return;
        }
        self.library.follows = following.mode != Mode::Own;
        let (version, shown) = (following.version, &following.shown);
        let has_nothing_to_do = following.mode != Mode::Live
            || shown.header.is_empty()
            || following.agreed == Some(version) && self.kernel.step == shown.at.step;
        if !is_at_rest || has_nothing_to_do {
            return;
        }
        let mine = Heading {
            seal: None,
            ..self.heading()
        };
        if Heading::parse(&shown.header).as_ref() != Ok(&mine) {
            return self.load_followed(effects);
        }
        let both = self.log.iter().zip(&shown.lines);
        let same = both.take_while(|(mine, line)| mine.line == **line).count();
        let at = shown.at;
        if same < shown.lines.len() {
            if self.kernel.step as usize != same {
                self.seek_to = Some(same as u32);
                return;
            }
            let tried = Some((version, same));
            let missing = shown.lines[same..].to_vec();
            let Some(following) = &mut self.live.following else {
                return;
            };
            if following.tried == tried {
                // The reason stands in the console.
                following.mode = Mode::Looking;
                return;
            }
            following.tried = tried;
            self.pending.extend(missing);
            return;
        }
        if self.kernel.step != at.step {
            self.seek_to = Some(at.step);
            return;
        }
        let chain = self.chain_after(at.step as usize);
        if let Some(following) = &mut self.live.following {
            following.agreed = Some(version);
            following.differs = at.chain.is_some_and(|theirs| theirs != chain);
            if following.over.is_some() {
                following.mode = Mode::Own;
                self.keep_followed();
            }
        }
    }

    /// Tells the followers what has changed.
    pub(super) fn tell_live(&mut self, effects: &mut Vec<super::Effect>) {
        let Some(sharing) = &self.live.sharing else {
            return;
        };
        // A session that comes back, or moves to another host, is told when it is there.
        let is_ready = sharing.is_open
            && !sharing.is_waiting
            && self.library.has_started()
            && self.library.restoring().is_none()
            && self.boot.is_some()
            && self.replay.is_none()
            && self.link == Link::Live;
        if !is_ready {
            return;
        }
        let step = self.target_step().min(self.log.len() as u32);
        let header = Heading {
            seal: None,
            ..self.heading()
        };
        let header = header.to_string();
        let at = At {
            step,
            chain: Some(self.chain_after(step as usize)),
        };
        let lines_from = |from: usize| {
            let lines = self.log[from..].iter();
            lines.map(|line| line.line.clone()).collect()
        };
        let told = sharing.told.as_ref().filter(|told| told.header == header);
        let news = match told {
            None => News::Whole {
                version: FOLLOW_VERSION,
                header: header.clone(),
                lines: lines_from(0),
                at,
            },
            Some(told) => {
                let both = told.lines.iter().zip(&self.log);
                let keep = both.take_while(|(old, new)| Rc::ptr_eq(old, new)).count();
                if (keep, keep, step) == (told.lines.len(), self.log.len(), told.step) {
                    return;
                }
                News::Change {
                    keep: keep as u32,
                    lines: lines_from(keep),
                    at,
                }
            }
        };
        let lines = self.log.clone();
        if let Some(sharing) = &mut self.live.sharing {
            sharing.told = Some(Told {
                header,
                lines,
                step,
            });
            sharing.is_waiting = true;
        }
        effects.push(super::Effect::Live(Effect::Tell(news)));
        effects.push(super::Effect::Live(Effect::Wait(NEWS_MS)));
    }
}

#[cfg(test)]
mod tests;
