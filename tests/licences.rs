//! Every dependency has a licence, a source and a name that `.deny.toml` allows.
//!
//! In: `.deny.toml`, what cargo says about each package, and which packages are really built (the
//! lock file also lists some that no feature of ours switches on). Out: a failed test that lists
//! each package and what is wrong with it. Needs no network and nothing beyond cargo; advisories
//! are the part that only `cargo deny` can check.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: BTreeSet<String>,
    allow_git: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Clone, Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

impl Policy {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/.deny.toml");
        let text = std::fs::read_to_string(path).expect("the policy is there");
        toml::from_str(&text).expect("the policy is valid")
    }

    /// What is wrong with a package that is built.
    fn problems(&self, package: &Package) -> Vec<String> {
        let problems = [self.ban(package), self.source(package), self.licence(package)];
        let label = format!("{} {}", package.name, package.version);
        problems.into_iter().flatten().map(|text| format!("{label}: {text}")).collect()
    }

    fn ban(&self, package: &Package) -> Option<String> {
        let ban = self.bans.deny.iter().find(|ban| ban.name == package.name)?;
        Some(format!("is banned: {}", ban.reason))
    }

    /// A path inside the repository has no source.
    fn source(&self, package: &Package) -> Option<String> {
        let source = package.source.as_deref()?;
        let is_allowed = match source.split_once('+') {
            Some(("registry" | "sparse", url)) => self.sources.allow_registry.contains(url),
            Some(("git", url)) => {
                let url = url.split(['?', '#']).next().unwrap_or(url);
                self.sources.allow_git.contains(url)
            }
            _ => false,
        };
        (!is_allowed).then(|| format!("comes from {source}, which is not allowed"))
    }

    fn licence(&self, package: &Package) -> Option<String> {
        let Some(expression) = &package.license else {
            return Some("states no licence".to_owned());
        };
        let exception = self.licenses.exceptions.iter().find(|one| one.name == package.name);
        let is_allowed = |licence: &str| {
            self.licenses.allow.contains(licence)
                || exception.is_some_and(|exception| exception.allow.contains(licence))
        };
        match evaluate(expression, &is_allowed) {
            Some(true) => None,
            Some(false) => Some(format!("has the licence {expression}, which is not allowed")),
            None => Some(format!("has the licence {expression}, which cannot be read")),
        }
    }
}

/// Whether an SPDX expression can be satisfied with allowed licences; `None` if it is not one.
///
/// `/` is the old way to write `OR`. `AND` binds closer than `OR`, and `WITH` belongs to the name.
fn evaluate(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let (value, rest) = any_of(&tokens, is_allowed)?;
    rest.is_empty().then_some(value)
}

type Read<'a, 'b> = Option<(bool, &'a [&'b str])>;

fn any_of<'a, 'b>(tokens: &'a [&'b str], is_allowed: &dyn Fn(&str) -> bool) -> Read<'a, 'b> {
    let (mut value, mut rest) = all_of(tokens, is_allowed)?;
    while let Some((&"OR", after)) = rest.split_first() {
        let (next, remaining) = all_of(after, is_allowed)?;
        (value, rest) = (value | next, remaining);
    }
    Some((value, rest))
}

fn all_of<'a, 'b>(tokens: &'a [&'b str], is_allowed: &dyn Fn(&str) -> bool) -> Read<'a, 'b> {
    let (mut value, mut rest) = one(tokens, is_allowed)?;
    while let Some((&"AND", after)) = rest.split_first() {
        let (next, remaining) = one(after, is_allowed)?;
        (value, rest) = (value & next, remaining);
    }
    Some((value, rest))
}

fn one<'a, 'b>(tokens: &'a [&'b str], is_allowed: &dyn Fn(&str) -> bool) -> Read<'a, 'b> {
    match tokens {
        ["(", inside @ ..] => {
            let (value, rest) = any_of(inside, is_allowed)?;
            let (&")", rest) = rest.split_first()? else { return None };
            Some((value, rest))
        }
        [")" | "OR" | "AND" | "WITH", ..] | [] => None,
        [name, "WITH", exception, rest @ ..] => {
            Some((is_allowed(&format!("{name} WITH {exception}")), rest))
        }
        [name, rest @ ..] => Some((is_allowed(name), rest)),
    }
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(arguments)
        .args(["--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?} failed; run `cargo fetch`:\n{errors}");
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

/// The packages that some platform builds with some of our features.
fn built_packages() -> Vec<Package> {
    let metadata: Metadata =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--all-features"]))
            .expect("cargo writes its own format");
    let tree = cargo(&[
        "tree",
        "--prefix=none",
        "--format={p}",
        "--edges=normal,build,dev",
        "--target=all",
        "--all-features",
    ]);
    let built: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        })
        .collect();
    let is_built =
        |package: &Package| built.contains(&(package.name.as_str(), package.version.as_str()));
    metadata.packages.into_iter().filter(is_built).collect()
}

