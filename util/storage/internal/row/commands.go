package row

import (
	"fmt"

	"github.com/waymark-gps/waymark/data"
)

// ExpireAtOnce bounds the commands that one call ends.
const ExpireAtOnce = 500

// CheckCommand tells whether a new command can be stored.
func CheckCommand(c *data.QueuedCommand) error {
	if err := checkKey("command type", c.Type); err != nil {
		return err
	}
	return checkAttributes("command", c.Attributes)
}

// CheckAudit tells whether e can be stored.
func CheckAudit(e *data.AuditEntry) error {
	return checkTexts("audit entry", e.Address, e.Action, e.ObjectType)
}

// StepText is the text of a step as it is kept.
func StepText(s string) string { return Clean(s, data.MaxCommandResult) }

func checkAttributes(what string, a data.Attributes) error {
	for i := range a {
		if err := checkTexts(what, a[i].Key, a[i].Value.String()); err != nil {
			return err
		}
	}
	return nil
}

// EncodeAttributes writes attributes as a JSON object.
func EncodeAttributes(a data.Attributes) string { return string(a.AppendJSON(nil)) }

// DecodeAttributes reads what EncodeAttributes wrote; nil if there are none.
func DecodeAttributes(s string) (data.Attributes, error) {
	a, err := data.ParseAttributes([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("read attributes: %w", err)
	}
	if len(a) == 0 {
		return nil, nil
	}
	return a, nil
}

// States writes states as texts.
func States(states []data.CommandState) []string {
	out := make([]string, len(states))
	for i, s := range states {
		out[i] = string(s)
	}
	return out
}
