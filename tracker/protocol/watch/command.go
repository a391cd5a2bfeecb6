package watch

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

var commands = []string{
	"custom", "positionSingle", "positionPeriodic", "rebootDevice", "powerOff", "sosNumber", "alarmSos", "alarmBattery",
	"alarmRemove", "silenceTime", "alarmClock", "setPhonebook", "message", "voiceMessage", "setTimezone", "setIndicator",
}

// maxCommand bounds the content of a command in bytes.
const maxCommand = 32 << 10

// encode writes a command. Settings: "maker", the two letters of the device
// (CS by default; 3G devices want SG), and "index" for devices that number
// their messages.
func encode(cmd data.Command, s protocol.Settings, _ time.Time) ([]byte, error) {
	content, err := commandContent(cmd)
	if err != nil {
		return nil, err
	}
	if len(content) > maxCommand {
		return nil, fmt.Errorf("encode command %s: %d bytes, at most %d: %w", cmd.Type, len(content), maxCommand, data.ErrInvalid)
	}
	maker, index := s.Text("maker"), ""
	switch maker {
	case "":
		maker = "CS"
	case "3G":
		maker = "SG"
	}
	if s.Bool("index") {
		index = "0001"
	}
	b := appendMessage(nil, maker, cmd.UniqueID, index, content)
	if cmd.Type == "voiceMessage" {
		b = b[:len(b)-len(content)-1]
		b = append(append(b, "TK,"...), appendEscaped(nil, content[len("TK,"):])...)
		b = append(b, closing)
	}
	return b, nil
}

func commandContent(cmd data.Command) ([]byte, error) {
	text, err := commandText(cmd)
	return []byte(text), err
}

// plain are the commands that are a word and the attribute data.
var plain = map[string]string{
	"silenceTime": "SILENCETIME,", "alarmClock": "REMIND,", "setPhonebook": "PHB,", "setIndicator": "FLOWER,",
}

// switches are the commands that turn something on or off.
var switches = map[string]string{"alarmSos": "SOSSMS,", "alarmBattery": "LOWBAT,", "alarmRemove": "REMOVE,"}

func commandText(cmd data.Command) (string, error) {
	if word, ok := plain[cmd.Type]; ok {
		text, err := argument(cmd, "data")
		return word + text, err
	}
	if word, ok := switches[cmd.Type]; ok {
		on, err := enabled(cmd)
		return word + on, err
	}
	switch cmd.Type {
	case "custom":
		text, err := protocol.Custom(cmd, maxCommand)
		if err == nil && bytes.ContainsAny(text, "[]\r\n\x00") {
			err = fmt.Errorf("encode command custom: attribute data holds a bracket or a line break: %w", data.ErrInvalid)
		}
		return string(text), err
	case "positionSingle":
		return "CR", nil
	case "positionPeriodic":
		seconds, ok := cmd.Attributes.Get("frequency").Float()
		if !ok || seconds < 1 || seconds > 86400 {
			return "", fmt.Errorf("encode command positionPeriodic: attribute frequency is not 1 to 86400 seconds: %w", data.ErrInvalid)
		}
		return "UPLOAD," + strconv.Itoa(int(seconds)), nil
	case "rebootDevice":
		return "RESET", nil
	case "powerOff":
		return "POWEROFF", nil
	case "sosNumber":
		index, ok := cmd.Attributes.Get("index").Float()
		if !ok || index < 1 || index > 3 {
			return "", fmt.Errorf("encode command sosNumber: attribute index is not 1 to 3: %w", data.ErrInvalid)
		}
		phone, err := argument(cmd, "phone")
		return "SOS" + strconv.Itoa(int(index)) + "," + phone, err
	case "message":
		text, ok := cmd.Attributes.Get("message").Text()
		if !ok {
			return "", fmt.Errorf("encode command message: attribute message holds no text: %w", data.ErrInvalid)
		}
		return "MESSAGE," + hexUTF16(text), nil
	case "voiceMessage":
		text, _ := cmd.Attributes.Get("data").Text()
		sound, err := hex.DecodeString(text)
		if err != nil || len(sound) == 0 {
			return "", fmt.Errorf("encode command voiceMessage: attribute data is not AMR in hex: %w", data.ErrInvalid)
		}
		return "TK," + string(sound), nil
	case "setTimezone":
		language, _ := cmd.Attributes.Get("language").Text()
		hours, err := timezone(cmd)
		return "LZ," + language + "," + hours, err
	}
	return "", fmt.Errorf("watch: command %q: %w", cmd.Type, protocol.ErrUnsupported)
}

func hexUTF16(text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = append(b, byte(unit>>8), byte(unit))
	}
	return hex.EncodeToString(b)
}

// argument returns an attribute as text. Brackets would end the message.
func argument(cmd data.Command, name string) (string, error) {
	s := cmd.Attributes.Get(name).String()
	if s == "" || strings.ContainsAny(s, "[]\r\n\x00") {
		return "", fmt.Errorf("encode command %s: attribute %s holds no text without brackets: %w", cmd.Type, name, data.ErrInvalid)
	}
	return s, nil
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

// timezone writes GMT+01:30 as hours with a sign, +1.5.
func timezone(cmd data.Command) (string, error) {
	s, _ := cmd.Attributes.Get("timezone").Text()
	rest := strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "GMT"), "UTC")
	if rest == "" && s != "" {
		rest = "+0"
	}
	whole, part, _ := strings.Cut(rest, ":")
	hours, ok := number(whole)
	minutes, okMinutes := number("0" + part)
	if !ok || !okMinutes || math.Abs(hours) > 14 || minutes > 59 || strings.ContainsAny(part, "eExX-+") {
		return "", fmt.Errorf("encode command setTimezone: attribute timezone %q is not hours as GMT+01:30: %w", s, data.ErrInvalid)
	}
	if strings.HasPrefix(whole, "-") {
		minutes = -minutes
	}
	hours += minutes / 60
	text := strconv.FormatFloat(hours, 'f', -1, 64)
	if hours >= 0 {
		text = "+" + strings.TrimPrefix(text, "-")
	}
	return text, nil
}
