package files

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/geo/wkt"
)

// file writes geofences.
func file(t testing.TB, f Format, geofences ...data.Geofence) string {
	t.Helper()
	var out strings.Builder
	if err := f.Write(&out, func(each func(*data.Geofence) error) error {
		for i := range geofences {
			if err := each(&geofences[i]); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// all are what a file has, none of it wrong.
func all(t testing.TB, format, text string, o Options) (list []data.Geofence) {
	t.Helper()
	f, err := Named(format)
	if err != nil {
		t.Fatal(err)
	}
	found, err := f.Read([]byte(text), o)
	if err != nil {
		t.Fatalf("%s: %v in\n%s", format, err, text)
	}
	for _, one := range found {
		if one.Err != nil {
			t.Fatalf("%s: feature %d (%s): %v in\n%s", format, one.Number, one.Geofence.Name, one.Err, text)
		}
		list = append(list, one.Geofence)
	}
	return list
}

var kept = []data.Geofence{
	{Name: "Depot", Area: "CIRCLE (52.5 13.4, 250.5)", Description: "Gate 3 <north> & \"south\""},
	{
		Name: "Yard", Area: "POLYGON ((52 13, 52 14, 53 14, 53 13, 52 13), (52.1 13.1, 52.1 13.2, 52.2 13.2, 52.1 13.1))",
		Attributes: data.Free{"speedLimit": 16.2, "color": "#ff8800", "missingAt": "08:00", "floor": -3.0, "note": "a, b; ]]> <x/> \n", "deep": map[string]any{"a": []any{1.0, "b"}}},
	},
	{Name: "Rectangle", Area: "POLYGON ((-1 -2, -1 2, 1 2, 1 -2, -1 -2))"},
	{Name: "Road 1", Area: "LINESTRING (52 13, 52.123456789 14, 53 14.5)", Attributes: data.Free{"polylineDistance": 40.0}},
	{Name: "Closed walk", Area: "LINESTRING (1 1, 1 2, 2 2, 1 1)"},
	{Name: "Dateline", Area: "POLYGON ((-17 179.5, -17 -179.5, -18 -179.5, -18 179.5, -17 179.5))"},
	{Name: "Fiji", Area: "CIRCLE (-17 179.999, 5000)"},
	{Name: "Pole", Area: "CIRCLE (89.99 10, 20000)"},
	{Name: "Ω Überfahrt 渡し", Area: "LINESTRING (60 179.9, 60 -179.9)"},
}

// TestRoundTrip: what was written is read as it was, in each format.
func TestRoundTrip(t *testing.T) {
	for _, f := range All {
		text := file(t, f, kept...)
		if got := all(t, f.Name, text, Options{WidthM: 0, RadiusM: 7}); !reflect.DeepEqual(got, kept) {
			for i := range got {
				if i >= len(kept) || !reflect.DeepEqual(got[i], kept[i]) {
					t.Errorf("%s: have %+v, want %+v", f.Name, got[i], kept[i])
				}
			}
			t.Fatalf("%s: %d of %d\n%s", f.Name, len(got), len(kept), text)
		}
		if found, err := f.Read([]byte(file(t, f)), Options{}); err != nil || len(found) != 0 {
			t.Errorf("%s: nothing is %v, %v", f.Name, found, err)
		}
	}
}

// TestRoundTripOfAnything is that for any places on the earth.
func TestRoundTripOfAnything(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	place := func() wkt.Point {
		return wkt.Point{Lat: math.Round((rnd.Float64()*180-90)*1e7) / 1e7, Lon: math.Round((rnd.Float64()*360-180)*1e7) / 1e7}
	}
	places := func(n int) (list []wkt.Point) {
		for range n {
			list = append(list, place())
		}
		return list
	}
	for i := range 300 {
		var shape wkt.Shape
		switch i % 3 {
		case 0:
			shape = wkt.Circle{Center: place(), RadiusM: 1 + math.Round(rnd.Float64()*1e6)}
		case 1:
			shape = wkt.Line(places(2 + rnd.IntN(50)))
		case 2:
			shape = wkt.Polygon{closed(places(3 + rnd.IntN(50))), closed(places(3))}
		}
		want := []data.Geofence{{Name: fmt.Sprint(i), Area: wkt.Format(shape)}}
		for _, f := range All {
			if got := all(t, f.Name, file(t, f, want...), Options{}); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s:\nhave %v\nwant %v", f.Name, got, want)
			}
		}
	}
}

// TestOthers reads what other programs write.
func TestOthers(t *testing.T) {
	for name, c := range map[string]struct {
		format, text string
		o            Options
		want         []data.Geofence
	}{
		"a geometry alone": {
			"geojson", `{"type":"Polygon","coordinates":[[[13,52],[14,52],[14,53]]]}`,
			Options{},
			[]data.Geofence{{Name: "Geofence 1", Area: "POLYGON ((52 13, 52 14, 53 14, 52 13))"}},
		},
		"parts": {"application/geo+json; charset=utf-8", `{"type":"Feature","properties":{"title":"Isles","desc":"two"},"geometry":
			{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],[[[5,5,9],[6,5,9],[6,6,9],[5,5,9]]]]}}`, Options{}, []data.Geofence{
			{Name: "Isles (1)", Description: "two", Area: "POLYGON ((0 0, 0 1, 1 1, 0 0))"}, {Name: "Isles (2)", Description: "two", Area: "POLYGON ((5 5, 5 6, 6 6, 5 5))"},
		}},
		"a collection": {"geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","properties":null,"geometry":{"type":"GeometryCollection","geometries":[
			{"type":"LineString","coordinates":[[0,0],[1,1]]},{"type":"Point","coordinates":[2,3]}]}}]}`, Options{WidthM: 50, RadiusM: 100}, []data.Geofence{
			{Name: "Geofence 1 (1)", Area: "LINESTRING (0 0, 1 1)", Attributes: data.Free{"polylineDistance": 50.0}}, {Name: "Geofence 1 (2)", Area: "CIRCLE (3 2, 100)"},
		}},
		"a circle, and properties": {
			"geojson", `{"type":"Feature","properties":{"name":7,"radius":"120","speedLimit":"30","color":"#112233","population":12},"geometry":{"type":"Point","coordinates":[2,3]}}`,
			Options{},
			[]data.Geofence{{Name: "7", Area: "CIRCLE (3 2, 120)", Attributes: data.Free{"speedLimit": 30.0, "color": "#112233"}}},
		},
		"beyond the antimeridian": {
			"geojson", `{"type":"LineString","coordinates":[[179,0],[181.5,1],[-182.25,1]]}`,
			Options{},
			[]data.Geofence{{Name: "Geofence 1", Area: "LINESTRING (0 179, 1 -178.5, 1 177.75)"}},
		},
		"folders": {"kml", `<?xml version="1.0"?><kml xmlns="http://earth.google.com/kml/2.1"><Document><Folder><name>F</name><Folder>
			<Placemark><name>A</name><description><![CDATA[<b>bold</b>]]></description><ExtendedData><SchemaData schemaUrl="#x"><SimpleData name="speedLimit">20</SimpleData></SchemaData></ExtendedData>
			<Polygon><extrude>1</extrude><outerBoundaryIs><LinearRing><coordinates>
				13,52,0
				14,52,0 14,53,0
				13,52,0</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Folder>
			<Placemark><MultiGeometry><LineString><coordinates>1,2 3,4</coordinates></LineString><MultiGeometry><Point><coordinates>5,6</coordinates></Point></MultiGeometry></MultiGeometry></Placemark>
			</Folder></Document></kml>`, Options{RadiusM: 30}, []data.Geofence{
			{Name: "A", Description: "<b>bold</b>", Area: "POLYGON ((52 13, 52 14, 53 14, 52 13))", Attributes: data.Free{"speedLimit": 20.0}},
			{Name: "Geofence 2 (1)", Area: "LINESTRING (2 1, 4 3)"},
			{Name: "Geofence 2 (2)", Area: "CIRCLE (6 5, 30)"},
		}},
		"a recorded track": {
			"kml", `<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2"><Placemark><name>T</name><gx:MultiTrack><gx:Track>
			<when>2026-01-01T00:00:00Z</when><gx:coord>13 52 7</gx:coord><gx:coord>14 52 7</gx:coord></gx:Track></gx:MultiTrack></Placemark></kml>`,
			Options{},
			[]data.Geofence{{Name: "T", Area: "LINESTRING (52 13, 52 14)"}},
		},
		"tracks, routes and waypoints": {"gpx", `<gpx xmlns="http://www.topografix.com/GPX/1/0"><wpt lat="1" lon="2"><name>W</name></wpt>
			<rte><name>R</name><rtept lat="1" lon="2"/><rtept lat="3" lon="4"><ele>3</ele></rtept></rte>
			<trk><name>T</name><trkseg><trkpt lat="1" lon="2"/></trkseg><trkseg><trkpt lat="1" lon="2"><time>2026-01-01T00:00:00Z</time></trkpt><trkpt lat="5" lon="6"/></trkseg>
			<extensions><area>POLYGON</area></extensions></trk></gpx>`, Options{WidthM: 80, RadiusM: 9}, []data.Geofence{
			{Name: "W", Area: "CIRCLE (1 2, 9)"},
			{Name: "R", Area: "LINESTRING (1 2, 3 4)", Attributes: data.Free{"polylineDistance": 80.0}},
			{Name: "T", Area: "LINESTRING (1 2, 5 6)", Attributes: data.Free{"polylineDistance": 80.0}},
		}},
		"latin": {
			"kml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><kml><Placemark><name>Stra\xdfe</name><LineString><coordinates>1,2 3,4</coordinates></LineString></Placemark></kml>",
			Options{},
			[]data.Geofence{{Name: "Straße", Area: "LINESTRING (2 1, 4 3)"}},
		},
	} {
		if got := all(t, c.format, c.text, c.o); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: have %+v, want %+v", name, got, c.want)
		}
	}
}

// TestMovedCircle: once somebody has moved the points of a circle, they count.
func TestMovedCircle(t *testing.T) {
	for _, name := range []string{"kml", "gpx"} {
		f, _ := Named(name)
		text := file(t, f, data.Geofence{Name: "D", Area: "CIRCLE (52.5 13.4, 100)"})
		moved := strings.Replace(text, "13.4", "13.41", 3)
		if moved == text {
			t.Fatal("nothing to move")
		}
		if got := all(t, name, moved, Options{}); len(got) != 1 || !strings.HasPrefix(got[0].Area, "POLYGON") {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestWrongFeatures are told of one by one, and the others are read.
func TestWrongFeatures(t *testing.T) {
	for _, c := range []struct{ format, text string }{
		{"geojson", `{"type":"FeatureCollection","features":[1,{"type":"Feature","properties":{"name":"B"}},
			{"type":"Feature","properties":{"name":"C"},"geometry":{"type":"Point","coordinates":[1,2]}},
			{"type":"Feature","properties":{"name":"D"},"geometry":{"type":"Polygon","coordinates":[[[1,2],[3,4]]]}},
			{"type":"Feature","properties":{"name":"E"},"geometry":{"type":"LineString","coordinates":[[1,2],[1491636,6894701]]}},
			{"type":"Feature","properties":{"name":"F"},"geometry":{"type":"LineString","coordinates":[[1],[3,4]]}},
			{"type":"Feature","properties":{"name":"G"},"geometry":{"type":"Curve","coordinates":[[1,3],[3,4]]}},
			{"type":"Feature","properties":{"name":"H"},"geometry":{"type":"LineString","coordinates":"x"}},
			{"type":"Feature","properties":{"name":"good"},"geometry":{"type":"LineString","coordinates":[[1,2],[3,4]]}}]}`},
		{"kml", `<kml><Placemark/><Placemark><name>B</name></Placemark><Placemark><name>C</name><Point><coordinates>1,2</coordinates></Point></Placemark>
			<Placemark><name>D</name><Polygon/></Placemark><Placemark><name>E</name><LineString><coordinates>1, 2 3, 4</coordinates></LineString></Placemark>
			<Placemark><name>F</name><LineString><coordinates>1,NaN 1,3</coordinates></LineString></Placemark>
			<Placemark><name>G</name><LineString/></Placemark><Placemark><name>H</name><LinearRing><coordinates>1,2 3,4</coordinates></LinearRing></Placemark>
			<Placemark><name>good</name><LineString><coordinates>1,2 3,4</coordinates></LineString></Placemark></kml>`},
		{"gpx", `<gpx><trk/><wpt lat="1" lon="2"/><wpt/><rte><rtept lat="x" lon="3"/></rte><rte><rtept lat="3" lon="3"/></rte><rte><rtept lat="95" lon="3"/><rtept lat="3" lon="3"/></rte>
			<trk><trkseg/></trk><rte/><trk><name>good</name><trkseg><trkpt lat="2" lon="1"/><trkpt lat="4" lon="3"/></trkseg></trk></gpx>`},
	} {
		f, _ := Named(c.format)
		found, err := f.Read([]byte(c.text), Options{})
		if err != nil || len(found) != 9 {
			t.Fatalf("%s: %d found, %v", c.format, len(found), err)
		}
		for i, one := range found {
			good := one.Geofence.Name == "good"
			if one.Number != i+1 || good != (one.Err == nil) || !good && (!errors.Is(one.Err, data.ErrInvalid) || one.Geofence.Name == "") {
				t.Errorf("%s: %+v", c.format, one)
			}
		}
	}
}

// TestWrongFiles are refused as a whole, with a word on why.
func TestWrongFiles(t *testing.T) {
	deep := func(open, shut string) string { return strings.Repeat(open, 100) + strings.Repeat(shut, 100) }
	many := strings.Repeat(`<wpt lat="1" lon="2"/>`, MaxFound+1)
	for _, c := range []struct{ format, text, why string }{
		{"geojson", ``, "not GeoJSON"},
		{"geojson", `[]`, "not GeoJSON"},
		{"geojson", `{"a":1}`, "no type"},
		{"geojson", `<kml/>`, "not GeoJSON"},
		{"geojson", strings.Repeat(`{"geometry":`, 20_000), "not GeoJSON"},
		{"kml", ``, "no KML"},
		{"kml", `<gpx/>`, "begins with <gpx>"},
		{"kml", `<kml><Placemark></kml>`, "no KML"},
		{"kml", `{"type":"x"}`, "no KML"},
		{"kml", `<!DOCTYPE kml [<!ENTITY a "b">]><kml>&a;</kml>`, "DTD"},
		{"kml", `<kml>&a;</kml>`, "no KML"},
		{"kml", `<kml>` + deep("<Folder>", "</Folder>") + `</kml>`, "deep"},
		{"kml", `<kml><Placemark>` + deep("<MultiGeometry>", "</MultiGeometry>") + `</Placemark></kml>`, "deep"},
		{"kml", `<?xml version="1.0" encoding="EBCDIC"?><kml/>`, "UTF-8"},
		{"gpx", `<gpx>` + many + `</gpx>`, "more than 2000"},
		{"gpx", `<gpx>` + deep("<trk>", "</trk>") + `</gpx>`, "deep"},
		{"gpx", strings.Repeat("x", MaxBytes+1), "larger than 4 MiB"},
	} {
		f, _ := Named(c.format)
		found, err := f.Read([]byte(c.text), Options{RadiusM: 1})
		if !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), c.why) || len(found) != 0 {
			t.Errorf("%s %.60q: %d found, %v; want %q", c.format, c.text, len(found), err, c.why)
		}
	}
	if _, err := Named("shp"); !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), "geojson, gpx, kml") {
		t.Error(err)
	}
}

// TestKMZ reads what is packed, but not endlessly.
func TestKMZ(t *testing.T) {
	f, err := Named("application/vnd.google-earth.kmz")
	if err != nil {
		t.Fatal(err)
	}
	packed := func(name, content string) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, n := range []string{"files/icon.png", name} {
			w, err := z.Create(n)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(w, content) // to memory
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if got := all(t, "kmz", string(packed("doc.KML", file(t, f, kept[0]))), Options{}); !reflect.DeepEqual(got, kept[:1]) {
		t.Errorf("%+v", got)
	}
	whole := packed("doc.kml", file(t, f, kept[0]))
	for why, b := range map[string][]byte{
		"larger": packed("doc.kml", strings.Repeat(" ", MaxBytes+1)), "no KML in": packed("doc.txt", ""),
		"no KMZ": whole[:len(whole)/2], "no KML that": packed("doc.kml", ""),
	} {
		if _, err := f.Read(b, Options{}); !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want %q", err, why)
		}
	}
}

// TestLongTrack keeps the shape of a long recording in few points.
func TestLongTrack(t *testing.T) {
	var b strings.Builder
	b.WriteString("<gpx><trk><trkseg>")
	for i := range 30_000 { // a circle of 11 km
		a := float64(i) / 30_000 * 2 * math.Pi
		fmt.Fprintf(&b, `<trkpt lat="%.6f" lon="%.6f"/>`, 0.1*math.Sin(a), 0.1*math.Cos(a))
	}
	b.WriteString("</trkseg></trk></gpx>")
	got := all(t, "gpx", b.String(), Options{})
	shape, err := wkt.Parse(got[0].Area)
	track, ok := shape.(wkt.Line)
	if err != nil || !ok || len(track) > maxTrack || len(track) < maxTrack/2 {
		t.Fatalf("%T of %d, %v", shape, len(track), err)
	}
	for _, p := range track {
		if r := math.Hypot(p.Lat, p.Lon); math.Abs(r-0.1) > 1e-5 {
			t.Fatalf("%v is %v away", p, r)
		}
	}
}

// TestLeavesOutWhatNobodyUnderstands, and says so.
func TestLeavesOutWhatNobodyUnderstands(t *testing.T) {
	list := []data.Geofence{{ID: 7, Name: "bad", Area: "BLOB"}, {ID: 8, Name: "good", Area: "CIRCLE (1 2, 3)"}}
	for _, f := range All {
		var out strings.Builder
		err := f.Write(&out, func(each func(*data.Geofence) error) error {
			return errors.Join(each(&list[0]), each(&list[1]))
		})
		if !errors.Is(err, data.ErrInvalid) || !strings.Contains(err.Error(), "geofence 7") {
			t.Errorf("%s: %v", f.Name, err)
		}
		if got := all(t, f.Name, out.String(), Options{}); len(got) != 1 || got[0].Name != "good" {
			t.Errorf("%s: %v", f.Name, got)
		}
	}
}

// fuzz wants bounded answers that can be written and read again.
func fuzz(f *testing.F, name string) {
	format, err := Named(name)
	if err != nil {
		f.Fatal(err)
	}
	for _, g := range kept {
		f.Add([]byte(file(f, format, g)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		found, err := format.Read(b, Options{WidthM: 10, RadiusM: 10})
		if err != nil && (!errors.Is(err, data.ErrInvalid) || found != nil) {
			t.Fatalf("%d found, %v", len(found), err)
		}
		var good []data.Geofence
		for _, one := range found {
			if one.Err != nil {
				if !errors.Is(one.Err, data.ErrInvalid) {
					t.Fatal(one.Err)
				}
				continue
			}
			good = append(good, one.Geofence)
		}
		if len(good) == 0 {
			return
		}
		again := all(t, name, file(t, format, good...), Options{})
		if !slices.EqualFunc(again, good, func(a, b data.Geofence) bool { return a.Name == b.Name && sameArea(a.Area, b.Area) }) {
			t.Fatalf("have\n%+v, want\n%+v", again, good)
		}
	})
}

// sameArea compares areas as far as the formats keep them: a billionth of a
// degree.
func sameArea(a, b string) bool {
	round := func(area string) wkt.Shape {
		s, _ := wkt.Parse(area)
		switch s := s.(type) {
		case wkt.Polygon:
			for _, ring := range s {
				roundAll(ring)
			}
		case wkt.Line:
			roundAll(s)
		}
		return s
	}
	return reflect.DeepEqual(round(a), round(b))
}

func roundAll(points []wkt.Point) {
	for i := range points {
		points[i].Lon = math.Round(math.Mod(points[i].Lon+540, 360)*1e6) / 1e6
	}
}

func FuzzGeoJSON(f *testing.F) { fuzz(f, "geojson") }
func FuzzKML(f *testing.F)     { fuzz(f, "kml") }
func FuzzGPX(f *testing.F)     { fuzz(f, "gpx") }
