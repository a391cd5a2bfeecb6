package xexun2

import (
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

var commands = []string{"custom", "positionPeriodic", "powerOff", "rebootDevice"}

// maxCommand is what fits into a body, in bytes.
const maxCommand = lengthMask

// encode writes a command.
func encode(cmd data.Command, _ protocol.Settings, _ time.Time) ([]byte, error) {
	var text string
	switch cmd.Type {
	case "custom":
		given, err := protocol.Custom(cmd, maxCommand)
		if err != nil {
			return nil, err
		}
		text = string(given)
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 1 || seconds > 86400 {
			return nil, fmt.Errorf("encode command positionPeriodic: attribute frequency is not 1 to 86400 seconds: %w", data.ErrInvalid)
		}
		every := strconv.Itoa(int(seconds))
		text = "tracking_send=" + every + "," + every
	case "powerOff":
		text = "of=1"
	case "rebootDevice":
		text = "reset"
	default:
		return nil, fmt.Errorf("xexun2: command %q: %w", cmd.Type, protocol.ErrUnsupported)
	}
	if len(cmd.UniqueID) != imeiDigits {
		return nil, fmt.Errorf("encode command %s: device id %q is no IMEI of %d digits: %w", cmd.Type, cmd.UniqueID, imeiDigits, data.ErrInvalid)
	}
	imei := converters.AppendBCD(nil, cmd.UniqueID+"0", imeiSize)
	return appendFrame(nil, kindCommand, 1, imei, []byte(text)), nil
}
