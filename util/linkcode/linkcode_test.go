package linkcode

import (
	"crypto/sha256"
	"regexp"
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	form := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$`)
	deepLink := regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	seen := map[string]bool{}
	for range 1000 {
		code, hash := New()
		if !form.MatchString(code) || !deepLink.MatchString(code) {
			t.Fatalf("code %q has a wrong form", code)
		}
		if !Valid(code) || hash != Hash(code) {
			t.Fatalf("code %q is not read back", code)
		}
		if seen[code] {
			t.Fatalf("code %q came twice", code)
		}
		seen[code] = true
	}
}

func TestHashReadsWhatPeopleType(t *testing.T) {
	want := sha256.Sum256([]byte("K7QM4D2X9R01"))
	for _, typed := range []string{
		"K7QM-4D2X-9R01", "k7qm-4d2x-9r01", "K7QM4D2X9R01", " k7qm 4d2x 9r01 ", "K7QM-4D2X-9ROI", "k7qm-4d2x-9rol",
	} {
		if !Valid(typed) || Hash(typed) != want {
			t.Errorf("%q is not read as the code", typed)
		}
	}
}

func TestInvalid(t *testing.T) {
	for _, text := range []string{
		"", "-", "K7QM-4D2X-9R0", "K7QM-4D2X-9R011", "K7QM-4D2X-9R0U", "K7QM_4D2X_9R01", "K7QM-4D2X-9R0é",
		strings.Repeat("-", 100) + "K7QM4D2X9R01", strings.Repeat("A", 1<<20),
	} {
		if Valid(text) {
			t.Errorf("%.40q counts as a code", text)
		}
		if text != "" && Hash(text) == Hash("") {
			t.Errorf("%.40q has the hash of another text", text)
		}
	}
}

func TestURL(t *testing.T) {
	if got := URL("waymark_bot", "K7QM-4D2X-9R01"); got != "https://t.me/waymark_bot?start=K7QM-4D2X-9R01" {
		t.Error(got)
	}
}
