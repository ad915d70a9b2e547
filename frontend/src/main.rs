//! The page: a console, pictures of the kernel, and a way back in time.
//!
//! The kernel runs elsewhere, in a worker or behind a socket ([`carrier`]); the page asks it for
//! views and draws them. All that the page knows, and every way it changes, is in [`state`]; the
//! components only draw it and report what happened. Nothing here decides anything about kernels.

mod address;
mod app;
mod callbacks;
mod canvas;
mod carrier;
mod choices;
mod console;
mod container;
mod dialog;
mod events;
mod front;
mod header;
mod help;
mod history;
mod icons;
mod inquiry;
mod language;
mod layout;
mod lesson;
mod library;
mod live;
mod looks;
mod memory;
mod oom;
mod output;
mod page;
mod part;
mod pen;
mod performance;
mod radix;
mod radix_canvas;
mod radix_draw;
mod radix_layout;
mod sched;
mod settings;
mod slab;
mod state;
mod table;
mod task;
mod timeline;
mod transcript;
mod walk;
mod whereabouts;

fn main() {
    let document = web_sys::window().and_then(|window| window.document());
    let root = document.and_then(|document| document.get_element_by_id("app"));
    if let Some(root) = root {
        language::begin(|| {
            yew::Renderer::<app::App>::with_root(root).render();
        });
    }
}
