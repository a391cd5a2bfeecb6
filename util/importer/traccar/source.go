package traccar

import (
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/importer"
)

// Source is where the tables are.
type Source struct {
	// Name tells the source from others, without secrets.
	Name   string
	db     *sql.DB // nil for files
	folder string
}

const (
	// pageRows is how many positions are asked for at once.
	pageRows = 5000
	// queryTimeout bounds a query.
	queryTimeout = 5 * time.Minute
	// maxRow bounds a row of a file in bytes.
	maxRow = 16 << 20
)

// h2 says what to do with a database that only Java reads.
const h2 = `this is an H2 database, which only Java programs read. Export its tables with H2's own tool, with that server stopped:
  java -cp h2-*.jar org.h2.tools.Shell -url jdbc:h2:/opt/traccar/data/database -user sa -password "" -sql "CALL CSVWRITE('tc_devices.csv', 'SELECT * FROM tc_devices')"
and so on for the tables in docs/moving.md, then import the folder: waymark import traccar --from /folder`

// OpenSource opens a source and looks whether it answers. dsn is one of
//
//	postgres://user:password@host:5432/database
//	mysql://user:password@host:3306/database
//	jdbc:...  the address as that server's configuration has it
//	/folder   with a file tc_devices.csv, tc_positions.csv, ... for each table
//
// Errors hold no password.
func OpenSource(ctx context.Context, dsn string) (*Source, error) {
	dsn = strings.TrimPrefix(strings.TrimSpace(dsn), "jdbc:")
	if strings.HasPrefix(dsn, "h2:") || strings.HasSuffix(dsn, ".mv.db") {
		return nil, fmt.Errorf("%w: %s", data.ErrInvalid, h2)
	}
	if info, err := os.Stat(dsn); err == nil && info.IsDir() {
		return openFolder(dsn)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, fmt.Errorf("the address of the database cannot be read: special characters in the password are written %%XX (@ is %%40): %w", data.ErrInvalid)
	}
	user, password := u.User.Username(), ""
	password, _ = u.User.Password()
	if q := u.Query(); user == "" {
		user, password = q.Get("user"), q.Get("password")
	}
	s := &Source{Name: u.Scheme + "://" + u.Host + u.Path}
	switch u.Scheme {
	case "postgres", "postgresql":
		s.db, err = openPostgres(u, user, password)
	case "mysql", "mariadb":
		s.db, err = openMySQL(u, user, password)
	default:
		return nil, fmt.Errorf("the address of the database is not understood: use postgres://user:password@host/database, mysql://user:password@host/database, or a folder of CSV files: %w", data.ErrInvalid)
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if err = s.db.PingContext(ctx); err != nil {
			s.db.Close()
		}
	}
	if err != nil {
		text := err.Error()
		if password != "" {
			text = strings.ReplaceAll(strings.ReplaceAll(text, password, "***"), url.QueryEscape(password), "***")
		}
		return nil, fmt.Errorf("open %s: %w: %s", s.Name, data.ErrUnavailable, text)
	}
	return s, nil
}

func openPostgres(u *url.URL, user, password string) (*sql.DB, error) {
	q := u.Query()
	clean := url.URL{Scheme: "postgres", Host: u.Host, Path: u.Path, User: url.UserPassword(user, password)}
	keep := url.Values{"default_transaction_read_only": {"on"}}
	for _, name := range []string{"sslmode", "sslrootcert", "host", "search_path", "options"} {
		if q.Has(name) {
			keep.Set(name, q.Get(name))
		}
	}
	clean.RawQuery = keep.Encode()
	if user == "" {
		clean.User = nil
	}
	return sql.Open("pgx", clean.String())
}

