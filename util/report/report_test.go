package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

var begin = time.Date(2026, 3, 10, 6, 0, 0, 0, time.UTC)

const (
	hour   = time.Hour
	minute = time.Minute
)

// day is a device that rests an hour, drives 15 minutes at 60 km/h and 15 at 100,
// rests two hours, and is on its way again at 80.
func day(w *world) (data.Device, time.Time) {
	d := w.device("Truck")
	return d, w.drive(d, begin, leg{0, hour, 5 * minute}, leg{60, 15 * minute, 10 * time.Second}, leg{100, 15 * minute, 10 * time.Second},
		leg{0, 2 * hour, 5 * minute}, leg{80, 20 * minute, 10 * time.Second})
}

func TestTrips(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		d, last := day(w)
		all := Ask{Devices: []data.Device{d}, From: begin.Add(-hour), To: last.Add(hour), Drivers: map[string]string{"x": "nobody"}}
		trips := w.rows("trips", all)
		if len(trips) != 2 {
			t.Fatalf("trips are %v", trips)
		}
		ended, open := trips[0], trips[1]
		w.near("distance", ended["distance"], 40_000, 500)
		w.near("maximum speed", ended["maxSpeed"], 100/1.852, 0.01)
		w.near("average speed", ended["averageSpeed"], 80/1.852, 3)
		w.near("duration", ended["duration"], (30*minute).Seconds()*1000, 120_000)
		if ended["kind"] != "drive" || ended["driverName"] != nil || ended["deviceName"] != "Truck" || ended["path"] == "" {
			t.Errorf("the trip is %v", ended)
		}
		w.near("distance under way", open["distance"], 80_000.0/3, 400)
		if end := moments(t, open["endTime"]); !end.Equal(last) {
			t.Errorf("the trip under way ends %v, the last report was %v", end, last)
		}
		if keys := fields(ended); !slices.Equal(keys, []string{
			"averageSpeed", "deviceId", "deviceName", "distance", "driverName", "driverUniqueId", "duration", "endAddress", "endLat", "endLon", "endOdometer",
			"endPositionId", "endTime", "idle", "kind", "maxSpeed", "path", "spentFuel", "startAddress", "startLat", "startLon", "startOdometer",
			"startPositionId", "startTime",
		}) {
			t.Errorf("fields are %q", keys)
		}
		w.near("odometer between", open["startOdometer"], ended["endOdometer"].(float64), 300)

		// A span that cuts the first trip where it became faster.
		half := all
		half.To = begin.Add(hour + 15*minute)
		cut := w.rows("trips", half)
		if len(cut) != 1 || moments(t, cut[0]["endTime"]).After(half.To) || cut[0]["path"] != nil {
			t.Fatalf("cut trips are %v", cut)
		}
		w.near("cut distance", cut[0]["distance"], 15_000, 400)
		w.near("cut maximum speed", cut[0]["maxSpeed"], 60/1.852, 0.01)
		half.From, half.To = half.To.Add(time.Millisecond), all.To
		rest := w.rows("trips", half)
		if len(rest) != 2 || moments(t, rest[0]["startTime"]).Before(half.From) {
			t.Fatalf("the rest of the trips is %v", rest)
		}
		w.near("distances of the parts", rest[0]["distance"], ended["distance"].(float64)-cut[0]["distance"].(float64), 0.001)
		// The one under way is cut, too.
		half.From, half.To = last.Add(-15*minute), last.Add(-5*minute)
		if under := w.rows("trips", half); len(under) != 1 {
			t.Errorf("cut trips under way are %v", under)
		} else {
			w.near("cut distance under way", under[0]["distance"], 80_000.0/6, 300)
		}
		// Nothing of it lies in other spans.
		for _, other := range [][2]time.Time{{begin.Add(-3 * hour), begin.Add(-hour)}, {last.Add(minute), last.Add(hour)}, {begin.Add(20 * minute), begin.Add(30 * minute)}} {
			half.From, half.To = other[0], other[1]
			if none := w.rows("trips", half); len(none) > 0 {
				t.Errorf("trips from %v are %v", other, none)
			}
		}
	})
}

// TestLongTrip: one that goes on for days is in the report of each of them.
func TestLongTrip(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		d := w.device("Train")
		last := w.drive(d, begin, leg{0, hour, 5 * minute}, leg{60, 60 * hour, 3 * minute})
		for day := range 2 {
			from := begin.Add(2*hour + time.Duration(day)*24*hour)
			rows := w.rows("trips", Ask{Devices: []data.Device{d}, From: from, To: from.Add(20 * hour)})
			if len(rows) != 1 {
				t.Fatalf("day %d has the trips %v", day, rows)
			}
			w.near("distance of a day", rows[0]["distance"], 1_200_000, 6000)
		}
		// When it is over, its reports are the same.
		w.drive(d, last, leg{0, 26 * hour, 10 * minute})
		from := begin.Add(2 * hour)
		if rows := w.rows("trips", Ask{Devices: []data.Device{d}, From: from, To: from.Add(20 * hour)}); len(rows) != 1 {
			t.Errorf("afterwards the trips are %v", rows)
		}
	})
}

