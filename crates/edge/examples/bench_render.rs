//! How long the files of 10,000 web services and 10,000 ports take, beside EJS rendering the same
//! files from templates of its own, turn by turn in the same run. The files are compared byte by
//! byte, and a difference fails. Prints `figure value unit`, one a line. The first argument is the
//! script that renders with EJS; with `--smoke` after it, a few services only show that it works.

#![expect(clippy::print_stdout, reason = "the figures are what it is run for")]

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
    HttpService, Layout, Network, NginxBuild, PublicDomain, Snapshot, StreamService, Tls,
    Transport, Tree, render,
};
use model::{
    ServiceId,
    clusters::Fingerprint,
    domains::Hsts,
    publish::{Backend, HttpOptions},
};

/// How much is measured.
struct Size {
    /// Web services, and ports too.
    services: u16,
    turns: usize,
}

const WHOLE: Size = Size {
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
        None => WHOLE,
        Some("--smoke") => SMOKE,
        Some(other) => return Err(format!("unknown argument {other}").into()),
    };
    let (site, layout) = (site(size.services)?, layout()?);
    let given = serde_json::to_string(&serde_json::json!({ "site": site, "layout": layout }))?;
    let mut other = Command::new("node")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ask = other.stdin.take().ok_or("no way to it")?;
    let mut answers = BufReader::new(other.stdout.take().ok_or("no way back")?).lines();
    let mut next = || -> Outcome<String> { Ok(answers.next().ok_or("it ended")??) };
    writeln!(ask, "{given}")?;

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..size.turns {
        let start = Instant::now();
        let tree = render(&site, &layout)?;
        ours.push(start.elapsed().as_secs_f64() * 1000.0);
        writeln!(ask, "again")?;
        theirs.push(next()?.parse::<f64>()?);
        drop(tree);
    }
    writeln!(ask, "all")?;
    let theirs_files: Vec<File> = serde_json::from_str(&next()?)?;
    let files = services(&render(&site, &layout)?);
    compare(&files, &theirs_files)?;
    drop(ask);
    other.wait()?;

    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let (ours, theirs) = (median(ours), median(theirs));
    println!("render_files {} files", files.len());
    println!("render_bytes {bytes} bytes");
    println!("render_ms {ours:.1} ms");
    println!("render_ejs_ms {theirs:.1} ms");
    println!("render_ratio {:.3} ratio", ours / theirs);
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A path and what the file contains.
type File = (String, String);

/// Fails at the first file that is not the same.
fn compare(ours: &[File], theirs: &[File]) -> Outcome<()> {
    if ours.len() != theirs.len() {
        let (ours, theirs) = (ours.len(), theirs.len());
        return Err(format!("EJS renders {theirs} files instead of {ours}").into());
    }
    for (our, their) in ours.iter().zip(theirs) {
        if our != their {
            let [(path, text), (their_path, their_text)] = [our, their];
            let words =
                format!("EJS renders {their_path} as\n{their_text}\ninstead of {path} as\n{text}");
            return Err(words.into());
        }
    }
    Ok(())
}

/// The files of services and ports, by path.
fn services(tree: &Tree) -> Vec<File> {
    let ours =
        |path: &str| path.starts_with("nginx/services/") || path.starts_with("nginx/streams/");
    let files = tree.files().filter(|(path, _)| ours(path));
    files
        .map(|(path, file)| (path.to_owned(), file.text.clone()))
        .collect()
}

fn of<T: FromStr<Err: Debug>>(text: &str) -> Outcome<T> {
    text.parse()
        .map_err(|why| format!("{text}: {why:?}").into())
}

fn layout() -> Outcome<Layout> {
    Ok(Layout {
        live: of("/var/lib/holdfast-agent/live")?,
        state: of("/var/lib/holdfast-agent/state")?,
        run: of("/run")?,
        log: of("/var/log/nginx")?,
        tls: of("/var/lib/holdfast-agent/tls")?,
        interface: of("eth1")?,
        ipv6: true,
        resolvers: Vec::new(),
        nginx_user: of("www-data")?,
        nginx: NginxBuild {
            version: (1, 22, 1),
            http3: false,
            stream_module: None,
        },
    })
}

/// The container's address of a service.
fn address(number: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 20, 1, 0).to_bits() + u32::from(number))
}

/// A certificate of a service's own.
fn certificate(number: u16) -> Outcome<Fingerprint> {
    of(&format!("{number:064x}"))
}

/// Of ten, one has a sign-in before it, one has a container that speaks HTTPS and one HTTPS that is
/// verified; seven have a certificate of their own, and three the host's.
fn http_service(number: u16) -> Outcome<HttpService> {
    let kind = number % 10;
    Ok(HttpService {
        id: ServiceId(number.into()),
        label: Some(of(&format!("service-{number:05}"))?),
        address: address(number),
        port: 8080.try_into()?,
        options: HttpOptions {
            sign_in: kind == 0,
            backend: match kind {
                1 => Backend::Https,
                2 => Backend::HttpsVerified,
                _ => Backend::Http,
            },
            ..HttpOptions::default()
        },
        certificate: (kind < 7).then(|| certificate(number)).transpose()?,
    })
}

/// Of ten, one is UDP, one tells its container where the client is, three are reached through TLS with
/// a certificate of their own, and one with the host's.
fn stream_service(number: u16) -> Outcome<StreamService> {
    let kind = number % 10;
    Ok(StreamService {
        id: ServiceId(i64::from(u16::MAX) + i64::from(number)),
        external: (10_000 + number).try_into()?,
        address: address(number),
        port: 22.try_into()?,
        quiet: of("600")?,
        transport: match kind {
            0 => Transport::Udp,
            1 => Transport::TcpFromProxy,
            _ => Transport::Tcp,
        },
        tls: match kind {
            1..=3 => Some(Tls::With(certificate(number)?)),
            4 => Some(Tls::Own),
            _ => None,
        },
    })
}

fn site(size: u16) -> Outcome<Snapshot> {
    let services = (0..size).map(http_service).collect::<Outcome<_>>()?;
    let streams = (0..size).map(stream_service).collect::<Outcome<_>>()?;
    Ok(Snapshot {
        network: Network {
            domain: of("lab.internal")?,
            cidr: of("10.20.0.0/16")?,
            gateway: of("10.20.0.1")?,
            name_servers: Vec::new(),
            forwarders: Vec::new(),
            dhcp: None,
        },
        hosts: Vec::new(),
        records: Vec::new(),
        domains: vec![PublicDomain {
            name: of("example.org")?,
            sign_in: Some(of("http://10.20.0.5:4180")?),
            hsts: Hsts::Names,
            services,
            certificate: None,
        }],
        streams,
        answers: Vec::new(),
    })
}
