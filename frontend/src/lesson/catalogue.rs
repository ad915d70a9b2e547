//! The catalogue: which labs there are, and how far one is with them.

use std::rc::Rc;

use labs::lab::{Difficulty, Entry};
use labs::log::LabTag;
use web_sys::{HtmlDialogElement, HtmlSelectElement};
use words::front as more;
use words::lesson as say;
use yew::{
    AttrValue, Callback, Event, Html, SubmitEvent, TargetCast, hook, html, use_effect_with,
    use_node_ref,
};

use super::checks::points;
use super::outside::typed_into;
use crate::callbacks::report;
use crate::dialog;
use crate::part::drawn_later_by;
use crate::state::front::{self, Sheet};
use crate::state::lesson::{self, Catalogue, Filter, Progress, Student};
use crate::state::{Action, State};

#[derive(PartialEq)]
pub struct CatalogueDialog {
    pub open: bool,
    pub catalogue: Catalogue,
    /// Which of the labs are shown.
    pub filter: Filter,
    /// How far the student is with each lab of the catalogue.
    pub progress: Vec<Option<Rc<Progress>>>,
    /// Who works here, if they said so.
    pub student: Option<AttrValue>,
    /// They are being asked.
    pub asks_name: bool,
    /// The lab that is on its way.
    pub wanted: Option<AttrValue>,
    /// For each lab of the catalogue, whether there is a session to go on with.
    pub begun: Vec<bool>,
    /// Why a lab could not be opened.
    pub error: Option<AttrValue>,
    pub act: Callback<Action>,
}

impl CatalogueDialog {
    /// What the dialog shows.
    pub fn of(state: &State, act: &Callback<Action>) -> Self {
        let lesson = &state.lesson;
        let tags: Vec<LabTag> = match &lesson.catalogue {
            Catalogue::Listed(entries) if lesson.shows_catalogue => {
                entries.iter().map(|entry| lesson.tag_of(entry)).collect()
            }
            _ => Vec::new(),
        };
        let progress = tags.iter().map(|tag| lesson.progress_of(tag).cloned());
        let text = |text: &String| AttrValue::from(text.clone());
        CatalogueDialog {
            open: lesson.shows_catalogue,
            catalogue: lesson.catalogue.clone(),
            filter: lesson.filter.clone(),
            progress: progress.collect(),
            student: lesson.student.as_ref().map(|student| text(&student.name)),
            asks_name: lesson.asks_name,
            wanted: lesson.wanted.as_ref().map(text),
            begun: tags.iter().map(|tag| state.has_begun(tag)).collect(),
            error: lesson.error.as_ref().map(text),
            act: act.clone(),
        }
    }
}

drawn_later_by!(CatalogueDialog, use_catalogue_dialog, lesson, |dialog| {
    dialog.open
});

/// The dialog. It is always in the page; the list comes when it is first opened.
#[hook]
fn use_catalogue_dialog(props: &CatalogueDialog) -> Html {
    let dialog = use_node_ref();
    {
        let dialog = dialog.clone();
        use_effect_with(props.open, move |open| {
            let Some(dialog) = dialog.cast::<HtmlDialogElement>() else {
                return;
            };
            dialog::follow(&dialog, *open);
        });
    }
    const HIDE: fn() -> Action = || Action::Lesson(lesson::Action::Catalogue(false));
    html! {
        <dialog ref={dialog} class="sheet labs" id="catalogue" aria-labelledby="catalogue-title"
            onclose={dialog::closed(&props.act, HIDE)}>
            <h2 id="catalogue-title">{ say::labs() }</h2>
            if let Some(error) = &props.error { <p class="note error" role="alert">{ error }</p> }
            if props.asks_name {
                { name_form(props) }
            } else {
                { list(props) }
            }
            <div class="actions">
                <button class="tool" onclick={props.act.reform(|_| HIDE())}>{ say::close() }</button>
                <button class="tool" id="to-playground" onclick={props.act.reform(|_|
                    Action::Front(front::Action::Show(Some(Sheet::Playground))))}>{ more::to_playground() }</button>
                <button class="tool" id="to-tour" onclick={props.act.reform(|_|
                    Action::Front(front::Action::Tour(front::tour::Action::Start)))}>{ more::to_tour() }</button>
            </div>
        </dialog>
    }
}

