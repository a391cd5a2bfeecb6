package totem

import (
	"fmt"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "positionSingle", "engineStop", "engineResume", "rebootDevice", "factoryReset", "getVersion"}

const (
	defaultPassword = "000000"
	// commandOverhead is the mark, the length, CF and the checksum.
	commandOverhead = 2 + 4 + 2 + 2
	maxCommand      = 1000
)

// encode writes a command with the password of the device: attribute
// "devicePassword", else setting "password", else 000000.
func encode(cmd data.Command, s protocol.Settings) ([]byte, error) {
	code, err := commandCode(cmd)
	if err != nil {
		return nil, err
	}
	password, ok := cmd.Attributes.Get("devicePassword").Text()
	if !ok {
		password = s.Text("password")
	}
	if password == "" {
		password = defaultPassword
	}
	content := password + "," + code
	if len(content) > maxCommand || strings.ContainsAny(content, "\r\n") || strings.Contains(content, "$$") {
		return nil, fmt.Errorf("encode command %s: content holds at most %d characters, no line break and no $$: %w",
			cmd.Type, maxCommand, data.ErrInvalid)
	}
	b := fmt.Appendf(nil, "$$%04dCF%s", commandOverhead+len(content), content)
	return appendChecksum(b, 0), nil
}

func commandCode(cmd data.Command) (string, error) {
	switch cmd.Type {
	case "custom":
		text, ok := cmd.Attributes.Get("data").Text()
		if !ok || text == "" {
			return "", fmt.Errorf("encode command custom: attribute data holds no text: %w", data.ErrInvalid)
		}
		return text, nil
	case "positionSingle":
		return "012", nil
	case "engineStop":
		return "025,C,1", nil
	case "engineResume":
		return "025,C,0", nil
	case "rebootDevice":
		return "006", nil
	case "factoryReset":
		return "007", nil
	case "getVersion":
		return "056", nil
	}
	return "", fmt.Errorf("totem: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}
