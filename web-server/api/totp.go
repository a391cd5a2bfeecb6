package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const totpKind = data.ObjectKind("totp")

// byPerson refuses tokens: whoever finds one must not change how its owner
// signs in.
func byPerson(r *http.Request) error {
	if identityOf(r).token.ID != 0 {
		return fmt.Errorf("%w: a token cannot change how its owner signs in; sign in yourself", data.ErrDenied)
	}
	return nil
}

// postTOTPKey makes a key for an authenticator app, as text. It counts once it
// comes back with a code, see postTOTP.
func (s *Server) postTOTPKey(w http.ResponseWriter, r *http.Request) error {
	if err := byPerson(r); err != nil {
		return err
	}
	writeText(w, http.StatusOK, auth.NewTOTPKey())
	return nil
}

type totpAnswer struct {
	Enabled     bool     `json:"enabled"`
	CreatedTime jsonTime `json:"createdTime"`
	// RecoveryCodes is how many are left.
	RecoveryCodes int `json:"recoveryCodes"`
}

// getTOTP tells whether the account has a second factor.
func (s *Server) getTOTP(w http.ResponseWriter, r *http.Request) error {
	t, err := s.deps.Store.TOTP(r.Context(), identityOf(r).user.ID)
	if errors.Is(err, data.ErrNotFound) {
		return writeObject(w, totpAnswer{})
	}
	if err != nil {
		return fmt.Errorf("find second factor: %w", err)
	}
	return writeObject(w, totpAnswer{Enabled: true, CreatedTime: jsonTime(t.CreatedAt), RecoveryCodes: t.RecoveryCodes})
}

// codeBody is what changes of the second factor say.
type codeBody struct {
	// Key is the new key, Code one of the app with it.
	Key  string `json:"key"`
	Code string `json:"code"`
	// CurrentCode is one of the second factor that is to be replaced.
	CurrentCode string `json:"currentCode"`
}

type recoveryAnswer struct {
	RecoveryCodes []string `json:"recoveryCodes"`
}

// postTOTP gives the account a second factor: {key, code}, and currentCode
// where there is one already. It answers the recovery codes, once.
func (s *Server) postTOTP(w http.ResponseWriter, r *http.Request) error {
	body, err := s.readCode(r)
	if err != nil {
		return err
	}
	id := identityOf(r).user.ID
	if err := s.codeRight(r, body.CurrentCode); err != nil {
		return err
	}
	codes, err := s.auth.EnableTOTP(r.Context(), id, body.Key, body.Code)
	if err != nil {
		return err
	}
	s.record(r, actionCreate, totpKind, id, nil)
	return writeObject(w, recoveryAnswer{codes})
}

// postRecoveryCodes replaces the recovery codes: {code}.
func (s *Server) postRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	body, err := s.readCode(r)
	if err != nil {
		return err
	}
	if err := s.codeRight(r, body.Code); err != nil {
		return err
	}
	id := identityOf(r).user.ID
	codes, err := s.auth.NewRecoveryCodes(r.Context(), id)
	if errors.Is(err, data.ErrNotFound) {
		return invalid("the account has no second factor")
	}
	if err != nil {
		return err
	}
	s.record(r, actionUpdate, totpKind, id, nil)
	return writeObject(w, recoveryAnswer{codes})
}

// deleteTOTP removes the second factor: {code}.
func (s *Server) deleteTOTP(w http.ResponseWriter, r *http.Request) error {
	body, err := s.readCode(r)
	if err != nil {
		return err
	}
	if err := s.codeRight(r, body.Code); err != nil {
		return err
	}
	return s.removeTOTP(w, r, identityOf(r).user.ID)
}

// deleteUserTOTP removes the second factor of somebody who has lost it, for
// those who may change the account; the own one takes a code.
func (s *Server) deleteUserTOTP(w http.ResponseWriter, r *http.Request) error {
	if err := byPerson(r); err != nil {
		return err
	}
	u, err := s.editableUser(r)
	if err != nil {
		return err
	}
	if u.ID == identityOf(r).user.ID {
		return fmt.Errorf("%w: remove your own second factor with a code or a recovery code", data.ErrDenied)
	}
	return s.removeTOTP(w, r, u.ID)
}

func (s *Server) removeTOTP(w http.ResponseWriter, r *http.Request, userID int64) error {
	if err := s.deps.Store.DeleteTOTP(r.Context(), userID); err != nil {
		return fmt.Errorf("remove second factor: %w", err)
	}
	s.record(r, actionDelete, totpKind, userID, nil)
	return writeNothing(w)
}

var errWrongCode = fmt.Errorf("%w: this needs a code of your authenticator app that was not used yet, or a recovery code", data.ErrDenied)

func (s *Server) readCode(r *http.Request) (body codeBody, err error) {
	if err := byPerson(r); err != nil {
		return body, err
	}
	return body, readJSON(r, &body)
}

// codeRight asks for a code where the account has a second factor. It is no
// matter of who is signed in, so a wrong one is no 401.
func (s *Server) codeRight(r *http.Request, code string) error {
	err := s.auth.CheckCode(r.Context(), identityOf(r).user.ID, code)
	if errors.Is(err, auth.ErrCodeNeeded) {
		return errWrongCode
	}
	return err
}
