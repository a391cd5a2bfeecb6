package data

import "time"

// The kinds of files that devices send, which are the attributes of a position
// that hold their names.
const (
	FileImage = "image"
	FileAudio = "audio"
	FileVideo = "video"
)

// MaxFile bounds a file of a device in bytes.
const MaxFile = 4 << 20

// FilePart is a piece of a file that a device sends: of a photo, a sound, a film.
type FilePart struct {
	// Kind is FileImage, FileAudio or FileVideo.
	Kind string
	// ID tells the file from others that the device sends at the same time. It may
	// be empty.
	ID string
	// Time is when it was taken, UTC; zero if the frame does not say.
	Time time.Time
	// From and To are where the piece belongs, in bytes or in pieces: the first
	// begins at 0, and each begins where the one before it ends.
	From, To int
	// Last says that the file is whole with this piece.
	Last bool
	// Content is the bytes of the piece. It may lie within the frame.
	Content []byte
}
