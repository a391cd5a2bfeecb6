package sheet

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/report"
)

// csvFile is RFC 4180: comma, double quotes, CR LF, a line of titles with their
// units. Times are RFC 3339 with the offset of the reader's zone, durations hours,
// minutes and seconds, numbers have a point and three decimals at most.
type csvFile struct {
	w        *csv.Writer
	settings Settings
	columns  []column
	fields   []string
}

func newCSV(w io.Writer, s Settings) Writer {
	f := &csvFile{w: csv.NewWriter(bufio.NewWriterSize(w, bufferSize)), settings: s}
	f.w.UseCRLF = true
	return f
}

func (f *csvFile) Begin(r *report.Report) error {
	f.columns = f.settings.table(r)
	f.fields = f.fields[:0]
	for _, c := range f.columns {
		f.fields = append(f.fields, c.Title)
	}
	return f.w.Write(f.fields)
}

func (f *csvFile) Row(row *report.Row) error {
	f.fields = f.fields[:0]
	for i := range f.columns {
		f.fields = append(f.fields, f.field(&f.columns[i], row.Values[f.columns[i].at]))
	}
	return f.w.Write(f.fields)
}

func (f *csvFile) field(c *column, v data.Value) string {
	if text, ok := v.Text(); ok {
		return harmless(text)
	}
	if ms, ok := v.Int(); ok {
		switch c.Unit {
		case report.Time:
			return time.UnixMilli(ms).In(f.settings.Zone).Format(time.RFC3339)
		case report.Date:
			return time.UnixMilli(ms).In(f.settings.Zone).Format(time.DateOnly)
		case report.Duration:
			s := (ms + 500) / 1000
			return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
		}
	}
	n, ok := v.Float()
	if !ok {
		return v.String()
	}
	if c.unit.name != "" {
		n = math.Round(n*c.unit.per*1e3) / 1e3
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@' || s[0] == '\t' || s[0] == '\r') {
		return "'" + s
	}
	return s
}

func (f *csvFile) Close() error {
	f.w.Flush()
	return f.w.Error()
}
