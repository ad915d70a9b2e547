//! Who dies next? Asked before it is shown.

use labs::view::oom::{OomCandidate, OomView};
use yew::{Callback, Html, html};

use crate::page::focus_in_place;
use crate::state::Action;
use crate::state::oom::Action as Own;

/// Tasks that one may choose from.
const OFFERED_MAX: usize = 40;

/// The question: the candidates by their numbers, which tell nothing of their ranks.
pub fn question(view: &OomView, act: &Callback<Action>) -> Html {
    let mut candidates: Vec<&OomCandidate> = view.decision.candidates.iter().collect();
    candidates.truncate(OFFERED_MAX);
    candidates.sort_by_key(|it| it.task.pid);
    let answer = |pid: u32| {
        act.reform(move |_| {
            focus_in_place("#oom-ranking [tabindex='0']");
            Action::Oom(Own::Guess(pid))
        })
    };
    let choices = candidates.iter().enumerate().map(|(place, it)| {
        let pid = it.task.pid;
        let pages = it.factors.first().map_or(0, |first| first.after);
        html! {
            <li key={pid}>
                <button class="tool oom-guess" data-pid={pid.to_string()} onclick={answer(pid)}
                    tabindex={(place == 0).then_some("0")}>
                    <span class="mono">{ it.task.words() }</span>
                    <span class="quiet">
                        { words::oom::candidate(pages, it.uid, it.oom_adj) }
                    </span>
                </button>
            </li>
        }
    });
    html! {
        <div class="oom-ask" id="oom-ask">
            <p>{ words::oom::ask_whom() }<code>{ &view.decision.policy }</code>
                { words::oom::ask_choose() }</p>
            <ul>{ for choices }</ul>
            <button class="tool" id="oom-tell" onclick={answer(0)}>{ words::oom::tell() }</button>
        </div>
    }
}

/// Whether the guess was right.
pub fn verdict(view: &OomView, guess: u32) -> Html {
    let Some(brief) = view.brief() else {
        return Html::default();
    };
    let text = match guess {
        0 => return Html::default(),
        guess if guess == brief.chosen.pid => words::oom::guessed().to_string(),
        guess => {
            let rank = view.decision.candidates.iter();
            let rank = rank.clone().position(|it| it.task.pid == guess);
            let rank = rank.map_or(0, |rank| rank + 1);
            words::oom::guessed_other(guess, rank)
        }
    };
    html! { <p class="oom-verdict" id="oom-verdict" role="status">{ text }</p> }
}
