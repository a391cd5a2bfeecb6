package jt808

import (
	"bytes"
	"encoding/binary"
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
	// next is the part that is due; asked is the last of those that the
	// terminal is to send, after which we answer for all.
	next, asked, parts int
}

// mediaKinds are the types.
var mediaKinds = [...]string{data.FileImage, data.FileAudio, data.FileVideo}

// part reads a part of a message 0x0801, nil if it is not the one that is due:
// lost parts are asked for again in their order.
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
		*f = media{id: id, kind: mediaKinds[kind], next: 1, asked: parts, parts: parts}
		content = r.Rest()
		f.time, content = locationTime(m, content)
	}
	if f.kind == "" || part != f.next || parts != f.parts {
		return nil
	}
	f.next++
	return &data.FilePart{
		Kind: f.kind, ID: strconv.FormatUint(uint64(f.id), 10), Time: f.time,
		From: part - 1, To: part, Last: part == parts, Content: content,
	}
}

// maxAgain bounds the parts that are asked for at a time; their number has one
// byte.
const maxAgain = 125

// answer is the body of message 0x8800 behind the last part that was to come:
// the number of the file and, if parts are missing, how many and which. nil
// behind other parts.
func (f *media) answer(h *header) []byte {
	part := max(1, int(h.part))
	if f.kind == "" || part < f.asked || max(1, int(h.parts)) != f.parts {
		return nil
	}
	body := binary.BigEndian.AppendUint32(make([]byte, 0, 5+2*maxAgain), f.id)
	if f.next > f.parts {
		return body
	}
	f.asked = min(f.parts, f.next+maxAgain-1)
	body = append(body, byte(f.asked-f.next+1))
	for n := f.next; n <= f.asked; n++ {
		body = binary.BigEndian.AppendUint16(body, uint16(n))
	}
	return body
}

// locationTime takes the location off the front of the content, if there is one: its
// last six bytes are a time, zeros if the clock was never set, or a photo begins
// behind it.
func locationTime(m *message, b []byte) (at time.Time, rest []byte) {
	const size, clock = 28, 22
	if len(b) < size || bytes.HasPrefix(b, jpeg) {
		return at, b
	}
	at = m.time(b[clock:size])
	if !at.IsZero() || number(b[clock:size]) == 0 || bytes.HasPrefix(b[size:], jpeg) {
		return at, b[size:]
	}
	return at, b
}

// jpeg is how a photo begins.
var jpeg = []byte{0xFF, 0xD8}
