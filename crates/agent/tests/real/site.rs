//! Fixtures: a site configuration, and the directory, network and [`Applier`] of its edge host.

use std::{collections::BTreeMap, fmt::Debug, fs, net::Ipv4Addr, path::Path};

use ::edge::{
    DnsHost, HttpService, Layout, Network, NginxBuild, PublicDomain, SiteConfig, StreamService,
    Transport, Tree, render,
};
use agent::{
    core::{Outcome, ServiceManager, Steps},
    roles::edge::{self, Applier},
};
use model::{
    ServiceId,
    domains::Hsts,
    net::Port,
    publish::{HttpOptions, IdleTimeoutS},
};
use test_servers::host::run;

/// Parses a value.
pub fn of<T: std::str::FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub fn port(number: u16) -> Port {
    number.try_into().unwrap()
}

/// Returns a site with a host, a domain with an HTTP service, and a TCP service.
pub fn site() -> SiteConfig {
    SiteConfig {
        network: Network {
            domain: of("lab.internal"),
            cidr: of("10.20.0.0/16"),
            gateway: of("10.20.0.1"),
            name_servers: vec![of("10.20.0.2")],
            forwarders: vec![of("192.0.2.53")],
            dhcp: None,
        },
        hosts: vec![host("wiki", "10.20.0.100")],
        records: Vec::new(),
        domains: vec![PublicDomain {
            name: of("example.org"),
            sign_in: None,
            forwards_access_token: false,
            hsts: Hsts::Off,
            services: vec![service(1, "wiki", HttpOptions::default())],
            certificate: None,
        }],
        streams: vec![stream(100, 2100)],
        challenge_responses: Vec::new(),
    }
}

pub fn host(name: &str, address: &str) -> DnsHost {
    DnsHost {
        name: of(name),
        address: of(address),
        mac: None,
    }
}

pub fn service(id: i64, label: &str, options: HttpOptions) -> HttpService {
    HttpService {
        id: ServiceId(id),
        label: Some(of(label)),
        address: Ipv4Addr::LOCALHOST,
        port: port(8080),
        options,
        certificate: None,
    }
}

pub fn stream(id: i64, external: u16) -> StreamService {
    StreamService {
        id: ServiceId(id),
        external: port(external),
        address: Ipv4Addr::LOCALHOST,
        port: port(8081),
        idle_timeout: IdleTimeoutS::default(),
        transport: Transport::Tcp,
        tls: None,
    }
}

/// Creates the interface, directories and certificate of an edge host. The agent's directory is
/// `agent`.
pub fn prepare(folder: &Path) -> Layout {
    run(
        "ip link add eth1 type veth peer name eth1-end && ip link set eth1-end up && \
         ip addr add 10.20.0.2/16 dev eth1 && ip link set eth1 up",
    );
    let layout = layout(folder);
    for path in [&layout.run, &layout.log, &layout.tls] {
        fs::create_dir_all(path.as_str()).unwrap();
    }
    run(&format!("chmod 755 {}", folder.display()));
    let certified = rcgen::generate_simple_self_signed(["*.example.org".to_owned()]).unwrap();
    let tls = Path::new(layout.tls.as_str());
    fs::write(tls.join("site.crt"), certified.cert.pem()).unwrap();
    fs::write(tls.join("site.key"), certified.signing_key.serialize_pem()).unwrap();
    layout
}

pub fn layout(folder: &Path) -> Layout {
    let at = |name: &str| of(&format!("{}/{name}", folder.display()));
    let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    Layout {
        live: at("agent/live"),
        state: at("agent/state"),
        run: at("run"),
        log: at("log"),
        tls: at("tls"),
        interface: of("eth1"),
        ipv6: Path::new("/proc/net/if_inet6").exists(),
        resolvers: Vec::new(),
        nginx_user: of("www-data"),
        nginx: NginxBuild {
            // Selects configuration syntax that every nginx version accepts.
            version: (1, 22, 1),
            http3: false,
            stream_module: Path::new(module).exists().then(|| of(module)),
        },
    }
}

/// Returns the commands that start nginx and dnsmasq without systemd.
pub fn service_managers(layout: &Layout) -> [ServiceManager; 2] {
    let arguments = |line: String| line.split(' ').map(str::to_owned).collect();
    let (live, run, log) = (&layout.live, &layout.run, &layout.log);
    [
        format!("nginx -e {log}/error.log -p {live}/nginx/ -c nginx.conf"),
        format!("dnsmasq --pid-file={run}/dnsmasq.pid --conf-file={live}/dnsmasq/dnsmasq.conf"),
    ]
    .map(|line| ServiceManager::Command(arguments(line)))
}

/// Opens the agent's directory.
pub async fn open(layout: &Layout) -> Applier {
    let steps = Steps::default();
    edge::open(layout, service_managers(layout), steps)
        .await
        .unwrap()
}

/// Runs a future on a new runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

pub fn tree(site: &SiteConfig, layout: &Layout) -> Tree {
    render(site, layout).unwrap()
}

/// Applies a site and returns its generation. Panics if the outcome is not `Applied`.
pub async fn apply(applier: &mut Applier, site: &SiteConfig, layout: &Layout) -> u64 {
    match applier.apply(&tree(site, layout)).await.unwrap() {
        Outcome::Applied { generation } => generation,
        outcome => panic!("{outcome:?}"),
    }
}

/// Returns the texts of the live files by path.
pub fn live(layout: &Layout) -> BTreeMap<String, String> {
    texts(Path::new(layout.live.as_str()))
}

fn texts(root: &Path) -> BTreeMap<String, String> {
    let output = run(&format!("cd {} && find -L . -type f", root.display()));
    let paths = output
        .lines()
        .map(|path| path.trim_start_matches("./").to_owned());
    paths
        .map(|path| (path.clone(), text(&root.join(path))))
        .collect()
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

/// Returns the texts of a tree's files by path.
pub fn tree_files(tree: &Tree) -> BTreeMap<String, String> {
    let files = tree.files();
    files
        .map(|(path, file)| (path.to_owned(), file.text.clone()))
        .collect()
}

/// Lists the agent's directory and its generations, with the targets of the links `live` and
/// `read`.
pub fn list_entries(layout: &Layout) -> String {
    let base = Path::new(layout.live.as_str()).parent().unwrap();
    run(&format!(
        "cd {} && ls . generations && readlink live loaded",
        base.display()
    ))
}

/// Resolves a hostname of the site with dnsmasq. The result is empty if the name does not exist.
pub fn address(name: &str) -> String {
    run(&format!(
        "dig +short +time=2 +tries=5 @10.20.0.2 {name}.lab.internal"
    ))
}

/// Returns the HTTP status of a service.
pub fn status(name: &str) -> String {
    run(&format!(
        "curl --noproxy '*' -sk --max-time 20 -o /dev/null -w '%{{http_code}}' \
         --resolve {name}.example.org:443:127.0.0.1 https://{name}.example.org/ || true"
    ))
}
