package atrack

import (
	"fmt"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom"}

// maxCommand bounds the text of a command, in bytes.
const maxCommand = 1000

// encode writes a command: a line of text such as AT$OUTC=1,1.
func encode(cmd data.Command, _ protocol.Settings) ([]byte, error) {
	if cmd.Type != "custom" {
		return nil, fmt.Errorf("atrack: command %q: %w", cmd.Type, protocol.ErrUnsupported)
	}
	text, _ := cmd.Attributes.Get("data").Text()
	text = strings.TrimRight(text, "\r\n")
	if text == "" || len(text) > maxCommand {
		return nil, fmt.Errorf("encode command custom: attribute data is not a text of 1 to %d characters: %w", maxCommand, data.ErrInvalid)
	}
	return append([]byte(text), '\r', '\n'), nil
}
