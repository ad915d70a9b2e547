//! Two sessions side by side: which log to compare with, and where they part.

use std::rc::Rc;

use labs::view::{CacheView, EventRow, SlabView};
use web_sys::{HtmlSelectElement, HtmlTextAreaElement};
use words::inquiry as say;
use yew::{AttrValue, Callback, Event, Html, TargetCast, hook, html, use_node_ref};

use crate::callbacks::report;
use crate::page::read_file;
use crate::part::drawn_by;
use crate::state::Action;
use crate::state::inquiry::Action as Own;
use crate::state::inquiry::compare::{Compare, Phase, Twin};
use crate::transcript::LogLine;

/// How much of a line's output is shown, in bytes.
const TEXT_SHOWN: usize = 4000;

#[derive(PartialEq)]
pub struct CompareTab {
    pub compare: Option<Rc<Compare>>,
    /// This session's machine.
    pub machine: AttrValue,
    /// This session's line at the step where the sessions part.
    pub line: Option<Rc<LogLine>>,
    /// The sessions that the browser keeps, except this one: their names in the journal, and those
    /// that people call them by.
    pub kept: Vec<(AttrValue, AttrValue)>,
    /// This session's caches.
    pub slab: Option<Rc<SlabView>>,
    /// The step that is shown.
    pub step: u32,
    pub act: Callback<Action>,
}

drawn_by!(CompareTab, use_compare_tab);

/// Draws the tab.
#[hook]
fn use_compare_tab(props: &CompareTab) -> Html {
    let area = use_node_ref();
    let start = {
        let (act, area) = (props.act.clone(), area.clone());
        Callback::from(move |_| {
            if let Some(area) = area.cast::<HtmlTextAreaElement>() {
                let log = area.value().into_bytes();
                act.emit(Action::Inquiry(Own::Compare(log)));
            }
        })
    };
    let onchange = {
        let act = props.act.clone();
        Callback::from(move |event: Event| {
            let act = act.clone();
            read_file(&event, move |log| {
                act.emit(Action::Inquiry(Own::Compare(log)))
            });
        })
    };
    let choose = report(&props.act, |event: Event| {
        let select = event.target_dyn_into::<HtmlSelectElement>()?;
        let id = select.value();
        // The same session can be chosen again.
        select.set_selected_index(0);
        (!id.is_empty()).then_some(Action::Inquiry(Own::CompareKept(id)))
    });
    html! {
        <>
            <div class="dock-form">
                <label class="full">{ say::other_log() }
                    <textarea ref={area} id="compare-log" class="field mono" rows="4" spellcheck="false"
                        autocomplete="off" placeholder="mem=64M cpus=2 …" />
                </label>
                <button class="primary" id="compare-go" onclick={start}>{ say::compare() }</button>
                <label class="tool file">{ say::with_file() }
                    <input type="file" id="compare-file" class="unseen" {onchange} />
                </label>
            </div>
            if !props.kept.is_empty() {
                <div class="dock-form">
                    <select id="compare-kept" aria-label={say::kept_label()}
                        onchange={choose}>
                        <option value="" selected={true}>{ say::with_kept() }</option>
                        { for props.kept.iter().map(|(id, name)| html! {
                            <option value={id.clone()}>{ name }</option>
                        }) }
                    </select>
                </div>
            }
            { allocators(props) }
            if let Some(compare) = &props.compare { { result(compare, props) } }
        </>
    }
}

/// The same log on the allocators that this session does not run on.
fn allocators(props: &CompareTab) -> Html {
    let buttons = ["slab", "slub", "slob"].map(|name| {
        let word = ["slab=", name].concat();
        if props.machine.split(' ').any(|known| known == word) {
            return Html::default();
        }
        let id = ["compare-", name].concat();
        let onclick = props
            .act
            .reform(move |_| Action::Inquiry(Own::CompareTwin(name.to_string())));
        html! { <button class="tool" {id} {onclick}>{ name.to_ascii_uppercase() }</button> }
    });
    html! {
        <div class="dock-form">
            <span>{ say::or_on() }</span>
            { for buttons }
        </div>
    }
}

