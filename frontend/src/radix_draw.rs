//! Draws a radix tree on a canvas.
//!
//! A node is a square of 8 by 8 slots. What is drawn of it depends on its size on the screen:
//! from far away how full it is, nearer its slots as runs, and close up every slot with its tags
//! and the keys it covers. Rectangles are gathered by colour first, because changing the colour
//! costs more than drawing; a frame of ten thousand nodes stays within a few milliseconds.
//!
//! Tags are told apart by colour and by place: tag 0 marks the upper left, tag 1 the lower right.

use labs::view::{RadixNode, RadixView};
use web_sys::HtmlCanvasElement;

use crate::canvas::{Surface, colours, mark};
use crate::inquiry::KINDS;
use crate::looks::palette::Colour;
use crate::pen::Pen;
use crate::radix_layout::Layout;
use crate::state::inquiry::lit::Lit;

/// How many rectangles a frame may spend on slots.
const SLOT_BUDGET: usize = 40_000;

/// A node of at least this many pixels shows its slots.
const SLOTS_FROM: f64 = 16.0;

/// A node of at least this many pixels shows its empty slots and single cells.
const CELLS_FROM: f64 = 38.0;

/// A node of at least this many pixels has room above it for the keys that it covers.
const LABELS_FROM: f64 = 46.0;

/// A node of at least this many pixels numbers its slots.
const NUMBERS_FROM: f64 = 190.0;

/// Which part of the plane the canvas shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// Pixels to the side of a node.
    pub scale: f64,
    /// Where the plane's origin is on the canvas.
    pub x: f64,
    /// Where the plane's origin is on the canvas.
    pub y: f64,
}

impl Camera {
    /// Shows all of `layout`, but no node larger than is useful.
    pub fn fit(layout: &Layout, width: f64, height: f64) -> Camera {
        // Labels stand above the nodes; legend and buttons lie at the bottom.
        let (side, top, bottom) = (24.0, 30.0, 46.0);
        let across = (width - 2.0 * side).max(1.0) / f64::from(layout.width.max(1.0));
        let down = (height - top - bottom).max(1.0) / f64::from(layout.height.max(1.0));
        let scale = across.min(down).min(112.0);
        Camera {
            scale,
            x: (width - scale * f64::from(layout.width)) / 2.0,
            y: ((height - scale * f64::from(layout.height)) / 2.0).clamp(top, 2.0 * top),
        }
    }

    /// Zooms by `factor` and keeps the point under (`x`, `y`) where it is.
    pub fn zoom(self, factor: f64, x: f64, y: f64) -> Camera {
        let scale = (self.scale * factor).clamp(0.4, 640.0);
        let factor = scale / self.scale;
        Camera {
            scale,
            x: x - (x - self.x) * factor,
            y: y - (y - self.y) * factor,
        }
    }

    /// Moves the picture.
    pub fn pan(self, dx: f64, dy: f64) -> Camera {
        Camera {
            x: self.x + dx,
            y: self.y + dy,
            ..self
        }
    }

    /// The point of the plane under a point of the canvas.
    pub fn plane(self, x: f64, y: f64) -> (f32, f32) {
        (
            ((x - self.x) / self.scale) as f32,
            ((y - self.y) / self.scale) as f32,
        )
    }

    /// The point of the canvas over a point of the plane.
    pub fn screen(self, (x, y): (f32, f32)) -> (f64, f64) {
        (
            self.x + f64::from(x) * self.scale,
            self.y + f64::from(y) * self.scale,
        )
    }
}

/// Rectangles of one colour.
#[derive(Default)]
struct Layer(Vec<(f64, f64, f64, f64)>);

impl Layer {
    fn add(&mut self, x: f64, y: f64, width: f64, height: f64) {
        self.0.push((x, y, width, height));
    }

    fn fill(&self, context: &dyn Pen, colour: &str) {
        if !self.0.is_empty() {
            context.set_fill(colour);
            self.0
                .iter()
                .for_each(|&(x, y, width, height)| context.fill_rect(x, y, width, height));
        }
    }
}

/// How many nodes a drawing shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// In all.
    pub nodes: usize,
    /// Of them, those that are lit.
    pub lit: usize,
}

