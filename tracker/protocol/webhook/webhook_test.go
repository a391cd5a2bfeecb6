package webhook

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

// FuzzRead mutates what stands behind the path.
func FuzzRead(f *testing.F) {
	p := Protocol()
	p.HTTP = func(r *protocol.Request, now time.Time) (data.Packet, error) {
		r.Path = mark + "x"
		return read(r, now)
	}
	protocoltest.Fuzz(f, p)
}
