//! A draft of changes to a container, and its submission. Services, environment and settings are
//! parts of the same draft.

use model::containers::{ContainerDetail, ContainerForm, Status};

use crate::{components::form::Submit, pages::prelude::*};

/// A draft of changes.
#[derive(Clone, Copy)]
pub struct Draft {
    pub values: RwSignal<ContainerForm>,
    pub form: FormState,
    container: LiveResource<ContainerDetail>,
    base: RwSignal<ContainerForm>,
    version: RwSignal<i64>,
    restart: RwSignal<bool>,
    toasts: Toasts,
}

impl Draft {
    /// Starts with the container's current values, and follows them until the user edits.
    pub fn new(container: LiveResource<ContainerDetail>) -> Self {
        let current = container.peek(|view| ContainerForm::from(&view.view));
        let values = RwSignal::new(current.clone());
        let draft = Self {
            values,
            form: FormState::of(values, ContainerForm::parse),
            container,
            base: RwSignal::new(current),
            version: RwSignal::new(container.peek(|view| view.version)),
            restart: RwSignal::new(false),
            toasts: Toasts::here(),
        };
        let version = container.part(|view| view.version);
        Effect::new(move |_| {
            // Not `track`, which does not compute a memo that nothing has read.
            version.get();
            draft.follow();
        });
        draft
    }

    /// Applies a newer version of the container, unless the draft was edited.
    fn follow(self) {
        let current = self.container.peek(|view| view.version);
        if current >= self.version.get_untracked() && !untrack(|| self.is_edited()) {
            self.reset();
        }
    }

    /// Whether the draft differs from the stored values; tracked.
    fn is_edited(self) -> bool {
        self.values
            .with(|values| self.base.with(|base| values != base))
    }

    /// Resets the draft to the container's current values.
    fn reset(self) {
        let current = self.container.peek(|view| ContainerForm::from(&view.view));
        self.version.set(self.container.peek(|view| view.version));
        self.base.set(current.clone());
        self.values.set(current);
        self.form.failure.set(None);
    }

    /// Submits the draft.
    pub fn save(self) {
        if !self.form.submit() {
            return;
        }
        let id = self.container.peek(|view| view.row.id);
        let name = self.container.peek(|view| view.row.name.clone());
        let values = self.values.get_untracked();
        let (version, restart) = (self.version.get_untracked(), self.restart.get_untracked());
        spawn_local(async move {
            match server_fns::containers::edit(id, version, values.clone(), restart).await {
                Ok(_) => {
                    self.form.busy.set(false);
                    self.base.set(values);
                    // The submission created the next version; input since then is based on that
                    // version.
                    self.version.set(version + 1);
                    // The event stream may have delivered the change before the response arrived.
                    self.follow();
                    self.container.refresh();
                    self.toasts.notify(format!("Saved {name}."));
                }
                Err(failure) => self.form.refuse(failure),
            }
        });
    }
}

/// The form of a part of a draft.
pub fn draft_form(draft: Draft, fields: AnyView, offers_restart: bool) -> AnyView {
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        draft.save();
    };
    view! {
        <form class="form" on:submit=act(submit) novalidate>
            <Refusals form=draft.form />
            {fields}
            {footer(draft, offers_restart)}
        </form>
    }
    .erase()
}

/// The end of a form: conflicting changes by other users, the restart option and the submit button.
fn footer(draft: Draft, offers_restart: bool) -> AnyView {
    let container = draft.container;
    let version = container.part(|view| view.version);
    let is_outdated = move || draft.is_edited() && version.get() > draft.version.get();
    let note = reactive(move || {
        is_outdated().then(|| {
            view! {
                <section class="panel panel-warning" role="alert">
                    <p class="panel-title">{icon("triangle-alert")} "This container changed since you loaded it."</p>
                    <button type="button" class="btn btn-small" on:click=act(move |_| draft.reset())>"Load the latest version"</button>
                </section>
            }.erase()
        })
    });
    let running = container.part(|view| view.row.status == Status::Running);
    let restart = reactive(move || {
        (offers_restart && running.get()).then(|| {
            view! {
                <label class="check">
                    <input type="checkbox" prop:checked=draft.restart on:change=act(move |ev| draft.restart.set(event_target_checked(&ev))) />
                    "Restart the container to apply all changes now"
                </label>
            }.erase()
        })
    });
    view! {
        {note} {restart}
        <div class="actions">
            <Submit form=draft.form label="Save" />
            <button type="button" class="btn" disabled=Signal::derive(move || !draft.is_edited()) on:click=act(move |_| draft.reset())>"Discard"</button>
        </div>
    }
    .erase()
}
