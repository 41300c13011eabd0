#!/usr/bin/env bash
# Puts the backup FILE, or the newest one in BACKUPS, in the place of all that is in DATABASE:
# in one transaction, so that a failure leaves everything as it was.
set -euo pipefail
file=${FILE:-$(find "$BACKUPS" -name "$DATABASE-*.dump" | sort | tail -n 1)}
[ -n "$file" ] || { echo "there is no backup of $DATABASE in $BACKUPS" >&2; exit 1; }
sql=$(mktemp "$BACKUPS/restoring.XXXXXX")
trap 'rm -f "$sql"' EXIT
# All that the owner has goes first, also tables that are younger than the backup. The whole text
# is there before it is run: of half a text, psql would commit that half.
echo "DROP OWNED BY CURRENT_USER;" > "$sql"
pg_restore --file=- "$file" >> "$sql"
psql --host="$DATABASE_HOST" --port="${DATABASE_PORT:-5432}" --username="$DATABASE_USER" \
  --no-password --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --single-transaction \
  --dbname="$DATABASE" --file="$sql" > /dev/null
echo "restored $file"
