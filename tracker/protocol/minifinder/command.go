package minifinder

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{
	"custom", "setTimezone", "voiceMonitoring", "alarmSpeed", "alarmGeofence", "alarmVibration", "setAgps", "alarmFall",
	"modePowerSaving", "modeDeepSleep", "sosNumber", "setIndicator",
}

// maxCommand bounds a free command, in bytes.
const maxCommand = 512

// switches are the commands that turn something on or off.
var switches = map[string]string{
	"voiceMonitoring": "P", "setAgps": "AGPS", "alarmFall": "F", "modePowerSaving": "SP", "modeDeepSleep": "DS",
}

// encode writes a command. The setting "password" is 123456 by default.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	text, err := commandText(cmd)
	if err != nil {
		return nil, err
	}
	if cmd.Type == "custom" {
		return []byte(text), nil
	}
	return []byte(protocol.Password(cmd, s, "123456") + text), nil
}

func commandText(cmd data.Command) (string, error) {
	if letters, ok := switches[cmd.Type]; ok {
		on, err := enabled(cmd)
		if err != nil {
			return "", err
		}
		return letters + on, nil
	}
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, maxCommand)
		if err == nil && !protocol.IsHex(cmd) && strings.ContainsAny(string(text), "\r\n\x00") {
			err = fmt.Errorf("encode command custom: attribute data holds no text of one line: %w", data.ErrInvalid)
		}
		return string(text), err
	case "setTimezone":
		return timezone(cmd)
	case "alarmSpeed":
		v, err := argument(cmd, "speed", "data")
		return "J1" + v, err
	case "alarmGeofence":
		v, err := argument(cmd, "radius")
		return "R1" + v, err
	case "alarmVibration":
		v, err := argument(cmd, "data")
		return "W1," + v, err
	case "setIndicator":
		v, err := argument(cmd, "data")
		return "LED" + v, err
	case "sosNumber":
		index, ok := cmd.Attributes.Get("index").Float()
		if !ok || index < 0 || index > 2 {
			return "", fmt.Errorf("encode command sosNumber: attribute index is not 0 to 2: %w", data.ErrInvalid)
		}
		phone, err := argument(cmd, "phone")
		return string(rune('A'+int(index))) + "1," + phone, err
	}
	return "", fmt.Errorf("minifinder: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}

// argument returns the first of the attributes that is there, as text on one
// line.
func argument(cmd data.Command, names ...string) (string, error) {
	for _, name := range names {
		v := cmd.Attributes.Get(name)
		s := v.String()
		if f, ok := v.Float(); ok {
			s = strconv.FormatFloat(f, 'f', -1, 64)
		}
		if s != "" && !strings.ContainsAny(s, "\r\n\x00") {
			return s, nil
		}
	}
	return "", fmt.Errorf("encode command %s: attribute %s holds no text of one line: %w", cmd.Type, names[0], data.ErrInvalid)
}

// enabled reads the attribute enable, or data, as 1 or 0.
func enabled(cmd data.Command) (string, error) {
	for _, name := range [...]string{"enable", "data"} {
		switch strings.ToLower(cmd.Attributes.Get(name).String()) {
		case "true", "1", "on":
			return "1", nil
		case "false", "0", "off":
			return "0", nil
		}
	}
	return "", fmt.Errorf("encode command %s: attribute enable is not true or false: %w", cmd.Type, data.ErrInvalid)
}

// timezone writes hours ahead of UTC with a sign and two digits; minutes have
// no place.
func timezone(cmd data.Command) (string, error) {
	s, _ := cmd.Attributes.Get("timezone").Text()
	rest := strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "GMT"), "UTC")
	if rest == "" && s != "" {
		rest = "+0"
	}
	hours, minutes, _ := strings.Cut(rest, ":")
	n, err := strconv.Atoi(hours)
	if err != nil || n < -12 || n > 14 || strings.Trim(minutes, "0") != "" {
		return "", fmt.Errorf("encode command setTimezone: attribute timezone %q is not whole hours as GMT+1: %w", s, data.ErrInvalid)
	}
	return fmt.Sprintf("L%+03d", n), nil
}
