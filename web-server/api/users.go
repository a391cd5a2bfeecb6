package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const maxUserName = 128

// appendUser appends u as the API's user object. The password is never told;
// fields that Waymark does not keep have the value of "not set", and a limit
// of -1 is none.
func appendUser(b []byte, u *data.User) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, u.ID, 10)
	b = append(b, `,"attributes":`...)
	b = appendAttributes(b, u.Attributes)
	b = append(b, `,"name":`...)
	b = data.AppendJSONString(b, u.Name)
	b = append(b, `,"login":null,"email":`...)
	b = data.AppendJSONString(b, u.Email)
	b = append(b, `,"phone":null,"readonly":false,"administrator":`...)
	b = strconv.AppendBool(b, u.Administrator)
	b = append(b, `,"map":null,"latitude":0.0,"longitude":0.0,"zoom":0,"coordinateFormat":null,"password":null,"disabled":`...)
	b = strconv.AppendBool(b, u.Disabled)
	b = append(b, `,"expirationTime":`...)
	b = data.AppendJSONTime(b, u.ExpiresAt)
	return append(b, `,"deviceLimit":-1,"userLimit":0,"deviceReadonly":false,"limitCommands":false,`+
		`"disableReports":false,"fixedEmail":false,"poiLayer":null,"totpKey":null,"temporary":false}`...)
}

func appendAttributes(b []byte, m map[string]any) []byte {
	j, err := json.Marshal(m)
	if err != nil || len(m) == 0 {
		return append(b, "{}"...)
	}
	return append(b, j...)
}

// userBody is what clients send of a user. A field left out stays as it is.
type userBody struct {
	ID             int64           `json:"id"`
	Name           *string         `json:"name"`
	Email          *string         `json:"email"`
	Password       *string         `json:"password"`
	Administrator  bool            `json:"administrator"`
	Disabled       bool            `json:"disabled"`
	ExpirationTime *string         `json:"expirationTime"`
	Attributes     json.RawMessage `json:"attributes"`
}

// readUser reads the body over u, and returns the new password, "" for none.
func readUser(r *http.Request, u *data.User) (password string, err error) {
	expires := timeText(u.ExpiresAt)
	body := userBody{
		ID: u.ID, Name: &u.Name, Email: &u.Email,
		Administrator: u.Administrator, Disabled: u.Disabled, ExpirationTime: &expires,
	}
	if err := readJSON(r, &body); err != nil {
		return "", err
	}
	if u.ID != 0 && body.ID != 0 && body.ID != u.ID {
		return "", invalid("the id of the body is not the id of the address")
	}
	if u.Name, err = text("the name", body.Name, maxUserName); err != nil {
		return "", err
	}
	var email string
	if body.Email != nil {
		email = *body.Email
	}
	if u.Email, err = auth.NormalEmail(email); err != nil {
		return "", err
	}
	if u.Name == "" {
		u.Name = u.Email
	}
	if u.ExpiresAt, err = optionalTime("expirationTime", body.ExpirationTime); err != nil {
		return "", err
	}
	if u.Attributes, err = attributes(body.Attributes, u.Attributes); err != nil {
		return "", err
	}
	u.Administrator, u.Disabled = body.Administrator, body.Disabled
	if body.Password != nil {
		password = *body.Password
	}
	return password, nil
}

// timeText is t as the API writes it, "" for the zero time.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// getUsers lists the accounts that the viewer may see: all of them for an
// administrator, the own one for everybody else.
func (s *Server) getUsers(w http.ResponseWriter, r *http.Request) error {
	me := identityOf(r).user
	users := []data.User{me}
	if v := (auth.Viewer{User: me}); v.Administrator() {
		var err error
		if users, err = s.deps.Store.ListUsers(r.Context()); err != nil {
			return fmt.Errorf("list users: %w", err)
		}
	}
	return writeJSON(w, appendList(nil, len(users), func(b []byte, i int) []byte { return appendUser(b, &users[i]) }))
}

func (s *Server) getUser(w http.ResponseWriter, r *http.Request) error {
	u, err := s.visibleUser(r)
	if err != nil {
		return err
	}
	return writeJSON(w, appendUser(nil, &u))
}

func (s *Server) visibleUser(r *http.Request) (data.User, error) {
	id, err := pathID(r)
	if err != nil {
		return data.User{}, err
	}
	if v := (auth.Viewer{User: identityOf(r).user}); !v.CanSeeUser(id) {
		return data.User{}, errNoSuchObject
	}
	u, err := s.deps.Store.User(r.Context(), id)
	return u, hidden(err)
}

