//! Who ran when, as lanes that can be walked and looked into: the component that owns the cursor.
//!
//! Which part of the step is shown is the page's state, because a closer look may be a question to
//! the kernel. Drawing is [`lanes_draw`](super::lanes_draw)'s.

use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use labs::view::{TimelineView, View, permille};
use wasm_bindgen::JsCast;
use web_sys::{HtmlCanvasElement, HtmlElement, KeyboardEvent, MouseEvent, WheelEvent};
use yew::{Component, Context, Html, NodeRef, Properties, html};

use super::lanes_draw::{BOX, Cursor, Scale, WAKES, draw, height, top};
use crate::canvas::{NextFrame, Surface, Watch, place};
use crate::choices::Theme;
use crate::icons::{self, icon};
use crate::state::Action;
use crate::state::inquiry::{Action as Inquiry, lit::Lit};
use crate::state::sched::{Action as Own, Window};

/// How much a key or button zooms.
const ZOOM_STEP: f64 = 1.6;
/// How far Shift and an arrow move, as a share of what is shown.
const PAN_STEP: f64 = 0.2;
/// How near to a mark the mouse has to be, in pixels.
const NEAR: f64 = 4.0;

#[derive(Properties, PartialEq)]
pub struct LanesProps {
    /// The language in which it is drawn.
    #[prop_or_else(words::language)]
    pub language: words::Language,
    pub view: Rc<TimelineView>,
    /// What is shown of it; perhaps not all of it is known yet.
    pub window: Window,
    pub lit: Rc<Lit>,
    /// Drawn again when it changes: the custom properties then have other colours.
    pub theme: Theme,
    pub act: yew::Callback<Action>,
}

pub enum Message {
    Redraw,
    Draw,
    Hover(MouseEvent),
    Leave,
    Click(MouseEvent),
    Key(KeyboardEvent),
    Wheel(WheelEvent),
    /// Zoom around the cursor or the middle.
    Zoom(f64),
    All,
}

pub struct Lanes {
    canvas: NodeRef,
    cursor: Option<Cursor>,
    /// It was reached by keys, and stays when the mouse leaves.
    is_kept: bool,
    frame: Option<NextFrame>,
    watch: Option<Watch>,
    wheel: Option<EventListener>,
}

impl Component for Lanes {
    type Message = Message;
    type Properties = LanesProps;

    fn create(_: &Context<Self>) -> Self {
        Lanes {
            canvas: NodeRef::default(),
            cursor: None,
            is_kept: false,
            frame: None,
            watch: None,
            wheel: None,
        }
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &LanesProps) -> bool {
        let view = &ctx.props().view;
        if !Rc::ptr_eq(view, &old.view) {
            // The same turn, where it is told.
            let at = self.cursor.and_then(|cursor| when(&old.view, cursor));
            self.cursor = at
                .filter(|_| self.is_kept && view.begin_ns == old.view.begin_ns)
                .and_then(|(cpu, at_ns)| at_time(view, cpu, at_ns));
        }
        true
    }

