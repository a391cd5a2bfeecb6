package service

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/net/netutil"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/web-server/api"
)

const (
	// certificateAge is how often the files of a certificate are looked at.
	certificateAge = time.Minute
	// acmeTimeout bounds a request to an ACME authority.
	acmeTimeout = time.Minute
	// redirectTimeout bounds a request to the port that sends browsers on, in all.
	redirectTimeout = 10 * time.Second
	// redirectConnections bounds that port.
	redirectConnections = 256
)

// ports are the open ports of a web server.
type ports struct {
	web net.Listener
	// plain sends browsers on to https; nil for none.
	plain net.Listener
	// handler is that of plain.
	handler http.Handler
}

// openPorts opens the web port, with TLS if it is set up, and the one that
// sends browsers on.
func openPorts(cfg api.Config, dataDir string, log *slog.Logger) (*ports, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("open the web port: %w; set web.listen if another program uses it", err)
	}
	// The bound is below TLS: net/http must see TLS connections to speak HTTP/2.
	p := &ports{web: netutil.LimitListener(l, cfg.MaxConnections), handler: http.HandlerFunc(toHTTPS)}
	if !cfg.TLS.Enabled() {
		return p, nil
	}
	settings, err := p.tls(cfg.TLS, dataDir, log)
	if err != nil {
		p.Close()
		return nil, err
	}
	p.web = tls.NewListener(p.web, settings)
	if cfg.TLS.RedirectListen == "" {
		return p, nil
	}
	if l, err = net.Listen("tcp", cfg.TLS.RedirectListen); err != nil {
		p.Close()
		return nil, fmt.Errorf("open the port of web.tls.redirect-listen: %w", err)
	}
	p.plain = netutil.LimitListener(l, redirectConnections)
	return p, nil
}

// Close closes the ports of a server that does not run.
func (p *ports) Close() {
	p.web.Close()
	if p.plain != nil {
		p.plain.Close()
	}
}

func (p *ports) tls(c api.TLSConfig, dataDir string, log *slog.Logger) (*tls.Config, error) {
	if c.CertFile != "" {
		files := &certificate{certFile: c.CertFile, keyFile: c.KeyFile, now: time.Now, log: log}
		if err := files.read(); err != nil {
			return nil, fmt.Errorf("read the TLS certificate (web.tls.cert-file, web.tls.key-file): %w", err)
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: files.get}, nil
	}
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(c.ACMEDomains...), Email: c.ACMEEmail,
		Cache: autocert.DirCache(filepath.Join(dataDir, "acme")),
	}
	if c.ACMEDirectory != "" || c.ACMERoots != "" {
		client, err := acmeHTTP(c.ACMERoots)
		if err != nil {
			return nil, fmt.Errorf("read the certificates of web.tls.acme-roots: %w", err)
		}
		m.Client = &acme.Client{DirectoryURL: c.ACMEDirectory, HTTPClient: client}
	}
	p.handler = m.HTTPHandler(http.HandlerFunc(toHTTPS))
	settings := m.TLSConfig()
	settings.MinVersion = tls.VersionTLS12
	return settings, nil
}

// acmeHTTP speaks to an ACME authority, whose own certificate those of a file
// have signed; without a file, those that the system trusts.
func acmeHTTP(roots string) (*http.Client, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if roots != "" {
		text, err := os.ReadFile(roots)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s has no certificate (PEM): %w", roots, data.ErrInvalid)
		}
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	}
	return &http.Client{Transport: t, Timeout: acmeTimeout}, nil
}

// redirect serves the port that sends browsers on until ctx ends.
func (p *ports) redirect(ctx context.Context) error {
	if p.plain == nil {
		return nil
	}
	srv := &http.Server{
		Handler: p.handler, ReadTimeout: redirectTimeout, WriteTimeout: redirectTimeout, IdleTimeout: redirectTimeout, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(p.plain); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve web.tls.redirect-listen: %w", err)
	}
	return nil
}

// toHTTPS sends a browser to the same address with TLS, at the usual port.
func toHTTPS(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "this server speaks https", http.StatusBadRequest)
		return
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	w.Header().Set("Connection", "close")
	http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusMovedPermanently)
}

// certificate is a TLS certificate in files, which some program renews.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	mu       sync.Mutex
	loaded   *tls.Certificate
	modified time.Time // of the newer of the files
	looked   time.Time
}

// get implements tls.Config.GetCertificate. Files that cannot be read leave the
// certificate as it was.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now().Sub(c.looked) >= certificateAge {
		if err := c.readLocked(); err != nil {
			c.log.Error("TLS certificate not read again", "file", c.certFile, "err", err)
		}
	}
	return c.loaded, nil
}

func (c *certificate) read() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.readLocked()
}

func (c *certificate) readLocked() error {
	c.looked = c.now()
	newest := time.Time{}
	for _, path := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	if c.loaded != nil && newest.Equal(c.modified) {
		return nil
	}
	loaded, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.loaded, c.modified = &loaded, newest
	return nil
}
