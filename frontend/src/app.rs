//! The application: runs the loop around [`State`] and lays the page out.

use std::cell::Cell;
use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, KeyboardEvent, Response};
use words::app as say;
use yew::{AttrValue, Callback, Component, Context, Html, classes, html};

use crate::canvas::media;
use crate::carrier::{Carrier, Event};
use crate::choices::{Hosts, Link, Pane, Place, Theme};
use crate::console::{Console, set_input};
use crate::container::ContainerPane;
use crate::events::EventsPane;
use crate::front::{self, GlossaryDialog, PlaygroundDialog, SearchDialog, TourStrip};
use crate::header::{Header, show_place};
use crate::help::Help;
use crate::inquiry::Dock;
use crate::inquiry::outside::Outside;
use crate::inquiry::play::Play;
use crate::language;
use crate::layout::{self, LayoutSheet, Splitters};
use crate::lesson::{self, CatalogueDialog, LessonPane};
use crate::library::journal;
use crate::library::sheet::{Dropped, LibraryDialog};
use crate::live::{self, LiveStrip};
use crate::looks::{self, Hall};
use crate::memory::MemoryPane;
use crate::oom::OomPane;
use crate::page::{focus, focus_in_place};
use crate::part::part;
use crate::performance::PerformanceSheet;
use crate::radix::RadixPane;
use crate::sched::SchedPane;
use crate::slab::SlabPane;
use crate::state::front as front_state;
use crate::state::inquiry::{self, Second, Tab};
use crate::state::layout::{Action as Layout, Slot};
use crate::state::library::{self, Sheet};
use crate::state::looks::Action as Looks;
use crate::state::whereabouts::Whereabouts;
use crate::state::{self, Action, Effect, State};
use crate::task::TaskPane;
use crate::timeline::Timeline;
use crate::walk;
use crate::whereabouts::WhereSheet;

/// From this width on, all panes have a place of their own. The style sheet says the same.
const WIDE: &str = "(min-width: 60rem)";

/// What happens to the application.
pub enum Message {
    /// Something for the state.
    Act(Action),
    /// A carrier reported something; only the latest carrier counts.
    Carrier(u32, Event),
    /// The second kernel of this generation reported something.
    Second(u32, Second),
    /// The window became wide or narrow.
    Width,
    /// The page speaks another language.
    Spoken,
}

/// The page.
pub struct App {
    state: State,
    carrier: Option<Carrier>,
    /// Counts the carriers, so that the last words of an old one are not taken for the new one's.
    generation: u32,
    is_wide: bool,
    /// The first kernel was drawn and the page said so.
    announced: bool,
    /// The page is shown without its head.
    is_embedded: bool,
    /// What the questions to the past need of the browser.
    outside: Outside,
    /// What a live session needs of it.
    live: live::outside::Outside,
    act: Callback<Action>,
    /// Shortcuts work; for the listener to keys, which cannot see the state.
    keys: Rc<Cell<bool>>,
    _listeners: Vec<EventListener>,
}

