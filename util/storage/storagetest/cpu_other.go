//go:build !unix

package storagetest

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
