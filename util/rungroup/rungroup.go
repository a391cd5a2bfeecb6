// Package rungroup runs the parts of a program together and ends them in
// order. Parts stand in layers: those of a layer end together, and a layer is
// told to end only after the last part of the layer above has returned. So a
// database is never closed under a server that still finishes its requests.
//
//	ctx, stop := rungroup.Signals(context.Background())
//	defer stop()
//	var group rungroup.Group
//	group.Layer().Go("bus", bus.Run)         // used by what follows
//	services := group.Layer()
//	services.Go("tracker", tracker.Run)
//	services.Go("web-server", web.Run)
//	return group.Run(ctx)
package rungroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Deadline is how long all parts together may take to end. Container runtimes
// kill after 30 s by habit; the log must say who hangs before that.
const Deadline = 25 * time.Second

// Group is the layers of a program. The zero value is empty and ready to use;
// it is set up and run by one goroutine.
type Group struct {
	layers []*Layer
}

// Layer holds parts that end together.
type Layer struct {
	parts []*part
}

type part struct {
	name string
	run  func(context.Context) error
	done bool
}

// Layer adds a layer that uses the ones before it.
func (g *Group) Layer() *Layer {
	l := &Layer{}
	g.layers = append(g.layers, l)
	return l
}

// Go adds a part. It runs until its context ends and then returns in due time,
// with nil or the context's error. If it returns by itself, with an error or
// without, the whole group ends.
func (l *Layer) Go(name string, run func(context.Context) error) {
	l.parts = append(l.parts, &part{name: name, run: run})
}

// ended is what a part said at its end.
type ended struct {
	layer int
	part  *part
	err   error
}

// Run starts all parts at once and waits for their end, which begins when ctx
// ends or one of them returns. It returns the first error, with the name of its
// part. If the parts take longer than Deadline to end, it returns all the same,
// and the error names those that hang.
func (g *Group) Run(ctx context.Context) error {
	var (
		cancels = make([]context.CancelFunc, len(g.layers))
		running = make([]int, len(g.layers))
		total   int
	)
	for _, l := range g.layers {
		total += len(l.parts)
	}
	if total == 0 {
		return nil
	}
	ends := make(chan ended, total) // room for all: nobody waits to say that it ended
	for i, l := range g.layers {
		// Only this function cancels, in its order; ctx gives no more than values.
		layerCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		cancels[i], running[i] = cancel, len(l.parts)
		for _, p := range l.parts {
			go func() { ends <- ended{i, p, p.run(layerCtx)} }()
		}
	}

	var (
		first    error
		top      = len(g.layers) // layers from here on have been told to end
		begin    = ctx.Done()
		deadline <-chan time.Time
	)
	for total > 0 {
		select {
		case e := <-ends:
			e.part.done = true
			running[e.layer]--
			total--
			// A part that was told to end may say so.
			if e.err != nil && first == nil && !(e.layer >= top && errors.Is(e.err, context.Canceled)) {
				first = fmt.Errorf("%s: %w", e.part.name, e.err)
			}
		case <-begin:
		case <-deadline:
			return errors.Join(first, fmt.Errorf("shutdown takes longer than %v, still running: %s", Deadline, g.unfinished()))
		}
		if begin != nil {
			begin = nil
			timer := time.NewTimer(Deadline)
			defer timer.Stop()
			deadline = timer.C
		}
		// Down to the first layer that has parts running.
		for top > 0 && (top == len(g.layers) || running[top] == 0) {
			top--
			cancels[top]()
		}
	}
	return first
}

// unfinished names the parts that have not returned.
func (g *Group) unfinished() string {
	var names []string
	for _, l := range slices.Backward(g.layers) {
		for _, p := range l.parts {
			if !p.done {
				names = append(names, p.name)
			}
		}
	}
	return strings.Join(names, ", ")
}

// Signals returns a context that ends with the first interrupt or termination
// signal. A second one ends the program at once.
func Signals(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	// From then on signals do what they do to any program.
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
