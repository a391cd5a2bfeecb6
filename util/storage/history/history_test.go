package history

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage/block"
)

func TestIDs(t *testing.T) {
	for _, number := range []uint32{0, 1, math.MaxUint32} {
		for _, device := range []int64{1, 77, MaxDeviceID} {
			id := ID(device, number)
			if d, n := SplitID(id); d != device || n != number || id >= 1<<53 {
				t.Errorf("device %d, number %d has the id %d, of device %d, number %d", device, number, id, d, n)
			}
		}
	}
}

func TestHoursAndMonths(t *testing.T) {
	for _, test := range []struct{ at, hour, month string }{
		{"2026-03-31T23:59:59.999Z", "2026-03-31T23:00:00Z", "2026-03-01T00:00:00Z"},
		{"2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z"},
		{"1969-12-31T23:59:59.999Z", "1969-12-31T23:00:00Z", "2000-01-01T00:00:00Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2000-01-01T00:00:00Z"},
		{"2100-01-01T00:30:00Z", "2100-01-01T00:00:00Z", "2099-12-01T00:00:00Z"},
		{"9999-12-31T23:59:59.999Z", "9999-12-31T23:00:00Z", "2099-12-01T00:00:00Z"},
	} {
		ms := func(s string) int64 {
			at, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				t.Fatal(err)
			}
			return at.UnixMilli()
		}
		if have := Hour(ms(test.at)); have != ms(test.hour) {
			t.Errorf("%s has the hour %s", test.at, clock(have))
		}
		if have := Month(ms(test.at)); have != ms(test.month) {
			t.Errorf("%s has the month %s", test.at, clock(have))
		}
	}
}

func TestDue(t *testing.T) {
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	s := New(nil, nil, nil, WithClock(func() time.Time { return now }))
	for _, test := range []struct {
		rows, devices int64
		age           time.Duration
		want          bool
	}{
		{1, 1, time.Minute, false},
		{1, 1, time.Hour, true},
		{99_999, 10, time.Minute, false},
		{100_000, 10, time.Minute, true},
		{100_000, 2000, time.Minute, false},
		{128_000, 2000, time.Minute, true},
		{1_999_999, 100_000, time.Minute, false},
		{2_000_000, 100_000, time.Minute, true},
	} {
		g := Generation{Rows: test.rows, Devices: test.devices, Since: now.Add(-test.age).UnixMilli()}
		if have := s.due(&g); have != test.want {
			t.Errorf("%+v is due: %v", test, have)
		}
	}
}

func TestRetentionEnds(t *testing.T) {
	now := time.Date(2026, 3, 29, 12, 30, 0, 0, time.UTC)
	const never = math.MinInt64
	ago := func(days int) int64 { return now.AddDate(0, 0, -days).UnixMilli() }
	for _, test := range []struct {
		attributes   map[string]any
		thin, remove int64
	}{
		{nil, Hour(ago(30)), ago(30 + 60)},
		{map[string]any{AttributeFullDays: 0.0}, never, never},
		{map[string]any{AttributeFullDays: 7.0}, Hour(ago(7)), ago(67)},
		{map[string]any{AttributeThinDays: 0.0}, Hour(ago(30)), never},
		{map[string]any{AttributeThinDays: "-1"}, never, ago(30)},
		{map[string]any{AttributeThinDays: 1.5, AttributeFullDays: "x"}, Hour(ago(30)), ago(90)}, // no whole numbers: not taken
	} {
		thin, remove := Retention{FullDays: 30, ThinDays: 60}.of(&data.Device{Attributes: test.attributes}).ends(now)
		if thin != test.thin || remove != test.remove {
			t.Errorf("%v: thinned before %d, removed before %d", test.attributes, thin, remove)
		}
	}
}

func TestMerge(t *testing.T) {
	point := func(ms int64, number, fingerprint uint32) block.Point {
		at := time.UnixMilli(ms).UTC()
		return block.Point{Position: data.Position{ID: ID(1, number), DeviceID: 1, DeviceTime: at, FixTime: at}, Fingerprint: fingerprint}
	}
	have := merge([]block.Point{
		point(5, 1, 1), point(7, 2, 1), point(7, 3, 9), point(5, 4, 1), point(7, 2, 1), point(6, 8, 1), point(7, 1, 5), point(5, 9, 2),
	})
	var numbers []uint32
	for i := range have {
		numbers = append(numbers, placeOf(&have[i]).number)
	}
	if want := []uint32{1, 9, 8, 1, 2, 3}; !slices.Equal(numbers, want) {
		t.Errorf("numbers are %d, want %d", numbers, want)
	}
}

func TestPackKeepsSecondsTogether(t *testing.T) {
	s := New(nil, nil, nil)
	var points []block.Point
	for i := range 2000 {
		at := time.UnixMilli(int64(i) * 9).UTC() // a hundred of each second
		points = append(points, block.Point{Position: data.Position{ID: ID(1, uint32(i+1)), DeviceID: 1, DeviceTime: at.Add(time.Hour), FixTime: at.Add(time.Hour)}})
	}
	blocks, err := s.pack(1, points)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for i, b := range blocks {
		total += b.Points
		if i > 0 && second(b.First) == second(blocks[i-1].Last) {
			t.Errorf("block %d begins in the second in which the one before it ends", i)
		}
		if b.Points > blockPoints+112 || b.Points < smallBlock/2 {
			t.Errorf("block %d has %d points", i, b.Points)
		}
	}
	if total != len(points) {
		t.Errorf("%d points in blocks", total)
	}
}
