package tracking_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

// killVariable makes the test binary a tracker that is killed right after it
// has written down a command as sent, and before the first byte leaves. It
// holds the folder of the store and the URL of the bus.
const killVariable = "WAYMARK_TEST_KILLED_TRACKER"

func TestMain(m *testing.M) {
	if v := os.Getenv(killVariable); v != "" {
		killedTracker(v)
	}
	os.Exit(m.Run())
}

// deadly kills the process when a command is sent.
type deadly struct{ storage.Store }

func (d deadly) ChangeCommand(ctx context.Context, id int64, from []data.CommandState, step data.CommandStep) (data.QueuedCommand, error) {
	c, err := d.Store.ChangeCommand(ctx, id, from, step)
	if err == nil && step.State == data.CommandSent {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return c, err
}

func killedTracker(where string) {
	dir, url, _ := strings.Cut(where, "|")
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	store, err := sqlite.Open(context.Background(), dir, noLog)
	fail(err)
	cfg := bus.DefaultConfig()
	cfg.URL = url
	b, err := bus.Open(context.Background(), cfg, "", noLog)
	fail(err)
	r, err := run(deadly{store}, b, newClock().time)
	fail(err)
	fmt.Println(r.addr["gt06/tcp"])
	select {}
}

// TestKilledWhileSending kills a tracker between the store and the socket: the
// command is never sent, and not sent again by anybody.
func TestKilledWhileSending(t *testing.T) {
	w := newWorld(t)
	d, b := w.device(imei), openBus(t, w.nats)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	child := exec.CommandContext(ctx, self)
	child.Env = append(os.Environ(), killVariable+"="+w.dir+"|"+w.nats)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var addr string
	if _, err := fmt.Fscanln(out, &addr); err != nil {
		t.Fatal(err)
	}
	p := (&running{addr: map[string]string{"gt06/tcp": addr}}).gt06(t)
	stop := w.queue(b, d, "engineStop", nil)
	next := w.queue(b, d, "custom", nil, text("NEXT#"))
	if got := p.closed(); len(got) != 0 {
		t.Errorf("the device got %x", got)
	}
	if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the tracker ended with %v", err)
	}
	p = w.start().gt06(t)
	if got := p.command(); got != "NEXT#" {
		t.Errorf("the device got %s, not the command that nobody has sent", got)
	}
	w.wait(next, data.CommandSent)
	if got := w.states(stop); got != "queued sent" {
		t.Errorf("states %s", got)
	}
	w.advance(data.CommandTTL)
	w.wait(stop, data.CommandExpired)
	p.send(gt06.AppendHeartbeat(nil, &data.Position{}, 3))
	p.expect(gt06.HeartbeatType)
}
