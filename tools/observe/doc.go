// Package observe holds the alerts and the dashboard in deploy: promtool checks and tests
// the rules, and a real Prometheus scrapes a real worker through an outage of a fake
// provider. make observe-test runs it; it needs Debian's package prometheus.
//
// It is a module of its own for the sake of what draws the picture. It knows the programs
// from outside only, as an operator does.
package observe
