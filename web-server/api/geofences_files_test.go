package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geofence/files"
	"github.com/waymark-gps/waymark/util/storage"
)

// imports sends a file and wants geofences made of it.
func imports(t *testing.T, c *client, query, contentType, body string) (answer imported) {
	t.Helper()
	text := c.want(200, "POST", "/api/geofences/import"+query, body, "Content-Type", contentType)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return answer
}

// TestGeofenceFiles exports as each format, and imports that as somebody else.
func TestGeofenceFiles(t *testing.T) {
	e := newEnv(t)
	admin := e.client().signIn(e.user("boss", true))
	kept := []data.Geofence{
		{Name: "Depot", Area: "CIRCLE (52.5 13.4, 250)", Attributes: data.Free{"speedLimit": 10.0}, Description: "a < b"},
		{Name: "Road", Area: "LINESTRING (52 13, 53 14)", Attributes: data.Free{"polylineDistance": 40.0}},
		{Name: "Yard", Area: "POLYGON ((52 13, 52 14, 53 14, 52 13), (52.1 13.3, 52.1 13.4, 52.2 13.4, 52.1 13.3))"},
	}
	for i := range kept {
		b, _ := json.Marshal(kept[i])
		admin.want(200, "POST", "/api/geofences", string(b))
	}
	written := map[string]string{}
	for _, f := range files.All {
		a := admin.do("GET", "/api/geofences/export?format="+f.Name, nil)
		if a.code != 200 || a.header.Get("Content-Type") != f.ContentType || !strings.Contains(a.header.Get("Content-Disposition"), "geofences."+f.Name) {
			t.Fatalf("%s: %d %v", f.Name, a.code, a.header)
		}
		written[f.Name] = a.body
	}
	for _, f := range files.All {
		u := e.user(f.Name, false)
		c := e.client().signIn(u)
		made := imports(t, c, "", f.ContentType, written[f.Name])
		var list []data.Geofence
		if err := json.Unmarshal([]byte(c.want(200, "GET", "/api/geofences", nil)), &list); err != nil || !reflect.DeepEqual(list, made.Geofences) || len(made.Skipped) != 0 {
			t.Errorf("%s: made %+v, listed %+v, %v", f.Name, made, list, err)
		}
		for i := range list {
			list[i].ID = 0
		}
		if !reflect.DeepEqual(list, kept) {
			t.Errorf("%s: have %+v", f.Name, list)
		}
		one := c.want(200, "GET", fmt.Sprintf("/api/geofences/export?format=kml&id=%d", made.Geofences[1].ID), nil)
		if !strings.Contains(one, "Road") || strings.Contains(one, "Depot") {
			t.Errorf("one geofence: %s", one)
		}
		var audited []map[string]any
		text := admin.want(200, "GET", fmt.Sprintf("/api/audit?userId=%d&objectType=geofence", u.ID), nil)
		if err := json.Unmarshal([]byte(text), &audited); err != nil || len(audited) != 3 {
			t.Errorf("%s: the audit has %s", f.Name, text)
		}
	}
	admin.want(400, "GET", "/api/geofences/export?format=shp", nil)
	admin.want(404, "GET", "/api/geofences/export?id=999", nil)
}

const twoGood = `<gpx><wpt lat="1" lon="2"><name>Pin</name></wpt><rte><name>A</name><rtept lat="1" lon="2"/><rtept lat="2" lon="2"/></rte>
	<rte><name>B</name><rtept lat="1" lon="2"/><rtept lat="2" lon="2"/></rte></gpx>`

// TestImportGeofences: all or nothing, and what is made is its maker's.
func TestImportGeofences(t *testing.T) {
	e := newEnv(t)
	admin := e.client().signIn(e.user("boss", true))
	c := e.client().signIn(e.user("a", false))
	other := e.client().signIn(e.user("b", false))
	none := func() {
		t.Helper()
		if list := admin.want(200, "GET", "/api/geofences", nil); list != "[]" {
			t.Fatalf("there are %s", list)
		}
	}
	refused := func(want, query, body string) {
		t.Helper()
		a := c.do("POST", "/api/geofences/import"+query, body)
		if a.code != 400 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s, want %q", query, a.code, a.body, want)
		}
		none()
	}
	refused("1 (Pin): it is a point", "?format=gpx", twoGood)
	refused("there is no format", "", twoGood)
	refused("the file is no KML", "?format=kml", twoGood)
	refused("no geofence in the file", "?format=gpx", "<gpx/>")
	refused("width must be metres", "?format=gpx&width=-1", twoGood)
	refused("radius must be metres", "?format=gpx&radius=NaN", twoGood)
	refused("skip must be", "?format=gpx&skip=perhaps", twoGood)
	big := `{"type":"LineString","coordinates":[` + strings.Repeat(`[1.234567890123,2.345678901234],`, 15_000) + `[1,2]]}`
	refused("larger than 256 KiB", "?format=geojson", big)
	refused("and 30 more", "?format=gpx", "<gpx>"+strings.Repeat(`<wpt lat="1" lon="2"/>`, 50)+"</gpx>")
	c.want(413, "POST", "/api/geofences/import?format=gpx", strings.Repeat("x", files.MaxBytes+1))

	made := imports(t, c, "?format=gpx&skip=true&width=70", "", twoGood)
	if len(made.Geofences) != 2 || len(made.Skipped) != 1 || made.Skipped[0].Feature != 1 || made.Geofences[0].Attributes["polylineDistance"] != 70.0 {
		t.Errorf("%+v", made)
	}
	if with := imports(t, c, "?format=gpx&radius=50", "", twoGood); len(with.Geofences) != 3 || with.Geofences[0].Area != "CIRCLE (1 2, 50)" {
		t.Errorf("%+v", with)
	}
	if list := other.want(200, "GET", "/api/geofences", nil); list != "[]" {
		t.Errorf("somebody else sees %s", list)
	}
	u := e.user("r", false)
	readonly := e.client().signIn(u)
	u.Readonly = true
	if err := e.store.UpdateUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	readonly.want(403, "POST", "/api/geofences/import?format=gpx&skip=true", twoGood)
	e.client().want(401, "POST", "/api/geofences/import?format=gpx", twoGood)
	e.client().want(401, "GET", "/api/geofences/export", nil)
	left, err := storage.ListObjects[data.Geofence](t.Context(), e.store, storage.ObjectFilter{})
	if err != nil || len(left) != 5 {
		t.Errorf("%d geofences, %v", len(left), err)
	}
}
