package data

import "errors"

// The kinds of error that cross a border between packages. Wrap them with
// %w; web-server and tgram-bot turn each into a status or a sentence.
var (
	// ErrNotFound says that the thing asked for does not exist, or that the
	// asker may not know that it does.
	ErrNotFound = errors.New("not found")
	// ErrInvalid says that the input breaks a rule; the text says which.
	ErrInvalid = errors.New("invalid")
	// ErrConflict says that the thing exists already or has changed meanwhile.
	ErrConflict = errors.New("conflict")
	// ErrDenied says that the asker may not do this.
	ErrDenied = errors.New("denied")
	// ErrUnavailable says that a part we need does not answer; try again later.
	ErrUnavailable = errors.New("unavailable")
)
