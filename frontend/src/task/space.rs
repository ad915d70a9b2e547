//! An address space as a picture: a map of its areas, and a cell for each page that it might have.

use std::rc::Rc;

use labs::view::task::{AreaRow, MmView, PageKind, PageRow, TaskView, pages};
use wasm_bindgen::JsCast;
use web_sys::{
    Element, HtmlInputElement, KeyboardEvent, MouseEvent, ScrollIntoViewOptions,
    ScrollLogicalPosition,
};
use yew::{Callback, Html, SubmitEvent, TargetCast, classes, html};

use super::inspect;
use super::one::Looked;
use super::plan::{Block, COLUMNS, Cell, PITCH, Paths, Plan, SIDE, cell_at, corner};
use super::walk::walk;
use crate::canvas::zoom;
use crate::page::later;
use crate::state::Action;
use crate::state::inquiry::Action as Inquiry;
use crate::state::tasks::Action as Own;

/// What the cells of each kind are called in the style sheet, in the order of [`PageKind::ALL`].
const CLASSES: [&str; 4] = ["page-private", "page-cow", "page-shared", "page-file"];

/// Draws it.
pub fn space(looked: &Looked<'_>, mm: &MmView) -> Html {
    let (act, view) = (looked.act, looked.view);
    let plan = Rc::new(Plan::new(mm));
    let cursor = looked.address.and_then(|address| plan.find(mm, address));
    let was = looked.before.and_then(|(_, view)| view.mm.as_ref());
    let is_changed = |page: &PageRow| {
        was.is_some_and(|was| {
            let known = is_covered(was, page.address());
            known && was.page(page.address()).map(|page| page.pte) != Some(page.pte)
        })
    };
    let blocks = mm.areas.iter().zip(&plan.blocks).enumerate();
    let blocks = blocks.map(|(number, (area, block))| {
        let paths = Paths::new(block, mm, is_changed);
        let at = cursor.filter(|(block, _)| *block == number);
        drawn(area, block, &paths, at.map(|(_, cell)| cell), number, act)
    });
    let onkeydown = {
        let (plan, view, act) = (plan.clone(), view.clone(), act.clone());
        Callback::from(move |event: KeyboardEvent| {
            if let Some(mm) = &view.mm {
                key(&event, &plan, mm, cursor, &act);
            }
        })
    };
    let onclick = {
        let (plan, view, act) = (plan.clone(), view.clone(), act.clone());
        Callback::from(move |event: MouseEvent| {
            let mm = view.mm.as_ref();
            if let Some(address) = mm.and_then(|mm| under(&event, &plan, mm)) {
                act.emit(Action::Tasks(Own::Address(address)));
            }
        })
    };
    let under = looked
        .address
        .map(|address| told(looked.view, mm, &plan, address));
    let changes = mm.pages.iter().filter(|page| is_changed(page)).count();
    html! {
        <section class="task-part task-space" aria-labelledby="task-space-title">
            <h3 id="task-space-title">{ words::tasks::space() }
                <button class="link mono" onclick={inspect(mm.at, act)}>{ "mm_struct" }</button>
            </h3>
            <p class="quiet">{ mm.sentence() }{ difference(looked, changes) }</p>
            { sharers(mm, act) }
            <div class="space-split">
                { map(mm, looked.address, act) }
                <div class="space-cells" id="task-space" tabindex="0" role="application"
                    aria-roledescription={words::tasks::space()}
                    aria-label={words::tasks::space_label()}
                    data-pages={mm.pages.len().to_string()} data-changed={changes.to_string()}
                    data-address={looked.address.map(|address| format!("{address:08x}"))}
                    {onkeydown} {onclick}>
                    { for blocks }
                </div>
            </div>
            { windows(mm, act) }
            <p class="task-under mono" id="task-under" aria-live="polite">
                { under.unwrap_or_else(|| words::tasks::space_way().into()) }
            </p>
            { legend() }
            { typed(looked) }
            if let Some(address) = looked.address { { walk(mm, address, act) } }
        </section>
    }
}

