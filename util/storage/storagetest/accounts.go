package storagetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
)

var accountTests = []contractTest{
	{"Token", token},
	{"TokenSession", tokenSession},
	{"TOTP", totp},
	{"RecoveryCodes", recoveryCodes},
	{"Passkey", passkey},
	{"Ticket", ticket},
	{"TicketBound", ticketBound},
	{"TicketRace", ticketRace},
	{"Identity", identity},
	{"CredentialsGoWithUser", credentialsGo},
}

func token(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	want := data.Token{
		UserID: u.ID, Name: "Küche", Hash: hash(1), Prefix: "wm_abc", Scope: data.ScopeReadonly,
		CreatedAt: at(0), ExpiresAt: at(100), LastUsedAt: at(1),
	}
	ok(t, s.CreateToken(ctx, &want))
	forever := data.Token{UserID: u.ID, Hash: hash(2), Scope: data.ScopeFull, CreatedAt: at(0)}
	ok(t, s.CreateToken(ctx, &forever))
	equal(t, "by hash", get(t, func() (data.Token, error) { return s.TokenByHash(ctx, hash(1), at(99)) }), want)
	equal(t, "by id", get(t, func() (data.Token, error) { return s.Token(ctx, want.ID, at(99)) }), want)
	equal(t, "without an end", get(t, func() (data.Token, error) { return s.TokenByHash(ctx, hash(2), at(1e8)) }), forever)
	_, err := s.TokenByHash(ctx, hash(1), at(100))
	wantError(t, "expired", err, data.ErrNotFound)
	_, err = s.Token(ctx, want.ID, at(100))
	wantError(t, "expired, by id", err, data.ErrNotFound)
	wantError(t, "the same token", s.CreateToken(ctx, &data.Token{UserID: u.ID, Hash: hash(1)}), data.ErrConflict)
	wantError(t, "no such user", s.CreateToken(ctx, &data.Token{UserID: 77, Hash: hash(3)}), data.ErrNotFound)
	wantError(t, "no text", s.CreateToken(ctx, &data.Token{UserID: u.ID, Hash: hash(3), Name: "\xff"}), data.ErrInvalid)

	ok(t, s.TouchToken(ctx, want.ID, at(50)))
	ok(t, s.TouchToken(ctx, want.ID, at(40)))
	want.LastUsedAt = at(50)
	equal(t, "list", get(t, func() ([]data.Token, error) { return s.ListTokens(ctx, u.ID) }), []data.Token{want, forever})
	equal(t, "another user's", len(get(t, func() ([]data.Token, error) { return s.ListTokens(ctx, other.ID) })), 0)

	wantError(t, "delete another user's", s.DeleteToken(ctx, other.ID, want.ID), data.ErrNotFound)
	ok(t, s.DeleteToken(ctx, u.ID, want.ID))
	wantError(t, "delete again", s.DeleteToken(ctx, u.ID, want.ID), data.ErrNotFound)
	_, err = s.TokenByHash(ctx, hash(1), at(0))
	wantError(t, "deleted", err, data.ErrNotFound)
}

func tokenSession(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	tok := data.Token{UserID: u.ID, Hash: hash(1)}
	ok(t, s.CreateToken(ctx, &tok))
	want := data.Session{TokenHash: hash(2), UserID: u.ID, TokenID: tok.ID, CreatedAt: at(0), ExpiresAt: at(100)}
	ok(t, s.CreateSession(ctx, want))
	equal(t, "session", get(t, func() (data.Session, error) { return s.Session(ctx, hash(2), at(0)) }), want)
	wantError(t, "no such token", s.CreateSession(ctx, data.Session{TokenHash: hash(3), UserID: u.ID, TokenID: 77}), data.ErrNotFound)
	ok(t, s.DeleteToken(ctx, u.ID, tok.ID))
	_, err := s.Session(ctx, hash(2), at(0))
	wantError(t, "session of a deleted token", err, data.ErrNotFound)
}

