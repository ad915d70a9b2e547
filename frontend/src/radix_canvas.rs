//! The radix tree as a picture that can be walked, moved and zoomed.
//!
//! Drawing is [`radix_draw`](crate::radix_draw)'s; this component owns the camera and the focused
//! node, and turns keys, wheel, mouse and fingers into moves of theirs. It draws when something
//! changed and then once, before the next frame. Facts about the last drawing are attributes of
//! the canvas (`data-nodes`, `data-drawn-nodes`, ...), for tests and for whoever scripts the page.

use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use labs::view::RadixView;
use wasm_bindgen::JsCast;
use web_sys::{HtmlCanvasElement, KeyboardEvent, PointerEvent, WheelEvent};
use yew::{AttrValue, Callback, Component, Context, Html, NodeRef, Properties, html};

use crate::canvas::{NextFrame, Surface, Watch, place};
use crate::choices::Theme;
use crate::icons::{self, icon};
use crate::radix_draw::{Camera, draw};
use crate::radix_layout::{Layout, Step};
use crate::state::Action;
use crate::state::inquiry::lit::Lit;

/// How far a press may move and still be a click, in pixels.
const CLICK_SLACK: f64 = 5.0;

/// How far an arrow key moves the picture, in pixels.
const PAN_STEP: f64 = 64.0;

/// How much a key or button zooms.
const ZOOM_STEP: f64 = 1.35;

#[derive(Properties, PartialEq)]
pub struct RadixCanvasProps {
    /// The language in which it is drawn.
    #[prop_or_else(words::language)]
    pub language: words::Language,
    /// The tree.
    pub view: Rc<RadixView>,
    /// The tree as a sentence, for those who cannot see it.
    pub sentence: AttrValue,
    /// The theme: another one means other colours.
    pub theme: Theme,
    /// Handle of the node whose slots are shown.
    pub open_node: Option<u32>,
    /// What is lit.
    pub lit: Rc<Lit>,
    pub act: Callback<Action>,
}

/// What happens to the picture.
pub enum Message {
    /// Draw in the next frame.
    Redraw,
    /// The next frame is due.
    Draw,
    Key(KeyboardEvent),
    Wheel(WheelEvent),
    Down(PointerEvent),
    Move(PointerEvent),
    Up(PointerEvent),
    /// Zoom around the middle.
    Zoom(f64),
    /// Show all of the tree.
    Fit,
}

/// A finger or a mouse button that is down.
struct Press {
    id: i32,
    x: f64,
    y: f64,
    /// How far it has come.
    way: f64,
}

pub struct RadixCanvas {
    canvas: NodeRef,
    layout: Layout,
    /// `None` shows all of the tree, whatever its size.
    camera: Option<Camera>,
    /// Where the focus is, as an index into the view's nodes.
    focus: Option<usize>,
    /// What the screen reader says of it.
    spoken: String,
    presses: Vec<Press>,
    frame: Option<NextFrame>,
    watch: Option<Watch>,
    wheel: Option<EventListener>,
}

impl Component for RadixCanvas {
    type Message = Message;
    type Properties = RadixCanvasProps;

    fn create(ctx: &Context<Self>) -> Self {
        RadixCanvas {
            canvas: NodeRef::default(),
            layout: Layout::new(&ctx.props().view.nodes),
            camera: None,
            focus: None,
            spoken: String::new(),
            presses: Vec::new(),
            frame: None,
            watch: None,
            wheel: None,
        }
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &RadixCanvasProps) -> bool {
        let view = &ctx.props().view;
        if !Rc::ptr_eq(view, &old.view) {
            // Keep the focus on its node while that lives, and the camera on its tree.
            let handle = self
                .focus
                .and_then(|focus| old.view.nodes.get(focus))
                .map(|node| node.node);
            self.layout = Layout::new(&view.nodes);
            self.focus = view.nodes.iter().position(|node| Some(node.node) == handle);
            if view.name != old.view.name {
                self.camera = None;
            }
        }
        let open = ctx.props().open_node;
        if open.is_some() && open != old.open_node {
            self.focus = view
                .nodes
                .iter()
                .position(|node| Some(node.node) == open)
                .or(self.focus);
            self.reveal_focus();
        }
        true
    }

