package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Flags registers a flag for every setting of defaults (a struct or a pointer
// to one), and --config for the file. Values are read by Load, so that a wrong
// one is reported with all others.
func Flags(fs *pflag.FlagSet, defaults any) {
	if fs.Lookup(fileFlag) == nil {
		fs.String(fileFlag, "", "YAML `file` with settings ["+variable(fileFlag)+"]")
	}
	for _, l := range leavesOf(defaults) {
		text := l.text()
		if l.secret && text != "" {
			text = mask
		}
		usage := strings.TrimSpace(fmt.Sprintf("%s [%s]", l.desc, variable(l.key)))
		f := fs.VarPF(&flagValue{kind: l.kind, text: text}, l.key, "", usage)
		if l.kind == kindBool {
			f.NoOptDefVal = "true"
		}
	}
}

// flagValue keeps the text of a flag. A list or a map may be given in pieces,
// each with a flag of its own.
type flagValue struct {
	kind kind
	text string
	set  bool
}

func (v *flagValue) String() string { return v.text }
func (v *flagValue) Type() string   { return string(v.kind) }

func (v *flagValue) Set(text string) error {
	if v.set && (v.kind == kindList || v.kind == kindMap) {
		text = v.text + "," + text
	}
	v.text, v.set = text, true
	return nil
}

// text is the present value as parse would read it.
func (l *leaf) text() string {
	if l.fileOf != nil {
		return ""
	}
	switch v := l.field.Interface().(type) {
	case []string:
		return strings.Join(v, ",")
	case map[string]string:
		var items []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			items = append(items, key+"="+v[key])
		}
		return strings.Join(items, ",")
	case time.Duration:
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}
