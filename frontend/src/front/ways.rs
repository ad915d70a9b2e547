//! What a newcomer reads first, over the console.
//!
//! `index.html` has the same sentence and the same buttons, hidden, so that nothing moves when the page's
//! module takes over and nothing is drawn twice.

use words::front as say;
use yew::{Callback, Html, MouseEvent, classes, html};

use crate::state::front::{self, Sheet, Ways, tour};
use crate::state::{Action, lesson};

/// The sentence, and the ways on, if they are offered.
pub fn welcome(ways: Ways, act: &Callback<Action>) -> Html {
    let go = |action: fn() -> Action| act.reform(move |_: MouseEvent| action());
    html! {
        <>
            <p>{ say::welcome() }</p>
            if ways != Ways::Gone {
                <div class={classes!("ways", (ways == Ways::Awaited).then_some("awaited"))} role="group" aria-label={say::ways()}>
                    <button class="primary" id="way-tour" onclick={go(||
                        Action::Front(front::Action::Tour(tour::Action::Start)))}>{ say::way_tour() }</button>
                    <button class="tool" id="way-labs" title={say::way_labs_hint()} onclick={go(||
                        Action::Lesson(lesson::Action::Catalogue(true)))}>{ say::way_labs() }</button>
                    <button class="tool" id="way-playground" title={say::way_playground_hint()} onclick={go(||
                        Action::Front(front::Action::Show(Some(Sheet::Playground))))}>{ say::way_playground() }</button>
                    <button class="tool" id="way-type" title={say::way_type_hint()} onclick={go(||
                        Action::Front(front::Action::Dismiss))}>{ say::way_type() }</button>
                </div>
            }
        </>
    }
}
