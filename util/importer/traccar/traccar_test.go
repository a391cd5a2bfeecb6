package traccar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// schema has the columns of the other server that are read, and some more.
const schema = `
CREATE TABLE tc_groups (id serial PRIMARY KEY, name varchar(128) NOT NULL, groupid int, attributes varchar(4000));
CREATE TABLE tc_devices (id serial PRIMARY KEY, name varchar(128) NOT NULL, uniqueid varchar(128) NOT NULL, lastupdate timestamp, positionid int,
	groupid int, attributes varchar(4000), phone varchar(128), model varchar(128), contact varchar(512), category varchar(128), disabled boolean DEFAULT false,
	expirationtime timestamp);
CREATE TABLE tc_users (id serial PRIMARY KEY, name varchar(128) NOT NULL, email varchar(128) NOT NULL, hashedpassword varchar(128), salt varchar(128),
	readonly boolean DEFAULT false, administrator boolean, map varchar(128), latitude float DEFAULT 0, longitude float DEFAULT 0, zoom int DEFAULT 0,
	attributes varchar(4000), coordinateformat varchar(128), disabled boolean DEFAULT false, expirationtime timestamp, devicelimit int DEFAULT -1,
	userlimit int DEFAULT 0, devicereadonly boolean DEFAULT false, phone varchar(128), limitcommands boolean DEFAULT false, login varchar(128),
	poilayer varchar(512), disablereports boolean DEFAULT false, fixedemail boolean DEFAULT false, temporary boolean DEFAULT false);
CREATE TABLE tc_geofences (id serial PRIMARY KEY, name varchar(128) NOT NULL, description varchar(128), area varchar(4096) NOT NULL, attributes varchar(4000), calendarid int);
CREATE TABLE tc_user_device (userid int NOT NULL, deviceid int NOT NULL);
CREATE TABLE tc_user_group (userid int NOT NULL, groupid int NOT NULL);
CREATE TABLE tc_user_geofence (userid int NOT NULL, geofenceid int NOT NULL);
CREATE TABLE tc_user_user (userid int NOT NULL, manageduserid int NOT NULL);
CREATE TABLE tc_group_geofence (groupid int NOT NULL, geofenceid int NOT NULL);
CREATE TABLE tc_positions (id serial PRIMARY KEY, protocol varchar(128), deviceid int NOT NULL, servertime timestamp DEFAULT now() NOT NULL,
	devicetime timestamp NOT NULL, fixtime timestamp NOT NULL, valid boolean NOT NULL, latitude float NOT NULL, longitude float NOT NULL,
	altitude float NOT NULL, speed float NOT NULL, course float NOT NULL, address varchar(512), attributes varchar(4000), accuracy float DEFAULT 0 NOT NULL,
	network varchar(4000));
INSERT INTO tc_groups (id, name, groupid, attributes) VALUES (2, 'vans', 5, '{"speedLimit":50.5}'), (5, 'fleet', NULL, '{}'), (6, 'lost', 99, '{}');
INSERT INTO tc_devices (id, name, uniqueid, groupid, attributes, phone, category, disabled, expirationtime) VALUES
	(10, 'Van', '860000000000013', 2, '{"decoder.timezone":"UTC"}', '+491', 'van', true, '2030-01-01 00:00:00'), (11, 'Car', 'car', NULL, NULL, NULL, NULL, false, NULL);
INSERT INTO tc_users (id, name, email, login, hashedpassword, salt, administrator, devicelimit, zoom) VALUES
	(1, 'Ann', 'Ann@example.org', NULL, 'ef38a22ac8e75f7f3a6212dbfe05273365333ef53e34c14c', '000000000000000000000000000000000000000000000000', true, -1, 7),
	(2, 'Bob', 'bob@example.org', 'Bob', NULL, NULL, false, 3, 0);
INSERT INTO tc_geofences (id, name, description, area) VALUES (7, 'yard', NULL, 'CIRCLE (52.5 13.4, 100)'), (8, 'broken', NULL, 'CIRCLE (x)');
INSERT INTO tc_user_device VALUES (1, 10), (2, 11), (2, 999);
INSERT INTO tc_user_group VALUES (2, 5);
INSERT INTO tc_user_geofence VALUES (2, 7);
INSERT INTO tc_user_user VALUES (1, 2);
INSERT INTO tc_group_geofence VALUES (5, 7);
INSERT INTO tc_positions (id, protocol, deviceid, servertime, devicetime, fixtime, valid, latitude, longitude, altitude, speed, course, attributes, accuracy, network) VALUES
	(100, 'gt06', 10, '2025-03-30 02:30:02', '2025-03-30 02:30:01', '2025-03-30 02:30:00.5', true, 52.5, 13.4, 34, 10, 90, '{"ignition":true,"distance":1.5,"list":[1,2],"sat":9}', 5, '{"radioType":"gsm","cellTowers":[{"cellId":1,"locationAreaCode":2,"mobileCountryCode":262,"mobileNetworkCode":1}]}'),
	(101, 'h02', 11, '2025-03-30 03:30:00', '2025-03-30 03:30:00', '2025-03-30 03:30:00', false, -1, -2, 0, 0, 0, '{}', 0, NULL),
	(102, 'h02', 12, '2025-03-30 03:30:00', '2025-03-30 03:30:00', '2025-03-30 03:30:00', true, 1, 2, 0, 0, 0, '{}', 0, 'null'),
	(103, 'h02', 11, '2025-03-30 03:31:00', '2025-03-30 03:31:00', '2025-03-30 03:31:00', true, 1, 2, 0, 0, 0, 'broken', 0, NULL);
`

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// newSource makes the other server's database.
func newSource(t *testing.T) (*Source, func(query string)) {
	t.Helper()
	url := pgtest.Open(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	exec := func(query string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	exec(schema)
	s, err := OpenSource(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, exec
}

func newStore(t *testing.T) storage.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func run(t *testing.T, from *Source, to storage.Store, o Options) *Report {
	t.Helper()
	o.Now = now
	if o.StatePath == "" {
		o.StatePath = filepath.Join(t.TempDir(), "state")
	}
	r, err := Run(t.Context(), from, to, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func objects(r *Report) string {
	var b strings.Builder
	for _, o := range r.Objects {
		fmt.Fprintf(&b, "%s %d/%d/%d ", o.Kind, o.Made, o.Known, o.Skipped)
	}
	return fmt.Sprintf("%slinks %d positions %d/%d", b.String(), r.Links, r.Positions.Stored, r.Positions.Known)
}

func device(t *testing.T, s storage.Store, uniqueID string) data.Device {
	t.Helper()
	d, err := s.DeviceByUniqueID(t.Context(), uniqueID)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func stored(t *testing.T, s storage.Store, id int64) (all []data.Position) {
	t.Helper()
	if err := s.PositionsBetween(t.Context(), id, time.Time{}, now(), math.MaxInt32, func(p *data.Position) error {
		all = append(all, *p)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestImport(t *testing.T) {
	from, exec := newSource(t)
	to := newStore(t)
	state := filepath.Join(t.TempDir(), "deep", "state")
	o := Options{StatePath: state}
	dry := o
	dry.DryRun = true
	if got, want := objects(run(t, from, to, dry)), "groups 3/0/0 devices 2/0/0 users 2/0/0 geofences 1/0/1 links 6 positions 2/0"; got != want {
		t.Errorf("dry run %s, want %s", got, want)
	}
	if n, err := to.CountUsers(t.Context()); n != 0 || err != nil {
		t.Errorf("a dry run makes %d users, %v", n, err)
	}
	first := run(t, from, to, o)
	if got, want := objects(first), "groups 3/0/0 devices 2/0/0 users 2/0/0 geofences 1/0/1 links 6 positions 2/0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if s := first.Positions.Skipped; s["a device that is not imported"].Count != 1 || s["attributes that cannot be read"].Where != "tc_positions.id 103" {
		t.Errorf("skipped %v", s)
	}
	look(t, to)

	exec(`INSERT INTO tc_positions (id, protocol, deviceid, servertime, devicetime, fixtime, valid, latitude, longitude, altitude, speed, course)
		VALUES (104, 'h02', 11, '2025-03-31', '2025-03-31', '2025-03-31', true, 1, 2, 0, 0, 0)`)
	second := run(t, from, to, o)
	if got, want := objects(second), "groups 0/3/0 devices 0/2/0 users 0/2/0 geofences 0/1/1 links 6 positions 1/0"; got != want || second.From != 103 {
		t.Errorf("the second time %s after %d, want %s", got, second.From, want)
	}
	o.Again = true
	if got := run(t, from, to, o); got.Positions.Known != 3 || got.Positions.Stored != 0 {
		t.Errorf("again: %s", objects(got))
	}
}

// look checks what was imported.
func look(t *testing.T, s storage.Store) {
	t.Helper()
	van, car := device(t, s, "860000000000013"), device(t, s, "car")
	groups, err := storage.ListObjects[data.Group](t.Context(), s, storage.ObjectFilter{})
	if err != nil || len(groups) != 3 {
		t.Fatalf("groups %v, %v", groups, err)
	}
	fleet, lost, vans := groups[0], groups[1], groups[2]
	if vans.GroupID != fleet.ID || lost.GroupID != 0 || vans.Attributes["speedLimit"] != 50.5 || van.GroupID != vans.ID {
		t.Errorf("groups %+v", groups)
	}
	if van.Name != "Van" || !van.Disabled || van.ExpiresAt.Year() != 2030 || van.Phone != "+491" || van.Attributes["decoder.timezone"] != "UTC" {
		t.Errorf("device %+v", van)
	}
	ann, err := s.UserByEmail(t.Context(), "ann@example.org")
	if err != nil || !ann.Administrator || ann.DeviceLimit != data.NoLimit || ann.Zoom != 7 ||
		ann.PasswordHash != "$pbkdf2-sha1$i=1000$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA$7ziiKsjnX386YhLb/gUnM2UzPvU+NMFM" {
		t.Errorf("user %+v, %v", ann, err)
	}
	bob, err := s.UserByEmail(t.Context(), "bob")
	if err != nil || bob.PasswordHash != "" || bob.DeviceLimit != 3 || bob.Administrator {
		t.Errorf("user %+v, %v", bob, err)
	}
	links, err := s.LinkedIDs(t.Context(), data.UserKind, []int64{bob.ID})
	if err != nil || len(links[data.DeviceKind]) != 1 || links[data.DeviceKind][0] != car.ID || len(links[data.GeofenceKind]) != 1 || links[data.GroupKind][0] != fleet.ID {
		t.Errorf("links %v, %v", links, err)
	}
	all := stored(t, s, van.ID)
	if len(all) != 1 {
		t.Fatalf("%d positions", len(all))
	}
	p := all[0]
	want := time.Date(2025, 3, 30, 2, 30, 0, 5e8, time.UTC) // an hour that some zones do not have
	if !p.FixTime.Equal(want) || !p.ServerTime.Equal(want.Add(1500*time.Millisecond)) || p.Protocol != "gt06" || p.SpeedKnots != 10 || p.Network == nil ||
		string(p.Attributes.AppendJSON(nil)) != `{"distance":1.5,"ignition":true,"list":"[1,2]","sat":9}` {
		t.Errorf("position %+v, attributes %s", p, p.Attributes.AppendJSON(nil))
	}
	if all = stored(t, s, car.ID); len(all) != 1 || all[0].Valid || all[0].Latitude != -1 {
		t.Errorf("positions of the car %+v", all)
	}
}

func TestChoice(t *testing.T) {
	from, _ := newSource(t)
	to := newStore(t)
	r := run(t, from, to, Options{Devices: []string{"car"}, Since: time.Date(2025, 3, 30, 3, 31, 0, 0, time.UTC)})
	if got, want := objects(r), "groups 3/0/0 devices 1/0/0 users 2/0/0 geofences 1/0/1 links 5 positions 0/0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := Run(t.Context(), from, to, Options{Devices: []string{"nobody"}, Now: now, StatePath: filepath.Join(t.TempDir(), "s")}); !errors.Is(err, data.ErrNotFound) {
		t.Errorf("a device that is not there: %v", err)
	}
}

// broken is a store that takes some batches only.
type broken struct {
	storage.Store
	left int
}

var errDisk = errors.New("the disk is broken")

func (b *broken) InsertPositions(ctx context.Context, p []data.Position, f []uint64, _ storage.Fold) error {
	if b.left--; b.left < 0 {
		return errDisk
	}
	return b.Store.InsertPositions(ctx, p, f, nil)
}

// TestGoesOn ends an import in the middle.
func TestGoesOn(t *testing.T) {
	from, exec := newSource(t)
	const n = 25_000
	exec(fmt.Sprintf(`INSERT INTO tc_positions (protocol, deviceid, servertime, devicetime, fixtime, valid, latitude, longitude, altitude, speed, course)
		SELECT 'h02', 11, t, t, t, true, 1, 2, 0, 0, 0 FROM (SELECT timestamp '2025-05-01' + i * interval '1 second' AS t FROM generate_series(1, %d) AS i) AS x
		ON CONFLICT DO NOTHING`, n))
	to := newStore(t)
	o := Options{Now: now, StatePath: filepath.Join(t.TempDir(), "state")}
	exec(`DELETE FROM tc_positions WHERE id <= 103`)
	var want int64
	if err := from.query(t.Context(), "count", `SELECT count(*) AS n FROM tc_positions`, func(r record) error { want = r.int("n"); return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), from, &broken{to, 13}, o); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	r := run(t, from, to, o)
	if r.From == 0 || r.Positions.Stored == want || r.Positions.Known > saveEvery {
		t.Errorf("after %d: %s", r.From, objects(r))
	}
	if all := stored(t, to, device(t, to, "car").ID); int64(len(all)) != want {
		t.Errorf("%d positions stored, want %d", len(all), want)
	}
}

// TestFolder imports files as H2 writes them: names in upper case, TRUE and
// FALSE, nothing for null.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tc_devices": "\"ID\",\"NAME\",\"UNIQUEID\",\"GROUPID\",\"ATTRIBUTES\",\"DISABLED\"\n\"10\",\"Van\",\"860000000000013\",,\"{\"\"a\"\":1}\",\"TRUE\"\n",
		"tc_users":   "\"ID\",\"NAME\",\"EMAIL\",\"HASHEDPASSWORD\",\"SALT\",\"ADMINISTRATOR\"\n\"1\",\"Ann\",\"ann@example.org\",\"00\",\"00\",\"TRUE\"\n",
		"tc_positions": "\"ID\",\"PROTOCOL\",\"DEVICEID\",\"SERVERTIME\",\"DEVICETIME\",\"FIXTIME\",\"VALID\",\"LATITUDE\",\"LONGITUDE\",\"ALTITUDE\",\"SPEED\",\"COURSE\",\"ATTRIBUTES\"\n" +
			"\"2\",\"gt06\",\"10\",\"2025-01-01 10:00:01\",\"2025-01-01 10:00:00\",\"2025-01-01 10:00:00.25\",\"TRUE\",\"52.5\",\"13.4\",\"0.0\",\"1.5\",\"0.0\",\"{}\"\n" +
			"\"1\",\"gt06\",\"10\",\"2025-01-01 09:00:01\",\"2025-01-01 09:00:00\",\"2025-01-01 09:00:00\",\"FALSE\",\"52.5\",\"13.4\",\"0.0\",\"1.5\",\"0.0\",\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	from, err := OpenSource(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	to := newStore(t)
	state := filepath.Join(t.TempDir(), "state")
	if got, want := objects(run(t, from, to, Options{StatePath: state})), "groups 0/0/0 devices 1/0/0 users 1/0/0 geofences 0/0/0 links 0 positions 2/0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	van := device(t, to, "860000000000013")
	all := stored(t, to, van.ID)
	if len(all) != 2 || all[0].Valid || !all[1].Valid || all[1].SpeedKnots != 1.5 || !all[1].FixTime.Equal(time.Date(2025, 1, 1, 10, 0, 0, 25e7, time.UTC)) || !van.Disabled {
		t.Errorf("positions %+v", all)
	}
	if r := run(t, from, to, Options{StatePath: state}); r.Positions.Known != 2 {
		t.Errorf("again: %s", objects(r))
	}
}

func TestBadSource(t *testing.T) {
	for dsn, want := range map[string]string{
		"jdbc:h2:/opt/traccar/data/database":      "CSVWRITE",
		"/data/database.mv.db":                    "CSVWRITE",
		"oracle://x":                              "not understood",
		"postgres://a:se%zzcret@host/db":          "special characters",
		t.TempDir():                               "tc_devices.csv",
		"mysql://root:secret@127.0.0.1:1/traccar": "open mysql://127.0.0.1:1/traccar",
		"jdbc:mysql://127.0.0.1:1/traccar?user=root&password=secret": "open mysql://127.0.0.1:1/traccar",
		"postgres://root:secret@127.0.0.1:1/traccar":                 "open postgres://127.0.0.1:1/traccar",
	} {
		_, err := OpenSource(t.Context(), dsn)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "cret@") {
			t.Errorf("%s: %v, want %q", dsn, err, want)
		}
	}
	empty := pgtest.Open(t)
	s, err := OpenSource(t.Context(), empty)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Run(t.Context(), s, newStore(t), Options{Now: now, StatePath: filepath.Join(t.TempDir(), "s")}); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("a database of something else: %v", err)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(`{"a":[1,{"b":2}],"c":"d"}`, "2025-01-01 10:00:00.25")
	f.Fuzz(func(t *testing.T, attributes, at string) {
		r := record{"attributes": attributes, "at": at, "b": []byte(at)}
		if a, ok := r.attributes(); ok {
			if again, err := data.ParseAttributes(a.AppendJSON(nil)); err != nil || len(again) != len(a) {
				t.Errorf("%q: %v, %v", attributes, a, err)
			}
		}
		r.free()
		r.time("at")
		r.int("b")
		r.float("b")
		r.bool("b")
	})
}
