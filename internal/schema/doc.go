// Package schema holds what others can check their messages against: the JSON
// Schemas of a receipt and of a device, and the AsyncAPI document of everything
// that goes over the broker.
//
// The documents are made from the Go types and their comments by generate_test.go
// and are embedded, so that the binary needs neither the sources nor a reflector.
// `go generate ./internal/schema` makes them anew; the tests fail while they are
// not what the types say.
//
// A schema refuses what pkg/push and internal/device refuse. What is lost at its
// border, because a schema cannot say it: names match in any case, of duplicate
// keys the later wins, an integer is written without a point or an exponent, the
// letters of an access mode are not escaped, lengths are counted in bytes, and a
// receipt has limits of size, depth and number of keys.
package schema
