// Package config reads settings: the defaults in the code, on top of them a
// YAML file, on top of it the environment, and last the command line.
//
// A component declares a struct and its defaults, and a main puts the structs
// of its components together:
//
//	type Config struct {
//		Listen string        `koanf:"listen" desc:"address to listen on, host:port"`
//		Token  string        `koanf:"token" desc:"token of the bot" secret:"true"`
//		Idle   time.Duration `koanf:"idle" desc:"silence after which a connection ends"`
//	}
//
//	type settings struct {
//		Web web.Config `koanf:"web"`
//	}
//
// The setting web.listen is then --web.listen on the command line,
// WAYMARK_WEB_LISTEN in the environment (upper case, dots and hyphens become
// underscores), and in the file
//
//	web:
//	  listen: ":8082"
//
// Settings are string, bool, int, float64, time.Duration, []string and
// map[string]string; lists are written a,b,c and maps a=1,b=2 outside of the
// file. A later source replaces a list or a map as a whole. A secret text K can
// also be read from a file: every secret K has a setting K-file that names it.
//
// Whatever is not understood is an error: unknown keys, values of another type.
// All problems are reported together, a line each. A struct that has a method
// Validate() error is asked at the end.
package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// Source says where settings come from.
type Source struct {
	// File is the path of the YAML file. Empty: the one that the flag --config
	// or the variable WAYMARK_CONFIG names, if any.
	File string
	// Environ is the environment as of os.Environ.
	Environ []string
	// Flags is a parsed set that Flags has filled; nil for none.
	Flags *pflag.FlagSet
	// Others are sections of other programs that read the same file and
	// environment, for example "web"; they are passed over.
	Others []string
}

// layer is what one source says, by key.
type layer map[string]setting

// setting is a value of a leaf's type, and where it comes from.
type setting struct {
	value  any
	origin string
}

// loader collects what Load finds.
type loader struct {
	leaves   map[string]*leaf
	others   []string
	problems []error
}

func (l *loader) problem(origin, format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf("%s: %s", origin, fmt.Sprintf(format, args...)))
}

// Load fills dst, a pointer to a struct that holds the defaults. The error
// names every problem, a line each; dst is then not to be used.
func Load(dst any, src Source) (*Effective, error) {
	all := leavesOf(dst)
	l := &loader{leaves: map[string]*leaf{}, others: src.Others}
	for _, leaf := range all {
		l.leaves[leaf.key] = leaf
	}

	layers := []layer{l.file(src), l.environ(src.Environ), l.flags(src.Flags)}
	merged := koanf.New(".")
	origins := map[string]string{}
	for _, layer := range layers {
		values := map[string]any{}
		for key, s := range l.readSecrets(layer) {
			values[key] = s.value
			origins[key] = s.origin
		}
		if err := merged.Load(confmap.Provider(values, "."), nil); err != nil {
			return nil, fmt.Errorf("merge settings: %w", err)
		}
	}
	if len(l.problems) > 0 {
		return nil, errors.Join(l.problems...)
	}
	// The values have the types of the fields: nothing is converted here, and
	// lists and maps replace the default ones.
	err := merged.UnmarshalWithConf("", dst, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		TagName:     tagKey,
		ErrorUnused: true,
		ZeroFields:  true,
	}})
	if err != nil {
		return nil, fmt.Errorf("fill in settings: %w", err)
	}
	if err := validate(reflect.ValueOf(dst), ""); err != nil {
		return nil, err
	}
	return effective(all, origins), nil
}

// readSecrets replaces settings K-file by the K that the file holds.
func (l *loader) readSecrets(in layer) layer {
	out := maps.Clone(in)
	for key, s := range in {
		target := l.leaves[key].fileOf
		if target == nil {
			continue
		}
		delete(out, key)
		path := s.value.(string)
		if path == "" {
			continue
		}
		if other, both := in[target.key]; both {
			l.problem(s.origin, "%s and %s (%s) are both set; remove one", key, target.key, other.origin)
			continue
		}
		text, err := readLimited(path, maxSecret)
		if err != nil {
			l.problem(s.origin, "%s: %v", key, err)
			continue
		}
		secret := strings.TrimSpace(string(text))
		if secret == "" {
			// Taken as not set it could switch off what was meant to be on.
			l.problem(s.origin, "%s: %s is empty; write the value into it, or leave the setting out", key, path)
			continue
		}
		out[target.key] = setting{secret, s.origin + " (" + path + ")"}
	}
	return out
}

// validate asks every struct, the inner ones first.
func validate(v reflect.Value, path string) error {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	var problems []error
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Type.Kind() == reflect.Struct && f.IsExported() && f.Tag.Get(tagKey) != "-" {
			problems = append(problems, validate(v.Field(i), join(path, f.Tag.Get(tagKey))))
		}
	}
	if c, ok := v.Addr().Interface().(interface{ Validate() error }); ok {
		for _, err := range flatten(c.Validate()) {
			if path != "" {
				err = fmt.Errorf("%s: %w", path, err)
			}
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// flatten takes errors apart that were put together with errors.Join.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, err := range many.Unwrap() {
			all = append(all, flatten(err)...)
		}
		return all
	}
	return []error{err}
}

// unknown reports a name that means nothing, with the nearest one that does.
func (l *loader) unknown(origin, name, nearest string) {
	l.problem(origin, "%s is not a setting; did you mean %s?", name, nearest)
}

// foreign tells whether a key belongs to a section of another program.
func (l *loader) foreign(key string) bool {
	for _, section := range l.others {
		if key == section || strings.HasPrefix(key, section+".") {
			return true
		}
	}
	return false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
