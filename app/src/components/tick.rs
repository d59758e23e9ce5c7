//! A labelled box to tick, with its refusal beside it.

use crate::solid::{Solid as _, act};
use leptos::prelude::*;

use super::form::{FormState, field_help, field_id};

/// A labelled box to tick.
#[component]
pub fn Tick(
    /// The form.
    form: FormState,
    /// The field's name as the parser spells it.
    #[prop(into)]
    name: String,
    /// The label.
    label: &'static str,
    /// Whether it is ticked.
    checked: Signal<bool>,
    /// Takes what a person chose.
    set: Callback<bool>,
    /// A short help under the box.
    hint: &'static str,
    /// Why it cannot be ticked, in place of the help.
    #[prop(optional, into)]
    barred: Signal<Option<String>>,
) -> impl IntoView {
    let id = field_id(&name);
    let help = format!("{id}-help");
    let own = id.clone();
    let name = StoredValue::new(name);
    let refusal = Memo::new(move |_| form.refusal(&name.get_value()));
    let choose = move |on: bool| {
        form.typed(&name.get_value());
        set.run(on);
        form.leave(&name.get_value());
    };
    let words = Signal::derive(move || barred.get().unwrap_or_else(|| hint.to_owned()));
    view! {
        <div class="field">
            <label class="check" for=own>
                <input
                    id=id
                    type="checkbox"
                    aria-describedby=help.clone()
                    aria-invalid=Signal::derive(move || refusal.with(Option::is_some).to_string())
                    disabled=Signal::derive(move || barred.with(Option::is_some))
                    prop:checked=checked
                    on:change=act(move |ev| choose(event_target_checked(&ev)))
                />
                {label}
            </label>
            {field_help(help, words, refusal)}
        </div>
    }
    .solid()
}
