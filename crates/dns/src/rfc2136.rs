//! Dynamic updates of a name server (RFC 2136). Queries are signed too, because responses may
//! depend on the key.

use std::net::SocketAddr;

use async_trait::async_trait;
use hickory_proto::{
    op::{Message, OpCode, Query, ResponseCode},
    rr::{DNSClass, Name, Record as Resource, RecordType},
};
use model::{
    names::Domain,
    providers::{NameServer, ProviderCheck},
};

use crate::{
    DnsError, Options, Provider, Record, RecordValue,
    provider_test::{self, problem, success},
    record::{self, WireRecord},
    resolver::select,
    tsig::Key,
};

pub(crate) struct Rfc2136 {
    server: NameServer,
    zone: Domain,
    apex: Name,
    key: Key,
    options: Options,
}

impl Rfc2136 {
    pub(crate) fn new(
        server: &NameServer,
        zone: &Domain,
        key: Key,
        options: &Options,
    ) -> Result<Self, DnsError> {
        Ok(Self {
            server: server.clone(),
            zone: zone.clone(),
            apex: record::parse_name(zone.as_str())?,
            key,
            options: options.clone(),
        })
    }

    /// Sends a message to the first reachable address of the server.
    async fn send(&self, message: &Message) -> Result<Message, DnsError> {
        let display_name = format!("Name server {}", self.server);
        let mut last_error = None;
        for server in self.server_addresses().await? {
            match self
                .key
                .send(server, &display_name, message.clone(), &self.options)
                .await
            {
                Err(error @ DnsError::Unavailable { .. }) => last_error = Some(error),
                result => return result,
            }
        }
        Err(last_error
            .unwrap_or_else(|| DnsError::unavailable(format!("{display_name} has no IP address."))))
    }

    async fn server_addresses(&self) -> Result<Vec<SocketAddr>, DnsError> {
        let addresses = match self.server.host() {
            Ok(address) => vec![address],
            Err(name) => {
                let name = record::parse_name(name.as_str())?;
                self.options.resolver.addresses(&name).await?
            }
        };
        let port = self.server.port();
        Ok(addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect())
    }

    async fn query(&self, name: &Name, kind: RecordType) -> Result<Message, DnsError> {
        let mut message = Message::query();
        message.add_query(Query::query(name.clone(), kind));
        let response = self.send(&message).await?;
        match response.response_code {
            ResponseCode::NoError | ResponseCode::NXDomain if response.authoritative => {
                Ok(response)
            }
            ResponseCode::NoError | ResponseCode::NXDomain | ResponseCode::Refused => {
                Err(DnsError::no_zone(format!(
                    "The name server {} is not authoritative for the zone {}.",
                    self.server, self.zone
                )))
            }
            code => Err(self.refusal(code)),
        }
    }

    async fn send_update(&self, message: Result<Message, DnsError>) -> Result<(), DnsError> {
        let response = self.send(&message?).await?;
        match response.response_code {
            ResponseCode::NoError => Ok(()),
            code => Err(self.refusal(code)),
        }
    }

    /// The error for a response code (RFC 2136, section 2.2).
    fn refusal(&self, code: ResponseCode) -> DnsError {
        let (server, zone) = (&self.server, &self.zone);
        match code {
            ResponseCode::ServFail => DnsError::unavailable(format!(
                "The name server {server} returned SERVFAIL. Check its log."
            )),
            ResponseCode::NotAuth | ResponseCode::NotZone => DnsError::no_zone(format!(
                "The name server {server} does not serve the zone {zone} ({}).",
                if code == ResponseCode::NotAuth {
                    "NOTAUTH"
                } else {
                    "NOTZONE"
                }
            )),
            ResponseCode::Refused => DnsError::refused(format!(
                "The name server {server} refused the update with this key (REFUSED). Allow the \
                    key in the zone's update-policy."
            )),
            ResponseCode::YXRRSet => DnsError::refused(format!(
                "The name is a CNAME record in the zone {zone} and cannot have other records."
            )),
            ResponseCode::NotImp => DnsError::refused(format!(
                "The name server {server} does not support dynamic updates (NOTIMP)."
            )),
            code => DnsError::refused(format!(
                "The name server {server} rejected the update: {code} ({}).",
                u16::from(code)
            )),
        }
    }
}

/// A change of one record (RFC 2136, section 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Add { ttl: u32 },
    Remove,
}

