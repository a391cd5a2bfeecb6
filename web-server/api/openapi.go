package api

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/web-server/api/openapi"
)

// documentRoutes are those of the description of the API, for everybody. It is
// put together when somebody first asks for it: most servers are never asked.
func (s *Server) documentRoutes(r chi.Router) {
	for _, f := range []struct {
		path, contentType string
		body              func(*openapi.Document) []byte
	}{
		{"/openapi.yaml", "application/yaml", func(d *openapi.Document) []byte { return d.YAML }},
		{"/openapi.json", "application/json", func(d *openapi.Document) []byte { return d.JSON }},
		{"/docs", "text/html; charset=utf-8", func(d *openapi.Document) []byte { return d.Page }},
		{"/docs/style.css", "text/css; charset=utf-8", func(*openapi.Document) []byte { return openapi.Style }},
	} {
		r.Get(f.path, s.handle(func(w http.ResponseWriter, r *http.Request) error {
			d, err := openapi.Load()
			if err != nil {
				return fmt.Errorf("describe the API: %w", err)
			}
			return writeTagged(w, r, f.contentType, f.body(d))
		}))
	}
}
