package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const (
	passkeyKind    = data.ObjectKind("passkey")
	maxPasskeyName = 128
)

var errNoPasskeys = fmt.Errorf("%w: this server has no passkeys; set web.url to the address that people open, with a name and not a number", data.ErrInvalid)

// passkeyAnswer is the API's object of a passkey.
type passkeyAnswer struct {
	ID           int64    `json:"id"`
	Name         string   `json:"name"`
	CreatedTime  jsonTime `json:"createdTime"`
	LastUsedTime jsonTime `json:"lastUsedTime"`
}

func answerPasskey(p *data.Passkey) passkeyAnswer {
	return passkeyAnswer{ID: p.ID, Name: p.Name, CreatedTime: jsonTime(p.CreatedAt), LastUsedTime: jsonTime(p.LastUsedAt)}
}

// getPasskeys lists the sender's passkeys by id: ?limit ?offset.
func (s *Server) getPasskeys(w http.ResponseWriter, r *http.Request) error {
	page, err := readPage(r)
	if err != nil {
		return err
	}
	list, err := s.deps.Store.ListPasskeys(r.Context(), identityOf(r).user.ID)
	if err != nil {
		return fmt.Errorf("list passkeys: %w", err)
	}
	list = cut(list, page)
	out := make([]passkeyAnswer, len(list))
	for i := range list {
		out[i] = answerPasskey(&list[i])
	}
	return writeObject(w, out)
}

// postPasskeyOptions answers what navigator.credentials.create takes.
func (s *Server) postPasskeyOptions(w http.ResponseWriter, r *http.Request) error {
	if err := s.passkeysByPerson(r); err != nil {
		return err
	}
	options, err := s.passkeys.BeginRegistration(r.Context(), identityOf(r).user)
	if err != nil {
		return err
	}
	return writeJSON(w, options)
}

func (s *Server) passkeysByPerson(r *http.Request) error {
	if s.passkeys == nil {
		return errNoPasskeys
	}
	return byPerson(r)
}

// postPasskey keeps what navigator.credentials.create returned; ?name is what
// the person calls it.
func (s *Server) postPasskey(w http.ResponseWriter, r *http.Request) error {
	if err := s.passkeysByPerson(r); err != nil {
		return err
	}
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	given := q.Get("name")
	name, err := text("the name", &given, maxPasskeyName)
	if err != nil {
		return err
	}
	if name == "" {
		name = "Passkey"
	}
	body, err := readAll(r)
	if err != nil {
		return err
	}
	p, err := s.passkeys.FinishRegistration(r.Context(), identityOf(r).user, name, body)
	if errors.Is(err, auth.ErrPasskey) {
		return invalid("the answer came too late; try again")
	}
	if errors.Is(err, data.ErrConflict) {
		return fmt.Errorf("%w: this passkey is in use already", data.ErrConflict)
	}
	if err != nil {
		return err
	}
	s.record(r, actionCreate, passkeyKind, p.ID, map[string]any{"name": p.Name})
	return writeObject(w, answerPasskey(&p))
}

func (s *Server) deletePasskey(w http.ResponseWriter, r *http.Request) error {
	if err := byPerson(r); err != nil {
		return err
	}
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := s.deps.Store.DeletePasskey(r.Context(), identityOf(r).user.ID, id); err != nil {
		return hidden(err)
	}
	s.record(r, actionDelete, passkeyKind, id, nil)
	return writeNothing(w)
}

// postPasskeyLoginOptions answers what navigator.credentials.get takes.
func (s *Server) postPasskeyLoginOptions(w http.ResponseWriter, r *http.Request) error {
	if s.passkeys == nil {
		return errNoPasskeys
	}
	options, err := s.passkeys.BeginLogin(r.Context(), remoteAddr(r))
	if err != nil {
		return err
	}
	return writeJSON(w, options)
}

// postPasskeyLogin signs in with what navigator.credentials.get returned.
func (s *Server) postPasskeyLogin(w http.ResponseWriter, r *http.Request) error {
	if s.passkeys == nil {
		return errNoPasskeys
	}
	body, err := readAll(r)
	if err != nil {
		return err
	}
	u, err := s.passkeys.FinishLogin(r.Context(), body, remoteAddr(r))
	if err != nil {
		return err
	}
	if err := s.mayUsePassword(&u); err != nil {
		return err
	}
	return s.beginSession(w, r, &u, data.Token{}, "passkey")
}

func readAll(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil && !isTooLarge(err) {
		err = invalid("the body cannot be read")
	}
	return body, err
}