    fn update(&mut self, ctx: &Context<Self>, message: Message) -> bool {
        match message {
            Message::Redraw => self.redraw_soon(ctx),
            Message::Draw => self.draw_now(ctx),
            Message::Zoom(factor) => self.zoom(ctx, factor, None),
            Message::Fit => {
                self.camera = None;
                self.redraw_soon(ctx);
            }
            Message::Wheel(event) => {
                let lines = if event.delta_mode() == WheelEvent::DOM_DELTA_LINE {
                    16.0
                } else {
                    1.0
                };
                let factor = (-event.delta_y() * lines / 360.0).clamp(-1.0, 1.0).exp();
                let point = place(&event);
                self.zoom(ctx, factor, Some(point));
            }
            Message::Down(event) => self.press(&event),
            Message::Move(event) => self.drag(ctx, &event),
            Message::Up(event) => return self.release(ctx, &event),
            Message::Key(event) => return self.key(ctx, &event),
        }
        false
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let view = &ctx.props().view;
        let button = |label: &'static str, path, message: fn() -> Message| {
            let onclick = link.callback(move |_| message());
            html! { <button class="tool" aria-label={label} title={label} {onclick}>{ icon(path) }</button> }
        };
        html! {
            <div class="picture">
                <canvas ref={self.canvas.clone()} id="radix-canvas" data-testid="radix-canvas"
                    tabindex="0" role="application" aria-roledescription={words::radix::title()}
                    aria-label={words::radix::picture(&ctx.props().sentence)}
                    aria-describedby="radix-focus"
                    data-tree={view.name.clone()} data-height={view.height.to_string()}
                    data-nodes={view.nodes.len().to_string()} data-items={view.items.to_string()}
                    data-path-length={view.path.len().to_string()}
                    onkeydown={link.callback(Message::Key)}
                    onfocus={link.callback(|_| Message::Redraw)}
                    onblur={link.callback(|_| Message::Redraw)}
                    onpointerdown={link.callback(Message::Down)}
                    onpointermove={link.callback(Message::Move)}
                    onpointerup={link.callback(Message::Up)}
                    onpointercancel={link.callback(Message::Up)} />
                <div class="zoom" role="group" aria-label={words::radix::zoom()}>
                    { button(words::radix::larger(), icons::PLUS, || Message::Zoom(ZOOM_STEP)) }
                    { button(words::radix::smaller(), icons::MINUS, || Message::Zoom(1.0 / ZOOM_STEP)) }
                    { button(words::radix::show_all(), icons::FIT, || Message::Fit) }
                </div>
                <p id="radix-focus" class="unseen" aria-live="polite">{ &self.spoken }</p>
            </div>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first && let Some(canvas) = self.element() {
            let link = ctx.link();
            self.watch = Some(Watch::new(&canvas, link.callback(|()| Message::Redraw)));
            // Yew listens passively to the wheel; zooming must keep the page from scrolling.
            let wheel = link.callback(Message::Wheel);
            let options = EventListenerOptions::enable_prevent_default();
            self.wheel = Some(EventListener::new_with_options(
                &canvas,
                "wheel",
                options,
                move |event| {
                    event.prevent_default();
                    wheel.emit(event.clone().unchecked_into());
                },
            ));
            self.draw_now(ctx);
        } else {
            self.redraw_soon(ctx);
        }
    }
}

impl RadixCanvas {
    fn element(&self) -> Option<HtmlCanvasElement> {
        self.canvas.cast()
    }

    fn redraw_soon(&mut self, ctx: &Context<Self>) {
        if self.frame.is_none() {
            let link = ctx.link().clone();
            self.frame = NextFrame::new(move || link.send_message(Message::Draw));
        }
    }

