//! Who is asked for names: the machine's own resolvers or given ones, and then name servers
//! themselves. Nothing is remembered between two questions, because what is looked for here has
//! just been changed.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hickory_net::{
    NetError,
    runtime::TokioRuntimeProvider,
    tcp::TcpClientStream,
    udp::UdpClientStream,
    xfer::{DnsHandle, FirstAnswer},
};
use hickory_proto::{
    op::{DnsRequest, DnsRequestOptions, Message, Query},
    rr::{Name, Record, RecordType},
};
use hickory_resolver::{
    TokioResolver,
    config::{
        ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
        ResolverOpts,
    },
    system_conf::read_system_conf,
};

use crate::{DnsError, record::shown};

/// The port on which name servers answer (RFC 1035, section 4.2).
const PORT: u16 = 53;

/// How long one question to one server may take over UDP, and again over TCP.
const ANSWER: Duration = Duration::from_secs(3);

/// Who is asked for names.
#[derive(Clone, Debug)]
pub struct Resolver {
    servers: Option<Vec<SocketAddr>>,
    port: u16,
}

/// Why records are not known.
pub(crate) enum Unknown {
    /// Nobody answers.
    Everything(DnsError),
    /// Somebody answers that it cannot be found out.
    Name(DnsError),
}

impl From<Unknown> for DnsError {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Everything(error) | Unknown::Name(error) => error,
        }
    }
}

impl Resolver {
    /// The machine's own resolvers, as its `/etc/resolv.conf` names them when they are asked.
    pub fn of_host() -> Self {
        Self {
            servers: None,
            port: PORT,
        }
    }

    /// These resolvers, and nobody else.
    pub fn at(servers: Vec<SocketAddr>) -> Self {
        Self {
            servers: Some(servers),
            port: PORT,
        }
    }

    /// Asks name servers that zones name on another port than 53: in laboratories, where that one is
    /// taken.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The addresses of a name.
    pub(crate) async fn addresses(&self, name: &Name) -> Result<Vec<IpAddr>, DnsError> {
        match self.open().await?.lookup_ip(name.clone()).await {
            Ok(found) => Ok(found.iter().collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(unanswered(name, &error)),
        }
    }

    /// The records of this type that the name itself has.
    pub(crate) async fn records(
        &self,
        name: &Name,
        kind: RecordType,
    ) -> Result<Vec<Record>, Unknown> {
        let resolver = self.open().await.map_err(Unknown::Everything)?;
        match resolver.lookup(name.clone(), kind).await {
            Ok(found) => Ok(own(found.answers(), name, kind)),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error @ NetError::Dns(_)) => Err(Unknown::Name(unanswered(name, &error))),
            Err(error) => Err(Unknown::Everything(unanswered(name, &error))),
        }
    }

    /// Where the name servers of these names answer.
    pub(crate) async fn servers(&self, names: &[Name]) -> Vec<SocketAddr> {
        let found = names.iter().map(|name| self.addresses(name));
        let found = futures::future::join_all(found).await;
        let mut servers: Vec<SocketAddr> = found
            .into_iter()
            .flat_map(Result::unwrap_or_default)
            .map(|address| SocketAddr::new(address, self.port))
            .collect();
        servers.sort();
        servers.dedup();
        servers
    }

    async fn open(&self) -> Result<TokioResolver, DnsError> {
        let (config, mut options) = match &self.servers {
            Some(servers) => given(servers),
            // A small file, yet files are not read on the event loop.
            None => tokio::task::spawn_blocking(read_system_conf)
                .await
                .map_err(|error| DnsError::away(format!("The machine's resolvers: {error}")))?
                .map_err(|error| {
                    DnsError::away(format!("The machine's resolvers are not known: {error}."))
                })?,
        };
        options.cache_size = 0;
        options.timeout = ANSWER;
        options.attempts = 1;
        options.try_tcp_on_error = true;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        let provider = TokioRuntimeProvider::default();
        TokioResolver::builder_with_config(config, provider)
            .with_options(options)
            .build()
            .map_err(|error| DnsError::away(format!("Names cannot be looked up: {error}.")))
    }
}

fn given(servers: &[SocketAddr]) -> (ResolverConfig, ResolverOpts) {
    let servers = servers.iter().map(|server| {
        let connections =
            [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = server.port();
                connection
            });
        NameServerConfig::new(server.ip(), true, connections.into())
    });
    let config = ResolverConfig::from_name_servers(servers.collect());
    let mut options = ResolverOpts::default();
    options.use_hosts_file = ResolveHosts::Never;
    (config, options)
}

fn unanswered(name: &Name, error: &NetError) -> DnsError {
    DnsError::away(format!("{} cannot be looked up: {error}.", shown(name)))
}

/// Of an answer's records those of this name and type.
pub(crate) fn own(records: &[Record], name: &Name, kind: RecordType) -> Vec<Record> {
    let own = |record: &&Record| record.record_type() == kind && record.name == *name;
    records.iter().filter(own).cloned().collect()
}

/// Asks one name server for what it knows itself: over UDP, and over TCP when that brings no whole
/// answer (RFC 7766).
pub(crate) async fn ask(
    server: SocketAddr,
    name: &Name,
    kind: RecordType,
) -> Result<Message, NetError> {
    let request = || {
        let mut options = DnsRequestOptions::default();
        options.recursion_desired = false;
        DnsRequest::from_query(Query::query(name.clone(), kind), options)
    };
    let provider = TokioRuntimeProvider::default();
    let udp = UdpClientStream::builder(server, provider.clone())
        .with_timeout(Some(ANSWER))
        .exchange();
    match udp.send(request()).first_answer().await {
        Ok(answer) if !answer.truncation => return Ok(answer.into_message()),
        Ok(_) | Err(_) => {}
    }
    let tcp = TcpClientStream::exchange(server, None, ANSWER, None, provider).await?;
    Ok(tcp.send(request()).first_answer().await?.into_message())
}
