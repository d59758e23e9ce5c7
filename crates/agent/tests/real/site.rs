//! A site on one host: its folder, its network, and who applies its files.

use std::{collections::BTreeMap, fmt::Debug, fs, net::Ipv4Addr, path::Path};

use agent::{Applier, Control, Outcome, Steps};
use edge::{
    Host, HttpService, Layout, Network, NginxBuild, PublicDomain, Snapshot, StreamService,
    Transport, Tree, render,
};
use model::{
    ServiceId,
    domains::Hsts,
    net::Port,
    publish::{HttpOptions, IdleTimeoutS},
};
use test_servers::host::run;

/// A value from its text.
pub fn of<T: std::str::FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn port(number: u16) -> Port {
    number.try_into().unwrap()
}

/// A site with a host, a domain with a service, and a port.
pub fn site() -> Snapshot {
    Snapshot {
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
            hsts: Hsts::Off,
            services: vec![service(1, "wiki", HttpOptions::default())],
            certificate: None,
        }],
        streams: vec![stream(100, 2100)],
        answers: Vec::new(),
    }
}

pub fn host(name: &str, address: &str) -> Host {
    Host {
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
        quiet: IdleTimeoutS::default(),
        transport: Transport::Tcp,
        tls: None,
    }
}

/// The host of a test, with its interface and certificate. Its agent's folder is `agent`.
pub fn prepare(folder: &Path) -> Layout {
    run(
        "ip link add eth1 type veth peer name eth1-end && ip link set eth1-end up && \
         ip addr add 10.20.0.2/16 dev eth1 && ip link set eth1 up",
    );
    let layout = layout(folder);
    for place in [&layout.run, &layout.log, &layout.tls] {
        fs::create_dir_all(place.as_str()).unwrap();
    }
    run(&format!("chmod 755 {}", folder.display()));
    let made = rcgen::generate_simple_self_signed(["*.example.org".to_owned()]).unwrap();
    let tls = Path::new(layout.tls.as_str());
    fs::write(tls.join("site.crt"), made.cert.pem()).unwrap();
    fs::write(tls.join("site.key"), made.signing_key.serialize_pem()).unwrap();
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
            // The spelling that every version reads.
            version: (1, 22, 1),
            http3: false,
            stream_module: Path::new(module).exists().then(|| of(module)),
        },
    }
}

/// How the programs are started without systemd.
pub fn control(layout: &Layout) -> [Control; 2] {
    let words = |line: String| line.split(' ').map(str::to_owned).collect();
    let (live, run, log) = (&layout.live, &layout.run, &layout.log);
    [
        format!("nginx -e {log}/error.log -p {live}/nginx/ -c nginx.conf"),
        format!("dnsmasq --pid-file={run}/dnsmasq.pid --conf-file={live}/dnsmasq/dnsmasq.conf"),
    ]
    .map(|line| Control::Command(words(line)))
}

/// The agent of a host.
pub async fn open(layout: &Layout) -> Applier {
    let steps = Steps::default();
    Applier::open(layout, control(layout), steps).await.unwrap()
}

/// Runs what waits.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

pub fn tree(site: &Snapshot, layout: &Layout) -> Tree {
    render(site, layout).unwrap()
}

/// Applies a site that nobody refuses.
pub async fn apply(applier: &mut Applier, site: &Snapshot, layout: &Layout) -> u64 {
    match applier.apply(&tree(site, layout)).await.unwrap() {
        Outcome::Applied { generation } => generation,
        other => panic!("{other:?}"),
    }
}

/// What is live, as text by path.
pub fn live(layout: &Layout) -> BTreeMap<String, String> {
    texts(Path::new(layout.live.as_str()))
}

fn texts(root: &Path) -> BTreeMap<String, String> {
    let found = run(&format!("cd {} && find -L . -type f", root.display()));
    let paths = found
        .lines()
        .map(|path| path.trim_start_matches("./").to_owned());
    paths
        .map(|path| (path.clone(), text(&root.join(path))))
        .collect()
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

/// A tree, as text by path.
pub fn meant(tree: &Tree) -> BTreeMap<String, String> {
    let files = tree.files();
    files
        .map(|(path, file)| (path.to_owned(), file.text.clone()))
        .collect()
}

/// The names in the agent's folder and those of its generations.
pub fn names(layout: &Layout) -> String {
    let base = Path::new(layout.live.as_str()).parent().unwrap();
    run(&format!(
        "cd {} && ls . generations && readlink live read",
        base.display()
    ))
}

/// What dnsmasq answers for a name of the site; empty when it knows none.
pub fn address(name: &str) -> String {
    run(&format!(
        "dig +short +time=2 +tries=5 @10.20.0.2 {name}.lab.internal"
    ))
}

/// What nginx says of a web service: the status.
pub fn status(name: &str) -> String {
    run(&format!(
        "curl --noproxy '*' -sk --max-time 20 -o /dev/null -w '%{{http_code}}' \
         --resolve {name}.example.org:443:127.0.0.1 https://{name}.example.org/ || true"
    ))
}
