//! The console's output: the lines of the log around the present, with what they printed.
//!
//! Only what one may see soon is in the page, see [`Drawn`]; scrolling to its end brings more.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, MouseEvent, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::{
    Callback, Component, Context, Html, NodeRef, Properties, classes, function_component, html,
};

use crate::canvas::NextFrame;
use crate::front;
use crate::state::Action;
use crate::state::front::Ways;
use crate::state::inquiry::{Action as Inquiry, Tab};
use crate::transcript::{Drawn, Entry, LogLine};

/// Lines for a newcomer, in an order that tells a story, and what they show.
const EXAMPLES: [(words::Say, &[&str]); 5] = [
    (
        words::output::grow,
        &[
            "radix create t",
            "radix insert t 0 1",
            "radix insert t 4096 7",
            "radix show t",
        ],
    ),
    (
        words::output::mark,
        &[
            "radix tag_set t 4096 0",
            "radix lookup t 4096",
            "radix fill t 0 2000 3",
            "radix stat t",
        ],
    ),
    (
        words::output::look,
        &[
            "cat /proc/buddyinfo",
            "cat /proc/slabinfo",
            "cat /proc/meminfo",
        ],
    ),
    (
        words::output::tasks,
        &["spawn spin count=3", "sleep 2", "top"],
    ),
    (
        words::output::contain,
        &[
            "mkdir -p /containers/cpu",
            "mount -t container -o cpu cpu /containers/cpu",
            "mkdir /containers/cpu/guests",
            "echo $$ > /containers/cpu/guests/tasks",
            "spawn spin",
            "cat /containers/cpu/guests/tasks",
        ],
    ),
];

/// So near to the end of what is drawn, in pixels, more of it is fetched.
const NEAR: i32 = 80;

#[derive(Properties, PartialEq)]
pub struct OutputProps {
    /// The language in which it is drawn.
    #[prop_or_else(words::language)]
    pub language: words::Language,
    /// Everything that could be shown.
    pub entries: Rc<Vec<Entry>>,
    /// The first entry since the screen was cleared.
    pub start: usize,
    /// The step that is shown.
    pub step: u32,
    /// There are later steps.
    pub is_past: bool,
    /// The kernel is gone, and the end is where one reads why.
    pub is_down: bool,
    /// The page takes no lines.
    pub frozen: bool,
    pub visible: bool,
    /// Whether newcomers are offered ways on.
    pub ways: Ways,
    /// Runs a line of the welcome.
    pub welcome: Callback<String>,
    pub act: Callback<Action>,
}

pub enum Message {
    /// The output was scrolled.
    Scrolled,
    /// Draw more before what is drawn.
    Earlier,
}

/// The output.
pub struct Output {
    output: NodeRef,
    drawn: RefCell<Drawn>,
    /// The entry that is to stay where it is on the screen when the page is drawn anew, and where
    /// that is.
    anchor: Option<(usize, i32)>,
    /// The present is to be in sight when the page is drawn anew.
    follows: bool,
    /// The frame in which it will be: by then all that a step changes has been changed, and the
    /// browser has to lay the page out once only.
    frame: Option<NextFrame>,
}

impl Component for Output {
    type Message = Message;
    type Properties = OutputProps;

    fn create(_: &Context<Self>) -> Self {
        Output {
            output: NodeRef::default(),
            drawn: RefCell::default(),
            anchor: None,
            follows: true,
            frame: None,
        }
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &OutputProps) -> bool {
        let new = ctx.props();
        let look = |props: &OutputProps| {
            let OutputProps {
                entries,
                step,
                is_down,
                visible,
                ..
            } = props;
            (entries.len(), *step, *is_down, *visible)
        };
        self.follows |= look(new) != look(old);
        true
    }

