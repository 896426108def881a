//! `highwater list`: the scenarios there are, and the words that a file can use.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use serde_json::{Value, json};

use super::{Exit, Terminal, files};
use crate::format::{Action, Describer, Resolved, ScenarioFile, checked_schema, events};

/// What to list.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  highwater list
  highwater list --events | grep -A9 elected
  highwater list --faults --json")]
pub struct ListArgs {
    /// Scenario files, or folders of them
    #[arg(value_name = "FILE", default_value = "scenarios")]
    files: Vec<PathBuf>,
    /// The events that `when` and `until` can name, with their fields
    #[arg(long, conflicts_with = "faults")]
    events: bool,
    /// What `do` can do, with the keys of each
    #[arg(long)]
    faults: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Writes entries for people.
type Writer = fn(&[Value], &mut dyn Write) -> io::Result<()>;

/// What nobody should look for.
const NOT_MODELLED: &str = "\
Not modelled: transactions, consumer groups, compaction, compression, tiered storage, quorums of
controllers, share groups.";

pub(super) fn list(args: &ListArgs, terminal: &mut Terminal<'_>) -> io::Result<Exit> {
    let (entries, write): (_, Writer) = if args.events {
        (event_entries(), write_words)
    } else if args.faults {
        (fault_entries(), write_words)
    } else {
        match scenario_entries(args, terminal)? {
            Ok(entries) => (entries, write_scenarios),
            Err(exit) => return Ok(exit),
        }
    };
    if args.json {
        serde_json::to_writer_pretty(&mut terminal.out, &entries)?;
        writeln!(terminal.out)?;
    } else {
        write(&entries, terminal.out)?;
    }
    Ok(Exit::Passed)
}

fn scenario_entries(
    args: &ListArgs,
    terminal: &mut Terminal<'_>,
) -> io::Result<Result<Vec<Value>, Exit>> {
    let mut entries = Vec::new();
    let mut exit = None;
    for path in files::scenario_files(&args.files)? {
        let read = ScenarioFile::read(&path);
        match read.and_then(|file| file.check().map(|resolved| (file.variants(), resolved))) {
            Ok((variants, resolved)) => entries.push(scenario_entry(&variants, &resolved)),
            Err(error) => {
                terminal.refuse(&error)?;
                exit = Some(Exit::BadUsage);
            }
        }
    }
    if entries.is_empty() && exit.is_none() {
        writeln!(terminal.err, "no scenario files there")?;
        exit = Some(Exit::BadUsage);
    }
    Ok(exit.map_or(Ok(entries), Err))
}

fn scenario_entry(variants: &[String], resolved: &Resolved) -> Value {
    let scenario = &resolved.scenario;
    json!({
        "name": scenario.name,
        "file": *resolved.file,
        "about": scenario.about,
        "sources": scenario.sources,
        "protocol": scenario.cluster.protocol.name(),
        "seeds": scenario.seeds,
        "variants": variants,
        "expect": scenario.expect,
    })
}

fn event_entries() -> Vec<Value> {
    let entry = |kind: &events::EventKind| {
        let field = |(name, field): (&String, &events::EventField)| {
            let (about, values) = (&field.about, &field.values);
            json!({ "name": name, "about": about, "values": values })
        };
        json!({
            "name": kind.name,
            "by": kind.group,
            "about": kind.about,
            "keys": kind.fields.iter().map(field).collect::<Vec<_>>(),
        })
    };
    events::all().iter().map(entry).collect()
}

/// The actions as the schema has them, one branch for each in the order of their names, and at
/// last what picks messages out, which several of them have.
fn fault_entries() -> Vec<Value> {
    let branches = checked_schema().pointer("/$defs/Action/anyOf").and_then(Value::as_array);
    let actions = branches.into_iter().flatten().zip(Action::NAMES);
    let mut entries: Vec<_> = actions.map(|(branch, name)| keys_entry(name, branch)).collect();
    let messages = checked_schema().pointer("/$defs/Messages");
    entries.extend(messages.map(|schema| keys_entry("messages", schema)));
    entries
}

/// An object's keys with what they say, the one that it is named after first.
fn keys_entry(name: &str, schema: &'static Value) -> Value {
    let describer = Describer::new(checked_schema());
    let schema = describer.resolve(schema);
    let properties = schema.get("properties").and_then(Value::as_object);
    let key = |(name, schema): (&String, &'static Value)| {
        let (about, values) = (text(schema), describer.describe(schema));
        json!({ "name": name, "about": about, "values": values })
    };
    let (mut keys, others): (Vec<_>, Vec<_>) =
        properties.into_iter().flatten().partition(|(key, _)| *key == name);
    keys.extend(others);
    let keys: Vec<_> = keys.into_iter().map(key).collect();
    json!({ "name": name, "about": text(schema), "keys": keys })
}

fn text(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

fn write_scenarios(entries: &[Value], out: &mut dyn Write) -> io::Result<()> {
    for entry in entries {
        let words = |key: &str| -> Vec<String> {
            let list = entry[key].as_array().into_iter().flatten();
            list.map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect()
        };
        writeln!(out, "{}", entry["name"].as_str().unwrap_or_default())?;
        write_wrapped(entry["about"].as_str().unwrap_or_default(), 4, out)?;
        let variants = words("variants");
        if !variants.is_empty() {
            writeln!(out, "    variants: {}", variants.join(", "))?;
        }
        let (seeds, sources) = (words("seeds").join(", "), words("sources").join("; "));
        writeln!(out, "    protocol {}, seeds {seeds}", entry["protocol"].as_str().unwrap_or("?"))?;
        writeln!(out, "    {sources}\n")?;
    }
    writeln!(out, "{NOT_MODELLED}")
}

fn write_words(entries: &[Value], out: &mut dyn Write) -> io::Result<()> {
    let text = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned();
    for entry in entries {
        let by = entry.get("by").map_or_else(String::new, |by| format!(" ({})", text(by)));
        writeln!(out, "{}{by}", text(&entry["name"]))?;
        write_wrapped(&text(&entry["about"]), 4, out)?;
        for key in entry["keys"].as_array().into_iter().flatten() {
            let (name, values) = (text(&key["name"]), text(&key["values"]));
            writeln!(out, "      {name}: {values}")?;
            write_wrapped(&text(&key["about"]), 10, out)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_wrapped(text: &str, indent: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column == 0 || 100 < column + 1 + width {
            let line_end = if column == 0 { "" } else { "\n" };
            write!(out, "{line_end}{:indent$}{word}", "")?;
            column = indent + width;
        } else {
            write!(out, " {word}")?;
            column += 1 + width;
        }
    }
    if 0 < column { writeln!(out) } else { Ok(()) }
}
