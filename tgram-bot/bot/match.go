package bot

import (
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// maxName bounds what is compared of a name, in UTF-16 units.
const maxName = 64

// noMatch is worse than any distance.
const noMatch = 1 << 20

// best returns the devices at the smallest distance from the query.
func best(devices []data.Device, query string, distance func(query, name string) int) []data.Device {
	query = fold(query)
	var found []data.Device
	least := noMatch - 1
	for _, d := range devices {
		n := min(distance(query, fold(d.Name)), distance(query, fold(d.UniqueID)))
		if n > least {
			continue
		}
		if n < least {
			found, least = nil, n
		}
		found = append(found, d)
	}
	return found
}

// fold makes names comparable: case and spaces do not count.
func fold(s string) string {
	runes := []rune(s)
	return strings.ToLower(strings.Join(strings.Fields(string(runes[:min(len(runes), maxName)])), " "))
}

// rank prefers the name itself, then a beginning, then the beginning of a word,
// then any part.
func rank(query, name string) int {
	switch {
	case name == query:
		return 0
	case strings.HasPrefix(name, query):
		return 1
	case strings.Contains(" "+name, " "+query):
		return 2
	}
	return 3
}

// misspelling is the number of wrong signs in query, against the name or one of
// its words; noMatch if there are too many for its length.
func misspelling(query, name string) int {
	q := []rune(query)
	allowed := min(len(q)/3, 3)
	least := edits(q, []rune(name))
	for word := range strings.FieldsSeq(name) {
		least = min(least, edits(q, []rune(word)))
	}
	if least > allowed {
		return noMatch
	}
	return least
}

// edits counts the signs to add, drop, replace or swap with their neighbour to
// turn a into b (optimal string alignment).
func edits(a, b []rune) int {
	if len(a)-len(b) > 3 || len(b)-len(a) > 3 {
		return noMatch // more than misspelling ever allows
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
