//! Texts that are more than text: what the `format` of a schema asks of them.

use super::{
    Bandwidth, Issue, KeyPath, Period, Share, SignedPeriod, Target, names, units::Expected,
};

/// Checks a text against a format. Formats that only tell editors something accept everything.
pub(super) fn check(format: &str, text: &str, path: &KeyPath) -> Result<(), Issue> {
    let refused = |Expected(expected): Expected| {
        Issue::value(path.clone(), format!("expected {expected}, not \"{text}\""))
    };
    match format {
        "duration" => text.parse::<Period>().map(drop).map_err(refused),
        "signed-duration" => text.parse::<SignedPeriod>().map(drop).map_err(refused),
        "bandwidth" => text.parse::<Bandwidth>().map(drop).map_err(refused),
        "share" => text.parse::<Share>().map(drop).map_err(refused),
        "target" => text.parse::<Target>().map(drop).map_err(refused),
        "name" => name(text).map_err(refused),
        "topic" => topic(text).map_err(refused),
        "api" if names::apis().any(|api| api == text) => Ok(()),
        "api" => {
            let message = format!("no API of Kafka is called `{text}`");
            Err(Issue::value(path.clone(), message).nearest(text, names::apis()))
        }
        _ => Ok(()),
    }
}

/// What a text of this format is called in messages.
pub(super) fn describe(format: &str) -> Option<&'static str> {
    Some(match format {
        "duration" => r#"a duration such as "250ms""#,
        "signed-duration" => r#"a duration such as "5s" or "-5s""#,
        "bandwidth" => r#"a bandwidth such as "10MB/s""#,
        "share" => r#"a share such as "1%""#,
        "target" => "a node's name or a role",
        "name" => "a name",
        "topic" => "a topic's name",
        "api" => "the name of an API",
        _ => return None,
    })
}

fn name(text: &str) -> Result<(), Expected> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edges = text.starts_with('-') || text.ends_with('-');
    if (1..=100).contains(&text.len()) && text.bytes().all(allowed) && !edges {
        return Ok(());
    }
    Err(Expected("a name of lower-case letters, digits and hyphens".to_owned()))
}

/// Kafka's own rule (`Topic.validate`).
fn topic(text: &str) -> Result<(), Expected> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let reserved = matches!(text, "." | "..") || text.starts_with("__");
    if (1..=249).contains(&text.len()) && text.bytes().all(allowed) && !reserved {
        return Ok(());
    }
    let rule = "a topic's name: at most 249 letters, digits, dots, hyphens and underscores";
    Err(Expected(rule.to_owned()))
}
