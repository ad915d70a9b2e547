//! From a program's text to words for the machine.
//!
//! One pass, a line at a time. Blocks that are still open are kept on a stack; jumps whose goal is not
//! known yet form chains through their own operands until it is.

use core::fmt;

use super::calls::{self, Kind, MODES};
use super::code::{CODE_MAX, Op, Word};
use super::words::{Token, Tokens, is_name, number, unit_less};
use crate::task::signal::Signal;

/// Variables that a program may have.
pub const VARIABLES_MAX: usize = 24;
/// Blocks within blocks.
const BLOCKS_MAX: usize = 12;
/// Words on a line.
const TOKENS_MAX: usize = 32;

/// Why a program is refused, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error<'a> {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong.
    pub fault: Fault,
    /// The word that it is about; may be empty.
    pub word: &'a str,
}

macro_rules! faults {
    ($($fault:ident = $sentence:literal,)*) => {
        /// What can be wrong with a program.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault {
            $(#[doc = $sentence] $fault,)*
        }

        impl Fault {
            fn sentence(self) -> &'static str {
                match self { $(Fault::$fault => $sentence,)* }
            }
        }
    };
}

faults! {
    NoCall = "there is no call of this name",
    NoVariable = "this variable was never set",
    NoValue = "a value is expected here",
    NotANumber = "this is neither a number nor a variable",
    NotASignal = "there is no signal of this name",
    NotAMode = "this is not one of the words that may stand here",
    NotAName = "this cannot be the name of a variable",
    TooFew = "arguments are missing",
    TooMany = "too many arguments, or an operator is missing before this",
    EndWithoutBlock = "there is no block to end",
    ElseWithoutIf = "there is no if for this else",
    OutsideLoop = "this is for loops",
    NoEnd = "the block that begins here has no end",
    Nested = "too many blocks within blocks",
    InHandler = "a handler cannot stand in another block",
    Quote = "a quote is not closed",
    TooLong = "the program is too long",
    TooManyWords = "too many words on a line",
    TooManyVariables = "a program has 24 variables at most",
    NotText = "this is not a text file",
}

impl fmt::Display for Error<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.fault.sentence())?;
        match self.word {
            "" => Ok(()),
            word => write!(f, ": {}", crate::shell::shortened(word)),
        }
    }
}

/// A program that was found good.
#[derive(Debug)]
pub struct Compiled<'a> {
    /// The words.
    pub words: [u64; CODE_MAX],
    /// How many.
    pub length: usize,
    /// The names of the variables.
    pub variables: [&'a str; VARIABLES_MAX],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockKind {
    If,
    Else,
    Loop,
    Handler,
}

/// A block that is open.
#[derive(Debug, Clone, Copy)]
struct Block {
    kind: BlockKind,
    /// The line on which it begins.
    line: u32,
    /// Where a loop begins.
    head: usize,
    /// The jump over what follows if a condition is false; 0 if there is none.
    skip: usize,
    /// The first of the chain of jumps to the block's end; 0 if there is none.
    leave: usize,
}

struct Compiler<'a> {
    out: Compiled<'a>,
    blocks: [Block; BLOCKS_MAX],
    depth: usize,
    line: u32,
    text: &'a str,
}

type Done<'a> = Result<(), (Fault, &'a str)>;

/// Compiles a program.
///
/// # Errors
/// The first line that is wrong, and why.
pub fn compile(text: &str) -> Result<Compiled<'_>, Error<'_>> {
    let mut compiler = Compiler {
        out: Compiled {
            words: [0; CODE_MAX],
            length: 0,
            variables: [""; VARIABLES_MAX],
        },
        blocks: [Block {
            kind: BlockKind::If,
            line: 0,
            head: 0,
            skip: 0,
            leave: 0,
        }; BLOCKS_MAX],
        depth: 0,
        line: 0,
        text,
    };
    // No jump leads to word 0, so 0 can end the chains.
    let result = compiler.emit(Op::Line, 0).and_then(|()| {
        for line in text.lines() {
            compiler.line += 1;
            compiler.statement(line)?;
        }
        compiler.line += 1;
        compiler.emit(Op::Line, i64::from(compiler.line))?;
        compiler.emit(Op::End, 0)
    });
    if let Err((fault, word)) = result {
        let line = compiler.line;
        return Err(Error { line, fault, word });
    }
    match compiler.depth {
        0 => Ok(compiler.out),
        depth => Err(Error {
            line: compiler.blocks[depth - 1].line,
            fault: Fault::NoEnd,
            word: "",
        }),
    }
}

