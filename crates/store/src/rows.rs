//! Conversion between columns and model values. A column that does not parse results in
//! [`Error::Internal`] with its table and row, never in a panic.

use std::{fmt::Display, net::Ipv4Addr, str::FromStr};

use model::page::{PAGE_ROWS, Page};

use crate::Error;

/// The table and row that a value was read from, for error messages.
#[derive(Clone, Copy)]
pub(crate) struct RowRef<'a> {
    table: &'a str,
    id: &'a dyn Display,
}

impl<'a> RowRef<'a> {
    pub(crate) fn new(table: &'a str, id: &'a dyn Display) -> Self {
        Self { table, id }
    }

    pub(crate) fn invalid(self, column: &str, reason: &dyn Display) -> Error {
        Error::internal(format!(
            "{}.{column} of row {}: {reason}",
            self.table, self.id
        ))
    }

    pub(crate) fn parse<T>(self, column: &str, text: &str) -> Result<T, Error>
    where
        T: FromStr,
        T::Err: Display,
    {
        text.parse().map_err(|e| self.invalid(column, &e))
    }

    pub(crate) fn parse_optional<T>(
        self,
        column: &str,
        text: Option<&str>,
    ) -> Result<Option<T>, Error>
    where
        T: FromStr,
        T::Err: Display,
    {
        text.map(|text| self.parse(column, text)).transpose()
    }

    /// Converts a number to another integer type, such as `u32`.
    pub(crate) fn convert_number<N, I>(self, column: &str, number: I) -> Result<N, Error>
    where
        N: TryFrom<I>,
        N::Error: Display,
    {
        number.try_into().map_err(|e| self.invalid(column, &e))
    }

    /// Converts a number by way of the integer type `N` to a validated type `T`.
    pub(crate) fn checked_number<T, N, I>(self, column: &str, number: I) -> Result<T, Error>
    where
        N: TryFrom<I>,
        N::Error: Display,
        T: TryFrom<N>,
        T::Error: Display,
    {
        T::try_from(self.convert_number::<N, I>(column, number)?)
            .map_err(|e| self.invalid(column, &e))
    }

    pub(crate) fn parse_json<T: serde::de::DeserializeOwned>(
        self,
        column: &str,
        text: &str,
    ) -> Result<T, Error> {
        serde_json::from_str(text).map_err(|e| self.invalid(column, &e))
    }
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| Error::internal(e.to_string()))
}

/// An IPv4 address as a number, for sorting.
pub(crate) fn address_number(address: Ipv4Addr) -> i64 {
    i64::from(address.to_bits())
}

/// Converts a number for a 32-bit column.
pub(crate) fn to_i32(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Converts a count or sum of the database, which is never negative.
pub(crate) fn to_u32(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

/// The page number, at least 1, and the number of rows before that page.
pub(crate) fn page_offset(page: u32) -> (u32, i64) {
    let page = page.max(1);
    (page, i64::from(page - 1) * i64::from(PAGE_ROWS))
}

pub(crate) fn to_page<T>(rows: Vec<T>, total: i64, page: u32) -> Page<T> {
    Page {
        rows,
        total: u64::try_from(total).unwrap_or(0),
        page,
    }
}

/// Checks that an update or delete by primary key changed a row.
pub(crate) fn ensure_found(rows: usize) -> Result<(), Error> {
    if rows == 0 {
        Err(Error::NotFound)
    } else {
        Ok(())
    }
}
