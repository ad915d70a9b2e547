//! What is said around the picture of a cache's slabs: what the bytes of an object's place are for,
//! what the CPUs keep, and the nodes' lists in their order.

use labs::view::{CacheSlabsView, SegmentKind, SlabNames, fragmentation};
use yew::{Callback, Html, classes, html};

use super::film::times;
use crate::state::Action;
use crate::state::inquiry::Action as Inquiry;
use crate::state::slabs::{Action as Own, SLABS_SHOWN};

/// Slabs of a list that are shown.
const SLABS_LISTED: usize = 16;
/// Free objects of a list that are shown; the picture has them all.
const OBJECTS_LISTED: usize = 6;

/// What scrolls away above the slabs.
pub fn above(view: &CacheSlabsView, act: &Callback<Action>) -> Html {
    html! {
        <div class="slab-above">
            <div class="slab-facts">
                { facts(view) }
                { object(view) }
            </div>
            { lists(view, act) }
            { legend(view) }
            { windows(view, act) }
        </div>
    }
}

/// The numbers.
fn facts(view: &CacheSlabsView) -> Html {
    let cache = &view.cache;
    let pages = cache.slabs * cache.pages_per_slab;
    let needed =
        cache.active_objects.div_ceil(cache.objects_per_slab.max(1)) * cache.pages_per_slab;
    if view.allocator == "slob" {
        let pages = view.before as usize + view.slabs.len() + view.after as usize;
        return html! {
            <dl class="facts-row">
                <div><dt>{ words::slab::in_use() }</dt><dd class="mono">{ cache.active_objects }</dd></div>
                <div><dt>{ words::slab::ring_pages() }</dt><dd class="mono">{ pages }</dd></div>
            </dl>
        };
    }
    let mut facts = vec![
        (
            words::slab::in_use(),
            words::slab::of(cache.active_objects, cache.total_objects),
        ),
        (words::slab::pages_held(), pages.to_string()),
        (words::slab::needed(), needed.to_string()),
        (words::slab::fragmentation(), times(fragmentation(cache))),
    ];
    facts.extend(cache.traits());
    html! {
        <dl class="facts-row">
            { for facts.into_iter().map(|(name, value)| html! {
                <div><dt>{ name }</dt><dd class="mono">{ value }</dd></div>
            }) }
        </dl>
    }
}

fn class_of(kind: SegmentKind) -> &'static str {
    match kind {
        SegmentKind::Object => "seg-object",
        SegmentKind::RedZone => "seg-redzone",
        SegmentKind::FreePointer => "seg-pointer",
        SegmentKind::Allocated | SegmentKind::Freed => "seg-track",
        SegmentKind::Padding => "seg-padding",
    }
}

/// One object's place, enlarged.
fn object(view: &CacheSlabsView) -> Html {
    let Some(last) = view.layout.last() else {
        return Html::default();
    };
    let whole = f64::from(last.to.max(1));
    let bars = view.layout.iter().map(|segment| {
        let x = f64::from(segment.from) * 200.0 / whole;
        let width = f64::from(segment.to - segment.from) * 200.0 / whole;
        html! {
            <rect class={class_of(segment.kind)} x={x.to_string()} width={width.to_string()} height="10" />
        }
    });
    let words = view.layout.iter().map(|segment| {
        html! {
            <li>
                <svg viewBox="0 0 12 12" aria-hidden="true">
                    <rect class={class_of(segment.kind)} width="12" height="12" />
                </svg>
                { segment.kind.word() }
                <span class="mono">{ segment.from }{ "–" }{ segment.to - 1 }</span>
            </li>
        }
    });
    html! {
        <figure class="slab-object">
            <figcaption>{ words::slab::place_bytes(last.to) }</figcaption>
            <svg class="object-bar" viewBox="0 0 200 10" preserveAspectRatio="none" aria-hidden="true">
                { for bars }
            </svg>
            <ul class="legend">{ for words }</ul>
        </figure>
    }
}

