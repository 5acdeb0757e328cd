//! The house: each module uses its own floor of `src` or a lower one, and each file says in its first line what it is.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of `src`, from the ground up.
const FLOORS: [&str; 7] = ["ground", "vocabulary", "mechanisms", "shard", "core", "faces", "extras"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> (PathBuf, Vec<PathBuf>) {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&src, &mut found);
    found.sort();
    assert!(found.len() > 40, "the sources are found: {}", found.len());
    (src, found)
}

/// The module that a file is, as names from the crate's root.
fn module(src: &Path, file: &Path) -> Vec<String> {
    let path = file.strip_prefix(src).expect("a source lies in src").with_extension("");
    let mut names: Vec<String> = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if names.last().is_some_and(|name| name == "mod" || name == "lib") {
        names.pop();
    }
    names
}

/// The first name below the crate's root of each path in a line of code that begins with `crate` or `super`.
fn roots(line: &str, module: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::").chain(line.match_indices("super::")) {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let (mut base, mut rest) = (module.to_vec(), &line[at..]);
        if let Some(after) = rest.strip_prefix("crate::") {
            (base, rest) = (Vec::new(), after);
        }
        while let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        }
        let next: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        found.push(base.first().cloned().unwrap_or(next));
    }
    found
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| *floor == name)
}

#[test]
fn no_module_uses_a_floor_above_its_own() {
    let (src, files) = all_sources();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for file in &files {
        let module = module(&src, file);
        let Some(own) = module.first().and_then(|name| floor(name)) else { continue };
        let text = fs::read_to_string(file).expect("the source can be read");
        // A module inside the file adds a name that `super` takes away again; the tests at a file's end are such.
        let code = text.lines().take_while(|line| !line.starts_with("mod tests {") && !line.starts_with("mod loom {"));
        for line in code.filter(|line| !line.trim_start().starts_with("//")) {
            for root in roots(line, &module) {
                checked += 1;
                if floor(&root).is_none_or(|used| used > own) {
                    wrong.push(format!("{}: {}", file.display(), line.trim()));
                }
            }
        }
    }
    assert!(checked > 200, "only {checked} paths were seen");
    assert!(wrong.is_empty(), "paths to a higher floor:\n{}", wrong.join("\n"));
}

#[test]
fn every_source_says_first_what_it_is() {
    for file in all_sources().1 {
        let text = fs::read_to_string(&file).expect("the source can be read");
        assert!(text.starts_with("//! ") || text.starts_with("#![doc"), "{} has no first line that says what it is", file.display());
    }
}

#[test]
fn locks_and_atomics_are_imported_in_one_place() {
    for file in all_sources().1 {
        let text = fs::read_to_string(&file).expect("the source can be read");
        let is_facade = file.ends_with("ground/sync.rs");
        let is_test = file.components().any(|part| part.as_os_str() == "tests.rs" || part.as_os_str() == "loom.rs");
        let code = text.split("\nmod tests {").next().unwrap_or(&text);
        let imports = ["parking_lot::", "std::sync::atomic", "std::sync::Mutex", "std::sync::RwLock", "loom::sync", "shuttle::sync"];
        let found = imports.iter().find(|import| code.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(**import)));
        assert!(found.is_none() || is_facade || is_test, "{} imports {found:?}", file.display());
    }
}

#[test]
fn the_check_itself_finds_a_wrong_path() {
    let module = vec!["ground".to_owned(), "slab".to_owned()];
    assert_eq!(roots("use crate::faces::cache::Cache;", &module), ["faces"]);
    assert_eq!(roots("use super::super::core::shared;", &module), ["core"]);
    assert_eq!(roots("use super::chain::Link;", &module), ["ground"]);
    assert_eq!(roots("let x = crate::Cache::new();", &module), ["Cache"]);
    assert!(floor("Cache").is_none());
}
