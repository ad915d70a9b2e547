//! The frame around a picture, and the table that can stand in its place.

use labs::view::Table;
use words::looks;
use yew::{AttrValue, Callback, Html, classes, hook, html, use_state};

use crate::choices::Pane;
use crate::icons::{self, icon};
use crate::part::{drawn_by, part};
use crate::state::Action;
use crate::state::looks::Action as Looks;

/// How many rows a table shows before it is asked for more.
const ROWS_SHOWN: usize = 200;

/// The frame around a pane's picture.
pub struct Panel<'a> {
    /// Which pane this is.
    pub pane: Pane,
    /// Its heading.
    pub title: AttrValue,
    /// The view as a sentence.
    pub sentence: AttrValue,
    /// The view as a table, when that is to be shown.
    pub table: Option<Table>,
    /// The pane is in front or has its own place.
    pub visible: bool,
    /// Further controls for the heading.
    pub tools: Html,
    /// Where what happens is reported.
    pub act: &'a Callback<Action>,
}

/// A pane with a heading, a sentence, and a picture or its table.
pub fn panel(mut panel: Panel<'_>, picture: Html) -> Html {
    let (table, name) = (panel.table.take(), panel.pane.label());
    let is_table = table.is_some();
    let content = match table {
        Some(table) => part(DataTable {
            id: format!("{name}-table").into(),
            table,
        }),
        None => picture,
    };
    framed(panel, is_table, content)
}

/// A pane with a heading, a sentence, and whatever it shows, which is a table if `is_table`.
pub fn framed(panel: Panel<'_>, is_table: bool, content: Html) -> Html {
    let Panel {
        pane,
        title,
        sentence,
        visible,
        tools,
        act,
        ..
    } = panel;
    let name = pane.label();
    let onclick = act.reform(move |_| Action::ToggleTable(pane));
    html! {
        <section class={classes!("pane", format!("pane-{name}"))} hidden={!visible}
            id={format!("pane-{name}")} aria-labelledby={format!("{name}-title")}>
            <div class="pane-head">
                <h2 id={format!("{name}-title")}>{ title }</h2>
                <p class="sentence" id={format!("{name}-sentence")} title={&sentence}>
                    { &sentence }
                </p>
                { tools }
                { menu(pane, act) }
                <button class="tool" id={format!("{name}-table-toggle")} {onclick}
                    aria-pressed={is_table.to_string()} title={words::table::show_as_table()}>
                    { icon(icons::TABLE) }<span>{ words::table::table() }</span>
                </button>
            </div>
            { content }
        </section>
    }
}

/// What leads to the sheet about a pane.
pub fn menu(pane: Pane, act: &Callback<Action>) -> Html {
    let onclick = act.reform(move |_| Action::Looks(Looks::Sheet(Some(pane))));
    html! {
        <button class="tool pane-menu" id={format!("{}-menu", pane.label())} {onclick} aria-haspopup="dialog"
            aria-label={looks::pane_menu(pane.title())}
            title={looks::pane_menu_title()}>{ icon(icons::MENU) }</button>
    }
}

#[derive(PartialEq)]
pub struct DataTable {
    pub id: AttrValue,
    pub table: Table,
}

drawn_by!(DataTable, use_data_table);

/// A view's table. Long ones come in parts: a hundred thousand rows at once would help nobody.
#[hook]
fn use_data_table(props: &DataTable) -> Html {
    let shown = use_state(|| ROWS_SHOWN);
    let table = &props.table;
    let left = table.rows.len().saturating_sub(*shown);
    let more = {
        let shown = shown.clone();
        Callback::from(move |_| shown.set(*shown + 5 * ROWS_SHOWN))
    };
    let rows = table.rows.iter().take(*shown).map(|row| {
        let mut cells = row.iter();
        let first = cells
            .next()
            .map(|cell| html! { <th scope="row">{ cell }</th> });
        html! { <tr>{ first }{ for cells.map(|cell| html! { <td>{ cell }</td> }) }</tr> }
    });
    html! {
        <div class="table-scroll" tabindex="0" role="region" aria-label={table.caption.clone()}>
            <table class="data" id={props.id.clone()} data-testid={props.id.clone()}
                data-rows={table.rows.len().to_string()}>
                <caption class="unseen">{ &table.caption }</caption>
                <thead>
                    <tr>
                        { for table.columns.iter().map(|name| html! { <th scope="col">{ name }</th> }) }
                    </tr>
                </thead>
                <tbody>{ for rows }</tbody>
            </table>
            if left > 0 {
                <button class="tool" onclick={more}>{ words::table::more_rows(left) }</button>
            }
        </div>
    }
}