impl Component for App {
    type Message = Message;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let link = ctx.link();
        let act = link.callback(Message::Act);
        let keys = Rc::new(Cell::new(true));
        let mut listeners = vec![listen_for_keys(act.clone(), keys.clone()), walk::listen()];
        if let Some(query) = media(WIDE) {
            let changed = link.callback(|()| Message::Width);
            listeners.push(EventListener::new(&query, "change", move |_| {
                changed.emit(())
            }));
        }
        let (address, address_result) = journal::address();
        let is_embedded = address.embed;
        let mut state = State::new(Theme::Auto);
        state.set_up(journal::settings());
        keys.set(state.keys);
        state.library.await_start(&address);
        state.front.begin(&address);
        if let Err(reason) = address_result {
            act.emit(Action::Library(library::Action::Address(Err(reason))));
        }
        lesson::begin(&address, &act);
        live::outside::begin(&act);
        journal::begin(address, act.clone());
        listeners.push(listen_for_addresses(act.clone()));
        let mut app = App {
            state,
            carrier: None,
            generation: 0,
            is_wide: is_wide(),
            announced: false,
            is_embedded,
            outside: Outside::default(),
            live: live::outside::Outside::default(),
            act,
            keys,
            _listeners: listeners,
        };
        app.perform(ctx, Effect::Connect(app.state.place));
        app
    }

    fn update(&mut self, ctx: &Context<Self>, message: Message) -> bool {
        let action = match message {
            Message::Act(action) => action,
            Message::Carrier(generation, _) if generation != self.generation => return false,
            Message::Carrier(_, Event::Ready) => Action::Ready,
            Message::Carrier(_, Event::Answered(request, response)) => {
                Action::Answered(request, response)
            }
            Message::Carrier(_, Event::Failed(reason)) => Action::Failed(reason),
            Message::Second(generation, _) if !self.outside.is_current(generation) => return false,
            Message::Second(_, event) => Action::Inquiry(inquiry::Action::Second(event)),
            Message::Spoken => return true,
            Message::Width => {
                self.is_wide = is_wide();
                return true;
            }
        };
        let is_tick = matches!(action, Action::Inquiry(inquiry::Action::Tick(_)));
        let effects = self.state.apply(action);
        self.keys.set(self.state.keys);
        // While it plays, most frames of the screen come before the next step is due.
        let waits = |effect: &Effect| matches!(effect, Effect::Inquiry(inquiry::Effect::Wake(_)));
        let is_idle = is_tick && !effects.is_empty() && effects.iter().all(waits);
        for effect in effects {
            self.perform(ctx, effect);
        }
        !is_idle
    }

    fn rendered(&mut self, _: &Context<Self>, _: bool) {
        show_place(self.state.place);
        layout::fit(&self.state, self.is_wide && self.hall().is_none());
        if self.state.drawn_once && !self.announced {
            self.announced = true;
            announce();
            ask_for_hosts(self.act.clone());
            journal::install(self.act.clone());
        }
    }

    fn view(&self, _: &Context<Self>) -> Html {
        let state = &self.state;
        let act = &self.act;
        let down = match &state.link {
            Link::Down(reason) => Some(AttrValue::from(reason.clone())),
            _ => None,
        };
        let text = |line: &Vec<u8>| AttrValue::from(String::from_utf8_lossy(line).into_owned());
        let step = state.kernel.step;
        let live = LiveStrip::of(state, act);
        let tour = TourStrip::of(state, act);
        let has_strip = live.is_some() || tour.is_some();
        html! {
            <div class={classes!("app", has_strip.then_some("has-live"), TourStrip::class_of(state), format!("shows-{}", self.front().label()),
                self.is_embedded.then_some("embedded"),
                if self.hall().is_some() { "hall" } else { "house" },
                state.lesson.open.as_ref().map(|_| "has-lab"),
                state.inquiry.tab.is_some().then_some("asks"),
                (state.is_roomy() || state.layout.upper().is_none()).then_some("roomy"))}>
                { part(Header {
                    place: state.place,
                    lacks: self.lacks(),
                    machine: state.header.clone().into(),
                    theme: state.theme,
                    unsaved: state.library.unsaved().map(|reason| reason.to_string().into()),
                    update: state.library.has_update,
                    act: act.clone(),
                }) }
                if has_strip {
                    <div class="strips">{ for live.map(part) }{ for tour.map(part) }</div>
                }
                <main class={layout::classes(state)}>
                    { self.lab() }
                    { part(Console {
                        entries: state.transcript.clone(),
                        start: state.screen_start,
                        step,
                        later: state.later_lines(),
                        down,
                        unanswered: state.unanswered.iter().map(text).collect(),
                        running: state.is_running(),
                        busy: state.is_busy(),
                        dropped: self.offered(),
                        frozen: state.library.takes_none(),
                        ways: state.ways(),
                        keys: state.keys,
                        steps: state.log.len(),
                        visible: self.shows(Pane::Console),
                        act: act.clone(),
                    }) }
                    { part(RadixPane {
                        view: state.radix.clone(),
                        trees: state.kernel.trees.clone(),
                        choice: state.tree_choice.clone(),
                        open_node: state.open_node,
                        node: state.node.clone(),
                        live: state.drawn_once,
                        theme: state.theme,
                        as_table: state.shows_table(Pane::Tree),
                        visible: self.shows(Pane::Tree),
                        lit: state.inquiry.lit.clone(),
                        act: act.clone(),
                    }) }
                    { self.tabs() }
                    { for self.pictures() }
                    { self.dock() }
                    { part(Splitters {
                        is_wanted: state.drawn_once && self.is_wide && self.hall().is_none(),
                        layout: state.layout.clone(),
                        beside: layout::beside(state),
                        act: act.clone(),
                    }) }
                </main>
                { part(Timeline {
                    kernel: state.kernel.clone(),
                    target: state.target_step(),
                    line: state.line(step).cloned(),
                    steps: state.log.len() as u32,
                    activity: self.activity(),
                    locked: state.is_running() || state.link != Link::Live,
                    known: state.drawn_once,
                    play: Play {
                        is_on: state.inquiry.play.is_on(),
                        speed: state.inquiry.play.speed,
                        locked: !state.can_edit() || state.log.is_empty(),
                        act: act.clone(),
                    },
                    act: act.clone(),
                }) }
                { part(WhereSheet {
                    told: state.shows_where.then(|| Whereabouts::of(state, self.front(), self.is_wide)),
                    act: act.clone(),
                }) }
                { part(LayoutSheet {
                    pane: state.looks.sheet,
                    layout: state.layout.clone(),
                    is_wide: self.is_wide && self.hall().is_none(),
                    act: act.clone(),
                }) }
                { part(Hall { open: state.in_hall().is_some(), act: act.clone() }) }
                { part(Help { open: state.help, keys: state.keys, is_still: state.looks.is_still, act: act.clone() }) }
                { part(CatalogueDialog::of(state, act)) }
                { part(PlaygroundDialog::of(state, act)) }
                { part(GlossaryDialog::of(state, act)) }
                { part(SearchDialog::of(state, act)) }
                { part(PerformanceSheet { open: state.performance, act: act.clone() }) }
                { self.library() }
            </div>
        }
    }
}

