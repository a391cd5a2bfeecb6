package live

import (
	"testing"

	"github.com/waymark-gps/waymark/data"
)

// FuzzWish has a socket hear anything: it asks for the logs of few devices, or
// for nothing.
func FuzzWish(f *testing.F) {
	for _, text := range []string{`{}`, `{"logs":true}`, `{"logs":true,"deviceIds":[1,2]}`, `{"logs":false}`, `{"logs":null,"deviceIds":[-1]}`, `[`} {
		f.Add([]byte(text))
	}
	h, sockets := benchHub(f, 1)
	f.Fuzz(func(t *testing.T, message []byte) {
		s := sockets[0]
		h.heed(s, message)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.logs != nil && len(s.logs.only) > data.MaxLogDevices {
			t.Errorf("%d devices are watched", len(s.logs.only))
		}
	})
}
