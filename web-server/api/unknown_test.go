package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/waymark-gps/waymark/data"
)

func TestUnknownDevicesAreShownAsTheySpeak(t *testing.T) {
	e := newEnv(t)
	root := e.user("root", true)
	admin := e.client().signIn(root)
	err := e.store.RecordUnknownDevices(t.Context(), []data.UnknownDevice{
		{
			UniqueID: "860001", Protocol: "h02", Address: "203.0.113.9:7", FirstSeen: e.clock(), LastSeen: e.clock(), Count: 2,
			Frames: [][]byte{[]byte("*HQ,1#"), {0x24, 0x00, 0xFF, '"'}}, Preview: []byte(`{"latitude":52.5}`),
		},
		{UniqueID: "203.0.113.10", Address: "203.0.113.10:7", FirstSeen: e.clock(), LastSeen: e.clock(), Count: 1, Guesses: []string{"gt06", "topin"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		UniqueID, Protocol string
		Frames             []struct{ Hex, Text string }
		Guesses            []string
		Preview            *struct{ Latitude float64 }
	}
	body := admin.want(200, "GET", "/api/unknown-devices", nil)
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list) != 2 {
		t.Fatalf("%s: %v", body, err)
	}
	nameless, known := list[0], list[1]
	if nameless.Protocol != "" {
		nameless, known = known, nameless
	}
	if known.Preview == nil || known.Preview.Latitude != 52.5 || len(known.Frames) != 2 || known.Frames[0].Hex != "2a48512c3123" || known.Frames[0].Text != "*HQ,1#" || known.Frames[1].Text != `$.."` {
		t.Errorf("the known one: %+v", known)
	}
	if nameless.UniqueID != "203.0.113.10" || nameless.Preview != nil || strings.Join(nameless.Guesses, " ") != "gt06 topin" {
		t.Errorf("the nameless one: %+v", nameless)
	}
	refusal := admin.want(400, "POST", "/api/unknown-devices/register", map[string]any{"uniqueId": "203.0.113.10"})
	if !strings.Contains(refusal, "protocol") {
		t.Errorf("the refusal does not say why: %s", refusal)
	}
	admin.want(200, "POST", "/api/unknown-devices/register", map[string]any{"uniqueId": "860001"})
	admin.want(204, "DELETE", "/api/unknown-devices/203.0.113.10", nil)
	if body := admin.want(200, "GET", "/api/unknown-devices", nil); body != "[]" {
		t.Errorf("left: %s", body)
	}
}

func TestSocketLogs(t *testing.T) {
	e := newEnv(t)
	root, ann, bob := e.user("root", true), e.user("ann", false), e.user("bob", false)
	mine, foreign := e.device("mine", ann), e.device("foreign", bob)
	sockets := map[string]*socket{"root": e.client().signIn(root).open(), "ann": e.client().signIn(ann).open(), "bob": e.client().signIn(bob).open()}
	wish := func(s *socket) {
		t.Helper()
		if err := s.conn.Write(t.Context(), websocket.MessageText, []byte(`{"logs":true}`)); err != nil {
			t.Fatal(err)
		}
	}
	wish(sockets["ann"])
	e.bus.wantInterest(t, func(i data.LogInterest) bool {
		return !i.All && fmt.Sprint(i.DeviceIDs) == fmt.Sprint([]int64{mine.ID})
	})
	wish(sockets["root"])
	e.bus.wantInterest(t, func(i data.LogInterest) bool { return i.All })
	e.bus.publishLogs(
		data.LogLine{DeviceID: foreign.ID, UniqueID: "id-foreign", Protocol: "gt06", Data: []byte("f")},
		data.LogLine{UniqueID: "stranger", Protocol: "gt06", Data: []byte("s")},
		data.LogLine{DeviceID: mine.ID, UniqueID: "id-mine", Protocol: "gt06", Data: []byte("m")},
	)
	if m := sockets["root"].until(`"logs"`); !strings.Contains(m, "id-foreign") || !strings.Contains(m, "stranger") || !strings.Contains(m, "id-mine") {
		t.Errorf("the administrator got %s", m)
	}
	want := fmt.Sprintf(`{"logs":[{"deviceId":%d,"uniqueId":"id-mine","host":"","protocol":"gt06","data":"6d",`, mine.ID)
	if m := sockets["ann"].until(`"logs"`); !strings.HasPrefix(m, want) || strings.Contains(m, "foreign") || strings.Contains(m, "stranger") {
		t.Errorf("ann got %s, want %s", m, want)
	}
	e.bus.publishLive(e.position(foreign.ID, 0))
	if m := sockets["bob"].until(`"positions"`); strings.Contains(m, `"logs"`) {
		t.Errorf("bob did not wish for logs: %s", m)
	}
}