    fn draw_now(&mut self, ctx: &Context<Self>) {
        self.frame = None;
        let Some(canvas) = self.element() else { return };
        let Some(surface) = Surface::of(&canvas) else {
            return;
        };
        let camera = self.camera(&canvas);
        let is_focused = canvas
            .owner_document()
            .and_then(|document| document.active_element());
        let is_focused = is_focused.is_some_and(|active| active == *canvas.as_ref());
        let is_open = ctx.props().open_node.is_some();
        let focus = self.focus.filter(|_| is_focused || is_open);
        let drawn = draw(
            &canvas,
            &surface,
            &ctx.props().view,
            &self.layout,
            camera,
            focus,
            &ctx.props().lit,
        );
        // An attribute of a canvas in the page can be set.
        let _ = canvas.set_attribute("data-drawn-nodes", &drawn.nodes.to_string());
        let _ = canvas.set_attribute("data-lit-nodes", &drawn.lit.to_string());
    }

    /// The camera, or the one that shows everything.
    fn camera(&self, canvas: &HtmlCanvasElement) -> Camera {
        let (width, height) = (canvas.client_width().into(), canvas.client_height().into());
        self.camera
            .unwrap_or_else(|| Camera::fit(&self.layout, width, height))
    }

    fn zoom(&mut self, ctx: &Context<Self>, factor: f64, point: Option<(f64, f64)>) {
        let Some(canvas) = self.element() else { return };
        let middle = (
            f64::from(canvas.client_width()) / 2.0,
            f64::from(canvas.client_height()) / 2.0,
        );
        let (x, y) = point.unwrap_or(middle);
        self.camera = Some(self.camera(&canvas).zoom(factor, x, y));
        self.redraw_soon(ctx);
    }

    fn pan(&mut self, ctx: &Context<Self>, dx: f64, dy: f64) {
        let Some(canvas) = self.element() else { return };
        self.camera = Some(self.camera(&canvas).pan(dx, dy));
        self.redraw_soon(ctx);
    }

    fn press(&mut self, event: &PointerEvent) {
        // Drags go on outside the canvas. A pointer that cannot be captured just ends there.
        if let Some(canvas) = self.element() {
            let _ = canvas.set_pointer_capture(event.pointer_id());
        }
        let (x, y) = place(event);
        self.presses.push(Press {
            id: event.pointer_id(),
            x,
            y,
            way: 0.0,
        });
    }

    fn drag(&mut self, ctx: &Context<Self>, event: &PointerEvent) {
        let (x, y) = place(event);
        let other = self
            .presses
            .iter()
            .find(|press| press.id != event.pointer_id());
        let other = other.map(|press| (press.x, press.y));
        let Some(press) = self
            .presses
            .iter_mut()
            .find(|press| press.id == event.pointer_id())
        else {
            return;
        };
        let (dx, dy) = (x - press.x, y - press.y);
        let before = (press.x, press.y);
        (press.x, press.y) = (x, y);
        press.way += dx.hypot(dy);
        match other {
            Some(other) => {
                let distance = |point: (f64, f64)| (point.0 - other.0).hypot(point.1 - other.1);
                let factor = distance((x, y)).max(1.0) / distance(before).max(1.0);
                self.pan(ctx, dx / 2.0, dy / 2.0);
                self.zoom(
                    ctx,
                    factor,
                    Some(((x + other.0) / 2.0, (y + other.1) / 2.0)),
                );
            }
            None if press.way > CLICK_SLACK => self.pan(ctx, dx, dy),
            None => {}
        }
    }

