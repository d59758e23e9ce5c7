//! Collects the layout of an edge host: its paths, its nginx build and its resolvers.

use std::{net::Ipv4Addr, path::Path};

use edge::{ConfigPath, Layout, NginxBuild};
use model::{
    Invalid,
    names::{InterfaceName, Username},
};

use crate::core::capabilities::{CapabilityError, query};

/// The module directory of Debian's nginx packages.
const MODULES: &str = "/usr/lib/nginx/modules";

/// Why the layout could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// nginx is missing or failed.
    #[error(transparent)]
    Program(#[from] CapabilityError),
    /// A path contains characters that a configuration file cannot hold.
    #[error(transparent)]
    Path(#[from] Invalid),
}

/// Collects the layout of files and programs on this host.
///
/// # Errors
/// If nginx is not installed.
pub async fn detect_layout(base: &Path, interface: &InterfaceName) -> Result<Layout, LayoutError> {
    let path = |name: &str| base.join(name).to_string_lossy().parse::<ConfigPath>();
    Ok(Layout {
        live: path("live")?,
        state: path("state")?,
        run: "/run".parse()?,
        log: "/var/log/nginx".parse()?,
        tls: path("tls")?,
        interface: interface.clone(),
        ipv6: has_ipv6().await,
        resolvers: resolvers(&read("/etc/resolv.conf").await),
        nginx_user: nginx_user(&read("/etc/passwd").await)?,
        nginx: detect_nginx().await?,
    })
}

/// The content of a file, empty if it cannot be read.
async fn read(path: &str) -> String {
    tokio::fs::read_to_string(path).await.unwrap_or_default()
}

async fn has_ipv6() -> bool {
    !read("/proc/net/if_inet6").await.is_empty()
}

async fn detect_nginx() -> Result<NginxBuild, LayoutError> {
    let (_, output) = query("nginx", &["-V"]).await?;
    let module = stream_module(&output);
    let exists = match &module {
        Some(module) => tokio::fs::try_exists(module).await.unwrap_or(false),
        None => false,
    };
    let version = version(&output).ok_or_else(|| CapabilityError {
        program: "nginx",
        message: output.clone(),
    })?;
    Ok(NginxBuild {
        version,
        http3: output.contains("--with-http_v3_module"),
        stream_module: module
            .filter(|_| exists)
            .map(|path| path.parse())
            .transpose()?,
    })
}

/// `nginx version: nginx/1.22.1`
fn version(output: &str) -> Option<(u16, u16, u16)> {
    let text = output.split("nginx/").nth(1)?;
    let text = text
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()?;
    let mut numbers = text.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// The path of the stream module; none if it is compiled into nginx.
fn stream_module(output: &str) -> Option<String> {
    if output
        .split_ascii_whitespace()
        .any(|word| word == "--with-stream")
    {
        return None;
    }
    let folder = output
        .split_ascii_whitespace()
        .find_map(|word| word.strip_prefix("--modules-path="))
        .unwrap_or(MODULES);
    Some(format!("{folder}/ngx_stream_module.so"))
}

/// The IPv4 name servers in `resolv.conf(5)`.
fn resolvers(text: &str) -> Vec<Ipv4Addr> {
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        (fields.next()? == "nameserver").then_some(())?;
        fields.next()?.parse().ok()
    };
    text.lines().filter_map(line).collect()
}

/// The user that nginx's workers run as: the account that the distribution's package creates.
fn nginx_user(passwd: &str) -> Result<Username, Invalid> {
    let exists = |name: &str| {
        let mut names = passwd.lines().filter_map(|line| line.split(':').next());
        names.any(|found| found == name)
    };
    let known = ["www-data", "nginx", "http"]
        .into_iter()
        .find(|name| exists(name));
    known.unwrap_or("nobody").parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nginx_build_is_parsed() {
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
    fn resolvers_and_nginx_user_are_parsed() {
        let text =
            "# nameserver 1.1.1.1\nsearch lab\nnameserver 192.0.2.53\nnameserver ::1\nnameserver";
        assert_eq!(resolvers(text), [Ipv4Addr::new(192, 0, 2, 53)]);
        let user = |passwd| nginx_user(passwd).unwrap().to_string();
        assert_eq!(user("root:x:0:0\nwww-data:x:33:33"), "www-data");
        assert_eq!(user("root:x:0:0\nnginx:x:101:101"), "nginx");
        assert_eq!(user("root:x:0:0\nwww-data-2:x:33:33"), "nobody");
    }

    #[tokio::test]
    async fn layout_is_collected() {
        let lo = "lo".parse().unwrap();
        let base = Path::new("/var/lib/holdfast-agent");
        let found = detect_layout(base, &lo).await.unwrap();
        assert_eq!(found.live.as_str(), "/var/lib/holdfast-agent/live");
        assert!(found.nginx.version >= (1, 18, 0), "{:?}", found.nginx);
        let odd = detect_layout(Path::new("/var/lib/a b"), &lo).await;
        assert!(matches!(odd, Err(LayoutError::Path(_))));
    }
}
