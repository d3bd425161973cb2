package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// validator holds the rules. They name variables without the prefix.
type validator struct {
	*Config

	found *findings
}

// require records a fault of the variable names[0] unless ok. It does so only
// if none of names has a fault yet, because then it judged a value that nobody
// wrote.
func (v *validator) require(ok bool, what, hint string, names ...string) {
	if ok || v.broken(names...) {
		return
	}
	name := Prefix + "_" + names[0]
	v.found.fault(name, v.sources[name], problem{what, hint})
}

// broken reports whether one of the variables has a fault.
func (v *validator) broken(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return v.found.broken[Prefix+"_"+n] })
}

// warn records a warning about a variable unless ok.
func (v *validator) warn(ok bool, name, what, hint string) {
	if !ok {
		v.found.warnings = append(v.found.warnings, Fault{Prefix + "_" + name, what, hint})
	}
}

// atLeast and atMost are bounds of one value.
func atLeast[T cmp.Ordered](v *validator, name string, got, least T) {
	v.require(got >= least, fmt.Sprintf("is %s, less than %s", written(got), written(least)), "set "+written(least)+" or more", name)
}

func atMost[T cmp.Ordered](v *validator, name string, got, most T) {
	v.require(got <= most, fmt.Sprintf("is %s, more than %s", written(got), written(most)), "set "+written(most)+" or less", name)
}

// oneOf wants an element of a closed set.
func (v *validator) oneOf(name, got string, allowed ...string) {
	last := len(allowed) - 1
	v.require(slices.Contains(allowed, got), "is "+quote(got),
		"use "+strings.Join(allowed[:last], ", ")+" or "+allowed[last], name)
}
