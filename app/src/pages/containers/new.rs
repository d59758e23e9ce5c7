//! The form for a new container, with a suggested name, a template and moderate sizes.

use leptos_router::hooks::use_navigate;
use model::{
    containers::{ContainerForm, ContainerSource, CreateOptions, SiteOption},
    names::Label,
    session::CurrentUser,
    sizes::{Bytes, Cores, DiskGib, MemoryMib},
};

use super::{
    overview::{source_label, source_title},
    placement::public_addresses,
    service_rows::{http_service, service_rows},
};
use crate::{components::form::Submit, pages::prelude::*};

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
const REQUIRES_JAVASCRIPT: &str =
    "<p class=\"panel panel-warning\">Creating a container requires JavaScript.</p>";

pub fn page() -> AnyView {
    let interests = |_: &_| vec![Event::all(Topic::Site), Event::all(Topic::Domain)];
    form_page(server_fns::containers::create_options, interests, content)
}

#[derive(Clone, Copy)]
struct New {
    values: RwSignal<ContainerForm>,
    form: FormState,
    options: LiveResource<CreateOptions>,
    site: Memo<Option<SiteOption>>,
}

impl New {
    /// A part of the chosen site.
    fn of_site<T: Default>(self, read: impl FnOnce(&SiteOption) -> T) -> T {
        let part = self.site.with(|site| site.as_ref().map(read));
        part.unwrap_or_default()
    }
}

fn content(options: LiveResource<CreateOptions>) -> AnyView {
    let values = RwSignal::new(options.peek(initial_values));
    let site = Memo::new(move |_| {
        let key = values.with(|form| form.site.clone());
        options.with(|options| {
            let mut sites = options.sites.iter();
            sites.find(|site| site.id.to_string() == key).cloned()
        })
    });
    let new = New {
        values,
        form: FormState::of(values, ContainerForm::parse),
        options,
        site,
    };
    let none = options.part(|options| options.sites.is_empty());
    let content = reactive(move || {
        match none.get() {
        true => empty(
            "network",
            "No sites yet",
            "A container needs a site: a network with a domain. An administrator can create the first.",
            Session::signed_in(create_site),
        ),
        false => view! { <div class="columns">{fields(new)} <div class="stack">{summary(new)} {limits(new)}</div></div> }.erase(),
    }
    });
    view! {
        <PageHead title="New container" />
        <noscript inner_html=REQUIRES_JAVASCRIPT></noscript>
        {content}
    }
    .erase()
}

fn initial_values(options: &CreateOptions) -> ContainerForm {
    let sites = SiteOption::default_first(&options.sites);
    let key = preselected(&sites, "site", |site| site.name.to_string(), |site| site.id);
    let mut sites = options.sites.iter();
    let site = sites.find(|site| site.id.to_string() == key);
    let template = site.and_then(|site| site.templates.first());
    ContainerForm {
        site: key,
        name: options.suggested_name.to_string(),
        source: template.map_or_else(|| IMAGES[0].to_owned(), ToString::to_string),
        cores: "1".to_owned(),
        memory: "512 MiB".to_owned(),
        disk: "8 GiB".to_owned(),
        services: vec![http_service()],
        ..ContainerForm::default()
    }
}

