#!/usr/bin/env bash
# Prints the section of CHANGELOG.md about a version; that of a snapshot is Unreleased.
# Usage: notes.sh VERSION. A version without a section is an error.
set -euo pipefail
section=$1
case $section in 0.0.0-snapshot.*) section=Unreleased ;; esac
notes=$(awk -v heading="## [$section]" '
	index($0, "## [") == 1 { inside = index($0, heading) == 1; next }
	inside' "$(dirname "${BASH_SOURCE[0]}")/../../CHANGELOG.md")
if [[ -z ${notes//[[:space:]]/} ]]; then
	echo "CHANGELOG.md has no section [$section]: write one before the tag" >&2
	exit 1
fi
printf '%s\n' "$notes"
