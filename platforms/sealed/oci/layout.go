package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

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
