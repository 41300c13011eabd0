#!/usr/bin/env bash
# Puts the backup FILE, or the newest one in BACKUPS, in the place of all that is in DATABASE.
set -euo pipefail
file=${FILE:-$(find "$BACKUPS" -name "$DATABASE-*.sql.gz" | sort | tail -n 1)}
[ -n "$file" ] || { echo "there is no backup of $DATABASE in $BACKUPS" >&2; exit 1; }
# Before anything is lost: a file that is whole.
gunzip --test "$file"
client() { mysql --host="$DATABASE_HOST" --port="${DATABASE_PORT:-3306}" --user="$DATABASE_USER" --default-character-set=utf8mb4 "$@"; }
client --execute "DROP DATABASE IF EXISTS \`$DATABASE\`; CREATE DATABASE \`$DATABASE\` CHARACTER SET utf8mb4"
gunzip --stdout "$file" | client "$DATABASE"
echo "restored $file"
