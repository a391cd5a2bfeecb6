package block

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/waymark-gps/waymark/data"
)

// readers keep the memory of earlier blocks.
var readers = sync.Pool{New: func() any { return new(reader) }}

// reader reads the sections of a block. Its first error stays; after it, all
// that is read is zero.
type reader struct {
	sections
	bits bitReader
	// rest is what is left of K, later of C.
	rest []byte
	// column is what is being read, for errors.
	column string
	err    error
	// budget is what is left of MaxValues.
	budget int

	plain        []byte
	times, flags []int64
	ints, extra  []int64
	texts        []string
	networks     []*data.Network
	attributes   attributeReader
}

// sections are the parts of a block.
type sections struct {
	points                   int
	fingerprints, keys, body []byte
	// size is what body has when it is not compressed.
	size int
}

func (r *reader) release() {
	clear(r.texts)
	clear(r.networks)
	r.attributes.reset()
	r.sections, r.bits, r.rest, r.err = sections{}, bitReader{}, nil, nil
	kept := cap(r.plain) + 32*cap(r.times) + 16*cap(r.texts) + 8*cap(r.networks) + r.attributes.kept()
	if kept <= keepSize {
		readers.Put(r)
	}
}

// open verifies b and finds its sections.
func (r *reader) open(b []byte) {
	r.column, r.budget = "header", MaxValues
	switch {
	case len(b) < headerSize:
		r.fail("truncated: %d bytes", len(b))
		return
	case string(b[:len(magic)]) != magic:
		r.fail("does not begin as a block")
		return
	case checksum(b) != binary.LittleEndian.Uint32(b[4:]):
		r.fail("checksum differs: damaged or truncated")
		return
	case b[3] == 0:
		r.fail("version 0")
		return
	case b[3] > version:
		r.err = fmt.Errorf("version %d, this release reads up to %d: %w", b[3], version, ErrNewer)
		return
	}
	r.rest = b[headerSize:]
	r.points = r.length("points", MaxPoints)
	keys := r.length("size of the keys", len(b))
	bits := r.length("size of the bits", len(b))
	r.size = r.length("size", MaxSize)
	stored := r.length("stored size", len(b))
	switch size := 4*r.points + keys + bits + stored; {
	case r.err != nil:
	case r.points == 0:
		r.fail("no points")
	case size > len(r.rest):
		r.fail("truncated: %d bytes, want %d", len(r.rest), size)
	case size < len(r.rest):
		r.fail("%d bytes too many", len(r.rest)-size)
	case stored > r.size:
		r.fail("stored size is larger than the size")
	default:
		r.fingerprints = r.take(4 * r.points)
		r.keys, r.bits.buf = r.take(keys), r.take(bits)
		r.body, r.rest = r.rest, r.keys
	}
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %s: %w", r.column, fmt.Sprintf(format, args...), ErrCorrupt)
		r.rest = nil
	}
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.fail("ends early")
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail("ends early")
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail("ends within a number")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) varint() int64 { return unzigzag(r.uvarint()) }

// length reads a number that is at most limit.
func (r *reader) length(what string, limit int) int {
	n := r.uvarint()
	if n > uint64(limit) {
		r.fail("%s is %d, at most %d", what, n, limit)
		return 0
	}
	return int(n)
}

// spend takes n values from the budget, of which each has at least size bytes
// left to be read, and returns n.
func (r *reader) spend(n uint64, size int) int {
	if n > uint64(r.budget) {
		r.fail("more than %d values", MaxValues)
		return 0
	}
	if n*uint64(size) > uint64(len(r.rest)) {
		r.fail("ends early")
		return 0
	}
	r.budget -= int(n)
	return int(n)
}

// text reads a text by its index.
func (r *reader) text() string {
	i := r.uvarint()
	if i >= uint64(len(r.texts)) {
		r.fail("no text %d", i)
		return ""
	}
	return r.texts[i]
}

// below checks that values are indexes of count things.
func (r *reader) below(values []int64, count int) bool {
	for _, v := range values {
		if uint64(v) >= uint64(count) {
			r.fail("no value %d, there are %d", v, count)
		}
	}
	return r.err == nil
}

// floats reads a column of floats into dst, as bits.
func (r *reader) floats(dst []int64) {
	index := r.byte()
	corrected := index&correctedBit != 0
	index &^= correctedBit
	if int(index) >= len(divisors) || index == 0 && corrected {
		r.fail("divisor %d", index)
		return
	}
	r.integers(dst)
	if index == 0 {
		return
	}
	divisor := divisors[index]
	for i, v := range dst {
		dst[i] = int64(math.Float64bits(float64(v) / divisor))
	}
	if corrected {
		r.extra = grow(r.extra, len(dst))
		r.integers(r.extra)
		for i, c := range r.extra {
			dst[i] += c
		}
	}
}

// integers reads a column of integers into dst, which is not empty.
func (r *reader) integers(dst []int64) {
	mode := r.byte()
	order, coding := int(mode&3), mode>>codeShift&3
	if mode > modeBits || order > maxOrder || coding == codeSame && mode != codeSame<<codeShift {
		r.fail("mode %d", mode)
	}
	dst[0] = r.varint()
	if coding == codeSame {
		for i := range dst {
			dst[i] = dst[0]
		}
		return
	}
	unit, slope := int64(1), int64(0)
	if mode&unitBit != 0 {
		unit = int64(r.uvarint())
	}
	if order == 2 {
		slope = r.varint()
	}
	base := int64(0)
	switch coding {
	case codeRuns:
		r.runs(dst[1:])
	case codeAbove:
		base = r.varint()
		r.rice(dst[1:])
	case codeAround:
		r.rice(dst[1:])
		for i, v := range dst[1:] {
			dst[1+i] = unzigzag(uint64(v))
		}
	}
	if r.err != nil {
		clear(dst)
		return
	}
	sum(dst, order, unit, slope, base)
}

func (r *reader) rice(dst []int64) {
	k := r.byte()
	if k > maxRice {
		r.fail("Rice code with %d bits", k)
		return
	}
	r.bits.rice(dst, uint(k))
	if r.bits.over() {
		r.fail("ends within the bits")
	}
}

func (r *reader) runs(dst []int64) {
	value := int64(0)
	for len(dst) > 0 && r.err == nil {
		more := r.uvarint()
		if more >= uint64(len(dst)) {
			r.fail("a run of %d more values where %d are left", more, len(dst))
			return
		}
		value += r.varint()
		run := dst[:more+1]
		for i := range run {
			run[i] = value
		}
		dst = dst[len(run):]
	}
}

// sum makes values of what is coded, but for the first, which is there.
func sum(dst []int64, order int, unit, slope, base int64) {
	first, total, difference := dst[0], int64(0), slope
	dst = dst[1:]
	switch order {
	case 0:
		first += base * unit
		for i, v := range dst {
			dst[i] = first + v*unit
		}
	case 1:
		for i, v := range dst {
			total += v + base
			dst[i] = first + total*unit
		}
	case 2:
		for i, v := range dst {
			difference += v + base
			total += difference
			dst[i] = first + total*unit
		}
	}
}
