package auth

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/waymark-gps/waymark/data"
)

// importedHash is PBKDF2-HMAC-SHA1 of "correct horse", computed with
// hashlib.pbkdf2_hmac of Python.
func importedHash(t *testing.T) string {
	t.Helper()
	salt, err1 := hex.DecodeString("000102030405060708090a0b0c0d0e0f1011121314151617")
	hash, err2 := hex.DecodeString("21238eb81c66751a4dd58025bfd975c864ab21114bf279b6")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return importedPrefix + "i=1000$" + phcBase64.EncodeToString(salt) + "$" + phcBase64.EncodeToString(hash)
}

func TestImportedHash(t *testing.T) {
	h := newHasher(cheap)
	for password, want := range map[string]bool{"correct horse": true, "correct horse ": false, "": false, strings.Repeat("x", MaxPassword+1): false} {
		if right, err := h.verify(t.Context(), importedHash(t), password); err != nil || right != want {
			t.Errorf("verify(%.20q) = %v, %v, want %v", password, right, err, want)
		}
	}
	good := importedHash(t)
	for _, bad := range []string{
		importedPrefix, good[:len(good)-30], good + "$", strings.Replace(good, "i=1000", "i=0", 1),
		strings.Replace(good, "i=1000", "i=999999999", 1), strings.Replace(good, "$i", "$$i", 1),
	} {
		if right, err := h.verify(t.Context(), bad, "correct horse"); right || !errors.Is(err, data.ErrInvalid) {
			t.Errorf("verify with %.30q = %v, %v", bad, right, err)
		}
	}
}

func TestImportedHashIsRenewed(t *testing.T) {
	s, store, _, u := newService(t)
	u.PasswordHash = importedHash(t)
	if err := store.UpdateUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CheckLogin(t.Context(), u.Email, "wrong", home); !errors.Is(err, ErrUnauthenticated) {
		t.Fatalf("the wrong password: %v", err)
	}
	if same, _ := store.User(t.Context(), u.ID); same.PasswordHash != u.PasswordHash {
		t.Fatal("a wrong password renews the hash")
	}
	for range 2 { // with the old hash, then with the new one
		got, err := s.CheckLogin(t.Context(), u.Email, "correct horse", home)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := store.User(t.Context(), u.ID)
		if err != nil || !strings.HasPrefix(stored.PasswordHash, "$argon2id$") || got.PasswordHash != stored.PasswordHash {
			t.Fatalf("after a sign-in %v, %v", stored.PasswordHash, err)
		}
	}
}
