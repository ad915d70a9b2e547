//! Runs of one log above each other: who was decided upon at which line, and how long memory was missing.
//!
//! A lane is a run. What was decided stands on its line, one mark above the other where there are several;
//! below the line hang the times without memory. All lanes have the same two scales.

use yew::{AttrValue, Html, classes, html};

/// Marks above each other that are drawn; the last one then stands for all others.
const STACK_MAX: usize = 5;
/// Height of a mark's place, and of the longest bar.
const STEP: usize = 11;
const BAR: usize = 26;

/// A run.
pub struct Lane {
    /// Its name.
    pub name: AttrValue,
    /// What was decided, in order.
    pub marks: Vec<Mark>,
    /// Times without memory: the line, and how long, in thousandths of the longest of all lanes.
    pub bars: Vec<(u32, u32)>,
}

/// Something that was decided.
pub struct Mark {
    /// At which line.
    pub step: u32,
    /// What it was, for who points at it.
    pub title: String,
    /// How it looks.
    pub shape: Shape,
    /// It is what the sentence speaks of.
    pub is_lit: bool,
}

/// What a mark looks like.
#[derive(Clone, Copy, PartialEq)]
pub enum Shape {
    /// Killed, and rightly so.
    Full,
    /// Killed, though somebody else had more.
    Hollow,
    /// Nobody was killed.
    Small,
}

/// Draws the lanes over the lines from `first` to `last`.
pub fn lanes(id: &'static str, first: u32, last: u32, lanes: &[Lane]) -> Html {
    let width = last.saturating_sub(first).max(1);
    // In hundredths of a per cent, with room for half a mark on both sides.
    let x = |step: u32| {
        if last <= first {
            return "50%".to_string();
        }
        let place = u64::from(step.clamp(first, last.max(first)) - first) * 9400 / u64::from(width);
        format!("{}%", (300 + place) as f64 / 100.0)
    };
    let has_bars = lanes.iter().any(|lane| !lane.bars.is_empty());
    let rows = lanes.iter().map(|lane| row(lane, has_bars, &x));
    html! {
        <div class="oom-lanes" {id} aria-hidden="true">
            { for rows }
            <div class="oom-lane oom-axis">
                <span>{ words::oom::line() }</span>
                <span class="oom-ends">
                    <span>{ first }</span>
                    if last > first { <span>{ last }</span> }
                </span>
            </div>
        </div>
    }
}

fn row(lane: &Lane, has_bars: bool, x: &dyn Fn(u32) -> String) -> Html {
    let mut stacks: Vec<(u32, usize)> = Vec::new();
    let mut highest = 1;
    let mut placed = Vec::new();
    for mark in &lane.marks {
        let height = match stacks.last_mut() {
            Some((step, count)) if *step == mark.step => {
                *count += 1;
                *count
            }
            _ => {
                stacks.push((mark.step, 1));
                1
            }
        };
        if height <= STACK_MAX {
            highest = highest.max(height);
            placed.push((mark, height));
        }
    }
    let base = highest * STEP + 3;
    let marks = placed.iter().map(|(mark, height)| {
        let y = base - height * STEP + STEP / 2;
        let (class, r) = match mark.shape {
            Shape::Full => ("oom-mark", "4"),
            Shape::Hollow => ("oom-mark oom-hollow", "4"),
            Shape::Small => ("oom-mark oom-hollow", "2"),
        };
        html! {
            <circle class={classes!(class, mark.is_lit.then_some("oom-lit"))} cx={x(mark.step)}
                cy={y.to_string()} {r}><title>{ &mark.title }</title></circle>
        }
    });
    let bars = lane.bars.iter().map(|&(step, share)| {
        // What lasted at all is seen.
        let height = (share as usize * BAR / 1000).max(2);
        html! {
            <line class="oom-short" x1={x(step)} x2={x(step)} y1={base.to_string()}
                y2={(base + height).to_string()} />
        }
    });
    let below = if has_bars { BAR } else { 0 };
    html! {
        <div class="oom-lane">
            <span class="mono">{ &lane.name }</span>
            <svg width="100%" height={(base + below + 3).to_string()}>
                <line class="oom-base" x1="0" x2="100%" y1={base.to_string()} y2={base.to_string()} />
                { for bars }
                { for marks }
            </svg>
        </div>
    }
}
