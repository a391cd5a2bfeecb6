package galileo

import "github.com/waymark-gps/waymark/data"

// photo counts the pieces of the photo that is on its way.
type photo struct {
	pieces int
	number byte // of the last one
}

// part reads a piece of a photo: its number and content. A piece without content
// ends the photo.
func (p *photo) part(body []byte) *data.FilePart {
	if len(body) == 0 {
		return nil
	}
	number, content := body[0], body[1:]
	f := &data.FilePart{Kind: data.FileImage, From: p.pieces, To: p.pieces, Content: content}
	switch {
	case len(content) == 0:
		f.Last = true
		*p = photo{}
		return f
	case p.pieces > 0 && number == p.number: // it comes again
		f.From--
		return f
	}
	p.pieces++
	p.number = number
	f.To = p.pieces
	return f
}
