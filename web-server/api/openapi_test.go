package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/go-chi/chi/v5"
	"github.com/klauspost/compress/zstd"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/waymark-gps/waymark/web-server/api/openapi"
)

// TestDocumentHasEveryRoute compares the document with the router, both ways.
func TestDocumentHasEveryRoute(t *testing.T) {
	d, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, o := range d.Operations {
		documented[o.Method+" "+o.Path] = true
	}
	err = chi.Walk(newEnv(t).server.handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		path, ok := strings.CutPrefix(route, "/api")
		if !ok {
			return nil // pages, and the operator's probes
		}
		for _, one := range alternatives(path) {
			if !documented[method+" "+one] {
				t.Errorf("the document does not have %s %s", method, one)
			}
			delete(documented, method+" "+one)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range documented {
		t.Errorf("there is no route %s", key)
	}
}

var choice = regexp.MustCompile(`\{\w+:([^}]+)\}`)

// alternatives are the paths of a route with a choice, {format:csv|gpx}.
func alternatives(route string) []string {
	found := choice.FindStringSubmatch(route)
	if found == nil {
		return []string{route}
	}
	var out []string
	for one := range strings.SplitSeq(found[1], "|") {
		out = append(out, strings.Replace(route, found[0], one, 1))
	}
	return out
}

// TestDocumentIsServed looks at the document and its page as a browser does.
func TestDocumentIsServed(t *testing.T) {
	c := newEnv(t).client()
	var served struct{ OpenAPI string }
	if err := json.Unmarshal([]byte(c.want(200, "GET", "/api/openapi.json", nil)), &served); err != nil || served.OpenAPI != "3.1.0" {
		t.Errorf("openapi.json: %q, %v", served.OpenAPI, err)
	}
	if body := c.want(200, "GET", "/api/openapi.yaml", nil); !strings.HasPrefix(body, "openapi: 3.1.0\n") || strings.Contains(body, "x-shared") {
		t.Errorf("openapi.yaml begins %.80q", body)
	}
	a := c.do("GET", "/api/docs", nil)
	for _, want := range []string{`<code><b class="POST">POST</b> /devices</code>`, `id="schema-Position"`, `href="#schema-Device"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
	for _, not := range []string{"<script", "<style", " style=", " onclick", "http://", "https://"} {
		if strings.Contains(a.body, not) {
			t.Errorf("the page has %s, which its policy forbids", not)
		}
	}
	if tag := a.header.Get("ETag"); c.do("GET", "/api/docs", nil, "If-None-Match", tag).code != http.StatusNotModified {
		t.Errorf("the page with tag %q is sent again", tag)
	}
	c.want(200, "GET", "/api/docs/style.css", nil)
}

// contract checks answers against the document, more strictly than it reads:
// what it does not know must not be there.
type contract struct {
	document *openapi.Document
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema
}

const documentURL = "https://api.invalid/openapi.json"

var loadContract = sync.OnceValues(func() (*contract, error) {
	d, err := openapi.Load()
	if err != nil {
		return nil, err
	}
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.JSON))
	if err != nil {
		return nil, err
	}
	closeObjects(root)
	c := &contract{document: d, compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	c.compiler.AssertFormat()
	return c, c.compiler.AddResource(documentURL, root)
})

// closeObjects forbids the properties that an object does not name.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, has := v["properties"].(map[string]any); has && v["type"] == "object" && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, child := range v {
			closeObjects(child)
		}
	case []any:
		for _, child := range v {
			closeObjects(child)
		}
	}
}

// operation finds what the document says of a request; nil if that is nothing.
func (c *contract) operation(method, path string) *openapi.Operation {
	var best *openapi.Operation
	for i := range c.document.Operations {
		o := &c.document.Operations[i]
		// A path without parameters goes before one with them.
		if o.Method == method && samePath(o.Path, path) && (best == nil || strings.Count(o.Path, "{") < strings.Count(best.Path, "{")) {
			best = o
		}
	}
	return best
}

func samePath(template, path string) bool {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, have, func(w, h string) bool {
		if !strings.HasPrefix(w, "{") {
			return w == h
		}
		_, end, _ := strings.Cut(w, "}")
		return h != end && strings.HasSuffix(h, end)
	})
}

// check finds what is wrong with an answer, "" for nothing. Answers of addresses
// and methods that are not there are not the document's.
func (c *contract) check(method string, address *url.URL, a *answer) string {
	path, ok := strings.CutPrefix(address.EscapedPath(), "/api")
	o := c.operation(method, path)
	if !ok || o == nil {
		return ""
	}
	code := strconv.Itoa(a.code)
	response, ok := o.Responses.Get(code)
	if !ok {
		return "the document does not have this code"
	}
	if a.body == "" && len(response.Content) == 0 || a.code == http.StatusSwitchingProtocols {
		return ""
	}
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	_, ok = response.Content.Get(kind)
	if family, _, _ := strings.Cut(kind, "/"); !ok {
		_, ok = response.Content.Get(family + "/*")
	}
	switch {
	case !ok:
		return "the document does not have the type " + kind
	case kind != "application/json" && kind != openapi.ProblemType:
		return ""
	case kind == openapi.ProblemType:
		return c.checkJSON("/components/schemas/Problem", a.body)
	}
	body, err := plain(a)
	if err != nil {
		return err.Error()
	}
	return c.checkJSON("/paths/"+url.PathEscape(strings.ReplaceAll(o.Path, "/", "~1"))+"/"+strings.ToLower(method)+
		"/responses/"+code+"/content/application~1json/schema", body)
}

// plain is the body of an answer that may be compressed. With an error it is
// what can be read of it.
func plain(a *answer) (string, error) {
	var r io.Reader = strings.NewReader(a.body)
	var err error
	switch coding := a.header.Get("Content-Encoding"); coding {
	case "":
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	default:
		err = fmt.Errorf("unknown coding %q", coding)
	}
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r)
	return string(b), err
}

// checkJSON checks a value against the schema at a place of the document.
func (c *contract) checkJSON(place, body string) string {
	pointer := documentURL + "#" + place
	c.mu.Lock()
	defer c.mu.Unlock()
	schema := c.schemas[pointer]
	if schema == nil {
		var err error
		if schema, err = c.compiler.Compile(pointer); err != nil {
			return err.Error()
		}
		c.schemas[pointer] = schema
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	if err := schema.Validate(v); err != nil {
		return err.Error()
	}
	return ""
}

// TestContractIsStrict makes sure that the check finds something.
func TestContractIsStrict(t *testing.T) {
	c, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	address := &url.URL{Path: "/api/groups/1"}
	for body, wrong := range map[string]bool{
		`{"id":1,"attributes":{},"groupId":0,"name":"a"}`:              false,
		`{"id":1,"attributes":{"a":[1]},"groupId":0,"name":"a"}`:       false,
		`{"id":1,"attributes":{},"groupId":0}`:                         true,
		`{"id":1,"attributes":null,"groupId":0,"name":"a"}`:            true,
		`{"id":"1","attributes":{},"groupId":0,"name":"a"}`:            true,
		`{"id":1,"attributes":{},"groupId":0,"name":"a","secret":"x"}`: true,
		`{`: true,
	} {
		a := answer{code: 200, header: http.Header{"Content-Type": {"application/json"}}, body: body}
		if got := c.check("GET", address, &a); (got != "") != wrong {
			t.Errorf("%s: %q", body, got)
		}
	}
	for _, a := range []answer{
		{code: 418, header: http.Header{"Content-Type": {"text/plain"}}},
		{code: 200, header: http.Header{"Content-Type": {"text/html"}}, body: "<p>"},
	} {
		if c.check("GET", address, &a) == "" {
			t.Errorf("%d %s passes", a.code, a.body)
		}
	}
}
