//! One task: what it is, what it does, and what it owns.

use std::rc::Rc;

use labs::view::task::{Kin, ProgramView, Signals, TaskView, duration};
use yew::{Callback, Html, classes, html};

use super::list::state_class;
use super::space::space;
use super::{inspect, open};
use crate::state::Action;

/// The task that is looked at, and how.
pub struct Looked<'a> {
    /// The task.
    pub view: &'a Rc<TaskView>,
    /// The same at the step that was shown before, and that step.
    pub before: Option<&'a (u32, Rc<TaskView>)>,
    /// The address that is looked at.
    pub address: Option<u32>,
    /// Why the address that was typed is none.
    pub address_error: Option<&'static str>,
    pub act: &'a Callback<Action>,
}

/// Draws it.
pub fn one(looked: &Looked<'_>) -> Html {
    let view = looked.view;
    let mm = view.mm.as_ref().map(|mm| space(looked, mm));
    html! {
        <>
            { deeds(view, looked.act) }
            { facts(looked) }
            { program(looked) }
            { mm }
            { signals(looked) }
            { files(looked) }
            { containers(looked) }
            { family(looked) }
            { objects(view, looked.act) }
        </>
    }
}

/// What can be done with it, each as the line that does it.
fn deeds(view: &TaskView, act: &Callback<Action>) -> Html {
    let pid = view.row.pid;
    let nice = view.row.nice;
    let lines = [
        ("task-stop", format!("kill -STOP {pid}")),
        ("task-cont", format!("kill -CONT {pid}")),
        ("task-term", format!("kill {pid}")),
        ("task-kill", format!("kill -KILL {pid}")),
        ("task-nicer", format!("renice {} {pid}", (nice + 5).min(19))),
        (
            "task-ruder",
            format!("renice {} {pid}", (nice - 5).max(-20)),
        ),
    ];
    let buttons = lines.into_iter().map(|(id, line)| {
        let typed = line.clone().into_bytes();
        let onclick = act.reform(move |_| Action::Submit(vec![typed.clone()]));
        html! { <button class="tool mono" {id} {onclick} title={words::tasks::run_line()}>{ line }</button> }
    });
    html! {
        <div class="task-deeds" role="group" aria-label={words::tasks::deeds()}>
            <span class={state_class(view.row.state)}>{ view.row.state }</span>
            { for buttons }
        </div>
    }
}

/// A sign behind what is not as it was.
fn sign(is_changed: bool) -> Html {
    if !is_changed {
        return Html::default();
    }
    let changed = words::tasks::changed();
    html! { <span class="sign" title={changed}>{ " ~" }<span class="unseen">{ changed }</span></span> }
}

/// The numbers.
fn facts(looked: &Looked<'_>) -> Html {
    let before = looked.before.map(|(_, before)| before.facts());
    let rows = looked.view.facts().into_iter().map(|(name, value)| {
        let was = before
            .as_ref()
            .map(|facts| facts.iter().find(|(other, _)| *other == name));
        let is_changed = was.is_some_and(|was| was.map(|(_, was)| was) != Some(&value));
        html! {
            <div class={classes!(is_changed.then_some("changed"))}>
                <dt>{ name }</dt><dd>{ value }{ sign(is_changed) }</dd>
            </div>
        }
    });
    html! { <dl class="task-part task-facts" id="task-facts">{ for rows }</dl> }
}

/// The program's text with the line that runs, and its variables.
fn program(looked: &Looked<'_>) -> Html {
    let Some(program) = &looked.view.program else {
        return Html::default();
    };
    let lines = (1..).zip(program.text.lines()).map(|(number, line)| {
        let is_here = number == program.line;
        html! {
            <li class={is_here.then_some("program-here")} aria-current={is_here.then_some("step")}>
                <span class="program-number" aria-hidden="true">{ number }</span>
                { coloured(line) }
                if is_here { <span class="unseen">{ words::tasks::program_here() }</span> }
            </li>
        }
    });
    let was = looked
        .before
        .and_then(|(_, before)| before.program.as_ref());
    let variables = program.variables.iter().map(|variable| {
        let known = was.map(|was| was.variables.contains(variable));
        html! {
            <tr>
                <th scope="row">{ "$" }{ &variable.0 }</th>
                <td>{ value(variable.1) }{ sign(known == Some(false)) }</td>
            </tr>
        }
    });
    html! {
        <section class="task-part" aria-labelledby="task-program-title">
            <h3 id="task-program-title">
                { words::tasks::program() }<span class="mono">{ program.arguments.join(" ") }</span>
            </h3>
            <p class="quiet">{ now(looked.view, program) }</p>
            <div class="program-split">
                <ol class="program mono" id="task-program" aria-label={words::tasks::program_text()}
                    data-line={program.line.to_string()}>{ for lines }</ol>
                <table class="fields mono variables" id="task-variables">
                    <caption class="unseen">{ words::tasks::variables() }</caption>
                    <tbody>
                        { for variables }
                        <tr><th scope="row">{ "$?" }</th>
                            <td>{ program.last }{ sign(was.is_some_and(|was| was.last != program.last)) }</td></tr>
                    </tbody>
                </table>
            </div>
        </section>
    }
}

