//! The radix-tree pane: which tree, its picture, and the slots of one of its nodes.

use std::rc::Rc;

use labs::view::{RadixNode, RadixNodeView, RadixView, View};
use web_sys::HtmlSelectElement;
use yew::{Callback, Event, Html, TargetCast, classes, hook, html};

use crate::callbacks::report;
use crate::choices::{Pane, Theme};
use crate::icons::{self, icon};
use crate::part::drawn_by;
use crate::radix_canvas::RadixCanvas;
use crate::state::Action;
use crate::state::inquiry::{Action as Inquiry, lit::Lit};
use crate::table::{Panel, panel};

/// What a click on the empty picture types.
const FIRST_TREE: [&str; 4] = [
    "radix create t",
    "radix insert t 1 100",
    "radix insert t 70 200",
    "radix insert t 4096 300",
];

#[derive(PartialEq)]
pub struct RadixPane {
    /// The tree, if there is one.
    pub view: Option<Rc<RadixView>>,
    /// Names of all trees.
    pub trees: Vec<String>,
    /// The tree that was chosen; `None` follows the one last used.
    pub choice: Option<String>,
    /// Handle of the node whose slots are shown.
    pub open_node: Option<u32>,
    /// That node.
    pub node: Option<Rc<RadixNodeView>>,
    /// What is lit.
    pub lit: Rc<Lit>,
    /// The page has shown a kernel.
    pub live: bool,
    pub theme: Theme,
    pub as_table: bool,
    pub visible: bool,
    pub act: Callback<Action>,
}

drawn_by!(RadixPane, use_radix_pane);

/// Draws the pane.
#[hook]
fn use_radix_pane(props: &RadixPane) -> Html {
    let empty = Rc::new(RadixView::default());
    let view = props.view.as_ref().unwrap_or(&empty);
    let has_nodes = !view.nodes.is_empty();
    let sentence = match &props.view {
        Some(view) => view.sentence(),
        None => match &props.choice {
            Some(name) => words::radix::none_of_name(name),
            None => words::radix::none().to_string(),
        },
    };
    let tools = html! {
        if props.trees.len() > 1 || props.choice.is_some() { { selector(props) } }
    };
    let picture = html! {
        <div class="tree">
            <RadixCanvas view={view.clone()} sentence={sentence.clone()} theme={props.theme}
                open_node={props.open_node} lit={props.lit.clone()} act={props.act.clone()} />
            if has_nodes { { legend() } }
            if !has_nodes && props.live { { invitation(props) } }
            if let Some(node) = &props.node {
                if let Some(place) = view.nodes.iter().position(|known| known.node == node.node) {
                    { detail(view, place, node, &props.act) }
                }
            }
        </div>
    };
    let frame = Panel {
        pane: Pane::Tree,
        title: words::radix::title().into(),
        sentence: sentence.into(),
        table: props.as_table.then(|| view.table()),
        visible: props.visible,
        tools,
        act: &props.act,
    };
    panel(frame, picture)
}

/// Chooses among several trees.
fn selector(props: &RadixPane) -> Html {
    let onchange = report(&props.act, |event: Event| {
        let name = event.target_dyn_into::<HtmlSelectElement>()?.value();
        Some(Action::ChooseTree((!name.is_empty()).then_some(name)))
    });
    let choice = props.choice.as_deref();
    let lost = choice.filter(|name| !props.trees.iter().any(|tree| tree == name));
    let names = props.trees.iter().map(String::as_str).chain(lost);
    html! {
        <select id="tree-select" aria-label={words::radix::which()} {onchange}>
            <option value="" selected={choice.is_none()}>{ words::radix::last_used() }</option>
            { for names.map(|name| html! {
                <option value={name.to_string()} selected={choice == Some(name)}>{ name }</option>
            }) }
        </select>
    }
}

/// What the colours and marks mean.
fn legend() -> Html {
    html! {
        <ul class="legend" aria-hidden="true">
            <li><svg viewBox="0 0 12 12"><rect class="sw-item" width="12" height="12" /></svg>{ words::radix::legend_in_use() }</li>
            <li><svg viewBox="0 0 12 12"><rect class="sw-item" width="12" height="12" />
                <rect class="sw-tag0" width="6" height="6" /></svg>{ words::radix::legend_tag(0) }</li>
            <li><svg viewBox="0 0 12 12"><rect class="sw-item" width="12" height="12" />
                <rect class="sw-tag1" x="6" y="6" width="6" height="6" /></svg>{ words::radix::legend_tag(1) }</li>
            <li><svg viewBox="0 0 12 12"><rect class="sw-path" x="1" y="1" width="10" height="10" /></svg>{ words::radix::legend_last_key() }</li>
        </ul>
    }
}

