package gps103

import (
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{
	"custom", "positionSingle", "positionPeriodic", "positionStop", "engineStop", "engineResume", "alarmArm",
	"alarmDisarm", "alarmDismiss", "requestPhoto",
}

// maxCommand bounds a free command, in bytes.
const maxCommand = 512

// encode writes a command.
func encode(cmd data.Command, _ protocol.Settings, _ time.Time) ([]byte, error) {
	var code string
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, maxCommand)
		if err != nil {
			return nil, err
		}
		code = string(text)
	case "positionSingle":
		code = "B"
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 1 || seconds >= 100*3600 {
			return nil, fmt.Errorf("encode command positionPeriodic: attribute frequency is not 1 to 359999 seconds: %w", data.ErrInvalid)
		}
		code = "C," + interval(int(seconds))
	case "positionStop":
		code = "D"
	case "engineStop":
		code = "J"
	case "engineResume":
		code = "K"
	case "alarmArm":
		code = "L"
	case "alarmDisarm":
		code = "M"
	case "alarmDismiss":
		code = "E"
	case "requestPhoto":
		code = "160"
	default:
		return nil, fmt.Errorf("gps103: command %q: %w", cmd.Type, protocol.ErrUnsupported)
	}
	return []byte("**,imei:" + cmd.UniqueID + "," + code), nil
}

// interval writes seconds as two digits and a unit: the largest unit that fits,
// unless a smaller one says it exactly. What fits none loses the remainder.
func interval(seconds int) string {
	switch {
	case seconds < 60, seconds < 100 && seconds%60 != 0:
		return fmt.Sprintf("%02ds", seconds)
	case seconds < 3600, seconds < 6000 && seconds%3600 != 0:
		return fmt.Sprintf("%02dm", seconds/60)
	default:
		return fmt.Sprintf("%02dh", seconds/3600)
	}
}
