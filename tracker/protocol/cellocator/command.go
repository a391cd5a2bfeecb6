package cellocator

import (
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "outputControl", "engineStop", "engineResume", "positionSingle"}

const (
	commandStatus = 0
	commandOutput = 3
)

// maxCommand bounds a frame that a user gives as it is, in bytes.
const maxCommand = 1000

// encode writes a command. The attribute "index" is the output, 0 by default
// for the engine commands.
func encode(cmd data.Command, _ protocol.Settings, _ time.Time) ([]byte, error) {
	if cmd.Type == "custom" {
		return protocol.CustomFrame(cmd, maxCommand)
	}
	unit, err := strconv.ParseUint(cmd.UniqueID, 10, 32)
	if err != nil {
		unit = 0 // no unit id: the unit at the other end is meant
	}
	index, hasIndex := cmd.Attributes.Get("index").Float()
	if index < 0 || index > 15 {
		return nil, fmt.Errorf("encode command %s: attribute index is not 0 to 15: %w", cmd.Type, data.ErrInvalid)
	}
	switch cmd.Type {
	case "outputControl":
		var on bool
		switch value := cmd.Attributes.Get("data").String(); value {
		case "1", "1.0", "true":
			on = true
		case "0", "0.0", "false":
		default:
			return nil, fmt.Errorf("encode command outputControl: attribute data is %q, want 0 or 1: %w", value, data.ErrInvalid)
		}
		if !hasIndex {
			return nil, fmt.Errorf("encode command outputControl: attribute index is missing: %w", data.ErrInvalid)
		}
		return output(uint32(unit), byte(index), on), nil
	case "engineStop":
		return output(uint32(unit), byte(index), true), nil
	case "engineResume":
		return output(uint32(unit), byte(index), false), nil
	case "positionSingle":
		return command(uint32(unit), commandStatus, 0), nil
	}
	return nil, fmt.Errorf("cellocator: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}

func output(unit uint32, index byte, on bool) []byte {
	value := index
	if on {
		value |= 1 << 4
	}
	return command(unit, commandOutput, value)
}

// command writes a command; code and data are sent twice.
func command(unit uint32, code, data1 byte) []byte {
	b := appendHeader(make([]byte, 0, 25), kindStatus, unit)
	b = append(b, 0, 0, 0, 0, 0) // number of the command, authentication code
	b = append(b, code, code, data1, data1, 0, 0)
	b = append(b, 0, 0, 0, 0)
	return appendChecksum(b)
}
