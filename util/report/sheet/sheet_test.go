package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	_ "time/tzdata" // the zones of these tests, wherever they run

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/report"
)

// table has a column of each kind.
var table = report.Report{
	Name: "x", Title: "Everything",
	Columns: []report.Column{
		{Key: "id"},
		{Key: "name", Title: "Name"},
		{Key: "at", Title: "At", Unit: report.Time},
		{Key: "day", Title: "Day", Unit: report.Date},
		{Key: "took", Title: "Took", Unit: report.Duration},
		{Key: "speed", Title: "Speed", Unit: report.Speed},
		{Key: "way", Title: "Way", Unit: report.Distance},
		{Key: "up", Title: "Up", Unit: report.Altitude},
		{Key: "fuel", Title: "Fuel", Unit: report.Volume},
		{Key: "rate", Title: "Rate", Unit: report.Consumption},
		{Key: "count", Title: "Count"},
		{Key: "yes", Title: "Yes"},
		{Key: "none", Title: "None", Unit: report.Time},
		{Title: "Shown"},
	},
}

func row() *report.Row {
	at := time.Date(2026, 3, 29, 1, 30, 0, 500e6, time.UTC) // 03:30 in Berlin, half an hour after clocks went forward
	return &report.Row{Values: []data.Value{
		data.Int(7), data.String("=HYPERLINK(\"x\"), ü\n"), data.Int(at.UnixMilli()), data.Int(at.UnixMilli()), data.Int(100*3600_000 + 61_499),
		data.Float(100), data.Float(12345.678), data.Float(10), data.Float(50), data.Float(7.25), data.Int(3), data.Bool(true),
		{},
		data.String("only here"),
	}}
}

func write(t *testing.T, format string, s Settings, rows int) []byte {
	t.Helper()
	f, err := Named(format)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := f.New(&b, s)
	if err := w.Begin(&table); err != nil {
		t.Fatal(err)
	}
	for range rows {
		if err := w.Row(row()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCSV(t *testing.T) {
	for _, tc := range []struct {
		settings Settings
		want     [2]string
	}{
		{Of(nil, map[string]any{"timezone": "Nowhere/At all", "speedUnit": 7}), [2]string{
			"Name|At|Day|Took|Speed (km/h)|Way (km)|Up (m)|Fuel (l)|Rate (l/100 km)|Count|Yes|None|Shown",
			"'=HYPERLINK(\"x\"), ü\n|2026-03-29T01:30:00Z|2026-03-29|100:01:01|185.2|12.346|10|50|7.25|3|true||only here",
		}},
		// What comes first counts.
		{Of(map[string]any{"timezone": "Europe/Berlin", "speedUnit": "kn", "distanceUnit": "nmi"}, map[string]any{"timezone": "Asia/Tokyo", "altitudeUnit": "ft", "volumeUnit": "usGal"}), [2]string{
			"Name|At|Day|Took|Speed (kn)|Way (nmi)|Up (ft)|Fuel (US gal)|Rate (l/100 km)|Count|Yes|None|Shown",
			"'=HYPERLINK(\"x\"), ü\n|2026-03-29T03:30:00+02:00|2026-03-29|100:01:01|100|6.666|32.808|13.209|7.25|3|true||only here",
		}},
		{Of(map[string]any{"speedUnit": "mph", "distanceUnit": "mi", "volumeUnit": "impGal"}), [2]string{
			"Name|At|Day|Took|Speed (mph)|Way (mi)|Up (m)|Fuel (imp gal)|Rate (l/100 km)|Count|Yes|None|Shown",
			"'=HYPERLINK(\"x\"), ü\n|2026-03-29T01:30:00Z|2026-03-29|100:01:01|115.078|7.671|10|10.998|7.25|3|true||only here",
		}},
	} {
		lines, err := csv.NewReader(bytes.NewReader(write(t, "csv", tc.settings, 1))).ReadAll()
		if err != nil || len(lines) != 2 {
			t.Fatalf("%v, %v", lines, err)
		}
		for i, want := range tc.want {
			if got := strings.Join(lines[i], "|"); got != want {
				t.Errorf("line %d is\n%q, want\n%q", i, got, want)
			}
		}
	}
}

func TestJSON(t *testing.T) {
	for n := range 3 {
		var rows []map[string]any
		if err := json.Unmarshal(write(t, "json", Settings{}, n), &rows); err != nil || len(rows) != n {
			t.Fatalf("%d rows: %v, %v", n, rows, err)
		}
		for _, r := range rows {
			if r["at"] != "2026-03-29T01:30:00.500+00:00" || r["speed"] != 100.0 || r["none"] != nil || len(r) != 13 {
				t.Errorf("a row is %v", r)
			}
		}
	}
}

func TestXLSX(t *testing.T) {
	file := write(t, "xlsx", Of(map[string]any{"timezone": "Europe/Berlin"}), 1)
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	part := func(name string) string {
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	cells := part("xl/worksheets/sheet1.xml")
	for _, want := range []string{
		"Speed (km/h)", `>=HYPERLINK(&quot;x&quot;), ü`, `t="inlineStr"`, "<v>46110.1458391204</v>", "<v>46110</v>", "<v>185.2</v>", "<v>12.345678</v>", "<v>3</v>", ">true<", "only here",
	} {
		if !strings.Contains(cells, want) {
			t.Errorf("the sheet has no %s: %s", want, cells)
		}
	}
	if strings.Contains(cells, "<f>") {
		t.Error("the sheet has a formula")
	}
	if book := part("xl/workbook.xml"); !strings.Contains(book, `name="Everything"`) {
		t.Errorf("the workbook is %s", book)
	}
}

func TestFormats(t *testing.T) {
	if _, err := Named("pdf"); !errors.Is(err, data.ErrInvalid) {
		t.Errorf("pdf: %v", err)
	}
	var names []string
	for _, f := range All {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, []string{"json", "csv", "xlsx"}) {
		t.Errorf("formats are %q", names)
	}
}
