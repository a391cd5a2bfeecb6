package teltonika

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// kindCamera is the type of messages about photos.
const kindCamera = 0x0D

// decodeMessages reads codecs 12, 13 and 14: answers to commands, and what
// devices on the serial ports said. They are not answered.
func decodeMessages(codec uint8, count int, r *converters.Reader) ([]data.Position, error) {
	var out []data.Position
	for i := range count {
		kind := r.U8()
		b := r.Bytes(int(r.U32()))
		if !r.OK() {
			if len(out) > 0 {
				return out, nil
			}
			return nil, fmt.Errorf("decode message %d of %d: it ends in the middle: %w", i, count, data.ErrInvalid)
		}
		p := data.Position{Protocol: "teltonika", Outdated: true}
		message := converters.NewReader(b)
		switch codec {
		case codec12:
			if kind == kindCamera {
				continue
			}
			p.Attributes.SetInt("type", int64(kind))
		case codec13:
			p.DeviceTime = protocol.UnixMilli(int64(message.U32()) * 1000)
		case codec14:
			p.Attributes.SetInt("type", int64(kind)) // 0x11: not executed, the IMEI is another
			message.Skip(8)
		}
		if !message.OK() {
			return nil, fmt.Errorf("decode message %d of %d: %d bytes are too short: %w", i, count, len(b), data.ErrInvalid)
		}
		readMessage(&p, codec, message.Rest())
		out = append(out, p)
	}
	return out, nil
}

func readMessage(p *data.Position, codec uint8, b []byte) {
	for _, c := range b {
		if (c < ' ' && c != '\r' && c != '\n') || c > '~' {
			p.Attributes.SetString("result", hex.EncodeToString(b))
			return
		}
	}
	text := protocol.Text(b)
	if fields := strings.Split(text, "|"); codec == codec13 && fields[0] == "GTSL" && len(fields) > 4 {
		p.Attributes.SetString("driverUniqueId", fields[4])
		return
	}
	p.Attributes.SetString("result", text)
}
