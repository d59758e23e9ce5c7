//! From columns to the model's values and back. A value that does not parse is a fault of the
//! stored data, told with its table and row, never a panic.

use std::{fmt::Display, net::Ipv4Addr, str::FromStr};

use model::page::{PAGE_ROWS, Page};

use crate::Error;

/// Where a value was read, for the log.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    table: &'a str,
    id: &'a dyn Display,
}

impl<'a> Place<'a> {
    pub(crate) fn new(table: &'a str, id: &'a dyn Display) -> Self {
        Self { table, id }
    }

    pub(crate) fn fault(self, column: &str, why: &dyn Display) -> Error {
        Error::internal(format!("{}.{column} of row {}: {why}", self.table, self.id))
    }

    pub(crate) fn text<T>(self, column: &str, text: &str) -> Result<T, Error>
    where
        T: FromStr,
        T::Err: Display,
    {
        text.parse().map_err(|e| self.fault(column, &e))
    }

    pub(crate) fn optional<T>(self, column: &str, text: Option<&str>) -> Result<Option<T>, Error>
    where
        T: FromStr,
        T::Err: Display,
    {
        text.map(|text| self.text(column, text)).transpose()
    }

    /// A number of the column's type as one of `N`, such as `u32`.
    pub(crate) fn number<N, I>(self, column: &str, number: I) -> Result<N, Error>
    where
        N: TryFrom<I>,
        N::Error: Display,
    {
        number.try_into().map_err(|e| self.fault(column, &e))
    }

    /// A number as a value `T` that is checked, by way of its own integer `N`.
    pub(crate) fn value<T, N, I>(self, column: &str, number: I) -> Result<T, Error>
    where
        N: TryFrom<I>,
        N::Error: Display,
        T: TryFrom<N>,
        T::Error: Display,
    {
        T::try_from(self.number::<N, I>(column, number)?).map_err(|e| self.fault(column, &e))
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        self,
        column: &str,
        text: &str,
    ) -> Result<T, Error> {
        serde_json::from_str(text).map_err(|e| self.fault(column, &e))
    }
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| Error::internal(e.to_string()))
}

/// An address as the number that sorts it.
pub(crate) fn address_number(address: Ipv4Addr) -> i64 {
    i64::from(address.to_bits())
}

/// A limit or amount for a column of 32 bits.
pub(crate) fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Sums and counts of the database, which are never negative, for people.
pub(crate) fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

/// A page's number, from 1, and the rows before it.
pub(crate) fn offset(page: u32) -> (u32, i64) {
    let page = page.max(1);
    (page, i64::from(page - 1) * i64::from(PAGE_ROWS))
}

pub(crate) fn page_of<T>(rows: Vec<T>, total: i64, page: u32) -> Page<T> {
    Page {
        rows,
        total: u64::try_from(total).unwrap_or(0),
        page,
    }
}

/// What an update or delete of one row by its key did.
pub(crate) fn one(rows: usize) -> Result<(), Error> {
    if rows == 0 {
        Err(Error::NotFound)
    } else {
        Ok(())
    }
}
