//! A site on one host: its files in a folder, and the two programs.

use std::{fs, net::Ipv4Addr, path::Path};

use edge::{Layout, Network, NginxBuild, PublicDomain, Snapshot, render};
use model::{
    ServiceId,
    domains::Hsts,
    publish::{HttpOptions, IdleTimeoutS},
};

use crate::host::{ChildProcess, run, wait_until};

pub use crate::example::{of, port};

/// A site without hosts and services.
pub fn empty() -> Snapshot {
    Snapshot {
        network: Network {
            domain: of("lab.internal"),
            cidr: of("10.20.0.0/16"),
            gateway: of("10.20.0.1"),
            name_servers: vec![of("10.20.0.2")],
            forwarders: Vec::new(),
            dhcp: None,
        },
        hosts: Vec::new(),
        records: Vec::new(),
        domains: Vec::new(),
        streams: Vec::new(),
        answers: Vec::new(),
    }
}

/// A domain without services.
pub fn domain(name: &str) -> PublicDomain {
    PublicDomain {
        name: of(name),
        sign_in: None,
        hsts: Hsts::Off,
        services: Vec::new(),
        certificate: None,
    }
}

/// A web service on this host itself.
pub fn service(label: &str, at: u16, options: HttpOptions) -> edge::HttpService {
    edge::HttpService {
        id: ServiceId(1),
        label: Some(of(label)),
        address: Ipv4Addr::LOCALHOST,
        port: port(at),
        options,
        certificate: None,
    }
}

/// A port of this host that leads to another one of it.
pub fn stream(external: u16, at: u16, transport: edge::Transport) -> edge::StreamService {
    edge::StreamService {
        id: ServiceId(1),
        external: port(external),
        address: Ipv4Addr::LOCALHOST,
        port: port(at),
        quiet: IdleTimeoutS::default(),
        transport,
        tls: None,
    }
}

/// The host of a test. Its folder has what a real one has in several places.
pub fn layout(folder: &Path) -> Layout {
    let at = |name: &str| of(&format!("{}/{name}", folder.display()));
    for name in ["state/nginx", "run", "log", "tls"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    // nginx's workers have few rights, and come to their caches through these folders.
    run(&format!("chmod -R 755 {}", folder.display()));
    Layout {
        live: at("live"),
        state: at("state"),
        run: at("run"),
        log: at("log"),
        tls: at("tls"),
        interface: of("eth1"),
        ipv6: Path::new("/proc/net/if_inet6").exists(),
        resolvers: Vec::new(),
        nginx_user: of("www-data"),
        nginx: build(),
    }
}

/// The nginx of this machine.
fn build() -> NginxBuild {
    let said = run("nginx -V 2>&1");
    let version = said.split("nginx/").nth(1).unwrap();
    let version = version.split_ascii_whitespace().next().unwrap();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap());
    let mut next = || numbers.next().unwrap();
    let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    NginxBuild {
        version: (next(), next(), next()),
        http3: said.contains("--with-http_v3_module"),
        stream_module: Path::new(module).exists().then(|| of(module)),
    }
}

/// Writes the site's files where they hold.
pub fn write(site: &Snapshot, layout: &Layout) {
    let live = Path::new(layout.live.as_str());
    let _ = fs::remove_dir_all(live);
    for (path, file) in render(site, layout).unwrap().files() {
        let path = live.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.text).unwrap();
    }
}

/// Makes the site's own certificate, for all names that tests use.
pub fn certify(layout: &Layout) {
    let names = ["*.example.org", "example.org", "*.example.com", "localhost"];
    let made = rcgen::generate_simple_self_signed(names.map(String::from)).unwrap();
    let tls = Path::new(layout.tls.as_str());
    fs::write(tls.join("site.crt"), made.cert.pem()).unwrap();
    fs::write(tls.join("site.key"), made.signing_key.serialize_pem()).unwrap();
}

/// The command line of nginx for the files of a layout.
pub fn nginx_command(layout: &Layout) -> String {
    format!(
        "nginx -e {}/error.log -p {}/nginx/ -c nginx.conf",
        layout.log, layout.live
    )
}

/// Writes and checks the site's files and starts nginx with them.
pub fn start_nginx(site: &Snapshot, layout: &Layout) -> ChildProcess {
    certify(layout);
    write(site, layout);
    let command = nginx_command(layout);
    run(&format!("{command} -t"));
    let running = ChildProcess::start(&format!("{command} -g 'daemon off;'"));
    wait_until("nginx", || {
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, 443)).ok()
    });
    running
}
