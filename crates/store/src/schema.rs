//! Diesel's table definitions, maintained by hand beside `migrations/`. A test compares them with
//! the tables that the migrations create in each of the three databases. Must not contain queries.

diesel::table! {
    users (id) {
        id -> BigInt,
        name -> Text,
        mail -> Text,
        role -> Text,
        password_hash -> Text,
        limit_containers -> Nullable<BigInt>,
        limit_cores -> Nullable<BigInt>,
        limit_memory_mib -> Nullable<BigInt>,
        limit_disk_gib -> Nullable<BigInt>,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    sessions (token_hash) {
        token_hash -> Text,
        user_id -> BigInt,
        created_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
        address -> Text,
        agent -> Text,
    }
}

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
    observations (cluster_id) {
        cluster_id -> BigInt,
        holder -> Text,
        lease_until -> BigInt,
        wanted_until -> BigInt,
        answered_at -> Nullable<BigInt>,
        answer -> Nullable<Text>,
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
        template_storage -> Text,
        volume_storage -> Text,
        vmid_first -> BigInt,
        vmid_last -> BigInt,
        port_first -> BigInt,
        port_last -> BigInt,
        forwarders -> Text,
        others -> Nullable<Text>,
        public_v4 -> Nullable<Text>,
        public_v6 -> Nullable<Text>,
        generation -> BigInt,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    agents (id) {
        id -> BigInt,
        site_id -> BigInt,
        name -> Text,
        secret_hash -> Text,
        invited_until -> Nullable<BigInt>,
        about -> Nullable<Text>,
        layout -> Nullable<Text>,
        seen_at -> Nullable<BigInt>,
        dhcp_site -> Nullable<BigInt>,
        dhcp_wanted -> Nullable<BigInt>,
        dhcp_generation -> Nullable<BigInt>,
        report -> Nullable<Text>,
        created_at -> BigInt,
        applied -> Nullable<BigInt>,
    }
}

diesel::table! {
    agent_files (agent_id, path) {
        agent_id -> BigInt,
        path -> Text,
        text -> Text,
    }
}

diesel::table! {
    domains (id) {
        id -> BigInt,
        site_id -> BigInt,
        name -> Text,
        sign_in -> Nullable<Text>,
        hsts -> Text,
        publishers -> Text,
        created_at -> BigInt,
        generation -> BigInt,
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
        env -> Text,
        entrypoint -> Nullable<Text>,
        description -> Nullable<Text>,
        image_values -> Nullable<Text>,
        node -> Text,
        vmid -> BigInt,
        mac -> Text,
        address -> Text,
        address_number -> BigInt,
        made_at -> Nullable<BigInt>,
        wished_running -> Bool,
        restart_needed -> Bool,
        version -> BigInt,
        created_at -> BigInt,
        docker -> Bool,
        generation -> BigInt,
    }
}

diesel::table! {
    services (id) {
        id -> BigInt,
        container_id -> BigInt,
        site_id -> BigInt,
        position -> BigInt,
        kind -> Text,
        port -> BigInt,
        label -> Nullable<Text>,
        external -> Nullable<BigInt>,
        domain_id -> Nullable<BigInt>,
        name -> Nullable<Text>,
        options -> Nullable<Text>,
    }
}

diesel::table! {
    jobs (id) {
        id -> BigInt,
        kind -> Text,
        state -> Text,
        container_id -> Nullable<BigInt>,
        active_container -> Nullable<BigInt>,
        container_name -> Text,
        site_id -> BigInt,
        site_name -> Text,
        owner_id -> BigInt,
        actor_id -> Nullable<BigInt>,
        actor_name -> Nullable<Text>,
        args -> Text,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        attempt -> BigInt,
        cancel_requested -> Bool,
        created_at -> BigInt,
        started_at -> Nullable<BigInt>,
        finished_at -> Nullable<BigInt>,
        error -> Nullable<Text>,
        words -> Nullable<Text>,
        left_json -> Text,
    }
}

diesel::table! {
    job_steps (id) {
        id -> BigInt,
        job_id -> BigInt,
        position -> BigInt,
        name -> Text,
        title -> Text,
        state -> Text,
        started_at -> Nullable<BigInt>,
        finished_at -> Nullable<BigInt>,
        progress_done -> Nullable<BigInt>,
        progress_total -> Nullable<BigInt>,
        note -> Nullable<Text>,
        data -> Nullable<Text>,
    }
}

diesel::table! {
    job_log (id) {
        id -> BigInt,
        job_id -> BigInt,
        at -> BigInt,
        line -> Text,
    }
}

diesel::table! {
    leases (site_id, address) {
        site_id -> BigInt,
        address -> Text,
        mac -> Text,
        name -> Nullable<Text>,
        expires_at -> Nullable<BigInt>,
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
    authorities (id) {
        id -> BigInt,
        name -> Text,
        directory -> Text,
        email -> Nullable<Text>,
        binding -> Nullable<Text>,
        binding_key -> Nullable<Text>,
        roots -> Nullable<Text>,
        account -> Nullable<Text>,
        credentials -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    providers (id) {
        id -> BigInt,
        name -> Text,
        settings -> Text,
        secret -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    domain_issuance (domain_id) {
        domain_id -> BigInt,
        how -> Text,
        authority_id -> Nullable<BigInt>,
        provider_id -> Nullable<BigInt>,
        addresses -> Bool,
    }
}

diesel::table! {
    certificates (id) {
        id -> BigInt,
        domain_id -> BigInt,
        subject -> Text,
        source -> Text,
        fingerprint -> Nullable<Text>,
        not_after -> Nullable<BigInt>,
        issued -> Nullable<Text>,
        chain -> Nullable<Text>,
        secret -> Nullable<Text>,
        renew_at -> Nullable<BigInt>,
        next_try -> Nullable<BigInt>,
        failures -> BigInt,
        trouble -> Nullable<Text>,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        authority_id -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    certificate_history (id) {
        id -> BigInt,
        certificate_id -> BigInt,
        at -> BigInt,
        what -> Text,
        words -> Text,
    }
}

diesel::table! {
    challenges (id) {
        id -> BigInt,
        site_id -> BigInt,
        certificate_id -> BigInt,
        token -> Text,
        answer -> Text,
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
        kind -> Text,
        value -> Text,
        state -> Text,
        next_try -> Nullable<BigInt>,
        failures -> BigInt,
        trouble -> Nullable<Text>,
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

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(sites -> clusters (cluster_id));
diesel::joinable!(agents -> sites (site_id));
diesel::joinable!(agent_files -> agents (agent_id));
diesel::joinable!(domains -> sites (site_id));
diesel::joinable!(domain_publishers -> users (user_id));
diesel::joinable!(containers -> sites (site_id));
diesel::joinable!(containers -> clusters (cluster_id));
diesel::joinable!(containers -> users (owner_id));
diesel::joinable!(services -> domains (domain_id));
diesel::joinable!(jobs -> containers (active_container));
diesel::joinable!(domain_issuance -> domains (domain_id));
diesel::joinable!(certificates -> domains (domain_id));
diesel::joinable!(certificate_history -> certificates (certificate_id));

diesel::allow_tables_to_appear_in_same_query!(
    users,
    sessions,
    clusters,
    sites,
    agents,
    agent_files,
    leases,
    domains,
    domain_publishers,
    containers,
    services,
    jobs,
    job_steps,
    job_log,
    authorities,
    providers,
    domain_issuance,
    certificates,
    certificate_history,
    challenges,
    dns_records,
);
