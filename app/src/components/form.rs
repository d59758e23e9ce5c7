//! Forms. Fields are validated by the server's own parser when they lose focus; errors are shown
//! beside the field and, on submission, also in a summary at the top. Input is never discarded.

mod state;

use crate::erase::{Erase as _, act, reactive};
use leptos::{html, prelude::*};

pub use state::FormState;

use super::{failure::FailureLine, icon::icon};

/// A two-way binding to a value of a form.
#[derive(Clone, Copy)]
pub struct Bound {
    /// The current text.
    pub get: Signal<String>,
    /// Sets the text.
    pub set: Callback<String>,
}

/// Binds a text field of a form's `RwSignal`: `bind!(form, memory)`.
#[macro_export]
macro_rules! bind {
    ($form:expr, $field:ident) => {{
        let form = $form;
        $crate::components::form::Bound {
            get: leptos::prelude::Signal::derive(move || form.with(|form| form.$field.clone())),
            set: leptos::prelude::Callback::new(move |text: String| {
                form.update(|form| form.$field = text)
            }),
        }
    }};
}

/// The id of a field's element.
pub fn field_id(name: &str) -> String {
    format!("field-{}", name.replace('.', "-"))
}

/// The kind of input element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Entry {
    /// One line.
    #[default]
    Line,
    /// One line, masked.
    Secret,
    /// Several lines.
    Block,
}

/// A labelled text field.
#[component]
pub fn Field(
    /// The form.
    form: FormState,
    /// The field's name in the parser's errors.
    #[prop(into)]
    name: String,
    /// The label.
    label: &'static str,
    /// Its value.
    value: Bound,
    /// The kind of element.
    #[prop(optional)]
    entry: Entry,
    /// A short help text under the field.
    #[prop(optional, into)]
    hint: Signal<String>,
    /// Suggestions.
    #[prop(optional, into)]
    options: Signal<Vec<String>>,
    /// Whether the field is optional; shown beside the label.
    #[prop(optional)]
    optional: bool,
) -> impl IntoView {
    let id = field_id(&name);
    let list = format!("{id}-options");
    let help = format!("{id}-help");
    let own = StoredValue::new(name);
    let refusal = Memo::new(move |_| form.refusal(&own.get_value()));
    let leave = Callback::new(move |()| form.leave(&own.get_value()));
    let value = Bound {
        get: value.get,
        set: Callback::new(move |text| {
            form.typed(&own.get_value());
            value.set.run(text);
        }),
    };
    let input = match entry {
        Entry::Block => block(id.clone(), help.clone(), value, refusal, leave),
        Entry::Line => line(id.clone(), help.clone(), "text", value, refusal, leave),
        Entry::Secret => line(id.clone(), help.clone(), "password", value, refusal, leave),
    };
    let choices = reactive(move || {
        options
            .get()
            .into_iter()
            .map(|text| view! { <option value=text></option> }.erase())
            .collect::<Vec<_>>()
    });
    view! {
        <div class="field">
            {field_label(id, label, optional)}
            {input}
            <datalist id=list>{choices}</datalist>
            {field_help(help, hint, refusal)}
        </div>
    }
    .erase()
}

// Browsers also fire `blur` when the element is removed; there is nothing left to validate then.

/// Several lines of text.
fn block(
    id: String,
    help: String,
    value: Bound,
    refusal: Memo<Option<String>>,
    leave: Callback<()>,
) -> AnyView {
    view! {
        <textarea
            id=id
            class="input mono"
            rows="5"
            autocomplete="off"
            spellcheck="false"
            aria-invalid=Signal::derive(move || refusal.with(Option::is_some).to_string())
            aria-describedby=help
            prop:value=value.get
            on:input=act(move |ev| value.set.run(event_target_value(&ev)))
            on:blur=act(move |_| {
                let _ = leave.try_run(());
            })
        >
            {value.get.get_untracked()}
        </textarea>
    }
    .erase()
}

/// One line of text, masked or not.
fn line(
    id: String,
    help: String,
    kind: &'static str,
    value: Bound,
    refusal: Memo<Option<String>>,
    leave: Callback<()>,
) -> AnyView {
    let list = format!("{id}-options");
    let complete = if kind == "password" {
        "new-password"
    } else {
        "off"
    };
    view! {
        <input
            id=id
            class="input"
            type=kind
            autocomplete=complete
            autocapitalize="none"
            spellcheck="false"
            list=list
            aria-invalid=Signal::derive(move || refusal.with(Option::is_some).to_string())
            aria-describedby=help
            value=value.get.get_untracked()
            prop:value=value.get
            on:input=act(move |ev| value.set.run(event_target_value(&ev)))
            on:change=act(move |_| {
                let _ = leave.try_run(());
            })
            on:blur=act(move |_| {
                let _ = leave.try_run(());
            })
        />
    }
    .erase()
}

