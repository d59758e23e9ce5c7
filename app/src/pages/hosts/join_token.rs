//! The join token of a host, shown once, with the commands to run on the host.

use model::hosts::{HostDetail, IssuedJoinToken};

use crate::{
    clock::{self, Clock},
    pages::prelude::*,
};

const JOIN_COMMAND: &str = "holdfast-agent join --interface eth1";
const START_COMMAND: &str = "holdfast-agent units && systemctl daemon-reload && systemctl restart nginx dnsmasq && systemctl enable --now holdfast-agent";
const FOREGROUND_COMMAND: &str = "holdfast-agent run";

/// The host that the token is for.
#[derive(Clone)]
pub struct NewHost {
    /// The site's name.
    pub site: String,
    /// The host's name.
    pub name: String,
}

/// The join token and the steps until the agent has joined. `close` hides the panel, where it has
/// no page of its own.
pub fn join_instructions(
    new_host: NewHost,
    issued: IssuedJoinToken,
    close: Option<Callback<()>>,
) -> AnyView {
    let until = clock::now().0 + i64::from(issued.valid_for_s) * 1000;
    let minutes = Memo::new(move |_| (until - Clock::read().0).max(0).div_euclid(60_000));
    let validity = reactive(move || match minutes.get() {
        0 => {
            "The token expires within a minute or has expired. Create a new join token.".to_owned()
        }
        1 => "Valid for one join, for another minute.".to_owned(),
        minutes => format!("Valid for one join, for another {minutes} minutes."),
    });
    let token = issued.token.to_string();
    let title = format!("Install the agent on {}", new_host.name);
    let loopback_warning = issued.token.manager.is_loopback().then(|| {
        let at = issued.token.manager.to_string();
        view! {
            <p class="panel panel-warning"><span>{icon("triangle-alert")}
                {format!(" The URL of this server is {at}, so the token works only on this machine. For other hosts, set public_url to an https:// URL first.")}
            </span></p>
        }
        .erase()
    });
    let button = close.map(|close| {
        view! { <div class="actions"><button type="button" class="btn" on:click=act(move |_| close.run(()))>"Hide token"</button></div> }.erase()
    });
    view! {
        <section class="card stack" aria-label=title>
            {loopback_warning}
            <div class="stack-tight">
                <h2 class="card-title">"Join token"</h2>
                <p>"Shown only once. " <span class="num">{validity}</span></p>
                <div class="code"><span class="mono grow" data-join-token="">{token.clone()}</span> <Copy text=token label="join token" secret=true /></div>
            </div>
            {install_steps()}
            {join_status(new_host)}
            {button}
        </section>
    }
    .erase()
}

/// The steps on a host until its agent runs.
fn install_steps() -> AnyView {
    view! {
        <div class="stack-tight">
            <h2 class="card-title">"On the host, as root"</h2>
            <p>"1. Join. Replace eth1 with the interface in the site's network:"</p>
            {command_line(JOIN_COMMAND)}
            <p>"2. Paste the token, press Enter, then Ctrl-D. The token is read from standard input, so that it never appears in the process list."</p>
            <p>"3. Start the agent. This replaces the current configuration of nginx and dnsmasq:"</p>
            {command_line(START_COMMAND)}
            <p>"Without systemd, run the agent in the foreground:"</p>
            {command_line(FOREGROUND_COMMAND)}
        </div>
    }
    .erase()
}

/// The steps on a host that has not joined, for its page. The join token was shown before.
pub fn pending_install(host: LiveResource<HostDetail>) -> AnyView {
    let is_pending = host.part(|host| host.row.join_expires_at.is_some());
    let settings = host.peek(|host| format!("{}/settings", host.row.path()));
    reactive(move || {
        let settings = settings.clone();
        is_pending.get().then(|| {
            view! {
                <section class="card stack" aria-label="Agent not installed">
                    <p>"This host has not joined yet. The join token was shown once. If it is lost or has expired, " <a class="link" href=settings>"create a new join token"</a> "."</p>
                    {install_steps()}
                </section>
            }
            .erase()
        })
    })
}

fn command_line(command: &'static str) -> AnyView {
    view! { <div class="code"><code class="mono grow">{command}</code> <Copy text=command label="command" /></div> }.erase()
}

/// Whether the agent has joined; updated live.
fn join_status(new_host: NewHost) -> AnyView {
    let NewHost { site, name } = new_host;
    let key = Signal::stored((site, name));
    let state = live_resource_within(
        None,
        key,
        |(site, name)| server_fns::hosts::get(site, name),
        |host: &HostDetail| vec![Event::of(Topic::Host, host.row.id.0)],
        || view! { <div class="skeleton join-status"></div> }.erase(),
        |host: LiveResource<HostDetail>| {
            let joined = host.part(|host| host.row.join_expires_at.is_none());
            let (name, path) = host.peek(|host| (host.row.name.to_string(), host.row.path()));
            reactive(move || {
                let link = view! { <a class="btn btn-small" href=path.clone()>{format!("Open {name}")}</a> }.erase();
                match joined.get() {
                    true => view! { <p class="state-line join-status"><strong>{icon("circle-check")} {format!(" {name} has joined.")}</strong> {link}</p> }.erase(),
                    false => view! { <p class="state-line join-status muted">{icon("circle-dashed")} {format!(" {name} has not joined yet.")} {link}</p> }.erase(),
                }
            })
        },
    );
    view! { <div role="status">{state}</div> }.erase()
}
