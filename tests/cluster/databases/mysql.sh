#!/bin/bash
# What the official image's entry point does for k8s/spinkube/base/databases/mysql.
set -eu
data=/var/lib/mysql
if [ ! -d $data/mysql ]; then
  mysqld --initialize-insecure --datadir=$data
  mysqld --datadir=$data --skip-networking --socket=/tmp/first.sock --pid-file=/tmp/first.pid --mysqlx=OFF &
  server=$!
  docker_process_sql() { mysql --socket=/tmp/first.sock --user=root --password="${first-}" "$@"; }
  until docker_process_sql --execute 'SELECT 1' > /dev/null 2>&1; do sleep 0.5; done
  docker_process_sql << SQL
CREATE DATABASE $MYSQL_DATABASE CHARACTER SET utf8mb4;
CREATE USER root@'%' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
ALTER USER root@localhost IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
SQL
  first=$MYSQL_ROOT_PASSWORD
  for script in /docker-entrypoint-initdb.d/*.sh; do . "$script"; done
  kill $server
  wait $server
fi
exec mysqld --datadir=$data --socket=/var/run/mysqld/mysqld.sock --pid-file=/var/run/mysqld/mysqld.pid "$@"
