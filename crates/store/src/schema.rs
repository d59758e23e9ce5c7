//! Diesel's table definitions, maintained by hand beside `migrations/`. A test compares them with
//! the tables that the migrations create in each of the three databases. Must not contain queries.

mod accounts;
mod job_tables;
mod site_objects;

pub(crate) use accounts::{
    domain_rate_limits, invitations, known_browsers, rate_limits, sessions, sign_in_failures, users,
};
pub(crate) use job_tables::{job_log, job_steps, jobs};
pub(crate) use site_objects::{names, pulled_images};

diesel::table! {
    clusters (id) {
        id -> BigInt,
        name -> Text,
        url -> Text,
        token_id -> Text,
        secret -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    cluster_certificates (cluster_id, url) {
        cluster_id -> BigInt,
        url -> Text,
        fingerprint -> Text,
    }
}

diesel::table! {
    cluster_observations (cluster_id) {
        cluster_id -> BigInt,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        requested_until -> BigInt,
        observed_at -> Nullable<BigInt>,
        observation -> Nullable<Text>,
    }
}

diesel::table! {
    node_addresses (cluster_id, node) {
        cluster_id -> BigInt,
        node -> Text,
        address -> Text,
    }
}

diesel::table! {
    sites (id) {
        id -> BigInt,
        name -> Text,
        domain -> Text,
        cluster_id -> BigInt,
        bridge -> Text,
        network -> Text,
        gateway -> Text,
        range_first -> BigInt,
        range_last -> BigInt,
        dynamic_range -> Nullable<Text>,
        forwarders -> Text,
        public_v4 -> Nullable<Text>,
        public_v6 -> Nullable<Text>,
        registries -> Text,
        image_quota_gib -> Integer,
        port_access -> Text,
        template_storage -> Text,
        volume_storage -> Text,
        vmid_first -> BigInt,
        vmid_last -> BigInt,
        port_first -> BigInt,
        port_last -> BigInt,
        generation -> BigInt,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    dhcp_leases (site_id, address) {
        site_id -> BigInt,
        address -> Text,
        mac -> Text,
        name -> Nullable<Text>,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    hosts (id) {
        id -> BigInt,
        site_id -> BigInt,
        name -> Text,
        secret_hash -> Text,
        join_expires_at -> Nullable<BigInt>,
        facts -> Nullable<Text>,
        layout -> Nullable<Text>,
        last_seen_at -> Nullable<BigInt>,
        dhcp_site_id -> Nullable<BigInt>,
        dhcp_handover_site_id -> Nullable<BigInt>,
        dhcp_handover_generation -> Nullable<BigInt>,
        applied_generation -> Nullable<BigInt>,
        report -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    host_files (host_id, path) {
        host_id -> BigInt,
        path -> Text,
        text -> Text,
    }
}

diesel::table! {
    domains (id) {
        id -> BigInt,
        site_id -> BigInt,
        name -> Text,
        sign_in_url -> Nullable<Text>,
        hsts -> Text,
        publishers -> Text,
        generation -> BigInt,
        created_at -> BigInt,
        forwards_access_token -> Bool,
    }
}

diesel::table! {
    domain_publishers (domain_id, user_id) {
        domain_id -> BigInt,
        user_id -> BigInt,
    }
}

diesel::table! {
    containers (id) {
        id -> BigInt,
        site_id -> BigInt,
        cluster_id -> BigInt,
        owner_id -> BigInt,
        name -> Text,
        source -> Text,
        cores -> Integer,
        memory_mib -> Integer,
        disk_gib -> Integer,
        docker -> Bool,
        env -> Text,
        entrypoint -> Nullable<Text>,
        description -> Nullable<Text>,
        image_values -> Nullable<Text>,
        node -> Text,
        vmid -> BigInt,
        mac -> Text,
        address -> Text,
        address_number -> BigInt,
        provisioned_at -> Nullable<BigInt>,
        desired_running -> Bool,
        restart_needed -> Bool,
        interface_filters -> Bool,
        filter_state -> Text,
        generation -> BigInt,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    services (id) {
        id -> BigInt,
        container_id -> BigInt,
        site_id -> BigInt,
        position -> BigInt,
        kind -> Text,
        container_port -> BigInt,
        external_port -> Nullable<BigInt>,
        domain_id -> Nullable<BigInt>,
        label -> Nullable<Text>,
        name -> Nullable<Text>,
        options -> Nullable<Text>,
    }
}

diesel::table! {
    certificate_authorities (id) {
        id -> BigInt,
        name -> Text,
        directory_url -> Text,
        email -> Nullable<Text>,
        eab_key_id -> Nullable<Text>,
        eab_key -> Nullable<Text>,
        trusted_roots -> Nullable<Text>,
        account_url -> Nullable<Text>,
        account_key -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    dns_providers (id) {
        id -> BigInt,
        name -> Text,
        settings -> Text,
        secret -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    domain_certificate_sources (domain_id) {
        domain_id -> BigInt,
        source -> Text,
        authority_id -> Nullable<BigInt>,
        provider_id -> Nullable<BigInt>,
        manage_addresses -> Bool,
    }
}

diesel::table! {
    certificates (id) {
        id -> BigInt,
        domain_id -> BigInt,
        subject -> Text,
        method -> Text,
        fingerprint -> Nullable<Text>,
        not_after -> Nullable<BigInt>,
        details -> Nullable<Text>,
        chain -> Nullable<Text>,
        private_key -> Nullable<Text>,
        renew_at -> Nullable<BigInt>,
        next_attempt_at -> Nullable<BigInt>,
        failures -> BigInt,
        last_error -> Nullable<Text>,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        authority_id -> Nullable<BigInt>,
        created_at -> BigInt,
        ordered_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    certificate_events (id) {
        id -> BigInt,
        certificate_id -> BigInt,
        at -> BigInt,
        kind -> Text,
        message -> Text,
    }
}

diesel::table! {
    acme_challenges (id) {
        id -> BigInt,
        site_id -> BigInt,
        certificate_id -> BigInt,
        token -> Text,
        key_authorization -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    dns_records (id) {
        id -> BigInt,
        provider_id -> BigInt,
        domain_id -> Nullable<BigInt>,
        certificate_id -> Nullable<BigInt>,
        name -> Text,
        record_type -> Text,
        value -> Text,
        state -> Text,
        next_attempt_at -> Nullable<BigInt>,
        failures -> BigInt,
        last_error -> Nullable<Text>,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    demo_steps (step) {
        step -> Text,
        done_at -> BigInt,
    }
}

diesel::joinable!(pulled_images -> sites (site_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(invitations -> users (inviter_id));
diesel::joinable!(sites -> clusters (cluster_id));
diesel::joinable!(hosts -> sites (site_id));
diesel::joinable!(host_files -> hosts (host_id));
diesel::joinable!(domains -> sites (site_id));
diesel::joinable!(domain_publishers -> users (user_id));
diesel::joinable!(containers -> sites (site_id));
diesel::joinable!(containers -> clusters (cluster_id));
diesel::joinable!(containers -> users (owner_id));
diesel::joinable!(services -> domains (domain_id));
diesel::joinable!(jobs -> containers (active_container_id));
diesel::joinable!(domain_certificate_sources -> domains (domain_id));
diesel::joinable!(certificates -> domains (domain_id));
diesel::joinable!(certificate_events -> certificates (certificate_id));

diesel::allow_tables_to_appear_in_same_query!(
    users,
    invitations,
    sessions,
    known_browsers,
    clusters,
    sites,
    hosts,
    host_files,
    dhcp_leases,
    domains,
    domain_publishers,
    containers,
    services,
    jobs,
    job_steps,
    job_log,
    certificate_authorities,
    dns_providers,
    domain_certificate_sources,
    certificates,
    certificate_events,
    acme_challenges,
    dns_records,
    pulled_images,
    names,
);
