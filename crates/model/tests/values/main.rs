//! Parsing of value types: accepted and rejected texts, and round trips through text and JSON. The
//! expected grammars are regular expressions, which the parsers do not use.

mod domains;
mod env;
mod image;
mod names;
mod net;
mod registries;
mod sizes;
mod text;

use std::{fmt::Debug, fmt::Display, str::FromStr};

use model::Invalid;
use proptest::{
    prelude::{Strategy, any, prop_oneof},
    prop_assert, prop_assert_eq,
    test_runner::TestCaseError,
};
use regex::Regex;
use serde::{Serialize, de::DeserializeOwned};

/// The traits of every value that is stored as text.
trait Value:
    FromStr<Err = Invalid> + Display + Debug + PartialEq + Serialize + DeserializeOwned
{
}
impl<T> Value for T where
    T: FromStr<Err = Invalid> + Display + Debug + PartialEq + Serialize + DeserializeOwned
{
}

/// Generates texts that match `valid`, texts one edit away from those, texts of the characters of
/// `alphabet`, and arbitrary texts.
fn texts(valid: &'static str, alphabet: &'static str) -> impl Strategy<Value = String> {
    let edited = (valid, alphabet, any::<usize>(), 0..4).prop_map(|(text, with, at, edit)| {
        let mut chars: Vec<char> = text.chars().collect();
        let at = at % (chars.len() + 1);
        let removed = usize::from(edit % 2 == 1 && at < chars.len());
        let added = with.chars().take(usize::from(edit >= 2));
        chars.splice(at..at + removed, added);
        chars.into_iter().collect()
    });
    prop_oneof![4 => edited, 1 => alphabet, 1 => any::<String>()]
}

/// A pattern that must match the whole text.
fn grammar(pattern: &str) -> Regex {
    match Regex::new(&format!(r"\A(?:{pattern})\z")) {
        Ok(regex) => regex,
        Err(error) => panic!("{error}"),
    }
}

/// Asserts that parsing succeeds exactly if `accepted`, and that a parsed value round-trips.
fn assert_parse<T: Value>(text: &str, accepted: bool) -> Result<(), TestCaseError> {
    let parsed = text.parse::<T>();
    prop_assert_eq!(parsed.is_ok(), accepted, "{:?} gave {:?}", text, parsed);
    match parsed {
        Ok(value) => round_trip(&value),
        Err(error) => {
            prop_assert!(
                error.to_string().ends_with('.'),
                "{error} is not a sentence"
            );
            Ok(())
        }
    }
}

/// Asserts that the value round-trips through text and JSON.
fn round_trip<T: Value>(value: &T) -> Result<(), TestCaseError> {
    let from_text = value.to_string().parse::<T>().ok();
    prop_assert_eq!(from_text.as_ref(), Some(value));
    let from_json = serde_json::to_value(value)
        .and_then(serde_json::from_value::<T>)
        .ok();
    prop_assert_eq!(from_json.as_ref(), Some(value));
    Ok(())
}

/// Asserts that each text of `good` parses and displays as its partner, and that each of `bad` is
/// rejected, in JSON as well.
fn assert_table<T: Value>(good: &[(&str, &str)], bad: &[&str]) {
    for (text, shown) in good {
        match text.parse::<T>() {
            Ok(value) => assert_eq!(value.to_string(), *shown, "for {text:?}"),
            Err(error) => panic!("{text:?} was rejected: {error}"),
        }
    }
    for text in bad {
        assert!(text.parse::<T>().is_err(), "{text:?} was accepted");
        let json = serde_json::Value::from(*text);
        assert!(
            serde_json::from_value::<T>(json).is_err(),
            "{text:?} was accepted in JSON"
        );
    }
}

/// The error message for an invalid text.
fn error_message<T: Value>(text: &str) -> String {
    match text.parse::<T>() {
        Ok(value) => panic!("{text:?} was accepted as {value}"),
        Err(error) => error.to_string(),
    }
}
