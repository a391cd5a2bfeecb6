package mvt

import (
	"encoding/hex"
	"testing"
)

// The geometry is the example of the specification, 4.3.5.3: MoveTo(2,2),
// LineTo(2,10), LineTo(10,10) is 9 4 4 18 0 16 16 0.
func TestTile(t *testing.T) {
	l := NewLayer("t", "a", "b")
	if got := l.Append(nil); got != nil {
		t.Errorf("an empty layer is %x", got)
	}
	l.Line([]Point{{1, 1}}, 1, 1) // no line
	l.Line([]Point{{2, 2}, {2, 10}, {10, 10}}, 7, 0.5)
	l.Point(Point{-1, 3}, 7, 7)
	const want = "1a40" + // layer, 64 bytes
		"7802" + "0a0174" + // version 2, name
		"1212" + "120400000101" + "1802" + "2208" + "0904041200101000" +
		"120d" + "120400000100" + "1801" + "2203" + "090106" +
		"1a0161" + "1a0162" + // keys
		"2202300e" + "220919000000000000e03f" + // 7, 0.5
		"288020" // extent
	if got := hex.EncodeToString(l.Append(nil)); got != want {
		t.Errorf("have %s\nwant %s", got, want)
	}
}
