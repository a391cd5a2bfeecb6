package openapi

import (
	_ "embed"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
)

// Style is the page's style sheet, style.css beside it.
//
//go:embed page.css
var Style []byte

// writer writes HTML. It is not html/template, which would keep every exported
// method of everything in the program: a tenth of its size.
type writer struct{ strings.Builder }

// put writes a format whose arguments are escaped, except those of type markup.
func (w *writer) put(format string, args ...any) {
	for i, a := range args {
		switch a := a.(type) {
		case markup:
			args[i] = string(a)
		case string:
			args[i] = html.EscapeString(a)
		}
	}
	fmt.Fprintf(w, format, args...)
}

// markup is HTML already.
type markup string

// page writes the document for people: HTML without scripts, and without
// anything from elsewhere.
func (d *Document) page() []byte {
	w := new(writer)
	w.put(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s API</title>
<link rel="stylesheet" href="/api/docs/style.css">
</head>
<body>
<header>
<h1>%[1]s API</h1>
`, d.Info.Title)
	for _, p := range strings.Split(d.Info.Description, "\n\n") {
		w.put("<p>%s</p>\n", p)
	}
	w.put(`<p>The document: <a href="/api/openapi.yaml">YAML</a>, <a href="/api/openapi.json">JSON</a> (OpenAPI 3.1). All addresses begin with <code>/api</code>.</p>
</header>
<nav aria-label="Subjects"><ul>
`)
	for _, t := range d.Tags {
		w.put("<li><a href=\"#%s\">%[1]s</a></li>\n", t.Name)
	}
	w.put("<li><a href=\"#schemas\">schemas</a></li>\n</ul></nav>\n<main>\n")
	for _, t := range d.Tags {
		w.put("<section id=\"%s\">\n<h2>%[1]s</h2>\n<p>%s</p>\n", t.Name, t.Description)
		for _, o := range d.operations(t.Name) {
			w.operation(&o)
		}
		w.put("</section>\n")
	}
	w.put("<section id=\"schemas\">\n<h2>schemas</h2>\n<p>* is always there.</p>\n")
	for _, s := range d.Schemas {
		w.schema(s.Name, d.Flat(s.Value))
	}
	w.put("</section>\n</main>\n</body>\n</html>\n")
	return []byte(w.String())
}

func (w *writer) operation(o *Operation) {
	w.put("<details id=\"%s\">\n<summary><code><b class=\"%s\">%[2]s</b> %s</code> %s</summary>\n", o.ID, o.Method, o.Path, o.Summary)
	if o.Description != "" {
		w.put("<p>%s</p>\n", o.Description)
	}
	if o.Public() {
		w.put("<p>Open to those who are not signed in.</p>\n")
	}
	if len(o.Parameters) > 0 {
		w.put("<table><caption>Parameters</caption>\n<tr><th>name</th><th>in</th><th>type</th><th></th></tr>\n")
		for _, p := range o.Parameters {
			w.put("<tr><td><code>%s</code>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>\n", p.Name, star(p.Required), p.In, typeOf(p.Schema), p.Description)
		}
		w.put("</table>\n")
	}
	if o.Body != nil {
		w.put("<table><caption>Body</caption>\n")
		for _, c := range o.Body.Content {
			w.put("<tr><td><code>%s</code></td><td>%s</td></tr>\n", c.Name, typeOf(c.Value.Schema))
		}
		w.put("</table>\n")
	}
	w.put("<table><caption>Answers</caption>\n")
	for _, r := range o.Responses {
		w.put("<tr><td><code>%s</code></td><td>%s</td><td>", r.Name, r.Value.Description)
		for _, c := range r.Value.Content {
			w.put("<code>%s</code> %s ", c.Name, typeOf(c.Value.Schema))
		}
		w.put("</td></tr>\n")
	}
	w.put("</table>\n</details>\n")
}

func (w *writer) schema(name string, s *Schema) {
	w.put("<h3 id=\"schema-%s\">%[1]s</h3>\n", name)
	if s.Description != "" {
		w.put("<p>%s</p>\n", s.Description)
	}
	if len(s.Properties) == 0 {
		w.put("<p>%s</p>\n", typeOf(s))
		return
	}
	w.put("<table>\n")
	for _, p := range s.Properties {
		readOnly := ""
		if p.Value.ReadOnly {
			readOnly = ", read only"
		}
		w.put("<tr><td><code>%s</code>%s</td><td>%s%s</td><td>%s</td></tr>\n", p.Name, star(requires(s, p.Name)), typeOf(p.Value), readOnly, p.Value.Description)
	}
	w.put("</table>\n")
}

func star(required bool) string {
	if required {
		return " *"
	}
	return ""
}

// operations are those of a subject.
func (d *Document) operations(tag string) (list []Operation) {
	for _, o := range d.Operations {
		if slices.Contains(o.Tags, tag) {
			list = append(list, o)
		}
	}
	return list
}

func requires(s *Schema, property string) bool { return slices.Contains(s.Required, property) }

// typeOf says what a schema takes, with links to the named ones.
func typeOf(s *Schema) markup { return markup(describe(s)) }

// describe is a schema in words, as HTML.
func describe(s *Schema) string {
	if s == nil {
		return "bytes"
	}
	text := html.EscapeString
	switch {
	case s.Ref != "":
		return fmt.Sprintf(`<a href="#schema-%s">%[1]s</a>`, text(s.Name()))
	case len(s.AllOf) > 0:
		return several(s.AllOf, " and ") + needs(s)
	case len(s.OneOf) > 0:
		return several(s.OneOf, " or ")
	case len(s.Enum) > 0:
		return text(strings.Join(s.Enum, " | "))
	case s.Const != "":
		return text(strings.Join(s.Type, " or ") + " " + s.Const)
	}
	var parts []string
	for _, t := range s.Type {
		switch {
		case t == "array" && s.Items != nil:
			t = "list of " + describe(s.Items)
		case t == "object" && len(s.Properties) > 0:
			t = fields(s)
		case t == "object" && s.More != nil:
			t = "object of " + describe(s.More)
		case s.Format != "" && t != "null":
			t = text(t + " (" + s.Format + ")")
		default:
			t = text(t)
		}
		parts = append(parts, t)
	}
	return strings.Join(parts, " or ") + text(limits(s))
}

func several(list []*Schema, between string) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, describe(s))
	}
	return strings.Join(parts, between)
}

// needs names what must be there.
func needs(s *Schema) string {
	if len(s.Required) == 0 {
		return ""
	}
	return html.EscapeString(" with " + strings.Join(s.Required, ", "))
}

// fields lists the properties of a schema without a name.
func fields(s *Schema) string {
	var parts []string
	for _, p := range s.Properties {
		name := html.EscapeString(p.Name)
		if !requires(s, p.Name) {
			name += "?"
		}
		parts = append(parts, name+": "+describe(p.Value))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func limits(s *Schema) string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		return ", " + number(*s.Minimum) + " to " + number(*s.Maximum)
	case s.Minimum != nil:
		return ", from " + number(*s.Minimum)
	}
	return ""
}
