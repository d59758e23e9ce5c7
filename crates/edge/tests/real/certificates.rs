//! Tests of certificates that nginx serves, of ports with TLS, and of ACME challenge responses.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

use edge::{ChallengeResponse, Layout, PublicDomain, Tls, Transport, certificate_file_stem};
use model::{fingerprint::Fingerprint, publish::HttpOptions};

use crate::{
    backend,
    host::{inside, run, wait_until},
    nginx::request,
    site::{
        domain, empty_site, http_service, layout, nginx_command, parse, start_nginx,
        stream_service, write,
    },
};

/// Creates a certificate for a name in the host's certificate directory.
fn create_certificate(layout: &Layout, name: &str) -> Fingerprint {
    let certificate = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let tls = Path::new(layout.tls.as_str());
    let file = tls.join("new.crt");
    fs::write(&file, certificate.cert.pem()).unwrap();
    let output = run(&format!(
        "openssl x509 -noout -fingerprint -sha256 -in {}",
        file.display()
    ));
    let fingerprint: Fingerprint = parse(output.trim().rsplit('=').next().unwrap());
    let stem = certificate_file_stem(Some(&fingerprint));
    fs::rename(file, tls.join(format!("{stem}.crt"))).unwrap();
    let key = certificate.signing_key.serialize_pem();
    fs::write(tls.join(format!("{stem}.key")), key).unwrap();
    fingerprint
}

/// The certificate that a port serves for a name.
fn served_certificate(port: u16, name: &str) -> Fingerprint {
    let output = run(&format!(
        "openssl s_client -connect 127.0.0.1:{port} -servername {name} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
    ));
    parse(output.trim().rsplit('=').next().unwrap())
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
            let (service_certificate, wildcard) = (
                create_certificate(&layout, "wiki.example.org"),
                create_certificate(&layout, "*.example.org"),
            );
            let mut wiki = http_service("wiki", 8080, HttpOptions::default());
            wiki.certificate = Some(service_certificate.clone());
            let plain = http_service("plain", 8080, HttpOptions::default());
            let mut site = empty_site();
            site.domains = vec![PublicDomain {
                services: vec![wiki, plain],
                certificate: Some(wildcard.clone()),
                ..domain("example.org")
            }];
            backend::start(8080);
            let _nginx = start_nginx(&site, &layout);
            assert_eq!(
                served_certificate(443, "wiki.example.org"),
                service_certificate
            );
            assert_eq!(served_certificate(443, "unpublished.example.org"), wildcard);
            let host_certificate = served_certificate(443, "plain.example.org");
            assert!(host_certificate != service_certificate && host_certificate != wildcard);
            assert!(request("https://wiki.example.org/", "").contains("GET /"));

            let renewed = create_certificate(&layout, "wiki.example.org");
            site.domains[0].services[0].certificate = Some(renewed.clone());
            write(&site, &layout);
            reload(&layout);
            wait_until("the renewed certificate", || {
                (served_certificate(443, "wiki.example.org") == renewed).then_some(())
            });
        },
    );
}