/// Whether a view had all pages around an address.
fn is_covered(mm: &MmView, address: u32) -> bool {
    let first = mm.pages.first().map_or(0, PageRow::address);
    let last = mm.pages.last().map_or(0, PageRow::address);
    (mm.before == 0 || address >= first) && (mm.after == 0 || address <= last)
}

fn difference(looked: &Looked<'_>, changes: usize) -> String {
    match (looked.before, changes) {
        (None, _) | (_, 0) => String::new(),
        (Some((step, _)), count) => words::tasks::entries_differ(count as u64, step),
    }
}

/// Who has some of the pages, too.
fn sharers(mm: &MmView, act: &Callback<Action>) -> Html {
    if mm.sharers.is_empty() {
        return Html::default();
    }
    let chips = mm.sharers.iter().map(|(kin, count)| {
        let text = format!("{} {}: {count}", kin.pid, kin.comm);
        html! {
            <li><button class="chip mono" onclick={super::open(kin.pid, act)}>{ text }</button></li>
        }
    });
    html! {
        <div class="task-chips">
            <span class="quiet">{ words::tasks::same_frames() }</span>
            <ul class="chips" id="task-sharers">{ for chips }</ul>
        </div>
    }
}

/// An area: what it is, and its cells.
fn drawn(
    area: &AreaRow,
    block: &Block,
    paths: &Paths,
    cursor: Option<usize>,
    number: usize,
    act: &Callback<Action>,
) -> Html {
    let rows = block.cells.len().div_ceil(COLUMNS).max(1);
    let (width, height) = (COLUMNS.min(block.cells.len()) * PITCH + 2, rows * PITCH + 2);
    let size = ["0 0 ", &width.to_string(), " ", &height.to_string()].concat();
    let kinds = CLASSES.iter().zip(&paths.pages);
    let kinds = kinds.filter(|(_, path)| !path.is_empty());
    html! {
        <div class="space-area">
            <h4 class="mono">
                <button class="link" onclick={inspect(area.at, act)} title={words::tasks::area_hint()}>
                    { format!("{:08x}-{:08x}", area.start, area.end) }
                </button>
                { " " }{ &area.rights }{ " " }<span class="area-name">{ area.what() }</span>
                <span class="quiet">{ words::tasks::area_part(area.present, area.pages()) }</span>
            </h4>
            <svg class="cells" data-block={number.to_string()} viewBox={size} aria-hidden="true"
                width={width.to_string()} height={height.to_string()}>
                <path class="page-hole" d={paths.holes.clone()} />
                <path class="page-dots" d={paths.dots.clone()} />
                { for kinds.map(|(class, path)| html! { <path class={*class} d={path.clone()} /> }) }
                <path class="page-dirty" d={paths.dirty.clone()} />
                <path class="page-changed" d={paths.changed.clone()} />
                if let Some(cell) = cursor { { frame(cell) } }
            </svg>
        </div>
    }
}

/// The frame around the cell that is looked at.
fn frame(cell: usize) -> Html {
    let (x, y) = corner(cell);
    let side = (SIDE + 2).to_string();
    html! {
        <rect class="page-cursor" x={(x - 1).to_string()} y={(y - 1).to_string()}
            width={side.clone()} height={side} />
    }
}

/// The address under the mouse.
fn under(event: &MouseEvent, plan: &Plan, mm: &MmView) -> Option<u32> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let block: usize = target.get_attribute("data-block")?.parse().ok()?;
    let place = target.get_bounding_client_rect();
    let room = target.closest("#task-space").ok().flatten();
    let zoom = room.map_or(1.0, |room| zoom(room.unchecked_ref()));
    let [x, y] = [
        f64::from(event.client_x()) - place.left(),
        f64::from(event.client_y()) - place.top(),
    ]
    .map(|at| (at / zoom) as i32);
    let cell = cell_at(plan.blocks.get(block)?, x, y)?;
    plan.address(mm, (block, cell))
}

