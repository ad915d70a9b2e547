//! Bytes as one sees them in a dump: an address, eight bytes in hexadecimal, and as characters.
//! Eight, because kernel pointers count in units of eight: a row is what a pointer can point to.
//!
//! Each row is a component of its own, so that a step redraws the rows whose bytes it changed and
//! no others.

use std::ops::Range;
use std::rc::Rc;

use labs::view::{ObjectView, address};
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, MouseEvent};
use words::inquiry as say;
use yew::{AttrValue, Callback, Html, Properties, classes, function_component, hook, html};

use crate::part::drawn_by;

/// Bytes to a row.
const ROW: usize = 8;

#[derive(PartialEq)]
pub struct Hex {
    /// The object.
    pub view: Rc<ObjectView>,
    /// Which of its bytes differ from what was shown before; empty if none do.
    pub changed: Rc<Vec<bool>>,
    /// The bytes that are lit.
    pub lit: Option<Range<u32>>,
    /// The byte that is pointed at.
    pub cursor: Option<u32>,
    /// The name of the field that it belongs to.
    pub name: Option<String>,
    /// Reports the byte that is pointed at.
    pub point: Callback<Option<u32>>,
}

drawn_by!(Hex, use_hex);

/// Draws the dump.
#[hook]
fn use_hex(props: &Hex) -> Html {
    let Hex {
        view,
        changed,
        lit,
        cursor,
        ..
    } = props;
    let rows = view.bytes.chunks(ROW).enumerate().map(|(row, bytes)| {
        let start = row * ROW;
        let end = start + bytes.len();
        let mut packed = [0; ROW];
        packed[..bytes.len()].copy_from_slice(bytes);
        let flags = |holds: &dyn Fn(usize) -> bool| {
            (start..end).fold(0u8, |flags, at| flags | u8::from(holds(at)) << (at - start))
        };
        let marked = flags(&|at| changed.get(at) == Some(&true));
        let lit = flags(&|at| lit.as_ref().is_some_and(|lit| lit.contains(&(at as u32))));
        let cursor = cursor
            .map(|at| at as usize)
            .filter(|at| (start..end).contains(at));
        html! {
            <HexRow key={row} start={start as u32} at={view.at} bytes={packed} count={bytes.len()}
                {marked} {lit} cursor={cursor.map(|at| at - start)} />
        }
    });
    let onmouseover = props.point.reform(|event: MouseEvent| offset_of(&event));
    let onmouseleave = props.point.reform(|_| None);
    let onkeydown = {
        let (point, cursor, length) = (props.point.clone(), *cursor, view.bytes.len() as u32);
        Callback::from(move |event: KeyboardEvent| {
            if let Some(target) = walk(&event, cursor, length) {
                event.prevent_default();
                point.emit(Some(target));
            }
        })
    };
    let spoken = cursor.and_then(|at| {
        let byte = view.bytes.get(at as usize)?;
        let was = changed.get(at as usize) == Some(&true);
        let field = props.name.as_deref().unwrap_or(say::no_field());
        let (at, byte) = (format!("+{at:#x}"), format!("{byte:02x}"));
        Some(match was {
            true => say::byte_changed(at, byte, field),
            false => say::byte(at, byte, field),
        })
    });
    html! {
        <div class="hex mono" id="inspect-bytes" tabindex="0" role="application"
            aria-roledescription={say::bytes_role()} {onmouseover} {onmouseleave} {onkeydown}
            aria-label={say::bytes_label(view.bytes.len())}>
            { for rows }
            <p class="hex-note" aria-live="polite">{ spoken.unwrap_or_default() }</p>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct HexRowProps {
    /// The language in which it is drawn.
    #[prop_or_else(words::language)]
    pub language: words::Language,
    /// Offset of the row's first byte in the object.
    start: u32,
    /// Where the object begins, in units of 8 bytes.
    at: u32,
    bytes: [u8; ROW],
    /// How many of them there are.
    count: usize,
    /// Bit *i* is set when byte *i* differs.
    marked: u8,
    /// Bit *i* is set when byte *i* is lit.
    lit: u8,
    /// The byte that is pointed at.
    cursor: Option<usize>,
}

/// One row of the dump.
#[function_component]
fn HexRow(props: &HexRowProps) -> Html {
    let HexRowProps {
        start,
        marked,
        lit,
        cursor,
        ..
    } = props;
    let class_of = |at: usize| {
        classes!(
            (marked >> at & 1 == 1).then_some("changed"),
            (lit >> at & 1 == 1).then_some("lit"),
            (*cursor == Some(at)).then_some("cursor"),
        )
    };
    let bytes = &props.bytes[..props.count];
    let cells = bytes.iter().enumerate().map(|(at, byte)| {
        let offset: AttrValue = (start + at as u32).to_string().into();
        html! { <span class={class_of(at)} data-offset={offset}>{ format!("{byte:02x}") }</span> }
    });
    let text = runs(props.count, |at| (marked >> at & 1, lit >> at & 1)).map(|run| {
        let shown: String = bytes[run.clone()].iter().map(|byte| shown(*byte)).collect();
        html! { <span class={class_of(run.start)}>{ shown }</span> }
    });
    let place = address(props.at + start / 8);
    html! {
        <div class="hex-row">
            <span class="hex-place">{ place[8..].to_string() }</span>
            <span class="hex-bytes">{ for cells }</span>
            <span class="hex-text" aria-hidden="true">{ for text }</span>
        </div>
    }
}

/// Runs of places from 0 to `count` that have the same `look`.
fn runs<T: PartialEq>(
    count: usize,
    look: impl Fn(usize) -> T,
) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == count {
            return None;
        }
        let first = look(start);
        let end = (start..count)
            .find(|at| look(*at) != first)
            .unwrap_or(count);
        let run = start..end;
        start = end;
        Some(run)
    })
}