impl App {
    fn perform(&mut self, ctx: &Context<Self>, effect: Effect) {
        match effect {
            Effect::Connect(place) => self.connect(ctx, place),
            Effect::Disconnect => {
                self.generation += 1;
                self.carrier = None;
            }
            Effect::Send(request) => {
                if let Some(carrier) = &self.carrier {
                    carrier.send(request);
                }
            }
            Effect::SetInput(text) => set_input(&text),
            Effect::Wear(theme) => wear(theme),
            Effect::Speak(language) => language::change(
                language,
                &self.act,
                ctx.link().callback(|()| Message::Spoken),
            ),
            Effect::Front(effect) => front::perform(effect, &self.act),
            Effect::Lesson(effect) => lesson::perform(effect, &self.act, self.is_wide),
            Effect::Library(effect) => journal::perform(effect, &self.act),
            Effect::Live(effect) => self.live.perform(effect, &self.act),
            Effect::Looks(effect) => looks::perform(effect, &self.act),
            Effect::Inquiry(effect) => {
                let hear = ctx
                    .link()
                    .callback(|(generation, event)| Message::Second(generation, event));
                self.outside.perform(effect, &self.act, &hear);
            }
        }
    }

    fn connect(&mut self, ctx: &Context<Self>, place: Place) {
        self.generation += 1;
        // The old kernel ends before the new one starts: memory is scarce on phones.
        self.carrier = None;
        let generation = self.generation;
        let report = ctx
            .link()
            .callback(move |event| Message::Carrier(generation, event));
        match Carrier::open(place, report) {
            Ok(carrier) => self.carrier = Some(carrier),
            Err(reason) => ctx
                .link()
                .send_message(Message::Act(Action::Failed(reason))),
        }
    }

    /// The picture beside the console, in a lecture hall that is wide enough for both.
    fn hall(&self) -> Option<Pane> {
        self.state.in_hall().filter(|_| self.is_wide)
    }

    /// The pane in front: on a wide screen, of those below the tree.
    fn front(&self) -> Pane {
        if let Some(pane) = self.hall() {
            return pane;
        }
        match self.state.pane {
            _ if self.is_wide => {
                let lower = self.state.lower;
                self.state.layout.front(lower).unwrap_or(lower)
            }
            Pane::Lab if self.state.lesson.open.is_none() => Pane::Console,
            pane => pane,
        }
    }

