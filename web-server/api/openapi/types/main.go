// Command types writes the TypeScript types of the API, from its description,
// for the web page.
//
//	go run ./web-server/api/openapi/types
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/waymark-gps/waymark/web-server/api/openapi"
)

func main() {
	to := flag.String("to", "web-server/ui/src/schema.d.ts", "file to write")
	flag.Parse()
	if err := run(*to); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(to string) error {
	d, err := openapi.Load()
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, []byte(typescript(d)), 0o644); err != nil {
		return fmt.Errorf("write types: %w", err)
	}
	return nil
}

// typescript writes every named schema as a type. What clients send of an
// object (GroupInput) is the object with every field optional.
func typescript(d *openapi.Document) string {
	var b strings.Builder
	b.WriteString("// Made from the description of the API by: go run ./web-server/api/openapi/types\n")
	for _, s := range d.Schemas {
		b.WriteString("\n")
		flat := d.Flat(s.Value)
		whole, isInput := strings.CutSuffix(s.Name, "Input")
		if of, ok := d.Schemas.Get(whole); isInput && ok && len(of.AllOf) == 1 {
			fmt.Fprintf(&b, "export type %s = Partial<%s>\n", s.Name, whole)
			continue
		}
		if flat.Description != "" {
			fmt.Fprintf(&b, "/** %s */\n", oneLine(flat.Description))
		}
		if len(flat.Properties) == 0 {
			fmt.Fprintf(&b, "export type %s = %s\n", s.Name, typeOf(flat))
			continue
		}
		fmt.Fprintf(&b, "export interface %s {\n", s.Name)
		for _, p := range flat.Properties {
			fmt.Fprintf(&b, "  %s%s: %s", p.Name, optional(flat, p.Name), typeOf(p.Value))
			if p.Value.Description != "" {
				b.WriteString(" // " + oneLine(p.Value.Description))
			}
			b.WriteString("\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func oneLine(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "*/", "")
}

func optional(s *openapi.Schema, property string) string {
	if slices.Contains(s.Required, property) {
		return ""
	}
	return "?"
}

// typeOf is a schema as a type.
func typeOf(s *openapi.Schema) string {
	switch {
	case s.Ref != "":
		return s.Name()
	case len(s.AllOf) > 0:
		return join(s.AllOf, " & ")
	case len(s.OneOf) > 0:
		return join(s.OneOf, " | ")
	case len(s.Enum) > 0:
		return "'" + strings.Join(s.Enum, "' | '") + "'"
	}
	var parts []string
	for _, t := range s.Type {
		if t = plainType(t, s); !slices.Contains(parts, t) {
			parts = append(parts, t)
		}
	}
	if len(parts) == 0 {
		return "unknown"
	}
	return strings.Join(parts, " | ")
}

func join(list []*openapi.Schema, between string) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, typeOf(s))
	}
	return strings.Join(parts, between)
}

// plainType is one of the types of a schema.
func plainType(t string, s *openapi.Schema) string {
	switch t {
	case "integer":
		return "number"
	case "array":
		items := typeOf(s.Items)
		if strings.Contains(items, "|") {
			items = "(" + items + ")"
		}
		return items + "[]"
	case "object":
		return object(s)
	}
	return t
}

func object(s *openapi.Schema) string {
	switch {
	case len(s.Properties) > 0:
		var fields []string
		for _, p := range s.Properties {
			fields = append(fields, p.Name+optional(s, p.Name)+": "+typeOf(p.Value))
		}
		return "{ " + strings.Join(fields, "; ") + " }"
	case s.More != nil:
		return "Record<string, " + typeOf(s.More) + ">"
	}
	return "Record<string, unknown>"
}
