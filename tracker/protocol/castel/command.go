package castel

import (
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "engineStop", "engineResume"}

const (
	commandEngine  = 0x4583
	commandVersion = 1
)

// maxCommand bounds a frame that a user gives as it is, in bytes.
const maxCommand = 1000

// encode writes a command.
func encode(cmd data.Command, _ protocol.Settings, _ time.Time) ([]byte, error) {
	if cmd.Type == "custom" {
		return protocol.CustomFrame(cmd, maxCommand)
	}
	h := header{version: commandVersion}
	if cmd.UniqueID == "" || len(cmd.UniqueID) > idSize {
		return nil, fmt.Errorf("encode command %s: the device's id has %d characters, want 1 to %d: %w", cmd.Type, len(cmd.UniqueID), idSize, data.ErrInvalid)
	}
	copy(h.id[:], cmd.UniqueID)
	switch cmd.Type {
	case "engineStop":
		return h.appendFrame(nil, commandEngine, []byte{1}), nil
	case "engineResume":
		return h.appendFrame(nil, commandEngine, []byte{0}), nil
	}
	return nil, fmt.Errorf("castel: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}
