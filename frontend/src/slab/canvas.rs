//! The picture of a cache's slabs, and the film of a defragmentation on the same canvas.
//!
//! A cache may have thousands of objects, so only what is in view is drawn: the canvas stays in
//! sight (`position: sticky`) while the room around it, which is as high as all slabs together,
//! scrolls behind it.

use std::rc::Rc;

use labs::view::{CacheSlabsView, ObjectView, PlaceState, SlabList, SlabPage, View};
use web_sys::{
    Element, HtmlCanvasElement, HtmlElement, HtmlInputElement, HtmlSelectElement, KeyboardEvent,
    MouseEvent,
};
use yew::{Component, Context, Event, Html, InputEvent, NodeRef, Properties, TargetCast, html};

use super::chains::{Chains, Holder, find, list_text};
use super::draw::{Accent, Brush};
use super::film::{Film, Presence, Still};
use super::meters::meters;
use super::plan::Plan;
use crate::canvas::{NextFrame, Surface, Watch, is_calm, place, zoom};
use crate::choices::Theme;
use crate::icons::{self, icon};
use crate::state::Action;
use crate::state::inquiry::{Action as Inquiry, lit::Lit};
use crate::state::slabs::Action as Own;

/// Scenes a second that can be chosen.
const SPEEDS: [u32; 5] = [1, 4, 16, 64, 256];
/// What the inspector knows of an object beyond its own fields, and is told of whoever has it.
const TOLD: [&str; 4] = ["(owner)", "(kept by)", "(allocated)", "(freed)"];
/// The fastest speed at which objects are seen flying.
const FLIGHT_MAX: u32 = 16;

#[derive(Properties, PartialEq)]
pub struct SlabCanvasProps {
    /// The language in which it is drawn.
    #[prop_or_else(words::language)]
    pub language: words::Language,
    /// The cache; while a film is shown, the cache at its end.
    pub view: Rc<CacheSlabsView>,
    /// What defragmentation did, if that is shown.
    pub film: Option<Rc<Film>>,
    /// What scrolls away above the picture.
    pub above: Html,
    /// What the kernel says of the object that is pointed at.
    pub object: Option<Rc<ObjectView>>,
    pub lit: Rc<Lit>,
    /// Drawn again when it changes: the custom properties then have other colours.
    pub theme: Theme,
    pub act: yew::Callback<Action>,
}

pub enum Message {
    Redraw,
    Draw(f64),
    Hover(MouseEvent),
    Leave,
    Click(MouseEvent),
    Key(KeyboardEvent),
    /// Show this scene.
    Scene(usize),
    /// Play, or pause.
    Toggle,
    Speed(u32),
}

/// Since when the film runs.
#[derive(Clone, Copy)]
struct Clock {
    /// The scene that was shown then.
    scene: usize,
    /// When that was, in milliseconds; `None` until the first frame comes.
    since_ms: Option<f64>,
}

pub struct SlabCanvas {
    canvas: NodeRef,
    room: NodeRef,
    scroll: NodeRef,
    chains: Chains,
    /// The object that is pointed at: slab and place.
    cursor: Option<(usize, usize)>,
    scene: usize,
    still: Option<Still>,
    clock: Option<Clock>,
    /// How much of the scene's time is over.
    share: f64,
    speed: u32,
    frame: Option<NextFrame>,
    watch: Option<Watch>,
}

impl Component for SlabCanvas {
    type Message = Message;
    type Properties = SlabCanvasProps;

