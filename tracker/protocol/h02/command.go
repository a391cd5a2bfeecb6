package h02

import (
	"fmt"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "engineStop", "engineResume", "alarmArm", "alarmDisarm", "positionPeriodic"}

// commandTime stands where a command says when it was sent: encoders have no
// clock. Devices repeat it in their echo.
const commandTime = "010203"

// maxCommand bounds what a user may send as it is, in bytes.
const maxCommand = 512

// encode writes a command. Setting "alternative": the interval as newer
// firmware wants it.
func encode(cmd data.Command, s protocol.Settings) ([]byte, error) {
	var code, parameters string
	switch cmd.Type {
	case "custom":
		text, ok := cmd.Attributes.Get("data").Text()
		if !ok || text == "" || len(text) > maxCommand {
			return nil, fmt.Errorf("encode command custom: attribute data is not a text of 1 to %d characters: %w", maxCommand, data.ErrInvalid)
		}
		return []byte(text), nil
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
	return []byte("*HQ," + cmd.UniqueID + "," + code + "," + commandTime + "," + parameters + "#"), nil
}
