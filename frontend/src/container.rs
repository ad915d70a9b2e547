//! Process containers: the hierarchies side by side as trees of containers ([`mod@column`]), with the tasks
//! in them as dots that are dragged ([`drag`]) or carried by keyboard ([`walk`]) from one container to
//! another; and the callbacks of a step, one by one ([`calls`]).
//!
//! There may be thousands of dots, so none of them has handlers of its own: what happens to them is
//! heard at the picture as a whole.

mod calls;
mod column;
mod deeds;
mod drag;
mod fly;
mod walk;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use labs::view::{CallbacksView, ContainersView, View};
use web_sys::{Element, FocusEvent, HtmlElement, KeyboardEvent, MouseEvent, PointerEvent};
use words::looks;
use yew::{
    Callback, Html, NodeRef, TargetCast, hook, html, use_effect_with, use_memo, use_mut_ref,
    use_node_ref,
};

use crate::choices::Pane;
use crate::icons::{self, icon};
use crate::looks::legend::{CIRCLE, Mark, SQUARE, legend};
use crate::page::focus_in_place;
use crate::part::{drawn_later_by, part};
use crate::state::containers::{Action as Own, Deed, Held};
use crate::state::inquiry::Action as Inquiry;
use crate::state::{Action, State};
use crate::table::{Panel, panel};

use drag::Drag;
use fly::Places;

#[derive(PartialEq)]
pub struct ContainerPane {
    view: Option<Rc<ContainersView>>,
    /// The task that is lit in every hierarchy.
    pointed: Option<u32>,
    held: Option<Held>,
    /// The line that would drop it.
    drop_line: Option<String>,
    /// The container that the forms are about.
    chosen: Option<u32>,
    deed: Option<Rc<Deed>>,
    /// The callbacks of a step are to be shown instead.
    is_film: bool,
    calls: Option<Rc<CallbacksView>>,
    /// There are none.
    has_no_calls: bool,
    /// The step that is shown.
    step: u32,
    /// The console line that led to the step whose callbacks are shown.
    line: Option<String>,
    as_table: bool,
    visible: bool,
    act: Callback<Action>,
}

impl ContainerPane {
    /// What the pane shows of the page's state.
    pub fn of(state: &State, as_table: bool, visible: bool, act: &Callback<Action>) -> Self {
        let own = &state.containers;
        let calls = state.calls().filter(|_| own.is_film);
        let line = calls.and_then(|calls| state.line(calls.step));
        ContainerPane {
            view: own.view.clone(),
            pointed: own.pointed,
            held: own.held,
            drop_line: own.drop_line(),
            chosen: own.chosen,
            deed: own.deed.clone(),
            is_film: own.is_film,
            calls: calls.cloned(),
            has_no_calls: own.is_film && state.has_no_calls(),
            step: state.kernel.step,
            line: line.map(|line| line.typed.clone()),
            as_table,
            visible,
            act: act.clone(),
        }
    }
}

drawn_later_by!(ContainerPane, use_container_pane, container, |_| true);

/// The marks of the tasks.
fn marks() -> [Mark; 5] {
    [
        ("mark-runs", CIRCLE, looks::task_runs()),
        ("mark-sleeps", CIRCLE, looks::task_sleeps()),
        ("mark-stops", CIRCLE, looks::task_waits()),
        ("mark-dead", SQUARE, looks::task_dead()),
        ("mark-lit", CIRCLE, looks::asked_about()),
    ]
}

/// What hears of events in the picture.
#[derive(Clone)]
struct Ears {
    picture: NodeRef,
    ghost: NodeRef,
    /// The dot that has the focus: hierarchy and task.
    focused: Rc<Cell<Option<(u32, u32)>>>,
    act: Callback<Action>,
}

impl Ears {
    fn own(&self, action: Own) {
        self.act.emit(Action::Containers(action));
    }
}

