package all

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
)

// TestLoginsOfOthers has gt06 devices of any IMEI log in at the any-device port:
// the digits and the checksum must not make another protocol of them.
func TestLoginsOfOthers(t *testing.T) {
	list, r := All(), rand.New(rand.NewPCG(1, 2))
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for range 1000 {
		imei := fmt.Sprintf("%015d", r.Int64N(1e15))
		login := gt06.AppendLogin(nil, imei, uint16(r.Uint32()))
		guess := protocol.Recognise(list, login, protocol.TCP, now, true)
		if guess.Protocol == nil || guess.Protocol.Name != "gt06" {
			t.Errorf("the login of %s is sent to %+v", imei, guess)
		}
	}
}
