//! The inspector: an object's fields and its bytes, side by side with what they were.
//!
//! Pointing at a field lights its bytes, pointing at a byte its field; with the keyboard, the bytes
//! are walked with the arrow keys. Bytes that differ from the step shown before are underlined and
//! coloured, and the fields that hold them carry a sign.

use std::ops::Range;
use std::rc::Rc;

use labs::protocol::Goal;
use labs::view::{FieldView, ObjectView, View, address};
use words::inquiry as say;
use yew::{Callback, Html, classes, hook, html, use_state};

use super::hex::Hex;
use crate::icons::{self, icon};
use crate::part::{drawn_by, part};
use crate::state::Action;
use crate::state::inquiry::Action as Own;
use crate::state::inquiry::inspector::Inspector;

#[derive(PartialEq)]
pub struct InspectorTab {
    pub inspector: Rc<Inspector>,
    /// The step that is shown.
    pub step: u32,
    pub act: Callback<Action>,
}

drawn_by!(InspectorTab, use_inspector_tab);

/// Draws the tab.
#[hook]
fn use_inspector_tab(props: &InspectorTab) -> Html {
    // The byte that is pointed at.
    let cursor = use_state(|| None::<u32>);
    let inspector = &props.inspector;
    let back = props.act.reform(|_| Action::Inquiry(Own::InspectBack));
    let way_back = html! {
        if inspector.has_way_back() {
            <button class="tool" id="inspect-back" onclick={back} aria-label={say::object_before()}
                title={say::object_before()}>{ icon(icons::RETURN) }</button>
        }
    };
    let Some(at) = inspector.asked() else {
        return html! {
            <p class="empty">
                { say::choose() }
            </p>
        };
    };
    let view = match (&inspector.view, &inspector.error) {
        (_, Some(error)) => {
            return html! {
                <div class="dock-form">{ way_back }
                    <p class="note error" role="alert">{ say::error_at(address(at), error) }</p>
                </div>
            };
        }
        (None, None) => return html! { <p class="empty">{ say::looking() }</p> },
        (Some(view), None) => view,
    };
    let changed = Rc::new(inspector.changed_bytes());
    let field = cursor.and_then(|offset| field_at(view, offset));
    let lit = field.map_or(cursor.map(|offset| offset..offset + 1), |field| {
        Some(field.offset..field.offset + field.size)
    });
    let point = {
        let cursor = cursor.clone();
        Callback::from(move |offset: Option<u32>| cursor.set(offset))
    };
    let rows = view.fields.iter().map(|each| {
        let is_lit =
            field.is_some_and(|field| field.offset == each.offset && field.name == each.name);
        field_row(each, is_lit, &changed, &point, &props.act)
    });
    let goal = Goal::Changed {
        object: view.at,
        bytes: view.size,
    };
    let who = props
        .act
        .reform(move |_| Action::Inquiry(Own::Search(goal.clone())));
    let frame = view.pfn * 512;
    let to_frame = props
        .act
        .reform(move |_| Action::Inquiry(Own::Inspect(frame)));
    html! {
        <>
            <div class="dock-form">
                { way_back }
                <h3 class="mono" id="inspect-name">{ &view.name }</h3>
                <span class="mono quiet">{ address(view.at) }</span>
                <button class="tool" id="inspect-who" onclick={who}>{ say::who_wrote() }</button>
                if view.at != frame {
                    <button class="tool" onclick={to_frame}>{ say::frame(view.pfn) }</button>
                }
            </div>
            <p class="dock-sentence" id="inspect-sentence" role="status" data-at={view.at.to_string()}>
                { view.sentence() }{ difference(inspector, &changed) }
            </p>
            if !view.fields.is_empty() {
                <table class="fields mono" id="inspect-fields">
                    <caption class="unseen">{ say::fields() }</caption>
                    <thead><tr>
                        <th scope="col">{ say::offset() }</th>
                        <th scope="col">{ say::field() }</th>
                        <th scope="col">{ say::value() }</th>
                    </tr></thead>
                    <tbody>{ for rows }</tbody>
                </table>
            }
            { part(Hex {
                view: view.clone(),
                changed: changed.clone(),
                lit,
                cursor: *cursor,
                name: field.map(|field| field.name.clone()),
                point,
            }) }
        </>
    }
}

/// What the step did to the object, in words.
fn difference(inspector: &Inspector, changed: &[bool]) -> String {
    let Some((step, _)) = &inspector.before else {
        return String::new();
    };
    match changed.iter().filter(|changed| **changed).count() {
        0 => say::as_before(step),
        count => say::not_as_before(count as u64, step),
    }
}

/// The innermost field that holds the byte at `offset`.
fn field_at(view: &ObjectView, offset: u32) -> Option<&FieldView> {
    let holding = view
        .fields
        .iter()
        .filter(|field| (field.offset..field.offset + field.size).contains(&offset));
    holding.min_by_key(|field| field.size)
}

fn field_row(
    field: &FieldView,
    is_lit: bool,
    changed: &[bool],
    point: &Callback<Option<u32>>,
    act: &Callback<Action>,
) -> Html {
    let offset = field.offset;
    let bytes: Range<usize> = offset as usize..(offset + field.size) as usize;
    let is_changed = changed
        .get(bytes)
        .is_some_and(|bytes| bytes.contains(&true));
    let value = match field.points_to {
        Some(target) => {
            let onclick = act.reform(move |_| Action::Inquiry(Own::Inspect(target)));
            let onfocus = point.reform(move |_| Some(offset));
            let label = say::field_go_to(&field.name, &field.value);
            html! {
                <button class="link" {onclick} {onfocus} aria-label={label}>{ &field.value }</button>
            }
        }
        None => html! { { &field.value } },
    };
    let class = classes!(is_lit.then_some("lit"), is_changed.then_some("changed"));
    html! {
        <tr {class} onmouseenter={point.reform(move |_| Some(offset))}
            onmouseleave={point.reform(|_| None)}>
            <td>{ format!("+{offset:#x}") }</td>
            <th scope="row">
                { &field.name }
                if is_changed { <span class="sign" title={say::changed()}>{ " ~" }<span class="unseen">{ say::changed() }</span></span> }
            </th>
            <td>{ value }</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labs::view::ObjectState;

    #[test]
    fn a_byte_belongs_to_its_innermost_field() {
        let field = |name: &str, offset, size| FieldView {
            name: name.into(),
            offset,
            size,
            value: String::new(),
            points_to: None,
        };
        let view = ObjectView {
            at: 0,
            size: 16,
            name: String::new(),
            cache: String::new(),
            state: ObjectState::Allocated,
            pfn: 0,
            fields: vec![field("list", 0, 8), field("list.next", 0, 4)],
            bytes: vec![0; 16],
        };
        let name = |offset| field_at(&view, offset).map(|field| field.name.as_str());
        assert_eq!(name(3), Some("list.next"));
        assert_eq!(name(4), Some("list"));
        assert_eq!(name(8), None);
    }
}
