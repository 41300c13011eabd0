#!/usr/bin/env bash
# Writes one whole dump of DATABASE into BACKUPS, and removes those that are too old.
# The file has its name only when it is complete, so that no restore finds half of one.
set -euo pipefail
keep_days=14
file=$BACKUPS/$DATABASE-$(date -u +%Y%m%dT%H%M%SZ).dump
trap 'rm -f "$file.part"' EXIT
# One snapshot: the site goes on writing meanwhile.
pg_dump --host="$DATABASE_HOST" --port="${DATABASE_PORT:-5432}" --username="$DATABASE_USER" \
  --no-password --format=custom --file="$file.part" "$DATABASE"
pg_restore --list "$file.part" > /dev/null
mv "$file.part" "$file"
find "$BACKUPS" -name "$DATABASE-*.dump" -mtime "+$keep_days" -delete
echo "$file: $(stat --format=%s "$file") bytes"
