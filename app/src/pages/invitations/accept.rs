//! The page on which an invited person creates the account. It needs no session.

use model::invitations::{AcceptanceForm, InvitationRow};

use crate::{
    components::{list::current_parameter, title::title},
    pages::prelude::*,
};

pub fn page() -> AnyView {
    let token = current_parameter("token");
    live_resource(
        Signal::stored(token),
        server_fns::invitations::get,
        |_: &InvitationRow| Vec::new(),
        object_skeleton,
        content,
    )
}

fn content(invitation: LiveResource<InvitationRow>) -> AnyView {
    title(Signal::stored("Create your account · Holdfast".to_owned()));
    view! {
        <div class="sign-in">
            <p class="brand brand-large">{icon("shield")} "Holdfast"</p>
            <div class="card stack">
                <h1 class="card-title">"Create your account"</h1>
                {invitation.view(welcome)}
                {form()}
            </div>
        </div>
    }
    .erase()
}

fn welcome(invitation: &InvitationRow) -> AnyView {
    let (inviter, email) = (
        invitation.invited_by.to_string(),
        invitation.spec.email.to_string(),
    );
    view! {
        <p><strong>{inviter}</strong> " invited you. Your email address is " <strong>{email}</strong> "."</p>
    }
    .erase()
}

fn form() -> AnyView {
    let token = current_parameter("token");
    let values = RwSignal::new(AcceptanceForm::default());
    let form = FormState::of(values, AcceptanceForm::parse);
    let fields = view! {
        <Field form name="name" label="Username" value=bind!(values, name) hint="The name for sign-in, such as anna." />
        <Field form name="full_name" label="Full name" value=bind!(values, full_name) optional=true hint="Such as Anna Example." />
        <Field form name="password" label="Password" value=bind!(values, password) entry=Entry::Secret hint="8 to 256 characters." />
    };
    let accept = save_call(move || {
        let (token, entered) = (token.clone(), values.get_untracked());
        async move {
            server_fns::invitations::accept(token, entered).await?;
            Ok(SavedObject::named(String::new()))
        }
    });
    // The page was rendered without a session, so the next page is loaded from the server.
    action_form(form, fields.erase(), "Create account", accept, || {
        crate::browser::load("/");
    })
}