    fn create(ctx: &Context<Self>) -> Self {
        let mut canvas = SlabCanvas {
            canvas: NodeRef::default(),
            room: NodeRef::default(),
            scroll: NodeRef::default(),
            chains: Chains::new(&ctx.props().view),
            cursor: None,
            scene: 0,
            still: None,
            clock: None,
            share: 1.0,
            speed: 4,
            frame: None,
            watch: None,
        };
        canvas.show(ctx, 0);
        canvas
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &SlabCanvasProps) -> bool {
        let props = ctx.props();
        if !Rc::ptr_eq(&props.view, &old.view) {
            self.chains = Chains::new(&props.view);
        }
        if props.film != old.film {
            self.cursor = None;
            self.clock = None;
            self.show(ctx, 0);
        } else if let Some((slab, place)) = self.cursor {
            // The same place, while it is shown.
            let at = place_at(&old.view.slabs, slab, place);
            self.cursor = at.and_then(|at| find(slabs(props), at));
        }
        true
    }

    fn update(&mut self, ctx: &Context<Self>, message: Message) -> bool {
        match message {
            Message::Redraw => self.redraw_soon(ctx),
            Message::Draw(now_ms) => {
                self.frame = None;
                let is_new = self.tick(ctx, now_ms);
                self.draw_now(ctx);
                if self.clock.is_some() {
                    self.redraw_soon(ctx);
                }
                return is_new;
            }
            Message::Hover(event) => return self.point(ctx, self.under(ctx, &event)),
            Message::Leave => return self.point(ctx, None),
            Message::Click(event) => {
                let is_new = self.point(ctx, self.under(ctx, &event));
                self.inspect(ctx);
                return is_new;
            }
            Message::Key(event) => return self.key(ctx, &event),
            Message::Scene(scene) => {
                self.clock = None;
                self.show(ctx, scene);
                self.reveal(ctx, self.still.as_ref().and_then(|still| still.focus));
                return true;
            }
            Message::Toggle => {
                self.toggle(ctx);
                return true;
            }
            Message::Speed(speed) => {
                self.speed = speed;
                let scene = self.scene;
                self.clock = self.clock.map(|_| Clock {
                    scene,
                    since_ms: None,
                });
                return true;
            }
        }
        false
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let props = ctx.props();
        let link = ctx.link();
        let slabs = slabs(props);
        let under = self.cursor.and_then(|(slab, place)| {
            let slab = slabs.get(slab)?;
            Some(self.chains.text(slab, place))
        });
        let at = self
            .cursor
            .and_then(|(slab, place)| place_at(slabs, slab, place));
        let object = props.object.as_ref().filter(|object| {
            at.is_some_and(|at| object.at <= at && at < object.at + object.size.div_ceil(8).max(1))
        });
        let objects: usize = slabs.iter().map(|slab| slab.places.len()).sum();
        let sentence = match &props.film {
            Some(film) => film.view.sentence(),
            None => props.view.sentence(),
        };
        let (keys, way) = match props.film {
            Some(_) => (words::slab::film_keys(), words::slab::film_way()),
            None => (words::slab::picture_keys(), words::slab::picture_way()),
        };
        html! {
            <>
                if let Some(film) = &props.film { { self.controls(ctx, film) } }
                <div class="scroll slab-scroll" ref={self.scroll.clone()}
                    onscroll={link.callback(|_: Event| Message::Redraw)}>
                    { props.above.clone() }
                    <div class="slab-room" ref={self.room.clone()}>
                        <canvas ref={self.canvas.clone()} id="slab-canvas" tabindex="0"
                            role="application" aria-roledescription={words::slab::picture_role()}
                            aria-label={[&*sentence, ". ", keys].concat()}
                            data-slabs={slabs.len().to_string()} data-objects={objects.to_string()}
                            data-scene={self.scene.to_string()}
                            data-at={at.map(|at| at.to_string())}
                            onmousemove={link.callback(Message::Hover)}
                            onmouseleave={link.callback(|_| Message::Leave)}
                            onclick={link.callback(Message::Click)}
                            onkeydown={link.callback(Message::Key)}
                            onblur={link.callback(|_| Message::Redraw)} />
                    </div>
                </div>
                <p class="slab-under mono" id="slab-under" aria-live="polite">
                    if let Some(under) = under {
                        { under }
                        if let Some(object) = object { <span class="quiet">{ owner(object) }</span> }
                    } else {
                        <span class="quiet">{ way }</span>
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

impl SlabCanvas {
    fn redraw_soon(&mut self, ctx: &Context<Self>) {
        if self.frame.is_none() {
            let link = ctx.link().clone();
            self.frame = NextFrame::new(move || link.send_message(Message::Draw(now_ms())));
        }
    }

    /// Shows a scene of the film.
    fn show(&mut self, ctx: &Context<Self>, scene: usize) {
        let film = ctx.props().film.as_ref();
        self.scene = film.map_or(0, |film| scene.min(film.last()));
        self.still = film.map(|film| film.still(self.scene));
        self.share = 1.0;
    }

    fn toggle(&mut self, ctx: &Context<Self>) {
        let Some(film) = &ctx.props().film else {
            return;
        };
        if self.clock.take().is_some() {
            self.share = 1.0;
            return;
        }
        if self.scene == film.last() {
            // At its end a film starts again.
            self.show(ctx, 0);
        }
        self.clock = Some(Clock {
            scene: self.scene,
            since_ms: None,
        });
    }

    /// Goes on to the scene that is due. Returns whether it is another one.
    fn tick(&mut self, ctx: &Context<Self>, now_ms: f64) -> bool {
        let (Some(clock), Some(film)) = (&mut self.clock, &ctx.props().film) else {
            return false;
        };
        let since_ms = *clock.since_ms.get_or_insert(now_ms);
        let due = (now_ms - since_ms) * f64::from(self.speed) / 1000.0;
        let scene = clock.scene + due as usize;
        let share = due.fract();
        let is_new = scene != self.scene;
        if is_new {
            self.show(ctx, scene);
            self.reveal(ctx, self.still.as_ref().and_then(|still| still.focus));
        }
        self.share = share;
        if self.scene == film.last() {
            self.clock = None;
            self.share = 1.0;
        }
        is_new
    }

    fn plan(&self, ctx: &Context<Self>) -> Option<Plan> {
        let canvas = self.canvas.cast::<HtmlCanvasElement>()?;
        let props = ctx.props();
        let slabs = slabs(props);
        let most = slabs.iter().map(|slab| slab.places.len()).max();
        Some(Plan::new(
            slabs.len(),
            props.view.cache.pages_per_slab.max(1) * 4096,
            most.unwrap_or(1) as u32,
            canvas.client_width().into(),
            props.film.as_ref().map(|_| self.outside_height()),
        ))
    }

    /// The height of what one sees of the room.
    fn outside_height(&self) -> f64 {
        let scroll = self.scroll.cast::<Element>();
        scroll.map_or(0.0, |scroll| scroll.client_height().into())
    }

    /// How far the canvas has been pushed down in the room.
    fn pushed(&self) -> f64 {
        let top = |node: &NodeRef| {
            let element = node.cast::<Element>();
            element.map_or(0.0, |element| element.get_bounding_client_rect().top())
        };
        let zoom = self
            .room
            .cast::<HtmlElement>()
            .map_or(1.0, |room| zoom(&room));
        ((top(&self.canvas) - top(&self.room)) / zoom).max(0.0)
    }

    fn draw_now(&mut self, ctx: &Context<Self>) {
        let (Some(canvas), Some(room), Some(plan)) = (
            self.canvas.cast::<HtmlCanvasElement>(),
            self.room.cast::<HtmlElement>(),
            self.plan(ctx),
        ) else {
            return;
        };
        // The style is set through the CSSOM, which the content security policy allows.
        let _ = room
            .style()
            .set_property("height", &format!("{}px", plan.height()));
        let Some(surface) = Surface::of(&canvas) else {
            return;
        };
        let props = ctx.props();
        let brush = Brush::new(&canvas, &*surface.pen);
        let pushed = self.pushed();
        let (row, columns) = plan.rows();
        let first = ((pushed / row) as usize).saturating_sub(1) * columns;
        let count = ((surface.height / row) as usize + 3) * columns;
        let slabs = slabs(props);
        let mut drawn = 0;
        for (number, slab) in slabs.iter().enumerate().skip(first).take(count) {
            let (x, y) = plan.corner(number);
            self.draw_slab(ctx, &brush, &plan, number, slab, (x, y - pushed));
            drawn += 1;
        }
        if let Some((slab, place)) = self.cursor
            && let Some(target) = slabs.get(slab)
            && target.places.get(place).is_some()
        {
            brush.cursor(box_of(&plan, slabs, slab, place, pushed));
        }
        if let Some([from, to]) = self.still.as_ref().and_then(|still| still.flight) {
            let is_seen = self.clock.is_some() && self.speed <= FLIGHT_MAX && !is_calm();
            let place = |(slab, place)| box_of(&plan, slabs, slab, place, pushed);
            brush.flight(place(from), place(to), is_seen.then_some(self.share));
        }
        // An attribute of a canvas in the page can be set.
        let _ = canvas.set_attribute("data-drawn", &drawn.to_string());
    }

    fn draw_slab(
        &self,
        ctx: &Context<Self>,
        brush: &Brush<'_>,
        plan: &Plan,
        number: usize,
        slab: &SlabPage,
        (x, y): (f64, f64),
    ) {
        let props = ctx.props();
        let cache = &props.view.cache;
        let top = y + plan.strip_top;
        let is_slob = props.view.allocator == "slob";
        let states = self.still.as_ref().map(|still| &still.states[number]);
        let presence = self
            .still
            .as_ref()
            .map_or(Presence::Here, |still| still.presence[number]);
        let state = |place: usize| match states {
            Some(states) => states[place],
            None => slab.places[place].state,
        };
        let is_focus = self
            .still
            .as_ref()
            .is_some_and(|still| still.focus == Some(number));
        let all = slab.places.len();
        let used = (0..all)
            .filter(|place| state(*place) == PlaceState::InUse)
            .count();
        let full = [used.to_string(), all.to_string()].join("/");
        let list = match props.film {
            Some(_) => String::new(),
            None => heading(&props.view, slab),
        };
        let full = if is_slob { String::new() } else { full };
        brush.heading((x, y), plan.width, slab.frame, &list, &full);
        match presence {
            Presence::Here => {}
            Presence::Gone => brush.absence(plan, (x, top), words::slab::given_back()),
            Presence::ToCome => brush.absence(plan, (x, top), words::slab::not_yet_taken()),
        }
        if presence == Presence::Here {
            brush.ground(plan, (x, top), slab, cache.pages_per_slab);
            for (index, place) in slab.places.iter().enumerate() {
                let now = state(index);
                let turn = match (states, now) {
                    (None, PlaceState::Free | PlaceState::Kept) => self.chains.turn(place.at),
                    _ => None,
                };
                let accent = Accent {
                    is_damaged: !place.damage.is_empty(),
                    is_lit: props.lit.mark_of(place.at).is_some(),
                    is_foreign: is_slob && place.cache != cache.name,
                    is_pinned: self
                        .still
                        .as_ref()
                        .is_some_and(|still| still.pinned.contains(&(number, index))),
                };
                let offset = (place.at - slab.frame * 512) * 8;
                let at = [
                    x + plan.pixels(offset),
                    top,
                    plan.pixels(place.bytes),
                    plan.strip,
                ];
                let turn = turn.map(|(_, turn)| turn);
                let layout: &[_] = if is_slob { &[] } else { &props.view.layout };
                brush.object(at, now, accent, layout, turn);
            }
            if states.is_none() {
                let is_pointed_at = self.cursor.is_some_and(|(slab, _)| slab == number);
                let stride = cache.size.max(8);
                brush.freelists(plan, (x, top), slab, &self.chains, stride, is_pointed_at);
            }
        }
        if is_focus {
            brush.spotlight(plan, (x, y), plan.strip_top + plan.strip + 7.0);
        }
    }

    /// The object under the mouse.
    fn under(&self, ctx: &Context<Self>, event: &MouseEvent) -> Option<(usize, usize)> {
        let plan = self.plan(ctx)?;
        let (x, y) = place(event);
        let (slab, byte) = plan.at(x, y + self.pushed())?;
        let page = &slabs(ctx.props())[slab];
        let unit = page.frame * 512 + byte / 8;
        let after = page.places.partition_point(|place| place.at <= unit);
        let place = after.checked_sub(1)?;
        let end = page.places[place].at + page.places[place].bytes.div_ceil(8);
        (unit < end).then_some((slab, place))
    }

    fn point(&mut self, ctx: &Context<Self>, cursor: Option<(usize, usize)>) -> bool {
        if cursor == self.cursor {
            return false;
        }
        self.cursor = cursor;
        let props = ctx.props();
        let at = cursor.and_then(|(slab, place)| place_at(slabs(props), slab, place));
        props.act.emit(Action::Slabs(Own::Point(at)));
        true
    }

    /// Opens the inspector on the object that is pointed at.
    fn inspect(&self, ctx: &Context<Self>) {
        let props = ctx.props();
        let at = self
            .cursor
            .and_then(|(slab, place)| place_at(slabs(props), slab, place));
        if let Some(at) = at {
            props.act.emit(Action::Inquiry(Inquiry::Inspect(at)));
        }
    }

    fn key(&mut self, ctx: &Context<Self>, event: &KeyboardEvent) -> bool {
        if event.alt_key() || event.ctrl_key() || event.meta_key() {
            return false;
        }
        let key = event.key();
        let is_ours = match &ctx.props().film {
            Some(film) => self.film_key(ctx, &key, film.last()),
            None => self.object_key(ctx, &key),
        };
        let is_ours = is_ours
            || key == "Escape" && {
                ctx.props().act.emit(close(ctx.props()));
                crate::page::focus_in_place(&match ctx.props().film {
                    Some(_) => "#slab-canvas".to_string(),
                    None => super::opener(&ctx.props().view.cache.name),
                });
                true
            };
        if is_ours {
            event.prevent_default();
        }
        is_ours
    }

    fn film_key(&mut self, ctx: &Context<Self>, key: &str, last: usize) -> bool {
        let scene = match key {
            " " => {
                self.toggle(ctx);
                return true;
            }
            "ArrowLeft" => self.scene.saturating_sub(1),
            "ArrowRight" => (self.scene + 1).min(last),
            "Home" => 0,
            "End" => last,
            _ => return false,
        };
        ctx.link().send_message(Message::Scene(scene));
        true
    }

    fn object_key(&mut self, ctx: &Context<Self>, key: &str) -> bool {
        let slabs = slabs(ctx.props());
        let Some(last) = slabs.len().checked_sub(1) else {
            return false;
        };
        let columns = self.plan(ctx).map_or(1, |plan| plan.rows().1);
        let (slab, place) = self.cursor.unwrap_or((0, 0));
        let clamp = |slab: usize, place: usize| {
            let count = slabs[slab].places.len();
            (slab, place.min(count.saturating_sub(1)))
        };
        let target = match (key, self.cursor) {
            ("Enter" | " ", _) => {
                self.inspect(ctx);
                return true;
            }
            ("ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown", None) | ("Home", _) => (0, 0),
            ("End", _) => clamp(last, usize::MAX),
            ("ArrowLeft", _) if place > 0 => (slab, place - 1),
            ("ArrowLeft", _) => clamp(slab.saturating_sub(1), usize::MAX),
            ("ArrowRight", _) if place + 1 < slabs[slab].places.len() => (slab, place + 1),
            ("ArrowRight", _) if slab < last => (slab + 1, 0),
            ("ArrowUp", _) if slab >= columns => clamp(slab - columns, place),
            ("ArrowDown", _) if slab + columns <= last => clamp(slab + columns, place),
            ("n" | "N", _) => match self.next_free(slabs) {
                Some(target) => target,
                None => return true,
            },
            ("ArrowUp" | "ArrowDown" | "ArrowRight", _) => (slab, place),
            _ => return false,
        };
        if self.point(ctx, Some(target)) {
            self.reveal(ctx, Some(target.0));
        }
        true
    }

    /// The object that is handed out after the one that is pointed at, by the same holder; the first
    /// of all if none is pointed at, or the last.
    fn next_free(&self, slabs: &[SlabPage]) -> Option<(usize, usize)> {
        let (slab, place) = self.cursor.unwrap_or((0, usize::MAX));
        let here = place_at(slabs, slab, place).and_then(|at| self.chains.turn(at));
        let next = match here {
            Some((Holder::Slab, turn)) => {
                let place = slabs[slab].chain.get(turn as usize + 1);
                return place.map(|place| (slab, usize::from(*place)));
            }
            Some((holder, turn)) => self.chains.at(holder, turn + 1),
            None => None,
        };
        let first = || {
            self.chains
                .at(Holder::Cpu(0), 0)
                .or(self.chains.at(Holder::Slab, 0))
        };
        find(slabs, next.or_else(first)?)
    }

    /// Scrolls so that a slab is in view.
    fn reveal(&self, ctx: &Context<Self>, slab: Option<usize>) {
        let (Some(slab), Some(plan), Some(scroll), Some(room)) = (
            slab,
            self.plan(ctx),
            self.scroll.cast::<Element>(),
            self.room.cast::<HtmlElement>(),
        ) else {
            return;
        };
        let (outside, zoom) = (scroll.get_bounding_client_rect(), zoom(&room));
        let begin = (room.get_bounding_client_rect().top() - outside.top()) / zoom;
        let height = outside.height() / zoom;
        let top = begin + plan.corner(slab).1;
        let bottom = top + plan.rows().0;
        let by = if top < 0.0 {
            top - 4.0
        } else if bottom > height {
            (bottom - height).min(top)
        } else {
            return;
        };
        scroll.set_scroll_top(scroll.scroll_top() + by as i32);
    }

    /// What plays the film, what is seen in it, and how the cache stands by then.
    fn controls(&self, ctx: &Context<Self>, film: &Film) -> Html {
        let link = ctx.link();
        let last = film.last();
        let button = |id: &'static str, label: &'static str, path, scene: usize, is_off: bool| {
            let onclick = link.callback(move |_| Message::Scene(scene));
            html! {
                <button class="tool" {id} aria-label={label} title={label} disabled={is_off} {onclick}>
                    { icon(path) }
                </button>
            }
        };
        let is_on = self.clock.is_some();
        let (label, path) = match is_on {
            true => (words::slab::film_pause(), icons::PAUSE),
            false => (words::slab::film_play(), icons::PLAY),
        };
        let oninput = link.batch_callback(|event: InputEvent| {
            let input = event.target_dyn_into::<HtmlInputElement>()?;
            input.value().parse().ok().map(Message::Scene)
        });
        let onchange = link.batch_callback(|event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>()?;
            select.value().parse().ok().map(Message::Speed)
        });
        let (first, end) = (self.scene == 0, self.scene == last);
        html! {
            <div class="film">
                <div class="film-controls time">
                    <span class="time-buttons">
                        { button("film-first", words::slab::film_first(), icons::FIRST, 0, first) }
                        { button("film-back", words::slab::film_back(), icons::BACK, self.scene.saturating_sub(1), first) }
                        <button class="tool" id="film-play" aria-label={label} title={label}
                            aria-pressed={is_on.to_string()} onclick={link.callback(|_| Message::Toggle)}>
                            { icon(path) }
                        </button>
                        { button("film-on", words::slab::film_on(), icons::FORWARD, self.scene + 1, end) }
                        { button("film-last", words::slab::film_last(), icons::LAST, last, end) }
                    </span>
                    <input type="range" id="film-scene" min="0" max={last.to_string()}
                        value={self.scene.to_string()} aria-label={words::slab::film_scene()} {oninput} />
                    <select id="film-speed" aria-label={words::slab::film_speed()}
                        title={words::slab::film_speed()} {onchange}>
                        { for SPEEDS.iter().map(|speed| html! {
                            <option value={speed.to_string()} selected={*speed == self.speed}>
                                { *speed }{ "/s" }
                            </option>
                        }) }
                    </select>
                    <span class="quiet">{ words::slab::film_of(self.scene, last) }</span>
                </div>
                <p class="film-caption" id="film-caption" aria-live={if is_on { "off" } else { "polite" }}>
                    { film.caption(self.scene) }
                </p>
                if let Some(still) = &self.still { { meters(&film.view, still) } }
            </div>
        }
    }
}

/// What closes the picture: the film first, then the cache.
fn close(props: &SlabCanvasProps) -> Action {
    Action::Slabs(match props.film {
        Some(_) => Own::Film(false),
        None => Own::Open(None),
    })
}

/// The slabs that are drawn.
fn slabs(props: &SlabCanvasProps) -> &[SlabPage] {
    match &props.film {
        Some(film) => &film.slabs,
        None => &props.view.slabs,
    }
}

/// The handle of a place.
fn place_at(slabs: &[SlabPage], slab: usize, place: usize) -> Option<u32> {
    Some(slabs.get(slab)?.places.get(place)?.at)
}

/// Where a place is drawn.
fn box_of(plan: &Plan, slabs: &[SlabPage], slab: usize, place: usize, pushed: f64) -> [f64; 4] {
    let (x, y) = plan.corner(slab);
    let page = &slabs[slab];
    let place = &page.places[place];
    let offset = (place.at - page.frame * 512) * 8;
    [
        x + plan.pixels(offset),
        y + plan.strip_top - pushed,
        plan.pixels(place.bytes),
        plan.strip,
    ]
}

/// Where a slab is kept, and on which node if there are several.
fn heading(view: &CacheSlabsView, slab: &SlabPage) -> String {
    let node = view.nodes.get(slab.node as usize);
    let place = node.and_then(|node| {
        let list = match slab.list {
            SlabList::Partial => &node.partial,
            SlabList::Full => &node.full,
            SlabList::Free => match node.free.count {
                0 => &node.partial,
                _ => &node.free,
            },
            _ => return None,
        };
        list.frames.iter().position(|frame| *frame == slab.frame)
    });
    let mut text = list_text(slab.list, place);
    if view.nodes.len() > 1 {
        text.push_str(&words::slab::of_node(slab.node));
    }
    if !slab.damage.is_empty() {
        text.push_str(" ⚠ ");
        text.push_str(&slab.damage);
    }
    text
}

/// Whose an object is, as far as the kernel knows.
fn owner(object: &ObjectView) -> String {
    let mut text = String::from(" · ");
    text.push_str(&object.name);
    let is_told = |name: &str| TOLD.contains(&name);
    let told = object.fields.iter().filter(|field| is_told(&field.name));
    let own = object.fields.iter();
    let own = own.filter(|field| !field.name.starts_with('(')).take(2);
    for field in told.chain(own) {
        text.push_str(" · ");
        text.push_str(field.name.trim_matches(['(', ')']));
        text.push(' ');
        text.push_str(&field.value);
    }
    text
}

fn now_ms() -> f64 {
    let performance = web_sys::window().and_then(|window| window.performance());
    performance.map_or(0.0, |performance| performance.now())
}
