//go:build linux

package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver pgx
	_ "modernc.org/sqlite"             // driver sqlite

	"github.com/waymark-gps/waymark/simulator"
	"github.com/waymark-gps/waymark/util/storage/storagetest/pgtest"
)

// hot is the part of the store that recent positions lie in, as the database
// shows it. Compaction seals what is there when it is old, and moves it.
type hot struct {
	t           *testing.T
	driver, dsn string
	table       string
	ancient     string // statement that makes it old
}

func hotOfSQLite(t *testing.T, dir string) hot {
	return hot{t, "sqlite", "file:" + filepath.Join(dir, "recent.db") + "?_pragma=busy_timeout(10000)", "generations", "UPDATE generations SET since = 0 WHERE sealed = 0"}
}

func hotOfPostgres(t *testing.T, url string) hot {
	return hot{t, "pgx", url, "hot_generations", "UPDATE hot_generations SET since = 0 WHERE NOT sealed"}
}

func (h hot) with(f func(ctx context.Context, db *sql.DB) error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	db, err := sql.Open(h.driver, h.dsn)
	if err == nil {
		defer db.Close()
		err = f(ctx, db)
	}
	if err != nil {
		h.t.Fatalf("look into the store: %v", err)
	}
}

// age makes everything there due to be moved.
func (h hot) age() {
	h.t.Helper()
	h.with(func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, h.ancient)
		return err
	})
}

// begun tells whether what age made due is being moved, or has been.
func (h hot) begun() bool { return h.count("since = 0 AND CAST(sealed AS INTEGER) = 0") == 0 }

// sealed tells whether something is being moved.
func (h hot) sealed() bool { return h.count("CAST(sealed AS INTEGER) = 1") > 0 }

func (h hot) count(which string) (n int) {
	h.t.Helper()
	h.with(func(ctx context.Context, db *sql.DB) error {
		return db.QueryRowContext(ctx, "SELECT count(*) FROM "+h.table+" WHERE "+which).Scan(&n)
	})
	return n
}

// fillings counts devices that fill the hot part: each filling has new ones.
type fillings struct {
	devices      int
	acknowledged int
}

const (
	fillDevices = 50
	fillFirst   = 50_000 // beyond the devices of a storm
)

// fill stores many positions quickly, so that moving them takes a while.
func (f *fillings) fill(t *testing.T, x *target) {
	t.Helper()
	l := simulator.Load{
		Protocol: "teltonika", Addr: "127.0.0.1:" + x.ports["teltonika"], Devices: fillDevices, FirstDevice: fillFirst + f.devices, Batch: 100,
		Duration: time.Second,
	}
	report, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.devices += fillDevices
	f.acknowledged += int(report.Acknowledged)
	due := x.durable()
	eventually(t, "the filling to be stored", func() bool { return x.settled() >= due })
}

// verify counts what is stored of the fillings: each position has a time of its
// own.
func (f *fillings) verify(t *testing.T, web string) {
	t.Helper()
	api, err := simulator.SignIn(t.Context(), "http://"+web, adminEmail, adminPassword)
	if err != nil {
		t.Fatal(err)
	}
	stored, twice := 0, 0
	for n := range f.devices {
		times := map[int64]bool{}
		err := api.Positions(t.Context(), simulator.IMEI(fillFirst+n), time.Now().Add(-24*time.Hour), time.Now().Add(24*time.Hour), func(s simulator.Stored) {
			if times[s.FixTime.UnixMilli()] {
				twice++
			}
			times[s.FixTime.UnixMilli()] = true
		})
		if err != nil {
			t.Fatal(err)
		}
		stored += len(times)
	}
	if stored < f.acknowledged || twice > 0 {
		t.Errorf("of the fillings %d positions were acknowledged, %d are stored, %d of them twice", f.acknowledged, stored, twice)
	}
}

// moment is when a process is killed.
type moment int

const (
	whileStarting moment = iota
	underLoad
	whileMoving
	moments
)

