//! The dialog.

use std::cell::RefCell;
use std::rc::Rc;

use labs::protocol::decode;
use performance::offer::Offered;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{HtmlDialogElement, HtmlSelectElement};
use words::performance as say;
use yew::functional::UseForceUpdateHandle;
use yew::{
    Callback, Event, Html, TargetCast, hook, html, use_effect_with, use_force_update, use_mut_ref,
    use_node_ref,
};

use super::bench::{Bench, Told};
use super::costs::{Cost, Costs, Mine, time};
use super::course::{Amount, Course};
use super::visitor;
use crate::library::journal::copy_text;
use crate::part::drawn_later_by;
use crate::state::Action;

#[derive(PartialEq)]
pub struct PerformanceSheet {
    pub open: bool,
    pub act: Callback<Action>,
}

drawn_later_by!(
    PerformanceSheet,
    use_performance_sheet,
    performance,
    |sheet| sheet.open
);

/// What the dialog knows.
struct Desk {
    bench: Option<Bench>,
    /// What can be measured; why it cannot be had.
    offered: Option<Result<Rc<Offered>, String>>,
    amount: Amount,
    /// What is being measured.
    course: Option<Course>,
    mine: Mine,
    /// What became of a press of a button.
    note: &'static str,
}

impl Default for Desk {
    fn default() -> Desk {
        Desk {
            bench: None,
            offered: None,
            amount: Amount::Quick,
            course: None,
            mine: Mine::new(),
            note: "",
        }
    }
}

/// The dialog's knowledge, for whoever changes it.
#[derive(Clone)]
struct Handle {
    desk: Rc<RefCell<Desk>>,
    redraw: UseForceUpdateHandle,
}

impl Handle {
    /// Changes the desk, and draws it anew.
    fn change<T>(&self, change: impl FnOnce(&mut Desk) -> T) -> T {
        let result = change(&mut self.desk.borrow_mut());
        self.redraw.force_update();
        result
    }

    /// What to do when something happens.
    fn on<E>(&self, act: fn(&Handle)) -> Callback<E> {
        let handle = self.clone();
        Callback::from(move |_| act(&handle))
    }

    /// A worker of its own, or a note in its place.
    fn bench(&self) -> Result<Bench, String> {
        let handle = self.clone();
        Bench::start(Callback::from(move |told| handle.hear(told)))
    }

    /// Asks what can be measured, unless it is known.
    fn open(&self) {
        if matches!(self.desk.borrow().offered, Some(Ok(_))) {
            return;
        }
        let bench = self.bench();
        self.change(|desk| {
            desk.offered = None;
            match bench {
                Ok(bench) => {
                    bench.ask_for_offers();
                    desk.bench = Some(bench);
                }
                Err(reason) => desk.offered = Some(Err(reason)),
            }
        });
    }

    fn run(&self) {
        let bench = self.bench();
        self.change(|desk| {
            let Some(Ok(offered)) = &desk.offered else {
                return;
            };
            match (bench, Course::begin(desk.amount, &offered.offers)) {
                (Ok(bench), Some((course, ask))) => {
                    bench.ask(&ask);
                    desk.bench = Some(bench);
                    desk.mine.clear();
                    desk.course = Some(course);
                    desk.note = say::runs();
                }
                (Err(reason), _) => desk.offered = Some(Err(reason)),
                (_, None) => {}
            }
        });
    }

    /// Ends what runs. What was measured stays.
    fn stop(&self) {
        if self.desk.borrow().course.is_some() {
            self.change(|desk| desk.note = say::stopped());
        }
        self.change(|desk| (desk.bench, desk.course) = (None, None));
    }

    fn hear(&self, told: Told) {
        let answer = match told {
            Told::Offered(bytes) => {
                let offered = decode(&bytes).map(Rc::new);
                return self.change(|desk| (desk.offered, desk.bench) = (Some(offered), None));
            }
            Told::Done(cost) => Ok(cost),
            Told::Failed(reason) => Err(reason),
        };
        let failed = answer.is_err();
        let is_over = self.change(|desk| {
            let Some(course) = &mut desk.course else {
                if let Err(reason) = answer {
                    (desk.offered, desk.bench) = (Some(Err(reason)), None);
                }
                return true;
            };
            let work = course.now().cloned();
            let (outcome, ask) = course.heard(answer);
            if let (Some(work), Some(outcome)) = (work, outcome) {
                desk.mine.insert(work, outcome);
            }
            match (ask, &desk.bench) {
                (Some(ask), Some(bench)) if !failed => {
                    bench.ask(&ask);
                    false
                }
                (Some(_), _) => false,
                (None, _) => {
                    (desk.course, desk.bench) = (None, None);
                    desk.note = say::all_measured();
                    true
                }
            }
        });
        if failed && !is_over {
            self.go_on();
        }
    }

