package teltonika

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

var commands = []string{
	"custom", "engineStop", "engineResume", "positionSingle", "positionPeriodic", "getVersion",
}

// maxCommand bounds the text of a command, in bytes.
const maxCommand = 1000

// encode writes a command in codec 12. The setting "newline" puts the CR LF at
// its end that old firmware needs. Over UDP devices take none.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	if s.Bool("udp") {
		return nil, fmt.Errorf("teltonika over UDP: command %q: %w", cmd.Type, protocol.ErrUnsupported)
	}
	text, err := commandText(cmd)
	if err != nil {
		return nil, err
	}
	if s.Bool("newline") {
		text += "\r\n"
	}
	if len(text) > maxCommand {
		return nil, fmt.Errorf("encode command %s: %d characters, at most %d: %w", cmd.Type, len(text), maxCommand, data.ErrInvalid)
	}
	return appendMessage(nil, codec12, 5, []byte(text)), nil
}

// appendMessage appends a packet of codec 12, 13 or 14.
func appendMessage(b []byte, codec, kind uint8, content []byte) []byte {
	body := append(make([]byte, 0, 8+len(content)), codec, 1, kind)
	body = binary.BigEndian.AppendUint32(body, uint32(len(content)))
	body = append(body, content...)
	return appendPacket(b, append(body, 1))
}

// appendPacket appends the preamble, the length, the data and the checksum.
func appendPacket(b, body []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	b = append(b, body...)
	return binary.BigEndian.AppendUint32(b, uint32(converters.CRC16ARC(body)))
}

func commandText(cmd data.Command) (string, error) {
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, maxCommand)
		return string(text), err
	case "engineStop":
		return "setdigout 1", nil
	case "engineResume":
		return "setdigout 0", nil
	case "positionSingle":
		return "getrecord", nil
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 1 || seconds > 2592000 {
			return "", fmt.Errorf("encode command positionPeriodic: attribute frequency is not 1 to 2592000 seconds: %w", data.ErrInvalid)
		}
		return "setparam 10050:" + strconv.Itoa(int(seconds)), nil
	case "getVersion":
		return "getver", nil
	}
	return "", fmt.Errorf("teltonika: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}
