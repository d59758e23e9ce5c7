//! The connection to a cluster, and its deletion.

use model::clusters::ClusterForm;

use super::{fields::fields, show::ClusterPage};
use crate::pages::{containers::delete_first, prelude::*};

pub fn tab(page: LiveResource<ClusterPage>, name: Memo<String>) -> AnyView {
    view! { <div class="stack stack-narrow">{form(page, name)} {deletion(page, name)}</div> }
        .erase()
}

fn form(page: LiveResource<ClusterPage>, name: Memo<String>) -> AnyView {
    let values = form_values(page.part(|page| ClusterForm::from(&page.cluster)));
    let form = FormState::of(values, |form| form.parse(false));
    let update = save_call(move || {
        let id = page.peek(|page| page.cluster.view.id);
        let updated = server_fns::clusters::update(id, values.get_untracked());
        async move {
            let name = updated.await?;
            values.try_update(|form| form.secret.clear());
            Ok(SavedObject::named(name.to_string()))
        }
    });
    let fields = fields(form, values, false);
    settings_form(Kind::Cluster, name, form, fields, update, page.refresher())
}

fn deletion(page: LiveResource<ClusterPage>, name: Memo<String>) -> AnyView {
    let sites = page.part(|page| u32::try_from(page.cluster.sites.len()).unwrap_or(u32::MAX));
    let blocked = move || {
        let count = Some(sites.get()).filter(|count| *count > 0)?;
        let text = match count {
            1 => "1 site".to_owned(),
            count => format!("{count} sites"),
        };
        Some(view! { <p>"The cluster has " <a class="link" href="/sites">{text}</a> {delete_first(count)}</p> }.erase())
    };
    let consequences = || {
        [
            "The address, fingerprint and credentials of the cluster",
            "The observed state of the cluster",
        ]
        .map(str::to_owned)
        .to_vec()
    };
    delete_card(Kind::Cluster, name, consequences, move |typed| {
        server_fns::clusters::delete(page.peek(|page| page.cluster.view.id), typed)
    })
    .note("The cluster itself does not change.")
    .blocked(blocked)
    .view()
}
