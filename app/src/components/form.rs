//! Forms. Fields are validated by the server's own parser when they lose focus; errors are shown
//! beside the field and, on submission, also in a summary at the top. Input is never discarded.

mod state;

use crate::erase::{Erase as _, act, reactive};
use leptos::{html, prelude::*};
use model::FieldError;

pub use state::FormState;

use super::{failure::FailureLine, icon::icon};

/// A two-way binding to a value of a form.
#[derive(Clone, Copy)]
pub struct FieldBinding {
    /// The current text.
    pub get: Signal<String>,
    /// Sets the text.
    pub set: Callback<String>,
}

/// Binds a text field of a form's `RwSignal`: `bind!(form, memory)`.
#[macro_export]
macro_rules! bind {
    ($form:expr, $($field:ident).+) => {{
        let form = $form;
        $crate::components::form::FieldBinding {
            get: leptos::prelude::Signal::derive(move || form.with(|form| form.$($field).+.clone())),
            set: leptos::prelude::Callback::new(move |text: String| {
                form.update(|form| form.$($field).+ = text)
            }),
        }
    }};
}

/// Values and labels for [`Choice`].
pub fn options<const N: usize>(list: [(&str, &str); N]) -> Vec<(String, String)> {
    list.map(|(value, label)| (value.to_owned(), label.to_owned()))
        .to_vec()
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
    /// A date; the browser shows a calendar.
    Date,
    /// One line, masked.
    Secret,
    /// One line, masked, which a password manager may fill in.
    CurrentPassword,
    /// Several lines.
    Block,
}

/// A labeled text field.
#[component]
pub fn Field(
    form: FormState,
    /// The field's name in the parser's errors.
    #[prop(into)]
    name: String,
    label: &'static str,
    value: FieldBinding,
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
    form.set_label(&name, label);
    let control = Control::new(form, name, value);
    let Control { id, help, .. } = control.clone();
    let list = format!("{id}-options");
    let refusal = control.refusal;
    let choices = reactive(move || {
        let choice = |text| view! { <option value=text></option> }.erase();
        options.get().into_iter().map(choice).collect::<Vec<_>>()
    });
    let input = match entry {
        Entry::Block => control.block(),
        Entry::Line => control.line("text", "off"),
        Entry::Date => control.line("date", "off"),
        Entry::Secret => control.line("password", "new-password"),
        Entry::CurrentPassword => control.line("password", "current-password"),
    };
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

/// What all input elements of a form share.
#[derive(Clone)]
struct Control {
    form: FormState,
    name: StoredValue<String>,
    id: String,
    help: String,
    value: FieldBinding,
    refusal: Memo<Option<String>>,
}

impl Control {
    fn new(form: FormState, name: String, value: FieldBinding) -> Self {
        let id = field_id(&name);
        let name = StoredValue::new(name);
        Self {
            form,
            name,
            help: format!("{id}-help"),
            id,
            value,
            refusal: Memo::new(move |_| form.refusal(&name.get_value())),
        }
    }

    /// Sets the text, and clears the server's error for it.
    fn set(&self, text: String) {
        self.name.with_value(|name| self.form.typed(name));
        self.value.set.run(text);
    }

    /// Validates the field. Browsers also fire `blur` when the element is removed; there is nothing
    /// left to validate then.
    fn leave(&self) {
        self.name.try_with_value(|name| self.form.leave(name));
    }

    fn is_invalid(&self) -> Signal<String> {
        let refusal = self.refusal;
        Signal::derive(move || refusal.with(Option::is_some).to_string())
    }

    /// Several lines of text.
    fn block(self) -> AnyView {
        let blurred = self.clone();
        view! {
            <textarea
                id=self.id.clone()
                class="input mono"
                rows="5"
                autocomplete="off"
                spellcheck="false"
                aria-invalid=self.is_invalid()
                aria-describedby=self.help.clone()
                prop:value=self.value.get
                on:blur=act(move |_| blurred.leave())
                on:input=act({
                    let control = self.clone();
                    move |ev| control.set(event_target_value(&ev))
                })
            >
                {self.value.get.get_untracked()}
            </textarea>
        }
        .erase()
    }

    /// One line of text, masked or not.
    fn line(self, kind: &'static str, complete: &'static str) -> AnyView {
        let (changed, blurred) = (self.clone(), self.clone());
        view! {
            <input
                id=self.id.clone()
                class="input"
                type=kind
                autocomplete=complete
                autocapitalize="none"
                spellcheck="false"
                list=format!("{}-options", self.id)
                aria-invalid=self.is_invalid()
                aria-describedby=self.help.clone()
                value=self.value.get.get_untracked()
                prop:value=self.value.get
                on:change=act(move |_| changed.leave())
                on:blur=act(move |_| blurred.leave())
                on:input=act(move |ev| self.set(event_target_value(&ev)))
            />
        }
        .erase()
    }
}

/// A labeled selection list.
#[component]
pub fn Choice(
    form: FormState,
    /// The field's name in the parser's errors.
    #[prop(into)]
    name: String,
    label: &'static str,
    value: FieldBinding,
    /// Values and their labels.
    #[prop(into)]
    options: Signal<Vec<(String, String)>>,
    /// A short help text under the list.
    #[prop(optional, into)]
    hint: Signal<String>,
) -> impl IntoView {
    form.set_label(&name, label);
    let control = Control::new(form, name, value);
    let Control { id, help, .. } = control.clone();
    let refusal = control.refusal;
    let choices = reactive(move || {
        let current = value.get.get();
        options
            .get()
            .into_iter()
            .map(|(key, text)| {
                let selected = key == current;
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
                aria-invalid=control.is_invalid()
                aria-describedby=help.clone()
                on:change=act(move |ev| {
                    control.set(event_target_value(&ev));
                    control.leave();
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
            view! { <span class="error-message">{icon("circle-alert")} {refusal}</span> }.erase()
        }
        None => view! { <span class="hint">{hint.get()}</span> }.erase(),
    });
    let is_bare = Signal::derive(move || hint.with(String::is_empty));
    view! { <div class="field-help" class:field-help-bare=is_bare id=id aria-live="polite">{text}</div> }.erase()
}

/// The summary of errors after a submission; takes the focus. Each error is a link to its field and
/// begins with the field's label.
#[component]
pub fn Refusals(form: FormState) -> impl IntoView {
    let panel = NodeRef::<html::Section>::new();
    Effect::new(move |_| {
        if !form.summary.with(Vec::is_empty)
            && let Some(panel) = panel.get()
        {
            let _ = panel.focus();
        }
    });
    let list = reactive(move || {
        let summary = form.summary.get().into_iter();
        summary
            .map(|refusal| refusal_link(form, refusal))
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

fn refusal_link(form: FormState, refusal: FieldError) -> AnyView {
    let FieldError { field, message } = refusal;
    let text = match form.label(&field) {
        Some(label) => format!("{label}: {message}"),
        None => message,
    };
    let target = field_id(&field);
    let href = format!("#{target}");
    let go = move |ev: leptos::ev::MouseEvent| {
        ev.prevent_default();
        crate::browser::focus(&target);
    };
    view! { <li><a href=href rel="external" on:click=act(go)>{text}</a></li> }.erase()
}

/// The submit button. It shows that the submission is in flight, and is disabled meanwhile.
#[component]
pub fn Submit(
    form: FormState,
    /// The label, such as `Create site`.
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
