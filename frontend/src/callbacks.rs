//! Callbacks that only sometimes have something to report.

use yew::Callback;

/// A callback that reports what `read` makes of an event, if it makes anything of it.
pub fn report<E: 'static, A: 'static>(
    act: &Callback<A>,
    read: impl Fn(E) -> Option<A> + 'static,
) -> Callback<E> {
    let act = act.clone();
    Callback::from(move |event| {
        if let Some(action) = read(event) {
            act.emit(action);
        }
    })
}
