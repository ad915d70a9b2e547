//! Gives every node of a radix tree a place on a plane.
//!
//! Radix trees are wide, not deep: three levels hold a quarter of a million keys, and one level of
//! such a tree, drawn in a row, would be four thousand nodes wide. So at most [`COLUMNS`] children
//! stand side by side; more wrap into rows below, as the slots of their parent do, and wide
//! subtrees wrap sooner. The unit is the side of a node.

use std::ops::Range;

use labs::view::RadixNode;

/// How many subtrees stand side by side.
const COLUMNS: usize = 8;

/// What is wider than this wraps until its shape is about that of a screen's half.
const WIDE: f32 = 40.0;

/// Between neighbours of one row, and between rows of one parent.
const GAP: f32 = 0.35;

/// Between a node and its children, at least.
const LEVEL_GAP: f32 = 0.9;

/// Between a node and its children, as a share of how wide they are: edges need a slope.
const SLOPE: f32 = 0.045;

/// Where a tree's nodes are.
#[derive(Debug, Default, PartialEq)]
pub struct Layout {
    /// The upper left corner of each node, in the order of the view.
    pub corners: Vec<(f32, f32)>,
    /// The children of each node, as a range of the view's nodes.
    pub children: Vec<Range<usize>>,
    /// The ground that the subtrees of each node's children take.
    pub grids: Vec<Area>,
    /// How many of its children stand side by side.
    pub columns: Vec<usize>,
    /// The width of the whole.
    pub width: f32,
    /// The height of the whole.
    pub height: f32,
}

/// A rectangle of the plane.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Area {
    /// Its left edge.
    pub x: f32,
    /// Its upper edge.
    pub y: f32,
    /// Its width.
    pub width: f32,
    /// Its height.
    pub height: f32,
}

impl Layout {
    /// Lays out `nodes`, which are in breadth-first order. Two passes, no recursion: sizes from
    /// the leaves up, places from the root down.
    pub fn new(nodes: &[RadixNode]) -> Layout {
        let children = children(nodes);
        let mut columns = vec![1; nodes.len()];
        let mut sizes = vec![(1.0f32, 1.0f32); nodes.len()];
        for index in (0..nodes.len()).rev() {
            let grid = &sizes[children[index].clone()];
            if !grid.is_empty() {
                columns[index] = columns_for(grid);
                let (width, height) = grid_size(grid, columns[index]);
                sizes[index] = (width.max(1.0), 1.0 + level_gap(width) + height);
            }
        }
        let (width, height) = sizes.first().copied().unwrap_or_default();
        // First the corner of each subtree, then that of its node: in the middle of its top edge.
        let mut corners = vec![(0.0, 0.0); nodes.len()];
        let mut grids = vec![Area::default(); nodes.len()];
        for index in 0..nodes.len() {
            let (left, top) = corners[index];
            let grid = &sizes[children[index].clone()];
            let (width, height) = grid_size(grid, columns[index]);
            let mut y = top + 1.0 + level_gap(width);
            let indent = (sizes[index].0 - width) / 2.0;
            grids[index] = Area {
                x: left + indent,
                y,
                width,
                height,
            };
            for (row, row_sizes) in grid.chunks(columns[index]).enumerate() {
                let mut x = left + indent;
                for (column, size) in row_sizes.iter().enumerate() {
                    corners[children[index].start + row * columns[index] + column] = (x, y);
                    x += size.0 + GAP;
                }
                y += row_sizes.iter().map(|size| size.1).fold(0.0, f32::max) + GAP;
            }
            corners[index].0 = left + (sizes[index].0 - 1.0) / 2.0;
        }
        Layout {
            corners,
            children,
            grids,
            columns,
            width,
            height,
        }
    }

    /// Whether the children of this node stand in more than one row.
    pub fn wraps(&self, node: usize) -> bool {
        self.children[node].len() > self.columns[node]
    }

    /// The node at this point.
    pub fn node_at(&self, x: f32, y: f32) -> Option<usize> {
        let holds = |corner: &(f32, f32)| {
            (corner.0..corner.0 + 1.0).contains(&x) && (corner.1..corner.1 + 1.0).contains(&y)
        };
        self.corners.iter().position(holds)
    }

    /// The node that a step from `node` leads to, if there is one.
    pub fn step(&self, nodes: &[RadixNode], node: usize, step: Step) -> Option<usize> {
        if step == Step::Child {
            return self.children.get(node)?.clone().next();
        }
        // The root has neither a parent nor siblings.
        let parent = nodes.get(node).filter(|_| node != 0)?.parent as usize;
        let target = match step {
            Step::Parent => return Some(parent),
            Step::Previous => node - 1,
            _ => node + 1,
        };
        self.children[parent].contains(&target).then_some(target)
    }
}

/// A step from node to node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Up.
    Parent,
    /// Down, to the first child.
    Child,
    /// To the sibling before.
    Previous,
    /// To the sibling after.
    Next,
}