/// Draws the part of the tree that `camera` sees; returns how many nodes that is.
pub fn draw(
    canvas: &HtmlCanvasElement,
    surface: &Surface,
    view: &RadixView,
    layout: &Layout,
    camera: Camera,
    focus: Option<usize>,
    lit: &Lit,
) -> Drawn {
    let names = [
        Colour::Paper,
        Colour::Node,
        Colour::Line,
        Colour::Slot,
        Colour::Item,
        Colour::Tag0,
        Colour::Tag1,
        Colour::Accent,
        Colour::Ink2,
        Colour::Ink,
        Colour::Group,
        Colour::Lit,
    ];
    let [
        paper,
        node,
        line,
        slot,
        item,
        tag0,
        tag1,
        accent,
        faint,
        ink,
        group,
        lit_colour,
    ] = colours(canvas, names);
    let context = &*surface.pen;
    let scale = camera.scale;
    let is_seen = |x: f64, y: f64, width: f64, height: f64| {
        x + width >= 0.0 && y + height >= 0.0 && x <= surface.width && y <= surface.height
    };
    let seen: Vec<(usize, f64, f64)> = layout
        .corners
        .iter()
        .enumerate()
        .map(|(index, corner)| (index, camera.screen(*corner)))
        .filter(|(_, (x, y))| is_seen(*x, *y, scale, scale))
        .map(|(index, (x, y))| (index, x, y))
        .collect();

    draw_groups(context, layout, camera, &group, &is_seen);
    draw_edges(context, view, layout, camera, &line, seen.len());

    let shows_cells = scale >= CELLS_FROM && seen.len() * 64 <= SLOT_BUDGET;
    let shows_runs = scale >= SLOTS_FROM && seen.len() * 24 <= SLOT_BUDGET;
    let [
        mut frames,
        mut insides,
        mut wells,
        mut items,
        mut firsts,
        mut seconds,
    ] = std::array::from_fn(|_| Layer::default());
    let border = if scale >= 6.0 { 1.0 } else { 0.0 };
    for &(index, x, y) in &seen {
        let node = &view.nodes[index];
        if border > 0.0 {
            frames.add(x, y, scale, scale);
        }
        insides.add(
            x + border,
            y + border,
            scale - 2.0 * border,
            scale - 2.0 * border,
        );
        let mut part = Part {
            node,
            x,
            y,
            scale,
            items: &mut items,
            tags: [&mut firsts, &mut seconds],
        };
        if shows_cells {
            part.cells(&mut wells);
        } else if shows_runs {
            part.runs();
        } else {
            part.fullness();
        }
    }
    frames.fill(context, &line);
    insides.fill(context, &node);
    wells.fill(context, &slot);
    items.fill(context, &item);
    firsts.fill(context, &tag0);
    seconds.fill(context, &tag1);

    draw_path(context, view, layout, camera, &accent);
    let thick = mark(canvas);
    let lit = draw_lit(context, view, &seen, scale, lit, (&lit_colour, thick));
    if shows_cells && scale >= LABELS_FROM {
        draw_labels(context, view, &seen, scale, [&faint, &paper]);
    }
    if let Some(corner) = focus.and_then(|focus| layout.corners.get(focus)) {
        let (x, y) = camera.screen(*corner);
        context.set_stroke(&ink);
        context.set_line_width(2.0);
        let outside = 4.0;
        context.stroke_rect(
            x - outside,
            y - outside,
            scale + 2.0 * outside,
            scale + 2.0 * outside,
        );
    }
    Drawn {
        nodes: seen.len(),
        lit,
    }
}

