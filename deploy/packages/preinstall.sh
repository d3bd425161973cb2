#!/bin/sh
# Makes the user of the worker, who owns nothing but /var/lib/pushworker.
set -e
if ! getent passwd pushworker >/dev/null; then
	useradd --system --user-group --no-create-home --home-dir /var/lib/pushworker --shell /usr/sbin/nologin pushworker
fi
