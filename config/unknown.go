package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// serviceLink matches the variables that Kubernetes sets for a Service whose
// name starts with ours. The bare …_PORT is one only if it holds a URL.
var serviceLink = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)=|_PORT=(tcp|udp|sctp)://`)

// checkUnknown reports variables that have the prefix and mean nothing: most are
// misspelt. A flag that names no variable is always a fault.
func checkUnknown(fields []field, env, flags map[string]string, strict bool, f *findings) {
	known := make(map[string]bool)
	for _, d := range fields {
		known[d.Name] = true
		if d.Secret {
			known[d.twin()] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if !known[name] {
			f.faults = append(f.faults, unknown(name, known))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		ours := strings.HasPrefix(strings.ToUpper(name), Prefix+"_")
		if !ours || known[name] || serviceLink.MatchString(name+"="+env[name]) {
			continue
		}
		if strict {
			f.faults = append(f.faults, unknown(name, known))
			continue
		}
		f.warnings = append(f.warnings, unknown(name, known))
	}
}

func unknown(name string, known map[string]bool) Fault {
	hint := "remove it; `pushworker config docs` lists the variables"
	if near := nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return Fault{printable(name), "is not a variable of pushworker", hint}
}

// printable keeps a name from outside on one line.
func printable(name string) string {
	quoted := quote(name)
	if quoted == `"`+name+`"` {
		return name
	}
	return quoted
}

// nearest returns the known name that is at most three edits from name, or that
// name only has a word before or after; empty if there is none.
func nearest(name string, known map[string]bool) string {
	best, least := "", 4
	for _, candidate := range slices.Sorted(maps.Keys(known)) {
		if gap := len(name) - len(candidate); gap >= least || -gap >= least {
			continue // distance is no less, and would take long for a long name
		}
		if d := distance(strings.ToUpper(name), candidate); d < least {
			best, least = candidate, d
		}
	}
	for _, suffix := range []string{"_FILE", "_URL", "_ADDR", "_BYTES"} {
		if best != "" {
			break
		}
		if known[strings.TrimSuffix(name, suffix)] {
			best = strings.TrimSuffix(name, suffix)
		} else if known[name+suffix] {
			best = name + suffix
		}
	}
	return best
}

// distance is the number of insertions, deletions and replacements of one byte
// that turn a into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
