#!/usr/bin/env bash
# Writes one whole dump of DATABASE into BACKUPS, and removes those that are too old.
# The file has its name only when it is complete, so that no restore finds half of one.
set -euo pipefail
keep_days=14
file=$BACKUPS/$DATABASE-$(date -u +%Y%m%dT%H%M%SZ).sql.gz
trap 'rm -f "$file.part"' EXIT
# One transaction: the site goes on writing meanwhile.
mysqldump --host="$DATABASE_HOST" --port="${DATABASE_PORT:-3306}" --user="$DATABASE_USER" \
  --single-transaction --no-tablespaces --set-gtid-purged=OFF --column-statistics=0 --default-character-set=utf8mb4 "$DATABASE" | gzip > "$file.part"
gunzip --stdout "$file.part" | tail -n 1 | grep --quiet 'Dump completed'
mv "$file.part" "$file"
find "$BACKUPS" -name "$DATABASE-*.sql.gz" -mtime "+$keep_days" -delete
echo "$file: $(stat --format=%s "$file") bytes"
