package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
)

// TestCommandToDeviceAndBack sends a command by the API and follows it to the
// device and its answer back.
func TestCommandToDeviceAndBack(t *testing.T) {
	i := serve(t, t.TempDir())
	i.signUp()
	var d device
	i.must("POST", "/api/devices", map[string]any{"name": "Car", "uniqueId": gt06ID}, &d)
	conn := dial(t, "tcp", i.ports["gt06"])
	exchange(t, conn, gt06.AppendLogin(nil, gt06ID, 1), 10)
	at := time.Now().UTC().Truncate(time.Second)
	p := spot(1, at) // at 20 knots
	exchange(t, conn, gt06.AppendPosition(nil, &p, 2), 10)
	eventually(t, "the position to be stored", func() bool { return len(i.latest()) == 1 })

	var types []struct{ Type string }
	i.must("GET", fmt.Sprintf("/api/commands/types?deviceId=%d", d.ID), nil, &types)
	if len(types) < 5 {
		t.Errorf("types %v", types)
	}
	send := func(kind string, attributes map[string]any, out any) int {
		return i.call("POST", "/api/commands/send", map[string]any{"deviceId": d.ID, "type": kind, "attributes": attributes}, out)
	}
	if status := send("engineStop", nil, nil); status != http.StatusBadRequest {
		t.Errorf("engineStop at 37 km/h: status %d", status)
	}
	var sent struct{ ID int64 }
	if status := send("custom", map[string]any{"data": "STATUS#"}, &sent); status != http.StatusOK {
		t.Fatalf("status %d, want 200: the device is connected", status)
	}
	frame := exchange(t, conn, nil, 5+4+len("STATUS#")+6) // head, flag, text, serial number to stop
	text, flag, ok := gt06.Command(frame)
	if !ok || text != "STATUS#" {
		t.Fatalf("the device got %x", frame)
	}
	if _, err := conn.Write(gt06.AppendResult(nil, "Battery:4.1V", flag, 3)); err != nil {
		t.Fatal(err)
	}
	var now struct {
		State, Text string
		History     []struct{ State string }
	}
	eventually(t, "the answer", func() bool {
		i.must("GET", fmt.Sprintf("/api/commands/queue/%d", sent.ID), nil, &now)
		return now.State == "confirmed"
	})
	if now.Text != "Battery:4.1V" || len(now.History) != 3 {
		t.Errorf("the command is %+v", now)
	}
	conn.Close()
	eventually(t, "the connection to be gone", func() bool {
		return send("custom", map[string]any{"data": "X#", "noQueue": true}, nil) != http.StatusOK
	})
}
