package fake

import "time"

// A Kind is one provider: what makes the server its stand-in.
type Kind struct {
	// Name is a word in lower case and Title what people call it.
	Name, Title string
	// Manual is the file that describes scripts and answers.
	Manual string
	// Answers are what a rule can name, beside those that every server has (stall,
	// cut and so on). The first takes the push.
	Answers []Answer
	// Endpoints are what a rule can be for. The first is the one that takes pushes,
	// and is meant by a rule that names none.
	Endpoints []string
	// Handle decides about a request. It must not block.
	Handle func(*Call) Verdict
	// Public reports whether the log may show a target as it is.
	Public func(target string) bool
	// Reset forgets what the provider's own part has counted; it may be nil.
	Reset func()
	// FirstStreams is how many HTTP/2 streams a new connection may have; 0 for as many as
	// the options say. Handle may raise it with [Server.SetStreams].
	FirstStreams uint32
	// OnlyHTTP2 says that nothing else is served.
	OnlyHTTP2 bool
	// Farewell is what GOAWAY says about itself.
	Farewell string
	// Revoke makes the access tokens that were issued invalid; nil if there are none.
	Revoke func()
}

// ParseScript reads a script in JSON and checks all of it.
func (k *Kind) ParseScript(text []byte) (Script, error) {
	s, err := readScript(text, k.Manual)
	if err != nil {
		return Script{}, err
	}
	_, err = compile(s, newTable(k), time.Time{})
	return s, err
}
