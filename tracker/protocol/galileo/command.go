package galileo

import (
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "engineStop", "engineResume", "outputControl", "positionSingle", "rebootDevice", "getDeviceStatus"}

// encode writes a command. Setting: "output", the number of the output that is
// wired to the relay of the engine.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	text, err := commandText(cmd, s)
	if err != nil {
		return nil, err
	}
	if len(text) > 0xFF {
		return nil, fmt.Errorf("encode command %s: %d characters, at most 255 fit: %w", cmd.Type, len(text), data.ErrInvalid)
	}
	if len(cmd.UniqueID) != 15 {
		return nil, fmt.Errorf("encode command %s: the device's id %q is no IMEI of 15 digits: %w", cmd.Type, cmd.UniqueID, data.ErrInvalid)
	}
	body := append(make([]byte, 0, 26+len(text)), tagIMEI)
	body = append(body, cmd.UniqueID...)
	body = append(body, tagDevice, 0, 0, tagCommand, 0, 0, 0, 0, tagResult, byte(len(text)))
	return appendPacket(nil, headerData, append(body, text...)), nil
}

func commandText(cmd data.Command, s protocol.Settings) (string, error) {
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, 0xFF)
		return string(text), err
	case "engineStop", "engineResume":
		output, ok := relay(s)
		if !ok {
			return "", fmt.Errorf("encode command %s: set decoder.output of the device to the number of the output with the relay: %w", cmd.Type, data.ErrInvalid)
		}
		if cmd.Type == "engineStop" {
			return "Out " + output + ",1", nil
		}
		return "Out " + output + ",0", nil
	case "outputControl":
		index, ok := cmd.Attributes.Get("index").Int()
		state := cmd.Attributes.Get("data").String()
		if !ok || state == "" {
			return "", fmt.Errorf("encode command outputControl: attributes index (a number) and data (0 or 1) are needed: %w", data.ErrInvalid)
		}
		return "Out " + strconv.FormatInt(index, 10) + "," + state, nil
	case "positionSingle":
		return "Getlocation", nil
	case "rebootDevice":
		return "reset", nil
	case "getDeviceStatus":
		return "status", nil
	}
	return "", fmt.Errorf("galileo: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}

// relay returns the setting "output", a number or text.
func relay(s protocol.Settings) (string, bool) {
	switch v := s["output"].(type) {
	case string:
		return v, v != ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}
