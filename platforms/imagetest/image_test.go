// Package imagetest looks at a container image as the build left it: an OCI
// image layout, a folder of files. It needs no container engine. The macro
// service_image runs it once per service; the go command alone skips it.
package imagetest

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What one image may weigh, with its base: on disk and over the network.
const (
	maxPlain      = 45 << 20
	maxCompressed = 18 << 20
)

// layout is the folder of the image under test, or the test is skipped.
func layout(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("IMAGE_LAYOUT")
	if dir == "" {
		t.Skip("no image given: run this with Bazel, e.g. bazel test //tracker:image_test")
	}
	// Bazel starts tests in their package or at the top of the run files.
	for _, base := range []string{".", filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"))} {
		if _, err := os.Stat(filepath.Join(base, dir, "index.json")); err == nil {
			return filepath.Join(base, dir)
		}
	}
	t.Fatalf("no image layout at %s", dir)
	return ""
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

type descriptor struct {
	MediaType string    `json:"mediaType"`
	Digest    string    `json:"digest"`
	Size      int64     `json:"size"`
	Platform  *platform `json:"platform"`
}

type index struct {
	Manifests []descriptor `json:"manifests"`
}

type manifest struct {
	Config descriptor   `json:"config"`
	Layers []descriptor `json:"layers"`
}

type config struct {
	platform
	Config struct {
		User       string
		Entrypoint []string
		Cmd        []string
	} `json:"config"`
	RootFS struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// image is one platform's image.
type image struct {
	manifest manifest
	config   config
}

// blobFile is where a blob lies.
func blobFile(layout, digest string) string {
	return filepath.Join(layout, "blobs", filepath.FromSlash(strings.Replace(digest, ":", "/", 1)))
}

// readJSON reads a blob and checks that it is what its name says.
func readJSON(layout string, d descriptor, into any) error {
	content, err := os.ReadFile(blobFile(layout, d.Digest))
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(content); "sha256:"+hex.EncodeToString(sum[:]) != d.Digest {
		return fmt.Errorf("blob %s holds something else", d.Digest)
	}
	return json.Unmarshal(content, into)
}

// images reads the images of a layout by CPU, following indexes.
func images(layout string) (map[string]image, error) {
	content, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		return nil, err
	}
	var top index
	if err := json.Unmarshal(content, &top); err != nil {
		return nil, err
	}
	found := map[string]image{}
	for todo := top.Manifests; len(todo) > 0; todo = todo[1:] {
		d := todo[0]
		if strings.Contains(d.MediaType, "index") || strings.Contains(d.MediaType, "manifest.list") {
			var inner index
			if err := readJSON(layout, d, &inner); err != nil {
				return nil, err
			}
			todo = append(todo, inner.Manifests...)
			continue
		}
		var i image
		if err := readJSON(layout, d, &i.manifest); err != nil {
			return nil, err
		}
		if err := readJSON(layout, i.manifest.Config, &i.config); err != nil {
			return nil, err
		}
		if i.config.OS != "linux" {
			return nil, fmt.Errorf("an image for %s", i.config.OS)
		}
		found[i.config.Architecture] = i
	}
	return found, nil
}

// walk calls visit for every entry of a layer and returns its size unpacked and packed.
func walk(file string, visit func(*tar.Header, io.Reader) error) (plain, compressed int64, diffID string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, 0, "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, "", err
	}
	magic := make([]byte, 2)
	if _, err := io.ReadFull(f, magic); err != nil {
		return 0, 0, "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, 0, "", err
	}
	var r io.Reader = f
	if magic[0] == 0x1f && magic[1] == 0x8b {
		if r, err = gzip.NewReader(f); err != nil {
			return 0, 0, "", err
		}
	}
	sum := sha256.New()
	r = io.TeeReader(r, sum)
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return 0, 0, "", err
		}
		plain += h.Size
		if err := visit(h, tr); err != nil {
			return 0, 0, "", err
		}
	}
	_, err = io.Copy(io.Discard, r)
	return plain, info.Size(), "sha256:" + hex.EncodeToString(sum.Sum(nil)), err
}

func TestImage(t *testing.T) {
	dir := layout(t)
	all, err := images(dir)
	if err != nil {
		t.Fatal(err)
	}
	// e_machine of an ELF header, by CPU.
	machines := map[string]byte{"amd64": 62, "arm64": 183}
	for cpu, machine := range machines {
		t.Run(cpu, func(t *testing.T) {
			i, ok := all[cpu]
			if !ok {
				t.Fatalf("no image for linux/%s", cpu)
			}
			if i.config.Config.User != "65532" {
				t.Errorf("runs as %q, want 65532", i.config.Config.User)
			}
			entrypoint := os.Getenv("IMAGE_ENTRYPOINT")
			if !slices.Equal(i.config.Config.Entrypoint, []string{entrypoint}) {
				t.Errorf("starts %q, want %q", i.config.Config.Entrypoint, entrypoint)
			}
			if want := strings.Fields(os.Getenv("IMAGE_CMD")); !slices.Equal(i.config.Config.Cmd, want) {
				t.Errorf("with arguments %q, want %q", i.config.Config.Cmd, want)
			}
			checkFiles(t, dir, i, entrypoint, machine)
		})
	}
	if len(all) != len(machines) {
		t.Errorf("%d images, want %d", len(all), len(machines))
	}
}

// checkFiles looks into the layers.
func checkFiles(t *testing.T, dir string, i image, entrypoint string, machine byte) {
	shells := []string{"sh", "bash", "dash", "ash", "busybox"}
	wanted := map[string]bool{entrypoint: false, "/etc/ssl/certs/ca-certificates.crt": false, "/usr/share/zoneinfo/Europe/Berlin": false}
	var plain, compressed int64
	if len(i.config.RootFS.DiffIDs) != len(i.manifest.Layers) {
		t.Fatalf("%d layers and %d diff ids", len(i.manifest.Layers), len(i.config.RootFS.DiffIDs))
	}
	for n, layer := range i.manifest.Layers {
		p, c, diffID, err := walk(blobFile(dir, layer.Digest), func(h *tar.Header, r io.Reader) error {
			name := path.Join("/", h.Name)
			if _, ok := wanted[name]; ok {
				wanted[name] = true
			}
			if h.Typeflag != tar.TypeDir && slices.Contains(shells, path.Base(name)) {
				t.Errorf("there is a shell at %s", name)
			}
			if name != entrypoint {
				return nil
			}
			if h.Mode&0o111 != 0o111 {
				t.Errorf("%s has mode %o and cannot be started by everybody", name, h.Mode)
			}
			elf := make([]byte, 20)
			if _, err := io.ReadFull(r, elf); err != nil {
				return err
			}
			if string(elf[:4]) != "\x7fELF" || elf[18] != machine {
				t.Errorf("%s is not a program for this CPU", name)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("layer %d: %v", n, err)
		}
		if diffID != i.config.RootFS.DiffIDs[n] {
			t.Errorf("layer %d unpacks to %s, the configuration says %s", n, diffID, i.config.RootFS.DiffIDs[n])
		}
		plain += p
		compressed += c
	}
	for name, found := range wanted {
		if !found {
			t.Errorf("no %s in the image", name)
		}
	}
	t.Logf("%.1f MB on disk, %.1f MB to fetch", float64(plain)/(1<<20), float64(compressed)/(1<<20))
	if plain > maxPlain {
		t.Errorf("%d bytes on disk, more than %d", plain, maxPlain)
	}
	if compressed > maxCompressed {
		t.Errorf("%d bytes to fetch, more than %d", compressed, maxCompressed)
	}
}
