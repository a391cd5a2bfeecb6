package openapi

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ProblemType is the media type of errors of Waymark's own endpoints (RFC 9457).
const ProblemType = "application/problem+json"

// own are the paths, with all below them, that existing clients do not know.
// Their errors are problems; those of all others are texts, which those clients
// show to people.
var own = []string{
	"/public", "/tokens", "/totp", "/passkeys", "/session/passkey", "/telegram", "/shares", "/unknown-devices", "/jobs",
	"/positions/track", "/tiles", "/stream", "/commands/queue", "/trips", "/explain", "/notifications/deliveries",
	"/geofences/export", "/geofences/import",
}

// Own tells whether errors of a path, without /api, are problems.
func Own(path string) bool {
	for _, p := range own {
		if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// problemAnswers makes the errors of own paths problems: a reference to a shared
// answer that is a text becomes one to its twin, which is added.
func problemAnswers(root *yaml.Node) error {
	shared := child(child(root, "components"), "responses")
	texts := map[string]bool{}
	for i, n := 0, len(shared.Content); i < n; i += 2 {
		name, answer := shared.Content[i].Value, shared.Content[i+1]
		content := child(answer, "content")
		if content == nil || child(content, "text/plain") == nil {
			continue
		}
		texts[name] = true
		var key, value yaml.Node
		key.SetString(name + "Problem")
		twin := map[string]any{"content": map[string]any{
			ProblemType: map[string]any{"schema": map[string]string{"$ref": "#/components/schemas/Problem"}},
		}}
		if headers := child(answer, "headers"); headers != nil {
			twin["headers"] = headers
		}
		twin["description"] = child(answer, "description").Value
		if err := value.Encode(twin); err != nil {
			return fmt.Errorf("answer %s as a problem: %w", name, err)
		}
		shared.Content = append(shared.Content, &key, &value)
	}
	used := map[string]bool{}
	paths := child(root, "paths")
	for i := 0; i < len(paths.Content); i += 2 {
		own := Own(paths.Content[i].Value)
		eachResponse(paths.Content[i+1], func(ref *yaml.Node, name string) {
			if own && texts[name] {
				ref.Value += "Problem"
				name += "Problem"
			}
			used[name] = true
		})
	}
	// Only one of the twins may be in use.
	shared.Content = slices.Concat(slices.DeleteFunc(slices.Collect(slices.Chunk(shared.Content, 2)), func(pair []*yaml.Node) bool {
		name := pair[0].Value
		return !used[name] && (texts[name] || texts[strings.TrimSuffix(name, "Problem")])
	})...)
	return nil
}

// eachResponse calls f for every reference to a shared answer.
func eachResponse(n *yaml.Node, f func(ref *yaml.Node, name string)) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "$ref" {
			if name, ok := strings.CutPrefix(c.Value, "#/components/responses/"); ok {
				f(c, name)
			}
			continue
		}
		eachResponse(c, f)
	}
}
