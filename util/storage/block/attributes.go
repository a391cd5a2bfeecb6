package block

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/waymark-gps/waymark/data"
)

// attributeKey is what has a column of its own.
type attributeKey struct {
	name string
	kind data.Kind
}

// shape is what the attributes of a point look like but for their values.
type shape struct {
	// keys are indexes of attributeWriter.columns.
	keys []int
	null bool
	// next is the shape that came after it the last time.
	next int
}

// attributeColumn are the values of one key in the order of the points.
type attributeColumn struct {
	attributeKey
	// values are integers, indexes of texts, or the bits of floats.
	values []uint64
}

type attributeWriter struct {
	columns []attributeColumn
	keyOf   map[attributeKey]int
	shapes  []shape
	// shapeOf finds a shape by its keys, as they are written.
	shapeOf map[string]int
	// keys and encoded are a shape, as it is made.
	keys    []int
	encoded []byte
}

func (w *attributeWriter) reset() {
	for i := range w.columns {
		w.columns[i].attributeKey = attributeKey{}
	}
	w.columns, w.shapes = w.columns[:0], w.shapes[:0]
	clear(w.keyOf)
	clear(w.shapeOf)
}

// addAttributes writes the attributes of all points.
func (w *writer) addAttributes(points []Point) error {
	last := 0
	for i := range points {
		a := points[i].Position.Attributes
		index := w.shapeIndex(a, last)
		w.attributes.shapes[min(last, len(w.attributes.shapes)-1)].next = index
		w.ints[i], last = int64(index), index
		for j, column := range w.attributes.shapes[index].keys {
			c := &w.attributes.columns[column]
			c.values = append(c.values, w.bitsOf(a[j].Value))
		}
		w.values += len(a)
		if err := w.fits(); err != nil {
			return err
		}
	}
	w.body = binary.AppendUvarint(w.body, uint64(len(w.attributes.columns)))
	for i := range w.attributes.columns {
		c := &w.attributes.columns[i]
		w.body = binary.AppendUvarint(w.body, uint64(w.text(c.name)))
		w.body = append(w.body, byte(c.kind))
	}
	w.body = binary.AppendUvarint(w.body, uint64(len(w.attributes.shapes)))
	for i := range w.attributes.shapes {
		w.body = appendShape(w.body, w.attributes.shapes[i].keys, w.attributes.shapes[i].null)
	}
	w.body = w.coder.append(w.body, w.ints)
	for i := range w.attributes.columns {
		w.addColumn(&w.attributes.columns[i])
	}
	return nil
}

func (w *writer) addColumn(c *attributeColumn) {
	switch c.kind {
	case data.KindNone:
	case data.KindFloat:
		w.body = w.floats.append(w.body, &w.coder, c.values)
	default:
		ints := grow(w.ints, len(c.values))
		for i, v := range c.values {
			ints[i] = int64(v)
		}
		w.body = w.coder.append(w.body, ints)
		w.ints = ints
	}
}

// bitsOf returns what goes into a column.
func (w *writer) bitsOf(v data.Value) uint64 {
	switch v.Kind() {
	case data.KindBool:
		if b, _ := v.Bool(); b {
			return 1
		}
	case data.KindInt:
		i, _ := v.Int()
		return uint64(i)
	case data.KindFloat:
		f, _ := v.Float()
		return math.Float64bits(f)
	case data.KindString:
		s, _ := v.Text()
		return uint64(w.text(s))
	}
	return 0
}

// shapeIndex finds or makes the shape of a, most likely that of the point
// before or the one that followed it.
func (w *writer) shapeIndex(a data.Attributes, last int) int {
	t := &w.attributes
	if last < len(t.shapes) {
		if t.has(last, a) {
			return last
		}
		if next := t.shapes[last].next; t.has(next, a) {
			return next
		}
	}
	t.keys = t.keys[:0]
	for i := range a {
		t.keys = append(t.keys, w.column(attributeKey{a[i].Key, a[i].Value.Kind()}))
	}
	t.encoded = appendShape(t.encoded[:0], t.keys, a == nil)
	index, ok := t.shapeOf[string(t.encoded)]
	if !ok {
		index = len(t.shapes)
		t.shapeOf[string(t.encoded)] = index
		t.shapes = append(t.shapes, shape{keys: slices.Clone(t.keys), null: a == nil})
		w.values += 1 + len(a)
	}
	return index
}

// has says that a has the shape.
func (w *attributeWriter) has(index int, a data.Attributes) bool {
	s := &w.shapes[index]
	if len(s.keys) != len(a) || s.null != (a == nil) {
		return false
	}
	for i, column := range s.keys {
		if c := &w.columns[column]; c.name != a[i].Key || c.kind != a[i].Value.Kind() {
			return false
		}
	}
	return true
}

// column returns the index of the column of a key.
func (w *writer) column(key attributeKey) int {
	a := &w.attributes
	i, ok := a.keyOf[key]
	if ok {
		return i
	}
	i = len(a.columns)
	a.keyOf[key] = i
	if i < cap(a.columns) { // with the room of an earlier block
		a.columns = a.columns[:i+1]
	} else {
		a.columns = append(a.columns, attributeColumn{})
	}
	a.columns[i].attributeKey, a.columns[i].values = key, a.columns[i].values[:0]
	w.values++
	return i
}

func appendShape(b []byte, keys []int, null bool) []byte {
	if null {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(keys))+1)
	for _, k := range keys {
		b = binary.AppendUvarint(b, uint64(k))
	}
	return b
}
