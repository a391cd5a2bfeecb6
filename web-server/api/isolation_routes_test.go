package api

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// universe is two tenants with users, groups, devices, things and random links
// between what belongs to the same tenant. It knows by itself, from the rules,
// who may see what.
type universe struct {
	e       *env
	random  *rand.Rand
	members []*member
	// things are the ids by kind; tenantOf says whose they are.
	things   map[data.ObjectKind][]int64
	tenantOf map[data.ObjectKind]map[int64]int
	parent   map[int64]int64 // of groups
	groupOf  map[int64]int64 // of devices
	uniqueID map[int64]string
	links    []data.Link
	shares   []data.Share
}

type member struct {
	data.User
	*client
	u      *universe
	tenant int
}

// nobody is an id that nothing has.
const nobody = 987654

func newUniverse(t *testing.T, random *rand.Rand) *universe {
	u := &universe{
		e: newEnv(t), random: random, things: map[data.ObjectKind][]int64{}, tenantOf: map[data.ObjectKind]map[int64]int{},
		parent: map[int64]int64{}, groupOf: map[int64]int64{}, uniqueID: map[int64]string{},
	}
	u.e.user("root", true)
	for tenant := range 2 {
		for i := range 3 {
			user := u.e.user(fmt.Sprintf("member%d-%d", tenant, i), false)
			user.Readonly = i == 2 && tenant == 1
			if i == 0 {
				user.UserLimit = data.NoLimit
			}
			if i == 0 || user.Readonly {
				if err := u.e.store.UpdateUser(t.Context(), &user); err != nil {
					t.Fatal(err)
				}
			}
			u.members = append(u.members, &member{User: user, client: u.e.client().signIn(user), u: u, tenant: tenant})
			u.made(data.UserKind, user.ID, tenant)
		}
		for range 6 {
			g := &data.Group{Name: "a group", GroupID: u.any(data.GroupKind, tenant)}
			u.create(g, tenant)
			u.parent[g.ID] = g.GroupID
		}
		for i := range 8 {
			d := data.Device{Name: "a device", UniqueID: fmt.Sprintf("unit-%d-%d", tenant, i), GroupID: u.any(data.GroupKind, tenant)}
			if err := u.e.store.CreateDevice(t.Context(), &d); err != nil {
				t.Fatal(err)
			}
			u.made(data.DeviceKind, d.ID, tenant)
			u.groupOf[d.ID], u.uniqueID[d.ID] = d.GroupID, d.UniqueID
			u.e.position(d.ID, 0)
		}
		for range 4 {
			for _, o := range []data.Object{
				&data.Geofence{Name: "a thing", Area: "CIRCLE (1 2, 3)"}, &data.Notification{Type: "alarm", Description: "a thing", Notificators: "web"},
				&data.Calendar{Name: "a thing", Data: []byte("BEGIN:VCALENDAR")}, &data.ComputedAttribute{Description: "a thing", Attribute: "a", Expression: "1", Type: "number"}, &data.Driver{Name: "a thing", UniqueID: "x"},
				&data.Maintenance{Name: "a thing", Type: "hours"}, &data.Order{UniqueID: "a thing"},
				&data.ScheduledReport{Description: "a thing", Type: "trips"}, &data.SavedCommand{Type: "custom", Description: "a thing"},
			} {
				u.create(o, tenant)
			}
		}
		u.linkAll(tenant)
	}
	u.shareAll()
	return u
}

func (u *universe) create(o data.Object, tenant int) {
	if err := u.e.store.CreateObject(u.e.t.Context(), o); err != nil {
		u.e.t.Fatal(err)
	}
	u.made(o.Kind(), *o.Fields().ID, tenant)
}

func (u *universe) made(kind data.ObjectKind, id int64, tenant int) {
	if u.tenantOf[kind] == nil {
		u.tenantOf[kind] = map[int64]int{}
	}
	u.things[kind] = append(u.things[kind], id)
	u.tenantOf[kind][id] = tenant
}

// any is a thing of a tenant, or 0.
func (u *universe) any(kind data.ObjectKind, tenant int) int64 {
	var own []int64
	for _, id := range u.things[kind] {
		if u.tenantOf[kind][id] == tenant {
			own = append(own, id)
		}
	}
	if len(own) == 0 || u.random.IntN(3) == 0 {
		return 0
	}
	return own[u.random.IntN(len(own))]
}

// linkAll makes random links within a tenant; its first member manages the second.
func (u *universe) linkAll(tenant int) {
	first := u.members[len(u.members)-3:]
	links := []data.Link{{Owner: data.UserKind, OwnerID: first[0].ID, Property: data.ManagedUserKind, PropertyID: first[1].ID}}
	for owner, properties := range data.LinkRules {
		for _, property := range properties {
			for range 5 {
				l := data.Link{Owner: owner, OwnerID: u.any(owner, tenant), Property: property, PropertyID: u.any(property.Base(), tenant)}
				if property != data.ManagedUserKind && l.OwnerID != 0 && l.PropertyID != 0 {
					links = append(links, l)
				}
			}
		}
	}
	u.links = append(u.links, links...)
	u.e.link(links...)
}

