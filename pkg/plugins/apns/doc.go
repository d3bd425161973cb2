// Package apns is the handler that carries receipts to iPhones, iPads, Macs and watches
// through Apple's push service, without FCM between: alerts, silent pushes, and calls
// that ring (PushKit).
//
// One half renders: receipt and configuration in, bytes out, once for all who see the
// same. The other half sends: one request per device and attempt, over few connections
// of which each keeps its token for most of an hour, as Apple wants it; what Apple
// answers decides about a device, an app or the key.
//
// The package refuses to know where receipts are queued, how devices are stored, and
// when a failed target is tried again. What is lost at its border: what does not fit
// into 4,096 bytes, and that a push was shown, which Apple does not tell.
package apns
