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
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
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
