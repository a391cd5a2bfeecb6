package meiligao

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

var commands = []string{
	"custom", "positionSingle", "positionPeriodic", "engineStop", "engineResume", "outputControl", "alarmGeofence", "setTimezone",
	"requestPhoto", "rebootDevice",
}

// The commands of the server.
const (
	commandPosition = 0x4101
	commandInterval = 0x4102
	commandMovement = 0x4106
	commandOutputs  = 0x4114
	commandOutput   = 0x4115
	commandTimezone = 0x4132
	commandPhoto    = 0x4151
	commandReboot   = 0x4902
)

// maxCommand bounds a frame that a user gives as it is, in bytes.
const maxCommand = 1000

// encode writes a command. The setting "model" tells devices with five
// outputs, which are set together.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	if cmd.Type == "custom" {
		return protocol.CustomFrame(cmd, maxCommand)
	}
	id, err := packID(cmd.UniqueID)
	if err != nil {
		return nil, fmt.Errorf("encode command %s: %w", cmd.Type, err)
	}
	var kind uint16
	var content []byte
	switch cmd.Type {
	case "positionSingle":
		kind = commandPosition
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 10 || seconds > 655350 {
			return nil, fmt.Errorf("encode command positionPeriodic: attribute frequency is not 10 to 655350 seconds: %w", data.ErrInvalid)
		}
		kind, content = commandInterval, binary.BigEndian.AppendUint16(nil, uint16(seconds/10))
	case "engineStop":
		kind, content = output(s, 1, 1)
	case "engineResume":
		kind, content = output(s, 1, 0)
	case "outputControl":
		index, ok1 := cmd.Attributes.Get("index").Float()
		on, ok2 := onOff(cmd.Attributes.Get("data"))
		if !ok1 || !ok2 || index < 1 || index > 5 {
			return nil, fmt.Errorf("encode command outputControl: attribute index is not 1 to 5, or data not 0 or 1: %w", data.ErrInvalid)
		}
		kind, content = output(s, int(index), on)
	case "alarmGeofence":
		radius, ok := cmd.Attributes.Get("radius").Float()
		if !ok || radius < 0 || radius > 65535 {
			return nil, fmt.Errorf("encode command alarmGeofence: attribute radius is not 0 to 65535 metres: %w", data.ErrInvalid)
		}
		kind, content = commandMovement, binary.BigEndian.AppendUint16(nil, uint16(radius))
	case "setTimezone":
		name, _ := cmd.Attributes.Get("timezone").Text()
		minutes, ok := zoneMinutes(name)
		if !ok {
			return nil, fmt.Errorf("encode command setTimezone: attribute timezone %q is not like GMT+8 or GMT-3:30: %w", name, data.ErrInvalid)
		}
		kind, content = commandTimezone, strconv.AppendInt(nil, int64(minutes), 10)
	case "requestPhoto":
		kind = commandPhoto
	case "rebootDevice":
		kind = commandReboot
	default:
		return nil, fmt.Errorf("meiligao: command %q: %w", cmd.Type, protocol.ErrUnsupported)
	}
	return appendFrame(nil, id, kind, content), nil
}

// packID writes up to 14 digits, two to a byte, filled up with F. Of an IMEI
// the check digit is left out.
func packID(digits string) ([]byte, error) {
	if digits == "" || len(digits) > 2*idSize+1 || !fields.AllDigits([]byte(digits)) {
		return nil, fmt.Errorf("id %q is not 1 to %d digits: %w", digits, 2*idSize+1, data.ErrInvalid)
	}
	var id [idSize]byte
	for i := range 2 * idSize {
		nibble := byte(0xF)
		if i < len(digits) {
			nibble = digits[i] - '0'
		}
		id[i/2] = id[i/2]<<4 | nibble
	}
	return id[:], nil
}

// output switches an output: on is 1 or 0.
func output(s protocol.Settings, index int, on byte) (kind uint16, content []byte) {
	const unchanged = 2
	switch strings.ToUpper(s.Text("model")) {
	case "TK510", "GT08", "TK208", "TK228", "MT05":
		content = []byte{unchanged, unchanged, unchanged, unchanged, unchanged}
		content[index-1] = on
		return commandOutputs, content
	}
	return commandOutput, []byte{on}
}

// onOff reads 0 or 1, as number or text, or a boolean.
func onOff(v data.Value) (byte, bool) {
	switch v.String() {
	case "1", "1.0", "true":
		return 1, true
	case "0", "0.0", "false":
		return 0, true
	}
	return 0, false
}

// zoneMinutes reads GMT+8, UTC-3:30, +0530 or GMT as minutes east of Greenwich.
func zoneMinutes(name string) (int, bool) {
	rest := strings.TrimPrefix(strings.TrimPrefix(name, "GMT"), "UTC")
	if rest == "" {
		return 0, name != ""
	}
	if rest[0] != '+' && rest[0] != '-' {
		return 0, false
	}
	hours, minutes, split := strings.Cut(rest[1:], ":")
	if !split && len(hours) == 4 {
		hours, minutes, split = hours[:2], hours[2:], true
	}
	h, err := strconv.Atoi(hours)
	m := 0
	if err == nil && split {
		m, err = strconv.Atoi(minutes)
	}
	if err != nil || h < 0 || h > 14 || m < 0 || m > 59 {
		return 0, false
	}
	if total := h*60 + m; rest[0] == '+' {
		return total, true
	} else {
		return -total, true
	}
}
