// Command oci writes container images without a registry, a daemon or any
// package outside the standard library. The sealed build calls it from its
// stand-ins for rules_oci and tar.bzl (platforms/sealed/modules); nothing else
// does. What it writes is an OCI image layout as the specification has it:
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md
//
//	oci base  -root DIR -out LAYOUT           a distroless-like base, one image per CPU
//	oci layer -out FILE [-gzip] PATH=FILE...  a layer tar of the named files
//	oci image -base LAYOUT -out LAYOUT ...    one image: a base and layers
//	oci index -out LAYOUT LAYOUT...           an index over images
//	oci load  -tag TAG LAYOUT                 hands an image to docker or podman
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The media types of the OCI image specification that are used here.
const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar"
	typeLayerGz  = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// platform names an operating system and a CPU as Go does.
type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}

// descriptor points at a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// index is both index.json and a multi-platform image.
type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

// manifest is one image.
type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// runConfig is how a container of the image is started.
type runConfig struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
}

// imageConfig is the configuration blob of one image.
type imageConfig struct {
	platform
	Config runConfig `json:"config"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "oci:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("which of base, layer, image, index, load?")
	}
	commands := map[string]func([]string) error{
		"base": runBase, "layer": runLayer, "image": runImage, "index": runIndex, "load": runLoad,
	}
	command, ok := commands[args[0]]
	if !ok {
		return fmt.Errorf("unknown command %q", args[0])
	}
	return command(args[1:])
}

// list is a flag that may be given many times.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// runBase writes the base image from the files of a Debian tree: certificates,
// time zones, the users root and nonroot, an empty /tmp. No shell, no libraries.
func runBase(args []string) error {
	flags := flag.NewFlagSet("base", flag.ExitOnError)
	root := flags.String("root", "/", "the Debian tree to take files from")
	out := flags.String("out", "", "the layout to write")
	_ = flags.Parse(args)

	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	if err := baseFiles(tw, *root); err != nil {
		return err
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		return err
	}
	var images []descriptor
	for _, p := range []platform{{Architecture: "amd64", OS: "linux"}, {Architecture: "arm64", OS: "linux", Variant: "v8"}} {
		config := imageConfig{platform: p}
		config.Config.User = "65532"
		config.Config.WorkingDir = "/home/nonroot"
		config.Config.Env = []string{
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
		}
		d, err := writeImage(*out, config, manifest{}, [][]byte{buf.Bytes()})
		if err != nil {
			return err
		}
		images = append(images, d)
	}
	return writeLayout(*out, images)
}

func baseFiles(tw *tar.Writer, root string) error {
	dir := func(name string, mode int64, uid int) error {
		return tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, Uid: uid, Gid: uid})
	}
	file := func(name string, content []byte) error {
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err := tw.Write(content)
		return err
	}
	for _, d := range []string{"etc", "etc/ssl", "etc/ssl/certs", "home", "usr", "usr/share", "usr/share/zoneinfo", "var"} {
		if err := dir(d, 0o755, 0); err != nil {
			return err
		}
	}
	if err := errors.Join(dir("root", 0o700, 0), dir("tmp", 0o1777, 0), dir("home/nonroot", 0o700, 65532)); err != nil {
		return err
	}
	files := map[string]string{
		"etc/passwd":        "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
		"etc/group":         "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n",
		"etc/nsswitch.conf": "hosts: files dns\n",
	}
	for _, name := range []string{"etc/group", "etc/nsswitch.conf", "etc/passwd"} {
		if err := file(name, []byte(files[name])); err != nil {
			return err
		}
	}
	certs, err := filepath.Glob(filepath.Join(root, "usr/share/ca-certificates/mozilla/*.crt"))
	if err != nil || len(certs) == 0 {
		return fmt.Errorf("no certificates below %s/usr/share/ca-certificates: install ca-certificates there", root)
	}
	slices.Sort(certs)
	var bundle bytes.Buffer
	for _, c := range certs {
		pem, err := os.ReadFile(c)
		if err != nil {
			return err
		}
		bundle.Write(append(bytes.TrimSpace(pem), '\n'))
	}
	if err := file("etc/ssl/certs/ca-certificates.crt", bundle.Bytes()); err != nil {
		return err
	}
	zones := filepath.Join(root, "usr/share/zoneinfo")
	return filepath.WalkDir(zones, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		switch {
		case name == zones:
			return nil
		case e.IsDir() && (e.Name() == "right" || e.Name() == "posix"):
			return fs.SkipDir
		case e.IsDir():
			return dir(filepath.ToSlash(rel), 0o755, 0)
		case e.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return tw.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: filepath.ToSlash(rel), Linkname: target, Mode: 0o777})
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return file(filepath.ToSlash(rel), content)
	})
}

// runLayer writes a tar of files with a fixed time and owner, so that equal
// files make an equal layer. Every argument is "path in the image=file here".
func runLayer(args []string) error {
	flags := flag.NewFlagSet("layer", flag.ExitOnError)
	out := flags.String("out", "", "the file to write")
	zip := flags.Bool("gzip", false, "compress")
	strip := flags.String("strip-prefix", "", "removed from every path in the image")
	owner := flags.Int("owner", 0, "user id of every file")
	_ = flags.Parse(args)

	f, err := os.Create(*out)
	if err != nil {
		return err
	}
	defer f.Close()
	var w io.Writer = f
	var zw *gzip.Writer
	if *zip {
		zw = gzip.NewWriter(f) // writes no name and no time
		w = zw
	}
	tw := tar.NewWriter(w)
	dirs := map[string]bool{".": true}
	for _, arg := range flags.Args() {
		name, source, ok := strings.Cut(arg, "=")
		if !ok {
			return fmt.Errorf("%q is not path=file", arg)
		}
		name = strings.TrimPrefix(strings.TrimPrefix(name, *strip), "/")
		for _, d := range parents(name) {
			if dirs[d] {
				continue
			}
			dirs[d] = true
			if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: d + "/", Mode: 0o755, Uid: *owner}); err != nil {
				return err
			}
		}
		content, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		info, err := os.Stat(source)
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if info.Mode()&0o111 != 0 {
			mode = 0o755
		}
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Uid: *owner, Size: int64(len(content))}); err != nil {
			return err
		}
		if _, err := tw.Write(content); err != nil {
			return err
		}
	}
	err = tw.Close()
	if zw != nil {
		err = errors.Join(err, zw.Close())
	}
	return errors.Join(err, f.Close())
}

// parents lists the folders above name, outermost first.
func parents(name string) []string {
	var all []string
	for d := path.Dir(name); d != "." && d != "/"; d = path.Dir(d) {
		all = append([]string{d}, all...)
	}
	return all
}

// runImage writes one image: the base's image for the CPU, layers on top, and
// what the flags say of how it starts.
func runImage(args []string) error {
	flags := flag.NewFlagSet("image", flag.ExitOnError)
	base := flags.String("base", "", "the layout of the base, none for an empty one")
	arch := flags.String("arch", "", "CPU, as Go names it")
	out := flags.String("out", "", "the layout to write")
	user := flags.String("user", "", "who runs the entry point")
	workdir := flags.String("workdir", "", "where the entry point starts")
	var layers, entrypoint, cmd, env, labels, ports list
	flags.Var(&layers, "layer", "a tar, plain or gzip (repeatable)")
	flags.Var(&entrypoint, "entrypoint", "one word of it (repeatable)")
	flags.Var(&cmd, "cmd", "one word of it (repeatable)")
	flags.Var(&env, "env", "NAME=value (repeatable)")
	flags.Var(&labels, "label", "name=value (repeatable)")
	flags.Var(&ports, "port", "an exposed port (repeatable)")
	_ = flags.Parse(args)

	config := imageConfig{platform: platform{Architecture: *arch, OS: "linux"}}
	var below manifest
	if *base != "" {
		d, err := findImage(*base, *arch)
		if err != nil {
			return err
		}
		if below, config, err = readImage(*base, d); err != nil {
			return err
		}
		for _, l := range below.Layers {
			if err := copyBlob(*base, *out, l.Digest); err != nil {
				return err
			}
		}
	}
	c := &config.Config
	if *user != "" {
		c.User = *user
	}
	if *workdir != "" {
		c.WorkingDir = *workdir
	}
	if entrypoint != nil {
		c.Entrypoint, c.Cmd = entrypoint, nil
	}
	if cmd != nil {
		c.Cmd = cmd
	}
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		c.Env = slices.DeleteFunc(c.Env, func(old string) bool { return strings.HasPrefix(old, name+"=") })
		c.Env = append(c.Env, e)
	}
	for _, l := range labels {
		name, value, _ := strings.Cut(l, "=")
		if c.Labels == nil {
			c.Labels = map[string]string{}
		}
		c.Labels[name] = value
	}
	for _, p := range ports {
		if c.ExposedPorts == nil {
			c.ExposedPorts = map[string]struct{}{}
		}
		c.ExposedPorts[p] = struct{}{}
	}
	var contents [][]byte
	for _, l := range layers {
		content, err := os.ReadFile(l)
		if err != nil {
			return err
		}
		contents = append(contents, content)
	}
	d, err := writeImage(*out, config, below, contents)
	if err != nil {
		return err
	}
	return writeLayout(*out, []descriptor{d})
}

// runIndex joins images of several platforms under one name.
func runIndex(args []string) error {
	flags := flag.NewFlagSet("index", flag.ExitOnError)
	out := flags.String("out", "", "the layout to write")
	_ = flags.Parse(args)

	all := index{SchemaVersion: 2, MediaType: typeIndex}
	for _, layout := range flags.Args() {
		d, err := findImage(layout, "")
		if err != nil {
			return err
		}
		m, _, err := readImage(layout, d)
		if err != nil {
			return err
		}
		for _, blob := range append([]descriptor{d, m.Config}, m.Layers...) {
			if err := copyBlob(layout, *out, blob.Digest); err != nil {
				return err
			}
		}
		all.Manifests = append(all.Manifests, d)
	}
	content, err := json.Marshal(all)
	if err != nil {
		return err
	}
	d, err := writeBlob(*out, typeIndex, content)
	if err != nil {
		return err
	}
	return writeLayout(*out, []descriptor{d})
}

// runLoad gives an image to the container engine of this machine, as the
// archive that every version of docker and podman reads.
func runLoad(args []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	var tags list
	flags.Var(&tags, "tag", "repository:tag (repeatable)")
	_ = flags.Parse(args)
	layout := flags.Arg(0)

	engine := os.Getenv("LOADER")
	for _, name := range []string{"docker", "podman"} {
		if _, err := exec.LookPath(name); engine == "" && err == nil {
			engine = name
		}
	}
	if engine == "" {
		return errors.New("no docker and no podman in PATH: install one of them")
	}
	d, err := findImage(layout, "")
	if err != nil {
		return err
	}
	m, _, err := readImage(layout, d)
	if err != nil {
		return err
	}
	load := exec.Command(engine, "load")
	load.Stdout, load.Stderr = os.Stdout, os.Stderr
	stdin, err := load.StdinPipe()
	if err != nil {
		return err
	}
	if err := load.Start(); err != nil {
		return err
	}
	err = writeArchive(stdin, layout, m, tags)
	return errors.Join(err, stdin.Close(), load.Wait())
}

func writeArchive(w io.Writer, layout string, m manifest, tags []string) error {
	type entry struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	name := func(d descriptor) string { return "blobs/" + strings.Replace(d.Digest, ":", "/", 1) }
	e := entry{Config: name(m.Config), RepoTags: tags}
	tw := tar.NewWriter(w)
	written := map[string]bool{}
	for i, d := range append([]descriptor{m.Config}, m.Layers...) {
		if i > 0 {
			e.Layers = append(e.Layers, name(d))
		}
		if written[d.Digest] {
			continue
		}
		written[d.Digest] = true
		content, err := readBlob(layout, d.Digest)
		if err != nil {
			return err
		}
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name(d), Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		if _, err := tw.Write(content); err != nil {
			return err
		}
	}
	content, err := json.Marshal([]entry{e})
	if err != nil {
		return err
	}
	if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "manifest.json", Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	if _, err := tw.Write(content); err != nil {
		return err
	}
	return tw.Close()
}

// writeImage stores layers, configuration and manifest, and describes the image.
func writeImage(layout string, config imageConfig, m manifest, layers [][]byte) (descriptor, error) {
	m.SchemaVersion, m.MediaType = 2, typeManifest
	config.RootFS.Type = "layers"
	for _, content := range layers {
		mediaType, plain := typeLayer, io.Reader(bytes.NewReader(content))
		if bytes.HasPrefix(content, []byte{0x1f, 0x8b}) {
			zr, err := gzip.NewReader(plain)
			if err != nil {
				return descriptor{}, err
			}
			mediaType, plain = typeLayerGz, zr
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, plain); err != nil {
			return descriptor{}, err
		}
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, "sha256:"+hex.EncodeToString(sum.Sum(nil)))
		d, err := writeBlob(layout, mediaType, content)
		if err != nil {
			return descriptor{}, err
		}
		m.Layers = append(m.Layers, d)
	}
	content, err := json.Marshal(config)
	if err != nil {
		return descriptor{}, err
	}
	if m.Config, err = writeBlob(layout, typeConfig, content); err != nil {
		return descriptor{}, err
	}
	if content, err = json.Marshal(m); err != nil {
		return descriptor{}, err
	}
	d, err := writeBlob(layout, typeManifest, content)
	d.Platform = &config.platform
	return d, err
}

func writeLayout(layout string, images []descriptor) error {
	content, err := json.Marshal(index{SchemaVersion: 2, MediaType: typeIndex, Manifests: images})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(layout, "index.json"), content, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(layout, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644)
}

func writeBlob(layout, mediaType string, content []byte) (descriptor, error) {
	sum := sha256.Sum256(content)
	d := descriptor{MediaType: mediaType, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(content))}
	dir := filepath.Join(layout, "blobs", "sha256")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return descriptor{}, err
	}
	return d, os.WriteFile(blobPath(layout, d.Digest), content, 0o644)
}

func readBlob(layout, digest string) ([]byte, error) { return os.ReadFile(blobPath(layout, digest)) }

func blobPath(layout, digest string) string {
	return filepath.Join(layout, "blobs", filepath.FromSlash(strings.Replace(digest, ":", "/", 1)))
}

func copyBlob(from, to, digest string) error {
	content, err := readBlob(from, digest)
	if err != nil {
		return err
	}
	_, err = writeBlob(to, "", content)
	return err
}

// findImage is the image of a layout for a CPU, or the first one for "".
func findImage(layout, arch string) (descriptor, error) {
	content, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		return descriptor{}, err
	}
	var all index
	if err := json.Unmarshal(content, &all); err != nil {
		return descriptor{}, fmt.Errorf("read %s: %w", layout, err)
	}
	for _, d := range all.Manifests {
		if d.MediaType == typeManifest && (arch == "" || (d.Platform != nil && d.Platform.Architecture == arch)) {
			return d, nil
		}
	}
	return descriptor{}, fmt.Errorf("%s holds no image for %q", layout, arch)
}

func readImage(layout string, d descriptor) (m manifest, c imageConfig, err error) {
	content, err := readBlob(layout, d.Digest)
	if err != nil {
		return m, c, err
	}
	if err := json.Unmarshal(content, &m); err != nil {
		return m, c, err
	}
	if content, err = readBlob(layout, m.Config.Digest); err != nil {
		return m, c, err
	}
	return m, c, json.Unmarshal(content, &c)
}