// openMySQL reads times as they are written, as UTC: that server writes UTC into
// columns without a zone. The zone of the session is left as that server has it,
// too, for a column that converts.
func openMySQL(u *url.URL, user, password string) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.DBName = user, password, "tcp", strings.TrimPrefix(u.Path, "/")
	c.Addr = u.Host
	if u.Port() == "" {
		c.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	if socket := u.Query().Get("socket"); socket != "" {
		c.Net, c.Addr = "unix", socket
	}
	if tls := u.Query().Get("tls"); tls != "" {
		c.TLSConfig = tls
	}
	c.ParseTime, c.Loc, c.Timeout = true, time.UTC, 10*time.Second
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func openFolder(dir string) (*Source, error) {
	if _, err := os.Stat(filepath.Join(dir, "tc_devices.csv")); err != nil {
		return nil, fmt.Errorf("%s holds no tc_devices.csv: %w", dir, data.ErrInvalid)
	}
	abs, err := filepath.Abs(dir)
	return &Source{Name: abs, folder: abs}, err
}

// Close closes the source.
func (s *Source) Close() error {
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

// all calls each for the rows of a table. A table that is missing (an older
// server) is an empty one, unless it is needed.
func (s *Source) all(ctx context.Context, table string, needed bool, each func(record) error) error {
	if s.db == nil {
		return s.file(ctx, table, needed, each)
	}
	exists, err := s.exists(ctx, table)
	if err == nil && !exists && needed {
		err = fmt.Errorf("there is no table %s, this is not the database of a Traccar server (4.0 or newer): %w", table, data.ErrInvalid)
	}
	if err != nil || !exists {
		return err
	}
	return s.query(ctx, "read "+table, `SELECT * FROM `+table, each)
}

func (s *Source) exists(ctx context.Context, table string) (bool, error) {
	schema := `current_schema()`
	if _, ok := s.db.Driver().(*mysql.MySQLDriver); ok {
		schema = `database()`
	}
	found := false
	err := s.query(ctx, "look for "+table, `SELECT 1 FROM information_schema.tables WHERE table_schema = `+schema+` AND table_name = '`+table+`'`,
		func(record) error { found = true; return nil })
	return found, err
}

// positions calls each for the positions after an id, in the order of ids.
func (s *Source) positions(ctx context.Context, after int64, where string, each func(record) error) error {
	if s.db == nil {
		return s.file(ctx, "tc_positions", false, each)
	}
	for {
		rows := 0
		err := s.query(ctx, "read tc_positions", fmt.Sprintf(`SELECT * FROM tc_positions WHERE id > %d%s ORDER BY id LIMIT %d`, after, where, pageRows), func(r record) error {
			rows++
			after = r.int("id")
			return each(r)
		})
		if err != nil || rows < pageRows {
			return err
		}
	}
}

// query reads the rows of a page before it calls each, so that no connection is
// held meanwhile.
func (s *Source) query(ctx context.Context, doing, query string, each func(record) error) error {
	page, err := s.rows(ctx, query)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	for _, r := range page {
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) rows(ctx context.Context, query string) ([]record, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	rows, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, to := make([]any, len(columns)), make([]any, len(columns))
	for i := range columns {
		columns[i] = strings.ToLower(columns[i])
		to[i] = &values[i]
	}
	var page []record
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		r := make(record, len(columns))
		for i, v := range values {
			r[columns[i]] = v
		}
		page = append(page, r)
	}
	return page, rows.Err()
}

// file reads a table from a CSV file with the names of the columns on its first
// line.
func (s *Source) file(ctx context.Context, table string, needed bool, each func(record) error) error {
	f, err := os.Open(filepath.Join(s.folder, table+".csv"))
	if errors.Is(err, os.ErrNotExist) && !needed {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", table, err)
	}
	defer f.Close()
	in := importer.NewGuard(ctx, f)
	in.Next(maxRow)
	rows := csv.NewReader(in)
	columns, err := rows.Read()
	if err != nil {
		return fmt.Errorf("read %s.csv: %w", table, err)
	}
	for i := range columns {
		columns[i] = strings.ToLower(columns[i])
	}
	for {
		in.Next(maxRow)
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s.csv: %w: %w", table, data.ErrInvalid, err) // names the line
		}
		r := make(record, len(columns))
		for i, v := range row {
			r[columns[i]] = v
		}
		if err := each(r); err != nil {
			return err
		}
	}
}
