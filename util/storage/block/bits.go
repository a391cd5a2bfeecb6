package block

import (
	"encoding/binary"
	"math/bits"
)

const (
	// maxRice is the most low bits of a Rice code that are written as they are.
	maxRice = 56
	// escape is how many zero bits say that the whole value follows.
	escape = 16
	// shortRice is up to which k a Rice code fits into the 57 bits that one load
	// gives at any bit.
	shortRice = 57 - escape - 1
)

// bitWriter writes section B.
type bitWriter struct {
	buf []byte
	// acc holds count bits, fewer than eight, that are not in buf.
	acc   uint64
	count uint
}

// put appends the low n bits of v, which has no others; n is at most 56.
func (w *bitWriter) put(v uint64, n uint) {
	w.acc |= v << w.count
	w.count += n
	size := len(w.buf) + int(w.count/8)
	w.buf = binary.LittleEndian.AppendUint64(w.buf, w.acc)[:size]
	w.acc >>= w.count &^ 7
	w.count &= 7
}

func (w *bitWriter) rice(v uint64, k uint) {
	switch q := v >> k; {
	case q >= escape:
		w.put(0, escape)
		w.put(v&(1<<32-1), 32)
		w.put(v>>32, 32)
	case k <= shortRice-2:
		w.put((v&(1<<k-1)<<1|1)<<q, uint(q)+1+k)
	default:
		w.put(1<<q, uint(q)+1)
		w.put(v&(1<<k-1), k)
	}
}

// close returns all that was written.
func (w *bitWriter) close() []byte {
	if w.count > 0 {
		w.buf = append(w.buf, byte(w.acc))
		w.acc, w.count = 0, 0
	}
	return w.buf
}

// bitReader reads section B; beyond its end it reads zeros, and over says so.
type bitReader struct {
	buf []byte
	// at counts bits.
	at int
}

// peek returns at least 57 bits from bit at on.
func (r *bitReader) peek(at int) uint64 {
	if i := at >> 3; i+8 <= len(r.buf) {
		return binary.LittleEndian.Uint64(r.buf[i:]) >> (at & 7)
	}
	return r.peekEnd(at)
}

func (r *bitReader) peekEnd(at int) uint64 {
	var last [8]byte
	if i := at >> 3; i < len(r.buf) {
		copy(last[:], r.buf[i:])
	}
	return binary.LittleEndian.Uint64(last[:]) >> (at & 7)
}

func (r *bitReader) over() bool { return r.at > 8*len(r.buf) }

// rice fills dst with values of Rice codes with k.
func (r *bitReader) rice(dst []int64, k uint) {
	at, mask := r.at, uint64(1)<<k-1
	for i := range dst {
		word := r.peek(at)
		q := bits.TrailingZeros64(word)
		if q >= escape {
			at += escape
			dst[i] = int64(r.peek(at)&(1<<32-1) | r.peek(at+32)<<32)
			at += 64
			continue
		}
		at += q + 1
		if k <= shortRice {
			word >>= q + 1
		} else {
			word = r.peek(at)
		}
		dst[i] = int64(uint64(q)<<k | word&mask)
		at += int(k)
	}
	r.at = at
}
