package protocoltest

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
)

const (
	// growthSize is how much of a stream came before the costs of the next bytes
	// are measured, and then twice as much.
	growthSize = 512
	// growthCalls is how many bytes are measured.
	growthCalls = 32
	// growthLimit is how much more those bytes may cost behind twice as many. A
	// codec that looks once at all that is pending needs twice as much; one that
	// looks at all for each end that it sees, four times.
	growthLimit = 3
	// Measured is at least so often, so that no answer is good by chance, and at
	// most so often.
	leastRounds, mostRounds = 10, 100
	// cheapCall is what a call may cost however long the stream is.
	cheapCall = 200 * time.Nanosecond
)

// CheapToCut sends a hostile stream over TCP byte by byte: one that never ends a
// message and is full of what may be an end. A byte more may cost no more than a
// look at all that is pending. It compares the costs of bytes behind a stream
// and behind one twice as long, so that a busy machine changes nothing.
func CheapToCut(t *testing.T, p protocol.Protocol, stream []byte) {
	t.Helper()
	if have := growth(t, p.New, stream, leastRounds, mostRounds); have > growthLimit {
		t.Fatalf("%.24q..: a byte behind twice as many costs %.1f times as much, at most %d", stream, have, growthLimit)
	}
	c := trickle{tb: t, codec: p.New(protocol.TCP), stream: stream}
	c.until(len(stream))
}

// growth is how much more bytes cost behind twice as many. It measures until the
// answer is good, or most rounds, so many that it must be bad: the least times
// count, which other work on the machine can only lengthen.
func growth(tb testing.TB, codec func(protocol.Transport) protocol.Codec, stream []byte, least, most int) (factor float64) {
	tb.Helper()
	if len(stream) < 2*growthSize+growthCalls {
		tb.Fatalf("a stream of %d bytes, want at least %d", len(stream), 2*growthSize+growthCalls)
	}
	short, long := time.Hour, time.Hour
	cost := func(quickest *time.Duration, size int) {
		c := trickle{tb: tb, codec: codec(protocol.TCP), stream: stream}
		c.jump(size)
		started := time.Now()
		c.until(size + growthCalls)
		*quickest = min(*quickest, time.Since(started))
	}
	for round := range most {
		cost(&short, growthSize)
		cost(&long, 2*growthSize)
		factor = float64(long) / float64(max(short, growthCalls*cheapCall))
		if round+1 >= least && factor <= growthLimit {
			break
		}
	}
	return factor
}

// trickle offers a stream one byte more at a time.
type trickle struct {
	tb          testing.TB
	codec       protocol.Codec
	stream      []byte
	taken, have int
}

// until goes on until so many bytes of the stream have come.
func (c *trickle) until(size int) {
	c.tb.Helper()
	for c.have < size {
		c.have++
		_, n, err := c.codec.Next(c.stream[c.taken:c.have])
		if err != nil {
			c.tb.Fatal(err)
		}
		c.taken += n
	}
}

// jump offers so many bytes of the stream at once.
func (c *trickle) jump(size int) {
	c.tb.Helper()
	c.have = size
	for c.taken < size {
		_, n, err := c.codec.Next(c.stream[c.taken:size])
		if err != nil {
			c.tb.Fatal(err)
		}
		if n == 0 {
			return
		}
		c.taken += n
	}
}
