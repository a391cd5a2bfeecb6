package eelink

import (
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{
	"custom", "engineStop", "engineResume", "positionSingle", "positionPeriodic", "rebootDevice",
}

// maxCommand bounds the text of a command, in bytes.
const maxCommand = 1000

// encode writes a command. The setting "udp" puts it into an envelope.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	text, err := commandText(cmd)
	if err != nil {
		return nil, err
	}
	if len(text) > maxCommand {
		return nil, fmt.Errorf("encode command %s: %d characters, at most %d: %w", cmd.Type, len(text), maxCommand, data.ErrInvalid)
	}
	body := append(make([]byte, 0, 5+len(text)), 1, 0, 0, 0, 0) // type, number of the server
	b := appendPackage(nil, kindMessage, 0, append(body, text...))
	if s.Bool("udp") {
		b = appendEnvelope(nil, cmd.UniqueID, b)
	}
	return b, nil
}

func commandText(cmd data.Command) (string, error) {
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, maxCommand)
		return string(text), err
	case "engineStop":
		return "RELAY,1#", nil
	case "engineResume":
		return "RELAY,0#", nil
	case "positionSingle":
		return "WHERE#", nil
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 1 || seconds > 86400 {
			return "", fmt.Errorf("encode command positionPeriodic: attribute frequency is not 1 to 86400 seconds: %w", data.ErrInvalid)
		}
		return "TIMER," + strconv.Itoa(int(seconds)) + "#", nil
	case "rebootDevice":
		return "RESET#", nil
	}
	return "", fmt.Errorf("eelink: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}
