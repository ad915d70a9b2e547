//! The pane of the lab that is open: its title, the handout, the checks, handing in.

use std::rc::Rc;

use labs::lab::Lab;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use words::lesson as say;
use yew::{
    AttrValue, Callback, Html, NodeRef, classes, hook, html, use_effect_with, use_mut_ref,
    use_node_ref,
};

use super::checks::{checks, hand_in, points};
use super::handout::{Walk, handout};
use crate::icons::{CLOSE, icon};
use crate::part::drawn_later_by;
use crate::state::lesson::{self, HandIn, OpenLab, Progress, Ran, Results, Trouble};
use crate::state::{Action, State};

#[derive(PartialEq)]
pub struct LessonPane {
    pub lab: Rc<Lab>,
    /// Where each command of the handout ran.
    pub ran: Rc<Vec<Option<Ran>>>,
    pub progress: Rc<Progress>,
    /// A question that the kernel could not answer yet.
    pub trouble: Option<Rc<Trouble>>,
    /// The question whose answer is on its way.
    pub asking: Option<AttrValue>,
    /// What the checks found last.
    pub results: Option<Rc<Results>>,
    /// They would find the same now.
    pub fresh: bool,
    /// They are being asked.
    pub checking: bool,
    pub hand_in: HandIn,
    /// There is a server to hand in to.
    pub has_server: Option<bool>,
    /// Whose numbers these are; empty for practice.
    pub name: AttrValue,
    /// The session was made with this other version of the lab.
    pub outdated: Option<u32>,
    /// The block where the student was when the lab was opened.
    pub start: usize,
    /// A step before the last one is shown.
    pub past: bool,
    pub visible: bool,
    pub act: Callback<Action>,
}

impl LessonPane {
    /// What the pane shows of a lab that is open.
    pub fn of(open: &OpenLab, state: &State, visible: bool, act: &Callback<Action>) -> Self {
        let student = state.lesson.student.as_ref();
        LessonPane {
            lab: open.lab.clone(),
            ran: open.ran.clone(),
            progress: open.progress.clone(),
            trouble: open.trouble.clone(),
            asking: open.asking().map(|id| id.to_string().into()),
            results: open.results.clone(),
            fresh: state.results_are_fresh(),
            checking: open.is_checking(),
            hand_in: open.hand_in.clone(),
            has_server: state.has_server(),
            name: student
                .map(|student| student.name.clone())
                .unwrap_or_default()
                .into(),
            outdated: open.is_outdated().then_some(open.tag.version),
            start: open.start,
            past: state.later_lines() > 0,
            visible,
            act: act.clone(),
        }
    }
}

drawn_later_by!(LessonPane, use_lesson_pane, lesson, |_| true);

/// Draws the pane.
#[hook]
fn use_lesson_pane(props: &LessonPane) -> Html {
    let LessonPane {
        lab, progress, act, ..
    } = props;
    let scroll = use_node_ref();
    let read = use_mut_ref(|| 0);
    {
        let (scroll, read, start) = (scroll.clone(), read.clone(), props.start);
        use_effect_with((lab.id.clone(), start), move |_| {
            *read.borrow_mut() = start;
            show_block(&scroll, start);
        });
    }
    let onscroll = {
        let (scroll, act) = (scroll.clone(), act.clone());
        Callback::from(move |_| {
            let Some(block) = block_at_top(&scroll) else {
                return;
            };
            if *read.borrow() != block {
                *read.borrow_mut() = block;
                act.emit(Action::Lesson(lesson::Action::At(block)));
            }
        })
    };
    let lesson = |action: lesson::Action| act.reform(move |_| Action::Lesson(action.clone()));
    let mut walk = Walk {
        ran: &props.ran,
        progress,
        trouble: props.trouble.as_deref(),
        asking: props.asking.as_deref(),
        commands: 0,
        act,
    };
    html! {
        <section class="pane pane-lab" id="pane-lab" hidden={!props.visible} aria-labelledby="lab-title">
            <div class="pane-head">
                <h2 id="lab-title" tabindex="-1">{ &lab.title }</h2>
                <button class="tool" id="lab-again" onclick={lesson(lesson::Action::StartOver)}
                    title={say::start_over_title()}>
                    { say::start_over() }</button>
                <button class="tool" id="lab-close" onclick={lesson(lesson::Action::Close)}
                    aria-label={say::close_lab()} title={say::close_lab_title()}>
                    { icon(CLOSE) }</button>
            </div>
            <div class="handout" id="handout" ref={scroll} {onscroll} tabindex="0" role="region"
                aria-label={say::handout()}>
                { facts(props) }
                { handout(lab, &mut walk) }
                { checks(props) }
                { hand_in(props) }
            </div>
            if props.past {
                <p class="past narrow-only">{ say::past() }</p>
            }
            <div class="lab-foot">
                <button class="primary" id="lab-check" onclick={lesson(lesson::Action::Check)}
                    aria-disabled={props.checking.to_string()} aria-keyshortcuts="Alt+Enter"
                    title={say::check_title()}>{ say::check() }</button>
                <p role="status" id="lab-score" class={classes!((!props.fresh).then_some("quiet"))}>
                    { score(props) }
                </p>
            </div>
        </section>
    }
}

/// What to know before one begins.
fn facts(props: &LessonPane) -> Html {
    let whose = match props.name.as_str() {
        "" => say::practice_numbers_short().to_string(),
        name => say::numbers_of_short(name),
    };
    html! {
        <div class="facts">
            <p>{ &props.lab.summary }</p>
            <p class="quiet">{ say::size_whose(props.lab.minutes, points(props.lab.points()), whose) }</p>
            if let Some(version) = props.outdated {
                <p class="note error">{ say::other_version(version, props.lab.version) }</p>
            }
        </div>
    }
}

/// How far the student is, in a sentence.
fn score(props: &LessonPane) -> String {
    let max = props.lab.points();
    match &props.results {
        _ if props.checking => say::checking().to_string(),
        Some(results) => {
            let held = results
                .verdicts
                .iter()
                .filter(|verdict| verdict.passed)
                .count();
            let (all, score) = (results.verdicts.len(), results.score);
            let max = points(max);
            match props.fresh {
                true => say::score(held, all, score, max),
                false => say::score_before(held, all, score, max),
            }
        }
        None => say::best(props.progress.best, points(max)),
    }
}

/// The number of the block of the handout at the top of what is seen.
fn block_at_top(scroll: &NodeRef) -> Option<usize> {
    let scroll = scroll.cast::<HtmlElement>()?;
    let top = scroll.scroll_top() + scroll.offset_top();
    let is_seen = |block: &HtmlElement| block.offset_top() + block.offset_height() > top;
    blocks(&scroll).position(|block| is_seen(&block))
}

/// Scrolls to a block; the first one has the facts above it.
fn show_block(scroll: &NodeRef, block: usize) {
    let Some(scroll) = scroll.cast::<HtmlElement>() else {
        return;
    };
    let top = match blocks(&scroll).nth(block) {
        Some(element) if block > 0 => element.offset_top() - scroll.offset_top(),
        _ => 0,
    };
    scroll.set_scroll_top(top);
}

fn blocks(scroll: &HtmlElement) -> impl Iterator<Item = HtmlElement> {
    let children = std::iter::successors(scroll.first_element_child(), |element| {
        element.next_element_sibling()
    });
    children
        .filter(|element| element.class_list().contains("block"))
        .filter_map(|element| element.dyn_into().ok())
}
