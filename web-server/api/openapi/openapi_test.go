package openapi

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestDocument checks what OpenAPI asks for and no parser of ours needs.
func TestDocument(t *testing.T) {
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	parameter := regexp.MustCompile(`\{(\w+)\}`)
	for _, o := range d.Operations {
		name := o.Method + " " + o.Path
		if o.ID == "" || ids[o.ID] {
			t.Errorf("%s: the operationId %q is missing or not its own", name, o.ID)
		}
		ids[o.ID] = true
		if o.Summary == "" || len(o.Tags) != 1 || !slices.ContainsFunc(d.Tags, func(tag Tag) bool { return tag.Name == o.Tags[0] }) {
			t.Errorf("%s: summary %q, tags %v", name, o.Summary, o.Tags)
		}
		var want, have []string
		for _, m := range parameter.FindAllStringSubmatch(o.Path, -1) {
			want = append(want, m[1])
		}
		for _, p := range o.Parameters {
			if p.Name == "" || p.Schema == nil || (p.In != "path" && p.In != "query") {
				t.Errorf("%s: parameter %+v", name, p)
			}
			if p.In == "path" {
				have = append(have, p.Name)
			}
		}
		if !slices.Equal(want, have) {
			t.Errorf("%s: the path names %v, the parameters %v", name, want, have)
		}
		for _, r := range o.Responses {
			if r.Value.Description == "" {
				t.Errorf("%s: %s has no description", name, r.Name)
			}
		}
	}
	for _, s := range d.Schemas {
		flat := d.Flat(s.Value)
		for _, r := range flat.Required {
			if _, ok := flat.Properties.Get(r); !ok {
				t.Errorf("%s requires %s and does not have it", s.Name, r)
			}
		}
	}
}

// TestReferences finds references to nothing, and parts that nothing refers to.
func TestReferences(t *testing.T) {
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(d.YAML, &root); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$ref: '?#/components/([\w/]+)`).FindAllStringSubmatch(string(d.YAML), -1) {
		used[m[1]] = true
	}
	components := child(root.Content[0], "components")
	for _, kind := range []string{"parameters", "responses", "schemas"} {
		var parts Map[yaml.Node]
		if err := child(components, kind).Decode(&parts); err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			if path := kind + "/" + p.Name; !used[path] && path != "schemas/SocketMessage" { // the live channel's, in no answer
				t.Errorf("nothing refers to %s", path)
			}
			delete(used, kind+"/"+p.Name)
		}
	}
	for path := range used {
		t.Errorf("there is no %s", path)
	}
}

// TestSharedResponses: what the way to a handler can answer is in the document.
func TestSharedResponses(t *testing.T) {
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"getServer": "200 500 503", "putServer": "200 400 401 403 413 429 500 503", "getGroup": "200 400 401 403 404 429 500 503",
		"deleteTelegram": "204 401 403 429 500 503", "getSocket": "101 401 403 426 429 500 503", "deleteSession": "204 403 500 503",
	}
	for _, o := range d.Operations {
		var codes []string
		for _, r := range o.Responses {
			codes = append(codes, r.Name)
		}
		if have := strings.Join(codes, " "); want[o.ID] != "" && have != want[o.ID] {
			t.Errorf("%s answers %s, want %s", o.ID, have, want[o.ID])
		}
		delete(want, o.ID)
	}
	if len(want) > 0 {
		t.Errorf("there is no %v", want)
	}
}

func TestMergeRefusesTwice(t *testing.T) {
	parse := func(text string) *yaml.Node {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(err)
		}
		return n.Content[0]
	}
	a := parse("paths: {/a: {get: {}}}\ncomponents: {schemas: {A: {}}}")
	if err := merge(a, parse("paths: {/b: {get: {}}}\ncomponents: {schemas: {B: {}}}"), ""); err != nil {
		t.Error(err)
	}
	for _, again := range []string{"paths: {/a: {put: {}}}", "components: {schemas: {B: {}}}", "components: {schemas: {A: {}}}"} {
		if err := merge(a, parse(again), ""); err == nil || !strings.Contains(err.Error(), "twice") {
			t.Errorf("%s: %v", again, err)
		}
	}
}
