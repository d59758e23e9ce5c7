//! The leaf values: what they accept, what they refuse, and that text and JSON bring them back.
//! Grammars are checked against regular expressions, which the parsers do not use.

mod domains;
mod env;
mod image;
mod names;
mod net;
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

/// What every value that is written as text can do.
trait Value:
    FromStr<Err = Invalid> + Display + Debug + PartialEq + Serialize + DeserializeOwned
{
}
impl<T> Value for T where
    T: FromStr<Err = Invalid> + Display + Debug + PartialEq + Serialize + DeserializeOwned
{
}

/// Texts that match `valid`, texts one character away from it, texts of the characters of
/// `alphabet`, and any text at all.
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

/// A test for a whole text.
fn grammar(pattern: &str) -> Regex {
    match Regex::new(&format!(r"\A(?:{pattern})\z")) {
        Ok(regex) => regex,
        Err(why) => panic!("{why}"),
    }
}

/// Parsing accepts the text exactly if it should, and what is accepted survives text and JSON.
fn held<T: Value>(text: &str, accepted: bool) -> Result<(), TestCaseError> {
    let parsed = text.parse::<T>();
    prop_assert_eq!(parsed.is_ok(), accepted, "{:?} gave {:?}", text, parsed);
    match parsed {
        Ok(value) => round_trip(&value),
        Err(why) => {
            prop_assert!(why.to_string().ends_with('.'), "{why} is no sentence");
            Ok(())
        }
    }
}

/// Text and JSON both bring back the value.
fn round_trip<T: Value>(value: &T) -> Result<(), TestCaseError> {
    let from_text = value.to_string().parse::<T>().ok();
    prop_assert_eq!(from_text.as_ref(), Some(value));
    let from_json = serde_json::to_value(value)
        .and_then(serde_json::from_value::<T>)
        .ok();
    prop_assert_eq!(from_json.as_ref(), Some(value));
    Ok(())
}

/// Each text of `good` is accepted and shown as its partner; each of `bad` is refused, in JSON too.
fn table<T: Value>(good: &[(&str, &str)], bad: &[&str]) {
    for (text, shown) in good {
        match text.parse::<T>() {
            Ok(value) => assert_eq!(value.to_string(), *shown, "for {text:?}"),
            Err(why) => panic!("{text:?} was refused: {why}"),
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

/// The sentence with which a text is refused.
fn refusal<T: Value>(text: &str) -> String {
    match text.parse::<T>() {
        Ok(value) => panic!("{text:?} was accepted as {value}"),
        Err(why) => why.to_string(),
    }
}
