package broker

// Letters is the dead-letter stream.
type Letters struct {
	conn   *Conn
	stream string
}

// NewLetters returns the letters of t's dead-letter stream.
func NewLetters(c *Conn, t Topology) *Letters {
	return &Letters{conn: c, stream: t.DeadStream()}
}