    /// Goes on with another worker: one in which something failed is in pieces.
    fn go_on(&self) {
        let bench = self.bench();
        self.change(|desk| {
            let ask = desk.course.as_ref().and_then(Course::make);
            match (bench, ask) {
                (Ok(bench), Some(ask)) => {
                    bench.ask(&ask);
                    desk.bench = Some(bench);
                }
                _ => (desk.course, desk.bench) = (None, None),
            }
        });
    }

    fn copy(&self) {
        let Some(text) = self.desk.borrow().json() else {
            return;
        };
        let handle = self.clone();
        spawn_local(async move {
            let note = match JsFuture::from(copy_text(&text)).await {
                Ok(_) => say::copied(),
                Err(_) => say::not_copied(),
            };
            handle.change(|desk| desk.note = note);
        });
    }
}

impl Desk {
    fn costs(&self) -> Option<Costs> {
        let offered = self.offered.as_ref()?.as_ref().ok()?;
        Some(Costs::of(self.amount, offered, &self.mine))
    }

    /// What was measured, as text for other programs.
    fn json(&self) -> Option<String> {
        let date = String::from(js_sys::Date::new_0().to_iso_string());
        let date = date.split('T').next().unwrap_or_default().to_string();
        let record = self.costs()?.record(this_machine(), date);
        serde_json::to_string_pretty(&record).ok()
    }
}

/// The visitor's browser and machine.
fn this_machine() -> String {
    let navigator = web_sys::window().map(|window| window.navigator());
    navigator.map_or_else(String::new, |navigator| {
        let agent = navigator.user_agent().unwrap_or_default();
        visitor::describe(&agent, navigator.hardware_concurrency())
    })
}

/// The dialog. It is in the page once it was opened.
#[hook]
fn use_performance_sheet(props: &PerformanceSheet) -> Html {
    let dialog = use_node_ref();
    let handle = Handle {
        desk: use_mut_ref(Desk::default),
        redraw: use_force_update(),
    };
    {
        let (dialog, handle) = (dialog.clone(), handle.clone());
        use_effect_with(props.open, move |open| {
            let Some(dialog) = dialog.cast::<HtmlDialogElement>() else {
                return;
            };
            match (*open, dialog.open()) {
                // It throws only when the element is not in the page.
                (true, false) => drop(dialog.show_modal()),
                (false, true) => dialog.close(),
                _ => {}
            }
            match *open {
                true => handle.open(),
                false => handle.stop(),
            }
        });
    }
    let hide = props.act.reform(|_| Action::Performance(false));
    let close = props.act.reform(|_| Action::Performance(false));
    let desk = handle.desk.borrow();
    let content = match (&desk.offered, desk.costs()) {
        (Some(Ok(offered)), Some(costs)) => measured(&handle, &desk, offered, &costs),
        (Some(Err(reason)), _) => html! {
            <p class="note error" role="alert">{ say::cannot() }{ reason }</p>
        },
        _ => html! { <p role="status">{ say::comes() }</p> },
    };
    html! {
        <dialog ref={dialog} class="sheet performance" id="performance"
            aria-labelledby="performance-title" onclose={hide}>
            <h2 id="performance-title">{ say::title() }</h2>
            <p>{ say::what() }</p>
            { content }
            <div class="actions">
                <button class="tool" id="performance-close" onclick={close}>{ say::close() }</button>
            </div>
        </dialog>
    }
}

