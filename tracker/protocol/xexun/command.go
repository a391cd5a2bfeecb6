package xexun

import (
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{
	"custom", "engineStop", "engineResume", "positionSingle", "positionPeriodic", "positionStop", "alarmArm", "alarmDisarm",
}

const (
	// maxCommand bounds a free command, in bytes.
	maxCommand      = 512
	defaultPassword = "123456"
)

// encode writes a command. The password is the attribute "devicePassword", else
// the setting "password", else the one of the factory.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	password := protocol.Password(cmd, s, defaultPassword)
	switch cmd.Type {
	case "custom":
		return protocol.Custom(cmd, maxCommand)
	case "engineStop":
		return []byte("powercar" + password + " 11"), nil
	case "engineResume":
		return []byte("powercar" + password + " 00"), nil
	case "positionSingle":
		return []byte("smslink" + password), nil
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 1 || seconds > 999 {
			return nil, fmt.Errorf("encode command positionPeriodic: attribute frequency is not 1 to 999 seconds: %w", data.ErrInvalid)
		}
		return fmt.Appendf(nil, "fix%03ds***n%s", int(seconds), password), nil
	case "positionStop":
		return []byte("nofix" + password), nil
	case "alarmArm":
		return []byte("arm" + password), nil
	case "alarmDisarm":
		return []byte("disarm" + password), nil
	}
	return nil, fmt.Errorf("xexun: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}
