package bus

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// smallDisk is a folder on a disk of its own, which only root can have.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a small disk (tmpfs) can only be mounted by root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("a small disk (tmpfs) cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDiskRecovers(t *testing.T) {
	disk := smallDisk(t, "size=32m")
	b, err := Open(t.Context(), DefaultConfig(), filepath.Join(disk, "bus"), slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	send := func(second int) error {
		ack, err := b.PublishPositions(data.Shard(7), []data.Position{position(7, second)})
		if err != nil {
			return err
		}
		return ack.Wait(t.Context())
	}
	if err := send(1); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, make([]byte, 32<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	acked := map[int]bool{1: true}
	second := 1
	var last error
	eventually(t, "an error that names the disk", func() bool {
		second++
		began := time.Now()
		if last = send(second); last == nil {
			acked[second] = true // the block in use had room
		}
		if took := time.Since(began); took > 2*hangTimeout {
			t.Fatalf("a publish took %v", took)
		}
		return last != nil && strings.Contains(last.Error(), "disk full")
	})
	if !errors.Is(last, data.ErrUnavailable) {
		t.Errorf("got %v", last)
	}
	if err := b.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("ready: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	eventually(t, "publishing to work again", func() bool {
		second++
		if send(second) != nil {
			return false
		}
		acked[second] = true
		return true
	})
	eventually(t, "readiness", func() bool { return b.Ready(t.Context()) == nil })

	s := newShared()
	tr := startTracker(t, b, s)
	defer tr.stop()
	eventually(t, "the last position", func() bool { return s.stored(7) >= seconds(position(7, second)) })
	for n := range acked {
		s.mu.Lock()
		if s.known[7][seconds(position(7, n))] == 0 {
			t.Errorf("second %d was acknowledged and is lost", n)
		}
		s.mu.Unlock()
	}
	t.Logf("%d of %d publishes were acknowledged", len(acked), second)
}

// TestDamagedFilesAreNamed damages what lies on disk, as a failing disk or a
// sudden loss of power does.
func TestDamagedFilesAreNamed(t *testing.T) {
	const n = 40
	for name, c := range map[string]struct {
		damage func(block []byte) []byte
		least  int // batches that must still come
	}{
		"a length is wrong":         {func(b []byte) []byte { b[len(b)/2] ^= 0x10; return b }, n - 1},
		"a bit flips in the middle": {func(b []byte) []byte { b[len(b)/2+30] ^= 0x10; return b }, n - 1},
		"the end is missing":        {func(b []byte) []byte { return b[:len(b)-20] }, n - 1},
	} {
		for _, state := range []string{"kept", "lost"} {
			t.Run(name+", index "+state, func(t *testing.T) {
				dir := t.TempDir()
				b, err := Open(t.Context(), DefaultConfig(), dir, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					publish(t, b, position(7, i))
				}
				b.Close()
				msgs := filepath.Join(dir, "jetstream/$G/streams", streamName, "msgs")
				blocks, err := filepath.Glob(filepath.Join(msgs, "*.blk"))
				if err != nil || len(blocks) != 1 {
					t.Fatalf("blocks %v, %v", blocks, err)
				}
				block, err := os.ReadFile(blocks[0])
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(blocks[0], c.damage(block), 0o600); err != nil {
					t.Fatal(err)
				}
				if state == "lost" {
					os.Remove(filepath.Join(msgs, "index.db"))
				}
				var out lockedBuffer
				b, err = Open(t.Context(), DefaultConfig(), dir, slog.New(slog.NewTextHandler(&out, nil)))
				if err != nil {
					t.Fatal(err)
				}
				defer b.Close()
				publish(t, b, position(7, 59)) // what comes later is not harmed
				s := newShared()
				tr := startTracker(t, b, s)
				eventually(t, "the last position", func() bool { return s.stored(7) == seconds(position(7, 59)) })
				tr.stop()
				s.mu.Lock()
				defer s.mu.Unlock()
				if got := len(s.known[7]) - 1; got < c.least {
					t.Errorf("%d of %d batches came", got, n)
				}
				if !strings.Contains(out.String(), "damaged") || !strings.Contains(out.String(), blocks[0]) {
					t.Errorf("the damage is not named: %s", out.String())
				}
				if kept, err := filepath.Glob(filepath.Join(dir, "damaged", "*")); err != nil || len(kept) != 1 {
					t.Errorf("kept %v, %v", kept, err)
				}
			})
		}
	}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestDamagedDescriptionsHarmNothing: what the server keeps about the stream
// can be made again.
func TestDamagedDescriptionsHarmNothing(t *testing.T) {
	for _, name := range []string{"meta.inf", "meta.sum", "msgs/index.db"} {
		dir := t.TempDir()
		b, err := Open(t.Context(), DefaultConfig(), dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			publish(t, b, position(7, i))
		}
		b.Close()
		path := filepath.Join(dir, "jetstream/$G/streams", streamName, name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		content[len(content)/2] ^= 0x10
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		b = open(t, DefaultConfig(), dir)
		bs, err := b.ConsumePositions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := receive(t, bs, 10); got[9].Positions[0].FixTime.Second() != 9 {
			t.Errorf("%s: %v", name, got)
		}
		bs.Stop()
	}
}

func BenchmarkSalvage(b *testing.B) {
	dir := b.TempDir()
	bus, err := Open(b.Context(), DefaultConfig(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		ack, err := bus.PublishPositions(0, slices.Repeat([]data.Position{position(7, i)}, MaxBatch))
		if err == nil {
			err = ack.Wait(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	bus.Close()
	block, err := os.ReadFile(filepath.Join(dir, "jetstream/$G/streams", streamName, "msgs/1.blk"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(block)))
	for b.Loop() {
		if good, _ := salvage(block, 1); good >= 0 {
			b.Fatalf("damaged at %d", good)
		}
	}
}