/// Draws the pane.
#[hook]
fn use_container_pane(props: &ContainerPane) -> Html {
    let ears = Ears {
        picture: use_node_ref(),
        ghost: use_node_ref(),
        focused: (*use_memo((), |()| Rc::<Cell<_>>::default())).clone(),
        act: props.act.clone(),
    };
    let drag = use_mut_ref(Drag::default);
    let places = use_mut_ref(Places::default);
    {
        let ears = ears.clone();
        let is_shown = props.visible && !props.as_table && !props.is_film;
        use_effect_with((props.view.clone(), is_shown), move |_| {
            match ears.picture.cast::<HtmlElement>().filter(|_| is_shown) {
                Some(picture) => {
                    places.borrow_mut().follow(&picture);
                    walk::follow(&ears);
                }
                None => *places.borrow_mut() = Places::default(),
            }
        });
    }
    let is_film = props.is_film;
    let turn = props.act.reform(move |_| {
        focus_in_place(if is_film {
            "#containers-film"
        } else {
            "#calls"
        });
        Action::Containers(Own::Film(!is_film))
    });
    let tools = html! {
        <>
            if is_film {
                <button class="tool" id="containers-back" onclick={turn.clone()} aria-label={words::containers::back()}
                    title={words::containers::back_hint()}>{ icon(icons::RETURN) }</button>
            }
            <button class="tool" id="containers-film" aria-pressed={is_film.to_string()}
                onclick={turn} title={words::containers::callbacks_hint()}>
                { words::containers::callbacks() }
            </button>
        </>
    };
    let empty = Rc::new(ContainersView::default());
    let view = props.view.as_ref().unwrap_or(&empty);
    let (title, shown): (_, Option<&dyn View>) = match (is_film, &props.calls) {
        (true, Some(calls)) => (words::containers::callbacks(), Some(&**calls)),
        (true, None) => (words::containers::callbacks(), None),
        (false, _) => (words::containers::title(), Some(&**view)),
    };
    let frame = Panel {
        pane: Pane::Containers,
        title: title.into(),
        sentence: shown.map_or(String::new(), View::sentence).into(),
        table: shown.filter(|_| props.as_table).map(View::table),
        visible: props.visible,
        tools,
        act: &props.act,
    };
    let picture = match (frame.table.is_some(), is_film, &props.calls) {
        (true, ..) => Html::default(),
        (_, true, Some(calls)) => part(calls::Film {
            view: calls.clone(),
            line: props.line.clone(),
            is_earlier: calls.step != props.step,
            act: props.act.clone(),
        }),
        (_, true, None) if !props.has_no_calls => Html::default(),
        (_, true, None) => html! {
            <p class="empty" id="calls-none">{ words::containers::no_calls() }</p>
        },
        (_, false, _) => picture(view, props, &ears, drag),
    };
    panel(frame, picture)
}

