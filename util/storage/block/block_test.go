package block

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// sameBits is reflect.DeepEqual for points, but for floats, of which all bits count.
func sameBits(a, b *Point) bool {
	p, q := a.Position, b.Position
	for _, f := range [...][2]*float64{
		{&p.Latitude, &q.Latitude},
		{&p.Longitude, &q.Longitude},
		{&p.AltitudeM, &q.AltitudeM},
		{&p.SpeedKnots, &q.SpeedKnots},
		{&p.CourseDeg, &q.CourseDeg},
		{&p.AccuracyM, &q.AccuracyM},
	} {
		if math.Float64bits(*f[0]) != math.Float64bits(*f[1]) {
			return false
		}
		*f[0], *f[1] = 0, 0 // NaN differs from itself
	}
	// The values of attributes are compared by their bits: their fields are.
	return a.Fingerprint == b.Fingerprint && reflect.DeepEqual(p, q)
}

func roundTrip(t *testing.T, want []Point) []byte {
	t.Helper()
	b, err := Append([]byte("before"), want)
	if err != nil {
		t.Fatal(err)
	}
	if string(b[:6]) != "before" {
		t.Fatal("Append changed what was there")
	}
	b = b[6:]
	if n, err := Check(b); err != nil || n != len(want) {
		t.Fatalf("Check says %d points, %v; want %d", n, err, len(want))
	}
	keys, err := Keys(b, []Key{{Time: 1}})
	if err != nil || len(keys) != 1+len(want) || keys[0] != (Key{Time: 1}) {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	copied := append([]byte(nil), b...)
	device := want[0].Position.DeviceID
	have, err := Parse(copied, device, []Point{{Fingerprint: 9}})
	clear(copied) // the points must not lie in the block
	if err != nil || len(have) != 1+len(want) || have[0].Fingerprint != 9 {
		t.Fatalf("%d points, %v", len(have), err)
	}
	for i := range want {
		if !sameBits(&have[1+i], &want[i]) {
			t.Fatalf("point %d of %d\nhave %+v\nwant %+v", i, len(want), have[1+i], want[i])
		}
		key := Key{want[i].Position.Time().UnixMilli(), uint32(want[i].Position.ID), want[i].Fingerprint}
		if keys[1+i] != key {
			t.Fatalf("key %d is %v, want %v", i, keys[1+i], key)
		}
	}
	return b
}

func TestKinds(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			for _, n := range []int{1, 2, 3, 59, 360, 5000} {
				roundTrip(t, kind.generate(rand.New(rand.NewPCG(1, uint64(n))), n))
			}
		})
	}
}

func TestRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 600 {
		roundTrip(t, randomPoints(r, 1+r.IntN(40)))
	}
}

func TestHundredThousand(t *testing.T) {
	roundTrip(t, driveFine(rand.New(rand.NewPCG(7, 8)), 100_000))
	roundTrip(t, randomPoints(rand.New(rand.NewPCG(9, 10)), 10_000))
}

// Blocks after a large or odd one do not see what it left behind.
func TestWritersAreClean(t *testing.T) {
	usual := func() []Point { return driveMinutes(rand.New(rand.NewPCG(1, 1)), 50) }
	want, err := Append(nil, usual())
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(11, 12))
	for range 20 {
		roundTrip(t, randomPoints(r, 200))
		if have := roundTrip(t, usual()); string(have) != string(want) {
			t.Fatal("the block differs")
		}
	}
}