    fn shows(&self, pane: Pane) -> bool {
        match self.hall() {
            Some(front) => pane == front || pane == Pane::Console,
            None if self.is_wide => self.has_place(pane),
            None => pane == self.front(),
        }
    }

    /// Whether a wide screen shows a pane.
    fn has_place(&self, pane: Pane) -> bool {
        let (layout, is_roomy) = (&self.state.layout, self.state.is_roomy());
        if let Some(alone) = layout.maximised() {
            return pane == alone;
        }
        match layout.slot_of(pane) {
            _ if pane == Pane::Lab => true,
            _ if layout.is_hidden(pane) => false,
            Slot::Left => true,
            Slot::Upper => !is_roomy,
            Slot::Lower => pane == self.front(),
        }
    }

    /// The tabs: all panes on a narrow screen, the lower ones on a wide one, all pictures in a hall.
    fn tabs(&self) -> Html {
        let panes = Pane::ALL
            .into_iter()
            .filter(|pane| {
                if self.hall().is_some() {
                    return !matches!(pane, Pane::Console | Pane::Lab);
                }
                let layout = &self.state.layout;
                let is_below = layout.slot_of(*pane) == Slot::Lower && !layout.is_hidden(*pane);
                !self.is_wide || is_below && *pane != Pane::Lab
            })
            .filter(|pane| *pane != Pane::Lab || self.state.lesson.open.is_some());
        let panes: Vec<Pane> = panes.collect();
        let tabs = panes.iter().enumerate().map(|(index, pane)| {
            let pane = *pane;
            let is_front = pane == self.front();
            let neighbours = [index.checked_sub(1), Some(index + 1)]
                .map(|index| index.and_then(|index| panes.get(index)).copied());
            let act = self.act.clone();
            let onkeydown = Callback::from(move |event: KeyboardEvent| {
                let target = match event.key().as_str() {
                    "ArrowLeft" if !event.alt_key() => neighbours[0],
                    "ArrowRight" if !event.alt_key() => neighbours[1],
                    _ => None,
                };
                if let Some(target) = target {
                    event.prevent_default();
                    act.emit(Action::Show(target));
                    focus(&format!("#tab-{}", target.label()));
                }
            });
            html! {
                <button role="tab" id={format!("tab-{}", pane.label())} class="tab"
                    aria-selected={is_front.to_string()} aria-controls={format!("pane-{}", pane.label())}
                    tabindex={if is_front { "0" } else { "-1" }} {onkeydown}
                    onclick={self.act.reform(move |_| Action::Show(pane))}>
                    { pane.title() }
                </button>
            }
        });
        html! { <div class="tabs" role="tablist" aria-label={say::views()}>{ for tabs }</div> }
    }

    /// The handout of the lab that is open.
    fn lab(&self) -> Html {
        let Some(open) = &self.state.lesson.open else {
            return Html::default();
        };
        let visible = self.shows(Pane::Lab);
        part(LessonPane::of(open, &self.state, visible, &self.act))
    }

    /// The pictures besides the tree that are shown: one on a narrow screen, and on a wide one with
    /// everything as it was to begin with.
    fn pictures(&self) -> Vec<Html> {
        let panes = Pane::ALL.into_iter().filter(|pane| pane.is_lower());
        let is_one = |pane: &Pane| match self.is_wide {
            true => self.shows(*pane),
            false => *pane == self.state.lower,
        };
        panes
            .filter(is_one)
            .map(|pane| self.picture(pane))
            .collect()
    }

