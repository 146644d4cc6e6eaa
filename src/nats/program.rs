//! Finds a `nats-server` program that is new enough.
//!
//! In: an explicit path, the environment, the project's tools folder, the search path, in this
//! order. Out: the program and its version. Nothing is downloaded here: `./test` and `./demo` do.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Error;
use super::client::{SERVER_FLOOR, version_of};

/// What to do when there is no program.
pub const NO_SERVER: &str =
    "no nats-server found: run ./demo or ./test once, or set WEIR_NATS_SERVER";

/// Where the set-up script puts the program.
const TOOLS_PATH: &str = ".tools/nats-server";

/// A `nats-server` that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// What it says its version is.
    pub version: String,
}

/// Finds the program to run. A path that was named must be usable; otherwise the first one that
/// is new enough is taken.
///
/// # Errors
/// None was found, or the one that was named is too old or does not run.
pub fn find_program(explicit: Option<&Path>) -> Result<Program, Error> {
    if let Some(path) = explicit {
        return probe(path).map_err(Error::NoProgram);
    }
    if let Some(path) = env::var_os("WEIR_NATS_SERVER").filter(|value| !value.is_empty()) {
        return probe(Path::new(&path))
            .map_err(|cause| Error::NoProgram(format!("WEIR_NATS_SERVER: {cause}")));
    }
    let search = env::var_os("PATH").unwrap_or_default();
    let candidates = std::iter::once(PathBuf::from(TOOLS_PATH))
        .chain(env::split_paths(&search).map(|folder| folder.join("nats-server")));
    let mut refused = None;
    for path in candidates.filter(|path| path.is_file()) {
        match probe(&path) {
            Ok(program) => return Ok(program),
            Err(cause) => refused = refused.or(Some(cause)),
        }
    }
    Err(Error::NoProgram(match refused {
        Some(cause) => format!("{NO_SERVER} ({cause})"),
        None => NO_SERVER.to_owned(),
    }))
}

/// Asks the program for its version.
fn probe(path: &Path) -> Result<Program, String> {
    let shown = path.display();
    let output = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{shown} does not run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // `nats-server: v2.15.1`
    let version = text
        .split_whitespace()
        .last()
        .map(|word| word.trim_start_matches('v').to_owned())
        .filter(|word| version_of(word).is_some())
        .ok_or_else(|| format!("{shown} is not a nats-server"))?;
    if version_of(&version) < Some(SERVER_FLOOR) {
        let (major, minor) = SERVER_FLOOR;
        return Err(format!("{shown} is version {version}, and {major}.{minor} is needed"));
    }
    // Made absolute, so that it still runs from another folder.
    let path = path.canonicalize().map_err(|error| format!("{shown} cannot be used: {error}"))?;
    Ok(Program { path, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_named_must_be_a_nats_server() {
        for path in ["/nowhere/nats-server", "/bin/true"] {
            let error = find_program(Some(Path::new(path))).expect_err("refused").to_string();
            assert!(error.contains(path), "{error}");
        }
    }
}
