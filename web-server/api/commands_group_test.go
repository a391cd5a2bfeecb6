package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// TestSendToGroup sends to a group with a group in it, whose devices are
// connected, away, too fast, and somebody else's.
func TestSendToGroup(t *testing.T) {
	e := newCommandEnv(t)
	u := e.user("ada", false)
	outer := data.Group{Name: "outer"}
	inner := data.Group{Name: "inner"}
	for _, g := range []*data.Group{&outer, &inner} {
		if err := e.store.CreateObject(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		inner.GroupID = outer.ID
	}
	place := func(name string, g data.Group) data.Device {
		d := e.device(name)
		d.GroupID = g.ID
		if err := e.store.UpdateDevice(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	here, away, fast := place("here", outer), place("away", inner), place("fast", inner)
	outside := e.device("outside", u)
	c := e.client().signIn(u)
	path := fmt.Sprintf("/api/commands/send?groupId=%d", outer.ID)
	c.want(404, "POST", path, `{"type":"engineStop"}`) // not yet
	e.link(data.Link{Owner: data.UserKind, OwnerID: u.ID, Property: data.GroupKind, PropertyID: outer.ID})
	e.aTracker(here)
	e.speed(here, 0)
	e.speed(away, 0)
	e.speed(fast, 80)

	var list []struct {
		ID, DeviceID int64
		State, Text  string
	}
	send := func(code int, path, body string) {
		t.Helper()
		list = nil
		if err := json.Unmarshal([]byte(c.want(code, "POST", path, body)), &list); err != nil {
			t.Fatal(err)
		}
	}
	send(202, path, `{"type":"engineStop"}`)
	if len(list) != 3 {
		t.Fatalf("%d commands, want 3: %+v", len(list), list)
	}
	for i, want := range []struct {
		d     data.Device
		state string
	}{{here, "sent"}, {away, "queued"}, {fast, "failed"}} {
		got := list[i]
		if got.DeviceID != want.d.ID || got.State != want.state || (got.ID == 0) != (want.state == "failed") {
			t.Errorf("%s: %+v, want %s", want.d.Name, got, want.state)
		}
	}
	if !strings.Contains(list[2].Text, "80 km/h") {
		t.Errorf("refused with %q", list[2].Text)
	}
	if got := ids(t, c.want(200, "GET", "/api/commands/queue", nil)); len(got) != 2 {
		t.Errorf("%d commands in the queue", len(got))
	}
	entries, err := e.store.ListAudit(t.Context(), storage.AuditFilter{ObjectType: string(data.CommandKind)})
	if err != nil || len(entries) != 3 {
		t.Errorf("%d audit entries, %v", len(entries), err)
	}

	send(202, path, `{"type":"custom","attributes":{"data":"A#","noQueue":true}}`)
	states := ""
	for _, one := range list {
		states += one.State + " "
	}
	if states != "sent cancelled cancelled " {
		t.Errorf("without a queue: %s", states)
	}
	if got := c.want(200, "GET", fmt.Sprintf("/api/commands/types?groupId=%d", outer.ID), nil); !strings.Contains(got, "engineStop") {
		t.Errorf("types of the group: %s", got)
	}
	c.want(400, "POST", path, body(outside.ID, "custom", `"data":"x"`))
	c.want(400, "POST", path, `{}`)
	c.want(404, "POST", path, `{"id":77}`)
	c.want(400, "POST", "/api/commands/send?groupId=x", `{"type":"custom"}`)
}
