// Package device is the directory of devices: who may be reached where, and that a
// token is one user's only. A [Directory] keeps two kinds of keys in a [Store]
// with compare-and-swap on single keys:
//
//	user.<uid>     the user's devices, a JSON list: what is sent to
//	token.<hash>   the claim: whose the token is, and from whom it is being taken
//
// No step of a change may let two users have a token at once, not even when the
// process dies after it or when others change the same keys in between. Three
// rules see to that:
//
//  1. Whoever adds a token to a list reads the list, then claims the token, then
//     writes the list if it is still as read.
//  2. Whoever claims a token writes the lists of all earlier claimants, also those
//     that lack it, before adding it to a list. That takes it from those who have
//     it, and those who are about to add it fail and begin anew. The claim names
//     them until that is done, so that whoever claims next does it instead of a
//     process that died.
//  3. A token leaves the list first; then its claim is released, if it is still as
//     it was before the list was written.
//
// Any conflict begins the change anew. A process that dies leaves a token with its
// old user, its new one or nobody, and a claim that the next change of that token
// understands; the caller got no answer and asks again. That nobody has it for a
// moment is on purpose: a push that is late is better than one on somebody else's
// screen.
//
// The package refuses to know where the keys are kept and how anybody asks. What
// is lost at its border: nothing tells an unknown user from one without devices.
package device
