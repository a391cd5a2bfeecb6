package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

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
