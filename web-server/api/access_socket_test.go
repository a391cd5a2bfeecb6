package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/live"
)

// watch is a socket of somebody whose rights change.
type watch struct {
	*env
	admin  *client
	s      *socket
	marker data.Device
	n      int
}

// settled waits until the socket has taken in every change so far: what was
// announced after them has arrived. It returns everything on the way.
func (w *watch) settled() string {
	w.t.Helper()
	w.n++
	name := fmt.Sprintf("marker-%d", w.n)
	w.admin.want(200, "PUT", fmt.Sprintf("/api/devices/%d", w.marker.ID), map[string]any{"name": name})
	var all strings.Builder
	for {
		m := w.s.read()
		all.WriteString(m)
		if strings.Contains(m, name) {
			return all.String()
		}
	}
}

// shows tells whether a position of a device reaches the socket.
func (w *watch) shows(d data.Device) bool {
	w.t.Helper()
	w.settled()
	w.bus.publishLive(w.position(d.ID, 0))
	// Positions follow the devices that were announced with them.
	return strings.Contains(w.settled()+w.settled(), fmt.Sprintf(`"deviceId":%d,`, d.ID))
}

// TestSocketFollowsPermissions changes, one after the other, everything that
// decides what an open socket shows.
func TestSocketFollowsPermissions(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	w := &watch{env: e, admin: e.client().signIn(root), marker: e.device("marker", ann)}
	w.s = e.client().signIn(ann).open()
	make := func(path, format string, args ...any) int64 {
		return ids(t, "["+w.admin.want(200, "POST", path, fmt.Sprintf(format, args...))+"]")[0]
	}
	top := make("/api/groups", `{"name":"top"}`)
	sub := make("/api/groups", `{"name":"sub","groupId":%d}`, top)
	id := make("/api/devices", `{"name":"van","uniqueId":"van","groupId":%d}`, sub)
	d, err := e.store.Device(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	device, group, subgroup := fmt.Sprintf("/api/devices/%d", id), fmt.Sprintf("/api/groups/%d", top), fmt.Sprintf("/api/groups/%d", sub)
	ofGroup := fmt.Sprintf(`{"userId":%d,"groupId":%d}`, ann.ID, top)
	for i, step := range []struct {
		what, method, path string
		body               any
		shows              bool
	}{
		{"at first", "GET", device, nil, false},
		{"device linked", "POST", "/api/permissions", permit(ann.ID, id), true},
		{"device unlinked", "DELETE", "/api/permissions", permit(ann.ID, id), false},
		{"group linked", "POST", "/api/permissions", ofGroup, true},
		{"subgroup moved out", "PUT", subgroup, `{"groupId":0}`, false},
		{"subgroup moved in", "PUT", subgroup, fmt.Sprintf(`{"groupId":%d}`, top), true},
		{"device moved out", "PUT", device, `{"groupId":0}`, false},
		{"device moved in", "PUT", device, fmt.Sprintf(`{"groupId":%d}`, top), true},
		{"group unlinked", "DELETE", "/api/permissions", ofGroup, false},
		{"several linked", "POST", "/api/permissions/bulk", "[" + ofGroup + "," + permit(ann.ID, id) + "]", true},
		{"device unlinked, group left", "DELETE", "/api/permissions", permit(ann.ID, id), true},
		{"group deleted", "DELETE", group, nil, false},
		{"made an administrator", "PUT", fmt.Sprintf("/api/users/%d", ann.ID), `{"administrator":true}`, true},
		{"made a user", "PUT", fmt.Sprintf("/api/users/%d", ann.ID), `{"administrator":false}`, false},
	} {
		if a := w.admin.do(step.method, step.path, step.body); a.code >= 300 {
			t.Fatalf("%s: %d %s", step.what, a.code, a.body)
		}
		if got := w.shows(d); got != step.shows {
			t.Fatalf("step %d, %s: the socket shows it: %v", i, step.what, got)
		}
	}
	w.admin.want(200, "PUT", fmt.Sprintf("/api/users/%d", ann.ID), `{"disabled":true}`)
	if code := w.s.closedWith(); code != live.StatusSignedOut {
		t.Errorf("a disabled user's socket was closed with %d", code)
	}
}

// A device that is made in a group reaches those who see the group.
func TestSocketNewDeviceInGroup(t *testing.T) {
	e := newEnv(t)
	root, ann := e.user("root", true), e.user("ann", false)
	admin := e.client().signIn(root)
	g := &data.Group{Name: "g"}
	if err := e.store.CreateObject(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	e.link(data.Link{Owner: data.UserKind, OwnerID: ann.ID, Property: data.GroupKind, PropertyID: g.ID})
	s := e.client().signIn(ann).open()
	admin.want(200, "POST", "/api/devices", fmt.Sprintf(`{"name":"new one","uniqueId":"1","groupId":%d}`, g.ID))
	s.until(`"name":"new one"`)
}
