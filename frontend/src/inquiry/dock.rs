//! The dock: where questions are put and answered, beside the pictures on a wide screen, over them
//! on a narrow one. It stays open while one steps, so that an answer can be watched changing.

use std::rc::Rc;

use labs::view::SlabView;
use web_sys::KeyboardEvent;
use words::inquiry as say;
use yew::{AttrValue, Callback, Html, hook, html};

use super::changes::ChangesTab;
use super::compare::CompareTab;
use super::edit::EditTab;
use super::export::ExportTab;
use super::inspector::InspectorTab;
use super::search::SearchTab;
use crate::icons::{self, icon};
use crate::page;
use crate::part::{drawn_later_by, part};
use crate::state::Action;
use crate::state::inquiry::compare::Compare;
use crate::state::inquiry::export::Export;
use crate::state::inquiry::inspector::Inspector;
use crate::state::inquiry::rewrite::Rewrite;
use crate::state::inquiry::search::Search;
use crate::state::inquiry::{Action as Own, Changes, Tab};
use crate::state::looks::Run;
use crate::transcript::LogLine;

#[derive(PartialEq)]
pub struct Dock {
    /// The tab in front; `None` while the dock is closed.
    pub tab: Option<Tab>,
    /// The step that is shown.
    pub step: u32,
    /// How many steps the log has.
    pub steps: u32,
    /// The line of the step that is shown.
    pub line: Option<Rc<LogLine>>,
    /// The step that changes are counted from, if one was marked.
    pub mark: Option<u32>,
    /// Between which steps changes are shown.
    pub range: Option<(u32, u32)>,
    pub changes: Changes,
    pub inspector: Rc<Inspector>,
    pub search: Option<Rc<Search>>,
    pub rewrite: Option<Rc<Rewrite>>,
    pub can_undo: bool,
    /// Lines of the past can be changed now.
    pub can_edit: bool,
    pub compare: Option<Rc<Compare>>,
    /// This session's machine.
    pub machine: AttrValue,
    /// This session's line at the step where the compared sessions part.
    pub parted_line: Option<Rc<LogLine>>,
    /// The sessions that the browser keeps, except this one.
    pub kept: Vec<(AttrValue, AttrValue)>,
    /// This session's caches.
    pub slab: Option<Rc<SlabView>>,
    pub export: Option<Rc<Export>>,
    /// A run that is being saved as pictures.
    pub run: Option<Run>,
    pub act: Callback<Action>,
}

drawn_later_by!(Dock, use_dock, past, |dock| dock.tab.is_some());

/// Draws the dock while it is open.
#[hook]
fn use_dock(props: &Dock) -> Html {
    let Some(tab) = props.tab else {
        return Html::default();
    };
    let act = &props.act;
    let show = |tab: Option<Tab>| act.reform(move |_| Action::Inquiry(Own::Show(tab)));
    let tabs = Tab::ALL.iter().enumerate().map(|(index, each)| {
        let each = *each;
        let is_front = each == tab;
        let neighbours = [index.checked_sub(1), Some(index + 1)]
            .map(|index| index.and_then(|index| Tab::ALL.get(index)).copied());
        let act = act.clone();
        let onkeydown = Callback::from(move |event: KeyboardEvent| {
            let target = match event.key().as_str() {
                "ArrowLeft" if !event.alt_key() => neighbours[0],
                "ArrowRight" if !event.alt_key() => neighbours[1],
                _ => None,
            };
            if let Some(target) = target {
                event.prevent_default();
                act.emit(Action::Inquiry(Own::Show(Some(target))));
                page::focus(&format!("#past-tab-{}", target.label()));
            }
        });
        html! {
            <button role="tab" class="tab" id={format!("past-tab-{}", each.label())} {onkeydown}
                aria-selected={is_front.to_string()} aria-controls="past-panel"
                tabindex={if is_front { "0" } else { "-1" }} onclick={show(Some(each))}>
                { each.title() }
            </button>
        }
    });
    let onkeydown = {
        let act = act.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                event.prevent_default();
                act.emit(Action::Inquiry(Own::Show(None)));
                page::focus("#console-input");
            }
        })
    };
    let content = match tab {
        Tab::Changes => part(ChangesTab {
            step: props.step,
            steps: props.steps,
            mark: props.mark,
            range: props.range,
            changes: props.changes.clone(),
            act: act.clone(),
        }),
        Tab::Object => part(InspectorTab {
            inspector: props.inspector.clone(),
            step: props.step,
            act: act.clone(),
        }),
        Tab::Search => part(SearchTab {
            search: props.search.clone(),
            step: props.step,
            act: act.clone(),
        }),
        Tab::Edit => part(EditTab {
            step: props.step,
            line: props.line.clone(),
            rewrite: props.rewrite.clone(),
            can_undo: props.can_undo,
            can_edit: props.can_edit,
            act: act.clone(),
        }),
        Tab::Compare => part(CompareTab {
            compare: props.compare.clone(),
            machine: props.machine.clone(),
            line: props.parted_line.clone(),
            kept: props.kept.clone(),
            slab: props.slab.clone(),
            step: props.step,
            act: act.clone(),
        }),
        Tab::Export => part(ExportTab {
            export: props.export.clone(),
            steps: props.steps,
            run: props.run.clone(),
            act: act.clone(),
        }),
    };
    html! {
        <aside class="dock" id="past" aria-label={say::questions()} {onkeydown}>
            <div class="dock-head">
                <div class="tabs" role="tablist" aria-label={say::questions_short()}>{ for tabs }</div>
                <button class="tool" id="past-close" onclick={show(None)} aria-label={say::close()}
                    title={say::close_title()}>{ icon(icons::CLOSE) }</button>
            </div>
            <div class="dock-body" role="tabpanel" id="past-panel" tabindex="-1"
                aria-labelledby={format!("past-tab-{}", tab.label())}>
                { content }
            </div>
        </aside>
    }
}