#[test]
fn every_dependency_is_allowed() {
    let policy = Policy::read();
    let packages = built_packages();
    assert!(packages.len() > 100, "cargo named only {} packages", packages.len());
    let problems: Vec<String> =
        packages.iter().flat_map(|package| policy.problems(package)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_exception_is_still_needed() {
    let policy = Policy::read();
    let packages: BTreeMap<String, Package> =
        built_packages().into_iter().map(|package| (package.name.clone(), package)).collect();
    let without =
        Policy { licenses: Licenses { exceptions: Vec::new(), ..policy.licenses }, ..policy };
    for exception in Policy::read().licenses.exceptions {
        let package = packages.get(&exception.name);
        let package = package.unwrap_or_else(|| panic!("{} is not built", exception.name));
        assert!(without.licence(package).is_some(), "{} needs no exception", exception.name);
    }
}

fn package(name: &str, license: Option<&str>, source: Option<&str>) -> Package {
    Package {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        license: license.map(str::to_owned),
        source: source.map(str::to_owned),
    }
}

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn forbidden_dependency_is_named_with_what_is_wrong() {
    let policy = Policy::read();
    for (name, license, source, wrong) in [
        ("copyleft", Some("GPL-3.0-only"), Some(CRATES_IO), "copyleft 1.0.0: has the licence GPL"),
        ("both", Some("MIT AND GPL-3.0-only"), Some(CRATES_IO), "which is not allowed"),
        ("silent", None, Some(CRATES_IO), "states no licence"),
        ("broken", Some("MIT OR"), Some(CRATES_IO), "cannot be read"),
        ("other", Some("CC0-1.0"), Some(CRATES_IO), "which is not allowed"),
        ("openssl-sys", Some("MIT"), Some(CRATES_IO), "is banned: TLS"),
        ("forked", Some("MIT"), Some("git+https://example.com/a?rev=1#2"), "comes from git"),
        ("private", Some("MIT"), Some("registry+https://example.com/index"), "comes from registry"),
    ] {
        let problems = policy.problems(&package(name, license, source));
        assert_eq!(problems.len(), 1, "{name}: {problems:?}");
        assert!(problems[0].contains(wrong), "{name}: {problems:?}");
    }
}

#[test]
fn allowed_dependency_has_no_problem() {
    let policy = Policy::read();
    for (name, license, source) in [
        ("choice", Some("GPL-3.0-only OR MIT"), Some(CRATES_IO)),
        ("ours", Some("Apache-2.0"), None),
        ("notify", Some("CC0-1.0"), Some(CRATES_IO)),
    ] {
        assert_eq!(policy.problems(&package(name, license, source)), [""; 0]);
    }
}

#[test]
fn licence_expressions_are_understood() {
    let is_allowed = |name: &str| matches!(name, "MIT" | "ISC" | "Apache-2.0 WITH LLVM-exception");
    for (expression, expected) in [
        ("MIT", Some(true)),
        ("GPL-3.0-only", Some(false)),
        ("GPL-3.0-only OR MIT", Some(true)),
        ("GPL-3.0-only/MIT", Some(true)),
        ("GPL-3.0-only / MIT", Some(true)),
        ("GPL-3.0-only AND MIT", Some(false)),
        ("MIT OR ISC AND GPL-3.0-only", Some(true)),
        ("(MIT OR ISC) AND GPL-3.0-only", Some(false)),
        ("ISC AND (GPL-3.0-only OR MIT)", Some(true)),
        ("Apache-2.0 WITH LLVM-exception", Some(true)),
        ("Apache-2.0", Some(false)),
        ("", None),
        ("MIT AND", None),
        ("(MIT", None),
        ("MIT ISC", None),
    ] {
        assert_eq!(evaluate(expression, &is_allowed), expected, "{expression}");
    }
}
