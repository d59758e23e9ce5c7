//! A preview of the URLs, ports and records of a new container's services, as far as they are known
//! before it is created.

use model::{
    containers::{ContainerForm, SiteOption},
    domains::EntryPoint,
    names::Label,
    services::ServiceForm,
};

/// The URLs, ports and records of a form's services; `None` for a record without a name.
pub fn public_addresses(
    form: &ContainerForm,
    name: Option<&Label>,
    site: &SiteOption,
) -> Vec<Option<String>> {
    let preview = |service: &ServiceForm| match service.kind.as_str() {
        "http" => host(service, name, site).map(|(host, entry)| Some(entry.url(&host))),
        "srv" => Some(match service.name.trim() {
            "" => None,
            name => Some(format!("{name}.{}", site.domain)),
        }),
        kind => {
            let (host, protocol) = match kind == "tcp" && service.tls {
                true => (host(service, name, site)?.0, "tls"),
                false => (site.domain.to_string(), kind),
            };
            Some(Some(match service.external.trim() {
                "" => format!(
                    "{host}, a free port from {} to {} ({})",
                    site.ports.first(),
                    site.ports.last(),
                    protocol.to_uppercase()
                ),
                port => format!("{host}:{port}/{protocol}"),
            }))
        }
    };
    form.services.iter().filter_map(preview).collect()
}

/// The hostname of a service under one of the site's domains, and the scheme of its URL.
fn host(
    service: &ServiceForm,
    name: Option<&Label>,
    site: &SiteOption,
) -> Option<(String, EntryPoint)> {
    let label = match service.label.trim() {
        "" => name?.as_str(),
        label => label,
    };
    let (domain, entry) = match service.domain.trim() {
        "" => {
            let first = site.domains.first()?;
            (first.name.as_str(), first.entry)
        }
        domain => {
            let mut known = site.domains.iter();
            let known = known.find(|known| known.name.as_str() == domain);
            (domain, known.map(|known| known.entry).unwrap_or_default())
        }
    };
    Some((format!("{label}.{domain}"), entry))
}

#[cfg(test)]
mod tests {
    use model::{
        containers::{ContainerForm, SiteOption},
        services::ServiceForm,
    };

    use super::public_addresses;

    #[test]
    fn preview_lists_links_and_ports() {
        let site: SiteOption = serde_json::from_str(
            r#"{"id":1,"name":"lab","domain":"lab.internal","domains":[{"name":"example.org"},{"name":"localhost","entry":{"tls":false,"port":3000}}],"node":null,"templates":[],"ports":"2000-2999"}"#,
        )
        .unwrap();
        let service = |kind: &str, external: &str, label: &str, domain: &str| ServiceForm {
            kind: kind.to_owned(),
            external: external.to_owned(),
            label: label.to_owned(),
            domain: domain.to_owned(),
            tls: external == "2883",
            name: "_sip._tcp".to_owned(),
            ..ServiceForm::default()
        };
        let services = vec![
            service("http", "", "", ""),
            service("http", "", "docs", "example.net"),
            service("http", "", "", "localhost"),
            service("tcp", "2022", "", ""),
            service("udp", "", "", ""),
            service("tcp", "2883", "", ""),
            service("srv", "", "", ""),
            ServiceForm {
                name: String::new(),
                ..service("srv", "", "", "")
            },
        ];
        let form = ContainerForm {
            services,
            ..ContainerForm::default()
        };
        let name = "web-1".parse().unwrap();
        let addresses = public_addresses(&form, Some(&name), &site);
        let texts: Vec<_> = addresses
            .iter()
            .map(|address| address.as_deref().unwrap_or("not set"))
            .collect();
        assert_eq!(
            texts,
            [
                "https://web-1.example.org",
                "https://docs.example.net",
                "http://web-1.localhost:3000",
                "lab.internal:2022/tcp",
                "lab.internal, a free port from 2000 to 2999 (UDP)",
                "web-1.example.org:2883/tls",
                "_sip._tcp.lab.internal",
                "not set",
            ]
        );
    }
}
