package bus

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"

	"github.com/waymark-gps/waymark/data"
)

// A block file of a stream (nats-server 2.x, server/filestore.go) is records
// one after the other, little endian:
//
//	length uint32, of the whole record; bit 31: it has headers
//	sequence uint64; bits 62 and 63 mark what was deleted
//	time int64
//	length of the subject uint16
//	subject, headers with their length before them, message
//	HighwayHash-64 of sequence to message, without the lengths
const (
	recordHead  = 22
	recordHash  = 8
	recordMax   = 32 << 20
	withHeaders = 1 << 31
)

// repair looks through the block files of the stream of positions before a
// server opens them. A server that meets a damaged record drops it and all that
// follows in the file without a word; repair cuts out the damage alone, keeps
// the file as it was in dir/damaged, and says so.
func repair(dir string, log *slog.Logger) error {
	msgs := filepath.Join(dir, "jetstream", "$G", "streams", streamName, "msgs")
	blocks, err := filepath.Glob(strings.ReplaceAll(msgs, "[", "\\[") + "/*.blk")
	if err != nil {
		return fmt.Errorf("look for damage of the bus: %w", err)
	}
	for _, path := range blocks {
		number, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".blk"))
		if err != nil {
			continue // not a block
		}
		block, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("look for damage of the bus: %w", err)
		}
		good, whole := salvage(block, number)
		if len(whole) == 0 {
			continue // sound, or nothing that we understand
		}
		log.Error("the bus's files are damaged, positions that were not stored yet may be lost", "file", path,
			"offset", good, "bytes", len(block)-len(whole), "kept-in", filepath.Join(dir, "damaged"))
		if err := replaceBlock(path, block, whole, filepath.Join(dir, "damaged")); err != nil {
			return fmt.Errorf("repair the bus: %w", err)
		}
	}
	return nil
}

// salvage returns where the first damaged byte of a block is, and the records
// that are whole; nothing of a block that is sound.
func salvage(block []byte, number int) (good int, whole []byte) {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", streamName, number))
	digest, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	good = -1
	for at := 0; at < len(block); {
		if n := record(block[at:], digest); n > 0 {
			if good >= 0 {
				whole = append(whole, block[at:at+n]...)
			}
			at += n
			continue
		}
		if good < 0 {
			good, whole = at, append(whole, block[:at]...)
		}
		// The next record is where its subject is.
		next := bytes.Index(block[min(at+1+recordHead, len(block)):], []byte(data.SubjectPositions+"."))
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return good, whole
}

// record returns the length of the record b begins with, 0 if it is damaged.
func record(b []byte, digest hash.Hash64) int {
	if len(b) < recordHead+recordHash {
		return 0
	}
	length := binary.LittleEndian.Uint32(b)
	n := int(length &^ withHeaders)
	subject := recordHead + int(binary.LittleEndian.Uint16(b[20:]))
	body := subject
	if length&withHeaders != 0 {
		body += 4
	}
	if n > recordMax || n > len(b) || body > n-recordHash {
		return 0
	}
	digest.Reset()
	digest.Write(b[4:20])
	digest.Write(b[recordHead:subject])
	digest.Write(b[body : n-recordHash])
	if !bytes.Equal(digest.Sum(nil), b[n-recordHash:n]) {
		return 0
	}
	return n
}

// replaceBlock puts whole in the place of a block, which it keeps. The index is
// made again by the server, from the blocks.
func replaceBlock(path string, block, whole []byte, keep string) error {
	if err := os.MkdirAll(keep, 0o700); err != nil {
		return err
	}
	sum := sha256.Sum256(block)
	if err := os.WriteFile(filepath.Join(keep, fmt.Sprintf("%s-%x", filepath.Base(path), sum[:4])), block, 0o600); err != nil {
		return err
	}
	index := filepath.Join(filepath.Dir(path), "index.db")
	if err := os.Remove(index); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return writeSynced(path, whole)
}

// writeSynced replaces a file by one that is on disk.
func writeSynced(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "repair-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
