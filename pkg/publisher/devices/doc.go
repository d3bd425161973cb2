// Package devices is what a Go chat server imports beside publisher to tell workers
// which devices its users have. There are two ways, and a chat server takes one:
//
// It registers devices at the workers, which keep them ([Client.Put],
// [Client.List], [Client.Remove]):
//
//	client := devices.NewClient(nc)
//	err := client.Put(ctx, push.Device{User: uid, ID: "phone", Provider: "fcm", Platform: "android", Token: token})
//
// Or it keeps them itself, and workers that run with PUSHWORKER_DIRECTORY=nats ask
// it. It implements [push.Directory] over its own database:
//
//	go func() { err := devices.Answer(ctx, nc, directory, devices.AnswerConfig{}) … }()
//	err := client.Changed(uid) // after a login, a new token, a logout; optional
//
// In both cases [Client.Subscribe] and [Client.Unsubscribe] keep the subscribers of
// channels.
//
// The package refuses to know providers and databases. What is lost at its border:
// the text of a directory's error, which may quote a token. Workers get a code, and
// [AnswerConfig.Report] gets the error.
package devices
