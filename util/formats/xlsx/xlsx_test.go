package xlsx

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// book is a workbook as a program reads it: by its parts and their references.
type book struct {
	names  []string
	sheets []sheet
}

type sheet struct {
	Pane struct {
		YSplit int    `xml:"ySplit,attr"`
		State  string `xml:"state,attr"`
	} `xml:"sheetViews>sheetView>pane"`
	Cols []struct {
		Width float64 `xml:"width,attr"`
	} `xml:"cols>col"`
	Rows []struct {
		R     int `xml:"r,attr"`
		Cells []struct {
			R     string `xml:"r,attr"`
			Style int    `xml:"s,attr"`
			Type  string `xml:"t,attr"`
			Value string `xml:"v"`
			Text  string `xml:"is>t"`
		} `xml:"c"`
	} `xml:"sheetData>row"`
}

func read(t *testing.T, file []byte) book {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]bool{}
	part := func(name string, v any) {
		t.Helper()
		f, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := xml.NewDecoder(f).Decode(v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		parts["/"+name] = true
	}
	type relations struct {
		List []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	var root, inner relations
	part("_rels/.rels", &root)
	if len(root.List) != 1 || root.List[0].Target != "xl/workbook.xml" {
		t.Fatalf("the root refers to %+v", root)
	}
	part("xl/_rels/workbook.xml.rels", &inner)
	targets := map[string]string{}
	for _, r := range inner.List {
		targets[r.ID] = r.Target
	}
	var w struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	part("xl/workbook.xml", &w)
	var b book
	for _, s := range w.Sheets {
		var one sheet
		part("xl/"+targets[s.ID], &one)
		b.names, b.sheets = append(b.names, s.Name), append(b.sheets, one)
	}
	var styles struct {
		Formats []struct {
			Font int `xml:"fontId,attr"`
		} `xml:"cellXfs>xf"`
	}
	part("xl/styles.xml", &styles)
	if len(styles.Formats) != styleDecimals+1 || styles.Formats[styleHeader].Font != 1 {
		t.Errorf("styles are %+v", styles)
	}
	var content struct {
		Overrides []struct {
			PartName string `xml:"PartName,attr"`
		} `xml:"Override"`
	}
	part("[Content_Types].xml", &content)
	for _, o := range content.Overrides {
		if !parts[o.PartName] {
			t.Errorf("[Content_Types].xml names %s, which is not there or not used", o.PartName)
		}
	}
	return b
}

func write(t *testing.T, f func(w *Writer)) book {
	t.Helper()
	var file bytes.Buffer
	w := New(&file)
	f(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return read(t, file.Bytes())
}

func TestCells(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	b := write(t, func(w *Writer) {
		if err := w.Sheet("Trips", []Column{{Title: "A", Width: 30}, {Title: "a title as long as this one"}}); err != nil {
			t.Fatal(err)
		}
		_ = w.Row([]Cell{
			Text("<b>&\"Müller\"\x00\x1b \r\n🚗\xff"), Number(-1.5), Decimals(0.1), Duration(36 * time.Hour),
			Time(time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC).In(berlin)), Date(time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC).In(berlin)),
			{},
			Text(strings.Repeat("🚗", maxText)), Time(time.Date(1888, 1, 2, 3, 4, 5, 0, time.UTC)), Time(time.Time{}), Number(1 / inf()), Number(inf()),
		})
	})
	s := b.sheets[0]
	if s.Pane.YSplit != 1 || s.Pane.State != "frozen" || len(s.Cols) != 2 || s.Cols[0].Width != 30 || s.Cols[1].Width < 27 {
		t.Errorf("pane %+v, columns %+v", s.Pane, s.Cols)
	}
	if h := s.Rows[0].Cells; len(h) != 2 || h[0].Text != "A" || h[0].Style != styleHeader {
		t.Errorf("the header is %+v", h)
	}
	var got []string
	for _, c := range s.Rows[1].Cells {
		text := c.Text
		if len(text) > 40 {
			text = fmt.Sprintf("%d bytes", len(text))
		}
		got = append(got, fmt.Sprintf("%s %d %s%s", c.R, c.Style, c.Value, text))
	}
	want := []string{
		"A2 0 <b>&\"Müller\" \r\n🚗\uFFFD", "B2 0 -1.5", "C2 5 0.1", "D2 4 1.5",
		"E2 2 46110.0625", "F2 3 46110", "H2 0 65532 bytes", "I2 0 1888-01-02 03:04:05", "K2 0 0",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("cells are\n%q, want\n%q", got, want)
	}
}

func inf() float64 { f := 0.0; return 1 / f }

func TestSheets(t *testing.T) {
	b := write(t, func(w *Writer) {
		w.maxRows = 3
		for _, name := range []string{"a/b:[c]", "A b  c", "", "'", strings.Repeat("ä", 40), strings.Repeat("ä", 40), "x"} {
			_ = w.Sheet(name, []Column{{Title: "n"}})
		}
		for i := range 5 {
			_ = w.Row([]Cell{Number(float64(i))})
		}
	})
	want := []string{"a b  c", "A b  c (2)", "Sheet", "Sheet (2)", strings.Repeat("ä", 31), strings.Repeat("ä", 27) + " (2)", "x", "x (2)", "x (3)"}
	if fmt.Sprintf("%q", b.names) != fmt.Sprintf("%q", want) {
		t.Errorf("sheets are %q, want %q", b.names, want)
	}
	last := b.sheets[8].Rows
	if len(last) != 2 || last[0].Cells[0].Text != "n" || last[1].Cells[0].Value != "4" || last[1].R != 2 {
		t.Errorf("the sheet that holds the rest is %+v", last)
	}
	if b := write(t, func(*Writer) {}); len(b.names) != 1 {
		t.Errorf("an empty workbook has the sheets %q", b.names)
	}
}

func TestColumnNames(t *testing.T) {
	for column, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"} {
		if got := string(appendColumn(nil, column)); got != want {
			t.Errorf("column %d is %s, want %s", column, got, want)
		}
	}
}

var errFull = errors.New("full")

type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestErrorsStay(t *testing.T) {
	w := New(&full{left: 1000})
	_ = w.Sheet("s", nil)
	var err error
	for i := 0; i < 1e6 && err == nil; i++ {
		err = w.Row([]Cell{Number(float64(i * i))})
	}
	if !errors.Is(err, errFull) || !errors.Is(w.Sheet("t", nil), errFull) || !errors.Is(w.Close(), errFull) {
		t.Errorf("errors are %v, then %v", err, w.Close())
	}
	if New(io.Discard).Row(nil) == nil {
		t.Error("a row without a sheet is taken")
	}
}

// TestMemory: what is held does not grow with the rows.
func TestMemory(t *testing.T) {
	var before, after runtime.MemStats
	w := New(io.Discard)
	if err := w.Sheet("s", []Column{{Title: "n"}, {Title: "t"}}); err != nil {
		t.Fatal(err)
	}
	cells := []Cell{Number(1), Text("a text")}
	_ = w.Row(cells)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 100_000 {
		if err := w.Row(cells); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
		t.Errorf("100,000 rows allocated %d bytes", grown)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