/// Asks who works here.
fn name_form(props: &CatalogueDialog) -> Html {
    // An empty one would wipe out what is being typed when the list arrives.
    let known = props.student.clone().filter(|name| !name.is_empty());
    let onsubmit = {
        let act = props.act.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let name = typed_into("student-name").trim().to_string();
            let student = Student { name, key: None };
            act.emit(Action::Lesson(lesson::Action::Student(student)));
        })
    };
    html! {
        <form class="name-form" {onsubmit}>
            <label for="student-name">{ say::name_label() }</label>
            <p class="quiet" id="student-why">{ say::name_why() }</p>
            <input id="student-name" type="text" autocomplete="name"
                value={known} aria-describedby="student-why" />
            <button class="primary" id="student-go">
                { if props.wanted.is_some() { say::name_open() } else { say::name_keep() } }
            </button>
        </form>
    }
}

fn list(props: &CatalogueDialog) -> Html {
    let entries = match &props.catalogue {
        Catalogue::Unknown | Catalogue::Coming => {
            return html! { <p role="status">{ say::catalogue_comes() }</p> };
        }
        Catalogue::Missing(reason) => {
            return html! {
                <p class="note error" role="alert">{ say::catalogue_lacks() }{ reason }</p>
            };
        }
        Catalogue::Listed(entries) => entries,
    };
    let mut topics: Vec<&str> = Vec::new();
    for entry in entries.iter() {
        if !topics.contains(&entry.topic.as_str()) {
            topics.push(&entry.topic);
        }
    }
    let filters = filters(&topics, props);
    let shown: Vec<usize> = (0..entries.len())
        .filter(|at| props.filter.admits(&entries[*at]))
        .collect();
    let count = match shown.len() {
        count if count == entries.len() => more::labs_all(count as u64),
        count => more::labs_some(count as u64, entries.len()),
    };
    let topics = topics.into_iter().map(|topic| {
        let of_it = shown.iter().filter(|at| entries[**at].topic == topic);
        let of_it: Vec<Html> = of_it.map(|at| entry(*at, entries, props)).collect();
        html! {
            if !of_it.is_empty() {
                <section><h3>{ topic }</h3><ol>{ for of_it }</ol></section>
            }
        }
    });
    let ask = props
        .act
        .reform(|_| Action::Lesson(lesson::Action::AskName(None)));
    html! {
        <>
            <p class="who">
                { match props.student.as_deref() {
                    None | Some("") => say::practice_numbers().to_string(),
                    Some(name) => say::numbers_of(name),
                } }
                <button class="link" id="student-change" onclick={ask}>
                    { if props.student.is_some() { say::change() } else { say::say_who() } }
                </button>
            </p>
            { filters }
            <p class="quiet" id="labs-count" role="status">{ count }</p>
            { for topics }
        </>
    }
}

/// A difficulty as people read it.
fn name_of(difficulty: Difficulty) -> &'static str {
    match difficulty {
        Difficulty::Easy => more::easy(),
        Difficulty::Medium => more::medium(),
        Difficulty::Hard => more::hard(),
    }
}

