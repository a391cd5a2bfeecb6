package watch

import (
	"bytes"
	"strconv"

	"github.com/waymark-gps/waymark/data"
)

// file reads the binary part of a message, nil if there is none: a voice message
// (TK), a piece of one (JXTK: a field, name, number, total, bytes) or a picture
// (img: a field, time, bytes).
func (c *codec) file(kind string, rest []byte) *data.FilePart {
	f := &data.FilePart{Kind: data.FileAudio, To: 1, Last: true, Content: rest}
	switch kind {
	case "TK", "TK2":
		if len(rest) < 2 { // the watch's own answer
			return nil
		}
	case "img":
		fields := bytes.SplitN(rest, []byte(","), 3)
		if len(fields) < 3 {
			return nil
		}
		f.Kind, f.Content = data.FileImage, fields[2]
	case "JXTK":
		fields := bytes.SplitN(rest, []byte(","), 5)
		if len(fields) < 5 {
			return nil
		}
		number, err1 := strconv.Atoi(string(fields[2]))
		total, err2 := strconv.Atoi(string(fields[3]))
		from, ok := c.voice.At(string(fields[1]), number)
		if err1 != nil || err2 != nil || number < 0 || !ok {
			return nil
		}
		f.ID, f.From, f.To, f.Last, f.Content = string(fields[1]), from, from+1, from+1 >= total, fields[4]
	}
	return f
}
