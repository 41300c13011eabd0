//! `spin:postgres@3.0.0`: the types that came later (UUID, JSONB, NUMERIC,
//! ranges, arrays, intervals) are `unsupported`, as in Spin.

use wasmtime::component::Resource;

use super::wit::spin::postgres::postgres::{
    Column, DbDataType, DbValue, Error, Host, HostConnection, ParameterValue, RowSet,
};
use crate::guest::Guest;
use crate::imports::postgres::Connection;
use crate::imports::wit::spin::postgres::postgres::{self as later, QueryError};

type Answer<T> = wasmtime::Result<Result<T, Error>>;

/// An error of the server as one text.
pub(super) fn text(error: QueryError) -> String {
    match error {
        QueryError::Text(text) => text,
        QueryError::DbError(error) => error.as_text,
    }
}

impl From<later::Error> for Error {
    fn from(error: later::Error) -> Self {
        use later::Error as Later;
        same_cases!(error, Later => Self: ConnectionFailed BadParameter ValueConversionFailed Other;;
            Later::QueryFailed(error) => Self::QueryFailed(text(error)),)
    }
}

fn parameter(value: ParameterValue) -> later::ParameterValue {
    use later::ParameterValue as Later;
    same_cases!(value, ParameterValue => Later: Boolean Int8 Int16 Int32 Int64 Floating32
        Floating64 Str Binary Date Time Datetime Timestamp;;
        ParameterValue::DbNull => Later::DbNull,)
}

fn value(value: later::DbValue) -> DbValue {
    use later::DbValue as Later;
    same_cases!(value, Later => DbValue: Boolean Int8 Int16 Int32 Int64 Floating32 Floating64
        Str Binary Date Time Datetime Timestamp;;
        Later::DbNull => DbValue::DbNull,
        _ => DbValue::Unsupported,)
}

fn data_type(data_type: later::DbDataType) -> DbDataType {
    use later::DbDataType as Later;
    same_cases!(data_type, Later => DbDataType:; Boolean Int8 Int16 Int32 Int64 Floating32
        Floating64 Str Binary Date Time Datetime Timestamp; _ => DbDataType::Other,)
}

impl From<later::RowSet> for RowSet {
    fn from(found: later::RowSet) -> Self {
        let column = |column: later::Column| Column {
            name: column.name,
            data_type: data_type(column.data_type),
        };
        Self {
            columns: found.columns.into_iter().map(column).collect(),
            rows: found.rows.into_iter().map(|row| row.into_iter().map(value).collect()).collect(),
        }
    }
}

impl Host for Guest {}

impl HostConnection for Guest {
    async fn open(&mut self, address: String) -> Answer<Resource<Connection>> {
        Ok(later::HostConnection::open(self, address).await?.map_err(Error::from))
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<RowSet> {
        let parameters = parameters.into_iter().map(parameter).collect();
        let found = later::HostConnection::query(self, connection, statement, parameters).await?;
        Ok(found.map(RowSet::from).map_err(Error::from))
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<u64> {
        let parameters = parameters.into_iter().map(parameter).collect();
        let done = later::HostConnection::execute(self, connection, statement, parameters).await?;
        Ok(done.map_err(Error::from))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        later::HostConnection::drop(self, connection)
    }
}
