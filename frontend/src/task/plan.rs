//! How an address space lies in a picture: a cell a page, an area a block of cells, and long holes
//! drawn together, since most of what an area promises is not there.

use labs::view::task::{AreaRow, MmView, PageKind, PageRow};

/// Cells of a row.
pub const COLUMNS: usize = 32;
/// From one cell to the next, in pixels.
pub const PITCH: usize = 11;
/// The side of a cell.
pub const SIDE: usize = 9;
/// So many pages that are not there get a cell each; more get one together.
const HOLE_MAX: u32 = 16;

/// What a cell stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// A page that is there: its place in [`MmView::pages`].
    Page(usize),
    /// So many pages from this address on that are not there.
    Hole(u32, u32),
    /// So many pages from this address on of which nothing is known: the view does not reach there.
    Unknown(u32, u32),
}

/// An area as cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its cells in the order of their addresses.
    pub cells: Vec<Cell>,
}

/// An address space as cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// A block an area.
    pub blocks: Vec<Block>,
}

impl Plan {
    /// Lays an address space out.
    pub fn new(mm: &MmView) -> Plan {
        // Outside of these addresses the view may have left pages out.
        let first = match mm.before {
            0 => 0,
            _ => mm.pages.first().map_or(u32::MAX, PageRow::address),
        };
        let last = match mm.after {
            0 => u32::MAX,
            _ => mm.pages.last().map_or(0, |page| page.address() + 4096),
        };
        let blocks = mm.areas.iter().map(|area| Block {
            cells: cells(mm, area, (first, last)),
        });
        Plan {
            blocks: blocks.collect(),
        }
    }

    /// The cell at a place.
    pub fn cell(&self, (block, cell): (usize, usize)) -> Option<Cell> {
        self.blocks.get(block)?.cells.get(cell).copied()
    }

    /// The first address of a cell.
    pub fn address(&self, mm: &MmView, place: (usize, usize)) -> Option<u32> {
        Some(match self.cell(place)? {
            Cell::Page(index) => mm.pages[index].address(),
            Cell::Hole(from, _) | Cell::Unknown(from, _) => from,
        })
    }

    /// Where an address is drawn.
    pub fn find(&self, mm: &MmView, address: u32) -> Option<(usize, usize)> {
        let mut areas = mm.areas.iter();
        let block = areas.position(|area| area.start <= address && address < area.end)?;
        let cells = &self.blocks[block].cells;
        let start = |cell: &Cell| match cell {
            Cell::Page(index) => mm.pages[*index].address(),
            Cell::Hole(from, _) | Cell::Unknown(from, _) => *from,
        };
        let behind = cells.partition_point(|cell| start(cell) <= address);
        Some((block, behind.checked_sub(1)?))
    }

    /// Where a key leads from a place; from nowhere, to the first cell.
    pub fn walk(&self, key: &str, place: Option<(usize, usize)>) -> Option<(usize, usize)> {
        let last = self.blocks.len().checked_sub(1)?;
        let count = |block: usize| self.blocks[block].cells.len();
        let Some((block, cell)) = place else {
            return matches!(
                key,
                "ArrowRight" | "ArrowDown" | "ArrowLeft" | "ArrowUp" | "Home"
            )
            .then_some((0, 0))
            .or_else(|| (key == "End").then(|| (last, count(last) - 1)));
        };
        let column = cell % COLUMNS;
        let end = |block: usize| (block, count(block) - 1);
        Some(match key {
            "Home" => (0, 0),
            "End" => end(last),
            "ArrowLeft" if cell > 0 => (block, cell - 1),
            "ArrowLeft" if block > 0 => end(block - 1),
            "ArrowRight" if cell + 1 < count(block) => (block, cell + 1),
            "ArrowRight" if block < last => (block + 1, 0),
            "ArrowUp" if cell >= COLUMNS => (block, cell - COLUMNS),
            "ArrowUp" if block > 0 => {
                // The last row of the area above, in the same column if it is that long.
                let rest = (count(block - 1) - 1) / COLUMNS * COLUMNS;
                (block - 1, (rest + column).min(count(block - 1) - 1))
            }
            "ArrowDown" if cell / COLUMNS < (count(block) - 1) / COLUMNS => {
                (block, (cell + COLUMNS).min(count(block) - 1))
            }
            "ArrowDown" if block < last => (block + 1, column.min(count(block + 1) - 1)),
            "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" => (block, cell),
            _ => return None,
        })
    }
}

