// Package hms is the handler that carries receipts to Huawei's devices through Push Kit:
// to HarmonyOS by its API v3, with tokens that we sign, and to HMS Core on Android by v1,
// with OAuth. Alerts, background messages, and calls that ring (v3).
//
// Devices that get equal messages share a request, and what Huawei answers is taken apart
// for each of them.
//
// The package refuses to know where receipts are queued, how devices are stored, and when a
// failed target is tried again. What is lost at its border: what does not fit into 4,096
// bytes, and that a push was shown, which only Huawei's receipts tell.
package hms
