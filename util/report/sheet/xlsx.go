package sheet

import (
	"io"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/formats/xlsx"
	"github.com/waymark-gps/waymark/util/report"
)

// workbook has a sheet for each report. Its dates are those of the reader's zone.
type workbook struct {
	w        *xlsx.Writer
	settings Settings
	columns  []column
	cells    []xlsx.Cell
}

func newXLSX(w io.Writer, s Settings) Writer { return &workbook{w: xlsx.New(w), settings: s} }

func (f *workbook) Begin(r *report.Report) error {
	f.columns = f.settings.table(r)
	heads := make([]xlsx.Column, len(f.columns))
	for i, c := range f.columns {
		heads[i] = xlsx.Column{Title: c.Title, Width: float64(c.Width)}
	}
	return f.w.Sheet(r.Title, heads)
}

func (f *workbook) Row(row *report.Row) error {
	f.cells = f.cells[:0]
	for i := range f.columns {
		f.cells = append(f.cells, f.cell(&f.columns[i], row.Values[f.columns[i].at]))
	}
	return f.w.Row(f.cells)
}

func (f *workbook) cell(c *column, v data.Value) xlsx.Cell {
	if ms, ok := v.Int(); ok {
		switch c.Unit {
		case report.Time:
			return xlsx.Time(time.UnixMilli(ms).In(f.settings.Zone))
		case report.Date:
			return xlsx.Date(time.UnixMilli(ms).In(f.settings.Zone))
		case report.Duration:
			return xlsx.Duration(time.Duration(ms) * time.Millisecond)
		}
	}
	n, ok := v.Float()
	switch {
	case !ok:
		return xlsx.Text(v.String())
	case c.unit.name != "":
		return xlsx.Decimals(n * c.unit.per)
	}
	return xlsx.Number(n)
}

func (f *workbook) Close() error { return f.w.Close() }
