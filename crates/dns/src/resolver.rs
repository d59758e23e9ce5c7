//! DNS lookups through the host's or given resolvers, and direct queries to name servers. Nothing
//! is cached, because the records in question have just been changed.

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

use crate::{DnsError, record::format_name};

/// The port of DNS servers (RFC 1035, section 4.2).
const PORT: u16 = 53;

/// Timeout of one query to one server over UDP, and again over TCP.
const QUERY_TIMEOUT: Duration = Duration::from_secs(3);

/// The resolvers for lookups.
#[derive(Clone, Debug)]
pub struct Resolver {
    servers: Option<Vec<SocketAddr>>,
    port: u16,
}

/// A failed lookup.
pub(crate) enum LookupError {
    /// No resolver responds.
    Resolver(DnsError),
    /// A resolver responds that it cannot look up the name.
    Name(DnsError),
}

impl From<LookupError> for DnsError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Resolver(error) | LookupError::Name(error) => error,
        }
    }
}

impl Resolver {
    /// The host's resolvers, read from `/etc/resolv.conf` at each lookup.
    pub fn system() -> Self {
        Self {
            servers: None,
            port: PORT,
        }
    }

    /// Only these resolvers.
    pub fn with_servers(servers: Vec<SocketAddr>) -> Self {
        Self {
            servers: Some(servers),
            port: PORT,
        }
    }

    /// Queries authoritative name servers on another port than 53, for tests.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The addresses of a name.
    pub(crate) async fn addresses(&self, name: &Name) -> Result<Vec<IpAddr>, DnsError> {
        match self.open().await?.lookup_ip(name.clone()).await {
            Ok(lookup) => Ok(lookup.iter().collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(lookup_error(name, &error)),
        }
    }

    /// The records of this type at the name itself.
    pub(crate) async fn records(
        &self,
        name: &Name,
        kind: RecordType,
    ) -> Result<Vec<Record>, LookupError> {
        let resolver = self.open().await.map_err(LookupError::Resolver)?;
        match resolver.lookup(name.clone(), kind).await {
            Ok(lookup) => Ok(select(lookup.answers(), name, kind)),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error @ NetError::Dns(_)) => Err(LookupError::Name(lookup_error(name, &error))),
            Err(error) => Err(LookupError::Resolver(lookup_error(name, &error))),
        }
    }

    /// The socket addresses of name servers.
    pub(crate) async fn servers(&self, names: &[Name]) -> Vec<SocketAddr> {
        let lookups = names.iter().map(|name| self.addresses(name));
        let addresses = futures::future::join_all(lookups).await;
        let mut servers: Vec<SocketAddr> = addresses
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
            Some(servers) => fixed_config(servers),
            // Files are not read on the event loop, however small.
            None => tokio::task::spawn_blocking(read_system_conf)
                .await
                .map_err(|error| {
                    DnsError::unavailable(format!("The host's resolver configuration: {error}"))
                })?
                .map_err(|error| {
                    DnsError::unavailable(format!(
                        "The host's resolver configuration cannot be read: {error}."
                    ))
                })?,
        };
        options.cache_size = 0;
        options.timeout = QUERY_TIMEOUT;
        options.attempts = 1;
        options.try_tcp_on_error = true;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        let provider = TokioRuntimeProvider::default();
        TokioResolver::builder_with_config(config, provider)
            .with_options(options)
            .build()
            .map_err(|error| {
                DnsError::unavailable(format!("The resolver could not be started: {error}."))
            })
    }
}

fn fixed_config(servers: &[SocketAddr]) -> (ResolverConfig, ResolverOpts) {
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

fn lookup_error(name: &Name, error: &NetError) -> DnsError {
    DnsError::unavailable(format!(
        "{} cannot be resolved: {error}.",
        format_name(name)
    ))
}

/// The records of this name and type.
pub(crate) fn select(records: &[Record], name: &Name, kind: RecordType) -> Vec<Record> {
    let matches = |record: &&Record| record.record_type() == kind && record.name == *name;
    records.iter().filter(matches).cloned().collect()
}

/// Queries one name server without recursion: over UDP, and over TCP after a truncated or missing
/// response (RFC 7766).
pub(crate) async fn query_server(
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
        .with_timeout(Some(QUERY_TIMEOUT))
        .exchange();
    match udp.send(request()).first_answer().await {
        Ok(response) if !response.truncation => return Ok(response.into_message()),
        Ok(_) | Err(_) => {}
    }
    let tcp = TcpClientStream::exchange(server, None, QUERY_TIMEOUT, None, provider).await?;
    Ok(tcp.send(request()).first_answer().await?.into_message())
}
