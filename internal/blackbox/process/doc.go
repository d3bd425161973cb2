// Package process starts the programs under test and ends them, every way there is
// to end: told to, killed, or frozen and thawed.
//
// It refuses to know what the programs are. Everything that a process prints goes
// to files that survive it. A process that it has started dies with the program
// that started it, whatever ends that.
package process
