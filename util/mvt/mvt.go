// Package mvt writes vector tiles as web maps read them: Mapbox Vector Tile
// 2.1 (github.com/mapbox/vector-tile-spec), lines and points with numbers as
// attributes.
package mvt

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Extent is the side of a tile in its units.
const Extent = 4096

// ContentType is the media type of a tile.
const ContentType = "application/vnd.mapbox-vector-tile"

// Point is a place in a tile: units from its north-western corner, which may
// lie a little outside.
type Point struct{ X, Y int32 }

// Layer is a layer being written. Keys are the names of its features' attributes.
type Layer struct {
	name     string
	keys     []string
	values   map[uint64]uint32
	encoded  []byte // of the values
	features []byte
	geometry []byte
	tags     []byte
}

// NewLayer makes a layer.
func NewLayer(name string, keys ...string) *Layer {
	return &Layer{name: name, keys: keys, values: make(map[uint64]uint32)}
}

const (
	pointType, lineType = 1, 2
	moveTo, lineTo      = 1, 2
)

// Line adds a line with the values of the layer's keys. One of fewer than two
// points is left out.
func (l *Layer) Line(points []Point, values ...float64) {
	if len(points) < 2 {
		return
	}
	l.geometry = l.geometry[:0]
	l.command(moveTo, 1)
	at := l.step(Point{}, points[0])
	l.command(lineTo, len(points)-1)
	for _, p := range points[1:] {
		at = l.step(at, p)
	}
	l.feature(lineType, values)
}

// Point adds a point with the values of the layer's keys.
func (l *Layer) Point(p Point, values ...float64) {
	l.geometry = l.geometry[:0]
	l.command(moveTo, 1)
	l.step(Point{}, p)
	l.feature(pointType, values)
}

func (l *Layer) command(id, count int) {
	l.geometry = protowire.AppendVarint(l.geometry, uint64(count<<3|id))
}

func (l *Layer) step(from, to Point) Point {
	l.geometry = protowire.AppendVarint(l.geometry, protowire.EncodeZigZag(int64(to.X)-int64(from.X))&math.MaxUint32)
	l.geometry = protowire.AppendVarint(l.geometry, protowire.EncodeZigZag(int64(to.Y)-int64(from.Y))&math.MaxUint32)
	return to
}

// feature appends a Feature (field 2 of a Layer): tags 2, type 3, geometry 4.
func (l *Layer) feature(kind uint64, values []float64) {
	l.tags = l.tags[:0]
	for key := range l.keys {
		l.tags = protowire.AppendVarint(l.tags, uint64(key))
		l.tags = protowire.AppendVarint(l.tags, uint64(l.value(values[key])))
	}
	var b []byte
	b = appendBytes(b, 2, l.tags)
	b = protowire.AppendTag(b, 3, protowire.VarintType)
	b = protowire.AppendVarint(b, kind)
	b = appendBytes(b, 4, l.geometry)
	l.features = appendBytes(l.features, 2, b)
}

// value is the index of a Value (field 4 of a Layer): double 3, sint 6.
func (l *Layer) value(f float64) uint32 {
	bits := math.Float64bits(f)
	if i, ok := l.values[bits]; ok {
		return i
	}
	i := uint32(len(l.values))
	l.values[bits] = i
	var v []byte
	if whole := int64(f); float64(whole) == f {
		v = protowire.AppendTag(v, 6, protowire.VarintType)
		v = protowire.AppendVarint(v, protowire.EncodeZigZag(whole))
	} else {
		v = protowire.AppendTag(v, 3, protowire.Fixed64Type)
		v = protowire.AppendFixed64(v, bits)
	}
	l.encoded = appendBytes(l.encoded, 4, v)
	return i
}

// Append appends the layer to a tile, unless it is empty: name 1, features 2,
// keys 3, values 4, extent 5, version 15; a Layer is field 3 of a Tile.
func (l *Layer) Append(tile []byte) []byte {
	if len(l.features) == 0 {
		return tile
	}
	b := protowire.AppendTag(nil, 15, protowire.VarintType)
	b = protowire.AppendVarint(b, 2)
	b = appendBytes(b, 1, []byte(l.name))
	b = append(b, l.features...)
	for _, key := range l.keys {
		b = appendBytes(b, 3, []byte(key))
	}
	b = append(b, l.encoded...)
	b = protowire.AppendTag(b, 5, protowire.VarintType)
	b = protowire.AppendVarint(b, Extent)
	return appendBytes(tile, 3, b)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}
