package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/web-server/auth"
)

const (
	// resetQueue is how many mails may wait; whoever asks then is told to come back.
	resetQueue = 64
	// mailTimeout bounds one mail.
	mailTimeout = 30 * time.Second

	actionReset = "resetPassword"
)

// Mailer sends mail.
type Mailer interface {
	Send(ctx context.Context, m mail.Message) error
}

// reset is somebody who has forgotten a password.
type reset struct {
	email, request string
	from           netip.Addr
}

var errNoMail = fmt.Errorf("%w: this server sends no mail; ask its administrator for a new password", data.ErrInvalid)

// postReset sends a mail with which the owner of the form field email can set a
// new password. The answer, and the time it takes, is the same whether there is
// such an account.
func (s *Server) postReset(w http.ResponseWriter, r *http.Request) error {
	if s.deps.Mail == nil || s.cfg.URL == "" {
		return errNoMail
	}
	f, err := form(r)
	if err != nil {
		return err
	}
	email, err := auth.NormalEmail(f.Get("email"))
	if err != nil {
		return err
	}
	if err := s.auth.Start(remoteAddr(r)); err != nil {
		return err
	}
	select {
	case s.resets <- reset{email: email, request: requestID(r.Context()), from: remoteAddr(r)}:
	default:
		return fmt.Errorf("%w: too many mails wait to be sent, try again in a minute", data.ErrUnavailable)
	}
	return writeNothing(w)
}

// sendResets sends the mails, one after the other. Those that wait when we stop
// are not sent; whoever misses one asks again.
func (s *Server) sendResets(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case job := <-s.resets:
			send, cancel := context.WithTimeout(ctx, mailTimeout)
			if err := s.sendReset(send, job); err != nil && ctx.Err() == nil {
				s.deps.Log.Error("mail about a forgotten password not sent", "request", job.request, "err", err)
			}
			cancel()
		}
	}
}

func (s *Server) sendReset(ctx context.Context, job reset) error {
	u, secret, ok, err := s.auth.BeginReset(ctx, job.email)
	if err != nil || !ok {
		return err
	}
	e := data.AuditEntry{Time: s.deps.Now(), UserID: u.ID, Action: actionReset, ObjectType: string(data.UserKind), ObjectID: u.ID, Attributes: userFacts(&u)}
	if job.from.IsValid() {
		e.Address = job.from.String()
	}
	if err := s.deps.Store.RecordAudit(ctx, &e); err != nil {
		return fmt.Errorf("write the audit entry: %w", err)
	}
	link := s.cfg.URL + "/reset-password?passwordReset=" + url.QueryEscape(secret)
	return s.deps.Mail.Send(ctx, mail.Message{
		To: u.Email, Subject: "Set a new password for Waymark",
		Text: "Somebody, hopefully you, asked for a new password for the account " + u.Email + " at " + s.cfg.URL + ".\n\n" +
			"To set one, open this address within an hour:\n\n" + link + "\n\n" +
			"If it was not you, ignore this mail: nothing has changed.\n",
	})
}

// postNewPassword sets the password of the form fields token, of the mail, and
// password, and ends the sessions of the account.
func (s *Server) postNewPassword(w http.ResponseWriter, r *http.Request) error {
	f, err := form(r)
	if err != nil {
		return err
	}
	s.editUsers.Lock()
	defer s.editUsers.Unlock()
	u, err := s.auth.UseReset(r.Context(), f.Get("token"), f.Get("password"), remoteAddr(r))
	if errors.Is(err, auth.ErrUnauthenticated) {
		return invalid("the account is disabled or has expired")
	}
	if err != nil {
		return err
	}
	if err := s.deps.Store.UpdateUser(r.Context(), &u); err != nil {
		return hidden(err)
	}
	if err := s.deps.Store.DeleteUserSessions(r.Context(), u.ID, [32]byte{}); err != nil {
		return fmt.Errorf("end sessions of user %d: %w", u.ID, err)
	}
	s.userChanged(r, data.UserChange{ID: u.ID, SignedOut: true})
	facts := userFacts(&u)
	facts["password"] = true
	s.recordAs(r, u.ID, actionUpdate, data.UserKind, u.ID, facts)
	return writeNothing(w)
}

// form reads the body as a form; the query does not count.
func form(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		if isTooLarge(err) {
			return nil, err
		}
		return nil, invalid("the body is not a form")
	}
	return r.PostForm, nil
}