/// A labeled radio group.
#[component]
pub fn Choice(
    /// The form.
    form: FormState,
    /// The field's name in the parser's errors.
    #[prop(into)]
    name: String,
    /// The label.
    label: &'static str,
    /// Its value.
    value: Bound,
    /// Values and their labels.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    /// A short help text under the group.
    #[prop(optional, into)]
    hint: Signal<String>,
) -> impl IntoView {
    let id = field_id(&name);
    let help = format!("{id}-help");
    let own = StoredValue::new(name);
    let refusal = Memo::new(move |_| form.refusal(&own.get_value()));
    let choices = reactive(move || {
        let present = value.get.get();
        options
            .get()
            .into_iter()
            .map(|(key, text)| {
                let selected = key == present;
                view! { <option value=key selected=selected>{text}</option> }.erase()
            })
            .collect::<Vec<_>>()
    });
    view! {
        <div class="field">
            {field_label(id.clone(), label, false)}
            <select
                id=id
                class="input"
                aria-invalid=Signal::derive(move || refusal.with(Option::is_some).to_string())
                aria-describedby=help.clone()
                on:change=act(move |ev| {
                    value.set.run(event_target_value(&ev));
                    form.typed(&own.get_value());
                    form.leave(&own.get_value());
                })
            >
                {choices}
            </select>
            {field_help(help, hint, refusal)}
        </div>
    }
    .erase()
}

fn field_label(id: String, label: &'static str, optional: bool) -> AnyView {
    let note = optional.then(|| view! { <span class="muted">" optional"</span> }.erase());
    view! { <label class="label" for=id>{label}{note}</label> }.erase()
}

pub(super) fn field_help(
    id: String,
    hint: Signal<String>,
    refusal: Memo<Option<String>>,
) -> AnyView {
    let text = reactive(move || match refusal.get() {
        Some(refusal) => {
            view! { <span class="refusal">{icon("circle-alert")} {refusal}</span> }.erase()
        }
        None => view! { <span class="hint">{hint.get()}</span> }.erase(),
    });
    view! { <div class="field-help" id=id aria-live="polite">{text}</div> }.erase()
}

/// The summary of errors after a submission, with links to the fields; takes the focus.
#[component]
pub fn Refusals(
    /// The form.
    form: FormState,
) -> impl IntoView {
    let panel = NodeRef::<html::Section>::new();
    Effect::new(move |_| {
        if !form.summary.with(Vec::is_empty)
            && let Some(panel) = panel.get()
        {
            let _ = panel.focus();
        }
    });
    let list = reactive(move || {
        form.summary
            .get()
            .into_iter()
            .map(|refusal| {
                let target = field_id(&refusal.field);
                let href = format!("#{target}");
                let go = move |ev: leptos::ev::MouseEvent| {
                    ev.prevent_default();
                    crate::browser::focus(&target);
                };
                view! { <li><a href=href rel="external" on:click=act(go)>{refusal.message}</a></li> }.erase()
            })
            .collect::<Vec<_>>()
    });
    let hidden = Signal::derive(move || form.summary.with(Vec::is_empty));
    view! {
        <section class="panel panel-danger" tabindex="-1" role="alert" node_ref=panel hidden=hidden>
            <h2 class="panel-title">{icon("circle-alert")} "Some fields are invalid"</h2>
            <ul class="links">{list}</ul>
        </section>
        <FailureLine failure=form.failure />
    }
    .erase()
}

/// The submit button. It shows that the submission is in flight, and is disabled meanwhile.
#[component]
pub fn Submit(
    /// The form.
    form: FormState,
    /// The label, such as `Create web-1`.
    #[prop(into)]
    label: Signal<String>,
) -> impl IntoView {
    view! {
        <button
            type="submit"
            class="btn btn-primary"
            class:btn-busy=form.busy
            disabled=form.busy
            aria-busy=Signal::derive(move || form.busy.get().to_string())
            // Keep the focus in the current field until the click is complete: an error message on
            // blur would move the button from under the pointer.
            on:mousedown=act(|ev: leptos::ev::MouseEvent| ev.prevent_default())
        >
            {label}
        </button>
    }
    .erase()
}
