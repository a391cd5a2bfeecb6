package jt808

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

var commands = []string{
	"custom", "engineStop", "engineResume", "positionPeriodic", "rebootDevice", "alarmArm", "alarmDisarm", "requestPhoto", "videoStart",
	"videoStop",
}

// The messages of the server that carry commands.
const (
	commandControl   = 0x8105
	commandParameter = 0x0310
	commandSettings  = 0x8103
	commandText      = 0x8300
	commandCamera    = 0x8801
	commandThrough   = 0x8900
	commandVideo     = 0x9101
	commandVideoStop = 0x9102
	commandEngine    = 0xA006
)

// commandKinds are all of them, to recognise their answers.
var commandKinds = []uint16{
	commandControl, commandParameter, commandSettings, commandText, commandCamera, commandThrough, commandVideo, commandVideoStop,
	commandEngine,
}

// maxCommand bounds a text command: its length has one byte in some.
const maxCommand = 250

// encode writes a command. Settings: "model"; "edition": "2019" for terminals
// of that edition of the standard, "E7" for those with E7 marks; "alternative"
// for those whose engine commands carry the time, by the clock "timezone".
func encode(cmd data.Command, s protocol.Settings, now time.Time) ([]byte, error) {
	h, err := addressee(cmd, s)
	if err != nil {
		return nil, err
	}
	kind, body, err := command(cmd, s, now)
	if err != nil {
		return nil, err
	}
	return h.appendFrame(nil, kind, body), nil
}

// addressee is the header of messages to a device.
func addressee(cmd data.Command, s protocol.Settings) (header, error) {
	id := cmd.UniqueID
	if id == "" || len(id) > 20 || strings.Trim(id, "0123456789") != "" {
		return header{}, fmt.Errorf("encode command %s: id %q of the device is not 1 to 20 digits: %w", cmd.Type, id, data.ErrInvalid)
	}
	h := header{mark: mark}
	switch edition := s["edition"]; {
	case edition == "2019" || edition == 2019.0:
		h.props, h.version = propVersion, 1
		h.phone = converters.AppendBCD(nil, id, 10)
	case edition == "E7":
		h.mark = markE7
		h.phone = converters.AppendBCD(nil, id, 7)
	case len(id) > 12:
		// An IMEI does not fit: its first 14 digits as a number.
		number, err := strconv.ParseUint(id[:min(14, len(id))], 10, 64)
		if err != nil || number >= 1<<48 {
			return header{}, fmt.Errorf("encode command %s: id %q of the device does not fit into six bytes: %w", cmd.Type, id, data.ErrInvalid)
		}
		h.phone = binary.BigEndian.AppendUint64(nil, number)[2:]
	default:
		h.phone = converters.AppendBCD(nil, id, 6)
	}
	return h, nil
}

func command(cmd data.Command, s protocol.Settings, now time.Time) (kind uint16, body []byte, err error) {
	model := strings.ToUpper(s.Text("model"))
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, maxCommand)
		if err != nil {
			return 0, nil, err
		}
		if !protocol.IsHex(cmd) {
			if text, err = appendGBK(nil, text); err != nil || len(text) > maxCommand {
				return 0, nil, fmt.Errorf("encode command custom: attribute data is no text of up to %d bytes of GBK without control characters: %w", maxCommand, data.ErrInvalid)
			}
		}
		kind, body = text2(string(text), model)
		return kind, body, nil
	case "engineStop", "engineResume":
		stop := cmd.Type == "engineStop"
		if s.Bool("alternative") {
			return commandEngine, engineTimed(stop, s, now), nil
		}
		kind, body = engine(stop, model)
		return kind, body, nil
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 1 || seconds > 86400 {
			return 0, nil, fmt.Errorf("encode command positionPeriodic: attribute frequency is not 1 to 86400 seconds: %w", data.ErrInvalid)
		}
		return commandParameter, binary.BigEndian.AppendUint32([]byte{1, 6, 4}, uint32(seconds)), nil
	case "rebootDevice":
		return commandParameter, []byte{0x01, 0x23, 0x01, 0x03}, nil
	case "alarmArm":
		return commandParameter, append([]byte{0x01, 0x24, 0x05, 0x01}, "user"...), nil
	case "alarmDisarm":
		return commandParameter, append([]byte{0x01, 0x24, 0x05, 0x00}, "user"...), nil
	case "requestPhoto":
		return commandCamera, camera(cmd), nil
	case "videoStart":
		body, err = video(cmd)
		return commandVideo, body, err
	case "videoStop":
		return commandVideoStop, []byte{channel(cmd), 0, 0, 0}, nil
	}
	return 0, nil, fmt.Errorf("jt808: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}

// text2 carries text the way a model wants it.
func text2(text, model string) (kind uint16, body []byte) {
	switch {
	case strings.HasPrefix(model, "JC"):
		return commandThrough, append([]byte{0xF0}, text...)
	case slices.Contains([]string{"AL300", "GL100", "VL300"}, model):
		return commandSettings, append([]byte{1, 0, 0, 0xF0, 0x30, byte(len(text))}, text...)
	}
	return commandText, append([]byte{1}, text...)
}

func engine(stop bool, model string) (kind uint16, body []byte) {
	switch {
	case model == "W15L" && stop:
		return commandControl, []byte{0x64}
	case model == "W15L":
		return commandControl, []byte{0x65}
	case model == "VL300" && stop:
		return text2("#0;1", model)
	case model == "VL300":
		return text2("#0;0", model)
	case stop:
		return commandControl, []byte{0xF0}
	}
	return commandControl, []byte{0xF1}
}

// engineTimed is the body of the engine commands that carry the time, by the
// clock of the device.
func engineTimed(stop bool, s protocol.Settings, now time.Time) []byte {
	ahead := beijing
	if zone, ok := parseZone(s.Text("timezone")); ok {
		ahead = zone
	}
	body := []byte{0}
	if stop {
		body[0] = 1
	}
	return converters.AppendBCD(body, now.UTC().Add(ahead).Format("060102150405"), 6)
}

// channel is the camera, 1 by default.
func channel(cmd data.Command) byte {
	if v, ok := cmd.Attributes.Get("index").Float(); ok {
		return byte(converters.Clamp(v, 0, 255))
	}
	return 1
}

// camera orders one photo, to be sent at once: 640 x 480 points, the middle of
// all scales (JT/T 808-2013, 8.53).
func camera(cmd data.Command) []byte {
	return []byte{
		channel(cmd),
		0, 1, // one photo
		0, 0, // without a pause
		0,                // sent, not kept
		2,                // 640 x 480
		5,                // quality, 1 to 10
		128, 64, 64, 128, // brightness of 255, contrast and saturation of 127, chroma of 255
	}
}

func video(cmd data.Command) ([]byte, error) {
	server, _ := cmd.Attributes.Get("server").Text()
	port, ok := cmd.Attributes.Get("port").Float()
	if server == "" || len(server) > 255 || !isASCII(server) || !ok || port < 1 || port > 65535 {
		return nil, fmt.Errorf("encode command videoStart: attributes server and port are not a host and 1 to 65535: %w", data.ErrInvalid)
	}
	body := append([]byte{byte(len(server))}, server...)
	body = binary.BigEndian.AppendUint16(body, uint16(port))
	return append(body, 0, 0, channel(cmd), 1, 0), nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7F {
			return false
		}
	}
	return true
}
