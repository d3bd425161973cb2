// Package importer tests what a chat server imports, pkg/publisher, at a real broker,
// and what the import brings into a chat server's module. The tests are here, because
// the module of pkg/publisher requires neither a broker nor a test's helpers (ADR 022).
package importer