func fields(row map[string]any) []string {
	keys := []string{}
	for k := range row {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestStops(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		d := w.device("Van")
		last := w.drive(d, begin, leg{0, hour, 5 * minute}, leg{50, 20 * minute, 10 * time.Second}, leg{0, 3 * hour, 5 * minute})
		all := Ask{Devices: []data.Device{d}, From: begin.Add(-hour), To: last.Add(hour)}
		stops := w.rows("stops", all)
		if len(stops) != 2 {
			t.Fatalf("stops are %v", stops)
		}
		w.near("duration", stops[0]["duration"], float64(hour.Milliseconds()), 400_000)
		if end := moments(t, stops[1]["endTime"]); !end.Equal(last) {
			t.Errorf("the stop that lasts ends %v, the last report was %v", end, last)
		}
		if keys := fields(stops[0]); !slices.Equal(keys, []string{
			"address", "averageSpeed", "deviceId", "deviceName", "distance", "duration", "endOdometer", "endTime", "engineHours", "idle", "latitude",
			"longitude", "maxSpeed", "positionId", "spentFuel", "startOdometer", "startTime",
		}) {
			t.Errorf("fields are %q", keys)
		}
		all.From, all.To = last.Add(-2*hour), last.Add(-hour)
		cut := w.rows("stops", all)
		if len(cut) != 1 || cut[0]["duration"] != float64(hour.Milliseconds()) || cut[0]["latitude"] != stops[1]["latitude"] {
			t.Errorf("the cut stop is %v", cut)
		}
	})
}

// TestAddresses: reports name places by the geofences of the device, and only by
// those; a device without any has none.
func TestAddresses(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		van, other := w.device("Van"), w.device("Other")
		for name, lat := range map[string]float64{"Depot": 50, "Client": 50.15} {
			g := data.Geofence{Name: name, Area: fmt.Sprintf("CIRCLE (%v 10, 200)", lat)}
			if err := w.store.CreateObject(t.Context(), &g); err != nil {
				t.Fatal(err)
			}
			link := data.Link{Owner: data.DeviceKind, OwnerID: van.ID, Property: data.GeofenceKind, PropertyID: g.ID}
			if err := w.store.AddLinks(t.Context(), link); err != nil {
				t.Fatal(err)
			}
		}
		// 50 km/h for 20 minutes is 0.1499 degrees to the north.
		legs := []leg{{0, hour, 5 * minute}, {50, 20 * minute, 10 * time.Second}, {0, hour, 5 * minute}}
		last := w.drive(van, begin, legs...)
		w.drive(other, begin, legs...)
		all := Ask{Devices: []data.Device{van, other}, From: begin, To: last.Add(hour)}
		is := func(report string, keys ...string) {
			t.Helper()
			rows := w.rows(report, all)
			for _, r := range rows {
				for i := 0; i < len(keys); i += 2 {
					want := any(keys[i+1])
					if r["deviceName"] == "Other" || r["name"] == "Other" {
						want = nil
					}
					if r[keys[i]] != want {
						t.Errorf("%s: %s of %v is %v, want %v", report, keys[i], r["deviceName"], r[keys[i]], want)
					}
				}
			}
			if len(rows) < 2 {
				t.Errorf("%s has %d rows", report, len(rows))
			}
		}
		is("trips", "startAddress", "Depot", "endAddress", "Client")
		is("summary", "startAddress", "Depot", "endAddress", "Client")
		is("devices", "address", "Client")
		stops := w.rows("stops", Ask{Devices: all.Devices[:1], From: all.From, To: all.To})
		if len(stops) != 2 || stops[0]["address"] != "Depot" || stops[1]["address"] != "Client" {
			t.Errorf("stops are %v", stops)
		}
	})
}

