//! What a host is, found out from the host itself: its address, its nginx, whom it asks for names.

use std::{net::Ipv4Addr, path::Path, time::Duration};

use edge::{Layout, NginxBuild, Place};
use model::{
    Invalid,
    agents::About,
    names::{InterfaceName, Username},
};

use crate::process::{run, words};

/// How long a program may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where Debian keeps nginx's modules.
const MODULES: &str = "/usr/lib/nginx/modules";

/// Why a host is not known well enough.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// A program that has to be there is not.
    #[error("{program} does not answer: {words}")]
    Program {
        /// Which.
        program: &'static str,
        /// Its words, or why it could not be asked.
        words: String,
    },
    /// The interface has no address.
    #[error("{0} has no IPv4 address. Give it one in the site's network first.")]
    NoAddress(InterfaceName),
    /// A path is none that a configuration could hold.
    #[error(transparent)]
    Path(#[from] Invalid),
}

/// What the agent tells the manager of its host, and where things are there.
///
/// # Errors
/// When nginx is not there or the interface has no address.
pub async fn host(base: &Path, interface: &InterfaceName) -> Result<(About, Layout), FoundError> {
    let about = About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        address: address(interface).await?,
    };
    let place = |name: &str| base.join(name).to_string_lossy().parse::<Place>();
    let layout = Layout {
        live: place("live")?,
        state: place("state")?,
        run: "/run".parse()?,
        log: "/var/log/nginx".parse()?,
        tls: place("tls")?,
        interface: interface.clone(),
        ipv6: speaks_ipv6().await,
        resolvers: resolvers(&read("/etc/resolv.conf").await),
        nginx_user: nginx_user(&read("/etc/passwd").await)?,
        nginx: nginx().await?,
    };
    Ok((about, layout))
}

/// What a file says; nothing when it is not there.
async fn read(path: &str) -> String {
    tokio::fs::read_to_string(path).await.unwrap_or_default()
}

async fn speaks_ipv6() -> bool {
    !read("/proc/net/if_inet6").await.is_empty()
}

async fn ask(program: &'static str, arguments: &[&str]) -> Result<(String, String), FoundError> {
    let mut line = vec![program.to_owned()];
    line.extend(arguments.iter().map(ToString::to_string));
    let refused = |words: String| FoundError::Program { program, words };
    let output = run(&line, PATIENCE)
        .await
        .map_err(|e| refused(e.to_string()))?;
    if !output.status.success() {
        return Err(refused(words(&output.stderr)));
    }
    Ok((words(&output.stdout), words(&output.stderr)))
}

async fn address(interface: &InterfaceName) -> Result<Ipv4Addr, FoundError> {
    let arguments = [
        "-4",
        "-oneline",
        "address",
        "show",
        "dev",
        interface.as_str(),
    ];
    let (said, _) = ask("ip", &arguments).await?;
    first_address(&said).ok_or_else(|| FoundError::NoAddress(interface.clone()))
}

/// The first address of `ip -oneline address`: `2: eth1    inet 10.20.0.2/16 brd …`.
fn first_address(said: &str) -> Option<Ipv4Addr> {
    let mut words = said.split_ascii_whitespace();
    words.find(|word| *word == "inet")?;
    words.next()?.split('/').next()?.parse().ok()
}

async fn nginx() -> Result<NginxBuild, FoundError> {
    let (_, said) = ask("nginx", &["-V"]).await?;
    let module = stream_module(&said);
    let there = match &module {
        Some(module) => tokio::fs::try_exists(module).await.unwrap_or(false),
        None => false,
    };
    let version = version(&said).ok_or_else(|| FoundError::Program {
        program: "nginx",
        words: said.clone(),
    })?;
    Ok(NginxBuild {
        version,
        http3: said.contains("--with-http_v3_module"),
        stream_module: module
            .filter(|_| there)
            .map(|path| path.parse())
            .transpose()?,
    })
}

