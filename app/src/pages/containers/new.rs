//! The form for a new container, with a suggested name, a template and moderate sizes.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use model::{
    containers::{ContainerForm, ContainerSource, CreateOptions, SiteOption},
    events::{Event, Topic},
    image::TemplateName,
    names::Label,
    session::CurrentUser,
    sizes::{Cores, DiskGib, MemoryMib},
};

use super::{
    places::places,
    service_rows::{service_rows, web_page},
};
use crate::{
    bind,
    components::{
        checkbox::Checkbox,
        form::{Choice, Entry, Field, FormState, Refusals, Submit},
        live_resource::{LiveResource, live_resource},
        page::{PageHead, empty, main_link, object_skeleton, usage_bar},
        toast::Toasts,
    },
    server_fns,
    session::Session,
};

/// Common images, listed beside the site's templates.
const IMAGES: [&str; 5] = [
    "nginx:1.27",
    "postgres:17",
    "redis:7",
    "node:22",
    "python:3.13",
];

/// The notice above the form without JavaScript. It is a string of markup because browsers with
/// JavaScript parse the content of `noscript` as text, which could not be hydrated as elements.
const NEEDS_PROGRAM: &str =
    "<p class=\"panel panel-warning\">Creating a container requires JavaScript.</p>";

/// The page.
pub fn page() -> AnyView {
    live_resource(
        Signal::from(()),
        |()| server_fns::containers::options(),
        |_| vec![Event::all(Topic::Site), Event::all(Topic::Domain)],
        object_skeleton,
        whole,
    )
}

#[derive(Clone, Copy)]
struct New {
    form: RwSignal<ContainerForm>,
    state: FormState,
    options: LiveResource<CreateOptions>,
    site: Memo<Option<SiteOption>>,
}

fn whole(options: LiveResource<CreateOptions>) -> AnyView {
    let form = RwSignal::new(options.peek(first));
    let check = move || form.with_untracked(|form| form.parse().err().unwrap_or_default());
    let site = Memo::new(move |_| {
        let key = form.with(|form| form.site.clone());
        options.with(|options| {
            options
                .sites
                .iter()
                .find(|site| site.id.to_string() == key)
                .cloned()
        })
    });
    let new = New {
        form,
        state: FormState::new(check),
        options,
        site,
    };
    let none = options.part(|options| options.sites.is_empty());
    let content = reactive(move || {
        if none.get() {
            empty(
                "network",
                "No sites yet",
                "A container needs a site: a network with a domain. An administrator can create the first.",
                Session::signed_in(make_a_site),
            )
        } else {
            view! { <div class="columns">{entries(new)} <div class="stack">{preview(new)} {limits(new)}</div></div> }.erase()
        }
    });
    view! {
        <PageHead title="New container" />
        <noscript inner_html=NEEDS_PROGRAM></noscript>
        {content}
    }
    .erase()
}

/// The initial values.
fn first(options: &CreateOptions) -> ContainerForm {
    let site = options.sites.first();
    let template = site.and_then(|site| site.templates.first());
    ContainerForm {
        site: site.map(|site| site.id.to_string()).unwrap_or_default(),
        name: options.suggested_name.to_string(),
        source: template.map_or_else(|| IMAGES[0].to_owned(), ToString::to_string),
        cores: "1".to_owned(),
        memory: "512 MiB".to_owned(),
        disk: "8 GiB".to_owned(),
        services: vec![web_page()],
        ..ContainerForm::default()
    }
}

fn entries(new: New) -> AnyView {
    let New {
        form,
        state,
        options,
        site,
    } = new;
    let submit = submit(new);
    let domains = Memo::new(move |_| {
        site.with(|site| {
            site.as_ref()
                .map(|site| {
                    site.domains
                        .iter()
                        .map(|domain| domain.name.clone())
                        .collect()
                })
                .unwrap_or_default()
        })
    });
    let several = options.part(|options| options.sites.len() > 1);
    let sites = Signal::derive(move || {
        options.with(|options| {
            options
                .sites
                .iter()
                .map(|site| {
                    (
                        site.id.to_string(),
                        format!("{} ({})", site.name, site.domain),
                    )
                })
                .collect()
        })
    });
    let sources = Signal::derive(move || {
        let templates = site.with(|site| {
            site.as_ref()
                .map(|site| site.templates.clone())
                .unwrap_or_default()
        });
        let templates = templates.iter().map(TemplateName::to_string);
        templates
            .chain(IMAGES.iter().map(|image| (*image).to_owned()))
            .collect::<Vec<_>>()
    });
    let choice = reactive(move || {
        several.get().then(|| view! { <Choice form=state name="site" label="Site" value=bind!(form, site) options=sites /> }.erase())
    });
    let named = Signal::derive(move || {
        let name = form.with(|form| form.name.clone());
        if name.is_empty() {
            "Create container".to_owned()
        } else {
            format!("Create {name}")
        }
    });
    view! {
        <form class="form card" on:submit=act(submit) novalidate>
            <Refusals form=state />
            {choice}
            <Field form=state name="name" label="Name" value=bind!(form, name) hint="Lowercase letters, digits and hyphens" />
            <Field form=state name="source" label="Template or image" value=bind!(form, source) options=sources hint="A template of the site, or an image such as ghcr.io/owner/app:1.0" />
            <div class="pair">
                <Field form=state name="memory" label="Memory" value=bind!(form, memory) />
                <Field form=state name="cores" label="Cores" value=bind!(form, cores) />
                <Field form=state name="disk" label="Disk" value=bind!(form, disk) />
            </div>
            <fieldset class="stack-tight"><legend class="label">"Services"</legend>{service_rows(form, state, domains.into())}</fieldset>
            {more(new)}
            <div class="actions"><Submit form=state label=named /> <a class="btn" href="/containers">"Cancel"</a></div>
        </form>
    }
    .erase()
}

