# Read by the image's entry point after the first start: the account of the schema's owner, for
# migrations, backups and restores, and the one that serves, which may change rows only.
docker_process_sql --database=mysql <<SQL
CREATE USER 'auth_owner'@'%' IDENTIFIED BY '$OWNER_PASSWORD';
GRANT ALL ON auth.* TO 'auth_owner'@'%';
CREATE USER 'auth'@'%' IDENTIFIED BY '$SERVING_PASSWORD';
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.* TO 'auth'@'%';
SQL
