package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
)

func TestWhoMayCommand(t *testing.T) {
	e := newCommandEnv(t)
	root := e.user("root", true)
	d := e.device("car")
	saved := data.SavedCommand{Type: "custom", Description: "Where?", Attributes: data.Attributes{{Key: "data", Value: data.String("W")}}}
	if err := e.store.CreateObject(t.Context(), &saved); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change      func(*data.User)
		free, saved int
		changes     int
	}{
		"user":           {func(*data.User) {}, 202, 202, 200},
		"readonly":       {func(u *data.User) { u.Readonly = true }, 403, 403, 403},
		"deviceReadonly": {func(u *data.User) { u.DeviceReadonly = true }, 403, 403, 200},
		"limitCommands":  {func(u *data.User) { u.LimitCommands = true }, 403, 202, 403},
		"administrator":  {func(u *data.User) { u.Readonly, u.LimitCommands, u.Administrator = true, true, true }, 202, 202, 200},
	} {
		u := e.user(name, false)
		c.change(&u)
		if err := e.store.UpdateUser(t.Context(), &u); err != nil {
			t.Fatal(err)
		}
		if err := e.store.AddLinks(t.Context(), data.UserDevice(u.ID, d.ID)); err != nil {
			t.Fatal(err)
		}
		admin := e.basic(root)
		admin.want(204, "POST", "/api/permissions", fmt.Sprintf(`{"userId":%d,"commandId":%d}`, u.ID, saved.ID))
		who := e.basic(u)
		id := fmt.Sprintf(`{"id":%d,"deviceId":%d}`, saved.ID, d.ID)
		if a := who.do("POST", "/api/commands/send", body(d.ID, "custom", "")); a.code != c.free {
			t.Errorf("%s sends: %d %s", name, a.code, a.body)
		}
		if a := who.do("POST", "/api/commands/send", id); a.code != c.saved {
			t.Errorf("%s sends a saved one: %d %s", name, a.code, a.body)
		}
		if a := who.do("POST", "/api/commands", `{"type":"custom","description":"x"}`); a.code != c.changes {
			t.Errorf("%s saves: %d %s", name, a.code, a.body)
		}
	}
	u := e.user("climber", false)
	e.basic(u).want(403, "PUT", fmt.Sprintf("/api/users/%d", u.ID), `{"limitCommands":true}`)
}

func TestSavedCommands(t *testing.T) {
	e := newCommandEnv(t)
	u, root := e.user("ada", false), e.user("root", true)
	c, admin := e.client().signIn(u), e.client().signIn(root)
	d := e.device("car", u)
	e.position(d.ID, 0)
	got := c.want(200, "POST", "/api/commands", `{"type":"custom","description":"Where?","attributes":{"data":"W#"},"deviceId":0}`)
	id := idOf(t, got)
	want := fmt.Sprintf(`{"id":%d,"deviceId":0,"type":"custom","description":"Where?","textChannel":false,"attributes":{"data":"W#"}}`, id)
	if got != want {
		t.Errorf("saved %s, want %s", got, want)
	}
	path := fmt.Sprintf("/api/commands/%d", id)
	if got := c.want(200, "GET", path, nil); got != want {
		t.Errorf("read %s", got)
	}
	photo := idOf(t, c.want(200, "POST", "/api/commands", fmt.Sprintf(`{"type":"requestPhoto","description":"Photo","deviceId":%d}`, d.ID)))
	if got := ids(t, c.want(200, "GET", fmt.Sprintf("/api/commands?deviceId=%d", d.ID), nil)); len(got) != 1 || got[0] != photo {
		t.Errorf("of the device %v", got)
	}
	if got := ids(t, c.want(200, "GET", "/api/commands", nil)); len(got) != 2 {
		t.Errorf("all %v", got)
	}
	if got := c.want(200, "GET", fmt.Sprintf("/api/commands/send?deviceId=%d", d.ID), nil); got != "["+want+"]" {
		t.Errorf("to send %s: the device knows no photos", got)
	}
	c.want(200, "PUT", path, `{"description":"Place"}`)
	sent := c.want(202, "POST", "/api/commands/send", fmt.Sprintf(`{"id":%d,"deviceId":%d}`, id, d.ID))
	if !strings.Contains(sent, `{"data":"W#"}`) {
		t.Errorf("sent %s", sent)
	}
	c.want(400, "POST", "/api/commands", `{"description":"no type"}`)
	c.want(400, "PUT", path, `{"id":999}`)

	// Others do not know it until they get it, by themselves or by a device.
	other := e.user("bob", false)
	b := e.client().signIn(other)
	b.want(404, "GET", path, nil)
	link := fmt.Sprintf(`{"userId":%d,"commandId":%d}`, other.ID, id)
	admin.want(204, "POST", "/api/permissions", link)
	b.want(200, "GET", path, nil)
	admin.want(204, "DELETE", "/api/permissions", link)
	b.want(404, "GET", path, nil)
	admin.want(204, "POST", "/api/permissions", fmt.Sprintf(`{"deviceId":%d,"commandId":%d}`, d.ID, id))
	b.want(404, "GET", path, nil)
	e.link(data.UserDevice(other.ID, d.ID))
	b.want(200, "GET", path, nil)
	b.want(403, "PUT", path, `{"description":"mine"}`) // to use it is not to change it
	b.want(202, "POST", "/api/commands/send", fmt.Sprintf(`{"id":%d,"deviceId":%d}`, id, d.ID))
	admin.want(404, "POST", "/api/permissions", `{"userId":99999,"commandId":1}`)
	c.want(204, "DELETE", path, nil)
	c.want(404, "GET", path, nil)
}
