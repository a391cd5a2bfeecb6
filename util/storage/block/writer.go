package block

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// The bits of the column flags.
const (
	flagValid = 1 << iota
	flagOutdated
	flagNoFix
	flagsEnd
)

// writers keep the memory of earlier blocks.
var writers = sync.Pool{New: func() any {
	return &writer{texts: map[string]int64{}, networkOf: map[string]int64{}, attributes: attributeWriter{keyOf: map[attributeKey]int{}, shapeOf: map[string]int{}}}
}}

// keepSize is from how many bytes on a writer or a reader is not kept for the
// next block.
const keepSize = 1 << 20

// writer makes the sections of a block.
type writer struct {
	coder  intCoder
	floats floatCoder
	// keys is section K, body is section C without the texts.
	keys, body []byte
	// plain is section C, packed as it is stored.
	plain, packed []byte
	// ints and raw are a column.
	ints []int64
	raw  []uint64

	texts      map[string]int64
	lengths    []byte // of the texts
	joined     []byte // the texts
	networkOf  map[string]int64
	network    []byte // one network, as it is made
	attributes attributeWriter

	// values counts towards MaxValues.
	values int
}

func (w *writer) release() {
	if cap(w.plain)+cap(w.coder.bits.buf)+64*cap(w.ints)+48*w.values > keepSize {
		return
	}
	w.coder.bits.buf = w.coder.bits.buf[:0]
	w.coder.bits.acc, w.coder.bits.count = 0, 0
	w.keys, w.body, w.lengths, w.joined = w.keys[:0], w.body[:0], w.lengths[:0], w.joined[:0]
	clear(w.texts)
	clear(w.networkOf)
	w.attributes.reset()
	w.values = 0
	writers.Put(w)
}

// columns fills the sections.
func (w *writer) columns(points []Point) error {
	w.ints, w.raw = grow(w.ints, len(points)), grow(w.raw, len(points))
	w.addTimes(points)
	w.addFloats(points, func(p *data.Position) float64 { return p.Latitude })
	w.addFloats(points, func(p *data.Position) float64 { return p.Longitude })
	w.addFloats(points, func(p *data.Position) float64 { return p.AltitudeM })
	w.addFloats(points, func(p *data.Position) float64 { return p.SpeedKnots })
	w.addFloats(points, func(p *data.Position) float64 { return p.CourseDeg })
	w.addFloats(points, func(p *data.Position) float64 { return p.AccuracyM })
	w.addInts(points, func(p *data.Position) int64 { return w.text(p.Protocol) })
	if err := w.addNetworks(points); err != nil {
		return err
	}
	if err := w.addAttributes(points); err != nil {
		return err
	}
	return w.fits()
}

// fits is called often enough that memory stays in proportion to the limits.
func (w *writer) fits() error {
	if w.values > MaxValues {
		return fmt.Errorf("more than %d values: %w", MaxValues, ErrTooLarge)
	}
	// The texts have a count of at most 4 bytes.
	if size := len(w.body) + len(w.lengths) + len(w.joined) + 4; size > MaxSize {
		return fmt.Errorf("more than %d bytes: %w", MaxSize, ErrTooLarge)
	}
	return nil
}

func (w *writer) addInts(points []Point, of func(*data.Position) int64) {
	for i := range points {
		w.ints[i] = of(&points[i].Position)
	}
	w.body = w.coder.append(w.body, w.ints)
}

func (w *writer) addFloats(points []Point, of func(*data.Position) float64) {
	for i := range points {
		w.raw[i] = math.Float64bits(of(&points[i].Position))
	}
	w.body = w.floats.append(w.body, &w.coder, w.raw)
}

func (w *writer) addTimes(points []Point) {
	for i := range points {
		w.ints[i] = points[i].Position.Time().UnixMilli()
	}
	w.keys = w.coder.append(w.keys, w.ints)
	for i := range points {
		w.ints[i] = int64(uint32(points[i].Position.ID))
	}
	w.keys = w.coder.append(w.keys, w.ints)
	w.addInts(points, flags)
	w.addInts(points, func(p *data.Position) int64 {
		switch f := flags(p); {
		case f&flagNoFix != 0:
			return 0
		case f&flagOutdated != 0:
			return p.FixTime.UnixMilli() - p.DeviceTime.UnixMilli()
		}
		return p.DeviceTime.UnixMilli() - p.FixTime.UnixMilli()
	})
	w.addInts(points, func(p *data.Position) int64 { return p.ServerTime.UnixMilli() - p.DeviceTime.UnixMilli() })
}

func flags(p *data.Position) (f int64) {
	if p.Valid {
		f |= flagValid
	}
	if p.Outdated {
		f |= flagOutdated
	}
	if p.FixTime.UnixMilli() == noTime {
		f |= flagNoFix
	}
	return f
}

// noTime is the zero time.
var noTime = time.Time{}.UnixMilli()

// text returns the index of a text.
func (w *writer) text(s string) int64 {
	i, ok := w.texts[s]
	if !ok {
		i = int64(len(w.texts))
		w.texts[s] = i
		w.lengths = binary.AppendUvarint(w.lengths, uint64(len(s)))
		w.joined = append(w.joined, s...)
		w.values++
	}
	return i
}

// appendSections appends all behind the header.
func (w *writer) appendSections(dst []byte, points []Point) []byte {
	w.plain = binary.AppendUvarint(w.plain[:0], uint64(len(w.texts)))
	w.plain = append(w.plain, w.lengths...)
	w.plain = append(w.plain, w.joined...)
	w.plain = append(w.plain, w.body...)
	w.packed = compress(w.packed[:0], w.plain)
	bits := w.coder.bits.close()
	dst = binary.AppendUvarint(dst, uint64(len(points)))
	for _, size := range [...]int{len(w.keys), len(bits), len(w.plain), len(w.packed)} {
		dst = binary.AppendUvarint(dst, uint64(size))
	}
	for i := range points {
		dst = binary.LittleEndian.AppendUint32(dst, points[i].Fingerprint)
	}
	dst = append(dst, w.keys...)
	dst = append(dst, bits...)
	return append(dst, w.packed...)
}
