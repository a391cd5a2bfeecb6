package totem

import (
	"fmt"
	"strings"
	"time"

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
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	code, err := commandCode(cmd)
	if err != nil {
		return nil, err
	}
	password := protocol.Password(cmd, s, defaultPassword)
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
		text, err := protocol.Custom(cmd, maxCommand)
		return string(text), err
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
