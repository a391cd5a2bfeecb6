package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/tracker/protocol/teltonika"
)

// The devices of these tests.
const (
	phoneID     = "phone-1"
	gt06ID      = "860000000000018"
	teltonikaID = "352093081452251"
	udpID       = "352093081452269"
)

// spot is where a device of these tests says it is.
func spot(i int, at time.Time) data.Position {
	return data.Position{
		DeviceTime: at, FixTime: at, Valid: true, Latitude: 52.5 + float64(i)/100, Longitude: 13.4 - float64(i)/100, SpeedKnots: 20, CourseDeg: 90,
		Attributes: data.Attributes{{Key: "sat", Value: data.Int(9)}},
	}
}

// sendPhone sends a position the way phones do and fails unless it is accepted.
func sendPhone(t *testing.T, addr, id string, p data.Position) {
	t.Helper()
	if status := tryPhone(addr, id, p); status != http.StatusOK {
		t.Fatalf("osmand: status %d", status)
	}
}

// tryPhone returns the status, 0 without an answer.
func tryPhone(addr, id string, p data.Position) int {
	c := http.Client{Timeout: patience}
	resp, err := c.Get(fmt.Sprintf("http://%s/?id=%s&lat=%f&lon=%f&timestamp=%d&speed=%f&batt=80", addr, id, p.Latitude, p.Longitude, p.FixTime.UnixMilli(), p.SpeedKnots))
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func sendGT06(t *testing.T, addr, imei string, p data.Position) {
	t.Helper()
	conn := dial(t, "tcp", addr)
	defer conn.Close()
	if got := exchange(t, conn, gt06.AppendLogin(nil, imei, 1), 10); got[3] != 0x01 {
		t.Fatalf("gt06 login answered with %x", got)
	}
	exchange(t, conn, gt06.AppendPosition(nil, &p, 2), 10)
}

func sendTeltonika(t *testing.T, addr, imei string, p data.Position) {
	t.Helper()
	conn := dial(t, "tcp", addr)
	defer conn.Close()
	if got := exchange(t, conn, teltonika.AppendLogin(nil, imei), 1); got[0] != 1 {
		t.Fatalf("teltonika login answered with %x", got)
	}
	got := exchange(t, conn, teltonika.AppendPositions(nil, []data.Position{p}), 4)
	if !bytes.Equal(got, []byte{0, 0, 0, 1}) {
		t.Fatalf("teltonika record answered with %x", got)
	}
}

func sendTeltonikaUDP(t *testing.T, addr, imei string, p data.Position) {
	t.Helper()
	conn := dial(t, "udp", addr)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(teltonika.AppendDatagram(nil, imei, 5, []data.Position{p})); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	n, err := conn.Read(buf)
	if err != nil || n != 7 || buf[5] != 5 || buf[6] != 1 {
		t.Fatalf("teltonika datagram answered with %s, %v", hex.EncodeToString(buf[:n]), err)
	}
}

// sendAll sends a position of each kind of device.
func sendAll(t *testing.T, ports map[string]string, at time.Time) {
	t.Helper()
	sendPhone(t, ports["osmand"], phoneID, spot(1, at))
	sendGT06(t, ports["gt06"], gt06ID, spot(2, at))
	sendTeltonika(t, ports["teltonika"], teltonikaID, spot(3, at))
	if udp := ports["teltonika/udp"]; udp != "" {
		sendTeltonikaUDP(t, udp, udpID, spot(4, at))
	}
}

// near tells whether p is spot(i, at).
func near(p position, i int, at time.Time) bool {
	want := spot(i, at)
	return p.Valid && math.Abs(p.Latitude-want.Latitude) < 1e-5 && math.Abs(p.Longitude-want.Longitude) < 1e-5 && p.FixTime.Equal(at)
}
