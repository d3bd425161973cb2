#!/bin/sh
# dpkg: remove (not upgrade); rpm: 0 packages remain.
set -e
if [ "$1" = remove ] || [ "$1" = 0 ]; then
	if [ -d /run/systemd/system ]; then
		systemctl disable --now pushworker.service
	fi
fi
