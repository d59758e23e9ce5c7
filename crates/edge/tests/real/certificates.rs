//! Certificates that nginx shows, ports with TLS, and what it says to an authority that asks.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use edge::{Answer, Layout, PublicDomain, Tls, Transport, certificate_name};
use model::{clusters::Fingerprint, publish::HttpOptions};

use crate::{
    backend,
    host::{inside, run, wait_until},
    nginx::ask,
    site::{domain, empty, layout, nginx_command, of, service, start_nginx, stream, write},
};

/// Makes a certificate for a name and puts it where edge hosts have theirs.
fn give(layout: &Layout, name: &str) -> Fingerprint {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let tls = Path::new(layout.tls.as_str());
    let file = tls.join("made.crt");
    fs::write(&file, made.cert.pem()).unwrap();
    let said = run(&format!(
        "openssl x509 -noout -fingerprint -sha256 -in {}",
        file.display()
    ));
    let print: Fingerprint = of(said.trim().rsplit('=').next().unwrap());
    let stem = certificate_name(Some(&print));
    fs::rename(file, tls.join(format!("{stem}.crt"))).unwrap();
    let key = made.signing_key.serialize_pem();
    fs::write(tls.join(format!("{stem}.key")), key).unwrap();
    print
}

/// The certificate that is shown at a port for a name.
fn shown(port: u16, name: &str) -> Fingerprint {
    let said = run(&format!(
        "openssl s_client -connect 127.0.0.1:{port} -servername {name} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
    ));
    of(said.trim().rsplit('=').next().unwrap())
}

fn reload(layout: &Layout) {
    let command = nginx_command(layout);
    run(&format!("{command} -t && {command} -s reload"));
}

#[test]
fn each_name_serves_its_own_certificate() {
    inside(
        "certificates::each_name_serves_its_own_certificate",
        |folder| {
            let layout = layout(folder);
            let (own, rest) = (
                give(&layout, "wiki.example.org"),
                give(&layout, "*.example.org"),
            );
            let mut wiki = service("wiki", 8080, HttpOptions::default());
            wiki.certificate = Some(own.clone());
            let plain = service("plain", 8080, HttpOptions::default());
            let mut site = empty();
            site.domains = vec![PublicDomain {
                services: vec![wiki, plain],
                certificate: Some(rest.clone()),
                ..domain("example.org")
            }];
            backend::start(8080);
            let _nginx = start_nginx(&site, &layout);
            assert_eq!(shown(443, "wiki.example.org"), own);
            assert_eq!(shown(443, "nobody.example.org"), rest);
            let hosts_own = shown(443, "plain.example.org");
            assert!(hosts_own != own && hosts_own != rest);
            assert!(ask("https://wiki.example.org/", "").contains("GET /"));

            let next = give(&layout, "wiki.example.org");
            site.domains[0].services[0].certificate = Some(next.clone());
            write(&site, &layout);
            reload(&layout);
            wait_until("the next certificate", || {
                (shown(443, "wiki.example.org") == next).then_some(())
            });
        },
    );
}

/// Says back what it is told, on a port of this host.
fn echo(port: u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut bytes = [0; 64];
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    if stream.write_all(&bytes[..count]).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

/// A connection through TLS that stays open.
struct Talk {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Talk {
    fn start(port: u16, name: &str) -> Self {
        let mut process = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect"])
            .arg(format!("127.0.0.1:{port}"))
            .args(["-servername", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            input: process.stdin.take().unwrap(),
            output: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    fn say(&mut self, words: &str) -> String {
        writeln!(self.input, "{words}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn certificate_renewal_keeps_stream_connections() {
    inside(
        "certificates::certificate_renewal_keeps_stream_connections",
        |folder| {
            let layout = layout(folder);
            let first = give(&layout, "db.example.org");
            let mut site = empty();
            let mut tls = stream(2000, 7000, Transport::Tcp);
            tls.tls = Some(Tls::With(first.clone()));
            let mut own = stream(2001, 7000, Transport::Tcp);
            own.tls = Some(Tls::Own);
            site.streams = vec![tls, own];
            echo(7000);
            let _nginx = start_nginx(&site, &layout);
            wait_until("the port", || {
                std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, 2001)).ok()
            });
            assert_eq!(shown(2000, "db.example.org"), first);
            assert!(shown(2001, "db.example.org") != first, "the host's own");
            let mut talk = Talk::start(2000, "db.example.org");
            assert_eq!(talk.say("before"), "before\n");

            let next = give(&layout, "db.example.org");
            site.streams[0].tls = Some(Tls::With(next.clone()));
            write(&site, &layout);
            reload(&layout);
            wait_until("the next certificate", || {
                (shown(2000, "db.example.org") == next).then_some(())
            });
            assert_eq!(talk.say("after"), "after\n", "who was there goes on");
        },
    );
}

#[test]
fn acme_challenge_is_served_without_reload() {
    inside(
        "certificates::acme_challenge_is_served_without_reload",
        |folder| {
            let layout = layout(folder);
            let mut site = empty();
            let wiki = service("wiki", 8080, HttpOptions::default());
            site.domains = vec![PublicDomain {
                services: vec![wiki],
                ..domain("example.org")
            }];
            let _nginx = start_nginx(&site, &layout);
            let at = |host: &str, token: &str| {
                ask(
                    &format!("http://{host}/.well-known/acme-challenge/{token}"),
                    "",
                )
            };
            assert!(at("wiki.example.org", "a-token_1").ends_with("\n404"));
            site.answers = vec![Answer {
                token: of("a-token_1"),
                thumbprint: of("thumb-print_1"),
            }];
            write(&site, &layout);
            for host in ["wiki.example.org", "none.example.org", "example.org"] {
                assert_eq!(at(host, "a-token_1"), "a-token_1.thumb-print_1\n200");
                assert!(at(host, "another").ends_with("\n404"));
                let above = at(host, "..%2f..%2fnginx.conf");
                assert!(!above.ends_with("\n200"), "{above}");
            }
            site.answers.clear();
            write(&site, &layout);
            assert!(at("wiki.example.org", "a-token_1").ends_with("\n404"));
        },
    );
}
