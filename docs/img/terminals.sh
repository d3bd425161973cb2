#!/usr/bin/env bash
# terminals.sh PUSHWORKER: draws status.svg and explain.svg beside itself from what the
# commands really print on a terminal. It runs a worker with its own broker and a fake
# FCM in which one device is gone and one fails twice. Needs script (util-linux).
set -euo pipefail
pushworker=$(realpath "$1") here=$(cd "$(dirname "$0")" && pwd) dir=$(mktemp -d)
cd "$dir"
jobs=()
trap 'kill "${jobs[@]}" 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
export PUSHWORKER_EMBEDDED_ADDR=127.0.0.1:24222 PUSHWORKER_ADMIN_ADDR=127.0.0.1:29464 PUSHWORKER_DATA_DIR=data TZ=UTC
export PUSHWORKER_HANDLERS='[{"name":"fcm","config":{"credentials_file":"fake.json","endpoint":"http://127.0.0.1:29080/v1"}},{"name":"stdout"}]'

until_ok() { for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; "$@"; }
receipt() { # MESSAGE
	printf '{"to":{"782riWdFIwE":{"unread":1}},"payload":{"what":"msg","topic":"grpnG99YhENiQU","from":"usrEDJUdpi63P4","seq":%d,"content":"Hello"}}\n' "$1"
}

echo '{"rules":[{"token":"token-tablet","answer":"unregistered"},{"token":"token-web","nth":"1-2","answer":"unavailable","retry_after":"1"}]}' >script.json
"$pushworker" fakefcm --addr 127.0.0.1:29080 --credentials fake.json --script script.json --quiet 2>/dev/null & jobs+=($!)
until_ok test -s fake.json
"$pushworker" run >/dev/null 2>log & jobs+=($!)
until_ok "$pushworker" healthcheck --ready
for device in phone:android tablet:android web:web; do
	"$pushworker" device put --user usr782riWdFIwE --id "${device%:*}" --provider fcm --platform "${device#*:}" --token "token-${device%:*}" 2>/dev/null
done
receipt 42 | "$pushworker" publish --quiet >/dev/null
sleep 5 # the retries of one device
"$pushworker" lane pause stdout --yes 2>/dev/null
(for n in $(seq 43 100000); do receipt "$n"; sleep 0.01; done) | "$pushworker" publish --quiet >/dev/null 2>&1 & jobs+=($!)

# on_terminal COMMAND: the last screen that it writes to a terminal of 24 lines
on_terminal() {
	script -qc "stty rows 24 cols ${COLUMNS:-90}; $1" /dev/null </dev/null | tr -d '\r' |
		awk 'BEGIN { RS = "\033\\[H" } { last = $0 } END { printf "%s", last }' | sed 's/\x1b\[[0-9?]*[KJhl]//g; s/\^C//'
}
# picture TITLE: an SVG of the text on stdin, with the colours that it asks for
picture() {
	awk -v title="$1" '
	function out(s) { gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); gsub(/>/, "\\&gt;", s); return s }
	BEGIN { class[31] = "red"; class[32] = "green"; class[33] = "yellow" }
	{
		line = $0; text = ""; open = ""
		while (match(line, /\033\[[0-9]*m/)) {
			text = text out(substr(line, 1, RSTART - 1)) open
			code = substr(line, RSTART + 2, RLENGTH - 3); line = substr(line, RSTART + RLENGTH); open = ""
			if (code in class) { text = text "<tspan class=\"" class[code] "\">"; open = "</tspan>" }
		}
		rows[NR] = text out(line) open; plain = $0; gsub(/\033\[[0-9]*m/, "", plain)
		if (length(plain) > wide) wide = length(plain)
		if (plain != "") n = NR
	}
	END {
		w = wide * 8.43 + 32; h = n * 19 + 30
		printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n<title>%s</title>\n", w, h, title
		print "<!-- made by make pictures from what the command prints -->"
		print "<style>text { font: 14px ui-monospace, \"DejaVu Sans Mono\", Menlo, Consolas, monospace; fill: #e6edf3; white-space: pre } .red { fill: #ff7b72 } .green { fill: #7ee787 } .yellow { fill: #e3b341 }</style>"
		printf "<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#161b22\"/>\n", w, h
		for (i = 1; i <= n; i++) if (rows[i] != "") printf "<text x=\"16\" y=\"%d\" xml:space=\"preserve\">%s</text>\n", i * 19 + 12, rows[i]
		print "</svg>"
	}'
}
on_terminal "timeout --foreground -s INT 9 '$pushworker' status --watch" | picture 'pushworker status --watch' >status.svg
{ echo '$ pushworker explain 1'; on_terminal "'$pushworker' explain 1"; } | picture 'pushworker explain 1' >explain.svg
mv status.svg explain.svg "$here"
