package jt808

import (
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// media is the photo, sound or film that is on its way. The standard's message
// 0x0801 holds a number 4, a type 1 (0 photo, 1 sound, 2 film), a format 1, an
// event 1, a channel 1, the 28 fixed bytes of a location (since the edition of
// 2013) and the content. It is split; only the first part has that head.
type media struct {
	id   uint32
	kind string
	time time.Time
}

// mediaKinds are the types.
var mediaKinds = [...]string{data.FileImage, data.FileAudio, data.FileVideo}

// part reads a part of a message 0x0801, nil if it belongs to none that began.
func (f *media) part(m *message) *data.FilePart {
	part, parts := max(1, int(m.header.part)), max(1, int(m.header.parts))
	content := m.body
	if part == 1 {
		r := converters.NewReader(m.body)
		id, kind := r.U32(), int(r.U8())
		r.Skip(1 + 1 + 1)
		if !r.OK() || kind >= len(mediaKinds) {
			*f = media{}
			return nil
		}
		*f = media{id: id, kind: mediaKinds[kind]}
		content = r.Rest()
		f.time, content = locationTime(m, content)
	}
	if f.kind == "" || part > parts {
		return nil
	}
	return &data.FilePart{
		Kind: f.kind, ID: strconv.FormatUint(uint64(f.id), 10), Time: f.time,
		From: part - 1, To: part, Last: part == parts, Content: content,
	}
}

// locationTime takes the location off the front of the content, if there is one: its
// last six bytes are a time.
func locationTime(m *message, b []byte) (at time.Time, rest []byte) {
	const size, clock = 28, 22
	if len(b) >= 2 && b[0] == 0xFF && b[1] == 0xD8 { // already a photo
		return at, b
	}
	if len(b) > size {
		if at = m.time(b[clock:size]); !at.IsZero() {
			return at, b[size:]
		}
	}
	return at, b
}