    fn update(&mut self, ctx: &Context<Self>, message: Message) -> bool {
        match message {
            Message::Redraw => self.redraw_soon(ctx),
            Message::Draw => {
                self.frame = None;
                self.draw_now(ctx);
            }
            Message::Hover(event) => {
                let under = self.under(ctx, &event);
                if under.is_some() || !self.is_kept {
                    return self.point(ctx, under, false);
                }
            }
            Message::Leave => return !self.is_kept && self.point(ctx, None, false),
            Message::Click(event) => {
                let under = self.under(ctx, &event);
                self.point(ctx, under, true);
                self.inspect(ctx);
                return true;
            }
            Message::Key(event) => return self.key(ctx, &event),
            Message::Wheel(event) => self.wheel(ctx, &event),
            Message::Zoom(factor) => self.zoom(ctx, factor),
            Message::All => ctx.props().act.emit(Action::Sched(Own::Look(None))),
        }
        false
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let LanesProps { view, window, .. } = ctx.props();
        let under = self.cursor.and_then(|cursor| told(view, cursor));
        let button = |label: &'static str, path, message: fn() -> Message| {
            let onclick = link.callback(move |_| message());
            html! { <button class="tool" aria-label={label} title={label} {onclick}>{ icon(path) }</button> }
        };
        let label = words::sched::lanes(view.sentence());
        html! {
            <>
                <div class="sched-lanes">
                    <canvas ref={self.canvas.clone()} id="sched-lanes" tabindex="0"
                        role="application" aria-roledescription={words::sched::lanes_role()} aria-label={label}
                        aria-describedby="sched-span"
                        data-step={view.step.to_string()}
                        data-switches={view.switches.to_string()}
                        data-spans={view.spans.len().to_string()}
                        data-columns={view.columns.to_string()}
                        data-from={window.from.to_string()} data-to={window.to.to_string()}
                        onmousemove={link.callback(Message::Hover)}
                        onmouseleave={link.callback(|_| Message::Leave)}
                        onclick={link.callback(Message::Click)}
                        onkeydown={link.callback(Message::Key)}
                        onfocus={link.callback(|_| Message::Redraw)}
                        onblur={link.callback(|_| Message::Redraw)} />
                    <div class="sched-zoom" role="group" aria-label={words::sched::zoom()}>
                        { button(words::sched::closer(), icons::PLUS, || Message::Zoom(ZOOM_STEP)) }
                        { button(words::sched::further(), icons::MINUS, || Message::Zoom(1.0 / ZOOM_STEP)) }
                        { button(words::sched::all(), icons::FIT, || Message::All) }
                    </div>
                </div>
                <p class="sched-under mono" id="sched-span" aria-live="polite">
                    if let Some(under) = under {
                        { under }
                    } else {
                        <span class="quiet">
                            { words::sched::lanes_way() }
                        </span>
                    }
                </p>
            </>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first && let Some(canvas) = self.canvas.cast::<HtmlCanvasElement>() {
            let link = ctx.link();
            self.watch = Some(Watch::new(&canvas, link.callback(|()| Message::Redraw)));
            // Yew listens passively to the wheel; zooming must keep the page from scrolling.
            let wheel = link.callback(Message::Wheel);
            let options = EventListenerOptions::enable_prevent_default();
            let listener =
                EventListener::new_with_options(&canvas, "wheel", options, move |event| {
                    event.prevent_default();
                    wheel.emit(event.clone().unchecked_into());
                });
            self.wheel = Some(listener);
            self.draw_now(ctx);
        } else {
            self.redraw_soon(ctx);
        }
    }
}

impl Lanes {
    fn redraw_soon(&mut self, ctx: &Context<Self>) {
        if self.frame.is_none() {
            let link = ctx.link().clone();
            self.frame = NextFrame::new(move || link.send_message(Message::Draw));
        }
    }

    fn scale(&self, ctx: &Context<Self>) -> Option<Scale> {
        let canvas = self.canvas.cast::<HtmlCanvasElement>()?;
        Some(Scale {
            window: ctx.props().window,
            width: canvas.client_width().into(),
        })
    }

    fn draw_now(&mut self, ctx: &Context<Self>) {
        let LanesProps { view, lit, .. } = ctx.props();
        let (Some(canvas), Some(scale)) =
            (self.canvas.cast::<HtmlCanvasElement>(), self.scale(ctx))
        else {
            return;
        };
        let element: &HtmlElement = &canvas;
        // The style is set through the CSSOM, which the content security policy allows.
        let _ = element
            .style()
            .set_property("height", &format!("{}px", height(view.cpus)));
        let Some(surface) = Surface::of(&canvas) else {
            return;
        };
        let drawn = draw(&canvas, &surface, view, scale, self.cursor, lit);
        // An attribute of a canvas in the page can be set.
        let _ = canvas.set_attribute("data-drawn", &drawn.to_string());
    }

