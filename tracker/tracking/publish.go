package tracking

import (
	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/bus"
)

// OnBus publishes on b.
func OnBus(b *bus.Bus) Publisher { return onBus{b} }

type onBus struct{ bus *bus.Bus }

func (onBus) MaxBatch() int { return bus.MaxBatch }

func (o onBus) Shards() int { return o.bus.Shards() }

func (o onBus) PublishPositions(shard int, positions []data.Position) (Waiter, error) {
	return o.bus.PublishPositions(shard, positions)
}
