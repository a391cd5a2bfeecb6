// Package history keeps the positions of devices: a hot part, to which reports
// are appended as they come, and blocks, each some points of one device within
// one hour, compressed (package block). Compaction moves the hot part into
// blocks; reading merges both. The rules are here, once; a back end stores
// rows and blobs.
//
//	insert -> hot generation g            (one transaction with the heads)
//	seal g -> merge into blocks -> drop g (idempotent: what is in both is one)
//	read   -> hot, then blocks, merged by (time, number)
//
// A position is known by its device, its time (data.Position.Time) and the
// fingerprint of what the device sent. Its id is the device's id and a number
// that counts the device's positions: ID.
package history

import (
	"context"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

// Row is a position in the hot part.
type Row struct {
	DeviceID int64
	// Time is data.Position.Time in milliseconds since 1970 UTC.
	Time int64
	// Number counts the positions of the device, from 1, in the order of arrival.
	Number uint32
	// Fingerprint is the lower half of what data.Position.Fingerprint returned
	// when the report arrived.
	Fingerprint uint32
	// Position is the position as package wire writes it, without its ids. What
	// is given to a method is of use until that returns only; what is returned
	// belongs to the caller, but for ScanHot, where it is of use during the call.
	Position []byte
}

// Key is what makes a position the same as another one.
type Key struct {
	DeviceID    int64
	Time        int64
	Fingerprint uint32
}

// Head is what is known of a device without reading its history.
type Head struct {
	DeviceID int64
	// LastUpdate is when the device last spoke, in milliseconds; ZeroTime for
	// never.
	LastUpdate int64
	// LastNumber is the last Number that was given.
	LastNumber uint32
	// MaxTime is the newest Time that was ever stored: what is newer cannot have
	// been stored before. It is of no meaning while LastNumber is 0.
	MaxTime int64
	// Thinned is how far retention has thinned the history, in milliseconds; 0 for
	// not at all.
	Thinned int64
	// Epoch is storage.Arrival.Epoch.
	Epoch int64
	// Newest is the newest position by Time, then Number, with its ID; its
	// Number is 0 if there is none. Its DeviceID need not be set.
	Newest Row

	changed bool // is in the list of changes already
}

// Block is a row of the blocks: points of one device within one hour UTC.
type Block struct {
	DeviceID int64
	// First and Last are the times of the first and last point, in milliseconds.
	// No two blocks of a device begin in the same second.
	First, Last int64
	// MinNumber and MaxNumber bound the numbers within.
	MinNumber, MaxNumber uint32
	// Points is how many there are.
	Points int
	// Data is what package block wrote.
	Data []byte
}

// Tx is a transaction of Backend.Update. Its reads may run on the connection of
// the transaction or on another one: they come before the writes.
type Tx interface {
	// HotKeys returns the keys of the hot rows, in all generations, that have
	// device and time in common with one of those.
	HotKeys(ctx context.Context, at []Key) ([]Key, error)
	// BlocksAt returns the blocks, each once, that include the device and time of
	// one of those: First <= Time <= Last. See Backend for those that cannot be read.
	BlocksAt(ctx context.Context, at []Key) ([]Block, error)
	// AppendHot adds rows to the current generation.
	AppendHot(ctx context.Context, rows []Row) error
	// SetHeads replaces heads.
	SetHeads(ctx context.Context, heads []*Head) error
	// PutFindings stores findings and sets ID and Fresh of their events.
	PutFindings(ctx context.Context, findings []storage.Findings) error
	// PutEvents stores events and sets their IDs.
	PutEvents(ctx context.Context, events []*data.Event) error
}

// Backend stores rows and blobs. Its methods may be called by several
// goroutines at once; errors wrap the kinds of package data. A method that
// returns blocks and cannot read some of them (a damaged file or page) returns
// the others with an error that wraps block.ErrCorrupt and says what to do.
type Backend interface {
	// Update locks the heads of those of the devices that exist, and runs work
	// with them; a device without history yet has a head of zeros with LastUpdate
	// ZeroTime (or the time of TouchDevices). The heads are copies, to be changed
	// as the work likes. When Update returns nil, all is on disk.
	Update(ctx context.Context, deviceIDs []int64, work func(ctx context.Context, tx Tx, heads map[int64]*Head) error) error
	// Heads returns the heads of devices, by id; nil asks for all. Devices
	// without one are left out.
	Heads(ctx context.Context, deviceIDs []int64) ([]Head, error)

	// Hot returns the rows of a device in all generations with
	// (from, after) < (Time, Number) and Time <= to, in that order, at most limit.
	Hot(ctx context.Context, deviceID, from int64, after uint32, to int64, limit int) ([]Row, error)
	// HotBefore returns the newest rows with Time < before, newest first by Time,
	// then Number.
	HotBefore(ctx context.Context, deviceID, before int64, limit int) ([]Row, error)
	// HotNumbers returns rows by their numbers.
	HotNumbers(ctx context.Context, deviceID int64, numbers []uint32) ([]Row, error)
	// Blocks returns the blocks of a device that overlap [from, to], by First, at
	// most limit.
	Blocks(ctx context.Context, deviceID, from, to int64, limit int) ([]Block, error)
	// BlocksBefore returns the newest blocks with First < before, newest first.
	BlocksBefore(ctx context.Context, deviceID, before int64, limit int) ([]Block, error)
	// BlocksWith returns the blocks whose numbers may include one of those.
	BlocksWith(ctx context.Context, deviceID int64, numbers []uint32) ([]Block, error)

	// Generations tells how the hot part stands, oldest first; the last one is
	// the current one, which is not sealed.
	Generations(ctx context.Context) ([]Generation, error)
	// Seal ends the current generation: nothing is added to it when this
	// returns, and inserts go to a new one, which begins at now (milliseconds). It
	// does nothing while a sealed one is left.
	Seal(ctx context.Context, now int64) error
	// ScanHot walks the rows of a sealed generation in the order of device,
	// Time, Number: those with (DeviceID, Time) > (afterDevice, afterTime). An
	// error of each ends the walk and is returned. each does not call the back end.
	ScanHot(ctx context.Context, generation, afterDevice, afterTime int64, each func(*Row) error) error
	// DropHot removes a sealed generation, not row by row. A generation that is
	// not there any more is no error.
	DropHot(ctx context.Context, generation int64) error
	// ReplaceBlocks applies changes of one or many devices in one transaction
	// (per month, where months are files), which is on disk when it returns.
	ReplaceBlocks(ctx context.Context, changes []Change) error
	// DeleteBlocks removes the blocks of a device that lie within [from, to]:
	// from <= First and Last <= to.
	DeleteBlocks(ctx context.Context, deviceID, from, to int64) error

	// DeleteHot removes rows of a device with from <= Time <= to, in all
	// generations.
	DeleteHot(ctx context.Context, deviceID, from, to int64) error
	// DropDevice removes the head, the hot rows, the blocks, the findings and the
	// events of a device that does not exist any more.
	DropDevice(ctx context.Context, deviceID int64) error
	// Spans lists the months (see Month) that hold blocks, oldest first.
	Spans(ctx context.Context) ([]int64, error)
	// DropSpan removes a month of blocks as a whole: a file, a partition.
	DropSpan(ctx context.Context, month int64) error

	// Lead makes the caller the only one, of all processes, that compacts and
	// tidies; ok is false while another is.
	Lead(ctx context.Context) (release func(), ok bool, err error)
	// Lock makes the caller the only one, of all processes, that changes what is
	// stored already: moves, thins or deletes. It is held for a short time (a
	// portion of work) and waited for until ctx ends. Of the callers of one
	// process no more than one holds a connection for it.
	Lock(ctx context.Context) (unlock func(), err error)
}

// Generation is a part of the hot rows.
type Generation struct {
	ID int64
	// Rows is about how many there are.
	Rows int64
	// Devices is about how many devices they are of; it need not be counted while
	// Rows is below CompactRows.
	Devices int64
	// Since is when it began, in milliseconds.
	Since  int64
	Sealed bool
}

// Change replaces blocks of a device, all of one hour.
type Change struct {
	DeviceID int64
	// Remove are the First of blocks that go. One that is not there is no error.
	Remove []int64
	// Aside are the First of blocks that could not be read: they move, as they
	// are, to a table of their own (blocks_aside), where nothing reads them.
	Aside []int64
	// Put are the new ones.
	Put []Block
}

// ZeroTime is the zero time.Time in milliseconds.
const ZeroTime = -62135596800000

// Hour is the hour, in milliseconds, that a time belongs to: its first one.
func Hour(ms int64) int64 { return floor(ms, time.Hour.Milliseconds()) }

// floor rounds down to a multiple of unit, also below 0.
func floor(ms, unit int64) int64 {
	rest := ms % unit
	if rest < 0 {
		rest += unit
	}
	return ms - rest
}

// Blocks are kept by month. Clocks that are wrong shall not make months without
// end: what is before 2000 belongs to its first month, what is after 2099 to
// the last one of it.
var (
	firstMonth = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	lastMonth  = time.Date(2099, 12, 1, 0, 0, 0, 0, time.UTC)
)

// Month is the month that a time belongs to: the first millisecond of it.
func Month(ms int64) int64 {
	t := time.UnixMilli(ms).UTC()
	switch {
	case t.Before(firstMonth):
		t = firstMonth
	case t.After(lastMonth):
		t = lastMonth
	}
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC).UnixMilli()
}

// numberBits is how much of an id is the number within the device.
const numberBits = 32

// MaxDeviceID is the largest device id whose positions have ids that a
// JavaScript number holds exactly (2^53).
const MaxDeviceID = 1<<(53-numberBits) - 1

// ID is the id of a device's position.
func ID(deviceID int64, number uint32) int64 { return deviceID<<numberBits | int64(number) }

// SplitID is the reverse of ID.
func SplitID(id int64) (deviceID int64, number uint32) { return id >> numberBits, uint32(id) }
