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

use std::any::Any;
use std::rc::Rc;

use yew::functional::{Hook, HookContext};
use yew::{Html, Properties, function_component, html};

/// What a part of the page shows, and how it is drawn.
pub trait Part: 'static {
    /// The part's name: two parts of different names never share a place's state.
    fn name(&self) -> &'static str;
    /// Draws it. The hooks that it uses belong to its place in the page.
    fn draw(&self, context: &mut HookContext) -> Html;
    /// Whether `other` shows just the same.
    fn is_same(&self, other: &dyn Part) -> bool;
    /// The part as what it is.
    fn as_any(&self) -> &dyn Any;
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

            fn is_same(&self, other: &dyn $crate::part::Part) -> bool {
                other.as_any().downcast_ref() == Some(self)
            }

            fn as_any(&self) -> &dyn ::std::any::Any {
                self
            }
        }
    };
}
pub(crate) use drawn_by;

/// Puts a part into the page.
pub fn part(shown: impl Part) -> Html {
    place(Rc::new(shown))
}

fn place(shown: Rc<dyn Part>) -> Html {
    let name = shown.name();
    html! { <Memo key={name} {shown} /> }
}

#[derive(Properties)]
struct MemoProps {
    shown: Rc<dyn Part>,
}

impl PartialEq for MemoProps {
    fn eq(&self, other: &MemoProps) -> bool {
        self.shown.is_same(&*other.shown)
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
