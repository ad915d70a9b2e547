//! The candidates by rank, each with its score as a bar. The scale is logarithmic: halving a score
//! takes the same length off everywhere.

use labs::view::oom::OomView;
use web_sys::KeyboardEvent;
use yew::{Callback, Html, classes, html};

use crate::page::focus_in_place;
use crate::state::Action;
use crate::state::oom::Action as Own;

/// A score's length in thousandths of the largest one's.
pub fn length(score: u64, largest: u64) -> u32 {
    // 16 steps between two powers of two are finer than a pixel.
    let log = |score: u64| {
        let score = u128::from(score) + 1;
        let whole = score.ilog2();
        let rest = (score << 4 >> whole) as u32 - 16;
        whole * 16 + rest
    };
    log(score) * 1000 / log(largest).max(1)
}

/// The powers of ten that name the scale: each with its place in thousandths. Few enough to be read.
fn ticks(largest: u64) -> Vec<(u64, u32)> {
    let powers: Vec<u64> = (0..20)
        .map_while(|power| 10_u64.checked_pow(power))
        .take_while(|power| *power <= largest)
        .collect();
    let every = powers.len().div_ceil(5).max(1);
    let named = powers.into_iter().step_by(every);
    named.map(|power| (power, length(power, largest))).collect()
}

/// What the lengths of bars below it mean.
pub fn scale(largest: u64) -> Html {
    let ticks = ticks(largest).into_iter().map(|(power, place)| {
        let x = format!("{}%", f64::from(place) / 10.0);
        html! { <text {x} y="11">{ short(power) }</text> }
    });
    html! { <svg class="oom-scale" width="100%" height="14" aria-hidden="true">{ for ticks }</svg> }
}

/// A power of ten in as few letters as there is room for.
fn short(power: u64) -> String {
    let (value, unit) = match power {
        1_000_000_000_000.. => return format!("10^{}", power.ilog10()),
        1_000_000_000.. => (power / 1_000_000_000, "G"),
        1_000_000.. => (power / 1_000_000, "M"),
        1000.. => (power / 1000, "k"),
        _ => (power, ""),
    };
    format!("{value}{unit}")
}

/// The ranking; a press takes a candidate's score apart.
pub fn ranking(view: &OomView, looked_at: usize, act: &Callback<Action>) -> Html {
    let candidates = &view.decision.candidates;
    let largest = candidates.iter().map(|it| it.points).max().unwrap_or(0);
    let killed = |pid: u32| {
        let brief = view.brief();
        brief.is_some_and(|it| it.killed.iter().any(|kill| kill.task.pid == pid))
    };
    let last = candidates.len().saturating_sub(1);
    let go = |to: usize| {
        focus_in_place(&format!("#oom-rank-{to}"));
        Action::Oom(Own::Candidate(to))
    };
    let rows = candidates.iter().enumerate().map(|(place, it)| {
        let fate = match (it.is_chosen, killed(it.task.pid)) {
            (true, true) => words::oom::fate_chosen_killed(),
            (true, false) => words::oom::fate_chosen(),
            (false, true) => words::oom::fate_killed(),
            (false, false) => "",
        };
        let is_looked_at = place == looked_at;
        let onclick = act.reform(move |_| go(place));
        let onkeydown = {
            let act = act.clone();
            Callback::from(move |event: KeyboardEvent| {
                let to = match event.key().as_str() {
                    "ArrowDown" => (place + 1).min(last),
                    "ArrowUp" => place.saturating_sub(1),
                    "Home" => 0,
                    "End" => last,
                    _ => return,
                };
                event.prevent_default();
                act.emit(go(to));
            })
        };
        let class = classes!("oom-rank", it.is_chosen.then_some("oom-chosen"));
        let width = length(it.points, largest).to_string();
        html! {
            <li key={it.task.pid}>
                <button {class} id={format!("oom-rank-{place}")} {onclick} {onkeydown}
                    data-pid={it.task.pid.to_string()} data-points={it.points.to_string()}
                    aria-current={is_looked_at.then_some("true")}
                    tabindex={if is_looked_at { "0" } else { "-1" }}>
                    <span class="oom-place">{ place + 1 }</span>
                    <span class="mono">{ it.task.words() }</span>
                    <svg class="bar" viewBox="0 0 1000 12" preserveAspectRatio="none"
                        aria-hidden="true">
                        <rect class="bar-room" width="1000" height="12" />
                        <rect class="bar-used" y="2" {width} height="8" />
                    </svg>
                    <span class="oom-points">{ it.points }</span>
                    <span class="oom-fate">{ fate }</span>
                </button>
            </li>
        }
    });
    let left = view.decision.candidates_total as usize - candidates.len();
    let more = act.reform(|_| Action::Oom(Own::More));
    html! {
        <>
            <p class="quiet" id="oom-ranking-scale">{ words::oom::ranking_scale() }</p>
            <ol class="oom-ranking" id="oom-ranking">{ for rows }</ol>
            if left > 0 {
                <button class="tool" id="oom-more" onclick={more}>
                    { words::oom::more_candidates(left) }
                </button>
            }
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::{length, short, ticks};

    #[test]
    fn halving_takes_the_same_everywhere() {
        assert_eq!((length(0, 0), length(0, 9), length(9, 9)), (0, 0, 1000));
        let all = 1 << 20;
        let lengths: Vec<u32> = (0..=20)
            .map(|bit| length((1 << bit) - 1, all - 1))
            .collect();
        for pair in lengths.windows(2) {
            assert_eq!(pair[1] - pair[0], 50);
        }
        assert_eq!(length(u64::MAX, u64::MAX), 1000);
        // The scale says where a score is: of 40,963, ten thousand is not far from the end.
        let names: Vec<String> = ticks(40_963).iter().map(|it| short(it.0)).collect();
        assert_eq!(names, ["1", "10", "100", "1k", "10k"]);
        assert!(ticks(40_963).windows(2).all(|pair| pair[0].1 < pair[1].1));
        assert_eq!(ticks(u64::MAX).len(), 5);
        assert!(ticks(0).is_empty() && short(1_000_000) == "1M");
        assert!(length(1000, u64::MAX) > 150);
    }
}
