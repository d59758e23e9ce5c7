//! The single-page application: pages, components and the server functions' signatures.
