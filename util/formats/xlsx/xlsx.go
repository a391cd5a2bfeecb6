// Package xlsx writes tables as workbooks of Office Open XML (ECMA-376 part 1,
// SpreadsheetML), which spreadsheet programs read. It is a stream: rows are
// written as they come, and what is held in memory does not grow with them.
package xlsx

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ContentType is the media type of a workbook.
const ContentType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// Limits of spreadsheet programs ("Excel specifications and limits").
const (
	// MaxRows is how many rows a sheet has, the header included. What is more
	// goes to a sheet of its own.
	MaxRows = 1_048_576
	// maxText is the longest text of a cell and maxName that of a sheet's name, in
	// units of UTF-16.
	maxText = 32_767
	maxName = 31
)

const (
	bufferSize = 32 << 10
	minWidth   = 8
	// defaultSheet is the name of a sheet without one.
	defaultSheet = "Sheet"
)

// Column is the head of a column.
type Column struct {
	Title string
	// Width is in characters; a title is never cut, so 0 is as wide as the title.
	Width float64
}

// Writer writes a workbook: Sheet, then rows, the next Sheet, ..., Close. The
// first error stays. It belongs to one goroutine.
type Writer struct {
	zip   *zip.Writer
	part  *bufio.Writer
	names []string
	taken map[string]bool
	// The sheet that is open: its name, its columns and how many rows it has.
	name    string
	columns []Column
	rows    int
	maxRows int
	line    []byte
	err     error
}

// New makes a Writer. What it writes to is not closed.
func New(w io.Writer) *Writer {
	return &Writer{zip: zip.NewWriter(w), taken: map[string]bool{}, maxRows: MaxRows}
}

// Sheet begins a sheet. Its name is made one that programs accept, and is told
// apart from the others by a number.
func (w *Writer) Sheet(name string, columns []Column) error {
	w.endSheet()
	w.name, w.columns = name, columns
	w.begin()
	return w.err
}

func (w *Writer) begin() {
	name := w.unique(w.name)
	w.names = append(w.names, name)
	w.open(fmt.Sprintf("xl/worksheets/sheet%d.xml", len(w.names)))
	// The header stays in sight.
	w.put(header + `<worksheet xmlns="` + mainNamespace + `"><sheetViews><sheetView workbookViewId="0">` +
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`)
	if len(w.columns) > 0 {
		w.put("<cols>")
		for i, c := range w.columns {
			width := max(c.Width, float64(utf8.RuneCountInString(c.Title)+2), minWidth)
			w.put(fmt.Sprintf(`<col min="%d" max="%d" width="%g" customWidth="1"/>`, i+1, i+1, width))
		}
		w.put("</cols>")
	}
	w.put("<sheetData>")
	w.rows = 0
	titles := make([]Cell, len(w.columns))
	for i, c := range w.columns {
		titles[i] = Text(c.Title)
	}
	w.row(titles, styleHeader)
}

// Row writes a row of the sheet.
func (w *Writer) Row(cells []Cell) error {
	if w.part == nil && w.err == nil {
		w.err = fmt.Errorf("write a row of no sheet")
	}
	if w.rows == w.maxRows && w.err == nil {
		w.endSheet()
		w.begin()
	}
	w.row(cells, styleNone)
	return w.err
}

func (w *Writer) row(cells []Cell, style int) {
	if w.err != nil {
		return
	}
	w.rows++
	b := append(w.line[:0], `<row r="`...)
	b = strconv.AppendInt(b, int64(w.rows), 10)
	b = append(b, `">`...)
	for i := range cells {
		b = cells[i].append(b, i, w.rows, style)
	}
	b = append(b, "</row>"...)
	w.line = b
	_, w.err = w.part.Write(b)
}

func (w *Writer) endSheet() {
	if w.part == nil {
		return
	}
	w.put("</sheetData></worksheet>")
	w.closePart()
}

// Close writes the end of the workbook. One without a sheet gets an empty one,
// as programs refuse it otherwise.
func (w *Writer) Close() error {
	if len(w.names) == 0 {
		w.begin()
	}
	w.endSheet()
	for _, p := range w.parts() {
		w.open(p.name)
		w.put(p.content)
		w.closePart()
	}
	if w.err == nil {
		w.err = w.zip.Close()
	}
	return w.err
}

func (w *Writer) open(name string) {
	if w.err != nil {
		return
	}
	part, err := w.zip.Create(name)
	if err != nil {
		w.err = err
		return
	}
	if w.part == nil {
		w.part = bufio.NewWriterSize(part, bufferSize)
	}
	w.part.Reset(part)
}

func (w *Writer) put(s string) {
	if w.err == nil {
		_, w.err = w.part.WriteString(s)
	}
}

func (w *Writer) closePart() {
	if w.err == nil {
		w.err = w.part.Flush()
	}
	w.part = nil
}

// unique makes a sheet's name: without what programs refuse, short enough, and
// not taken, in whatever case.
func (w *Writer) unique(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\`, r) || !printable(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, " "))
	name = strings.Trim(strings.TrimSpace(name), "' ")
	if name == "" {
		name = defaultSheet
	}
	for n := 1; ; n++ {
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprintf(" (%d)", n)
		}
		one := strings.TrimRight(cut(name, maxName-len(suffix)), "' ") + suffix
		if key := strings.ToLower(one); !w.taken[key] {
			w.taken[key] = true
			return one
		}
	}
}

// cut shortens a text to so many units of UTF-16.
func cut(s string, units int) string {
	if len(s) <= units {
		return s
	}
	for i, r := range s {
		if units -= max(utf16.RuneLen(r), 1); units < 0 {
			return s[:i]
		}
	}
	return s
}
