// Package fanout makes of one receipt a message for each of its targets, the devices
// of its users and its channel, and of what becomes of them one outcome.
//
// What a provider brings is a [Way]. The core reports by callback, [Fanout.Start]: it
// counts places by targets, over all receipts of a lane, gives each receipt its turn,
// and has no goroutine for a target.
//
// The package refuses to know what a message is and how it travels. What is lost at
// its border: which target was refused why, beyond what a letter says.
package fanout
