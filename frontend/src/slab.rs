//! The slab caches: all of them as a list ([`top`]), one of them as its slabs and objects
//! ([`cache`], [`canvas`]), and what defragmentation did to it as a [`film`].

mod cache;
mod canvas;
mod chains;
mod draw;
mod film;
mod meters;
mod plan;
mod top;

use std::rc::Rc;

use labs::view::{CacheSlabsView, DefragView, ObjectView, SlabView, View};
use yew::{AttrValue, Callback, Html, hook, html, use_memo};

use crate::choices::{Pane, Theme};
use crate::icons::{self, icon};
use crate::page::focus_in_place;
use crate::part::drawn_later_by;
use crate::state::Action;
use crate::state::inquiry::{Action as Inquiry, lit::Lit};
use crate::state::slabs::{Action as Own, Sort};
use crate::table::{Panel, panel};

use canvas::SlabCanvas;
use film::Film;

#[derive(PartialEq)]
pub struct SlabPane {
    pub view: Option<Rc<SlabView>>,
    /// How the caches are sorted.
    pub sort: Sort,
    /// The cache that is open.
    pub open: Option<Rc<str>>,
    /// What is known of it.
    pub cache: Option<Rc<CacheSlabsView>>,
    /// What defragmentation did to it is to be shown instead.
    pub is_film: bool,
    /// That, if anything is known of it.
    pub defrag: Option<Rc<DefragView>>,
    /// What the kernel says of the object that is pointed at.
    pub object: Option<Rc<ObjectView>>,
    /// What is lit: caches with a lit object are.
    pub lit: Rc<Lit>,
    pub theme: Theme,
    pub as_table: bool,
    pub visible: bool,
    pub act: Callback<Action>,
}

drawn_later_by!(SlabPane, use_slab_pane, slab, |_| true);

/// Draws the pane.
#[hook]
fn use_slab_pane(props: &SlabPane) -> Html {
    let film = use_memo(props.defrag.clone(), |view| {
        view.clone().map(|view| Rc::new(Film::new(view)))
    });
    let Some(name) = &props.open else {
        let empty = Rc::new(SlabView::default());
        let view = props.view.as_ref().unwrap_or(&empty);
        let bugs = words::slab::bugs_found(view.bugs.into());
        let tools = html! {
            <>
                if view.bugs > 0 { <span class="badge" id="slab-bugs">{ bugs }</span> }
                <span class="mono" id="slab-allocator">{ view.allocator.to_ascii_uppercase() }</span>
            </>
        };
        return framed(
            words::slab::title().into(),
            Some(&**view),
            tools,
            props,
            || top::top(&view.caches, props),
        );
    };
    let title: AttrValue = name.to_string().into();
    let act = &props.act;
    let is_film = props.is_film;
    let opener = opener(name);
    let close = act.reform(move |_| {
        focus_in_place(if is_film { "#slab-canvas" } else { &opener });
        Action::Slabs(if is_film {
            Own::Film(false)
        } else {
            Own::Open(None)
        })
    });
    let run = act.reform(move |_| {
        focus_in_place("#slab-canvas");
        Action::Slabs(Own::Film(!is_film))
    });
    let at = props.cache.as_ref().map(|view| view.cache.at);
    let inspect = at.map(|at| act.reform(move |_| Action::Inquiry(Inquiry::Inspect(at))));
    let tools = html! {
        <>
            <button class="tool" id="slab-back" onclick={close} aria-label={words::slab::back()}
                title={words::slab::back_hint()}>{ icon(icons::RETURN) }</button>
            <button class="tool" id="slab-film" aria-pressed={is_film.to_string()} onclick={run}
                title={words::slab::film_hint()}>{ words::slab::film() }</button>
            if let Some(inspect) = inspect {
                <button class="tool" id="slab-inspect" onclick={inspect}
                    title={words::slab::inspect_hint()}>{ words::slab::inspect() }</button>
            }
        </>
    };
    let draw = |view: &Rc<CacheSlabsView>, film: Option<Rc<Film>>, above: Html| {
        html! {
            <SlabCanvas view={view.clone()} {film} {above} object={props.object.clone()}
                lit={props.lit.clone()} theme={props.theme} act={act.clone()} />
        }
    };
    match (&props.cache, &*film) {
        (_, Some(film)) if is_film => framed(title, Some(&*film.view), tools, props, || {
            draw(
                &Rc::new(film.view.after.clone()),
                Some(film.clone()),
                Html::default(),
            )
        }),
        (_, None) if is_film => framed(title, None, tools, props, || empty(words::slab::no_film())),
        (Some(view), _) => framed(title, Some(&**view), tools, props, || {
            draw(view, None, cache::above(view, act))
        }),
        (None, _) => framed(title, None, tools, props, || empty(words::slab::no_cache())),
    }
}

/// What opens a cache, and gets the focus back when that is closed.
fn opener(name: &str) -> String {
    ["#pane-slab [data-cache=\"", name, "\"]"].concat()
}

fn empty(text: &'static str) -> Html {
    html! { <p class="empty">{ text }</p> }
}

/// The pane around one of its pictures.
fn framed(
    title: AttrValue,
    view: Option<&dyn View>,
    tools: Html,
    props: &SlabPane,
    picture: impl FnOnce() -> Html,
) -> Html {
    let frame = Panel {
        pane: Pane::Slab,
        title,
        sentence: view.map_or(String::new(), View::sentence).into(),
        table: view.filter(|_| props.as_table).map(View::table),
        visible: props.visible,
        tools,
        act: &props.act,
    };
    let is_picture = frame.table.is_none();
    panel(
        frame,
        if is_picture {
            picture()
        } else {
            Html::default()
        },
    )
}
