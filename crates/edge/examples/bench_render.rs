//! Benchmark: renders the files of 10,000 HTTP services and 10,000 ports, and alternates in the
//! same run with EJS, which renders the same files from its own templates. Fails if any file
//! differs. Prints `figure value unit`, one per line. The first argument is the script that renders
//! with EJS. With `--smoke` as the second argument it renders only a few services.

#![expect(clippy::print_stdout, reason = "prints the figures")]

use std::{
    error::Error,
    fmt::Debug,
    io::{BufRead as _, BufReader, Write as _},
    net::Ipv4Addr,
    process::{Command, Stdio},
    str::FromStr,
    time::Instant,
};

use edge::{
    HttpService, Layout, Network, NginxBuild, PublicDomain, SiteConfig, StreamService, Tls,
    Transport, Tree, render,
};
use model::{
    ServiceId,
    domains::Hsts,
    fingerprint::Fingerprint,
    publish::{BackendProtocol, HttpOptions},
};

/// The amount of work.
struct Size {
    /// The number of HTTP services, and of ports.
    services: u16,
    turns: usize,
}

const FULL: Size = Size {
    services: 10_000,
    turns: 9,
};
const SMOKE: Size = Size {
    services: 100,
    turns: 3,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let script = args.next().ok_or("the script is missing")?;
    let size = match args.next().as_deref() {
        None => FULL,
        Some("--smoke") => SMOKE,
        Some(argument) => return Err(format!("unknown argument {argument}").into()),
    };
    let (site, layout) = (site(size.services)?, layout()?);
    let input = serde_json::to_string(&serde_json::json!({ "site": site, "layout": layout }))?;
    let mut ejs = Command::new("node")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut requests = ejs.stdin.take().ok_or("stdin is not piped")?;
    let mut responses = BufReader::new(ejs.stdout.take().ok_or("stdout is not piped")?).lines();
    let mut read_response =
        || -> Outcome<String> { Ok(responses.next().ok_or("EJS process ended")??) };
    writeln!(requests, "{input}")?;

    let (mut edge_ms, mut ejs_ms) = (Vec::new(), Vec::new());
    for _ in 0..size.turns {
        let start = Instant::now();
        let tree = render(&site, &layout)?;
        edge_ms.push(start.elapsed().as_secs_f64() * 1000.0);
        writeln!(requests, "again")?;
        ejs_ms.push(read_response()?.parse::<f64>()?);
        drop(tree);
    }
    writeln!(requests, "all")?;
    let ejs_files: Vec<File> = serde_json::from_str(&read_response()?)?;
    let files = service_files(&render(&site, &layout)?);
    compare(&files, &ejs_files)?;
    drop(requests);
    ejs.wait()?;

    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let (edge_ms, ejs_ms) = (median(edge_ms), median(ejs_ms));
    println!("render_files {} files", files.len());
    println!("render_bytes {bytes} bytes");
    println!("render_ms {edge_ms:.1} ms");
    println!("render_ejs_ms {ejs_ms:.1} ms");
    println!("render_ratio {:.3} ratio", edge_ms / ejs_ms);
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The path and content of a file.
type File = (String, String);

/// Fails at the first file that differs.
fn compare(edge: &[File], ejs: &[File]) -> Outcome<()> {
    if edge.len() != ejs.len() {
        let (edge, ejs) = (edge.len(), ejs.len());
        return Err(format!("EJS renders {ejs} files instead of {edge}").into());
    }
    for (edge, ejs) in edge.iter().zip(ejs) {
        if edge != ejs {
            let [(path, text), (ejs_path, ejs_text)] = [edge, ejs];
            let message =
                format!("EJS renders {ejs_path} as\n{ejs_text}\ninstead of {path} as\n{text}");
            return Err(message.into());
        }
    }
    Ok(())
}

/// The files of services and ports, ordered by path.
fn service_files(tree: &Tree) -> Vec<File> {
    let is_service =
        |path: &str| path.starts_with("nginx/services/") || path.starts_with("nginx/streams/");
    let files = tree.files().filter(|(path, _)| is_service(path));
    files
        .map(|(path, file)| (path.to_owned(), file.text.clone()))
        .collect()
}

fn parse<T: FromStr<Err: Debug>>(text: &str) -> Outcome<T> {
    text.parse()
        .map_err(|error| format!("{text}: {error:?}").into())
}

fn layout() -> Outcome<Layout> {
    Ok(Layout {
        live: parse("/var/lib/holdfast-agent/live")?,
        state: parse("/var/lib/holdfast-agent/state")?,
        run: parse("/run")?,
        log: parse("/var/log/nginx")?,
        tls: parse("/var/lib/holdfast-agent/tls")?,
        interface: parse("eth1")?,
        ipv6: true,
        resolvers: Vec::new(),
        nginx_user: parse("www-data")?,
        nginx: NginxBuild {
            version: (1, 22, 1),
            http3: false,
            stream_module: None,
        },
    })
}

/// The container address of a service.
fn address(number: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 20, 1, 0).to_bits() + u32::from(number))
}

