package bench

import (
	"context"
	"os"
	"time"
)

var idle = []scenario{{
	name:    "idle",
	figures: []Figure{{What: "memory of the idle process, all ports open (RSS)", Unit: "MB", Must: 50, Lower: true}},
	run: func(ctx context.Context, o Options) ([]float64, error) {
		dir, err := os.MkdirTemp(o.Dir, "waymark-bench-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		// The ports of trackers have their distances to each other, above those
		// that a server on this machine may use.
		s, err := startServer(ctx, o, dir, "--tracker.port-offset", "20000")
		if err != nil {
			return nil, err
		}
		defer s.stop()
		select {
		case <-time.After(o.Warmup):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		rss, _, err := residentBytes(s.cmd.Process.Pid)
		return []float64{float64(rss) / (1 << 20)}, err
	},
}}