    fn update(&mut self, ctx: &Context<Self>, message: Message) -> bool {
        let Some(output) = self.output.cast::<HtmlElement>() else {
            return false;
        };
        let top = output.scroll_top();
        let left = output.scroll_height() - output.client_height() - top;
        let back = match message {
            Message::Earlier => true,
            Message::Scrolled if top < NEAR => true,
            Message::Scrolled if left < NEAR => false,
            Message::Scrolled => return false,
        };
        let OutputProps { entries, start, .. } = ctx.props();
        let was = self.drawn.borrow().range();
        if !self.drawn.get_mut().extend(entries, *start, back) {
            return false;
        }
        let stays = if back { was.start } else { was.end - 1 };
        self.anchor = self.place_of(stays).map(|place| (stays, place));
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let OutputProps {
            entries,
            start,
            step,
            act,
            ..
        } = ctx.props();
        let (start, step, frozen) = (*start, *step, ctx.props().frozen);
        let shown = match self.anchor {
            Some(_) => self.drawn.borrow().range(),
            None => self.drawn.borrow_mut().follow(entries, start, step),
        };
        let earlier = shown.start - start.min(shown.start);
        let lines = shown.map(|index| match &entries[index] {
            Entry::Line { step: at, line } => html! {
                <Line key={index} {index} step={*at} line={line.clone()} current={*at == step}
                    future={*at > step} editable={!frozen} {act} />
            },
            Entry::Note { text, is_error } => html! {
                <div key={index} data-entry={index.to_string()}
                    class={classes!("note", is_error.then_some("error"))}>{ &**text }</div>
            },
        });
        let link = ctx.link();
        html! {
            <div class="console" ref={self.output.clone()} id="console-output"
                data-testid="console-output" role="log" tabindex="0" data-walk=".entry" aria-label={words::output::label()}
                onscroll={link.callback(|_| Message::Scrolled)}>
                if earlier > 0 {
                    <button class="tool earlier" onclick={link.callback(|_| Message::Earlier)}>
                        { words::output::earlier(earlier) }
                    </button>
                } else if start == 0 {
                    { welcome(ctx.props()) }
                }
                { for lines }
            </div>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, _: bool) {
        let Some(output) = self.output.cast::<HtmlElement>() else {
            return;
        };
        if let Some((entry, was)) = self.anchor.take()
            && let Some(is) = self.place_of(entry)
        {
            output.set_scroll_top(output.scroll_top() + is - was);
        }
        if std::mem::take(&mut self.follows) {
            // A console in which nothing has been said begins with its first words.
            let props = ctx.props();
            let (is_past, is_new) = (props.is_past, props.entries.is_empty());
            self.frame = NextFrame::new(move || match is_new {
                true => output.set_scroll_top(0),
                false => follow(&output, is_past),
            });
        }
    }
}

impl Output {
    /// Where an entry begins, in pixels from the top of all that is drawn.
    fn place_of(&self, entry: usize) -> Option<i32> {
        let output = self.output.cast::<HtmlElement>()?;
        let selector = format!("[data-entry='{entry}']");
        let element = output.query_selector(&selector).ok().flatten()?;
        Some(element.dyn_into::<HtmlElement>().ok()?.offset_top())
    }
}

#[derive(Properties, PartialEq)]
struct LineProps {
    /// The language in which it is drawn.
    #[prop_or_else(words::language)]
    pub language: words::Language,
    /// Its place in the transcript.
    index: usize,
    step: u32,
    line: Rc<LogLine>,
    /// It is the step that is shown.
    current: bool,
    /// It comes after the step that is shown.
    future: bool,
    /// The page takes other lines in its place.
    editable: bool,
    act: Callback<Action>,
}

/// One line and what it printed.
#[function_component]
fn Line(props: &LineProps) -> Html {
    let LineProps { step, line, .. } = props;
    let step = *step;
    let class = classes!(
        "entry",
        props.current.then_some("current"),
        props.future.then_some("future"),
    );
    html! {
        <div {class} data-entry={props.index.to_string()} data-step={step.to_string()} aria-current={props.current.then_some("step")}>
            <div class="typed">
                <button class="step" data-step={step.to_string()} aria-label={words::output::step(step)}
                    tabindex={if props.current { "0" } else { "-1" }} title={words::output::show_step(step)}
                    onclick={props.act.reform(move |_| Action::Seek(step))} />
                <span class="hash">{ "# " }</span>
                <span class="words">{ &line.typed }</span>
                if props.current && props.editable {
                    <button class="tool edit-here" title={words::output::edit_hint()}
                        aria-label={words::output::edit_step(step)} onclick={props.act.reform(
                            |_| Action::Inquiry(Inquiry::Show(Some(Tab::Edit))))}>{ words::output::edit() }</button>
                }
                if line.report.status != 0 {
                    <span class="badge" title={words::output::exit_status()} data-status={line.report.status.to_string()}>
                        { words::output::exit(line.report.status) }
                    </span>
                }
            </div>
            if !line.printed.is_empty() {
                <pre class="printed">{ &line.printed }</pre>
            }
        </div>
    }
}

/// What a newcomer reads first.
fn welcome(props: &OutputProps) -> Html {
    let run = &props.welcome;
    let groups = EXAMPLES.iter().map(|(title, lines)| {
        let buttons = lines.iter().map(|line| {
            let onclick = run.reform(move |_: MouseEvent| line.to_string());
            html! { <button class="example mono" data-line={*line} {onclick}>{ *line }</button> }
        });
        html! { <div class="examples"><h2>{ title() }</h2>{ for buttons }</div> }
    });
    html! {
        <div class="welcome">
            { front::welcome(props.ways, &props.act) }
            { for groups }
        </div>
    }
}

/// Scrolls to the present: the end, or the current step when it is in the past.
fn follow(output: &HtmlElement, is_past: bool) {
    if !is_past {
        return output.set_scroll_top(output.scroll_height());
    }
    let current = output.query_selector(".entry.current").ok().flatten();
    match current {
        Some(current) => {
            let options = ScrollIntoViewOptions::new();
            options.set_block(ScrollLogicalPosition::Nearest);
            current.scroll_into_view_with_scroll_into_view_options(&options);
        }
        None => output.set_scroll_top(0),
    }
}
