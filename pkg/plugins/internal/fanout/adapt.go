package fanout

import (
	"context"

	"github.com/pushworker/pushworker/pkg/push"
)

// Adapt makes a handler that reaches devices: parse reads its config, connect makes what
// sends and does not wait for the network, and work is what the handler does with both.
func Adapt[C, S any](
	parse func(jsonconf string) (*C, error), connect func(context.Context, *C) (S, error), work func(*C, push.Common, S) push.Work,
) *push.Adapter {
	return push.Adapt(func(jsonconf string) (push.Work, error) {
		c, err := parse(jsonconf)
		if err != nil {
			return push.Work{}, err
		}
		s, err := connect(context.Background(), c) //nolint:forbidigo // push.Handler's Init takes none
		if err != nil {
			return push.Work{}, err
		}
		common, _ := push.ParseCommon(jsonconf) // its faults are told by push.Adapt
		return work(c, common, s), nil
	}).ToDevices()
}

// Prepared is made as [Way.Prepare] returns it: nothing where it is a nil pointer.
func Prepared[M, T any, P interface {
	*T
	Renderer[M]
}](made P, err error) (Renderer[M], error) {
	if made == nil {
		return nil, err
	}
	return made, nil
}
