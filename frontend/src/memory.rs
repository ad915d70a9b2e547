//! Physical memory: every frame a square, zone by zone; below, the buddy allocator's free blocks.

use std::rc::Rc;

use labs::view::{FrameKind, MemoryView, View, ZoneView};
use web_sys::{HtmlCanvasElement, KeyboardEvent, MouseEvent};
use yew::{AttrValue, Callback, Component, Context, Html, NodeRef, Properties, hook, html};

use crate::canvas::{NextFrame, Surface, Watch, colours, mark, place, rgb};
use crate::choices::{Pane, Theme};
use crate::looks::palette::Colour;
use crate::part::drawn_by;
use crate::state::Action;
use crate::state::inquiry::{Action as Inquiry, lit::Lit};
use crate::table::{Panel, panel};

/// Kinds in the order of the legend, with their colours.
const KINDS: [(FrameKind, Colour); 6] = [
    (FrameKind::Slab, Colour::Slab),
    (FrameKind::PageCache, Colour::Cache),
    (FrameKind::Allocated, Colour::Allocated),
    (FrameKind::PerCpu, Colour::PerCpu),
    (FrameKind::Reserved, Colour::Reserved),
    (FrameKind::Free { order: 0 }, Colour::Free),
];

/// The largest side of a frame on the screen, in pixels.
const SIDE_MAX: f64 = 12.0;

#[derive(PartialEq)]
pub struct MemoryPane {
    pub view: Option<Rc<MemoryView>>,
    /// What is lit.
    pub lit: Rc<Lit>,
    pub theme: Theme,
    pub as_table: bool,
    pub visible: bool,
    pub act: Callback<Action>,
}

drawn_by!(MemoryPane, use_memory_pane);

/// Draws the pane.
#[hook]
fn use_memory_pane(props: &MemoryPane) -> Html {
    let view = props.view.clone().unwrap_or_default();
    let zones = (0..view.zones.len()).map(|zone| {
        html! {
            <Zone key={zone} view={view.clone()} lit={props.lit.clone()} {zone} theme={props.theme}
                act={props.act.clone()} />
        }
    });
    let picture = html! {
        <div class="zones scroll">
            { legend(&view) }
            { for zones }
            <p class="quiet">{ words::memory::blocks_note() }</p>
            { for view.zones.iter().map(free_blocks) }
        </div>
    };
    let frame = Panel {
        pane: Pane::Memory,
        title: words::memory::title().into(),
        sentence: view.sentence().into(),
        table: props.as_table.then(|| view.table()),
        visible: props.visible,
        tools: Html::default(),
        act: &props.act,
    };
    panel(frame, picture)
}

/// What the colours mean, with numbers.
fn legend(view: &MemoryView) -> Html {
    let [reserved, per_cpu, slab, cache, allocated, free] = MemoryView::census(&view.frames);
    let items = KINDS.iter().map(|(kind, colour)| {
        let count = match kind {
            FrameKind::Reserved => reserved,
            FrameKind::PerCpu => per_cpu,
            FrameKind::Slab => slab,
            FrameKind::PageCache => cache,
            FrameKind::Allocated => allocated,
            FrameKind::Free { .. } => free,
        };
        let class = format!("sw{}", &colour.property()[1..]);
        html! {
            <li><svg viewBox="0 0 12 12" aria-hidden="true"><rect {class} width="12" height="12" /></svg>
                { words::memory::legend(kind.name(), count) }</li>
        }
    });
    html! { <ul class="legend">{ for items }</ul> }
}

/// A frame in words.
fn frame_text(view: &MemoryView, frame: usize) -> String {
    let kind = FrameKind::from_code(view.frames.get(frame).copied().unwrap_or(0));
    let address = labs::view::address(frame as u32 * 512);
    match kind {
        FrameKind::Free { order } => words::memory::frame_free(frame, address, order),
        kind => words::memory::frame(frame, address, kind.name()),
    }
}

#[derive(Properties, PartialEq)]
struct ZoneProps {
    /// The language in which it is drawn.
    #[prop_or_else(words::language)]
    pub language: words::Language,
    view: Rc<MemoryView>,
    lit: Rc<Lit>,
    /// Which of the view's zones.
    zone: usize,
    theme: Theme,
    act: Callback<Action>,
}

enum ZoneMessage {
    Redraw,
    Draw,
    Hover(MouseEvent),
    Leave,
    Click(MouseEvent),
    Key(KeyboardEvent),
}

