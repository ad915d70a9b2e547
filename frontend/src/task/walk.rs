//! How an address becomes a place in memory: ten bits choose an entry of the directory, ten an entry
//! of the table that this leads to, and twelve a byte of the page that that leads to.

use labs::view::task::MmView;
use yew::{Callback, Html, classes, html};

use super::inspect;
use crate::state::Action;

/// Entries of a table.
const ENTRIES: u32 = 1024;

/// An address in three parts.
pub fn parts(address: u32) -> [u32; 3] {
    [address >> 22, address >> 12 & 0x3ff, address & 0xfff]
}

/// A number in so many binary digits.
fn binary(number: u32, digits: usize) -> String {
    format!("{number:0digits$b}")
}

/// The walk for an address.
pub fn walk(mm: &MmView, address: u32, act: &Callback<Action>) -> Html {
    let [in_directory, in_table, in_page] = parts(address);
    let table = mm.table(address);
    let page = mm.page(address);
    let is_known = page.is_some() || table.is_none() || is_covered(mm, address);
    let used = mm.tables.iter().map(|table| table.index);
    let directory = strip(used, in_directory);
    let numbers = mm.pages.iter().map(|page| page.number);
    let of_table = numbers
        .filter(|number| number >> 10 == in_directory)
        .map(|number| number & 0x3ff);
    let entries = strip(of_table, in_table);
    let leads = |text: String| html! { <p class="mono walk-entry">{ text }</p> };
    html! {
        <div class="walk" id="task-walk" data-address={format!("{address:08x}")}>
            <p class="walk-bits mono" aria-label={words::tasks::walk_bits(format_args!("{address:08x}"))}>
                <span class="bits-directory">{ binary(in_directory, 10) }</span>
                <span class="bits-table">{ binary(in_table, 10) }</span>
                <span class="bits-page">{ binary(in_page, 12) }</span>
            </p>
            <ol class="walk-steps">
                <li class="bits-directory">
                    <h5>{ words::tasks::directory() }{ place(mm.pgd, act) }</h5>
                    if mm.pgd == 0 {
                        { leads(words::tasks::directory_none().into()) }
                    } else {
                        { directory }
                        { leads(match table {
                            Some(table) => words::tasks::directory_entry(in_directory, table.frame),
                            None => words::tasks::entry_empty(in_directory),
                        }) }
                    }
                </li>
                <li class={classes!("bits-table", table.is_none().then_some("walk-none"))}>
                    <h5>{ words::tasks::table() }{ place(table.map_or(0, |table| table.frame), act) }</h5>
                    if let Some(table) = table {
                        { entries }
                        { leads(match page {
                            Some(page) => format!("[{in_table}] = {:08x} {}", page.pte, page.letters()),
                            None if is_known => words::tasks::entry_empty(in_table),
                            None => words::tasks::entry_not_shown(in_table),
                        }) }
                        if let Some(page) = page {
                            <p class="quiet">{ page.bits().collect::<Vec<&str>>().join(", ") }</p>
                        }
                        <p class="quiet">{ words::tasks::entries_used(table.used, ENTRIES) }</p>
                    }
                </li>
                <li class={classes!("bits-page", page.is_none().then_some("walk-none"))}>
                    <h5>{ words::tasks::page() }{ place(page.map_or(0, |page| page.frame()), act) }</h5>
                    if let Some(page) = page {
                        { leads(words::tasks::byte_of_frame(in_page, page.frame())) }
                        <p class="quiet">
                            { page.kind.word() }
                            { match page.mapped {
                                1 => words::tasks::mapped_once().to_string(),
                                count => words::tasks::mapped_times(count),
                            } }
                        </p>
                    } else if is_known {
                        { leads(match mm.area(address) {
                            Some(_) => words::tasks::page_fault().into(),
                            None => words::tasks::segmentation_fault().into(),
                        }) }
                    }
                </li>
            </ol>
        </div>
    }
}

/// Whether the view has all pages around an address.
fn is_covered(mm: &MmView, address: u32) -> bool {
    let first = mm.pages.first().map_or(u32::MAX, |page| page.address());
    let last = mm.pages.last().map_or(0, |page| page.address());
    (mm.before == 0 || address >= first) && (mm.after == 0 || address <= last)
}

/// A frame, which can be looked into.
fn place(frame: u32, act: &Callback<Action>) -> Html {
    if frame == 0 {
        return Html::default();
    }
    html! {
        <button class="link mono" onclick={inspect(frame * 512, act)} title={words::tasks::frame_hint()}>
            { words::tasks::frame(frame) }
        </button>
    }
}

/// Entries of a table from left to right: the used ones, and the one that is looked at.
fn strip(used: impl Iterator<Item = u32>, chosen: u32) -> Html {
    let mut path = String::new();
    for index in used {
        path.push_str(&["M", &index.to_string(), " 0v10h4v-10z"].concat());
    }
    let x = chosen.saturating_sub(4).min(ENTRIES - 8).to_string();
    html! {
        <svg class="entries" viewBox="0 0 1028 10" preserveAspectRatio="none" aria-hidden="true">
            <rect class="entries-room" width="1028" height="10" />
            <path class="entries-used" d={path} />
            <rect class="entries-chosen" {x} width="12" height="10" />
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_falls_into_three_parts() {
        assert_eq!(parts(0x0804_8123), [32, 72, 0x123]);
        assert_eq!(parts(0xbfff_ffff), [767, 1023, 4095]);
        assert_eq!(binary(32, 10), "0000100000");
        assert_eq!(binary(4095, 12).len(), 12);
        let [directory, table, page] = parts(0x4000_3abc);
        assert_eq!(directory << 22 | table << 12 | page, 0x4000_3abc);
    }

    #[test]
    fn what_lies_outside_of_the_window_is_not_claimed() {
        let page = labs::view::task::PageRow {
            number: 0x40000,
            ..Default::default()
        };
        let mm = MmView {
            pages: vec![page],
            after: 3,
            ..MmView::default()
        };
        assert!(is_covered(&mm, 0x4000_0000));
        assert!(!is_covered(&mm, 0x4000_1000));
        assert!(is_covered(&mm, 0x3000_0000));
    }
}
