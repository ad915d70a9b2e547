//! How a cache stood before defragmentation, stands now and will: as numbers and as bars.

use labs::view::{CacheView, DefragView, fragmentation};
use yew::{Html, html};

use super::film::{Still, times};

/// Pages held and needed, before, now and after.
pub fn meters(view: &DefragView, still: &Still) -> Html {
    let pages = view.before.cache.pages_per_slab;
    let now = CacheView {
        slabs: still.held,
        active_objects: still.active,
        objects_per_slab: view.before.cache.objects_per_slab,
        ..CacheView::default()
    };
    let rows = [
        ("before", words::slab::meters_before(), &view.before.cache),
        ("now", words::slab::meters_now(), &now),
        ("after", words::slab::meters_after(), &view.after.cache),
    ];
    let most = rows.iter().map(|(_, _, cache)| cache.slabs).max();
    let most = f64::from(most.unwrap_or(0).max(1));
    let rows = rows.iter().map(|(when, word, cache)| {
        let needed = cache.active_objects.div_ceil(cache.objects_per_slab.max(1));
        let width = |slabs: u32| (f64::from(slabs) * 100.0 / most).to_string();
        html! {
            <tr data-when={*when} data-pages={(cache.slabs * pages).to_string()}>
                <th scope="row">{ *word }</th>
                <td class="meter-bar">
                    <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                        <rect class="bar-held" width={width(cache.slabs)} height="6" />
                        <rect class="bar-used" width={width(needed)} height="6" />
                    </svg>
                </td>
                <td>{ cache.slabs * pages }</td>
                <td>{ needed * pages }</td>
                <td>{ times(fragmentation(cache)) }</td>
            </tr>
        }
    });
    html! {
        <table class="meters" id="film-meters">
            <caption class="unseen">{ words::slab::meters_caption() }</caption>
            <thead><tr>
                <td></td><td></td>
                <th scope="col">{ words::slab::pages_held() }</th>
                <th scope="col">{ words::slab::needed() }</th>
                <th scope="col">{ words::slab::fragmentation() }</th>
            </tr></thead>
            <tbody>{ for rows }</tbody>
        </table>
    }
}
