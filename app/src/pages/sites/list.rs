//! The list of sites.

use model::sites::SiteRow;

use crate::pages::prelude::*;

const LIST: ListPage = ListPage {
    title: "Sites",
    count: ("site", "sites"),
    create: || Session::may::<SiteManage>().then_some(("/sites/new", "New site")),
    empty: (
        "network",
        "No sites yet",
        "A site is a network on a cluster, with a domain, addresses and ports. Containers need a site.",
    ),
    ..ListPage::DEFAULT
};

const ROWS: Rows<SiteRow> = Rows {
    label: "Sites",
    id: |site| site.id.0,
    columns: &[
        main_column("Site", |site| {
            let name = text(&site.spec.name);
            match Session::may::<SiteManage>() {
                true => row_link(format!("/sites/{}", site.spec.name), name),
                false => name,
            }
        }),
        column("Domain", "mono", |site| host(site.spec.domain.as_str())),
        column("Cluster", "", |site| text(&site.cluster_name)),
        column("Network", "mono", |site| text(site.spec.network)),
        column("Containers", "num", |site| text(site.containers)),
        column("Free addresses", "num", |site| text(site.addresses_free)),
    ],
};

pub fn page() -> AnyView {
    list_page(
        &LIST,
        Signal::from(()),
        |()| server_fns::sites::list(),
        |_| [Topic::Site, Topic::Container].map(Event::all).to_vec(),
        |all| unpaged(all),
        &ROWS,
    )
}