func (u *universe) linked(owner data.ObjectKind, ownerID int64, property data.ObjectKind, id int64) bool {
	return slices.Contains(u.links, data.Link{Owner: owner, OwnerID: ownerID, Property: property, PropertyID: id})
}

// owns says what the rules say: by the account or by a group.
func (u *universe) owns(userID int64, kind data.ObjectKind, id int64) bool {
	if kind == data.UserKind {
		return id == userID || u.linked(data.UserKind, userID, data.ManagedUserKind, id)
	}
	if u.linked(data.UserKind, userID, kind, id) {
		return true
	}
	switch kind {
	case data.GroupKind:
		return u.parent[id] != 0 && u.owns(userID, kind, u.parent[id])
	case data.DeviceKind:
		return u.groupOf[id] != 0 && u.owns(userID, data.GroupKind, u.groupOf[id])
	}
	return slices.ContainsFunc(u.things[data.GroupKind], func(g int64) bool {
		return u.linked(data.GroupKind, g, kind, id) && u.owns(userID, data.GroupKind, g)
	})
}

// sees says what the rules say: owned, or by a device.
func (u *universe) sees(userID int64, kind data.ObjectKind, id int64) bool {
	if u.owns(userID, kind, id) || kind == data.UserKind || kind == data.DeviceKind || kind == data.GroupKind {
		return u.owns(userID, kind, id)
	}
	return slices.ContainsFunc(u.things[data.DeviceKind], func(d int64) bool {
		return u.linked(data.DeviceKind, d, kind, id) && u.owns(userID, data.DeviceKind, d)
	})
}

func (m *member) seen(kind data.ObjectKind) []int64 {
	out := []int64{}
	for _, id := range m.u.things[kind] {
		if m.u.sees(m.ID, kind, id) {
			out = append(out, id)
		}
	}
	return out
}

// snapshot is everything that could be written.
func (u *universe) snapshot(t *testing.T) map[string]any {
	all := map[string]any{}
	ctx := t.Context()
	for _, kind := range data.DocumentKinds {
		docs, err := u.e.store.Documents(ctx, storage.ObjectFilter{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		all[string(kind)] = docs
	}
	var err [6]error
	all["devices"], err[0] = u.e.store.ListDevices(ctx, storage.DeviceFilter{})
	all["users"], err[1] = u.e.store.ListUsers(ctx)
	all["links"], err[2] = u.e.store.ListLinks(ctx, storage.LinkFilter{})
	all["commands"], err[3] = u.e.store.ListCommands(ctx, storage.CommandFilter{})
	all["shares"], err[4] = u.e.store.ListShares(ctx, 0)
	all["positions"], err[5] = u.e.store.LatestPositions(ctx, nil)
	for _, e := range err {
		if e != nil {
			t.Fatal(e)
		}
	}
	return all
}

// A probe walks one route as one member and reports what it should not get.
type probe func(t *testing.T, m *member)

// TestIsolationOfEveryRoute walks every route of the router. A route that no
// probe knows fails the test: whoever adds one says here how it is safe.
func TestIsolationOfEveryRoute(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			u := newUniverse(t, rand.New(rand.NewPCG(seed, 11)))
			before := u.snapshot(t)
			table := probes()
			routes, walked := 0, 0
			err := chi.Walk(u.e.server.handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
				if !strings.HasPrefix(route, "/api/") {
					return nil // pages and the operator's probes hold nothing of anybody
				}
				key := method + " " + strings.TrimPrefix(route, "/api")
				p := table[key]
				if p == nil {
					t.Errorf("no probe knows the route %s", key)
					return nil
				}
				delete(table, key)
				asked := u.e.asked.Load()
				for _, m := range u.members {
					p(t, m)
				}
				if routes++; u.e.asked.Load() > asked {
					walked++
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for key := range table {
				t.Errorf("there is no route %s", key)
			}
			t.Logf("%d routes, %d of them walked by %d members (managers, users, a read-only one) over %d kinds of object: %d requests",
				routes, walked, len(u.members), len(u.things), u.e.asked.Load())
			if after := u.snapshot(t); !reflect.DeepEqual(before, after) {
				for what := range before {
					if !reflect.DeepEqual(before[what], after[what]) {
						t.Errorf("%s were %.2000v\nand are %.2000v", what, before[what], after[what])
					}
				}
			}
		})
	}
}

// refused checks that foreign things look like things that do not exist.
func (m *member) refused(t *testing.T, method, path string, foreign, missing any, body string) {
	t.Helper()
	ask := func(id any) answer {
		in := any(nil)
		if body != "" {
			in = strings.ReplaceAll(body, "ID", fmt.Sprint(id))
		}
		a := m.do(method, strings.ReplaceAll(path, "{id}", fmt.Sprint(id)), in)
		a.body = strings.ReplaceAll(a.body, fmt.Sprintf(`"status":%d`, a.code), "") // looks like an id
		a.body = strings.ReplaceAll(a.body, fmt.Sprint(id), "ID")
		return a
	}
	a, b := ask(foreign), ask(missing)
	if a.code != b.code || a.body != b.body || a.code < 400 || a.code >= 500 {
		t.Errorf("%s: %s %s: foreign %v gets %d %q, a missing one %d %q", m.Name, method, path, foreign, a.code, a.body, b.code, b.body)
	}
}

// foreign calls f for every thing of a kind that the member may not see.
func (m *member) foreign(kind data.ObjectKind, f func(id int64)) {
	for _, id := range m.u.things[kind] {
		if !m.u.sees(m.ID, kind, id) {
			f(id)
		}
	}
}

// harmless says that a route shows and changes nothing that belongs to anybody
// else, and why.
func harmless(why string) probe {
	return func(t *testing.T, _ *member) {
		if why == "" {
			t.Error("say why")
		}
	}
}

// administrators checks that a route is closed to everybody else.
func administrators(method, path string) probe {
	return func(t *testing.T, m *member) {
		if a := m.do(method, "/api"+path, "{}"); a.code != 403 {
			t.Errorf("%s: %s %s = %d %s", m.Name, method, path, a.code, a.body)
		}
	}
}

// listed checks a list: exactly what the member sees, whatever is asked for.
func listed(path string, kind data.ObjectKind) probe {
	return func(t *testing.T, m *member) {
		want := m.seen(kind)
		for _, query := range []string{"", "?all=true", "?keyword=A", "?limit=1000&offset=0", "?excludeAttributes=true", "?userId=0"} {
			if kind == data.UserKind && query == "?keyword=A" {
				query = "?keyword=MEMBER"
			}
			got := ids(t, m.want(200, "GET", "/api"+path+query, nil))
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s shows %v, want %v", m.Name, path+query, got, want)
			}
		}
		for _, owner := range []data.ObjectKind{data.UserKind, data.DeviceKind, data.GroupKind} {
			query := path + "?" + string(owner) + "Id="
			m.foreign(owner, func(id int64) { m.refused(t, "GET", "/api"+query+"{id}", id, nobody, "") })
			for _, id := range m.seen(owner) {
				managed := owner == data.UserKind && id != m.ID
				for _, got := range ids(t, m.want(200, "GET", fmt.Sprint("/api", query, id), nil)) {
					if !slices.Contains(want, got) && !(managed && m.u.linked(owner, id, kind, got)) {
						t.Errorf("%s: %s%d shows %d", m.Name, query, id, got)
					}
				}
			}
		}
	}
}

