package mail

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
)

func TestAttachments(t *testing.T) {
	s := newServer(t, false)
	content := bytes.Repeat([]byte{0, 1, 254, 255, '\r', '\n', '.'}, 5000)
	err := s.sender("starttls").Send(testContext(t), Message{
		To: "ann@example.org", Subject: "Report", Text: "Attached.\n",
		Attachments: []Attachment{{Name: "trips Müller.xlsx", ContentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Content: content}},
	})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := mail.ReadMessage(strings.NewReader((<-s.got).body))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" {
		t.Fatalf("the mail is %s, %v", kind, err)
	}
	parts := multipart.NewReader(parsed.Body, params["boundary"])
	text, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(text); err != nil || !strings.Contains(string(b), "Attached.") {
		t.Errorf("the text is %q, %v", b, err)
	}
	file, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, file))
	if err != nil || !bytes.Equal(b, content) {
		t.Errorf("the file has %d bytes, want %d, %v", len(b), len(content), err)
	}
	if name := file.FileName(); name != "trips Müller.xlsx" {
		if decoded, err := new(mime.WordDecoder).DecodeHeader(name); err != nil || decoded != "trips Müller.xlsx" {
			t.Errorf("the file is called %q", name)
		}
	}
	if got := file.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/vnd.openxmlformats") {
		t.Errorf("the file is %s", got)
	}
}
