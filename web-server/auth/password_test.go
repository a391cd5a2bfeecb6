package auth

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/waymark-gps/waymark/data"
)

func TestPassword(t *testing.T) {
	h := newHasher(cheap)
	ctx := t.Context()
	phc, err := h.hash(ctx, rightPassword)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("not in PHC form: %s", phc)
	}
	other, _ := h.hash(ctx, rightPassword)
	if other == phc {
		t.Fatal("two hashes of one password are equal: no salt")
	}
	for password, want := range map[string]bool{
		rightPassword: true, "": false, "Correct horse": false, rightPassword + " ": false, strings.Repeat("x", 10_000): false,
	} {
		if ok, err := h.verify(ctx, phc, password); ok != want || err != nil {
			t.Errorf("verify(%.20q) = %v, %v, want %v", password, ok, err, want)
		}
	}
}

// The vector is of the reference implementation of argon2 (its test.c, version
// 0x13, argon2id, t=2, m=2^16, p=1), so hashes of other programs can be read.
func TestPasswordReferenceVector(t *testing.T) {
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := newHasher(cheap).verify(t.Context(), phc, "password"); !ok || err != nil {
		t.Fatalf("verify = %v, %v", ok, err)
	}
}

func TestPasswordBadHash(t *testing.T) {
	h := newHasher(cheap)
	for _, phc := range []string{
		"", "x", "$2a$10$abc", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ", "$argon2id$v=18$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8",
		"$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8",
		"$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8",
		"$argon2id$v=19$m=64,t=1,p=0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8",
	} {
		if ok, err := h.verify(t.Context(), phc, "password"); ok || !errors.Is(err, data.ErrInvalid) {
			t.Errorf("verify of hash %q = %v, %v", phc, ok, err)
		}
	}
}

func TestPasswordRules(t *testing.T) {
	for password, want := range map[string]bool{
		"1234567": false, "12345678": true, "пароль12": true, strings.Repeat("x", 256): true, strings.Repeat("x", 257): false,
	} {
		if err := CheckPassword(password); (err == nil) != want {
			t.Errorf("CheckPassword(%.12q…) = %v", password, err)
		}
	}
}

// A flood of sign-ins waits in a bounded queue; the rest is sent away.
func TestPasswordFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(cheap)
		for range hashersAtOnce { // as if the CPU were busy
			h.queue <- struct{}{}
			h.running <- struct{}{}
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		refused, served := 0, 0
		for range 500 {
			wg.Go(func() {
				_, err := h.hash(t.Context(), rightPassword)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					served++
				case errors.Is(err, data.ErrUnavailable):
					refused++
				}
			})
		}
		synctest.Wait()
		for range hashersAtOnce {
			<-h.running
			<-h.queue
		}
		wg.Wait()
		if served != hashersWaiting || refused != 500-hashersWaiting {
			t.Fatalf("served %d, refused %d", served, refused)
		}
	})
}
