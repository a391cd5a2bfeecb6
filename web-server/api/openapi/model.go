package openapi

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// methods are those of HTTP that a path can have here.
var methods = []string{"get", "put", "post", "delete"}

// Info says what the document is about.
type Info struct {
	Title, Description, Version string
}

// Tag is a subject.
type Tag struct {
	Name, Description string
}

// Operation is a method of a path.
type Operation struct {
	// Path is below the server's /api, Method in capitals.
	Path, Method string `yaml:"-"`
	Tags         []string
	ID           string `yaml:"operationId"`
	Summary      string
	Description  string
	Parameters   []*Parameter
	Body         *Body            `yaml:"requestBody"`
	Responses    Map[*Response]   // by code
	Security     []map[string]any // nil: the document's own
}

// Public tells whether it takes requests from people who are not signed in.
func (o *Operation) Public() bool {
	return o.Security != nil && (len(o.Security) == 0 || slices.ContainsFunc(o.Security, func(s map[string]any) bool { return len(s) == 0 }))
}

// Parameter is one of the path or of the query.
type Parameter struct {
	Ref         string `yaml:"$ref"`
	Name        string
	In          string
	Description string
	Required    bool
	Schema      *Schema
}

// Body is what a request carries.
type Body struct {
	Required bool
	Content  Map[Media]
}

// Response is an answer.
type Response struct {
	Ref         string `yaml:"$ref"`
	Description string
	Content     Map[Media]
}

// Media is a body of a media type.
type Media struct{ Schema *Schema }

// Schema is a JSON schema, as far as the document uses them.
type Schema struct {
	Ref         string `yaml:"$ref"`
	Type        Types
	Format      string
	Description string
	Enum        []string
	Const       string
	Properties  Map[*Schema]
	Required    []string
	Items       *Schema
	AllOf       []*Schema `yaml:"allOf"`
	OneOf       []*Schema `yaml:"oneOf"`
	// More is the schema of additionalProperties; nil if that is none.
	More             *Schema `yaml:"-"`
	Minimum, Maximum *float64
	ReadOnly         bool `yaml:"readOnly"`
}

// Name is that of the schema that s refers to, "" if it does not.
func (s *Schema) Name() string { return strings.TrimPrefix(s.Ref, "#/components/schemas/") }

// UnmarshalYAML reads a schema; additionalProperties may be a schema or true.
func (s *Schema) UnmarshalYAML(n *yaml.Node) error {
	type plain Schema
	if err := n.Decode((*plain)(s)); err != nil {
		return err
	}
	if more := child(n, "additionalProperties"); more != nil && more.Kind == yaml.MappingNode {
		s.More = &Schema{}
		return more.Decode(s.More)
	}
	return nil
}

// Types are the types of a schema: one, or several of which any will do.
type Types []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (t *Types) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*t = Types{n.Value}
		return nil
	}
	return n.Decode((*[]string)(t))
}

// Map is a mapping in the order in which it is written.
type Map[T any] []Entry[T]

// Entry is one key with its value.
type Entry[T any] struct {
	Name  string
	Value T
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (m *Map[T]) UnmarshalYAML(n *yaml.Node) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		var v T
		if err := n.Content[i+1].Decode(&v); err != nil {
			return fmt.Errorf("%s: %w", n.Content[i].Value, err)
		}
		*m = append(*m, Entry[T]{n.Content[i].Value, v})
	}
	return nil
}

// Get finds the value of a name; ok is false if there is none.
func (m Map[T]) Get(name string) (v T, ok bool) {
	i := slices.IndexFunc(m, func(e Entry[T]) bool { return e.Name == name })
	if i < 0 {
		return v, false
	}
	return m[i].Value, true
}

// model reads the document into d.
func (d *Document) model(root *yaml.Node) error {
	var all struct {
		Info       Info
		Tags       []Tag
		Paths      Map[yaml.Node]
		Components struct {
			Parameters Map[*Parameter]
			Responses  Map[*Response]
			Schemas    Map[*Schema]
		}
	}
	if err := root.Decode(&all); err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	d.Info, d.Tags, d.Schemas = all.Info, all.Tags, all.Components.Schemas
	for _, path := range all.Paths {
		var shared []*Parameter
		if n := child(&path.Value, "parameters"); n != nil {
			if err := n.Decode(&shared); err != nil {
				return fmt.Errorf("%s: %w", path.Name, err)
			}
		}
		for _, method := range methods {
			n := child(&path.Value, method)
			if n == nil {
				continue
			}
			o := Operation{Path: path.Name, Method: strings.ToUpper(method)}
			if err := n.Decode(&o); err != nil {
				return fmt.Errorf("%s %s: %w", method, path.Name, err)
			}
			o.Parameters = append(slices.Clone(shared), o.Parameters...)
			for i, p := range o.Parameters {
				if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
					if o.Parameters[i], ok = all.Components.Parameters.Get(name); !ok {
						return fmt.Errorf("%s %s: there is no parameter %s", method, path.Name, name)
					}
				}
			}
			for i, r := range o.Responses {
				if name, ok := strings.CutPrefix(r.Value.Ref, "#/components/responses/"); ok {
					if o.Responses[i].Value, ok = all.Components.Responses.Get(name); !ok {
						return fmt.Errorf("%s %s: there is no response %s", method, path.Name, name)
					}
				}
			}
			d.Operations = append(d.Operations, o)
		}
	}
	return nil
}

// Flat is a schema with the properties of all it is made of, in order.
func (d *Document) Flat(s *Schema) *Schema {
	if to, ok := d.Schemas.Get(s.Name()); ok {
		return d.Flat(to)
	}
	if len(s.AllOf) == 0 {
		return s
	}
	flat := *s
	flat.AllOf, flat.Type = nil, Types{"object"}
	for _, part := range s.AllOf {
		p := d.Flat(part)
		flat.Properties = append(flat.Properties, p.Properties...)
		flat.Required = append(slices.Clone(flat.Required), p.Required...)
		if flat.Description == "" {
			flat.Description = p.Description
		}
	}
	return &flat
}
