package bench

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/util/storage/block"
	store "github.com/waymark-gps/waymark/util/storage/history"
	"github.com/waymark-gps/waymark/util/storage/sqlite"
)

var history = []scenario{
	{
		name:    "stored-bytes",
		figures: []Figure{{What: "stored bytes of a position, compacted, 120 bytes of attributes", Unit: "B", Must: 40, Lower: true}},
		run:     storedBytes,
	},
	{
		name: "device-day",
		figures: []Figure{
			{What: "a device's day, 8,640 positions, out of all, warm, p99", Unit: "ms", Must: 25, Lower: true},
			{What: "a device's day, 8,640 positions, out of all, cold, p99", Unit: "ms", Must: 60, Lower: true},
			{What: "start with it and 10,000 devices: open, list them and their last positions", Unit: "ms", Must: 500, Lower: true},
		},
		run: deviceDay,
	},
}

const (
	perHour = 360 // a position every ten seconds
	perDay  = 24 * perHour
	// days is how many days of each device the history of deviceDay holds.
	days = 29
	// reads is how many days are read for a quantile.
	reads = 400
)

func day(n int) time.Time { return time.Date(2026, 1, 1+n, 0, 0, 0, 0, time.UTC) }

// openStore opens an empty store.
func openStore(ctx context.Context, o Options) (s *sqlite.Store, dir string, close func(), err error) {
	dir, err = os.MkdirTemp(o.Dir, "waymark-bench-")
	if err != nil {
		return nil, "", nil, err
	}
	s, err = sqlite.Open(ctx, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		os.RemoveAll(dir)
		return nil, "", nil, err
	}
	return s, dir, func() { s.Close(); os.RemoveAll(dir) }, nil
}

// storedBytes stores an hour and a half of some devices as they would report
// them, one position each at a time, and looks at the files after compaction.
func storedBytes(ctx context.Context, o Options) ([]float64, error) {
	const devices, reports = 200, perHour * 3 / 2
	s, dir, closeStore, err := openStore(ctx, o)
	if err != nil {
		return nil, err
	}
	defer closeStore()
	var drives [devices]*drive
	for i := range drives {
		id, err := addDevice(ctx, s, i)
		if err != nil {
			return nil, err
		}
		drives[i] = newDrive(id, day(0))
	}
	batch, prints := make([]data.Position, devices), make([]uint64, devices)
	for range reports {
		for i, d := range drives {
			batch[i] = d.next()
			prints[i] = batch[i].Fingerprint()
		}
		if err := s.InsertPositions(ctx, batch, prints, nil); err != nil {
			return nil, err
		}
	}
	if err := s.Compact(ctx); err != nil {
		return nil, err
	}
	size, err := folderSize(filepath.Join(dir, "history"))
	return []float64{float64(size) / (devices * reports)}, err
}

// deviceDay fills a store as compaction would have, and reads days of devices by
// chance: warm, and with the files thrown out of the system's memory before.
func deviceDay(ctx context.Context, o Options) ([]float64, error) {
	s, dir, closeStore, err := openStore(ctx, o)
	if err != nil {
		return nil, err
	}
	defer closeStore()
	devices := max(1, int(o.Points/(perDay*days)))
	ids := make([]int64, devices)
	for i := range ids {
		if ids[i], err = addDevice(ctx, s, i); err != nil {
			return nil, err
		}
	}
	if err := fill(ctx, s, ids); err != nil {
		return nil, err
	}
	size, err := folderSize(filepath.Join(dir, "history"))
	if err != nil {
		return nil, err
	}
	total := devices * days * perDay
	fmt.Fprintf(o.Progress, "  %d positions of %d devices, %.1f bytes each\n", total, devices, float64(size)/float64(total))
	runtime.GC()
	r := rand.New(rand.NewPCG(1, 2))
	warm, err := readDays(ctx, s, ids, r, func() error { return nil })
	if err != nil {
		return nil, err
	}
	cold, err := readDays(ctx, s, ids, r, func() error { return forget(filepath.Join(dir, "history")) })
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Progress, "  warm p50 %v, cold p50 %v\n", quantile(warm, 0.5), quantile(cold, 0.5))
	start, err := warmStart(ctx, s, dir, devices)
	return []float64{millis(quantile(warm, 0.99)), millis(quantile(cold, 0.99)), millis(start)}, err
}

