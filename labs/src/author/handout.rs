//! `handout.md`: Markdown with two kinds of fenced blocks of its own.
//!
//! A block ```` ```console ```` holds lines that run at a click, a block ```` ```predict ```` a
//! question in TOML. What a page could not show as plain data is refused: raw HTML, images, links
//! to anywhere but the web or this page.

use core::iter::Peekable;
use core::ops::Range;
use std::path::Path;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, OffsetIter, Options, Parser, Tag};
use serde::Deserialize;

use super::problem::line_at;
use super::{Problems, script};
use crate::lab::{Block, Inline, Question};
use crate::log::is_lab_id;

/// A question as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    id: String,
    ask: String,
    run: String,
    #[serde(default)]
    after: String,
    explain: String,
}

/// Reads a handout; what is wrong is told.
pub(super) fn read(file: &Path, text: &str, problems: &mut Problems) -> Vec<Block> {
    if text.trim().is_empty() {
        problems.add(file, 0, "the handout is empty");
    }
    Reader::new(file, 1, text, problems).blocks()
}

/// Reads Markdown that is a single paragraph and begins on line `first_line` of `file`.
pub(super) fn read_line(
    file: &Path,
    first_line: usize,
    text: &str,
    problems: &mut Problems,
) -> Vec<Inline> {
    let mut blocks = Reader::new(file, first_line, text, problems).blocks();
    match (blocks.pop(), blocks.pop()) {
        (Some(Block::Paragraph(inlines)), None) => inlines,
        _ => {
            problems.add(
                file,
                first_line,
                "one paragraph of text is wanted here: no headings, blocks or lists (a number and a \
                 full stop at the beginning make a list)",
            );
            Vec::new()
        }
    }
}

struct Reader<'a> {
    file: &'a Path,
    /// The line of the file on which the text begins.
    first_line: usize,
    text: &'a str,
    events: Peekable<OffsetIter<'a>>,
    problems: &'a mut Problems,
}

