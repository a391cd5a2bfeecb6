package api

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

// TLSConfig says how the web port speaks TLS. Without anything it does not: a
// reverse proxy does, or nobody.
type TLSConfig struct {
	CertFile       string   `koanf:"cert-file" desc:"file of the TLS certificate and those that signed it (PEM); read again when it changes"`
	KeyFile        string   `koanf:"key-file" desc:"file of the private key of that certificate (PEM)"`
	ACMEDomains    []string `koanf:"acme-domains" desc:"names of this server for which to fetch certificates from an ACME authority (Let's Encrypt), whose terms you accept so; it must reach this server at port 443, or 80 with redirect-listen"`
	ACMEEmail      string   `koanf:"acme-email" desc:"e-mail that the ACME authority may write to"`
	ACMEDirectory  string   `koanf:"acme-directory" desc:"directory address of another ACME authority"`
	ACMERoots      string   `koanf:"acme-roots" desc:"file of the certificates that have signed that of the ACME authority's own server (PEM), for a private one"`
	RedirectListen string   `koanf:"redirect-listen" desc:"address and port, like :80, at which browsers are sent on to https; empty: none"`
}

// Enabled tells whether the web port speaks TLS.
func (c TLSConfig) Enabled() bool { return c.CertFile != "" || len(c.ACMEDomains) > 0 }

// Validate checks the values.
func (c TLSConfig) Validate() error {
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(format+": %w", append(args, data.ErrInvalid)...))
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		bad("cert-file and key-file belong together: set both or none")
	}
	if c.CertFile != "" && len(c.ACMEDomains) > 0 {
		bad("cert-file and acme-domains are both set; remove one")
	}
	if len(c.ACMEDomains) == 0 && (c.ACMEEmail != "" || c.ACMEDirectory != "" || c.ACMERoots != "") {
		bad("acme-email, acme-directory and acme-roots need acme-domains")
	}
	if c.ACMEDirectory != "" && !strings.HasPrefix(c.ACMEDirectory, "https://") {
		bad("acme-directory is %q, it must be an address that begins with https://", c.ACMEDirectory)
	}
	if c.RedirectListen == "" {
		return errors.Join(problems...)
	}
	if _, _, err := net.SplitHostPort(c.RedirectListen); err != nil {
		bad("redirect-listen is %q, it must be an address and port like :80", c.RedirectListen)
	}
	if !c.Enabled() {
		bad("redirect-listen sends browsers to https, which needs cert-file or acme-domains")
	}
	return errors.Join(problems...)
}
