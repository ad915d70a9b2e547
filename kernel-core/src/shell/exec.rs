//! Lists of commands, and one command with its redirections.

use core::fmt;

use super::commands::{self, Stop};
use super::context::Context;
use super::lexer::{Lexer, Operator, Shortened, SyntaxError, Token, is_name};
use super::words::{TooLong, Words};
use super::{SHELL, STATUS_USAGE, programs, variables};
use crate::LINE_STEPS;
use crate::errno::Errno;
use crate::fs::{self, File};
use crate::mem::{MEM, Mem, Ref};

/// Redirections that one command may have.
pub(super) const REDIRECTIONS_MAX: usize = 8;

/// One command as typed.
#[derive(Clone, Copy)]
struct Command<'a> {
    /// From here the words come.
    start: Lexer<'a>,
    redirections: [(Operator, &'a str); REDIRECTIONS_MAX],
    redirections_len: usize,
    /// How many words there are, redirections aside.
    words: usize,
    /// How many of these are assignments, at the beginning.
    assignments: usize,
    /// What ends the command; `None` at the end of the line.
    end: Option<Operator>,
    /// It as it was typed.
    text: &'a str,
}

/// Splits `NAME=value`.
fn assignment(word: &str) -> Option<(&str, &str)> {
    word.split_once('=').filter(|(name, _)| is_name(name))
}

/// Reads one command up to the operator that ends it.
fn parse_command<'a>(lexer: &mut Lexer<'a>) -> Result<Command<'a>, SyntaxError<'a>> {
    let mut command = Command {
        start: *lexer,
        redirections: [(Operator::Input, ""); REDIRECTIONS_MAX],
        redirections_len: 0,
        words: 0,
        assignments: 0,
        end: None,
        text: "",
    };
    loop {
        let before = *lexer;
        match lexer.next()? {
            None => {
                command.text = command.start.text_until(&before).trim();
                return Ok(command);
            }
            Some(Token::Word(word)) => {
                // Assignments stand at the beginning; what follows need not be looked at.
                if command.assignments == command.words {
                    if assignment(word).is_some() {
                        command.assignments += 1;
                    } else if command.assignments > 0 {
                        return Err(SyntaxError::AssignmentBefore(word));
                    }
                }
                command.words += 1;
            }
            Some(Token::Operator(operator)) if operator.is_redirection() => {
                let target = match lexer.next()? {
                    Some(Token::Word(target)) => target,
                    Some(Token::Operator(found)) => {
                        return Err(SyntaxError::Unexpected(found.text()));
                    }
                    None => return Err(SyntaxError::UnexpectedEnd),
                };
                let slot = command.redirections.get_mut(command.redirections_len);
                *slot.ok_or(SyntaxError::TooManyRedirections)? = (operator, target);
                command.redirections_len += 1;
            }
            Some(Token::Operator(operator)) => {
                command.end = Some(operator);
                command.text = command.start.text_until(&before).trim();
                return Ok(command);
            }
        }
    }
}

impl Command<'_> {
    fn is_empty(&self) -> bool {
        self.words == 0 && self.redirections_len == 0
    }
}

/// Checks a whole line's grammar.
pub(super) fn check(line: &str) -> Result<(), SyntaxError<'_>> {
    let mut lexer = Lexer::new(line);
    let mut before = None;
    loop {
        let command = parse_command(&mut lexer)?;
        if command.is_empty() {
            match (command.end, before) {
                (Some(operator), _) => return Err(SyntaxError::Unexpected(operator.text())),
                (None, Some(Operator::And | Operator::Or)) => {
                    return Err(SyntaxError::UnexpectedEnd);
                }
                (None, _) => return Ok(()),
            }
        }
        // `a && b &` would be a shell of its own, for both.
        if command.end == Some(Operator::Background)
            && matches!(before, Some(Operator::And | Operator::Or))
        {
            return Err(SyntaxError::Unsupported("lists in the background are"));
        }
        if command.end.is_none() {
            return Ok(());
        }
        before = command.end;
    }
}

/// Runs a line that [`check`] has found good.
pub(super) fn run(context: &mut Context<'_>, line: &str) -> u8 {
    let mut lexer = Lexer::new(line);
    let mut before = Operator::Semicolon;
    while let Ok(command) = parse_command(&mut lexer) {
        let succeeded = context.mem[SHELL].status == 0;
        let runs = match before {
            Operator::And => succeeded,
            Operator::Or => !succeeded,
            _ => true,
        };
        if runs && !command.is_empty() {
            let status = run_command(context, &command);
            context.mem[SHELL].status = u32::from(status);
            super::agents::run(context.mem);
        }
        if context.mem[MEM].steps_left == 0 {
            context.error(format_args!("sh: step limit reached ({LINE_STEPS} steps)"));
            context.mem[SHELL].status = 1;
            break;
        }
        match command.end {
            Some(operator) if !super::is_off(context.mem) => before = operator,
            _ => break,
        }
    }
    context.mem[SHELL].status as u8
}

