//! The agent at work: asks the manager, applies what it is given, says what became of it, and puts
//! right what somebody changed by hand. Without the manager the host goes on with what it has.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use edge::{
    Layout, Snapshot,
    link::{Asking, Given},
};
use model::{
    agents::{self, About, Report},
    names::InterfaceName,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    Applier, Control, Error, LinkError, Outcome, Published, Settings, Steps,
    certificate::{self, CertificateError},
    found::{self, FoundError},
    leases::Lent,
    link::Link,
    live::LiveFiles,
    memory::Memory,
    probe::{self, News},
    programs::is_systemd,
    staged::Staged,
    teller::Teller,
};

/// The first wait after something went wrong; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why a site is not served as it should be. The next round tries again.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Found(#[from] FoundError),
    #[error(transparent)]
    Apply(#[from] Error),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("Work on the disk was broken off.")]
    BrokenOff,
}

/// An agent at work in its folder.
struct Serving {
    base: PathBuf,
    manager: Arc<Teller>,
    interface: InterfaceName,
    /// Who applies, and for which host that was opened.
    applier: Option<(Layout, Applier)>,
    /// What was last given.
    given: Option<Given>,
    /// What was last live: as it was given, but for certificates that were not to be had.
    live: Option<Snapshot>,
    /// What the manager was last told.
    said: Option<Report>,
    /// Which addresses are lent.
    lent: Lent,
    /// The certificates on this host.
    staged: Staged,
    /// To whoever asks whether it answers.
    news: watch::Sender<Option<News>>,
    /// Who tells the manager which files are live.
    files: LiveFiles,
}

/// Serves until told to stop.
///
/// # Errors
/// When the manager may not be spoken to as the settings say.
pub async fn run(
    base: &Path,
    settings: Settings,
    stop: CancellationToken,
) -> Result<(), LinkError> {
    let link = Link::new(settings.manager, settings.fingerprint.as_ref())?;
    let manager = Arc::new(Teller::new(link, settings.key));
    let (given, live) = match Memory::read(base).await {
        Some(memory) => (Some(memory.given), Some(memory.live)),
        None => (None, None),
    };
    let (news, latest) = watch::channel(None);
    tokio::spawn(probe::follow(latest, Arc::clone(&manager)));
    let mut serving = Serving {
        base: base.to_owned(),
        files: LiveFiles::start(Arc::clone(&manager)),
        manager,
        interface: settings.interface,
        applier: None,
        live,
        given,
        said: None,
        lent: Lent::default(),
        staged: Staged::default(),
        news,
    };
    let mut wait = FIRST_WAIT;
    // What was good goes on, whether the manager answers or not.
    if let Err(trouble) = serving.look_after().await {
        tracing::warn!(%trouble, "what this host had could not be looked after");
    }
    while !stop.is_cancelled() {
        let round = tokio::select! {
            round = serving.round() => round,
            () = stop.cancelled() => return Ok(()),
        };
        let Err(trouble) = round else {
            wait = FIRST_WAIT;
            continue;
        };
        tracing::warn!(%trouble, again_s = wait.as_secs(), "a round failed");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return Ok(()),
        }
        wait = (wait * 2).min(LONGEST_WAIT);
        if let Err(trouble) = serving.look_after().await {
            tracing::warn!(%trouble, "what this host has could not be looked after");
        }
    }
    Ok(())
}

impl Serving {
    /// Asks once, and does what is said.
    async fn round(&mut self) -> Result<(), Trouble> {
        let (about, layout) = self.host().await?;
        let asking = Asking {
            about,
            layout: layout.clone(),
            has: self.given.as_ref().map(|given| given.generation),
        };
        // Told again after a start, for the manager may not know what this host has.
        let asking = if self.said.is_none() {
            Asking {
                has: None,
                ..asking
            }
        } else {
            asking
        };
        if let Some(given) = self.manager.next(&asking).await? {
            tracing::info!(generation = given.generation, "something new");
            self.given = Some(given);
        }
        self.look_after().await?;
        self.tell_leases().await
    }

