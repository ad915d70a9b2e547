//! The slab caches as bars: how much of what each cache took is in use.

use std::rc::Rc;

use labs::view::{CacheView, SlabView, View};
use yew::{Callback, Html, hook, html};

use crate::choices::Pane;
use crate::part::drawn_by;
use crate::state::Action;
use crate::state::inquiry::{Action as Inquiry, lit::Lit};
use crate::table::{Panel, panel};

#[derive(PartialEq)]
pub struct SlabPane {
    pub view: Option<Rc<SlabView>>,
    /// What is lit: caches with a lit object are.
    pub lit: Rc<Lit>,
    pub as_table: bool,
    pub visible: bool,
    pub act: Callback<Action>,
}

drawn_by!(SlabPane, use_slab_pane);

/// Draws the slab caches.
#[hook]
fn use_slab_pane(props: &SlabPane) -> Html {
    let empty = Rc::new(SlabView::default());
    let view = props.view.as_ref().unwrap_or(&empty);
    let most = view
        .caches
        .iter()
        .map(CacheView::bytes)
        .max()
        .unwrap_or(0)
        .max(1);
    let picture = html! {
        <div class="scroll" tabindex="0" role="region" aria-label="slab caches as bars">
            <ul class="caches">{ for view.caches.iter().map(|cache| cache_bar(cache, most, props)) }</ul>
        </div>
    };
    let frame = Panel {
        pane: Pane::Slab,
        title: "slab caches",
        sentence: view.sentence().into(),
        table: props.as_table.then(|| view.table()),
        visible: props.visible,
        tools: Html::default(),
        act: &props.act,
    };
    panel(frame, picture)
}

/// One cache. The bar's length is its pages against the largest cache; the filled part, objects in
/// use.
fn cache_bar(cache: &CacheView, most: u64, props: &SlabPane) -> Html {
    let is_lit = props.lit.has_name(&cache.name) || props.lit.mark_of(cache.at).is_some();
    let at = cache.at;
    let onclick = props
        .act
        .reform(move |_| Action::Inquiry(Inquiry::Inspect(at)));
    let width = (cache.bytes() * 100).div_ceil(most).max(1);
    let used = match cache.total_objects {
        0 => 0,
        total => u64::from(cache.active_objects) * width / u64::from(total),
    };
    html! {
        <li key={cache.name.clone()} class={is_lit.then_some("lit")}>
            <span class="cache-name mono">
                <button class="link" {onclick} title="its kmem_cache, from the frame itself">
                    { &cache.name }
                </button>
                if is_lit { <span class="sign" title="asked about">{ " ◂" }</span> }
            </span>
            <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                <rect class="bar-room" x="0" y="0" width={width.to_string()} height="6" />
                <rect class="bar-used" x="0" y="0" width={used.to_string()} height="6" />
            </svg>
            <span class="cache-facts mono">
                { format!("{}/{} × {} B", cache.active_objects, cache.total_objects, cache.size) }
            </span>
            <span class="cache-facts">
                { format!("slabs {}, partial {}, {} KiB", cache.slabs, cache.partial, cache.bytes() / 1024) }
            </span>
        </li>
    }
}
