//! Form values that follow the stored object until the user edits them.

use leptos::prelude::*;

/// A form's values, which follow `stored` until the user changes them.
pub fn form_values<F>(stored: Memo<F>) -> RwSignal<F>
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
