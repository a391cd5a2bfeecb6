package taip

import (
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "positionSingle"}

// maxCommand bounds a free command, in bytes.
const maxCommand = 500

// encode writes a command. Outputs differ by model: >SSSXP21< and the like go
// as custom commands.
func encode(cmd data.Command, _ protocol.Settings, _ time.Time) ([]byte, error) {
	switch cmd.Type {
	case "custom":
		return protocol.Custom(cmd, maxCommand)
	case "positionSingle":
		return []byte(">QPV<"), nil
	}
	return nil, fmt.Errorf("taip: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}
