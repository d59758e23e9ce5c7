//! The form for a new host.

use std::sync::Arc;

use model::{
    hosts::{HostForm, IssuedJoinToken},
    sites::SiteRow,
};

use super::join_token::{NewHost, join_instructions};
use crate::{components::object_form::new_form, pages::prelude::*};

pub fn page() -> AnyView {
    let interests = |_: &_| vec![Event::all(Topic::Site)];
    form_page(server_fns::sites::list, interests, content)
}

/// The choice of a site: id and name.
pub fn site_options(sites: &[SiteRow]) -> Vec<(String, String)> {
    let option = |site: &SiteRow| (site.id.to_string(), site.spec.name.to_string());
    sites.iter().map(option).collect()
}

/// The id of the site that the URL names, or of the first site.
pub fn preselected_site(sites: &[SiteRow]) -> String {
    let name = |site: &SiteRow| site.spec.name.to_string();
    preselected(sites, "site", name, |site| site.id)
}

fn content(sites: LiveResource<Vec<SiteRow>>) -> AnyView {
    let site = sites.peek(|all| preselected_site(all));
    let values = RwSignal::new(HostForm {
        site,
        name: "edge-1".to_owned(),
    });
    // The created host and its join token. The token replaces the form and cannot be shown again.
    let created = RwSignal::new(None::<(NewHost, IssuedJoinToken)>);
    let title = Signal::derive(move || {
        created.with(|created| match created {
            Some((new_host, _)) => format!("Install the agent on {}", new_host.name),
            None => "Add host".to_owned(),
        })
    });
    let instructions = reactive(move || {
        let created = created.get();
        created.map(|(new_host, issued)| join_instructions(new_host, issued, None))
    });
    // The form stays mounted: its field has the focus, and fires `blur` when it is removed.
    let is_done = Signal::derive(move || created.with(Option::is_some));
    view! {
        <PageHead title />
        <div hidden=is_done>{form(sites, values, created)}</div>
        {instructions}
    }
    .erase()
}

fn form(
    sites: LiveResource<Vec<SiteRow>>,
    values: RwSignal<HostForm>,
    created: RwSignal<Option<(NewHost, IssuedJoinToken)>>,
) -> AnyView {
    let form = FormState::of(values, HostForm::parse);
    let options = Signal::derive(move || sites.with(|all| site_options(all)));
    let create = save_call(move || {
        let entered = values.get_untracked();
        let mut site = options.get_untracked().into_iter();
        let site = site.find(|(id, _)| *id == entered.site);
        let site = site.map(|(_, name)| name).unwrap_or_default();
        let name = entered.name.trim().to_ascii_lowercase();
        async move {
            let issued = server_fns::hosts::create(entered).await?;
            let saved = SavedObject::named(name.clone());
            created.try_set(Some((NewHost { site, name }, issued)));
            Ok(saved)
        }
    });
    let notice = sites.peek(Vec::is_empty).then(|| {
        let link = ("/sites/new", "Create a site");
        prerequisite("A host serves a site. ", link, Session::may::<SiteManage>())
    });
    let host = view! {
        <Choice form name="site" label="Site" value=bind!(values, site) options
            hint="The site whose network the host is in. The first host of a site becomes its DHCP server." />
        <Field form name="name" label="Name" value=bind!(values, name) hint="A name for the host, such as edge-1." />
    };
    let fields = view! { {notice} {group("Host", host.erase())} }.erase();
    new_form(Kind::Host, form, fields, create, Arc::new(|_| ()))
}
