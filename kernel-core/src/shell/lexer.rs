//! A line into words and operators.
//!
//! Words stay as they were typed, quotes included; [`super::words`] takes them apart when their
//! command runs, since a variable may have another value by then.

use core::fmt;

/// A piece of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A word as typed.
    Word(&'a str),
    /// Something that stands between words.
    Operator(Operator),
}

/// What stands between words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `;`
    Semicolon,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `&`
    Background,
    /// `>`
    Overwrite,
    /// `>>`
    Append,
    /// `<`
    Input,
}

impl Operator {
    /// As it is typed.
    pub(super) fn text(self) -> &'static str {
        match self {
            Operator::Semicolon => ";",
            Operator::And => "&&",
            Operator::Or => "||",
            Operator::Background => "&",
            Operator::Overwrite => ">",
            Operator::Append => ">>",
            Operator::Input => "<",
        }
    }

    /// Whether a file's name has to follow.
    pub(super) fn is_redirection(self) -> bool {
        matches!(
            self,
            Operator::Overwrite | Operator::Append | Operator::Input
        )
    }
}

/// Why a line is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SyntaxError<'a> {
    /// A quote has no end.
    Unterminated,
    /// A backslash has nothing to quote.
    LoneBackslash,
    /// `${` without a name and `}`.
    BadSubstitution,
    /// Something that other shells have.
    Unsupported(&'static str),
    /// A token where there should be another.
    Unexpected(&'a str),
    /// The line ends too early.
    UnexpectedEnd,
    /// A command has too many redirections.
    TooManyRedirections,
    /// `x=1 command`.
    AssignmentBefore(&'a str),
}

impl fmt::Display for SyntaxError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SyntaxError::Unterminated => f.write_str("unterminated quote"),
            SyntaxError::LoneBackslash => f.write_str("nothing follows the backslash"),
            SyntaxError::BadSubstitution => f.write_str("bad substitution: expected ${NAME}"),
            SyntaxError::Unsupported(what) => write!(f, "{what} not supported yet"),
            SyntaxError::Unexpected(token) => {
                write!(f, "syntax error near unexpected token '{token}'")
            }
            SyntaxError::UnexpectedEnd => f.write_str("syntax error: unexpected end of line"),
            SyntaxError::TooManyRedirections => write!(
                f,
                "too many redirections (the limit is {})",
                super::exec::REDIRECTIONS_MAX
            ),
            SyntaxError::AssignmentBefore(command) => write!(
                f,
                "an assignment cannot stand before a command ({})",
                Shortened(command)
            ),
        }
    }
}

/// A word of a message, cut to a length that a line can hold.
pub(super) struct Shortened<'a>(pub &'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(80) {
            Some((end, _)) => write!(f, "{}...", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

/// Cuts a line into tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexer<'a> {
    rest: &'a str,
}

/// Two-character operators before their first halves.
const OPERATORS: [(&str, Result<Operator, &str>); 14] = [
    (">>", Ok(Operator::Append)),
    (">&", Err("'>&' is")),
    (">|", Err("'>|' is")),
    (">", Ok(Operator::Overwrite)),
    ("<<", Err("here-documents are")),
    ("<>", Err("'<>' is")),
    ("<&", Err("'<&' is")),
    ("<", Ok(Operator::Input)),
    (";", Ok(Operator::Semicolon)),
    ("&&", Ok(Operator::And)),
    ("||", Ok(Operator::Or)),
    ("&", Ok(Operator::Background)),
    ("|", Err("pipes are")),
    ("(", Err("subshells are")),
];

/// Whether a word ends before `c`.
fn ends_word(c: char) -> bool {
    matches!(c, ' ' | '\t' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
}

/// Whether `c` may stand in a variable's name; a digit may not be first.
pub(super) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether `text` can name a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.chars().all(is_name_char) && text.starts_with(|c: char| !c.is_ascii_digit())
}

impl<'a> Lexer<'a> {
    /// The tokens of `line`.
    pub(super) fn new(line: &'a str) -> Lexer<'a> {
        Lexer { rest: line }
    }

    /// What was read up to here, `end` being a later state of this lexer.
    pub(super) fn text_until(&self, end: &Lexer<'a>) -> &'a str {
        &self.rest[..self.rest.len() - end.rest.len()]
    }

    /// The next token, `None` at the end or at a comment.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, SyntaxError<'a>> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        if self.rest.is_empty() || self.rest.starts_with('#') {
            self.rest = "";
            return Ok(None);
        }
        if self.rest.starts_with(')') {
            return Err(SyntaxError::Unexpected(")"));
        }
        // Most tokens are words: their first letter tells.
        if self.rest.starts_with(ends_word) {
            for (text, operator) in OPERATORS {
                if let Some(rest) = self.rest.strip_prefix(text) {
                    let operator = operator.map_err(SyntaxError::Unsupported)?;
                    self.rest = rest;
                    return Ok(Some(Token::Operator(operator)));
                }
            }
        }
        let (word, rest) = self.rest.split_at(word_length(self.rest)?);
        self.rest = rest;
        Ok(Some(Token::Word(word)))
    }
}

/// Bytes of the word that `text` begins with.
fn word_length<'a>(text: &str) -> Result<usize, SyntaxError<'a>> {
    let mut chars = text.char_indices();
    let mut in_double_quotes = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next().ok_or(SyntaxError::LoneBackslash)?;
            }
            '\'' if !in_double_quotes => {
                chars
                    .find(|&(_, c)| c == '\'')
                    .ok_or(SyntaxError::Unterminated)?;
            }
            '"' => in_double_quotes = !in_double_quotes,
            '`' => return Err(SyntaxError::Unsupported("command substitution is")),
            '$' => {
                let rest = &text[at + 1..];
                if rest.starts_with('(') {
                    return Err(SyntaxError::Unsupported("command substitution is"));
                }
                if let Some(rest) = rest.strip_prefix('{') {
                    let (name, _) = rest.split_once('}').ok_or(SyntaxError::BadSubstitution)?;
                    if !is_name(name) && !matches!(name, "?" | "$" | "!") {
                        return Err(SyntaxError::BadSubstitution);
                    }
                }
            }
            c if ends_word(c) && !in_double_quotes => return Ok(at),
            _ => {}
        }
    }
    if in_double_quotes {
        return Err(SyntaxError::Unterminated);
    }
    Ok(text.len())
}
