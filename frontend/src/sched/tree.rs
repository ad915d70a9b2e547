//! A CPU's queue as a tree that can be walked: the component that owns the cursor.
//!
//! Drawing is [`tree_draw`](super::tree_draw)'s. The canvas is as high as the tree needs; a tree that
//! is too wide is pushed aside as the cursor walks. What the cursor is on is said below, in words.

use std::rc::Rc;

use labs::view::{EntityView, QueueView, Reason, SchedView};
use web_sys::{HtmlCanvasElement, HtmlElement, KeyboardEvent, MouseEvent};
use yew::{Component, Context, Html, NodeRef, Properties, html};

use super::layout::{Layout, Step, step};
use super::tree_draw::{Scene, draw, running_at};
use crate::canvas::{NextFrame, Surface, Watch, place};
use crate::choices::Theme;
use crate::state::Action;
use crate::state::inquiry::{Action as Inquiry, lit::Lit};
use crate::state::sched::Action as Own;

#[derive(Properties, PartialEq)]
pub struct TreeProps {
    /// The language in which it is drawn.
    #[prop_or_else(words::language)]
    pub language: words::Language,
    pub view: Rc<SchedView>,
    /// CPU.
    pub cpu: usize,
    /// The path of the group whose queue is open.
    pub open: Option<Rc<str>>,
    /// The reason that is looked at: it shows its own queue.
    pub reason: Option<Reason>,
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
}

pub struct Tree {
    canvas: NodeRef,
    /// The entity that is pointed at, by its handle.
    cursor: Option<u32>,
    /// It was reached by keys, and stays when the mouse leaves.
    is_kept: bool,
    frame: Option<NextFrame>,
    watch: Option<Watch>,
}

impl Component for Tree {
    type Message = Message;
    type Properties = TreeProps;

    fn create(_: &Context<Self>) -> Self {
        Tree {
            canvas: NodeRef::default(),
            cursor: None,
            is_kept: false,
            frame: None,
            watch: None,
        }
    }

    fn update(&mut self, ctx: &Context<Self>, message: Message) -> bool {
        match message {
            Message::Redraw => self.redraw_soon(ctx),
            Message::Draw => {
                self.frame = None;
                self.draw_now(ctx);
            }
            Message::Hover(event) => {
                if let Some(at) = self.under(ctx, &event) {
                    return self.point(ctx, Some(at), false);
                }
                return !self.is_kept && self.point(ctx, None, false);
            }
            Message::Leave => return !self.is_kept && self.point(ctx, None, false),
            Message::Click(event) => {
                if let Some(at) = self.under(ctx, &event) {
                    self.point(ctx, Some(at), true);
                    self.enter(ctx);
                    return true;
                }
            }
            Message::Key(event) => return self.key(ctx, &event),
        }
        false
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let link = ctx.link();
        let props = ctx.props();
        let number = props.cpu;
        let queue = queue(props);
        let under = queue.and_then(|queue| Some(queue.words(queue.entity(self.cursor?)?)));
        let nodes = queue.map_or(0, |queue| queue.nodes.len());
        let label = match queue {
            Some(queue) => words::sched::tree(number, &queue.path, nodes),
            None => words::sched::tree_none(number),
        };
        let next = queue.and_then(|queue| queue.nodes.first());
        html! {
            <>
                <canvas ref={self.canvas.clone()} class="sched-tree" id={format!("sched-tree-{number}")}
                    tabindex="0" role="application" aria-roledescription={words::sched::tree_role()}
                    aria-label={label} aria-describedby={format!("sched-under-{number}")}
                    data-nodes={nodes.to_string()}
                    data-queue={queue.map(|queue| queue.path.clone())}
                    data-next={next.map(|next| next.label.clone())}
                    data-at={self.cursor.map(|at| at.to_string())}
                    onmousemove={link.callback(Message::Hover)}
                    onmouseleave={link.callback(|_| Message::Leave)}
                    onclick={link.callback(Message::Click)}
                    onkeydown={link.callback(Message::Key)}
                    onfocus={link.callback(|_| Message::Redraw)}
                    onblur={link.callback(|_| Message::Redraw)} />
                <p class="sched-under mono" id={format!("sched-under-{number}")} aria-live="polite">
                    if let Some(under) = under {
                        { under }
                    } else {
                        <span class="quiet">{ self.summary(queue) }</span>
                    }
                </p>
            </>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first && let Some(canvas) = self.canvas.cast::<HtmlCanvasElement>() {
            let redraw = ctx.link().callback(|()| Message::Redraw);
            self.watch = Some(Watch::new(&canvas, redraw));
            self.draw_now(ctx);
        } else {
            self.redraw_soon(ctx);
        }
    }
}

/// The queue that is shown: the one that the reason is about, or that of the open group.
fn queue(props: &TreeProps) -> Option<&QueueView> {
    let cpu = props.view.cpus.get(props.cpu)?;
    match (&props.reason, &props.open) {
        (Some(reason), _) => cpu.queues.get(reason.queue),
        (None, Some(path)) => cpu.queues.iter().find(|queue| *queue.path == **path),
        (None, None) => cpu.queues.first(),
    }
}

impl Tree {
    fn redraw_soon(&mut self, ctx: &Context<Self>) {
        if self.frame.is_none() {
            let link = ctx.link().clone();
            self.frame = NextFrame::new(move || link.send_message(Message::Draw));
        }
    }