    /// Tells which addresses this host has lent, when it gives out any and that is news.
    async fn tell_leases(&mut self) -> Result<(), Trouble> {
        let gives = |given: &Given| given.snapshot.network.dhcp.is_some();
        if !self.given.as_ref().is_some_and(gives) {
            self.lent = Lent::default();
            return Ok(());
        }
        let (_, layout) = self.host().await?;
        if let Some(news) = self.lent.news(&layout).await {
            self.manager.leases(news.leases()).await?;
            self.lent.told(&news);
        }
        Ok(())
    }

    async fn host(&self) -> Result<(About, Layout), FoundError> {
        found::host(&self.base, &self.interface).await
    }

    /// Makes what was last given be live, and says what became of it when that is news.
    async fn look_after(&mut self) -> Result<(), Trouble> {
        let Some(given) = self.given.clone() else {
            return Ok(());
        };
        let (about, layout) = self.host().await?;
        // Before any configuration names them.
        let (site, unserved) = self
            .staged
            .stage(&self.manager, &given.snapshot, self.live.as_ref(), &layout)
            .await;
        let published = self.publish(&site, &layout).await?;
        let report = Report {
            unserved,
            ..report(given.generation, &published)
        };
        let is_live = report.outcome == agents::Outcome::Live;
        if is_live {
            let memory = Memory {
                given,
                live: site.clone(),
            };
            memory.keep(&self.base).await;
            self.staged.is_live(&site, &layout).await;
        }
        if self.said.as_ref() != Some(&report) {
            tracing::info!(generation = report.generation, outcome = ?report.outcome, aside = report.aside.len(), "applied");
            let turn = self.manager.tell(&report).await?;
            self.said = Some(report.clone());
            if is_live {
                let before = self.live.replace(site.clone());
                let news = News::new(before.as_ref(), site.clone(), turn, report);
                self.news
                    .send_replace(Some(news.on(about.address, &layout)));
            }
        }
        if is_live {
            let aside = published.aside.iter().map(|aside| aside.service);
            self.files.are_live(&site, &layout, aside);
        }
        Ok(())
    }

    async fn publish(&mut self, site: &Snapshot, layout: &Layout) -> Result<Published, Trouble> {
        let (known, place) = (site.clone(), layout.clone());
        let made = tokio::task::spawn_blocking(move || certificate::ensure(&known, &place));
        let is_new = made.await.map_err(|_| Trouble::BrokenOff)??;
        let same = self
            .applier
            .as_ref()
            .is_some_and(|(host, _)| host == layout);
        // A new certificate is read when all is: by an applier that does not know what was.
        if is_new || !same {
            self.applier = None;
            let opened = Applier::open(layout, control(layout), Steps::default()).await?;
            self.applier = Some((layout.clone(), opened));
        }
        match &mut self.applier {
            Some((_, applier)) => Ok(applier.publish(site, layout).await?),
            None => Err(Trouble::BrokenOff),
        }
    }
}

fn report(generation: i64, published: &Published) -> Report {
    let outcome = match &published.outcome {
        Outcome::Nothing | Outcome::Applied { .. } => agents::Outcome::Live,
        Outcome::Refused(refusal)
        | Outcome::WentBack { refusal, .. }
        | Outcome::Unread(refusal) => agents::Outcome::Refused {
            words: refusal.words.clone(),
        },
    };
    let aside = published.aside.iter().map(|aside| agents::Aside {
        service: aside.service,
        words: aside.words.clone(),
    });
    Report {
        generation,
        outcome,
        aside: aside.collect(),
        silent: Vec::new(),
        unserved: Vec::new(),
    }
}

/// Who starts nginx and dnsmasq here.
fn control(layout: &Layout) -> [Control; 2] {
    if is_systemd() {
        return [Control::systemd(), Control::systemd()];
    }
    let (live, run, log) = (&layout.live, &layout.run, &layout.log);
    let words = |line: String| line.split(' ').map(str::to_owned).collect();
    [
        format!("nginx -e {log}/error.log -p {live}/nginx/ -c nginx.conf"),
        format!("dnsmasq --pid-file={run}/dnsmasq.pid --conf-file={live}/dnsmasq/dnsmasq.conf"),
    ]
    .map(|line| Control::Command(words(line)))
}
