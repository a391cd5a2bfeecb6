package block

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Parse appends the points of a block, which are those of deviceID, to dst.
// They do not refer to b, but share memory with each other: texts, networks
// (which must not be changed) and the list their attributes lie in. Who keeps
// few of many points had better copy them. To walk over many blocks, pass the
// same dst, emptied, for each: that is faster than one long list. Errors wrap ErrCorrupt or ErrNewer;
// then dst is as before.
func Parse(b []byte, deviceID int64, dst []Point) ([]Point, error) {
	r := readers.Get().(*reader)
	defer r.release()
	r.open(b)
	if r.err == nil {
		start := len(dst)
		dst = slices.Grow(dst, r.points)[:start+r.points]
		if r.all(dst[start:], deviceID); r.err == nil {
			return dst, nil
		}
		clear(dst[start:])
		dst = dst[:start]
	}
	return dst, fmt.Errorf("read block of device %d: %w", deviceID, r.err)
}

// Keys appends the keys of a block to dst, at a fraction of the cost of Parse.
// Errors are as of Parse.
func Keys(b []byte, dst []Key) ([]Key, error) {
	r := readers.Get().(*reader)
	defer r.release()
	r.open(b)
	if r.err == nil {
		r.readKeys()
	}
	if r.err != nil {
		return dst, fmt.Errorf("read keys of block: %w", r.err)
	}
	dst = slices.Grow(dst, r.points)
	for i := range r.points {
		dst = append(dst, Key{r.times[i], uint32(r.ints[i]), r.fingerprint(i)})
	}
	return dst, nil
}

// Check reads all of a block without making points, and returns how many it
// holds. Errors are as of Parse.
func Check(b []byte) (points int, err error) {
	r := readers.Get().(*reader)
	defer r.release()
	r.open(b)
	if r.err == nil {
		r.all(nil, 0)
	}
	if r.err != nil {
		return 0, fmt.Errorf("check block: %w", r.err)
	}
	return r.points, nil
}

func (r *reader) fingerprint(i int) uint32 { return binary.LittleEndian.Uint32(r.fingerprints[4*i:]) }

// readKeys leaves times in r.times and numbers in r.ints.
func (r *reader) readKeys() {
	r.times, r.ints = grow(r.times, r.points), grow(r.ints, r.points)
	r.column = "column time"
	r.integers(r.times)
	r.column = "column number"
	r.integers(r.ints)
	if len(r.rest) > 0 {
		r.fail("%d bytes too many", len(r.rest))
	}
	if r.err != nil || !r.below(r.ints, 1<<numberBits) {
		return
	}
	for i := 1; i < r.points; i++ {
		if r.times[i-1] > r.times[i] || r.times[i-1] == r.times[i] && r.ints[i-1] >= r.ints[i] {
			r.fail("points are not in order")
		}
	}
}

// all reads all columns into points, or only verifies them if points is nil.
func (r *reader) all(points []Point, deviceID int64) {
	r.readKeys()
	for i := range points {
		points[i] = Point{
			Position:    data.Position{ID: deviceID<<numberBits | r.ints[i], DeviceID: deviceID},
			Fingerprint: r.fingerprint(i),
		}
	}
	r.readTexts()
	if r.err != nil {
		return
	}
	r.readTimes(points)
	r.readFloats("latitude", points, func(p *data.Position, v float64) { p.Latitude = v })
	r.readFloats("longitude", points, func(p *data.Position, v float64) { p.Longitude = v })
	r.readFloats("altitude", points, func(p *data.Position, v float64) { p.AltitudeM = v })
	r.readFloats("speed", points, func(p *data.Position, v float64) { p.SpeedKnots = v })
	r.readFloats("course", points, func(p *data.Position, v float64) { p.CourseDeg = v })
	r.readFloats("accuracy", points, func(p *data.Position, v float64) { p.AccuracyM = v })
	r.column = "column protocol"
	if r.integers(r.ints); r.below(r.ints, len(r.texts)) {
		for i := range points {
			points[i].Position.Protocol = r.texts[r.ints[i]]
		}
	}
	r.readNetworks(points)
	r.readAttributes(points)
	if len(r.rest) > 0 {
		r.fail("%d bytes too many", len(r.rest))
	}
	if r.err == nil && len(r.bits.buf) != (r.bits.at+7)/8 {
		r.fail("%d bytes of bits, %d bits read", len(r.bits.buf), r.bits.at)
	}
}

// readTexts opens section C and reads the texts.
func (r *reader) readTexts() {
	r.column = "texts"
	if r.err != nil {
		return
	}
	if r.rest = r.body; len(r.body) < r.size {
		plain, err := decompress(r.plain, r.body, r.size)
		if err != nil || len(plain) != r.size {
			r.fail("%d bytes instead of %d: %v", len(plain), r.size, err)
			return
		}
		r.plain, r.rest = plain, plain
	}
	r.texts = grow(r.texts, r.spend(r.uvarint(), 1))
	r.ints = grow(r.ints, max(r.points, len(r.texts)))
	total := 0
	for i := range r.texts {
		length := r.length("length of a text", r.size)
		r.ints[i], total = int64(length), total+length
		if total > r.size {
			r.fail("ends early")
			return
		}
	}
	joined := string(r.take(total))
	if r.err != nil {
		return
	}
	for i := range r.texts {
		length := r.ints[i]
		r.texts[i], joined = joined[:length], joined[length:]
	}
	r.ints = r.ints[:r.points]
}

func (r *reader) readTimes(points []Point) {
	r.column = "column flags"
	r.integers(r.ints)
	r.below(r.ints, flagsEnd)
	for i, f := range r.ints {
		if f&flagNoFix == 0 && r.times[i] == noTime && f&flagOutdated == 0 {
			r.fail("a fix without a time")
		}
	}
	for i := range points {
		p, f := &points[i].Position, r.ints[i]
		p.Valid, p.Outdated = f&flagValid != 0, f&flagOutdated != 0
	}
	r.flags = append(r.flags[:0], r.ints...)
	r.column = "column other time"
	r.integers(r.ints)
	for i := range points {
		p := &points[i].Position
		at := utc(r.times[i])
		other := at
		if r.ints[i] != 0 {
			other = utc(r.times[i] + r.ints[i])
		}
		switch f := r.flags[i]; {
		case f&flagNoFix != 0:
			p.DeviceTime = at
		case f&flagOutdated != 0:
			p.DeviceTime, p.FixTime = at, other
		default:
			p.FixTime, p.DeviceTime = at, other
			r.times[i] += r.ints[i]
		}
	}
	r.column = "column server time"
	r.integers(r.ints)
	for i := range points {
		points[i].Position.ServerTime = utc(r.times[i] + r.ints[i])
	}
}

func utc(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func (r *reader) readFloats(name string, points []Point, set func(*data.Position, float64)) {
	r.column = "column " + name
	r.floats(r.ints)
	for i := range points {
		set(&points[i].Position, math.Float64frombits(uint64(r.ints[i])))
	}
}

func (r *reader) readNetworks(points []Point) {
	r.column = "networks"
	count := r.spend(r.uvarint(), 2)
	if count == 0 {
		return
	}
	r.networks = grow(r.networks, 1+count)
	r.networks[0] = nil
	for i := range count {
		r.networks[1+i] = r.network()
	}
	if r.integers(r.ints); r.below(r.ints, len(r.networks)) {
		for i := range points {
			points[i].Position.Network = r.networks[r.ints[i]]
		}
	}
}
