// Package fcm is a stand-in for Firebase Cloud Messaging that answers as the real
// one does, and fails as it is told to: operators try their set-up against it
// without a Google account, tests drive a worker through every failure that FCM
// knows, and benchmarks measure against it.
//
// It serves the v1 send call, the OAuth token endpoint of service accounts and
// topic management, and is as strict about the JSON of a message as FCM. How it
// listens, counts and follows a script is package fake's. docs/fakefcm.md is the
// operator's manual, with the script language, the answers by name and the paths
// below /fake/.
//
// It refuses to know who calls it: it shares no code with the plug-in that it is
// there to prove, so that a misreading of FCM has to be made twice. What is lost
// at its border: no message reaches a device, conditions are not evaluated, and
// whatever Google does not document is a guess (marked where it is made).
package fcm
