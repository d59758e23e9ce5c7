//! Edge hosts' agents: how one joins, what it says of itself, and what became of what it was given.

pub mod files;

use std::{fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    AgentId, FieldError, Fields, Invalid, ServiceId, SiteId, Timestamp, clusters::Fingerprint,
    domains::Origin, names::Label, text::by_text,
};

/// What a new agent is given once: where the manager is, by which certificate it is known, and a
/// word that is good for one joining. Written `https://manager:443#WORD#FINGERPRINT`, the
/// fingerprint only where the manager itself speaks TLS.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JoinCode {
    /// Where the manager answers.
    pub manager: Origin,
    /// The word. Good once.
    pub word: String,
    /// The manager's certificate.
    pub fingerprint: Option<Fingerprint>,
}
by_text!(JoinCode);

impl FromStr for JoinCode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let refusal = || Invalid::new("This is no code to join with. Copy it whole.");
        let mut parts = text.trim_ascii().split('#');
        let (manager, word) = (parts.next(), parts.next());
        let (manager, word) = manager.zip(word).ok_or_else(refusal)?;
        let fingerprint = parts
            .next()
            .map(str::parse)
            .transpose()
            .map_err(|_| refusal())?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if parts.next().is_some() || word.len() < 20 || !word.chars().all(plain) {
            return Err(refusal());
        }
        Ok(Self {
            manager: manager.parse().map_err(|_| refusal())?,
            word: word.to_owned(),
            fingerprint,
        })
    }
}

impl fmt::Display for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.manager, self.word)?;
        match &self.fingerprint {
            Some(fingerprint) => write!(f, "#{fingerprint}"),
            None => Ok(()),
        }
    }
}

/// The word is a secret.
impl fmt::Debug for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinCode")
            .field("manager", &self.manager)
            .finish_non_exhaustive()
    }
}

/// An agent that may join, for the eyes of whoever invited it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The agent.
    pub id: AgentId,
    /// What its host is told, once.
    pub code: JoinCode,
    /// For how many seconds from now the code is good.
    pub good_for_s: u32,
}

/// The form of a new agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentForm {
    /// The site's key.
    pub site: String,
    /// The agent's name.
    pub name: String,
}

impl AgentForm {
    /// The site and the name, or the refusals by field.
    ///
    /// # Errors
    /// Every field that needs another value.
    pub fn parse(&self) -> Result<(SiteId, Label), Vec<FieldError>> {
        let mut fields = Fields::default();
        let (site, name) = (
            fields.parse("site", &self.site),
            fields.parse("name", &self.name),
        );
        fields.finish(site.zip(name))
    }
}

/// What an agent says of its host when it joins, and whenever it asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The program's version.
    pub version: String,
    /// The host's address in the site's network, at which it answers names.
    pub address: Ipv4Addr,
}

/// Whether an agent gives out its site's addresses. At most one of a site does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dhcp {
    /// It does not.
    No,
    /// It does.
    Yes,
    /// It did, and is told to stop: another one begins when it has said that it has.
    Ending,
    /// It will, once the one that does has stopped.
    Next,
}

impl Dhcp {
    /// Whether it gives them out now.
    pub fn gives(self) -> bool {
        matches!(self, Self::Yes | Self::Ending)
    }
}

/// What became of what an agent was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The site's generation that it speaks of.
    pub generation: i64,
    /// What became of it.
    pub outcome: Outcome,
    /// Services that are not published, and why, in the checker's own words.
    #[serde(default)]
    pub aside: Vec<Aside>,
    /// What was changed and does not answer as it should, found by asking once it was live.
    #[serde(default)]
    pub silent: Vec<Silent>,
    /// Certificates that the host cannot serve, and why: it serves the one before, or its own.
    #[serde(default)]
    pub unserved: Vec<Unserved>,
}

/// A certificate that a host cannot serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unserved {
    /// The certificate.
    pub certificate: Fingerprint,
    /// Why, for people.
    pub words: String,
}

/// What became of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is live.
    Live,
    /// It is not; what was before it is.
    Refused {
        /// Why, in the checker's own words.
        words: String,
    },
}

/// A service that is not published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// The service.
    pub service: ServiceId,
    /// Why, in the checker's own words.
    pub words: String,
}

/// A name that was changed and does not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silent {
    /// The whole name.
    pub name: String,
    /// The service, when it is one of a web page.
    #[serde(default)]
    pub service: Option<ServiceId>,
    /// Who does not answer.
    pub who: Who,
    /// What was found, for people.
    pub words: String,
}

/// Who does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The edge host: its nginx or dnsmasq does not answer as it was told to.
    Edge,
    /// The container: the edge host answers for it, and says that nobody is there. It may only not
    /// have started yet.
    Container,
}

/// An agent as lists and its page show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRow {
    /// The agent.
    pub id: AgentId,
    /// Its name, unique on its site.
    pub name: Label,
    /// Its site.
    pub site: SiteId,
    /// Its site's name.
    pub site_name: Label,
    /// What it says of its host; none before it joined.
    pub about: Option<About>,
    /// When it was last heard.
    pub seen: Option<Timestamp>,
    /// Until when it may join; none once it has.
    pub invited_until: Option<Timestamp>,
    /// Whether it gives out addresses.
    pub dhcp: Dhcp,
    /// What became of what it was last given.
    pub report: Option<Report>,
    /// The site's generation that it last made live.
    pub applied: Option<i64>,
    /// The site's generation now.
    pub generation: i64,
    /// Whether it was heard within [`SILENT_MS`].
    pub in_contact: bool,
}

/// An agent with what its page shows beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentDetail {
    /// The agent.
    pub row: AgentRow,
    /// The one that gives out its site's addresses, when that is another.
    pub giver: Option<AgentRow>,
    /// Whether the site has other agents.
    pub has_others: bool,
    /// The containers whose services are not published, by service. Those that are gone are not
    /// among them.
    pub aside: Vec<(ServiceId, Label)>,
}

/// After how many milliseconds without a word an agent counts as silent. It asks anew every 25 s.
pub const SILENT_MS: i64 = 60_000;

/// How a site's edge host has what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Having {
    /// All of it is live there.
    Live,
    /// Something newer is on its way.
    Publishing,
    /// What it was last given is not live, or not all of it.
    Blocked,
}

impl AgentRow {
    /// Its address: sites' pages are above it.
    pub fn path(&self) -> String {
        format!("/sites/{}/agents/{}", self.site_name, self.name)
    }

    /// How it has what it should; none before it joined.
    pub fn having(&self) -> Option<Having> {
        self.about.as_ref()?;
        let Some(report) = &self.report else {
            return Some(Having::Publishing);
        };
        let refused = matches!(report.outcome, Outcome::Refused { .. });
        Some(if report.generation < self.generation {
            Having::Publishing
        } else if refused || !report.aside.is_empty() {
            Having::Blocked
        } else {
            Having::Live
        })
    }
}
