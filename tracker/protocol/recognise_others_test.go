package protocol_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/all"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

// imeiSize is the number of digits of an IMEI.
const imeiSize = 15

// others puts other digits in place of the IMEIs in b.
func others(b []byte, r *rand.Rand) (changed bool) {
	for i := 0; i < len(b); i++ {
		end := i
		for end < len(b) && b[end] >= '0' && b[end] <= '9' {
			end++
		}
		if end-i == imeiSize {
			changed = true
			for ; i < end; i++ {
				b[i] = '0' + byte(r.IntN(10))
			}
		}
		i = max(i, end)
	}
	return changed
}

// TestRoutingOfOthers gives the messages of the folders of the protocols other
// IMEIs: where a device is sent to must not depend on them.
func TestRoutingOfOthers(t *testing.T) {
	list, now, r := all.All(), time.Now().UTC(), rand.New(rand.NewPCG(1, 2))
	choose := func(b []byte, tr protocol.Transport) string {
		if guess := protocol.Recognise(list, b, tr, now, true); guess.Protocol != nil {
			return guess.Protocol.Name
		}
		return ""
	}
	tried := 0
	for name, records := range readRecords(t, filepath.Join("*", "testdata", "*.jsonl")) {
		p, _ := all.ByName(name)
		for i := range records {
			b, ok, err := protocoltest.Wire(&p, &records[i])
			if err != nil {
				t.Fatal(err)
			}
			tr := records[i].Transport(&p)
			if !ok || records[i].Kind != "text" || choose(b, tr) != name {
				continue
			}
			for range 5 {
				if !others(b, r) {
					break
				}
				tried++
				if to := choose(b, tr); to != name {
					t.Errorf("%s: to %q: %.100q", name, to, b)
				}
			}
		}
	}
	if tried < 1000 {
		t.Errorf("only %d messages", tried)
	}
}