func totp(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	_, err := s.TOTP(ctx, u.ID)
	wantError(t, "none", err, data.ErrNotFound)
	wantError(t, "a step of none", s.UseTOTPStep(ctx, u.ID, 5), data.ErrConflict)
	wantError(t, "no such user", s.SetTOTP(ctx, data.TOTP{UserID: 77}, nil), data.ErrNotFound)
	want := data.TOTP{UserID: u.ID, Key: "JBSWY3DPEHPK3PXP", LastStep: 3, CreatedAt: at(0), RecoveryCodes: 2}
	ok(t, s.SetTOTP(ctx, want, [][32]byte{hash(1), hash(2)}))
	read := func() data.TOTP { return get(t, func() (data.TOTP, error) { return s.TOTP(ctx, u.ID) }) }
	equal(t, "second factor", read(), want)

	var wg sync.WaitGroup
	var used atomic.Int32
	for range 8 {
		wg.Go(func() {
			if s.UseTOTPStep(ctx, u.ID, 5) == nil {
				used.Add(1)
			}
		})
	}
	wg.Wait()
	equal(t, "times that a code was taken", used.Load(), int32(1))
	wantError(t, "an earlier step", s.UseTOTPStep(ctx, u.ID, 4), data.ErrConflict)
	ok(t, s.UseTOTPStep(ctx, u.ID, 6))

	want = data.TOTP{UserID: u.ID, Key: "GEZDGNBV", CreatedAt: at(1), RecoveryCodes: 1}
	ok(t, s.SetTOTP(ctx, want, [][32]byte{hash(3)}))
	equal(t, "replaced", read(), want)
	ok(t, s.DeleteTOTP(ctx, u.ID))
	_, err = s.TOTP(ctx, u.ID)
	wantError(t, "deleted", err, data.ErrNotFound)
	ok(t, s.DeleteTOTP(ctx, u.ID))
	wantError(t, "recovery code of a deleted one", s.UseRecoveryCode(ctx, u.ID, hash(3)), data.ErrNotFound)
}

func recoveryCodes(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	wantError(t, "without a second factor", s.SetRecoveryCodes(ctx, u.ID, [][32]byte{hash(1)}), data.ErrNotFound)
	ok(t, s.SetTOTP(ctx, data.TOTP{UserID: u.ID, Key: "GEZDGNBV"}, [][32]byte{hash(1), hash(2)}))
	ok(t, s.SetTOTP(ctx, data.TOTP{UserID: other.ID, Key: "GEZDGNBV"}, nil))
	wantError(t, "another user's", s.UseRecoveryCode(ctx, other.ID, hash(1)), data.ErrNotFound)
	ok(t, s.UseRecoveryCode(ctx, u.ID, hash(1)))
	wantError(t, "twice", s.UseRecoveryCode(ctx, u.ID, hash(1)), data.ErrNotFound)
	equal(t, "left", get(t, func() (data.TOTP, error) { return s.TOTP(ctx, u.ID) }).RecoveryCodes, 1)
	ok(t, s.SetRecoveryCodes(ctx, u.ID, [][32]byte{hash(4), hash(5)}))
	wantError(t, "an old one", s.UseRecoveryCode(ctx, u.ID, hash(2)), data.ErrNotFound)
	ok(t, s.UseRecoveryCode(ctx, u.ID, hash(5)))
}

