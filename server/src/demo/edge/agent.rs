//! The demo edge as an agent. It joins, receives configurations, applies and reports them through
//! the same functions as the agents of edge hosts, but without a network connection. Of each site
//! it keeps what a host would: the configuration and the rendered files.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    time::Duration,
};

use agent_protocol::{LiveFilesUpdate, PollResponse, endpoints::MAX_FILE_SIZE};
use control::{
    Actor, Control, domains,
    hosts::{self, Agent},
    sites,
};
use edge::{Layout, NginxBuild, SiteConfig};
use futures::{Stream, StreamExt as _};
use model::{
    Error, Invalid, SiteId,
    backoff::Backoff,
    events::{Event, Topic},
    hosts::{HostFacts, Report},
    sites::{SiteRow, SiteSpec},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Edge;

/// An error that is only logged.
type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// The host's name on each site.
const NAME: &str = "demo-edge";
/// The first delay after a failure; each further one doubles.
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);
/// The maximum delay.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(30);

/// The agents of the edge: one per site.
pub(super) struct Agents {
    edge: Edge,
    control: Control,
    layout: Layout,
}

impl Agents {
    pub(super) fn new(edge: Edge, control: Control) -> Result<Self, Invalid> {
        Ok(Self {
            layout: debian_layout()?,
            edge,
            control,
        })
    }

    /// Serves every current and future site until `stop`. A site whose host was deleted is joined
    /// again only after a restart.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut changes = Box::pin(self.control.events(&Actor::System, None));
        let mut joined = BTreeSet::new();
        let mut serving = JoinSet::new();
        let mut backoff = Backoff::new(FIRST_RETRY_DELAY, MAX_RETRY_DELAY);
        while !stop.is_cancelled() {
            let retry_in = match self.sites().await {
                Ok(sites) => {
                    for site in sites {
                        if joined.insert(site.id) {
                            let agent = self.site_agent(site);
                            let stop = stop.clone();
                            serving.spawn(stop.run_until_cancelled_owned(agent.run()));
                        }
                    }
                    backoff.reset();
                    None
                }
                Err(error) => {
                    let retry_in = backoff.advance();
                    tracing::warn!(%error, ?retry_in, "demo edge site load failed");
                    Some(retry_in)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep_or_pend(retry_in) => {}
                () = next_change(&mut changes) => {}
            }
        }
        while let Some(result) = serving.join_next().await {
            if let Err(error) = result {
                tracing::error!(%error, "demo edge agent task failed");
            }
        }
    }

    /// The sites of the simulated cluster that publish under `localhost`.
    async fn sites(&self) -> Result<Vec<SiteRow>, Error> {
        let domains = domains::list(&self.control, &Actor::System).await?;
        let local: BTreeSet<SiteId> = domains
            .iter()
            .filter(|domain| domain.spec.name.is_loopback())
            .map(|domain| domain.spec.site)
            .collect();
        let mut sites = sites::list(&self.control, &Actor::System).await?;
        let cluster = self.edge.0.options.cluster;
        sites.retain(|site| site.spec.cluster == cluster && local.contains(&site.id));
        Ok(sites)
    }

    fn site_agent(&self, site: SiteRow) -> SiteAgent {
        SiteAgent {
            edge: self.edge.clone(),
            control: self.control.clone(),
            layout: self.layout.clone(),
            site,
            files: None,
        }
    }
}

