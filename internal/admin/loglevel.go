package admin

import (
	"io"
	"net/http"
	"strings"
)

// logLevel answers PUT with a level as its body, such as debug, from which on the process
// logs.
func logLevel(set func(level string) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		level := strings.TrimSpace(string(body))
		if err == nil {
			err = set(level)
		}
		if err != nil {
			writeText(w, http.StatusBadRequest, "the body must be trace, debug, info, warn or error\n")
			return
		}
		writeText(w, http.StatusOK, level+"\n")
	})
}
