package program

import (
	"context"
	"log/slog"
	"time"

	"github.com/waymark-gps/waymark/util/memory"
	"github.com/waymark-gps/waymark/util/rungroup"
)

// Run works until its context ends.
type Run = func(context.Context) error

// lameDuck is how long a service that is told to end still serves, so that
// load balancers notice that it is no longer ready.
const lameDuck = time.Second

// RunAlone runs one service of several: opens the parts, makes the service,
// serves operators beside it, and ends everything in order.
func RunAlone(ctx context.Context, core Core, log *slog.Logger, start func(*Parts) (Run, error)) error {
	if err := core.RequireShared(); err != nil {
		return err
	}
	ops, err := core.Ops.Open()
	if err != nil {
		return err
	}
	defer ops.Close()
	p, err := Open(ctx, core, log)
	if err != nil {
		return err
	}
	defer p.Close()
	run, err := start(p)
	if err != nil {
		return err
	}
	var group rungroup.Group
	behind := group.Layer()
	behind.Go("operations", ops.Serve(p.Health))
	behind.Go("memory", memory.Run)
	behind.Go("statistics", p.Count)
	group.Layer().Go("service", run)
	group.Layer().Go("readiness", p.Health.LameDuck(lameDuck))
	return group.Run(ctx)
}