    /// What is under the mouse.
    fn under(&self, ctx: &Context<Self>, event: &MouseEvent) -> Option<Cursor> {
        let view = &ctx.props().view;
        let scale = self.scale(ctx)?;
        let (x, y) = place(event);
        let cpu = (0..view.cpus).find(|cpu| {
            let top = top(*cpu);
            (top - WAKES..top + BOX).contains(&y)
        })?;
        if y < top(cpu) {
            let distance = |at_ns: u64| (scale.x(at_ns) - x).abs();
            let near = view.wakes.iter().enumerate();
            let near = near.filter(|(_, wake)| wake.cpu == cpu && distance(wake.at_ns) < NEAR);
            let nearest = near.min_by(|a, b| distance(a.1.at_ns).total_cmp(&distance(b.1.at_ns)));
            return nearest.map(|(number, _)| Cursor::Wake(number));
        }
        at_time(view, cpu, scale.time(x))
    }

    fn point(&mut self, ctx: &Context<Self>, cursor: Option<Cursor>, is_kept: bool) -> bool {
        let is_new = cursor != self.cursor;
        self.cursor = cursor;
        self.is_kept = is_kept && cursor.is_some();
        if is_new {
            self.redraw_soon(ctx);
        }
        is_new
    }

    /// Opens the task that is pointed at in the inspector.
    fn inspect(&self, ctx: &Context<Self>) {
        let props = ctx.props();
        let task = self.cursor.and_then(|cursor| match cursor {
            Cursor::Span(number) => props.view.spans.get(number).map(|span| span.task),
            Cursor::Wake(number) => props.view.wakes.get(number).map(|wake| wake.task),
            Cursor::Column(..) => None,
        });
        let task = task.and_then(|task| props.view.tasks.get(task as usize));
        // The one that stands for a crowd is nobody.
        let task = task.filter(|task| task.pid > 0);
        if let Some(task) = task {
            props.act.emit(Action::Inquiry(Inquiry::Inspect(task.at)));
        }
    }

    fn look(&self, ctx: &Context<Self>, window: Window) {
        let all = Window::all(&ctx.props().view);
        let window = (window != all).then_some(window);
        ctx.props().act.emit(Action::Sched(Own::Look(window)));
    }

    /// Zooms around what is pointed at, or the middle.
    fn zoom(&self, ctx: &Context<Self>, factor: f64) {
        let LanesProps { view, window, .. } = ctx.props();
        let at = self.cursor.filter(|_| self.is_kept);
        let at = at.and_then(|cursor| when(view, cursor)).map(|it| it.1);
        let share = match at {
            Some(at) if (window.from..window.to).contains(&at) => {
                (at - window.from) as f64 / window.length() as f64
            }
            _ => 0.5,
        };
        self.look(ctx, window.zoom(view, factor, share));
    }

    fn wheel(&self, ctx: &Context<Self>, event: &WheelEvent) {
        let LanesProps { view, window, .. } = ctx.props();
        let Some(scale) = self.scale(ctx) else { return };
        let lines = match event.delta_mode() {
            WheelEvent::DOM_DELTA_LINE => 16.0,
            _ => 1.0,
        };
        let (dx, dy) = (event.delta_x() * lines, event.delta_y() * lines);
        let window = if event.shift_key() || dx.abs() > dy.abs() {
            let by = if dx == 0.0 { dy } else { dx };
            window.pan(view, by / scale.width.max(1.0))
        } else {
            let factor = (-dy / 300.0).clamp(-1.0, 1.0).exp();
            window.zoom(view, factor, scale.share(place(event).0))
        };
        self.look(ctx, window);
    }

