//! Application variables: where their values come from, and the templates
//! (`{{ name }}`) in which a component uses them. Every source is known when
//! the host starts, so a component's read is a look-up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::manifest;
use crate::runtime_config::Provider;

pub(crate) const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";
/// What Spin takes for a name, so that each also makes one of an environment variable.
pub(crate) const VARIABLE_NAMES: &str =
    "a name is words with _ between them, of lower-case letters and digits, a letter first";

pub(crate) fn is_variable_name(name: &str) -> bool {
    name.split('_').all(|word| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    })
}

/// Every application variable with its value.
#[derive(Debug)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// `--variable` wins over the providers of the runtime config, those over
    /// the environment, that over the default. All missing ones are named at once.
    pub fn resolve(
        declared: &BTreeMap<String, manifest::Variable>,
        command_line: &BTreeMap<String, String>,
        providers: &[Provider],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self> {
        if let Some(name) = command_line.keys().find(|name| !declared.contains_key(*name)) {
            bail!("--variable {name}: the manifest declares no such variable under [variables]");
        }
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in declared {
            let mut offers =
                providers.iter().filter_map(|provider| provided(provider, name, environment));
            let value = command_line
                .get(name)
                .or_else(|| offers.next())
                .or_else(|| environment.get(&environment_name(name)))
                .or(variable.default.as_ref());
            match value {
                Some(value) => _ = values.insert(name.clone(), value.clone()),
                None => missing.push(format!("{name} (set {})", environment_name(name))),
            }
        }
        if !missing.is_empty() {
            bail!("required variables have no value: {}", missing.join(", "));
        }
        Ok(Self(values))
    }

    /// The variables of a component. One that a template names but nobody declares is found
    /// when the component is set up; one that no component uses is fine.
    pub fn of_component(
        &self,
        templates: &BTreeMap<String, String>,
    ) -> Result<HashMap<String, String>> {
        let filled = |(name, template): (&String, &String)| {
            let value = self.fill(template).with_context(|| format!("variable `{name}`"))?;
            Ok((name.clone(), value))
        };
        templates.iter().map(filled).collect()
    }

    /// Fills in the `{{ name }}` of `template`.
    pub fn fill(&self, template: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((literal, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").context("`{{` without `}}`")?;
            let name = name.trim();
            let value = self.0.get(name).with_context(|| {
                format!(
                    "`{{{{ {name} }}}}`: the manifest declares no such variable under [variables]"
                )
            })?;
            filled.push_str(literal);
            filled.push_str(value);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// An empty secret means an insecure default. That is for one's own
    /// machine: anywhere else the start is refused, if one of the `used` ones is empty.
    pub fn check_secrets(
        &self,
        declared: &BTreeMap<String, manifest::Variable>,
        used: &BTreeSet<String>,
        listen: SocketAddr,
    ) -> Result<()> {
        if listen.ip().is_loopback() {
            return Ok(());
        }
        let empty: Vec<_> = declared
            .iter()
            .filter(|(name, variable)| {
                variable.secret
                    && used.contains(*name)
                    && self.0.get(*name).is_none_or(String::is_empty)
            })
            .map(|(name, _)| format!("{name} (set {})", environment_name(name)))
            .collect();
        if !empty.is_empty() {
            bail!(
                "secret variables are empty, which is allowed on a loopback address only: {} — or pass --allow-empty-secrets",
                empty.join(", ")
            );
        }
        Ok(())
    }
}

/// The variables that a template uses.
pub(crate) fn names(template: &str) -> Vec<String> {
    let opened = template.split("{{").skip(1);
    let closed = opened.filter_map(|rest| rest.split_once("}}"));
    closed.map(|(name, _)| name.trim().to_owned()).collect()
}

fn environment_name(variable: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", variable.to_ascii_uppercase())
}

fn provided<'a>(
    provider: &'a Provider,
    name: &str,
    environment: &'a BTreeMap<String, String>,
) -> Option<&'a String> {
    match provider {
        Provider::Static { values } => values.get(name),
        Provider::Env { prefix: Some(prefix) } => {
            environment.get(&format!("{prefix}_{}", name.to_ascii_uppercase()))
        }
        Provider::Env { prefix: None } => environment.get(&environment_name(name)),
    }
}

/// The `--variable` arguments: `name=value`, `name=@file` with the value, or `@file` with TOML or JSON.
pub(crate) fn from_arguments(arguments: &[String]) -> Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for argument in arguments {
        if let Some(file) = argument.strip_prefix('@') {
            values.extend(from_file(Path::new(file))?);
        } else {
            let (name, value) = argument
                .split_once('=')
                .with_context(|| format!("--variable `{argument}`: write name=value or @file"))?;
            let value = match value.strip_prefix('@') {
                Some(file) => std::fs::read_to_string(file)
                    .with_context(|| format!("--variable {name}=@{file}: cannot read"))?,
                None => value.to_owned(),
            };
            values.insert(name.trim().to_owned(), value);
        }
    }
    Ok(values)
}

