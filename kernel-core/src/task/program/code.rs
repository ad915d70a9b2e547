//! What a program is compiled to: words for a small stack machine.
//!
//! A word is an operation in its lowest byte and an operand above it. Each statement begins with
//! [`Op::Line`], where the stack is empty; so a statement whose call has to wait can be begun anew, and
//! nothing but the variables needs to be kept.

/// Words that a program may have.
pub const CODE_MAX: usize = 1024;

macro_rules! ops {
    ($($(#[$doc:meta])* $op:ident,)*) => {
        /// An operation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Op {
            $($(#[$doc])* $op,)*
        }

        impl Op {
            const ALL: &'static [Op] = &[$(Op::$op,)*];
        }
    };
}

ops! {
    /// The program is at its end.
    End,
    /// A statement begins, on this line.
    Line,
    /// Pushes the operand.
    Number,
    /// Pushes a variable.
    Variable,
    /// Pushes an argument as a number.
    Argument,
    /// Pushes an argument as a length of time, in seconds if it has no unit.
    Seconds,
    /// Jumps if an argument was not given: its number in the lowest byte of the operand.
    IfMissing,
    /// Pushes how many arguments there are.
    Count,
    /// Pushes the last result.
    Last,
    /// Pushes the number of the process.
    Pid,
    /// Pushes the number of the signal that is handled.
    Signal,
    /// Pushes what the child ended with that was waited for last.
    Status,
    /// These pop two and push one.
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    Unequal,
    And,
    Or,
    /// Pops one, and pushes whether it is 0.
    Not,
    /// Pops into a variable.
    Set,
    /// Goes on there.
    Jump,
    /// Pops, and goes on there if it is 0.
    JumpIfZero,
    /// Appends a piece of the program's text: place, and length above it.
    Text,
    /// Pops, and appends the number.
    TextNumber,
    /// Appends an argument.
    TextArgument,
    /// Appends all arguments, with blanks between them.
    TextArguments,
    /// Appends the line read last.
    TextLine,
    /// Appends what the last error means.
    TextError,
    /// Ends a text, and pushes it.
    EndText,
    /// Ends a text, and pushes each of its words.
    EndWords,
    /// Appends all arguments, each a text of its own.
    AllArguments,
    /// Pops two texts, and pushes whether they are equal.
    Same,
    /// Makes a call with what is on the stack.
    Call,
    /// What follows handles a signal, its number in the lowest byte; goes on behind that.
    On,
    /// Goes back to where the signal came.
    Return,
}

/// A word of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub u64);

impl Word {
    pub(super) fn new(op: Op, operand: i64) -> Word {
        Word((operand as u64) << 8 | op as u64)
    }

    pub(super) fn op(self) -> Op {
        let op = Op::ALL.get((self.0 & 0xff) as usize);
        op.copied().unwrap_or(Op::End)
    }

    /// The operand, with its sign.
    pub(super) fn operand(self) -> i64 {
        self.0 as i64 >> 8
    }

    /// The operand in two parts: its lowest byte, and what is above.
    pub(super) fn parts(self) -> (u8, usize) {
        let operand = self.operand() as usize;
        (operand as u8, operand >> 8)
    }
}