/// Sleeps, or waits forever without a duration.
async fn sleep_or_pend(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Waits for a change of a site or a domain.
async fn next_change<P>(changes: &mut (impl Stream<Item = (P, Event)> + Unpin)) {
    while let Some((_, event)) = changes.next().await {
        if matches!(event.topic, Topic::Site | Topic::Domain) {
            return;
        }
    }
    std::future::pending().await
}

/// The agent of one site.
struct SiteAgent {
    edge: Edge,
    control: Control,
    layout: Layout,
    site: SiteRow,
    /// The files reported as live, by path; `None` before the first report.
    files: Option<BTreeMap<String, String>>,
}

impl SiteAgent {
    /// Serves the site until the agent's key is revoked.
    async fn run(mut self) {
        let name = self.site.spec.name.to_string();
        let mut backoff = Backoff::new(FIRST_RETRY_DELAY, MAX_RETRY_DELAY);
        let mut key = None;
        let mut generation = None;
        loop {
            let result = match &key {
                None => self.join().await.map(|new_key| key = Some(new_key)),
                Some(key) => {
                    let synced = self.sync(key, generation).await;
                    synced.map(|live| generation = live)
                }
            };
            match result {
                Ok(()) => backoff.reset(),
                Err(Error::WrongCredentials) => {
                    tracing::warn!(site = name, "demo edge agent key revoked");
                    return;
                }
                Err(error) => {
                    let retry_in = backoff.advance();
                    tracing::warn!(site = name, %error, ?retry_in, "demo edge sync failed");
                    tokio::time::sleep(retry_in).await;
                }
            }
        }
    }

    fn about(&self) -> HostFacts {
        HostFacts {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            address: free_address(&self.site.spec, &self.edge.0.options.nodes),
        }
    }

    /// Joins the site and returns the agent's key.
    async fn join(&self) -> Result<String, Error> {
        let name = NAME.parse().map_err(|invalid: Invalid| Error::Invalid {
            fields: vec![invalid.for_field("name")],
        })?;
        let (control, actor) = (&self.control, Actor::System);
        hosts::register(
            control,
            &actor,
            self.site.id,
            name,
            self.about(),
            &self.layout,
        )
        .await
    }

    /// Applies and reports the next generation; returns the live generation.
    async fn sync(&mut self, key: &str, current: Option<i64>) -> Result<Option<i64>, Error> {
        let agent = hosts::authenticate(&self.control, key).await?;
        let next = hosts::poll(&self.control, &agent, self.about(), &self.layout, current);
        let Some(response) = next.await? else {
            return Ok(current);
        };
        self.edge.publish(self.site.id, &response.config);
        let report = Report::live(response.generation);
        hosts::report(&self.control, &agent, report).await?;
        let generation = response.generation;
        // The files are only displayed, so a failed report is not fatal.
        if let Err(error) = self.report_files(&agent, response).await {
            tracing::warn!(site = %self.site.spec.name, %error, "demo edge file report failed");
            self.files = None;
        }
        Ok(Some(generation))
    }

    /// Reports changed files.
    async fn report_files(
        &mut self,
        agent: &Agent,
        response: PollResponse,
    ) -> Result<(), AnyError> {
        let layout = self.layout.clone();
        let rendered = tokio::task::spawn_blocking(move || render_files(&response.config, &layout));
        let files = rendered.await??;
        let live = changes(self.files.as_ref(), &files);
        hosts::report_files(&self.control, agent, live).await?;
        self.files = Some(files);
        Ok(())
    }
}

/// Renders the files of a site, by path.
fn render_files(site: &SiteConfig, layout: &Layout) -> Result<BTreeMap<String, String>, AnyError> {
    let tree = edge::render(site, layout)?;
    let files = tree
        .files()
        .filter(|(_, file)| file.text.len() <= MAX_FILE_SIZE);
    Ok(files
        .map(|(path, file)| (path.to_owned(), file.text.clone()))
        .collect())
}

/// The difference between the reported and the live files.
fn changes(
    reported: Option<&BTreeMap<String, String>>,
    live: &BTreeMap<String, String>,
) -> LiveFilesUpdate {
    let is_changed = |(path, text): &(&String, &String)| {
        reported.and_then(|reported| reported.get(*path)) != Some(*text)
    };
    let removed = reported.into_iter().flat_map(BTreeMap::keys);
    LiveFilesUpdate {
        replace: reported.is_none(),
        removed: removed
            .filter(|path| !live.contains_key(*path))
            .cloned()
            .collect(),
        files: live
            .iter()
            .filter(is_changed)
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect(),
    }
}

/// The first unused address of a site's network.
fn free_address(site: &SiteSpec, nodes: &[Ipv4Addr]) -> Ipv4Addr {
    let (first, last) = (site.network.network(), site.network.broadcast());
    let mut hosts = (first.to_bits() + 1..last.to_bits()).map(Ipv4Addr::from_bits);
    let is_free = |address: &Ipv4Addr| {
        let in_dynamic_range = site
            .dynamic_range
            .is_some_and(|range| range.contains(*address));
        *address != site.gateway
            && !site.range.contains(*address)
            && !in_dynamic_range
            && !nodes.contains(address)
    };
    // A full network has no address for a real edge host either.
    hosts.find(is_free).unwrap_or(site.gateway)
}

/// The layout of an edge host with Debian 12.
fn debian_layout() -> Result<Layout, Invalid> {
    let base = "/var/lib/holdfast-agent";
    Ok(Layout {
        live: format!("{base}/live").parse()?,
        state: format!("{base}/state").parse()?,
        run: "/run".parse()?,
        log: "/var/log/nginx".parse()?,
        tls: format!("{base}/tls").parse()?,
        interface: "eth1".parse()?,
        ipv6: true,
        resolvers: Vec::new(),
        nginx_user: "www-data".parse()?,
        nginx: NginxBuild {
            version: (1, 22, 1),
            http3: false,
            stream_module: None,
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::sites::SiteForm;

    use super::{changes, free_address};

    fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        files.iter().map(owned).collect()
    }

    #[test]
    fn first_report_is_complete_and_later_ones_incremental() {
        let first = files(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let all = changes(None, &first);
        assert!(all.replace && all.files == first && all.removed.is_empty());
        let second = files(&[("a", "1"), ("b", "two"), ("d", "4")]);
        let some = changes(Some(&first), &second);
        assert!(!some.replace);
        assert_eq!(some.files, files(&[("b", "two"), ("d", "4")]));
        assert_eq!(some.removed, ["c"]);
    }

    #[test]
    fn free_address_excludes_gateway_nodes_and_range() {
        let form = SiteForm {
            name: "lab".into(),
            domain: "lab.example.org".into(),
            cluster: "1".into(),
            bridge: "vmbr0".into(),
            network: "10.20.0.0/24".into(),
            gateway: "10.20.0.1".into(),
            range: "10.20.0.3-10.20.0.250".into(),
            template_storage: "local".into(),
            volume_storage: "local-lvm".into(),
            vmids: "1000-1999".into(),
            ports: "2000-2999".into(),
            ..SiteForm::default()
        };
        let site = form.parse().unwrap();
        let node = "10.20.0.2".parse().unwrap();
        assert_eq!(free_address(&site, &[]), node);
        assert_eq!(free_address(&site, &[node]).to_string(), "10.20.0.251");
    }
}
