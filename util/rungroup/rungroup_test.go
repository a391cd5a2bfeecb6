package rungroup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// diary notes what happens, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// part runs until it is told to end, and then takes a while.
func (d *diary) part(name string, takes time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		d.note("%s told", name)
		time.Sleep(takes) // of the test's own clock
		d.note("%s gone", name)
		return ctx.Err()
	}
}

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		var d diary
		g.Layer().Go("store", d.part("store", time.Second))
		g.Layer().Go("bus", d.part("bus", time.Second))
		g.Layer() // an empty one does not matter
		services := g.Layer()
		services.Go("web", d.part("web", 2*time.Second))
		services.Go("tracker", d.part("tracker", 5*time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if err := g.Run(ctx); err != nil {
			t.Errorf("told to end is no error: %v", err)
		}
		if took := time.Since(start); took != 67*time.Second {
			t.Errorf("took %v, want a minute and 5+1+1 seconds", took)
		}
		slices.Sort(d.lines[:2]) // siblings are told together
		want := []string{"tracker told", "web told", "web gone", "tracker gone", "bus told", "bus gone", "store told", "store gone"}
		if !slices.Equal(d.lines, want) {
			t.Errorf("have %q\nwant %q", d.lines, want)
		}
	})
}

// The error of a part ends all, whichever layer it is in; the first one counts.
func TestFirstError(t *testing.T) {
	broken, later := errors.New("broken"), errors.New("later")
	for _, failing := range []string{"store", "web"} {
		synctest.Test(t, func(t *testing.T) {
			var g Group
			var d diary
			fails := func(name string) func(context.Context) error {
				if name != failing {
					return d.part(name, time.Second)
				}
				return func(context.Context) error {
					time.Sleep(time.Hour)
					return broken
				}
			}
			g.Layer().Go("store", fails("store"))
			services := g.Layer()
			services.Go("web", fails("web"))
			services.Go("tracker", func(ctx context.Context) error {
				<-ctx.Done()
				return later
			})
			err := g.Run(t.Context())
			if !errors.Is(err, broken) || err.Error() != failing+": broken" {
				t.Errorf("have %v", err)
			}
			want := []string{"store told", "store gone"}
			if failing == "store" {
				want = []string{"web told", "web gone"}
			}
			if !slices.Equal(d.lines, want) {
				t.Errorf("have %q, want %q", d.lines, want)
			}
		})
	}
}

// A part that returns without an error ends the group too.
func TestReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		var d diary
		l := g.Layer()
		l.Go("done", func(context.Context) error { return nil })
		l.Go("web", d.part("web", 0))
		if err := g.Run(t.Context()); err != nil {
			t.Error(err)
		}
		if len(d.lines) != 2 {
			t.Errorf("have %q", d.lines)
		}
	})
}

// A part that was not told to end and says that something was cancelled has failed.
func TestCanceledByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		g.Layer().Go("web", func(context.Context) error { return context.Canceled })
		if err := g.Run(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("have %v", err)
		}
	})
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		var d diary
		g.Layer().Go("store", d.part("store", 0))
		services := g.Layer()
		services.Go("web", d.part("web", time.Second))
		services.Go("tracker", d.part("tracker", time.Hour))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		err := g.Run(ctx)
		if want := "shutdown takes longer than 25s, still running: tracker, store"; err == nil || err.Error() != want {
			t.Errorf("have %v, want %s", err, want)
		}
		if took := time.Since(start); took != Deadline {
			t.Errorf("took %v", took)
		}
		time.Sleep(2 * time.Hour) // the late ones return in the end
	})
}

func TestValues(t *testing.T) {
	type key struct{}
	var g Group
	var have any
	g.Layer().Go("x", func(ctx context.Context) error { have = ctx.Value(key{}); return nil })
	if err := g.Run(context.WithValue(t.Context(), key{}, "v")); err != nil || have != "v" {
		t.Errorf("have %v, %v", have, err)
	}
	if err := new(Group).Run(t.Context()); err != nil {
		t.Error(err)
	}
}

// The test runs itself as a program that takes its time to end.
func TestMain(m *testing.M) {
	if os.Getenv("RUNGROUP_CHILD") == "" {
		os.Exit(m.Run())
	}
	ctx, stop := Signals(context.Background())
	defer stop()
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Println("ending")
	time.Sleep(time.Minute) // until the second signal
}

func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		child := exec.CommandContext(t.Context(), os.Args[0])
		// Under Bazel the test main takes SIGTERM for itself if it has a deadline.
		child.Env = append(os.Environ(), "RUNGROUP_CHILD=1", "TEST_TIMEOUT=")
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for _, want := range []string{"ready", "ending"} {
			if !lines.Scan() || strings.TrimSpace(lines.Text()) != want {
				t.Fatalf("%v: have %q, want %q", sig, lines.Text(), want)
			}
			// The second one may come before the first has been forgotten, and is
			// then lost: repeat it, as people do.
			if err := child.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
		}
		gone := make(chan error, 1)
		go func() { gone <- child.Wait() }()
		start, tick := time.Now(), time.NewTicker(50*time.Millisecond)
		for waiting := true; waiting; {
			select {
			case err := <-gone:
				waiting = false
				if err == nil {
					t.Errorf("%v: ended as if all were well", sig)
				}
			case <-tick.C:
				child.Process.Signal(sig)
				if time.Since(start) > time.Minute {
					child.Process.Kill()
					t.Fatalf("%v: the second signal did not end the program", sig)
				}
			}
		}
		tick.Stop()
	}
}
