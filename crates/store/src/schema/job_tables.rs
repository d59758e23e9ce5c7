//! The tables of jobs.

diesel::table! {
    jobs (id) {
        id -> BigInt,
        kind -> Text,
        state -> Text,
        container_id -> Nullable<BigInt>,
        active_container_id -> Nullable<BigInt>,
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
        details -> Nullable<Text>,
        leftovers -> Text,
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
