package coding

import (
	"errors"
	"io"
	"math/bits"

	"github.com/andybalholm/brotli"
	"github.com/andybalholm/brotli/matchfinder"
)

const (
	// brotliBlock is how much is compressed at a time, brotliReach how far back
	// repetitions are looked for, in bytes. An encoder keeps up to twice the
	// reach and two blocks in memory.
	brotliBlock = 32 << 10
	brotliReach = 64 << 10
)

// brotliWriter writes brotli (RFC 7932).
//
// The encoder of the library that fits into a small program ends only whole
// streams. Every block is one to it here, and its meta-block is taken out and
// put behind the others: so the stream can be flushed, by a meta-block without
// content, which ends at a whole byte.
type brotliWriter struct {
	to      io.Writer
	find    matchfinder.M4
	encode  brotli.Encoder
	matches []matchfinder.Match
	// in waits to be compressed, out to be written; stream is the encoder's.
	in, out, stream []byte
	// part are the bits, as many as partBits, that make no whole byte yet.
	part     byte
	partBits int
	closed   bool
}

// The bits around a meta-block, first bit lowest.
const (
	// streamHead is the header of a stream with the largest window (9.1).
	streamHead, streamHeadBits = 0b1111, 4
	// streamEnd is the last meta-block, an empty one (9.2: ISLAST, ISLASTEMPTY).
	streamEnd, streamEndBits = 0b11, 2
	// nothing is a meta-block that skips no bytes, and ends at a whole byte (9.2:
	// not ISLAST, MNIBBLES 0, a zero, MSKIPBYTES 0).
	nothing, nothingBits = 0b000110, 6
)

func newBrotli() encoder {
	// Tables of this size are quickly emptied for the next answer. The cost of a
	// bit of distance is that of the library's better levels.
	return &brotliWriter{find: matchfinder.M4{MaxDistance: brotliReach, TableBits: 14, DistanceBitCost: 57}}
}

// Reset begins another stream.
func (w *brotliWriter) Reset(to io.Writer) {
	w.find.Reset()
	w.to, w.in, w.out, w.closed = to, w.in[:0], w.out[:0], false
	w.part, w.partBits = streamHead, streamHeadBits
}

func (w *brotliWriter) Write(p []byte) (n int, err error) {
	if w.closed {
		return 0, errClosed
	}
	for n < len(p) {
		take := min(len(p)-n, brotliBlock-len(w.in))
		w.in = append(w.in, p[n:n+take]...)
		n += take
		if len(w.in) < brotliBlock {
			break
		}
		w.compress()
		if err = w.send(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Flush writes everything so that it can be read.
func (w *brotliWriter) Flush() error {
	if w.closed {
		return errClosed
	}
	w.compress()
	w.add(nothing, nothingBits)
	w.align()
	return w.send()
}

// Close ends the stream.
func (w *brotliWriter) Close() error {
	if w.closed {
		return errClosed
	}
	w.closed = true
	w.compress()
	w.add(streamEnd, streamEndBits)
	w.align()
	return w.send()
}

var errClosed = errors.New("the answer has ended")

// compress adds what waits as a meta-block.
func (w *brotliWriter) compress() {
	if len(w.in) == 0 {
		return
	}
	w.matches = w.find.FindMatches(w.matches[:0], w.in)
	w.encode.Reset()
	w.stream = w.encode.Encode(w.stream[:0], w.in, w.matches, true)
	w.in = w.in[:0]
	// The last bit that is set is that of streamEnd.
	last := len(w.stream) - 1
	end := 8*last + bits.Len8(w.stream[last]) - streamEndBits
	for i := streamHeadBits; i < end; i += 8 - i%8 {
		w.add(w.stream[i/8]>>(i%8), min(8-i%8, end-i))
	}
}

// add adds the lowest n bits of b, up to 8.
func (w *brotliWriter) add(b byte, n int) {
	all := uint16(w.part) | uint16(b)&(1<<n-1)<<w.partBits
	if w.partBits += n; w.partBits >= 8 {
		w.out = append(w.out, byte(all))
		all >>= 8
		w.partBits -= 8
	}
	w.part = byte(all)
}

// align fills the byte that has begun with zeros.
func (w *brotliWriter) align() {
	if w.partBits > 0 {
		w.add(0, 8-w.partBits)
	}
}

// send writes the whole bytes there are.
func (w *brotliWriter) send() error {
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.to.Write(w.out)
	w.out = w.out[:0]
	return err
}