/// The map of one zone.
struct Zone {
    canvas: NodeRef,
    /// The frame that is pointed at.
    cursor: Option<usize>,
    frame: Option<NextFrame>,
    watch: Option<Watch>,
}

impl Component for Zone {
    type Message = ZoneMessage;
    type Properties = ZoneProps;

    fn create(_: &Context<Self>) -> Self {
        Zone {
            canvas: NodeRef::default(),
            cursor: None,
            frame: None,
            watch: None,
        }
    }

    fn update(&mut self, ctx: &Context<Self>, message: ZoneMessage) -> bool {
        match message {
            ZoneMessage::Redraw => self.redraw_soon(ctx),
            ZoneMessage::Draw => self.draw_now(ctx),
            ZoneMessage::Hover(event) => {
                let point = place(&event);
                return self.point_at(ctx, point);
            }
            ZoneMessage::Leave => {
                self.cursor = None;
                return true;
            }
            ZoneMessage::Click(event) => {
                let point = place(&event);
                let is_new = self.point_at(ctx, point);
                self.inspect(ctx);
                return is_new;
            }
            ZoneMessage::Key(event) => return self.key(ctx, &event),
        }
        false
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let ZoneProps { view, zone, .. } = ctx.props();
        let zone = &view.zones[*zone];
        let link = ctx.link();
        let under = self.cursor.map(|cursor| frame_text(view, cursor));
        let label = words::memory::map(zone.title(), zone.frames);
        html! {
            <section class="zone">
                <div class="zone-head">
                    <h3>{ zone.title() }</h3>
                    <span class="quiet">
                        { words::memory::frames_free(zone.free, zone.frames) }
                    </span>
                    <span class="under mono" aria-live="polite">{ under.unwrap_or_default() }</span>
                </div>
                <canvas ref={self.canvas.clone()} class="frames" tabindex="0" role="application"
                    aria-roledescription={words::memory::map_role()} aria-label={label}
                    onmousemove={link.callback(ZoneMessage::Hover)}
                    data-lit-frames={self.lit_frames(ctx).count().to_string()}
                    onclick={link.callback(ZoneMessage::Click)}
                    onmouseleave={link.callback(|_| ZoneMessage::Leave)}
                    onkeydown={link.callback(ZoneMessage::Key)} />
            </section>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first && let Some(canvas) = self.canvas.cast::<HtmlCanvasElement>() {
            self.watch = Some(Watch::new(
                &canvas,
                ctx.link().callback(|()| ZoneMessage::Redraw),
            ));
            self.draw_now(ctx);
        } else {
            self.redraw_soon(ctx);
        }
    }
}

impl Zone {
    fn redraw_soon(&mut self, ctx: &Context<Self>) {
        if self.frame.is_none() {
            let link = ctx.link().clone();
            self.frame = NextFrame::new(move || link.send_message(ZoneMessage::Draw));
        }
    }

    /// The zone's first frame and its frames' codes.
    fn frames(ctx: &Context<Self>) -> (usize, &[u8]) {
        let ZoneProps { view, zone, .. } = ctx.props();
        let zone = &view.zones[*zone];
        let start = (zone.start as usize).min(view.frames.len());
        let end = (start + zone.frames as usize).min(view.frames.len());
        (start, &view.frames[start..end])
    }

    /// Draws one pixel a frame and enlarges that; the map's height follows from its width.
    fn draw_now(&mut self, ctx: &Context<Self>) {
        self.frame = None;
        let Some(canvas) = self.canvas.cast::<HtmlCanvasElement>() else {
            return;
        };
        let (start, frames) = Self::frames(ctx);
        let grid = Grid::new(frames.len(), canvas.client_width().into());
        // The style is set through the CSSOM, which the content security policy allows.
        let _ = canvas
            .style()
            .set_property("height", &format!("{}px", grid.height()));
        let Some(surface) = Surface::of(&canvas) else {
            return;
        };
        let palette = colours(&canvas, KINDS.map(|(_, colour)| colour)).map(|colour| rgb(&colour));
        let [ink, lit] = colours(&canvas, [Colour::Ink, Colour::Lit]);
        let pen = &*surface.pen;
        let squares: Vec<[u8; 3]> = frames
            .iter()
            .map(|code| colour_of(*code, &palette))
            .collect();
        pen.squares(&squares, grid.columns, grid.side);
        pen.set_stroke(&lit);
        pen.set_line_width((grid.side / 4.0).clamp(1.0, 2.0) * mark(&canvas));
        for frame in self.lit_frames(ctx) {
            let (x, y) = grid.corner(frame - start);
            let (x, y, side) = (x + 0.5, y + 0.5, (grid.side - 1.0).max(1.0));
            pen.stroke_rect(x, y, side, side);
            // A stroke across as well, so that shape tells what colour does.
            pen.begin_path();
            pen.move_to(x, y + side);
            pen.line_to(x + side, y);
            pen.stroke();
        }
        if let Some(cursor) = self.cursor.and_then(|cursor| cursor.checked_sub(start)) {
            let (x, y) = grid.corner(cursor);
            pen.set_stroke(&ink);
            pen.set_line_width(2.0);
            pen.stroke_rect(x - 1.0, y - 1.0, grid.side + 2.0, grid.side + 2.0);
        }
    }