    fn picture(&self, pane: Pane) -> Html {
        let state = &self.state;
        let as_table = state.shows_table(pane);
        let (act, visible) = (self.act.clone(), self.shows(pane));
        match pane {
            Pane::Slab => part(SlabPane {
                view: state.slab.clone(),
                sort: state.slabs.sort,
                open: state.slabs.open.clone(),
                cache: state.slabs.view.clone(),
                is_film: state.slabs.is_film,
                defrag: state.film().cloned(),
                object: state.slabs.object.clone(),
                lit: state.inquiry.lit.clone(),
                theme: state.theme,
                as_table,
                visible,
                act,
            }),
            Pane::Tasks => part(TaskPane {
                list: state.tasks.list.clone(),
                order: state.tasks.order,
                is_descending: state.tasks.is_descending,
                cursor: state.tasks.cursor,
                open: state.tasks.open,
                task: state.tasks.seen().cloned(),
                before: state.tasks.before.clone(),
                address: state.tasks.address,
                address_error: state.tasks.address_error,
                lit: state.inquiry.lit.clone(),
                as_table,
                visible,
                act,
            }),
            Pane::Sched => part(SchedPane {
                view: state.sched.view.clone(),
                timeline: state.sched.timeline.clone(),
                window: state.sched.shown(),
                open: state.sched.open.clone(),
                why: state.sched.why,
                lit: state.inquiry.lit.clone(),
                theme: state.theme,
                as_table,
                visible,
                act,
            }),
            Pane::Oom => part(OomPane::of(state, as_table, visible, &act)),
            Pane::Events => part(EventsPane {
                view: state.events.clone(),
                step: state.kernel.step,
                selected: state.inquiry.event,
                as_table,
                visible,
                act,
            }),
            Pane::Containers => part(ContainerPane::of(state, as_table, visible, &act)),
            _ => part(MemoryPane {
                view: state.memory.clone(),
                lit: state.inquiry.lit.clone(),
                theme: state.theme,
                as_table,
                visible,
                act,
            }),
        }
    }

    /// The newest dropped lines, while they are offered beside the console.
    fn offered(&self) -> Option<(usize, usize)> {
        let newest = self.state.branches_at_hand().pop();
        let newest = newest.filter(|_| self.state.library.offers_branch);
        newest.map(|(index, branch)| (index, branch.lines.len()))
    }

    /// The dialog about sessions.
    fn library(&self) -> Html {
        let state = &self.state;
        let library = &state.library;
        let shows = |sheet| library.sheet == Some(sheet);
        let dropped = |(index, branch): (usize, &library::Branch)| Dropped {
            index,
            at: branch.at,
            count: branch.lines.len(),
            first: AttrValue::from(
                String::from_utf8_lossy(branch.lines.first().map_or(&[], Vec::as_slice))
                    .chars()
                    .take(80)
                    .collect::<String>(),
            ),
        };
        let dropped: Option<Vec<Dropped>> = shows(Sheet::Sessions)
            .then(|| state.branches_at_hand().into_iter().map(dropped).collect());
        let problem = library.problem.as_ref().or(state.log_error.as_ref());
        part(LibraryDialog {
            sheet: library.sheet,
            list: library.list.clone(),
            current: library.id.clone().map(AttrValue::from),
            log: shows(Sheet::Text).then(|| Rc::new(state.log_bytes())),
            dropped: dropped.unwrap_or_default(),
            deleted: library
                .deleted
                .as_ref()
                .map(|record| AttrValue::from(record.name.clone())),
            problem: problem.cloned().map(AttrValue::from),
            unsaved: library
                .unsaved()
                .map(|reason| AttrValue::from(reason.to_string())),
            shared: library.shared.clone(),
            share_note: AttrValue::from(library.share_note.clone()),
            can_share_live: self.can_share_live(),
            frozen: library.is_frozen,
            act: self.act.clone(),
        })
    }

    /// Whether this session can be shared live, and if not, why.
    fn can_share_live(&self) -> Result<(), AttrValue> {
        let state = &self.state;
        match &state.hosts {
            _ if state.live.sharing.is_some() => Err(say::shared_already().into()),
            _ if state.live.following.is_some() => Err(say::follows_live().into()),
            Hosts::Offered(names) if !names.is_empty() => Ok(()),
            Hosts::Unknown => Err(say::asking_server().into()),
            _ => Err(say::nobody_passes_on().into()),
        }
    }

