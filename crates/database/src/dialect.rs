//! One SQL text, as SQLite, PostgreSQL, MySQL and MariaDB want to read it.

use crate::Value;

/// What separates the databases for a statement. MariaDB reads what MySQL reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
    Mysql,
}

impl Dialect {
    /// By the scheme of a database's URL.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let (scheme, _) = url.split_once(':')?;
        match scheme {
            "sqlite" => Some(Self::Sqlite),
            "postgres" | "postgresql" => Some(Self::Postgres),
            "mysql" => Some(Self::Mysql),
            _ => None,
        }
    }

    /// The statement with its parameters, which stand as `?1`, `?2`, … in `sql`.
    ///
    /// `FOR UPDATE` at the end is left out for SQLite, where a transaction has the only write
    /// lock there is; `CAST(… AS BIGINT)` has another name on MySQL.
    pub(crate) fn translate(self, sql: &str, values: Vec<Value>) -> (String, Vec<Value>) {
        match self {
            Self::Sqlite => (sql.trim_end().trim_end_matches("FOR UPDATE").to_owned(), values),
            Self::Postgres => (renumbered(sql, |number| format!("${number}")), values),
            Self::Mysql => {
                let mut ordered = Vec::with_capacity(values.len());
                let text = renumbered(sql, |number| {
                    ordered.push(values.get(number - 1).cloned().unwrap_or(Value::Null));
                    "?".to_owned()
                });
                (text.replace(" AS BIGINT)", " AS SIGNED)"), ordered)
            }
        }
    }

    /// `(a, b) < (?1, ?2)` in the form from which this database reads a range of an index:
    /// MySQL takes none from a comparison of rows, PostgreSQL none from its expansion.
    pub fn keyset(self, columns: &[&str], sign: &str, parameters: &[usize]) -> String {
        let places: Vec<String> = parameters.iter().map(|number| format!("?{number}")).collect();
        if self != Self::Mysql {
            return format!("({}) {sign} ({})", columns.join(", "), places.join(", "));
        }
        let alternatives: Vec<String> = (0..columns.len())
            .map(|last| {
                let equal = (0..last).map(|i| format!("{} = {}", columns[i], places[i]));
                let differs = format!("{} {sign} {}", columns[last], places[last]);
                equal.chain([differs]).collect::<Vec<_>>().join(" AND ")
            })
            .collect();
        format!("(({}))", alternatives.join(") OR ("))
    }

    /// Stands behind a table whose rows are read in the order of `index`. MySQL and MariaDB else
    /// take another one with the same first column, and sort, or only its first column, and walk
    /// from there to the page; the others find it by themselves.
    pub fn in_order_of(self, index: &str) -> String {
        if self == Self::Mysql { format!(" FORCE INDEX ({index})") } else { String::new() }
    }

    /// Holds where `column` is like parameter `number`. Without `has_case` there is nothing in it
    /// that a database would have to turn into small letters, and MySQL compares bytes: a column
    /// of Korean takes it half of the time.
    pub fn contains(self, column: &str, number: usize, has_case: bool) -> String {
        match self {
            _ if has_case => format!("lower({column}) LIKE lower(?{number}) ESCAPE '!'"),
            Self::Mysql => format!("CAST({column} AS BINARY) LIKE ?{number} ESCAPE '!'"),
            Self::Sqlite | Self::Postgres => format!("{column} LIKE ?{number} ESCAPE '!'"),
        }
    }

    /// Holds where the column `tokens` of `table` has all tokens of parameter `number`, which
    /// [`Self::tokens`] makes. It narrows down by an index, see the migrations; that the text
    /// really contains the term has to be a further condition.
    pub fn has_tokens(self, table: &str, number: usize) -> String {
        match self {
            Self::Sqlite => format!(
                "{table}.rowid IN (SELECT rowid FROM {table}_tokens WHERE {table}_tokens MATCH ?{number})"
            ),
            Self::Postgres => {
                format!("string_to_array({table}.tokens, ' ') @> string_to_array(?{number}, ' ')")
            }
            Self::Mysql => format!("MATCH ({table}.tokens) AGAINST (?{number} IN BOOLEAN MODE)"),
        }
    }

    /// The parameter of [`Self::has_tokens`]: tokens of ASCII letters and digits, separated by
    /// spaces, as the crate `text` makes them.
    pub fn tokens(self, tokens: &str) -> Value {
        match self {
            Self::Sqlite | Self::Postgres => tokens.into(),
            Self::Mysql => {
                let required: Vec<String> =
                    tokens.split(' ').map(|token| format!("+{token}")).collect();
                required.join(" ").into()
            }
        }
    }
}

/// `sql` with each `?N` outside of quotes replaced.
fn renumbered(sql: &str, mut place: impl FnMut(usize) -> String) -> String {
    let mut text = String::with_capacity(sql.len() + 8);
    let mut rest = sql.chars().peekable();
    let mut quoted = false;
    while let Some(c) = rest.next() {
        quoted ^= c == '\'';
        if c != '?' || quoted {
            text.push(c);
            continue;
        }
        let mut number = 0;
        while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
            number = number * 10 + digit as usize;
            rest.next();
        }
        text.push_str(&place(number));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Dialect;
    use crate::Value;

    const SQL: &str = "SELECT '?1', CAST(sum(a) AS BIGINT) FROM b WHERE c = ?2 AND d IN (?1, ?12) AND e = ?1 FOR UPDATE";

    #[test]
    fn capital_letters_count_as_small_ones_where_there_are_any() {
        let cased = Dialect::Mysql.contains("body", 2, true);
        assert_eq!(cased, "lower(body) LIKE lower(?2) ESCAPE '!'");
        assert_eq!(
            [Dialect::Mysql, Dialect::Postgres].map(|dialect| dialect.contains("body", 2, false)),
            ["CAST(body AS BINARY) LIKE ?2 ESCAPE '!'", "body LIKE ?2 ESCAPE '!'"]
        );
    }

    #[test]
    fn places_follow_the_dialect() {
        let values: Vec<Value> = (1..=12).map(Value::Integer).collect();
        let (text, same) = Dialect::Sqlite.translate(SQL, values.clone());
        assert!(text.ends_with("AND e = ?1 ") && same == values, "{text}");
        let (text, same) = Dialect::Postgres.translate(SQL, values.clone());
        assert!(text.ends_with("c = $2 AND d IN ($1, $12) AND e = $1 FOR UPDATE"), "{text}");
        assert!(text.starts_with("SELECT '?1', CAST(sum(a) AS BIGINT)") && same == values);
        let (text, ordered) = Dialect::Mysql.translate(SQL, values);
        assert!(text.ends_with("c = ? AND d IN (?, ?) AND e = ? FOR UPDATE"), "{text}");
        assert!(text.starts_with("SELECT '?1', CAST(sum(a) AS SIGNED)"), "{text}");
        assert_eq!(ordered, [2, 1, 12, 1].map(Value::Integer));
    }

    #[test]
    fn a_keyset_is_compared_as_a_row_or_column_by_column() {
        let columns = ["a", "b", "c"];
        assert_eq!(Dialect::Postgres.keyset(&columns, "<", &[2, 3, 4]), "(a, b, c) < (?2, ?3, ?4)");
        assert_eq!(
            Dialect::Mysql.keyset(&columns, ">", &[2, 3, 4]),
            "((a > ?2) OR (a = ?2 AND b > ?3) OR (a = ?2 AND b = ?3 AND c > ?4))"
        );
    }
}