// warmStart adds devices until there are ten thousand, each with a position,
// and tells how long it takes to open the store again and know them all.
func warmStart(ctx context.Context, s *sqlite.Store, dir string, devices int) (time.Duration, error) {
	const fleet = 10_000
	batch, prints := make([]data.Position, 0, 1000), make([]uint64, 0, 1000)
	for i := devices; i < fleet; i++ {
		id, err := addDevice(ctx, s, i)
		if err != nil {
			return 0, err
		}
		p := newDrive(id, day(days)).next()
		batch, prints = append(batch, p), append(prints, p.Fingerprint())
		if len(batch) == cap(batch) || i == fleet-1 {
			if err := s.InsertPositions(ctx, batch, prints, nil); err != nil {
				return 0, err
			}
			batch, prints = batch[:0], prints[:0]
		}
	}
	if err := s.Close(); err != nil {
		return 0, err
	}
	began := time.Now()
	again, err := sqlite.Open(ctx, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	defer again.Close()
	known, err := again.ListDevices(ctx, storage.DeviceFilter{})
	if err != nil {
		return 0, err
	}
	last, err := again.LatestPositions(ctx, nil)
	took := time.Since(began)
	if err == nil && (len(known) != fleet || len(last) < fleet-devices) {
		err = fmt.Errorf("%d devices and %d last positions of %d devices", len(known), len(last), fleet)
	}
	return took, err
}

func readDays(ctx context.Context, s *sqlite.Store, ids []int64, r *rand.Rand, before func() error) ([]time.Duration, error) {
	took := make([]time.Duration, 0, reads)
	for range reads {
		if err := before(); err != nil {
			return nil, err
		}
		n, from, began := 0, day(r.IntN(days)), time.Now()
		err := s.PositionsBetween(ctx, ids[r.IntN(len(ids))], from, from.Add(24*time.Hour-time.Millisecond), math.MaxInt32,
			func(*data.Position) error { n++; return nil })
		if err == nil && n != perDay {
			err = fmt.Errorf("the day has %d positions, %d were stored", n, perDay)
		}
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// fill writes blocks as compaction does: an hour of all devices after another.
// Devices share some drives, or making them up would take longest.
func fill(ctx context.Context, s *sqlite.Store, ids []int64) error {
	const drives = 64
	number := uint32(0)
	for hour := range 24 * days {
		from := day(0).Add(time.Duration(hour) * time.Hour)
		templates := make([]store.Block, min(drives, len(ids)))
		for i := range templates {
			b, err := hourOf(newDrive(int64(i+1), from), number)
			if err != nil {
				return err
			}
			templates[i] = b
		}
		number += perHour
		changes := make([]store.Change, len(ids))
		for i, id := range ids {
			b := templates[i%len(templates)]
			b.DeviceID = id
			changes[i] = store.Change{DeviceID: id, Put: []store.Block{b}}
		}
		if err := s.Backend().ReplaceBlocks(ctx, changes); err != nil {
			return err
		}
	}
	return nil
}

// hourOf packs an hour of a drive, its numbers following number.
func hourOf(d *drive, number uint32) (store.Block, error) {
	points := make([]block.Point, perHour)
	for i := range points {
		p := d.next()
		p.ID = store.ID(p.DeviceID, number+uint32(i)+1)
		points[i] = block.Point{Position: p, Fingerprint: uint32(p.Fingerprint())}
	}
	packed, err := block.Append(nil, points)
	return store.Block{
		First: points[0].Position.FixTime.UnixMilli(), Last: points[perHour-1].Position.FixTime.UnixMilli(),
		MinNumber: number + 1, MaxNumber: number + perHour, Points: perHour, Data: packed,
	}, err
}

func addDevice(ctx context.Context, s *sqlite.Store, n int) (int64, error) {
	d := data.Device{Name: "device " + strconv.Itoa(n), UniqueID: strconv.Itoa(n)}
	err := s.CreateDevice(ctx, &d)
	return d.ID, err
}

func folderSize(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

// drive makes up a car: fixes of a receiver with seven decimals, speed and
// course that wander, eight attributes of which half change every time.
type drive struct {
	rand     *rand.Rand
	device   int64
	at       time.Time
	lat, lon float64
	course   float64
	odometer int64
}

func newDrive(device int64, from time.Time) *drive {
	r := rand.New(rand.NewPCG(uint64(device), uint64(from.Unix())))
	return &drive{rand: r, device: device, at: from, lat: 40 + 15*r.Float64(), lon: 20 * r.Float64(), course: 360 * r.Float64(), odometer: r.Int64N(1e8)}
}

func (d *drive) next() data.Position {
	r := d.rand
	speed := 20 + float64(r.IntN(60))/2
	d.course = math.Mod(d.course+r.NormFloat64()*8+360, 360)
	d.lat += math.Cos(d.course*math.Pi/180)*speed*4.6e-5 + r.NormFloat64()*1e-5
	d.lon += math.Sin(d.course*math.Pi/180)*speed*7e-5 + r.NormFloat64()*1e-5
	d.odometer += int64(speed*5) + r.Int64N(9)
	p := data.Position{
		DeviceID: d.device, Protocol: "teltonika", Valid: true, DeviceTime: d.at, FixTime: d.at,
		ServerTime: d.at.Add(time.Second + time.Duration(r.IntN(400))*time.Millisecond),
		Latitude:   math.Round(d.lat*1e7) / 1e7, Longitude: math.Round(d.lon*1e7) / 1e7,
		AltitudeM: float64(34 + r.IntN(3)), SpeedKnots: speed, CourseDeg: math.Floor(d.course),
	}
	d.at = d.at.Add(time.Hour / perHour)
	p.Attributes.SetInt("sat", int64(9+r.IntN(4)))
	p.Attributes.SetFloat("hdop", 0.7+float64(r.IntN(5))/10)
	p.Attributes.SetFloat("power", 12.4+float64(r.IntN(20))/100)
	p.Attributes.SetFloat("battery", 4.1)
	p.Attributes.SetBool("ignition", true)
	p.Attributes.SetBool("motion", true)
	p.Attributes.SetInt("rssi", int64(r.IntN(5)))
	p.Attributes.SetInt("odometer", d.odometer)
	return p
}
