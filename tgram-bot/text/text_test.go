package text

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// sentences returns every sentence of a language by the name of its field.
func sentences(l *Language) map[string]string {
	all := map[string]string{}
	v := reflect.ValueOf(l).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch f := v.Field(i).Interface().(type) {
		case string:
			all[name] = f
		case Plural:
			all[name+".One"], all[name+".Other"] = f.One, f.Other
		}
	}
	delete(all, "Code")
	return all
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

func placeholders(s string) []string {
	found := placeholder.FindAllString(s, -1)
	slices.Sort(found)
	return found
}

func TestEveryLanguageSaysEverything(t *testing.T) {
	want := sentences(&english)
	for _, l := range Languages() {
		for name, s := range sentences(l) {
			switch {
			case strings.TrimSpace(s) != s || s == "":
				t.Errorf("%s %s is empty or has spaces around it: %q", l.Code, name, s)
			case !slices.Equal(placeholders(s), placeholders(want[name])):
				t.Errorf("%s %s has the placeholders %v, want %v", l.Code, name, placeholders(s), placeholders(want[name]))
			case strings.HasPrefix(name, "Command") && units(s) > 256,
				strings.HasSuffix(name, "Popup") && units(s) > 200,
				strings.HasSuffix(name, "Button") && units(s) > 30,
				units(s) > 1500:
				t.Errorf("%s %s is too long: %d", l.Code, name, units(s))
			case !balanced(s):
				t.Errorf("%s %s is not well-formed HTML: %s", l.Code, name, s)
			case plain(name) && strings.ContainsAny(s, "<>&{"):
				t.Errorf("%s %s must be plain: %s", l.Code, name, s)
			}
		}
	}
}

func plain(name string) bool {
	return strings.HasPrefix(name, "Command") || strings.HasSuffix(name, "Popup") || strings.HasSuffix(name, "Button")
}

func balanced(s string) bool {
	var open []string
	for _, m := range regexp.MustCompile(`<(/?)([a-z]+)>`).FindAllStringSubmatch(s, -1) {
		if m[1] == "" {
			open = append(open, m[2])
			continue
		}
		if len(open) == 0 || open[len(open)-1] != m[2] {
			return false
		}
		open = open[:len(open)-1]
	}
	return len(open) == 0
}

func TestFor(t *testing.T) {
	for want, tags := range map[string][]string{
		"en": {"", "fr", "english", "-"},
		"de": {"de", "DE", "de-AT", "de_CH"},
	} {
		for _, tag := range tags {
			if got := For(tag).Code; got != want {
				t.Errorf("For(%q) = %s, want %s", tag, got, want)
			}
		}
	}
	if For("fr", "de").Code != "de" {
		t.Error("the second choice is not taken")
	}
}

func TestFormatEscapes(t *testing.T) {
	got := Format("<b>{name}</b> {n} {html} {missing} {", "name", `<i>&"`, "n", 3, "html", HTML("<u>x</u>"))
	if want := "<b>&lt;i&gt;&amp;&quot;</b> 3 <u>x</u> {missing} {"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := Format("{a}", "a", "{b}", "b", "x"); got != "{b}" {
		t.Errorf("a value was filled in twice: %s", got)
	}
}

func TestCleanAndEscape(t *testing.T) {
	for _, c := range []struct {
		in            string
		max           int
		clean, escape string
	}{
		{"Truck 7", 20, "Truck 7", "Truck 7"},
		{"  a \n\t b\u00a0c  ", 20, "a b c", "a b c"},
		{"a\x00\x1b[31mb\u202Ec\u2066\xff", 20, "a[31mbc", "a[31mbc"},
		{"👨‍👩‍👧", 20, "👨‍👩‍👧", "👨‍👩‍👧"},
		{"abcdef", 6, "abcdef", "abcdef"},
		{"abcdefg", 6, "abcde…", "abcde…"},
		{"😀😀😀", 5, "😀😀…", "😀😀…"},
		{"<<<<", 9, "<<<<", "&lt;&lt;…"},
		{"ab cd", 4, "ab…", "ab…"},
		{"", 4, "", ""},
	} {
		if got := Clean(c.in, c.max); got != c.clean {
			t.Errorf("Clean(%q, %d) = %q, want %q", c.in, c.max, got, c.clean)
		}
		if got := Escape(c.in, c.max); got != c.escape {
			t.Errorf("Escape(%q, %d) = %q, want %q", c.in, c.max, got, c.escape)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("<b>&\u202e😀", 7)
	f.Fuzz(func(t *testing.T, s string, max int) {
		if max < 1 || max > 1000 {
			return
		}
		got := Escape(s, max)
		if units(got) > max {
			t.Fatalf("%q has %d units, limit %d", got, units(got), max)
		}
		if strings.ContainsAny(got, "<>\"\n") || strings.Contains(regexp.MustCompile(`&(lt|gt|amp|quot);`).ReplaceAllString(got, ""), "&") {
			t.Fatalf("%q is not escaped", got)
		}
	})
}

func TestAgo(t *testing.T) {
	for _, c := range []struct {
		d      time.Duration
		en, de string
	}{
		{-time.Hour, "just now", "gerade eben"},
		{59 * time.Second, "just now", "gerade eben"},
		{time.Minute, "1 minute ago", "vor 1 Minute"},
		{59 * time.Minute, "59 minutes ago", "vor 59 Minuten"},
		{time.Hour, "1 hour ago", "vor 1 Stunde"},
		{47 * time.Hour, "47 hours ago", "vor 47 Stunden"},
		{48 * time.Hour, "2 days ago", "vor 2 Tagen"},
	} {
		if got := For("en").Ago(c.d); got != c.en {
			t.Errorf("%v: %s, want %s", c.d, got, c.en)
		}
		if got := For("de").Ago(c.d); got != c.de {
			t.Errorf("%v: %s, want %s", c.d, got, c.de)
		}
	}
}