/// The hierarchies, and what is said below them.
fn picture(
    view: &ContainersView,
    props: &ContainerPane,
    ears: &Ears,
    drag: Rc<RefCell<Drag>>,
) -> Html {
    let hear = |listen: fn(&Ears, &mut Drag, &PointerEvent)| {
        let (ears, drag) = (ears.clone(), drag.clone());
        Callback::from(move |event: PointerEvent| listen(&ears, &mut drag.borrow_mut(), &event))
    };
    let (held, pointed) = (props.held, props.pointed);
    let onkeydown = {
        let (ears, drag) = (ears.clone(), drag.clone());
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                drag::cancel(&ears, &mut drag.borrow_mut());
            }
            walk::key(&ears, held, &event);
        })
    };
    let onfocusin = {
        let (ears, drag) = (ears.clone(), drag.clone());
        Callback::from(move |event: FocusEvent| {
            let target = event.target_dyn_into::<Element>();
            let target = target.as_ref();
            let hierarchy = number_at(target, "data-hierarchy");
            ears.focused
                .set(hierarchy.zip(number_at(target, "data-pid")));
            point_at(&ears, pointed, target);
            if held.is_some() && !drag.borrow().is_on() {
                ears.own(Own::Over(number_at(target, "data-container")));
            }
        })
    };
    let onmouseover = {
        let ears = ears.clone();
        Callback::from(move |event: MouseEvent| {
            let target = event.target_dyn_into::<Element>();
            point_at(&ears, pointed, target.as_ref());
        })
    };
    let onclick = {
        let ears = ears.clone();
        Callback::from(move |event: MouseEvent| click(&ears, held, &event))
    };
    let columns = view.hierarchies.iter().enumerate();
    let columns = columns.map(|(place, hierarchy)| column::column(view, place, hierarchy, props));
    let classes = if held.is_some() {
        "scroll hierarchies holding"
    } else {
        "scroll hierarchies"
    };
    html! {
        <>
            <div class={classes} id="containers-picture" ref={ears.picture.clone()} tabindex="0"
                role="group" aria-label={words::containers::picture(view.sentence())}
                onpointerdown={hear(drag::down)} onpointermove={hear(drag::moved)}
                onpointerup={hear(drag::up)} onpointercancel={hear(|ears, drag, _| drag::cancel(ears, drag))}
                {onkeydown} {onfocusin} {onmouseover} {onclick}>
                { for columns }
                if view.hierarchies.is_empty() { { invitation(&props.act) } }
                if !view.unbound.is_empty() {
                    <section class="hierarchy unbound" aria-label={words::containers::unbound_label()}>
                        <h3>{ words::containers::unbound() }</h3>
                        <ul class="badges">
                            { for view.unbound.iter().map(|name| html! { <li class="subsystem">{ name }</li> }) }
                        </ul>
                    </section>
                }
                <span class="dot ghost" ref={ears.ghost.clone()} hidden=true />
            </div>
            if !view.hierarchies.is_empty() {
                <div class="containers-legend">{ legend(&marks()) }</div>
            }
            { deeds::under(view, props) }
        </>
    }
}

/// What to do where nothing is mounted.
fn invitation(act: &Callback<Action>) -> Html {
    const LINES: [&str; 3] = [
        "mkdir /containers /containers/cpu",
        "mount -t container -o cpu cpu /containers/cpu",
        "mkdir /containers/cpu/guests /containers/cpu/system",
    ];
    let run =
        act.reform(|_| Action::Submit(LINES.iter().map(|line| line.as_bytes().to_vec()).collect()));
    html! {
        <section class="hierarchy" aria-label={words::containers::no_hierarchy()}>
            <p>{ words::containers::invitation() }</p>
            <pre class="mono">{ LINES.join("\n") }</pre>
            <button class="primary" id="containers-first" onclick={run}>{ words::containers::run_lines() }</button>
        </section>
    }
}

/// The number that an element, or one that it is in, has as this attribute.
fn number_at(element: Option<&Element>, attribute: &str) -> Option<u32> {
    let selector = ["[", attribute, "]"].concat();
    let found = element?.closest(&selector).ok()??;
    found.get_attribute(attribute)?.parse().ok()
}

/// Lights the task there.
fn point_at(ears: &Ears, pointed: Option<u32>, element: Option<&Element>) {
    let pid = number_at(element, "data-pid");
    if pid != pointed {
        ears.own(Own::Point(pid));
    }
}

/// Opens what is clicked on, or drops what is held there.
fn click(ears: &Ears, held: Option<Held>, event: &MouseEvent) {
    let target = event.target_dyn_into::<Element>();
    let target = target.as_ref();
    let container = number_at(target, "data-container");
    let is_on = |selector: &str| {
        target.is_some_and(|target| matches!(target.closest(selector), Ok(Some(_))))
    };
    if let (Some(_), Some(container)) = (held, container) {
        ears.own(Own::Over(Some(container)));
        ears.own(Own::Drop);
    } else if let Some(at) = number_at(target, "data-at").filter(|_| is_on(".opens")) {
        ears.own(Own::Choose(container));
        ears.act.emit(Action::Inquiry(Inquiry::Inspect(at)));
    }
}