fn fields(new: New) -> AnyView {
    let New {
        values,
        form,
        options,
        ..
    } = new;
    let submit = submit(new);
    let domains = Memo::new(move |_| {
        new.of_site(|site| {
            site.domains
                .iter()
                .map(|domain| domain.name.clone())
                .collect()
        })
    });
    let several = options.part(|options| options.sites.len() > 1);
    let sites = Signal::derive(move || {
        let option = |site: &SiteOption| {
            let label = format!("{} ({})", site.name, site.domain);
            (site.id.to_string(), label)
        };
        options.with(|options| options.sites.iter().map(option).collect())
    });
    let sources = Signal::derive(move || {
        let templates = new.of_site(|site| site.templates.clone());
        let templates = templates.iter().map(ToString::to_string);
        let has_hub = new.of_site(|site| site.registries.allows_docker_hub());
        let images = IMAGES.into_iter().filter(|_| has_hub);
        templates.chain(images.map(str::to_owned)).collect()
    });
    let site = move || {
        view! { <Choice form name="site" label="Site" value=bind!(values, site) options=sites /> }
            .erase()
    };
    let site = reactive(move || several.get().then(site));
    view! {
        <form class="form card" on:submit=act(submit) novalidate>
            <Refusals form />
            {site}
            {host_warning(new)}
            <Field form name="name" label="Name" value=bind!(values, name) hint="Lowercase letters, digits and hyphens." />
            <Field form name="source" label="Template or image" value=bind!(values, source) options=sources hint=source_hint(new) />
            <div class="pair">
                <Field form name="cores" label="Cores" value=bind!(values, cores) />
                <Field form name="memory" label="Memory" value=bind!(values, memory) hint="Such as 512 MiB or 2 GiB" />
                <Field form name="disk" label="Disk" value=bind!(values, disk) hint="Such as 8 GiB" />
            </div>
            <fieldset class="stack-tight"><legend class="label">"Services"</legend>{service_rows(values, form, domains.into())}</fieldset>
            {advanced_fields(new)}
            <div class="actions"><Submit form label="Create container" /> <a class="btn" href="/containers">"Cancel"</a></div>
        </form>
    }
    .erase()
}

/// The warning that the chosen site has no host.
fn host_warning(new: New) -> AnyView {
    reactive(move || {
        let site = new.site.get().filter(|site| !site.has_host)?;
        let text = format!(
            "The site {} has no host yet: containers get no address, and services are not published.",
            site.name
        );
        Some(panel(
            Tone::Warning,
            "triangle-alert",
            text.erase(),
            ().erase(),
        ))
    })
}

fn source_hint(new: New) -> Signal<String> {
    let registries = move || new.of_site(|site| site.registries.join(" or "));
    Signal::derive(move || match registries().as_str() {
        "" => "A template of the site.".to_owned(),
        registries => format!("A template of the site, or an image from {registries}."),
    })
}

/// The first setup step, for users with the permission.
fn create_site(me: CurrentUser) -> AnyView {
    let may_create = me.role.may::<SiteManage>();
    may_create
        .then(|| main_link("/sites/new", "plus", "New site"))
        .erase()
}

/// Options that most containers do not need.
fn advanced_fields(new: New) -> AnyView {
    let New { values, form, .. } = new;
    let names = &["env", "entrypoint", "description", "docker", "pull_again"];
    let fold = form.open_on_error(names, Signal::stored(false));
    let disabled_reason =
        Memo::new(move |_| new.of_site(|site| site.docker.unsupported_reason().map(str::to_owned)));
    // A selection that was made for another site does not apply to the current site.
    Effect::new(move |_| {
        if disabled_reason.with(Option::is_some) && values.with_untracked(|form| form.docker) {
            values.update(|form| form.docker = false);
        }
    });
    let docker = Signal::derive(move || values.with(|form| form.docker));
    let set_docker = Callback::new(move |on| values.update(|form| form.docker = on));
    view! {
        <details class="fold" node_ref=fold>
            <summary>"Environment, command, description, Docker"</summary>
            <div class="stack">
                <Field form name="env" label="Environment variables" optional=true entry=Entry::Block value=bind!(values, env) hint="One NAME=value per line." />
                <Field form name="entrypoint" label="Command" optional=true value=bind!(values, entrypoint) hint="Replaces the image's command." />
                <Field form name="description" label="Description" optional=true entry=Entry::Block value=bind!(values, description) />
                {pull_again(new)}
                <Checkbox form name="docker" label="Docker support" checked=docker set=set_docker hint="Lets Docker run in the container. Cannot be changed later." disabled_reason=disabled_reason />
            </div>
        </details>
    }
    .erase()
}

