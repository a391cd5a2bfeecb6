package protocoltest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// summing waits for an end with the right checksum, and never sees it. The
// hasty one sums from the start for each end.
type summing struct{ hasty bool }

func (c summing) Next(buf []byte) (frame []byte, n int, err error) {
	sum, summed := byte(0), 0
	for end := 2; end <= len(buf); end++ {
		if buf[end-2] != '\r' {
			continue
		}
		if c.hasty {
			sum, summed = 0, 0
		}
		for _, b := range buf[summed:end] {
			sum += b | 1
		}
		if summed = end; len(buf) == 1<<20 && sum == 0 {
			return buf[:end], end, nil
		}
	}
	return nil, 0, nil
}

func (summing) Decode([]byte, time.Time) (data.Packet, error) {
	return data.Packet{}, errors.New("no message")
}

// A codec that gets ever slower is told from one that looks at each byte once.
func TestGrowth(t *testing.T) {
	stream := bytes.Repeat([]byte("\r\n"), growthSize+growthCalls)
	measure := func(hasty bool, least, most int) float64 {
		return growth(t, func(protocol.Transport) protocol.Codec { return summing{hasty} }, stream, least, most)
	}
	if have := measure(false, leastRounds, 10*mostRounds); have > growthLimit {
		t.Errorf("each byte once: %.1f times as much for twice the bytes", have)
	}
	if have := measure(true, 3*leastRounds, 3*leastRounds); have <= growthLimit {
		t.Errorf("from the start for each end: only %.1f times as much for twice the bytes", have)
	}
}
