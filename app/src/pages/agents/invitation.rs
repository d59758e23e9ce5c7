//! The join token of an agent, shown once, with the commands to run on its host.

use crate::erase::{Erase as _, act, reactive};
use leptos::prelude::*;
use model::{
    agents::{AgentDetail, IssuedJoinToken},
    events::{Event, Topic},
};

use crate::{
    clock::{self, Clock},
    components::{
        icon::icon,
        live_resource::{LiveResource, live_resource_within},
        page::Copy,
    },
    server_fns,
};

const JOIN: &str = "holdfast-agent join --interface eth1";
const SERVE: &str = "holdfast-agent units && systemctl daemon-reload && systemctl restart nginx dnsmasq && systemctl enable --now holdfast-agent";
const RUN: &str = "holdfast-agent run";

/// The invited agent.
#[derive(Clone)]
pub struct InvitedAgent {
    /// The site's name.
    pub site: String,
    /// The agent's name.
    pub name: String,
}

/// The join token and the steps until the agent has joined. `close` hides the panel, where it has
/// no page of its own.
pub fn invitation(
    invited_agent: InvitedAgent,
    issued: IssuedJoinToken,
    close: Option<Callback<()>>,
) -> AnyView {
    let until = clock::now().0 + i64::from(issued.good_for_s) * 1000;
    let minutes = Memo::new(move |_| (until - Clock::read().0).max(0).div_euclid(60_000));
    let left = reactive(move || match minutes.get() {
        0 => "It is good no more, or for less than a minute. Invite the agent again.".to_owned(),
        1 => "It is good once, for one more minute.".to_owned(),
        minutes => format!("It is good once, for {minutes} more minutes."),
    });
    let code = issued.code.to_string();
    let title = format!("How {} joins", invited_agent.name);
    let here = issued.code.manager.is_loopback().then(|| {
        let at = issued.code.manager.to_string();
        view! {
            <p class="panel panel-warning"><span>{icon("triangle-alert")}
                {format!(" This server is known as {at}, so the code works for an agent on this same machine only. For other hosts, set public_url to its https:// address first.")}
            </span></p>
        }
        .erase()
    });
    let button = close.map(|close| {
        view! { <div class="actions"><button type="button" class="btn" on:click=act(move |_| close.run(()))>"Hide the code"</button></div> }.erase()
    });
    view! {
        <section class="card stack" aria-label=title>
            {here}
            <div class="stack-tight">
                <h2 class="card-title">"The code"</h2>
                <p>"It is shown only now. " <span class="num">{left}</span></p>
                <div class="code"><span class="mono grow" data-join-code="">{code.clone()}</span> <Copy text=code what="code" secret=true /></div>
            </div>
            <div class="stack-tight">
                <h2 class="card-title">"On the host, as root"</h2>
                <p>"1. Join, with the name of the host's interface in the site's network in the place of eth1:"</p>
                {line(JOIN)}
                <p>"2. Paste the code, press Enter, then Ctrl-D. It is read from there and not from the command line, where others on the host could see it."</p>
                <p>"3. Serve the site, now and whenever the host starts. What nginx and dnsmasq do there so far ends with it:"</p>
                {line(SERVE)}
                <p>"Where there is no systemd, this does it for as long as it runs:"</p>
                {line(RUN)}
            </div>
            {arrival(invited_agent)}
            {button}
        </section>
    }
    .erase()
}

fn line(command: &'static str) -> AnyView {
    view! { <div class="code"><code class="mono grow">{command}</code> <Copy text=command what="command" /></div> }.erase()
}

/// Whether the agent has joined; updated live.
fn arrival(invited_agent: InvitedAgent) -> AnyView {
    let InvitedAgent { site, name } = invited_agent;
    let key = Signal::stored((site, name));
    let state = live_resource_within(
        None,
        key,
        |(site, name)| server_fns::agents::get(site, name),
        |agent: &AgentDetail| vec![Event::of(Topic::Agent, agent.row.id.0)],
        || view! { <div class="skeleton arrival"></div> }.erase(),
        |agent: LiveResource<AgentDetail>| {
            let joined = agent.part(|agent| agent.row.invited_until.is_none());
            let (name, path) = agent.peek(|agent| (agent.row.name.to_string(), agent.row.path()));
            reactive(move || {
                let link = view! { <a class="btn btn-small" href=path.clone()>{format!("Open {name}")}</a> }.erase();
                if joined.get() {
                    view! { <p class="state-line arrival"><strong>{icon("circle-check")} {format!(" {name} has joined.")}</strong> {link}</p> }.erase()
                } else {
                    view! { <p class="state-line arrival muted">{icon("circle-dashed")} {format!(" {name} has not joined yet.")} {link}</p> }.erase()
                }
            })
        },
    );
    view! { <div role="status">{state}</div> }.erase()
}
