package block

import (
	"math"

	"github.com/waymark-gps/waymark/data"
)

// attributeReader is what reader needs for attributes.
type attributeReader struct {
	columns []readColumn
	// shapes index keys: shape i has keys[starts[i]:starts[i+1]].
	starts, keys []int32
	null         []bool
	values       []int64
}

// readColumn are the values of one key.
type readColumn struct {
	attributeKey
	// next is the index in values of the next one that is not taken.
	next, count int
}

func (a *attributeReader) reset() { clear(a.columns) }

// kept is how many bytes of memory a holds.
func (a *attributeReader) kept() int {
	return 48*cap(a.columns) + 4*cap(a.starts) + 4*cap(a.keys) + cap(a.null) + 8*cap(a.values)
}

func (r *reader) readAttributes(points []Point) {
	r.column = "attributes"
	r.readShapes()
	r.integers(r.ints)
	a := &r.attributes
	if !r.below(r.ints, len(a.null)) {
		return
	}
	total := r.count()
	if r.err != nil {
		return
	}
	a.values = grow(a.values, total)
	for i := range a.columns {
		r.readColumn(&a.columns[i])
	}
	if r.err != nil || points == nil {
		return
	}
	// One list for all points; each has the room for its own.
	list := make(data.Attributes, total)
	for i := range points {
		shape := r.ints[i]
		if a.null[shape] {
			continue
		}
		keys := a.keys[a.starts[shape]:a.starts[shape+1]]
		own := list[:len(keys):len(keys)]
		list = list[len(keys):]
		for j, k := range keys {
			c := &a.columns[k]
			own[j].Key = c.name
			own[j].Value = r.value(c.kind, a.values[c.next])
			c.next++
		}
		points[i].Position.Attributes = own
	}
}

// readShapes reads the keys and the shapes.
func (r *reader) readShapes() {
	a := &r.attributes
	a.columns = grow(a.columns, r.spend(r.uvarint(), 2))
	for i := range a.columns {
		a.columns[i] = readColumn{attributeKey: attributeKey{r.text(), data.Kind(r.byte())}}
		if a.columns[i].kind > data.KindString {
			r.fail("kind %d", a.columns[i].kind)
		}
	}
	shapes := r.spend(r.uvarint(), 1)
	a.null, a.starts, a.keys = grow(a.null, shapes), grow(a.starts, shapes+1), a.keys[:0]
	a.starts[0] = 0
	for i := range shapes {
		count, ok := r.listCount(1)
		a.null[i] = !ok
		for range count {
			key := r.uvarint()
			if key >= uint64(len(a.columns)) {
				r.fail("no key %d", key)
				return
			}
			a.keys = append(a.keys, int32(key))
		}
		a.starts[i+1] = int32(len(a.keys))
	}
}

// count finds out how many values the columns have, and in all.
func (r *reader) count() (total int) {
	a := &r.attributes
	for _, shape := range r.ints {
		keys := a.keys[a.starts[shape]:a.starts[shape+1]]
		if r.spend(uint64(len(keys)), 0); r.err != nil {
			return 0
		}
		for _, k := range keys {
			a.columns[k].count++
		}
	}
	for i := range a.columns {
		c := &a.columns[i]
		c.next = total
		total += c.count
		if c.count == 0 {
			r.fail("key %q is not used", c.name)
		}
	}
	return total
}

func (r *reader) readColumn(c *readColumn) {
	values := r.attributes.values[c.next : c.next+c.count]
	switch c.kind {
	case data.KindNone:
	case data.KindFloat:
		r.floats(values)
	case data.KindString:
		r.integers(values)
		r.below(values, len(r.texts))
	default:
		r.integers(values)
	}
	if r.err != nil {
		return
	}
	if c.kind == data.KindBool {
		r.below(values, 2)
	}
}

// value makes the value of a kind.
func (r *reader) value(kind data.Kind, v int64) data.Value {
	switch kind {
	case data.KindBool:
		return data.Bool(v != 0)
	case data.KindInt:
		return data.Int(v)
	case data.KindFloat:
		return data.Float(math.Float64frombits(uint64(v)))
	case data.KindString:
		return data.String(r.texts[v])
	}
	return data.Value{}
}
