package gps103

import (
	"bytes"
	"encoding/hex"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
)

// photo is what must be known of one to read its next piece.
type photo struct {
	// pieces is how many there are, 0 while none was announced.
	pieces int
	// start is where the hexadecimal digits begin behind "vr".
	start int
}

// announce reads the event "vt14", that a photo of 14 pieces follows.
func (c *codec) announce(event []byte) bool {
	digits, ok := bytes.CutPrefix(event, []byte("vt"))
	if !ok || !fields.AllDigits(digits) {
		return false
	}
	n, _ := fields.Integer(digits)
	c.photo = photo{pieces: int(n)}
	return true
}

const (
	// pieceHead is the number of a piece, lowest byte first, and two bytes that
	// are not known; pieceTail is not part of the photo either.
	pieceHead = 4
	pieceTail = 2
)

// jpeg begins every photo.
var jpeg = []byte{0xFF, 0xD8}

// piece reads what follows "vr" in a piece of a photo: the number of pieces,
// which some devices leave out, and the piece in hexadecimal digits. Where they
// begin shows in the first piece, by the mark of a JPEG. Nil if it is not a
// piece of a photo whose beginning was seen.
func (c *codec) piece(text []byte) *data.FilePart {
	for _, start := range [...]int{2, 0, 1} {
		if len(text) < start {
			continue
		}
		b := make([]byte, hex.DecodedLen(len(text)-start))
		if n, err := hex.Decode(b, text[start:]); err != nil || n < pieceHead+pieceTail {
			continue
		}
		index, content := int(b[0])|int(b[1])<<8, b[pieceHead:len(b)-pieceTail]
		switch {
		case index == 0 && bytes.HasPrefix(content, jpeg):
			c.photo.start = start
			if pieces, ok := fields.Integer(text[:start]); ok && c.photo.pieces == 0 {
				c.photo.pieces = int(pieces)
			}
		case index == 0 || start != c.photo.start:
			continue
		}
		if index >= c.photo.pieces {
			return nil
		}
		last := index+1 == c.photo.pieces
		if last {
			c.photo.pieces = 0
		}
		return &data.FilePart{Kind: data.FileImage, From: index, To: index + 1, Last: last, Content: content}
	}
	return nil
}
