// Package openapi is the description of Waymark's HTTP interface (OpenAPI 3.1):
// the document itself, and the page on which people read it.
//
// The document is written by hand, a file for each subject: its paths and the
// schemas they use. openapi.yaml has what they share, also the answers that the
// way to every handler can give. What the document says of answers is checked
// against every answer that the tests of package api get.
//
// Package types makes the TypeScript types of the page from it.
package openapi

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed *.yaml
var files embed.FS

const mainFile = "openapi.yaml"

// Document is the description as a whole.
type Document struct {
	// YAML and JSON are the document, without YAML's aliases.
	YAML, JSON []byte
	// Page is HTML for people.
	Page []byte

	Info       Info
	Tags       []Tag
	Operations []Operation
	// Schemas are the named ones.
	Schemas Map[*Schema]
}

// Load puts the document together, once. An error is a mistake in the files, so
// a test finds it.
var Load = sync.OnceValues(load)

func load() (*Document, error) {
	root, err := read(mainFile)
	if err != nil {
		return nil, err
	}
	list, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	for _, f := range list {
		if f.Name() == mainFile {
			continue
		}
		part, err := read(f.Name())
		if err != nil {
			return nil, err
		}
		if err := merge(root, part, ""); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	if err := shareResponses(root); err != nil {
		return nil, err
	}
	if err := problemAnswers(root); err != nil {
		return nil, err
	}
	return encode(root)
}

// read reads a file, a mapping.
func read(name string) (*yaml.Node, error) {
	b, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var n yaml.Node
	if err := yaml.Unmarshal(b, &n); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(n.Content) != 1 || n.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s is not a mapping", name)
	}
	return withoutAliases(n.Content[0]), nil
}

// withoutAliases copies a node, with copies of what its aliases stand for and
// without comments, which are for those who work on the files.
func withoutAliases(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return withoutAliases(n.Alias)
	}
	c := *n
	c.HeadComment, c.LineComment, c.FootComment = "", "", ""
	c.Anchor, c.Content = "", make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = withoutAliases(child)
	}
	return &c
}

// merge adds the keys of a mapping to another one. Mappings under the same key
// of the first two levels are merged too (components, and its schemas).
func merge(to, from *yaml.Node, at string) error {
	for i := 0; i < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		path := at + "/" + key.Value
		have := child(to, key.Value)
		switch {
		case have == nil:
			to.Content = append(to.Content, key, value)
		case path == "/paths" || path == "/components" || path == "/components/schemas":
			if err := merge(have, value, path); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is there twice", path)
		}
	}
	return nil
}

// child is the value of a key, nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

const sharedKey = "x-shared-responses"

// shareResponses adds the shared answers to the operations, see openapi.yaml.
func shareResponses(root *yaml.Node) error {
	var shared struct {
		All, Unsafe, List, Input, Body map[string]string
		SignedIn                       map[string]string `yaml:"signed-in"`
	}
	if n := child(root, sharedKey); n == nil {
		return fmt.Errorf("%s is missing", sharedKey)
	} else if err := n.Decode(&shared); err != nil {
		return fmt.Errorf("read %s: %w", sharedKey, err)
	}
	i := slices.IndexFunc(root.Content, func(n *yaml.Node) bool { return n.Value == sharedKey })
	root.Content = slices.Delete(root.Content, i, i+2)
	paths := child(root, "paths")
	for p := 1; p < len(paths.Content); p += 2 {
		item := paths.Content[p]
		for o := 0; o < len(item.Content); o += 2 {
			method, op := item.Content[o].Value, item.Content[o+1]
			if !slices.Contains(methods, method) {
				continue
			}
			answers := []map[string]string{shared.All}
			switch {
			case method != "get":
				answers = append(answers, shared.Unsafe)
			case isList(op):
				answers = append(answers, shared.List)
			}
			if !open(child(op, "security")) {
				answers = append(answers, shared.SignedIn)
			}
			if child(op, "requestBody") != nil {
				answers = append(answers, shared.Body, shared.Input)
			}
			if child(op, "parameters") != nil || child(item, "parameters") != nil {
				answers = append(answers, shared.Input)
			}
			if err := addResponses(op, answers); err != nil {
				return fmt.Errorf("%s %s: %w", method, paths.Content[p-1].Value, err)
			}
		}
	}
	return nil
}

// isList tells whether an operation answers a JSON list.
func isList(op *yaml.Node) bool {
	n := child(op, "responses")
	for _, key := range []string{"200", "content", "application/json", "schema", "type"} {
		if n == nil {
			return false
		}
		n = child(n, key)
	}
	return n != nil && n.Value == "array"
}

// open tells whether an operation's own security, nil for none, lets everybody
// in: it is empty, or has an empty way.
func open(security *yaml.Node) bool {
	return security != nil && (len(security.Content) == 0 ||
		slices.ContainsFunc(security.Content, func(way *yaml.Node) bool { return len(way.Content) == 0 }))
}

// addResponses adds the answers that an operation does not have, in the order
// of their codes.
func addResponses(op *yaml.Node, answers []map[string]string) error {
	responses := child(op, "responses")
	if responses == nil {
		return fmt.Errorf("it has no responses")
	}
	for _, group := range answers {
		for code, name := range group {
			if child(responses, code) != nil {
				continue
			}
			var key, value yaml.Node
			key.SetString(code)
			key.Style = yaml.SingleQuotedStyle
			if err := value.Encode(map[string]string{"$ref": "#/components/responses/" + name}); err != nil {
				return err
			}
			responses.Content = append(responses.Content, &key, &value)
		}
	}
	pairs := slices.Collect(slices.Chunk(responses.Content, 2))
	slices.SortFunc(pairs, func(a, b []*yaml.Node) int {
		if a[0].Value < b[0].Value {
			return -1
		}
		return 1
	})
	responses.Content = slices.Concat(pairs...)
	return nil
}

// encode makes everything of the whole.
func encode(root *yaml.Node) (d *Document, err error) {
	d = &Document{}
	if d.YAML, err = yaml.Marshal(root); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	var plain any
	if err := root.Decode(&plain); err != nil {
		return nil, fmt.Errorf("read the whole: %w", err)
	}
	if d.JSON, err = json.Marshal(plain); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	if err := d.model(root); err != nil {
		return nil, err
	}
	d.Page = d.page()
	return d, nil
}
