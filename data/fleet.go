package data

// ComputedAttribute makes an attribute of a position from others.
type ComputedAttribute struct {
	ID          int64  `json:"id"`
	Description string `json:"description"`
	// Attribute is the key that is set.
	Attribute  string `json:"attribute"`
	Expression string `json:"expression"`
	// Type is "string", "number" or "boolean".
	Type string `json:"type"`
	// Priority: higher ones are computed first.
	Priority int64 `json:"priority"`
}

// Kind implements Object.
func (*ComputedAttribute) Kind() ObjectKind { return AttributeKind }

// Fields implements Object.
func (a *ComputedAttribute) Fields() Fields { return Fields{ID: &a.ID, Name: a.Description} }

// Driver is a person who drives vehicles.
type Driver struct {
	ID         int64  `json:"id"`
	Attributes Free   `json:"attributes"`
	Name       string `json:"name"`
	// UniqueID is what vehicles report of the driver (driverUniqueId): the number
	// of a card or tag.
	UniqueID string `json:"uniqueId"`
}

// Kind implements Object.
func (*Driver) Kind() ObjectKind { return DriverKind }

// Fields implements Object.
func (d *Driver) Fields() Fields { return Fields{ID: &d.ID, Name: d.Name} }

// Maintenance is work that is due again and again.
type Maintenance struct {
	ID         int64  `json:"id"`
	Attributes Free   `json:"attributes"`
	Name       string `json:"name"`
	// Type is the attribute that is counted: "totalDistance" (metres), "hours"
	// (milliseconds), a time ("fixTime": milliseconds since 1970 UTC), ...
	Type string `json:"type"`
	// Start is when it is due first and Period how often after that, in the unit
	// of Type.
	Start  Decimal `json:"start"`
	Period Decimal `json:"period"`
}

// Kind implements Object.
func (*Maintenance) Kind() ObjectKind { return MaintenanceKind }

// Fields implements Object.
func (m *Maintenance) Fields() Fields { return Fields{ID: &m.ID, Name: m.Name} }

// Order is something to carry from one place to another.
type Order struct {
	ID         int64 `json:"id"`
	Attributes Free  `json:"attributes"`
	// UniqueID is the order's number in the customer's own books.
	UniqueID    string `json:"uniqueId"`
	Description Text   `json:"description"`
	FromAddress Text   `json:"fromAddress"`
	ToAddress   Text   `json:"toAddress"`
}

// Kind implements Object.
func (*Order) Kind() ObjectKind { return OrderKind }

// Fields implements Object.
func (o *Order) Fields() Fields { return Fields{ID: &o.ID, Name: o.UniqueID} }
