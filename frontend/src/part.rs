//! Parts of the page that are drawn anew only when something they show has changed.
//!
//! Yew's own way is a component a part. But for every type of component the compiler makes all of
//! Yew's machinery for mounting, updating and removing one again, some 8 kB each, and the page has
//! two dozen parts. So there is one component, [`Memo`], and it holds a [`Part`]: what is shown,
//! with the hook that draws it.
//!
//! ```text
//! #[derive(PartialEq)]
//! pub struct Greeting { pub name: String }
//!
//! #[hook]
//! fn use_greeting(greeting: &Greeting) -> Html { ... }
//! drawn_by!(Greeting, use_greeting);
//!
//! html! { <main>{ part(Greeting { name }) }</main> }
//! ```
//!
//! When the page speaks another language, all are drawn anew; a component of its own has the language
//! among its properties for that, as [`Memo`] has.
//!
//! What a first visit does not show need not be loaded with it: the code of a part that is
//! `drawn_later_by!` its hook is split off the page's module when the page is packed, and fetched
//! when the part is first wanted.

use std::any::Any;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::OnceLock;

pub use wasm_split_helpers::SplitLoaderError;
use words::Language;
use yew::functional::{Hook, HookContext};
use yew::{Html, Properties, function_component, hook, html, use_effect_with, use_state_eq};

/// What a part of the page shows, and how it is drawn.
pub trait Part: Shown {
    /// The part's name: two parts of different names never share a place's state.
    fn name(&self) -> &'static str;
    /// Draws it. The hooks that it uses belong to its place in the page.
    fn draw(&self, context: &mut HookContext) -> Html;
    /// Where its code comes from, if that is not here from the start.
    fn later(&self) -> Option<Later> {
        None
    }
}

/// What can be compared with whatever else a place in the page may show.
pub trait Shown: Any {
    /// Whether `other` shows just the same.
    fn is_same(&self, other: &dyn Part) -> bool;
}

impl<T: PartialEq + 'static> Shown for T {
    fn is_same(&self, other: &dyn Part) -> bool {
        (other as &dyn Any).downcast_ref() == Some(self)
    }
}

/// Makes a part of what is shown and the hook that draws it.
macro_rules! drawn_by {
    ($shown:ident, $draw:ident) => {
        impl $crate::part::Part for $shown {
            fn name(&self) -> &'static str {
                stringify!($shown)
            }

            fn draw(&self, context: &mut ::yew::functional::HookContext) -> ::yew::Html {
                ::yew::functional::Hook::run($draw(self), context)
            }
        }
    };
}
pub(crate) use drawn_by;

/// Draws a part, whose type it knows.
pub type Draw = fn(&dyn Part, &mut HookContext) -> Html;

/// Code on its way; says at its end whether it has come.
pub type Fetched = Pin<Box<dyn Future<Output = bool>>>;

/// Code that is not here from the start.
#[derive(Clone, Copy)]
pub struct Later {
    /// The code, once it has come.
    pub code: &'static OnceLock<Draw>,
    /// Fetches it.
    pub fetch: fn() -> Fetched,
    /// Whether the part has anything to show.
    pub is_wanted: bool,
}

/// Like [`drawn_by`], with the code in a file of the name `$file`, which is fetched when
/// `$is_wanted` first says of a part that it has something to show.
macro_rules! drawn_later_by {
    ($shown:ident, $draw:ident, $file:ident, $is_wanted:expr) => {
        const _: () = {
            static CODE: ::std::sync::OnceLock<$crate::part::Draw> = ::std::sync::OnceLock::new();

            #[::wasm_split_helpers::wasm_split($file, fallible)]
            fn code() -> Result<$crate::part::Draw, $crate::part::SplitLoaderError> {
                Ok(|shown, context| {
                    match (shown as &dyn ::std::any::Any).downcast_ref::<$shown>() {
                        Some(shown) => ::yew::functional::Hook::run($draw(shown), context),
                        None => ::yew::Html::default(),
                    }
                })
            }

            impl $shown {
                /// Fetches the code; says whether it is here now.
                pub async fn fetched() -> bool {
                    match code().await {
                        Ok(draw) => {
                            CODE.get_or_init(|| draw);
                            true
                        }
                        Err(_) => false,
                    }
                }
            }

            impl $crate::part::Part for $shown {
                fn name(&self) -> &'static str {
                    stringify!($shown)
                }

                fn draw(&self, context: &mut ::yew::functional::HookContext) -> ::yew::Html {
                    match CODE.get() {
                        Some(draw) => draw(self, context),
                        None => ::yew::Html::default(),
                    }
                }

                fn later(&self) -> Option<$crate::part::Later> {
                    let is_wanted: fn(&$shown) -> bool = $is_wanted;
                    Some($crate::part::Later {
                        code: &CODE,
                        fetch: || Box::pin($shown::fetched()),
                        is_wanted: is_wanted(self),
                    })
                }
            }
        };
    };
}
pub(crate) use drawn_later_by;

/// Puts a part into the page.
pub fn part(shown: impl Part) -> Html {
    let shown = Rc::new(shown);
    match shown.later() {
        Some(later) => place(shown.name(), Rc::new(Awaited { shown, later })),
        None => place(shown.name(), shown),
    }
}

fn place(name: &'static str, shown: Rc<dyn Part>) -> Html {
    html! { <Memo key={name} {shown} /> }
}

/// A part whose code comes later.
struct Awaited {
    shown: Rc<dyn Part>,
    /// Follows from what is shown.
    later: Later,
}

impl PartialEq for Awaited {
    fn eq(&self, other: &Awaited) -> bool {
        self.shown.is_same(&*other.shown)
    }
}

drawn_by!(Awaited, use_awaited);

/// Draws the part if its code is here, else fetches it.
#[hook]
fn use_awaited(awaited: &Awaited) -> Html {
    let failed = use_state_eq(|| None);
    let Later {
        code,
        fetch,
        is_wanted,
    } = awaited.later;
    let is_here = code.get().is_some();
    {
        let failed = failed.clone();
        use_effect_with(is_wanted && !is_here, move |is_fetching| {
            if *is_fetching {
                wasm_bindgen_futures::spawn_local(async move {
                    failed.set(Some(!fetch().await));
                });
            }
        });
    }
    match (is_here, *failed) {
        (true, _) => place(awaited.shown.name(), awaited.shown.clone()),
        (false, Some(true)) if is_wanted => html! {
            <p class="note error" role="alert">
                { words::app::part_not_loaded() }
            </p>
        },
        (false, _) => Html::default(),
    }
}

#[derive(Properties)]
struct MemoProps {
    shown: Rc<dyn Part>,
    /// The language in which it is drawn.
    #[prop_or_else(words::language)]
    language: Language,
}

impl PartialEq for MemoProps {
    fn eq(&self, other: &MemoProps) -> bool {
        self.language == other.language && self.shown.is_same(&*other.shown)
    }
}

/// Draws its part when it differs from the one before.
#[function_component]
fn Memo(props: &MemoProps) -> Html {
    use_part(&*props.shown)
}

/// The hooks of a part, whichever it is.
fn use_part(shown: &dyn Part) -> impl Hook<Output = Html> {
    Drawing(shown)
}

struct Drawing<'a>(&'a dyn Part);

impl Hook for Drawing<'_> {
    type Output = Html;

    fn run(self, context: &mut HookContext) -> Html {
        self.0.draw(context)
    }
}
