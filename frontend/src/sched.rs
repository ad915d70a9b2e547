//! The scheduler: each CPU's queue as the red-black tree that it is ([`tree`], [`layout`]), why the
//! next one is next ([`why`]), who ran when ([`lanes`]), and how the CPUs' time was shared
//! ([`shares`]).

mod lanes;
mod lanes_draw;
mod layout;
mod shares;
mod tree;
mod tree_draw;
mod why;

use std::rc::Rc;

use labs::view::{RunQueueView, SchedView, TimelineView, View, duration};
use words::looks;
use yew::{Callback, Html, hook, html};

use crate::choices::{Pane, Theme};
use crate::icons::{self, icon};
use crate::looks::legend::{CIRCLE, Mark, SQUARE, STROKE, TRIANGLE, legend};
use crate::page::focus_in_place;
use crate::part::{drawn_later_by, part};
use crate::state::Action;
use crate::state::inquiry::lit::Lit;
use crate::state::sched::{Action as Own, Window};
use crate::table::{DataTable, Panel, framed};

use lanes::Lanes;
use tree::Tree;

#[derive(PartialEq)]
pub struct SchedPane {
    pub view: Option<Rc<SchedView>>,
    /// Who ran when, during the latest step in which time passed.
    pub timeline: Option<Rc<TimelineView>>,
    /// The part of that step which is looked at.
    pub window: Option<Window>,
    /// The path of the group whose queues are open.
    pub open: Option<Rc<str>>,
    /// The CPU whose next choice is explained, and the number of the reason that is looked at.
    pub why: Option<(u32, usize)>,
    /// What is lit: nodes of lit tasks are.
    pub lit: Rc<Lit>,
    pub theme: Theme,
    pub as_table: bool,
    pub visible: bool,
    pub act: Callback<Action>,
}

drawn_later_by!(SchedPane, use_sched_pane, sched, |_| true);

/// The marks of the trees.
fn tree_marks() -> [Mark; 5] {
    [
        ("mark-red", CIRCLE, looks::red_node()),
        ("mark-black", SQUARE, looks::black_node()),
        ("mark-next", SQUARE, looks::next()),
        ("mark-runs", TRIANGLE, looks::runs()),
        ("mark-lit", SQUARE, looks::asked_about()),
    ]
}

/// The marks of the lanes, and of the bars below them.
fn lane_marks() -> [Mark; 5] {
    [
        ("hue-0", SQUARE, looks::turn()),
        ("hue-1", SQUARE, looks::other_turn()),
        ("mark-woken", TRIANGLE, looks::woken()),
        ("mark-waits", TRIANGLE, looks::waits()),
        ("mark-ideal", STROKE, looks::ideal()),
    ]
}

/// Draws the pane.
#[hook]
fn use_sched_pane(props: &SchedPane) -> Html {
    let empty = Rc::new(SchedView::default());
    let view = props.view.as_ref().unwrap_or(&empty);
    let frame = Panel {
        pane: Pane::Sched,
        title: words::sched::title().into(),
        sentence: view.sentence().into(),
        table: None,
        visible: props.visible,
        tools: groups(view, props),
        act: &props.act,
    };
    let content = if props.as_table {
        tables(view, props)
    } else {
        let cpus = view.cpus.iter().map(|cpu| column(view, cpu, props));
        html! {
            <div class="scroll sched-scroll">
                <div class="sched-cpus">{ for cpus }</div>
                { legend(&tree_marks()) }
                { time(props) }
            </div>
        }
    };
    framed(frame, props.as_table, content)
}

/// The same as two tables.
fn tables(view: &SchedView, props: &SchedPane) -> Html {
    let timeline = props.timeline.as_ref().map(|timeline| {
        part(DataTable {
            id: "timeline-table".into(),
            table: timeline.table(),
        })
    });
    html! {
        <>
            { part(DataTable { id: "scheduler-table".into(), table: view.table() }) }
            if let Some(timeline) = timeline {
                <p class="sched-note">{ props.timeline.as_ref().map(|it| it.sentence()) }</p>
                { timeline }
            }
        </>
    }
}

