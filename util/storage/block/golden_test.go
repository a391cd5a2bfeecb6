package block

import (
	"encoding/hex"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

var update = flag.Bool("update", false, "write golden files that do not exist")

// goldenPoints must never change: blocks of these are in testdata. It uses no
// random numbers but its own.
func goldenPoints(n int) []Point {
	state := uint64(1)
	random := func(below int64) int64 {
		state = state*6364136223846793005 + 1442695040888963407
		return int64(state>>33) % below
	}
	signal := -71
	network := &data.Network{
		CellTowers: []data.CellTower{{RadioType: "lte", MCC: 262, MNC: 2, LAC: 5126, CellID: 21532831, SignalDBm: &signal}, {}},
	}
	points := make([]Point, n)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	latitude, heading := int64(525_200_080), int64(900)
	for i := range points {
		at = at.Add(time.Duration(10_000+random(2)*1000) * time.Millisecond)
		heading += random(41) - 20
		latitude += heading
		points[i].Fingerprint = uint32(state >> 32)
		points[i].Position = data.Position{
			ID: 42<<numberBits | int64(7+i+i/10), DeviceID: 42, Protocol: "gt06", Valid: i%16 != 3,
			FixTime: at, DeviceTime: at, ServerTime: at.Add(time.Duration(random(3000)) * time.Millisecond),
			Latitude:  float64(latitude) / 1e7,
			Longitude: 13 + float64(240_000+random(3000))/1e4/60,
			AltitudeM: math.Float64frombits(0x4041000000000000 + uint64(random(1<<40))), CourseDeg: float64(random(360)),
			SpeedKnots: float64(random(90)) / 1.852, AccuracyM: 3,
		}
		p := &points[i].Position
		if i%8 == 5 {
			p.Network = network
		}
		p.Attributes.SetInt("sat", 7+random(6))
		p.Attributes.SetBool("ignition", i < n/2)
		p.Attributes.SetFloat("power", float64(12_000+random(900))/1000)
		p.Attributes.SetString("driverUniqueId", []string{"ann", "bob ☃", "\xff"}[i*3/n])
		p.Attributes.SetInt("odometer", int64(1000*i))
		p.Attributes.SetInt("io240", int64(i/7)<<60)
		p.Attributes.SetFloat("totalDistance", math.Float64frombits(0x4100000000000000+uint64(random(1<<31))<<21+uint64(random(1<<21))))
		if i%5 == 0 {
			p.Attributes.SetString("alarm", "sos")
		}
	}
	if n > 100 {
		points[100].Position.Outdated, points[100].Position.FixTime = true, at.Add(-time.Hour)
		points[101].Position.Attributes = data.Attributes{}
		points[102].Position.Attributes = data.Attributes{{Key: "none"}, {Key: "twice", Value: data.Int(1)}, {Key: "twice", Value: data.Int(2)}}
	}
	odd := &points[n-1].Position
	odd.Outdated, odd.FixTime, odd.Attributes = true, time.Time{}, nil
	odd.AltitudeM, odd.CourseDeg, odd.AccuracyM = math.Copysign(0, -1), math.Inf(1), math.NaN()
	odd.Network = &data.Network{WifiAccessPoints: []data.WifiAccessPoint{{MAC: "00:11:22:33:44:55", Channel: 11}}}
	points[n-1].Position.Protocol = "osmand"
	return points
}

// Blocks of all releases can be read for ever. The files are never written
// again; a new version of the format adds its own.
func TestGolden(t *testing.T) {
	for name, n := range map[string]int{"v1-one": 1, "v1-hour": 120} {
		want := goldenPoints(n)
		file := filepath.Join("testdata", name+".hex")
		if _, err := os.Stat(file); *update && os.IsNotExist(err) {
			if err := os.WriteFile(file, []byte(lines(hex.EncodeToString(block(t, want)))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		if err != nil {
			t.Fatal(err)
		}
		have, err := Parse(b, 42, nil)
		if err != nil || len(have) != n {
			t.Fatalf("%s: %d points, want %d, error %v", name, len(have), n, err)
		}
		for i := range want {
			if !sameBits(&have[i], &want[i]) {
				t.Fatalf("%s: point %d\nhave %+v\nwant %+v", name, i, have[i], want[i])
			}
		}
	}
}

// lines breaks s into lines of 32 bytes in hex.
func lines(s string) string {
	var b strings.Builder
	for len(s) > 64 {
		b.WriteString(s[:64] + "\n")
		s = s[64:]
	}
	return b.String() + s + "\n"
}
