package api

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const maxUserName = 128

// timeText is t as the API writes it, "" for the zero time.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// getUsers lists accounts: all of them for an administrator, the own one and
// those it manages for everybody else. ?userId lists those that an account
// manages, ?deviceId and ?groupId those that are linked to one; ?keyword ?limit ?offset ?excludeAttributes.
func (s *Server) getUsers(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := q.page()
	if err != nil {
		return err
	}
	ids, err := s.chosen(r, q, data.UserKind)
	if err != nil {
		return err
	}
	users, err := s.deps.Store.ListUsers(r.Context())
	if err != nil {
		return fmt.Errorf("list users: %w", err)
	}
	keyword := strings.ToLower(page.keyword)
	users = slices.DeleteFunc(users, func(u data.User) bool {
		if ids != nil && !slices.Contains(ids, u.ID) {
			return true
		}
		return !strings.Contains(strings.ToLower(u.Name+"\n"+u.Email+"\n"+u.Login), keyword)
	})
	users = cut(users, page)
	return writeJSON(w, appendList(nil, len(users), func(b []byte, i int) []byte {
		if page.excludeAttributes {
			users[i].Attributes = nil
		}
		return appendUser(b, &users[i])
	}))
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
	if !viewerOf(r).CanSeeUser(id) {
		return data.User{}, errNoSuchObject
	}
	u, err := s.deps.Store.User(r.Context(), id)
	return u, hidden(err)
}

// nameTaken refuses an e-mail or a login by which somebody else signs in.
func (s *Server) nameTaken(r *http.Request, u *data.User) error {
	for _, name := range []string{u.Email, u.Login} {
		if name == "" {
			continue
		}
		other, err := s.deps.Store.UserByEmail(r.Context(), name)
		switch {
		case errors.Is(err, data.ErrNotFound):
		case err != nil:
			return fmt.Errorf("find account: %w", err)
		case other.ID != u.ID:
			return emailTaken(data.ErrConflict, u)
		}
	}
	return nil
}

func emailTaken(err error, u *data.User) error {
	if errors.Is(err, data.ErrConflict) {
		return fmt.Errorf("%w: there is an account with the e-mail %s or that login already", data.ErrConflict, u.Email)
	}
	return err
}

// postUser creates an account. While there is none, anybody may create the
// first, who becomes the administrator; afterwards administrators may, managers
// as many as their limit says, and everybody where the server allows
// registration.
func (s *Server) postUser(w http.ResponseWriter, r *http.Request) error {
	s.editUsers.Lock()
	defer s.editUsers.Unlock()
	users, err := s.deps.Store.CountUsers(r.Context())
	if err != nil {
		return fmt.Errorf("count users: %w", err)
	}
	u := data.User{DeviceLimit: data.NoLimit}
	if users == 0 {
		return s.postFirstUser(w, r, &u)
	}
	maker, err := s.maker(w, r)
	if err != nil {
		return err
	}
	if !maker.Administrator() && maker.User.ID != 0 {
		u.DeviceLimit = maker.User.DeviceLimit
	}
	password, err := readUser(r, &u)
	if err != nil {
		return err
	}
	if err := mayGive(maker, &data.User{DeviceLimit: data.NoLimit}, &u); err != nil {
		return err
	}
	if err := s.nameTaken(r, &u); err != nil {
		return err
	}
	if u.PasswordHash, err = s.auth.Hash(r.Context(), password); err != nil {
		return err
	}
	if err := emailTaken(s.deps.Store.CreateUser(r.Context(), &u), &u); err != nil {
		return err
	}
	if !maker.Administrator() && maker.User.ID != 0 {
		link := data.Link{Owner: data.UserKind, OwnerID: maker.User.ID, Property: data.ManagedUserKind, PropertyID: u.ID}
		if err := s.deps.Store.AddLinks(r.Context(), link); err != nil {
			return errors.Join(fmt.Errorf("link new user: %w", err), s.deps.Store.DeleteUser(r.Context(), u.ID))
		}
		s.accessChanged(r, linksChanged([]data.Link{link}))
	}
	s.recordAs(r, maker.User.ID, actionCreate, data.UserKind, u.ID, userFacts(&u))
	return writeJSON(w, appendUser(nil, &u))
}

// userFacts are what the audit keeps of an account besides its id.
func userFacts(u *data.User) map[string]any { return map[string]any{"email": u.Email} }

func (s *Server) postFirstUser(w http.ResponseWriter, r *http.Request, u *data.User) error {
	password, err := readUser(r, u)
	if err != nil {
		return err
	}
	if u.PasswordHash, err = s.auth.Hash(r.Context(), password); err != nil {
		return err
	}
	u.ExpiresAt = time.Time{}
	(&rights{Administrator: true, DeviceLimit: data.NoLimit}).give(u)
	if err := s.deps.Store.CreateFirstUser(r.Context(), u); err != nil {
		if errors.Is(err, data.ErrConflict) {
			return fmt.Errorf("%w: somebody else created the first account, sign in", data.ErrDenied)
		}
		return err
	}
	s.recordAs(r, u.ID, actionCreate, data.UserKind, u.ID, userFacts(u))
	return writeJSON(w, appendUser(nil, u))
}