func passkey(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	want := data.Passkey{
		UserID: u.ID, Name: "Schlüssel", CredentialID: []byte{0, 0xff, 1}, Record: []byte(`{"a":1}`), CreatedAt: at(0),
	}
	ok(t, s.CreatePasskey(ctx, &want))
	equal(t, "list", get(t, func() ([]data.Passkey, error) { return s.ListPasskeys(ctx, u.ID) }), []data.Passkey{want})
	equal(t, "another user's", len(get(t, func() ([]data.Passkey, error) { return s.ListPasskeys(ctx, other.ID) })), 0)
	again := data.Passkey{UserID: other.ID, CredentialID: want.CredentialID}
	wantError(t, "the same credential", s.CreatePasskey(ctx, &again), data.ErrConflict)
	wantError(t, "no credential", s.CreatePasskey(ctx, &data.Passkey{UserID: u.ID}), data.ErrInvalid)
	wantError(t, "a long one", s.CreatePasskey(ctx, &data.Passkey{UserID: u.ID, CredentialID: make([]byte, 1024)}), data.ErrInvalid)
	wantError(t, "no such user", s.CreatePasskey(ctx, &data.Passkey{UserID: 77, CredentialID: []byte{9}}), data.ErrNotFound)
	want.Record, want.LastUsedAt = []byte(`{"a":2}`), at(9)
	ok(t, s.UsePasskey(ctx, want.ID, want.Record, want.LastUsedAt))
	equal(t, "by credential", get(t, func() (data.Passkey, error) { return s.PasskeyByCredential(ctx, want.CredentialID) }), want)
	for _, id := range [][]byte{nil, {0}, {0, 0xff, 1, 0}} {
		_, err := s.PasskeyByCredential(ctx, id)
		wantError(t, "unknown credential", err, data.ErrNotFound)
	}
	wantError(t, "delete another user's", s.DeletePasskey(ctx, other.ID, want.ID), data.ErrNotFound)
	ok(t, s.DeletePasskey(ctx, u.ID, want.ID))
	wantError(t, "use a deleted one", s.UsePasskey(ctx, want.ID, nil, at(0)), data.ErrNotFound)
}

func ticket(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	want := data.Ticket{Hash: hash(1), Purpose: "reset", UserID: u.ID, Body: []byte{0, 1}, ExpiresAt: at(100)}
	ok(t, s.CreateTicket(ctx, want))
	wantError(t, "the same", s.CreateTicket(ctx, want), data.ErrConflict)
	wantError(t, "no such user", s.CreateTicket(ctx, data.Ticket{Hash: hash(2), UserID: 77}), data.ErrNotFound)
	_, err := s.UseTicket(ctx, "other", hash(1), at(0))
	wantError(t, "for another purpose", err, data.ErrNotFound)
	_, err = s.UseTicket(ctx, "reset", hash(1), at(100))
	wantError(t, "expired", err, data.ErrNotFound)
	equal(t, "ticket", get(t, func() (data.Ticket, error) { return s.UseTicket(ctx, "reset", hash(1), at(99)) }), want)
	_, err = s.UseTicket(ctx, "reset", hash(1), at(99))
	wantError(t, "twice", err, data.ErrNotFound)

	for n := 3; n < 6; n++ {
		ok(t, s.CreateTicket(ctx, data.Ticket{Hash: hash(n), Purpose: "x", UserID: u.ID, ExpiresAt: at(n)}))
	}
	ok(t, s.DeleteExpiredTickets(ctx, at(4)))
	_, err = s.UseTicket(ctx, "x", hash(4), time.Time{})
	wantError(t, "tidied", err, data.ErrNotFound)
	ok(t, s.DeleteUserTickets(ctx, u.ID, "y"))
	left := get(t, func() (data.Ticket, error) { return s.UseTicket(ctx, "x", hash(5), at(0)) })
	equal(t, "no body", len(left.Body), 0)
	ok(t, s.CreateTicket(ctx, data.Ticket{Hash: hash(6), Purpose: "x", UserID: u.ID, ExpiresAt: at(9)}))
	ok(t, s.DeleteUserTickets(ctx, u.ID, "x"))
	_, err = s.UseTicket(ctx, "x", hash(6), at(0))
	wantError(t, "deleted with the user's", err, data.ErrNotFound)
}