/// The cells of an area.
fn cells(mm: &MmView, area: &AreaRow, (first, last): (u32, u32)) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut at = area.start;
    let known = area.start.max(first).min(area.end);
    if at < known {
        cells.push(Cell::Unknown(at, (known - at) / 4096));
        at = known;
    }
    let end = area.end.min(last).max(at);
    let from = mm.pages.partition_point(|page| page.address() < at);
    for (index, page) in mm.pages.iter().enumerate().skip(from) {
        let address = page.address();
        if address >= end {
            break;
        }
        hole(&mut cells, at, address);
        cells.push(Cell::Page(index));
        at = address + 4096;
    }
    hole(&mut cells, at, end);
    if end < area.end {
        cells.push(Cell::Unknown(end, (area.end - end) / 4096));
    }
    cells
}

/// Adds pages that are not there.
fn hole(cells: &mut Vec<Cell>, from: u32, to: u32) {
    let count = to.saturating_sub(from) / 4096;
    if count > HOLE_MAX {
        cells.push(Cell::Hole(from, count));
    } else {
        cells.extend((0..count).map(|page| Cell::Hole(from + page * 4096, 1)));
    }
}

/// The kinds of cells that are drawn alike, one path each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Pages by [`PageKind::ALL`].
    pub pages: [String; 4],
    /// A corner of those that were written.
    pub dirty: String,
    /// Pages that are not there, one by one.
    pub holes: String,
    /// Those that stand together, and what is not known: dots.
    pub dots: String,
    /// Around those that are not as they were.
    pub changed: String,
}

impl Paths {
    /// Draws a block; `is_changed` says of a page whether it is not as it was.
    pub fn new(block: &Block, mm: &MmView, is_changed: impl Fn(&PageRow) -> bool) -> Paths {
        let mut paths = Paths::default();
        for (number, cell) in block.cells.iter().enumerate() {
            let (x, y) = corner(number);
            match *cell {
                Cell::Page(index) => {
                    let page = &mm.pages[index];
                    let kind = PageKind::ALL.iter().position(|kind| *kind == page.kind);
                    square(&mut paths.pages[kind.unwrap_or(0)], x, y, SIDE);
                    if page.is_dirty() {
                        let (right, top) = (x + SIDE, y);
                        paths.dirty.push_str(
                            &["M", &right.to_string(), " ", &top.to_string(), "v5l-5-5z"].concat(),
                        );
                    }
                    if is_changed(page) {
                        square(&mut paths.changed, x, y, SIDE);
                    }
                }
                Cell::Hole(_, 1) => square(&mut paths.holes, x, y, SIDE),
                Cell::Hole(..) | Cell::Unknown(..) => {
                    for dot in 0..3 {
                        square(&mut paths.dots, x + dot * 4, y + SIDE / 2 - 1, 2);
                    }
                }
            }
        }
        paths
    }
}

/// The corner of a block's cell.
pub fn corner(cell: usize) -> (usize, usize) {
    (1 + cell % COLUMNS * PITCH, 1 + cell / COLUMNS * PITCH)
}

/// The cell of a block at a point, if there is one.
pub fn cell_at(block: &Block, x: i32, y: i32) -> Option<usize> {
    let (x, y) = (
        usize::try_from(x).ok()? / PITCH,
        usize::try_from(y).ok()? / PITCH,
    );
    let cell = y * COLUMNS + x;
    (x < COLUMNS && cell < block.cells.len()).then_some(cell)
}

