// Package address gives programs under test addresses that nobody else takes, however many
// tests run beside them.
package address
