package gl200

import (
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{"custom", "positionSingle", "engineStop", "engineResume", "deviceIdentification", "rebootDevice"}

// maxCommand bounds a free command, in bytes.
const maxCommand = 1000

// encode writes a command: text that ends in $. It carries the password of the
// device, by default the name of its model in small letters: attribute
// "devicePassword", else setting "password", else setting "model".
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	factory := strings.ToLower(s.Text("model"))
	if factory == "" {
		factory = "gl200"
	}
	password := protocol.Password(cmd, s, factory)
	if strings.ContainsAny(password, ",$\r\n") {
		return nil, fmt.Errorf("encode command %s: the password may hold no comma and no $: %w", cmd.Type, data.ErrInvalid)
	}
	switch cmd.Type {
	case "custom":
		return protocol.Custom(cmd, maxCommand)
	case "positionSingle":
		return []byte("AT+GTRTO=" + password + ",1,,,,,,FFFF$"), nil
	case "engineStop":
		return []byte("AT+GTOUT=" + password + ",1,,,0,0,0,0,0,0,0,,,,,,,FFFF$"), nil
	case "engineResume":
		return []byte("AT+GTOUT=" + password + ",0,,,0,0,0,0,0,0,0,,,,,,,FFFF$"), nil
	case "deviceIdentification":
		return []byte("AT+GTRTO=" + password + ",8,,,,,,FFFF$"), nil
	case "rebootDevice":
		return []byte("AT+GTRTO=" + password + ",3,,,,,,FFFF$"), nil
	}
	return nil, fmt.Errorf("gl200: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}
