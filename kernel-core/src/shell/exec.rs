//! Lists of commands, and one command with its redirections.

use super::commands::{self, Stop};
use super::context::Context;
use super::lexer::{Lexer, Operator, Shortened, SyntaxError, Token, is_name};
use super::words::Words;
use super::{SHELL, STATUS_NOT_FOUND, STATUS_USAGE, variables};
use crate::LINE_STEPS;
use crate::errno::Errno;
use crate::fs::{self, Access, File};
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
    };
    loop {
        match lexer.next()? {
            None => return Ok(command),
            Some(Token::Word(word)) => {
                if assignment(word).is_some() && command.assignments == command.words {
                    command.assignments += 1;
                } else if command.assignments > 0 && command.assignments == command.words {
                    return Err(SyntaxError::AssignmentBefore(word));
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
    let mut lexer = command.start;
    let mut index = 0;
    while let Ok(Some(token)) = lexer.next() {
        match token {
            Token::Word(word) => {
                let assigns = index < command.assignments;
                let expanded = match assignment(word).filter(|_| assigns) {
                    Some((name, value)) => match assign(context.mem, name, value) {
                        Ok(()) => Ok(()),
                        Err(AssignError::TooLong(error)) => Err(error),
                        Err(AssignError::Full) => {
                            context.error(format_args!(
                                "sh: no room for variable {}: all variables have {} bytes",
                                Shortened(name),
                                variables::ROOM
                            ));
                            return 1;
                        }
                    },
                    None => words.expand(context.mem, word, true),
                };
                if let Err(error) = expanded {
                    context.error(format_args!("sh: {error}"));
                    return STATUS_USAGE;
                }
                index += 1;
            }
            Token::Operator(operator) if operator.is_redirection() => {
                // Its word is kept in `command`.
                let _ = lexer.next();
            }
            Token::Operator(_) => break,
        }
    }
    let status = if redirect(context, command) {
        run_words(context, &words)
    } else {
        1
    };
    for file in [context.input.take(), context.output.take()]
        .into_iter()
        .flatten()
    {
        fs::close(context.mem, file);
    }
    status
}

enum AssignError {
    TooLong(super::words::TooLong),
    Full,
}

fn assign(mem: &mut Mem, name: &str, value: &str) -> Result<(), AssignError> {
    let mut words = Words::new();
    words
        .expand(mem, value, false)
        .map_err(AssignError::TooLong)?;
    let value = words.get(0).unwrap_or("");
    variables::set(mem, name, value).map_err(|_| AssignError::Full)
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
        let access = match operator {
            Operator::Overwrite => Access::Overwrite,
            Operator::Append => Access::Append,
            _ => Access::Read,
        };
        let opened: Result<Ref<File>, Errno> = fs::open(context.mem, path, access);
        let file = match opened {
            Ok(file) => file,
            Err(errno) => {
                context.error(format_args!("sh: {path}: {}", errno.sentence()));
                return false;
            }
        };
        let slot = match access {
            Access::Read => &mut context.input,
            Access::Overwrite | Access::Append => &mut context.output,
        };
        if let Some(before) = slot.replace(file) {
            fs::close(context.mem, before);
        }
    }
    true
}

/// Calls the command that the first word names.
fn run_words(context: &mut Context<'_>, words: &Words) -> u8 {
    let Some(name) = words.get(0) else {
        return 0;
    };
    let Some(command) = commands::find(name) else {
        context.error(format_args!("sh: {}: command not found", Shortened(name)));
        return STATUS_NOT_FOUND;
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