/// What the list can be narrowed by.
fn filters(topics: &[&str], props: &CatalogueDialog) -> Html {
    let filter = &props.filter;
    let chosen = |event: Event| {
        let select = event.target_dyn_into::<HtmlSelectElement>()?;
        Some(Some(select.value()).filter(|value| !value.is_empty()))
    };
    let topic_chosen = {
        let filter = filter.clone();
        report(&props.act, move |event: Event| {
            let topic = chosen(event)?;
            Some(Action::Lesson(lesson::Action::Filter(Filter {
                topic,
                ..filter.clone()
            })))
        })
    };
    let difficulty_chosen = {
        let filter = filter.clone();
        report(&props.act, move |event: Event| {
            let name = chosen(event)?;
            let mut known = Difficulty::ALL.into_iter();
            let difficulty = known.find(|known| Some(known.name()) == name.as_deref());
            Some(Action::Lesson(lesson::Action::Filter(Filter {
                difficulty,
                ..filter.clone()
            })))
        })
    };
    let topics = topics.iter().map(|topic| {
        let is_chosen = filter.topic.as_deref() == Some(*topic);
        html! { <option value={topic.to_string()} selected={is_chosen}>{ *topic }</option> }
    });
    let difficulties = Difficulty::ALL.into_iter().map(|difficulty| {
        let is_chosen = filter.difficulty == Some(difficulty);
        html! { <option value={difficulty.name()} selected={is_chosen}>{ name_of(difficulty) }</option> }
    });
    html! {
        <div class="actions">
            <label>{ more::topic() }{ " " }<select id="labs-topic" onchange={topic_chosen}>
                <option value="" selected={filter.topic.is_none()}>{ more::all() }</option>{ for topics }
            </select></label>
            <label>{ more::difficulty() }{ " " }<select id="labs-difficulty" onchange={difficulty_chosen}>
                <option value="" selected={filter.difficulty.is_none()}>{ more::all() }</option>{ for difficulties }
            </select></label>
        </div>
    }
}

fn entry(at: usize, entries: &[Entry], props: &CatalogueDialog) -> Html {
    let entry = &entries[at];
    let progress = props.progress.get(at).and_then(Option::as_deref);
    let id = entry.id.clone();
    let onclick = props
        .act
        .reform(move |_| Action::Lesson(lesson::Action::Open(id.clone())));
    let title_of = |id: &String| {
        let found = entries.iter().find(|entry| entry.id == *id);
        found.map_or(id.clone(), |entry| entry.title.clone())
    };
    let requires: Vec<String> = entry.requires.iter().map(title_of).collect();
    let is_begun = props.begun.get(at) == Some(&true);
    let is_coming = props.wanted.as_deref() == Some(&entry.id);
    let label = match (is_coming, is_begun) {
        (true, _) => say::opening(),
        (false, true) => say::go_on(),
        (false, false) => say::open(),
    };
    html! {
        <li class="lab-entry" data-lab={entry.id.clone()}>
            <div>
                <h4>{ &entry.title }</h4>
                <p>{ &entry.summary }</p>
                <p class="quiet">{ more::size(entry.minutes, name_of(entry.difficulty), points(entry.points)) }
                    if !requires.is_empty() {
                        { say::best_after(requires.join(", ")) }
                    }
                </p>
                if let Some(progress) = progress { { so_far(entry, progress) } }
            </div>
            <button class="primary" {onclick} aria-label={say::open_lab(label, &entry.title)}>
                { label }</button>
        </li>
    }
}

/// How far the student is with a lab.
fn so_far(entry: &Entry, progress: &Progress) -> Html {
    let passed = entry
        .checks
        .iter()
        .filter(|check| progress.passed.contains(check))
        .count();
    let all = entry.checks.len();
    let mut parts = vec![say::passed(
        passed,
        all,
        progress.best,
        points(entry.points),
    )];
    if !progress.answers.is_empty() {
        let right = progress
            .answers
            .iter()
            .filter(|it| it.outcome == lesson::Outcome::Right);
        parts.push(say::right_predictions(
            right.count(),
            progress.answers.len(),
        ));
    }
    if let Some((_, score)) = &progress.handed_in {
        parts.push(say::handed_in_with(points(*score)));
    }
    let sign = if passed == all { "✓ " } else { "" };
    html! { <p class="so-far"><span aria-hidden="true">{ sign }</span>{ parts.join(" · ") }</p> }
}
