package ruptela

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{
	"custom", "engineStop", "engineResume", "positionSingle", "getVersion", "configuration", "firmwareUpdate",
	"setConnection", "setOdometer", "outputControl", "requestPhoto",
}

// The commands of the server that have no answer of the same kind.
const (
	serverText       = 100 + 8
	serverConnection = 100 + 5
	serverOdometer   = 100 + 6
)

// maxCommand bounds the text of a command in bytes.
const maxCommand = 1000

// encode writes a command. Setting: "password", the word in front of texts
// that stop the engine, "pass" by default.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	password := protocol.Password(cmd, s, "pass")
	switch cmd.Type {
	case "custom":
		content, err := protocol.Custom(cmd, maxCommand)
		if err != nil {
			return nil, err
		}
		return serverFrame(serverText, content...), nil
	case "engineStop":
		return serverFrame(serverText, []byte(password+" immobilizer 10")...), nil
	case "engineResume":
		return serverFrame(serverText, []byte(password+" resetimmob")...), nil
	case "positionSingle":
		return serverFrame(serverText, []byte("coords")...), nil
	case "getVersion":
		return serverFrame(100 + commandVersion), nil
	case "configuration":
		return text(cmd, 100+commandConfiguration, "\r\n", "data")
	case "firmwareUpdate":
		return serverFrame(100+commandFirmware, []byte("|FU_STRT*\r\n")...), nil
	case "setConnection":
		server, _ := cmd.Attributes.Get("server").Text()
		port, ok := number(cmd, "port")
		if server == "" || !ok || port > math.MaxUint16 || len(server) > maxCommand {
			return nil, fmt.Errorf("encode command setConnection: attributes server and port are needed: %w", data.ErrInvalid)
		}
		return serverFrame(serverConnection, fmt.Appendf(nil, "%s,%d,TCP", server, port)...), nil
	case "setOdometer":
		metres, ok := number(cmd, "data")
		if !ok {
			return nil, fmt.Errorf("encode command setOdometer: attribute data is no number of metres: %w", data.ErrInvalid)
		}
		return serverFrame(serverOdometer, binary.BigEndian.AppendUint32(nil, metres)...), nil
	case "outputControl":
		index, ok := number(cmd, "index")
		value, ok2 := number(cmd, "data")
		if !ok || !ok2 {
			return nil, fmt.Errorf("encode command outputControl: attributes index and data are no numbers: %w", data.ErrInvalid)
		}
		b := binary.BigEndian.AppendUint32(nil, index)
		return serverFrame(100+commandSetIO, binary.BigEndian.AppendUint32(b, value)...), nil
	case "requestPhoto":
		// The photos of a time: of all times.
		b := binary.BigEndian.AppendUint32([]byte{1, 0}, 0)
		return serverFrame(100+commandFile, binary.BigEndian.AppendUint32(b, math.MaxInt32)...), nil
	}
	return nil, fmt.Errorf("ruptela: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}

// text writes a command that is the text of an attribute.
func text(cmd data.Command, command byte, end, attribute string) ([]byte, error) {
	content, ok := cmd.Attributes.Get(attribute).Text()
	if !ok || content == "" || len(content) > maxCommand {
		return nil, fmt.Errorf("encode command %s: attribute %s holds no text of 1 to %d characters: %w", cmd.Type, attribute, maxCommand, data.ErrInvalid)
	}
	return serverFrame(command, []byte(content+end)...), nil
}

// number reads an attribute as a whole number of 32 bits.
func number(cmd data.Command, attribute string) (uint32, bool) {
	v := cmd.Attributes.Get(attribute)
	f, ok := v.Float()
	if text, isText := v.Text(); isText {
		var err error
		f, err = strconv.ParseFloat(text, 64)
		ok = err == nil
	}
	if !ok || !(f >= 0 && f <= math.MaxUint32) {
		return 0, false
	}
	return uint32(f), true
}