/// Lit nodes: brackets at the four corners, and the sign of what became of the node. Returns how
/// many there are.
fn draw_lit(
    context: &dyn Pen,
    view: &RadixView,
    seen: &[(usize, f64, f64)],
    scale: f64,
    lit: &Lit,
    (colour, thick): (&str, f64),
) -> usize {
    if lit.is_empty() {
        return 0;
    }
    let marks = seen
        .iter()
        .filter_map(|&(index, x, y)| Some((lit.mark_of(view.nodes[index].node)?, x, y)));
    let side = scale.max(4.0);
    let (arm, outside) = ((side * 0.3).max(2.0), (side * 0.08).clamp(1.0, 5.0));
    context.set_stroke(colour);
    context.set_fill(colour);
    context.set_line_width((scale / 14.0).clamp(1.5, 4.0) * thick);
    context.set_font("700 14px ui-monospace, monospace");
    context.set_text_place("right", "alphabetic");
    let mut count = 0;
    context.begin_path();
    for (mark, x, y) in marks {
        count += 1;
        let (left, top) = (x - outside, y - outside);
        let (right, bottom) = (x + side + outside, y + side + outside);
        for (corner_x, corner_y, across, down) in [
            (left, top, arm, arm),
            (right, top, -arm, arm),
            (left, bottom, arm, -arm),
            (right, bottom, -arm, -arm),
        ] {
            context.move_to(corner_x + across, corner_y);
            context.line_to(corner_x, corner_y);
            context.line_to(corner_x, corner_y + down);
        }
        let sign = KINDS
            .iter()
            .find(|(kind, _)| Some(*kind) == mark.change)
            .map(|(_, sign)| *sign);
        if let Some(sign) = sign.filter(|_| scale >= SLOTS_FROM) {
            context.fill_text(sign, left - 3.0, top + 10.0);
        }
    }
    context.stroke();
    count
}

/// One node on its way into the layers.
struct Part<'a> {
    node: &'a RadixNode,
    x: f64,
    y: f64,
    scale: f64,
    items: &'a mut Layer,
    tags: [&'a mut Layer; 2],
}

impl Part<'_> {
    /// From far away: filled from below as far as its slots are; a corner for each tag.
    fn fullness(&mut self) {
        let inset = if self.scale >= 6.0 { 1.0 } else { 0.0 };
        let side = self.scale - 2.0 * inset;
        let height = (side * f64::from(self.node.count()) / 64.0).max(side.min(1.0));
        self.items
            .add(self.x + inset, self.y + inset + side - height, side, height);
        let mark = self.scale * 0.4;
        let far = self.scale - mark;
        if self.node.tags[0] != 0 {
            self.tags[0].add(self.x, self.y, mark, mark);
        }
        if self.node.tags[1] != 0 {
            self.tags[1].add(self.x + far, self.y + far, mark, mark);
        }
    }

    /// Nearer: neighbouring slots of a row as one bar, tags as a strip of it.
    fn runs(&mut self) {
        let (pad, cell) = cell_size(self.scale);
        let bar = cell * 0.84;
        for row in 0..8 {
            let y = self.y + pad + f64::from(row) * cell;
            let add = |mask: u64, layer: &mut Layer, from: f64, height: f64| {
                for (start, length) in bit_runs((mask >> (8 * row)) as u8) {
                    let x = self.x + pad + f64::from(start) * cell;
                    layer.add(x, y + from, f64::from(length) * cell - (cell - bar), height);
                }
            };
            add(self.node.present, self.items, 0.0, bar);
            add(self.node.tags[0], self.tags[0], 0.0, bar * 0.45);
            add(self.node.tags[1], self.tags[1], bar * 0.55, bar * 0.45);
        }
    }

    /// Close up: every slot, with a corner for each of its tags.
    fn cells(&mut self, wells: &mut Layer) {
        let (pad, cell) = cell_size(self.scale);
        let side = cell - (cell * 0.14).max(1.0);
        let mark = side * 0.5;
        for slot in 0..64 {
            let (column, row) = (f64::from(slot % 8), f64::from(slot / 8));
            let (x, y) = (self.x + pad + column * cell, self.y + pad + row * cell);
            let has = |mask: u64| mask >> slot & 1 == 1;
            if !has(self.node.present) {
                wells.add(x, y, side, side);
                continue;
            }
            self.items.add(x, y, side, side);
            if has(self.node.tags[0]) {
                self.tags[0].add(x, y, mark, mark);
            }
            if has(self.node.tags[1]) {
                self.tags[1].add(x + side - mark, y + side - mark, mark, mark);
            }
        }
    }
}

/// The margin inside a node of this size, and the pitch of its slots.
fn cell_size(scale: f64) -> (f64, f64) {
    let pad = (scale * 0.05).max(2.0);
    (pad, (scale - 2.0 * pad) / 8.0)
}

