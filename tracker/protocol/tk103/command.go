package tk103

import (
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{
	"custom", "positionSingle", "positionPeriodic", "positionStop", "engineStop", "engineResume", "rebootDevice",
	"setOdometer", "getVersion", "outputControl", "getDeviceStatus", "powerOff", "deviceIdentification",
	"modeDeepSleep", "modePowerSaving", "alarmSos", "setConnection", "sosNumber",
}

const (
	// maxCommand bounds a free command, in bytes.
	maxCommand      = 512
	defaultPassword = "123456"
)

// encode writes a command. Setting "alternative": the form of pet and moped
// trackers instead of the one of boxes.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	if s.Bool("alternative") {
		text, err := alternativeText(cmd, s)
		if err != nil {
			return nil, err
		}
		return []byte("[begin]sms2," + text + ",[end]"), nil
	}
	code, err := boxCode(cmd)
	if err != nil {
		return nil, err
	}
	return []byte("(" + cmd.UniqueID + code + ")"), nil
}

func boxCode(cmd data.Command) (string, error) {
	switch cmd.Type {
	case "custom":
		content, err := protocol.Custom(cmd, maxCommand)
		return string(content), err
	case "positionSingle":
		return "AP00", nil
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 1 || seconds > 0xFFFF {
			return "", fmt.Errorf("encode command positionPeriodic: attribute frequency is not 1 to 65535 seconds: %w", data.ErrInvalid)
		}
		return fmt.Sprintf("AR00%04X0000", int(seconds)), nil
	case "positionStop":
		return "AR0000000000", nil
	case "engineStop":
		return "AV010", nil
	case "engineResume":
		return "AV011", nil
	case "rebootDevice":
		return "AT00", nil
	case "setOdometer":
		return "AX01", nil
	case "getVersion":
		return "AP07", nil
	case "outputControl":
		output, err := text(cmd, "data")
		return "AV00" + output, err
	}
	return "", fmt.Errorf("tk103: command %q in the form of boxes: %w", cmd.Type, protocol.ErrUnsupported)
}

func alternativeText(cmd data.Command, s protocol.Settings) (string, error) {
	on, _ := cmd.Attributes.Get("enable").Bool()
	switch cmd.Type {
	case "custom":
		content, err := protocol.Custom(cmd, maxCommand)
		return string(content), err
	case "positionSingle":
		return "*getposl*", nil
	case "positionPeriodic":
		return "*routetrack*99*", nil
	case "positionStop":
		return "*routetrackoff*", nil
	case "getVersion":
		return "*about*", nil
	case "getDeviceStatus":
		return "*status*", nil
	case "powerOff":
		return "*turnoff*", nil
	case "rebootDevice":
		return "88888888", nil
	case "deviceIdentification", "identification":
		return "999999", nil
	case "modeDeepSleep":
		if on {
			return "*sleep*2*", nil
		}
		return "*sleepoff*", nil
	case "modePowerSaving":
		if on {
			return "*sleepv*", nil
		}
		return "*sleepoff*", nil
	case "alarmSos":
		if on {
			return "*soson*", nil
		}
		return "*sosoff*", nil
	case "setConnection":
		server, err := text(cmd, "server")
		if err != nil {
			return "", err
		}
		port, err := text(cmd, "port")
		return "*setip*" + strings.ReplaceAll(server, ".", "*") + "*" + port + "*", err
	case "sosNumber":
		password := protocol.Password(cmd, s, defaultPassword)
		phone, err := text(cmd, "phone")
		return "*master*" + password + "*" + phone + "*", err
	}
	return "", fmt.Errorf("tk103: command %q in the form of pet trackers: %w", cmd.Type, protocol.ErrUnsupported)
}

// text returns an attribute of a command as text.
func text(cmd data.Command, name string) (string, error) {
	v := cmd.Attributes.Get(name).String()
	if v == "" || len(v) > maxCommand {
		return "", fmt.Errorf("encode command %s: attribute %s is not a text of 1 to %d characters: %w", cmd.Type, name, maxCommand, data.ErrInvalid)
	}
	return v, nil
}
