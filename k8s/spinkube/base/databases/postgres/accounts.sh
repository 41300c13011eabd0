# Read by the image's entry point after the first start: the account of the schema's owner, for
# migrations, backups and restores, and the one that serves, which may change rows only.
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=review <<SQL
CREATE ROLE review_owner LOGIN PASSWORD '$OWNER_PASSWORD';
CREATE ROLE review LOGIN PASSWORD '$SERVING_PASSWORD';
ALTER DATABASE review OWNER TO review_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE review_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO review;
SQL
