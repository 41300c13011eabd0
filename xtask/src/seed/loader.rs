//! Rows, as a client takes many of them: COPY for PostgreSQL, INSERTs of many rows for the others.

use std::fmt::Write;
use std::process::Stdio;

use anyhow::{Result, bail};

use super::client::{Client, Engine, Stream};

/// Far below the 16 MiB that MariaDB takes in one statement, and enough to make it cheap.
const STATEMENT_BYTES: usize = 512 * 1024;

pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static str,
}

pub(super) enum Cell<'a> {
    Text(&'a str),
    Integer(i64),
    Null,
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// Rows of a table that wait to be sent.
struct Pending {
    table: &'static Table,
    text: String,
    sent: u64,
}

/// Sends rows to a client, holding about a statement of each table.
pub(super) struct Loader {
    engine: Engine,
    stream: Stream,
    pending: Vec<Pending>,
}

impl Loader {
    pub(super) fn start(client: &Client, tables: &[&'static Table]) -> Result<Self> {
        let mut stream = client.stream(Stdio::null())?;
        stream.send(client.engine().begin())?;
        let pending = tables.iter().map(|table| Pending { table, text: String::new(), sent: 0 });
        Ok(Self { engine: client.engine(), stream, pending: pending.collect() })
    }

    /// `cells` are in the order of the table's columns.
    pub(super) fn row<const N: usize>(
        &mut self,
        table: &Table,
        cells: [Cell<'_>; N],
    ) -> Result<()> {
        let Some(pending) =
            self.pending.iter_mut().find(|pending| pending.table.name == table.name)
        else {
            bail!("{} is not among the tables of this part", table.name);
        };
        pending.push(self.engine, &cells);
        if pending.text.len() >= STATEMENT_BYTES {
            pending.send(self.engine, &mut self.stream)?;
        }
        Ok(())
    }

    /// What waits is sent before other SQL.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.pending.iter_mut().try_for_each(|pending| pending.send(self.engine, &mut self.stream))
    }

    pub(super) fn sql(&mut self, sql: &str) -> Result<()> {
        self.stream.send(sql)
    }

    /// Waits for the last row to be kept, and says how many each table got.
    pub(super) fn finish(mut self) -> Result<Vec<(&'static str, u64)>> {
        // A client that has ended says below why.
        let _ = self.stream.send("COMMIT;\n");
        self.stream.finish()?;
        Ok(self.pending.into_iter().map(|pending| (pending.table.name, pending.sent)).collect())
    }
}

impl Pending {
    fn push(&mut self, engine: Engine, cells: &[Cell<'_>]) {
        if engine == Engine::Postgres {
            copy_line(&mut self.text, cells);
        } else {
            values(&mut self.text, engine, cells);
        }
        self.sent += 1;
    }

    fn send(&mut self, engine: Engine, stream: &mut Stream) -> Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        let Table { name, columns } = self.table;
        if engine == Engine::Postgres {
            stream.send(&format!("COPY {name} ({columns}) FROM STDIN;\n"))?;
            stream.send(&self.text)?;
            stream.send("\\.\n")?;
        } else {
            stream.send(&format!("INSERT INTO {name} ({columns}) VALUES {};\n", self.text))?;
            if engine == Engine::Mysql {
                stream.send("COMMIT;\n")?;
            }
        }
        self.text.clear();
        Ok(())
    }
}

/// A line of COPY's text format.
fn copy_line(line: &mut String, cells: &[Cell<'_>]) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            line.push('\t');
        }
        match cell {
            Cell::Null => line.push_str("\\N"),
            Cell::Integer(number) => integer(line, *number),
            Cell::Text(text) => text.chars().for_each(|c| match c {
                '\\' => line.push_str("\\\\"),
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                '\t' => line.push_str("\\t"),
                c => line.push(c),
            }),
        }
    }
    line.push('\n');
}

/// A row of VALUES, after the rows before it.
fn values(list: &mut String, engine: Engine, cells: &[Cell<'_>]) {
    if !list.is_empty() {
        list.push_str(",\n");
    }
    for (index, cell) in cells.iter().enumerate() {
        list.push(if index == 0 { '(' } else { ',' });
        match cell {
            Cell::Null => list.push_str("NULL"),
            Cell::Integer(number) => integer(list, *number),
            Cell::Text(text) => {
                list.push('\'');
                text.chars().for_each(|c| match c {
                    '\'' => list.push_str("''"),
                    // SQLite takes a backslash as it is.
                    '\\' if engine == Engine::Mysql => list.push_str("\\\\"),
                    c => list.push(c),
                });
                list.push('\'');
            }
        }
    }
    list.push(')');
}

fn integer(text: &mut String, number: i64) {
    // Writing to a string cannot fail.
    let _ = write!(text, "{number}");
}

#[cfg(test)]
mod tests {
    use super::{Cell, Engine, copy_line, values};

    const ROW: [Cell<'_>; 4] =
        [Cell::Text("a\\'\n\t"), Cell::Integer(-7), Cell::Null, Cell::Text("")];

    #[test]
    fn no_text_ends_its_cell() {
        let mut line = String::new();
        copy_line(&mut line, &ROW);
        assert_eq!(line, "a\\\\'\\n\\t\t-7\t\\N\t\n");
        let list = |engine| {
            let mut list = String::new();
            values(&mut list, engine, &ROW);
            values(&mut list, engine, &[Cell::Integer(1)]);
            list
        };
        assert_eq!(list(Engine::Mysql), "('a\\\\''\n\t',-7,NULL,''),\n(1)");
        assert_eq!(list(Engine::Sqlite), "('a\\''\n\t',-7,NULL,''),\n(1)");
    }
}
