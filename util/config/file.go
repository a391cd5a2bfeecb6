package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// file reads the YAML file, if there is one.
func (l *loader) file(src Source) layer {
	out := layer{}
	path := src.path()
	if path == "" {
		return out
	}
	text, err := readLimited(path, maxFile)
	if err != nil {
		l.problem("read settings", "%v", err)
		return out
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	err = dec.Decode(&document)
	if errors.Is(err, io.EOF) {
		return out // empty, or comments only
	}
	if err == nil {
		if more := dec.Decode(new(yaml.Node)); !errors.Is(more, io.EOF) {
			err = errors.New("more than one document in a file")
		}
	}
	if err != nil {
		l.problem(path, "%v", err)
		return out
	}
	f := yamlFile{loader: l, path: path, out: out}
	f.section(document.Content[0], "")
	return out
}

// yamlFile walks through a file. It works on nodes, because they know their
// lines and the text of a value before YAML has guessed at its type.
type yamlFile struct {
	*loader
	path string
	out  layer
}

func (f *yamlFile) origin(n *yaml.Node) string { return fmt.Sprintf("%s:%d", f.path, n.Line) }

// section reads the mapping at a path of keys.
func (f *yamlFile) section(n *yaml.Node, path string) {
	n = resolve(n)
	if n.Tag == "!!null" {
		return // everything in it is a comment
	}
	if n.Kind != yaml.MappingNode {
		if path == "" {
			f.problem(f.origin(n), "want settings, as key: value")
			return
		}
		f.problem(f.origin(n), "%s is a group of settings; write them below it, indented", path)
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		key := join(path, name.Value)
		switch leaf := f.leaves[key]; {
		case leaf != nil:
			f.leaf(leaf, name, resolve(value))
		case f.foreign(key):
		case f.isSection(key):
			f.section(value, key)
		default:
			f.unknown(f.origin(name), key, nearest(key, f.leaves))
		}
	}
}

func (f *yamlFile) leaf(leaf *leaf, name, value *yaml.Node) {
	if earlier, twice := f.out[leaf.key]; twice {
		f.problem(f.origin(name), "%s is set already (%s); remove one", leaf.key, earlier.origin)
		return
	}
	v, err := leaf.node(value)
	if err != nil {
		f.problem(f.origin(name), "%v", err)
		return
	}
	f.out[leaf.key] = setting{v, f.origin(name)}
}

// node reads a value of the file.
func (l *leaf) node(n *yaml.Node) (any, error) {
	if n.Tag == "!!null" {
		return nil, fmt.Errorf("%s has no value; give it one or remove the line", l.key)
	}
	switch l.kind {
	case kindList:
		if n.Kind != yaml.SequenceNode {
			return nil, l.badNode(n)
		}
		list := []string{}
		for _, item := range n.Content {
			text, ok := scalar(item)
			if !ok {
				return nil, fmt.Errorf("%s: item %d of the list is not a text", l.key, len(list)+1)
			}
			list = append(list, text)
		}
		return list, nil
	case kindMap:
		if n.Kind != yaml.MappingNode {
			return nil, l.badNode(n)
		}
		m := map[string]string{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, okName := scalar(n.Content[i])
			text, okText := scalar(n.Content[i+1])
			if !okName || !okText {
				return nil, fmt.Errorf("%s: want a name and a text in every line", l.key)
			}
			if _, twice := m[name]; twice {
				return nil, fmt.Errorf("%s: %q stands there twice", l.key, name)
			}
			m[name] = text
		}
		return m, nil
	}
	text, ok := scalar(n)
	if !ok {
		return nil, l.badNode(n)
	}
	return l.parse(text)
}

func (l *leaf) badNode(n *yaml.Node) error {
	switch n.Kind {
	case yaml.SequenceNode:
		return l.bad("a list")
	case yaml.MappingNode:
		return l.bad("a group of settings")
	}
	return l.bad(n.Value)
}

// scalar is the text of a single value as written.
func scalar(n *yaml.Node) (string, bool) {
	n = resolve(n)
	return n.Value, n.Kind == yaml.ScalarNode && n.Tag != "!!null"
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (l *loader) isSection(key string) bool {
	for leaf := range l.leaves {
		if strings.HasPrefix(leaf, key+".") {
			return true
		}
	}
	return false
}

// nearest is the known name that takes the fewest edits; among equals the
// first in the alphabet.
func nearest[T any](name string, known map[string]T) string {
	best, least := "", 1<<30
	for _, candidate := range slices.Sorted(maps.Keys(known)) {
		if d := distance(name, candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance is Levenshtein's, of at most the first 64 bytes.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