fn update(apex: &Name, record: &Record, change: Change) -> Result<Message, DnsError> {
    let WireRecord { name, data } = record.to_wire()?;
    if !apex.zone_of(&name) {
        return Err(DnsError::no_zone(format!(
            "{} is not in the zone {}.",
            record.name,
            record::format_name(apex)
        )));
    }
    let mut message = Message::query();
    message.metadata.op_code = OpCode::Update;
    message.metadata.recursion_desired = false;
    message.add_query(Query::query(apex.clone(), RecordType::SOA));
    let mut resource = Resource::from_rdata(name.clone(), 0, data);
    match change {
        Change::Add { ttl } => {
            resource.ttl = ttl;
            // Servers silently ignore records that are added beside a CNAME (section 3.4.2.2).
            let mut no_alias = Resource::update0(name, 0, RecordType::CNAME);
            no_alias.dns_class = DNSClass::NONE;
            message.add_answer(no_alias.into_record_of_rdata());
        }
        Change::Remove => resource.dns_class = DNSClass::NONE,
    }
    message.add_authority(resource);
    Ok(message)
}

#[async_trait]
impl Provider for Rfc2136 {
    async fn add(&self, record: &Record) -> Result<(), DnsError> {
        let ttl = self.options.ttl;
        self.send_update(update(&self.apex, record, Change::Add { ttl }))
            .await
    }

    async fn remove(&self, record: &Record) -> Result<(), DnsError> {
        self.send_update(update(&self.apex, record, Change::Remove))
            .await
    }

    async fn addresses(&self, name: &str) -> Result<Vec<RecordValue>, DnsError> {
        let name = record::parse_name(name)?;
        let mut values = Vec::new();
        for kind in [RecordType::A, RecordType::AAAA] {
            let response = self.query(&name, kind).await?;
            let records = select(&response.answers, &name, kind);
            values.extend(
                records
                    .iter()
                    .filter_map(|record| RecordValue::from_rdata(&record.data)),
            );
        }
        Ok(values)
    }

    async fn test(&self, domain: &Domain) -> Vec<ProviderCheck> {
        let (server, zone) = (&self.server, &self.zone);
        let reached = success(format!("The name server {server} is reachable."));
        let account = success("The TSIG key is accepted.");
        if let Err(error) = self.query(&self.apex, RecordType::SOA).await {
            return provider_test::first_call_findings(&error, reached, account);
        }
        let mut findings = vec![
            reached,
            account,
            success(format!("The name server serves the zone {zone}.")),
        ];
        let is_inside =
            record::parse_name(domain.as_str()).is_ok_and(|name| self.apex.zone_of(&name));
        if !is_inside {
            findings.push(problem(format!(
                "{domain} is not in the zone {zone}. Use another DNS provider for this domain."
            )));
            return findings;
        }
        findings.extend(provider_test::test_changes(self, &self.options, domain).await);
        findings
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn apex() -> Name {
        record::parse_name("example.org").unwrap()
    }

    proptest! {
        #[test]
        fn update_changes_exactly_one_record_of_the_zone(
            name in "([a-z0-9_-]{1,12}\\.){0,3}(example\\.org|example\\.net|org)|\\PC{0,40}",
            text in "[ -~]{0,40}",
            adds in any::<bool>(),
        ) {
            let record = Record { name, value: RecordValue::Txt(text) };
            let change = if adds { Change::Add { ttl: 60 } } else { Change::Remove };
            let Ok(message) = update(&apex(), &record, change) else { return Ok(()) };
            let message = Message::from_vec(&message.to_vec().unwrap()).unwrap();
            prop_assert_eq!(message.queries.len(), 1);
            prop_assert_eq!(message.queries[0].name(), &apex());
            prop_assert_eq!(message.authorities.len(), 1);
            let changed = &message.authorities[0];
            prop_assert!(apex().zone_of(&changed.name));
            prop_assert_eq!(&changed.name, &record.to_wire().unwrap().name);
            prop_assert_eq!(&changed.data, &record.to_wire().unwrap().data);
            let class = if adds { DNSClass::IN } else { DNSClass::NONE };
            prop_assert_eq!(changed.dns_class, class);
            prop_assert!(message.additionals.is_empty());
        }
    }

    #[test]
    fn record_outside_the_zone_is_refused() {
        for name in [
            "example.net",
            "org",
            "badexample.org",
            "example.org.example.net",
        ] {
            let record = Record {
                name: name.into(),
                value: RecordValue::A([192, 0, 2, 1].into()),
            };
            let refused = update(&apex(), &record, Change::Remove);
            assert!(matches!(refused, Err(DnsError::NoZone { .. })), "{name}");
        }
    }
}
