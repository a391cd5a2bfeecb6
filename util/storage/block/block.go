package block

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/waymark-gps/waymark/data"
)

const (
	magic   = "WMB"
	version = 1
	// headerSize is what all versions have in common.
	headerSize = 8
)

// The limits of a block: Append says ErrTooLarge beyond, and readers check them
// before they take memory. So hostile bytes cost at most 100 bytes of memory
// per byte of the block for its points, 100 per value and MaxSize twice.
const (
	// MaxPoints bounds the points, and with their fingerprints, which are
	// stored as they are, every four bytes of a block stand for at most one.
	MaxPoints = 1 << 17
	// MaxValues bounds the attributes, the distinct texts, keys and shapes, the
	// cells and the access points of distinct networks, taken together.
	MaxValues = 1 << 21
	// MaxSize bounds the texts and what else is compressed, in bytes before
	// compression.
	MaxSize = 32 << 20
)

var (
	// ErrCorrupt says that bytes are no block, or no longer; the text says what is
	// wrong.
	ErrCorrupt = errors.New("corrupt block")
	// ErrNewer says that a later release of Waymark wrote the block.
	ErrNewer = errors.New("block of a newer format: update Waymark to read it")
	// ErrTooLarge says that points do not fit into one block: make several.
	ErrTooLarge = errors.New("too much for one block")
)

// Point is a position with what it is known by.
type Point struct {
	// Position has ID = DeviceID<<32 | number, where number counts the positions
	// of the device.
	Position data.Position
	// Fingerprint is the lower half of data.Position.Fingerprint as of arrival.
	Fingerprint uint32
}

// Key is what a point is known by within its device.
type Key struct {
	// Time is data.Position.Time in milliseconds since 1970 UTC.
	Time int64
	// Number is the lower half of data.Position.ID.
	Number      uint32
	Fingerprint uint32
}

// numberBits is how much of an ID is the number within the device.
const numberBits = 32

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is over all of b but the checksum itself.
func checksum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:4], castagnoli), castagnoli, b[headerSize:])
}

// Append appends a block of points, which are of one device and ordered by
// Position.Time, then ID, none twice; else the error wraps data.ErrInvalid.
// Points beyond the limits of a block give ErrTooLarge; one point always fits
// unless it has megabytes of texts. What is below a millisecond of a time is
// lost, as is its zone. After an error dst is as before.
func Append(dst []byte, points []Point) ([]byte, error) {
	if err := valid(points); err != nil {
		return dst, fmt.Errorf("write block: %w", err)
	}
	w := writers.Get().(*writer)
	defer w.release()
	if err := w.columns(points); err != nil {
		return dst, fmt.Errorf("write block: %w", err)
	}
	start := len(dst)
	dst = append(dst, magic...)
	dst = append(dst, version, 0, 0, 0, 0)
	dst = w.appendSections(dst, points)
	block := dst[start:]
	binary.LittleEndian.PutUint32(block[4:], checksum(block))
	return dst, nil
}

func valid(points []Point) error {
	if len(points) == 0 {
		return fmt.Errorf("no points: %w", data.ErrInvalid)
	}
	if len(points) > MaxPoints {
		return fmt.Errorf("%d points, at most %d: %w", len(points), MaxPoints, ErrTooLarge)
	}
	device := points[0].Position.DeviceID
	var before Key
	for i := range points {
		p := &points[i].Position
		if p.DeviceID != device || p.ID>>numberBits != device {
			return fmt.Errorf("point %d has the id %d and the device %d in a block of device %d: %w",
				i, p.ID, p.DeviceID, device, data.ErrInvalid)
		}
		key := Key{Time: p.Time().UnixMilli(), Number: uint32(p.ID)}
		if i > 0 && !before.less(key) {
			return fmt.Errorf("point %d does not come after the one before it: %w", i, data.ErrInvalid)
		}
		before = key
	}
	return nil
}

// less is the order of points.
func (k Key) less(other Key) bool {
	return k.Time < other.Time || k.Time == other.Time && k.Number < other.Number
}
