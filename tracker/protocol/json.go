package protocol

import (
	"bytes"
	"encoding/json"
)

// HasKey tells whether body is a JSON object, or an array that begins with one,
// that has the key. It reads no further than the key.
func HasKey(body []byte, key string) bool {
	decoder := json.NewDecoder(bytes.NewReader(body))
	t, err := decoder.Token()
	if err == nil && t == json.Delim('[') {
		t, err = decoder.Token()
	}
	if err != nil || t != json.Delim('{') {
		return false
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return false
		}
		if name == key {
			return true
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return false
		}
	}
	return false
}
