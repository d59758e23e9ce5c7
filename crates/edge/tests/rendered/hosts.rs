//! Layouts of edge hosts with an old and a new nginx.

use edge::{Layout, NginxBuild};

use crate::example::parse;

pub fn layout() -> Layout {
    Layout {
        live: parse("/var/lib/holdfast-agent/live"),
        state: parse("/var/lib/holdfast-agent/state"),
        run: parse("/run"),
        log: parse("/var/log/nginx"),
        tls: parse("/var/lib/holdfast-agent/tls"),
        interface: parse("eth1"),
        ipv6: true,
        resolvers: vec![parse("192.0.2.53")],
        nginx_user: parse("www-data"),
        nginx: NginxBuild {
            version: (1, 22, 1),
            http3: false,
            stream_module: Some(parse("/usr/lib/nginx/modules/ngx_stream_module.so")),
        },
    }
}

/// A host with an nginx that has HTTP/3 and a built-in stream module, and without IPv6.
pub fn newer_nginx_layout() -> Layout {
    Layout {
        nginx: NginxBuild {
            version: (1, 26, 3),
            http3: true,
            stream_module: None,
        },
        ipv6: false,
        ..layout()
    }
}
