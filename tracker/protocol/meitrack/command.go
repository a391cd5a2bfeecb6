package meitrack

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{
	"custom", "positionSingle", "positionPeriodic", "engineStop", "engineResume", "alarmArm", "alarmDisarm", "requestPhoto", "sendSms",
}

// maxCommand bounds the content of a command, in bytes.
const maxCommand = 1000

// encode writes a command. The setting "alternative" arms and disarms by B21.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	content, err := commandText(cmd, s)
	if err != nil {
		return nil, err
	}
	if len(content) > maxCommand || strings.ContainsAny(content, "*\r\n") {
		return nil, fmt.Errorf("encode command %s: content holds at most %d characters, no asterisk and no line break: %w",
			cmd.Type, maxCommand, data.ErrInvalid)
	}
	return appendMessage(nil, 'A', cmd.UniqueID, content), nil
}

// commandText returns the content. The digits of C01 are the outputs A to E: 0
// off, 1 on, 2 unchanged.
func commandText(cmd data.Command, s protocol.Settings) (string, error) {
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, maxCommand)
		return string(text), err
	case "positionSingle":
		return "A10", nil
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 10 || seconds > 655350 {
			return "", fmt.Errorf("encode command positionPeriodic: attribute frequency is not 10 to 655350 seconds: %w", data.ErrInvalid)
		}
		return "A12," + strconv.Itoa(int(seconds)/10), nil
	case "engineStop":
		return "C01,0,12222", nil
	case "engineResume":
		return "C01,0,02222", nil
	case "alarmArm":
		if s.Bool("alternative") {
			return "B21,1", nil
		}
		return "C01,0,22122", nil
	case "alarmDisarm":
		if s.Bool("alternative") {
			return "B21,0", nil
		}
		return "C01,0,22022", nil
	case "requestPhoto":
		return "D03,1," + picture, nil
	case "sendSms":
		phone, err := textAttribute(cmd, "phone")
		if err != nil {
			return "", err
		}
		message, err := textAttribute(cmd, "message")
		if err != nil {
			return "", err
		}
		return "C02,0," + phone + "," + message, nil
	}
	return "", fmt.Errorf("meitrack: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}

func textAttribute(cmd data.Command, name string) (string, error) {
	text, ok := cmd.Attributes.Get(name).Text()
	if !ok || text == "" {
		return "", fmt.Errorf("encode command %s: attribute %s holds no text: %w", cmd.Type, name, data.ErrInvalid)
	}
	return text, nil
}
