// Package notice is what one recipient is told of a receipt, before any provider's
// form: the data for the app, the texts of the notification, how it comes (loud, or
// quiet), how long it is worth showing, and the identity by which a repetition
// replaces it.
//
// It renders without a clock, a network or a directory, and refuses to know providers.
// Their keys of the configuration are the same ones, [Settings]. What is lost at its
// border: names of more than 128 bytes, and what does not fit into a push, the preview
// first, then the text.
package notice
