package topin

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "sosNumber", "positionSingle", "positionPeriodic", "rebootDevice"}

// The types of commands.
const (
	commandSOS      = 0x41
	commandRestart  = 0x48
	commandPlace    = 0x80
	commandInterval = 0x97
)

const maxPhone = 20

// maxCommand bounds a frame that a user gives as it is, in bytes.
const maxCommand = 1000

// encode writes a command.
func encode(cmd data.Command, _ protocol.Settings, _ time.Time) ([]byte, error) {
	if cmd.Type == "custom" {
		return protocol.CustomFrame(cmd, maxCommand)
	}
	switch cmd.Type {
	case "sosNumber":
		phone, ok := cmd.Attributes.Get("phone").Text()
		if !ok || phone == "" || len(phone) > maxPhone {
			return nil, fmt.Errorf("encode command sosNumber: attribute phone is not 1 to %d digits: %w", maxPhone, data.ErrInvalid)
		}
		return command(commandSOS, []byte(phone)), nil
	case "positionSingle":
		return command(commandPlace, nil), nil
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 1 || seconds > 65535 {
			return nil, fmt.Errorf("encode command positionPeriodic: attribute frequency is not 1 to 65535 seconds: %w", data.ErrInvalid)
		}
		return command(commandInterval, binary.BigEndian.AppendUint16(nil, uint16(seconds))), nil
	case "rebootDevice":
		return command(commandRestart, nil), nil
	}
	return nil, fmt.Errorf("topin: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}

func command(kind byte, content []byte) []byte {
	return appendFrame(nil, byte(1+len(content)), kind, content)
}
