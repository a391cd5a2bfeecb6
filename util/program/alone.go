package program

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/waymark-gps/waymark/util/health"
	"github.com/waymark-gps/waymark/util/rungroup"
)

// Run works until its context ends.
type Run = func(context.Context) error

// lameDuck is how long a service that is told to end still serves, so that
// load balancers notice that it is no longer ready.
const lameDuck = time.Second

// RunAlone runs one service of several: opens the parts, makes the service,
// serves health beside it (healthListen empty: the service does that itself),
// and ends everything in order.
func RunAlone(ctx context.Context, core Core, healthListen string, log *slog.Logger, start func(*Parts) (Run, error)) error {
	if err := core.RequireShared(); err != nil {
		return err
	}
	var probes net.Listener
	if healthListen != "" {
		var err error
		if probes, err = net.Listen("tcp", healthListen); err != nil {
			return fmt.Errorf("open the health port: %w; set another address with the setting that ends in .listen", err)
		}
		defer probes.Close()
	}
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
	if probes != nil {
		group.Layer().Go("health", func(ctx context.Context) error {
			return health.Serve(ctx, probes, p.Health.Handler())
		})
	}
	group.Layer().Go("service", run)
	group.Layer().Go("readiness", p.Health.LameDuck(lameDuck))
	return group.Run(ctx)
}