/// The first setup step, for users who may perform it.
fn make_a_site(me: CurrentUser) -> AnyView {
    me.role
        .is_administrator()
        .then(|| main_link("/sites/new", "plus", "New site"))
        .erase()
}

/// Options that most containers do not need.
fn more(new: New) -> AnyView {
    let New {
        form, state, site, ..
    } = new;
    // Folded until one of its fields has an error; never folded again automatically.
    let fold = NodeRef::<leptos::html::Details>::new();
    Effect::new(move |_| {
        let refused = ["env", "entrypoint", "description", "docker"]
            .iter()
            .any(|name| state.refusal(name).is_some());
        if refused && let Some(fold) = fold.get() {
            let _ = fold.set_attribute("open", "");
        }
    });
    let barred = Memo::new(move |_| {
        site.with(|site| {
            site.as_ref()?
                .docker
                .unsupported_reason()
                .map(str::to_owned)
        })
    });
    // A selection that was made for another site does not apply to the current site.
    Effect::new(move |_| {
        if barred.with(Option::is_some) && form.with_untracked(|form| form.docker) {
            form.update(|form| form.docker = false);
        }
    });
    let docker = Signal::derive(move || form.with(|form| form.docker));
    let set_docker = Callback::new(move |on| form.update(|form| form.docker = on));
    view! {
        <details class="fold" node_ref=fold>
            <summary>"Environment, command, description, Docker"</summary>
            <div class="stack">
                <Field form=state name="env" label="Environment" optional=true entry=Entry::Block value=bind!(form, env) hint="One NAME=value per line" />
                <Field form=state name="entrypoint" label="Command" optional=true value=bind!(form, entrypoint) hint="Replaces the image's command" />
                <Field form=state name="description" label="Description" optional=true entry=Entry::Block value=bind!(form, description) />
                <Checkbox form=state name="docker" label="Docker support" checked=docker set=set_docker hint="Lets Docker run in the container. Cannot be changed later." barred=barred />
            </div>
        </details>
    }
    .erase()
}

fn submit(new: New) -> impl Fn(leptos::ev::SubmitEvent) + 'static {
    let navigate = use_navigate();
    let toasts = Toasts::here();
    move |ev| {
        ev.prevent_default();
        if !new.state.submit() {
            return;
        }
        let navigate = navigate.clone();
        let form = new.form.get_untracked();
        spawn_local(async move {
            match server_fns::containers::create(form).await {
                // The container's page shows the job's progress, and the container once the job has
                // ended.
                Ok(created) => {
                    toasts.notify(format!("Creating {}.", created.name));
                    navigate(
                        &super::href(&created.site, &created.name),
                        Default::default(),
                    );
                }
                Err(failure) => new.state.refuse(failure),
            }
        });
    }
}

/// A summary of the container to be created.
fn preview(new: New) -> AnyView {
    let facts = reactive(move || {
        let site = new.site.get()?;
        let form = new.form.get();
        let name: Option<Label> = form.name.parse().ok();
        let host = name.as_ref().map_or_else(
            || "not set".to_owned(),
            |name| format!("{name}.{}", site.domain),
        );
        let from = match form.source.parse::<ContainerSource>() {
            Ok(ContainerSource::Template(_) | ContainerSource::TakenOver) => "template",
            Ok(ContainerSource::Image(_)) => "image, pulled first",
            Err(_) => "not set",
        };
        let node = site
            .node
            .as_ref()
            .map_or_else(|| "cluster unreachable".to_owned(), ToString::to_string);
        let places = places(&form, name.as_ref(), &site)
            .into_iter()
            .map(|place| view! { <li class="mono wrap-any">{place}</li> }.erase())
            .collect::<Vec<_>>();
        Some(
            view! {
                <dl class="facts">
                    <dt>"Name"</dt><dd class="mono">{host}</dd>
                    <dt>"Template or image"</dt><dd>{from}</dd>
                    <dt>"Node"</dt><dd>{node}</dd>
                    <dt>"Published at"</dt><dd><ul>{places}</ul></dd>
                </dl>
            }
            .erase(),
        )
    });
    view! { <section class="card" aria-live="polite"><h2 class="card-title">"Summary"</h2>{facts}</section> }.erase()
}

/// What remains of the user's limits after this container.
fn limits(new: New) -> AnyView {
    let bars = reactive(move || {
        let (limits, usage) = new.options.with(|options| (options.limits, options.usage));
        let form = new.form.get();
        let cores = form.cores.parse().map_or(0, Cores::get);
        let memory = form.memory.parse().map_or(0, MemoryMib::get);
        let disk = form.disk.parse().map_or(0, DiskGib::get);
        let all = [
            ("Containers", limits.containers, usage.containers + 1, ""),
            ("Cores", limits.cores, usage.cores + cores, ""),
            (
                "Memory",
                limits.memory_mib,
                usage.memory_mib + memory,
                " MiB",
            ),
            ("Disk", limits.disk_gib, usage.disk_gib + disk, " GiB"),
        ];
        let bars: Vec<AnyView> = all
            .into_iter()
            .filter_map(|(label, limit, used, unit)| {
                limit.map(|limit| {
                    usage_bar(
                        label,
                        u64::from(used),
                        u64::from(limit),
                        format!("{used} of {limit}{unit}"),
                    )
                })
            })
            .collect();
        if bars.is_empty() {
            return view! { <p class="muted">"No limits apply."</p> }.erase();
        }
        bars.erase()
    });
    view! { <section class="card"><h2 class="card-title">"Limits with this container"</h2><div class="stack-tight">{bars}</div></section> }.erase()
}