// A flood of tickets of one purpose pushes out its own kind only.
func ticketBound(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	ok(t, s.CreateTicket(ctx, data.Ticket{Hash: hash(1), Purpose: "reset", ExpiresAt: at(1)}))
	const over = 20
	start := make(chan int)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range start {
				if err := s.CreateTicket(ctx, data.Ticket{Hash: hash(n + 10), Purpose: "flood", ExpiresAt: at(n + 10)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range storage.MaxTickets + over {
		start <- n
	}
	close(start)
	wg.Wait()
	_, err := s.UseTicket(ctx, "flood", hash(10), at(0))
	wantError(t, "the first to end", err, data.ErrNotFound)
	get(t, func() (data.Ticket, error) { return s.UseTicket(ctx, "flood", hash(10+storage.MaxTickets), at(0)) })
	get(t, func() (data.Ticket, error) { return s.UseTicket(ctx, "reset", hash(1), at(0)) })
}

func ticketRace(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	ok(t, s.CreateTicket(ctx, data.Ticket{Hash: hash(1), Purpose: "x", ExpiresAt: at(9)}))
	var wg sync.WaitGroup
	var used atomic.Int32
	for range 8 {
		wg.Go(func() {
			if _, err := s.UseTicket(ctx, "x", hash(1), at(0)); err == nil {
				used.Add(1)
			}
		})
	}
	wg.Wait()
	equal(t, "times that the ticket was taken", used.Load(), int32(1))
}

func identity(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u, other := newUser(t, s, "a@example.org"), newUser(t, s, "b@example.org")
	const issuer = "https://login.example.org"
	ok(t, s.LinkIdentity(ctx, issuer, "Ä1", u.ID))
	find := func(issuer, subject string) (data.User, error) { return s.UserByIdentity(ctx, issuer, subject) }
	equal(t, "user", get(t, func() (data.User, error) { return find(issuer, "Ä1") }), *u)
	for _, who := range [][2]string{{issuer, "ä1"}, {"https://other.example.org", "Ä1"}, {issuer, ""}, {"", ""}, {issuer, "\xff"}} {
		_, err := find(who[0], who[1])
		wantError(t, "a stranger", err, data.ErrNotFound)
	}
	ok(t, s.LinkIdentity(ctx, issuer, "Ä1", other.ID))
	equal(t, "tied anew", get(t, func() (data.User, error) { return find(issuer, "Ä1") }).ID, other.ID)
	wantError(t, "no such user", s.LinkIdentity(ctx, issuer, "2", 77), data.ErrNotFound)
	wantError(t, "no subject", s.LinkIdentity(ctx, issuer, "", u.ID), data.ErrInvalid)
}

func credentialsGo(t *testing.T, s storage.Store) {
	ctx := testContext(t)
	u := newUser(t, s, "a@example.org")
	tok := data.Token{UserID: u.ID, Hash: hash(1)}
	ok(t, s.CreateToken(ctx, &tok))
	ok(t, s.CreateSession(ctx, data.Session{TokenHash: hash(2), UserID: u.ID, TokenID: tok.ID, ExpiresAt: at(9)}))
	ok(t, s.SetTOTP(ctx, data.TOTP{UserID: u.ID, Key: "GEZDGNBV"}, [][32]byte{hash(1)}))
	ok(t, s.CreatePasskey(ctx, &data.Passkey{UserID: u.ID, CredentialID: []byte{1}}))
	ok(t, s.CreateTicket(ctx, data.Ticket{Hash: hash(1), Purpose: "x", UserID: u.ID, ExpiresAt: at(9)}))
	ok(t, s.LinkIdentity(ctx, "i", "s", u.ID))
	ok(t, s.DeleteUser(ctx, u.ID))
	for what, find := range map[string]func() error{
		"token":    func() error { _, err := s.TokenByHash(ctx, hash(1), at(0)); return err },
		"session":  func() error { _, err := s.Session(ctx, hash(2), at(0)); return err },
		"TOTP":     func() error { _, err := s.TOTP(ctx, u.ID); return err },
		"recovery": func() error { return s.UseRecoveryCode(ctx, u.ID, hash(1)) },
		"passkey":  func() error { _, err := s.PasskeyByCredential(ctx, []byte{1}); return err },
		"ticket":   func() error { _, err := s.UseTicket(ctx, "x", hash(1), at(0)); return err },
		"identity": func() error { _, err := s.UserByIdentity(ctx, "i", "s"); return err },
	} {
		wantError(t, what, find(), data.ErrNotFound)
	}
}