/// The choice to pull an image again, for tags that change.
fn pull_again(new: New) -> AnyView {
    let New { values, form, .. } = new;
    let disabled_reason = Memo::new(move |_| {
        let source = values.with(|form| form.source.parse::<ContainerSource>());
        (!matches!(source, Ok(ContainerSource::Image(_))))
            .then(|| "Only images are pulled.".to_owned())
    });
    let checked = Signal::derive(move || values.with(|form| form.pull_again));
    let set = Callback::new(move |on| values.update(|form| form.pull_again = on));
    view! { <Checkbox form name="pull_again" label="Pull the image again" checked=checked set=set hint="Replaces an earlier pull of the image. Use this after its tag has changed in the registry." disabled_reason=disabled_reason /> }
        .erase()
}

fn submit(new: New) -> impl Fn(leptos::ev::SubmitEvent) + 'static {
    let navigate = use_navigate();
    let toasts = Toasts::here();
    move |ev| {
        ev.prevent_default();
        if !new.form.submit() {
            return;
        }
        let navigate = navigate.clone();
        let values = new.values.get_untracked();
        spawn_local(async move {
            match server_fns::containers::create(values).await {
                // The container's page shows the job's progress, and the container once the job has
                // ended.
                Ok(created) => {
                    toasts.notify(format!("Creating {}.", created.name));
                    let path = super::href(&created.site, &created.name);
                    navigate(&path, Default::default());
                }
                Err(failure) => new.form.refuse(failure),
            }
        });
    }
}

/// A summary of the container to be created.
fn summary(new: New) -> AnyView {
    let facts = reactive(move || {
        let site = new.site.get()?;
        let form = new.values.get();
        let name: Option<Label> = form.name.parse().ok();
        let dns_name = name.as_ref().map(|name| format!("{name}.{}", site.domain));
        let source: Option<ContainerSource> = form.source.parse().ok();
        let source_title = source.as_ref().map_or("Template or image", source_title);
        let node = match &site.node {
            Some(node) => text(node),
            None => muted("unknown, the cluster is unreachable"),
        };
        let addresses = public_addresses(&form, name.as_ref(), &site);
        let item = |address: Option<String>| match address {
            Some(address) => view! { <li class="mono wrap-any">{address}</li> }.erase(),
            None => view! { <li class="muted">"not set"</li> }.erase(),
        };
        let addresses = match addresses.is_empty() {
            true => muted("not published"),
            false => {
                view! { <ul>{addresses.into_iter().map(item).collect::<Vec<_>>()}</ul> }.erase()
            }
        };
        let facts = Facts::new()
            .mono_or("DNS name", dns_name, "not set")
            .mono_or(source_title, source.as_ref().map(source_label), "not set")
            .view("Node", node)
            .view("Links", addresses);
        Some(facts.list())
    });
    view! { <section class="card" aria-live="polite"><h2 class="card-title">"Summary"</h2>{facts}</section> }.erase()
}

/// The user's limits, and the usage together with this container.
fn limits(new: New) -> AnyView {
    let bars = reactive(move || {
        let (limits, usage) = new.options.with(|options| (options.limits, options.usage));
        let form = new.values.get();
        let cores = form.cores.parse().map_or(0, Cores::get);
        let memory = form.memory.parse().map_or(0, MemoryMib::get);
        let disk = form.disk.parse().map_or(0, DiskGib::get);
        let bar = |label, limit: Option<u32>, used: u32, format: fn(u32) -> String| {
            let limit = limit?;
            let text = format!("{} of {}", format(used), format(limit));
            Some(usage_bar(label, used.into(), limit.into(), text))
        };
        let plain = |count: u32| count.to_string();
        let mib = |mib: u32| Bytes(u64::from(mib) << 20).to_string();
        let gib = |gib: u32| Bytes(u64::from(gib) << 30).to_string();
        let bars = [
            bar("Containers", limits.containers, usage.containers + 1, plain),
            bar("Cores", limits.cores, usage.cores + cores, plain),
            bar("Memory", limits.memory_mib, usage.memory_mib + memory, mib),
            bar("Disk", limits.disk_gib, usage.disk_gib + disk, gib),
        ];
        let bars: Vec<AnyView> = bars.into_iter().flatten().collect();
        match bars.is_empty() {
            true => view! { <p class="muted">"No limits apply."</p> }.erase(),
            false => bars.erase(),
        }
    });
    card(
        "Your limits with this container",
        view! { <div class="stack-tight">{bars}</div> }.erase(),
    )
}