    fn release(&mut self, ctx: &Context<Self>, event: &PointerEvent) -> bool {
        let Some(at) = self
            .presses
            .iter()
            .position(|press| press.id == event.pointer_id())
        else {
            return false;
        };
        let press = self.presses.remove(at);
        if press.way > CLICK_SLACK || event.type_() == "pointercancel" {
            return false;
        }
        let Some(canvas) = self.element() else {
            return false;
        };
        let (x, y) = self.camera(&canvas).plane(press.x, press.y);
        let Some(node) = self.layout.node_at(x, y) else {
            return false;
        };
        self.focus_on(ctx, node);
        self.open_focus(ctx);
        true
    }

    fn key(&mut self, ctx: &Context<Self>, event: &KeyboardEvent) -> bool {
        if event.alt_key() || event.ctrl_key() || event.meta_key() {
            return false;
        }
        let step = match event.key().as_str() {
            "+" | "=" => return self.done(event, |this| this.zoom(ctx, ZOOM_STEP, None)),
            "-" | "_" => return self.done(event, |this| this.zoom(ctx, 1.0 / ZOOM_STEP, None)),
            "0" => {
                return self.done(event, |this| {
                    this.camera = None;
                    this.redraw_soon(ctx);
                });
            }
            "Enter" | " " => return self.done(event, |this| this.open_focus(ctx)),
            "Escape" if ctx.props().open_node.is_some() => {
                return self.done(event, |_| ctx.props().act.emit(Action::OpenNode(None)));
            }
            "ArrowUp" => (Step::Parent, 0.0, PAN_STEP),
            "ArrowDown" => (Step::Child, 0.0, -PAN_STEP),
            "ArrowLeft" => (Step::Previous, PAN_STEP, 0.0),
            "ArrowRight" => (Step::Next, -PAN_STEP, 0.0),
            "Home" => {
                return self.done(event, |this| this.focus_on(ctx, 0));
            }
            _ => return false,
        };
        let (step, dx, dy) = step;
        self.done(event, |this| {
            if event.shift_key() {
                return this.pan(ctx, dx, dy);
            }
            let nodes = &ctx.props().view.nodes;
            let target = match this.focus {
                None => (!nodes.is_empty()).then_some(0),
                Some(focus) => this.layout.step(nodes, focus, step),
            };
            if let Some(target) = target {
                this.focus_on(ctx, target);
            }
        })
    }

    /// Acts on a key that is ours; asks to be drawn again, as the spoken text may have changed.
    fn done(&mut self, event: &KeyboardEvent, act: impl FnOnce(&mut Self)) -> bool {
        event.prevent_default();
        act(self);
        true
    }

    fn focus_on(&mut self, ctx: &Context<Self>, node: usize) {
        let Some(focused) = ctx.props().view.nodes.get(node) else {
            return;
        };
        self.focus = Some(node);
        self.spoken = focused.sentence();
        if ctx.props().open_node.is_some() {
            ctx.props().act.emit(Action::OpenNode(Some(focused.node)));
        }
        self.reveal_focus();
        self.redraw_soon(ctx);
    }

    fn open_focus(&mut self, ctx: &Context<Self>) {
        let node = self
            .focus
            .and_then(|focus| ctx.props().view.nodes.get(focus));
        if let Some(node) = node {
            ctx.props().act.emit(Action::OpenNode(Some(node.node)));
        }
    }

    /// Moves the picture so that the focused node is in it.
    fn reveal_focus(&mut self) {
        let Some(canvas) = self.element() else { return };
        let Some(corner) = self.focus.and_then(|focus| self.layout.corners.get(focus)) else {
            return;
        };
        let camera = self.camera(&canvas);
        let (x, y) = camera.screen(*corner);
        let inside = |at: f64, extent: f64| {
            let (low, high) = (28.0, extent - camera.scale - 12.0);
            if high < low {
                (extent - camera.scale) / 2.0
            } else {
                at.clamp(low, high)
            }
        };
        let dx = inside(x, canvas.client_width().into()) - x;
        let dy = inside(y, canvas.client_height().into()) - y;
        if dx != 0.0 || dy != 0.0 {
            self.camera = Some(camera.pan(dx, dy));
        }
    }
}