/// A line of a program; comments stand back.
fn coloured(line: &str) -> Html {
    // A comment begins where a word does.
    let start = match line.trim_start().starts_with('#') {
        true => Some(0),
        false => line.find(" # "),
    };
    let (code, comment) = line.split_at(start.unwrap_or(line.len()));
    html! { <span>{ code }<span class="quiet">{ comment }</span></span> }
}

/// A number; in hexadecimal, too, if it may be an address.
fn value(number: i64) -> String {
    match number {
        0x1000_0000..=0xffff_ffff => format!("{number} = 0x{number:x}"),
        _ => number.to_string(),
    }
}

/// What the program is at.
fn now(view: &TaskView, program: &ProgramView) -> String {
    let mut text = match view.waits_for() {
        Some(what) => {
            words::tasks::waits_in_line(what, view.wchan().unwrap_or_default(), program.line)
        }
        None if program.line == 0 => words::tasks::not_begun().to_string(),
        None => words::tasks::at_line(program.line),
    };
    if program.deadline > view.now {
        let left = duration(program.deadline - view.now);
        text.push_str(&words::tasks::for_more(left));
    }
    if program.alarm > view.now {
        let left = duration(program.alarm - view.now);
        text.push_str(&words::tasks::alarm(left));
    }
    if program.handles > 0 {
        let name = Signals::names(1 << (program.handles - 1).min(31));
        text.push_str(&words::tasks::handles(name));
    }
    text + "."
}

/// The signals by name.
fn signals(looked: &Looked<'_>) -> Html {
    let sets = looked.view.signals.sets();
    let was = looked.before.map(|(_, before)| before.signals.sets());
    // What waits is always worth a row; of the others, sets that hold something.
    let rows = sets.iter().enumerate();
    let rows = rows.filter(|(place, (_, set))| {
        let held = was.is_some_and(|was| was[*place].1 != 0);
        *place == 0 || *set != 0 || held
    });
    let rows = rows.map(|(place, (name, set))| {
        let is_changed = was.is_some_and(|was| was[place].1 != *set);
        let names = match *set {
            0 => words::tasks::no_signals().to_string(),
            set => Signals::names(set),
        };
        html! {
            <tr>
                <th scope="row">{ *name }</th>
                <td class="mono">{ names }{ sign(is_changed) }</td>
            </tr>
        }
    });
    html! {
        <section class="task-part" aria-labelledby="task-signals-title">
            <h3 id="task-signals-title">{ words::tasks::signals() }</h3>
            <table class="fields" id="task-signals" aria-labelledby="task-signals-title">
                <tbody>{ for rows }</tbody>
            </table>
        </section>
    }
}

/// The open files.
fn files(looked: &Looked<'_>) -> Html {
    let view = looked.view;
    if view.files.is_empty() {
        return Html::default();
    }
    let was = looked.before.map(|(_, before)| &before.files);
    let rows = view.files.iter().map(|file| {
        let is_changed = was.is_some_and(|was| !was.contains(file));
        html! {
            <tr>
                <th scope="row">{ file.fd }</th>
                <td><button class="link mono" onclick={inspect(file.at, looked.act)}
                    title={words::tasks::file_hint()}>{ &file.path }</button>{ sign(is_changed) }</td>
                <td>{ file.how() }</td>
                <td>{ file.position }</td>
                <td>{ file.count }</td>
            </tr>
        }
    });
    html! {
        <section class="task-part" aria-labelledby="task-files-title">
            <h3 id="task-files-title">{ words::tasks::files() }</h3>
            <table class="fields" id="task-files" aria-labelledby="task-files-title">
                <thead><tr>
                    <th scope="col">{ words::tasks::file_fd() }</th><th scope="col">{ words::tasks::file_path() }</th>
                    <th scope="col">{ words::tasks::file_how() }</th><th scope="col">{ words::tasks::file_position() }</th>
                    <th scope="col">{ words::tasks::file_count() }</th>
                </tr></thead>
                <tbody>{ for rows }</tbody>
            </table>
        </section>
    }
}