    /// The zone's frames that are lit.
    fn lit_frames<'a>(&self, ctx: &'a Context<Self>) -> impl Iterator<Item = usize> + use<'a> {
        let (start, frames) = Self::frames(ctx);
        let lit = ctx.props().lit.frames();
        let first = lit.partition_point(|frame| (*frame as usize) < start);
        lit[first..]
            .iter()
            .map(|frame| *frame as usize)
            .take_while(move |frame| *frame < start + frames.len())
    }

    /// Opens the inspector on the frame that is pointed at.
    fn inspect(&self, ctx: &Context<Self>) {
        if let Some(frame) = self.cursor {
            let at = frame as u32 * 512;
            let action = Action::Inquiry(Inquiry::Inspect(at));
            ctx.props().act.emit(action);
        }
    }

    fn grid(&self, ctx: &Context<Self>) -> Option<Grid> {
        let canvas = self.canvas.cast::<HtmlCanvasElement>()?;
        Some(Grid::new(
            Self::frames(ctx).1.len(),
            canvas.client_width().into(),
        ))
    }

    fn point_at(&mut self, ctx: &Context<Self>, (x, y): (f64, f64)) -> bool {
        let (start, frames) = Self::frames(ctx);
        let Some(grid) = self.grid(ctx) else {
            return false;
        };
        let cursor = grid
            .frame_at(x, y)
            .filter(|frame| *frame < frames.len())
            .map(|frame| start + frame);
        let is_new = cursor != self.cursor;
        self.cursor = cursor;
        is_new
    }

    fn key(&mut self, ctx: &Context<Self>, event: &KeyboardEvent) -> bool {
        let (start, frames) = Self::frames(ctx);
        let Some(grid) = self.grid(ctx) else {
            return false;
        };
        if frames.is_empty() || event.alt_key() || event.ctrl_key() || event.meta_key() {
            return false;
        }
        let last = frames.len() - 1;
        let at = self
            .cursor
            .map(|cursor| cursor.saturating_sub(start).min(last));
        let target = match (event.key().as_str(), at) {
            ("Enter" | " ", _) => {
                event.prevent_default();
                self.inspect(ctx);
                return false;
            }
            ("ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown", None) | ("Home", _) => 0,
            ("End", _) => last,
            ("ArrowLeft", Some(at)) => at.saturating_sub(1),
            ("ArrowRight", Some(at)) => (at + 1).min(last),
            ("ArrowUp", Some(at)) => at.checked_sub(grid.columns).unwrap_or(at),
            ("ArrowDown", Some(at)) if at + grid.columns <= last => at + grid.columns,
            ("ArrowDown", Some(at)) => at,
            _ => return false,
        };
        event.prevent_default();
        self.cursor = Some(start + target);
        true
    }
}

/// How a zone's frames lie on the canvas.
#[derive(Debug, PartialEq)]
struct Grid {
    columns: usize,
    rows: usize,
    /// Pixels to a frame.
    side: f64,
}

impl Grid {
    /// Rows of a power of two, so that buddies are neighbours, and as many as fill about `width`.
    fn new(frames: usize, width: f64) -> Grid {
        let mut columns = 32;
        while columns * columns < frames * 8 && width / ((columns * 2) as f64) >= 2.5 {
            columns *= 2;
        }
        let side = (width / columns as f64).clamp(1.0, SIDE_MAX);
        Grid {
            columns,
            rows: frames.div_ceil(columns),
            side,
        }
    }

