//! Gives every node of a run queue's tree a place.
//!
//! A binary tree has a natural one: how many stand before a node says how far to the right it is,
//! how many above it how far down. Then the picture reads from left to right as the queue does, and
//! two nodes of one height are at least two places apart, so a node may be nearly two places wide.

use labs::view::{EntityView, QueueView};

/// Between neighbours of the order, in pixels, at least and at most.
const PITCH: (f64, f64) = (20.0, 44.0);
/// From a node's middle to the next level's.
const LEVEL: f64 = 32.0;
/// Above the first level.
const TOP: f64 = 34.0;
/// Left and right of the tree.
const SIDE: f64 = 30.0;
/// A node's height.
pub const NODE: f64 = 20.0;
/// What the axis takes at the foot.
pub const AXIS: f64 = 46.0;

/// Where the nodes of a tree are, in pixels of a canvas.
#[derive(Debug, Default, PartialEq)]
pub struct Layout {
    /// How many nodes stand above each.
    pub depths: Vec<u32>,
    /// Between neighbours of the order.
    pub pitch: f64,
    /// How far the tree is pushed to the left, so that what is pointed at is in view.
    pub shift: f64,
    /// The canvas's width.
    pub width: f64,
    /// Levels of the tree.
    levels: u32,
}

impl Layout {
    /// Lays out a queue's tree for a canvas of this width; the node `focus` will be in view.
    pub fn new(queue: &QueueView, width: f64, focus: Option<usize>) -> Layout {
        let depths = depths(&queue.nodes, queue.root);
        let levels = depths.iter().max().map_or(0, |depth| depth + 1);
        let count = queue.nodes.len() as f64;
        let room = (width - 2.0 * SIDE).max(1.0);
        let pitch = (room / count.max(1.0)).clamp(PITCH.0, PITCH.1);
        let over = (pitch * count - room).max(0.0);
        let at = pitch * (focus.unwrap_or(0) as f64 + 0.5);
        let shift = (at - room * 0.6).clamp(0.0, over);
        Layout {
            depths,
            pitch,
            shift,
            width,
            levels,
        }
    }

    /// The height that the picture needs.
    pub fn height(&self) -> f64 {
        TOP + f64::from(self.levels.max(2)) * LEVEL + AXIS
    }

    /// The middle of a node.
    pub fn middle(&self, node: usize) -> (f64, f64) {
        let x = SIDE + (node as f64 + 0.5) * self.pitch - self.shift;
        let depth = self.depths.get(node).copied().unwrap_or(0);
        (x, TOP + NODE / 2.0 + f64::from(depth) * LEVEL)
    }

    /// A node's width.
    pub fn node_width(&self) -> f64 {
        2.0 * self.pitch - 6.0
    }

    /// The node at this point.
    pub fn node_at(&self, x: f64, y: f64) -> Option<usize> {
        let half = self.node_width() / 2.0;
        (0..self.depths.len()).find(|node| {
            let (middle, level) = self.middle(*node);
            (x - middle).abs() <= half && (y - level).abs() <= NODE / 2.0 + 2.0
        })
    }
}

/// How many nodes stand above each. Links that lead nowhere or back are left alone.
fn depths(nodes: &[EntityView], root: Option<u32>) -> Vec<u32> {
    let mut depths = vec![0; nodes.len()];
    let mut todo: Vec<(u32, u32)> = root.map(|root| (root, 0)).into_iter().collect();
    let mut left = nodes.len();
    while let Some((node, depth)) = todo.pop() {
        let Some(entity) = nodes.get(node as usize).filter(|_| left > 0) else {
            continue;
        };
        left -= 1;
        depths[node as usize] = depth;
        let below = [entity.left, entity.right];
        todo.extend(below.into_iter().flatten().map(|node| (node, depth + 1)));
    }
    depths
}

/// A step over a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To who has come a little less.
    Before,
    /// To who has come a little further.
    After,
    /// Up.
    Parent,
    /// Down, to the left if there is somebody.
    Child,
    /// To who has come least: the next.
    First,
    /// To who has come furthest.
    Last,
}