/// How the caches stand here and there: pages held, one below the other.
fn caches(twin: &Twin, props: &CompareTab) -> Html {
    let (Some(ours), Some((step, theirs))) = (&props.slab, &twin.slab) else {
        return Html::default();
    };
    if *step != props.step {
        return html! { <p class="quiet">{ say::catching_up() }</p> };
    }
    let pages = |cache: &CacheView| cache.slabs * cache.pages_per_slab;
    // Every cache once, by name; the general ones have other names on each allocator.
    let mut rows: Vec<(&str, [Option<&CacheView>; 2])> = Vec::new();
    for (side, view) in [ours, theirs].into_iter().enumerate() {
        for cache in &view.caches {
            let known = rows.iter().position(|(name, _)| *name == cache.name);
            let place = known.unwrap_or_else(|| {
                rows.push((&cache.name, [None, None]));
                rows.len() - 1
            });
            rows[place].1[side] = Some(cache);
        }
    }
    let held = |row: &[Option<&CacheView>; 2]| row.map(|cache| cache.map_or(0, pages));
    rows.retain(|(_, row)| held(row) != [0, 0]);
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(held(row).into_iter().max()));
    let most = rows
        .first()
        .map_or(1, |(_, row)| held(row)[0].max(held(row)[1]));
    let total = [0, 1].map(|side| rows.iter().map(|(_, row)| held(row)[side]).sum::<u32>());
    let cell = |pages: u32, cache: Option<&CacheView>| {
        let Some(cache) = cache else {
            return html! { <td>{ "–" }</td> };
        };
        let width = f64::from(pages) * 100.0 / f64::from(most.max(1));
        html! {
            <td title={say::in_use(cache.active_objects)}>
                <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="bar-room" width="100" height="6" />
                    <rect class="bar-used" width={width.to_string()} height="6" />
                </svg>
                { pages }
            </td>
        }
    };
    let shown = rows.iter().map(|(name, row)| {
        let [here, there] = held(row);
        html! {
            <tr key={*name} data-cache={name.to_string()}>
                <th scope="row" class="mono">{ *name }</th>
                { cell(here, row[0]) }{ cell(there, row[1]) }
            </tr>
        }
    });
    html! {
        <table class="twins" id="compare-slabs" data-step={step.to_string()}>
            <caption>{ say::pages_held(step) }</caption>
            <thead><tr>
                <th scope="col">{ say::cache() }</th>
                <th scope="col">{ say::here(ours.allocator.to_ascii_uppercase()) }</th>
                <th scope="col">{ theirs.allocator.to_ascii_uppercase() }</th>
            </tr></thead>
            <tbody>{ for shown }</tbody>
            <tfoot><tr><th scope="row">{ say::all() }</th><td>{ total[0] }</td><td>{ total[1] }</td></tr></tfoot>
        </table>
    }
}

fn result(compare: &Compare, props: &CompareTab) -> Html {
    let close = props.act.reform(|_| Action::Inquiry(Own::EndComparison));
    let machines = (props.machine != compare.header && !compare.header.is_empty()).then(|| {
        html! {
            <p class="quiet">{ say::machines_differ() }
                <span class="mono">{ &props.machine }</span>{ say::machine_here() }
                <span class="mono">{ &compare.header }</span>{ say::machine_there() }</p>
        }
    });
    let (status, content) = match &compare.phase {
        Phase::Running => (
            match &compare.twin {
                Some(_) => say::same_so_far(compare.reports.len()),
                None => say::same_of(compare.reports.len(), compare.lines.len()),
            },
            Html::default(),
        ),
        Phase::Same => (say::same().to_string(), Html::default()),
        Phase::Failed(reason) => (say::no_comparison(reason), Html::default()),
        Phase::Parted(step, part) => (
            say::parted(step, part.words()),
            sides(compare, *step, props),
        ),
    };
    let phase = match &compare.phase {
        Phase::Running => "running",
        Phase::Same => "same",
        Phase::Parted(..) => "parted",
        Phase::Failed(_) => "failed",
    };
    html! {
        <div class="dock-answer" id="compare-result" data-phase={phase}>
            <p role="status">{ status }</p>
            { machines }
            if let Some(twin) = &compare.twin { { caches(twin, props) } }
            { content }
            <button class="tool" onclick={close}>{ say::end_comparison() }</button>
        </div>
    }
}

/// Both sessions at the step where they part.
fn sides(compare: &Compare, step: u32, props: &CompareTab) -> Html {
    let place = step as usize - 1;
    let ours = props.line.as_ref().map(|line| (&line.line, &line.report));
    let theirs = compare.lines.get(place).zip(compare.reports.get(place));
    let events = compare.event();
    let event = |side: usize| events.as_ref().map(|events| events[side]);
    let side = |title: &'static str,
                line: Option<(&Vec<u8>, &labs::protocol::LineReport)>,
                event: Option<Option<&EventRow>>| {
        let content = match line {
            None => html! { <p class="quiet">{ say::no_such_step() }</p> },
            Some((line, report)) => html! {
                <>
                    <p class="mono"><span class="hash">{ "# " }</span>{ text(line) }
                        if report.status != 0 { <span class="badge">{ words::lesson::status(report.status) }</span> }
                    </p>
                    <pre class="printed" tabindex="0">{ text(&report.text) }</pre>
                </>
            },
        };
        let event = event.map(|event| match event {
            Some(event) => html! {
                <p class="event-first">
                    <span class="quiet">{ say::first_event() }</span>
                    <span class="mono">{ format!("{} {}", event.name, event.fields) }</span>
                    if !event.sentence.is_empty() { <>{ " " }{ words::told(&event.sentence) }</> }
                </p>
            },
            None => html! { <p class="quiet">{ say::no_further_event() }</p> },
        });
        html! { <section class="side"><h3>{ title }</h3>{ content }{ event }</section> }
    };
    let jump = props.act.reform(move |_| Action::Seek(step));
    let left_out = compare.events_left_out();
    html! {
        <>
            <button class="primary" id="compare-jump" data-step={step.to_string()} onclick={jump}>
                { say::show_here(step) }
            </button>
            <div class="sides">
                { side(say::this_session(), ours, event(0)) }
                { side(say::the_other(), theirs, event(1)) }
            </div>
            if left_out > 0 {
                <p class="quiet">{ say::left_out(left_out) }</p>
            }
        </>
    }
}

/// Bytes as text, not without end.
fn text(bytes: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_SHOWN)]).into_owned();
    match bytes.len().checked_sub(TEXT_SHOWN) {
        None | Some(0) => shown,
        Some(left) => say::bytes_more(shown, left),
    }
}
