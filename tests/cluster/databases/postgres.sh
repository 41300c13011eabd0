#!/bin/bash
# What the official image's entry point does for k8s/spinkube/base/databases/postgres.
set -eu
export POSTGRES_USER=postgres
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  umask 077
  mkdir -p "$PGDATA"
  initdb --username=postgres --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  export PGHOST=/tmp
  pg_ctl --wait start --options='-c listen_addresses= -c unix_socket_directories=/tmp'
  psql --username=postgres --command="CREATE DATABASE $POSTGRES_DB"
  for script in /docker-entrypoint-initdb.d/*.sh; do . "$script"; done
  pg_ctl --wait --mode=fast stop
fi
# The library of the compiler is not in the image.
postgres -c jit=off -c 'listen_addresses=*' -c unix_socket_directories=/var/run/postgresql "$@" &
# The official image says STOPSIGNAL SIGINT: PostgreSQL does not wait for its clients then.
trap 'kill -INT $!' TERM
wait $! || wait $!
