// Command build writes web-server/ui/dist from src/ and vendor/.
//
//	go run ./web-server/ui/build            build the page
//	go run ./web-server/ui/build -vendor    refresh vendor/ from node_modules first
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/waymark-gps/waymark/web-server/ui/internal/bundle"
)

func main() {
	dir := flag.String("dir", "web-server/ui", "folder of package ui")
	vendor := flag.Bool("vendor", false, "copy the third-party files from node_modules to vendor/ first")
	flag.Parse()
	if err := run(*dir, *vendor); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string, vendor bool) error {
	if vendor {
		if err := bundle.Vendor(dir); err != nil {
			return fmt.Errorf("vendor: %w", err)
		}
	}
	files, err := bundle.Build(os.DirFS(dir), bundle.Options{})
	if err != nil {
		return err
	}
	dist := filepath.Join(dir, "dist")
	if err := os.RemoveAll(dist); err != nil {
		return fmt.Errorf("clear dist: %w", err)
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	total := 0
	for _, name := range names {
		for _, form := range bundle.Forms(name, len(files[name])) {
			content, err := bundle.Pack(form, files[name])
			if err != nil {
				return err
			}
			to := filepath.Join(dist, filepath.FromSlash(form))
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(to, content, 0o644); err != nil {
				return err
			}
			total += len(content)
			fmt.Printf("%9d  %s\n", len(content), form)
		}
	}
	fmt.Printf("%9d bytes in %d files\n", total, len(names))
	return nil
}
