//! The form of a new domain.

use model::{
    certificates::CertificateSource,
    domains::{DomainForm, Hsts, NewDomainOptions, Publishers},
    sites::SiteRow,
};

use super::fields::{fields, form_state};
use crate::pages::prelude::*;

/// The page.
pub fn page() -> AnyView {
    live_resource(
        Signal::from(()),
        |()| server_fns::domains::options(),
        |_| {
            vec![
                Event::all(Topic::Site),
                Event::all(Topic::Authority),
                Event::all(Topic::Provider),
            ]
        },
        object_skeleton,
        content,
    )
}

/// The initial values: the site in the URL, or the first site.
fn first(sites: &[SiteRow], named: Option<&str>) -> DomainForm {
    let site = sites
        .iter()
        .find(|site| Some(site.spec.name.as_str()) == named)
        .or_else(|| sites.first());
    DomainForm {
        site: site.map(|site| site.id.to_string()).unwrap_or_default(),
        hsts: Hsts::default().to_string(),
        publishers: Publishers::default().as_str().to_owned(),
        issuance: CertificateSource::default().as_str().to_owned(),
        ..DomainForm::default()
    }
}

fn content(form_options: LiveResource<NewDomainOptions>) -> AnyView {
    let named = use_query_map().with_untracked(|map| map.get_str("site").map(str::to_owned));
    let values = RwSignal::new(form_options.peek(|all| first(&all.sites, named.as_deref())));
    let form = form_state(values);
    let options = Signal::derive(move || {
        form_options.with(|all| {
            all.sites
                .iter()
                .map(|site| (site.id.to_string(), site.spec.name.to_string()))
                .collect()
        })
    });
    let choices = form_options.part(|all| all.choices.clone());
    let none = form_options.peek(|all| all.sites.is_empty()).then(|| {
        view! { <p class="panel panel-warning"><span>{icon("triangle-alert")} "A domain belongs to a site. " <a class="link" href="/sites/new">"Create a site"</a> " first, or ask an administrator for a site."</span></p> }.erase()
    });
    let create = move || {
        let asked = values.get_untracked();
        let name = asked.name.trim().to_owned();
        async move {
            let id = server_fns::domains::create(asked).await?;
            let key = id.to_string();
            Ok(Saved { name, key })
        }
    };
    create_form(CreateForm {
        title: "New domain",
        verb: "Create",
        what: "domain",
        list: "/domains",
        name: bind!(values, name).get,
        form,
        notice: none,
        fields: fields(form, values, Some(options), choices.into()),
        create: save_call(create),
    })
}