// maker is who creates an account; the zero Viewer where anybody may.
func (s *Server) maker(w http.ResponseWriter, r *http.Request) (*access.Viewer, error) {
	id, err := s.identify(w, r)
	if errors.Is(err, auth.ErrUnauthenticated) && r.Header.Get("Authorization") == "" {
		settings, settingsErr := s.deps.Store.Server(r.Context())
		if settingsErr != nil {
			return nil, fmt.Errorf("read server settings: %w", settingsErr)
		}
		if settings.Registration {
			return &access.Viewer{}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	v, err := s.access.Viewer(r.Context(), id.user)
	if err != nil {
		return nil, err
	}
	if !v.Manager() {
		return nil, errAdministratorsOnly
	}
	if err := v.MayEdit(data.UserKind); err != nil {
		return nil, err
	}
	if limit := v.User.UserLimit; !v.Administrator() && limit >= 0 && int64(len(v.Managed())) >= limit {
		return nil, fmt.Errorf("%w: your account may manage %d users and has %d", data.ErrDenied, limit, len(v.Managed()))
	}
	return &v, nil
}

var errRights = fmt.Errorf("%w: only administrators may change rights, and managers within their own", data.ErrDenied)

// mayGive decides who may make which account of another one. Nobody gives what
// they do not have.
func mayGive(v *access.Viewer, old, u *data.User) error {
	before, after := rightsOf(old), rightsOf(u)
	changed := before != after || !old.ExpiresAt.Equal(u.ExpiresAt)
	switch {
	case v.Administrator(), !changed && u.ID != 0:
		return nil
	case after.Administrator != before.Administrator, after.UserLimit != before.UserLimit:
		return errRights
	case v.User.ID == 0: // registration
		if changed {
			return errRights
		}
		return nil
	case v.User.ID == u.ID, !v.Manager():
		return errRights
	}
	own := rightsOf(&v.User)
	lifted := (own.Readonly && !after.Readonly) || (own.DeviceReadonly && !after.DeviceReadonly) ||
		(own.LimitCommands && !after.LimitCommands) || (own.DisableReports && !after.DisableReports) ||
		(own.FixedEmail && !after.FixedEmail)
	moreDevices := own.DeviceLimit >= 0 && (after.DeviceLimit < 0 || after.DeviceLimit > own.DeviceLimit)
	longer := !v.User.ExpiresAt.IsZero() && (u.ExpiresAt.IsZero() || u.ExpiresAt.After(v.User.ExpiresAt))
	if lifted || moreDevices || longer {
		return fmt.Errorf("%w: a manager cannot give rights that the own account does not have: restrictions, deviceLimit and expirationTime must be as strict", data.ErrDenied)
	}
	return nil
}

// editableUser is visibleUser for those who may change it.
func (s *Server) editableUser(r *http.Request) (data.User, error) {
	u, err := s.visibleUser(r)
	if err != nil {
		return u, err
	}
	v := viewerOf(r)
	if err := v.MayEdit(data.UserKind); err != nil {
		return u, err
	}
	if u.Administrator && !v.Administrator() {
		return u, errAdministratorsOnly
	}
	return u, nil
}

// putUser changes an account: everybody their own name, password and settings,
// managers those they manage within their own rights, administrators everything
// of everybody.
func (s *Server) putUser(w http.ResponseWriter, r *http.Request) error {
	s.editUsers.Lock()
	defer s.editUsers.Unlock()
	old, err := s.editableUser(r)
	if err != nil {
		return err
	}
	u := old
	u.Attributes = maps.Clone(old.Attributes)
	password, err := readUser(r, &u)
	if err != nil {
		return err
	}
	v := viewerOf(r)
	if err := mayGive(v, &old, &u); err != nil {
		return err
	}
	if v.FixedEmail() && v.User.ID == u.ID && (u.Email != old.Email || u.Login != old.Login) {
		return fmt.Errorf("%w: the e-mail and login of your account are fixed", data.ErrDenied)
	}
	if steady := func(u *data.User) bool { return u.Administrator && !u.Disabled && u.ExpiresAt.IsZero() }; steady(&old) && !steady(&u) {
		if err := s.keepsAdministrator(r, &old); err != nil {
			return err
		}
	}
	if err := s.nameTaken(r, &u); err != nil {
		return err
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
	facts := userFacts(&u)
	facts["password"], facts["rights"] = password != "", rightsOf(&old) != rightsOf(&u) || !old.ExpiresAt.Equal(u.ExpiresAt)
	s.record(r, actionUpdate, data.UserKind, u.ID, facts)
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
	u, err := s.editableUser(r)
	if err != nil {
		return err
	}
	if err := s.keepsAdministrator(r, &u); err != nil {
		return err
	}
	managers, err := s.deps.Store.ListLinks(r.Context(), storage.LinkFilter{Property: data.ManagedUserKind, PropertyIDs: []int64{u.ID}})
	if err != nil {
		return fmt.Errorf("list managers: %w", err)
	}
	if err := s.deps.Store.DeleteUser(r.Context(), u.ID); err != nil {
		return hidden(err)
	}
	change := linksChanged(managers)
	change.UserIDs = append(change.UserIDs, u.ID)
	s.accessChanged(r, change)
	s.userChanged(r, data.UserChange{ID: u.ID, SignedOut: true})
	s.record(r, actionDelete, data.UserKind, u.ID, userFacts(&u))
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