/// The children of each node. In breadth-first order they are neighbours.
fn children(nodes: &[RadixNode]) -> Vec<Range<usize>> {
    let mut children = vec![0..0; nodes.len()];
    for (index, node) in nodes.iter().enumerate().skip(1) {
        // A parent that does not come before its child would be a broken view; leave it childless.
        if (node.parent as usize) < index {
            let range: &mut Range<usize> = &mut children[node.parent as usize];
            range.start = if range.end == 0 { index } else { range.start };
            range.end = index + 1;
        }
    }
    children
}

/// The height that edges to children of this width in all need.
fn level_gap(width: f32) -> f32 {
    LEVEL_GAP.max(SLOPE * width)
}

/// How many subtrees of these sizes to put side by side.
fn columns_for(sizes: &[(f32, f32)]) -> usize {
    let is_shapely = |columns: &usize| {
        let (width, height) = grid_size(sizes, *columns);
        width <= WIDE.max(3.2 * height)
    };
    let most = sizes.len().min(COLUMNS);
    (1..=most).rev().find(is_shapely).unwrap_or(1)
}

/// Width and height of subtrees of these sizes in rows of `columns`.
fn grid_size(sizes: &[(f32, f32)], columns: usize) -> (f32, f32) {
    let mut total = (0.0f32, -GAP);
    for row in sizes.chunks(columns) {
        let width = row.iter().map(|size| size.0 + GAP).sum::<f32>() - GAP;
        let height = row.iter().map(|size| size.1).fold(0.0, f32::max);
        total = (total.0.max(width), total.1 + height + GAP);
    }
    (total.0, total.1.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree in which every node above the leaves has `arity` children.
    fn tree(arity: usize, levels: u8) -> Vec<RadixNode> {
        let mut nodes = vec![RadixNode {
            level: levels - 1,
            ..Default::default()
        }];
        let mut index = 0;
        while index < nodes.len() {
            if nodes[index].level > 0 {
                let level = nodes[index].level - 1;
                let child = RadixNode {
                    level,
                    parent: index as u32,
                    ..Default::default()
                };
                nodes.extend((0..arity).map(|slot| RadixNode {
                    parent_slot: slot as u8,
                    ..child
                }));
            }
            index += 1;
        }
        nodes
    }

    fn check_no_overlap(nodes: &[RadixNode]) -> Layout {
        let layout = Layout::new(nodes);
        let mut corners = layout.corners.clone();
        corners.sort_by(|a, b| a.partial_cmp(b).unwrap());
        for (index, a) in corners.iter().enumerate() {
            for b in corners[index + 1..].iter().take_while(|b| b.0 < a.0 + 1.0) {
                assert!((a.1 - b.1).abs() >= 1.0, "{a:?} and {b:?} overlap");
            }
            assert!(
                a.0 >= -0.001 && a.0 + 1.0 <= layout.width + 0.001,
                "{a:?} is outside"
            );
            assert!(
                a.1 >= -0.001 && a.1 + 1.0 <= layout.height + 0.001,
                "{a:?} is outside"
            );
        }
        layout
    }

    #[test]
    fn no_two_nodes_overlap() {
        for (arity, levels) in [(1, 11), (2, 5), (3, 4), (8, 3), (9, 3), (64, 2), (21, 3)] {
            check_no_overlap(&tree(arity, levels));
        }
        assert_eq!(Layout::new(&[]), Layout::default());
    }

    #[test]
    fn a_parent_stands_above_the_middle_of_its_children() {
        let layout = check_no_overlap(&tree(2, 2));
        let middle = (layout.corners[1].0 + layout.corners[2].0) / 2.0;
        assert!((layout.corners[0].0 - middle).abs() < 1e-5);
        assert!(!layout.wraps(0));
    }

    #[test]
    fn ten_thousand_nodes_keep_a_shape_that_fits_a_screen() {
        for nodes in [tree(21, 4), tree(64, 3), tree(9, 5), tree(4, 7)] {
            let layout = check_no_overlap(&nodes);
            let shape = layout.width / layout.height;
            assert!(
                (0.4..4.0).contains(&shape),
                "{} x {}",
                layout.width,
                layout.height
            );
        }
    }

    #[test]
    fn steps_follow_the_tree() {
        let nodes = tree(3, 3);
        let layout = Layout::new(&nodes);
        let step = |node, step| layout.step(&nodes, node, step);
        assert_eq!(step(0, Step::Parent), None);
        assert_eq!(step(0, Step::Child), Some(1));
        assert_eq!(step(1, Step::Previous), None);
        assert_eq!(step(1, Step::Next), Some(2));
        assert_eq!(step(3, Step::Next), None);
        assert_eq!(step(4, Step::Previous), None);
        assert_eq!(step(2, Step::Child), Some(7));
        assert_eq!(step(9, Step::Parent), Some(2));
        assert_eq!(step(0, Step::Next), None);
        assert_eq!(step(0, Step::Previous), None);
    }

    #[test]
    fn points_find_nodes() {
        let nodes = tree(3, 2);
        let layout = Layout::new(&nodes);
        for (index, (x, y)) in layout.corners.iter().enumerate() {
            assert_eq!(layout.node_at(x + 0.5, y + 0.5), Some(index));
        }
        assert_eq!(layout.node_at(-1.0, -1.0), None);
    }
}
