package tracking

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/metric"
)

// FileStore keeps the files that devices send.
type FileStore interface {
	PutMedia(ctx context.Context, m *data.Media) error
	// TrimMedia removes the oldest files that a device has sent beyond a number
	// and a size.
	TrimMedia(ctx context.Context, deviceID int64, files int, bytes int64) error
}

const (
	// maxOpenFiles bounds the files of one device that are not whole yet.
	maxOpenFiles = 4
	// maxOpenBytes bounds those of all devices together.
	maxOpenBytes = 64 << 20
	// maxOpen bounds the devices that have some.
	maxOpen = 2000
	// fileAge is how old a photo may be to be filed under the time it was taken.
	fileAge = 30 * 24 * time.Hour
)

// files puts together what devices send in pieces. Its memory is bounded: the
// file that has waited longest for its next piece makes room. A device that
// comes back, by whatever connection, goes on where it was.
type files struct {
	store FileStore
	// keepFiles and keepBytes bound what is kept of a device.
	keepFiles int
	keepBytes int64
	counted   metric.CounterOf // by protocol and outcome

	mu    sync.Mutex
	open  map[int64][]*openFile // by device, the one with the newest piece last
	bytes int
}

// openFile is a file that is not whole yet.
type openFile struct {
	kind, id string
	to       int // where the next piece begins
	content  []byte
	touched  time.Time
}

func newFiles(cfg Config, store FileStore, m *metrics) *files {
	return &files{
		store: store, keepFiles: cfg.KeepFiles, keepBytes: int64(cfg.KeepFilesMB) << 20,
		counted: m.files, open: map[int64][]*openFile{},
	}
}

// receive takes the piece of a file that a packet holds. When the file is whole
// it is stored, and the packet gets a report with its name. An error means that
// it could not be stored: the device must not get its answer.
func (f *files) receive(ctx context.Context, h *handler, device *data.Device, packet *data.Packet, now time.Time) error {
	part := packet.File
	if part == nil || device.ID == 0 || f.store == nil || f.keepFiles == 0 || f.keepBytes == 0 {
		return nil
	}
	content, whole := f.add(h, device.ID, part, now)
	if !whole {
		return nil
	}
	at := part.Time
	if at.Before(now.Add(-fileAge)) || at.After(now.Add(futureLimit)) {
		at = now
	}
	m := data.Media{DeviceID: device.ID, Content: content}
	var extension string
	m.Type, extension = fileType(part.Kind, content)
	m.Name = fmt.Sprintf("%s-%08x.%s", at.UTC().Format("20060102-150405"), crc32.ChecksumIEEE(content), extension)
	if err := f.store.PutMedia(ctx, &m); err != nil {
		return fmt.Errorf("store file of device: %w", err)
	}
	if err := f.store.TrimMedia(ctx, device.ID, f.keepFiles, f.keepBytes); err != nil {
		h.t.deps.Log.Warn("remove old files", "device", device.ID, "err", err)
	}
	f.counted(h.protocol.Name, "stored").Inc()
	p := data.Position{Protocol: h.protocol.Name, Outdated: true, DeviceTime: at}
	p.Attributes.SetString(part.Kind, m.Name)
	packet.Positions = append(slices.Clip(packet.Positions), p)
	return nil
}

// add adds a piece to its file, and returns the file when it is whole.
func (f *files) add(h *handler, deviceID int64, part *data.FilePart, now time.Time) (content []byte, whole bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file := f.take(deviceID, part)
	switch {
	case file != nil && part.To <= file.to && part.From > 0: // it comes again
		f.keep(deviceID, file)
		return nil, false
	case file != nil && part.From != file.to:
		if file = nil; part.From != 0 { // a piece is missing
			f.counted(h.protocol.Name, "dropped").Inc()
			return nil, false
		}
	case file == nil && part.From != 0: // its beginning is gone, which was counted
		return nil, false
	}
	if file == nil {
		file = &openFile{kind: part.Kind, id: part.ID}
	}
	if len(file.content)+len(part.Content) > data.MaxFile {
		f.counted(h.protocol.Name, "dropped").Inc()
		return nil, false
	}
	file.content = append(file.content, part.Content...)
	file.to, file.touched = part.To, now
	if part.Last {
		return file.content, len(file.content) > 0
	}
	f.keep(deviceID, file)
	for f.bytes > maxOpenBytes || len(f.open) > maxOpen || len(f.open[deviceID]) > maxOpenFiles {
		f.forgetOldest(deviceID)
		f.counted(h.protocol.Name, "dropped").Inc()
	}
	return nil, false
}

// take takes the file of a piece out of those that are open, nil if it is not
// among them. The caller holds f.mu.
func (f *files) take(deviceID int64, part *data.FilePart) *openFile {
	for i, file := range f.open[deviceID] {
		if file.id == part.ID && file.kind == part.Kind {
			f.remove(deviceID, i)
			return file
		}
	}
	return nil
}

func (f *files) keep(deviceID int64, file *openFile) {
	f.open[deviceID] = append(f.open[deviceID], file)
	f.bytes += cap(file.content)
}

func (f *files) remove(deviceID int64, i int) {
	list := f.open[deviceID]
	f.bytes -= cap(list[i].content)
	if len(list) == 1 {
		delete(f.open, deviceID)
		return
	}
	f.open[deviceID] = slices.Delete(list, i, i+1)
}

// forgetOldest makes room: of a device that has too many files, else of all.
func (f *files) forgetOldest(deviceID int64) {
	if len(f.open[deviceID]) <= maxOpenFiles {
		for id, list := range f.open {
			if list[0].touched.Before(f.open[deviceID][0].touched) {
				deviceID = id
			}
		}
	}
	f.remove(deviceID, 0)
}

// fileTypes are the files that are known by their first bytes. Nothing else has
// a type that a browser opens.
var fileTypes = []struct {
	offset               int
	magic                string
	mediaType, extension string
}{
	{0, "\xFF\xD8\xFF", "image/jpeg", "jpg"},
	{0, "\x89PNG\r\n\x1A\n", "image/png", "png"},
	{0, "#!AMR", "audio/amr", "amr"},
	{0, "ID3", "audio/mpeg", "mp3"},
	{8, "WAVE", "audio/wav", "wav"},
	{4, "ftyp", "video/mp4", "mp4"},
}

// fileType is the media type of a file and the ending of its name. Photos of
// trackers whose beginning is damaged are JPEG all the same.
func fileType(kind string, content []byte) (mediaType, extension string) {
	for _, t := range fileTypes {
		if len(content) >= t.offset && bytes.HasPrefix(content[t.offset:], []byte(t.magic)) {
			return t.mediaType, t.extension
		}
	}
	if kind == data.FileImage {
		return "image/jpeg", "jpg"
	}
	return "application/octet-stream", "bin"
}
