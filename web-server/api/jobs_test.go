package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/storage"
	"github.com/waymark-gps/waymark/web-server/jobs"
)

// jobAnswer is a job as a client reads it.
type jobAnswer struct {
	ID, Count, Size int64
	State           string
	FileName, Error string
	Progress        *float64
	Notes           []string
}

// job makes a job and waits for its end.
func (c *client) job(method, path string, body any) jobAnswer {
	c.e.t.Helper()
	j := c.readJob(c.want(200, method, path, body))
	c.e.eventually("the job ends", func() bool {
		j = c.readJob(c.want(200, "GET", fmt.Sprint("/api/jobs/", j.ID), nil))
		return j.State == "done" || j.State == "failed"
	})
	return j
}

func (c *client) readJob(body string) (j jobAnswer) {
	c.e.t.Helper()
	if err := json.Unmarshal([]byte(body), &j); err != nil {
		c.e.t.Fatal(err)
	}
	return j
}

func exportOf(format string, devices ...int64) map[string]any {
	return map[string]any{"deviceIds": devices, "from": "2026-01-01T00:00:00Z", "to": "2026-12-31T00:00:00Z", "format": format}
}

func TestExportJob(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	d, other := e.device("Van", ann), e.device("Car", ann)
	for i := range 5 {
		e.position(d.ID, time.Duration(i)*time.Minute)
	}
	j := c.job("POST", "/api/jobs/export", exportOf("csv", d.ID, other.ID))
	if j.State != "done" || j.Count != 5 || *j.Progress != 1 || j.FileName != "2 devices 2026-01-01 2026-12-31.csv" {
		t.Errorf("%+v", j)
	}
	path := fmt.Sprintf("/api/jobs/%d/result", j.ID)
	a := c.do("GET", path, nil)
	if a.code != 200 || strings.Count(a.body, "\n") != 6 || int64(len(a.body)) != j.Size || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
		t.Errorf("result: %d %s\n%s", a.code, a.header, a.body)
	}
	if part := c.do("GET", path, nil, "Range", "bytes=0-9"); part.code != 206 || part.body != a.body[:10] {
		t.Errorf("a part: %d %q", part.code, part.body)
	}
	if got := ids(t, c.want(200, "GET", "/api/jobs?limit=1", nil)); len(got) != 1 || got[0] != j.ID {
		t.Errorf("list: %v", got)
	}
	c.want(204, "DELETE", fmt.Sprint("/api/jobs/", j.ID), nil)
	c.want(404, "GET", path, nil)
	for body, want := range map[string]string{
		`{"deviceIds":[1],"from":"2026-01-01T00:00:00Z","to":"2026-12-31T00:00:00Z","format":"doc"}`: "format",
		`{"deviceIds":[1],"format":"csv"}`: "from and to",
		`{"deviceIds":[],"from":"2026-01-01T00:00:00Z","to":"2026-12-31T00:00:00Z","format":"csv"}`:  "deviceIds",
		`{"deviceIds":[1],"from":"2027-01-01T00:00:00Z","to":"2026-12-31T00:00:00Z","format":"csv"}`: "before",
	} {
		if got := c.want(400, "POST", "/api/jobs/export", body); !strings.Contains(got, want) {
			t.Errorf("%s: %s", body, got)
		}
	}
}

const tinyGPX = `<gpx><trk><trkseg><trkpt lat="52.1" lon="4.3"><time>2026-02-01T10:00:00Z</time></trkpt>` +
	`<trkpt lat="52.2" lon="4.4"><time>2026-02-01T10:01:00Z</time></trkpt><trkpt lat="52.2" lon="4.4"></trkpt></trkseg></trk></gpx>`

