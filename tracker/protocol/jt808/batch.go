package jt808

import (
	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// newPositions makes room for so many positions; next begins one.
type newPositions struct {
	list []data.Position
	room []data.Attribute
}

func roomFor(count int) newPositions {
	return newPositions{make([]data.Position, 0, count), make([]data.Attribute, count*fewAttributes)}
}

func (n *newPositions) next() *data.Position {
	i := len(n.list)
	n.list = append(n.list, data.Position{
		Protocol: "jt808", Outdated: true,
		Attributes: n.room[i*fewAttributes : i*fewAttributes : (i+1)*fewAttributes],
	})
	return &n.list[i]
}

// batch is a message 0704 that was split: what is whole in a part is read with
// it, and the location that goes on in the next one is kept.
type batch struct {
	next, parts int // 0: none, or the rest of it cannot be read
	count       int // of locations that are still to come
	blind       bool
	rest        []byte
}

// read reads message 0704, or a part of it: a count, a type, and locations with
// two bytes of length. ok is false for a part whose beginning was not seen.
func (t *batch) read(m *message) (positions []data.Position, ok bool) {
	part, parts := max(1, int(m.part)), max(1, int(m.parts))
	content := m.body
	if part == 1 {
		b := converters.NewReader(m.body)
		*t = batch{next: 1, parts: parts, count: int(b.U16()), blind: b.U8() == 1, rest: t.rest[:0]}
		content = b.Rest()
	}
	if part != t.next || parts != t.parts {
		return nil, false
	}
	if t.next++; len(t.rest) > 0 {
		content = append(t.rest, content...)
	}
	out := roomFor(min(t.count, len(content)/(2+locationSize)))
	for ; t.count > 0 && len(content) >= 2; t.count-- {
		size := 2 + int(number(content[:2]))
		if size < 2+locationSize || size > maxContent {
			*t = batch{} // nothing can be found behind it
			return out.list, true
		}
		if size > len(content) {
			break
		}
		r := reader{m, out.next()}
		if t.blind {
			r.p.Attributes.SetBool("archive", true)
		}
		r.location(content[2:size])
		content = content[size:]
	}
	if t.rest = append(t.rest[:0], content...); part == parts {
		*t = batch{}
	}
	return out.list, true
}

// batch2 reads message 0210: locations with one byte of length; or, in seven
// bytes, the battery and the time.
func (m *message) batch2() []data.Position {
	if len(m.body) == 7 {
		out := roomFor(1)
		p := out.next()
		p.Attributes.SetInt("batteryLevel", int64(m.body[0]))
		p.DeviceTime = m.time(m.body[1:])
		return out.list
	}
	b := converters.NewReader(m.body)
	out := roomFor(b.Len() / (1 + locationSize))
	for len(out.list) < cap(out.list) {
		content := b.Bytes(int(b.U8()))
		if len(content) < locationSize {
			break
		}
		r := reader{m, out.next()}
		r.location(content)
	}
	return out.list
}
