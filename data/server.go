package data

// Server is how the administrators have set up the server.
type Server struct {
	Attributes Free `json:"attributes"`
	// Registration: anybody may create an account.
	Registration bool `json:"registration"`
	// Readonly, DeviceReadonly, LimitCommands, DisableReports and FixedEmail hold
	// for every account but those of administrators, see User.
	Readonly       bool `json:"readonly"`
	DeviceReadonly bool `json:"deviceReadonly"`
	LimitCommands  bool `json:"limitCommands"`
	DisableReports bool `json:"disableReports"`
	FixedEmail     bool `json:"fixedEmail"`
	// ForceSettings: clients take the server's map settings, not the account's.
	ForceSettings bool `json:"forceSettings"`
	Map           Text `json:"map"`
	BingKey       Text `json:"bingKey"`
	MapURL        Text `json:"mapUrl"`
	OverlayURL    Text `json:"overlayUrl"`
	// Latitude and Longitude (degrees) and Zoom are where maps begin; 0 for not set.
	Latitude         Decimal `json:"latitude"`
	Longitude        Decimal `json:"longitude"`
	Zoom             int64   `json:"zoom"`
	CoordinateFormat Text    `json:"coordinateFormat"`
	PoiLayer         Text    `json:"poiLayer"`
	Announcement     Text    `json:"announcement"`
}

// Media is a file that belongs to a device.
type Media struct {
	DeviceID int64
	// Name is the file's, "device.png".
	Name string
	// Type is the MIME type.
	Type    string
	Content []byte
}