    /// What is said while nothing is pointed at.
    fn summary(&self, queue: Option<&QueueView>) -> String {
        let Some(queue) = queue else {
            return words::sched::nobody_here().to_string();
        };
        match queue.left_out {
            0 => words::sched::tree_way().to_string(),
            left => words::sched::left_out(left),
        }
    }

    /// The place of what is pointed at, or of what the reason is about: `Some(None)` is who runs.
    fn place(&self, queue: &QueueView, at: Option<u32>) -> Option<Option<usize>> {
        let at = at?;
        if queue.running.as_ref().is_some_and(|it| it.at == at) {
            return Some(None);
        }
        let node = queue.nodes.iter().position(|node| node.at == at);
        node.map(Some)
    }

    fn layout(&self, ctx: &Context<Self>) -> Option<Layout> {
        let canvas = self.canvas.cast::<HtmlCanvasElement>()?;
        let props = ctx.props();
        let queue = queue(props)?;
        let told = props.reason.as_ref().map(|reason| reason.at);
        let focus = self
            .place(queue, self.cursor.filter(|_| self.is_kept).or(told))
            .flatten();
        Some(Layout::new(queue, canvas.client_width().into(), focus))
    }

    fn draw_now(&mut self, ctx: &Context<Self>) {
        let props = ctx.props();
        let Some(canvas) = self.canvas.cast::<HtmlCanvasElement>() else {
            return;
        };
        let layout = self.layout(ctx).unwrap_or_default();
        // The style is set through the CSSOM, which the content security policy allows.
        let element: &HtmlElement = &canvas;
        let style = element.style();
        let _ = style.set_property("height", &format!("{}px", layout.height()));
        let Some(surface) = Surface::of(&canvas) else {
            return;
        };
        let Some(queue) = queue(props) else { return };
        let scene = Scene {
            queue,
            layout: &layout,
            cursor: self.place(queue, self.cursor),
            told: self.place(queue, props.reason.as_ref().map(|reason| reason.at)),
            lit: &props.lit,
        };
        let drawn = draw(&canvas, &surface, &scene);
        // An attribute of a canvas in the page can be set.
        let _ = canvas.set_attribute("data-drawn", &drawn.to_string());
    }

