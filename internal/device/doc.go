// Package device is the directory of devices: who may be reached where, and that a
// token is one user's only. A [Directory] keeps two kinds of keys in a [Store]
// with compare-and-swap on single keys:
//
//	user.<uid>     the user's devices, a JSON list: what is sent to
//	token.<hash>   the claim: whose the token is, and from whom it is being taken
//
// A change of several keys is several writes, and any of them may be the last of
// its process, or have those of others before and after it. Three rules see to it
// that a token is in one list at most at every moment:
//
//  1. Whoever adds a token to a list has read the list before claiming the token,
//     and writes it only if it is still as read.
//  2. Whoever has claimed a token writes the lists of all earlier claimants, also
//     those without the token, before adding it to a list; and each of those only
//     while the claim is still the newest. That takes the token from who has it,
//     and makes those fail who are about to add it. The claim names them until it
//     is done, so that whoever claims next does what a process that died has not.
//  3. A token leaves the list first. Then its claim is released, if it is still as
//     it was before the list was written.
//
// Whoever meets a conflict begins anew. A process that dies leaves a token with its
// old user, with its new one, or with nobody; the caller got no answer and asks
// again. That nobody has it for a moment is on purpose: a push that comes late is
// better than one on somebody else's screen. A claim without a token is possible
// and harmless.
//
// The package refuses to know where the keys are kept and how anybody asks. What
// is lost at its border: nothing tells an unknown user from one without devices.
package device
