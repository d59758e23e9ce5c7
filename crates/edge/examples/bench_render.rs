//! How long the files of 10,000 web services and 10,000 ports take, beside EJS making the same
//! bytes from templates of its own, turn by turn in the same run. Prints `figure value unit`, one
//! a line. The folder of the other's program is the one argument.

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
    HttpService, Layout, Network, NginxBuild, PublicDomain, Snapshot, StreamService, Transport,
    Tree, render,
};
use model::{ServiceId, domains::Hsts, publish::HttpOptions};

const SERVICES: u16 = 10_000;
const TURNS: usize = 9;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let script = std::env::args()
        .nth(1)
        .ok_or("which program is the other?")?;
    let (site, layout) = (site()?, layout()?);
    let given = serde_json::to_string(&site)?;
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
    for _ in 0..TURNS {
        let start = Instant::now();
        let tree = render(&site, &layout)?;
        ours.push(start.elapsed().as_secs_f64() * 1000.0);
        writeln!(ask, "again")?;
        theirs.push(next()?.parse::<f64>()?);
        drop(tree);
    }
    writeln!(ask, "all")?;
    let same = serde_json::from_str::<Vec<String>>(&next()?)?;
    let files = services(&render(&site, &layout)?);
    if same != files {
        return Err("the other makes other bytes".into());
    }
    drop(ask);
    other.wait()?;

    let bytes: usize = files.iter().map(String::len).sum();
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

/// The files of services and ports, by path.
fn services(tree: &Tree) -> Vec<String> {
    let ours =
        |path: &str| path.starts_with("nginx/services/") || path.starts_with("nginx/streams/");
    let files = tree.files().filter(|(path, _)| ours(path));
    files.map(|(_, file)| file.text.clone()).collect()
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

/// Every tenth service has a sign-in before it, every tenth port is UDP.
fn site() -> Outcome<Snapshot> {
    let address = |number: u16| {
        Ipv4Addr::from_bits(Ipv4Addr::new(10, 20, 1, 0).to_bits() + u32::from(number))
    };
    let mut services = Vec::new();
    let mut streams = Vec::new();
    for number in 0..SERVICES {
        let tenth = number % 10 == 0;
        services.push(HttpService {
            id: ServiceId(number.into()),
            label: Some(of(&format!("service-{number:05}"))?),
            address: address(number),
            port: 8080.try_into()?,
            options: HttpOptions {
                sign_in: tenth,
                ..HttpOptions::default()
            },
            certificate: None,
        });
        streams.push(StreamService {
            id: ServiceId(i64::from(SERVICES) + i64::from(number)),
            external: (10_000 + number).try_into()?,
            address: address(number),
            port: 22.try_into()?,
            quiet: of("600")?,
            transport: if tenth {
                Transport::Udp
            } else {
                Transport::Tcp
            },
            tls: None,
        });
    }
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