    fn key(&mut self, ctx: &Context<Self>, event: &KeyboardEvent) -> bool {
        if event.alt_key() || event.ctrl_key() || event.meta_key() {
            return false;
        }
        let LanesProps { view, window, .. } = ctx.props();
        let (view, window) = (view.clone(), *window);
        let key = event.key();
        let step = match key.as_str() {
            "+" | "=" => {
                self.zoom(ctx, ZOOM_STEP);
                None
            }
            "-" | "_" => {
                self.zoom(ctx, 1.0 / ZOOM_STEP);
                None
            }
            "0" => {
                self.look(ctx, Window::all(&view));
                None
            }
            "Enter" | " " => {
                self.inspect(ctx);
                None
            }
            "ArrowLeft" | "ArrowRight" if event.shift_key() => {
                let by = if key == "ArrowLeft" { -1.0 } else { 1.0 };
                self.look(ctx, window.pan(&view, by * PAN_STEP));
                None
            }
            "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" | "Home" | "End" => Some(key),
            _ => return false,
        };
        event.prevent_default();
        let Some(step) = step else { return false };
        let target = walk(&view, window, self.cursor, &step);
        if let Some((_, at_ns)) = target.and_then(|target| when(&view, target)) {
            let shown = window.reveal(&view, at_ns);
            if shown != window {
                self.look(ctx, shown);
            }
        }
        target.is_some() && self.point(ctx, target, true)
    }
}

/// Where a key leads.
fn walk(view: &TimelineView, window: Window, from: Option<Cursor>, key: &str) -> Option<Cursor> {
    let middle = window.from + window.length() / 2;
    let here = from.and_then(|cursor| when(view, cursor));
    let (cpu, at_ns) = here.unwrap_or((0, middle));
    match (key, from) {
        ("ArrowUp", _) => at_time(view, cpu.checked_sub(1)?, at_ns),
        ("ArrowDown", Some(_)) => at_time(view, cpu + 1, at_ns),
        ("ArrowLeft" | "ArrowRight", Some(cursor)) => {
            let by = if key == "ArrowLeft" { -1 } else { 1 };
            match cursor {
                Cursor::Column(cpu, column) => {
                    let column = column.checked_add_signed(by)?;
                    (column < view.columns).then_some(Cursor::Column(cpu, column))
                }
                Cursor::Wake(_) => at_time(view, cpu, at_ns),
                Cursor::Span(number) => {
                    let number = number.checked_add_signed(by as isize)?;
                    let span = view.spans.get(number)?;
                    (span.cpu == cpu).then_some(Cursor::Span(number))
                }
            }
        }
        ("Home", _) => at_time(view, cpu, view.from_ns),
        ("End", _) => at_time(view, cpu, view.to_ns.saturating_sub(1)),
        // The first key leads to the middle of what is shown.
        _ => at_time(view, 0, at_ns),
    }
}

/// The CPU and the time of what is pointed at.
fn when(view: &TimelineView, cursor: Cursor) -> Option<(u32, u64)> {
    Some(match cursor {
        Cursor::Span(number) => {
            let span = view.spans.get(number)?;
            (span.cpu, span.start_ns + (span.end_ns - span.start_ns) / 2)
        }
        Cursor::Wake(number) => {
            let wake = view.wakes.get(number)?;
            (wake.cpu, wake.at_ns)
        }
        Cursor::Column(cpu, column) => {
            let length = (view.to_ns - view.from_ns) as f64;
            let share = (f64::from(column) + 0.5) / f64::from(view.columns.max(1));
            (cpu, view.from_ns + (length * share) as u64)
        }
    })
}

/// What stands on a CPU at a point of time, or nearest to it.
fn at_time(view: &TimelineView, cpu: u32, at_ns: u64) -> Option<Cursor> {
    if cpu >= view.cpus {
        return None;
    }
    if view.columns > 0 {
        let share = at_ns.saturating_sub(view.from_ns) as f64 / (view.to_ns - view.from_ns) as f64;
        let column = (share * f64::from(view.columns)) as u32;
        return Some(Cursor::Column(cpu, column.min(view.columns - 1)));
    }
    let apart = |start: u64, end: u64| match at_ns {
        at if at < start => start - at,
        at => at.saturating_sub(end.saturating_sub(1)),
    };
    let spans = view.spans.iter().enumerate();
    let spans = spans.filter(|(_, span)| span.cpu == cpu);
    let nearest = spans.min_by_key(|(_, span)| apart(span.start_ns, span.end_ns));
    nearest.map(|(number, _)| Cursor::Span(number))
}

