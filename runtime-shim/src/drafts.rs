//! Components built with a draft of WASI that became the release as it was. Their names for its
//! interfaces are changed to versions that are compatible with the release: `0.3.0-rc-…`, which
//! is compatible with nothing, becomes `0.3.0+rc-…`. That is as long, so nothing moves.

use anyhow::Result;
use wasmparser::{Parser, Payload};

/// A component that has a function which the release lacks is refused when it is linked.
const DRAFTS: &[&str] = &["@0.2.0-rc-2023-11-10", "@0.3.0-rc-2026-03-15"];

/// Its functions were others; what a component exports had its later type already.
const HANDLER: &str = "wasi:http/incoming-handler@0.2.0-rc-2023-10-18";

/// Changes what `component` imports and exports, and nothing inside it.
pub(crate) fn take_over(component: &mut [u8]) -> Result<()> {
    let mut sections = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                sections.push(section.range())
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                sections.push(section.range())
            }
            _ => {}
        }
    }
    for section in sections {
        for name in DRAFTS.iter().chain([&HANDLER]) {
            release(&mut component[section.clone()], name);
        }
    }
    Ok(())
}

/// Whether an interface has its name from [`take_over`].
pub(crate) fn is_taken_over(interface: &str) -> bool {
    interface.contains("+rc-")
}

/// Turns the first `-` of the version in `name` into `+`, wherever `name` is in `section`.
fn release(section: &mut [u8], name: &str) {
    let Some(version) = name.find('@') else { return };
    let Some(dash) = name[version..].find('-') else { return };
    let found: Vec<_> = section
        .windows(name.len())
        .enumerate()
        .filter_map(|(start, window)| (window == name.as_bytes()).then_some(start))
        .collect();
    for start in found {
        section[start + version + dash] = b'+';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_outside_are_changed() -> Result<()> {
        let text = |draft: &str, handler: &str| {
            format!(
                r#"(component
                    (import "wasi:clocks/types@{draft}" (instance))
                    (core module (import "wasi:clocks/types@0.3.0-rc-2026-03-15" "now" (func)))
                    (component (import "wasi:clocks/types@0.3.0-rc-2026-03-15" (instance)))
                    (import "wasi:clocks/types@0.3.0-rc-2025-09-16" (instance))
                    (instance $i)
                    (export "wasi:http/incoming-handler@{handler}" (instance $i)))"#
            )
        };
        let mut component = wat::parse_str(text("0.3.0-rc-2026-03-15", "0.2.0-rc-2023-10-18"))?;
        take_over(&mut component)?;
        let expected = wat::parse_str(text("0.3.0+rc-2026-03-15", "0.2.0+rc-2023-10-18"))?;
        assert_eq!(component, expected);
        Ok(())
    }
}