    /// The entity under the mouse.
    fn under(&self, ctx: &Context<Self>, event: &MouseEvent) -> Option<u32> {
        let (x, y) = place(event);
        let queue = queue(ctx.props())?;
        if let Some(running) = &queue.running
            && running_at(x, y)
        {
            return Some(running.at);
        }
        let node = self.layout(ctx)?.node_at(x, y)?;
        queue.nodes.get(node).map(|node| node.at)
    }

    fn point(&mut self, ctx: &Context<Self>, at: Option<u32>, is_kept: bool) -> bool {
        let is_new = at != self.cursor;
        self.cursor = at;
        self.is_kept = is_kept && at.is_some();
        if is_new {
            self.redraw_soon(ctx);
        }
        is_new
    }

    fn entity<'a>(&self, ctx: &'a Context<Self>) -> Option<&'a EntityView> {
        queue(ctx.props())?.entity(self.cursor?)
    }

    /// Opens what is pointed at: a group's tree, or a task in the inspector.
    fn enter(&self, ctx: &Context<Self>) {
        let Some(entity) = self.entity(ctx) else {
            return;
        };
        ctx.props().act.emit(match entity.pid {
            0 => Action::Sched(Own::Open(Some(entity.label.clone()))),
            _ => Action::Inquiry(Inquiry::Inspect(entity.at)),
        });
    }

    fn key(&mut self, ctx: &Context<Self>, event: &KeyboardEvent) -> bool {
        if event.alt_key() || event.ctrl_key() || event.meta_key() {
            return false;
        }
        let props = ctx.props();
        let by = match event.key().as_str() {
            "ArrowLeft" => Step::Before,
            "ArrowRight" => Step::After,
            "ArrowUp" => Step::Parent,
            "ArrowDown" => Step::Child,
            "Home" => Step::First,
            "End" => Step::Last,
            key => {
                match key {
                    "Enter" | " " => self.enter(ctx),
                    "i" | "I" => {
                        if let Some(at) = self.cursor {
                            props.act.emit(Action::Inquiry(Inquiry::Inspect(at)));
                        }
                    }
                    "w" | "W" => self.ask(ctx),
                    "Escape" => match self.leave(ctx) {
                        Some(action) => props.act.emit(Action::Sched(action)),
                        None => return false,
                    },
                    _ => return false,
                }
                event.prevent_default();
                return true;
            }
        };
        event.prevent_default();
        let Some(queue) = queue(props) else {
            return false;
        };
        let target = match self.place(queue, self.cursor) {
            Some(place) => step(queue, place, by),
            None if matches!(by, Step::Last) => step(queue, None, by),
            None => step(queue, None, Step::First),
        };
        let Some(target) = target else { return false };
        let entity = match target {
            Some(node) => queue.nodes.get(node),
            None => queue.running.as_ref(),
        };
        self.point(ctx, entity.map(|entity| entity.at), true)
    }

    /// The next reason why the next one is next; after the last one, none.
    fn ask(&self, ctx: &Context<Self>) {
        let props = ctx.props();
        let Some(cpu) = props.view.cpus.get(props.cpu) else {
            return;
        };
        let reasons = cpu.why().0;
        let number = props.reason.as_ref().map_or(0, |looked_at| {
            let place = reasons.iter().position(|reason| reason == looked_at);
            place.map_or(0, |place| place + 1)
        });
        let why = (number < reasons.len()).then_some((cpu.cpu, number));
        props.act.emit(Action::Sched(Own::Why(why)));
    }

    /// What leads back: from the reasons to the queue, from a group to the one above.
    fn leave(&self, ctx: &Context<Self>) -> Option<Own> {
        let props = ctx.props();
        if props.reason.is_some() {
            return Some(Own::Why(None));
        }
        let path = props.open.as_ref()?;
        let groups = &props.view.groups;
        let group = groups.iter().find(|group| *group.path == **path);
        let above = group.and_then(|group| groups.get(group.parent? as usize));
        let above = above.filter(|above| above.parent.is_some());
        Some(Own::Open(above.map(|above| above.path.clone())))
    }
}
