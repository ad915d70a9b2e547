//! How the CPUs' time was shared: bars of what everybody had, with a mark where the weights alone
//! would have put it.

use labs::view::{Share, TimelineView, duration, permille};
use yew::{Html, html};

use super::lanes_draw::hue;

/// Tasks that are listed, the busiest; and groups.
const TASKS_SHOWN: usize = 40;

/// The groups, if there are any, and the tasks.
pub fn shares(view: &TimelineView) -> Html {
    let busy = view.busy_ns();
    let (groups, tasks) = view.shares();
    let groups = view.groups.iter().zip(&groups);
    let groups = groups.filter(|(group, share)| group.parent.is_some() && share.ideal_ns > 0);
    let groups = groups.map(|(group, share)| {
        let depth = group.path.matches('/').count();
        let weight = words::sched::shares(group.shares);
        row(&group.path, depth, weight, share, busy, None)
    });
    let groups: Vec<Html> = groups.take(TASKS_SHOWN).collect();
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|task| std::cmp::Reverse(tasks[*task].ns));
    let left = order.len().saturating_sub(TASKS_SHOWN);
    let rows = order.iter().take(TASKS_SHOWN).map(|&number| {
        let task = &view.tasks[number];
        let group = view.groups.get(task.group as usize);
        let group = group.filter(|group| group.parent.is_some());
        let mut name = view.name(number as u32);
        if let Some(group) = group {
            name = words::sched::task_in(name, &group.path);
        }
        let weight = words::sched::weight(task.weight);
        row(&name, 0, weight, &tasks[number], busy, Some(number as u32))
    });
    html! {
        <table class="shares" id="sched-shares">
            <caption class="unseen">
                { words::sched::shares_caption() }
            </caption>
            <thead><tr>
                <th scope="col">{ words::sched::shares_who() }</th>
                <th scope="col" class="share-bar"><span class="unseen">{ words::sched::shares_bar() }</span></th>
                <th scope="col">{ words::sched::shares_share() }</th>
                <th scope="col" title={words::sched::shares_weights_hint()}>
                    { words::sched::shares_weights() }
                </th>
                <th scope="col" class="share-time">{ words::sched::shares_time() }</th>
                <th scope="col" class="share-weight">{ words::sched::shares_weight() }</th>
            </tr></thead>
            <tbody>
                { for groups }
                { for rows }
            </tbody>
            if left > 0 || view.is_tied() {
                <tfoot><tr><td colspan="6" class="quiet">
                    if left > 0 { { words::sched::shares_left(left) } }
                    if view.is_tied() {
                        { words::sched::shares_tied() }
                    }
                </td></tr></tfoot>
            }
        </table>
    }
}

/// One bar. `task` has the colour that it has in the lanes.
fn row(
    name: &str,
    depth: usize,
    weight: String,
    share: &Share,
    busy: u64,
    task: Option<u32>,
) -> Html {
    let part = |ns: u64| permille(ns, busy);
    let text = |ns: u64| {
        let permille = part(ns);
        format!("{}.{} %", permille / 10, permille % 10)
    };
    let indent = format!("depth-{}", depth.clamp(1, 4));
    let fill = match task {
        Some(task) => format!("hue hue-{}", hue(task)),
        None => "bar-used".to_string(),
    };
    let mark = part(share.ideal_ns).clamp(2, 998) - 2;
    html! {
        <tr key={name.to_string()} data-name={name.to_string()}
            class={if task.is_some() { "of-task" } else { "of-group" }}
            data-permille={part(share.ns).to_string()} data-ideal={part(share.ideal_ns).to_string()}>
            <th scope="row" class={indent}>{ name }</th>
            <td class="share-bar">
                <svg class="bar" viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="bar-room" width="1000" height="12" />
                    <rect class={fill} y="2" width={part(share.ns).to_string()} height="8" />
                    <rect class="bar-ideal" x={mark.to_string()} width="4" height="12" />
                </svg>
            </td>
            <td>{ text(share.ns) }</td>
            <td>{ text(share.ideal_ns) }</td>
            <td class="share-time">{ duration(share.ns) }</td>
            <td class="share-weight">{ weight }</td>
        </tr>
    }
}
