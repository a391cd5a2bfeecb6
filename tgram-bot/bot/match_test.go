package bot

import (
	"strconv"
	"strings"
	"testing"

	tele "gopkg.in/telebot.v3"

	"github.com/waymark-gps/waymark/data"
)

func teleUser() *tele.User { return &tele.User{ID: 1} }

func jsonID(id int64) string { return strconv.FormatInt(id, 36) }

func TestBest(t *testing.T) {
	devices := []data.Device{
		{Name: "Bus", UniqueID: "100"},
		{Name: "Bus North", UniqueID: "101"},
		{Name: "Minibus", UniqueID: "102"},
		{Name: "School Bus", UniqueID: "103"},
		{Name: "Äpfel", UniqueID: "bus"},
	}
	for _, c := range []struct {
		query string
		rule  func(string, string) int
		want  string
	}{
		{"BUS", rank, "Bus,Äpfel"},
		{"bu", rank, "Bus,Bus North,Äpfel"},
		{"north", rank, "Bus North"},
		{"nibu", rank, "Bus,Bus North,Minibus,School Bus,Äpfel"}, // rank trusts the store that all contain it
		{"shcool bus", misspelling, "School Bus"},
		{"nrth", misspelling, "Bus North"},
		{"minibüs", misspelling, "Minibus"},
		{"xy", misspelling, ""},
		{"zzzzzz", misspelling, ""},
		{"", misspelling, ""},
	} {
		var got []string
		for _, d := range best(devices, c.query, c.rule) {
			got = append(got, d.Name)
		}
		if strings.Join(got, ",") != c.want {
			t.Errorf("best(%q) = %q, want %q", c.query, got, c.want)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"a", "", 1},
		{"", "abc", 3},
		{"truck", "trukc", 1},
		{"kitten", "sitting", 3},
		{"äöü", "aöü", 1},
		{"ab", "ba", 1},
		{"a", "abcdefg", noMatch},
	} {
		if got := edits([]rune(c.a), []rune(c.b)); got != c.want {
			t.Errorf("edits(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := edits([]rune(c.b), []rune(c.a)); got != c.want {
			t.Errorf("edits(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}
