package atrack

import (
	"bytes"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom"}

// maxCommand bounds the text of a command, in bytes.
const maxCommand = 1000

// encode writes a command: a line of text such as AT$OUTC=1,1.
func encode(cmd data.Command, _ protocol.Settings, _ time.Time) ([]byte, error) {
	if cmd.Type != "custom" {
		return nil, fmt.Errorf("atrack: command %q: %w", cmd.Type, protocol.ErrUnsupported)
	}
	text, err := protocol.Custom(cmd, maxCommand)
	if err != nil {
		return nil, err
	}
	return append(bytes.TrimRight(text, "\r\n"), '\r', '\n'), nil
}
