//! The form fields of a domain, for creation and update.

use model::domains::{DomainChoices, DomainForm, Hsts, Publishers};

use super::certificate_source::{certificates, records};
use crate::pages::prelude::*;

/// The publishing permission of a domain, as a short text for lists.
pub fn publishers(publishers: &Publishers) -> String {
    match publishers {
        Publishers::AllUsers => "all users".to_owned(),
        Publishers::Operators => "operators".to_owned(),
        Publishers::Users(users) => {
            let names: Vec<&str> = users.iter().map(|name| name.as_str()).collect();
            names.join(", ")
        }
    }
}

/// The HSTS policy of a domain.
pub fn hsts(hsts: Hsts) -> &'static str {
    match hsts {
        Hsts::Off => "off",
        Hsts::Names => "1 year",
        Hsts::Below => "2 years, with subdomains",
    }
}

/// The effect of an HSTS setting on visitors.
fn hsts_description(hsts: Hsts) -> &'static str {
    match hsts {
        Hsts::Off => "Browsers may connect without TLS first, and are redirected to HTTPS.",
        Hsts::Names => {
            "Browsers use only HTTPS for 1 year after a visit. Visitors cannot open the page while its certificate is invalid."
        }
        Hsts::Below => {
            "Browsers use only HTTPS for the hostname and all names below for 2 years after a visit. Visitors cannot open pages while the certificate is invalid, and this cannot be undone earlier."
        }
    }
}

/// All fields, in groups. The site can be chosen only for a new domain.
pub fn fields(
    form: FormState,
    values: RwSignal<DomainForm>,
    sites: Option<Signal<Vec<(String, String)>>>,
    choices: Signal<DomainChoices>,
) -> AnyView {
    let site = sites.map(|sites| {
        view! {
            <Choice form name="site" label="Site" value=bind!(values, site) options=sites
                hint="The site's edge hosts serve the domain, and its containers can publish under it." />
        }
        .erase()
    });
    let name_hint = if sites.is_some() {
        "Such as example.org. Point *.example.org to the site's edge hosts in DNS."
    } else {
        "Published services move to the new domain."
    };
    let publishing = view! {
        {site}
        <Field form name="name" label="Domain" value=bind!(values, name) hint=name_hint />
        {publishers_field(form, values)}
    };
    let http = view! {
        <Field form name="sign_in" label="Sign-in" optional=true value=bind!(values, sign_in)
            hint="The URL of the domain's oauth2-proxy, such as http://10.20.0.5:4180. HTTP services can require sign-in there. Its cookies must have names that begin with _oauth2_proxy." />
        {access_token(form, values)}
        {tls(form, values)}
    };
    view! {
        {group("Publishing", publishing.erase())}
        {certificates(form, values, choices)}
        {records(form, values, choices)}
        {group("HTTP services", http.erase())}
    }
    .erase()
}

/// The publishing permission; usernames only if access is limited to some users.
fn publishers_field(form: FormState, values: RwSignal<DomainForm>) -> AnyView {
    let options = options([
        ("all-users", "All users"),
        ("selected-users", "Selected users"),
        ("operators", "Operators only"),
    ]);
    let is_limited = Memo::new(move |_| values.with(|form| form.publishers == "selected-users"));
    let users = reactive_if(is_limited, move || {
        view! { <Field form name="users" label="Users" value=bind!(values, users) hint="Usernames, separated by commas." /> }.erase()
    });
    view! {
        <Choice form name="publishers" label="Who can publish" value=bind!(values, publishers) options
            hint="Operators and administrators can always publish. Services that are already published stay published." />
        {users}
    }
    .erase()
}

/// Whether services receive access tokens; disabled without a sign-in.
fn access_token(form: FormState, values: RwSignal<DomainForm>) -> AnyView {
    let checked = Signal::derive(move || values.with(|form| form.forwards_access_token));
    let set = Callback::new(move |on| values.update(|form| form.forwards_access_token = on));
    let disabled_reason = Signal::derive(move || {
        let is_missing = values.with(|form| form.sign_in.trim().is_empty());
        is_missing.then(|| "Enter a sign-in URL first.".to_owned())
    });
    view! {
        <Checkbox form name="forwards_access_token" label="Forward access tokens" checked set disabled_reason
            hint="Services that require sign-in receive the visitor's token as X-Access-Token. Their owners can then act as the visitor." />
    }
    .erase()
}

/// The HSTS setting, with its effect.
fn tls(form: FormState, values: RwSignal<DomainForm>) -> AnyView {
    let options = Hsts::ALL.map(|hsts| (hsts.to_string(), self::hsts(hsts).to_owned()));
    let description = Signal::derive(move || {
        let chosen = values.with(|form| form.hsts.parse::<Hsts>());
        chosen.map(hsts_description).unwrap_or_default().to_owned()
    });
    view! { <Choice form name="hsts" label="Enforce HTTPS (HSTS)" value=bind!(values, hsts) options=options.to_vec() hint=description /> }
        .erase()
}