// postUser creates an account. While there is none, anybody may create the
// first, who becomes the administrator; afterwards administrators may.
func (s *Server) postUser(w http.ResponseWriter, r *http.Request) error {
	users, err := s.deps.Store.CountUsers(r.Context())
	if err != nil {
		return fmt.Errorf("count users: %w", err)
	}
	first := users == 0
	if !first {
		id, err := s.identify(w, r)
		if err != nil {
			return err
		}
		if v := (auth.Viewer{User: id.user}); !v.Administrator() {
			return errAdministratorsOnly
		}
	}
	var u data.User
	password, err := readUser(r, &u)
	if err != nil {
		return err
	}
	if u.PasswordHash, err = s.auth.Hash(r.Context(), password); err != nil {
		return err
	}
	if first {
		u.Administrator, u.Disabled, u.ExpiresAt = true, false, time.Time{}
		err = s.deps.Store.CreateFirstUser(r.Context(), &u)
		if errors.Is(err, data.ErrConflict) {
			return fmt.Errorf("%w: somebody else created the first account, sign in", data.ErrDenied)
		}
	} else {
		err = emailTaken(s.deps.Store.CreateUser(r.Context(), &u), &u)
	}
	if err != nil {
		return err
	}
	return writeJSON(w, appendUser(nil, &u))
}

func emailTaken(err error, u *data.User) error {
	if errors.Is(err, data.ErrConflict) {
		return fmt.Errorf("%w: there is an account with the e-mail %s already", data.ErrConflict, u.Email)
	}
	return err
}

// putUser changes an account: everybody their own name, e-mail, password and
// attributes, administrators everything of everybody.
func (s *Server) putUser(w http.ResponseWriter, r *http.Request) error {
	s.editUsers.Lock()
	defer s.editUsers.Unlock()
	old, err := s.visibleUser(r)
	if err != nil {
		return err
	}
	u := old
	u.Attributes = maps.Clone(old.Attributes)
	password, err := readUser(r, &u)
	if err != nil {
		return err
	}
	v := auth.Viewer{User: identityOf(r).user}
	if u.Disabled != old.Disabled || u.Administrator != old.Administrator || !u.ExpiresAt.Equal(old.ExpiresAt) {
		if !v.Administrator() {
			return fmt.Errorf("%w: only administrators may change rights", data.ErrDenied)
		}
		if !u.Administrator || u.Disabled || !u.ExpiresAt.IsZero() {
			if err := s.keepsAdministrator(r, &old); err != nil {
				return err
			}
		}
	}
	if password != "" {
		if u.PasswordHash, err = s.auth.Hash(r.Context(), password); err != nil {
			return err
		}
	}
	if err := emailTaken(s.deps.Store.UpdateUser(r.Context(), &u), &u); err != nil {
		return hidden(err)
	}
	signOut := password != "" || !u.Active(s.deps.Now())
	if signOut {
		if err := s.deps.Store.DeleteUserSessions(r.Context(), u.ID, s.ownSession(r, u.ID)); err != nil {
			return fmt.Errorf("end sessions of user %d: %w", u.ID, err)
		}
	}
	s.userChanged(r, data.UserChange{ID: u.ID, SignedOut: signOut})
	return writeJSON(w, appendUser(nil, &u))
}

// ownSession is the session to keep when the account's others end.
func (s *Server) ownSession(r *http.Request, userID int64) (keep [32]byte) {
	if id := identityOf(r); id.bySession && id.user.ID == userID {
		keep = id.session
	}
	return keep
}

func (s *Server) deleteUser(w http.ResponseWriter, r *http.Request) error {
	s.editUsers.Lock()
	defer s.editUsers.Unlock()
	u, err := s.visibleUser(r)
	if err != nil {
		return err
	}
	if err := s.keepsAdministrator(r, &u); err != nil {
		return err
	}
	if err := s.deps.Store.DeleteUser(r.Context(), u.ID); err != nil {
		return hidden(err)
	}
	s.userChanged(r, data.UserChange{ID: u.ID, SignedOut: true})
	return writeNothing(w)
}

// keepsAdministrator makes sure that there is an administrator besides u.
func (s *Server) keepsAdministrator(r *http.Request, u *data.User) error {
	if !u.Administrator {
		return nil
	}
	users, err := s.deps.Store.ListUsers(r.Context())
	if err != nil {
		return fmt.Errorf("list users: %w", err)
	}
	for i := range users {
		o := &users[i]
		if o.ID != u.ID && o.Administrator && !o.Disabled && o.ExpiresAt.IsZero() {
			return nil
		}
	}
	return fmt.Errorf("%w: this is the last administrator, make somebody else one first", data.ErrConflict)
}
