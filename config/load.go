package config

import (
	"cmp"
	"slices"
)

// Prefix starts the name of every variable.
const Prefix = "PUSHWORKER"

// Load reads the configuration from environ, which has the form of os.Environ.
// flags holds the command-line flags that were changed, as variable name and
// value; a flag wins over the environment, and the environment over the default.
// An empty variable counts as unset, an empty flag asks for the default. A
// secret may come from the file that NAME_FILE names instead.
//
// The error is an [*InvalidError] with every fault. Nothing is started, written
// or logged; files are read and their existence is checked.
func Load(environ []string, flags map[string]string) (*Config, error) {
	c := &Config{}
	fields, err := fieldsOf(c)
	if err != nil {
		return nil, err
	}
	f := &findings{}
	env := environment(environ)
	values := resolve(fields, env, flags, f)
	if err := decode(c, fields, values, f); err != nil {
		return nil, err
	}
	validate(c, f)
	c.standard = readStandard(env)
	checkStandard(c.standard, f)
	checkUnknown(fields, env, flags, c.StrictEnv, f)
	c.warnings = f.warnings
	if len(f.faults) == 0 {
		return c, nil
	}
	f.sortLike(fields)
	return nil, &InvalidError{Faults: f.faults, Warnings: f.warnings, Handlers: usable(c, values, f), config: c}
}

// usable are the handlers that have a name of their own, also if others are faulty.
func usable(c *Config, values map[string]given, f *findings) (list HandlerList) {
	const name = Prefix + "_HANDLERS"
	all := c.Handlers
	if f.broken[name] {
		_ = all.Decode(values[name].value) // its faults have been found
	}
	for _, h := range all {
		if h.Name != "" && !slices.ContainsFunc(list, func(other Handler) bool { return other.Name == h.Name }) {
			list = append(list, h)
		}
	}
	return list
}

// findings collects what is wrong.
type findings struct {
	faults   []Fault
	warnings []Fault
	// broken holds the variables that have a fault of their own, so that rules
	// between variables do not judge a value that nobody wrote.
	broken map[string]bool
}

// fault records problems of the variable name, which was set as origin says.
func (f *findings) fault(name string, o origin, found ...problem) {
	if f.broken == nil {
		f.broken = make(map[string]bool)
	}
	f.broken[name] = true
	for _, p := range found {
		f.faults = append(f.faults, Fault{cmp.Or(o.variable, name), p.what, p.hint})
	}
}

// sortLike puts the faults into the order of the reference table; unknown
// variables come last.
func (f *findings) sortLike(fields []field) {
	rank := func(variable string) int {
		i := slices.IndexFunc(fields, func(d field) bool { return d.Name == variable || d.twin() == variable })
		if i < 0 {
			return len(fields)
		}
		return i
	}
	slices.SortStableFunc(f.faults, func(a, b Fault) int { return cmp.Compare(rank(a.Variable), rank(b.Variable)) })
}
