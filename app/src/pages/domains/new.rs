//! The form of a new domain.

use model::{
    certificates::CertificateSource,
    domains::{DomainForm, Hsts, NewDomainOptions, Publishers},
};

use super::fields::fields;
use crate::pages::{
    hosts::new::{preselected_site, site_options},
    prelude::*,
};

pub fn page() -> AnyView {
    let interests = |_: &_| {
        [Topic::Site, Topic::Authority, Topic::Provider]
            .map(Event::all)
            .to_vec()
    };
    form_page(server_fns::domains::create_options, interests, content)
}

fn content(form_options: LiveResource<NewDomainOptions>) -> AnyView {
    let site = form_options.peek(|all| preselected_site(&all.sites));
    let values = RwSignal::new(DomainForm {
        site,
        hsts: Hsts::default().to_string(),
        publishers: Publishers::default().as_str().to_owned(),
        certificate_source: CertificateSource::default().as_str().to_owned(),
        ..DomainForm::default()
    });
    let form = FormState::of(values, DomainForm::parse);
    let sites = Signal::derive(move || form_options.with(|all| site_options(&all.sites)));
    let choices = form_options.part(|all| all.choices.clone());
    let notice = form_options.peek(|all| all.sites.is_empty()).then(|| {
        let link = ("/sites/new", "Create a site");
        prerequisite(
            "A domain belongs to a site. ",
            link,
            Session::may::<SiteManage>(),
        )
    });
    let create = save_call(move || {
        let submitted = values.get_untracked();
        let name = submitted.name.trim().to_owned();
        async move {
            let id = server_fns::domains::create(submitted).await?;
            let key = id.to_string();
            Ok(SavedObject { name, key })
        }
    });
    let fields = view! { {notice} {fields(form, values, Some(sites), choices.into())} }.erase();
    create_form(Kind::Domain, form, fields, create)
}
