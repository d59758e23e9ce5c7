//! A site on one host: layout, files, and nginx.

use std::{fs, net::Ipv4Addr, path::Path};

use edge::{Layout, Network, NginxBuild, PublicDomain, SiteConfig, render};
use model::{
    ServiceId,
    domains::Hsts,
    publish::{HttpOptions, IdleTimeoutS},
};

use crate::host::{ChildProcess, run, wait_until};

pub use crate::example::{parse, port};

/// A site without hosts and services.
pub fn empty_site() -> SiteConfig {
    SiteConfig {
        network: Network {
            domain: parse("lab.internal"),
            cidr: parse("10.20.0.0/16"),
            gateway: parse("10.20.0.1"),
            name_servers: vec![parse("10.20.0.2")],
            forwarders: Vec::new(),
            dhcp: None,
        },
        hosts: Vec::new(),
        records: Vec::new(),
        domains: Vec::new(),
        streams: Vec::new(),
        challenge_responses: Vec::new(),
    }
}

/// A domain without services.
pub fn domain(name: &str) -> PublicDomain {
    PublicDomain {
        name: parse(name),
        sign_in: None,
        forwards_access_token: false,
        hsts: Hsts::Off,
        services: Vec::new(),
        certificate: None,
    }
}

/// An HTTP service whose backend is on this host.
pub fn http_service(label: &str, backend_port: u16, options: HttpOptions) -> edge::HttpService {
    edge::HttpService {
        id: ServiceId(1),
        label: Some(parse(label)),
        address: Ipv4Addr::LOCALHOST,
        port: port(backend_port),
        options,
        certificate: None,
    }
}

/// A TCP or UDP service whose backend is on this host.
pub fn stream_service(
    external: u16,
    backend_port: u16,
    transport: edge::Transport,
) -> edge::StreamService {
    edge::StreamService {
        id: ServiceId(1),
        external: port(external),
        address: Ipv4Addr::LOCALHOST,
        port: port(backend_port),
        idle_timeout: IdleTimeoutS::default(),
        transport,
        tls: None,
    }
}

/// The layout of a test host, with all directories below one.
pub fn layout(folder: &Path) -> Layout {
    let path = |name: &str| parse(&format!("{}/{name}", folder.display()));
    for name in ["state/nginx", "run", "log", "tls"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    // The unprivileged nginx workers reach their caches through these directories.
    run(&format!("chmod -R 755 {}", folder.display()));
    Layout {
        live: path("live"),
        state: path("state"),
        run: path("run"),
        log: path("log"),
        tls: path("tls"),
        interface: parse("eth1"),
        ipv6: Path::new("/proc/net/if_inet6").exists(),
        resolvers: Vec::new(),
        nginx_user: parse("www-data"),
        nginx: installed_nginx(),
    }
}

/// The nginx build of this machine.
fn installed_nginx() -> NginxBuild {
    let output = run("nginx -V 2>&1");
    let version = output.split("nginx/").nth(1).unwrap();
    let version = version.split_ascii_whitespace().next().unwrap();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap());
    let mut next = || numbers.next().unwrap();
    let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    NginxBuild {
        version: (next(), next(), next()),
        http3: output.contains("--with-http_v3_module"),
        stream_module: Path::new(module).exists().then(|| parse(module)),
    }
}

/// Writes the site's files to the live directory.
pub fn write(site: &SiteConfig, layout: &Layout) {
    let live = Path::new(layout.live.as_str());
    let _ = fs::remove_dir_all(live);
    for (path, file) in render(site, layout).unwrap().files() {
        let path = live.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.text).unwrap();
    }
}

/// Creates the host's own certificate for all names that tests use.
pub fn write_host_certificate(layout: &Layout) {
    let names = ["*.example.org", "example.org", "*.example.com", "localhost"];
    let certificate = rcgen::generate_simple_self_signed(names.map(String::from)).unwrap();
    let tls = Path::new(layout.tls.as_str());
    fs::write(tls.join("site.crt"), certificate.cert.pem()).unwrap();
    fs::write(
        tls.join("site.key"),
        certificate.signing_key.serialize_pem(),
    )
    .unwrap();
}

/// The command line of nginx for the files of a layout.
pub fn nginx_command(layout: &Layout) -> String {
    format!(
        "nginx -e {}/error.log -p {}/nginx/ -c nginx.conf",
        layout.log, layout.live
    )
}

/// Writes and checks the site's files, then starts nginx with them.
pub fn start_nginx(site: &SiteConfig, layout: &Layout) -> ChildProcess {
    write_host_certificate(layout);
    write(site, layout);
    let command = nginx_command(layout);
    run(&format!("{command} -t"));
    let running = ChildProcess::start(&format!("{command} -g 'daemon off;'"));
    wait_until("nginx", || {
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, 443)).ok()
    });
    running
}
