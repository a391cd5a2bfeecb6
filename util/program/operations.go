package program

import (
	"context"
	"fmt"
	"net"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/health"
)

// OpsConfig says where operators look in: probes, metrics, profiles.
type OpsConfig struct {
	Listen string `koanf:"listen" desc:"address of /healthz, /readyz, /metrics and /debug/pprof, for operators only; empty is off"`
}

// Validate checks the values.
func (c OpsConfig) Validate() error {
	if c.Listen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen is %q, it must be an address and port like 127.0.0.1:8083: %w", c.Listen, data.ErrInvalid)
	}
	return nil
}

// Open opens the port.
func (c OpsConfig) Open() (*Ops, error) {
	if c.Listen == "" {
		return &Ops{}, nil
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("open the port for operators: %w; set ops.listen if another program uses it", err)
	}
	return &Ops{l}, nil
}

// Ops is the open port for operators, if there is one.
type Ops struct{ listener net.Listener }

// Close closes a port that is not served.
func (o *Ops) Close() {
	if o.listener != nil {
		o.listener.Close()
	}
}

// Serve answers operators until its context ends.
func (o *Ops) Serve(h *health.Health) Run {
	return func(ctx context.Context) error {
		if o.listener == nil {
			<-ctx.Done()
			return nil
		}
		return health.Serve(ctx, o.listener, h.Operations())
	}
}
