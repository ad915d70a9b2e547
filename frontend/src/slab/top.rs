//! All caches, as `slabtop` lists them: sorted by any column, with how much of what each cache took
//! is in use.

use labs::view::{CacheView, fragmentation};
use words::looks;
use yew::{Html, html};

use super::SlabPane;
use super::film::times;
use crate::looks::legend::{Mark, SQUARE, legend};
use crate::state::Action;
use crate::state::slabs::{Action as Own, Column};

/// Draws the list.
pub fn top(caches: &[CacheView], props: &SlabPane) -> Html {
    let sort = props.sort;
    let headings = Column::ALL.into_iter().map(|column| {
        let onclick = props.act.reform(move |_| Action::Slabs(Own::Sort(column)));
        let (order, sign) = match (sort.column == column, sort.is_descending) {
            (false, _) => (None, ""),
            (true, true) => (Some("descending"), " ▾"),
            (true, false) => (Some("ascending"), " ▴"),
        };
        html! {
            <th scope="col" aria-sort={order}>
                <button class="sort" data-column={column.id()} {onclick}>
                    { column.label() }<span aria-hidden="true">{ sign }</span>
                </button>
            </th>
        }
    });
    let most = caches.iter().map(CacheView::bytes).max();
    let most = most.unwrap_or(0).max(1);
    let rows = sort.sorted(caches);
    let rows = rows.into_iter().enumerate();
    let rows = rows.map(|(place, cache)| row(cache, most, place == 0, props));
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label={words::slab::title()}>
            <table class="slabtop" id="slabtop">
                <caption class="unseen">{ words::slab::list_caption() }</caption>
                <thead><tr>{ for headings }</tr></thead>
                <tbody data-walk="tr">{ for rows }</tbody>
            </table>
            { legend(&marks()) }
        </div>
    }
}

/// The parts of a bar.
fn marks() -> [Mark; 2] {
    [
        ("sw-slab", SQUARE, looks::in_use()),
        ("sw-free", SQUARE, looks::not_in_use()),
    ]
}

/// One cache. The bar's length is its pages against the largest cache; the filled part, objects in
/// use. Arrow keys go from one to the next; `is_stop`: Tab leads here.
fn row(cache: &CacheView, most: u64, is_stop: bool, props: &SlabPane) -> Html {
    let is_lit = props.lit.has_name(&cache.name) || props.lit.mark_of(cache.at).is_some();
    let name = cache.name.clone();
    let onclick = props.act.reform(move |_| {
        crate::page::focus_in_place("#slab-canvas");
        Action::Slabs(Own::Open(Some(name.clone())))
    });
    let width = (cache.bytes() * 100).div_ceil(most).max(1);
    let used = match cache.total_objects {
        0 => 0,
        total => u64::from(cache.active_objects) * width / u64::from(total),
    };
    html! {
        <tr key={cache.name.clone()} class={is_lit.then_some("lit")}>
            <th scope="row" class="mono">
                <button class="link" data-cache={cache.name.clone()} {onclick}
                    tabindex={if is_stop { "0" } else { "-1" }}
                    title={words::slab::open_hint()}>
                    { &cache.name }
                </button>
                if is_lit { <span class="sign" title={words::slab::asked_about()}>{ " ◂" }</span> }
            </th>
            <td>{ cache.active_objects }</td>
            <td>{ cache.total_objects }</td>
            <td>{ cache.size }</td>
            <td class="with-bar">
                <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="bar-room" width={width.to_string()} height="6" />
                    <rect class="bar-used" width={used.to_string()} height="6" />
                </svg>
                <span>{ cache.bytes() / 1024 }</span>
            </td>
            <td>
                if cache.active_objects > 0 { { times(fragmentation(cache)) } } else { { "–" } }
            </td>
        </tr>
    }
}