    /// Questions to the past, beside the panes or over them.
    fn dock(&self) -> Html {
        let (state, inquiry) = (&self.state, &self.state.inquiry);
        let step = state.kernel.step;
        let parted = inquiry.compare.as_ref().and_then(|it| it.parted());
        let others = state.library.list.iter();
        let others = others.filter(|record| state.library.id.as_ref() != Some(&record.id));
        let kept = (inquiry.tab == Some(Tab::Compare)).then(|| {
            others
                .map(|record| (record.id.clone().into(), record.name.clone().into()))
                .collect::<Vec<(AttrValue, AttrValue)>>()
        });
        part(Dock {
            tab: inquiry.tab,
            step,
            steps: state.log.len() as u32,
            line: state.line(step).cloned(),
            mark: inquiry.mark,
            range: inquiry.range(step),
            changes: inquiry.changes.clone(),
            inspector: inquiry.inspector.clone(),
            search: inquiry.search.clone(),
            rewrite: inquiry.rewrite.clone(),
            can_undo: inquiry.can_undo(),
            can_edit: state.can_edit(),
            compare: inquiry.compare.clone(),
            machine: state.header.clone().into(),
            parted_line: parted.and_then(|step| state.line(step)).cloned(),
            kept: kept.unwrap_or_default(),
            slab: state.slab.clone(),
            export: inquiry.export.clone(),
            run: state.looks.run.clone(),
            act: self.act.clone(),
        })
    }

    /// What goes on, if anything does.
    fn activity(&self) -> Option<AttrValue> {
        let place = self.state.place.label();
        match (&self.state.link, self.state.replaying()) {
            (Link::Down(_), _) => Some(say::kernel_gone().into()),
            (Link::Connecting, _) => Some(say::starting(place).into()),
            (Link::Live, Some((done, all))) if all > 0 => Some(say::replaying(done, all).into()),
            _ if self.state.is_running() => Some(match self.state.library.restoring() {
                Some(all) => say::restoring(self.state.log.len(), all).into(),
                None => say::running().into(),
            }),
            _ => None,
        }
    }

    fn lacks(&self) -> [Option<AttrValue>; 3] {
        Place::ALL.map(|place| self.state.offers(place).err().map(AttrValue::from))
    }
}

fn is_wide() -> bool {
    media(WIDE).is_none_or(|query| query.matches())
}

/// Keys that work wherever the focus is, while `keys` says so.
fn listen_for_keys(act: Callback<Action>, keys: Rc<Cell<bool>>) -> EventListener {
    let document = web_sys::window()
        .and_then(|window| window.document())
        .expect("a page has a document");
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(&document, "keydown", options, move |event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
            return;
        };
        let key = event.key();
        // Esc leaves things whether shortcuts work or not.
        if key == "Escape" && !event.default_prevented() && !is_in_dialog(event) {
            act.emit(Action::Front(front_state::Action::Tour(
                front_state::tour::Action::Leave,
            )));
        }
        if !keys.get() {
            return;
        }
        let search = Action::Front(front_state::Action::Show(Some(front_state::Sheet::Search)));
        if event.ctrl_key() || event.meta_key() {
            if key == "k" && !event.alt_key() && !event.shift_key() {
                event.prevent_default();
                act.emit(search);
            }
            return;
        }
        if event.alt_key() {
            let pane = key
                .parse::<usize>()
                .ok()
                // The tenth key is 0.
                .map(|number| number.checked_sub(1).unwrap_or(9));
            match (key.as_str(), pane.and_then(|index| Pane::ALL.get(index))) {
                ("ArrowLeft", _) => act.emit(Action::StepBy(-1)),
                ("ArrowRight", _) => act.emit(Action::StepBy(1)),
                ("Home", _) => act.emit(Action::Seek(0)),
                ("End", _) => act.emit(Action::Seek(u32::MAX)),
                ("Enter", _) => act.emit(Action::Lesson(state::lesson::Action::Check)),
                (_, Some(pane)) => {
                    act.emit(Action::Show(*pane));
                    focus_pane(*pane);
                }
                _ if event.code() == "KeyW" => act.emit(Action::Where(true)),
                _ if event.code() == "KeyH" => act.emit(Action::Looks(Looks::ToggleHall)),
                _ if event.code() == "KeyF" => {
                    act.emit(Action::Layout(Layout::ToggleAlone(layout::focused())));
                }
                _ if event.code() == "KeyA" => {
                    act.emit(Action::Looks(Looks::OpenSheet(layout::focused())));
                }
                _ if !ask_by_key(&event.code(), &act) => return,
                _ => {}
            }
            event.prevent_default();
        } else if key == "Escape" && !event.default_prevented() && !is_dialog_open() {
            act.emit(Action::Looks(Looks::Hall(false)));
        } else if key == "?" && !is_typing(event) {
            event.prevent_default();
            act.emit(Action::Help(true));
        } else if key == "/" && !is_typing(event) && !is_in_dialog(event) {
            event.prevent_default();
            act.emit(search);
        }
    })
}

