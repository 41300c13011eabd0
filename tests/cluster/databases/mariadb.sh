#!/bin/bash
# What the official image's entry point does for k8s/spinkube/base/databases/mariadb.
set -eu
data=/var/lib/mysql
if [ ! -d $data/mysql ]; then
  mariadb-install-db --no-defaults --datadir=$data --auth-root-authentication-method=normal --skip-test-db --cross-bootstrap
  mariadbd --no-defaults --datadir=$data --skip-networking --socket=/tmp/first.sock --pid-file=/tmp/first.pid &
  server=$!
  docker_process_sql() { mariadb --no-defaults --socket=/tmp/first.sock --user=root --password="${first-}" "$@"; }
  until docker_process_sql --execute 'SELECT 1' > /dev/null 2>&1; do sleep 0.5; done
  docker_process_sql << SQL
CREATE DATABASE $MARIADB_DATABASE CHARACTER SET utf8mb4;
CREATE USER root@'%' IDENTIFIED BY '$MARIADB_ROOT_PASSWORD';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
ALTER USER root@localhost IDENTIFIED BY '$MARIADB_ROOT_PASSWORD';
CREATE USER healthcheck@'127.0.0.1' IDENTIFIED BY 'healthcheck';
SQL
  first=$MARIADB_ROOT_PASSWORD
  for script in /docker-entrypoint-initdb.d/*.sh; do . "$script"; done
  kill $server
  wait $server
fi
exec mariadbd --no-defaults --datadir=$data --socket=/run/mysqld/mysqld.sock --pid-file=/run/mysqld/mysqld.pid "$@"
