//! Tests of the whole way from text to scenario, or to one clear message.

use super::*;

fn scenario_files() -> Vec<ScenarioFile> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "json"));
    paths.retain(|path| !path.ends_with("scenario.schema.json"));
    paths.sort();
    paths.iter().map(|path| ScenarioFile::read(path).unwrap()).collect()
}

#[test]
fn every_file_is_a_scenario() {
    for file in scenario_files() {
        if let Err(error) = file.check() {
            panic!("{error}\n{:?}", error.advice());
        }
    }
}