/// Chooses whose queues are shown, where there are groups.
fn groups(view: &SchedView, props: &SchedPane) -> Html {
    let Some(open) = &props.open else {
        return Html::default();
    };
    let group = view.groups.iter().find(|group| *group.path == **open);
    let shares = group.map_or(0, |group| group.shares);
    let above = group.and_then(|group| view.groups.get(group.parent? as usize));
    let above = above.filter(|above| above.parent.is_some());
    let above = above.map(|above| above.path.clone());
    let back = props.act.reform(move |_| {
        focus_in_place("#sched-tree-0");
        Action::Sched(Own::Open(above.clone()))
    });
    html! {
        <>
            <button class="tool" id="sched-back" onclick={back} aria-label={words::sched::group_above()}
                title={words::sched::group_above_hint()}>{ icon(icons::RETURN) }</button>
            <span class="mono" id="sched-group">{ open.to_string() }</span>
            <span class="quiet">{ words::sched::shares(shares) }</span>
        </>
    }
}

/// A CPU: its facts, its tree, and why the next one is next.
fn column(view: &Rc<SchedView>, cpu: &RunQueueView, props: &SchedPane) -> Html {
    let number = cpu.cpu;
    let is_open = props.why.is_some_and(|why| why.0 == number);
    let reasons = if is_open { cpu.why().0 } else { Vec::new() };
    let looked_at = props.why.map_or(0, |why| why.1);
    let looked_at = looked_at.min(reasons.len().saturating_sub(1));
    let reason = reasons.get(looked_at).cloned();
    let toggle = props
        .act
        .reform(move |_| Action::Sched(Own::Why(if is_open { None } else { Some((number, 0)) })));
    let running = cpu
        .running()
        .map_or(words::sched::idle().to_string(), |it| it.name());
    let facts = [
        ("runs", words::sched::fact_runs(), running),
        (
            "runnable",
            words::sched::fact_runnable(),
            cpu.nr_running.to_string(),
        ),
        (
            "load",
            words::sched::fact_load(),
            cpu.queues.first().map_or(0, |it| it.load).to_string(),
        ),
        (
            "switches",
            words::sched::fact_switches(),
            cpu.switches.to_string(),
        ),
        ("user", words::sched::fact_user(), seconds(cpu.user_ns)),
        (
            "system",
            words::sched::fact_system(),
            seconds(cpu.system_ns),
        ),
        ("idle", words::sched::fact_idle(), seconds(cpu.idle_ns)),
    ];
    let facts = facts.map(|(id, name, value)| {
        html! { <div><dt>{ name }</dt><dd data-fact={id}>{ value }</dd></div> }
    });
    html! {
        <section class="sched-cpu" key={number} aria-label={words::sched::cpu(number)}
            data-cpu={number.to_string()}>
            <div class="sched-head">
                <h3>{ words::sched::cpu(number) }</h3>
                if cpu.need_resched { <span class="quiet">{ words::sched::choose_anew() }</span> }
                <button class="tool sched-why" aria-pressed={is_open.to_string()} onclick={toggle}
                    title={words::sched::who_next_hint()}>{ words::sched::who_next() }</button>
            </div>
            <dl class="facts-row">{ for facts }</dl>
            <Tree view={view.clone()} cpu={number as usize} open={props.open.clone()} {reason}
                lit={props.lit.clone()} theme={props.theme} act={props.act.clone()} />
            if is_open { { why::list(number, &reasons, looked_at, &props.act) } }
        </section>
    }
}

/// Nanoseconds as `1.234 s`.
fn seconds(ns: u64) -> String {
    format!("{}.{:03} s", ns / 1_000_000_000, ns / 1_000_000 % 1000)
}

/// Who ran when, and the shares.
fn time(props: &SchedPane) -> Html {
    let Some(view) = &props.timeline else {
        return html! {
            <p class="empty" id="sched-no-time">
                { words::sched::no_time() }<code>{ "sleep 1" }</code>
                { words::sched::no_time_sleep() }<code>{ "spawn spin" }</code>
                { words::sched::no_time_spawn() }
            </p>
        };
    };
    let all = Window::all(view);
    let window = props.window.unwrap_or(all);
    html! {
        <section class="sched-time" aria-labelledby="sched-time-title">
            <h3 id="sched-time-title" class="unseen">{ words::sched::who_ran() }</h3>
            <p class="sched-note" id="sched-time-sentence">{ view.sentence() }</p>
            if view.noted_ns < view.end_ns {
                <p class="sched-note">
                    { words::sched::noted(duration(view.noted_ns - view.begin_ns)) }
                </p>
            }
            <Lanes view={view.clone()} {window} lit={props.lit.clone()} theme={props.theme}
                act={props.act.clone()} />
            { legend(&lane_marks()) }
            { shares::shares(view) }
        </section>
    }
}
