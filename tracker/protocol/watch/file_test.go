package watch

import (
	"testing"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol/protocoltest"
)

// message is one of a watch, its content escaped.
func message(content string) []byte {
	plain := []byte(content)
	b := appendMessage(nil, "3G", "8800000015", "", plain)
	b = append(b[:len(b)-len(plain)-1], appendEscaped(nil, plain)...)
	return append(b, closing)
}

func TestFiles(t *testing.T) {
	const jpeg = "\xFF\xD8\xFF,}[]*\x00\xFF\xD9"
	for name, c := range map[string]struct {
		kind, content string
		frames        []string
		whole         bool
	}{
		"picture":       {data.FileImage, jpeg, []string{"img,5,220322055105," + jpeg}, true},
		"voice":         {data.FileAudio, "#!AMR\n,]", []string{"TK,#!AMR\n,]"}, true},
		"an answer":     {"", "", []string{"TK,1"}, false},
		"pieces from 1": {data.FileAudio, "#!AMR\nx,yz", []string{"JXTK,0,a.amr,1,3,#!AMR\n", "JXTK,0,a.amr,2,3,x,", "JXTK,0,a.amr,3,3,yz"}, true},
		"pieces from 0": {data.FileAudio, "#!AMR\nyz", []string{"JXTK,0,b.amr,0,2,#!AMR\n", "JXTK,0,b.amr,1,2,yz"}, true},
		"half":          {data.FileAudio, "#!AMR\n", []string{"JXTK,0,b.amr,1,2,#!AMR\n"}, false},
		"torn":          {"", "", []string{"JXTK,0,b.amr", "img,5"}, false},
	} {
		var frames [][]byte
		for _, content := range c.frames {
			frames = append(frames, message(content))
		}
		f, _ := protocoltest.File(t, Protocol(), frames...)
		if f.Kind != c.kind || string(f.Content) != c.content || f.Last != c.whole {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
