package navis

import (
	"fmt"
	"math"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "outputControl", "getVersion"}

// encode writes a command: a text in an envelope from the server, whose id is 1.
// Settings: "preamble", the four characters that envelopes of the device start
// with, if they are not @NTC.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	text, err := commandText(cmd)
	if err != nil {
		return nil, err
	}
	if len(text) > math.MaxUint16 {
		return nil, fmt.Errorf("encode command %s: %d characters, at most %d fit: %w", cmd.Type, len(text), math.MaxUint16, data.ErrInvalid)
	}
	start := s.Text("preamble")
	if len(start) != len(preamble) {
		start = preamble
	}
	return appendEnvelope(nil, start, [4]byte{}, [4]byte{1}, []byte(text)), nil
}

func commandText(cmd data.Command) (string, error) {
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, math.MaxUint16)
		return string(text), err
	case "outputControl":
		index, ok := cmd.Attributes.Get("index").Int()
		on, known := state(cmd.Attributes.Get("data").String())
		if !ok || !known || index < 1 || index > 9 {
			return "", fmt.Errorf("encode command outputControl: attributes index (1 to 9) and data (0 or 1) are needed: %w", data.ErrInvalid)
		}
		return fmt.Sprintf("*!%d%c", index, on), nil
	case "getVersion":
		return "*?V", nil
	}
	return "", fmt.Errorf("navis: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}

// state is the letter of an output: Y or N.
func state(s string) (letter byte, ok bool) {
	switch s {
	case "1", "true":
		return 'Y', true
	case "0", "false":
		return 'N', true
	}
	return 0, false
}