/// Runs of set bits: where each starts and how long it is.
fn bit_runs(mut bits: u8) -> impl Iterator<Item = (u32, u32)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let skip = bits.trailing_zeros();
        bits >>= skip;
        let length = bits.trailing_ones();
        bits = bits.checked_shr(length).unwrap_or(0);
        let start = at + skip;
        at = start + length;
        Some((start, length))
    })
}

/// The ground under children that stand in several rows.
fn draw_groups(
    context: &dyn Pen,
    layout: &Layout,
    camera: Camera,
    colour: &str,
    is_seen: &impl Fn(f64, f64, f64, f64) -> bool,
) {
    let mut grounds = Layer::default();
    let margin = 0.17 * camera.scale;
    for (index, grid) in layout
        .grids
        .iter()
        .enumerate()
        .filter(|(index, _)| layout.wraps(*index))
    {
        // The root's ground would lie under the whole picture and say nothing.
        if index == 0 && layout.children[0].len() < 2 {
            continue;
        }
        let (x, y) = camera.screen((grid.x, grid.y));
        let (width, height) = (f64::from(grid.width), f64::from(grid.height));
        let (width, height) = (
            width * camera.scale + 2.0 * margin,
            height * camera.scale + 2.0 * margin,
        );
        if is_seen(x - margin, y - margin, width, height) {
            grounds.add(x - margin, y - margin, width, height);
        }
    }
    grounds.fill(context, colour);
}

/// Lines from the slots to the children; to the ground of children in several rows, one.
fn draw_edges(
    context: &dyn Pen,
    view: &RadixView,
    layout: &Layout,
    camera: Camera,
    colour: &str,
    seen: usize,
) {
    if camera.scale < 3.0 && seen > 3_000 {
        return;
    }
    context.set_stroke(colour);
    context.set_line_width(if camera.scale >= 30.0 { 1.5 } else { 1.0 });
    context.begin_path();
    for (index, children) in layout.children.iter().enumerate() {
        if children.is_empty() {
            continue;
        }
        let (x, y) = camera.screen(layout.corners[index]);
        if layout.wraps(index) {
            let middle = x + camera.scale / 2.0;
            let ground = camera.screen((0.0, layout.grids[index].y - 0.17)).1;
            context.move_to(middle, y + camera.scale);
            context.line_to(middle, ground);
            continue;
        }
        for child in children.clone() {
            edge(context, view, layout, camera, child);
        }
    }
    context.stroke();
}

/// Adds the line that leads to `child` to the path.
fn edge(context: &dyn Pen, view: &RadixView, layout: &Layout, camera: Camera, child: usize) {
    let node = &view.nodes[child];
    let (from_x, from_y) = camera.screen(layout.corners[node.parent as usize]);
    let (to_x, to_y) = camera.screen(layout.corners[child]);
    let (pad, cell) = cell_size(camera.scale);
    let start_x = from_x + pad + (f64::from(node.parent_slot % 8) + 0.43) * cell;
    let start_y = from_y + camera.scale;
    let end_x = to_x + camera.scale / 2.0;
    let half = (to_y - start_y) / 2.0;
    context.move_to(start_x, start_y);
    let bends = [(start_x, start_y + half), (end_x, to_y - half)];
    context.curve_to(bends, end_x, to_y);
}

/// The way of the last key: its nodes framed, its slots filled, its edges thick.
fn draw_path(context: &dyn Pen, view: &RadixView, layout: &Layout, camera: Camera, colour: &str) {
    let Some(key) = view.last_key else { return };
    let scale = camera.scale;
    let nodes = view.path.iter().map(|index| *index as usize);
    context.set_stroke(colour);
    context.set_fill(colour);
    context.set_line_width((scale / 24.0).clamp(1.5, 3.0));
    context.begin_path();
    for index in nodes
        .clone()
        .skip(1)
        .filter(|index| *index < view.nodes.len())
    {
        edge(context, view, layout, camera, index);
    }
    context.stroke();
    for index in nodes.filter(|index| *index < view.nodes.len()) {
        let (x, y) = camera.screen(layout.corners[index]);
        let side = scale.max(3.0);
        context.stroke_rect(x, y, side, side);
        if scale >= SLOTS_FROM {
            let (pad, cell) = cell_size(scale);
            let slot = view.nodes[index].slot_of(key);
            let (column, row) = (f64::from(slot % 8), f64::from(slot / 8));
            let side = cell - (cell * 0.14).max(1.0);
            let (x, y) = (x + pad + column * cell, y + pad + row * cell);
            // A slot in use keeps its tags in sight under the ring; an empty one is only ringed.
            let ring = (cell * 0.16).clamp(1.0, 4.0);
            context.set_line_width(ring);
            context.stroke_rect(x - ring / 2.0, y - ring / 2.0, side + ring, side + ring);
            if view.nodes[index].present >> slot & 1 == 1 {
                let dot = side * 0.34;
                let inset = (side - dot) / 2.0;
                context.fill_rect(x + inset, y + inset, dot, dot);
            }
            context.set_line_width((scale / 24.0).clamp(1.5, 3.0));
        }
    }
}

