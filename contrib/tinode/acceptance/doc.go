// Package acceptance runs a real Tinode server with the handler of the package above
// it, a broker, a worker and two fakes of Firebase, as processes, and compares what
// arrives. It has tests only; make test-tinode runs them and says what they need.
package acceptance
