// Package explain puts together what the broker knows of a receipt and tells it as
// a story: what has become of it at each lane, and why.
//
//	PUSH ──► Receipt   durables ──► Lane   PUSH_RETRY ──► Retry ┐
//	PUSH_DEAD ──► deadletter.Letter   PUSH_EVENTS ──► outcome.Event ┴─► Tell ─► Story
//
// It only assembles: the facts come in, the story goes out, and the package refuses
// to know where either goes. What is lost at its border: nothing that is told, but
// what nobody has recorded stays unknown, and the story says so.
package explain
