package gt06

import (
	"bytes"
	"testing"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

// A frame that never ends and is full of stops must not cost more for every
// byte that comes.
func TestHostileStreamIsCheap(t *testing.T) {
	stream := append([]byte{markLong, markLong, 0x0F, 0x00}, bytes.Repeat([]byte("\r\n"), maxFrame)...)
	protocoltest.CheapToCut(t, Protocol(), stream)
}

// The two bytes after a stop may come later than the stop.
func TestStopAtTheEndOfAPacket(t *testing.T) {
	lying := appendFrame(nil, false, kindStatus, []byte{0x46, 5, 4, 0, 2}, 1)
	lying[2] = 0x40
	good := appendFrame(nil, false, kindStatus, []byte{0x46, 5, 4, 0, 2}, 2)
	c := Protocol().New(protocol.TCP)
	stream := append(lying, good...)
	for have := 1; have <= len(lying)+1; have++ {
		if frame, n, err := c.Next(stream[:have]); frame != nil || n != 0 || err != nil {
			t.Fatalf("after %d bytes: frame %x, %d, %v", have, frame, n, err)
		}
	}
	if frame, n, _ := c.Next(stream[:len(lying)+2]); n != len(lying) || frame == nil {
		t.Errorf("took %d of %d", n, len(lying))
	}
}
