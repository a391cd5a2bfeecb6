package imagetest

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// engine speaks to a Docker Engine over its socket; no docker command is needed.
type engine struct{ client http.Client }

// connect finds the engine that DOCKER_HOST names, or the one at the usual place.
func connect(t *testing.T) *engine {
	t.Helper()
	socket := "/run/docker.sock"
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		path, ok := strings.CutPrefix(host, "unix://")
		if !ok {
			t.Skipf("DOCKER_HOST is %s; this test speaks to a socket only", host)
		}
		socket = path
	}
	e := &engine{http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}}
	if err := e.call(t.Context(), "GET", "/_ping", nil, nil); err != nil {
		t.Fatalf("no Docker engine (start one, or leave out tests tagged requires-docker): %v", err)
	}
	return e
}

// call sends body, JSON or a tar, and decodes the answer into out: JSON, or raw into a *bytes.Buffer.
func (e *engine) call(ctx context.Context, method, path string, body, out any) error {
	var content io.Reader
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case io.Reader:
		content, contentType = b, "application/x-tar"
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			return err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", contentType)
	response, err := e.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(answer))
	}
	switch o := out.(type) {
	case nil:
		return nil
	case *bytes.Buffer:
		o.Write(answer)
		return nil
	default:
		return json.Unmarshal(answer, out)
	}
}

// archive packs an image as "docker save" would: every engine loads that.
func archive(layout string, i image, tag string) (io.Reader, error) {
	var out bytes.Buffer
	tw := tar.NewWriter(&out)
	name := func(d descriptor) string { return strings.TrimPrefix(d.Digest, "sha256:") }
	add := func(name string, content []byte) error {
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err := tw.Write(content)
		return err
	}
	layers, added := []string{}, map[string]bool{}
	for _, d := range append([]descriptor{i.manifest.Config}, i.manifest.Layers...) {
		if d.Digest != i.manifest.Config.Digest {
			layers = append(layers, name(d))
		}
		if added[d.Digest] {
			continue
		}
		added[d.Digest] = true
		content, err := os.ReadFile(blobFile(layout, d.Digest))
		if err != nil {
			return nil, err
		}
		if err := add(name(d), content); err != nil {
			return nil, err
		}
	}
	list, err := json.Marshal([]map[string]any{{"Config": name(i.manifest.Config), "RepoTags": []string{tag}, "Layers": layers}})
	if err != nil {
		return nil, err
	}
	if err := add("manifest.json", list); err != nil {
		return nil, err
	}
	return &out, tw.Close()
}

// environment is what the container is started with. A service that runs alone
// needs a bus: {nats} is the address, seen from the container, of a server here.
func environment(t *testing.T) []string {
	t.Helper()
	env := os.Getenv("IMAGE_START_ENV")
	if !strings.Contains(env, "{nats}") {
		return strings.Fields(env)
	}
	bus, err := server.NewServer(&server.Options{Host: "0.0.0.0", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	bus.Start()
	t.Cleanup(func() { bus.Shutdown(); bus.WaitForShutdown() })
	if !bus.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	_, port, err := net.SplitHostPort(bus.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(strings.ReplaceAll(env, "{nats}", "host.docker.internal:"+port))
}

// TestStart loads the image into Docker, starts it with no file system of its
// own to write to but /tmp and /data, waits until /healthz answers, asks the
// image's own "healthcheck", and stops it.
func TestStart(t *testing.T) {
	dir := layout(t)
	port := os.Getenv("IMAGE_HEALTH_PORT") + "/tcp"
	all, err := images(dir)
	if err != nil {
		t.Fatal(err)
	}
	i, ok := all[runtime.GOARCH]
	if !ok {
		t.Fatalf("no image for %s", runtime.GOARCH)
	}
	docker := connect(t)
	entrypoint := os.Getenv("IMAGE_ENTRYPOINT")
	tag := fmt.Sprintf("waymark-imagetest/%s:%d", filepath.Base(entrypoint), os.Getpid())
	packed, err := archive(dir, i, tag)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := docker.call(ctx, "POST", "/images/load?quiet=1", packed, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := docker.call(context.Background(), "DELETE", "/images/"+url.PathEscape(tag)+"?force=1", nil, nil); err != nil {
			t.Log(err)
		}
	})

	var container struct{ ID string }
	err = docker.call(ctx, "POST", "/containers/create", map[string]any{
		"Image":        tag,
		"Env":          environment(t),
		"ExposedPorts": map[string]any{port: struct{}{}},
		"HostConfig": map[string]any{
			"ReadonlyRootfs": true,
			"Tmpfs":          map[string]string{"/tmp": "mode=1777", "/data": "uid=65532"},
			"CapDrop":        []string{"ALL"},
			"ExtraHosts":     []string{"host.docker.internal:host-gateway"},
			"PortBindings":   map[string]any{port: []map[string]string{{"HostIp": "127.0.0.1", "HostPort": ""}}},
		},
	}, &container)
	if err != nil {
		t.Fatal(err)
	}
	at := "/containers/" + container.ID
	t.Cleanup(func() {
		if t.Failed() {
			var logs bytes.Buffer
			_ = docker.call(context.Background(), "GET", at+"/logs?stdout=1&stderr=1&tail=50", nil, &logs)
			t.Logf("the container said:\n%s", logs.String())
		}
		if err := docker.call(context.Background(), "DELETE", at+"?force=1&v=1", nil, nil); err != nil {
			t.Log(err)
		}
	})
	if err := docker.call(ctx, "POST", at+"/start", nil, nil); err != nil {
		t.Fatal(err)
	}
	var state struct {
		State struct {
			Running  bool
			ExitCode int
		}
		NetworkSettings struct {
			Ports map[string][]struct{ HostPort string }
		}
	}
	inspect := func() {
		t.Helper()
		if err := docker.call(ctx, "GET", at+"/json", nil, &state); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if inspect(); !state.State.Running {
			t.Fatalf("it ended at once, with exit code %d", state.State.ExitCode)
		}
		err := healthy(ctx, "http://127.0.0.1:"+state.NetworkSettings.Ports[port][0].HostPort+"/healthz")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no good answer within a minute: %v", err)
		}
	}

	var run struct{ ID string }
	if err := docker.call(ctx, "POST", at+"/exec", map[string]any{"Cmd": []string{entrypoint, "healthcheck"}}, &run); err != nil {
		t.Fatal(err)
	}
	if err := docker.call(ctx, "POST", "/exec/"+run.ID+"/start", map[string]any{"Detach": false}, nil); err != nil {
		t.Fatal(err)
	}
	var result struct{ ExitCode int }
	if err := docker.call(ctx, "GET", "/exec/"+run.ID+"/json", nil, &result); err != nil {
		t.Fatal(err)
	}
	if result.ExitCode != 0 {
		t.Errorf("%s healthcheck ends with exit code %d", entrypoint, result.ExitCode)
	}

	started := time.Now()
	if err := docker.call(ctx, "POST", at+"/stop?t=30", nil, nil); err != nil {
		t.Fatal(err)
	}
	if inspect(); state.State.ExitCode != 0 {
		t.Errorf("stopped, it ended with exit code %d after %v", state.State.ExitCode, time.Since(started))
	}
}

func healthy(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, response.Status)
	}
	return nil
}
