package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/data/wire"
	"github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

var march = time.Date(2026, 3, 30, 22, 0, 0, 0, time.UTC)

func newDevice(t testing.TB, s *sqlite.Store, uniqueID string) int64 {
	t.Helper()
	d := data.Device{Name: uniqueID, UniqueID: uniqueID}
	if err := s.CreateDevice(t.Context(), &d); err != nil {
		t.Fatal(err)
	}
	return d.ID
}

// drive are positions of a device, a second or so apart, with the noise of a
// real one and some 120 bytes of attributes.
func drive(deviceID int64, from time.Time, n int, step time.Duration) []data.Position {
	r := rand.New(rand.NewPCG(uint64(deviceID), uint64(from.Unix())))
	lat, lon, course, odometer := 52.5, 13.4, 90.0, 1_200_300
	batch := make([]data.Position, n)
	for i := range batch {
		at := from.Add(time.Duration(i) * step)
		course += float64(r.IntN(9) - 4)
		speed := 20 + float64(r.IntN(60))/2
		lat += (r.Float64() - 0.45) / 1e4
		lon += (r.Float64() - 0.45) / 1e4
		odometer += r.IntN(40)
		p := data.Position{
			DeviceID: deviceID, Protocol: "teltonika", Valid: true, ServerTime: at.Add(time.Second + time.Duration(r.IntN(400))*time.Millisecond),
			DeviceTime: at, FixTime: at, Latitude: float64(int(lat*1e7)) / 1e7, Longitude: float64(int(lon*1e7)) / 1e7,
			AltitudeM: float64(34 + r.IntN(3)), SpeedKnots: speed, CourseDeg: float64(int(course+3600) % 360),
		}
		p.Attributes.SetInt("sat", int64(9+r.IntN(4)))
		p.Attributes.SetFloat("hdop", 0.7+float64(r.IntN(5))/10)
		p.Attributes.SetFloat("power", 12.4+float64(r.IntN(20))/100)
		p.Attributes.SetFloat("battery", 4.1)
		p.Attributes.SetBool("ignition", true)
		p.Attributes.SetBool("motion", speed > 1)
		p.Attributes.SetInt("rssi", int64(r.IntN(5)))
		p.Attributes.SetInt("odometer", int64(odometer))
		batch[i] = p
	}
	return batch
}

func insert(t testing.TB, s *sqlite.Store, batch []data.Position) {
	t.Helper()
	if err := s.InsertPositions(t.Context(), batch, prints(batch), nil); err != nil {
		t.Fatal(err)
	}
}

func prints(batch []data.Position) []uint64 {
	f := make([]uint64, len(batch))
	for i := range batch {
		f[i] = batch[i].Fingerprint()
	}
	return f
}

// count reads the history of a device.
func count(t testing.TB, s *sqlite.Store, deviceID int64) (n int, err error) {
	t.Helper()
	err = s.PositionsBetween(t.Context(), deviceID, time.Time{}, march.AddDate(10, 0, 0), 1e6, func(*data.Position) error { n++; return nil })
	return n, err
}

// TestDeviceHalfDeleted has the process die after the device went and before its
// history did.
func TestDeviceHalfDeleted(t *testing.T) {
	dir, id := twoMonths(t)
	db := raw(t, dir)
	execute(t, db, fmt.Sprintf(`DELETE FROM devices WHERE id = %d`, id))
	db.Close()
	s := openIn(t, dir)
	if n, err := count(t, s, id); err != nil || n != 0 {
		t.Errorf("%d positions, error is %v", n, err)
	}
	if last, err := s.LatestPositions(t.Context(), nil); err != nil || len(last) != 0 {
		t.Errorf("%d newest positions, error is %v", len(last), err)
	}
}

// TestManyMonths uses more files than stay open.
func TestManyMonths(t *testing.T) {
	s := openIn(t, t.TempDir())
	id := newDevice(t, s, "a")
	const months = 40
	for i := range months {
		insert(t, s, drive(id, march.AddDate(0, i-months, -5), 20, time.Second))
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := count(t, s, id); err != nil || n != 20*months {
			t.Errorf("%d positions, error is %v", n, err)
		}
	}
	if err := s.DeletePositions(t.Context(), id, time.Time{}, march); err != nil {
		t.Fatal(err)
	}
	if n, err := count(t, s, id); err != nil || n != 0 {
		t.Errorf("%d positions, error is %v", n, err)
	}
}

