package protocol

import "github.com/waymark-gps/waymark/util/converters/jsonscan"

// HasKey tells whether body is a JSON object, or an array that begins with one,
// that has the key. It reads no further than the key.
func HasKey(body []byte, key string) bool {
	s := jsonscan.New(body)
	if s.Kind() == jsonscan.Array && !(s.Array() && s.Element()) {
		return false
	}
	for s.Object(); s.Member(); {
		if string(s.Key()) == key {
			return true
		}
		s.Value()
	}
	return false
}