    fn height(&self) -> f64 {
        (self.rows as f64 * self.side).ceil().max(1.0)
    }

    fn corner(&self, frame: usize) -> (f64, f64) {
        (
            (frame % self.columns) as f64 * self.side,
            (frame / self.columns) as f64 * self.side,
        )
    }

    fn frame_at(&self, x: f64, y: f64) -> Option<usize> {
        let (column, row) = (x / self.side, y / self.side);
        let is_inside = column >= 0.0 && row >= 0.0 && column < self.columns as f64;
        is_inside.then(|| row as usize * self.columns + column as usize)
    }
}

/// A frame's colour. Free blocks of low order, where memory is broken up, are a little darker.
fn colour_of(code: u8, palette: &[[u8; 3]; 6]) -> [u8; 3] {
    let kind = FrameKind::from_code(code);
    let [.., reserved, free] = *palette;
    match kind {
        FrameKind::Free { order } => {
            let share = u16::from(10 - order.min(10)) * 4;
            let mix = |free: u8, reserved: u8| {
                ((u16::from(free) * (100 - share) + u16::from(reserved) * share) / 100) as u8
            };
            std::array::from_fn(|part| mix(free[part], reserved[part]))
        }
        kind => {
            let known = KINDS.iter().position(|(other, _)| *other == kind);
            palette[known.unwrap_or(KINDS.len() - 1)]
        }
    }
}

/// The buddy allocator's free lists, and the CPUs' lists beside them.
fn free_blocks(zone: &ZoneView) -> Html {
    let most = zone
        .free_blocks
        .iter()
        .zip(0..)
        .map(|(count, order)| count << order)
        .max();
    let most = u64::from(most.unwrap_or(0).max(1));
    let orders = zone.free_blocks.iter().zip(0u32..).map(|(count, order)| {
        let share = (u64::from(*count) << order) * 100 / most;
        let share = if *count > 0 { share.max(2) } else { 0 };
        let label = words::memory::order_blocks(order, count, 4u64 << order);
        html! {
            <li title={label.clone()}>
                <svg class="column" viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="bar-used" x="0" width="10" y={(100 - share).to_string()}
                        height={share.to_string()} />
                </svg>
                <span class="unseen">{ label }</span>
                <span aria-hidden="true" class="count">{ *count }</span>
                <span aria-hidden="true" class="order">{ order }</span>
            </li>
        }
    });
    let cpus = zone
        .per_cpu
        .iter()
        .enumerate()
        .map(|(cpu, count)| words::memory::cpu_pages(cpu, count));
    let cpus: AttrValue = cpus.collect::<Vec<_>>().join(", ").into();
    html! {
        <section class="buddy">
            <h3>{ zone.title() }</h3>
            <ol class="orders mono" aria-label={words::memory::blocks_by_order()}>{ for orders }</ol>
            <p class="quiet">{ words::memory::cpu_lists() }<span class="mono">{ cpus }</span></p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_finds_its_frames() {
        for (frames, width) in [
            (4096, 600.0),
            (16384, 340.0),
            (100, 50.0),
            (262_144, 1200.0),
        ] {
            let grid = Grid::new(frames, width);
            assert!(grid.columns.is_power_of_two());
            assert!(grid.rows * grid.columns >= frames);
            for frame in [0, 1, frames / 2, frames - 1] {
                let (x, y) = grid.corner(frame);
                assert_eq!(
                    grid.frame_at(x + grid.side / 2.0, y + grid.side / 2.0),
                    Some(frame)
                );
            }
        }
        assert_eq!(Grid::new(0, 100.0).height(), 1.0);
    }

    #[test]
    fn every_kind_has_its_own_colour() {
        let palette = std::array::from_fn(|index| [index as u8 * 40; 3]);
        let mut seen: Vec<_> = [0, 1, 2, 3, 4, 26]
            .map(|code| colour_of(code, &palette))
            .into();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 6);
        assert_ne!(colour_of(16, &palette), colour_of(26, &palette));
    }

    #[test]
    fn a_frame_says_where_it_is() {
        let view = MemoryView {
            frames: [0, 19].into(),
            ..Default::default()
        };
        assert_eq!(
            frame_text(&view, 1),
            "frame 1 · ffff880000001000 · free, order 3"
        );
        assert_eq!(
            frame_text(&view, 0),
            "frame 0 · ffff880000000000 · reserved"
        );
    }
}
