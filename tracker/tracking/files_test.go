package tracking

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/metric"
)

// shelf keeps files; it can be told to refuse them.
type shelf struct {
	mu    sync.Mutex
	files []data.Media
	trims []string
	err   error
}

func (s *shelf) PutMedia(_ context.Context, m *data.Media) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.files = append(s.files, *m)
	}
	return s.err
}

func (s *shelf) TrimMedia(_ context.Context, deviceID int64, files int, bytes int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trims = append(s.trims, fmt.Sprint(deviceID, files, bytes))
	return nil
}

func (s *shelf) all() []data.Media {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files
}

// TestFileIsStoredBeforeItIsAnswered sends a photo in two pieces by two
// connections: the second begins anew in the decoder, and goes on here.
func TestFileIsStoredBeforeItIsAnswered(t *testing.T) {
	shelf := &shelf{err: errors.New("the disk is full")}
	r := start(t, func(c *Config, r *rig) {
		c.KeepFiles, c.KeepFilesMB = 5, 1
		r.deps = func(d *Deps) { d.Files = shelf }
	})
	c := dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\nFILE 0 no \xFF\xD8\xFF\n")
	c.want("HELLO anna", "GOT 0")
	c.send("FILE 1 yes end\n")
	c.wantClosed() // not stored, not answered
	shelf.mu.Lock()
	shelf.err = nil
	shelf.mu.Unlock()
	c = dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\nFILE 0 no \xFF\xD8\xFF\nFILE 0 no \xFF\xD8\xFF\n")
	c.want("HELLO anna", "GOT 0", "GOT 0")
	c = dial(t, "tcp", r.addr["line/tcp"])
	c.send("ID anna\nFILE 1 yes end\n")
	c.want("HELLO anna", "GOT 1")
	files := shelf.all()
	if len(files) != 1 || files[0].DeviceID != 11 || string(files[0].Content) != "\xFF\xD8\xFFend" || files[0].Type != "image/jpeg" {
		t.Fatalf("stored %+v", files)
	}
	if want := "20261122-120100-"; !strings.HasPrefix(files[0].Name, want) || !strings.HasSuffix(files[0].Name, ".jpg") {
		t.Errorf("it is called %s", files[0].Name)
	}
	if got := shelf.trims; len(got) != 1 || got[0] != fmt.Sprint(11, 5, 1<<20) {
		t.Errorf("trimmed %v", got)
	}
	positions := r.bus.positions()
	if len(positions) != 1 || !positions[0].Outdated || positions[0].Attributes.Get("image").String() != files[0].Name {
		t.Errorf("positions %+v", positions)
	}
}

func TestFilesAreBounded(t *testing.T) {
	m := newMetrics(metric.NewSet(), nil)
	h := &handler{t: &Tracker{deps: Deps{Log: slog.New(slog.DiscardHandler)}}, protocol: protocol.Protocol{Name: "line"}}
	f := newFiles(DefaultConfig(), &shelf{}, m)
	dropped := func() uint64 { return m.files("line", "dropped").Get() }
	piece := func(id string, from int, n int) *data.FilePart {
		return &data.FilePart{Kind: data.FileImage, ID: id, From: from, To: from + 1, Content: make([]byte, n)}
	}
	now := base
	add := func(device int64, p *data.FilePart) bool {
		now = now.Add(time.Second)
		_, whole := f.add(h, device, p, now)
		return whole
	}
	check := func(what string, files int) {
		t.Helper()
		open, size := 0, 0
		for _, list := range f.open {
			open += len(list)
			for _, file := range list {
				size += cap(file.content)
			}
		}
		if open != files || size != f.bytes || size > maxOpenBytes {
			t.Errorf("%s: %d files are open, want %d; %d bytes, counted as %d", what, open, files, size, f.bytes)
		}
	}
	add(1, piece("gap", 0, 10))
	add(1, piece("gap", 2, 10))
	check("after a gap", 0)
	add(1, piece("middle", 3, 10))
	check("without a beginning", 0)
	for i := range 3 * maxOpenFiles {
		add(1, piece(fmt.Sprint(i), 0, 10))
	}
	check("many of a device", maxOpenFiles)
	for i := 0; i*(1<<20) <= data.MaxFile; i++ {
		add(2, piece("long", i, 1<<20))
	}
	check("too long", maxOpenFiles)
	for device := range int64(2 * maxOpenBytes >> 20) {
		add(100+device, piece("", 0, 1<<20))
	}
	if f.open[1] != nil || f.open[100] != nil || f.open[100+2*maxOpenBytes>>20-1] == nil {
		t.Error("those that waited longest are not those that were given up")
	}
	check("many devices", len(f.open))
	if dropped() == 0 {
		t.Error("nothing was counted")
	}
	// Empty pieces cost nothing to send: they must cost nothing to keep.
	for device := range int64(1000) {
		add(10_000+device, piece("", 0, 0))
	}
	if n := len(f.open); n > maxOpen {
		t.Errorf("%d empty files are open", n)
	}
}

func TestFileTypes(t *testing.T) {
	for content, want := range map[string]string{
		"\xFF\xD8\xFF\xE0": "image/jpeg jpg", "\x89PNG\r\n\x1A\n": "image/png png", "#!AMR\n": "audio/amr amr", "RIFF....WAVEfmt": "audio/wav wav",
		"....ftypisom": "video/mp4 mp4", "<html><script>": "application/octet-stream bin", "": "application/octet-stream bin",
	} {
		if kind, extension := fileType(data.FileAudio, []byte(content)); kind+" "+extension != want {
			t.Errorf("%q is %s %s, want %s", content, kind, extension, want)
		}
	}
	if kind, _ := fileType(data.FileImage, bytes.Repeat([]byte{0}, 20)); kind != "image/jpeg" {
		t.Errorf("a damaged photo is %s", kind)
	}
}
