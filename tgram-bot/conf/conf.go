// Package conf holds the bot's default configuration, with a comment on every
// key.
package conf

import _ "embed"

// Default is config.yml.
//
//go:embed config.yml
var Default []byte
