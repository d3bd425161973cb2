package query

import (
	"context"
	"slices"
	"time"

	"github.com/pushworker/pushworker/internal/explain"
)

// each returns q about each stream of receipts, with a like share of the time.
func (q Query) each() []Query {
	shards := q.Topology.Each()
	all := make([]Query, len(shards))
	for i, shard := range shards {
		all[i] = q
		all[i].Topology = shard
		all[i].For = q.For / time.Duration(len(shards))
	}
	return all
}

// Find finds a user's receipts: by reading them back from the last one, for a bounded
// time, and by what is recorded of outcomes beyond that.
func (q Query) Find(ctx context.Context) (Found, error) {
	all := Found{Complete: true}
	for _, one := range q.each() {
		found, err := one.find(ctx)
		if err != nil {
			return Found{}, err
		}
		all.Receipts = append(all.Receipts, found.Receipts...)
		all.Others += found.Others
		all.Complete = all.Complete && found.Complete
		if found.Reached.After(all.Reached) {
			all.Reached = found.Reached
		}
	}
	slices.SortStableFunc(all.Receipts, func(a, b explain.Receipt) int { return b.Published.Compare(a.Published) })
	all.Receipts = all.Receipts[:min(q.Limit, len(all.Receipts))]
	return all, nil
}

// Tell asks the broker for all that concerns the receipts, the newest first, and tells
// the story of each.
func (q Query) Tell(ctx context.Context, receipts []explain.Receipt) ([]explain.Story, error) {
	stories := make([]explain.Story, len(receipts))
	for _, one := range q.each() {
		var places []int
		var mine []explain.Receipt
		for i, r := range receipts {
			if r.Stream == one.Topology.Receipts() {
				places, mine = append(places, i), append(mine, r)
			}
		}
		if len(mine) == 0 {
			continue
		}
		facts, err := one.facts(ctx, mine)
		if err != nil {
			return nil, err
		}
		for i, r := range mine {
			facts.Receipt = r
			stories[places[i]] = explain.Tell(facts)
		}
	}
	return stories, nil
}
