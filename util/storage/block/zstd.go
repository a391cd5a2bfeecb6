package block

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// worthZstd is from how many bytes on compression can gain something.
const worthZstd = 64

// Encoders and decoders are used for whole buffers only: they start no
// goroutines, and each serves one caller at a time.
var (
	encoders = sync.Pool{New: func() any {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(256<<10))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	}}
	decoders = sync.Pool{New: func() any {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(MaxSize), zstd.WithDecoderMaxWindow(MaxSize), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	}}
)

// compress appends b to dst, compressed if that makes it smaller.
func compress(dst, b []byte) []byte {
	if len(b) >= worthZstd {
		e := encoders.Get().(*zstd.Encoder)
		defer encoders.Put(e)
		start := len(dst)
		if dst = e.EncodeAll(b, dst); len(dst)-start < len(b) {
			return dst
		}
		dst = dst[:start]
	}
	return append(dst, b...)
}

// decompress reads what compress wrote of size bytes into the room of buf.
func decompress(buf, b []byte, size int) ([]byte, error) {
	d := decoders.Get().(*zstd.Decoder)
	defer decoders.Put(d)
	return d.DecodeAll(b, grow(buf, size)[:0:size])
}
