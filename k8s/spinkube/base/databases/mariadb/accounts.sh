# Read by the image's entry point after the first start: the account of the schema's owner, for
# migrations, backups and restores, and the one that serves, which may change rows only.
docker_process_sql --database=mysql <<SQL
CREATE USER 'board_owner'@'%' IDENTIFIED BY '$OWNER_PASSWORD';
GRANT ALL ON board.* TO 'board_owner'@'%';
CREATE USER 'board'@'%' IDENTIFIED BY '$SERVING_PASSWORD';
GRANT SELECT, INSERT, UPDATE, DELETE ON board.* TO 'board'@'%';
SQL