/// Shown instead of nothing.
fn invitation(props: &RadixPane) -> Html {
    let has_tree = props.view.is_some();
    let lines: Vec<Vec<u8>> = match &props.view {
        None => FIRST_TREE
            .iter()
            .map(|line| line.as_bytes().to_vec())
            .collect(),
        Some(view) => vec![format!("radix insert {} 70 200", view.name).into_bytes()],
    };
    let shown: Vec<String> = lines
        .iter()
        .map(|line| String::from_utf8_lossy(line).into())
        .collect();
    let onclick = props.act.reform(move |_| Action::Submit(lines.clone()));
    html! {
        <div class="invitation">
            <p>{ if has_tree { words::radix::empty_tree() } else { words::radix::what_it_is() } }</p>
            <button class="primary" id="first-tree" {onclick}>
                { if has_tree { words::radix::insert_one() } else { words::radix::grow_one() } }
            </button>
            <p class="mono quiet">{ for shown.into_iter().map(|line| html! { <>{ line }<br /></> }) }</p>
        </div>
    }
}

/// One node with its 64 slots.
fn detail(view: &RadixView, place: usize, node: &RadixNodeView, act: &Callback<Action>) -> Html {
    let known = &view.nodes[place];
    let rows = (0..8).map(|row| {
        html! { <tr>{ for (0..8).map(|column| slot(view, known, node, row * 8 + column, act)) }</tr> }
    });
    let parent = view.nodes.get(known.parent as usize).filter(|_| place != 0);
    let path_note = view.path.contains(&(place as u32)).then(|| {
        let key = view.last_key.unwrap_or(0);
        html! { <p>{ words::radix::goes_through(key, known.slot_of(key)) }</p> }
    });
    let at = node.node;
    let inspect = act.reform(move |_| Action::Inquiry(Inquiry::Inspect(at)));
    html! {
        <aside class="detail" aria-labelledby="detail-title">
            <div class="pane-head">
                <h3 id="detail-title" class="mono">{ &node.address }</h3>
                <button class="tool" id="node-inspect" onclick={inspect}
                    title={words::radix::inspect_hint()}>{ words::radix::inspect() }</button>
                <button class="tool" onclick={act.reform(|_| Action::OpenNode(None))}
                    aria-label={words::radix::close()} title={words::radix::close_hint()}>{ icon(icons::CLOSE) }</button>
            </div>
            <p>{ words::radix::level_slots(known.level, known.count()) }</p>
            <p class="mono">{ words::radix::keys(known.first_key, known.last_key()) }</p>
            { path_note }
            if let Some(parent) = parent {
                { node_button(parent.node, words::radix::parent(known.parent_slot), "link", act) }
            }
            <table class="slots mono">
                <caption class="unseen">{ node.sentence() }</caption>
                <tbody>{ for rows }</tbody>
            </table>
        </aside>
    }
}

/// One slot: an item, a way down, or nothing.
fn slot(
    view: &RadixView,
    known: &RadixNode,
    node: &RadixNodeView,
    slot: usize,
    act: &Callback<Action>,
) -> Html {
    let has = |mask: u64| mask >> slot & 1 == 1;
    let content = node.slots.get(slot).copied().unwrap_or(0);
    let is_path = view
        .last_key
        .is_some_and(|key| usize::from(known.slot_of(key)) == slot)
        && view
            .path
            .iter()
            .any(|index| view.nodes.get(*index as usize) == Some(known));
    let class = classes!(
        has(node.present).then_some("used"),
        has(node.tags[0]).then_some("tag0"),
        has(node.tags[1]).then_some("tag1"),
        is_path.then_some("path"),
    );
    let mut title = words::radix::slot(slot);
    for tag in (0..2).filter(|tag| has(node.tags[*tag])) {
        title.push_str(&words::radix::and_tag(tag));
    }
    let inside = match (has(node.present), known.level) {
        (false, _) => html! { <span class="unseen">{ words::radix::slot_empty() }</span> },
        (true, 0) => html! { { content } },
        (true, _) => node_button(content, "↓".to_string(), "slot-link", act),
    };
    html! { <td {class} {title}>{ inside }</td> }
}

/// A button that opens another node.
fn node_button(node: u32, text: String, class: &'static str, act: &Callback<Action>) -> Html {
    let onclick = act.reform(move |_| Action::OpenNode(Some(node)));
    let label = words::radix::leads_to(&text, labs::view::address(node));
    html! { <button {class} {onclick} aria-label={label}>{ text }</button> }
}
