//! The form of a new invitation. The link replaces the form and cannot be shown again.

use std::sync::Arc;

use model::{
    invitations::{InvitationForm, IssuedInvitation},
    users::Role,
};

use crate::{
    components::object_form::new_form,
    pages::{
        prelude::*,
        users::fields::{last_day_field, limit_fields, role_field},
    },
};

pub fn page() -> AnyView {
    restricted_page::<InvitationManage>(content)
}

fn content() -> AnyView {
    let created = RwSignal::new(None::<IssuedInvitation>);
    let title = Signal::derive(move || {
        created.with(|created| match created {
            Some(created) => format!("Invitation of {}", created.row.spec.email),
            None => "Invite a person".to_owned(),
        })
    });
    let link = reactive_option(created, link);
    // The form stays mounted: its field has the focus, and fires `blur` when it is removed.
    let is_done = Signal::derive(move || created.with(Option::is_some));
    view! {
        <PageHead title />
        <div hidden=is_done>{form(created)}</div>
        {link}
    }
    .erase()
}

fn form(created: RwSignal<Option<IssuedInvitation>>) -> AnyView {
    let values = RwSignal::new(InvitationForm {
        role: Role::Member.to_string(),
        ..InvitationForm::default()
    });
    let form = FormState::of(values, InvitationForm::parse);
    let create = save_call(move || {
        let entered = values.get_untracked();
        async move {
            let invitation = server_fns::invitations::create(entered).await?;
            let saved = SavedObject::named(invitation.row.spec.email.to_string());
            created.try_set(Some(invitation));
            Ok(saved)
        }
    });
    let person = view! {
        <Field form name="email" label="Email" value=bind!(values, email) hint="Such as anna@example.org. The person chooses the username and password." />
        {role_field(form, bind!(values, role))}
        {last_day_field(form, bind!(values, access_ends))}
    };
    let limits = limit_fields(
        form,
        [
            bind!(values, limits.containers),
            bind!(values, limits.cores),
            bind!(values, limits.memory),
            bind!(values, limits.disk),
        ],
    );
    let fields = view! { {group("Person", person.erase())} {limits} }.erase();
    new_form(Kind::Invitation, form, fields, create, Arc::new(|_| ()))
}

fn link(created: IssuedInvitation) -> AnyView {
    let IssuedInvitation { row, link } = created;
    let url = format!("{}{link}", crate::browser::origin());
    view! {
        <section class="card stack stack-narrow" aria-label="Invitation link">
            <h2 class="card-title">"Invitation link"</h2>
            <p>"Send this link to " <strong>{row.spec.email.to_string()}</strong> ". It is shown only once, can be used once, and expires " {when(row.expires)} "."</p>
            <div class="code"><span class="mono grow" data-invitation-link="">{url.clone()}</span> <Copy text=url label="invitation link" secret=true /></div>
            <p class="muted">"Anyone who has the link can create the account. Delete the invitation if the link gets into the wrong hands."</p>
            <div class="actions"><a class="btn" href="/invitations">"View invitations"</a></div>
        </section>
    }
    .erase()
}
