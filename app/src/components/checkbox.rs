//! A labeled checkbox with its error beside it.

use crate::erase::{Erase as _, act};
use leptos::prelude::*;

use super::form::{FormState, field_help, field_id};

/// A labeled checkbox.
#[component]
pub fn Checkbox(
    form: FormState,
    /// The field's name in the parser's errors.
    #[prop(into)]
    name: String,
    label: &'static str,
    /// Whether the box is checked.
    checked: Signal<bool>,
    /// Receives the new value.
    set: Callback<bool>,
    /// A short help text under the box.
    hint: &'static str,
    /// Why the box is disabled, in place of the help text.
    #[prop(optional, into)]
    disabled_reason: Signal<Option<String>>,
) -> impl IntoView {
    form.set_label(&name, label);
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
    let label_text =
        Signal::derive(move || disabled_reason.get().unwrap_or_else(|| hint.to_owned()));
    view! {
        <div class="field">
            <label class="check" for=own>
                <input
                    id=id
                    type="checkbox"
                    aria-describedby=help.clone()
                    aria-invalid=Signal::derive(move || refusal.with(Option::is_some).to_string())
                    disabled=Signal::derive(move || disabled_reason.with(Option::is_some))
                    prop:checked=checked
                    on:change=act(move |ev| choose(event_target_checked(&ev)))
                />
                {label}
            </label>
            {field_help(help, label_text, refusal)}
        </div>
    }
    .erase()
}
