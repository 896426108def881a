//! Scenario files by name, and all those in a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The schema lies beside the files and is none of them.
const SCHEMA: &str = "scenario.schema.json";

/// The files that are named, and those in the folders that are named, in order of their paths.
///
/// # Errors
/// A folder cannot be read. A file that cannot be read is found out by who reads it.
pub(super) fn scenario_files(named: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            collect(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            // What the crate is made of besides scenarios.
            if !matches!(name, "src" | "tests" | "target") && !name.starts_with('.') {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "json") && name != SCHEMA {
            files.push(path);
        }
    }
    Ok(())
}