// TestPathOfAFile keeps the files of two databases in one folder apart.
func TestPathOfAFile(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"one.db", "two.db", sqlite.FileName} {
		s, err := sqlite.Open(t.Context(), filepath.Join(dir, name), noLog)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		id := newDevice(t, s, "a")
		insert(t, s, drive(id, march, 5+i, time.Second))
		if err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := count(t, s, id); err != nil || n != 5+i {
			t.Errorf("%s: %d positions, error is %v", name, n, err)
		}
	}
}

// TestConvertIsKilled ends the move of old positions in the middle; the next
// start ends it.
func TestConvertIsKilled(t *testing.T) {
	script, err := os.ReadFile("testdata/schema_v0001.sql")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	db := raw(t, dir)
	execute(t, db, string(script))
	const rows = 21_000
	execute(t, db, fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO positions (device_id, protocol, server_time, device_time, fix_time, valid, outdated, latitude, longitude,
			altitude, speed, course, accuracy, network, attributes, fingerprint)
		SELECT 1 + i %% 3, 'gt06', 1700000000000 + i * 1000, 1700000000000 + i * 1000, 1700000000000 + i * 1000, 1, 0, 52.5, 13.4,
			0, 0, 0, 0, '', '{"sat":9}', i * 7919 - 5 FROM n`, rows)) // device 3 does not exist
	db.Close()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // ends with the test at the latest
		watch, err := sql.Open("sqlite", filepath.Join(dir, "recent.db"))
		if err != nil {
			return
		}
		defer watch.Close()
		for n := 0; ctx.Err() == nil && n == 0; {
			if _, err := os.Stat(filepath.Join(dir, "recent.db")); err == nil {
				_ = watch.QueryRowContext(ctx, `SELECT count(*) FROM hot_1`).Scan(&n)
			}
		}
		cancel()
	}()
	if s, err := sqlite.Open(ctx, dir, noLog); err == nil {
		s.Close()
		t.Log("it was done before it was killed")
	}
	s := openIn(t, dir)
	for id, want := range map[int64]int{1: rows/3 + 2, 2: rows / 3, 3: 0} {
		if n, err := count(t, s, id); err != nil || n != want {
			t.Errorf("device %d has %d positions, want %d, error is %v", id, n, want, err)
		}
	}
	var tables int
	if err := raw(t, dir).QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_schema WHERE name LIKE 'old_%'`).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%d old tables are left, error is %v", tables, err)
	}
}

