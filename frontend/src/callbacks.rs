//! Callbacks that only sometimes have something to report.

use yew::Callback;

use crate::state::Action;

/// A callback that reports what `read` makes of an event, if it makes anything of it.
pub fn report<E: 'static>(
    act: &Callback<Action>,
    read: impl Fn(E) -> Option<Action> + 'static,
) -> Callback<E> {
    let act = act.clone();
    Callback::from(move |event| {
        if let Some(action) = read(event) {
            act.emit(action);
        }
    })
}