impl<'a> Compiler<'a> {
    fn emit(&mut self, op: Op, operand: i64) -> Done<'a> {
        let slot = self.out.words.get_mut(self.out.length);
        *slot.ok_or((Fault::TooLong, ""))? = Word::new(op, operand).0;
        self.out.length += 1;
        Ok(())
    }

    fn here(&self) -> usize {
        self.out.length
    }

    /// Gives the jump at `at` its goal.
    fn patch(&mut self, at: usize, goal: usize) {
        let word = Word(self.out.words[at]);
        let operand = match word.op() {
            Op::IfMissing | Op::On => i64::from(word.parts().0) | (goal as i64) << 8,
            _ => goal as i64,
        };
        self.out.words[at] = Word::new(word.op(), operand).0;
    }

    /// Gives a chain of jumps their goal.
    fn patch_chain(&mut self, mut at: usize, goal: usize) {
        while at != 0 {
            let next = Word(self.out.words[at]).operand() as usize;
            self.patch(at, goal);
            at = next;
        }
    }

    fn open(&mut self, kind: BlockKind, head: usize, skip: usize) -> Done<'a> {
        let block = self.blocks.get_mut(self.depth);
        *block.ok_or((Fault::Nested, ""))? = Block {
            kind,
            line: self.line,
            head,
            skip,
            leave: 0,
        };
        self.depth += 1;
        Ok(())
    }

    /// A jump to the end of a block that is open.
    fn leave(&mut self, block: usize) -> Done<'a> {
        let at = self.here();
        self.emit(Op::Jump, self.blocks[block].leave as i64)?;
        self.blocks[block].leave = at;
        Ok(())
    }

    fn statement(&mut self, line: &'a str) -> Done<'a> {
        let mut tokens = [Token::NONE; TOKENS_MAX];
        let mut count = 0;
        for token in Tokens::new(line) {
            let token = token.map_err(|word| (Fault::Quote, word))?;
            *tokens.get_mut(count).ok_or((Fault::TooManyWords, ""))? = token;
            count += 1;
        }
        let Some((first, rest)) = tokens[..count].split_first() else {
            return Ok(());
        };
        let head = self.here();
        match (first.word(), rest) {
            ("end", []) => return self.end(),
            ("else", _) => return self.otherwise(rest),
            _ => self.emit(Op::Line, i64::from(self.line))?,
        }
        match (first.word(), rest) {
            ("if", condition) => {
                let skip = self.condition(condition)?;
                self.open(BlockKind::If, 0, skip)
            }
            ("while", condition) => {
                let skip = self.condition(condition)?;
                self.open(BlockKind::Loop, head, skip)
            }
            ("forever", []) => self.open(BlockKind::Loop, head, 0),
            ("repeat", _) => self.repeat(rest),
            ("break" | "continue", []) => self.jump_in_loop(first.word() == "continue"),
            ("on", [signal]) => self.handler(*signal),
            (name, [sign, rest @ ..]) if sign.word() == "=" => self.assignment(name, rest),
            _ => self.call(*first, rest),
        }
    }

    /// A condition, and a jump for when it is false.
    fn condition(&mut self, tokens: &[Token<'a>]) -> Result<usize, (Fault, &'a str)> {
        self.expression(tokens)?;
        let skip = self.here();
        self.emit(Op::JumpIfZero, 0)?;
        Ok(skip)
    }

    /// `repeat N`: a hidden variable counts down.
    fn repeat(&mut self, tokens: &[Token<'a>]) -> Done<'a> {
        let counter = i64::from(self.new_variable("")?);
        self.expression(tokens)?;
        self.emit(Op::Set, counter)?;
        let head = self.here();
        self.emit(Op::Line, i64::from(self.line))?;
        self.emit(Op::Variable, counter)?;
        self.emit(Op::Number, 0)?;
        self.emit(Op::Greater, 0)?;
        let skip = self.here();
        self.emit(Op::JumpIfZero, 0)?;
        self.emit(Op::Variable, counter)?;
        self.emit(Op::Number, 1)?;
        self.emit(Op::Subtract, 0)?;
        self.emit(Op::Set, counter)?;
        self.open(BlockKind::Loop, head, skip)
    }

    fn jump_in_loop(&mut self, again: bool) -> Done<'a> {
        let block = self.blocks[..self.depth]
            .iter()
            .rposition(|block| block.kind == BlockKind::Loop)
            .ok_or((Fault::OutsideLoop, ""))?;
        match again {
            true => self.emit(Op::Jump, self.blocks[block].head as i64),
            false => self.leave(block),
        }
    }

    /// `on SIGNAL`: what follows runs when the signal comes.
    fn handler(&mut self, signal: Token<'a>) -> Done<'a> {
        if self.depth > 0 {
            return Err((Fault::InHandler, ""));
        }
        let number = signal_number(signal)?;
        let skip = self.here();
        self.emit(Op::On, number)?;
        self.open(BlockKind::Handler, 0, skip)
    }

    fn otherwise(&mut self, tokens: &[Token<'a>]) -> Done<'a> {
        let block = self.depth.checked_sub(1);
        let block = block.filter(|&block| self.blocks[block].kind == BlockKind::If);
        let block = block.ok_or((Fault::ElseWithoutIf, ""))?;
        self.leave(block)?;
        let goal = self.here();
        self.patch(self.blocks[block].skip, goal);
        self.blocks[block].skip = 0;
        match tokens {
            [] => {
                self.blocks[block].kind = BlockKind::Else;
                Ok(())
            }
            [token, condition @ ..] if token.word() == "if" => {
                self.emit(Op::Line, i64::from(self.line))?;
                self.blocks[block].skip = self.condition(condition)?;
                Ok(())
            }
            [token, ..] => Err((Fault::TooMany, token.text)),
        }
    }

    fn end(&mut self) -> Done<'a> {
        self.depth = self
            .depth
            .checked_sub(1)
            .ok_or((Fault::EndWithoutBlock, ""))?;
        let block = self.blocks[self.depth];
        match block.kind {
            BlockKind::Loop => self.emit(Op::Jump, block.head as i64)?,
            BlockKind::Handler => self.emit(Op::Return, 0)?,
            BlockKind::If | BlockKind::Else => {}
        }
        let goal = self.here();
        if block.skip != 0 {
            self.patch(block.skip, goal);
        }
        self.patch_chain(block.leave, goal);
        Ok(())
    }

    /// `NAME = VALUE` or `NAME = CALL ARGUMENT...`.
    fn assignment(&mut self, name: &'a str, tokens: &[Token<'a>]) -> Done<'a> {
        if !is_name(name) {
            return Err((Fault::NotAName, name));
        }
        let is_call = |token: &&Token<'a>| !token.quoted && calls::find(token.text).is_some();
        match tokens.first().filter(is_call) {
            Some(call) => {
                self.call(*call, &tokens[1..])?;
                self.emit(Op::Last, 0)?;
            }
            None => self.expression(tokens)?,
        }
        let variable = match self.variable(name) {
            Some(variable) => variable,
            None => self.new_variable(name)?,
        };
        self.emit(Op::Set, i64::from(variable))
    }

    fn variable(&self, name: &str) -> Option<u8> {
        // Those that are still free have no name.
        let mut names = self.out.variables.iter().filter(|_| !name.is_empty());
        names.position(|known| *known == name).map(|at| at as u8)
    }

    fn new_variable(&mut self, name: &'a str) -> Result<u8, (Fault, &'a str)> {
        // A counter has a name that nobody can write.
        let name = if name.is_empty() { "#" } else { name };
        let free = self.out.variables.iter().position(|known| known.is_empty());
        let free = free.ok_or((Fault::TooManyVariables, ""))?;
        self.out.variables[free] = name;
        Ok(free as u8)
    }

    fn call(&mut self, name: Token<'a>, arguments: &[Token<'a>]) -> Done<'a> {
        let nr = calls::find(name.word()).ok_or((Fault::NoCall, name.text))?;
        let call = nr.call();
        let mut kinds = call.kinds.iter().copied().peekable();
        if arguments.len() < usize::from(call.required) {
            return Err((Fault::TooFew, call.usage));
        }
        for &argument in arguments {
            let kind = match kinds.peek() {
                Some(Kind::Texts) => Some(Kind::Texts),
                _ => kinds.next(),
            };
            self.argument(kind.ok_or((Fault::TooMany, argument.text))?, argument)?;
        }
        self.emit(Op::Call, nr as i64)
    }

    fn argument(&mut self, kind: Kind, token: Token<'a>) -> Done<'a> {
        match kind {
            Kind::Number => self.operand(token),
            Kind::Duration => {
                if let Some(number) = unit_less(token.word()) {
                    return self.emit(Op::Number, number * calls::SECOND);
                }
                match argument_number(token.word()) {
                    Some(number) => self.emit(Op::Seconds, number),
                    None => self.operand(token),
                }
            }
            Kind::Text => self.text(token),
            Kind::Texts => match token.word() {
                "$line" => {
                    self.emit(Op::TextLine, 0)?;
                    self.emit(Op::EndWords, 0)
                }
                "$*" => self.emit(Op::AllArguments, 0),
                _ => self.text(token),
            },
            Kind::Signal if token.text.starts_with('$') => self.operand(token),
            Kind::Signal => {
                let number = signal_number(token)?;
                self.emit(Op::Number, number)
            }
            Kind::Mode => {
                let mode = MODES.iter().find(|(word, _)| *word == token.word());
                let (_, mode) = mode.ok_or((Fault::NotAMode, token.text))?;
                self.emit(Op::Number, i64::from(*mode))
            }
            Kind::Variable => {
                let name = token.word();
                if !is_name(name) {
                    return Err((Fault::NotAName, token.text));
                }
                let variable = match self.variable(name) {
                    Some(variable) => variable,
                    None => self.new_variable(name)?,
                };
                self.emit(Op::Number, i64::from(variable))
            }
        }
    }

    /// A value: operands with operators between them, those that bind least first.
    fn expression(&mut self, tokens: &[Token<'a>]) -> Done<'a> {
        const LEVELS: [&[(&str, Op)]; 5] = [
            &[("or", Op::Or)],
            &[("and", Op::And)],
            &[
                ("==", Op::Equal),
                ("!=", Op::Unequal),
                ("<", Op::Less),
                ("<=", Op::LessEqual),
                (">", Op::Greater),
                (">=", Op::GreaterEqual),
            ],
            &[("+", Op::Add), ("-", Op::Subtract)],
            &[("*", Op::Multiply), ("/", Op::Divide), ("%", Op::Remainder)],
        ];
        if let [not, rest @ ..] = tokens
            && not.word() == "not"
            && !rest
                .iter()
                .any(|token| matches!(token.word(), "and" | "or"))
        {
            self.expression(rest)?;
            return self.emit(Op::Not, 0);
        }
        if let [left, sign, right] = tokens
            && matches!(sign.word(), "==" | "!=")
            && (is_text(*left) || is_text(*right))
        {
            self.text(*left)?;
            self.text(*right)?;
            self.emit(Op::Same, 0)?;
            return match sign.word() {
                "==" => Ok(()),
                _ => self.emit(Op::Not, 0),
            };
        }
        for level in LEVELS {
            // The last operator of a level is the one that is done last.
            let found = tokens.iter().enumerate().rev().find_map(|(at, token)| {
                let op = level.iter().find(|(sign, _)| *sign == token.word());
                op.map(|&(_, op)| (at, op))
            });
            if let Some((at, op)) = found {
                self.expression(&tokens[..at])?;
                self.expression(&tokens[at + 1..])?;
                return self.emit(op, 0);
            }
        }
        match tokens {
            [] => Err((Fault::NoValue, "")),
            [operand] => self.operand(*operand),
            [argument, or, other] if or.word() == "else" => {
                let number = argument_number(argument.word());
                let number = number.ok_or((Fault::NotANumber, argument.text))?;
                let missing = self.here();
                self.emit(Op::IfMissing, number)?;
                self.operand(*argument)?;
                let given = self.here();
                self.emit(Op::Jump, 0)?;
                let here = self.here();
                self.patch(missing, here);
                self.operand(*other)?;
                let here = self.here();
                self.patch(given, here);
                Ok(())
            }
            [_, extra, ..] => Err((Fault::TooMany, extra.text)),
        }
    }

    fn operand(&mut self, token: Token<'a>) -> Done<'a> {
        let wrong = (Fault::NotANumber, token.text);
        if token.quoted {
            return Err(wrong);
        }
        let Some(name) = token.text.strip_prefix('$') else {
            return self.emit(Op::Number, number(token.text).ok_or(wrong)?);
        };
        if let Some(number) = argument_number(token.text) {
            return self.emit(Op::Argument, number);
        }
        match name {
            "#" => self.emit(Op::Count, 0),
            "?" => self.emit(Op::Last, 0),
            "$" => self.emit(Op::Pid, 0),
            "signal" => self.emit(Op::Signal, 0),
            "status" => self.emit(Op::Status, 0),
            "line" | "error" => Err(wrong),
            _ => {
                let variable = self.variable(name).ok_or((Fault::NoVariable, token.text))?;
                self.emit(Op::Variable, i64::from(variable))
            }
        }
    }

    /// A text, with the values of the variables in it.
    fn text(&mut self, token: Token<'a>) -> Done<'a> {
        let mut rest = token.text;
        while !rest.is_empty() {
            let dollar = rest.find('$').unwrap_or(rest.len());
            if dollar > 0 {
                let from = rest.as_ptr() as usize - self.text.as_ptr() as usize;
                self.emit(Op::Text, (dollar << 16 | from) as i64)?;
                rest = &rest[dollar..];
                continue;
            }
            let body = &rest[1..];
            let length = match body.bytes().next() {
                Some(b'#' | b'?' | b'$' | b'*' | b'1'..=b'9') => 1,
                _ => {
                    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                    body.bytes()
                        .position(|byte| !is_part(byte))
                        .unwrap_or(body.len())
                }
            };
            let word = &rest[..length + 1];
            rest = &rest[length + 1..];
            match (argument_number(word), word) {
                (Some(number), _) => self.emit(Op::TextArgument, number)?,
                (None, "$line") => self.emit(Op::TextLine, 0)?,
                (None, "$error") => self.emit(Op::TextError, 0)?,
                (None, "$*") => self.emit(Op::TextArguments, 0)?,
                // One that names nothing stands for itself.
                (None, "$") => {
                    let from = word.as_ptr() as usize - self.text.as_ptr() as usize;
                    self.emit(Op::Text, (1 << 16 | from) as i64)?;
                }
                _ => {
                    self.operand(Token {
                        text: word,
                        quoted: false,
                    })?;
                    self.emit(Op::TextNumber, 0)?;
                }
            }
        }
        self.emit(Op::EndText, 0)
    }
}

/// Whether an operand is compared as a text: it is one, or nothing else.
fn is_text(token: Token<'_>) -> bool {
    let is_value = token.text.starts_with('$') && token.text != "$line";
    token.quoted || (!is_value && number(token.text).is_none())
}

/// The number of `$1` to `$9`.
fn argument_number(word: &str) -> Option<i64> {
    match word.as_bytes() {
        [b'$', digit @ b'1'..=b'9'] => Some(i64::from(digit - b'0')),
        _ => None,
    }
}

fn signal_number(token: Token<'_>) -> Result<i64, (Fault, &str)> {
    let signal = Signal::parse(token.word()).ok_or((Fault::NotASignal, token.text))?;
    Ok(signal as i64)
}
