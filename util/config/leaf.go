package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// The tags of a field.
const (
	tagKey    = "koanf"  // its name; "-" leaves the field out
	tagDesc   = "desc"   // what it is, for people
	tagSecret = "secret" // "true": never shown
)

// leaf is one setting.
type leaf struct {
	key    string
	desc   string
	secret bool
	// field holds the value; not valid for a K-file.
	field reflect.Value
	kind  kind
	// fileOf is the secret that this setting names a file for, nil for others.
	fileOf *leaf
}

// kind is a type of setting. Its text is how pflag shows it.
type kind string

const (
	kindString   kind = "string"
	kindBool     kind = "bool"
	kindInt      kind = "int"
	kindFloat    kind = "float"
	kindDuration kind = "duration"
	kindList     kind = "list"
	kindMap      kind = "map"
)

var kinds = map[reflect.Type]kind{
	reflect.TypeFor[string]():            kindString,
	reflect.TypeFor[bool]():              kindBool,
	reflect.TypeFor[int]():               kindInt,
	reflect.TypeFor[float64]():           kindFloat,
	reflect.TypeFor[time.Duration]():     kindDuration,
	reflect.TypeFor[[]string]():          kindList,
	reflect.TypeFor[map[string]string](): kindMap,
}

// leavesOf lists the settings of a struct, or of a pointer to one, in the order
// of its fields. A struct that breaks the rules is a bug and panics.
func leavesOf(config any) []*leaf {
	v := reflect.ValueOf(config)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: %T is not a struct", config))
	}
	leaves := appendLeaves(nil, v, "")
	names := map[string]string{variable("config"): "config"}
	for _, l := range leaves {
		if other, taken := names[variable(l.key)]; taken {
			panic(fmt.Sprintf("config: %s and %s have the same variable %s", other, l.key, variable(l.key)))
		}
		names[variable(l.key)] = l.key
	}
	return leaves
}

func appendLeaves(leaves []*leaf, v reflect.Value, path string) []*leaf {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get(tagKey)
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" || strings.ContainsAny(name, "., ") || name != strings.ToLower(name) {
			panic(fmt.Sprintf("config: field %s of %s: %q is no key", f.Name, v.Type(), name))
		}
		key := join(path, name)
		if f.Type.Kind() == reflect.Struct {
			leaves = appendLeaves(leaves, v.Field(i), key)
			continue
		}
		kind, ok := kinds[f.Type]
		if !ok {
			panic(fmt.Sprintf("config: %s: a setting cannot be a %s", key, f.Type))
		}
		l := &leaf{key: key, desc: f.Tag.Get(tagDesc), secret: f.Tag.Get(tagSecret) == "true", field: v.Field(i), kind: kind}
		leaves = append(leaves, l)
		if l.secret && kind == kindString {
			leaves = append(leaves, &leaf{key: key + "-file", desc: "file that holds " + key, kind: kindString, fileOf: l})
		}
	}
	return leaves
}

// variable is the name of a setting in the environment.
func variable(key string) string {
	return prefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// parse reads a value written as one text.
func (l *leaf) parse(text string) (any, error) {
	switch l.kind {
	case kindString:
		return text, nil
	case kindBool:
		switch text {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	case kindInt:
		if i, err := strconv.Atoi(text); err == nil {
			return i, nil
		}
	case kindFloat:
		if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
	case kindDuration:
		if d, err := time.ParseDuration(text); err == nil {
			return d, nil
		}
	case kindList:
		list := []string{}
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		return list, nil
	case kindMap:
		if m, ok := parseMap(text); ok {
			return m, nil
		}
	}
	return nil, l.bad(text)
}

func parseMap(text string) (map[string]string, bool) {
	m := map[string]string{}
	for item := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		key, value, ok := strings.Cut(item, "=")
		key = strings.TrimSpace(key)
		if _, twice := m[key]; !ok || key == "" || twice {
			return nil, false
		}
		m[key] = strings.TrimSpace(value)
	}
	return m, true
}

// bad says what is wrong with a value.
func (l *leaf) bad(text string) error {
	return fmt.Errorf("%s is %s, want %s", l.key, l.quote(text), map[kind]string{
		kindString:   "a text",
		kindBool:     "true or false",
		kindInt:      "a whole number",
		kindFloat:    "a number",
		kindDuration: "a duration such as 500ms, 30s or 1h30m",
		kindList:     "a list",
		kindMap:      "names with values, each name once (a=1,b=2)",
	}[l.kind])
}

// quote shows a value in a message.
func (l *leaf) quote(text string) string {
	if l.secret {
		return mask
	}
	return fmt.Sprintf("%.80q", redact(text))
}
