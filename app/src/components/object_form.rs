//! The forms of objects: the page of a new object, and the settings of an existing object.
//!
//! A page supplies its fields and one server call, both without their types, so that submission,
//! errors and navigation are compiled once.

use std::{future::Future, pin::Pin, sync::Arc};

use crate::erase::{Erase as _, act};
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::{
    form::{FormState, Refusals, Submit},
    page::PageHead,
    toast::Toasts,
};
use crate::server_fns::Failure;

/// An object that the server stored.
pub struct Saved {
    /// The name, for the toast.
    pub name: String,
    /// The object's segment in URLs: its name or its id.
    pub key: String,
}

impl Saved {
    /// An object with its name in URLs.
    pub fn named(name: String) -> Self {
        Self {
            key: name.clone(),
            name,
        }
    }
}

/// Sends the values of a form to the server.
type Save =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Saved, Failure>> + Send>> + Send + Sync>;

/// What happens after the values were stored.
type Done = Arc<dyn Fn(Saved) + Send + Sync>;

/// Boxes a server call for [`CreateForm::create`] and [`SettingsForm::update`].
pub fn save_call<F>(save: impl Fn() -> F + Send + Sync + 'static) -> Save
where
    F: Future<Output = Result<Saved, Failure>> + Send + 'static,
{
    Arc::new(move || Box::pin(save()))
}

/// As [`save_call`], for an object with its name in URLs. `name` returns the name as the server
/// stores it.
pub fn save<V, T, F>(
    values: RwSignal<V>,
    name: fn(&V) -> String,
    send: impl Fn(V) -> F + Send + Sync + 'static,
) -> Save
where
    V: Clone + Send + Sync + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    save_call(move || {
        let values = values.get_untracked();
        let name = name(&values);
        let answer = send(values);
        async move { answer.await.map(|_| Saved::named(name)) }
    })
}

/// The contents of the page of a new object.
pub struct CreateForm {
    /// The title.
    pub title: &'static str,
    /// The action: `Create`, `Add` or `Upload`.
    pub verb: &'static str,
    /// The kind of object, such as `site`.
    pub what: &'static str,
    /// The path of the list, which starts the URL of the new object.
    pub list: &'static str,
    /// The label of the submit button after the verb: the current name.
    pub name: Signal<String>,
    /// The state of the form.
    pub form: FormState,
    /// A notice at the top, such as an object that must be created first.
    pub notice: Option<AnyView>,
    /// The fields.
    pub fields: AnyView,
    /// Creates the object.
    pub create: Save,
}

/// The page of a new object, without the data that it depends on.
pub fn create_form(page: CreateForm) -> AnyView {
    let CreateForm {
        title,
        verb,
        what,
        list,
        name,
        form,
        notice,
        fields,
        create,
    } = page;
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let done = move |Saved { name, key }| {
        let suffix = if verb.ends_with('e') { "d" } else { "ed" };
        toasts.notify(format!("{verb}{suffix} the {what} {name}."));
        navigate(&format!("{list}/{key}"), NavigateOptions::default());
    };
    let label = Signal::derive(move || name.with(|name| format!("{verb} {}", name.trim())));
    let body = new_form(form, label, list, (notice, fields), create, Arc::new(done));
    view! { <PageHead title /> {body} }.erase()
}

/// The form of [`create_form`] without the title, for pages that do something else when the object
/// was created.
pub fn new_form(
    form: FormState,
    label: Signal<String>,
    list: &'static str,
    (notice, fields): (Option<AnyView>, AnyView),
    create: Save,
    done: Done,
) -> AnyView {
    let submit = submission(form, create, done);
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            {notice}
            <Refusals form />
            {fields}
            <div class="actions">
                <Submit form label />
                <a class="btn" href=list>"Cancel"</a>
            </div>
        </form>
    }
    .erase()
}

/// The contents of the settings of an object.
pub struct SettingsForm {
    /// The state of the form. Its values are those of [`super::form_values::form_values`], which
    /// follow the stored object until a user edits them.
    pub form: FormState,
    /// A notice above the fields, such as a setting that cannot change now.
    pub notice: Option<AnyView>,
    /// The fields.
    pub fields: AnyView,
    /// The object's current segment in URLs.
    pub key: Memo<String>,
    /// The URL of this page for a segment, to which a renamed object moves.
    pub path: fn(&str) -> String,
    /// Updates the object.
    pub update: Save,
    /// Fetches the object again.
    pub refresh: Callback<()>,
}

/// The form with the settings of an object.
pub fn settings_form(settings: SettingsForm) -> AnyView {
    let SettingsForm {
        form,
        notice,
        fields,
        key,
        path,
        update,
        refresh,
    } = settings;
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let done = move |saved: Saved| {
        form.busy.try_set(false);
        toasts.notify(format!("Saved {}.", saved.name));
        if key.try_get_untracked().is_none_or(|key| key == saved.key) {
            let _ = refresh.try_run(());
        } else {
            let replace = NavigateOptions {
                replace: true,
                ..NavigateOptions::default()
            };
            navigate(&path(&saved.key), replace);
        }
    };
    let submit = submission(form, update, Arc::new(done));
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            <h2 class="section-title">"Settings"</h2>
            {notice}
            <Refusals form />
            {fields}
            <div class="actions"><Submit form label="Save" /></div>
        </form>
    }
    .erase()
}

/// Validates the form and sends it; errors of the server are shown in the form.
fn submission(form: FormState, save: Save, done: Done) -> impl FnMut(SubmitEvent) {
    move |ev: SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let (answer, done) = (save(), done.clone());
        spawn_local(async move {
            match answer.await {
                Ok(saved) => done(saved),
                Err(failure) => form.refuse(failure),
            }
        });
    }
}