impl<'a> Reader<'a> {
    fn new(
        file: &'a Path,
        first_line: usize,
        text: &'a str,
        problems: &'a mut Problems,
    ) -> Reader<'a> {
        let events = Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter();
        Reader {
            file,
            first_line,
            text,
            events: events.peekable(),
            problems,
        }
    }

    fn tell(&mut self, span: &Range<usize>, message: impl Into<String>) {
        let line = self.first_line + line_at(self.text, span) - 1;
        self.problems.add(self.file, line, message);
    }

    /// All blocks up to the end of what they stand in, which is consumed.
    fn blocks(&mut self) -> Vec<Block> {
        let mut blocks = Vec::new();
        while let Some((event, span)) = self.events.next() {
            match event {
                Event::End(_) => break,
                Event::Start(tag) if is_block(&tag) => blocks.extend(self.block(tag, &span)),
                Event::Rule => blocks.push(Block::Rule),
                Event::Html(_) => self.refuse_html(&span),
                // The text of a tight list's item stands in no paragraph.
                inline => {
                    let mut inlines = Vec::new();
                    self.inline(inline, &span, &mut inlines);
                    while self
                        .events
                        .peek()
                        .is_some_and(|(event, _)| is_inline(event))
                    {
                        if let Some((event, span)) = self.events.next() {
                            self.inline(event, &span, &mut inlines);
                        }
                    }
                    blocks.push(Block::Paragraph(inlines));
                }
            }
        }
        blocks
    }

    fn block(&mut self, tag: Tag<'_>, span: &Range<usize>) -> Option<Block> {
        match tag {
            Tag::Paragraph => Some(Block::Paragraph(self.inlines())),
            Tag::Heading { level, .. } => {
                let inlines = self.inlines();
                let level = match level {
                    HeadingLevel::H2 => 2,
                    HeadingLevel::H3 => 3,
                    HeadingLevel::H4 => 4,
                    _ => {
                        self.tell(
                            span,
                            "headings are ##, ### or ####; the title is in lab.toml",
                        );
                        2
                    }
                };
                Some(Block::Heading(level, inlines))
            }
            Tag::BlockQuote(_) => Some(Block::Quote(self.blocks())),
            Tag::List(first) => {
                let mut items = Vec::new();
                while let Some((Event::Start(Tag::Item), _)) = self.events.next() {
                    items.push(self.blocks());
                }
                Some(Block::List(first, items))
            }
            Tag::CodeBlock(kind) => {
                let mut code = String::new();
                while let Some((Event::Text(text), _)) = self.events.next() {
                    code.push_str(&text);
                }
                match kind {
                    CodeBlockKind::Fenced(kind) => self.fenced(&kind, code, span),
                    CodeBlockKind::Indented => Some(Block::Code(code)),
                }
            }
            Tag::Table(_) => Some(self.table()),
            _ => {
                self.refuse_html(span);
                self.events
                    .find(|(event, _)| matches!(event, Event::End(_)));
                None
            }
        }
    }

    fn fenced(&mut self, kind: &str, code: String, span: &Range<usize>) -> Option<Block> {
        match kind {
            "console" => {
                let lines = script(&code);
                if lines.is_empty() {
                    self.tell(span, "a console block without a line to run");
                }
                Some(Block::Commands(lines))
            }
            "predict" => self.question(&code, span).map(Block::Predict),
            _ => Some(Block::Code(code)),
        }
    }

    fn question(&mut self, code: &str, span: &Range<usize>) -> Option<Question> {
        // The fence's own line comes first.
        let first_line = self.first_line + line_at(self.text, span);
        let asked: Asked = match toml::from_str(code) {
            Ok(asked) => asked,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_at(code, &span));
                let message = format!("in a question: {}", error.message());
                self.problems.add(self.file, first_line + line - 1, message);
                return None;
            }
        };
        if !is_lab_id(&asked.id) {
            self.tell(
                span,
                format!(
                    "'{}': a question's name is small letters, digits and hyphens",
                    asked.id
                ),
            );
        }
        if asked.run.trim().is_empty() {
            self.tell(
                span,
                "a question without `run`: the kernel must know the answer",
            );
        }
        let mut line = |text: &str| read_line(self.file, first_line, text, self.problems);
        Some(Question {
            id: asked.id,
            ask: line(&asked.ask),
            run: asked.run,
            after: asked.after,
            explain: line(&asked.explain),
        })
    }

    fn table(&mut self) -> Block {
        let mut rows = Vec::new();
        while let Some((Event::Start(_), _)) = self.events.next() {
            let mut row = Vec::new();
            while let Some((Event::Start(_), _)) = self.events.next() {
                row.push(self.inlines());
            }
            rows.push(row);
        }
        let head = if rows.is_empty() {
            Vec::new()
        } else {
            rows.remove(0)
        };
        Block::Table(head, rows)
    }

    /// All text up to the end of what it stands in, which is consumed.
    fn inlines(&mut self) -> Vec<Inline> {
        let mut inlines = Vec::new();
        while let Some((event, span)) = self.events.next() {
            if matches!(event, Event::End(_)) {
                break;
            }
            self.inline(event, &span, &mut inlines);
        }
        inlines
    }

    fn inline(&mut self, event: Event<'_>, span: &Range<usize>, inlines: &mut Vec<Inline>) {
        match event {
            Event::Text(text) => push_text(inlines, &text),
            Event::SoftBreak => push_text(inlines, " "),
            Event::HardBreak => inlines.push(Inline::Break),
            Event::Code(code) => inlines.push(Inline::Code(code.into_string())),
            Event::Start(Tag::Emphasis) => inlines.push(Inline::Emphasis(self.inlines())),
            Event::Start(Tag::Strong) => inlines.push(Inline::Strong(self.inlines())),
            Event::Start(Tag::Link { dest_url, .. }) => {
                let known = ["https://", "http://", "#"];
                if !known.iter().any(|start| dest_url.starts_with(start)) {
                    self.tell(
                        span,
                        format!(
                            "the link to '{dest_url}': links begin with https://, http:// or #"
                        ),
                    );
                }
                inlines.push(Inline::Link(dest_url.into_string(), self.inlines()));
            }
            Event::Start(Tag::Image { .. }) => {
                self.inlines();
                self.tell(
                    span,
                    "images are not shown: draw with text in a block of code",
                );
            }
            Event::Start(_) => {
                self.inlines();
                self.refuse_html(span);
            }
            _ => self.refuse_html(span),
        }
    }

    fn refuse_html(&mut self, span: &Range<usize>) {
        self.tell(
            span,
            "HTML is not shown: write Markdown, or put code into `backticks`",
        );
    }
}

/// Text comes in pieces, between which nothing stands.
fn push_text(inlines: &mut Vec<Inline>, more: &str) {
    match inlines.last_mut() {
        Some(Inline::Text(text)) => text.push_str(more),
        _ => inlines.push(Inline::Text(more.into())),
    }
}

fn is_inline(event: &Event<'_>) -> bool {
    match event {
        Event::Start(tag) => !is_block(tag),
        Event::End(_) | Event::Rule | Event::Html(_) => false,
        _ => true,
    }
}

fn is_block(tag: &Tag<'_>) -> bool {
    !matches!(
        tag,
        Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. }
    )
}
