//! Tests of TCP and UDP services with the real nginx.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream, UdpSocket},
    time::Duration,
};

use edge::Transport;

use crate::{
    backend,
    host::inside,
    site::{empty_site, layout, start_nginx, stream_service},
};

#[test]
fn stream_ports_reach_containers() {
    inside("streams::stream_ports_reach_containers", |folder| {
        let mut site = empty_site();
        site.streams = vec![
            stream_service(2000, 9000, Transport::Tcp),
            stream_service(2001, 9000, Transport::TcpFromProxy),
            stream_service(2000, 9001, Transport::Udp),
        ];
        backend::start_tcp(9000);
        backend::start_udp(9001);
        let _nginx = start_nginx(&site, &layout(folder));
        assert_eq!(exchange(2000, "hello"), "hello");
        let received = exchange(2001, "hello");
        assert!(
            received.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "),
            "{received}"
        );
        assert!(received.ends_with(" 2001\r\nhello"), "{received}");

        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        socket
            .send_to(b"hello", (Ipv4Addr::LOCALHOST, 2000))
            .unwrap();
        let mut bytes = [0; 100];
        let (length, _) = socket.recv_from(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"hello");
    });
}

/// Sends a message to a TCP port of this host and returns the response.
fn exchange(port: u16, message: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.write_all(message.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}
