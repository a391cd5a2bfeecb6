package teltonika

import (
	"encoding/binary"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The messages of a camera: it offers a photo, and sends the piece of it that it
// is asked for.
const (
	cameraOffer = 0x01
	cameraData  = 0x02
	// cameraPiece is how many bytes may be asked for at once.
	cameraPiece = 2048
)

// photo is the photo that is being fetched; size 0: none.
type photo struct{ id, size uint32 }

// decode reads the data of a packet with a message of a camera: codec, 1, type,
// length, message.
func (p *photo) decode(b []byte) (packet data.Packet) {
	r := converters.NewReader(b)
	r.Skip(1 + 1 + 1)
	m := converters.NewReader(r.Bytes(int(r.U32())))
	kind, id := m.U8(), m.U32()
	switch kind {
	case cameraOffer:
		if size := m.U32(); m.OK() && size > 0 && size <= data.MaxFile {
			*p = photo{id, size}
			packet.Reply = p.request(0)
		}
	case cameraData:
		offset := m.U32()
		content := m.Bytes(int(m.U16()))
		if !m.OK() || id != p.id || len(content) == 0 || offset >= p.size {
			return packet
		}
		end := min(int(offset)+len(content), int(p.size))
		packet.File = &data.FilePart{
			Kind: data.FileImage, ID: strconv.FormatUint(uint64(id), 10), From: int(offset), To: end,
			Last: end == int(p.size), Content: content[:end-int(offset)],
		}
		if !packet.File.Last {
			packet.Reply = p.request(uint32(end))
		}
	}
	return packet
}

// request asks for the piece from an offset on.
func (p *photo) request(offset uint32) []byte {
	b := append(make([]byte, 0, 11), cameraData)
	b = binary.BigEndian.AppendUint32(b, p.id)
	b = binary.BigEndian.AppendUint32(b, offset)
	b = binary.BigEndian.AppendUint16(b, uint16(min(cameraPiece, p.size-offset)))
	return appendMessage(nil, codec12, kindCamera, b)
}
