package minifinder2

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "configuration", "firmwareUpdate"}

// readAll is the item that asks for the whole configuration.
var readAll = []byte{1, 0xF0}

// maxContent bounds the content of a command in bytes.
const maxContent = 1000

// encode writes a command, with the sequence number 1.
func encode(cmd data.Command, _ protocol.Settings, _ time.Time) ([]byte, error) {
	content, err := commandContent(cmd)
	if err != nil {
		return nil, err
	}
	if len(content) > maxContent {
		return nil, fmt.Errorf("encode command %s: %d bytes, at most %d: %w", cmd.Type, len(content), maxContent, data.ErrInvalid)
	}
	return appendFrame(nil, 1, content), nil
}

func commandContent(cmd data.Command) ([]byte, error) {
	text, _ := cmd.Attributes.Get("data").Text()
	switch cmd.Type {
	case "custom":
		return fromHex(cmd.Type, text)
	case "configuration":
		if text == "" {
			return append([]byte{kindConfiguration}, readAll...), nil
		}
		items, err := fromHex(cmd.Type, text)
		return append([]byte{kindConfiguration}, items...), err
	case "firmwareUpdate":
		if text == "" || len(text) > 254 {
			return nil, fmt.Errorf("encode command firmwareUpdate: attribute data is not an address of at most 254 characters: %w", data.ErrInvalid)
		}
		return append([]byte{kindSystem, byte(1 + len(text)), 0x30}, text...), nil
	}
	return nil, fmt.Errorf("minifinder2: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}

func fromHex(kind, text string) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("encode command %s: attribute data is not bytes in hex: %w", kind, data.ErrInvalid)
	}
	return b, nil
}
