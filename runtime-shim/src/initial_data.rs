//! What `--sqlite` and `--key-value` put into databases before anything is served, as in Spin.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::app::{App, Component};
use crate::imports;
use crate::sqlite::Database;

const DEFAULT: &str = "default";

/// `sql`: a statement each, or @FILE[:DATABASE]; `pairs`: KEY=VALUE each.
pub(crate) fn write(app: &App, sql: &[String], pairs: &[String]) -> Result<()> {
    for argument in sql {
        run_script(app, argument).with_context(|| format!("--sqlite `{argument}`"))?;
    }
    for pair in pairs {
        set(app, pair).with_context(|| format!("--key-value `{pair}`"))?;
    }
    Ok(())
}

fn run_script(app: &App, argument: &str) -> Result<()> {
    let (script, name) = match argument.strip_prefix('@') {
        Some(file) => {
            let (file, name) = file.split_once(':').unwrap_or((file, DEFAULT));
            let script = std::fs::read_to_string(file.trim())
                .with_context(|| format!("cannot read {file}"))?;
            (script, name.trim())
        }
        None => (argument.to_owned(), DEFAULT),
    };
    let of = |component: &Component| component.databases.get(name).cloned();
    let database =
        found(app, of).with_context(|| format!("no component has the SQLite database `{name}`"))?;
    database.run_script(&script).map_err(|error| anyhow::anyhow!(error.0))
}

fn set(app: &App, pair: &str) -> Result<()> {
    let (key, value) = pair.split_once('=').context("write KEY=VALUE")?;
    let of = |component: &Component| component.stores.get(DEFAULT).cloned();
    let store = found(app, of).context("no component has the key-value store `default`")?;
    store
        .write(imports::KEY_VALUE_SET, (DEFAULT, key, value.as_bytes()))
        .map_err(|error| anyhow::anyhow!(error.0))
}

/// What one of the components was given.
fn found(app: &App, of: impl Fn(&Component) -> Option<Arc<Database>>) -> Option<Arc<Database>> {
    app.components.iter().find_map(|component| of(component))
}
