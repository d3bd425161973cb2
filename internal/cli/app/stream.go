package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pushworker/pushworker/internal/broker/topology"
)

// AddStream adds the flag that names one of several streams of receipts.
func AddStream(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "stream", "", "with PUSHWORKER_STREAMS: the stream `NAME`")
}

// OneStream narrows t to the stream that name says, which may be left out where there is
// one only.
func OneStream(t topology.Topology, name string) (topology.Topology, error) {
	streams := t.ReceiptStreams()
	i := slices.Index(streams, name)
	switch {
	case name == "" && len(streams) == 1:
		i = 0
	case name == "":
		return t, Usage(fmt.Errorf("each stream of receipts counts its own sequences: say which one with --stream, of %s", strings.Join(streams, ", ")))
	case i < 0:
		return t, Usage(fmt.Errorf("--stream %s: there are %s", name, strings.Join(streams, ", ")))
	}
	return t.Each()[i], nil
}