/// What the CPUs keep, and the lists of the nodes.
fn lists(view: &CacheSlabsView, act: &Callback<Action>) -> Html {
    let show = |at: u32, text: String| {
        let onclick = act.reform(move |_| Action::Inquiry(Inquiry::Inspect(at)));
        html! { <li><button class="chip mono" {onclick}>{ text }</button></li> }
    };
    let objects = |title: String, free: &[u32], class: &'static str| {
        let shown = free.iter().take(OBJECTS_LISTED).map(|at| {
            let address = labs::view::address(*at);
            show(*at, address[8..].to_string())
        });
        let left = free.len().saturating_sub(OBJECTS_LISTED);
        listed(title, free.len(), left, class, Html::from_iter(shown))
    };
    let slabs = |title: String, names: &SlabNames| {
        let shown = names.frames.iter().take(SLABS_LISTED);
        let shown = shown.map(|frame| show(*frame * 512, frame.to_string()));
        let count = names.count as usize;
        let left = count.saturating_sub(SLABS_LISTED);
        listed(title, count, left, "", Html::from_iter(shown))
    };
    let cpus = view.cpus.iter().enumerate().map(|(number, cpu)| {
        let mut title = words::slab::cpu(number);
        if let Some(frame) = cpu.slab {
            title.push_str(&words::slab::cpu_owns(frame));
        }
        if cpu.limit > 0 {
            title.push_str(&words::slab::cpu_array(cpu.limit, cpu.batchcount));
            if cpu.touched {
                title.push_str(words::slab::cpu_touched());
            }
        }
        objects(title, &cpu.free, "kept")
    });
    let is_slab = view.allocator == "slab";
    let nodes = view.nodes.iter().enumerate().map(|(number, node)| {
        let partial = match is_slab {
            true => words::slab::node_partial_colour(number, node.colour_next),
            false => words::slab::node_partial(number),
        };
        html! {
            <>
                { slabs(partial, &node.partial) }
                if node.full.count > 0 { { slabs(words::slab::node_full(number), &node.full) } }
                if node.free.count > 0 { { slabs(words::slab::node_free(number), &node.free) } }
                if !node.shared.is_empty() { { objects(words::slab::node_shared(number), &node.shared, "kept") } }
                if !node.alien.is_empty() { { objects(words::slab::node_alien(number), &node.alien, "kept") } }
            </>
        }
    });
    html! { <div class="slab-lists">{ for cpus }{ for nodes }</div> }
}

/// A list with its first entries, in its order.
fn listed(title: String, count: usize, left: usize, class: &'static str, entries: Html) -> Html {
    html! {
        <div class={classes!("slab-list", class)}>
            <h3>{ title }<span class="quiet">{ " · " }{ count }</span></h3>
            <ol class="chips chain">{ entries }
                if left > 0 { <li class="quiet">{ words::slab::more(left) }</li> }
            </ol>
        </div>
    }
}

/// What colours and shapes mean.
fn legend(view: &CacheSlabsView) -> Html {
    let is_slab = view.allocator == "slab";
    let is_slob = view.allocator == "slob";
    let item = |class: &'static str, word: &'static str| {
        html! { <li><svg viewBox="0 0 12 12" aria-hidden="true"><rect {class} x="0.5" y="0.5" width="11" height="11" />
            if class == "sw-kept" { <path class="sw-hatch" d="M0 6L6 0M0 12L12 0M6 12L12 6" /> }
            if class == "sw-bad" { <path class="sw-cross" d="M1 1L11 11M1 11L11 1" /> }
        </svg>{ word }</li> }
    };
    html! {
        <ul class="legend slab-legend" aria-hidden="true">
            { item("sw-slab", if is_slob { words::slab::legend_own() } else { words::slab::legend_in_use() }) }
            if is_slob { { item("sw-reserved", words::slab::legend_others()) } }
            { item("sw-free", words::slab::legend_free()) }
            if !is_slob { { item("sw-kept", words::slab::legend_kept()) } }
            { item("sw-bad", words::slab::legend_damaged()) }
            if is_slab { { item("sw-reserved", words::slab::legend_descriptor()) } }
            <li><svg viewBox="0 0 12 12" aria-hidden="true"><path class="sw-arc" d="M1 11C1 1 11 1 11 11" /></svg>
                { words::slab::legend_freelist() }</li>
        </ul>
    }
}

/// The way to the slabs that are not shown.
fn windows(view: &CacheSlabsView, act: &Callback<Action>) -> Html {
    if view.before == 0 && view.after == 0 {
        return Html::default();
    }
    let button = |id: &'static str, label: String, from: u32, is_off: bool| {
        let onclick = act.reform(move |_| Action::Slabs(Own::From(from)));
        html! { <button class="tool" {id} disabled={is_off} {onclick}>{ label }</button> }
    };
    let shown = view.slabs.len() as u32;
    html! {
        <div class="dock-form slab-windows">
            { button("slabs-before", words::slab::slabs_before(view.before),
                view.before.saturating_sub(SLABS_SHOWN), view.before == 0) }
            <span>{ words::slab::slabs_shown(view.before + 1, view.before + shown) }</span>
            { button("slabs-after", words::slab::slabs_behind(view.after),
                view.before + shown, view.after == 0) }
        </div>
    }
}
