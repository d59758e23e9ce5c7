//! Tables of accounts and sign-ins.

diesel::table! {
    users (id) {
        id -> BigInt,
        name -> Text,
        email -> Text,
        role -> Text,
        password_hash -> Text,
        limit_containers -> Nullable<BigInt>,
        limit_cores -> Nullable<BigInt>,
        limit_memory_mib -> Nullable<BigInt>,
        limit_disk_gib -> Nullable<BigInt>,
        version -> BigInt,
        created_at -> BigInt,
        full_name -> Text,
        state -> Text,
        access_ends_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    invitations (id) {
        id -> BigInt,
        token_hash -> Text,
        email -> Text,
        role -> Text,
        limit_containers -> Nullable<BigInt>,
        limit_cores -> Nullable<BigInt>,
        limit_memory_mib -> Nullable<BigInt>,
        limit_disk_gib -> Nullable<BigInt>,
        access_ends_at -> Nullable<BigInt>,
        inviter_id -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    sessions (token_hash) {
        token_hash -> Text,
        user_id -> BigInt,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
        address -> Text,
        user_agent -> Text,
    }
}

diesel::table! {
    sign_in_failures (bucket) {
        bucket -> Text,
        account -> Nullable<Text>,
        failures -> Integer,
        last_failed_at -> BigInt,
    }
}

diesel::table! {
    rate_limits (user_id, key) {
        user_id -> BigInt,
        #[sql_name = "action"]
        key -> Text,
        full_at -> BigInt,
    }
}

diesel::table! {
    domain_rate_limits (domain) {
        domain -> Text,
        full_at -> BigInt,
    }
}

diesel::table! {
    known_browsers (token_hash) {
        token_hash -> Text,
        user_id -> BigInt,
        last_sign_in_at -> BigInt,
    }
}