func TestImportJob(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	d := e.device("Van", ann)
	path := fmt.Sprintf("/api/jobs/import?format=gpx&deviceId=%d", d.ID)
	j := c.job("POST", path, tinyGPX)
	if j.State != "done" || j.Count != 3 || !strings.Contains(strings.Join(j.Notes, "; "), "2 stored") || !strings.Contains(strings.Join(j.Notes, "; "), "1 skipped: no time") {
		t.Errorf("%+v", j)
	}
	if got := ids(t, c.want(200, "GET", fmt.Sprintf("/api/positions?deviceId=%d&from=2026-02-01T00:00:00Z&to=2026-02-02T00:00:00Z", d.ID), nil)); len(got) != 2 {
		t.Errorf("stored: %v", got)
	}
	if j = c.job("POST", path, tinyGPX); !strings.Contains(strings.Join(j.Notes, "; "), "0 stored, 2 known") {
		t.Errorf("again: %+v", j)
	}
	if j = c.job("POST", path, "no XML"); j.State != "failed" || j.Error == "" {
		t.Errorf("a wrong file: %+v", j)
	}
	c.want(400, "POST", fmt.Sprintf("/api/jobs/import?format=doc&deviceId=%d", d.ID), tinyGPX)
	c.want(404, "POST", "/api/jobs/import?format=gpx&deviceId=77", tinyGPX)
	ann.DeviceReadonly = true
	if err := e.store.UpdateUser(t.Context(), &ann); err != nil {
		t.Fatal(err)
	}
	_ = e.bus.PublishUser(data.UserChange{ID: ann.ID})
	c.want(403, "POST", path, tinyGPX)
}

// A file that is larger than other bodies comes in whole, one that is too large
// not at all, one that breaks off leaves nothing.
func TestUploads(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	d := e.device("Van", ann)
	path := fmt.Sprintf("/api/jobs/import?format=gpx&deviceId=%d", d.ID)
	long := strings.Replace(tinyGPX, "<trk>", strings.Repeat("<!--"+strings.Repeat("x", 1<<10)+"-->", 2*maxBodyBytes>>10)+"<trk>", 1)
	if j := c.job("POST", path, long); j.State != "done" || j.Count != 3 {
		t.Errorf("a long file: %+v", j)
	}
	before := len(ids(t, c.want(200, "GET", "/api/jobs", nil)))
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	basic := http.Request{Header: http.Header{}}
	basic.SetBasicAuth(ann.Email, testPassword)
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: 1000\r\n\r\n<gpx>", path, basic.Header.Get("Authorization"))
	e.eventually("the upload begins", func() bool { return len(ids(t, c.want(200, "GET", "/api/jobs", nil))) == before+1 })
	conn.Close()
	e.eventually("the upload is forgotten", func() bool { return len(ids(t, c.want(200, "GET", "/api/jobs", nil))) == before })
	full := e.server.uploads
	for range cap(full) {
		full <- struct{}{}
	}
	c.want(503, "POST", path, tinyGPX)
	for range cap(full) {
		<-full
	}
	c.want(200, "POST", path, tinyGPX)
}

func TestBackupJob(t *testing.T) {
	failing := errors.New("secret detail")
	e := newEnvSet(t, func(s storage.Store) storage.Store { return s }, func(_ *Config, d *Deps) {
		d.Backup = func(_ context.Context, file string, step func()) error {
			step()
			if failing != nil {
				return failing
			}
			return os.WriteFile(file, []byte("everything"), 0o600)
		}
	})
	root := e.client().signIn(e.user("root", true))
	if j := root.job("POST", "/api/jobs/backup", nil); j.State != "failed" || strings.Contains(j.Error, "secret") || !strings.Contains(e.logged(), "secret detail") {
		t.Errorf("%+v", j)
	}
	failing = nil
	j := root.job("POST", "/api/jobs/backup", nil)
	if j.State != "done" || j.Progress != nil {
		t.Errorf("%+v", j)
	}
	if a := root.do("GET", fmt.Sprintf("/api/jobs/%d/result", j.ID), nil); a.body != "everything" || !strings.Contains(a.header.Get("Content-Disposition"), ".backup") {
		t.Errorf("%d %s %s", a.code, a.header, a.body)
	}
	c := e.client().signIn(e.user("ann", false))
	c.want(403, "POST", "/api/jobs/backup", nil)
	c.want(404, "GET", fmt.Sprintf("/api/jobs/%d/result", j.ID), nil)
	if got := c.want(200, "GET", "/api/jobs?all=true", nil); got != "[]" {
		t.Errorf("ann sees %s", got)
	}
	if got := ids(t, root.want(200, "GET", "/api/jobs?all=true", nil)); len(got) != 2 {
		t.Errorf("root sees %v", got)
	}
}