// Blocks are written and read by several goroutines at once, and none is left
// behind.
func TestConcurrent(t *testing.T) {
	before := runtime.NumGoroutine()
	var group sync.WaitGroup
	for seed := range uint64(8) {
		group.Go(func() {
			r := rand.New(rand.NewPCG(seed, 4))
			for range 10 {
				want := kinds[seed%uint64(len(kinds))].generate(r, 200)
				b, err := Append(nil, want)
				if err != nil {
					t.Error(err)
					return
				}
				have, err := Parse(b, testDevice, nil)
				if err != nil || !slices.EqualFunc(have, want, func(a, b Point) bool { return sameBits(&a, &b) }) {
					t.Errorf("%d points, want %d, error %v", len(have), len(want), err)
				}
			}
		})
	}
	group.Wait()
	// Those of the group may still be on their way out.
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// Attributes can be added to a point without touching another.
func TestAttributesAreOwn(t *testing.T) {
	want := parked(rand.New(rand.NewPCG(1, 2)), 3)
	have, err := Parse(block(t, want), testDevice, nil)
	if err != nil {
		t.Fatal(err)
	}
	have[0].Position.Attributes.SetInt("new", 1)
	have[0].Position.Attributes.SetInt("priority", 9)
	for i := range want[1:] {
		if !sameBits(&have[1+i], &want[1+i]) {
			t.Errorf("point %d changed", 1+i)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	good := func() []Point { return parked(rand.New(rand.NewPCG(1, 2)), 3) }
	for name, c := range map[string]struct {
		change func([]Point) []Point
		want   error
	}{
		"nothing":        {func([]Point) []Point { return nil }, data.ErrInvalid},
		"other device":   {func(p []Point) []Point { p[1].Position.DeviceID++; return p }, data.ErrInvalid},
		"other id":       {func(p []Point) []Point { p[1].Position.ID = 5; return p }, data.ErrInvalid},
		"order of times": {func(p []Point) []Point { p[0], p[1] = p[1], p[0]; return p }, data.ErrInvalid},
		"twice":          {func(p []Point) []Point { p[1] = p[0]; return p }, data.ErrInvalid},
		"too many":       {func(p []Point) []Point { return make([]Point, MaxPoints+1) }, ErrTooLarge},
		"texts": {func(p []Point) []Point {
			p[2].Position.Attributes.SetString("long", strings.Repeat("x", MaxSize))
			return p
		}, ErrTooLarge},
		"values": {func(p []Point) []Point {
			p[2].Position.Attributes = make(data.Attributes, MaxValues)
			return p
		}, ErrTooLarge},
	} {
		b, err := Append([]byte("before"), c.change(good()))
		if !errors.Is(err, c.want) || string(b) != "before" {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

// randomPoints are as odd as the types allow.
func randomPoints(r *rand.Rand, n int) []Point {
	points := make([]Point, n)
	device, at := r.Int64N(1<<21), r.Int64N(4e12)-1e12
	number := r.Int64N(1 << 31)
	var shared *data.Network
	for i := range points {
		p := &points[i].Position
		*p = randomPosition(r)
		at += []int64{0, 1, 1000, 10_000, r.Int64N(1e6)}[r.IntN(5)]
		number += 1 + r.Int64N(3)*r.Int64N(3)
		p.DeviceID, p.ID = device, device<<numberBits|number
		if p.Outdated || p.FixTime.IsZero() {
			p.DeviceTime = time.UnixMilli(at).UTC()
		} else {
			p.FixTime = time.UnixMilli(at).UTC()
		}
		if r.IntN(4) == 0 {
			p.Network = shared
		}
		shared = p.Network
		if i > 0 && r.IntN(2) == 0 {
			p.Attributes = points[i-1].Position.Attributes
		}
		points[i].Fingerprint = r.Uint32()
	}
	return points
}

func randomPosition(r *rand.Rand) data.Position {
	p := data.Position{
		Protocol:   []string{"", "gt06", "osmand", "теst\x00\xff"}[r.IntN(4)],
		ServerTime: randomTime(r), DeviceTime: randomTime(r), FixTime: randomTime(r),
		Valid: r.IntN(2) == 0, Outdated: r.IntN(2) == 0,
		Latitude: randomFloat(r), Longitude: r.Float64()*360 - 180, AltitudeM: randomFloat(r),
		SpeedKnots: float64(r.IntN(100)), CourseDeg: float64(r.IntN(3600)) / 10, AccuracyM: randomFloat(r),
	}
	if r.IntN(3) == 0 {
		p.Network = &data.Network{}
		if r.IntN(3) == 0 {
			p.Network.CellTowers = []data.CellTower{}
		}
		for range r.IntN(3) {
			p.Network.CellTowers = append(p.Network.CellTowers, data.CellTower{
				RadioType: []string{"", "gsm", "lte", "6g \"x\"\xfe"}[r.IntN(4)], MCC: r.IntN(999), MNC: -r.IntN(999),
				LAC: r.IntN(65536), CellID: int64(r.Uint64()), SignalDBm: randomSignal(r),
			})
		}
		for range r.IntN(3) {
			p.Network.WifiAccessPoints = append(p.Network.WifiAccessPoints, data.WifiAccessPoint{
				MAC: "aa:bb:cc:00:11:22", SignalDBm: randomSignal(r), Channel: r.IntN(14),
			})
		}
	}
	if r.IntN(3) == 0 {
		p.Attributes = data.Attributes{}
	}
	for range r.IntN(6) {
		key := []string{"sat", "io240", "hdop", "it's \"new\"", "☃", ""}[r.IntN(6)]
		value := data.Value{}
		switch r.IntN(5) {
		case 0:
			value = data.Bool(r.IntN(2) == 0)
		case 1:
			value = data.Int(int64(r.Uint64() >> r.IntN(64)))
		case 2:
			value = data.Float(randomFloat(r))
		case 3:
			value = data.String(strings.Repeat("é\n\"\xff", r.IntN(60)))
		}
		// Set would leave out nones and repeated keys.
		p.Attributes = append(p.Attributes, data.Attribute{Key: key, Value: value})
	}
	return p
}

func randomFloat(r *rand.Rand) float64 {
	switch r.IntN(8) {
	case 0:
		return math.Float64frombits(r.Uint64())
	case 1:
		return math.Copysign(0, -1)
	case 2:
		return []float64{math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, math.SmallestNonzeroFloat64}[r.IntN(5)]
	case 3:
		return r.NormFloat64() * 100
	}
	return math.Round(r.NormFloat64()*1000) / 10
}

func randomTime(r *rand.Rand) time.Time {
	if r.IntN(4) == 0 {
		return time.Time{}
	}
	return time.UnixMilli(r.Int64N(4e12) - 1e12).UTC()
}

func randomSignal(r *rand.Rand) *int {
	if r.IntN(2) == 0 {
		return nil
	}
	dBm := -r.IntN(120)
	return &dBm
}