fn key(
    event: &KeyboardEvent,
    plan: &Plan,
    mm: &MmView,
    cursor: Option<(usize, usize)>,
    act: &Callback<Action>,
) {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    let is_ours = target.is_some_and(|target| target.id() == "task-space");
    if !is_ours || event.alt_key() || event.ctrl_key() || event.meta_key() {
        return;
    }
    let action = match event.key().as_str() {
        "Enter" | " " => match cursor.and_then(|place| plan.cell(place)) {
            Some(Cell::Page(index)) => {
                Action::Inquiry(Inquiry::Inspect(mm.pages[index].frame() * 512))
            }
            _ => return event.prevent_default(),
        },
        "Escape" => {
            crate::page::focus_in_place("#task-grid");
            return event.prevent_default();
        }
        key => match plan
            .walk(key, cursor)
            .and_then(|place| plan.address(mm, place))
        {
            Some(address) => Action::Tasks(Own::Address(address)),
            None => return,
        },
    };
    event.prevent_default();
    act.emit(action);
    later(reveal);
}

/// Scrolls so that the cell that is looked at is in view.
fn reveal() {
    let document = web_sys::window().and_then(|window| window.document());
    let cursor = document.and_then(|document| document.query_selector(".page-cursor").ok()?);
    if let Some(cursor) = cursor {
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Nearest);
        cursor.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

/// What is at an address, in words.
fn told(view: &TaskView, mm: &MmView, plan: &Plan, address: u32) -> String {
    let hex = |address: u32| format!("{address:08x}");
    let Some(area) = mm.area(address) else {
        return words::tasks::in_no_area(hex(address));
    };
    let cell = plan.find(mm, address).and_then(|place| plan.cell(place));
    let mut text = match cell {
        Some(Cell::Page(index)) => {
            let page = &mm.pages[index];
            let mut text = page.sentence();
            let others = mm.sharers_of(page).filter(|kin| kin.pid != view.row.pid);
            for (number, kin) in others.enumerate() {
                text.push_str(match number {
                    0 => words::tasks::also_in(),
                    _ => ", ",
                });
                text.push_str(&kin.pid.to_string());
            }
            text
        }
        Some(Cell::Hole(from, 1)) => words::tasks::not_there_yet(hex(from)),
        Some(Cell::Hole(from, count)) => words::tasks::pages_not_there_yet(hex(from), count),
        Some(Cell::Unknown(from, count)) => words::tasks::pages_not_shown(hex(from), count),
        None => String::new(),
    };
    text.push_str(" · ");
    text.push_str(area.what());
    text
}

/// The map: areas by their addresses, each as high as the logarithm of its size, holes between them
/// compressed.
fn map(mm: &MmView, address: Option<u32>, act: &Callback<Action>) -> Html {
    const WIDTH: u32 = 64;
    let mut y = 1;
    let mut drawn = Vec::new();
    let mut end = 0;
    for area in &mm.areas {
        if area.start > end {
            let hole = format!("M8 {}v10M56 {}v10", y + 2, y + 2);
            let free = pages((area.start - end) / 4096);
            drawn.push(html! {
                <g>
                    <path class="map-hole" d={hole} />
                    <text class="map-text" x="32" y={(y + 10).to_string()}>{ free }</text>
                </g>
            });
            y += 14;
        }
        let high = height(area.pages());
        let there = (high * area.present)
            .div_ceil(area.pages().max(1))
            .min(high);
        let start = area.start;
        let onclick = act.reform(move |_| Action::Tasks(Own::Address(start)));
        let is_here = address.is_some_and(|at| area.start <= at && at < area.end);
        drawn.push(html! {
            <g class={classes!("map-area", is_here.then_some("map-here"))} {onclick}>
                <title>{ format!("{:08x} {}", area.start, area.what()) }</title>
                <rect class="map-room" x="4" y={y.to_string()} width="56" height={high.to_string()} />
                <rect class="map-there" x="4" y={y.to_string()} width="56" height={there.to_string()} />
                <text class="map-text" x="32" y={(y + high / 2 + 4).to_string()}>
                    { pages(area.pages()) }
                </text>
            </g>
        });
        y += high + 1;
        end = area.end;
    }
    let size = format!("0 0 {WIDTH} {}", y + 1);
    html! {
        <svg class="space-map" viewBox={size} width={WIDTH.to_string()} height={(y + 1).to_string()}
            aria-hidden="true">{ for drawn }</svg>
    }
}

/// How high an area is drawn: a page 13 pixels, and for each doubling four more.
fn height(pages: u32) -> u32 {
    13 + 4 * pages.max(1).ilog2()
}

/// The way to pages that are not shown.
fn windows(mm: &MmView, act: &Callback<Action>) -> Html {
    if mm.before == 0 && mm.after == 0 {
        return Html::default();
    }
    let button = |id: &'static str, label: String, from: Option<u32>| {
        let onclick = act.reform(move |_| Action::Tasks(Own::Pages(from.unwrap_or(0))));
        html! { <button class="tool" {id} disabled={from.is_none()} {onclick}>{ label }</button> }
    };
    let next = mm.pages.last().map(|page| page.address() + 4096);
    html! {
        <div class="dock-form slab-windows">
            { button("pages-before", words::tasks::pages_before(mm.before),
                (mm.before > 0).then_some(0)) }
            { button("pages-after", words::tasks::pages_behind(mm.after),
                next.filter(|_| mm.after > 0)) }
        </div>
    }
}

