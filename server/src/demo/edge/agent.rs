//! The demonstration's edge as an agent. It joins, receives configurations, puts them live and
//! reports them through the same functions as the agents of edge hosts; only nothing of it passes
//! over a network. Of a site it keeps what a host would: what it serves, and the rendered files.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    time::Duration,
};

use control::{
    Actor, Control,
    agents::{self, Agent},
    domains, sites,
};
use edge::{
    Layout, NginxBuild, Snapshot,
    link::{Given, LARGEST_FILE, Live},
};
use futures::{Stream, StreamExt as _};
use model::{
    Error, Invalid, SiteId,
    agents::{About, Outcome, Report},
    events::{Event, Topic},
    sites::{SiteRow, SiteSpec},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Edge;

/// A failure that is for the log only.
type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// The agent's name on each site.
const NAME: &str = "demo-edge";
/// The first wait after a failure; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The agents of the edge: one for each site.
pub(super) struct Agents {
    edge: Edge,
    control: Control,
    layout: Layout,
}

impl Agents {
    pub(super) fn new(edge: Edge, control: Control) -> Result<Self, Invalid> {
        Ok(Self {
            layout: layout()?,
            edge,
            control,
        })
    }

    /// Serves each site that there is or will be, until `stop`. A site whose agent an operator
    /// deletes is joined again by the next process only.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut changes = Box::pin(self.control.events(&Actor::System, None));
        let mut joined = BTreeSet::new();
        let mut serving = JoinSet::new();
        let mut wait = FIRST_WAIT;
        while !stop.is_cancelled() {
            let again = match self.sites().await {
                Ok(found) => {
                    for site in found {
                        if joined.insert(site.id) {
                            let server = self.server(site);
                            let stop = stop.clone();
                            serving.spawn(stop.run_until_cancelled_owned(server.run()));
                        }
                    }
                    wait = FIRST_WAIT;
                    None
                }
                Err(error) => {
                    tracing::warn!(%error, retry_in = ?wait, "demo edge: sites not read");
                    let again = wait;
                    wait = (wait * 2).min(LONGEST_WAIT);
                    Some(again)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = pause(again) => {}
                () = change(&mut changes) => {}
            }
        }
        while let Some(ended) = serving.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "demo edge: an agent ended early");
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

    fn server(&self, site: SiteRow) -> SiteServer {
        SiteServer {
            edge: self.edge.clone(),
            control: self.control.clone(),
            layout: self.layout.clone(),
            site,
            files: None,
        }
    }
}

/// Waits for a time, or for ever.
async fn pause(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Waits until a site or a domain has changed.
async fn change<P>(changes: &mut (impl Stream<Item = (P, Event)> + Unpin)) {
    while let Some((_, event)) = changes.next().await {
        if matches!(event.topic, Topic::Site | Topic::Domain) {
            return;
        }
    }
    std::future::pending().await
}

/// The agent of one site.
struct SiteServer {
    edge: Edge,
    control: Control,
    layout: Layout,
    site: SiteRow,
    /// The files that were reported as live, by path; none before the first report.
    files: Option<BTreeMap<String, String>>,
}

impl SiteServer {
    /// Serves the site until the agent's key is revoked.
    async fn run(mut self) {
        let name = self.site.spec.name.to_string();
        let mut wait = FIRST_WAIT;
        let mut key = None;
        let mut generation = None;
        loop {
            let done = match &key {
                None => self.join().await.map(|joined| key = Some(joined)),
                Some(key) => {
                    let round = self.round(key, generation).await;
                    round.map(|live| generation = live)
                }
            };
            match done {
                Ok(()) => wait = FIRST_WAIT,
                Err(Error::WrongCredentials) => {
                    tracing::warn!(site = name, "demo edge: agent deleted or invited again");
                    return;
                }
                Err(error) => {
                    tracing::warn!(site = name, %error, retry_in = ?wait, "demo edge: sync failed");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    fn about(&self) -> About {
        About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            address: free_address(&self.site.spec, &self.edge.0.options.nodes),
        }
    }

    /// Joins the site; the agent's key.
    async fn join(&self) -> Result<String, Error> {
        let name = NAME.parse().map_err(|invalid: Invalid| Error::Invalid {
            fields: vec![invalid.at("name")],
        })?;
        let (control, actor) = (&self.control, Actor::System);
        agents::register(
            control,
            &actor,
            self.site.id,
            name,
            self.about(),
            &self.layout,
        )
        .await
    }

    /// Puts the next generation live and reports it; the generation that is live then.
    async fn round(&mut self, key: &str, has: Option<i64>) -> Result<Option<i64>, Error> {
        let agent = agents::of_key(&self.control, key).await?;
        let next = agents::next(&self.control, &agent, self.about(), &self.layout, has);
        let Some(given) = next.await? else {
            return Ok(has);
        };
        self.edge.publish(self.site.id, &given.snapshot);
        let report = Report {
            generation: given.generation,
            outcome: Outcome::Live,
            aside: Vec::new(),
            silent: Vec::new(),
            unserved: Vec::new(),
        };
        agents::report(&self.control, &agent, report).await?;
        let generation = given.generation;
        // The files are for people to look at; nothing depends on the report.
        if let Err(error) = self.report_files(&agent, given).await {
            tracing::warn!(%error, "demo edge: files not reported");
            self.files = None;
        }
        Ok(Some(generation))
    }

    /// Reports the files that changed.
    async fn report_files(&mut self, agent: &Agent, given: Given) -> Result<(), AnyError> {
        let layout = self.layout.clone();
        let rendered = tokio::task::spawn_blocking(move || files(&given.snapshot, &layout));
        let files = rendered.await??;
        let live = changes(self.files.as_ref(), &files);
        agents::live(&self.control, agent, live).await?;
        self.files = Some(files);
        Ok(())
    }
}

/// The files of a site on a host, by path.
fn files(site: &Snapshot, layout: &Layout) -> Result<BTreeMap<String, String>, AnyError> {
    let tree = edge::render(site, layout)?;
    let files = tree
        .files()
        .filter(|(_, file)| file.text.len() <= LARGEST_FILE);
    Ok(files
        .map(|(path, file)| (path.to_owned(), file.text.clone()))
        .collect())
}

/// What differs between the files that were reported and those that are live.
fn changes(reported: Option<&BTreeMap<String, String>>, live: &BTreeMap<String, String>) -> Live {
    let is_new = |(path, text): &(&String, &String)| {
        reported.and_then(|reported| reported.get(*path)) != Some(*text)
    };
    let gone = reported.into_iter().flat_map(BTreeMap::keys);
    Live {
        begins: reported.is_none(),
        gone: gone
            .filter(|path| !live.contains_key(*path))
            .cloned()
            .collect(),
        files: live
            .iter()
            .filter(is_new)
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect(),
    }
}

/// The first address of a site's network that is for no one else.
fn free_address(site: &SiteSpec, nodes: &[Ipv4Addr]) -> Ipv4Addr {
    let (first, last) = (site.network.network(), site.network.broadcast());
    let mut hosts = (first.to_bits() + 1..last.to_bits()).map(Ipv4Addr::from_bits);
    let is_free = |address: &Ipv4Addr| {
        let others = site.others.is_some_and(|others| others.contains(*address));
        *address != site.gateway
            && !site.range.contains(*address)
            && !others
            && !nodes.contains(address)
    };
    // A network that is full has no room for a real edge host either.
    hosts.find(is_free).unwrap_or(site.gateway)
}

/// An edge host as Debian 12 has it.
fn layout() -> Result<Layout, Invalid> {
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
    fn first_report_has_all_files_and_later_ones_what_changed() {
        let first = files(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let all = changes(None, &first);
        assert!(all.begins && all.files == first && all.gone.is_empty());
        let second = files(&[("a", "1"), ("b", "two"), ("d", "4")]);
        let some = changes(Some(&first), &second);
        assert!(!some.begins);
        assert_eq!(some.files, files(&[("b", "two"), ("d", "4")]));
        assert_eq!(some.gone, ["c"]);
    }

    #[test]
    fn address_is_not_the_gateway_nor_a_nodes_nor_a_containers() {
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
