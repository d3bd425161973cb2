package worker

import (
	"context"
	"errors"

	"github.com/pushworker/pushworker/internal/broker"
	"github.com/pushworker/pushworker/internal/broker/channels"
	"github.com/pushworker/pushworker/internal/broker/devices"
	"github.com/pushworker/pushworker/internal/broker/events"
	"github.com/pushworker/pushworker/internal/broker/topology"
)

// What [Worker.Provision] has done to an object.
const (
	Created   = "created"
	Updated   = "updated"
	Unchanged = "unchanged"
	// Different is an object that was left other than the configuration says.
	Different = "different"
)

// Provisioned is a stream, durable or bucket, and what was done to it.
type Provisioned struct {
	// Object is, for example, "durable fcm of stream PUSH".
	Object string `json:"object"`
	Result string `json:"result"`
	// Changes are what was changed, or was left different, one line each.
	Changes []string `json:"changes,omitempty"`
}

// Provision makes and updates all that workers of this configuration bind to, and tells
// of each object what was done. It asks again while the broker does not answer or lacks nodes,
// until ctx ends. What it has done before an error is returned, too. It starts no handler.
func (w Worker) Provision(ctx context.Context, conn *broker.Conn) ([]Provisioned, error) {
	t := Topology(w.Config, EnabledHandlers(w.Config))
	var done []topology.Difference
	for _, step := range w.provisioning(conn, t) {
		err := broker.Persist(ctx, w.Log, func() error {
			differences, err := step(ctx)
			done = append(done, differences...)
			return err
		})
		if err != nil {
			return provisioned(nil, done), err
		}
	}
	objects, err := w.objects(ctx, conn, t)
	errs := []error{err}
	for _, o := range objects {
		errs = append(errs, o.Err)
	}
	return provisioned(objects, done), errors.Join(errs...)
}

// provisioning are the steps of Provision. The bucket of devices comes first: missing
// beside receipts, it was lost.
func (w Worker) provisioning(conn *broker.Conn, t topology.Topology) []func(context.Context) ([]topology.Difference, error) {
	steps := []func(context.Context) ([]topology.Difference, error){
		func(ctx context.Context) ([]topology.Difference, error) { return w.makeDevices(ctx, conn, t) },
		func(ctx context.Context) ([]topology.Difference, error) { return topology.Provision(ctx, conn, t) },
		func(ctx context.Context) ([]topology.Difference, error) {
			return channels.Provision(ctx, conn, w.Config.Replicas)
		},
	}
	if w.Config.Events != "off" {
		steps = append(steps, func(ctx context.Context) ([]topology.Difference, error) { return events.Provision(ctx, conn, t) })
	}
	return steps
}

// objects looks at all that Provision makes.
func (w Worker) objects(ctx context.Context, conn *broker.Conn, t topology.Topology) ([]topology.Object, error) {
	all, err := topology.Inspect(ctx, conn, t)
	all = append(all, topology.InspectPositions(ctx, conn, t), devices.Inspect(ctx, conn, w.Config.Replicas), channels.Inspect(ctx, conn, w.Config.Replicas))
	if w.Config.Events != "off" {
		all = append(all, t.Events().Inspect(ctx, conn))
	}
	return all, err
}

// provisioned says of each object what was done to it: those that were looked at, in
// their order, and others of which something is known.
func provisioned(objects []topology.Object, done []topology.Difference) []Provisioned {
	var all []Provisioned
	at := make(map[string]int)
	of := func(object string) *Provisioned {
		i, known := at[object]
		if !known {
			i = len(all)
			at[object], all = i, append(all, Provisioned{Object: object, Result: Unchanged})
		}
		return &all[i]
	}
	for _, o := range objects {
		of(o.Name)
	}
	for _, d := range done {
		p := of(d.Object)
		switch {
		case d.Field == "":
			p.Result = Created
		case !d.Updated:
			p.Result = Different
		case p.Result == Unchanged:
			p.Result = Updated
		}
		p.Changes = append(p.Changes, d.String())
	}
	return all
}