/// Runs one command: variables and words first, then redirections, then the command itself.
fn run_command(context: &mut Context<'_>, command: &Command<'_>) -> u8 {
    // Running out of steps shows at the end of the command.
    let _ = context.mem.charge(1);
    let mut words = Words::new();
    if let Err(error) = expand(context.mem, command, &mut words) {
        context.error(format_args!("sh: {error}"));
        return error.status();
    }
    let status = if !redirect(context, command) {
        1
    } else if command.end == Some(Operator::Background) {
        programs::run_in_background(context, &words, command.text)
    } else {
        run_words(context, &words, command.text)
    };
    let files = [context.input.take(), context.output.take()];
    for file in files.into_iter().flatten() {
        fs::close(context.mem, file);
    }
    status
}

/// Why a command's words cannot be made.
enum ExpandError<'a> {
    TooLong(TooLong),
    /// The variable of that name has no room.
    Full(&'a str),
}

impl ExpandError<'_> {
    fn status(&self) -> u8 {
        match self {
            ExpandError::TooLong(_) => STATUS_USAGE,
            ExpandError::Full(_) => 1,
        }
    }
}

impl fmt::Display for ExpandError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpandError::TooLong(error) => error.fmt(f),
            ExpandError::Full(name) => write!(
                f,
                "no room for variable {}: all variables have {} bytes",
                Shortened(name),
                variables::ROOM
            ),
        }
    }
}

/// Sets a command's variables and makes its words.
fn expand<'a>(
    mem: &mut Mem,
    command: &Command<'a>,
    words: &mut Words,
) -> Result<(), ExpandError<'a>> {
    let mut lexer = command.start;
    let mut assignments = command.assignments;
    while let Ok(Some(token)) = lexer.next() {
        match token {
            Token::Word(word) if assignments > 0 => {
                assignments -= 1;
                if let Some((name, value)) = assignment(word) {
                    assign(mem, name, value)?;
                }
            }
            Token::Word(word) => words
                .expand(mem, word, true)
                .map_err(ExpandError::TooLong)?,
            Token::Operator(operator) if operator.is_redirection() => {
                // Its word is kept in `command`.
                let _ = lexer.next();
            }
            Token::Operator(_) => break,
        }
    }
    Ok(())
}

fn assign<'a>(mem: &mut Mem, name: &'a str, value: &str) -> Result<(), ExpandError<'a>> {
    let mut words = Words::new();
    words
        .expand(mem, value, false)
        .map_err(ExpandError::TooLong)?;
    let value = words.get(0).unwrap_or("");
    variables::set(mem, name, value).map_err(|_| ExpandError::Full(name))
}

/// Opens what a command's redirections name; the last of each direction counts. Says what fails.
fn redirect(context: &mut Context<'_>, command: &Command<'_>) -> bool {
    for &(operator, target) in &command.redirections[..command.redirections_len] {
        let mut words = Words::new();
        let expanded = words.expand(context.mem, target, true);
        let path = match (expanded, words.get(0)) {
            (Ok(()), Some(path)) if words.len() == 1 => path,
            _ => {
                context.error(format_args!(
                    "sh: {}: ambiguous redirect",
                    Shortened(target)
                ));
                return false;
            }
        };
        let flags = match operator {
            Operator::Overwrite => fs::OVERWRITE,
            Operator::Append => fs::APPEND,
            _ => fs::O_RDONLY,
        };
        let opened: Result<Ref<File>, Errno> = fs::open(context.mem, path, flags, 0o666);
        let file = match opened {
            Ok(file) => file,
            Err(errno) => {
                context.error(format_args!("sh: {path}: {}", errno.sentence()));
                return false;
            }
        };
        let slot = match flags {
            fs::O_RDONLY => &mut context.input,
            _ => &mut context.output,
        };
        if let Some(before) = slot.replace(file) {
            fs::close(context.mem, before);
        }
    }
    true
}

/// Calls the command that the first word names.
fn run_words(context: &mut Context<'_>, words: &Words, text: &str) -> u8 {
    let Some(name) = words.get(0) else {
        return 0;
    };
    let Some(command) = commands::find(name) else {
        return programs::run(context, words, text);
    };
    let result = (command.run)(context, words);
    let output = context.finish();
    match (result, output) {
        (_, Err(Errno::EINTR)) => 1,
        (_, Err(errno)) => {
            context.error(format_args!("{name}: write error: {}", errno.sentence()));
            1
        }
        (Ok(status), Ok(())) => status,
        (Err(Stop::Usage), Ok(())) => {
            context.error(format_args!("{name}: usage: {}", command.usage));
            STATUS_USAGE
        }
        (Err(Stop::Interrupted), Ok(())) => 1,
    }
}