// TestSums compares sums over parts of a span with the sum over the whole,
// wherever it is parted, and whatever the time zone of the reader.
func TestSums(t *testing.T) {
	berlin, newYork := zone(t, "Europe/Berlin"), zone(t, "America/New_York")
	onStores(t, func(t *testing.T, w *world) {
		d, quiet := w.device("Bus", "timezone", "Europe/Berlin"), w.device("Quiet")
		// Around the night in which clocks go forward in Berlin.
		at := time.Date(2026, 3, 27, 20, 0, 0, 0, time.UTC)
		first := at
		speeds := []float64{30, 50, 70, 90, 110, 60, 40, 80}
		for _, kmh := range speeds {
			at = w.drive(d, at, leg{kmh, 40 * minute, 20 * time.Second}, leg{0, 9 * hour, 10 * minute})
		}
		whole := Ask{Devices: []data.Device{d, quiet}, From: first, To: at}
		rows := w.rows("summary", whole)
		if len(rows) != 2 || rows[1]["distance"] != 0.0 || rows[1]["startTime"] == nil {
			t.Fatalf("the summary is %v", rows)
		}
		total := rows[0]["distance"].(float64)
		var km float64
		for _, kmh := range speeds {
			km += kmh * 40 / 60
		}
		w.near("distance", total, km*1000, 5000)
		w.near("maximum speed", rows[0]["maxSpeed"], 110/1.852, 0.01)
		if keys := fields(rows[0]); !slices.Equal(keys, []string{
			"averageSpeed", "carriedDistance", "deviceId", "deviceName", "distance", "endAddress", "endHours", "endOdometer", "endTime", "engineHours",
			"idle", "maxSpeed", "moving", "spentFuel", "startAddress", "startHours", "startOdometer", "startTime", "trips",
		}) {
			t.Errorf("fields are %q", keys)
		}
		random := rand.New(rand.NewPCG(1, 2))
		for range 5 {
			ends := []time.Time{first, at.Add(time.Millisecond)}
			for range 4 {
				ends = append(ends, first.Add(time.Duration(random.Int64N(int64(at.Sub(first))))).Truncate(time.Millisecond))
			}
			slices.SortFunc(ends, time.Time.Compare)
			sum, fastest, engine := 0.0, 0.0, 0.0
			for i := range len(ends) - 1 {
				part := w.rows("summary", Ask{Devices: []data.Device{d}, From: ends[i], To: ends[i+1].Add(-time.Millisecond)})[0]
				sum += part["distance"].(float64)
				engine += part["engineHours"].(float64)
				fastest = max(fastest, part["maxSpeed"].(float64))
			}
			w.near(fmt.Sprint("the sum of parts at ", ends), sum, total, 0.01)
			w.near("engine hours of parts", engine, rows[0]["engineHours"].(float64), 1)
			w.near("maximum of parts", fastest, 110/1.852, 0.01)
		}
		for _, reader := range []*time.Location{berlin, newYork, time.UTC} {
			days := w.rows("summary", Ask{Devices: []data.Device{d}, From: first, To: at, Period: Day, Zone: reader})
			sum := 0.0
			for _, row := range days {
				sum += row["distance"].(float64)
				from, to := moments(t, row["startTime"]).In(reader), moments(t, row["endTime"]).In(reader)
				if from.YearDay() != to.YearDay() {
					t.Errorf("a day in %v is from %v to %v", reader, from, to)
				}
			}
			w.near("the sum of days in "+reader.String(), sum, total, 0.01)
		}
		mileage := w.rows("mileage", Ask{Devices: []data.Device{d, quiet}, From: first, To: at, Zone: berlin})
		if starts := moments(t, mileage[2]["periodStart"]); !starts.Equal(time.Date(2026, 3, 29, 0, 0, 0, 0, berlin)) {
			t.Errorf("the third day begins %v", starts)
		}
		if starts := moments(t, mileage[3]["periodStart"]); starts.Sub(moments(t, mileage[2]["periodStart"])) != 23*hour {
			t.Errorf("the fourth day begins %v", starts)
		}
		for period, want := range map[Period]int{Week: 2, Month: 1, Whole: 1} {
			if rows := w.rows("summary", Ask{Devices: []data.Device{d}, From: first, To: at, Zone: berlin, Period: period}); len(rows) != want {
				t.Errorf("%s: %d rows, want %d: %v", period, len(rows), want, rows)
			}
		}
	})
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestEventsAndVisits(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		d, last := day(w)
		at := func(m int) time.Time { return begin.Add(time.Duration(m) * minute) }
		event := func(kind string, m int, geofence int64, attributes ...string) data.Event {
			e := data.Event{DeviceID: d.ID, Type: kind, Time: at(m), ServerTime: at(m), GeofenceID: geofence}
			for i := 0; i+1 < len(attributes); i += 2 {
				e.Attributes.SetString(attributes[i], attributes[i+1])
			}
			return e
		}
		full := event(data.EventDeviceFuelIncrease, 80, 0, "unit", "litres")
		full.Attributes.SetFloat("before", 10)
		full.Attributes.SetFloat("after", 52.5)
		err := w.store.InsertEvents(t.Context(), []data.Event{
			event(data.EventGeofenceExit, 65, 4), event(data.EventGeofenceEnter, 62, 3), event(data.EventGeofenceExit, 70, 3), event(data.EventGeofenceEnter, 95, 3),
			event(data.EventAlarm, 66, 0, "alarm", "sos"), event(data.EventAlarm, 67, 0, "alarm", "tow"), full,
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := Ask{Devices: []data.Device{d}, From: at(0), To: last.Add(hour), Geofences: map[int64]string{3: "Depot"}}
		var got []string
		for _, v := range w.rows("geofences", ask) {
			got = append(got, fmt.Sprintf("%v %v %v %v", v["geofenceId"], v["geofenceName"], moments(t, v["startTime"]).Sub(begin), moments(t, v["endTime"]).Sub(begin)))
			w.near("duration", v["duration"], moments(t, v["endTime"]).Sub(moments(t, v["startTime"])).Seconds()*1000, 0)
			if v["geofenceId"] == 3.0 && moments(t, v["startTime"]).Equal(at(62)) {
				w.near("distance in it", v["distance"], 8000, 600)
			}
		}
		if want := []string{"4 <nil> 0s 1h5m0s", "3 Depot 1h2m0s 1h10m0s", fmt.Sprint("3 Depot 1h35m0s ", last.Sub(begin))}; !slices.Equal(got, want) {
			t.Errorf("visits are %q, want %q", got, want)
		}
		for _, tc := range []struct {
			types, alarms []string
			want          int
		}{{[]string{"alarm"}, nil, 2}, {[]string{"alarm", "geofenceExit"}, []string{"tow"}, 3}, {[]string{"media"}, nil, 0}} {
			ask.Types, ask.Alarms = tc.types, tc.alarms
			if rows := w.rows("events", ask); len(rows) != tc.want {
				t.Errorf("%q %q: %d events, want %d", tc.types, tc.alarms, len(rows), tc.want)
			}
		}
		ask.Types, ask.Alarms = nil, nil
		every := w.rows("events", ask)
		if ask.Types = []string{"media", "allEvents"}; len(every) < 7 || len(w.rows("events", ask)) != len(every) {
			t.Errorf("there are %d events, and %d as allEvents", len(every), len(w.rows("events", ask)))
		}
		fuel := w.rows("fuel", ask)
		if len(fuel) != 1 || fuel[0]["refills"] != 1.0 || fuel[0]["refilled"] != 42.5 || fuel[0]["drops"] != 0.0 || fuel[0]["consumption"] != nil {
			t.Errorf("fuel is %v", fuel)
		}
		var combined bytes.Buffer
		ask.Types, ask.Alarms = []string{"alarm"}, nil
		if err := w.maker.WriteCombined(t.Context(), ask, &combined); err != nil {
			t.Fatal(err)
		}
		var parsed []struct {
			DeviceID          int64
			Route             [][2]float64
			Events, Positions []map[string]any
		}
		if err := json.Unmarshal(combined.Bytes(), &parsed); err != nil || len(parsed) != 1 || len(parsed[0].Route) != 336 || len(parsed[0].Events) != 2 {
			t.Errorf("combined is %.300s, %v", combined.Bytes(), err)
		}
		if devices := w.rows("devices", ask); len(devices) != 1 || devices[0]["status"] != "unknown" || devices[0]["latitude"] == nil {
			t.Errorf("devices are %v", devices)
		}
	})
}

// TestManyRows: what a report holds does not grow with its rows.
func TestManyRows(t *testing.T) {
	onStores(t, func(t *testing.T, w *world) {
		d := w.device("Bike")
		last := w.drive(d, begin, leg{20, 10_000 * time.Second, time.Second})
		devices := []data.Device{d}
		route, err := Named("route")
		if err != nil {
			t.Fatal(err)
		}
		heap := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		n, early, line := 0, int64(0), []byte(nil)
		err = w.maker.Rows(t.Context(), route, Ask{Devices: devices, From: begin, To: last}, func(row *Row) error {
			line = row.AppendJSON(line[:0], route.Columns)
			switch n++; n {
			case 1500: // the walk has its windows
				early = heap()
			case 9500:
				if grown := heap() - early; grown > 2<<20 {
					t.Errorf("after 8,000 rows more it holds %d bytes more", grown)
				}
			}
			return nil
		})
		if err != nil || n != 10_000 {
			t.Errorf("%d rows, %v", n, err)
		}
		// Who has enough ends it.
		enough := errors.New("enough")
		if err := w.maker.Rows(t.Context(), route, Ask{Devices: devices, From: begin, To: last}, func(*Row) error { return enough }); !errors.Is(err, enough) {
			t.Errorf("the end is %v", err)
		}
		if err := w.maker.Rows(t.Context(), route, Ask{From: begin, To: last}, func(*Row) error { return enough }); err != nil {
			t.Errorf("of no device: %v", err)
		}
	})
}
