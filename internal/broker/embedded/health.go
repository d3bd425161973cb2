package embedded

import (
	"fmt"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// Health returns an error when the server cannot write a stream any more. After one
// write error, such as a full disk, it takes nothing for that stream and does not
// answer publishers until it is started again, whatever room there is.
func (s *Server) Health() error {
	h := s.server.Healthz(&server.HealthzOptions{})
	if !strings.Contains(h.Error, "write error") {
		return nil
	}
	return fmt.Errorf("the embedded broker cannot write to its store any more (%s): check that the disk of PUSHWORKER_DATA_DIR has space and is writable, then restart pushworker", h.Error)
}
