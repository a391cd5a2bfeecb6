package xlsx

import (
	"math"
	"strconv"
	"time"
)

// Cell is the value of a cell; the zero Cell is empty.
type Cell struct {
	kind   kind
	number float64
	text   string
}

type kind uint8

const (
	empty kind = iota
	text
	number
)

// The styles of cells, by their place in stylesPart.
const (
	styleNone = iota
	styleHeader
	styleTime
	styleDate
	styleDuration
	styleDecimals
)

// styled is a kind with a style above it.
const styleShift = 4

// Text is a text; control characters that XML has no place for are left out, and
// the end of one that is longer than a cell may be.
func Text(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{kind: text, text: s}
}

// Number is a number, shown as it is. What is none (NaN, infinite) is empty.
func Number(f float64) Cell { return styled(f, styleNone) }

// Decimals is a number that is shown with two decimals.
func Decimals(f float64) Cell { return styled(f, styleDecimals) }

// Duration is a span of time that is shown as hours, minutes and seconds.
func Duration(d time.Duration) Cell { return styled(d.Hours()/24, styleDuration) }

// Time is the date and time that t shows in its own time zone: cells know no
// time zones. The zero time is empty.
func Time(t time.Time) Cell { return moment(t, styleTime, time.DateTime) }

// Date is the date that t shows in its own time zone.
func Date(t time.Time) Cell {
	y, m, d := t.Date()
	if t.IsZero() {
		return Cell{}
	}
	return moment(time.Date(y, m, d, 0, 0, 0, 0, time.UTC), styleDate, time.DateOnly)
}

func styled(f float64, style int) Cell {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Cell{}
	}
	return Cell{kind: number | kind(style)<<styleShift, number: f}
}

// epoch is the moment 0 of dates from March 1900 on: programs believe that 1900
// was a leap year (ECMA-376 part 1, 18.17.4.1). Earlier ones are texts.
var (
	epoch     = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	firstDate = time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC)
)

func moment(t time.Time, style int, layout string) Cell {
	if t.IsZero() {
		return Cell{}
	}
	y, m, d := t.Date()
	wall := time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	if wall.Before(firstDate) || y > 9999 {
		return Text(t.Format(layout))
	}
	days := float64(wall.Unix()-epoch.Unix())/86400 + float64(wall.Nanosecond())/86400e9
	return styled(days, style)
}

// append writes the cell of a column and row, both in the style of the row if it
// has none itself.
func (c *Cell) append(b []byte, column, row, style int) []byte {
	if c.kind == empty {
		return b
	}
	if own := int(c.kind >> styleShift); own != styleNone {
		style = own
	}
	b = append(b, `<c r="`...)
	b = appendColumn(b, column)
	b = strconv.AppendInt(b, int64(row), 10)
	if style != styleNone {
		b = append(b, `" s="`...)
		b = strconv.AppendInt(b, int64(style), 10)
	}
	if c.kind == text {
		b = append(b, `" t="inlineStr"><is><t xml:space="preserve">`...)
		b = appendText(b, cut(c.text, maxText))
		return append(b, "</t></is></c>"...)
	}
	b = append(b, `"><v>`...)
	b = strconv.AppendFloat(b, c.number, 'g', 15, 64)
	return append(b, "</v></c>"...)
}

// appendColumn writes a column's letters: A to Z, AA, ...
func appendColumn(b []byte, column int) []byte {
	if column >= 26 {
		b = appendColumn(b, column/26-1)
	}
	return append(b, 'A'+byte(column%26))
}

// appendText writes a text of XML.
func appendText(b []byte, s string) []byte {
	for _, r := range s { // what is not UTF-8 is U+FFFD
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '\r': // a parser would read it as a line feed
			b = append(b, "&#13;"...)
		case r == '"': // the text of an attribute, too
			b = append(b, "&quot;"...)
		case printable(r):
			b = append(b, string(r)...)
		}
	}
	return b
}

// printable tells whether XML has a place for a character (XML 1.0, 2.2).
func printable(r rune) bool {
	return r >= ' ' && r != 0xfffe && r != 0xffff || r == '\t' || r == '\n' || r == '\r'
}
