//! The form fields of a domain, for creation and update.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    FieldError,
    domains::{DomainChoices, DomainForm, Hsts, Publishers},
};

use super::issuance::{certificates, records};
use crate::{
    bind,
    components::form::{Choice, Field, FormState},
};

/// The state of a form with these values.
pub fn form_state(values: RwSignal<DomainForm>) -> FormState {
    FormState::new(move || values.with_untracked(refusals))
}

fn refusals(form: &DomainForm) -> Vec<FieldError> {
    form.parse().err().unwrap_or_default()
}

/// The publishing permission of a domain, as a short text for lists.
pub fn publishers(publishers: &Publishers) -> String {
    match publishers {
        Publishers::AllUsers => "everybody".to_owned(),
        Publishers::Operators => "operators".to_owned(),
        Publishers::Users(people) => {
            let names: Vec<&str> = people.iter().map(|name| name.as_str()).collect();
            names.join(", ")
        }
    }
}

/// The HSTS setting of a domain, as a short text for lists.
pub fn hsts(hsts: Hsts) -> &'static str {
    match hsts {
        Hsts::Off => "off",
        Hsts::Names => "each name",
        Hsts::Below => "all below too",
    }
}

fn hsts_choice(hsts: Hsts) -> &'static str {
    match hsts {
        Hsts::Off => "Nothing",
        Hsts::Names => "HTTPS only, for a year",
        Hsts::Below => "HTTPS only, names below too",
    }
}

/// The effect of an HSTS setting on visitors.
fn hsts_meaning(hsts: Hsts) -> &'static str {
    match hsts {
        Hsts::Off => "Browsers may ask without TLS first, and are led to HTTPS.",
        Hsts::Names => {
            "For a year, whoever has opened a page gets there through HTTPS only. While its certificate is not good, they cannot get there at all."
        }
        Hsts::Below => {
            "For two years, whoever has opened a page gets to it and to every name below it through HTTPS only. While a certificate is not good, they cannot get there at all, and browsers do not forget it sooner."
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
                hint="Its edge hosts answer for the domain, and its containers can publish there." />
        }
        .erase()
    });
    let name_hint = if sites.is_some() {
        "Such as example.org. Have *.example.org lead to the site's edge hosts where the domain is kept."
    } else {
        "What is published under it moves along when this changes."
    };
    view! {
        <fieldset class="card group">
            <legend class="card-title">"Publishing"</legend>
            {site}
            <Field form name="name" label="Domain" value=bind!(values, name) hint=name_hint />
            {who(form, values)}
        </fieldset>
        {certificates(form, values, choices)}
        {records(form, values, choices)}
        <fieldset class="card group">
            <legend class="card-title">"Web pages"</legend>
            <Field form name="sign_in" label="Sign-in" optional=true value=bind!(values, sign_in)
                hint="Where the domain's oauth2-proxy answers, such as http://10.20.0.5:4180. Web pages can have people sign in there first." />
            {tls(form, values)}
        </fieldset>
    }
    .erase()
}

/// The publishing permission; user names only if access is limited to some.
fn who(form: FormState, values: RwSignal<DomainForm>) -> AnyView {
    let options: Vec<(String, String)> = [
        ("everybody", "Everybody"),
        ("people", "These people"),
        ("operators", "Operators only"),
    ]
    .map(|(key, text)| (key.to_owned(), text.to_owned()))
    .to_vec();
    let named = Memo::new(move |_| values.with(|form| form.publishers == "people"));
    let people = reactive(move || {
        named.get().then(|| {
            view! {
                <Field form name="people" label="People" value=bind!(values, people)
                    hint="Their names, with commas between them." />
            }
            .erase()
        })
    });
    view! {
        <Choice form name="publishers" label="Who may publish" value=bind!(values, publishers) options=options
            hint="Operators and administrators always may. What is published already stays." />
        {people}
    }
    .erase()
}

/// The HSTS setting, with its effect.
fn tls(form: FormState, values: RwSignal<DomainForm>) -> AnyView {
    let options: Vec<(String, String)> = Hsts::ALL
        .map(|hsts| (hsts.to_string(), hsts_choice(hsts).to_owned()))
        .to_vec();
    let meaning = Signal::derive(move || {
        let chosen = values.with(|form| form.hsts.parse::<Hsts>());
        chosen.map(hsts_meaning).unwrap_or_default().to_owned()
    });
    view! {
        <Choice form name="hsts" label="What browsers remember (HSTS)" value=bind!(values, hsts) options=options hint=meaning />
    }
    .erase()
}
