package osmand

import (
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom"}

// maxCommand bounds a command, in bytes.
const maxCommand = 4 << 10

// encode writes a command: text, the body of the answer to the next request.
func encode(cmd data.Command, _ protocol.Settings, _ time.Time) ([]byte, error) {
	if cmd.Type != "custom" {
		return nil, fmt.Errorf("osmand: command %q: %w", cmd.Type, protocol.ErrUnsupported)
	}
	return protocol.Custom(cmd, maxCommand)
}
