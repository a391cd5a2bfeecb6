package flespi

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

func TestGolden(t *testing.T) { protocoltest.Golden(t, Protocol()) }

func FuzzRead(f *testing.F) { protocoltest.Fuzz(f, Protocol()) }

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func post(body string) (data.Packet, error) {
	return read(&protocol.Request{Method: "POST", Path: "/", Body: []byte(body)}, now)
}

func TestRefusals(t *testing.T) {
	var many strings.Builder
	for i := range maxParameters {
		fmt.Fprintf(&many, `"p%d":1,`, i)
	}
	for _, body := range []string{
		"", "{}", "[", "[1]", `[{"ident":"1"}`, `[{"ident":"1"},]`, "[{" + many.String() + `"ident":"1"}]`,
	} {
		if _, err := post(body); !errors.Is(err, data.ErrInvalid) {
			t.Errorf("%.40s: %v", body, err)
		}
	}
}

// A batch may speak for many devices; none of them may hold up the others.
func TestDevices(t *testing.T) {
	packet, err := post(`[{"ident":"1","timestamp":1780302600},{"ident":2,"timestamp":1780302600},{"x":1},{"ident":"1","timestamp":1780302601}]`)
	if err != nil {
		t.Fatal(err)
	}
	if packet.Identity != "1" || len(packet.Positions) != 2 || len(packet.More) != 1 || packet.More[0].Identity != "2" ||
		len(packet.More[0].Positions) != 1 {
		t.Errorf("%+v", packet)
	}
	if packet.RefusalStatus != 200 || packet.More[0].RefusalStatus != 200 {
		t.Error("an unknown device makes the hub repeat the batch")
	}
}

// The same message reads the same every time: its fingerprint depends on it.
func TestOrderIsStable(t *testing.T) {
	const body = `[{"ident":"1","timestamp":1780302600,"z":1,"a":2,"m":true,"b":"t"}]`
	want, err := post(body)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if have, _ := post(body); have.Positions[0].Fingerprint() != want.Positions[0].Fingerprint() {
			t.Fatal("another fingerprint")
		}
	}
}

// batch is one message of a hub.
const batch = `[{"ident":"605630","timestamp":1392272112,"position.latitude":57.986744,"position.longitude":56.207576,` +
	`"position.valid":true,"position.speed":0,"position.satellites":5,"position.hdop":21.1,"battery.voltage":3.934,"din":3,` +
	`"engine.ignition.status":true,"movement.status":true,"external.powersource.voltage":15.303,"ain#1":0}]`

func TestAllocations(t *testing.T) {
	const most = 8
	if n := testing.AllocsPerRun(100, func() { _, _ = post(batch) }); n > most {
		t.Errorf("%v allocations for a message, at most %d", n, most)
	}
}

func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := post(batch); err != nil {
			b.Fatal(err)
		}
	}
}