/// Controls, sentence, and the table with its bars.
fn measured(handle: &Handle, desk: &Desk, offered: &Offered, costs: &Costs) -> Html {
    let amount = {
        let handle = handle.clone();
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            let is_whole = select.is_some_and(|select| select.value() == "whole");
            handle.change(|desk| {
                desk.amount = if is_whole {
                    Amount::Whole
                } else {
                    Amount::Quick
                };
            });
        })
    };
    let runs = desk.course.is_some();
    let is_whole = desk.amount == Amount::Whole;
    let recorded = &offered.recorded;
    let json = desk.json().filter(|_| !desk.mine.is_empty() && !runs);
    html! {
        <>
            <p>
                { say::here() }<b id="performance-here">{ this_machine() }</b>{ say::recorded() }
                <b>{ &recorded.machine }</b>{ say::recorded_on(&recorded.date) }
            </p>
            <div class="actions">
                <label>{ say::how_much() }
                    <select id="performance-amount" onchange={amount} disabled={runs}>
                        <option value="quick" selected={!is_whole}>{ say::quick() }</option>
                        <option value="whole" selected={is_whole}>{ say::whole() }</option>
                    </select>
                </label>
                if runs {
                    <button class="primary" id="performance-stop" onclick={handle.on(Handle::stop)}>
                        { say::stop() }
                    </button>
                } else {
                    <button class="primary" id="performance-run" onclick={handle.on(Handle::run)}>
                        { say::run() }
                    </button>
                }
                if json.is_some() {
                    <button class="tool" id="performance-copy" onclick={handle.on(Handle::copy)}>
                        { say::copy() }
                    </button>
                }
                <span role="status" id="performance-note">{ desk.note }</span>
            </div>
            if let Some(course) = &desk.course { { progress(course) } }
            <p class="sentence" id="performance-sentence">{ costs.sentence() }</p>
            { table(costs) }
            if let Some(json) = json {
                <details>
                    <summary>{ say::as_json() }</summary>
                    <textarea id="performance-json" class="mono" rows="8" readonly=true
                        aria-label={say::json_label()} value={json} />
                </details>
            }
        </>
    }
}

fn progress(course: &Course) -> Html {
    let (done, all) = course.progress();
    let now = course.now();
    html! {
        <p class="performance-progress">
            <progress id="performance-progress" max={all.to_string()} value={done.to_string()}
                aria-label={say::progress()} />
            if let Some((name, size)) = now {
                <span>{ say::now(name, size, done, all) }</span>
            }
        </p>
    }
}

/// The bars of one place: the class of their colour, and where they begin from above.
const PLACES: [(&str, u32); 3] = [("perf-mine", 1), ("perf-browser", 9), ("perf-process", 17)];

/// The names of these places.
fn places() -> [&'static str; 3] {
    [
        say::place_here(),
        say::place_browser(),
        say::place_process(),
    ]
}

fn table(costs: &Costs) -> Html {
    let heads = PLACES.into_iter().zip(places()).map(|((class, _), name)| {
        html! {
            <th scope="col">
                <svg class="oom-key" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
                    <rect {class} width="10" height="10" />
                </svg>
                { name }
            </th>
        }
    });
    let rows = costs.rows.iter().map(|row| line(row, costs));
    let scale = say::scale(time(10f64.powi(costs.decades as i32)));
    html! {
        <>
            <p class="quiet">{ scale }</p>
            <div class="table-scroll" tabindex="0" role="region" aria-label={say::table_label()}>
                <table class="performance-table" id="performance-table"
                    data-rows={costs.rows.len().to_string()}>
                    <caption class="unseen">{ say::caption() }</caption>
                    <thead><tr>
                        <th scope="col">{ say::operation() }</th>
                        <th scope="col">{ say::size() }</th>
                        { for heads }
                        <th scope="col"><span class="unseen">{ say::bars() }</span></th>
                    </tr></thead>
                    <tbody>{ for rows }</tbody>
                </table>
            </div>
        </>
    }
}

fn line(row: &Cost, costs: &Costs) -> Html {
    let all = [row.ns(), row.browser, row.process];
    let width = |ns| (costs.place(ns) * 1000.0).round().max(2.0).to_string();
    let bars = all.iter().zip(PLACES).filter_map(|(ns, (class, y))| {
        let width = width((*ns)?);
        Some(html! { <rect {class} y={y.to_string()} {width} height="6" /> })
    });
    let decades = (1..costs.decades).map(|decade| {
        let x = (1000 * decade / costs.decades).to_string();
        html! { <line class="perf-decade" x1={x.clone()} x2={x} y1="0" y2="24" /> }
    });
    let mine = match &row.mine {
        Some(Err(reason)) => html! { <td title={reason.clone()}>{ say::failed() }</td> },
        _ => cell(row.ns()),
    };
    html! {
        <tr data-work={row.name.clone()} data-ns={row.ns().map(|ns| ns.to_string())}>
            <th scope="row" title={row.what.clone()}>{ &row.name }</th>
            <td>{ row.size }</td>
            { mine }{ cell(row.browser) }{ cell(row.process) }
            <td class="perf-bars">
                <svg class="bar" viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true">
                    { for decades }
                    { for bars }
                </svg>
            </td>
        </tr>
    }
}

fn cell(ns: Option<f64>) -> Html {
    html! { <td>{ ns.map_or_else(|| "–".to_string(), time) }</td> }
}