/// Where a step leads from `from`, which is a node's number or `None` for the running one. `None`:
/// nowhere.
pub fn step(queue: &QueueView, from: Option<usize>, step: Step) -> Option<Option<usize>> {
    let last = queue.nodes.len().checked_sub(1);
    let running = queue.running.as_ref().map(|_| None);
    let node = from.and_then(|from| queue.nodes.get(from));
    let link = |link: Option<u32>| link.map(|link| Some(link as usize));
    match (step, from) {
        (Step::First, _) => last.map(|_| Some(0)).or(running),
        (Step::Last, _) => last.map(Some).or(running),
        (Step::Before, Some(0)) => running,
        (Step::Before, Some(from)) => Some(Some(from - 1)),
        (Step::Before | Step::Parent, None) => None,
        (Step::After, None) => last.map(|_| Some(0)),
        (Step::After, Some(from)) => last.filter(|last| from < *last).map(|_| Some(from + 1)),
        (Step::Child, None) => link(queue.root),
        (Step::Child, _) => {
            let node = node?;
            link(node.left.or(node.right))
        }
        (Step::Parent, Some(_)) => link(node?.parent).or(running),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of seven: 3 above 1 and 5, below them 0, 2, 4 and 6.
    fn queue() -> QueueView {
        let node = |links: [i64; 3]| {
            let [parent, left, right] = links.map(|link| u32::try_from(link).ok());
            EntityView {
                parent,
                left,
                right,
                ..EntityView::default()
            }
        };
        let links = [
            [1, -1, -1],
            [3, 0, 2],
            [1, -1, -1],
            [-1, 1, 5],
            [5, -1, -1],
            [3, 4, 6],
            [5, -1, -1],
        ];
        QueueView {
            running: Some(EntityView::default()),
            root: Some(3),
            nodes: links.map(node).into(),
            ..QueueView::default()
        }
    }

    #[test]
    fn no_two_nodes_overlap() {
        for width in [80.0, 300.0, 900.0] {
            let layout = Layout::new(&queue(), width, Some(3));
            assert_eq!(layout.depths, [2, 1, 2, 0, 2, 1, 2]);
            for a in 0..7 {
                let (x, y) = layout.middle(a);
                assert_eq!(layout.node_at(x, y), Some(a));
                for b in 0..a {
                    let other = layout.middle(b);
                    let is_apart =
                        (x - other.0).abs() >= layout.node_width() || (y - other.1).abs() >= NODE;
                    assert!(is_apart, "{a} and {b} overlap at {width}");
                }
            }
            assert!(layout.middle(0).1 + NODE / 2.0 + AXIS <= layout.height());
        }
    }

    #[test]
    fn what_is_pointed_at_is_in_view() {
        let mut queue = queue();
        queue.nodes.extend(vec![EntityView::default(); 93]);
        for focus in [0, 30, 99] {
            let layout = Layout::new(&queue, 300.0, Some(focus));
            let x = layout.middle(focus).0;
            assert!((0.0..300.0).contains(&x), "{focus} at {x}");
        }
        assert_eq!(Layout::new(&queue, 300.0, None).shift, 0.0);
        let none = Layout::new(&QueueView::default(), 300.0, None);
        assert_eq!(none.node_at(1.0, 1.0), None);
    }

    #[test]
    fn steps_follow_the_order_and_the_tree() {
        let queue = queue();
        let go = |from, by| step(&queue, from, by);
        assert_eq!(go(Some(0), Step::After), Some(Some(1)));
        assert_eq!(go(Some(6), Step::After), None);
        assert_eq!(go(Some(0), Step::Before), Some(None), "to who runs");
        assert_eq!(go(None, Step::After), Some(Some(0)));
        assert_eq!(go(None, Step::Child), Some(Some(3)));
        assert_eq!(go(Some(3), Step::Child), Some(Some(1)));
        assert_eq!(go(Some(0), Step::Child), None);
        assert_eq!(go(Some(4), Step::Parent), Some(Some(5)));
        assert_eq!(go(Some(3), Step::Parent), Some(None));
        assert_eq!(go(Some(3), Step::First), Some(Some(0)));
        assert_eq!(go(None, Step::Last), Some(Some(6)));
        assert_eq!(step(&QueueView::default(), None, Step::First), None);
    }
}
