//! `spin:postgres@3.0.0`: the types that came later (UUID, JSONB, NUMERIC,
//! ranges, arrays, intervals) are `unsupported`, as in Spin.

use wasmtime::component::Resource;

use super::wit::spin::postgres::postgres::{
    Column, DbDataType, DbValue, Error, Host, HostConnection, ParameterValue, RowSet,
};
use crate::guest::Guest;
use crate::imports::postgres::{Builder, Connection, run};
use crate::imports::wit::spin::postgres::postgres::{self as later, QueryError};
use crate::imports::{InterfaceError, TrappableError};
use crate::postgres::{Found, Wanted};

type Answer<T> = Result<T, TrappableError<Error>>;

/// An error of the server as one text.
pub(super) fn text(error: QueryError) -> String {
    match error {
        QueryError::Text(text) => text,
        QueryError::DbError(error) => error.as_text,
    }
}

impl InterfaceError for Error {
    const OTHER: fn(String) -> Self = Self::Other;
}

impl From<later::Error> for TrappableError<Error> {
    fn from(error: later::Error) -> Self {
        use later::Error as Later;
        Self::Error(same_cases!(error, Later => Error: ConnectionFailed BadParameter
            ValueConversionFailed Other;;
            Later::QueryFailed(error) => Error::QueryFailed(text(error)),))
    }
}

fn parameter(value: ParameterValue) -> later::ParameterValue {
    use later::ParameterValue as Later;
    same_cases!(value, ParameterValue => Later: Boolean Int8 Int16 Int32 Int64 Floating32
        Floating64 Str Binary Date Time Datetime Timestamp; DbNull;)
}

fn value(value: later::DbValue) -> DbValue {
    use later::DbValue as Later;
    same_cases!(value, Later => DbValue: Boolean Int8 Int16 Int32 Int64 Floating32 Floating64
        Str Binary Date Time Datetime Timestamp; DbNull; _ => DbValue::Unsupported,)
}

fn column(later::Column { name, data_type }: later::Column) -> Column {
    use later::DbDataType as Later;
    let data_type = same_cases!(data_type, Later => DbDataType:; Boolean Int8 Int16 Int32 Int64
        Floating32 Floating64 Str Binary Date Time Datetime Timestamp; _ => DbDataType::Other,);
    Column { name, data_type }
}

impl Guest {
    async fn run(
        &mut self,
        connection: &Resource<Connection>,
        statement: &str,
        parameters: Vec<ParameterValue>,
        wanted: Wanted,
    ) -> Answer<Found> {
        let parameters: Vec<_> = parameters.into_iter().map(parameter).collect();
        Ok(run(&self.session(connection)?, statement, &parameters, wanted).await?)
    }
}

impl Host for Guest {
    fn convert_error(&mut self, error: TrappableError<Error>) -> wasmtime::Result<Error> {
        error.into_error()
    }
}

impl HostConnection for Guest {
    async fn open(&mut self, address: String) -> Answer<Resource<Connection>> {
        let connection = Builder::of(address).build(self.owner()).await?;
        Ok(self.table.push(connection)?)
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<RowSet> {
        let found = self.run(&connection, &statement, parameters, self.rows()).await?;
        let row = |row: Vec<_>| row.into_iter().map(value).collect();
        Ok(RowSet {
            columns: found.columns.into_iter().map(column).collect(),
            rows: found.rows.into_iter().map(row).collect(),
        })
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<u64> {
        Ok(self.run(&connection, &statement, parameters, Wanted::Count).await?.touched)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}
