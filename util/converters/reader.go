package converters

import "math/bits"

// Reader reads fields from the front of a slice, big endian, or little endian
// with the methods that end in LE. Reading past the
// end gives zeros and makes OK false, so that a decoder asks once at the end of
// a block instead of after each field. It never allocates.
type Reader struct {
	rest  []byte
	short bool
}

// NewReader reads b, which it does not copy.
func NewReader(b []byte) Reader { return Reader{rest: b} }

// OK tells whether everything asked for was there.
func (r *Reader) OK() bool { return !r.short }

// Len is the number of bytes left.
func (r *Reader) Len() int { return len(r.rest) }

// Rest returns the bytes left without taking them.
func (r *Reader) Rest() []byte { return r.rest }

// Bytes takes n bytes; nil if there are not that many. The result shares the
// memory of the input.
func (r *Reader) Bytes(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.short, r.rest = true, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// Skip leaves out n bytes.
func (r *Reader) Skip(n int) { r.Bytes(n) }

// U8, U16, U24, U32 and U64 take an unsigned number of that many bits.
func (r *Reader) U8() uint8 {
	if len(r.rest) < 1 {
		r.short, r.rest = true, nil
		return 0
	}
	v := r.rest[0]
	r.rest = r.rest[1:]
	return v
}

// U16 takes two bytes.
func (r *Reader) U16() uint16 {
	if len(r.rest) < 2 {
		r.short, r.rest = true, nil
		return 0
	}
	v := uint16(r.rest[0])<<8 | uint16(r.rest[1])
	r.rest = r.rest[2:]
	return v
}

// U24 takes three bytes.
func (r *Reader) U24() uint32 { return uint32(r.Uint(3)) }

// U32 takes four bytes.
func (r *Reader) U32() uint32 {
	if len(r.rest) < 4 {
		r.short, r.rest = true, nil
		return 0
	}
	v := uint32(r.rest[0])<<24 | uint32(r.rest[1])<<16 | uint32(r.rest[2])<<8 | uint32(r.rest[3])
	r.rest = r.rest[4:]
	return v
}

// U64 takes eight bytes.
func (r *Reader) U64() uint64 {
	high := r.U32()
	return uint64(high)<<32 | uint64(r.U32())
}

// Uint takes an unsigned number of size bytes, 1 to 8.
func (r *Reader) Uint(size int) uint64 {
	v := uint64(0)
	for _, b := range r.Bytes(size) {
		v = v<<8 | uint64(b)
	}
	return v
}

// U16LE takes two bytes, the lowest first.
func (r *Reader) U16LE() uint16 { return bits.ReverseBytes16(r.U16()) }

// U24LE takes three bytes, the lowest first.
func (r *Reader) U24LE() uint32 { return bits.ReverseBytes32(r.U24() << 8) }

// U32LE takes four bytes, the lowest first.
func (r *Reader) U32LE() uint32 { return bits.ReverseBytes32(r.U32()) }

// UintLE takes an unsigned number of size bytes, 1 to 8, the lowest first.
func (r *Reader) UintLE(size int) uint64 {
	v := uint64(0)
	for i, b := range r.Bytes(size) {
		v |= uint64(b) << (8 * i)
	}
	return v
}

// SignExtend reads the low size bytes of v, 1 to 8, as a signed number.
func SignExtend(v uint64, size int) int64 {
	shift := 64 - 8*size
	return int64(v<<shift) >> shift
}