// Who loses a device before the export runs does not get it.
func TestExportAsksAgain(t *testing.T) {
	e := newEnv(t)
	ann := e.user("ann", false)
	c := e.client().signIn(ann)
	d := e.device("Van", ann)
	e.position(d.ID, 0)
	hold := make(chan struct{})
	for range 2 { // both that run at a time
		if _, err := e.server.jobs.Submit(99, "export", nil, func(context.Context, *jobs.Work) error { <-hold; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	made := c.readJob(c.want(200, "POST", "/api/jobs/export", exportOf("csv", d.ID)))
	if err := e.store.RemoveLinks(t.Context(), data.UserDevice(ann.ID, d.ID)); err != nil {
		t.Fatal(err)
	}
	_ = e.bus.PublishAccess(linksChanged([]data.Link{data.UserDevice(ann.ID, d.ID)}))
	close(hold)
	var j jobAnswer
	e.eventually("the job ends", func() bool {
		j = c.readJob(c.want(200, "GET", fmt.Sprint("/api/jobs/", made.ID), nil))
		return j.State == "failed" || j.State == "done"
	})
	if j.State != "failed" || j.Size != 0 {
		t.Errorf("%+v", j)
	}
}

// jobProbes walk the jobs of all members; each has one.
func jobProbes() map[string]probe {
	foreign := func(method, path string) probe {
		return func(t *testing.T, m *member) {
			for _, other := range m.u.members {
				if other.ID != m.ID {
					m.refused(t, method, "/api"+path, m.u.jobOf(t, other), nobody, "")
				}
			}
		}
	}
	return map[string]probe{
		"GET /jobs": func(t *testing.T, m *member) {
			own := m.u.jobOf(t, m)
			for _, other := range m.u.members {
				m.u.jobOf(t, other)
			}
			for _, query := range []string{"", "?all=true", "?limit=100"} {
				if got := ids(t, m.want(200, "GET", "/api/jobs"+query, nil)); len(got) != 1 || got[0] != own {
					t.Errorf("%s: jobs%s are %v, want %d", m.Name, query, got, own)
				}
			}
		},
		"GET /jobs/{id}":        foreign("GET", "/jobs/{id}"),
		"DELETE /jobs/{id}":     foreign("DELETE", "/jobs/{id}"),
		"GET /jobs/{id}/result": foreign("GET", "/jobs/{id}/result"),
		"POST /jobs/export": refers("/jobs/export", `{"deviceIds":[ID],"from":"2020-01-01T00:00:00Z","to":"2030-01-01T00:00:00Z","format":"csv"}`,
			data.DeviceKind),
		"POST /jobs/import": ofDevice("POST", "/jobs/import?format=gpx&deviceId={id}", "<gpx/>"),
		"POST /jobs/backup": administrators("POST", "/jobs/backup"),
	}
}

// jobOf is the one job of a member, which it makes.
func (u *universe) jobOf(t *testing.T, m *member) int64 {
	t.Helper()
	if list := u.e.server.jobs.List(m.ID); len(list) > 0 {
		return list[0].ID
	}
	j, err := u.e.server.jobs.Submit(m.ID, "export", nil, func(_ context.Context, w *jobs.Work) error {
		f, err := w.Create()
		if err != nil {
			return err
		}
		w.Name("secret.csv", "text/csv")
		_, err = io.Copy(f, bytes.NewReader([]byte("secret")))
		return errors.Join(err, f.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
	return j.ID
}
