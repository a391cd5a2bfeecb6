package sheet

import (
	"io"

	"github.com/waymark-gps/waymark/util/report"
)

// jsonFile is a JSON list.
type jsonFile struct {
	w       io.Writer
	columns []report.Column
	buf     []byte
	some    bool
}

func newJSON(w io.Writer, _ Settings) Writer { return &jsonFile{w: w, buf: []byte{'['}} }

func (f *jsonFile) Begin(r *report.Report) error {
	f.columns = r.Columns
	return nil
}

func (f *jsonFile) Row(row *report.Row) error {
	if f.some {
		f.buf = append(f.buf, ',')
	}
	f.some = true
	if f.buf = row.AppendJSON(f.buf, f.columns); len(f.buf) < bufferSize {
		return nil
	}
	return f.send()
}

func (f *jsonFile) send() error {
	_, err := f.w.Write(f.buf)
	f.buf = f.buf[:0]
	return err
}

func (f *jsonFile) Close() error {
	f.buf = append(f.buf, ']')
	return f.send()
}
