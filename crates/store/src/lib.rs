//! The database: Diesel on SQLite, PostgreSQL and MySQL, one module of queries per aggregate.
