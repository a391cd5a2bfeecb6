package ui

import "net/http"

// NewHandler lets the browser tests serve a page built with the test hook.
func NewHandler(contents map[string][]byte) http.Handler { return newHandler(contents) }
