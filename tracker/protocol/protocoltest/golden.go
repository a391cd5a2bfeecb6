package protocoltest

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/recording"
)

// arrival is when golden messages arrive.
var arrival = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// Records reads the files testdata/*.jsonl of the package under test.
func Records(tb testing.TB) []recording.Record {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.jsonl"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no files testdata/*.jsonl (%v)", err)
	}
	var out []recording.Record
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			tb.Fatal(err)
		}
		records, err := recording.Read(f)
		f.Close()
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		out = append(out, records...)
	}
	return out
}

// Message is a golden message.
func Message(tb testing.TB, session string, seq int) []byte {
	tb.Helper()
	for _, r := range Records(tb) {
		if r.Session != session || r.Seq != seq {
			continue
		}
		b, err := r.Bytes()
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
	tb.Fatalf("no message %d of session %s", seq, session)
	return nil
}

// Golden checks every record of testdata/*.jsonl; then sends the messages of
// each session as one stream: whole, byte by byte and glued together, which
// must read the same; then sends noise, which must end in an error or be
// skipped.
func Golden(t *testing.T, p protocol.Protocol) {
	t.Helper()
	records := Records(t)
	t.Run("records", func(t *testing.T) {
		scored, misses := Score(&p, records, arrival)
		for _, m := range misses {
			t.Error(m)
		}
		t.Logf("%d records", scored)
	})
	if p.New == nil {
		return
	}
	for name, session := range streams(t, records) {
		t.Run("stream/"+name, func(t *testing.T) { checkStream(t, &p, session) })
	}
	t.Run("noise", func(t *testing.T) { checkNoise(t, &p) })
}

// streams groups the messages that are whole frames by session.
func streams(tb testing.TB, records []recording.Record) map[string][]recording.Record {
	out := map[string][]recording.Record{}
	for _, r := range records {
		if r.Dir == "decode" && r.Kind != "http" && !r.Framed {
			out[r.Session] = append(out[r.Session], r)
		}
	}
	return out
}

func checkStream(t *testing.T, p *protocol.Protocol, session []recording.Record) {
	var glued []byte
	var ends []int
	for i := range session {
		b, err := session[i].Bytes()
		if err != nil {
			t.Fatal(err)
		}
		glued = append(glued, b...)
		ends = append(ends, len(glued))
	}
	datagrams := session[0].Transport(p) == protocol.UDP
	var want [][]byte
	for _, step := range []int{len(glued), 1, 7} {
		if datagrams && step != len(glued) {
			continue // datagrams are not cut
		}
		codec, err := recording.NewSession(p).Codec(&session[0])
		if err != nil {
			t.Fatal(err)
		}
		have := replay(t, codec, glued, step, ends)
		if want == nil {
			if want = have; len(have) != len(session) {
				t.Fatalf("%d frames of %d messages", len(have), len(session))
			}
			continue
		}
		if len(have) != len(want) {
			t.Fatalf("in steps of %d: %d frames, want %d", step, len(have), len(want))
		}
		for i := range have {
			if !bytes.Equal(have[i], want[i]) {
				t.Errorf("in steps of %d: frame %d reads %s, want %s", step, i, have[i], want[i])
			}
		}
	}
}

// replay feeds b in steps and returns what each frame said, as JSON. A frame
// may not be cut before its last byte is there, or its end guessed wrong.
func replay(t *testing.T, codec protocol.Codec, b []byte, step int, ends []int) [][]byte {
	var out [][]byte
	taken := 0
	for have := min(step, len(b)); ; have = min(have+step, len(b)) {
		for {
			frame, n, err := codec.Next(b[taken:have:have])
			if err != nil {
				t.Fatalf("after %d bytes: %v", taken, err)
			}
			if n == 0 {
				break
			}
			if taken += n; frame == nil {
				t.Fatalf("%d bytes before byte %d were taken for noise", n, taken)
			}
			if i := len(out); i >= len(ends) || taken != ends[i] {
				t.Fatalf("frame %d ends at byte %d, want %v", i, taken, ends)
			}
			packet, err := codec.Decode(frame, arrival)
			out = append(out, summary(packet, err))
		}
		if have == len(b) {
			return out
		}
	}
}

// summary writes what a packet says.
func summary(packet data.Packet, err error) []byte {
	var b []byte
	b = append(b, packet.Identity...)
	b = append(b, ' ')
	b = append(b, packet.Reply...)
	for _, p := range recording.All(&packet) {
		b = append(p.AppendJSON(b), ' ')
	}
	if err != nil {
		b = append(b, err.Error()...)
	}
	return b
}

// checkNoise feeds random bytes: everything must be taken, refused or waited
// for within the size of a frame, and nothing may panic.
func checkNoise(t *testing.T, p *protocol.Protocol) {
	const rounds, size = 200, 4 << 10
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		noise := make([]byte, size)
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		feed(t, p, p.New(first(p)), noise, 1+random.IntN(300))
	}
}

// MaxFrame is the bound of a protocol's frames.
func MaxFrame(p *protocol.Protocol) int {
	if p.MaxFrame > 0 {
		return p.MaxFrame
	}
	return protocol.DefaultMaxFrame
}

func first(p *protocol.Protocol) protocol.Transport {
	if p.Transports&protocol.TCP != 0 {
		return protocol.TCP
	}
	return protocol.UDP
}

// feed sends b in steps and checks what every input must keep to.
func feed(tb testing.TB, p *protocol.Protocol, codec protocol.Codec, b []byte, step int) {
	var pending []byte
	for len(b) > 0 {
		n := min(max(1, step), len(b))
		pending, b = append(pending, b[:n]...), b[n:]
		for {
			frame, n, err := codec.Next(pending)
			if err != nil {
				return
			}
			if n < 0 || n > len(pending) || (n == 0 && frame != nil) {
				tb.Fatalf("took %d of %d bytes, frame %x", n, len(pending), frame)
			}
			if n == 0 {
				break
			}
			if len(frame) > MaxFrame(p) {
				tb.Fatalf("a frame of %d bytes, at most %d", len(frame), MaxFrame(p))
			}
			if frame != nil {
				packet, err := codec.Decode(frame, arrival)
				checkPacket(tb, len(frame), &packet, err)
			}
			pending = pending[n:]
		}
		if len(pending) > MaxFrame(p) {
			tb.Fatalf("still waiting with %d bytes, a frame has at most %d", len(pending), MaxFrame(p))
		}
	}
}
