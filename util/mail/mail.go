// Package mail sends mail through an SMTP server.
package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/waymark-gps/waymark/data"
)

// dialTimeout bounds the connection to the server; the context bounds the rest.
const dialTimeout = 15 * time.Second

// Config says by which server mail goes out.
type Config struct {
	Host     string `koanf:"host" desc:"SMTP server that mail is sent through; empty: no mail is sent"`
	Port     int    `koanf:"port" desc:"port of the SMTP server; 0 is 587 with starttls, 465 with tls, 25 with none"`
	Username string `koanf:"username" desc:"user name at the SMTP server; empty: mail is sent without signing in"`
	Password string `koanf:"password" desc:"password at the SMTP server" secret:"true"`
	From     string `koanf:"from" desc:"address that mail comes from, like Waymark <waymark@example.org>"`
	Security string `koanf:"security" desc:"starttls, tls, or none for a server on this machine or network"`
}

// DefaultConfig sends nothing.
func DefaultConfig() Config { return Config{Security: "starttls"} }

// Enabled tells whether mail is sent.
func (c Config) Enabled() bool { return c.Host != "" }

// Validate checks the values.
func (c Config) Validate() error {
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(format+": %w", append(args, data.ErrInvalid)...))
	}
	if _, ok := ports[c.Security]; !ok {
		bad("security is %q, it must be starttls, tls or none", c.Security)
	}
	if c.Port < 0 || c.Port > 65535 {
		bad("port is %d, it must be 0 to 65535", c.Port)
	}
	if !c.Enabled() {
		return errors.Join(problems...)
	}
	if err := gomail.NewMsg().From(c.From); err != nil {
		bad("from is %q, it must be an address like waymark@example.org", c.From)
	}
	if (c.Username == "") != (c.Password == "") {
		bad("username and password-file belong together: set both or none")
	}
	return errors.Join(problems...)
}

// ports are the usual ones (RFC 6409, RFC 8314, RFC 5321).
var ports = map[string]int{"starttls": 587, "tls": 465, "none": 25}

// Message is a mail of plain text.
type Message struct {
	// To is one address.
	To, Subject, Text string
	// ID tells mailboxes that they have the mail already, should it come twice:
	// letters, digits, dots and hyphens. Empty for one of its own.
	ID string
	// Attachments are files that go with it.
	Attachments []Attachment
}

// Attachment is a file of a mail.
type Attachment struct {
	// Name is the file's, ContentType its media type.
	Name, ContentType string
	Content           []byte
}

// Sender sends mail. It may be used by several goroutines at once.
type Sender struct {
	config Config
	tls    *tls.Config
}

// New makes a Sender, or nil if mail is off. It connects for each mail.
func New(c Config) (*Sender, error) {
	if !c.Enabled() {
		return nil, nil
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Port == 0 {
		c.Port = ports[c.Security]
	}
	return &Sender{config: c, tls: &tls.Config{ServerName: c.Host, MinVersion: tls.VersionTLS12}}, nil
}

// Send hands a mail to the server, which accepts or refuses it: an error is
// data.ErrUnavailable, and may come after the mail was accepted.
func (s *Sender) Send(ctx context.Context, m Message) error {
	ctx, done := context.WithCancel(ctx)
	defer done() // the connection goes too
	msg := gomail.NewMsg()
	if err := errors.Join(msg.From(s.config.From), msg.To(m.To)); err != nil {
		return fmt.Errorf("write mail: %w: %w", data.ErrInvalid, err)
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	if m.ID == "" {
		msg.SetMessageID()
	} else {
		msg.SetMessageIDWithValue(m.ID + "@" + s.domain())
	}
	// Whoever answers automatically should not answer a program (RFC 3834).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	for _, a := range m.Attachments {
		msg.AttachReadSeeker(a.Name, bytes.NewReader(a.Content), gomail.WithFileContentType(gomail.ContentType(a.ContentType)))
	}

	client, err := gomail.NewClient(s.config.Host, s.options(ctx)...)
	if err != nil {
		return fmt.Errorf("set up mail: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return fmt.Errorf("send mail through %s: %w: %w", s.config.Host, data.ErrUnavailable, err)
	}
	return nil
}

// domain is that of the address that mail comes from.
func (s *Sender) domain() string {
	_, domain, _ := strings.Cut(s.config.From, "@")
	return strings.TrimRight(strings.TrimSpace(domain), ">")
}

func (s *Sender) options(ctx context.Context) []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(s.config.Port), gomail.WithTimeout(dialTimeout), gomail.WithTLSConfig(s.tls),
		// The library's deadlines are longer than ours: when ctx ends, its reads do.
		gomail.WithDialContextFunc(func(dial context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(dial, network, address)
			if err != nil {
				return nil, err
			}
			context.AfterFunc(ctx, func() { conn.Close() })
			if s.config.Security == "tls" {
				conn = tls.Client(conn, s.tls)
			}
			return conn, nil
		}),
	}
	switch s.config.Security {
	case "tls":
		options = append(options, gomail.WithSSL())
	case "starttls":
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.config.Username != "" {
		auth := gomail.SMTPAuthAutoDiscover
		switch s.config.Security {
		case "tls": // the library does not see that our connection is encrypted
			auth = gomail.SMTPAuthPlain
		case "none": // servers on the own network offer nothing better
			auth = gomail.SMTPAuthPlainNoEnc
		}
		options = append(options, gomail.WithSMTPAuth(auth), gomail.WithUsername(s.config.Username), gomail.WithPassword(s.config.Password))
	}
	return options
}