// TestKilledAllInOne kills everything in one process, at random moments.
func TestKilledAllInOne(t *testing.T) {
	rounds := setting(t, roundsVariable, 5)
	dir, x := t.TempDir(), newTarget(t)
	p := x.serve(t, dir)
	awaitReady(t, "http://"+x.web)
	x.admin(t)
	h, full := hotOfSQLite(t, dir), fillings{}
	s := startStorm(t, x.devices())
	var kills [moments]int
	for round := 0; round < rounds; round++ {
		at := moment(rand.IntN(int(moments)))
		if round < int(moments) {
			at = moment(round) // each at least once
		}
		switch at {
		case whileStarting:
			p.kill()
			p = x.serve(t, dir)
			time.Sleep(rand.N(500 * time.Millisecond)) // the moment is the fault
		case underLoad:
			awaitReady(t, "http://"+x.web)
			time.Sleep(rand.N(2 * time.Second))
		case whileMoving:
			awaitReady(t, "http://"+x.web)
			full.fill(t, x)
			p.kill()
			h.age()
			p = x.serve(t, dir)
			eventually(t, "compaction", h.begun)
			time.Sleep(rand.N(100 * time.Millisecond))
		}
		p.kill()
		if at == whileMoving && !h.sealed() {
			t.Log("compaction was quicker than the kill")
			at = underLoad
		}
		kills[at]++
		p = x.serve(t, dir)
	}
	awaitReady(t, "http://"+x.web)
	due := x.durable()
	eventually(t, "positions to be acknowledged again", func() bool { return x.durable() > due+100 })
	report := s.stop()
	v := s.verify(x.web)
	full.verify(t, x.web)
	_, peak := memory(t, p)
	t.Logf("kills: %d while it started, %d under load, %d in the middle of compaction", kills[whileStarting], kills[underLoad], kills[whileMoving])
	t.Logf("acknowledged %d and %d, lost %d, twice %d, stored without acknowledgement %d; sent again %d, connections %d; memory at most %d MiB",
		v.Acknowledged, full.acknowledged, v.Missing, v.Twice, v.Others, report.Resent, report.Connections, peak)
	if kills[whileMoving] == 0 {
		t.Error("no kill met compaction")
	}
}

// TestKilledApart kills a tracker and a web server that run apart.
func TestKilledApart(t *testing.T) {
	rounds := setting(t, roundsVariable, 4)
	store := pgtest.Open(t)
	shared := []string{"--bus.url", natsServer(t), "--storage.url", store, "--data-dir", t.TempDir()}
	x := newTarget(t)
	runWeb := func() *process {
		return start(t, binary(t, "web-server", "../web-server"), append(shared, "--web.listen", x.web, "--ops.listen", "")...)
	}
	runTracker := func() *process {
		return start(t, binary(t, "tracker", "../tracker"), append(shared, x.trackerArgs()...)...)
	}
	web, tracker := runWeb(), runTracker()
	awaitReady(t, "http://"+x.web)
	awaitReady(t, "http://"+x.ops)
	x.admin(t)
	h, full := hotOfPostgres(t, store), fillings{}
	s := startStorm(t, x.fewer())
	kills := map[string]int{}
	for round := 0; round < rounds; round++ {
		what := []string{"tracker in the middle of compaction", "web-server", "tracker while it starts", "tracker"}[round%4]
		switch what {
		case "tracker in the middle of compaction":
			awaitReady(t, "http://"+x.ops)
			full.fill(t, x)
			tracker.kill()
			h.age()
			tracker = runTracker()
			eventually(t, "compaction", h.begun)
			time.Sleep(rand.N(100 * time.Millisecond)) // the moment is the fault
		case "tracker while it starts":
			tracker.kill()
			tracker = runTracker()
			time.Sleep(rand.N(500 * time.Millisecond))
		case "tracker":
			awaitReady(t, "http://"+x.ops)
			time.Sleep(rand.N(2 * time.Second))
		case "web-server":
			time.Sleep(rand.N(time.Second))
		}
		if what == "web-server" {
			web.kill()
			web = runWeb()
		} else {
			tracker.kill()
			if what == "tracker in the middle of compaction" && !h.sealed() {
				what = "tracker, just after compaction"
			}
			tracker = runTracker()
		}
		kills[what]++
	}
	awaitReady(t, "http://"+x.web)
	awaitReady(t, "http://"+x.ops)
	due := x.durable()
	eventually(t, "positions to be acknowledged again", func() bool { return x.durable() > due+50 })
	report := s.stop()
	v := s.verify(x.web)
	full.verify(t, x.web)
	t.Logf("kills: %v", fmt.Sprint(kills))
	t.Logf("acknowledged %d and %d, lost %d, twice %d, stored without acknowledgement %d; sent again %d, connections %d",
		v.Acknowledged, full.acknowledged, v.Missing, v.Twice, v.Others, report.Resent, report.Connections)
}
