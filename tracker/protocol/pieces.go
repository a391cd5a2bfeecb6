package protocol

// Pieces numbers the pieces of one file at a time from 0, for devices that do
// not say whether they count from 0 or from 1. The zero value is ready.
type Pieces struct {
	id    string
	open  bool
	first int
}

// At is the place of piece number of a file; ok is false if its beginning was
// not seen.
func (p *Pieces) At(id string, number int) (from int, ok bool) {
	same := p.open && p.id == id
	switch {
	case number == 0, number == 1 && (!same || p.first == 1):
		p.id, p.open, p.first = id, true, number
	case !same:
		return 0, false
	}
	return number - p.first, true
}
