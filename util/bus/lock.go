package bus

// Lock makes sure that no process runs the embedded bus in dir, and so no server
// the data folder it lies in, until unlock. One does: data.ErrConflict.
func Lock(dir string) (unlock func(), err error) { return lockDir(dir) }
