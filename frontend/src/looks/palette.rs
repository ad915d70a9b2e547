//! The page's colours and what they mean.
//!
//! A colour means the same in every picture, table and text. Their values, for light and dark, are
//! custom properties at the top of `style.css`; drawing code asks for them by these names
//! ([`crate::canvas::palette`]) and has no colours of its own. `palette/tests.rs` reads the style sheet
//! and holds it to what is promised: the same names in light and dark, enough contrast, and that
//! colours of one picture can be told apart with any of the common colour blindnesses. Shape, place
//! or words say the same as colour, always; so nobody depends on it.

/// What a colour is for; what is asked of it follows from that.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Lies under everything else.
    Ground,
    /// Is written with: 4.5 to 1.
    Text,
    /// A shape that one has to see: 3 to 1.
    Shape,
    /// A line that only divides or decorates.
    Line,
}

macro_rules! colours {
    ($($(#[$doc:meta])* $name:ident, $property:literal, $role:ident;)*) => {
        /// A colour, by its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(not(test), expect(dead_code, reason = "some are the style sheet's alone"))]
        pub enum Colour {
            $($(#[$doc])* $name,)*
        }

        impl Colour {
            /// All of them.
            #[cfg(test)]
            pub const ALL: &[Colour] = &[$(Colour::$name),*];

            /// The custom property that has its value.
            pub fn property(self) -> &'static str {
                match self {
                    $(Colour::$name => $property,)*
                }
            }

            /// What it is for.
            #[cfg(test)]
            pub fn role(self) -> Role {
                match self {
                    $(Colour::$name => Role::$role,)*
                }
            }
        }
    };
}

colours! {
    /// Behind everything.
    Paper, "--paper", Ground;
    /// Behind a pane's content.
    Panel, "--panel", Ground;
    /// Room for something: an empty slot, the rest of a bar.
    Slot, "--slot", Ground;
    /// Free memory; the same as room.
    Free, "--free", Ground;
    /// The inside of a node.
    Node, "--node", Ground;
    /// Under children that belong together.
    Group, "--group", Ground;
    /// Under what is current.
    AccentSoft, "--accent-soft", Ground;
    /// Under an error.
    ErrorSoft, "--error-soft", Ground;
    /// Under a row that an answer is about.
    LitSoft, "--lit-soft", Ground;
    /// Text; also the frame around what is pointed at.
    Ink, "--ink", Text;
    /// Text that is less important.
    Ink2, "--ink-2", Text;
    /// What comes after the step that is shown.
    Future, "--future", Text;
    /// Current: the step that is shown, who runs, what is open, the way of the last key; and what can
    /// be pressed.
    Accent, "--accent", Text;
    /// On the accent, and on slabs.
    AccentInk, "--accent-ink", Text;
    /// An error, damage, a death, a refusal.
    Error, "--error", Text;
    /// What an answer is about.
    Lit, "--lit", Text;
    /// Borders.
    Line, "--line", Line;
    /// Thinner borders.
    Hair, "--hair", Line;
    /// Objects of the kernel's caches.
    Slab, "--slab", Shape;
    /// Pages of files.
    Cache, "--cache", Shape;
    /// Pages that somebody has asked for: a process's own memory, above all.
    Allocated, "--allocated", Shape;
    /// Free, but kept by a CPU.
    PerCpu, "--percpu", Shape;
    /// Taken for good: the kernel's tables and records, what belongs to others.
    Reserved, "--reserved", Shape;
    /// Pages of several processes.
    Shared, "--shared", Shape;
    /// On the swap device.
    Swap, "--swap", Shape;
    /// What a node's or table's slot holds.
    Item, "--item", Shape;
    /// Tag 0 of a radix tree.
    Tag0, "--tag0", Shape;
    /// Tag 1.
    Tag1, "--tag1", Shape;
    /// A kernel pointer: what leads from one free object to the next.
    Pointer, "--pointer", Shape;
    /// Who waits, and for how long.
    Waiting, "--waiting", Shape;
    /// A red node of a red-black tree.
    RedNode, "--red-node", Shape;
    /// A black one; black in every theme, with a border that is seen.
    BlackNode, "--black-node", Ground;
    /// On a black node.
    OnBlackNode, "--on-black-node", Text;
    /// Things of one kind that are only told apart, such as tasks: the first,
    Series0, "--series0", Shape;
    /// the second,
    Series1, "--series1", Shape;
    /// the third,
    Series2, "--series2", Shape;
    /// the fourth,
    Series3, "--series3", Shape;
    /// the fifth,
    Series4, "--series4", Shape;
    /// and the sixth; then from the beginning.
    Series5, "--series5", Shape;
}

#[cfg(test)]
mod tests;
