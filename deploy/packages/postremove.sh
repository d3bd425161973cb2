#!/bin/sh
# A purge (dpkg) removes the embedded broker's store and the secrets. Their user remains,
# because other files may be that user's. rpm knows no purge, and keeps the store.
set -e
if [ "$1" = purge ]; then
	rm -rf /var/lib/pushworker /etc/pushworker/secrets
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
