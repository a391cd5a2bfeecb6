package api

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

var (
	endpointRow = regexp.MustCompile("^\\| (`[A-Z].*`) \\| (.+) \\|$")
	endpoint    = regexp.MustCompile("`([A-Z ]+) (/[^`]+)`")
	parameter   = regexp.MustCompile(`\{(\w+):[^}]+\}`)
)

// TestEndpointTable compares the table of docs/api.md with the router, both ways.
// What existing clients know and is not there is in the table too, and says so.
func TestEndpointTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{} // whether it is there
	for line := range strings.Lines(string(text)) {
		row := endpointRow.FindStringSubmatch(strings.TrimSpace(line))
		if row == nil {
			continue
		}
		for _, found := range endpoint.FindAllStringSubmatch(row[1], -1) {
			if strings.HasPrefix(found[2], "/api/") {
				continue // an example
			}
			for method := range strings.FieldsSeq(found[1]) {
				key := method + " " + found[2]
				if _, twice := said[key]; twice {
					t.Errorf("%s is in the table twice", key)
				}
				said[key] = !strings.HasPrefix(row[2], "not there")
			}
		}
	}
	routes := map[string]bool{}
	err = chi.Walk(newEnv(t).server.handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		path, ok := strings.CutPrefix(route, "/api")
		if ok {
			routes[method+" "+parameter.ReplaceAllString(path, "{$1}")] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range routes {
		if there, ok := said[key]; !ok || !there {
			t.Errorf("the table of docs/api.md does not have %s", key)
		}
	}
	there := 0
	for key, is := range said {
		if is && !routes[key] {
			t.Errorf("there is no %s, but the table of docs/api.md has it", key)
		}
		if is {
			there++
		}
	}
	t.Logf("%d endpoints are there, %d are not", there, len(said)-there)
}