fn square(path: &mut String, x: usize, y: usize, side: usize) {
    let side = side.to_string();
    for part in [
        "M",
        &x.to_string(),
        " ",
        &y.to_string(),
        "h",
        &side,
        "v",
        &side,
        "h-",
        &side,
        "z",
    ] {
        path.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(start: u32, pages: u32) -> AreaRow {
        AreaRow {
            start,
            end: start + pages * 4096,
            ..AreaRow::default()
        }
    }

    fn page(number: u32) -> PageRow {
        PageRow {
            number,
            pte: 0x41,
            ..PageRow::default()
        }
    }

    /// An area of three pages with one there, and a large one with two.
    fn space() -> MmView {
        MmView {
            areas: [area(0x1000, 3), area(0x10_0000, 1000)].into(),
            pages: [page(2), page(0x100), page(0x180)].into(),
            ..MmView::default()
        }
    }

    #[test]
    fn holes_stand_alone_or_together() {
        let mm = space();
        let plan = Plan::new(&mm);
        assert_eq!(
            plan.blocks[0].cells,
            [Cell::Hole(0x1000, 1), Cell::Page(0), Cell::Hole(0x3000, 1)]
        );
        assert_eq!(
            plan.blocks[1].cells,
            [
                Cell::Page(1),
                Cell::Hole(0x10_1000, 127),
                Cell::Page(2),
                Cell::Hole(0x18_1000, 871)
            ]
        );
        // Every page of an area is in just one cell.
        for (block, area) in plan.blocks.iter().zip(&mm.areas) {
            let pages = block.cells.iter().map(|cell| match cell {
                Cell::Page(_) => 1,
                Cell::Hole(_, count) | Cell::Unknown(_, count) => *count,
            });
            assert_eq!(pages.sum::<u32>(), area.pages());
        }
        assert_eq!(plan.find(&mm, 0x2fff), Some((0, 1)));
        assert_eq!(plan.find(&mm, 0x17_ffff), Some((1, 1)));
        assert_eq!(plan.find(&mm, 0x18_0000), Some((1, 2)));
        assert_eq!(plan.find(&mm, 0x4000), None);
        assert_eq!(plan.address(&mm, (1, 1)), Some(0x10_1000));
    }

    #[test]
    fn what_a_view_left_out_is_unknown() {
        let mm = MmView {
            before: 1,
            after: 5,
            pages: [page(0x101), page(0x102)].into(),
            ..space()
        };
        let plan = Plan::new(&mm);
        assert_eq!(plan.blocks[0].cells, [Cell::Unknown(0x1000, 3)]);
        assert_eq!(
            plan.blocks[1].cells,
            [
                Cell::Unknown(0x10_0000, 1),
                Cell::Page(0),
                Cell::Page(1),
                Cell::Unknown(0x10_3000, 997)
            ]
        );
    }

    #[test]
    fn arrows_lead_from_area_to_area() {
        let mm = MmView {
            areas: [area(0x1000, 1), area(0x10_0000, 10)].into(),
            ..MmView::default()
        };
        let plan = Plan::new(&mm);
        let walk = |key, from| plan.walk(key, from);
        assert_eq!(walk("ArrowDown", None), Some((0, 0)));
        assert_eq!(walk("ArrowRight", Some((0, 0))), Some((1, 0)));
        assert_eq!(walk("ArrowLeft", Some((1, 0))), Some((0, 0)));
        assert_eq!(walk("ArrowUp", Some((1, 7))), Some((0, 0)));
        assert_eq!(walk("ArrowDown", Some((1, 7))), Some((1, 7)));
        assert_eq!(walk("End", None), Some((1, 9)));
        assert_eq!(walk("x", Some((0, 0))), None);
        assert_eq!(Plan::new(&MmView::default()).walk("End", None), None);
    }

    #[test]
    fn rows_are_walked_down_and_up() {
        let pages = (0x100..0x146).map(page);
        let mm = MmView {
            areas: [area(0x10_0000, 70)].into(),
            pages: pages.collect(),
            ..MmView::default()
        };
        let plan = Plan::new(&mm);
        assert_eq!(plan.walk("ArrowDown", Some((0, 5))), Some((0, 37)));
        assert_eq!(plan.walk("ArrowDown", Some((0, 50))), Some((0, 69)));
        assert_eq!(plan.walk("ArrowDown", Some((0, 69))), Some((0, 69)));
        assert_eq!(plan.walk("ArrowUp", Some((0, 37))), Some((0, 5)));
    }

    #[test]
    fn cells_are_found_where_they_are_drawn() {
        let mm = space();
        let plan = Plan::new(&mm);
        let block = &plan.blocks[1];
        for cell in 0..block.cells.len() {
            let (x, y) = corner(cell);
            assert_eq!(cell_at(block, x as i32 + 4, y as i32 + 4), Some(cell));
        }
        assert_eq!(cell_at(block, 4 * PITCH as i32 + 2, 2), None);
        assert_eq!(cell_at(block, -1, 2), None);
        let paths = Paths::new(block, &mm, |page| page.number == 0x180);
        assert_eq!(paths.pages[0], "M1 1h9v9h-9zM23 1h9v9h-9z");
        assert_eq!(paths.changed, "M23 1h9v9h-9z");
        assert!(paths.dirty.starts_with("M10 1v5"));
        assert_eq!(paths.holes, "");
    }
}
