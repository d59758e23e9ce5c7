//! Forms of things that are stored: they follow what is stored until a person types.

use leptos::prelude::*;

/// A form's values, which follow `stored` as long as nobody has changed them here.
pub fn fresh<F>(stored: Memo<F>) -> RwSignal<F>
where
    F: Clone + PartialEq + Send + Sync + 'static,
{
    let values = RwSignal::new(stored.get_untracked());
    Effect::new(move |before: Option<F>| {
        let now = stored.get();
        if before.is_some_and(|before| {
            before != now && values.with_untracked(|values| *values == before)
        }) {
            values.set(now.clone());
        }
        now
    });
    values
}
