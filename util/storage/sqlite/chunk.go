package sqlite

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/waymark-gps/waymark/util/storage/block"
	"github.com/waymark-gps/waymark/util/storage/history"
)

// A chunk is what a row of a hot table holds: positions of any devices as they
// came, about a page of the file. Nothing finds its way into the file but by
// being appended, which costs a fraction of rows with an index; where the
// positions of a device are is known in memory (hotIndex).
//
//	1 byte   chunkVersion
//	4 bytes  CRC-32C of the rest, little endian
//	rows     1 byte   0, or rowErased
//	         uvarint  device
//	         varint   time
//	         uvarint  number
//	         4 bytes  fingerprint, little endian
//	         varint   when the device had last spoken (Head.LastUpdate) less time
//	         uvarint  length of what follows
//	         bytes    position, zeros if it is erased
const (
	chunkVersion = 1
	chunkHeader  = 5
	rowErased    = 1

	// chunkBytes is how large chunks get, unless a single position is larger: with
	// what SQLite adds, one fits into a page (SQLite file format §1.6).
	chunkBytes = recentPage - 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// chunkRow is a row of a chunk.
type chunkRow struct {
	history.Row
	LastUpdate int64
	erased     bool
}

// maxRowHeader is what a row takes at most besides its position.
const maxRowHeader = 1 + 10 + 10 + 5 + 4 + 10 + 5

// appendRow appends a row to a chunk that has been begun.
func appendRow(chunk []byte, r *history.Row, lastUpdate int64) []byte {
	chunk = append(chunk, 0)
	chunk = binary.AppendUvarint(chunk, uint64(r.DeviceID))
	chunk = binary.AppendVarint(chunk, r.Time)
	chunk = binary.AppendUvarint(chunk, uint64(r.Number))
	chunk = binary.LittleEndian.AppendUint32(chunk, r.Fingerprint)
	chunk = binary.AppendVarint(chunk, lastUpdate-r.Time)
	chunk = binary.AppendUvarint(chunk, uint64(len(r.Position)))
	return append(chunk, r.Position...)
}

// chunkWriter fills chunks, one after the other in its room.
type chunkWriter struct {
	// put is called for each chunk when it is full.
	put    func(points int, chunk []byte) error
	room   []byte
	begin  int // of the chunk that is being filled
	points int
}

func (w *chunkWriter) add(r *history.Row, lastUpdate int64) error {
	if w.points > 0 && len(w.room)-w.begin+len(r.Position)+maxRowHeader > chunkBytes {
		if err := w.close(); err != nil {
			return err
		}
	}
	if w.points == 0 {
		w.room = append(w.room, chunkVersion, 0, 0, 0, 0)
	}
	w.room = appendRow(w.room, r, lastUpdate)
	w.points++
	return nil
}

// close ends the last chunk.
func (w *chunkWriter) close() error {
	if w.points == 0 {
		return nil
	}
	chunk, points := w.room[w.begin:], w.points
	closeChunk(chunk)
	w.begin, w.points = len(w.room), 0
	return w.put(points, chunk)
}

// closeChunk writes the checksum.
func closeChunk(chunk []byte) {
	binary.LittleEndian.PutUint32(chunk[1:], crc32.Checksum(chunk[chunkHeader:], castagnoli))
}

var errChunk = fmt.Errorf("a row does not fit in: %w", block.ErrCorrupt)

// openChunk checks a chunk.
func openChunk(chunk []byte) error {
	switch {
	case len(chunk) < chunkHeader:
		return fmt.Errorf("it is cut short: %w", block.ErrCorrupt)
	case chunk[0] != chunkVersion:
		return fmt.Errorf("its version is %d: %w", chunk[0], block.ErrCorrupt)
	case binary.LittleEndian.Uint32(chunk[1:]) != crc32.Checksum(chunk[chunkHeader:], castagnoli):
		return fmt.Errorf("its checksum is wrong: %w", block.ErrCorrupt)
	}
	return nil
}

// rowAt reads the row that begins at an offset, and tells where it ends. The
// position lies in the chunk.
func rowAt(chunk []byte, at int) (r chunkRow, next int, err error) {
	if at < chunkHeader || at >= len(chunk) {
		return r, 0, errChunk
	}
	b := cursor{rest: chunk[at:]}
	r.erased = b.byte() == rowErased
	r.DeviceID = int64(b.uvarint())
	r.Time = b.varint()
	r.Number = uint32(b.uvarint())
	r.Fingerprint = b.uint32()
	r.LastUpdate = r.Time + b.varint()
	size := b.uvarint()
	if b.short || size > uint64(len(b.rest)) {
		return r, 0, errChunk
	}
	r.Position = b.rest[:size:size]
	return r, len(chunk) - len(b.rest) + int(size), nil
}

// eraseRow blots out the row that begins at an offset.
func eraseRow(chunk []byte, at int) error {
	r, _, err := rowAt(chunk, at)
	if err != nil {
		return err
	}
	chunk[at] = rowErased
	clear(r.Position)
	closeChunk(chunk)
	return nil
}

// cursor reads numbers; short tells that there were too few bytes.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) skip(n int) {
	if n <= 0 || n > len(c.rest) {
		c.short, c.rest = true, nil
		return
	}
	c.rest = c.rest[n:]
}

func (c *cursor) byte() (b byte) {
	if len(c.rest) > 0 {
		b = c.rest[0]
	}
	c.skip(1)
	return b
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	c.skip(n)
	return v
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.rest)
	c.skip(n)
	return v
}

func (c *cursor) uint32() (v uint32) {
	if len(c.rest) >= 4 {
		v = binary.LittleEndian.Uint32(c.rest)
	}
	c.skip(4)
	return v
}