// TestBytesOnDisk bounds what a position takes in the end.
func TestBytesOnDisk(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	const devices, points, most = 20, 2160, 40 // six hours
	for i := range devices {
		insert(t, s, drive(newDevice(t, s, fmt.Sprint(i)), march, points, 10*time.Second))
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	files, err := filepath.Glob(filepath.Join(dir, "history", "*"))
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	each := float64(size) / (devices * points)
	t.Logf("%.1f bytes per position", each)
	if each > most || each < 1 {
		t.Errorf("a position takes %.1f bytes on disk, at most %d", each, most)
	}
}

// TestInsertAllocations bounds the garbage of an insert.
func TestInsertAllocations(t *testing.T) {
	s := openIn(t, t.TempDir())
	const devices, most = 200, 14
	batch := make([]data.Position, devices)
	for i := range batch {
		batch[i] = drive(newDevice(t, s, fmt.Sprint(i)), march, 1, time.Second)[0]
	}
	print := uint64(0)
	f := make([]uint64, devices)
	have := testing.AllocsPerRun(20, func() {
		for i := range batch {
			print++
			batch[i].FixTime, f[i] = batch[i].FixTime.Add(time.Second), print
		}
		if err := s.InsertPositions(t.Context(), batch, f, nil); err != nil {
			t.Fatal(err)
		}
	}) / devices
	t.Logf("%.1f allocations per position", have)
	if have > most {
		t.Errorf("%.1f allocations per position, at most %d", have, most)
	}
}

// TestStoresShareHistory inserts the same and other reports through two stores
// on the same files, as two processes would: what one remembers of devices does
// not hide what the other has written.
func TestStoresShareHistory(t *testing.T) {
	dir := t.TempDir()
	stores := []*sqlite.Store{openIn(t, dir), openIn(t, dir)}
	id := newDevice(t, stores[0], "a")
	const points = 400
	all := drive(id, march, points, time.Second)
	given := make(map[int64]bool)
	for i := 0; i < points; i += 20 {
		for n := range 2 {
			s := stores[(i/20+n)%2]
			batch := append([]data.Position(nil), all[i:i+20]...)
			insert(t, s, batch)
			for _, p := range batch {
				if (p.ID != 0) != (n == 0) || given[p.ID] && p.ID != 0 {
					t.Fatalf("position %d of turn %d, id %d", i, n, p.ID)
				}
				given[p.ID] = true
			}
			if i%100 == 0 {
				if err := s.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, s := range stores {
		if n, err := count(t, s, id); err != nil || n != points {
			t.Errorf("%d positions, error is %v", n, err)
		}
	}
	if err := stores[0].DeleteDevice(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	late := drive(id, march.AddDate(0, 1, 0), 1, time.Second)
	insert(t, stores[1], late)
	if late[0].ID != 0 {
		t.Error("a position of a device that the other store deleted was stored")
	}
}

// TestOneLeads has one of two stores do the upkeep at a time.
func TestOneLeads(t *testing.T) {
	dir := t.TempDir()
	a, b := openIn(t, dir).Backend(), openIn(t, dir).Backend()
	release, ok, err := a.Lead(t.Context())
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for _, other := range []history.Backend{a, b} {
		if _, ok, err := other.Lead(t.Context()); err != nil || ok {
			t.Errorf("another leads: %v, error is %v", ok, err)
		}
	}
	release()
	release, ok, err = b.Lead(t.Context())
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	release()
}

// TestRowsBecomeChunks opens a recent.db of version 1, which had a row and an
// entry of an index for each position.
func TestRowsBecomeChunks(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	id := newDevice(t, s, "a")
	batch := drive(id, march, 300, time.Second)
	insert(t, s, batch)
	s.Close()
	db, err := sql.Open("sqlite", filepath.Join(dir, "recent.db"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		execute(t, db, fmt.Sprintf(`DROP TABLE hot_%d; CREATE TABLE hot_%[1]d (device_id INTEGER, time INTEGER, number INTEGER, fingerprint INTEGER, position BLOB);
			CREATE INDEX hot_%[1]d_time ON hot_%[1]d (device_id, time)`, i))
	}
	for i := range batch {
		one := batch[i : i+1 : i+1]
		number := int64(i + 1)
		one[0].ID, one[0].DeviceID = 0, 0
		if _, err := db.Exec(`INSERT INTO hot_1 VALUES (?, ?, ?, ?, ?)`, id, one[0].Time().UnixMilli(), number, number, wire.Append(nil, one)); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, db, fmt.Sprintf(`DROP TABLE hot_aside; ALTER TABLE generations DROP COLUMN edits; ALTER TABLE heads DROP COLUMN epoch;
		UPDATE heads SET last_number = 300, newest_number = 300, newest_time = %d, max_time = newest_time;`, batch[299].Time().UnixMilli()))
	for _, table := range []string{"trips", "stops", "days", "checkpoints", "events"} {
		execute(t, db, `DROP TABLE `+table)
	}
	execute(t, db, `PRAGMA user_version = 1`)
	db.Close()
	s = openIn(t, dir)
	if n, err := count(t, s, id); err != nil || n != 300 {
		t.Errorf("%d positions, error is %v", n, err)
	}
	last, err := s.LatestPositions(t.Context(), nil)
	if err != nil || len(last) != 1 || last[0].ID != history.ID(id, 300) {
		t.Errorf("newest is %+v, error is %v", last, err)
	}
	insert(t, s, drive(id, march.Add(time.Hour), 300, time.Second))
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := count(t, s, id); err != nil || n != 600 {
		t.Errorf("%d positions, error is %v", n, err)
	}
}

// TestErasedAndReopened deletes from the hot part and opens the files again: the
// ids of what was deleted are not given again.
func TestErasedAndReopened(t *testing.T) {
	dir := t.TempDir()
	s, other := openIn(t, dir), openIn(t, dir)
	id := newDevice(t, s, "a")
	insert(t, s, drive(id, march, 100, time.Second))
	if err := s.DeletePositions(t.Context(), id, march.Add(10*time.Second), march.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]*sqlite.Store{"here": s, "another process": other, "opened again": openIn(t, dir)} {
		if n, err := count(t, s, id); err != nil || n != 10 {
			t.Errorf("%s: %d positions, error is %v", what, n, err)
		}
		last, err := s.LatestPositions(t.Context(), nil)
		if err != nil || len(last) != 1 || last[0].ID != history.ID(id, 10) {
			t.Errorf("%s: newest is %+v, error is %v", what, last, err)
		}
	}
	s = openIn(t, dir)
	more := drive(id, march.Add(time.Minute), 1, time.Second)
	insert(t, s, more)
	if more[0].ID != history.ID(id, 101) {
		t.Errorf("id is %d", more[0].ID)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := count(t, other, id); err != nil || n != 11 {
		t.Errorf("%d positions after compaction, error is %v", n, err)
	}
}
