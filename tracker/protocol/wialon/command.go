package wialon

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "rebootDevice", "deviceIdentification", "outputControl", "sendUssd"}

// maxCommand bounds a free command, in bytes.
const maxCommand = 1000

// encode writes a command: a line of text.
func encode(cmd data.Command, _ protocol.Settings, _ time.Time) ([]byte, error) {
	text, err := commandText(cmd)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("encode command %s: a line break would end it: %w", cmd.Type, data.ErrInvalid)
	}
	return []byte(text + "\r\n"), nil
}

func commandText(cmd data.Command) (string, error) {
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, maxCommand)
		return string(text), err
	case "rebootDevice":
		return "reboot", nil
	case "deviceIdentification":
		return "VER?", nil
	case "outputControl":
		index, ok := cmd.Attributes.Get("index").Int()
		state := cmd.Attributes.Get("data").String()
		if !ok || state == "" {
			return "", fmt.Errorf("encode command outputControl: attributes index (a number) and data (0 or 1) are needed: %w", data.ErrInvalid)
		}
		return "L" + strconv.FormatInt(index, 10) + "=" + state, nil
	case "sendUssd":
		number := cmd.Attributes.Get("phone").String()
		if number == "" {
			return "", fmt.Errorf("encode command sendUssd: attribute phone holds no number: %w", data.ErrInvalid)
		}
		return "USSD:" + number, nil
	}
	return "", fmt.Errorf("wialon: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}