/// What the colours mean.
fn legend() -> Html {
    let kinds = CLASSES.iter().zip(PageKind::ALL);
    let mark = |class: &'static str, path: &'static str, word: &'static str| {
        html! {
            <li>
                <svg viewBox="0 0 12 12" aria-hidden="true"><path {class} d={path} /></svg>{ word }
            </li>
        }
    };
    html! {
        <ul class="legend" aria-hidden="true">
            { for kinds.map(|(class, kind)| mark(class, "M1 1h10v10h-10z", kind.word())) }
            { mark("page-dirty", "M11 1v7l-7-7z", words::tasks::legend_written()) }
            { mark("page-hole", "M1 1h10v10h-10z", words::tasks::legend_not_there()) }
            { mark("page-dots", "M0 5h2v2h-2zM4 5h2v2h-2zM8 5h2v2h-2z", words::tasks::legend_more()) }
            { mark("page-changed", "M1 1h10v10h-10z", words::tasks::legend_changed()) }
        </ul>
    }
}

/// Any address can be looked up.
fn typed(looked: &Looked<'_>) -> Html {
    let act = looked.act.clone();
    let onsubmit = Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        let form = event.target_dyn_into::<Element>();
        let input = form.and_then(|form| form.query_selector("input").ok()?);
        if let Some(input) = input.and_then(|input| input.dyn_into::<HtmlInputElement>().ok()) {
            act.emit(Action::Tasks(Own::Typed(input.value())));
        }
    });
    html! {
        <form class="dock-form" {onsubmit}>
            <label for="task-address">{ words::tasks::look_up() }</label>
            <input class="filter mono" id="task-address" placeholder="08048000" autocomplete="off"
                spellcheck="false" aria-invalid={looked.address_error.is_some().to_string()}
                aria-describedby="task-address-error" />
            <button class="tool">{ words::tasks::translate() }</button>
            <span class="wrong" id="task-address-error" role="status">
                { looked.address_error.unwrap_or_default() }
            </span>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_grow_by_the_logarithm() {
        assert_eq!(height(1), 13);
        assert_eq!(height(1024), 53);
        assert_eq!(height(0), 13);
    }

    #[test]
    fn an_address_is_told_of() {
        let area = AreaRow {
            start: 0x4000_0000,
            end: 0x4010_0000,
            rights: "rw-p".into(),
            ..AreaRow::default()
        };
        let page = PageRow {
            number: 0x40001,
            pte: 900 << 12 | 0x27,
            mapped: 2,
            kind: PageKind::CopyOnWrite,
            others: 1,
        };
        let kin = labs::view::task::Kin {
            pid: 101,
            ..Default::default()
        };
        let mm = MmView {
            areas: vec![area],
            pages: vec![page],
            sharers: vec![(kin, 1)],
            ..MmView::default()
        };
        let plan = Plan::new(&mm);
        let told = |address| told(&TaskView::default(), &mm, &plan, address);
        assert_eq!(
            told(0x4000_1234),
            "40001000: frame 900, copy-on-write, mapped 2×, also in 101 · memory"
        );
        assert_eq!(told(0x4000_0000), "40000000: not there yet · memory");
        assert!(told(0x4000_3000).starts_with("40002000: 254 pages"));
        assert_eq!(told(0x1000), "00001000: in no area");
    }
}
