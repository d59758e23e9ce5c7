//! Tables of what belongs to a site: names and pulled images.

diesel::table! {
    names (id) {
        id -> BigInt,
        site_id -> BigInt,
        name -> Text,
        purpose -> Text,
        container_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    pulled_images (site_id, node, storage, file) {
        site_id -> BigInt,
        node -> Text,
        storage -> Text,
        file -> Text,
        size -> BigInt,
        used_at -> BigInt,
        deletion_until -> Nullable<BigInt>,
    }
}
