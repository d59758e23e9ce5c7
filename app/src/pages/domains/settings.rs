//! The settings of a domain, and its deletion.

use model::domains::{DomainDetail, DomainForm, Publishers};

use super::fields::{fields, publishers};
use crate::pages::prelude::*;

pub fn tab(page: LiveResource<DomainDetail>, name: Memo<String>) -> AnyView {
    view! { {form(page)} {deletion(page, name)} }.erase()
}

fn form(page: LiveResource<DomainDetail>) -> AnyView {
    let values = form_values(page.part(|page| DomainForm::from(&page.domain.spec)));
    let form = FormState::of(values, DomainForm::parse);
    let choices = page.part(|page| page.choices.clone());
    let key = page.part(|page| page.domain.id.to_string());
    let update = save_call(move || {
        let id = page.peek(|page| page.domain.id);
        let submitted = values.get_untracked();
        let name = submitted.name.trim().to_owned();
        async move {
            server_fns::domains::update(id, submitted).await?;
            let key = id.to_string();
            Ok(SavedObject { name, key })
        }
    });
    let fields = fields(form, values, None, choices.into());
    settings_form(Kind::Domain, key, form, fields, update, page.refresher())
}

fn deletion(page: LiveResource<DomainDetail>, name: Memo<String>) -> AnyView {
    let keeps_addresses = page.part(|page| page.domain.spec.addresses);
    let services = page.part(|page| (page.domain.services, page.domain.site_name.clone()));
    let blocked = move || {
        let (count, site) = services.get();
        let (services, rest) = match count {
            0 => return None,
            1 => (
                "1 service".to_owned(),
                " is published under this domain. Move or delete it first.",
            ),
            count => (
                format!("{count} services"),
                " are published under this domain. Move or delete them first.",
            ),
        };
        let href = format!("/containers?site={site}");
        Some(view! { <p><a class="link" href=href>{services}</a> {rest}</p> }.erase())
    };
    let consequences = move || page.with(consequences);
    delete_card(Kind::Domain, name, consequences, move |typed| {
        server_fns::domains::delete(page.peek(|page| page.domain.id), typed)
    })
    .note(Signal::derive(move || match keeps_addresses.get() {
        true => "Address records that Holdfast created are removed; other DNS records stay.",
        false => "DNS records do not change.",
    }))
    .blocked(blocked)
    .view()
}

/// The objects that are deleted along with a domain.
fn consequences(page: &DomainDetail) -> Vec<String> {
    let spec = &page.domain.spec;
    let mut consequences = vec![format!(
        "The domain {} of the site {} and its settings",
        spec.name, page.domain.site_name
    )];
    if let Publishers::Users(_) = spec.publishers {
        let users = publishers(&spec.publishers);
        consequences.push(format!("The list of users who can publish: {users}"));
    }
    // Expired certificates count too: an uploaded key may exist nowhere else.
    match page.total {
        0 => {}
        1 => consequences
            .push("The certificate of the domain and its key, even if uploaded".to_owned()),
        all => consequences.push(format!(
            "The {all} certificates of the domain and their keys, including uploaded certificates"
        )),
    }
    if let Some(origin) = &spec.sign_in {
        consequences.push(format!("The sign-in URL {origin}"));
    }
    consequences
}