/// Alt and a letter put a question to the past. The letter is the key's place on the keyboard,
/// because Alt makes other letters of it on some systems.
fn ask_by_key(code: &str, act: &Callback<Action>) -> bool {
    let (action, target) = match code {
        "KeyP" => (inquiry::Action::TogglePlay, None),
        "KeyM" => (inquiry::Action::MarkHere, None),
        "KeyC" => (
            inquiry::Action::Show(Some(Tab::Changes)),
            Some("#past-tab-changes"),
        ),
        "KeyO" => (
            inquiry::Action::Show(Some(Tab::Object)),
            Some("#past-tab-object"),
        ),
        "KeyS" => (
            inquiry::Action::Show(Some(Tab::Search)),
            Some("#search-line"),
        ),
        "KeyL" => (inquiry::Action::Show(Some(Tab::Edit)), Some("#edit-line")),
        "KeyV" => (
            inquiry::Action::Show(Some(Tab::Compare)),
            Some("#compare-log"),
        ),
        "KeyX" => (
            inquiry::Action::Show(Some(Tab::Export)),
            Some("#past-tab-export"),
        ),
        _ => return false,
    };
    act.emit(Action::Inquiry(action));
    if let Some(target) = target {
        focus(target);
    }
    true
}

/// A dialog is open, to which Escape belongs.
fn is_dialog_open() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.is_some_and(|document| matches!(document.query_selector("dialog[open]"), Ok(Some(_))))
}

/// The key goes into a text.
fn is_typing(event: &KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    target
        .is_some_and(|target| matches!(target.tag_name().as_str(), "INPUT" | "SELECT" | "TEXTAREA"))
}

/// The key belongs to a dialog.
fn is_in_dialog(event: &KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    target.is_some_and(|target| target.closest("dialog").ok().flatten().is_some())
}

/// Moves the focus to what a pane is for, once it is shown.
pub fn focus_pane(pane: Pane) {
    let selector = match pane {
        Pane::Console => "#console-input".to_string(),
        pane => format!("#pane-{0} canvas, #pane-{0} [tabindex='0']", pane.label()),
    };
    focus_in_place(&selector);
}

fn wear(theme: Theme) {
    let Some(window) = web_sys::window() else {
        return;
    };
    let root = window
        .document()
        .and_then(|document| document.document_element());
    if let Some(root) = root {
        // It fails only for malformed names.
        let _ = root.set_attribute("data-theme", theme.name());
    }
}

/// A link that is put into the address of the open page.
fn listen_for_addresses(act: Callback<Action>) -> EventListener {
    let window = web_sys::window().expect("a page has a window");
    EventListener::new(&window, "hashchange", move |_| {
        let (address, result) = journal::address();
        let address = result.map(|()| address);
        act.emit(Action::Library(library::Action::Address(address)));
    })
}

/// Tells tests and measurements that a live kernel is on the screen.
fn announce() {
    let Some(window) = web_sys::window() else {
        return;
    };
    if let Some(performance) = window.performance() {
        // A mark of a fixed, valid name.
        let _ = performance.mark("glass-live");
    }
    if let Some(root) = window
        .document()
        .and_then(|document| document.document_element())
    {
        let _ = root.set_attribute("data-live", "1");
    }
}

/// Asks the server which hosts it has. On a plain web host there is no one to answer.
fn ask_for_hosts(act: Callback<Action>) {
    wasm_bindgen_futures::spawn_local(async move {
        let hosts = fetch_hosts()
            .await
            .map_err(|_| say::no_server().to_string());
        act.emit(Action::HostsKnown(hosts));
    });
}

async fn fetch_hosts() -> Result<Vec<String>, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let response = JsFuture::from(window.fetch_with_str("api/hosts")).await?;
    let response: Response = response.dyn_into()?;
    if !response.ok() {
        return Err(JsValue::NULL);
    }
    let names = JsFuture::from(response.json()?).await?;
    let names: js_sys::Array = names.dyn_into()?;
    Ok(names.iter().filter_map(|name| name.as_string()).collect())
}
