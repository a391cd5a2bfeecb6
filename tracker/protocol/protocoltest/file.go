package protocoltest

import (
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// File sends a codec frames that carry a file, whole and then byte by byte, and
// puts its pieces together. It returns the last piece with the content of all,
// and the answers.
func File(tb testing.TB, p protocol.Protocol, frames ...[]byte) (file data.FilePart, replies []string) {
	tb.Helper()
	whole, replies := gather(tb, p, frames, 0)
	again, _ := gather(tb, p, frames, 1)
	if string(whole.Content) != string(again.Content) || whole.Last != again.Last {
		tb.Errorf("byte by byte %d bytes, whole %d", len(again.Content), len(whole.Content))
	}
	return whole, replies
}

// gather offers frames in steps of so many bytes, 0 for each frame at once.
func gather(tb testing.TB, p protocol.Protocol, frames [][]byte, step int) (file data.FilePart, replies []string) {
	tb.Helper()
	c := p.New(protocol.TCP)
	var content []byte
	for _, b := range frames {
		size := len(b)
		if step > 0 {
			size = step
		}
		var pending []byte
		for len(b) > 0 {
			n := min(size, len(b))
			pending, b = append(pending, b[:n]...), b[n:]
			frame, used, err := c.Next(pending)
			if err != nil {
				tb.Fatal(err)
			}
			pending = pending[used:]
			if frame == nil {
				continue
			}
			packet, err := c.Decode(frame, arrival)
			if err != nil {
				tb.Fatal(err)
			}
			replies = append(replies, string(packet.Reply))
			if f := packet.File; f != nil {
				if f.From != file.To {
					tb.Fatalf("a piece at %d, want %d", f.From, file.To)
				}
				content = append(content, f.Content...)
				file = *f
			}
		}
		if len(pending) > 0 {
			tb.Fatalf("%d bytes are left", len(pending))
		}
	}
	file.Content = content
	return file, replies
}
