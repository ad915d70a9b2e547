//! A handout as nodes of the page.
//!
//! The pane draws itself anew when something of the lab has changed, and not for every line at the
//! console; then all blocks are walked, which takes less than a component for each would.

use labs::lab::{Block, Inline, Lab};
use labs::log::is_lab_id;
use words::lesson as say;
use yew::{AttrValue, Callback, Html, MouseEvent, html};

use super::commands::commands;
use super::question::question_box;
use crate::state::Action;
use crate::state::lesson::{self, Progress, Ran, Trouble};

/// What the moving parts of a handout need, and how far the walk through it is.
pub struct Walk<'a> {
    /// Where each command ran, in reading order.
    pub ran: &'a [Option<Ran>],
    /// What is remembered of the questions.
    pub progress: &'a Progress,
    /// A question that the kernel could not answer yet.
    pub trouble: Option<&'a Trouble>,
    /// The question whose answer is on its way.
    pub asking: Option<&'a str>,
    /// How many commands were met so far.
    pub commands: usize,
    /// Takes what the student does.
    pub act: &'a Callback<Action>,
}

/// Draws a handout; each block of the outermost level carries its number.
pub fn handout(lab: &Lab, walk: &mut Walk) -> Html {
    let mut drawn = Vec::with_capacity(lab.handout.len());
    for (at, block) in lab.handout.iter().enumerate() {
        let inside = if moves(block) {
            moving(block, walk)
        } else {
            still(block, walk.act)
        };
        drawn.push(html! { <div key={at} class="block">{ inside }</div> });
    }
    html! { <>{ for drawn }</> }
}

/// Whether a block has commands or questions in it.
fn moves(block: &Block) -> bool {
    match block {
        Block::Commands(_) | Block::Predict(_) => true,
        Block::Quote(blocks) => blocks.iter().any(moves),
        Block::List(_, items) => items.iter().flatten().any(moves),
        _ => false,
    }
}

/// A block with commands or questions in it.
fn moving(block: &Block, walk: &mut Walk) -> Html {
    match block {
        Block::Commands(lines) => {
            let first = walk.commands;
            walk.commands += lines.len();
            let ran = walk.ran.get(first..walk.commands).unwrap_or_default();
            commands(lines, first, ran, walk.act)
        }
        Block::Predict(question) => {
            let is_ours = |trouble: &&Trouble| trouble.question == question.id;
            question_box(
                question,
                walk.progress.answer(&question.id),
                walk.trouble.filter(is_ours),
                walk.asking == Some(&question.id),
                walk.act,
            )
        }
        Block::Quote(blocks) => {
            let inside: Vec<Html> = blocks.iter().map(|block| moving(block, walk)).collect();
            html! { <blockquote>{ for inside }</blockquote> }
        }
        Block::List(from, items) => {
            let mut item = |blocks: &Vec<Block>| {
                let inside: Vec<Html> = blocks.iter().map(|block| moving(block, walk)).collect();
                html! { <li>{ for inside }</li> }
            };
            let items: Vec<Html> = items.iter().map(&mut item).collect();
            list(*from, items)
        }
        still => self::still(still, walk.act),
    }
}

/// Draws a block that has neither commands nor questions in it.
fn still(block: &Block, act: &Callback<Action>) -> Html {
    match block {
        // The page's title is the first level, the lab's the second.
        Block::Heading(2, text) => html! { <h3>{ inlines(text, act) }</h3> },
        Block::Heading(3, text) => html! { <h4>{ inlines(text, act) }</h4> },
        Block::Heading(_, text) => html! { <h5>{ inlines(text, act) }</h5> },
        Block::Paragraph(text) => html! { <p>{ inlines(text, act) }</p> },
        Block::List(from, items) => {
            let item = |blocks: &Vec<Block>| {
                html! { <li>{ for blocks.iter().map(|block| still(block, act)) }</li> }
            };
            list(*from, items.iter().map(item).collect())
        }
        Block::Quote(blocks) => html! {
            <blockquote>{ for blocks.iter().map(|block| still(block, act)) }</blockquote>
        },
        Block::Code(text) => html! {
            <pre class="code" tabindex="0" role="group" aria-label={say::listing()}>{ text }</pre>
        },
        Block::Table(head, rows) => table(head, rows, act),
        Block::Rule => html! { <hr /> },
        Block::Commands(_) | Block::Predict(_) => Html::default(),
    }
}

fn list(from: Option<u64>, items: Vec<Html>) -> Html {
    match from {
        Some(from) => html! { <ol start={from.to_string()}>{ for items }</ol> },
        None => html! { <ul>{ for items }</ul> },
    }
}

fn table(head: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>], act: &Callback<Action>) -> Html {
    let head = head
        .iter()
        .map(|cell| html! { <th scope="col">{ inlines(cell, act) }</th> });
    let rows = rows.iter().map(|row| {
        let cells = row
            .iter()
            .map(|cell| html! { <td>{ inlines(cell, act) }</td> });
        html! { <tr>{ for cells }</tr> }
    });
    html! {
        <div class="wide-table" tabindex="0" role="group" aria-label={say::table()}>
            <table><thead><tr>{ for head }</tr></thead><tbody>{ for rows }</tbody></table>
        </div>
    }
}

/// Draws pieces of a paragraph.
pub fn inlines(pieces: &[Inline], act: &Callback<Action>) -> Html {
    let pieces = pieces.iter().map(|piece| match piece {
        Inline::Text(text) => html! { { text } },
        Inline::Code(text) => html! { <code>{ text }</code> },
        Inline::Emphasis(inside) => html! { <em>{ inlines(inside, act) }</em> },
        Inline::Strong(inside) => html! { <strong>{ inlines(inside, act) }</strong> },
        Inline::Link(address, inside) => link(address, inlines(inside, act), act),
        Inline::Break => html! { <br /> },
    });
    html! { <>{ for pieces }</> }
}

/// Draws a link. One to a lab opens it here; an address of any other kind is no link.
fn link(address: &str, inside: Html, act: &Callback<Action>) -> Html {
    let href = AttrValue::from(address.to_string());
    if let Some(id) = address.strip_prefix("#lab=").filter(|id| is_lab_id(id)) {
        let id = id.to_string();
        let onclick = act.reform(move |event: MouseEvent| {
            event.prevent_default();
            Action::Lesson(lesson::Action::Open(id.clone()))
        });
        return html! { <a {href} {onclick}>{ inside }</a> };
    }
    if address.starts_with('#') {
        return html! { <a {href}>{ inside }</a> };
    }
    if address.starts_with("https://") || address.starts_with("http://") {
        return html! { <a {href} target="_blank" rel="noopener noreferrer">{ inside }</a> };
    }
    inside
}