/// The containers that it is in.
fn containers(looked: &Looked<'_>) -> Html {
    let view = looked.view;
    if view.containers.is_empty() {
        return Html::default();
    }
    let was = looked.before.map(|(_, before)| &before.containers);
    let rows = view.containers.iter().map(|place| {
        let is_changed = was.is_some_and(|was| !was.contains(place));
        html! {
            <tr>
                <th scope="row">{ &place.0 }</th>
                <td class="mono">{ &place.1 }{ sign(is_changed) }</td>
            </tr>
        }
    });
    html! {
        <section class="task-part" aria-labelledby="task-containers-title">
            <h3 id="task-containers-title">{ words::tasks::containers() }</h3>
            <table class="fields" id="task-containers" aria-labelledby="task-containers-title">
                <tbody>{ for rows }</tbody>
            </table>
        </section>
    }
}

/// Parent, threads and children.
fn family(looked: &Looked<'_>) -> Html {
    let view = looked.view;
    let threads: &[Kin] = match view.threads.len() {
        0 | 1 => &[],
        _ => &view.threads,
    };
    let left = (view.nr_children as usize).saturating_sub(view.children.len());
    let groups = [
        (words::tasks::family_parent(), view.parent.as_slice(), 0),
        (words::tasks::family_threads(), threads, 0),
        (words::tasks::family_children(), &view.children, left),
    ];
    let groups = groups.into_iter().filter(|(_, kin, _)| !kin.is_empty());
    let groups = groups.map(|(word, kin, left)| {
        let chips = kin.iter().map(|kin| {
            let is_self = kin.pid == view.row.pid;
            html! {
                <li><button class="chip mono" onclick={open(kin.pid, looked.act)}
                    aria-current={is_self.then_some("true")}>
                    { kin.pid }{ " " }{ &kin.comm }{ " " }{ kin.state }
                </button></li>
            }
        });
        html! {
            <div class="task-chips">
                <span class="quiet">{ word }</span>
                <ul class="chips">{ for chips }
                    if left > 0 { <li class="quiet">{ words::tasks::more(left) }</li> }
                </ul>
            </div>
        }
    });
    html! { <section class="task-part" aria-label={words::tasks::family()}>{ for groups }</section> }
}

/// The kernel's objects behind all this.
fn objects(view: &TaskView, act: &Callback<Action>) -> Html {
    let chips = view.objects.iter().map(|(name, at)| {
        html! {
            <li><button class="chip mono" data-object={name.clone()} onclick={inspect(*at, act)}>
                { name }
            </button></li>
        }
    });
    html! {
        <section class="task-part" aria-labelledby="task-objects-title">
            <h3 id="task-objects-title">{ words::tasks::objects() }</h3>
            <ul class="chips" id="task-objects">{ for chips }</ul>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_may_be_addresses() {
        assert_eq!(value(-12), "-12");
        assert_eq!(value(0x4000_0000), "1073741824 = 0x40000000");
        assert_eq!(value(1 << 40), "1099511627776");
    }

    #[test]
    fn what_a_program_is_at_is_said() {
        let mut view = TaskView::default();
        view.row.state = 'S';
        view.why = 1;
        view.now = 1_000;
        let mut program = ProgramView {
            line: 3,
            deadline: 5_000_001_000,
            ..ProgramView::default()
        };
        assert_eq!(
            now(&view, &program),
            "It waits for time to pass (hrtimer_nanosleep) in line 3, for 5 s more."
        );
        view.row.state = 'R';
        (program.deadline, program.handles, program.alarm) = (0, 15, 2_000);
        assert_eq!(
            now(&view, &program),
            "It is at line 3; its alarm goes off in 1 µs; it handles TERM."
        );
        program = ProgramView::default();
        assert_eq!(now(&view, &program), "It has not begun.");
    }
}