/// The keys of each node above it, and its slots' numbers when there is room.
fn draw_labels(
    context: &dyn Pen,
    view: &RadixView,
    seen: &[(usize, f64, f64)],
    scale: f64,
    [ink, paper]: [&str; 2],
) {
    context.set_fill(ink);
    context.set_stroke(paper);
    context.set_line_width(4.0);
    context.set_round_joins();
    context.set_font("11px ui-monospace, Menlo, Consolas, monospace");
    context.set_text_place("center", "bottom");
    for &(index, x, y) in seen {
        let node = &view.nodes[index];
        let room = (scale * 1.3 / 6.7) as usize;
        let whole = format!("{}–{}", node.first_key, node.last_key());
        let first = format!("{}…", node.first_key);
        let Some(text) = [whole, first]
            .into_iter()
            .find(|text| text.chars().count() <= room)
        else {
            continue;
        };
        // Edges end where labels stand; a rim of paper keeps them apart.
        context.stroke_text(&text, x + scale / 2.0, y - 4.0);
        context.fill_text(&text, x + scale / 2.0, y - 4.0);
    }
    if scale >= NUMBERS_FROM {
        let (pad, cell) = cell_size(scale);
        context.set_text_place("center", "middle");
        context.set_font("10px ui-monospace, Menlo, Consolas, monospace");
        for &(_, x, y) in seen {
            for slot in 0..64 {
                let (column, row) = (f64::from(slot % 8), f64::from(slot / 8));
                let (x, y) = (
                    x + pad + (column + 0.43) * cell,
                    y + pad + (row + 0.45) * cell,
                );
                context.fill_text(&slot.to_string(), x, y);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_in_runs() {
        let runs = |bits| bit_runs(bits).collect::<Vec<_>>();
        assert_eq!(runs(0), []);
        assert_eq!(runs(0xff), [(0, 8)]);
        assert_eq!(runs(0b1011_0001), [(0, 1), (4, 2), (7, 1)]);
        for bits in 0..=255u8 {
            let back = runs(bits).iter().fold(0, |sum, (start, length)| {
                sum | ((1u32 << length) - 1) << start
            });
            assert_eq!(back, u32::from(bits));
        }
    }

    #[test]
    fn zooming_keeps_the_point_under_the_pointer() {
        let camera = Camera {
            scale: 10.0,
            x: 5.0,
            y: 7.0,
        };
        let before = camera.plane(100.0, 50.0);
        let zoomed = camera.zoom(2.0, 100.0, 50.0);
        assert_eq!(zoomed.plane(100.0, 50.0), before);
        assert_eq!(zoomed.scale, 20.0);
        assert_eq!(camera.zoom(1e9, 0.0, 0.0).scale, 640.0);
        let (x, y) = camera.screen(before);
        assert!((x - 100.0).abs() < 1e-4 && (y - 50.0).abs() < 1e-4);
    }

    #[test]
    fn a_fitted_tree_is_inside() {
        let layout = Layout {
            width: 100.0,
            height: 20.0,
            ..Default::default()
        };
        let camera = Camera::fit(&layout, 800.0, 400.0);
        assert!(camera.x >= 0.0 && camera.y >= 0.0);
        let (right, bottom) = camera.screen((100.0, 20.0));
        assert!(right <= 800.0 && bottom <= 400.0);
        let one = Layout {
            width: 1.0,
            height: 1.0,
            ..Default::default()
        };
        assert_eq!(Camera::fit(&one, 800.0, 400.0).scale, 112.0);
    }
}
