package wialon

import "bytes"

var login = []byte("#L#")

// mask finds the password of a login: behind the id, and in version 2 before the
// checksum.
func mask(frame []byte) (from, to int) {
	i := bytes.Index(frame, login)
	if i < 0 {
		return 0, 0
	}
	from = i + len(login)
	content := frame[from:]
	skip := 1
	if bytes.HasPrefix(content, []byte("2.0;")) {
		skip = 2
	}
	for range skip {
		j := bytes.IndexByte(content, ';')
		if j < 0 {
			return 0, 0
		}
		from += j + 1
		content = content[j+1:]
	}
	if j := bytes.IndexAny(content, ";\r\n"); j >= 0 {
		content = content[:j]
	}
	return from, from + len(content)
}
