package h02

import (
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "engineStop", "engineResume", "alarmArm", "alarmDisarm", "positionPeriodic"}

// maxCommand bounds what a user may send as it is, in bytes.
const maxCommand = 512

// encode writes a command with the time of sending, which devices repeat in
// their echo. Setting "alternative": the interval as newer
// firmware wants it.
func encode(cmd data.Command, s protocol.Settings, now time.Time) ([]byte, error) {
	var code, parameters string
	switch cmd.Type {
	case "custom":
		return protocol.Custom(cmd, maxCommand)
	case "engineStop":
		code, parameters = "S20", "1,1"
	case "engineResume":
		code, parameters = "S20", "1,0"
	case "alarmArm":
		code, parameters = "SCF", "0,0"
	case "alarmDisarm":
		code, parameters = "SCF", "1,1"
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 1 || seconds > 86400 {
			return nil, fmt.Errorf("encode command positionPeriodic: attribute frequency is not 1 to 86400 seconds: %w", data.ErrInvalid)
		}
		every := strconv.Itoa(int(seconds))
		code, parameters = "S71", "22,"+every
		if s.Bool("alternative") {
			code, parameters = "D1", every
		}
	default:
		return nil, fmt.Errorf("h02: command %q: %w", cmd.Type, protocol.ErrUnsupported)
	}
	return []byte("*HQ," + cmd.UniqueID + "," + code + "," + now.UTC().Format("150405") + "," + parameters + "#"), nil
}