/// What is pointed at, in words.
fn told(view: &TimelineView, cursor: Cursor) -> Option<String> {
    Some(match cursor {
        Cursor::Span(number) => view.sentence_of(view.spans.get(number)?),
        Cursor::Wake(number) => {
            let wake = view.wakes.get(number)?;
            let verb = match (wake.is_new, wake.preempts) {
                (true, _) => words::sched::begins(),
                (_, true) => words::sched::wakes_takes(),
                _ => words::sched::wakes_waits(),
            };
            words::sched::wake(wake.cpu, view.time(wake.at_ns), view.name(wake.task), verb)
        }
        Cursor::Column(cpu, column) => {
            let length = view.to_ns - view.from_ns;
            let edge = |column: u32| {
                let share = f64::from(column) / f64::from(view.columns.max(1));
                view.from_ns + (length as f64 * share) as u64
            };
            let (from, to) = (edge(column), edge(column + 1));
            let mut text = words::sched::column_from(cpu, view.time(from), view.time(to));
            let parts = view.merged.iter();
            let parts = parts.filter(|part| (part.cpu, part.column) == (cpu, column));
            let mut is_idle = true;
            for part in parts {
                if !is_idle {
                    text.push_str(", ");
                }
                is_idle = false;
                let share = permille(part.ns, (to - from).max(1)).min(1000);
                text.push_str(&words::sched::column_part(view.name(part.task), share / 10));
            }
            if is_idle {
                text.push_str(words::sched::idle());
            }
            text.push_str(words::sched::look_closer());
            text
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use labs::view::{Ended, Span, TimelineTask};

    fn view() -> TimelineView {
        let span = |cpu, task, start_ns, end_ns| Span {
            cpu,
            task,
            start_ns,
            end_ns,
            lead_ns: 0,
            ended: Ended::Yielded,
        };
        TimelineView {
            end_ns: 100,
            to_ns: 100,
            cpus: 2,
            tasks: vec![TimelineTask::default(); 2],
            spans: vec![
                span(0, 0, 0, 30),
                span(0, 1, 30, 100),
                span(1, 1, 10, 20),
                span(1, 0, 40, 50),
            ],
            ..TimelineView::default()
        }
    }

    fn go(view: &TimelineView, from: Option<Cursor>, key: &str) -> Option<Cursor> {
        walk(view, Window::all(view), from, key)
    }

    #[test]
    fn keys_walk_over_turns() {
        let view = view();
        assert_eq!(go(&view, None, "ArrowRight"), Some(Cursor::Span(1)));
        assert_eq!(
            go(&view, Some(Cursor::Span(1)), "ArrowLeft"),
            Some(Cursor::Span(0))
        );
        assert_eq!(go(&view, Some(Cursor::Span(1)), "ArrowRight"), None);
        assert_eq!(
            go(&view, Some(Cursor::Span(0)), "ArrowDown"),
            Some(Cursor::Span(2))
        );
        assert_eq!(
            go(&view, Some(Cursor::Span(3)), "ArrowUp"),
            Some(Cursor::Span(1))
        );
        assert_eq!(go(&view, Some(Cursor::Span(3)), "ArrowDown"), None);
        assert_eq!(
            go(&view, Some(Cursor::Span(3)), "Home"),
            Some(Cursor::Span(2))
        );
        assert_eq!(
            go(&view, Some(Cursor::Span(2)), "End"),
            Some(Cursor::Span(3))
        );
    }

    #[test]
    fn keys_walk_over_columns() {
        let mut view = view();
        view.columns = 10;
        let middle = go(&view, None, "ArrowDown");
        assert_eq!(middle, Some(Cursor::Column(0, 5)));
        assert_eq!(go(&view, middle, "ArrowRight"), Some(Cursor::Column(0, 6)));
        assert_eq!(go(&view, middle, "ArrowDown"), Some(Cursor::Column(1, 5)));
        let end = go(&view, middle, "End");
        assert_eq!(end, Some(Cursor::Column(0, 9)));
        assert_eq!(go(&view, end, "ArrowRight"), None);
        let said = told(&view, Cursor::Column(0, 5));
        assert!(said.is_some_and(|said| said.contains("idle")));
    }
}