/// `nginx version: nginx/1.22.1`
fn version(said: &str) -> Option<(u16, u16, u16)> {
    let text = said.split("nginx/").nth(1)?;
    let text = text
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()?;
    let mut numbers = text.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// The file of the module for TCP and UDP, unless it is a part of nginx itself.
fn stream_module(said: &str) -> Option<String> {
    if said
        .split_ascii_whitespace()
        .any(|word| word == "--with-stream")
    {
        return None;
    }
    let folder = said
        .split_ascii_whitespace()
        .find_map(|word| word.strip_prefix("--modules-path="))
        .unwrap_or(MODULES);
    Some(format!("{folder}/ngx_stream_module.so"))
}

/// The name servers of `resolv.conf(5)` that nginx can ask.
fn resolvers(text: &str) -> Vec<Ipv4Addr> {
    let line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        (words.next()? == "nameserver").then_some(())?;
        words.next()?.parse().ok()
    };
    text.lines().filter_map(line).collect()
}

/// Whose rights nginx's workers have: the account that its package makes.
fn nginx_user(passwd: &str) -> Result<Username, Invalid> {
    let is_there = |name: &str| {
        let mut names = passwd.lines().filter_map(|line| line.split(':').next());
        names.any(|found| found == name)
    };
    let known = ["www-data", "nginx", "http"]
        .into_iter()
        .find(|name| is_there(name));
    known.unwrap_or("nobody").parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read() {
        let said = "2: eth1    inet 10.20.0.2/16 brd 10.20.255.255 scope global eth1\\       valid_lft forever";
        assert_eq!(first_address(said), Some(Ipv4Addr::new(10, 20, 0, 2)));
        assert_eq!(first_address(""), None);
        assert_eq!(first_address("2: eth1 inet"), None);
    }

    #[test]
    fn a_build_of_nginx_is_read() {
        let debian = "nginx version: nginx/1.22.1\nconfigure arguments: --modules-path=/usr/lib/nginx/modules --with-stream=dynamic";
        assert_eq!(version(debian), Some((1, 22, 1)));
        let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
        assert_eq!(stream_module(debian).as_deref(), Some(module));
        let upstream = "nginx version: nginx/1.27.4 (Ubuntu)\nconfigure arguments: --with-stream --with-http_v3_module";
        assert_eq!(version(upstream), Some((1, 27, 4)));
        assert_eq!(stream_module(upstream), None);
        assert_eq!(version("nginx version: something"), None);
    }

    #[test]
    fn name_servers_and_accounts_are_read() {
        let text =
            "# nameserver 1.1.1.1\nsearch lab\nnameserver 192.0.2.53\nnameserver ::1\nnameserver";
        assert_eq!(resolvers(text), [Ipv4Addr::new(192, 0, 2, 53)]);
        let user = |passwd| nginx_user(passwd).unwrap().to_string();
        assert_eq!(user("root:x:0:0\nwww-data:x:33:33"), "www-data");
        assert_eq!(user("root:x:0:0\nnginx:x:101:101"), "nginx");
        assert_eq!(user("root:x:0:0\nwww-data-2:x:33:33"), "nobody");
    }

    #[tokio::test]
    async fn this_host_is_found() {
        let lo = "lo".parse().unwrap();
        let (about, layout) = host(Path::new("/var/lib/holdfast-agent"), &lo)
            .await
            .unwrap();
        assert_eq!(about.address, Ipv4Addr::LOCALHOST);
        assert_eq!(layout.live.as_str(), "/var/lib/holdfast-agent/live");
        assert!(layout.nginx.version >= (1, 18, 0), "{:?}", layout.nginx);
        let missing = "no-such".parse().unwrap();
        let refused = host(Path::new("/var/lib/holdfast-agent"), &missing).await;
        assert!(matches!(
            refused,
            Err(FoundError::Program { program: "ip", .. })
        ));
        let odd = host(Path::new("/var/lib/a b"), &lo).await;
        assert!(matches!(odd, Err(FoundError::Path(_))));
    }
}
