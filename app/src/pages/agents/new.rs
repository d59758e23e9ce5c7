//! The form that invites an agent.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;
use model::{
    agents::{AgentForm, IssuedJoinToken},
    events::{Event, Topic},
    sites::SiteRow,
};

use super::invitation::{InvitedAgent, invitation};
use crate::{
    bind,
    components::{
        form::{Choice, Field, FormState, Refusals, Submit},
        icon::icon,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, object_skeleton},
    },
    server_fns,
};

/// The page.
pub fn page() -> AnyView {
    live_resource(
        Signal::from(()),
        |()| server_fns::sites::list(),
        |_| vec![Event::all(Topic::Site)],
        object_skeleton,
        content,
    )
}

/// The initial values: the site in the URL, or the first site.
fn first(sites: &[SiteRow], named: Option<&str>) -> AgentForm {
    let site = sites
        .iter()
        .find(|site| Some(site.spec.name.as_str()) == named)
        .or_else(|| sites.first());
    AgentForm {
        site: site.map(|site| site.id.to_string()).unwrap_or_default(),
        name: "edge-1".to_owned(),
    }
}

fn content(sites: LiveResource<Vec<SiteRow>>) -> AnyView {
    let named = use_query_map().with_untracked(|map| map.get_str("site").map(str::to_owned));
    let values = RwSignal::new(sites.peek(|all| first(all, named.as_deref())));
    // The created invitation. It replaces the form and cannot be shown again.
    let invited = RwSignal::new(None::<(InvitedAgent, IssuedJoinToken)>);
    let title = Signal::derive(move || {
        invited.with(|invited| match invited {
            Some((invited_agent, _)) => format!("Join {}", invited_agent.name),
            None => "Invite an agent".to_owned(),
        })
    });
    let code = reactive(move || {
        let invited = invited.get();
        invited.map(|(invited_agent, issued)| invitation(invited_agent, issued, None))
    });
    // The form stays mounted: its field has the focus, and fires `blur` when it is removed.
    let is_done = Signal::derive(move || invited.with(Option::is_some));
    view! {
        <PageHead title />
        <div hidden=is_done>{form(sites, values, invited)}</div>
        {code}
    }
    .erase()
}

fn form(
    sites: LiveResource<Vec<SiteRow>>,
    values: RwSignal<AgentForm>,
    invited: RwSignal<Option<(InvitedAgent, IssuedJoinToken)>>,
) -> AnyView {
    let form = FormState::new(move || {
        values.with_untracked(|form| form.parse().err().unwrap_or_default())
    });
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let asked = values.get_untracked();
        let site = sites.peek(|all| {
            let chosen = all.iter().find(|site| site.id.to_string() == asked.site);
            chosen
                .map(|site| site.spec.name.to_string())
                .unwrap_or_default()
        });
        let invited_agent = InvitedAgent {
            site,
            name: asked.name.trim().to_ascii_lowercase(),
        };
        spawn_local(async move {
            match server_fns::agents::invite(asked).await {
                Ok(issued) => {
                    invited.try_set(Some((invited_agent, issued)));
                }
                Err(failure) => form.refuse(failure),
            }
        });
    };
    let label = Signal::derive(move || values.with(|form| format!("Invite {}", form.name.trim())));
    let options = Signal::derive(move || {
        sites.with(|all| {
            all.iter()
                .map(|site| (site.id.to_string(), site.spec.name.to_string()))
                .collect()
        })
    });
    let none = sites.peek(Vec::is_empty).then(|| {
        view! { <p class="panel panel-warning"><span>{icon("triangle-alert")} "An agent serves a site. " <a class="link" href="/sites/new">"Make a site"</a> " first, or ask an administrator for one."</span></p> }.erase()
    });
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            {none}
            <Refusals form />
            <fieldset class="card group">
                <legend class="card-title">"The host"</legend>
                <Choice form name="site" label="Site" value=bind!(values, site) options
                    hint="Whose network the host is in. The first agent of a site gives out its addresses." />
                <Field form name="name" label="Name" value=bind!(values, name) hint="What the host is called here, such as edge-1." />
            </fieldset>
            <div class="actions">
                <Submit form label />
                <a class="btn" href="/agents">"Cancel"</a>
            </div>
        </form>
    }
    .erase()
}
