package arnavi

import (
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom"}

// maxCommand bounds a frame that a user gives as it is, in bytes.
const maxCommand = 1000

// encode writes a custom command: a whole frame in hex, which differs by device
// and by what is set up in it.
func encode(cmd data.Command, _ protocol.Settings, _ time.Time) ([]byte, error) {
	if cmd.Type != "custom" {
		return nil, fmt.Errorf("arnavi: command %q: %w", cmd.Type, protocol.ErrUnsupported)
	}
	return protocol.CustomFrame(cmd, maxCommand)
}
