package api

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/waymark-gps/waymark/web-server/api/openapi"
)

// documentRoutes are those of the description of the API, for everybody.
func (s *Server) documentRoutes(r chi.Router, d *openapi.Document) {
	for _, f := range []struct {
		path, contentType string
		body              []byte
	}{
		{"/openapi.yaml", "application/yaml", d.YAML},
		{"/openapi.json", "application/json", d.JSON},
		{"/docs", "text/html; charset=utf-8", d.Page},
		{"/docs/style.css", "text/css; charset=utf-8", openapi.Style},
	} {
		r.Get(f.path, s.handle(func(w http.ResponseWriter, r *http.Request) error {
			return writeTagged(w, r, f.contentType, f.body)
		}))
	}
}