// single checks an address with an id.
func single(method, path string, kind data.ObjectKind, body string) probe {
	return func(t *testing.T, m *member) {
		m.foreign(kind, func(id int64) { m.refused(t, method, "/api"+path, id, nobody, body) })
		for _, id := range m.seen(kind) {
			at := strings.ReplaceAll("/api"+path, "{id}", fmt.Sprint(id))
			switch {
			case method == "GET":
				m.want(200, method, at, nil)
			case !m.u.owns(m.ID, kind, id): // seen by a device: somebody else's
				m.want(403, method, at, body)
			}
		}
	}
}

// made checks that a new thing cannot refer to foreign ones.
func refers(path, body string, kind data.ObjectKind) probe {
	return func(t *testing.T, m *member) {
		m.foreign(kind, func(id int64) { m.refused(t, "POST", "/api"+path, id, nobody, body) })
	}
}

// links checks that nobody links or unlinks what they may not.
func linksProbe(method, path, format string) probe {
	return func(t *testing.T, m *member) {
		for owner, properties := range data.LinkRules {
			for _, property := range properties {
				for range 6 {
					o, p := m.u.pick(owner), m.u.pick(property.Base())
					sees := m.u.sees(m.ID, owner, o) && m.u.owns(m.ID, property.Base(), p)
					manages := m.UserLimit != 0 && o != m.ID && property != data.ManagedUserKind
					if sees && (owner != data.UserKind || manages) || (method == "DELETE" && o == m.ID && m.UserLimit != 0) {
						continue // that is allowed
					}
					body := fmt.Sprintf(format, fmt.Sprintf(`{"%sId":%d,"%sId":%d}`, owner, o, property, p))
					if a := m.do(method, "/api"+path, body); a.code != 403 && a.code != 404 {
						t.Errorf("%s: %s %s %s = %d %s", m.Name, method, path, body, a.code, a.body)
					}
				}
			}
		}
	}
}

func (u *universe) pick(kind data.ObjectKind) int64 {
	return u.things[kind][u.random.IntN(len(u.things[kind]))]
}

// ofDevice checks an address that names a device in its query or body.
func ofDevice(method, path, body string) probe {
	return func(t *testing.T, m *member) {
		m.foreign(data.DeviceKind, func(id int64) { m.refused(t, method, "/api"+path, id, nobody, body) })
	}
}
