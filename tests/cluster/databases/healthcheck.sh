#!/bin/sh
# The official MariaDB image has one of this name; this one only connects.
exec mariadb-admin --no-defaults --host=127.0.0.1 --user=healthcheck --password=healthcheck --silent ping
