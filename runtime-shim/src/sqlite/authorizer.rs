//! What a component may not do to a database that others share.

use std::sync::atomic::Ordering::Relaxed;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::weight::Seen;

/// Denied are reaching other files (ATTACH, and VACUUM INTO, which attaches), loading code, and
/// changing how the file is written or what the process may take. Settings of the connection alone
/// are allowed; such a connection is not given to the next one.
pub(super) fn authorize(context: &AuthContext<'_>, seen: &Seen) -> Authorization {
    if matches!(context.action, AuthAction::Pragma { .. }) {
        seen.pragma.store(true, Relaxed);
    }
    match &context.action {
        // VACUUM attaches a file without a name; so may a guest, which its successor must not see.
        AuthAction::Attach { filename: "" } => {
            seen.own_schema.store(true, Relaxed);
            seen.changed.store(true, Relaxed);
            Authorization::Allow
        }
        // Of a name that is an expression nothing is told.
        AuthAction::Attach { .. } | AuthAction::Unknown { .. } => Authorization::Deny,
        AuthAction::Function { function_name }
            if function_name.eq_ignore_ascii_case("load_extension") =>
        {
            Authorization::Deny
        }
        AuthAction::Pragma { pragma_name, pragma_value: Some(_) } => {
            match pragma_name.to_ascii_lowercase().as_str() {
                "table_info" | "table_xinfo" | "table_list" | "index_list" | "index_info"
                | "index_xinfo" | "foreign_key_list" | "foreign_key_check" | "integrity_check"
                | "quick_check" | "user_version" | "application_id" | "optimize"
                | "incremental_vacuum" | "wal_checkpoint" => Authorization::Allow,
                "foreign_keys"
                | "defer_foreign_keys"
                | "ignore_check_constraints"
                | "recursive_triggers"
                | "reverse_unordered_selects"
                | "automatic_index"
                | "query_only"
                | "read_uncommitted"
                | "legacy_alter_table"
                | "case_sensitive_like"
                | "trusted_schema"
                | "cell_size_check"
                | "analysis_limit"
                | "auto_vacuum"
                | "full_column_names"
                | "short_column_names" => {
                    seen.changed.store(true, Relaxed);
                    Authorization::Allow
                }
                // Without effect, as in SQLite itself with a name that it does not know.
                _ => Authorization::Ignore,
            }
        }
        AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTable { .. }
        | AuthAction::CreateIndex { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::CreateTrigger { .. }
        | AuthAction::CreateVtable { .. }
        | AuthAction::DropTable { .. }
        | AuthAction::DropIndex { .. }
        | AuthAction::DropView { .. }
        | AuthAction::DropTrigger { .. }
        | AuthAction::DropVtable { .. }
        | AuthAction::AlterTable { .. }
        | AuthAction::Analyze { .. } => {
            seen.schema.store(true, Relaxed);
            let database = match context.action {
                AuthAction::AlterTable { database_name, .. } => Some(database_name),
                _ => context.database_name,
            };
            // `create table temp.t` is none of TEMP to SQLite.
            if database != Some("main") {
                seen.own_schema.store(true, Relaxed);
                seen.changed.store(true, Relaxed);
            }
            Authorization::Allow
        }
        _ => Authorization::Allow,
    }
}
