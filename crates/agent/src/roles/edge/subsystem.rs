//! nginx and dnsmasq with the files of a site: how they are rendered, checked and reloaded.

use std::{collections::BTreeSet, path::Path};

use edge::{Effect, Layout, SiteConfig, Tree};
use model::hosts::ConfigPart;

use super::{
    check::Checker,
    dnsmasq,
    nginx::{NGINX, Nginx},
};
use crate::core::{
    disk::Files,
    error::{CheckError, Error, ProgramError},
    program::{Program, ServiceManager},
    refusal::{Refusal, files_in},
    subsystem::{Parts, RenderedTree, Subsystem},
};

/// nginx and dnsmasq on a host.
#[derive(Debug)]
pub struct EdgeSubsystem {
    layout: Layout,
    checker: Checker,
    nginx: Nginx,
    dnsmasq: Program,
}

impl EdgeSubsystem {
    /// The programs of a host. `service_managers` are those of nginx and dnsmasq, in this order.
    pub fn new(layout: &Layout, service_managers: [ServiceManager; 2]) -> Self {
        let [nginx, dnsmasq] = service_managers;
        Self {
            layout: layout.clone(),
            checker: Checker::new(layout),
            nginx: Nginx::new(layout, nginx),
            dnsmasq: dnsmasq::program(layout, dnsmasq),
        }
    }
}

impl Parts for SiteConfig {
    type Part = ConfigPart;

    fn parts(&self) -> Vec<ConfigPart> {
        self.parts().collect()
    }

    fn part_of(&self, path: &str) -> Option<ConfigPart> {
        self.part_of(path)
    }

    fn without_parts(&self, parts: &BTreeSet<ConfigPart>) -> Self {
        self.without(parts)
    }
}

impl RenderedTree for Tree {
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files()
            .map(|(path, file)| (path, file.text.as_bytes()))
    }

    fn content(&self, path: &str) -> Option<&[u8]> {
        self.get(path).map(|file| file.text.as_bytes())
    }
}

impl Subsystem for EdgeSubsystem {
    type Config = SiteConfig;
    type Tree = Tree;
    type Effect = Effect;

    fn render(&self, config: &SiteConfig) -> Result<Tree, Error> {
        edge::render(config, &self.layout).map_err(|error| Error::Render(error.into()))
    }

    fn effects(&self, tree: &Tree, before: &Files) -> BTreeSet<Effect> {
        tree.effects_after(before)
    }

    fn all_effects(&self) -> BTreeSet<Effect> {
        BTreeSet::from([Effect::ReloadNginx, Effect::RestartDnsmasq])
    }

    async fn exited(&self) -> BTreeSet<Effect> {
        let mut exited = BTreeSet::new();
        if !self.nginx.has_process().await {
            exited.insert(Effect::ReloadNginx);
        }
        if !self.dnsmasq.has_process().await {
            exited.insert(Effect::RestartDnsmasq);
        }
        exited
    }

    async fn check(&self, candidate: &Path, effects: &BTreeSet<Effect>) -> Result<(), CheckError> {
        if effects.contains(&Effect::ReloadNginx) {
            self.checker.check_nginx(candidate).await?;
        }
        let dnsmasq = [Effect::ReloadDnsmasq, Effect::RestartDnsmasq];
        if dnsmasq.iter().any(|effect| effects.contains(effect)) {
            self.checker.check_dnsmasq(candidate).await?;
        }
        Ok(())
    }

    fn effects_to_search(&self, refusal: &Refusal) -> BTreeSet<Effect> {
        BTreeSet::from([match refusal.program == NGINX {
            true => Effect::ReloadNginx,
            false => Effect::RestartDnsmasq,
        }])
    }

    async fn perform(&self, effect: Effect) -> Result<(), ProgramError> {
        match effect {
            Effect::ReloadNginx => self.nginx.reload().await,
            // The temporary dnsmasq of the check has read these lists without an error.
            Effect::ReloadDnsmasq => self.dnsmasq.reload().await,
            Effect::RestartDnsmasq => self.dnsmasq.restart().await,
            Effect::None => Ok(()),
        }
    }

    fn named_files(&self, message: &str) -> Vec<String> {
        let mut files = files_in(message, &[self.layout.live.as_str()]);
        files.extend(files_of_ports(message));
        files
    }
}

/// The files of the ports that nginx could not listen on, from messages such as `bind() to
/// 0.0.0.0:2000 failed`. The messages do not name the protocol.
fn files_of_ports(message: &str) -> Vec<String> {
    let ports = message.split("bind() to ").skip(1).filter_map(|rest| {
        let (address, _) = rest.split_once(" failed")?;
        let (_, port) = address.rsplit_once(':')?;
        port.parse::<u16>().ok()
    });
    let ports: BTreeSet<u16> = ports.collect();
    let files = ports.into_iter().flat_map(|port| {
        ["tcp", "udp"].map(|protocol| format!("nginx/streams/{protocol}-{port}.conf"))
    });
    files.collect()
}

#[cfg(test)]
mod tests {
    use super::files_of_ports;

    #[test]
    fn ports_are_extracted_from_bind_errors() {
        let message = "bind() to 0.0.0.0:2000 failed (98: Address already in use)\n\
                     bind() to [::]:2000 failed (98: Address already in use)\nstill could not bind()";
        let files = ["nginx/streams/tcp-2000.conf", "nginx/streams/udp-2000.conf"];
        assert_eq!(files_of_ports(message), files);
        assert!(files_of_ports("still could not bind()").is_empty());
    }
}