fn from_file(file: &Path) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("--variable @{}: cannot read", file.display()))?;
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("json") => serde_json::from_str(&text).with_context(|| {
            format!("--variable @{}: expected an object of strings", file.display())
        }),
        Some("toml") => manifest::parse_toml(file, &text),
        _ => bail!("--variable @{}: the file is .toml or .json", file.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> BTreeMap<String, manifest::Variable> {
        let default = |value: &str| manifest::Variable {
            default: Some(value.to_owned()),
            ..Default::default()
        };
        let required = || manifest::Variable { required: true, ..Default::default() };
        let secret = manifest::Variable { secret: true, ..default("") };
        [("a", default("default")), ("b", required()), ("c", required()), ("key", secret)]
            .map(|(name, variable)| (name.to_owned(), variable))
            .into()
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_command_line_wins_then_the_provider_then_the_environment() {
        let provider = |values| Provider::Static { values };
        let environment = ["SPIN_VARIABLE_A", "SPIN_VARIABLE_B", "SPIN_VARIABLE_C"];
        let environment = map(&environment.map(|name| (name, "environment")));
        let resolve = |line: &[(&str, &str)], values: &[(&str, &str)]| {
            Variables::resolve(&declared(), &map(line), &[provider(map(values))], &environment)
                .expect("resolves")
        };
        let filled = |variables: &Variables| variables.fill("{{ a }}/{{b}}").expect("fills");
        assert_eq!(
            filled(&resolve(&[("a", "line")], &[("a", "provider"), ("b", "provider")])),
            "line/provider"
        );
        assert_eq!(filled(&resolve(&[], &[])), "environment/environment");
    }

    #[test]
    fn all_missing_variables_are_named() {
        let error = Variables::resolve(&declared(), &map(&[]), &[], &map(&[]))
            .expect_err("missing")
            .to_string();
        assert!(error.contains("SPIN_VARIABLE_B") && error.contains("SPIN_VARIABLE_C"), "{error}");
    }

    #[test]
    fn an_undeclared_variable_is_refused() {
        let error = Variables::resolve(&declared(), &map(&[("x", "1")]), &[], &map(&[]))
            .expect_err("undeclared");
        assert!(error.to_string().contains("--variable x"));
    }

    #[test]
    fn an_empty_secret_is_for_loopback_only() {
        let variables =
            Variables::resolve(&declared(), &map(&[("b", ""), ("c", "")]), &[], &map(&[]))
                .expect("resolves");
        let check = |used: &[&str], address: &str| {
            let used = used.iter().map(|name| (*name).to_owned()).collect();
            variables.check_secrets(&declared(), &used, address.parse().expect("address"))
        };
        assert!(check(&["key"], "127.0.0.1:80").is_ok());
        assert!(check(&["key"], "[::1]:80").is_ok());
        assert!(check(&["a"], "0.0.0.0:80").is_ok(), "the key is of a component that is elsewhere");
        let error = check(&["a", "key"], "0.0.0.0:80").expect_err("refused").to_string();
        assert!(error.contains("SPIN_VARIABLE_KEY"), "{error}");
    }

    #[test]
    fn the_variables_of_a_template_are_named() {
        assert_eq!(names("http://{{ host }}:{{port}}/"), ["host", "port"]);
        assert_eq!(names("plain"), [""; 0]);
        assert_eq!(names("{{ open"), [""; 0]);
    }

    #[test]
    fn templates_are_filled_or_refused() {
        let variables = Variables(map(&[("host", "h")]));
        assert_eq!(variables.fill("http://{{ host }}:1").expect("fills"), "http://h:1");
        assert!(variables.fill("{{ other }}").is_err());
        assert!(variables.fill("{{ host").is_err());
    }
}
