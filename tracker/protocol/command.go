package protocol

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// Custom returns what a custom command says: the attribute "data" as text, or,
// with the attribute "hex" set to true, the bytes that its hex digits stand
// for; 1 to max bytes.
func Custom(cmd data.Command, max int) ([]byte, error) {
	text, ok := cmd.Attributes.Get("data").Text()
	content := []byte(text)
	if IsHex(cmd) {
		var err error
		if content, err = hex.DecodeString(strings.ReplaceAll(text, " ", "")); err != nil {
			return nil, fmt.Errorf("encode command %s: attribute data is not bytes in hex: %w", cmd.Type, data.ErrInvalid)
		}
	}
	if !ok || len(content) == 0 || len(content) > max {
		return nil, fmt.Errorf("encode command %s: attribute data is not 1 to %d characters of text, or bytes in hex with the attribute hex: true: %w", cmd.Type, max, data.ErrInvalid)
	}
	return content, nil
}

// CustomFrame is Custom for protocols without words: the attribute "data" is a
// whole frame in hex, which goes out as it is.
func CustomFrame(cmd data.Command, max int) ([]byte, error) {
	if !IsHex(cmd) {
		return nil, fmt.Errorf("encode command %s: the protocol knows no text: attribute data must be a whole frame in hex, and attribute hex true: %w", cmd.Type, data.ErrInvalid)
	}
	return Custom(cmd, max)
}

// IsHex tells whether the attribute "data" of a command is hex.
func IsHex(cmd data.Command) bool {
	on, _ := cmd.Attributes.Get("hex").Bool()
	return on
}

// Password is the password that a device wants with a command: the attribute
// "devicePassword" of the command, else the setting "password", else the one of
// the factory.
func Password(cmd data.Command, s Settings, factory string) string {
	if p := cmd.Attributes.Get("devicePassword").String(); p != "" {
		return p
	}
	switch p := s["password"].(type) {
	case string:
		if p != "" {
			return p
		}
	case float64:
		return strconv.FormatFloat(p, 'f', -1, 64)
	}
	return factory
}
