//! A topic's configuration values as text, as requests and records carry them.
//!
//! Mirrors what Kafka's `LogConfig.validate` and `ConfigDef.parseType` do for the keys of
//! [`TopicOverrides`].

use std::str::FromStr;

use thiserror::Error;

use crate::config::{CleanupPolicy, Millis, TopicOverrides};

/// A configuration value that a topic cannot have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigValueError {
    /// No such key, or none that is modelled.
    #[error("Unknown topic config name: {0}")]
    UnknownKey(String),
    /// The value is not of the key's type or range.
    #[error("Invalid value {value} for configuration {key}")]
    InvalidValue {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
}

/// Sets `key` to `value`, or removes it if `value` is none.
///
/// # Errors
/// The key is unknown, or the value is not one it can have; `overrides` is then as before.
pub fn set_topic_config(
    overrides: &mut TopicOverrides,
    key: &str,
    value: Option<&str>,
) -> Result<(), ConfigValueError> {
    let o = overrides;
    match key {
        "segment.bytes" => set(&mut o.segment_bytes, key, value, |v| number(v, 14)),
        "segment.ms" => set(&mut o.segment_ms, key, value, |v| number(v, 1).map(Millis)),
        "segment.index.bytes" => set(&mut o.segment_index_bytes, key, value, |v| number(v, 4)),
        "index.interval.bytes" => set(&mut o.index_interval_bytes, key, value, |v| number(v, 0)),
        "retention.ms" => set(&mut o.retention_ms, key, value, |v| number(v, -1)),
        "retention.bytes" => set(&mut o.retention_bytes, key, value, |v| number(v, -1)),
        "cleanup.policy" => set(&mut o.cleanup_policy, key, value, cleanup_policy),
        "max.message.bytes" => set(&mut o.max_message_bytes, key, value, |v| number(v, 0)),
        "min.insync.replicas" => set(&mut o.min_insync_replicas, key, value, |v| number(v, 1)),
        "unclean.leader.election.enable" => {
            set(&mut o.unclean_leader_election_enable, key, value, |v| v.parse().ok())
        }
        "flush.messages" => set(&mut o.flush_messages, key, value, |v| number(v, 1)),
        "flush.ms" => set(&mut o.flush_ms, key, value, |v| number(v, 0).map(Millis)),
        "file.delete.delay.ms" => {
            set(&mut o.file_delete_delay_ms, key, value, |v| number(v, 0).map(Millis))
        }
        unknown => Err(ConfigValueError::UnknownKey(unknown.to_owned())),
    }
}

fn set<T>(
    field: &mut Option<T>,
    key: &str,
    value: Option<&str>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<(), ConfigValueError> {
    *field = match value {
        None => None,
        Some(text) => Some(parse(text.trim()).ok_or_else(|| ConfigValueError::InvalidValue {
            key: key.to_owned(),
            value: text.to_owned(),
        })?),
    };
    Ok(())
}

fn number<T: FromStr + PartialOrd + Copy>(text: &str, at_least: T) -> Option<T> {
    text.parse().ok().filter(|number| at_least <= *number)
}

fn cleanup_policy(text: &str) -> Option<CleanupPolicy> {
    match text {
        "delete" => Some(CleanupPolicy::Delete),
        "none" => Some(CleanupPolicy::None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_set_and_removed_again() {
        let mut overrides = TopicOverrides::default();
        set_topic_config(&mut overrides, "min.insync.replicas", Some("2")).unwrap();
        assert_eq!(overrides.min_insync_replicas, Some(2));
        set_topic_config(&mut overrides, "min.insync.replicas", None).unwrap();
        assert_eq!(overrides, TopicOverrides::default());
    }

    #[test]
    fn an_unknown_key_and_an_impossible_value_are_refused_and_change_nothing() {
        let mut overrides = TopicOverrides::default();
        let error = set_topic_config(&mut overrides, "min.isr", Some("2")).unwrap_err();
        assert_eq!(error, ConfigValueError::UnknownKey("min.isr".to_owned()));
        for (key, value) in [
            ("min.insync.replicas", "0"),
            ("unclean.leader.election.enable", "yes"),
            ("cleanup.policy", "compact"),
            ("retention.ms", "-2"),
        ] {
            let error = set_topic_config(&mut overrides, key, Some(value)).unwrap_err();
            let expected =
                ConfigValueError::InvalidValue { key: key.to_owned(), value: value.to_owned() };
            assert_eq!(error, expected);
        }
        assert_eq!(overrides, TopicOverrides::default());
    }
}
