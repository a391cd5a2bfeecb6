package reporting

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/access"
	"github.com/waymark-gps/waymark/util/mail"
	"github.com/waymark-gps/waymark/util/report/sheet"
)

const (
	// maxJobs is how many reports may wait to be sent; whoever asks then is told to
	// come back.
	maxJobs = 32
	// sendTimeout bounds the making and sending of one.
	sendTimeout = 10 * time.Minute
	// maxAttachment is the largest file that is sent, in bytes: it is held in
	// memory, and few mail servers take more.
	maxAttachment = 16 << 20
)

var (
	errNoMail   = fmt.Errorf("%w: this server sends no mail: download the report instead", data.ErrInvalid)
	errTooLarge = fmt.Errorf("%w: the report is larger than %d MiB, too large for a mail: choose fewer devices or a shorter span, or download it", data.ErrInvalid, maxAttachment>>20)
	errNobody   = fmt.Errorf("%w: your account has no e-mail address", data.ErrInvalid)
)

// job is a report that somebody waits for.
type job struct {
	userID int64
	ask    Ask
	format sheet.Format
}

// Enqueue takes in a report that is to be sent to a user who may have it; Run
// sends it.
func (s *Service) Enqueue(u *data.User, a Ask, format sheet.Format) error {
	switch {
	case s.deps.Mail == nil:
		return errNoMail
	case u.Email == "":
		return errNobody
	}
	select {
	case s.jobs <- job{u.ID, a, format}:
		return nil
	default:
		return fmt.Errorf("%w: too many reports wait to be sent, try again in a minute", data.ErrUnavailable)
	}
}

// Run sends what was asked for, one after the other, until ctx ends. Those that
// wait then are not sent; whoever misses one asks again.
func (s *Service) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-s.jobs:
			err := s.sendTo(ctx, j.userID, "", j.format, func(*access.Viewer) (Ask, error) { return j.ask, nil })
			if err != nil && ctx.Err() == nil {
				s.deps.Log.Error("report not sent", "user", j.userID, "report", j.ask.Report, "err", err)
			}
		}
	}
}

// sendTo makes a report as a user sees things now, and sends it, in a mail with
// an id (see mail.Message).
func (s *Service) sendTo(ctx context.Context, userID int64, id string, format sheet.Format, choose func(*access.Viewer) (Ask, error)) error {
	if s.deps.Mail == nil {
		return errNoMail
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	u, err := s.deps.Store.User(ctx, userID)
	if err != nil {
		return fmt.Errorf("find user %d: %w", userID, err)
	}
	if !u.Active(s.deps.Now()) {
		return fmt.Errorf("%w: the account is disabled or has expired", data.ErrDenied)
	}
	if u.Email == "" {
		return errNobody
	}
	v, err := s.deps.Access.Viewer(ctx, u)
	if err != nil {
		return err
	}
	a, err := choose(&v)
	if err != nil {
		return err
	}
	prepared, err := s.Prepare(ctx, &v, a, format)
	if err != nil {
		return err
	}
	var file limited
	if err := prepared.Write(ctx, &file); err != nil {
		return err
	}
	return s.deps.Mail.Send(ctx, mail.Message{
		ID: id, To: u.Email, Subject: "Report: " + prepared.Name,
		Text:        "The report " + prepared.Name + " is attached.\n",
		Attachments: []mail.Attachment{{Name: prepared.Name + "." + format.Name, ContentType: format.Accept, Content: file.Bytes()}},
	})
}

// limited is a file that must not become too large.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxAttachment {
		return 0, errTooLarge
	}
	return l.Buffer.Write(p)
}

// retriable tells whether it may work another time without anybody doing
// something.
func retriable(err error) bool {
	return !errors.Is(err, data.ErrInvalid) && !errors.Is(err, data.ErrDenied) && !errors.Is(err, data.ErrNotFound)
}
