package movement

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/util/movement/fix"
)

// formatTrace writes a trace as a table: time in seconds of the day it starts,
// place, speed in knots, accuracy, ignition, odometer.
func formatTrace(fixes []fix.Fix) string {
	var b strings.Builder
	b.WriteString("time,lat,lon,knots,accuracyM,ignition,odometerM\n")
	for _, f := range fixes {
		at := time.UnixMilli(f.Time).UTC().Format(time.RFC3339)
		place := ",,,"
		if f.Placed {
			place = fmt.Sprintf("%v,%v,%v,%v", f.Lat, f.Lon, f.SpeedKnots, f.AccuracyM)
		}
		odometer := ""
		if f.OdometerM >= 0 {
			odometer = strconv.FormatFloat(f.OdometerM, 'f', -1, 64)
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s\n", at, place, [...]string{"", "off", "on"}[f.Ignition], odometer)
	}
	return b.String()
}

func readTrace(t testing.TB, file string) []fix.Fix {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var fixes []fix.Fix
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		cells := strings.Split(line, ",")
		if len(cells) != 7 {
			t.Fatalf("%s:%d: %d cells", file, i+2, len(cells))
		}
		at, err := time.Parse(time.RFC3339, cells[0])
		if err != nil {
			t.Fatalf("%s:%d: %v", file, i+2, err)
		}
		num := func(s string, none float64) float64 {
			if s == "" {
				return none
			}
			n, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatalf("%s:%d: %v", file, i+2, err)
			}
			return n
		}
		ms := at.UnixMilli()
		f := fix.Fix{
			ID: int64(i + 1), Time: ms, FixTime: ms, ServerTime: ms + 1000, Placed: cells[1] != "", Valid: cells[1] != "",
			Lat: num(cells[1], 0), Lon: num(cells[2], 0), SpeedKnots: num(cells[3], 0), AccuracyM: num(cells[4], 0),
			OdometerM: num(cells[6], fix.None), EngineMS: fix.None, FuelL: fix.None, FuelUsedL: fix.None,
		}
		switch cells[5] {
		case "on":
			f.Ignition = fix.On
		case "off":
			f.Ignition = fix.Off
		}
		fixes = append(fixes, f)
	}
	return fixes
}
