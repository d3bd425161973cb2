#!/bin/sh
# Of a new installation nothing is started: it has no settings yet. An upgrade restarts
# a worker that runs, which hands back what it has not begun.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart pushworker.service
fi
# dpkg: configure without the version before it; rpm: 1 package is there.
if [ "$1" = configure ] && [ -z "$2" ] || [ "$1" = 1 ]; then
	echo 'pushworker: write the settings into /etc/pushworker/env, then: systemctl enable --now pushworker'
fi
