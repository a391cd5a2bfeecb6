package gt06

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{
	"custom", "engineStop", "engineResume", "positionSingle", "positionPeriodic", "rebootDevice",
}

// maxCommand is how many characters fit: the length field counts the four
// bytes of the server and has one byte, as has the length of the frame.
const maxCommand = 0xFF - 12

// encode writes a command. Settings: "model", "oldFirmware" (the engine
// commands of older firmware, with "password", 123456 by default), "language"
// (a language field follows the text).
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	text, err := commandText(cmd, s)
	if err != nil {
		return nil, err
	}
	if len(text) > maxCommand {
		return nil, fmt.Errorf("encode command %s: %d characters, at most %d fit: %w", cmd.Type, len(text), maxCommand, data.ErrInvalid)
	}
	content := append(make([]byte, 0, 8+len(text)), byte(4+len(text)), 0, 0, 0, 0)
	content = append(content, text...)
	if s.Bool("language") {
		content = binary.BigEndian.AppendUint16(content, 2) // English
	}
	return appendFrame(nil, false, kindCommand, content, 0), nil
}

func commandText(cmd data.Command, s protocol.Settings) (string, error) {
	password := protocol.Password(cmd, s, "123456")
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, maxCommand)
		return string(text), err
	case "engineStop":
		switch {
		case s.Text("model") == "G109":
			return "DYD#", nil
		case s.Bool("oldFirmware"):
			return "DYD," + password + "#", nil
		}
		return "Relay,1#", nil
	case "engineResume":
		switch {
		case s.Text("model") == "G109":
			return "HFYD#", nil
		case s.Bool("oldFirmware"):
			return "HFYD," + password + "#", nil
		}
		return "Relay,0#", nil
	case "positionSingle":
		return "WHERE#", nil
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 1 || seconds > 86400 {
			return "", fmt.Errorf("encode command positionPeriodic: attribute frequency is not 1 to 86400 seconds: %w", data.ErrInvalid)
		}
		every := decimal(uint64(seconds))
		return "TIMER," + every + "," + every + "#", nil
	case "rebootDevice":
		return "RESET#", nil
	}
	return "", fmt.Errorf("gt06: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}