/// Starts a TCP echo server on a port of this host.
fn start_echo(port: u16) {
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

/// A TLS connection that stays open.
struct TlsConnection {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl TlsConnection {
    fn open(port: u16, name: &str) -> Self {
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

    /// Sends a line and returns the next line that is received.
    fn exchange(&mut self, message: &str) -> String {
        writeln!(self.input, "{message}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for TlsConnection {
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
            let initial = create_certificate(&layout, "db.example.org");
            let mut site = empty_site();
            let mut tls = stream_service(2000, 7000, Transport::Tcp);
            tls.tls = Some(Tls {
                hostname: parse("db.example.org"),
                certificate: Some(initial.clone()),
            });
            let mut own = stream_service(2001, 7000, Transport::Tcp);
            own.tls = Some(Tls {
                hostname: parse("db.example.org"),
                certificate: None,
            });
            site.streams = vec![tls, own];
            start_echo(7000);
            let _nginx = start_nginx(&site, &layout);
            wait_until("the port", || {
                std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, 2001)).ok()
            });
            assert_eq!(served_certificate(2000, "db.example.org"), initial);
            assert!(
                served_certificate(2001, "db.example.org") != initial,
                "the host's own certificate"
            );
            let mut connection = TlsConnection::open(2000, "db.example.org");
            assert_eq!(connection.exchange("before"), "before\n");

            let renewed = create_certificate(&layout, "db.example.org");
            site.streams[0].tls.as_mut().unwrap().certificate = Some(renewed.clone());
            write(&site, &layout);
            reload(&layout);
            wait_until("the renewed certificate", || {
                (served_certificate(2000, "db.example.org") == renewed).then_some(())
            });
            assert_eq!(
                connection.exchange("after"),
                "after\n",
                "the connection stays open"
            );
        },
    );
}

#[test]
fn port_with_tls_serves_only_its_hostname() {
    inside(
        "certificates::port_with_tls_serves_only_its_hostname",
        |folder| {
            let layout = layout(folder);
            let wildcard = create_certificate(&layout, "*.example.org");
            let mut port = stream_service(2000, 7000, Transport::Tcp);
            port.tls = Some(Tls {
                hostname: parse("db.example.org"),
                certificate: Some(wildcard),
            });
            let mut site = empty_site();
            site.streams = vec![port];
            start_echo(7000);
            let _nginx = start_nginx(&site, &layout);
            for name in ["db.example.org", "DB.example.org"] {
                let mut connection = TlsConnection::open(2000, name);
                assert_eq!(connection.exchange("hello"), "hello\n");
            }
            // The same command for all: only the arguments decide whether the echo arrives.
            for (arguments, expected) in [
                ("-servername db.example.org", "hello\n"),
                ("-servername db.example.org -alpn postgresql", "hello\n"),
                ("-servername db.example.org -alpn http/1.1", ""),
                ("-servername db.example.org -alpn h2,http/1.1", ""),
                ("-servername wiki.example.org", ""),
                ("-noservername", ""),
            ] {
                let output = run(&format!(
                    "(echo hello; sleep 1) | timeout 3 openssl s_client -quiet -connect 127.0.0.1:2000 {arguments} 2>/dev/null || true"
                ));
                assert_eq!(output, expected, "{arguments}");
            }
        },
    );
}

#[test]
fn acme_challenge_is_served_without_reload() {
    inside(
        "certificates::acme_challenge_is_served_without_reload",
        |folder| {
            let layout = layout(folder);
            let mut site = empty_site();
            let wiki = http_service("wiki", 8080, HttpOptions::default());
            site.domains = vec![PublicDomain {
                services: vec![wiki],
                ..domain("example.org")
            }];
            let _nginx = start_nginx(&site, &layout);
            let challenge_response = |host: &str, token: &str| {
                request(
                    &format!("http://{host}/.well-known/acme-challenge/{token}"),
                    "",
                )
            };
            assert!(challenge_response("wiki.example.org", "a-token_1").ends_with("\n404"));
            site.challenge_responses = vec![ChallengeResponse {
                token: parse("a-token_1"),
                thumbprint: parse("thumb-print_1"),
            }];
            write(&site, &layout);
            for host in ["wiki.example.org", "unpublished.example.org", "example.org"] {
                assert_eq!(
                    challenge_response(host, "a-token_1"),
                    "a-token_1.thumb-print_1\n200"
                );
                assert!(challenge_response(host, "another").ends_with("\n404"));
                let traversal = challenge_response(host, "..%2f..%2fnginx.conf");
                assert!(!traversal.ends_with("\n200"), "{traversal}");
            }
            site.challenge_responses.clear();
            write(&site, &layout);
            assert!(challenge_response("wiki.example.org", "a-token_1").ends_with("\n404"));
        },
    );
}