/// A byte as a character, as `hexdump -C` has it.
fn shown(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    }
}

/// The byte under the mouse.
fn offset_of(event: &MouseEvent) -> Option<u32> {
    let element = event.target()?.dyn_into::<Element>().ok()?;
    element.get_attribute("data-offset")?.parse().ok()
}

/// The byte that a key leads to.
fn walk(event: &KeyboardEvent, cursor: Option<u32>, length: u32) -> Option<u32> {
    if event.alt_key() || event.ctrl_key() || event.meta_key() || length == 0 {
        return None;
    }
    let last = length - 1;
    step(&event.key(), cursor, last)
}

fn step(key: &str, cursor: Option<u32>, last: u32) -> Option<u32> {
    let row = ROW as u32;
    let Some(at) = cursor else {
        return matches!(
            key,
            "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" | "Home"
        )
        .then_some(0);
    };
    Some(match key {
        "ArrowLeft" => at.saturating_sub(1),
        "ArrowRight" => (at + 1).min(last),
        "ArrowUp" => at.checked_sub(row).unwrap_or(at),
        "ArrowDown" if at + row <= last => at + row,
        "ArrowDown" => at,
        "Home" => 0,
        "End" => last,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_looks_make_one_run() {
        let looks = [0, 0, 1, 1, 1, 0];
        let found: Vec<_> = runs(looks.len(), |at| looks[at]).collect();
        assert_eq!(found, [0..2, 2..5, 5..6]);
        assert_eq!(runs(0, |_| 0).count(), 0);
    }

    #[test]
    fn arrows_stay_inside() {
        assert_eq!(step("ArrowDown", None, 40), Some(0));
        assert_eq!(step("ArrowDown", Some(20), 40), Some(28));
        assert_eq!(step("ArrowDown", Some(33), 40), Some(33));
        assert_eq!(step("ArrowRight", Some(40), 40), Some(40));
        assert_eq!(step("ArrowUp", Some(3), 40), Some(3));
        assert_eq!(step("x", Some(3), 40), None);
    }

    #[test]
    fn odd_bytes_are_dots() {
        assert_eq!([b'a', 0, 0x7f, 0xff].map(shown), ['a', '.', '.', '.']);
    }
}
