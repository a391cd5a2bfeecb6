package access

import "slices"

// set is a set of ids, made once. Ids of one kind lie close together, so it is
// a row of bits where that is smaller than a map.
type set struct {
	// ids are sorted, each once.
	ids   []int64
	first int64
	bits  []uint64
	far   map[int64]struct{}
}

// spread is how many bits an id may cost before a map is smaller.
const spread = 256

func newSet(ids []int64) set {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	s := set{ids: ids}
	if len(ids) == 0 {
		return s
	}
	s.first = ids[0]
	if span := uint64(ids[len(ids)-1]) - uint64(s.first); span <= spread*uint64(len(ids)) {
		s.bits = make([]uint64, span/64+1)
		for _, id := range ids {
			s.bits[uint64(id-s.first)/64] |= 1 << (uint64(id-s.first) % 64)
		}
		return s
	}
	s.far = make(map[int64]struct{}, len(ids))
	for _, id := range ids {
		s.far[id] = struct{}{}
	}
	return s
}

func (s *set) has(id int64) bool {
	if s.far != nil {
		_, ok := s.far[id]
		return ok
	}
	at := uint64(id) - uint64(s.first) // far beyond the end for what is before the first
	return at/64 < uint64(len(s.bits)) && s.bits[at/64]&(1<<(at%64)) != 0
}

func (s *set) hasAny(ids []int64) bool { return slices.ContainsFunc(ids, s.has) }
