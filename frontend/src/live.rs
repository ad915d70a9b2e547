//! Live sessions: shared by this page, or followed by it.
//!
//! What is told and what is done about it is decided in [`crate::state::live`]; [`outside`] has the connection.
//! Here is the strip below the head that says how things stand.

pub mod outside;

use web_sys::HtmlInputElement;
use words::live as say;
use yew::{AttrValue, Callback, FocusEvent, Html, TargetCast, hook, html};

use crate::library::journal::url_with;
use crate::part::drawn_later_by;
use crate::state::live::{Action as Own, Mode};
use crate::state::{Action, State};

/// How things stand.
#[derive(PartialEq)]
pub struct LiveStrip {
    standing: Standing,
    /// What became of the copied link.
    note: AttrValue,
    act: Callback<Action>,
}

drawn_later_by!(LiveStrip, use_live_strip, live, |_| true);

#[derive(PartialEq)]
enum Standing {
    Sharing {
        link: Option<AttrValue>,
        followers: u32,
        trouble: Option<AttrValue>,
    },
    Following {
        mode: Mode,
        /// The step that is shown here.
        here: u32,
        /// The session's step, and how many there are.
        step: u32,
        steps: usize,
        is_behind: bool,
        is_away: bool,
        differs: bool,
        is_frozen: bool,
        trouble: Option<AttrValue>,
        over: Option<AttrValue>,
    },
}

impl LiveStrip {
    /// The strip, if there is anything to say.
    pub fn of(state: &State, act: &Callback<Action>) -> Option<LiveStrip> {
        let text = |text: &Option<String>| text.clone().map(AttrValue::from);
        let live = &state.live;
        let standing = match (&live.sharing, &live.following) {
            (Some(sharing), _) => Standing::Sharing {
                link: (sharing.pass.as_ref())
                    .map(|pass| url_with(&format!("#live={}", pass.id)).into()),
                followers: sharing.followers,
                trouble: text(&sharing.trouble),
            },
            (None, Some(following)) => Standing::Following {
                mode: following.mode,
                here: state.kernel.step,
                step: following.shown.at.step,
                steps: following.shown.lines.len(),
                is_behind: following.is_behind(),
                is_away: following.is_away,
                differs: following.differs,
                is_frozen: state.library.is_frozen,
                trouble: text(&following.trouble),
                over: text(&following.over),
            },
            (None, None) => return None,
        };
        Some(LiveStrip {
            standing,
            note: state.library.share_note.clone().into(),
            act: act.clone(),
        })
    }
}

#[hook]
fn use_live_strip(props: &LiveStrip) -> Html {
    let button = |id: &'static str, word: &'static str, action: Own| {
        let onclick = props.act.reform(move |_| Action::Live(action.clone()));
        html! { <button class="tool" {id} {onclick}>{ word }</button> }
    };
    let content = match &props.standing {
        Standing::Sharing {
            link,
            followers,
            trouble,
        } => html! {
            <>
                <p role="status"><strong>{ say::sharing() }</strong>
                    { match (link, trouble) {
                        (_, Some(trouble)) => say::trouble(trouble),
                        (None, None) => say::asking().to_string(),
                        (Some(_), None) => say::followers(followers),
                    } }</p>
                if let Some(link) = link {
                    <input class="mono" id="live-link" type="text" readonly=true value={link.clone()}
                        aria-label={say::link_label()} onfocus={select} />
                    { button("live-copy", say::copy(), Own::CopyLink) }
                    <span class="quiet" role="status">{ &props.note }</span>
                }
                { button("live-stop", say::stop(), Own::Stop) }
            </>
        },
        Standing::Following {
            mode,
            here,
            step,
            steps,
            is_behind,
            is_away,
            differs,
            is_frozen,
            trouble,
            over,
        } => {
            let (what, more) = match (over, trouble, mode) {
                (Some(why), ..) => (say::over(), say::over_why(why)),
                (_, Some(trouble), _) => (say::not_live(), say::trying_again(trouble)),
                (_, _, Mode::Live) => (say::following(), String::new()),
                (_, _, Mode::Looking) => (say::looking(), say::looking_at(here)),
                (_, _, Mode::Own) => (say::own(), String::new()),
            };
            let place = match () {
                () if over.is_some() || trouble.is_some() => String::new(),
                () if *mode != Mode::Live => say::live_is_at(step, steps),
                () if *is_behind => say::catching_up(step, steps),
                () => say::at_step(step, steps),
            };
            let can_fork = *mode != Mode::Own && !is_frozen && over.is_none();
            html! {
                <>
                    <p><strong role="status">{ what }</strong>
                        <span id="live-place">{ more }{ place }</span>
                        if *is_away && over.is_none() { { say::away() } }
                        if *differs {
                            <span class="error">{ say::differs() }</span>
                        }
                    </p>
                    if *mode != Mode::Live && over.is_none() {
                        { button("live-return", say::back_to_live(), Own::Return) }
                    }
                    if can_fork {
                        { button("live-fork", say::fork(), Own::Fork) }
                    }
                    { button("live-leave", if over.is_some() { say::close() } else { say::leave() }, Own::Stop) }
                </>
            }
        }
    };
    html! { <section class="live" aria-label={say::live_session()}>{ content }</section> }
}

fn select(event: FocusEvent) {
    if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
        input.select();
    }
}
