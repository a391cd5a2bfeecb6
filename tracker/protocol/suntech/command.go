package suntech

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{
	"custom", "positionSingle", "engineStop", "engineResume", "alarmArm", "alarmDisarm", "outputControl", "rebootDevice",
}

// maxCommand bounds a free command, in bytes.
const maxCommand = 1000

// universalWords and legacyWords are the commands of both forms.
var (
	universalWords = map[string]string{
		"positionSingle": "03;01", "engineStop": "04;01", "engineResume": "04;02", "alarmArm": "04;03", "alarmDisarm": "04;04",
		"rebootDevice": "03;03",
	}
	legacyWords = map[string]string{
		"positionSingle": "StatusReq", "engineStop": "Enable1", "engineResume": "Disable1", "alarmArm": "Enable2",
		"alarmDisarm": "Disable2", "rebootDevice": "Reboot",
	}
	// universalOutputs are the words that switch outputs 1 to 3 on and off.
	universalOutputs = [3][2]string{{"04;01", "04;02"}, {"04;03", "04;04"}, {"04;09", "04;10"}}
)

// encode writes a command. Settings: "family", the five letters that the
// reports of the device begin with (SA200 by default), or "universal" for a
// device that sends the universal form.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	family := s.Text("family")
	universal := s.Bool("universal") || strings.EqualFold(family, "universal")
	var word string
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, maxCommand)
		if err != nil {
			return nil, err
		}
		if !protocol.IsHex(cmd) && bytes.ContainsAny(text, "\r\n\x00") {
			return nil, fmt.Errorf("encode command custom: attribute data holds no text of one line: %w", data.ErrInvalid)
		}
		return append(text, '\r'), nil
	case "outputControl":
		var err error
		if word, err = output(cmd, universal); err != nil {
			return nil, err
		}
	default:
		words := legacyWords
		if universal {
			words = universalWords
		}
		if word = words[cmd.Type]; word == "" {
			return nil, fmt.Errorf("suntech: command %q: %w", cmd.Type, protocol.ErrUnsupported)
		}
	}
	if cmd.UniqueID == "" || strings.ContainsAny(cmd.UniqueID, ";\r\n") {
		return nil, fmt.Errorf("encode command %s: id %q of the device: %w", cmd.Type, cmd.UniqueID, data.ErrInvalid)
	}
	if universal {
		return []byte("CMD;" + cmd.UniqueID + ";" + word + "\r"), nil
	}
	if family == "" {
		family = "SA200"
	}
	return []byte(family + "CMD;" + cmd.UniqueID + ";02;" + word + "\r"), nil
}

// output is the word that switches an output.
func output(cmd data.Command, universal bool) (string, error) {
	index, ok := cmd.Attributes.Get("index").Float()
	last := 2
	if universal {
		last = len(universalOutputs)
	}
	if !ok || index < 1 || index > float64(last) {
		return "", fmt.Errorf("encode command outputControl: attribute index is not 1 to %d: %w", last, data.ErrInvalid)
	}
	off := 0
	switch strings.ToLower(cmd.Attributes.Get("data").String()) {
	case "1", "true", "on":
	case "0", "false", "off":
		off = 1
	default:
		return "", fmt.Errorf("encode command outputControl: attribute data is not 1 or 0: %w", data.ErrInvalid)
	}
	if universal {
		return universalOutputs[int(index)-1][off], nil
	}
	return [...]string{"Enable", "Disable"}[off] + string(rune('0'+int(index))), nil
}