/// The fingerprint of a service's certificate.
fn certificate(number: u16) -> Outcome<Fingerprint> {
    parse(&format!("{number:064x}"))
}

/// Of ten services, one requires a sign-in, one has an HTTPS backend and one a verified HTTPS
/// backend. Seven have their own certificate and three use the host's.
fn http_service(number: u16) -> Outcome<HttpService> {
    let kind = number % 10;
    Ok(HttpService {
        id: ServiceId(number.into()),
        label: Some(parse(&format!("service-{number:05}"))?),
        address: address(number),
        port: 8080.try_into()?,
        options: HttpOptions {
            sign_in: kind == 0,
            backend: match kind {
                1 => BackendProtocol::Https,
                2 => BackendProtocol::HttpsVerified,
                _ => BackendProtocol::Http,
            },
            ..HttpOptions::default()
        },
        certificate: (kind < 7).then(|| certificate(number)).transpose()?,
    })
}

/// Of ten services, one is UDP and one uses the PROXY protocol. Three terminate TLS with their own
/// certificate and one with the host's.
fn stream_service(number: u16) -> Outcome<StreamService> {
    let kind = number % 10;
    Ok(StreamService {
        id: ServiceId(i64::from(u16::MAX) + i64::from(number)),
        external: (10_000 + number).try_into()?,
        address: address(number),
        port: 22.try_into()?,
        idle_timeout: parse("600")?,
        transport: match kind {
            0 => Transport::Udp,
            1 => Transport::TcpFromProxy,
            _ => Transport::Tcp,
        },
        tls: match kind {
            1..=4 => Some(Tls {
                hostname: parse(&format!("port-{number:05}.example.org"))?,
                certificate: (kind < 4).then(|| certificate(number)).transpose()?,
            }),
            _ => None,
        },
    })
}

fn site(size: u16) -> Outcome<SiteConfig> {
    let services = (0..size).map(http_service).collect::<Outcome<_>>()?;
    let streams = (0..size).map(stream_service).collect::<Outcome<_>>()?;
    Ok(SiteConfig {
        network: Network {
            domain: parse("lab.internal")?,
            cidr: parse("10.20.0.0/16")?,
            gateway: parse("10.20.0.1")?,
            name_servers: Vec::new(),
            forwarders: Vec::new(),
            dhcp: None,
        },
        hosts: Vec::new(),
        records: Vec::new(),
        domains: vec![PublicDomain {
            name: parse("example.org")?,
            sign_in: Some(parse("http://10.20.0.5:4180")?),
            forwards_access_token: false,
            hsts: Hsts::Names,
            services,
            certificate: None,
        }],
        streams,
        challenge_responses: Vec::new(),
    })
}
