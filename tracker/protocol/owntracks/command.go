package owntracks

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "positionPeriodic", "positionSingle"}

const (
	// maxCommand bounds a command of one's own, in bytes.
	maxCommand = 4 << 10
	// defaultInterval is how often to report if the command does not say, in s.
	defaultInterval = 60
)

// encode writes a command: over MQTT a message, over HTTP the answer to the
// device's next request, an array with one message. The app obeys if its setting
// allows remote commands.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	var m map[string]any
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, maxCommand)
		if err != nil {
			return nil, err
		}
		if json.Unmarshal(text, &m) != nil || m["_type"] == nil {
			return nil, fmt.Errorf("owntracks: attribute data is not a JSON object with _type: %w", data.ErrInvalid)
		}
	case "positionSingle":
		m = map[string]any{"_type": "cmd", "action": "reportLocation"}
	case "positionPeriodic":
		seconds := int64(defaultInterval)
		if v, ok := cmd.Attributes.Get("frequency").Float(); ok {
			seconds = int64(v)
		}
		if seconds < 1 || seconds > 24*3600 {
			return nil, fmt.Errorf("owntracks: frequency is %d, want 1 to 86400 s: %w", seconds, data.ErrInvalid)
		}
		m = map[string]any{"_type": "cmd", "action": "setConfiguration", "configuration": map[string]any{
			"_type": "configuration", "locatorInterval": seconds, "moveModeLocatorInterval": seconds,
		}}
	default:
		return nil, fmt.Errorf("owntracks: command %q: %w", cmd.Type, protocol.ErrUnsupported)
	}
	if s.Bool("mqtt") {
		return json.Marshal(m)
	}
	return json.Marshal([]any{m})
}
