package data

// Group holds devices and other groups. Who may see a group sees what is in it,
// however deep.
type Group struct {
	ID         int64 `json:"id"`
	Attributes Free  `json:"attributes"`
	// GroupID is the group it is in; 0 for none.
	GroupID int64  `json:"groupId"`
	Name    string `json:"name"`
}

// Kind implements Object.
func (*Group) Kind() ObjectKind { return GroupKind }

// Fields implements Object.
func (g *Group) Fields() Fields { return Fields{ID: &g.ID, Name: g.Name, GroupID: &g.GroupID} }
